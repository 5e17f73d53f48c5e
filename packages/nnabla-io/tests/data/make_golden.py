"""Make the golden files beside this script; run it with nnabla 1.39.0 installed.

The parameters' values follow from their index and shape (see ``expected.py``), so the files need no
second copy of them.
"""

import pathlib

import numpy as np
from expected import MANY, PARAMETERS, values
from google.protobuf import text_format

import nnabla as nn
from nnabla.utils import nnabla_pb2

HERE = pathlib.Path(__file__).parent


def make_h5(file_name, parameters):
    nn.clear_parameters()
    for index, (name, shape, dtype, need_grad) in enumerate(parameters):
        parameter = nn.parameter.get_parameter_or_create(name, shape=shape, need_grad=need_grad)
        if parameter.size:
            parameter.data.cast(np.dtype(dtype))[...] = values(index, shape, dtype)
    nn.save_parameters(str(HERE / file_name))


def make_network():
    message = nnabla_pb2.NNablaProtoBuf(version="0.1")
    message.global_config.default_context.backends.extend(["cpu:float"])
    message.training_config.max_epoch = 3
    network = message.network.add(name="main", batch_size=16)
    network.repeat_info.add(id="loop", times=2)
    variable = network.variable.add(name="x", type="Buffer")
    variable.shape.dim.extend([-1, 1, 28, 28])
    function = network.function.add(name="conv", type="Convolution", input=["x", "W"], output=["y"])
    function.convolution_param.base_axis = 1
    function.convolution_param.pad.dim.extend([1, 300])
    function = network.function.add(name="drop", type="Dropout", input=["y"], output=["z"])
    function.dropout_param.p = 0.1
    function.dropout_param.seed = -1
    network.function.add(name="relu", type="ReLU").relu_param.inplace = True
    parameter = message.parameter.add(variable_name="W", data=[0.5, -1.25], need_grad=True)
    parameter.shape.dim.append(2)
    optimizer = message.optimizer.add(name="opt", network_name="main", update_interval=1)
    optimizer.solver.type = "Adam"
    optimizer.solver.adam_param.alpha = 1e-3
    state = optimizer.solver.states["W"]
    state.t = 7
    state.state_parameter["m"].data.extend([0.1, 0.2])
    message.executor.add(name="run", network_name="main", num_evaluations=2)
    (HERE / "network.protobuf").write_bytes(message.SerializeToString(deterministic=True))
    (HERE / "network.nntxt").write_text(text_format.MessageToString(message))


if __name__ == "__main__":
    make_h5("parameters.h5", PARAMETERS)
    make_h5("many.h5", MANY)
    make_network()
