"""The benchmarks' networks compute what PyTorch's do from the same weights, or the comparison would mean nothing."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.solvers as S

torch = pytest.importorskip("torch")


def copy_weights(module, channel_last=False):
    """Give the parameters of the network that was made last to a PyTorch module, whose layers have the same order."""
    targets = [
        (layer, getattr(layer, name))
        for layer in module.modules()
        for name in ("weight", "bias")
        if isinstance(getattr(layer, name, None), torch.nn.Parameter)
    ]
    layers = {}
    for name, parameter in nn.get_parameters().items():
        scope, _, last = name.rpartition("/")
        layers.setdefault(scope, {})["weight" if last in ("W", "gamma") else "bias"] = parameter.d
    arrays = [layer[name] for layer in layers.values() for name in ("weight", "bias") if name in layer]
    assert len(arrays) == len(targets)
    for (layer, target), array in zip(targets, arrays):
        if isinstance(layer, torch.nn.Linear):
            array = array.T
        elif channel_last and array.ndim == 4 and isinstance(layer, torch.nn.Conv2d):
            array = np.moveaxis(array, -1, 1)
        target.data = torch.from_numpy(array.reshape(target.shape).copy())


def losses(loss, torch_loss, module, rate=0.05):
    """Losses here and in PyTorch, before and after a step of gradient descent."""
    solver, rule = S.Sgd(rate), torch.optim.SGD([p for p in module.parameters() if p.requires_grad], rate)
    solver.set_parameters(nn.get_parameters())
    ours, theirs = [], []
    for _ in range(2):
        loss.forward()
        solver.zero_grad()
        loss.backward()
        solver.update()
        ours.append(float(loss.d))
        rule.zero_grad()
        value = torch_loss()
        value.backward()
        rule.step()
        theirs.append(value.item())
    assert abs(ours[0] - ours[1]) > 1e-3 * abs(ours[0])
    return ours, theirs


@pytest.mark.parametrize(
    "ours, theirs, shape, pixels",
    [
        ("mobile", "mobile", (4, 3, 16, 16), ()),
        ("sequence_net", "sequence_net", (4, 16, 64), ()),
        ("volume_net", "volume_net", (2, 1, 8, 8, 8), ()),
        ("channel_last_net", "ChannelLastNet", (4, 8, 8, 3), ()),
        ("unet", "UNet", (2, 3, 16, 16), (16, 16)),
        ("residual_mlp", "residual_mlp", (8, 256), ()),
    ],
)
def test_networks_have_the_losses_of_pytorch(load_benchmark, ours, theirs, shape, pixels):
    nn.clear_parameters()
    rng = np.random.RandomState(1)
    images = rng.randn(*shape).astype(np.float32)
    labels = rng.randint(0, 4, (shape[0], *pixels))
    without_draws = {"dropout": 0.0} if ours == "residual_mlp" else {}
    x, t = nn.Variable.from_numpy_array(images), nn.Variable.from_numpy_array(labels[:, None])
    y = getattr(load_benchmark("nnabla_networks"), ours)(x, **without_draws)
    loss = F.mean(F.softmax_cross_entropy(y, t, axis=1))
    module = getattr(load_benchmark("torch_networks"), theirs)(**without_draws)
    copy_weights(module, channel_last=ours == "channel_last_net")

    def torch_loss():
        return torch.nn.functional.cross_entropy(module(torch.from_numpy(images)), torch.from_numpy(labels))

    np.testing.assert_allclose(*losses(loss, torch_loss, module), rtol=1e-4)


def test_the_gradient_penalty_is_that_of_pytorch(load_benchmark):
    nn.clear_parameters()
    arrays = [np.random.RandomState(i).randn(4, 1, 28, 28).astype(np.float32) for i in range(3)]
    loss = load_benchmark("nnabla_networks").critic_loss(*map(nn.Variable.from_numpy_array, arrays))
    networks = load_benchmark("torch_networks")
    module = networks.critic()
    copy_weights(module)

    def torch_loss():
        return networks.critic_loss(module, *map(torch.from_numpy, arrays))

    np.testing.assert_allclose(*losses(loss, torch_loss, module), rtol=1e-4)


def test_the_language_model_is_that_of_pytorch(load_benchmark):
    sizes = load_benchmark("case_sizes").LANGUAGE
    nn.clear_parameters()
    rng = np.random.RandomState(2)
    words, following = (rng.randint(0, sizes["words"], (sizes["steps"], sizes["batch"])) for _ in range(2))
    loss = load_benchmark("nnabla_networks").language_loss(*map(nn.Variable.from_numpy_array, (words, following)))
    module = load_benchmark("torch_networks").LanguageModel()
    found = {name: torch.from_numpy(p.d.copy()) for name, p in nn.get_parameters().items()}
    module.embed.weight.data = found["embed/W"]
    module.out.weight.data, module.out.bias.data = found["affine/W"].T.contiguous(), found["affine/b"]
    for i, weight in enumerate([found["lstm/weight_l0"][0], found["lstm/weight"][0, 0]]):
        both = weight.flatten(0, 1)
        inputs = both.shape[1] - sizes["hidden"]
        getattr(module.lstm, f"weight_ih_l{i}").data = both[:, :inputs].contiguous()
        getattr(module.lstm, f"weight_hh_l{i}").data = both[:, inputs:].contiguous()
        getattr(module.lstm, f"bias_ih_l{i}").data = found["lstm/bias"][i, 0].flatten()
        # PyTorch has two biases that add up: here the second stays 0.
        getattr(module.lstm, f"bias_hh_l{i}").data.zero_()
        getattr(module.lstm, f"bias_hh_l{i}").requires_grad_(False)

    def torch_loss():
        y = module(torch.from_numpy(words))
        return torch.nn.functional.cross_entropy(y, torch.from_numpy(following).flatten())

    # A mean over many words changes little, so the step is large enough to show in the digits compared.
    np.testing.assert_allclose(*losses(loss, torch_loss, module, rate=5.0), rtol=1e-5)
