"""Warped images, against interpolation by SciPy, PyTorch, and nnabla 1.39.0 (golden/geometric.npz)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.geometric import CASES, flowed, grid_of, warped

GOLDEN = Path(__file__).parents[1] / "golden" / "geometric.npz"
test_geometric = conformance(CASES)


def names() -> list[str]:
    with np.load(GOLDEN) as data:
        return sorted({key.partition(".")[0] for key in data})


@pytest.mark.parametrize("name", names())
def test_outputs_and_gradients_are_those_of_nnabla_1(name: str) -> None:
    with np.load(GOLDEN) as data:
        case = {key.partition(".")[2]: data[key] for key in data if key.startswith(name + ".")}
    function, *rest = name.split()
    args = {}
    if function == "affine_grid":
        args = {"size": case["out0"].shape[1:-1], "align_corners": rest[1] == "1"}
    elif function == "warp_by_grid":
        args = {"mode": rest[1], "padding_mode": rest[2], "align_corners": rest[3] == "1"}
    inputs = [nn.Variable.from_numpy_array(case[f"in{i}"], need_grad=True) for i in (0, 1) if f"in{i}" in case]
    y = getattr(F, function)(*inputs, **args)
    y.forward()
    np.testing.assert_allclose(y.d, case["out0"], 1e-5, 1e-5)
    for v in inputs:
        v.grad.zero()
    y.backward(case["gout0"])
    for i, v in enumerate(inputs):
        np.testing.assert_allclose(v.g, case[f"gin{i}"], 1e-4, 3e-5, err_msg=f"gradient of input {i}")


@pytest.mark.parametrize("padding_mode", ["zero", "repeat", "reflect"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_far_positions_give_what_pytorch_gives(padding_mode, align_corners) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.RandomState(0)
    x, grid = rng.randn(2, 3, 4, 5), rng.uniform(-9, 9, (2, 6, 7, 2))
    names = {"zero": "zeros", "repeat": "border", "reflect": "reflection"}
    a, b = torch.tensor(x, requires_grad=True), torch.tensor(grid, requires_grad=True)
    args = {"align_corners": align_corners}
    expected = torch.nn.functional.grid_sample(a, b, padding_mode=names[padding_mode], **args)
    expected.backward(torch.ones_like(expected))
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="double")):
        u, v = (nn.Variable.from_numpy_array(m, need_grad=True) for m in (x, grid))
        y = F.warp_by_grid(u, v, padding_mode=padding_mode, **args)
        u.grad.zero()
        v.grad.zero()
        y.forward()
        y.backward(1)
    for ours, theirs in ((y.d, expected.detach()), (u.g, a.grad), (v.g, b.grad)):
        np.testing.assert_allclose(ours, theirs.numpy(), 1e-9, 1e-9)


def test_the_nearest_element_has_no_gradient_in_the_grid() -> None:
    x, grid = nn.Variable((1, 1, 3, 3), need_grad=True), nn.Variable((1, 2, 2, 2), need_grad=True)
    y = F.warp_by_grid(x, grid, mode="nearest")
    x.d, grid.d = 1, 0.3
    x.grad.zero()
    grid.grad.zero()
    y.forward()
    y.backward(1)
    assert np.sum(x.g) == 4
    np.testing.assert_array_equal(grid.g, 0)


def test_a_position_that_is_no_number_gives_no_number_there() -> None:
    grid = np.zeros((1, 1, 3, 2), np.float32)
    grid[0, 0, 1] = np.nan
    for padding_mode in ("zero", "repeat", "reflect"):
        x = nn.Variable.from_numpy_array(np.ones((1, 1, 4, 4)))
        y = F.warp_by_grid(x, nn.Variable.from_numpy_array(grid), padding_mode=padding_mode)
        y.forward()
        np.testing.assert_array_equal(np.isnan(y.d[0, 0, 0]), [False, True, False])


def test_zeros_outside_are_not_touched_by_infinity_inside() -> None:
    x = nn.Variable.from_numpy_array(np.full((1, 1, 2, 2), np.inf))
    y = F.warp_by_grid(x, nn.Variable.from_numpy_array(np.full((1, 1, 1, 2), 40.0)))
    y.forward()
    assert y.d.item() == 0


def test_arguments_and_what_gradients_read_are_those_of_nnabla_1() -> None:
    x, grid = nn.Variable((2, 3, 4, 5), need_grad=True), nn.Variable((2, 3, 4, 2), need_grad=True)
    f = F.warp_by_grid(x, grid).parent
    wanted = {"mode": "linear", "padding_mode": "zero", "align_corners": False, "channel_last": False}
    assert f.info.args == wanted
    assert all(f.grad_depends_input_data(i, j) for i in (0, 1) for j in (0, 1))
    assert not any(f.grad_depends_output_data(i, 0) for i in (0, 1))
    f = F.warp_by_flow(x, nn.Variable((2, 2, 4, 5), need_grad=True)).parent
    assert [[f.grad_depends_input_data(i, j) for j in (0, 1)] for i in (0, 1)] == [[False, True], [True, True]]
    f = F.affine_grid(nn.Variable((2, 2, 3), need_grad=True), (4, 5)).parent
    assert f.info.args == {"size": [4, 5], "align_corners": False}
    assert f.grad_depends_input_data(0, 0)


@pytest.mark.parametrize(
    ("function", "shapes", "args", "message"),
    [
        ("affine_grid", [(2, 2, 3)], {"size": (4, 5, 6)}, r"theta \(2, 2, 3\) must be \(B, 3, 4\)"),
        ("affine_grid", [(2, 3)], {"size": (4, 5)}, r"theta \(2, 3\) must be \(B, 2, 3\)"),
        ("affine_grid", [(2, 2, 3)], {"size": (4,)}, r"size=\(4,\) must be \(H, W\)"),
        ("affine_grid", [(2, 2, 3)], {"size": (4, 0)}, r"size=\(4, 0\) must be"),
        ("warp_by_grid", [(2, 3, 4, 5), (2, 3, 4, 3)], {}, r"grid \(2, 3, 4, 3\) as many, the last of size 2 or 3"),
        ("warp_by_grid", [(2, 3, 4, 5), (2, 4, 2)], {}, "must have 4 or 5 dimensions"),
        ("warp_by_grid", [(2, 3, 4, 5), (1, 3, 4, 2)], {}, "has 2 images but grid"),
        ("warp_by_grid", [(2, 3, 0, 5), (2, 3, 4, 2)], {}, "empty spatial dimensions"),
        ("warp_by_grid", [(2, 3, 4, 5), (2, 3, 4, 2)], {"mode": "cubic"}, "mode='cubic' is not known"),
        ("warp_by_grid", [(2, 3, 4, 5), (2, 3, 4, 2)], {"padding_mode": "wrap"}, "padding_mode='wrap' is not known"),
        ("warp_by_flow", [(2, 3, 4, 5), (2, 3, 4, 5)], {}, r"flow \(2, 3, 4, 5\) be \(B, 2, H, W\)"),
        ("warp_by_flow", [(2, 3, 4, 5), (2, 2, 4, 6)], {}, "same B, H and W"),
        ("warp_by_flow", [(2, 3, 0, 5), (2, 2, 0, 5)], {}, "empty spatial dimensions"),
    ],
)
def test_errors_name_what_does_not_fit(function, shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        getattr(F, function)(*(nn.Variable(s) for s in shapes), **args)


def test_half_precision_is_near() -> None:
    rng = np.random.RandomState(0)
    x, grid = rng.randn(2, 3, 4, 5), rng.uniform(-1, 1, (2, 3, 4, 2))
    theta, flow = rng.randn(2, 2, 3), rng.randn(2, 2, 4, 5)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        x_, grid_, theta_, flow_ = (nn.Variable.from_numpy_array(a) for a in (x, grid, theta, flow))
        results = [F.warp_by_grid(x_, grid_), F.affine_grid(theta_, (4, 5)), F.warp_by_flow(x_, flow_)]
        nn.forward_all(results)
    for y, expected in zip(results, (warped(x, grid), grid_of(theta, (4, 5)), flowed(x, flow))):
        np.testing.assert_allclose(y.d, expected, atol=0.1)
