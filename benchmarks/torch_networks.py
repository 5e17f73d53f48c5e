"""The cases of further kinds of networks in PyTorch.

A module's layers are registered in the order in which they run, as the tests that copy weights need.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
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
from torch import nn
from torch_steps import momentum, optimize


def normalized_convolution(inputs, maps, kernel=3, stride=1, groups=1):
    """The layers of a convolution without bias, batch normalization and ReLU."""
    convolution = nn.Conv2d(inputs, maps, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(maps), nn.ReLU()]


def mobile(first_stride=1):
    layers, inputs = normalized_convolution(3, 32, 3, first_stride), 32
    for maps, stride in MOBILE_BLOCKS:
        layers += normalized_convolution(inputs, inputs, 3, stride, inputs)
        layers += normalized_convolution(inputs, maps, 1)
        inputs = maps
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def sequence_net():
    layers, inputs = [], 16
    for dilation in SEQUENCE_DILATIONS:
        layers += [nn.Conv1d(inputs, 64, 3, 2, dilation, dilation), nn.BatchNorm1d(64), nn.ReLU()]
        inputs = 64
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(inputs, 10))


def volume_net():
    layers, inputs = [], 1
    for maps in VOLUME_MAPS:
        layers += [nn.Conv3d(inputs, maps, 3, padding=1), nn.BatchNorm3d(maps), nn.ReLU(), nn.MaxPool3d(2)]
        inputs = maps
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(inputs, 10))


class ChannelLastNet(nn.Sequential):
    """Its input is (batch, height, width, channels): seen with channels second, that is channels last in memory."""

    def __init__(self):
        layers, inputs = [], 3
        for maps, stride in CHANNEL_LAST_LAYERS:
            layers += normalized_convolution(inputs, maps, 3, stride)
            inputs = maps
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))

    def forward(self, x):
        return super().forward(x.permute(0, 3, 1, 2))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()

        def twice(inputs, maps):
            return nn.Sequential(*normalized_convolution(inputs, maps), *normalized_convolution(maps, maps))

        *outer, bottom = UNET_MAPS
        inputs = [3, *outer]
        self.down = nn.ModuleList(twice(*pair) for pair in zip(inputs, outer))
        self.bottom = twice(outer[-1], bottom)
        self.up = nn.ModuleList()
        above = bottom
        for maps in reversed(outer):
            self.up.append(nn.ModuleList([nn.ConvTranspose2d(above, maps, 2, 2), twice(2 * maps, maps)]))
            above = maps
        self.out = nn.Conv2d(above, PIXEL_CLASSES, 1)

    def forward(self, x):
        skipped = []
        for block in self.down:
            skipped.append(block(x))
            x = F.max_pool2d(skipped[-1], 2)
        x = self.bottom(x)
        for deconvolution, block in self.up:
            x = block(torch.cat([deconvolution(x), skipped.pop()], 1))
        return self.out(x)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def residual_mlp(dropout=RESIDUAL_MLP["dropout"]):
    width, inner = RESIDUAL_MLP["width"], RESIDUAL_MLP["inner"]
    layers = [nn.Linear(256, width)]
    for _ in range(RESIDUAL_MLP["blocks"]):
        block = [nn.LayerNorm(width), nn.Linear(width, inner), nn.SiLU(), nn.Dropout(dropout), nn.Linear(inner, width)]
        layers.append(Residual(*block))
    return nn.Sequential(*layers, nn.LayerNorm(width), nn.Linear(width, 10))


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(LANGUAGE["words"], LANGUAGE["width"])
        self.lstm = nn.LSTM(LANGUAGE["width"], LANGUAGE["hidden"], LANGUAGE["layers"])
        self.out = nn.Linear(LANGUAGE["hidden"], LANGUAGE["words"])

    def forward(self, words):
        return self.out(self.lstm(self.embed(words))[0].flatten(0, 1))


def language_training(steps):
    module = LanguageModel()
    rng = np.random.RandomState(0)
    words, following = (rng.randint(0, LANGUAGE["words"], (LANGUAGE["steps"], LANGUAGE["batch"])) for _ in range(2))
    run = steps.prepared(module)

    def loss():
        return F.cross_entropy(run(torch.from_numpy(words)), torch.from_numpy(following).flatten())

    return optimize(torch.optim.Adam(module.parameters()), loss)


def critic():
    layers, inputs = [], 1
    for maps in CRITIC_MAPS:
        layers += [nn.Conv2d(inputs, maps, 3, 2, 1), nn.LeakyReLU(0.2)]
        inputs = maps
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * 7 * 7, 1))


def critic_loss(module, real, fake, mixed):
    """Of a Wasserstein network: the critic's difference, and how far its gradient's norm is from 1."""
    mixed.requires_grad_()
    (gradient,) = torch.autograd.grad(module(mixed).sum(), mixed, create_graph=True)
    norm = ((gradient**2).sum((1, 2, 3)) + 1e-12) ** 0.5
    return module(fake).mean() - module(real).mean() + 10 * ((norm - 1) ** 2).mean()


def gradient_penalty_training(steps):
    module = steps.placed(critic())
    rng = np.random.RandomState(0)
    arrays = [rng.randn(CRITIC_BATCH, 1, 28, 28).astype(np.float32) for _ in range(3)]

    def loss():
        return critic_loss(module, *(steps.placed(torch.from_numpy(array)) for array in arrays))

    return optimize(torch.optim.Adam(module.parameters()), loss)


def elementwise_chain_training(steps):
    array = np.random.RandomState(0).randn(256, 4096).astype(np.float32)
    scale = nn.Parameter(torch.ones(1, 4096))
    run = steps.prepared(lambda x: elementwise_chain(x * scale, torch.tanh, torch.sigmoid, torch.exp).mean())
    return optimize(torch.optim.SGD([scale], 0.01), lambda: run(torch.from_numpy(array)))


# The network, the shape of its input and the runs of each case of inference.
INFERENCE = {
    "mobile_224_infer_b1": (partial(mobile, first_stride=2), (1, 3, 224, 224), 20),
    "channel_last_infer_b1": (ChannelLastNet, (1, 32, 32, 3), 20),
    "unet_infer_b1": (UNet, (1, 3, 64, 64), 20),
}


def cases(steps):
    def train(network, *shape, **labels):
        return Case(lambda: steps.training(network, shape, momentum, **labels), 10)

    found = {
        "mobile_cifar_train_b32": train(mobile, 32, 3, 32, 32),
        "conv1d_train_b32": train(sequence_net, 32, 16, 2048),
        "conv3d_train_b8": train(volume_net, 8, 1, 16, 32, 32),
        "channel_last_train_b32": train(ChannelLastNet, 32, 32, 32, 3),
        "unet_train_b4": train(UNet, 4, 3, 64, 64, classes=PIXEL_CLASSES, label_shape=(64, 64)),
        "residual_mlp_train_b64": train(residual_mlp, 64, 256),
        "language_lstm_train_T20_B16": Case(lambda: language_training(steps), 10),
        "elementwise_chain_train_1M": Case(lambda: elementwise_chain_training(steps), 10),
    }
    if not steps.compiled:  # torch.compile has no second derivatives
        found["gradient_penalty_train_b32"] = Case(lambda: gradient_penalty_training(steps), 10)
    return found
