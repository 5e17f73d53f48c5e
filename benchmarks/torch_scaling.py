"""The cases in PyTorch that vary one size: the batch, the number of operators, a kernel by itself."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from case_runner import Case
from case_sizes import INFERRED_BATCHES, KERNELS, OPERATOR_COUNTS, TRAINED_BATCHES, Gemm, fan_in_scale, operator_chain
from torch_cases import lenet, wide_mlp
from torch_networks import mobile
from torch_steps import momentum


def operators(count):
    x = torch.linspace(-1, 1, 64).requires_grad_()

    def step():
        x.grad = None
        operator_chain(x, count, torch.tanh).sum().backward()
        return float(x.grad[0])

    return step


def kernel_by_itself(steps, kernel, onednn=False):
    """One call of a kernel; with ``onednn``, on tensors in that library's own layouts."""
    rng = np.random.RandomState(0)

    def tensor(*shape, scale=1.0):
        made = torch.from_numpy((rng.randn(*shape) * scale).astype(np.float32))
        return made if onednn else steps.placed(made)

    if isinstance(kernel, Gemm):
        x, w = tensor(kernel.rows, kernel.inner), tensor(kernel.columns, kernel.inner, scale=kernel.inner**-0.5)
        run = torch._C._nn.mkldnn_linear if onednn else F.linear
        arguments = {}
    else:
        x = tensor(kernel.batch, kernel.inputs, kernel.size, kernel.size)
        w = tensor(*kernel.weight, scale=fan_in_scale(kernel.weight))
        run = F.conv2d
        arguments = {"padding": kernel.kernel // 2, "stride": kernel.stride, "groups": kernel.group}
        if onednn:
            w = torch._C._nn.mkldnn_reorder_conv2d_weight(
                w.to_mkldnn(), arguments["padding"], arguments["stride"], 1, kernel.group
            )
    if onednn:
        x, w = x.to_mkldnn(), w if w.is_mkldnn else w.to_mkldnn()

    def step():
        with torch.inference_mode():
            return run(x, w, **arguments)

    return step


def kernel_cases(steps, onednn=False):
    return {kernel.name: Case(partial(kernel_by_itself, steps, kernel, onednn), 20) for kernel in KERNELS}


INFERENCE = {
    **{f"mlp1024_infer_b{batch}": (wide_mlp, (batch, 784), 20) for batch in INFERRED_BATCHES},
    **{f"mobile_cifar_infer_b{batch}": (mobile, (batch, 3, 32, 32), 20) for batch in INFERRED_BATCHES},
}


def cases(steps):
    def train_lenet(batch):
        return Case(lambda: steps.training(lenet, (batch, 1, 28, 28), momentum), 20)

    found = {f"lenet_train_b{batch}": train_lenet(batch) for batch in TRAINED_BATCHES}
    if not steps.compiled:  # it compiles thousands of operators for minutes, and a kernel into itself
        found |= {f"chain_of_{count}_operators": Case(partial(operators, count), 10) for count in OPERATOR_COUNTS}
        found |= kernel_cases(steps)
    return found
