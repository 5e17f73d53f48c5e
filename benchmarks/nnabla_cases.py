"""The cases in NNabla, this project's or 1.x: training steps and inference.

python nnabla_cases.py [CASE ...]
"""

import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from timing import median_ms, run_cases

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
    for group, maps in enumerate([64, 128, 256, 512]):
        for block in range(2):
            stride = 2 if group > 0 and block == 0 else 1
            h = residual_block(h, maps, stride, f"r{2 * group + block}", test)
    h = F.average_pooling(h, h.shape[2:])
    return PF.affine(h, 10, name="fc")


def training(network, shape, solver, runs):
    nn.clear_parameters()
    x = nn.Variable(shape)
    t = nn.Variable((shape[0], 1))
    loss = F.mean(F.softmax_cross_entropy(network(x), t))
    solver.set_parameters(nn.get_parameters())
    rng = np.random.RandomState(0)
    images = rng.randn(*shape).astype(np.float32)
    labels = rng.randint(0, 10, (shape[0], 1))

    def step():
        x.d = images
        t.d = labels
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.weight_decay(1e-4)
        solver.update()
        return float(loss.d)

    return median_ms(step, runs)


def dynamic_training(runs=50):
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

    return median_ms(step, runs)


def inference(network, shape, runs):
    nn.clear_parameters()
    x = nn.Variable(shape)
    y = network(x)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)

    def step():
        x.d = images
        y.forward(clear_buffer=True)
        return y.d.sum()

    return median_ms(step, runs)


def lstm_training(runs=10):
    nn.clear_parameters()
    steps, batch, inputs, hidden = 32, 32, 128, 256
    x = nn.Variable((steps, batch, inputs))
    h = nn.Variable((1, 1, batch, hidden))
    c = nn.Variable((1, 1, batch, hidden))
    x.d = np.random.RandomState(0).randn(*x.shape)
    h.d = 0
    c.d = 0
    y, _, _ = PF.lstm(x, h, c)
    loss = F.mean(y)
    solver = S.Adam()
    solver.set_parameters(nn.get_parameters())

    def step():
        loss.forward()
        solver.zero_grad()
        loss.backward()
        solver.update()
        return float(loss.d)

    return median_ms(step, runs)


def transformer_training(runs=10):
    nn.clear_parameters()
    steps, batch, width = 64, 8, 256
    x = nn.Variable((steps, batch, width))
    x.d = np.random.RandomState(0).randn(*x.shape)
    h = x
    for i in range(2):
        h = PF.transformer_encode(h, width, 8, dim_feedforward=1024, dropout=0.0, name=f"e{i}")
    loss = F.mean(h**2)
    solver = S.Adam()
    solver.set_parameters(nn.get_parameters())

    def step():
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.update()
        return float(loss.d)

    return median_ms(step, runs)


def imperative(runs=20):
    a = nn.NdArray.from_numpy_array(np.random.RandomState(0).randn(64, 64).astype(np.float32))

    def step():
        b = a
        for _ in range(100):
            b = F.mul_scalar(b, 1.01)
        return b.data

    return median_ms(step, runs)


def momentum():
    return S.Momentum(0.01, 0.9)


def resnet18_of_half_size(x):
    return resnet18(F.average_pooling(x, (2, 2)), test=True)


def command_line_help(runs=9):
    """What `nnabla_cli --help` takes beyond starting Python: it is to stay under 250 ms."""
    program = Path(sys.executable).with_name("nnabla_cli")

    def starting(*command):
        return median_ms(lambda: subprocess.run(command, check=True, capture_output=True), 1, warm_up=0)

    starting(program, "--help")
    return statistics.median(starting(program, "--help") - starting(sys.executable, "-c", "pass") for _ in range(runs))


CASES = {
    "tiny_mlp_train_b64": lambda: training(tiny_mlp, (64, 1, 8, 8), S.Sgd(0.01), 200),
    "tiny_mlp_dynamic_b64": dynamic_training,
    "mlp1024_train_b128": lambda: training(wide_mlp, (128, 784), S.Adam(), 20),
    "lenet_train_b128": lambda: training(lenet, (128, 1, 28, 28), momentum(), 20),
    "lenet_infer_b1": lambda: inference(lenet, (1, 1, 28, 28), 200),
    "resnet18_cifar_train_b32": lambda: training(resnet18, (32, 3, 32, 32), momentum(), 4),
    "resnet18_cifar_infer_b1": lambda: inference(lambda x: resnet18(x, test=True), (1, 3, 32, 32), 20),
    "resnet18_224_infer_b1": lambda: inference(resnet18_of_half_size, (1, 3, 224, 224), 5),
    "lstm_train_T32_B32_H256": lstm_training,
    "transformer_train_T64_B8_E256": transformer_training,
    "imperative_100_mul_scalar_64x64": imperative,
    "cli_help_over_bare_python": command_line_help,
}

if __name__ == "__main__":
    run_cases(CASES, sys.argv[1:])
