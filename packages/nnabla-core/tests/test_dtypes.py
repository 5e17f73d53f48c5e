import numpy as np
import pytest

from nnabla.dtypes import int_to_np_dtype, np_dtpye_to_int

CODES = {
    "bool": 0,
    "int8": 1,
    "uint8": 2,
    "int16": 3,
    "uint16": 4,
    "int32": 5,
    "uint32": 6,
    "int64": 9,
    "uint64": 10,
    "float32": 11,
    "float64": 12,
    "longdouble": 13,
}


@pytest.mark.parametrize(("name", "code"), CODES.items())
def test_codes_are_those_of_the_files(name, code):
    assert np.dtype(int_to_np_dtype[code]) == np.dtype(name)
    assert np_dtpye_to_int[np.dtype(name).type] == code


def test_there_are_no_other_codes():
    assert set(int_to_np_dtype) == set(np_dtpye_to_int.values()) == set(CODES.values())
