"""Solvers: how parameters follow their gradients."""

from nnabla.solvers.adabelief import AdaBelief
from nnabla.solvers.adam import AMSGRAD, Adam, Adamax, AdamW
from nnabla.solvers.adaptive import Adadelta, Adagrad, RMSprop, RMSpropGraves
from nnabla.solvers.base import Solver, SolverState
from nnabla.solvers.bound import AdaBound, AMSBound
from nnabla.solvers.layerwise import Lamb, Lars
from nnabla.solvers.lion import Lion
from nnabla.solvers.sgd import Momentum, Nesterov, Sgd, SgdW

__all__ = [
    "AMSGRAD",
    "AMSBound",
    "AdaBelief",
    "AdaBound",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lamb",
    "Lars",
    "Lion",
    "Momentum",
    "Nesterov",
    "RMSprop",
    "RMSpropGraves",
    "Sgd",
    "SgdW",
    "Solver",
    "SolverState",
]
