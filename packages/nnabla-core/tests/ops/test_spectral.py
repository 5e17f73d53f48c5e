"""Fourier transforms, against NumPy's, SciPy's, and nnabla 1.39.0 (golden/spectral.npz)."""

from __future__ import annotations

from pathlib import Path

import array_api_strict
import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.spectral import fft
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.spectral import CASES, SIZES, spectra, transformed

GOLDEN = Path(__file__).parents[1] / "golden" / "spectral.npz"

test_spectral = conformance(CASES)


def names() -> list[str]:
    with np.load(GOLDEN) as data:
        return sorted({key.partition(".")[0] for key in data})


@pytest.mark.parametrize("name", names())
def test_outputs_and_gradients_are_those_of_nnabla_1(name: str) -> None:
    with np.load(GOLDEN) as data:
        case = {key.partition(".")[2]: data[key] for key in data if key.startswith(name + ".")}
    function, *sizes, kind, center, mode, flag = name.split()
    args = {"as_istft_backward" if function == "stft" else "as_stft_backward": flag == "1"}
    inputs = [nn.Variable.from_numpy_array(case[f"in{i}"], need_grad=True) for i in (0, 1) if f"in{i}" in case]
    ys = getattr(F, function)(*inputs, *map(int, sizes), kind, center == "1", mode, **args)
    ys = ys if isinstance(ys, tuple) else (ys,)
    for v in inputs:
        v.grad.zero()
    sink = F.sink(*ys, one_input_grad=False)
    sink.forward()
    for i, y in enumerate(ys):
        np.testing.assert_allclose(y.d, case[f"out{i}"], 1e-4, 2e-5)
        y.g = case[f"gout{i}"]
    sink.backward()
    for i, v in enumerate(inputs):
        np.testing.assert_allclose(v.g, case[f"gin{i}"], 1e-4, 2e-5, err_msg=f"gradient of input {i}")


@pytest.mark.parametrize(("width", "stride", "size"), [(16, 4, 16), (12, 8, 16), (11, 3, 15), (2, 1, 3)])
@pytest.mark.parametrize("window_type", ["hanning", "hamming", "rectangular"])
def test_the_inverse_gives_the_signal_back(width, stride, size, window_type) -> None:
    length = 5 * stride + size % 2
    x = np.random.RandomState(0).randn(2, length).astype("f")
    y = F.istft(
        *F.stft(nn.Variable.from_numpy_array(x), width, stride, size, window_type),
        width, stride, size, window_type, pad_mode="constant",
    )  # fmt: skip
    y.forward()
    assert y.shape[1] > length - stride
    np.testing.assert_allclose(y.d, x[:, : y.shape[1]], atol=1e-5)


def test_each_is_the_gradient_of_the_other() -> None:
    rng = np.random.RandomState(1)
    for mode in ("constant", "reflect"):
        x = nn.Variable.from_numpy_array(rng.randn(2, 16), need_grad=True)
        d = [nn.Variable.from_numpy_array(rng.randn(2, 5, 5)) for _ in range(2)]
        y = F.stft(x, **SIZES, pad_mode=mode)
        expected = nn.grad(y, [x], d)[0]
        found = F.istft(*d, **SIZES, pad_mode=mode, as_stft_backward=True)
        nn.forward_all([expected, found])
        np.testing.assert_allclose(found.d, expected.d, 1e-5, 1e-6)


def test_the_transform_needs_no_fft_of_the_namespace() -> None:
    class Bare:
        """A namespace without extensions."""

        def __getattr__(self, name):
            if name in ("fft", "linalg"):
                raise AttributeError(name)
            return getattr(array_api_strict, name)

    x = np.random.RandomState(0).randn(2, 5, 6, 2)
    for normalized in (False, True):
        y = fft.reference_kernel(Bare(), array_api_strict.asarray(x), signal_ndim=2, normalized=normalized)
        np.testing.assert_allclose(np.asarray(y._array), transformed(x, 2, normalized), atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: F.fft(x, 1),
        lambda x: F.ifft(x, 1),
        lambda x: F.stft(F.reshape(x, (2, 12)), **SIZES)[0],
        lambda x: F.istft(F.reshape(x, (1, 4, 6)), F.reshape(x, (1, 4, 6)), 4, 2, 6, pad_mode="constant"),
    ],
)
def test_gradients_read_no_data(make) -> None:
    f = make(nn.Variable((2, 6, 2), need_grad=True)).parent
    count = len(f.inputs)
    assert not any(f.grad_depends_input_data(i, j) for i in range(count) for j in range(count))
    assert not any(f.grad_depends_output_data(i, o) for i in range(count) for o in range(len(f.outputs)))


def test_arguments_are_those_of_nnabla_1() -> None:
    sizes = {"window_size": 16, "stride": 8, "fft_size": 16}
    real, imaginary = F.stft(nn.Variable((2, 100)), 16, 8, 16)
    f = real.parent
    more = {"window_type": "hanning", "center": True, "pad_mode": "reflect"}
    assert f.info.args == {**sizes, **more, "as_istft_backward": False}
    assert real.shape == imaginary.shape == (2, 9, 13)
    y = nn.Variable((2, 9, 17))
    x = F.istft(y, y, 16, 4, 16, pad_mode="constant")
    assert x.parent.info.args == {**sizes, **more, "stride": 4, "pad_mode": "constant", "as_stft_backward": False}
    assert x.shape == (2, 64)
    assert F.fft(nn.Variable((2, 8, 2)), 1).parent.info.args == {"signal_ndim": 1, "normalized": False}


@pytest.mark.parametrize("function", [F.fft, F.ifft])
@pytest.mark.parametrize(
    ("shape", "signal_ndim", "message"),
    [
        ((2, 8, 3), 1, r"last dimension of x \(2, 8, 3\) must be 2"),
        ((2, 8, 2), 3, "signal_ndim=3 must be from 1 to 2"),
        ((2, 8, 2), 0, "signal_ndim=0 must be from 1 to 2"),
        ((2, 0, 2), 1, "must not be empty"),
    ],
)
def test_transforms_say_what_does_not_fit(function, shape, signal_ndim, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        function(nn.Variable(shape), signal_ndim)


@pytest.mark.parametrize(
    ("shape", "args", "message"),
    [
        ((16,), (8, 4, 8), r"x \(16,\) must be \(batch, elements\)"),
        ((2, 30), (9, 4, 8), "fft_size=8 must be at least window_size=9"),
        ((2, 30), (8, 0, 8), "stride=0 must be 1 or more"),
        ((2, 30), (0, 4, 8), "window_size=0 and"),
        ((2, 7), (8, 4, 8, "hanning", False), r"7 elements with padding \(center=False\), fewer than fft_size=8"),
        ((2, 0), (8, 4, 8), "fewer than"),
        ((2, 30), (8, 4, 8, "kaiser"), "window_type='kaiser' is not known"),
        ((2, 30), (8, 4, 8, "hanning", True, "edge"), "pad_mode='edge' is not known"),
        ((2, 30), (8, 4, 8, "hanning", True, "reflect", True), "pad_mode='reflect' must be 'constant' with"),
    ],
)
def test_stft_says_what_does_not_fit(shape, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.stft(nn.Variable(shape), *args)


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        ([(2, 4, 6)] * 2, (8, 4, 8, "hanning", True, "constant"), r"must both be \(batch, 5, frames\)"),
        ([(2, 5, 6), (2, 5, 7)], (8, 4, 8, "hanning", True, "constant"), "must both be"),
        ([(2, 5, 6)] * 2, (8, 4, 8), "pad_mode='reflect' must be 'constant'"),
        ([(2, 5, 6)] * 2, (8, 3, 8, "hanning", True, "constant"), "fft_size=8 must be a multiple of stride=3"),
        ([(2, 5, 6)] * 2, (8, 3, 8, "hanning", True, "constant", True), "must be a multiple of stride=3"),
        ([(2, 5, 1)] * 2, (8, 4, 8, "hanning", True, "constant"), "nothing is left"),
        (
            [(2, 5, 6)] * 2,
            (8, 4, 8, "hanning", False, "constant"),
            r"NOLA\(Nonzero Overlap Add\) condition is not met\. .* add up to 0 at element 0 .* or pass center=True",
        ),
        (
            [(2, 5, 6)] * 2,
            (8, 8, 8, "hanning", True, "constant"),
            r"NOLA\(Nonzero Overlap Add\) condition is not met\. .* make stride smaller",
        ),
    ],
)
def test_istft_says_what_does_not_fit(shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.istft(*(nn.Variable(s) for s in shapes), *args)


def test_half_precision_is_near() -> None:
    x = np.random.RandomState(0).randn(2, 20)
    pairs = x.reshape(2, 10, 2)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        real, imaginary = F.stft(nn.Variable.from_numpy_array(x), **SIZES)
        restored = F.istft(real, imaginary, **SIZES, pad_mode="constant")
        y = F.fft(nn.Variable.from_numpy_array(pairs), 1)
        nn.forward_all([real, imaginary, restored, y])
    for found, expected in zip((real, imaginary), spectra(x, **SIZES)):
        np.testing.assert_allclose(found.d, expected, atol=0.1)
    np.testing.assert_allclose(restored.d, x, atol=0.1)
    np.testing.assert_allclose(y.d, transformed(pairs, 1), atol=0.1)
