"""Warped images, against interpolation by SciPy."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

import nnabla.functions as F
from nnabla.testing.cases import Case, cases, normal, uniform


def grid_of(theta, size, align_corners=False):
    """Positions as matrix products, coordinate by coordinate."""
    lines = [np.linspace(-1, 1, n) if align_corners else (2 * np.arange(n) + 1) / n - 1 for n in size]
    lines = [np.zeros(1) if len(line) == 1 else line for line in lines]
    points = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(size)], axis=-1)
    return np.einsum("bij,...j->b...i", theta, points)


def warped(x, grid, mode="linear", padding_mode="zero", align_corners=False, channel_last=False):
    """SciPy at the grid's positions in pixels; a border of zeros wide enough makes zeros outside."""
    x = np.moveaxis(x, -1, 1) if channel_last else x
    sizes = np.array(x.shape[2:])
    at = np.moveaxis(grid[..., ::-1], -1, 1)
    scale = sizes.reshape(-1, *(1,) * len(sizes))
    at = (at + 1) * (scale - 1) / 2 if align_corners else ((at + 1) * scale - 1) / 2
    if padding_mode == "zero":
        x = np.pad(x, [(0, 0), (0, 0), *[(40, 40)] * len(sizes)])
        at = at + 40
    kind = {"zero": "constant", "repeat": "nearest", "reflect": "mirror" if align_corners else "reflect"}[padding_mode]
    order = 1 if mode == "linear" else 0
    y = np.stack([[map_coordinates(c, p, order=order, mode=kind) for c in image] for image, p in zip(x, at)])
    return np.moveaxis(y, 1, -1) if channel_last else y


def flowed(data, flow):
    """SciPy at each pixel's place plus the flow."""
    places = np.indices(data.shape[2:]) + flow[:, ::-1]
    return np.stack(
        [[map_coordinates(c, at, order=1, mode="nearest") for c in image] for image, at in zip(data, places)]
    )


IMAGES, GRID = normal(2, 3, 4, 5), uniform(-1.4, 1.4, 2, 3, 2, 2)
EVERY = {"padding_mode": ["zero", "repeat", "reflect"], "align_corners": [False, True]}
CASES = [
    *cases(
        F.affine_grid, [normal(2, 2, 3)], {"size": [(4, 5), (1, 3)], "align_corners": [False, True]}, expect=grid_of
    ),
    *cases(F.affine_grid, [normal(2, 3, 4)], {"size": (2, 3, 4), "align_corners": [False, True]}, expect=grid_of),
    *cases(F.warp_by_grid, [IMAGES, GRID], EVERY, expect=warped),
    *cases(F.warp_by_grid, [IMAGES, GRID], {"mode": "nearest", **EVERY}, expect=warped, grad=[0]),
    *cases(
        F.warp_by_grid,
        [normal(2, 4, 5, 3), GRID],
        {"channel_last": True, "mode": ["linear", "nearest"]},
        expect=warped,
        grad=[0],
    ),
    *cases(F.warp_by_grid, [normal(2, 2, 3, 4, 2), uniform(-1.3, 1.3, 2, 2, 3, 2, 3)], EVERY, expect=warped),
    Case(F.warp_by_grid, [normal(2, 3, 4, 2, 2), uniform(-1, 1, 2, 2, 1, 2, 3)], {"channel_last": True}, warped),
    *cases(
        F.warp_by_grid,
        [normal(1, 2, 1, 4), uniform(-2, 2, 1, 2, 3, 2)],
        {"padding_mode": ["zero", "repeat"]},
        expect=warped,
    ),
    Case(F.warp_by_grid, [normal(0, 2, 3, 3), normal(0, 2, 2, 2)], {}, lambda x, grid: np.zeros((0, 2, 2, 2))),
    Case(F.warp_by_flow, [IMAGES, normal(2, 2, 4, 5, scale=2)], {}, flowed),
    Case(F.warp_by_flow, [normal(2, 3, 1, 4), normal(2, 2, 1, 4)], {}, flowed),
]
