"""Gives memory back in dynamic graphs when the last handle on a Variable goes."""

from __future__ import annotations

from nnabla.array.storage import NarrowedStorage
from nnabla.graph.node import Node

__all__ = ["release"]


def release(node: Node, errors: list[BaseException]) -> None:
    """Clear a node's data unless something may still read it; exceptions are added to ``errors``."""
    try:
        storage = node.content.data._storage
        if node.persistent or storage.holders > 1 or isinstance(storage, NarrowedStorage) or storage.array is None:
            return
        parent = node.parent
        if parent is not None and parent.need_grad:
            refs = parent.output_refs
            for o in parent.reads(parent.needs)[1]:
                if refs[o]() is node:
                    return
        used = False
        for ref in node.consumers:
            function = ref()
            if function is None:
                continue
            used = True
            if function.need_grad:
                nodes = function.input_nodes
                for i in function.reads(function.needs)[0]:
                    if nodes[i] is node:
                        return
        if used:
            storage.clear()
    except BaseException as error:  # a destructor must not raise
        errors.append(error)
