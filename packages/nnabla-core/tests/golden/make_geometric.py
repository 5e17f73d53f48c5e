"""Write geometric.npz: outputs and gradients of warped images in nnabla 1.39.0.

Run it with an interpreter that has nnabla 1.39.0: ``python make_geometric.py geometric.npz``.
"""

import itertools
import sys

import numpy as np

import nnabla as nn
import nnabla.functions as F

IMAGES = {"near": ((2, 3, 4, 5), (4, 5), 1.1), "far": ((2, 2, 4, 5), (4, 5), 7), "flat": ((1, 2, 1, 5), (3, 4), 2)}
VOLUME = {"volume": ((2, 2, 3, 4, 2), (2, 3, 2), 1.5)}


def main(path):
    """Compute all cases and write the file."""
    rng, out = np.random.RandomState(0), {}

    def run(case, function, *arrays, **args):
        inputs = [nn.Variable.from_numpy_array(a.astype("f"), need_grad=True) for a in arrays]
        if args.get("mode") == "nearest":
            inputs[1].need_grad = False
        y = function(*inputs, **args)
        y.forward()
        for v in inputs:
            v.g = 0
        out[f"{case}.out0"], out[f"{case}.gout0"] = y.d.copy(), rng.randn(*y.shape).astype("f")
        y.backward(out[f"{case}.gout0"])
        for i, v in enumerate(inputs):
            out[f"{case}.in{i}"], out[f"{case}.gin{i}"] = v.d.copy(), v.g.copy()

    for corners in (0, 1):
        for size in ((4, 5), (3, 4, 5)):
            theta = rng.randn(2, len(size), len(size) + 1)
            run(f"affine_grid {len(size)} {corners}", F.affine_grid, theta, size=size, align_corners=bool(corners))
        for mode, outside in itertools.product(("linear", "nearest"), ("zero", "repeat", "reflect")):
            args = {"mode": mode, "padding_mode": outside, "align_corners": bool(corners)}
            for name, (shape, points, reach) in {**IMAGES, **VOLUME}.items():
                grid = rng.uniform(-reach, reach, (shape[0], *points, len(points)))
                run(f"warp_by_grid {name} {mode} {outside} {corners}", F.warp_by_grid, rng.randn(*shape), grid, **args)
        # Positions between two elements, which rounding decides.
        half = np.stack(np.meshgrid(np.linspace(-2, 2, 33), np.linspace(-2, 2, 33)), -1)[None]
        for outside in ("zero", "repeat"):
            args = {"mode": "nearest", "padding_mode": outside, "align_corners": bool(corners)}
            run(f"warp_by_grid tie nearest {outside} {corners}", F.warp_by_grid, rng.randn(1, 1, 4, 5), half, **args)
    run("warp_by_flow", F.warp_by_flow, rng.randn(2, 3, 5, 6), rng.randn(2, 2, 5, 6) * 2)
    run("warp_by_flow whole", F.warp_by_flow, rng.randn(2, 1, 5, 6), rng.randint(-4, 5, (2, 2, 5, 6)))
    np.savez_compressed(path, **out)


if __name__ == "__main__":
    main(sys.argv[1])
