"""The cases in JAX: the whole training step compiled, channels last, buffers donated.

python jax_cases.py [CASE ...]
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from timing import median_ms, run_cases

RNG = np.random.RandomState(0)
# Maps and stride of ResNet-18's blocks.
BLOCKS = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]


def weights(*shape):
    return jnp.asarray(RNG.randn(*shape).astype(np.float32) * 0.05)


def norm_weights(maps):
    return jnp.ones(maps), jnp.zeros(maps)


def convolution(x, kernel, stride=1, pad="SAME"):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (stride, stride), pad, dimension_numbers=layout)


def max_pooling(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def lenet_weights():
    return {
        "c1": (weights(5, 5, 1, 16), weights(16)),
        "c2": (weights(5, 5, 16, 16), weights(16)),
        "f3": (weights(256, 50), weights(50)),
        "f4": (weights(50, 10), weights(10)),
    }


def lenet(p, x):
    h = x
    for name in ("c1", "c2"):
        kernel, bias = p[name]
        h = jax.nn.relu(max_pooling(convolution(h, kernel, 1, "VALID") + bias))
    h = jax.nn.relu(h.reshape(h.shape[0], -1) @ p["f3"][0] + p["f3"][1])
    return h @ p["f4"][0] + p["f4"][1]


def mlp_weights(inputs, widths):
    layers = []
    for width in widths:
        layers.append((weights(inputs, width), weights(width)))
        inputs = width
    return layers


def mlp(activation):
    def network(p, x):
        h = x.reshape(x.shape[0], -1)
        for weight, bias in p[:-1]:
            h = activation(h @ weight + bias)
        return h @ p[-1][0] + p[-1][1]

    return network


def resnet18_weights():
    p = {"c0": weights(3, 3, 3, 64), "b0": norm_weights(64), "blocks": []}
    inputs = 64
    for maps, stride in BLOCKS:
        block = {
            "c1": weights(3, 3, inputs, maps),
            "b1": norm_weights(maps),
            "c2": weights(3, 3, maps, maps),
            "b2": norm_weights(maps),
        }
        if stride != 1 or inputs != maps:
            block |= {"cs": weights(1, 1, inputs, maps), "bs": norm_weights(maps)}
        p["blocks"].append(block)
        inputs = maps
    return p | {"fc": (weights(512, 10), weights(10))}


def batch_normalization(x, scale_and_shift, test):
    scale, shift = scale_and_shift
    if test:
        return x * scale + shift
    mean = x.mean((0, 1, 2))
    variance = ((x - mean) ** 2).mean((0, 1, 2))
    return (x - mean) * (scale * lax.rsqrt(variance + 1e-5)) + shift


def resnet18(test):
    def network(p, x):
        h = jax.nn.relu(batch_normalization(convolution(x, p["c0"]), p["b0"], test))
        for block, (_, stride) in zip(p["blocks"], BLOCKS, strict=True):
            y = convolution(h, block["c1"], stride, ((1, 1), (1, 1)))
            y = jax.nn.relu(batch_normalization(y, block["b1"], test))
            y = batch_normalization(convolution(y, block["c2"]), block["b2"], test)
            if "cs" in block:
                h = convolution(h, block["cs"], stride, "VALID")
                h = batch_normalization(h, block["bs"], test)
            h = jax.nn.relu(h + y)
        return h.mean((1, 2)) @ p["fc"][0] + p["fc"][1]

    return network


def cross_entropy(y, t):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], 1))


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


def optimize(loss, p, rule, batch, runs):
    """Time training steps on one batch: gradient, update, and the loss read back."""

    def compute(p, state, *batch):
        value, gradient = jax.value_and_grad(loss)(p, *batch)
        return *rule.update(p, gradient, state), value

    compiled = jax.jit(compute, donate_argnums=(0, 1))
    state = [p, rule.start(p)]

    def step():
        state[0], state[1], value = compiled(state[0], state[1], *batch)
        return float(value)

    return median_ms(step, runs)


def training(network, p, shape, rule, runs):
    images = RNG.randn(*shape).astype(np.float32)
    labels = RNG.randint(0, 10, shape[0]).astype(np.int32)

    def loss(p, x, t):
        return cross_entropy(network(p, x), t)

    return optimize(loss, p, rule, (images, labels), runs)


def inference(network, p, shape, runs):
    images = RNG.randn(*shape).astype(np.float32)
    compiled = jax.jit(network)
    return median_ms(lambda: np.asarray(compiled(p, images)).sum(), runs)


def lstm_training(runs=10):
    steps, batch, inputs, hidden = 32, 32, 128, 256
    p = {"wi": weights(inputs, 4 * hidden), "wh": weights(hidden, 4 * hidden)}
    p["b"] = weights(4 * hidden)

    def loss(p, x):
        z = (x.reshape(steps * batch, inputs) @ p["wi"] + p["b"]).reshape(steps, batch, -1)

        def cell(state, zt):
            h, c = state
            i, f, g, o = jnp.split(zt + h @ p["wh"], 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        start = (jnp.zeros((batch, hidden)), jnp.zeros((batch, hidden)))
        return lax.scan(cell, start, z)[1].mean()

    return optimize(loss, p, Adam, (weights(steps, batch, inputs),), runs)


def layer_normalization(x, scale, shift):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + shift


def transformer_training(runs=10):
    steps, batch, width, heads, inner = 64, 8, 256, 8, 1024

    def layer_weights():
        p = {name: weights(width, width) for name in ("query", "key", "value", "out")}
        p |= {"f1": (weights(width, inner), weights(inner))}
        p |= {"f2": (weights(inner, width), weights(width))}
        return p | {"n1": norm_weights(width), "n2": norm_weights(width)}

    def split_heads(x):
        return x.reshape(steps, batch * heads, width // heads).transpose(1, 0, 2)

    def loss(layers, h):
        for p in layers:
            query, key, value = (split_heads(h @ p[name]) for name in ("query", "key", "value"))
            scores = query @ key.transpose(0, 2, 1) / (width // heads) ** 0.5
            attended = (jax.nn.softmax(scores) @ value).transpose(1, 0, 2)
            h = layer_normalization(h + attended.reshape(h.shape) @ p["out"], *p["n1"])
            inside = jax.nn.relu(h @ p["f1"][0] + p["f1"][1])
            h = layer_normalization(h + inside @ p["f2"][0] + p["f2"][1], *p["n2"])
        return (h**2).mean()

    x = weights(steps, batch, width) * 20
    return optimize(loss, [layer_weights() for _ in range(2)], Adam, (x,), runs)


def imperative(runs=20):
    a = jnp.asarray(RNG.randn(64, 64).astype(np.float32))

    def step():
        b = a
        for _ in range(100):
            b = b * 1.01
        return b.block_until_ready()

    return median_ms(step, runs)


TINY, WIDE = [4, 8, 4, 2, 10], [1024, 1024, 1024, 10]
CASES = {
    "tiny_mlp_train_b64": lambda: training(mlp(jnp.tanh), mlp_weights(64, TINY), (64, 64), Momentum, 200),
    "mlp1024_train_b128": lambda: training(mlp(jax.nn.relu), mlp_weights(784, WIDE), (128, 784), Adam, 20),
    "lenet_train_b128": lambda: training(lenet, lenet_weights(), (128, 28, 28, 1), Momentum, 20),
    "lenet_infer_b1": lambda: inference(lenet, lenet_weights(), (1, 28, 28, 1), 200),
    "resnet18_cifar_train_b32": lambda: training(
        resnet18(test=False), resnet18_weights(), (32, 32, 32, 3), Momentum, 4
    ),
    "resnet18_cifar_infer_b1": lambda: inference(resnet18(test=True), resnet18_weights(), (1, 32, 32, 3), 20),
    "resnet18_224_infer_b1": lambda: inference(resnet18(test=True), resnet18_weights(), (1, 112, 112, 3), 5),
    "lstm_train_T32_B32_H256": lstm_training,
    "transformer_train_T64_B8_E256": transformer_training,
    "imperative_100_mul_scalar_64x64": imperative,
}

if __name__ == "__main__":
    run_cases(CASES, sys.argv[1:])
