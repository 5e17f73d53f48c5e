"""The cases of further kinds of networks in NNabla, this project's or 1.x."""

from functools import partial

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
from nnabla_cases import normalized_convolution
from nnabla_steps import inference, momentum, optimize, training, variable

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S


def mobile(x, first_stride=1, test=False):
    h = F.relu(normalized_convolution(x, 32, 3, first_stride, ("c0", "b0"), test))
    for i, (maps, stride) in enumerate(MOBILE_BLOCKS):
        with nn.parameter_scope(f"m{i}"):
            h = PF.depthwise_convolution(h, (3, 3), pad=(1, 1), stride=(stride, stride), with_bias=False)
            h = F.relu(PF.batch_normalization(h, batch_stat=not test, name="b1"))
            h = F.relu(normalized_convolution(h, maps, 1, 1, ("c2", "b2"), test))
    h = F.average_pooling(h, h.shape[2:])
    return PF.affine(h, 10, name="fc")


def sequence_net(x):
    h = x
    for i, dilation in enumerate(SEQUENCE_DILATIONS):
        h = PF.convolution(h, 64, (3,), pad=(dilation,), stride=(2,), dilation=(dilation,), name=f"c{i}")
        h = F.relu(PF.batch_normalization(h, name=f"b{i}"))
    h = F.mean(h, axis=2)
    return PF.affine(h, 10, name="fc")


def volume_net(x):
    h = x
    for i, maps in enumerate(VOLUME_MAPS):
        h = PF.convolution(h, maps, (3, 3, 3), pad=(1, 1, 1), name=f"c{i}")
        h = F.relu(PF.batch_normalization(h, name=f"b{i}"))
        h = F.max_pooling(h, (2, 2, 2))
    h = F.mean(h, axis=(2, 3, 4))
    return PF.affine(h, 10, name="fc")


def channel_last_net(x, test=False):
    h = x
    for i, (maps, stride) in enumerate(CHANNEL_LAST_LAYERS):
        arguments = dict(pad=(1, 1), stride=(stride, stride), channel_last=True, with_bias=False)
        h = PF.convolution(h, maps, (3, 3), name=f"c{i}", **arguments)
        h = F.relu(PF.batch_normalization(h, axes=[3], batch_stat=not test, name=f"b{i}"))
    h = F.mean(h, axis=(1, 2))
    return PF.affine(h, 10, name="fc")


def unet(x, test=False):
    def twice(h, maps, name):
        with nn.parameter_scope(name):
            for i in range(2):
                h = F.relu(normalized_convolution(h, maps, 3, 1, (f"c{i}", f"b{i}"), test))
        return h

    *outer, bottom = UNET_MAPS
    h, skipped = x, []
    for i, maps in enumerate(outer):
        skipped.append(twice(h, maps, f"down{i}"))
        h = F.max_pooling(skipped[-1], (2, 2))
    h = twice(h, bottom, "bottom")
    for i, maps in reversed(list(enumerate(outer))):
        h = PF.deconvolution(h, maps, (2, 2), stride=(2, 2), name=f"deconvolution{i}")
        h = twice(F.concatenate(h, skipped[i], axis=1), maps, f"up{i}")
    return PF.convolution(h, PIXEL_CLASSES, (1, 1), name="out")


def residual_mlp(x, dropout=RESIDUAL_MLP["dropout"]):
    h = PF.affine(x, RESIDUAL_MLP["width"], name="first")
    for i in range(RESIDUAL_MLP["blocks"]):
        with nn.parameter_scope(f"r{i}"):
            y = PF.layer_normalization(h)
            y = F.swish(PF.affine(y, RESIDUAL_MLP["inner"], name="a1"))
            y = F.dropout(y, dropout) if dropout else y
            h = h + PF.affine(y, RESIDUAL_MLP["width"], name="a2")
    return PF.affine(PF.layer_normalization(h, name="last"), 10, name="fc")


def language_loss(words, following):
    steps, batch, hidden, layers = (LANGUAGE[key] for key in ("steps", "batch", "hidden", "layers"))
    h = PF.embed(words, LANGUAGE["words"], LANGUAGE["width"])
    start = [variable(np.zeros((layers, 1, batch, hidden))) for _ in range(2)]
    h, _, _ = PF.lstm(h, *start, num_layers=layers)
    h = PF.affine(F.reshape(h, (steps * batch, hidden)), LANGUAGE["words"])
    return F.mean(F.softmax_cross_entropy(h, F.reshape(following, (steps * batch, 1))))


def language_training():
    nn.clear_parameters()
    rng = np.random.RandomState(0)
    arrays = [rng.randint(0, LANGUAGE["words"], (LANGUAGE["steps"], LANGUAGE["batch"])) for _ in range(2)]
    words, following = variables = [variable(array) for array in arrays]
    return optimize(language_loss(words, following), S.Adam(), list(zip(variables, arrays)))


def critic(x):
    h = x
    for i, maps in enumerate(CRITIC_MAPS):
        h = F.leaky_relu(PF.convolution(h, maps, (3, 3), pad=(1, 1), stride=(2, 2), name=f"c{i}"), 0.2)
    return PF.affine(h, 1, name="fc")


def critic_loss(real, fake, mixed):
    """Of a Wasserstein network: the critic's difference, and how far its gradient's norm is from 1."""
    mixed.need_grad = True
    (gradient,) = nn.grad([critic(mixed)], [mixed])
    norm = (F.sum(gradient**2, axis=(1, 2, 3)) + 1e-12) ** 0.5
    return F.mean(critic(fake)) - F.mean(critic(real)) + 10 * F.mean((norm - 1) ** 2)


def gradient_penalty_training():
    nn.clear_parameters()
    rng = np.random.RandomState(0)
    arrays = [rng.randn(CRITIC_BATCH, 1, 28, 28).astype(np.float32) for _ in range(3)]
    variables = [variable(array) for array in arrays]
    return optimize(critic_loss(*variables), S.Adam(), list(zip(variables, arrays)))


def elementwise_chain_training():
    nn.clear_parameters()
    array = np.random.RandomState(0).randn(256, 4096).astype(np.float32)
    x = variable(array)
    scale = nn.parameter.get_parameter_or_create("scale", (1, 4096), np.ones((1, 4096), np.float32))
    return optimize(F.mean(elementwise_chain(x * scale, F.tanh, F.sigmoid, F.exp)), S.Sgd(0.01), [(x, array)])


def train(network, *shape):
    return Case(lambda: training(network, shape, momentum()), 10)


def infer(network, *shape):
    return Case(lambda: inference(partial(network, test=True), shape), 20)


def unet_training():
    return training(unet, (4, 3, 64, 64), momentum(), PIXEL_CLASSES, label_shape=(1, 64, 64))


CASES = {
    "mobile_cifar_train_b32": train(mobile, 32, 3, 32, 32),
    "mobile_224_infer_b1": infer(partial(mobile, first_stride=2), 1, 3, 224, 224),
    "conv1d_train_b32": train(sequence_net, 32, 16, 2048),
    "conv3d_train_b8": train(volume_net, 8, 1, 16, 32, 32),
    "channel_last_train_b32": train(channel_last_net, 32, 32, 32, 3),
    "channel_last_infer_b1": infer(channel_last_net, 1, 32, 32, 3),
    "unet_train_b4": Case(unet_training, 10),
    "unet_infer_b1": infer(unet, 1, 3, 64, 64),
    "residual_mlp_train_b64": train(residual_mlp, 64, 256),
    "language_lstm_train_T20_B16": Case(language_training, 10),
    "gradient_penalty_train_b32": Case(gradient_penalty_training, 10),
    "elementwise_chain_train_1M": Case(elementwise_chain_training, 10),
}
