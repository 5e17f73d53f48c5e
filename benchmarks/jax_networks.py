"""The cases of further kinds of networks in JAX."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from case_runner import Case
from case_sizes import (
    CHANNEL_LAST_LAYERS,
    CRITIC_BATCH,
    CRITIC_MAPS,
    LANGUAGE,
    MOBILE_BLOCKS,
    PIXEL_CLASSES,
    RESIDUAL_MLP,
    SEQUENCE_DILATIONS,
    UNET_MAPS,
    VOLUME_MAPS,
    elementwise_chain,
)
from jax import lax
from jax_steps import (
    RNG,
    Adam,
    Momentum,
    batch_normalization,
    convolution,
    cross_entropy,
    inference,
    labels,
    layer_normalization,
    max_pooling,
    norm_weights,
    optimize,
    training,
    weights,
)


def normalized_convolution(h, kernel, norm, test=False, **options):
    pad = kernel.shape[0] // 2 * options.get("dilation", 1)
    return jax.nn.relu(batch_normalization(convolution(h, kernel, pad=pad, **options), norm, test))


def head_weights(inputs):
    return weights(inputs, 10), weights(10)


def pooled(p, h):
    """The mean over space, and the last layer."""
    return h.mean(tuple(range(1, h.ndim - 1))) @ p["fc"][0] + p["fc"][1]


def mobile_weights():
    p = {"first": (weights(3, 3, 3, 32), norm_weights(32)), "blocks": [], "fc": head_weights(MOBILE_BLOCKS[-1][0])}
    inputs = 32
    for maps, _ in MOBILE_BLOCKS:
        depthwise = weights(3, 3, 1, inputs), norm_weights(inputs)
        p["blocks"].append((depthwise, (weights(1, 1, inputs, maps), norm_weights(maps))))
        inputs = maps
    return p


def mobile(p, h, first_stride=1, test=False):
    h = normalized_convolution(h, *p["first"], test, stride=first_stride)
    for (depthwise, pointwise), (_, stride) in zip(p["blocks"], MOBILE_BLOCKS):
        h = normalized_convolution(h, *depthwise, test, stride=stride, groups=h.shape[-1])
        h = normalized_convolution(h, *pointwise, test)
    return pooled(p, h)


def stack_weights(rank, inputs, outputs):
    """Of convolutions with kernels of side 3, one after another."""
    layers = []
    for maps in outputs:
        layers.append((weights(*(3,) * rank, inputs, maps), norm_weights(maps)))
        inputs = maps
    return {"layers": layers, "fc": head_weights(inputs)}


def sequence_net(p, h):
    for layer, dilation in zip(p["layers"], SEQUENCE_DILATIONS):
        h = normalized_convolution(h, *layer, stride=2, dilation=dilation)
    return pooled(p, h)


def volume_net(p, h):
    for layer in p["layers"]:
        h = max_pooling(normalized_convolution(h, *layer))
    return pooled(p, h)


def channel_last_net(p, h, test=False):
    for layer, (_, stride) in zip(p["layers"], CHANNEL_LAST_LAYERS):
        h = normalized_convolution(h, *layer, test, stride=stride)
    return pooled(p, h)


def unet_weights():
    def twice(inputs, maps):
        return [(weights(3, 3, i, maps), norm_weights(maps)) for i in (inputs, maps)]

    *outer, bottom = UNET_MAPS
    above = [*outer[1:], bottom]
    return {
        "down": [twice(*pair) for pair in zip([3, *outer], outer)],
        "bottom": twice(outer[-1], bottom),
        "up": [((weights(2, 2, a, maps), weights(maps)), twice(2 * maps, maps)) for a, maps in zip(above, outer)],
        "out": (weights(1, 1, outer[0], PIXEL_CLASSES), weights(PIXEL_CLASSES)),
    }


def unet(p, h, test=False):
    def twice(h, layers):
        for layer in layers:
            h = normalized_convolution(h, *layer, test)
        return h

    skipped = []
    for layers in p["down"]:
        skipped.append(twice(h, layers))
        h = max_pooling(skipped[-1])
    h = twice(h, p["bottom"])
    for (kernel, bias), layers in reversed(p["up"]):
        h = lax.conv_transpose(h, kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
        h = twice(jnp.concatenate([h, skipped.pop()], -1), layers)
    return convolution(h, p["out"][0]) + p["out"][1]


def residual_mlp_training():
    width, inner, rate = (RESIDUAL_MLP[key] for key in ("width", "inner", "dropout"))

    def block():
        return {
            "norm": norm_weights(width),
            "a1": (weights(width, inner), weights(inner)),
            "a2": (weights(inner, width), weights(width)),
        }

    p = {"first": (weights(256, width), weights(width)), "last": norm_weights(width), "fc": head_weights(width)}
    p["blocks"] = [block() for _ in range(RESIDUAL_MLP["blocks"])]

    def loss(p, x, t, key):
        h = x @ p["first"][0] + p["first"][1]
        for q, draw in zip(p["blocks"], jax.random.split(key, len(p["blocks"]))):
            y = jax.nn.silu(layer_normalization(h, *q["norm"]) @ q["a1"][0] + q["a1"][1])
            y = jnp.where(jax.random.bernoulli(draw, 1 - rate, y.shape), y / (1 - rate), 0)
            h = h + y @ q["a2"][0] + q["a2"][1]
        return cross_entropy(layer_normalization(h, *p["last"]) @ p["fc"][0] + p["fc"][1], t)

    batch = RNG.randn(64, 256).astype(np.float32), labels(10, 64), jax.random.key(0)
    return optimize(loss, p, Momentum, batch)


def language_training():
    steps, batch, words, width, hidden = (LANGUAGE[key] for key in ("steps", "batch", "words", "width", "hidden"))
    p = {"embed": weights(words, width), "out": (weights(hidden, words), weights(words)), "layers": []}
    for inputs in [width, *[hidden] * (LANGUAGE["layers"] - 1)]:
        p["layers"].append((weights(inputs, 4 * hidden), weights(hidden, 4 * hidden), weights(4 * hidden)))

    def layer(h, weights):
        from_input, from_state, bias = weights

        def cell(state, z):
            h, c = state
            i, f, g, o = jnp.split(z + h @ from_state, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        start = (jnp.zeros((batch, hidden)), jnp.zeros((batch, hidden)))
        return lax.scan(cell, start, h @ from_input + bias)[1]

    def loss(p, tokens, following):
        h = p["embed"][tokens]
        for layer_weights in p["layers"]:
            h = layer(h, layer_weights)
        return cross_entropy(h @ p["out"][0] + p["out"][1], following)

    return optimize(loss, p, Adam, [labels(words, steps, batch) for _ in range(2)])


def gradient_penalty_training():
    p, inputs = {"layers": []}, 1
    for maps in CRITIC_MAPS:
        p["layers"].append((weights(3, 3, inputs, maps), weights(maps)))
        inputs = maps
    p["fc"] = weights(inputs * 7 * 7, 1), weights(1)

    def critic(p, h):
        for kernel, bias in p["layers"]:
            h = jax.nn.leaky_relu(convolution(h, kernel, 2, 1) + bias, 0.2)
        return h.reshape(len(h), -1) @ p["fc"][0] + p["fc"][1]

    def loss(p, real, fake, mixed):
        gradient = jax.grad(lambda x: critic(p, x).sum())(mixed)
        norm = ((gradient**2).sum((1, 2, 3)) + 1e-12) ** 0.5
        return critic(p, fake).mean() - critic(p, real).mean() + 10 * ((norm - 1) ** 2).mean()

    return optimize(loss, p, Adam, [RNG.randn(CRITIC_BATCH, 28, 28, 1).astype(np.float32) for _ in range(3)])


def elementwise_chain_training():
    def loss(scale, x):
        return elementwise_chain(x * scale, jnp.tanh, jax.nn.sigmoid, jnp.exp).mean()

    return optimize(loss, jnp.ones((1, 4096)), Momentum, [RNG.randn(256, 4096).astype(np.float32)])


def train(network, make_weights, *shape, **labels):
    return Case(lambda: training(network, make_weights(), shape, Momentum, **labels), 10)


def infer(network, make_weights, *shape):
    return Case(lambda: inference(partial(network, test=True), make_weights(), shape), 20)


def sequence_weights():
    return stack_weights(1, 16, [64] * len(SEQUENCE_DILATIONS))


def volume_weights():
    return stack_weights(3, 1, VOLUME_MAPS)


def channel_last_weights():
    return stack_weights(2, 3, [maps for maps, _ in CHANNEL_LAST_LAYERS])


CASES = {
    "mobile_cifar_train_b32": train(mobile, mobile_weights, 32, 32, 32, 3),
    "mobile_224_infer_b1": infer(partial(mobile, first_stride=2), mobile_weights, 1, 224, 224, 3),
    "conv1d_train_b32": train(sequence_net, sequence_weights, 32, 2048, 16),
    "conv3d_train_b8": train(volume_net, volume_weights, 8, 16, 32, 32, 1),
    "channel_last_train_b32": train(channel_last_net, channel_last_weights, 32, 32, 32, 3),
    "channel_last_infer_b1": infer(channel_last_net, channel_last_weights, 1, 32, 32, 3),
    "unet_train_b4": train(unet, unet_weights, 4, 64, 64, 3, classes=PIXEL_CLASSES, label_shape=(64, 64)),
    "unet_infer_b1": infer(unet, unet_weights, 1, 64, 64, 3),
    "residual_mlp_train_b64": Case(residual_mlp_training, 10),
    "language_lstm_train_T20_B16": Case(language_training, 10),
    "gradient_penalty_train_b32": Case(gradient_penalty_training, 10),
    "elementwise_chain_train_1M": Case(elementwise_chain_training, 10),
}
