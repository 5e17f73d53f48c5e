"""The recorder of clear_called flags: one list a function, one pair an input and an output."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing import clear_called_flag_recorder

KEPT = (False, False)
DATA = (True, False)
GRAD = (False, True)
BOTH = (True, True)


@pytest.fixture
def pair(leaf):
    """Identity, then AddScalar."""
    return F.add_scalar(F.identity(leaf([1, 2])), 1)


def test_an_inactive_recorder_has_nothing(pair):
    pair.forward(clear_buffer=True)
    assert clear_called_flag_recorder.get_input_clear_called_flags() == []
    assert clear_called_flag_recorder.get_output_clear_called_flags() == []


def test_deactivation_resets(pair, recording):
    inputs, outputs = recording(lambda: pair.forward(clear_buffer=True))
    assert len(inputs) == len(outputs) == 2
    assert clear_called_flag_recorder.get_input_clear_called_flags() == []
    assert clear_called_flag_recorder.get_output_clear_called_flags() == []
    inputs, outputs = recording(lambda: None)
    assert (inputs, outputs) == ([], [])


def test_plain_runs_record_that_nothing_was_cleared(pair, recording):
    nothing = [[KEPT], [KEPT]]
    assert recording(pair.forward) == (nothing, nothing)
    assert recording(pair.backward) == (nothing, nothing)


@pytest.mark.parametrize("flag", ["clear_buffer", "clear_no_need_grad"])
def test_forward_records_after_each_functions_own_clearing(pair, recording, flag):
    inputs, outputs = recording(lambda: pair.forward(**{flag: True}))
    assert inputs == [[KEPT], [DATA]]
    assert outputs == [[KEPT], [KEPT]]


@pytest.mark.parametrize(
    "grad, root",
    [(1, GRAD), (2.5, GRAD), ("numpy", GRAD), ("ndarray", KEPT), (None, KEPT)],
)
def test_backward_records_the_root_by_the_kind_of_its_gradient(pair, recording, grad, root):
    pair.forward(clear_no_need_grad=True)
    pair.grad.fill(1)
    given = {"numpy": np.ones(2), "ndarray": nn.NdArray.from_numpy_array(np.ones(2))}
    grad = given.get(grad, grad)
    inputs, outputs = recording(lambda: pair.backward(grad, clear_buffer=True))
    assert [flags[0][1] for flags in inputs] == [False, False]
    assert outputs == [[root], [BOTH]]


@pytest.fixture
def shared(leaf):
    """h = sin x is used three times, twice by one function."""
    h = F.sin(leaf([1, 2]))
    return F.add2(F.mul2(h, h), F.cos(h))


def test_every_use_of_an_input_has_its_pair(shared, recording):
    inputs, outputs = recording(lambda: shared.forward(clear_buffer=True))
    assert inputs == [[KEPT], [KEPT, KEPT], [DATA], [DATA, DATA]]
    assert outputs == [[KEPT]] * 4


def test_data_that_gradients_need_is_recorded_as_kept(shared, recording):
    inputs, outputs = recording(lambda: shared.forward(clear_no_need_grad=True))
    assert inputs == [[KEPT], [KEPT, KEPT], [KEPT], [DATA, DATA]]
    assert outputs == [[KEPT]] * 4


def test_backward_records_in_backward_order(shared, recording):
    shared.forward(clear_no_need_grad=True)
    inputs, outputs = recording(lambda: shared.backward(clear_buffer=True))
    assert inputs == [[DATA, DATA], [KEPT, KEPT], [KEPT], [KEPT]]
    assert outputs == [[GRAD], [BOTH], [BOTH], [BOTH]]


def test_recomputed_functions_come_first(leaf, recording):
    x = leaf([1, 2])
    with nn.recompute():
        h = F.sin(F.sin(F.sin(x)))
    y = F.sin(h)
    inputs, outputs = recording(lambda: y.forward(clear_no_need_grad=True))
    assert inputs == [[KEPT], [DATA], [DATA], [DATA]]
    assert outputs == [[KEPT]] * 4
    inputs, outputs = recording(lambda: y.backward(clear_buffer=True))
    assert inputs == [[KEPT]] * 7
    assert outputs == [[KEPT]] * 3 + [[GRAD], [BOTH], [BOTH], [BOTH]]


def test_nothing_is_recomputed_where_no_gradient_needs_data(leaf, recording):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.identity(x)
        b = F.identity(F.add2(a, a))
    y = F.identity(b)
    inputs, _ = recording(lambda: y.forward(clear_no_need_grad=True))
    assert inputs == [[KEPT], [DATA, DATA], [DATA], [DATA]]
    inputs, outputs = recording(lambda: y.backward(clear_buffer=True))
    assert inputs == [[DATA], [DATA], [DATA, DATA], [KEPT]]
    assert outputs == [[GRAD], [BOTH], [BOTH], [BOTH]]


def test_a_branch_without_gradient_is_recomputed_and_cleared_again(leaf, recording):
    x, constant = leaf([1, 2]), leaf([3, 4], need_grad=False)
    with nn.recompute():
        h = F.mul2(F.sin(x), F.cos(F.cos(constant)))
    y = F.sin(h)
    inputs, _ = recording(lambda: y.forward(clear_no_need_grad=True))
    assert inputs == [[KEPT], [KEPT], [DATA], [DATA, DATA], [DATA]]
    inputs, outputs = recording(lambda: y.backward(clear_buffer=True))
    assert inputs == [[KEPT], [KEPT], [DATA], [KEPT, KEPT], [KEPT], [KEPT, KEPT], [KEPT]]
    assert outputs == [[KEPT]] * 4 + [[GRAD], [BOTH], [BOTH]]


def test_recomputation_starts_anew_behind_a_checkpoint(leaf, recording):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.sin(x)
    checkpoint = F.sin(a)
    with nn.recompute():
        b = F.sin(F.sin(checkpoint))
    y = F.sin(b)
    inputs, _ = recording(lambda: y.forward(clear_no_need_grad=True))
    assert inputs == [[KEPT], [DATA], [KEPT], [DATA], [DATA]]
    inputs, outputs = recording(lambda: y.backward(clear_buffer=True))
    assert inputs == [[KEPT]] * 8
    # Two of the later segment, its three gradients, one of the earlier segment, two gradients.
    assert outputs == [[KEPT], [KEPT], [GRAD], [BOTH], [BOTH], [KEPT], [BOTH], [BOTH]]
