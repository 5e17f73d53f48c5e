"""The network of NNabla's demo, data in the manner of its digits, and training on a context."""

import numpy as np

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S


def cnn(x, test=False):
    with nn.parameter_scope("cnn"):
        with nn.parameter_scope("conv1"):
            h = PF.convolution(x, 32, (3, 3), pad=(1, 1))
            h = F.relu(PF.batch_normalization(h, batch_stat=not test))
        with nn.parameter_scope("conv2"):
            h = PF.convolution(h, 32, (3, 3), pad=(1, 1))
            h = F.relu(PF.batch_normalization(h, batch_stat=not test))
            h = F.max_pooling(h, (2, 2))
        with nn.parameter_scope("fc3"):
            h = F.relu(PF.affine(h, 64))
        with nn.parameter_scope("classifier"):
            return PF.affine(h, 10)


def digits(count):
    """Images (count, 1, 8, 8) from 0 to 1 and labels (count, 1): a pattern a class, shifted, and noise."""
    rng = np.random.RandomState(0)
    patterns = rng.rand(10, 8, 8) > 0.6
    labels = rng.randint(0, 10, count)
    images = [np.roll(patterns[label], rng.randint(-1, 2, 2), (0, 1)) for label in labels]
    images = np.clip(np.array(images) + 0.2 * rng.randn(count, 8, 8), 0, 1)
    return images[:, np.newaxis].astype(np.float32), labels[:, np.newaxis]


def train(context, steps=8, batch=16):
    """The losses of the demo's training, step by step, with its solver and weight decay."""
    images, labels = digits(steps * batch)
    with nn.context_scope(context), nn.parameter_scope("", {}):
        nn.seed(0)  # of the initial weights
        x, t = nn.Variable((batch, 1, 8, 8)), nn.Variable((batch, 1))
        loss = F.mean(F.softmax_cross_entropy(cnn(x), t))
        solver = S.Adam(alpha=2e-3)
        solver.set_parameters(nn.get_parameters())
        losses = []
        for step in range(steps):
            x.d, t.d = (values[step * batch : (step + 1) * batch] for values in (images, labels))
            loss.forward(clear_no_need_grad=True)
            solver.zero_grad()
            loss.backward(clear_buffer=True)
            solver.weight_decay(1e-4)
            solver.update()
            losses.append(float(loss.d))
    return losses
