import numpy as np
import pytest

from nnabla.utils.learning_rate_scheduler import (
    BaseLearningRateScheduler,
    CosineScheduler,
    ExponentialScheduler,
    LinearWarmupScheduler,
    PolynomialScheduler,
    StepScheduler,
)

ITERATIONS = [0, 1, 2, 3, 5, 6, 10, 12]
COSINE = [0.1, 0.0975528258, 0.0904508497, 0.0793892626, 0.05, 0.0345491503, 0.0, 0.0095491503]

# What nnabla 1.39.0 gives.
CASES = [
    (CosineScheduler(0.1, 10), COSINE),
    (PolynomialScheduler(0.1, 10, 2), [0.1, 0.081, 0.064, 0.049, 0.025, 0.016, 0.0, 0.004]),
    (
        ExponentialScheduler(0.1, 0.5),
        [0.1, 0.05, 0.025, 0.0125, 0.003125, 0.0015625, 9.765625e-05, 2.44140625e-05],
    ),
    (
        ExponentialScheduler(0.1, 0.5, 3),
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.0125, 0.00625],
    ),
    (StepScheduler(0.1, 0.5, [3, 6]), [0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025, 0.025]),
    (StepScheduler(0.1, 0.5, [6, 3, 3]), [0.1, 0.1, 0.1, 0.025, 0.025, 0.0125, 0.0125, 0.0125]),
    (
        LinearWarmupScheduler(CosineScheduler(0.1, 10), 4),
        [0.025, 0.0487764129, 0.0678381373, *COSINE[3:]],
    ),
    (LinearWarmupScheduler(CosineScheduler(0.1, 10), 0), COSINE),
]


@pytest.mark.parametrize(("scheduler", "expected"), CASES)
def test_learning_rates_are_those_of_the_reference(scheduler, expected):
    found = [scheduler.get_learning_rate(i) for i in ITERATIONS]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11)
    assert all(type(rate) is float for rate in found)
    assert isinstance(scheduler, BaseLearningRateScheduler)


def test_the_base_class_has_no_rate():
    with pytest.raises(NotImplementedError, match="get_learning_rate"):
        BaseLearningRateScheduler().get_learning_rate(0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CosineScheduler(0.1, 0),
        lambda: PolynomialScheduler(0.1, -1, 2),
        lambda: ExponentialScheduler(0.1, 0.5, 0),
    ],
)
def test_a_length_of_zero_is_refused(make):
    with pytest.raises(ValueError, match="must be over 0"):
        make()
