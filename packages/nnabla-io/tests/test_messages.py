"""The protobuf messages, against bytes and text of nnabla 1.39.0."""

import copy
import pickle
from pathlib import Path

import pytest
from google.protobuf import text_format

from nnabla_io import messages

DATA = Path(__file__).parent / "data"


@pytest.fixture
def network():
    return messages.NNablaProtoBuf.FromString((DATA / "network.protobuf").read_bytes())


def test_reads_the_bytes_of_the_reference(network):
    assert network.version == "0.1"
    main = network.network[0]
    assert (main.batch_size, main.repeat_info[0].times) == (16, 2)
    assert list(main.variable[0].shape.dim) == [-1, 1, 28, 28]
    conv, drop, relu = main.function
    assert conv.WhichOneof("parameter") == "convolution_param"
    assert list(conv.convolution_param.pad.dim) == [1, 300]
    assert drop.dropout_param.p == 0.1
    assert drop.dropout_param.seed == -1
    assert relu.relu_param.inplace is True
    assert list(network.parameter[0].data) == [0.5, -1.25]
    solver = network.optimizer[0].solver
    assert solver.WhichOneof("parameter") == "adam_param"
    assert solver.states["W"].t == 7
    assert solver.states["W"].state_parameter["m"].data == pytest.approx([0.1, 0.2])


def test_writes_the_same_bytes_and_the_same_text_as_the_reference(network):
    golden = (DATA / "network.protobuf").read_bytes()
    assert network.SerializeToString(deterministic=True) == golden
    assert text_format.MessageToString(network) == (DATA / "network.nntxt").read_text()


def test_no_field_of_the_golden_file_is_unknown(network):
    before = network.ByteSize()
    network.DiscardUnknownFields()
    assert network.ByteSize() == before


def test_text_is_read_back(network):
    text = (DATA / "network.nntxt").read_text()
    assert text_format.Parse(text, messages.NNablaProtoBuf()) == network


def test_setting_one_operators_parameter_clears_anothers():
    function = messages.Function(name="f")
    function.affine_param.base_axis = 2
    function.relu_param.inplace = True
    assert function.WhichOneof("parameter") == "relu_param"
    assert not function.HasField("affine_param")


def test_messages_can_be_copied_and_pickled(network):
    assert pickle.loads(pickle.dumps(network)) == network == copy.deepcopy(network)


def test_the_public_module_is_these_messages():
    from nnabla.utils import nnabla_pb2

    assert nnabla_pb2.Network is messages.Network
    assert nnabla_pb2.DESCRIPTOR.name == "nnabla.proto"


def test_a_line_of_the_schema_that_is_not_understood_is_named():
    with pytest.raises(ValueError, match="line 'optional int64 x = 1;'"):
        messages._parse("message A {\n  optional int64 x = 1;\n}")
