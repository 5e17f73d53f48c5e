"""DLPack shares memory both ways."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.utils.dlpack import from_dlpack, to_dlpack


class Consumer:
    """What a library that imports capsules looks like to NumPy."""

    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: object) -> object:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def test_an_export_shares_memory_and_sees_later_results() -> None:
    a = nn.NdArray.from_numpy_array(np.arange(6, dtype=np.float32).reshape(2, 3))
    seen = np.from_dlpack(Consumer(to_dlpack(a)))
    a.data[0, 0] = 7
    assert seen[0, 0] == 7
    F.mul_scalar(a, 2.0, outputs=[a])
    np.testing.assert_array_equal(seen, [[14, 2, 4], [6, 8, 10]])


def test_an_export_keeps_the_memory_alive_and_may_go_unused() -> None:
    a = nn.NdArray.from_numpy_array(np.ones(3, np.float32))
    to_dlpack(a)
    seen = np.from_dlpack(Consumer(to_dlpack(a)))
    del a
    np.testing.assert_array_equal(seen, 1)


def test_an_export_may_cast() -> None:
    a = nn.NdArray.from_numpy_array(np.ones(3, np.float32))
    assert np.from_dlpack(Consumer(to_dlpack(a, np.float64))).dtype == np.float64
    assert a.dtype == np.float64


def test_an_import_shares_memory_both_ways() -> None:
    source = np.arange(4.0)
    a = from_dlpack(source.__dlpack__())
    a.data[0] = 9
    assert source[0] == 9
    source[1] = 8
    np.testing.assert_array_equal(a.data, [9, 8, 2, 3])


def test_an_import_goes_into_a_given_array_of_its_shape() -> None:
    target = nn.NdArray((4,))
    assert from_dlpack(np.arange(4.0), target) is target
    np.testing.assert_array_equal(target.data, range(4))
    with pytest.raises(RuntimeError, match=r"the capsule holds \(4,\), the NdArray has \(3,\)"):
        from_dlpack(np.arange(4.0), nn.NdArray((3,)))


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="a DLPack capsule is expected, not list"):
        from_dlpack([1, 2])


def test_torch_shares_memory_both_ways() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; NNABLA_TEST_TORCH=1 brings it")
    a = nn.NdArray.from_numpy_array(np.zeros(3, np.float32))
    tensor = torch.utils.dlpack.from_dlpack(to_dlpack(a))
    tensor.add_(1)
    np.testing.assert_array_equal(a.data, 1)
    b = from_dlpack(torch.utils.dlpack.to_dlpack(tensor))
    b.data[...] = 5
    assert tensor.tolist() == [5, 5, 5]
