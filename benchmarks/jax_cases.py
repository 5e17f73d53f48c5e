"""The default cases in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
from case_runner import Case
from case_sizes import RESIDUAL_BLOCKS
from jax import lax
from jax_steps import (
    RNG,
    Adam,
    Momentum,
    batch_normalization,
    convolution,
    inference,
    layer_normalization,
    max_pooling,
    norm_weights,
    optimize,
    training,
    weights,
)


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
    for maps, stride in RESIDUAL_BLOCKS:
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


def resnet18(test):
    def network(p, x):
        h = jax.nn.relu(batch_normalization(convolution(x, p["c0"]), p["b0"], test))
        for block, (_, stride) in zip(p["blocks"], RESIDUAL_BLOCKS, strict=True):
            y = convolution(h, block["c1"], stride, 1)
            y = jax.nn.relu(batch_normalization(y, block["b1"], test))
            y = batch_normalization(convolution(y, block["c2"]), block["b2"], test)
            if "cs" in block:
                h = convolution(h, block["cs"], stride, "VALID")
                h = batch_normalization(h, block["bs"], test)
            h = jax.nn.relu(h + y)
        return h.mean((1, 2)) @ p["fc"][0] + p["fc"][1]

    return network


def lstm_training():
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

    return optimize(loss, p, Adam, (weights(steps, batch, inputs),))


def transformer_training():
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
    return optimize(loss, [layer_weights() for _ in range(2)], Adam, (x,))


def imperative():
    a = jnp.asarray(RNG.randn(64, 64).astype(np.float32))

    def step():
        b = a
        for _ in range(100):
            b = b * 1.01
        return b.block_until_ready()

    return step


TINY, WIDE = [4, 8, 4, 2, 10], [1024, 1024, 1024, 10]


def train(network, weights, *shape, rule=Momentum, runs=20):
    return Case(lambda: training(network, weights(), shape, rule), runs)


def infer(network, weights, *shape, runs=20):
    return Case(lambda: inference(network, weights(), shape), runs)


def tiny_weights():
    return mlp_weights(64, TINY)


def wide_weights():
    return mlp_weights(784, WIDE)


CASES = {
    "tiny_mlp_train_b64": train(mlp(jnp.tanh), tiny_weights, 64, 64, runs=200),
    "mlp1024_train_b128": train(mlp(jax.nn.relu), wide_weights, 128, 784, rule=Adam),
    "lenet_train_b128": train(lenet, lenet_weights, 128, 28, 28, 1),
    "lenet_infer_b1": infer(lenet, lenet_weights, 1, 28, 28, 1, runs=200),
    "resnet18_cifar_train_b32": train(resnet18(test=False), resnet18_weights, 32, 32, 32, 3, runs=4),
    "resnet18_cifar_infer_b1": infer(resnet18(test=True), resnet18_weights, 1, 32, 32, 3),
    "resnet18_224_infer_b1": infer(resnet18(test=True), resnet18_weights, 1, 112, 112, 3, runs=5),
    "lstm_train_T32_B32_H256": Case(lstm_training, 10),
    "transformer_train_T64_B8_E256": Case(transformer_training, 10),
    "imperative_100_mul_scalar_64x64": Case(imperative, 20),
}
