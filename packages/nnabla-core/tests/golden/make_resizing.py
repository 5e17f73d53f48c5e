"""Write resizing.npz: what nnabla 1.39.0 makes of identity matrices, so that each entry holds interpolation weights.

Run it with an interpreter that has nnabla 1.39.0: ``python make_resizing.py resizing.npz``.
A key is the call: function, size, and the arguments as JSON.
"""

import itertools
import json
import sys

import numpy as np

import nnabla as nn
import nnabla.function_bases as functions

PAIRS = [(1, 4), (4, 1), (4, 8), (7, 3), (5, 5), (5, 13), (9, 12)]
COORDINATES = [
    "half_pixel",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
]


def calls():
    """Yield function, size of the input and arguments."""
    for n, m in PAIRS:
        for mode, corners, pixel, nearest in itertools.product(("linear", "nearest"), *[(False, True)] * 3):
            if not (corners and pixel):
                args = {"align_corners": corners, "half_pixel": pixel, "half_pixel_for_nn": nearest}
                yield "interpolate", n, {"output_size": [m], "mode": mode, **args}
        for where, size in itertools.product(COORDINATES, ({"sizes": [1, n, m]}, {"scales": [1, 1, m / n * 1.07]})):
            if "sizes" in size and n == m:
                continue
            base = {**size, "coordinate_transformation_mode": where}
            if where == "tf_crop_and_resize":
                base["roi"] = [0, 0, 0.15, 1, 1, 0.8] if m != 13 else [0, 0, -0.2, 1, 1, 1.1]
            yield "onnx_resize", n, {**base, "mode": "linear"}
            yield "onnx_resize", n, {**base, "mode": "cubic"}
            yield "onnx_resize", n, {**base, "mode": "cubic", "exclude_outside": 1, "cubic_coeff_a": -0.5}
            for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
                yield "onnx_resize", n, {**base, "mode": "nearest", "nearest_mode": rounding}


def main(path):
    """Compute all calls and write the file."""
    out = {}
    for function, n, args in calls():
        y = getattr(functions, function)(nn.Variable.from_numpy_array(np.eye(n, dtype="f")[None]), **args)
        y.forward()
        out[f"{function} {n} {json.dumps(args)}"] = y.d[0].copy()
    keys = list(out)
    np.savez_compressed(
        path,
        keys=np.array(json.dumps(keys)),
        shapes=np.array([out[k].shape for k in keys]),
        values=np.concatenate([out[k].reshape(-1) for k in keys]),
    )


if __name__ == "__main__":
    main(sys.argv[1])
