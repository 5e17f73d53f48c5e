"""Write spectral.npz: outputs and gradients of short-time Fourier transforms in nnabla 1.39.0.

Run it with an interpreter that has nnabla 1.39.0: ``python make_spectral.py spectral.npz``.
A case is named by function, window size, stride, size of the transform, window, and the three other arguments.
Sizes of transforms are even: with odd ones nnabla 1.39.0 does not restore the signal.
"""

import itertools
import sys

import numpy as np

import nnabla as nn
import nnabla.functions as F

SIZES = [(16, 4, 16), (12, 8, 16), (13, 4, 16), (5, 2, 8), (9, 20, 12)]


def main(path):
    """Compute all cases and write the file."""
    rng, out = np.random.RandomState(0), {}
    for (width, stride, size), kind, center in itertools.product(SIZES, ("hanning", "hamming", "rectangular"), (0, 1)):
        for name, flag, mode in itertools.product(("stft", "istft"), (0, 1), ("constant", "reflect")):
            # Gradients of the one are what the other computes with its flag; both put windows together again.
            inverse = (name == "stft") == bool(flag)
            if (inverse and mode == "reflect") or (size % stride and (name, flag) != ("stft", 0)):
                continue
            if inverse and not center and (kind == "hanning" or width < size):
                continue
            frames = 4
            length = (frames - 1) * stride + size - 2 * center * (size // 2)
            shapes = [(1, length)] if name == "stft" else [(1, size // 2 + 1, frames)] * 2
            if length < 1:
                continue
            inputs = [nn.Variable.from_numpy_array(rng.randn(*s).astype("f"), need_grad=True) for s in shapes]
            args = {"as_istft_backward" if name == "stft" else "as_stft_backward": bool(flag)}
            ys = getattr(F, name)(*inputs, width, stride, size, kind, bool(center), mode, **args)
            ys = ys if isinstance(ys, tuple) else (ys,)
            case = f"{name} {width} {stride} {size} {kind} {center} {mode} {flag}"
            sink = F.sink(*ys, one_input_grad=False)
            sink.forward()
            for i, y in enumerate(ys):
                out[f"{case}.out{i}"] = y.d.copy()
                y.g = out[f"{case}.gout{i}"] = rng.randn(*y.shape).astype("f")
            for v in inputs:
                v.g = 0
            sink.backward()
            for i, v in enumerate(inputs):
                out[f"{case}.in{i}"], out[f"{case}.gin{i}"] = v.d.copy(), v.g.copy()
    np.savez_compressed(path, **out)


if __name__ == "__main__":
    main(sys.argv[1])
