"""The order in which a graph's functions run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnabla.graph.node import Node

if TYPE_CHECKING:
    from nnabla.graph.function import Function

__all__ = ["backward_order", "copy_graph", "functions_of", "raise_ranks"]


def functions_of(roots: Sequence[Node]) -> list[Function]:
    """Return the functions upstream of ``roots`` in forward order: depth first, inputs left to right, each once."""
    order: list[Function] = []
    seen: set[int] = set()
    for root in roots:
        if root.parent is None:
            continue
        stack: list[tuple[Function, int]] = [(root.parent, 0)]
        if id(root.parent) in seen:
            continue
        seen.add(id(root.parent))
        while stack:
            function, at = stack.pop()
            inputs = function.input_nodes
            while at < len(inputs):
                parent = inputs[at].parent
                at += 1
                if parent is not None and id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append((function, at))
                    stack.append((parent, 0))
                    break
            else:
                order.append(function)
    return order


def backward_order(root: Node) -> list[Function]:
    """Return the functions that backward from ``root`` runs: by decreasing rank, first seen first among equals."""
    if root.parent is None or not root.parent.need_grad:
        return []
    seen = {id(root.parent)}
    queue = [root.parent]
    for function in queue:
        for node in function.input_nodes:
            parent = node.parent
            if parent is not None and id(parent) not in seen and node.need_grad and parent.need_grad:
                seen.add(id(parent))
                queue.append(parent)
    queue.sort(key=lambda f: -f.rank)
    return queue


def raise_ranks(node: Node) -> None:
    """Make ranks downstream of a node that moved to a higher rank true again."""
    queue = [node]
    for source in queue:
        for function in source.live_consumers():
            if function.rank < source.rank:
                function.rank = source.rank
                for made in (ref() for ref in function.output_refs):
                    if made is not None:
                        made.rank = function.rank + 1
                        queue.append(made)


def copy_graph(variable: Any) -> Any:
    """Return a copy of the graph upstream of ``variable`` in which no Variable needs a gradient."""
    from nnabla.graph.variable import Variable

    made: dict[int, Any] = {}

    def leaf(node: Node) -> Any:
        return Variable._on(node).get_unlinked_variable(need_grad=False)

    for function in functions_of([variable._node]):
        inputs = []
        for node in function.input_nodes:
            if id(node) not in made:
                made[id(node)] = leaf(node)
            inputs.append(made[id(node)])
        results = function.again(inputs)
        for ref, result in zip(function.output_refs, results):
            node_out = ref()
            if node_out is not None:
                result._node.need_grad_set = False
                made[id(node_out)] = result
    return made.get(id(variable._node)) or leaf(variable._node)
