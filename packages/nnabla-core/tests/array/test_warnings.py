"""NumPy's warnings are off within, and as they were afterwards."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from nnabla.array.warnings import no_warnings


def test_warnings_are_off_within_and_as_they_were_afterwards() -> None:
    zero = np.zeros(3)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        with no_warnings():
            assert np.isnan(zero / zero).all()
            with no_warnings():
                np.log(zero)
            np.log(zero)
        with pytest.raises(RuntimeWarning, match="invalid value"):
            zero / zero
    with np.errstate(divide="raise"):
        with pytest.raises(KeyError), no_warnings():
            raise KeyError
        with pytest.raises(FloatingPointError):
            1 / zero
