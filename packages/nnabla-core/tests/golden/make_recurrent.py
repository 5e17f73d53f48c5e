"""Write recurrent.npz: outputs and gradients of recurrent layers in nnabla 1.39.0, for every combination of options.

Run it with an interpreter that has nnabla 1.39.0: ``python make_recurrent.py recurrent.npz``.
"""

import itertools
import sys

import numpy as np

import nnabla as nn
import nnabla.functions as F

T, B, I, H = 4, 2, 3, 5  # noqa: E741  (steps, batch, inputs, states: the usual names)
LAYERS = {"lstm": ("lstm", 4, 4, {}), "gru": ("gru", 3, 4, {})}
LAYERS["rnn_tanh"] = ("rnn", None, None, {"nonlinearity": "tanh"})
LAYERS["rnn_relu"] = ("rnn", None, None, {"nonlinearity": "relu"})


def shapes(kind, layers, directions, bias, gates, biases):
    """Return the shapes of all inputs, None for omitted ones."""
    block = () if gates is None else (gates,)
    state = (layers, directions, B, H)
    found = [(T, B, I), state] + ([state] if kind == "lstm" else [])
    found.append((directions, *block, H, I + H))
    found.append((layers - 1, directions, *block, H, directions * H + H) if layers > 1 else None)
    found.append((layers, directions, *(() if biases is None else (biases,)), H) if bias else None)
    return found


def main(path):
    """Compute all cases and write the file."""
    rng, out = np.random.RandomState(0), {}
    for layers, directions, bias in itertools.product((1, 2, 3), (1, 2), (0, 1)):
        for kind, (name, gates, biases, args) in LAYERS.items():
            case = f"{kind}_L{layers}D{directions}b{bias}"
            wanted = shapes(name, layers, directions, bias, gates, biases)
            inputs = [
                None if s is None else nn.Variable.from_numpy_array(rng.randn(*s).astype("f") * 0.5, need_grad=True)
                for s in wanted
            ]
            ys = getattr(F, name)(*inputs, num_layers=layers, bidirectional=directions == 2, **args)
            sink = F.sink(*ys, one_input_grad=False)
            sink.forward()
            for i, y in enumerate(ys):
                out[f"{case}.out{i}"] = y.d.copy()
                y.g = out[f"{case}.gout{i}"] = rng.randn(*y.shape).astype("f")
            for v in inputs:
                if v is not None:
                    v.g = 0
            sink.backward()
            for i, v in enumerate(inputs):
                if v is not None:
                    out[f"{case}.in{i}"], out[f"{case}.gin{i}"] = v.d.copy(), v.g.copy()
    np.savez_compressed(path, **out)


if __name__ == "__main__":
    main(sys.argv[1])
