"""What the cases are called, which belong together, and the sizes that all frameworks share."""

import math
from typing import NamedTuple

# Maps and stride of the residual blocks, and of the mobile net's depthwise separable blocks.
RESIDUAL_BLOCKS = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]
MOBILE_BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)]
# Each layer's dilation, with 64 maps; maps of the volume's layers; maps and stride of the channel-last net's.
SEQUENCE_DILATIONS = [1, 2, 4, 8]
VOLUME_MAPS = [16, 32, 64]
CHANNEL_LAST_LAYERS = [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1)]
UNET_MAPS = [16, 32, 64]
PIXEL_CLASSES = 4
RESIDUAL_MLP = {"width": 256, "inner": 1024, "blocks": 4, "dropout": 0.1}
LANGUAGE = {"steps": 20, "batch": 16, "words": 5000, "width": 128, "hidden": 256, "layers": 2}
CRITIC_MAPS = [16, 32]
CRITIC_BATCH = 32

TRAINED_BATCHES = (1, 2, 8, 32, 100, 200)
INFERRED_BATCHES = (1, 2, 8, 32, 100, 200)
OPERATOR_COUNTS = (1, 10, 100, 1000, 10000)


class Gemm(NamedTuple):
    """A product of a (rows, inner) matrix with an (inner, columns) one."""

    rows: int
    inner: int
    columns: int

    @property
    def name(self):
        return f"gemm_{self.rows}x{self.inner}x{self.columns}"

    @property
    def flops(self):
        return 2 * self.rows * self.inner * self.columns


class Convolution(NamedTuple):
    """A convolution of square images with a square kernel, padded by half of it."""

    batch: int
    inputs: int
    size: int
    maps: int
    kernel: int
    stride: int = 1
    group: int = 1

    @property
    def name(self):
        grouped = f"_g{self.group}" * (self.group > 1)
        shape = f"{self.inputs}x{self.size}x{self.size}_to_{self.maps}"
        return f"conv{self.kernel}x{self.kernel}_b{self.batch}_{shape}_s{self.stride}{grouped}"

    @property
    def flops(self):
        out = (self.size + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1
        return 2 * self.batch * self.maps * out**2 * (self.inputs // self.group) * self.kernel**2

    @property
    def weight(self):
        return self.maps, self.inputs // self.group, self.kernel, self.kernel


KERNELS = [
    *(Gemm(8, 8, 8), Gemm(64, 64, 64), Gemm(1, 1024, 1024), Gemm(128, 784, 1024), Gemm(1024, 1024, 1024)),
    *(Gemm(320, 256, 5000), Gemm(4096, 64, 256)),
    *(Convolution(32, 64, 32, 64, 3), Convolution(32, 128, 16, 128, 3), Convolution(32, 256, 8, 256, 3)),
    *(Convolution(32, 512, 4, 512, 3), Convolution(32, 64, 32, 128, 3, 2), Convolution(32, 64, 32, 256, 1)),
    *(Convolution(32, 3, 32, 64, 3), Convolution(1, 3, 224, 64, 7, 2), Convolution(1, 64, 56, 64, 3)),
    *(Convolution(32, 128, 16, 128, 3, 1, 128), Convolution(32, 13, 17, 29, 3)),
]
FLOPS = {kernel.name: kernel.flops for kernel in KERNELS}

GROUPS = {
    "default": [
        "tiny_mlp_train_b64",
        "tiny_mlp_dynamic_b64",
        "mlp1024_train_b128",
        "lenet_train_b128",
        "lenet_infer_b1",
        "resnet18_cifar_train_b32",
        "resnet18_cifar_infer_b1",
        "resnet18_224_infer_b1",
        "lstm_train_T32_B32_H256",
        "transformer_train_T64_B8_E256",
        "imperative_100_mul_scalar_64x64",
    ],
    "networks": [
        "mobile_cifar_train_b32",
        "mobile_224_infer_b1",
        "conv1d_train_b32",
        "conv3d_train_b8",
        "channel_last_train_b32",
        "channel_last_infer_b1",
        "unet_train_b4",
        "unet_infer_b1",
        "residual_mlp_train_b64",
        "language_lstm_train_T20_B16",
        "gradient_penalty_train_b32",
        "elementwise_chain_train_1M",
    ],
    "batches": [
        *(f"lenet_train_b{batch}" for batch in TRAINED_BATCHES),
        *(f"mlp1024_infer_b{batch}" for batch in INFERRED_BATCHES),
        *(f"mobile_cifar_infer_b{batch}" for batch in INFERRED_BATCHES),
    ],
    "operator_counts": [f"chain_of_{count}_operators" for count in OPERATOR_COUNTS],
    "kernels": list(FLOPS),
    "startup": ["startup_bare_python", "startup_import", "startup_cli_help"],
}


def selected(names):
    """The cases that a list of names of cases and groups stands for, each once; none means the default group.

    Raises:
        ValueError: if a name is neither a case's nor a group's.
    """
    known = {case for cases in GROUPS.values() for case in cases}
    unknown = [name for name in names if name not in known and name not in GROUPS]
    if unknown:
        raise ValueError(f"no such cases: {', '.join(unknown)}; groups are {', '.join(GROUPS)}, cases as README.md has")
    return list(dict.fromkeys(case for name in names or ["default"] for case in GROUPS.get(name, [name])))


def elementwise_chain(h, tanh, sigmoid, exp):
    """Thirty-two element-wise operators on any framework's arrays, whose values stay between -1 and 1."""
    for _ in range(4):
        h = tanh(h * 1.1 + 0.1)
        h = sigmoid(h) * h
        h = h - exp(h * -2.0) * 0.25
    return h


def operator_chain(h, count, tanh):
    """So many element-wise operators in a row."""
    for i in range(count):
        h = tanh(h) if i % 2 else h * 1.25
    return h


def fan_in_scale(shape):
    """The deviation of a kernel's random weights that keeps the outputs' near 1."""
    return 1 / math.sqrt(math.prod(shape[1:]))
