"""Gives memory back in dynamic graphs when the last handle on a Variable goes."""

from __future__ import annotations

from nnabla.array.storage import NarrowedStorage
from nnabla.graph.node import Node

__all__ = ["release"]


def release(node: Node, errors: list[BaseException]) -> None:
    """Clear a node's data unless something may still read it; exceptions are added to ``errors``."""
    try:
        storage = node.content.data._storage
        if storage.array is None or isinstance(storage, NarrowedStorage):
            return
        if node.persistent or storage.holders > 1:
            return
        parent = node.parent
        if parent is not None and parent.need_grad and _reads_output(parent, node):
            return
        for function in node.live_consumers():
            if function.need_grad and _reads_input(function, node):
                return
        if node.live_consumers():
            storage.clear()
    except BaseException as error:  # a destructor must not raise
        errors.append(error)


def _reads_output(function: object, node: Node) -> bool:
    need = tuple(n.need_grad for n in function.input_nodes)  # type: ignore[attr-defined]
    outputs = function.reads(need)[1]  # type: ignore[attr-defined]
    refs = function.output_refs  # type: ignore[attr-defined]
    return any(refs[o]() is node for o in outputs)


def _reads_input(function: object, node: Node) -> bool:
    nodes = function.input_nodes  # type: ignore[attr-defined]
    inputs = function.reads(tuple(n.need_grad for n in nodes))[0]  # type: ignore[attr-defined]
    return any(nodes[i] is node for i in inputs)
