"""The default cases in PyTorch."""

import torch
import torch.nn.functional as F
from case_runner import Case
from case_sizes import RESIDUAL_BLOCKS
from torch import nn
from torch_steps import adam, momentum, optimize, sgd


class ResidualBlock(nn.Module):
    def __init__(self, inputs, maps, stride):
        super().__init__()
        self.c1 = nn.Conv2d(inputs, maps, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(maps)
        self.c2 = nn.Conv2d(maps, maps, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(maps)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != maps:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, maps, 1, stride, bias=False), nn.BatchNorm2d(maps))

    def forward(self, x):
        h = F.relu(self.b1(self.c1(x)))
        return F.relu(self.b2(self.c2(h)) + self.shortcut(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for maps, stride in RESIDUAL_BLOCKS:
        layers.append(ResidualBlock(inputs, maps, stride))
        inputs = maps
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def resnet18_of_half_size():
    return nn.Sequential(nn.AvgPool2d(2), resnet18())


def lenet():
    return nn.Sequential(
        *[nn.Conv2d(1, 16, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Conv2d(16, 16, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 50), nn.ReLU(), nn.Linear(50, 10)],
    )


def mlp(inputs, widths, activation):
    layers = [nn.Flatten()]
    for width in widths:
        layers += [nn.Linear(inputs, width), activation()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def tiny_mlp():
    return mlp(64, [4, 8, 4, 2], nn.Tanh)


def wide_mlp():
    return mlp(784, [1024, 1024, 1024], nn.ReLU)


def lstm_training():
    module = nn.LSTM(128, 256)
    x = torch.randn(32, 32, 128)
    return optimize(torch.optim.Adam(module.parameters()), lambda: module(x)[0].mean())


def transformer_training(steps):
    module = nn.TransformerEncoder(nn.TransformerEncoderLayer(256, 8, 1024, 0.0), 2)
    x = torch.randn(64, 8, 256)
    run = steps.prepared(module)
    return optimize(torch.optim.Adam(module.parameters()), lambda: (run(x) ** 2).mean())


def imperative():
    a = torch.randn(64, 64)

    def step():
        b = a
        for _ in range(100):
            b = b * 1.01
        return b

    return step


# The network, the shape of its input and the runs of each case of inference.
INFERENCE = {
    "lenet_infer_b1": (lenet, (1, 1, 28, 28), 200),
    "resnet18_cifar_infer_b1": (resnet18, (1, 3, 32, 32), 20),
    "resnet18_224_infer_b1": (resnet18_of_half_size, (1, 3, 224, 224), 5),
}


def cases(steps):
    def train(network, shape, optimizer, runs):
        return Case(lambda: steps.training(network, shape, optimizer), runs)

    return {
        "tiny_mlp_train_b64": train(tiny_mlp, (64, 1, 8, 8), sgd, 200),
        "tiny_mlp_dynamic_b64": train(tiny_mlp, (64, 1, 8, 8), sgd, 50),
        "mlp1024_train_b128": train(wide_mlp, (128, 784), adam, 20),
        "lenet_train_b128": train(lenet, (128, 1, 28, 28), momentum, 20),
        "resnet18_cifar_train_b32": train(resnet18, (32, 3, 32, 32), momentum, 4),
        "lstm_train_T32_B32_H256": Case(lstm_training, 10),
        "transformer_train_T64_B8_E256": Case(lambda: transformer_training(steps), 10),
        "imperative_100_mul_scalar_64x64": Case(imperative, 20),
    }
