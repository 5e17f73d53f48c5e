"""Every operator in NNabla, this project's or 1.x: prints a line of JSON for each operator, size and direction.

python operators_nnabla.py [OPERATOR ...]
"""

import json
from pathlib import Path

from operator_cases import instance
from timing import run_operators

import nnabla as nn
import nnabla.functions as F

FACTS = Path(__file__).parents[1] / "packages/nnabla-core/tests/ops/facts/functions.json"
#: NNabla 1.39.0 computes these when a graph is made, so that making it is timed too, here as there.
BUILT = ("NonZero", "ONNXNonMaxSuppression")
#: It fills these when somebody reads them, as this project does, so that reading is timed too.
READ = ("Constant",)
NAMES = {name: fact["snake_name"] for name, fact in json.loads(FACTS.read_text()).items()}


def prepare(name, size):
    """Return what to call for forward and for backward, None for the latter where there is none."""
    arrays, need, args = instance(name, size)
    inputs = []
    for array, needs in zip(arrays, need):
        inputs.append(None if array is None else nn.Variable(array.shape, need_grad=needs))
        if array is not None:
            inputs[-1].d = array

    def build():
        result = getattr(F, NAMES[name])(*inputs, **args)
        return list(result) if isinstance(result, (list, tuple)) else [result]

    outputs = build()
    leaves = [variable for variable, needs in zip(inputs, need) if needs]
    first = outputs[0]

    def forward():
        nn.forward_all(outputs)

    def forward_anew():
        nn.forward_all(build())

    def forward_read():
        nn.forward_all(outputs)
        first.data.get_data("r")

    def backward():
        for leaf in leaves:
            leaf.grad.zero()
        first.backward()

    run = forward_anew if name in BUILT else forward_read if name in READ else forward
    return run, backward if leaves and first.need_grad else None


if __name__ == "__main__":
    run_operators(lambda name: hasattr(F, NAMES[name]), prepare)
