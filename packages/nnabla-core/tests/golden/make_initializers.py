"""Write down what the reference implementation's initializers draw.

Run it with an interpreter that has nnabla 1.39.0:

    python make_initializers.py

``initializers.json`` then holds, for each case, what stands after ``nn.seed(3)``: the initializer's
``repr`` where it is public, the dtype and the values of two calls in a row.
"""

import json
import pathlib

import nnabla as nn
import nnabla.initializer as I

CASES = [
    ("NormalInitializer", [], [2, 3]),
    ("NormalInitializer", [2.0], [2, 1, 3]),
    ("NormalInitializer", [2.0], []),
    ("UniformInitializer", [], [2, 3]),
    ("UniformInitializer", [[-1, 2]], [5]),
    ("UniformInitializer", [[1, -1]], [2]),
    ("UniformIntInitializer", [], [2, 3]),
    ("UniformIntInitializer", [[2, 5]], [4]),
    ("ConstantInitializer", [], [2, 2]),
    ("ConstantInitializer", [0.1], [3]),
    ("RangeInitializer", [], [2, 3]),
    ("RangeInitializer", [1, 2], [3]),
    ("RangeInitializer", [0, 0.5], [2, 2]),
    ("OrthogonalInitializer", [], [2, 3]),
    ("OrthogonalInitializer", [], [3, 2]),
    ("OrthogonalInitializer", [2.0], [3, 2, 2]),
    ("OrthogonalInitializer", [], [4]),
]
SCALES = [([3, 4], []), ([3, 4], [[3, 3]]), ([7, 2], [[5]]), ([7, 2], [[2, 3, 4]])]


def main():
    draws = []
    for name, args, shape in CASES:
        nn.seed(3)
        args = [tuple(arg) if isinstance(arg, list) else arg for arg in args]
        initializer = getattr(I, name)(*args)
        values = [initializer(tuple(shape)) for _ in range(2)]
        draws.append(
            {
                "initializer": name,
                "args": args,
                "shape": shape,
                "repr": repr(initializer) if hasattr(initializer, "rng") else None,
                "dtype": values[0].dtype.name,
                "values": [value.tolist() for value in values],
            }
        )
    scales = [
        {"function": name, "args": maps + kernel, "result": getattr(I, name)(*maps, *kernel)}
        for name in (
            "calc_normal_std_he_forward",
            "calc_normal_std_he_backward",
            "calc_normal_std_glorot",
            "calc_uniform_lim_glorot",
        )
        for maps, kernel in SCALES
    ]
    path = pathlib.Path(__file__).with_name("initializers.json")
    lines = [json.dumps(item) for item in draws], [json.dumps(item) for item in scales]
    draws_text, scales_text = (",\n".join(group) for group in lines)
    path.write_text(f'{{"draws": [\n{draws_text}\n],\n"scales": [\n{scales_text}\n]}}\n')


if __name__ == "__main__":
    main()
