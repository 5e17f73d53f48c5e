"""The cases in JAX that vary one size: the batch, a kernel by itself."""

from functools import partial

import jax
import jax.numpy as jnp
from case_runner import Case
from case_sizes import INFERRED_BATCHES, KERNELS, TRAINED_BATCHES, Gemm
from jax_cases import infer, lenet, lenet_weights, mlp, train, wide_weights
from jax_networks import mobile, mobile_weights
from jax_steps import convolution, weights


def kernel_by_itself(kernel):
    """One call of a compiled kernel, channels last."""
    if isinstance(kernel, Gemm):
        x, w, run = weights(kernel.rows, kernel.inner), weights(kernel.inner, kernel.columns), jnp.matmul
    else:
        maps, inputs, height, width = kernel.weight
        x, w = weights(kernel.batch, kernel.size, kernel.size, kernel.inputs), weights(height, width, inputs, maps)
        run = partial(convolution, stride=kernel.stride, pad=kernel.kernel // 2, groups=kernel.group)
    compiled = jax.jit(run)
    return lambda: compiled(x, w).block_until_ready()


CASES = {
    **{f"lenet_train_b{batch}": train(lenet, lenet_weights, batch, 28, 28, 1) for batch in TRAINED_BATCHES},
    **{f"mlp1024_infer_b{batch}": infer(mlp(jax.nn.relu), wide_weights, batch, 784) for batch in INFERRED_BATCHES},
    **{
        f"mobile_cifar_infer_b{batch}": infer(partial(mobile, test=True), mobile_weights, batch, 32, 32, 3)
        for batch in INFERRED_BATCHES
    },
    **{kernel.name: Case(partial(kernel_by_itself, kernel), 20) for kernel in KERNELS},
}
