"""Positions of elements: from one index per axis to places in the flat array."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import operator, prod
from nnabla.ops.spec import Index, Shape

__all__ = ["place_index"]


@operator("PlaceIndex", internal=True, differentiable=False, outputs="place:index")
def place_index(*index: Index, sizes: Shape) -> Any:
    """Places in a flat array of shape (B, *sizes) that have the given positions along the axes.

    Args:
        *index: For each axis the positions (B, m); negative ones are taken as 0.
        sizes: Sizes of the axes.
    Returns:
        (B, m of the first axis, m of the second, ...).
    """


@place_index.shape
def _(*index: Any, sizes: Any) -> Any:
    return (index[0][0], *(i[1] for i in index))


@place_index.reference
def _(xp: Any, *index: Any, sizes: Any, dtype: Any) -> Any:
    batch, ndim = index[0].shape[0], len(index)
    place = xp.reshape(xp.arange(batch, dtype=dtype), (batch, *(1,) * ndim)) * prod(sizes)
    for axis, positions in enumerate(index):
        shape = tuple(positions.shape[1] if a == axis else 1 for a in range(ndim))
        some = xp.where(positions < 0, xp.zeros_like(positions), positions)
        place = place + xp.reshape(some, (batch, *shape)) * prod(sizes[axis + 1 :])
    return place
