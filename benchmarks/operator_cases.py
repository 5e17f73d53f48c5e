"""Every operator's use in the benchmark, at two sizes: inputs and arguments, for any framework.

A shape or an argument that differs between the sizes is ``By(small, large)``: about 1e3 and about 1e6 elements.
"""

import collections

import numpy as np

SIZES = ("small", "large")

By = collections.namedtuple("By", SIZES)
Input = collections.namedtuple("Input", "kind shape range need_grad")
Use = collections.namedtuple("Use", "inputs args")

# The shapes of families.
MATRIX = By((32, 32), (1024, 1024))
ROW = By((1, 32), (1, 1024))
VECTOR = By((1024,), (1048576,))
IMAGE = By((2, 8, 8, 8), (8, 32, 64, 64))
SAME_IMAGE = By((8, 8, 8), (32, 64, 64))
CHANNELS = By((1, 8, 1, 1), (1, 32, 1, 1))
MAPS = By((8,), (32,))
FILTERS = By((8, 8, 3, 3), (32, 32, 3, 3))
BATCH = By((16, 8, 8), (256, 64, 64))
WEIGHT = By((32, 16), (1024, 1024))
SEQUENCE = By((8, 4, 32), (64, 32, 512))
SIGNAL = By((2, 512), (16, 65536))
PAIRS = By((16, 32, 2), (512, 1024, 2))


def normal(shape, need_grad=True):
    return Input("normal", shape, (0, 1), need_grad)


def between(low, high, shape, need_grad=True):
    return Input("uniform", shape, (low, high), need_grad)


def integers(count, shape):
    return Input("integers", shape, (0, count), False)


def rising(count, shape):
    """Integers that do not fall along the last axis."""
    return Input("rising", shape, (0, count), False)


def positive_definite(shape):
    return Input("definite", shape, (0, 1), True)


def use(*inputs, **args):
    return Use(inputs, args)


def cell(gates, h_count):
    """A recurrent layer with ``gates`` gates and ``h_count`` states; a plain one has no axis of gates."""
    states = [normal(By((1, 1, 4, 16), (1, 1, 32, 128)))] * h_count
    gate = (gates,) * (gates > 1)
    return use(normal(SEQUENCE), *states, normal(By((1, *gate, 16, 48), (1, *gate, 128, 640))))


def alike(found, names):
    """The same use for operators whose names are separated by spaces."""
    return dict.fromkeys(names.split(), found)


ELEMENTWISE = use(normal(MATRIX))
POSITIVE = use(between(0.1, 2, MATRIX))
UNIT = use(between(-0.9, 0.9, MATRIX))
BINARY = use(normal(MATRIX), normal(MATRIX))
TRUTH = use(integers(2, MATRIX), integers(2, MATRIX))
TRUTHS = use(integers(2, MATRIX), val=True)
MASKED = use(normal(MATRIX), integers(2, MATRIX))
COMPARED = use(normal(MATRIX, False), normal(MATRIX, False))
SCALAR = use(normal(MATRIX), val=0.5)
COMPARED_SCALAR = use(normal(MATRIX, False), val=0.5)
ROWS = use(normal(MATRIX), axis=1)
REDUCED = ROWS
STATISTICS = [normal(CHANNELS), normal(CHANNELS), normal(CHANNELS, False), between(0.5, 2, CHANNELS, False)]
CONVOLUTION = use(normal(IMAGE), normal(FILTERS), normal(MAPS), pad=(1, 1))
POOLED = use(normal(IMAGE), kernel=(2, 2))
LABELS = integers(10, By((100, 1), (100000, 1)))
SCORES = normal(By((100, 10), (100000, 10)))
CHANCES = between(0.1, 0.9, By((100, 10), (100000, 10)))
BINARY_WEIGHT = [normal(WEIGHT), normal(WEIGHT, False)]
BINARY_FILTERS = [normal(FILTERS), normal(FILTERS, False)]
ONE = By((1, 1), (1, 1))
WINDOWS = dict(window_size=By(64, 512), stride=By(32, 256), fft_size=By(64, 512))
SPECTRUM = By((2, 33, 17), (16, 257, 257))
DRAWN = use(shape=MATRIX)

USES = {
    # Neural network layers
    "Affine": use(normal(MATRIX), normal(WEIGHT), normal(By((16,), (1024,)))),
    "RNN": cell(1, 1),
    "LSTM": cell(4, 2),
    "GRU": cell(3, 1),
    "Convolution": CONVOLUTION,
    "FusedConvolution": use(normal(IMAGE), normal(FILTERS), None, *STATISTICS, pad=(1, 1)),
    "DepthwiseConvolution": use(normal(IMAGE), normal(By((8, 3, 3), (32, 3, 3))), normal(MAPS), pad=(1, 1)),
    "Deconvolution": CONVOLUTION,
    "DepthwiseDeconvolution": use(normal(IMAGE), normal(By((8, 3, 3), (32, 3, 3))), normal(MAPS), pad=(1, 1)),
    "DeformableConvolution": use(
        normal(IMAGE),
        normal(FILTERS),
        normal(By((2, 18, 8, 8), (8, 18, 64, 64))),
        between(0, 1, By((2, 9, 8, 8), (8, 9, 64, 64))),
        pad=(1, 1),
    ),
    "AdaptiveSeparableConvolution": use(
        normal(By((1, 3, 18, 18), (1, 3, 514, 514))),
        *[normal(By((1, 3, 16, 16), (1, 3, 512, 512)))] * 2,
    ),
    "MaxPooling": POOLED,
    "AveragePooling": POOLED,
    "GlobalAveragePooling": use(normal(IMAGE)),
    "SumPooling": POOLED,
    "Unpooling": use(normal(By((2, 8, 4, 4), (8, 32, 32, 32))), kernel=(2, 2)),
    "Embed": use(integers(100, By((32,), (8192,))), normal(By((100, 32), (10000, 128)))),
    "RoiAlign": use(
        normal(By((1, 8, 12, 12), (2, 32, 128, 128))),
        Input("boxes", By((4, 5), (64, 5)), (0, By(12, 128)), False),
        output_size=(7, 7),
        sampling_ratio=2,
    ),
    # Activations
    **alike(ELEMENTWISE, "Sigmoid Swish Tanh ReLU LeakyReLU ELU SELU CReLU CELU GELU Mish ReLU6 HardSigmoid HardTanh"),
    **alike(ELEMENTWISE, "LogSigmoid SoftPlus SoftSign TanhShrink Sinc Softmax LogSoftmax"),
    "PReLU": use(normal(IMAGE), normal(MAPS)),
    # Normalization
    "FusedBatchNormalization": use(normal(IMAGE), *STATISTICS, normal(IMAGE)),
    "BatchNormalization": use(normal(IMAGE), *STATISTICS),
    "GroupNormalization": use(normal(IMAGE), normal(CHANNELS), normal(CHANNELS), num_groups=4),
    "InstanceNormalization": use(normal(IMAGE), *[normal(By((1, 8, 1, 1), (1, 32, 1, 1)))] * 2),
    "LayerNormalization": use(normal(MATRIX), normal(ROW), normal(ROW)),
    "NormNormalization": use(normal(MATRIX), axes=(1,)),
    "TensorNormalization": use(normal(IMAGE), axes=(1,)),
    "WeightNormalization": use(normal(WEIGHT), normal(By((32,), (1024,)))),
    "WeightStandardization": use(normal(FILTERS)),
    "SpectralNorm": use(normal(WEIGHT), normal(By((32,), (1024,)), False)),
    "MeanSubtraction": use(normal(MATRIX), normal(By((32,), (1024,)), False), integers(1, By((1,), (1,)))),
    "ClipGradByValue": use(normal(MATRIX), normal(MATRIX, False), normal(MATRIX, False)),
    "ClipGradByNorm": use(normal(MATRIX), clip_norm=1.0, axes=(1,)),
    # Reduction
    **alike(REDUCED, "Sum Mean Max Min Norm"),
    "CumSum": ROWS,
    # Of values whose products stay numbers.
    **alike(use(between(0.5, 1.5, MATRIX), axis=1), "Prod CumProd"),
    "ReduceSum": ELEMENTWISE,
    "ReduceMean": ELEMENTWISE,
    # Arithmetic
    **alike(BINARY, "Add2 AddN Sub2 Mul2 MulN Minimum2 Maximum2"),
    "BcAdd2": use(normal(MATRIX), normal(ROW)),
    "Div2": use(normal(MATRIX), between(0.5, 2, MATRIX)),
    "Pow2": use(between(0.5, 2, MATRIX), normal(MATRIX)),
    "Mod2": use(normal(MATRIX, False), between(0.5, 2, MATRIX, False)),
    "ATan2": BINARY,
    **alike(SCALAR, "AddScalar MulScalar RSubScalar MinimumScalar MaximumScalar"),
    "PowScalar": use(between(0.5, 2, MATRIX), val=1.5),
    "RDivScalar": use(between(0.5, 2, MATRIX), val=0.5),
    "RPowScalar": SCALAR,
    # Logical
    "Sign": ELEMENTWISE,
    **alike(TRUTH, "LogicalAnd LogicalOr LogicalXor"),
    **alike(TRUTHS, "LogicalAndScalar LogicalOrScalar LogicalXorScalar"),
    "LogicalNot": use(integers(2, MATRIX)),
    **alike(COMPARED, "Equal NotEqual GreaterEqual Greater LessEqual Less"),
    **alike(COMPARED_SCALAR, "EqualScalar NotEqualScalar GreaterEqualScalar GreaterScalar LessEqualScalar LessScalar"),
    "SearchSorted": use(
        rising(1000, By((4, 256), (32, 32768))),
        between(0, 1000, By((4, 64), (32, 8192)), False),
    ),
    "IsNaN": use(normal(MATRIX, False)),
    "IsInf": use(normal(MATRIX, False)),
    "ResetNaN": SCALAR,
    "ResetInf": SCALAR,
    "Where": use(integers(2, MATRIX), normal(MATRIX), normal(MATRIX)),
    "BitShift": use(integers(100, MATRIX), integers(8, MATRIX)),
    # Math
    "Constant": use(val=1.5, shape=MATRIX),
    "Arange": use(start=0, stop=By(1024, 1048576)),
    "Linspace": use(start=0, stop=1, num=By(1024, 1048576)),
    **alike(ELEMENTWISE, "Abs Exp Identity Round Ceil Floor Sin Cos Sinh Cosh ATan ASinh Erf Unlink"),
    "Log": POSITIVE,
    **alike(UNIT, "Tan ASin ACos ATanh"),
    "ACosh": use(between(1.1, 3, MATRIX)),
    "BatchMatmul": use(normal(BATCH), normal(BATCH)),
    "Einsum": use(normal(BATCH), normal(BATCH), equation="bij,bjk->bik"),
    # Arrays
    "Concatenate": use(normal(MATRIX), normal(MATRIX), axis=1),
    "Split": use(normal(MATRIX), axis=0),
    "Stack": use(normal(MATRIX), normal(MATRIX), axis=0),
    "Slice": use(normal(MATRIX), start=(1, 2), stop=By((31, 32), (1023, 1024)), step=(1, 2)),
    "Pad": use(normal(IMAGE), pad_width=(1, 1, 1, 1)),
    "Transpose": use(normal(IMAGE), axes=(0, 2, 3, 1)),
    "Broadcast": use(normal(ROW), shape=MATRIX),
    "BroadcastTo": use(normal(MATRIX), normal(By((32,), (1024,))), axis=1),
    "Tile": use(normal(MATRIX), reps=(2, 2)),
    "OneHot": use(integers(100, By((32, 1), (10000, 1))), shape=(100,)),
    "Flip": use(normal(MATRIX), axes=(1,)),
    "Shift": use(normal(MATRIX), shifts=(2, 3)),
    "Sort": ROWS,
    "Reshape": use(normal(MATRIX), shape=By((16, 64), (512, 2048)), inplace=False),
    "Shape": use(normal(MATRIX, False)),
    "MatrixDiag": use(normal(By((2, 16), (16, 256)))),
    "MatrixDiagPart": use(normal(By((4, 16, 16), (16, 256, 256)))),
    "Trilu": ELEMENTWISE,
    "Meshgrid": use(normal(By((32,), (1024,))), normal(By((32,), (1024,)))),
    **alike(use(positive_definite(BATCH)), "BatchDet BatchInv BatchLogdet BatchCholesky"),
    "Assign": use(normal(MATRIX, False), normal(MATRIX)),
    "Gather": use(normal(MATRIX), integers(32, By((32,), (1024,)))),
    "GatherNd": use(normal(MATRIX), integers(32, By((1, 64), (1, 1024)))),
    "BoolGather": MASKED,
    "ScatterNd": use(normal(By((16, 32), (512, 1024))), integers(32, By((1, 16), (1, 512))), shape=MATRIX, add=True),
    "ScatterAdd": use(normal(MATRIX), integers(32, MATRIX), normal(MATRIX), axis=0),
    "BoolScatter": use(normal(By((512, 2), (524288, 2))), Input("half", VECTOR, (0, 2), False)),
    "BoolFill": MASKED,
    "PackPaddedSequence": use(normal(SEQUENCE), Input("lengths", By((4,), (32,)), (0, By(8, 64)), False)),
    "PadPackedSequence": use(normal(By((32, 32), (2048, 512))), Input("full", By((8,), (64,)), (0, By(4, 32)), False)),
    "NonZero": use(integers(2, MATRIX)),
    "Unique": use(integers(100, VECTOR), with_inverse=True),
    "EyeLike": use(normal(MATRIX, False)),
    # Signals and geometry
    "Interpolate": use(normal(IMAGE), output_size=By((16, 16), (128, 128)), mode="linear"),
    "ONNXResize": use(normal(IMAGE), scales=(1.0, 1.0, 2.0, 2.0), mode="linear"),
    "FFT": use(normal(PAIRS), signal_ndim=1),
    "IFFT": use(normal(PAIRS), signal_ndim=1),
    "STFT": use(normal(SIGNAL), **WINDOWS),
    "ISTFT": use(normal(SPECTRUM), normal(SPECTRUM), pad_mode="constant", **WINDOWS),
    "AffineGrid": use(normal(By((8, 2, 3), (8, 2, 3))), size=By((8, 8), (256, 256))),
    "WarpByGrid": use(normal(IMAGE), between(-1, 1, By((2, 8, 8, 2), (8, 64, 64, 2)))),
    "WarpByFlow": use(normal(IMAGE), normal(By((2, 2, 8, 8), (8, 2, 64, 64)))),
    # Chance
    "Dropout": ELEMENTWISE,
    "TopKData": use(normal(MATRIX), k=5),
    "TopKGrad": use(normal(MATRIX), k=5),
    **alike(DRAWN, "Rand Randn RandBeta RandGamma"),
    "Randint": use(low=0, high=100, shape=MATRIX),
    "RandBinomial": use(n=5, p=0.3, shape=MATRIX),
    "RandomChoice": use(
        normal(By((100,), (1000,))), between(0.1, 1, By((100,), (1000,))), shape=By((1024,), (100000,))
    ),
    "RandomCrop": use(normal(IMAGE), shape=By((8, 6, 6), (32, 56, 56))),
    "RandomFlip": use(normal(IMAGE), axes=(2, 3)),
    "RandomShift": use(normal(IMAGE), shifts=(0, 2, 2)),
    "RandomErase": use(normal(IMAGE), prob=1.0),
    "ImageAugmentation": use(normal(By((1, 3, 16, 16), (4, 3, 256, 256))), flip_lr=True, angle=0.2, brightness=0.1),
    # Losses and validation
    "SigmoidCrossEntropy": use(normal(MATRIX), integers(2, MATRIX)),
    "BinaryCrossEntropy": use(between(0.1, 0.9, MATRIX), integers(2, MATRIX)),
    "SoftmaxCrossEntropy": use(SCORES, LABELS),
    "CategoricalCrossEntropy": use(CHANCES, LABELS),
    **alike(BINARY, "SquaredError AbsoluteError HuberLoss"),
    "EpsilonInsensitiveLoss": use(normal(MATRIX), normal(MATRIX), epsilon=0.5),
    "KLMultinomial": use(CHANCES, CHANCES),
    "TopNError": use(SCORES._replace(need_grad=False), LABELS, n=2),
    "BinaryError": use(between(0, 1, MATRIX, False), integers(2, MATRIX)),
    "ConfusionMatrix": use(SCORES._replace(need_grad=False), LABELS),
    # Quantization
    "BinarySigmoid": ELEMENTWISE,
    "BinaryTanh": ELEMENTWISE,
    "BinaryConnectAffine": use(normal(MATRIX), *BINARY_WEIGHT),
    "BinaryConnectConvolution": use(normal(IMAGE), *BINARY_FILTERS, pad=(1, 1)),
    "BinaryWeightAffine": use(normal(MATRIX), *BINARY_WEIGHT, normal(By((16,), (1024,)), False)),
    "BinaryWeightConvolution": use(normal(IMAGE), *BINARY_FILTERS, normal(MAPS, False), pad=(1, 1)),
    "INQAffine": use(normal(MATRIX), normal(WEIGHT), integers(1, WEIGHT), inq_iterations=(10, 20)),
    "INQConvolution": use(normal(IMAGE), normal(FILTERS), integers(1, FILTERS), inq_iterations=(10, 20), pad=(1, 1)),
    "FixedPointQuantize": ELEMENTWISE,
    "MinMaxQuantize": use(
        normal(MATRIX),
        between(-2, -1, ONE, False),
        between(1, 2, ONE, False),
        integers(1, ONE),
        between(255, 255, ONE, False),
    ),
    "Pow2Quantize": ELEMENTWISE,
    "Prune": ELEMENTWISE,
    "QuantizeLinear": use(normal(MATRIX), between(0.05, 0.1, ONE, False), integers(1, ONE)),
    "DequantizeLinear": use(normal(MATRIX), between(0.05, 0.1, ONE), integers(1, ONE)),
    # Special use
    "VATNoise": use(normal(MATRIX), normal(MATRIX, False)),
    "Sink": use(normal(MATRIX), normal(MATRIX)),
    "NmsDetection2d": use(between(0, 1, By((1, 64, 8), (4, 1024, 25)), False)),
    "ONNXNonMaxSuppression": use(
        Input("corners", By((1, 64, 4), (1, 2048, 4)), (0, 1), False),
        between(0, 1, By((1, 4, 64), (1, 20, 2048)), False),
        max_output_boxes_per_class=10,
        iou_threshold=0.5,
    ),
    "MaxPoolingBackward": use(normal(By((2, 8, 4, 4), (8, 32, 32, 32))), normal(IMAGE), kernel=(2, 2)),
    "PatchCorrelation": use(
        *[normal(By((1, 8, 8, 8), (1, 128, 64, 8)))] * 2, patch=(1, 1), shift=(1, 1), padding=(1, 1, 1, 1)
    ),
}


def at(value, size):
    """What a value is at a size."""
    return getattr(value, size) if isinstance(value, By) else value


def _boxes(rng, count, side):
    corners = np.sort(rng.uniform(0, side, (count, 2, 2)), axis=1).reshape(count, 4)
    return corners


def _array(rng, spec, size):
    shape = at(spec.shape, size)
    low, high = (at(bound, size) for bound in spec.range)
    if spec.kind == "normal":
        values = rng.randn(*shape)
    elif spec.kind == "uniform":
        values = rng.uniform(low, high, shape)
    elif spec.kind == "rising":
        values = np.sort(rng.uniform(low, high, shape), axis=-1)
    elif spec.kind == "definite":
        values = rng.randn(*shape)
        values = values @ np.swapaxes(values, 1, 2) / shape[-1] + np.eye(shape[-1])
    elif spec.kind == "boxes":
        values = np.concatenate([np.zeros((shape[0], 1)), _boxes(rng, shape[0], high)], 1)
    elif spec.kind == "corners":
        values = _boxes(rng, shape[0] * shape[1], high).reshape(shape)
    elif spec.kind == "half":
        values = rng.permutation(np.arange(shape[0]) % 2)
    elif spec.kind == "lengths":
        values = np.sort(rng.randint(1, high + 1, shape))[::-1]
        values[0] = high
    elif spec.kind == "full":
        values = np.full(shape, high)
    else:
        values = rng.randint(low, high, shape)
    return values.astype(np.float32 if values.dtype.kind == "f" else np.int64)


def instance(name, size):
    """The arrays (None for omitted inputs), which of them need gradients, and the arguments of a use."""
    found = USES[name]
    rng = np.random.RandomState(0)
    arrays = [None if spec is None else _array(rng, spec, size) for spec in found.inputs]
    need = [spec is not None and spec.need_grad for spec in found.inputs]
    return arrays, need, {key: at(value, size) for key, value in found.args.items()}
