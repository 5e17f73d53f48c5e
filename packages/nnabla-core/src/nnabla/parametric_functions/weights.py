"""Functions that normalize the weights of other layers, for their ``apply_w``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnabla import functions as F
from nnabla.initializer import NormalInitializer, WeightNormalizationScaleInitializer
from nnabla.parametric_functions.api import (
    Initial,
    axis_of,
    parameter,
    parametric_function_api,
    statistic,
)

if TYPE_CHECKING:
    from nnabla import Variable

__all__ = ["spectral_norm", "weight_normalization"]


@parametric_function_api("spectral-norm", [("u", "Estimate of a singular vector", "(w.shape[dim],)", False)])
def spectral_norm(
    w: Variable,
    dim: int = 0,
    itr: int = 1,
    eps: float = 1e-12,
    test: bool = False,
    u_init: Initial | None = None,
    fix_parameters: bool = True,
) -> Variable:
    """Divide weights by their largest singular value, estimated by power iteration.

    Made for ``apply_w`` of other parametric functions.
    Source: Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral normalization for generative
    adversarial networks", algorithm 1.

    Args:
        w: Weights.
        dim: Dimension that gives the rows of the matrix that ``w`` is seen as.
        itr: Number of power iterations in each forward.
        eps: Added to the norms.
        test: Do not update ``u``.
        u_init: Initial ``u``, a normal draw by default.
        fix_parameters: Has no effect, since nothing is trained.

    Returns:
        As ``w``.
    """
    dim = axis_of("spectral_norm", "dim", dim, len(w.shape))
    u = statistic("u", (w.shape[dim],), u_init, NormalInitializer)
    return F.spectral_norm(w, u, dim, itr, eps, test)


@parametric_function_api("wn", [("g", "Norms", "(w.shape[dim],)", True)])
def weight_normalization(
    w: Variable,
    dim: int = 0,
    eps: float = 1e-12,
    g_init: Initial | None = None,
    fix_parameters: bool = False,
) -> Variable:
    """Separate the length of weights from their direction: :math:`g w / \\|w\\|`.

    Made for ``apply_w`` of other parametric functions. ``g`` starts as the norms of ``w``, so that
    nothing changes at first.
    Source: Salimans, Kingma 2016, "Weight normalization", eq. 2.

    Args:
        w: Weights.
        dim: Dimension whose slices have a length each.
        eps: Added to the sum of squares.
        g_init: Initial ``g``.
        fix_parameters: Use ``g`` without training it here.

    Returns:
        As ``w``.
    """
    dim = axis_of("weight_normalization", "dim", dim, len(w.shape))
    g = parameter(
        "g",
        (w.shape[dim],),
        g_init,
        lambda: WeightNormalizationScaleInitializer(w, dim, eps),
        fix_parameters,
    )
    return F.weight_normalization(w, g, dim, eps)
