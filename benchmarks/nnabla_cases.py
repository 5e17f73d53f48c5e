"""The default cases in NNabla, this project's or 1.x: training steps and inference."""

from functools import partial

import numpy as np
from case_runner import Case
from case_sizes import RESIDUAL_BLOCKS
from nnabla_steps import inference, momentum, optimize, training, variable

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S


def tiny_mlp(x):
    h = x
    for i, width in enumerate([4, 8, 4, 2]):
        h = F.tanh(PF.affine(h, width, name=f"fc{i}"))
    return PF.affine(h, 10, name="fc")


def wide_mlp(x):
    h = x
    for i in range(3):
        h = F.relu(PF.affine(h, 1024, name=f"fc{i}"))
    return PF.affine(h, 10, name="fc")


def lenet(x):
    h = PF.convolution(x, 16, (5, 5), name="c1")
    h = F.relu(F.max_pooling(h, (2, 2)))
    h = PF.convolution(h, 16, (5, 5), name="c2")
    h = F.relu(F.max_pooling(h, (2, 2)))
    h = F.relu(PF.affine(h, 50, name="f3"))
    return PF.affine(h, 10, name="f4")


def normalized_convolution(x, maps, kernel, stride, names, test):
    pad = (kernel // 2, kernel // 2)
    size, stride = (kernel, kernel), (stride, stride)
    h = PF.convolution(x, maps, size, pad=pad, stride=stride, with_bias=False, name=names[0])
    return PF.batch_normalization(h, batch_stat=not test, name=names[1])


def residual_block(x, maps, stride, name, test):
    with nn.parameter_scope(name):
        h = F.relu(normalized_convolution(x, maps, 3, stride, ("c1", "b1"), test))
        h = normalized_convolution(h, maps, 3, 1, ("c2", "b2"), test)
        if stride != 1 or x.shape[1] != maps:
            x = normalized_convolution(x, maps, 1, stride, ("cs", "bs"), test)
        return F.relu(h + x)


def resnet18(x, test=False):
    h = F.relu(normalized_convolution(x, 64, 3, 1, ("c0", "b0"), test))
    for i, (maps, stride) in enumerate(RESIDUAL_BLOCKS):
        h = residual_block(h, maps, stride, f"r{i}", test)
    h = F.average_pooling(h, h.shape[2:])
    return PF.affine(h, 10, name="fc")


def dynamic_training():
    """The graph is made anew for each batch and runs while it is made."""
    nn.clear_parameters()
    shape = (64, 1, 8, 8)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)
    labels = np.random.RandomState(0).randint(0, 10, (64, 1))
    solver = S.Sgd(0.01)
    x = nn.Variable(shape)
    t = nn.Variable((64, 1))

    def step():
        x.d = images
        t.d = labels
        with nn.auto_forward():
            loss = F.mean(F.softmax_cross_entropy(tiny_mlp(x), t))
        solver.set_parameters(nn.get_parameters(), reset=False, retain_state=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.update()
        return float(loss.d)

    return step


def lstm_training():
    nn.clear_parameters()
    steps, batch, inputs, hidden = 32, 32, 128, 256
    x = variable(np.random.RandomState(0).randn(steps, batch, inputs))
    h = variable(np.zeros((1, 1, batch, hidden)))
    c = variable(np.zeros((1, 1, batch, hidden)))
    y, _, _ = PF.lstm(x, h, c)
    return optimize(F.mean(y), S.Adam(), clear=False)


def transformer_training():
    nn.clear_parameters()
    steps, batch, width = 64, 8, 256
    h = variable(np.random.RandomState(0).randn(steps, batch, width))
    for i in range(2):
        h = PF.transformer_encode(h, width, 8, dim_feedforward=1024, dropout=0.0, name=f"e{i}")
    return optimize(F.mean(h**2), S.Adam())


def imperative():
    a = nn.NdArray.from_numpy_array(np.random.RandomState(0).randn(64, 64).astype(np.float32))

    def step():
        b = a
        for _ in range(100):
            b = F.mul_scalar(b, 1.01)
        return b.data

    return step


def resnet18_of_half_size(x):
    return resnet18(F.average_pooling(x, (2, 2)), test=True)


CASES = {
    "tiny_mlp_train_b64": Case(lambda: training(tiny_mlp, (64, 1, 8, 8), S.Sgd(0.01)), 200),
    "tiny_mlp_dynamic_b64": Case(dynamic_training, 50),
    "mlp1024_train_b128": Case(lambda: training(wide_mlp, (128, 784), S.Adam()), 20),
    "lenet_train_b128": Case(lambda: training(lenet, (128, 1, 28, 28), momentum()), 20),
    "lenet_infer_b1": Case(lambda: inference(lenet, (1, 1, 28, 28)), 200),
    "resnet18_cifar_train_b32": Case(lambda: training(resnet18, (32, 3, 32, 32), momentum()), 4),
    "resnet18_cifar_infer_b1": Case(lambda: inference(partial(resnet18, test=True), (1, 3, 32, 32)), 20),
    "resnet18_224_infer_b1": Case(lambda: inference(resnet18_of_half_size, (1, 3, 224, 224)), 5),
    "lstm_train_T32_B32_H256": Case(lstm_training, 10),
    "transformer_train_T64_B8_E256": Case(transformer_training, 10),
    "imperative_100_mul_scalar_64x64": Case(imperative, 20),
}
