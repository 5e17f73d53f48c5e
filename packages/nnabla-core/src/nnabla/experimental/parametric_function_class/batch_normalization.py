"""Batch normalization as classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nnabla import functions as F
from nnabla.errors import ArgumentError
from nnabla.experimental.parametric_function_class.module import Initial, Module, new_parameter
from nnabla.graph.variable import Variable
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import axis_of

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "BatchNormalization"]

ParameterInit = Mapping[str, Initial]
_DEFAULTS = {"beta": 0, "gamma": 1, "mean": 0, "var": 1}


class BatchNormalization(Module):
    """Batch normalization with a learned scale and offset.

    Source: Ioffe, Szegedy 2015, "Batch normalization", algorithm 1.

    Args:
        n_features: Size of the input along the axis.
        n_dims: Number of the input's dimensions.
        axes: The dimension with a mean and variance for each index, as a list of one.
        decay_rate: Weight of the present running statistics when they are updated, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the batch's statistics and update the running ones, unless a call says ``test``.
        output_stat: Also return the batch's mean and variance.
        fix_parameters: Make a scale and offset that are not trained.
        param_init: Initial values of ``'beta'``, ``'gamma'``, ``'mean'``, ``'var'``; 0, 1, 0, 1 by default.

    Raises:
        ArgumentError: ``axes`` has not one element, or ``param_init`` has another key.
        AxisError: The axis is outside ``n_dims`` dimensions.

    Attributes:
        beta, gamma, mean, var: ``n_features`` along the axis, 1 along the other dimensions.
    """

    def __init__(
        self,
        n_features: int,
        n_dims: int,
        axes: Sequence[int] = [1],
        decay_rate: float = 0.9,
        eps: float = 1e-5,
        batch_stat: bool = True,
        output_stat: bool = False,
        fix_parameters: bool = False,
        param_init: ParameterInit | None = None,
    ) -> None:
        if len(axes) != 1:
            raise ArgumentError(f"BatchNormalization: axes={axes!r} must be one axis, which has n_features indices")
        given = dict(param_init or {})
        if unknown := given.keys() - _DEFAULTS.keys():
            raise ArgumentError(
                f"BatchNormalization: param_init has {', '.join(map(repr, sorted(unknown)))}; its keys are "
                f"{', '.join(_DEFAULTS)}"
            )
        shape = [1] * n_dims
        shape[axis_of("BatchNormalization", "axes", axes[0], n_dims)] = n_features
        trained = not fix_parameters

        def made(name: str, need_grad: bool) -> Variable:
            default = partial(ConstantInitializer, _DEFAULTS[name])
            return new_parameter(name, tuple(shape), given.get(name), default, need_grad)

        self.beta = made("beta", trained)
        self.gamma = made("gamma", trained)
        self.mean = made("mean", False)
        self.var = made("var", False)
        self.axes = axes
        self.decay_rate = decay_rate
        self.eps = eps
        self.batch_stat = batch_stat
        self.output_stat = output_stat

    def __call__(self, inp: Variable, test: bool = False) -> Any:
        """Normalize ``inp``; with ``output_stat`` the mean and the variance follow it in a tuple.

        Args:
            inp: ``n_dims`` dimensions.
            test: Normalize by the running statistics.
        """
        batch_stat = self.batch_stat and not test
        return F.batch_normalization(
            inp,
            self.beta,
            self.gamma,
            self.mean,
            self.var,
            self.axes,
            self.decay_rate,
            self.eps,
            batch_stat,
            self.output_stat,
        )


class BatchNorm1d(BatchNormalization):
    """`BatchNormalization` of an input with 1 spatial dimensions, ``(N, n_features, size)``."""

    def __init__(
        self,
        n_features: int,
        axes: Sequence[int] = [1],
        decay_rate: float = 0.9,
        eps: float = 1e-5,
        batch_stat: bool = True,
        output_stat: bool = False,
        fix_parameters: bool = False,
        param_init: ParameterInit | None = None,
    ) -> None:
        super().__init__(n_features, 3, axes, decay_rate, eps, batch_stat, output_stat, fix_parameters, param_init)


class BatchNorm2d(BatchNormalization):
    """`BatchNormalization` of an input with 2 spatial dimensions, ``(N, n_features, height, width)``."""

    def __init__(
        self,
        n_features: int,
        axes: Sequence[int] = [1],
        decay_rate: float = 0.9,
        eps: float = 1e-5,
        batch_stat: bool = True,
        output_stat: bool = False,
        fix_parameters: bool = False,
        param_init: ParameterInit | None = None,
    ) -> None:
        super().__init__(n_features, 4, axes, decay_rate, eps, batch_stat, output_stat, fix_parameters, param_init)


class BatchNorm3d(BatchNormalization):
    """`BatchNormalization` of an input with 3 spatial dimensions, ``(N, n_features, depth, height, width)``."""

    def __init__(
        self,
        n_features: int,
        axes: Sequence[int] = [1],
        decay_rate: float = 0.9,
        eps: float = 1e-5,
        batch_stat: bool = True,
        output_stat: bool = False,
        fix_parameters: bool = False,
        param_init: ParameterInit | None = None,
    ) -> None:
        super().__init__(n_features, 5, axes, decay_rate, eps, batch_stat, output_stat, fix_parameters, param_init)
