"""One step of training or inference in NNabla, for the cases."""

import numpy as np

import nnabla as nn
import nnabla.functions as F
import nnabla.solvers as S


def momentum():
    return S.Momentum(0.01, 0.9)


def variable(array):
    """A variable that holds an array."""
    held = nn.Variable(array.shape)
    held.d = array
    return held


def optimize(loss, solver, batch=(), decay=0.0, clear=True):
    """A step that trains all parameters; ``batch`` has pairs of a variable and the array to copy into it."""
    solver.set_parameters(nn.get_parameters())

    def step():
        for target, array in batch:
            target.d = array
        loss.forward(clear_no_need_grad=clear)
        solver.zero_grad()
        loss.backward(clear_buffer=clear)
        if decay:
            solver.weight_decay(decay)
        solver.update()
        return float(loss.d)

    return step


def training(network, shape, solver, classes=10, label_shape=(1,), axis=1):
    """A step of training a classifier, of images or, with a ``label_shape`` of images, of pixels."""
    nn.clear_parameters()
    rng = np.random.RandomState(0)
    images = rng.randn(*shape).astype(np.float32)
    labels = rng.randint(0, classes, (shape[0], *label_shape))
    x, t = nn.Variable(shape), nn.Variable(labels.shape)
    loss = F.mean(F.softmax_cross_entropy(network(x), t, axis=axis))
    return optimize(loss, solver, [(x, images), (t, labels)], decay=1e-4)


def inference(network, shape):
    nn.clear_parameters()
    x = nn.Variable(shape)
    y = network(x)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)

    def step():
        x.d = images
        y.forward(clear_buffer=True)
        return y.d.sum()

    return step
