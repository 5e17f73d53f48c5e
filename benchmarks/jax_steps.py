"""Layers and one step of training or inference in JAX: the whole step compiled, channels last, buffers donated."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

RNG = np.random.RandomState(0)


def weights(*shape):
    return jnp.asarray(RNG.randn(*shape).astype(np.float32) * 0.05)


def labels(classes, *shape):
    return RNG.randint(0, classes, shape).astype(np.int32)


def norm_weights(maps):
    return jnp.ones(maps), jnp.zeros(maps)


def convolution(x, kernel, stride=1, pad="SAME", dilation=1, groups=1):
    """A convolution over one to three dimensions, channels last; ``pad`` may be a number of elements."""
    rank = x.ndim - 2
    space = "DHW"[3 - rank :]
    layout = (f"N{space}C", f"{space}IO", f"N{space}C")
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride,) * rank,
        pad if isinstance(pad, str) else ((pad, pad),) * rank,
        rhs_dilation=(dilation,) * rank,
        dimension_numbers=layout,
        feature_group_count=groups,
    )


def max_pooling(x):
    """The maxima of squares of side 2, or of the like in one or three dimensions."""
    window = (1, *(2,) * (x.ndim - 2), 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def batch_normalization(x, scale_and_shift, test=False):
    """Over all axes but the last; at test, what has no statistics scales and shifts."""
    scale, shift = scale_and_shift
    if test:
        return x * scale + shift
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    variance = ((x - mean) ** 2).mean(axes)
    return (x - mean) * (scale * lax.rsqrt(variance + 1e-5)) + shift


def layer_normalization(x, scale, shift):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift


def cross_entropy(y, t):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), t[..., None], -1))


def zeros_like(p):
    return jax.tree.map(jnp.zeros_like, p)


class Momentum:
    """A rule that updates parameters: its first state, and the step."""

    start = staticmethod(zeros_like)

    @staticmethod
    def update(p, g, velocity):
        velocity = jax.tree.map(lambda v, dp, w: 0.9 * v + dp + 1e-4 * w, velocity, g, p)
        return jax.tree.map(lambda w, v: w - 0.01 * v, p, velocity), velocity


class Adam:
    """A rule that updates parameters: its first state, and the step."""

    @staticmethod
    def start(p):
        return zeros_like(p), zeros_like(p), 0.0

    @staticmethod
    def update(p, g, state):
        m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-8), p, m, v)
        return p, (m, v, t)


def optimize(loss, p, rule, batch):
    """A step of training on one batch: gradient, update, and the loss read back."""

    def compute(p, state, *batch):
        value, gradient = jax.value_and_grad(loss)(p, *batch)
        return *rule.update(p, gradient, state), value

    compiled = jax.jit(compute, donate_argnums=(0, 1))
    state = [p, rule.start(p)]

    def step():
        state[0], state[1], value = compiled(state[0], state[1], *batch)
        return float(value)

    return step


def training(network, p, shape, rule, classes=10, label_shape=()):
    """A step of training a classifier, of images or, with a ``label_shape`` of images, of pixels."""
    images = RNG.randn(*shape).astype(np.float32)
    classified = labels(classes, shape[0], *label_shape)

    def loss(p, x, t):
        return cross_entropy(network(p, x), t)

    return optimize(loss, p, rule, (images, classified))


def inference(network, p, shape):
    images = RNG.randn(*shape).astype(np.float32)
    compiled = jax.jit(network)
    return lambda: np.asarray(compiled(p, images)).sum()
