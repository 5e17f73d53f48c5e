"""Correlation of patches, against its definition as loops."""

from __future__ import annotations

import numpy as np

import nnabla.function_bases as FB
from nnabla.testing.cases import cases, normal


def correlate(x1, x2, patch=(1, 1), shift=(0, 0), patch_step=(1, 1), shift_step=(1, 1), padding=(0, 0, 0, 0)):
    top, bottom, left, right = padding
    x1, x2 = (np.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)]) for x in (x1, x2))
    reach = max(shift)
    far = np.pad(x2, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
    rows = range(0, x1.shape[1] - patch[0] + 1, patch_step[0])
    columns = range(0, x1.shape[2] - patch[1] + 1, patch_step[1])
    down, across = (range(-s, s + 1, step) for s, step in zip(shift, shift_step))
    y = np.zeros((len(x1), len(rows), len(columns), len(down), len(across)))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            a = x1[:, r : r + patch[0], c : c + patch[1]]
            for k, dr in enumerate(down):
                for m, dc in enumerate(across):
                    b = far[:, r + dr + reach :, c + dc + reach :][:, : patch[0], : patch[1]]
                    y[:, i, j, k, m] = (a * b).sum((1, 2, 3))
    return y


INPUTS = [normal(2, 4, 5, 2), normal(2, 4, 5, 2)]
CASES = [
    *cases(FB.patch_correlation, INPUTS, expect=correlate),
    *cases(FB.patch_correlation, INPUTS, dict(patch=[(1, 1), (2, 3)], shift=[(1, 2)]), expect=correlate),
    *cases(FB.patch_correlation, INPUTS, dict(shift=(2, 2), shift_step=(2, 1), patch_step=(2, 2)), expect=correlate),
    *cases(
        FB.patch_correlation,
        INPUTS,
        dict(patch=(3, 2), patch_step=(2, 1), shift=(2, 1), padding=(0, 1, 2, 1)),
        expect=correlate,
    ),
]
