"""Write down what the reference implementation's normalizations compute, change and differentiate to.

Run it with an interpreter that has nnabla 1.39.0:

    python make_normalization.py

``normalization.npz`` then holds for each run its inputs, outputs, output gradients, the inputs after forward and
their gradients.
"""

import pathlib

import numpy as np

import nnabla as nn
import nnabla.functions as F

rng = np.random.RandomState(7)
kept = {}


def variable(*shape, need_grad=True, low=None):
    values = rng.randn(*shape) if low is None else rng.uniform(low, low + 1.0, shape)
    return nn.Variable.from_numpy_array(values.astype(np.float32), need_grad=need_grad)


def run(name, function, *inputs, **args):
    for i, v in enumerate(inputs):
        if v is not None:
            kept[f"{name}/in{i}"] = v.d.copy()
            v.grad.zero()
    outputs = function(*inputs, **args)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    sink = F.sink(*outputs, one_input_grad=False)
    sink.forward()
    for o, y in enumerate(outputs):
        kept[f"{name}/out{o}"] = y.d.copy()
        kept[f"{name}/gout{o}"] = rng.randn(*y.shape).astype(np.float32)
        y.g = kept[f"{name}/gout{o}"]
    sink.backward()
    for i, v in enumerate(inputs):
        if v is not None:
            kept[f"{name}/after{i}"] = v.d.copy()
            kept[f"{name}/gin{i}"] = v.g.copy()


def parameters(*shape):
    return variable(*shape), variable(*shape), variable(*shape), variable(*shape, low=0.5)


x = (3, 4, 2, 3)
bn = F.batch_normalization
run("bn", bn, variable(*x), *parameters(1, 4, 1, 1), decay_rate=0.7, eps=0.01)
run("bn_stat", bn, variable(*x), *parameters(1, 4, 1, 1), output_stat=True)
run("bn_global", bn, variable(*x), *parameters(1, 4, 1, 1), batch_stat=False)
run("bn_axes", bn, variable(*x), *parameters(1, 4, 1, 3), axes=[1, 3], output_stat=True)
run("bn_last", bn, variable(*x), *parameters(1, 1, 1, 3), axes=[-1])
run("bn_plain", bn, variable(*x), None, None, *parameters(1, 4, 1, 1)[2:])
fbn = F.fused_batch_normalization
run("fbn", fbn, variable(*x), *parameters(1, 4, 1, 1), variable(*x))
run("fbn_global", fbn, variable(*x), *parameters(1, 4, 1, 1), batch_stat=False)
run("ln", F.layer_normalization, variable(*x), variable(1, 4, 2, 3), variable(1, 4, 2, 3), output_stat=True)
run("ln_axes", F.layer_normalization, variable(*x), variable(1, 1, 2, 3), None, batch_axis=[0, 1], eps=0.1)
run("in", F.instance_normalization, variable(*x), variable(1, 4, 1, 1), variable(1, 4, 1, 1), output_stat=True)
run("in_full", F.instance_normalization, variable(*x), variable(3, 4, 1, 1), variable(3, 4, 1, 1))
run(
    "gn",
    F.group_normalization,
    variable(*x),
    variable(1, 4, 1, 1),
    variable(1, 4, 1, 1),
    num_groups=2,
    output_stat=True,
)
run("tn", F.tensor_normalization, variable(*x), axes=[1])
run("ws", F.weight_standardization, variable(*x), channel_axis=1, output_stat=True)
run("wn", F.weight_normalization, variable(*x), variable(4), dim=1)
run("sn", F.spectral_norm, variable(*x), variable(4), dim=1, itr=2, eps=1e-6)
run("sn_test", F.spectral_norm, variable(*x), variable(3), test=True)
run(
    "ms", F.mean_subtraction, variable(*x), variable(4, 2, 3), nn.Variable.from_numpy_array(np.array([4.0], np.float32))
)
run(
    "ms_still",
    F.mean_subtraction,
    variable(*x),
    variable(2, 3),
    nn.Variable.from_numpy_array(np.array([4.0], np.float32)),
    base_axis=2,
    update_running_mean=False,
)
run("nn", F.norm_normalization, variable(*x), p=3, axes=[1, 2])
np.savez_compressed(pathlib.Path(__file__).parent / "normalization.npz", **kept)
