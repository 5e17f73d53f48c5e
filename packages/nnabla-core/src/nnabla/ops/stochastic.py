"""Operators that draw: dropout, random arrays, random choices. Derivatives use the draw of the latest forward."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Operator, Result, operator, prod
from nnabla.ops.internal import cast, full, log1p
from nnabla.ops.ordering import arg_sort
from nnabla.ops.positions import place_index
from nnabla.ops.randomness import random_integers, random_normal, random_uniform
from nnabla.ops.scatter import add_rows, take_rows
from nnabla.ops.slicing import part
from nnabla.ops.spec import Boolean, Double, Float, FloatArg, Int, Shape

GROUP = "Stochasticity"


# -- dropout ---------------------------------------------------------------------------------------------------
@operator("Dropout", group=GROUP, saved=("mask",), keeps=("x",))
def dropout(x: Float, p: Double = 0.5, seed: Int = -1) -> Any:
    """Set elements to 0 with a probability and divide the others by the rest of it.

    :math:`y = x m / (1 - p)`, where each element of m is 0 with probability p, else 1.

    Args:
        x: Any shape.
        p: Probability, 0 to below 1; with 0 the output is ``x``.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        The shape of ``x``.
    Raises:
        RuntimeError: ``p`` is outside that range.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, "Dropout: a simple way to prevent neural
    networks from overfitting".
    Example:
        >>> y = F.dropout(nn.NdArray.from_numpy_array(np.ones(1000)), p=0.5, seed=1)
        >>> print(np.unique(y.data), 0.9 < y.data.mean() < 1.1)
        [0. 2.] True
    """
    if p == 0:
        return Result(x)
    mask = ops.greater_equal(random_uniform(x.shape), full(p))
    return Result(x * cast(mask, "float") * (1.0 / (1.0 - p)), saved={"mask": mask})


@dropout.resolve
def _(x: Any, p: float, seed: int) -> Any:
    if not 0 <= p < 1:
        raise ArgumentError(f"dropout: p={p} must be a probability from 0 to below 1")


@dropout.gradient
def _(mask: Any, dy: Any, p: float) -> Any:
    return dy if mask is None else dy * cast(mask, "float") * (1.0 / (1.0 - p))


# -- arrays of random numbers ----------------------------------------------------------------------------------
def _check_range(op: Operator, low: str = "low", high: str = "high") -> None:
    @op.resolve
    def _(**args: Any) -> None:
        if not args[low] < args[high]:
            raise ArgumentError(f"{op.snake_name}: {low}={args[low]} must be less than {high}={args[high]}")


@operator("Rand", group=GROUP, differentiable=False)
def rand(low: FloatArg = 0, high: FloatArg = 1, shape: Shape = (), seed: Int = -1) -> Any:
    """Numbers drawn evenly, :math:`y \\sim U(\\mathrm{low}, \\mathrm{high})`.

    Args:
        low, high: The range; numbers are multiples of its 2 ** -24th part.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.rand(low=-1, high=1, shape=(1000,), seed=1)
        >>> y.forward()
        >>> print(y.shape, -1 <= y.d.min() and y.d.max() < 1)
        (1000,) True
    """
    u = random_uniform(shape)
    return u if (low, high) == (0, 1) else u * (high - low) + low


_check_range(rand)


@operator("Randint", group=GROUP, differentiable=False, outputs="y:int32")
def randint(low: Int = 0, high: Int = 1, shape: Shape = (), seed: Int = -1) -> Any:
    """Integers drawn evenly from ``low`` to ``high - 1``, :math:`P(y = k) = 1 / (\\mathrm{high} - \\mathrm{low})`,
    kept as int32.

    Args:
        low, high: The range; ``high`` itself is left out.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.randint(low=0, high=6, shape=(1000,), seed=1)
        >>> y.forward()
        >>> print(np.unique(y.d))
        [0 1 2 3 4 5]
    """
    return random_integers(shape, high - low, low, "int32")


@randint.resolve
def _(low: int, high: int, shape: Any, seed: int) -> Any:
    if not low < high:
        raise ArgumentError(f"randint: low={low} must be less than high={high}")
    if low < -(1 << 31) or high > 1 << 31:
        raise ArgumentError(f"randint: low={low} and high={high} must be within the 32 bits of the output")


@operator("Randn", group=GROUP, differentiable=False)
def randn(mu: FloatArg = 0, sigma: FloatArg = 1, shape: Shape = (), seed: Int = -1) -> Any:
    """Numbers drawn from a normal distribution, :math:`y \\sim N(\\mu, \\sigma^2)`.

    Args:
        mu: Its mean.
        sigma: Its standard deviation, 0 or more.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.randn(mu=5, sigma=2, shape=(10000,), seed=1)
        >>> y.forward()
        >>> print(y.shape, 4.9 < y.d.mean() < 5.1, 1.9 < y.d.std() < 2.1)
        (10000,) True True
    """
    z = random_normal(shape)
    return z if (mu, sigma) == (0, 1) else z * sigma + mu


@randn.resolve
def _(mu: float, sigma: float, shape: Any, seed: int) -> Any:
    if not sigma >= 0:
        raise ArgumentError(f"randn: sigma={sigma} must be 0 or more")


# -- choices ---------------------------------------------------------------------------------------------------
@operator("RandomChoice", group=GROUP, saved=("index",))
def random_choice(x: Float, w: Float, shape: Shape = (), replace: Boolean = True, seed: Int = -1) -> Any:
    """Draw elements of the last dimension of ``x`` with probabilities proportional to ``w``.

    :math:`P(y = x_i) = w_i / \\sum_j w_j`. The gradients of ``x`` and of ``w`` are sums of the output's gradient
    over where an element was drawn to.

    Args:
        x: (..., N); each row of N elements is drawn from by itself.
        w: Weights, 0 or more with a sum above 0, the shape of ``x``.
        shape: Sizes of what is drawn per row.
        replace: Whether an element may be drawn more than once.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        (..., *shape); (..., 1), one element per row, if ``shape`` is empty.
    Example:
        >>> x = nn.NdArray.from_numpy_array([10.0, 20.0, 30.0])
        >>> w = nn.NdArray.from_numpy_array([1.0, 0.0, 1.0])
        >>> print(np.unique(F.random_choice(x, w, (1000,), seed=1).data))
        [10. 30.]
    """
    rows, size, count = prod(x.shape[:-1]), x.shape[-1], prod(shape)
    weight = ops.reshape(w, (rows, size), False)
    if replace:
        index = _weighted(weight, random_uniform((rows, count)))
    else:
        # The first arrivals of processes with rates w are draws without replacement (Efraimidis, Spirakis 2006).
        times = -log1p(-random_uniform((rows, size))) / weight
        index = part(arg_sort(times, 1), 1, 0, count)
    y = take_rows(ops.reshape(x, (rows * size,), False), place_index(index, sizes=(size,)))
    return Result(ops.reshape(y, _choice_shape(x.shape, shape), False), saved={"index": index})


def _weighted(weight: Any, u: Any) -> Any:
    """Return for each number from 0 to 1 the position whose share of the sum of weights it falls into."""
    total = ops.cumsum(weight, 1, False, False)
    last = weight.shape[1] - 1
    whole = part(total, 1, last, last + 1)
    index = ops.searchsorted(total, u * whole, True)
    # Rounding may reach the sum itself.
    return cast(ops.minimum2(cast(index, "float"), float(last)), "index")


def _choice_shape(x: Any, shape: Any) -> tuple[int, ...]:
    return (*x[:-1], *(shape or (1,)))


@random_choice.resolve
def _(x: Any, w: Any, shape: Any, replace: bool, seed: int) -> Any:
    if tuple(x) != tuple(w) or not x:
        raise ShapeError(f"random_choice: x {tuple(x)} and w {tuple(w)} must have one shape of a dimension or more")
    if not replace and prod(shape) > x[-1]:
        raise ArgumentError(
            f"random_choice: shape={tuple(shape)} asks for {prod(shape)} of {x[-1]} elements without replacement; "
            "ask for fewer or pass replace=True"
        )


@random_choice.gradient
def _(x_shape: Any, index: Any, dy: Any) -> Any:
    rows, size = prod(x_shape[:-1]), x_shape[-1]
    total = add_rows(ops.reshape(dy, index.shape, False), place_index(index, sizes=(size,)), rows * size)
    g = ops.reshape(total, x_shape, False)
    return g, g
