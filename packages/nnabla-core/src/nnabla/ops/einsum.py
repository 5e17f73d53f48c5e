"""Einstein's summation convention."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.reduction import sum_
from nnabla.ops.slicing import slice_
from nnabla.ops.spec import Float, String

#: Labels that stand for the dimensions of an ellipsis, the last of them first.
_UNNAMED = "0123456789"


def _labels(equation: str, shapes: Any) -> tuple[list[str], str]:
    """Return the labels of each input's dimensions and of the output's, ellipses written out."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ArgumentError(f"einsum: equation={equation!r} is for {len(terms)} inputs, but {len(shapes)} were given")
    most, inputs = 0, []
    for term, shape in zip(terms, shapes):
        count = len(shape) - len(term.replace("...", ""))
        if count < 0 or (count > 0 and "..." not in term) or count > len(_UNNAMED):
            raise ShapeError(f"einsum: {term!r} of equation={equation!r} does not fit the input shape {tuple(shape)}")
        most = max(most, count)
        inputs.append(term.replace("...", _UNNAMED[:count][::-1]))
    if arrow:
        output = right.replace("...", _UNNAMED[:most][::-1])
    else:
        joined = "".join(inputs)
        output = _UNNAMED[:most][::-1] + "".join(sorted(c for c in set(joined) if c.isalpha() and joined.count(c) == 1))
    named = (left.replace(",", "") + right).replace("...", "")
    if not all(c.isalpha() for c in named) or len(set(output)) < len(output) or not set(output) <= set("".join(inputs)):
        raise ArgumentError(
            f"einsum: equation={equation!r} must name the output's dimensions once each, all of them among those of "
            "the inputs, by letters and '...'"
        )
    return inputs, output


def _sizes(equation: str, inputs: list[str], shapes: Any) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for labels, shape in zip(inputs, shapes):
        for label, n in zip(labels, shape):
            held = sizes.setdefault(label, n)
            if held != n and label in _UNNAMED and 1 in (held, n):
                sizes[label] = max(held, n)
            elif held != n:
                raise ShapeError(f"einsum: {label!r} of equation={equation!r} has the sizes {held} and {n}")
    return sizes


def _diagonal(x: Any, labels: str) -> tuple[Any, str]:
    """Take the diagonal of dimensions that have one label."""
    while len(set(labels)) < len(labels):
        label = next(c for c in labels if labels.count(c) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        rest = [i for i in range(len(labels)) if i not in (first, second)]
        n = x.shape[first]
        x = transpose(x, (*rest, first, second))
        flat = reshape(x, (*x.shape[:-2], n * n), False)
        lead = len(rest)
        x = slice_(flat, (0,) * (lead + 1), flat.shape, (*(1,) * lead, n + 1))
        labels = "".join(labels[i] for i in rest) + label
    return x, labels


def _without(x: Any, labels: str, kept: str) -> tuple[Any, str]:
    """Sum over what nobody else names."""
    gone = tuple(i for i, c in enumerate(labels) if c not in kept)
    return (sum_(x, gone, False), "".join(c for c in labels if c in kept)) if gone else (x, labels)


def _arranged(x: Any, labels: str, wanted: str) -> Any:
    order = tuple(labels.index(c) for c in wanted)
    return x if order == tuple(range(len(order))) else transpose(x, order)


def _product(x: Any, xl: str, y: Any, yl: str, kept: str) -> tuple[Any, str]:
    """Multiply two arrays and sum over the labels that are in both and not ``kept``: a product of matrices."""
    both = [c for c in xl if c in yl]
    batch = "".join(c for c in both if c in kept)
    inner = "".join(c for c in both if c not in kept)
    rows, columns = ("".join(c for c in own if c not in both) for own in (xl, yl))
    sizes = dict(zip(xl, x.shape)) | dict(zip(yl, y.shape))
    b, k, n, m = (prod([sizes[c] for c in labels]) for labels in (batch, inner, rows, columns))
    x = reshape(_arranged(x, xl, batch + rows + inner), (b, n, k), False)
    y = reshape(_arranged(y, yl, batch + inner + columns), (b, k, m), False)
    labels = batch + rows + columns
    return reshape(batch_matmul(x, y), tuple(sizes[c] for c in labels), False), labels


@operator("Einsum", group="Unsupported, Special Use", depends=("x",))
def einsum(*x: Float, equation: String = "") -> Any:
    """Products of arrays summed over dimensions, in Einstein's notation as ``numpy.einsum`` has it.

    For ``"ij,jk->ik"`` that is :math:`y_{i,k} = \\sum_j (x_0)_{i,j} (x_1)_{j,k}`.

    Args:
        *x: One or more arrays.
        equation: Letters for the dimensions of each input, with commas between inputs, then ``->`` and those of
            the output, for instance ``"bij,bjk->bik"``. Without ``->`` the output has, in alphabetical order, the
            letters that occur once. ``...`` stands for dimensions that broadcast.
    Returns:
        The sizes of the output's letters.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> x1 = nn.NdArray.from_numpy_array([[1.0, 0.0], [1.0, 1.0]])
        >>> print(F.einsum(x0, x1, equation="ij,jk->ik").data)
        [[3. 2.]
         [7. 4.]]
        >>> print(F.einsum(x0, equation="ii->").data)
        5.0
    """
    inputs, output = _labels(equation, [a.shape for a in x])
    sizes = _sizes(equation, inputs, [a.shape for a in x])
    operands = []
    for a, labels in zip(x, inputs):
        wanted = tuple(sizes[c] for c in labels)
        operands.append(_diagonal(a if a.shape == wanted else broadcast(a, wanted), labels))
    result, labels = operands[0]
    for i, (other, own) in enumerate(operands[1:], 2):
        later = output + "".join(more for _, more in operands[i:])
        result, labels = _without(result, labels, later + own)
        other, own = _without(other, own, later + labels)
        result, labels = _product(result, labels, other, own, later)
    result, labels = _without(result, labels, output)
    return _arranged(result, labels, output)


@einsum.resolve
def _(*x: Any, equation: str) -> Any:
    inputs, _ = _labels(equation, x)
    _sizes(equation, inputs, x)
    return {}
