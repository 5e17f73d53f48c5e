"""The cases in PyTorch: eager, or with channels last, or compiled.

python torch_cases.py [--channels-last] [--compile] [CASE ...]
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from timing import median_ms, run_cases
from torch import nn


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
    for group, maps in enumerate([64, 128, 256, 512]):
        for block in range(2):
            stride = 2 if group > 0 and block == 0 else 1
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


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.01, weight_decay=1e-4)


def momentum(parameters):
    return torch.optim.SGD(parameters, 0.01, momentum=0.9, weight_decay=1e-4)


def adam(parameters):
    return torch.optim.Adam(parameters, weight_decay=1e-4)


class Cases:
    """The cases for one way of running PyTorch."""

    def __init__(self, channels_last=False, compiled=False):
        self.channels_last = channels_last
        self.compiled = compiled

    def placed(self, x):
        if not self.channels_last or (isinstance(x, torch.Tensor) and x.dim() != 4):
            return x
        return x.to(memory_format=torch.channels_last)

    def prepared(self, module):
        return torch.compile(module) if self.compiled else module

    def training(self, network, shape, optimizer, runs):
        module = self.placed(network())
        module.train()
        rule = optimizer(module.parameters())
        images = np.random.RandomState(0).randn(*shape).astype(np.float32)
        labels = np.random.RandomState(0).randint(0, 10, (shape[0],))
        run = self.prepared(module)

        def step():
            x = self.placed(torch.from_numpy(images))
            t = torch.from_numpy(labels)
            rule.zero_grad()
            loss = F.cross_entropy(run(x), t)
            loss.backward()
            rule.step()
            return float(loss)

        return median_ms(step, runs)

    def inference(self, network, shape, runs):
        run = self.prepared(self.placed(network()).eval())
        images = np.random.RandomState(0).randn(*shape).astype(np.float32)

        def step():
            with torch.inference_mode():
                return run(self.placed(torch.from_numpy(images))).numpy().sum()

        return median_ms(step, runs)

    def lstm_training(self, runs=10):
        module = nn.LSTM(128, 256)
        rule = adam_without_decay(module)
        x = torch.randn(32, 32, 128)

        def step():
            rule.zero_grad()
            loss = module(x)[0].mean()
            loss.backward()
            rule.step()
            return float(loss)

        return median_ms(step, runs)

    def transformer_training(self, runs=10):
        module = nn.TransformerEncoder(nn.TransformerEncoderLayer(256, 8, 1024, 0.0), 2)
        rule = adam_without_decay(module)
        x = torch.randn(64, 8, 256)
        run = self.prepared(module)

        def step():
            rule.zero_grad()
            loss = (run(x) ** 2).mean()
            loss.backward()
            rule.step()
            return float(loss)

        return median_ms(step, runs)

    def imperative(self, runs=20):
        a = torch.randn(64, 64)

        def step():
            b = a
            for _ in range(100):
                b = b * 1.01
            return b

        return median_ms(step, runs)

    def table(self):
        def train(*arguments):
            return lambda: self.training(*arguments)

        def infer(*arguments):
            return lambda: self.inference(*arguments)

        return {
            "tiny_mlp_train_b64": train(tiny_mlp, (64, 1, 8, 8), sgd, 200),
            "tiny_mlp_dynamic_b64": train(tiny_mlp, (64, 1, 8, 8), sgd, 50),
            "mlp1024_train_b128": train(wide_mlp, (128, 784), adam, 20),
            "lenet_train_b128": train(lenet, (128, 1, 28, 28), momentum, 20),
            "lenet_infer_b1": infer(lenet, (1, 1, 28, 28), 200),
            "resnet18_cifar_train_b32": train(resnet18, (32, 3, 32, 32), momentum, 4),
            "resnet18_cifar_infer_b1": infer(resnet18, (1, 3, 32, 32), 20),
            "resnet18_224_infer_b1": infer(resnet18_of_half_size, (1, 3, 224, 224), 5),
            "lstm_train_T32_B32_H256": self.lstm_training,
            "transformer_train_T64_B8_E256": self.transformer_training,
            "imperative_100_mul_scalar_64x64": self.imperative,
        }


def adam_without_decay(module):
    return torch.optim.Adam(module.parameters())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    torch.set_num_threads(2)
    run_cases(Cases(args.channels_last, args.compile).table(), args.cases)
