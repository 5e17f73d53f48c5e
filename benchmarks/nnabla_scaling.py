"""The cases in NNabla that vary one size: the batch, the number of operators, a kernel by itself."""

from functools import partial

import numpy as np
from case_runner import Case
from case_sizes import INFERRED_BATCHES, KERNELS, OPERATOR_COUNTS, TRAINED_BATCHES, Gemm, fan_in_scale, operator_chain
from nnabla_cases import lenet, wide_mlp
from nnabla_networks import mobile
from nnabla_steps import inference, momentum, training, variable

import nnabla as nn
import nnabla.functions as F


def operators(count):
    """Forward and backward of a static graph of so many small operators."""
    x = variable(np.linspace(-1, 1, 64))
    x.need_grad = True
    y = operator_chain(x, count, F.tanh)

    def step():
        y.forward(clear_no_need_grad=True)
        x.grad.zero()
        y.backward(clear_buffer=True)
        return x.g[0]

    return step


def kernel_by_itself(kernel):
    """One call of a kernel in imperative mode: no graph, constant weights."""
    rng = np.random.RandomState(0)

    def array(*shape, scale=1.0):
        return nn.NdArray.from_numpy_array((rng.randn(*shape) * scale).astype(np.float32))

    if isinstance(kernel, Gemm):
        x, w = array(kernel.rows, kernel.inner), array(kernel.inner, kernel.columns, scale=kernel.inner**-0.5)
        return lambda: F.affine(x, w).data
    x = array(kernel.batch, kernel.inputs, kernel.size, kernel.size)
    w = array(*kernel.weight, scale=fan_in_scale(kernel.weight))
    pad, stride = (kernel.kernel // 2,) * 2, (kernel.stride,) * 2
    return lambda: F.convolution(x, w, pad=pad, stride=stride, group=kernel.group).data


def infer(network, *shape):
    return Case(lambda: inference(network, shape), 20)


def train_lenet(batch):
    return Case(lambda: training(lenet, (batch, 1, 28, 28), momentum()), 20)


CASES = {
    **{f"lenet_train_b{batch}": train_lenet(batch) for batch in TRAINED_BATCHES},
    **{f"mlp1024_infer_b{batch}": infer(wide_mlp, batch, 784) for batch in INFERRED_BATCHES},
    **{
        f"mobile_cifar_infer_b{batch}": infer(partial(mobile, test=True), batch, 3, 32, 32)
        for batch in INFERRED_BATCHES
    },
    **{f"chain_of_{count}_operators": Case(partial(operators, count), 10) for count in OPERATOR_COUNTS},
    **{kernel.name: Case(partial(kernel_by_itself, kernel), 20) for kernel in KERNELS},
}
