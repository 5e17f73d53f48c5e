"""One step of training or inference in PyTorch, for the cases: eager, with channels last, or compiled."""

import numpy as np
import torch
import torch.nn.functional as F


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.01, weight_decay=1e-4)


def momentum(parameters):
    return torch.optim.SGD(parameters, 0.01, momentum=0.9, weight_decay=1e-4)


def adam(parameters):
    return torch.optim.Adam(parameters, weight_decay=1e-4)


def optimize(rule, loss):
    """A step that trains what the rule updates."""

    def step():
        rule.zero_grad()
        value = loss()
        value.backward()
        rule.step()
        return value.item()

    return step


class Steps:
    """The steps for one way of running PyTorch."""

    def __init__(self, channels_last=False, compiled=False):
        self.channels_last = channels_last
        self.compiled = compiled

    def placed(self, x):
        """A tensor or module with channels last, where this way has them."""
        if not self.channels_last or (isinstance(x, torch.Tensor) and x.dim() not in (4, 5)):
            return x
        if isinstance(x, torch.Tensor):
            return x.to(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)
        for parameter in x.parameters():
            parameter.data = self.placed(parameter.data)
        return x

    def prepared(self, function):
        return torch.compile(function) if self.compiled else function

    def training(self, network, shape, optimizer, classes=10, label_shape=()):
        """A step of training a classifier, of images or, with a ``label_shape`` of images, of pixels."""
        module = self.placed(network().train())
        rng = np.random.RandomState(0)
        images = rng.randn(*shape).astype(np.float32)
        labels = rng.randint(0, classes, (shape[0], *label_shape))
        run = self.prepared(module)

        def loss():
            return F.cross_entropy(run(self.placed(torch.from_numpy(images))), torch.from_numpy(labels))

        return optimize(optimizer(module.parameters()), loss)

    def inference(self, network, shape):
        run = self.prepared(self.placed(network().eval()))
        images = np.random.RandomState(0).randn(*shape).astype(np.float32)

        def step():
            with torch.inference_mode():
                return run(self.placed(torch.from_numpy(images))).numpy().sum()

        return step
