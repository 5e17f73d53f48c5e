"""Public home of Variable, NdArray and Context."""

from nnabla.array.ndarray import NdArray
from nnabla.context import Context
from nnabla.graph.variable import Variable

__all__ = ["Context", "NdArray", "Variable"]
