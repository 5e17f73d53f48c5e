"""Multi-head attention against PyTorch's."""

import numpy as np
import pytest

import nnabla as nn
from nnabla import functions as F

torch = pytest.importorskip("torch")

TARGET, SOURCE, BATCH, EMBED, HEADS = 3, 5, 2, 8, 4
WEIGHTS = ["q_weight", "k_weight", "v_weight", "out_weight"]
BIASES = ["q_bias", "k_bias", "v_bias", "out_bias"]


def draws(key_size=EMBED, value_size=EMBED):
    rng = np.random.RandomState(0)

    def draw(*shape):
        return 0.5 * rng.randn(*shape).astype(np.float32)

    return {
        "query": draw(TARGET, BATCH, EMBED),
        "key": draw(SOURCE, BATCH, key_size),
        "value": draw(SOURCE, BATCH, value_size),
        "q_weight": draw(EMBED, EMBED),
        "k_weight": draw(key_size, EMBED),
        "v_weight": draw(value_size, EMBED),
        "out_weight": draw(EMBED, EMBED),
        **{name: draw(EMBED) for name in BIASES},
        "attn_bias_k": draw(1, 1, EMBED),
        "attn_bias_v": draw(1, 1, EMBED),
        "additive_mask": draw(TARGET, SOURCE),
        "key_padding_mask": np.array([[0, 1, 0, 0, 1], [0, 0, 0, 0, 0]], np.float32),
    }


def torch_attention(given):
    """Output, weights and gradients of the output's sum of squares."""
    t = {name: torch.tensor(array, requires_grad="mask" not in name) for name, array in given.items()}
    mask, padding = t.get("additive_mask"), t.get("key_padding_mask")
    output, weights = torch.nn.functional.multi_head_attention_forward(
        t["query"],
        t["key"],
        t["value"],
        EMBED,
        HEADS,
        None,
        torch.cat([t[name] for name in BIASES[:3]]) if "q_bias" in t else None,
        t.get("attn_bias_k"),
        t.get("attn_bias_v"),
        False,
        0.0,
        t["out_weight"].T,
        t.get("out_bias"),
        key_padding_mask=None if padding is None else torch.where(padding != 0, -torch.inf, 0.0),
        attn_mask=mask,
        use_separate_proj_weight=True,
        q_proj_weight=t["q_weight"].T,
        k_proj_weight=t["k_weight"].T,
        v_proj_weight=t["v_weight"].T,
        average_attn_weights=False,
    )
    (output**2).sum().backward()
    grads = {name: tensor.grad.numpy() for name, tensor in t.items() if tensor.grad is not None}
    return output.detach().numpy(), weights.detach().numpy(), grads


OPTIONS = {
    "plain": [],
    "biased": BIASES,
    "attn_bias": ["attn_bias_k", "attn_bias_v"],
    "additive_mask": ["additive_mask"],
    "padding": ["key_padding_mask"],
    "everything": [*BIASES, "attn_bias_k", "attn_bias_v", "additive_mask", "key_padding_mask"],
}


@pytest.mark.parametrize("sizes", [(EMBED, EMBED), (5, 7)])
@pytest.mark.parametrize("option", OPTIONS)
def test_output_weights_and_gradients_equal_pytorch(option, sizes):
    chosen = ["query", "key", "value", *WEIGHTS, *OPTIONS[option]]
    given = {name: array for name, array in draws(*sizes).items() if name in chosen}
    expected, expected_weights, expected_grads = torch_attention(given)
    variables = {
        name: nn.Variable.from_numpy_array(array, need_grad="mask" not in name) for name, array in given.items()
    }
    output, weights = F.multi_head_attention(num_heads=HEADS, **variables)
    loss = F.sum(output**2)
    nn.forward_all([loss, output, weights])
    np.testing.assert_allclose(output.d, expected, rtol=1e-4, atol=1e-5)
    assert weights.shape == (BATCH * HEADS, *expected_weights.shape[2:])
    np.testing.assert_allclose(weights.d.reshape(expected_weights.shape), expected_weights, atol=1e-5)
    for name in expected_grads:
        variables[name].grad.zero()
    loss.backward()
    for name, grad in expected_grads.items():
        np.testing.assert_allclose(variables[name].g, grad, rtol=1e-3, atol=2e-5, err_msg=name)


def test_imperative_mode_gives_the_same():
    given = draws()
    variables = {k: nn.Variable.from_numpy_array(v) for k, v in given.items()}
    static, _ = F.multi_head_attention(num_heads=HEADS, **variables)
    static.forward()
    arrays = {k: nn.NdArray.from_numpy_array(v) for k, v in given.items()}
    output, _ = F.multi_head_attention(num_heads=HEADS, **arrays)
    assert isinstance(output, nn.NdArray)
    np.testing.assert_array_equal(output.data, static.d)


def test_padding_hides_what_is_not_a_number():
    given = draws()
    given["key"][1, 0] = np.nan
    given["value"][1, 0] = 0
    variables = {k: nn.Variable.from_numpy_array(v) for k, v in given.items()}
    output, _ = F.multi_head_attention(num_heads=HEADS, **variables)
    output.forward()
    assert np.isfinite(output.d).all()


def test_dropout_drops_weights_and_scales_the_rest():
    variables = {
        name: nn.Variable.from_numpy_array(array)
        for name, array in draws().items()
        if name in ["query", "key", "value", *WEIGHTS]
    }
    _, kept = F.multi_head_attention(num_heads=HEADS, **variables)
    _, dropped = F.multi_head_attention(num_heads=HEADS, dropout=0.5, **variables)
    nn.forward_all([kept, dropped])
    survived = dropped.d != 0
    assert 0.2 < survived.mean() < 0.8
    np.testing.assert_allclose(dropped.d[survived], 2 * kept.d[survived], rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"num_heads": 3}, "num_heads=3 does not divide the 8 features that q_weight"),
        ({"num_heads": 0}, "num_heads=0"),
        ({"query": (3, 8)}, "query must have the 3 dimensions"),
        ({"key": (4, 2, 8)}, "must agree in S and B"),
        ({"query": (3, 1, 8)}, "must agree in S and B"),
        ({"k_weight": (8, 4)}, "must project to the same size"),
        ({"v_weight": (8, 7)}, "num_heads=4 does not divide the 7 features that v_weight"),
        ({"attn_bias_v": None}, "pass both"),
    ],
)
def test_what_does_not_fit_is_named(change, text):
    args = {name: nn.Variable(array.shape) for name, array in draws().items()}
    args["num_heads"] = HEADS
    args.update({k: nn.Variable(v) if isinstance(v, tuple) else v for k, v in change.items()})
    with pytest.raises(RuntimeError, match=f"multi_head_attention: .*{text}|{text}") as caught:
        F.multi_head_attention(**args)
    assert isinstance(caught.value, (ValueError, AssertionError))
