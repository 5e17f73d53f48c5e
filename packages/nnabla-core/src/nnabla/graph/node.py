"""Graph nodes: what a Variable is a handle on.

References go from a node to the function that makes it and on to that function's input nodes, never back: the
links from a node to its consumers are weak, so a graph goes when its last handle goes, without the collector.
"""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

from nnabla.array.ndarray import NdArray
from nnabla.array.storage import Storage

if TYPE_CHECKING:
    from nnabla.graph.function import Function

_new = NdArray.__new__

__all__ = ["Content", "Node", "changes", "resize"]


class _Changes:
    """Counts changes to existing graphs; programs made at another count are made again."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


changes = _Changes()


class Content:
    """Data and gradient of a variable. Unlinked variables share one; equality of Variables is its identity."""

    __slots__ = ("data", "grad", "nodes")

    def __init__(self, data: NdArray, grad: NdArray) -> None:
        self.data = data
        self.grad = grad
        self.nodes = 0

    def replace_data(self, array: NdArray) -> None:
        """Hold other data; whoever counts holders of memory is told."""
        self.data._storage.holders -= self.nodes
        array._storage.holders += self.nodes
        self.data = array

    def share_storage(self, storage: Storage) -> None:
        """Let the data be a view on other memory of the same size."""
        if self.data._storage is not storage:
            self.replace_data(NdArray._over(storage, self.data.shape))

    @staticmethod
    def of_shape(shape: tuple[int, ...]) -> Content:
        # Written out: dynamic graphs make one of these per operation.
        size = math.prod(shape)
        data, grad = _new(NdArray), _new(NdArray)
        data.shape = grad.shape = shape
        data._storage, grad._storage = Storage(size), Storage(size)
        return Content(data, grad)


class Node:
    """A variable's place in a graph.

    Attributes:
        content: Data and gradient.
        parent: The function that computes it, None for a leaf.
        need_grad_set: What the user asked for, or None.
        handles: Number of Variable objects on this node.
        transient: Whether it was computed as it was made, so that its data may go with its last handle.
    """

    __slots__ = (
        "__weakref__",
        "consumers",
        "content",
        "handles",
        "name",
        "need_grad_set",
        "parent",
        "persistent",
        "programs",
        "rank",
        "recompute",
        "transient",
    )

    def __init__(self, content: Content, need_grad: bool | None = None) -> None:
        self.content = content
        content.nodes += 1
        content.data._storage.holders += 1
        self.parent: Function | None = None
        self.need_grad_set = need_grad
        self.persistent = False
        self.recompute = False
        self.name = ""
        self.rank = 0
        self.handles = 0
        self.transient = False
        self.consumers: list[weakref.ref[Function]] = []
        self.programs: dict[Any, Any] | None = None

    def __del__(self) -> None:
        content = self.content
        content.nodes -= 1
        content.data._storage.holders -= 1

    def replace_content(self, content: Content) -> None:
        """Move this node on to another content."""
        held = self.content
        held.nodes -= 1
        held.data._storage.holders -= 1
        content.nodes += 1
        content.data._storage.holders += 1
        self.content = content

    @property
    def need_grad(self) -> bool:
        """Whether gradients are propagated to this node."""
        if self.need_grad_set is not None:
            return self.need_grad_set
        return self.parent is not None and self.parent.need_grad

    def live_consumers(self) -> list[Function]:
        """Return the functions that take this node and are still in use."""
        found = list(dict.fromkeys(f for f in (ref() for ref in self.consumers) if f is not None))
        if len(found) < len(self.consumers):
            self.consumers = [weakref.ref(f) for f in found]
        return found


def resize(content: Content, shape: tuple[int, ...]) -> None:
    """Give a content another shape and fresh memory (its size followed from data, or from another input)."""
    fresh = Content.of_shape(shape)
    content.data._storage.holders -= content.nodes
    fresh.data._storage.holders += content.nodes
    content.data._storage, content.grad._storage = fresh.data._storage, fresh.grad._storage
    content.data.shape = content.grad.shape = shape
    changes.count += 1
