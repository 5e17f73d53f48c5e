"""Resizing, against ``numpy.interp`` along each axis, PyTorch, and nnabla 1.39.0 (golden/resizing.npz)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.function_bases as FB
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.resizing import CASES, onnx, resized

GOLDEN = Path(__file__).parents[1] / "golden" / "resizing.npz"
test_resizing = conformance(CASES)


def golden():
    with np.load(GOLDEN) as data:
        keys, shapes, values = json.loads(str(data["keys"])), data["shapes"], data["values"]
    at = 0
    for key, shape in zip(keys, shapes):
        yield key, values[at : at + np.prod(shape)].reshape(shape)
        at += np.prod(shape)


@pytest.mark.parametrize("start", ["interpolate", *(f"onnx_resize {n}" for n in (1, 4, 7, 5, 9))])
def test_weights_are_those_of_nnabla_1(start: str) -> None:
    compared = 0
    for key, expected in golden():
        if key.startswith(start):
            name, n, args = key.split(" ", 2)
            y = getattr(FB, name)(nn.Variable.from_numpy_array(np.eye(int(n), dtype="f")[None]), **json.loads(args))
            y.forward()
            assert y.shape[1:] == expected.shape, key
            np.testing.assert_allclose(y.d[0], expected, 1e-5, 1e-5, err_msg=key)
            compared += 1
    assert compared >= 35


@pytest.mark.parametrize(("mode", "name"), [("linear", "bilinear"), ("cubic", "bicubic")])
def test_the_expectation_of_onnx_resize_is_what_pytorch_computes(mode: str, name: str) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.RandomState(4).randn(2, 3, 4, 5)
    for size in ((7, 9), (2, 5), (4, 1)):
        y = torch.nn.functional.interpolate(torch.tensor(x), size=size, mode=name, align_corners=False)
        np.testing.assert_allclose(onnx(x, (2, 3, *size), mode), y.numpy(), 1e-12, 1e-12)


def test_dimensions_with_scale_1_stay_whatever_their_region_of_interest() -> None:
    x = nn.Variable.from_numpy_array(np.arange(24.0).reshape(1, 1, 4, 6))
    roi = (0, 0, 0, 0.3, 1, 1, 1, 0.6)
    y = F.onnx_resize(x, roi, (1, 1, 2, 1), mode="linear", coordinate_transformation_mode="tf_crop_and_resize")
    y.forward()
    np.testing.assert_allclose(y.d[0, 0], np.linspace(0, 18, 8)[:, None] + np.arange(6), 1e-6)


def test_what_lies_beyond_the_border_is_extrapolated_in_any_dimension() -> None:
    x = nn.Variable.from_numpy_array(np.full((1, 1, 4, 6), 3.0))
    roi = (0, 0, 0, -0.3, 1, 1, 1.3, 0.9)
    args = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize"}
    y = F.onnx_resize(x, roi, (1, 1, 2, 2), extrapolation_value=-1, **args)
    y.forward()
    inside = np.outer(np.linspace(0, 3.9, 8) <= 3, np.linspace(-1.5, 4.5, 12) >= 0)
    np.testing.assert_allclose(y.d[0, 0], np.where(inside, 3.0, -1.0), 1e-6)


def test_one_nan_stays_where_it_is() -> None:
    x = np.zeros((1, 6), np.float32)
    x[0, 2] = np.nan
    y = F.interpolate(nn.Variable.from_numpy_array(x), output_size=(12,), half_pixel=True)
    y.forward()
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(y.d[0])), [3, 4, 5, 6])


@pytest.mark.parametrize(
    ("scale", "size"), [((2, 2), (8, 10)), ((1.5, 0.7), (6, 3)), ((2.3,), (11,)), ((0.5, 1, 1), (1, 4, 5))]
)
def test_scale_becomes_a_size_rounded_down(scale, size) -> None:
    y = F.interpolate(nn.Variable((2, 3, 4, 5)), scale=scale)
    assert y.parent.info.args["output_size"] == list(size)
    assert y.shape == (2, 3, 4, 5)[: 4 - len(size)] + size


def test_scale_leaves_out_the_last_channel() -> None:
    y = F.interpolate(nn.Variable((2, 3, 4, 5)), scale=(2, 2), channel_last=True)
    assert y.shape == (2, 6, 8, 5)


def test_output_size_counts_if_scale_is_given_too() -> None:
    assert F.interpolate(nn.Variable((1, 4)), (2,), (3,)).shape == (1, 3)


def test_arguments_are_those_of_nnabla_1() -> None:
    args = F.interpolate(nn.Variable((2, 3, 4, 5)), scale=(2, 2)).parent.info.args
    assert args == {
        "output_size": [8, 10],
        "mode": "linear",
        "align_corners": False,
        "half_pixel": False,
        "half_pixel_for_nn": False,
        "channel_last": False,
    }
    args = F.onnx_resize(nn.Variable((2, 3, 4, 5)), scales=(1, 1, 1.7, 0.6)).parent.info.args
    assert args == {
        "roi": [],
        "scales": [1.0, 1.0, 1.7000000476837158, 0.6000000238418579],
        "sizes": [],
        "mode": "nearest",
        "coordinate_transformation_mode": "half_pixel",
        "cubic_coeff_a": -0.75,
        "exclude_outside": 0,
        "extrapolation_value": 0.0,
        "nearest_mode": "round_prefer_floor",
    }


@pytest.mark.parametrize("make", [lambda x: F.interpolate(x, (2,)), lambda x: F.onnx_resize(x, scales=(1, 1, 2))])
def test_gradients_read_no_data(make) -> None:
    f = make(nn.Variable((2, 3, 4), need_grad=True)).parent
    assert not f.grad_depends_input_data(0, 0)
    assert not f.grad_depends_output_data(0, 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "scale or output_size must be given"),
        ({"scale": 2}, "scale=2 must be a sequence"),
        ({"output_size": 2}, "output_size=2 must be a sequence"),
        ({"scale": (1,) * 5}, r"scale=\(1, 1, 1, 1, 1\) .* more entries than x \(2, 3, 4, 5\)"),
        ({"output_size": (2, 2, 2, 2)}, "has 4 entries; 1 to 3 dimensions"),
        ({"output_size": ()}, "has 0 entries"),
        ({"output_size": (2, 0)}, r"output_size=\(2, 0\) must be 1 or more"),
        ({"output_size": (2, 2), "mode": "cubic"}, "mode='cubic' is not known; choose one of 'nearest', 'linear'"),
        ({"output_size": (2, 2), "align_corners": True, "half_pixel": True}, "exclude each other"),
    ],
)
def test_interpolate_says_what_is_wrong(args, message) -> None:
    with pytest.raises((RuntimeError, TypeError, ValueError), match=message):
        F.interpolate(nn.Variable((2, 3, 4, 5)), **args)


def test_an_empty_dimension_is_not_resized() -> None:
    with pytest.raises(RuntimeError, match=r"x \(2, 0\) has nothing along"):
        F.interpolate(nn.Variable((2, 0)), output_size=(3,))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "exactly one of them must be given"),
        ({"scales": (1, 1, 2), "sizes": (2, 3, 4)}, "exactly one of them"),
        ({"scales": (2, 2)}, r"scales=\(2.0, 2.0\) has 2 entries, but x \(2, 3, 4\) has 3"),
        ({"sizes": (2, 3)}, r"sizes=\(2, 3\) has 2 entries"),
        ({"sizes": (2, 3, 0)}, r"sizes=\(2, 3, 0\) must give 1 or more"),
        ({"scales": (1, 1, 0.1)}, "must give 1 or more"),
        ({"scales": (1, 1, 2), "mode": "area"}, "mode='area' is not known"),
        ({"scales": (1, 1, 2), "nearest_mode": "up"}, "nearest_mode='up' is not known"),
        (
            {"scales": (1, 1, 2), "coordinate_transformation_mode": "tf_crop_and_resize", "roi": (0, 1)},
            r"roi=\(0.0, 1.0\) must have 6 entries",
        ),
    ],
)
def test_onnx_resize_says_what_is_wrong(args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.onnx_resize(nn.Variable((2, 3, 4)), **args)


def test_half_precision_is_near() -> None:
    x = np.random.RandomState(0).randn(2, 3, 4, 5)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for y, args in (
            (F.interpolate(nn.Variable.from_numpy_array(x), output_size=(7, 9)), {"half_pixel": False}),
            (F.onnx_resize(nn.Variable.from_numpy_array(x), sizes=(2, 3, 7, 9), mode="linear"), {"half_pixel": True}),
        ):
            y.forward()
            np.testing.assert_allclose(y.d, resized(x, (7, 9), **args), atol=0.1)
