"""Whatever an operator is given, it computes or raises an error that names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.definition import Operator, all_operators

WILD: dict[str, list[Any]] = {
    "int64": [-100, -2, -1, 0, 1, 2, 3, 7, 10**6, 2**62, 2**70, None, "x", 2.5],
    "double": [0.0, -1.0, 1.0, 0.5, 1e30, 1e300, 10**400, float("nan"), float("inf"), "a", None],
    "float": [0.0, -1.0, 1.0, 0.5, 1e30, 1e300, float("nan"), "a", None],
    "bool": [True, False, None, "x"],
    "string": ["", "zz", "constant", "reflect", 3, None],
    "Shape": [(), (0,), (1,), (2, 2), (-1,), (-3,), (2, 3, 4), (2**62, 2**62), "x", 3, None, (1.5,)],
    "repeated int64": [(), (0,), (1,), (-1,), (5,), (0, 0), (2, 3, 4), (1, 0), (2**62,), "x", 3, None],
    "repeated float": [(), (0.0,), (1.0, 2.0), "x", None],
    "Communicator": [None, "alone"],
}
# How long these take is what was asked for.
AMOUNTS = ("itr", "sampling_ratio")
LARGEST = 10**6  # elements of outputs that are computed

# Uses that random shapes do not hit upon: shapes of the inputs (None: left out), arguments.
USES: dict[str, tuple[list[tuple[int, ...] | None], dict[str, Any]]] = {
    "Affine": ([(2, 3), (3, 4), (4,)], {}),
    "AffineGrid": ([(2, 2, 3)], {"size": (3, 4)}),
    "BatchNormalization": ([(4, 3), (1, 3), (1, 3), (1, 3), (1, 3)], {}),
    "BinaryConnectAffine": ([(2, 3), (3, 4), (3, 4), (4,)], {}),
    "BinaryConnectConvolution": ([(2, 3, 5), (4, 3, 2), (4, 3, 2), (4,)], {}),
    "BinaryWeightAffine": ([(2, 3), (3, 4), (3, 4), (4,), (4,)], {}),
    "BinaryWeightConvolution": ([(2, 3, 5), (4, 3, 2), (4, 3, 2), (4,), (4,)], {}),
    "BitShift": ([(2, 3), (2, 3)], {"direction": "LEFT"}),
    "Convolution": ([(2, 4, 6, 5), (6, 2, 3, 2), (6,)], {"group": 2, "pad": (1, 0)}),
    "Deconvolution": ([(2, 4, 3, 4), (4, 3, 3, 2), (6,)], {"group": 2, "stride": (2, 3)}),
    "DeformableConvolution": ([(1, 2, 4, 4), (2, 2, 3, 3), (1, 18, 4, 4), (1, 9, 4, 4), (2,)], {"pad": (1, 1)}),
    "DepthwiseConvolution": ([(2, 3, 5, 5), (3, 3, 3), (3,)], {}),
    "DepthwiseDeconvolution": ([(2, 3, 5, 5), (3, 3, 3), (3,)], {}),
    "Embed": ([(2, 3), (4, 5)], {}),
    "FusedBatchNormalization": ([(4, 3), (1, 3), (1, 3), (1, 3), (1, 3), (4, 3)], {}),
    "FusedConvolution": ([(2, 3, 5, 5), (4, 3, 3, 3), (4,), None, None, None, None, None], {}),
    "GRU": ([(3, 2, 4), (1, 1, 2, 5), (1, 3, 5, 9), None, None], {}),
    "Gather": ([(4, 3), (2, 2)], {}),
    "GatherNd": ([(4, 3), (2, 5)], {}),
    "INQAffine": ([(2, 3), (3, 4), (3, 4), (4,)], {}),
    "INQConvolution": ([(2, 3, 5), (4, 3, 2), (4, 3, 2), (4,)], {}),
    "ISTFT": ([(2, 5, 4), (2, 5, 4)], {"window_size": 8, "stride": 4, "fft_size": 8, "pad_mode": "constant"}),
    "LSTM": ([(3, 2, 4), (1, 1, 2, 5), (1, 1, 2, 5), (1, 4, 5, 9), None, None], {}),
    "MeanSubtraction": ([(4, 3), (3,), (1,)], {}),
    "NmsDetection2d": ([(2, 5, 7)], {}),
    "ONNXNonMaxSuppression": ([(1, 4, 4), (1, 2, 4)], {}),
    "ONNXResize": ([(1, 1, 4, 4)], {"sizes": (1, 1, 8, 8)}),
    "PadPackedSequence": ([(6, 2), (3,)], {}),
    "PatchCorrelation": ([(2, 5, 5, 3), (2, 5, 5, 3)], {"patch": (1, 1)}),
    "RNN": ([(3, 2, 4), (1, 1, 2, 5), (1, 5, 9), None, None], {}),
    "RoiAlign": ([(2, 3, 8, 9), (4, 5)], {"output_size": (2, 3)}),
    "STFT": ([(2, 19)], {"window_size": 6, "stride": 3, "fft_size": 8}),
    "ScatterAdd": ([(4, 3), (2, 3), (2, 3)], {}),
    "ScatterNd": ([(2,), (1, 2)], {"shape": (4,)}),
    "SoftmaxCrossEntropy": ([(2, 4), (2, 1)], {}),
    "SpectralNorm": ([(4, 3), (4,)], {}),
    "SyncBatchNormalization": ([(4, 3), (1, 3), (1, 3), (1, 3), (1, 3)], {"comm": "alone"}),
    "TopNError": ([(2, 4), (2, 1)], {}),
    "WarpByFlow": ([(1, 2, 4, 4), (1, 2, 4, 4)], {}),
    "WarpByGrid": ([(1, 2, 4, 4), (1, 3, 3, 2)], {}),
}

OPERATORS = [op for op in all_operators().values() if not op.internal]


@dataclass(frozen=True)
class Values:
    """An input: its shape, and what stands in it."""

    shape: tuple[int, ...]
    what: float | None = None
    everywhere: bool = False

    def array(self) -> np.ndarray:
        array = np.asarray(np.random.RandomState(3).rand(*self.shape), np.float32)
        if self.what is not None and array.size:
            array[...] = np.where(self.everywhere | (np.arange(array.size) == 0).reshape(self.shape), self.what, array)
        return array


shapes = st.lists(st.integers(0, 4), max_size=5).map(tuple)
odd = st.sampled_from([np.nan, np.inf, -np.inf, -1.0, 0.0, 0.5, 3.0, -100.0, 1e9, 1e30])


def inputs(shape: tuple[int, ...] | None, regular: int) -> st.SearchStrategy[Any]:
    """Return mostly a Variable of ``shape`` (None: of any), else of another shape or no Variable at all."""
    fits = st.just(shape) if shape is not None else shapes
    good = st.builds(Values, fits)
    bad = [
        st.builds(Values, shapes),
        st.builds(Values, fits, odd, st.booleans()),
        st.none(),
        st.sampled_from([3, "x", (1,)]),
    ]
    return st.integers(0, regular + 3).flatmap(lambda i: good if i < regular else bad[i - regular])


@st.composite
def calls(draw: Any, op: Operator) -> tuple[list[Any], dict[str, Any], str]:
    use = USES.get(op.name)
    if use is not None and draw(st.integers(0, 3)):
        given, args = [draw(inputs(s, 12)) if s is not None else None for s in use[0]], dict(use[1])
        changed = 10
    else:
        common = draw(st.one_of(st.none(), shapes))
        count = len(op.inputs) + (draw(st.integers(0, 2)) if op.variadic else 0)
        given, args = [draw(inputs(common, 16)) for _ in range(count)], {}
        changed = 3
    if not draw(st.integers(0, 15)):
        given = [*given, Values((2,))] if draw(st.booleans()) else given[:-1]
    for a in op.arguments:
        if a.name not in AMOUNTS and not draw(st.integers(0, changed)):
            args[a.name] = draw(st.sampled_from([*WILD[a.type_name], *(a.choices or ())]))
    return given, args, draw(st.sampled_from(["static", "static", "dynamic", "imperative"]))


def run(op: Operator, given: list[Any], args: dict[str, Any], mode: str) -> None:
    dtype = np.int32 if op.name == "BitShift" else np.float32  # the one that takes integers alone
    values = [
        nn.Variable.from_numpy_array(v.array().astype(dtype), need_grad=True) if isinstance(v, Values) else v
        for v in given
    ]
    if mode == "imperative":
        values = [v.data if isinstance(v, nn.Variable) else v for v in values]
    with nn.auto_forward(mode == "dynamic"):
        result = op(*values, **args)
    outputs = result if isinstance(result, tuple) else (result,)
    if mode != "imperative" and outputs and sum(v.size for v in outputs) < LARGEST:
        nn.forward_all([v for v in outputs if v.parent is not None])
        outputs[0].backward()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", OPERATORS, ids=lambda o: o.name)
def test_it_computes_or_raises_an_error_that_names_it(op: Operator) -> None:
    @settings(
        max_examples=30, deadline=10_000, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(calls(op))
    def check(call: tuple[list[Any], dict[str, Any], str]) -> None:
        try:
            run(op, *call)
        except RuntimeError as error:
            assert op.snake_name in str(error) or op.name in str(error), str(error)

    check()


@pytest.mark.parametrize("name", USES)
def test_the_uses_that_are_varied_are_right(name: str) -> None:
    shapes_, args = USES[name]
    whole = "Packed" in name
    given = [None if s is None else Values(s, 2.0 if whole and len(s) == 1 else None, True) for s in shapes_]
    run(all_operators()[name], given, args, "static")


def v(*shape: int) -> nn.Variable:
    return nn.Variable(shape)


def of(*values: Any) -> nn.Variable:
    return nn.Variable.from_numpy_array(np.asarray(values, np.float32))


REFUSED = {
    "too many inputs": (
        lambda: F.tanh(v(2), v(2)),
        r"tanh: takes at most 1 positional arguments \(x\), but 2 were given",
    ),
    "no input": (lambda: F.tanh(), "tanh: x must be given"),
    "an input left out": (lambda: F.add2(v(2), None), "add2: the input x1 must be given, not None"),
    "no input at all": (lambda: F.concatenate(), "concatenate: at least one input must be given"),
    "an unknown argument": (lambda: F.tanh(v(2), slope=1), "tanh: unknown argument 'slope'; it takes x"),
    "an argument given twice": (lambda: F.transpose(v(2), (0,), axes=(0,)), "argument 'axes' was given twice"),
    "a number": (lambda: F.add2(v(2), 3), r"add2: All inputs .* int was given \(3\).* use add_scalar"),
    "a string": (lambda: F.affine(v(2, 2), "w"), r"affine: All inputs .* str was given \('w'\)"),
    "an argument of None": (lambda: F.max_pooling(v(1, 4, 4), None), "max_pooling: argument kernel must be given"),
    "a string for an integer": (
        lambda: F.softmax(v(2, 2), axis="1"),
        "softmax: argument axis='1' can't be taken as int64",
    ),
    "a string for a shape": (lambda: F.broadcast(v(1), "23"), "broadcast: argument shape='23' can't be taken as Shape"),
    "a string for a truth": (
        lambda: F.sum(v(2), keepdims="False"),
        "sum: argument keep_dims='False' can't be taken as bool",
    ),
    "a fraction for an integer": (lambda: F.softmax(v(2, 2), axis=0.5), "softmax: argument axis=0.5 can't be taken"),
    "an integer of 71 bits": (lambda: F.cumsum(v(2), axis=2**70), "cumsum: argument axis=.* more than 64 bits"),
    "a number beyond floats": (
        lambda: F.pow_scalar(v(2), 10**5000),
        "pow_scalar: argument val=.* can't be taken as double",
    ),
    "a word that is none": (
        lambda: F.pad(v(2), (1, 1), mode="wrap"),
        "pad: argument mode='wrap' is not known; choose one of",
    ),
    "an axis": (lambda: F.softmax(v(2, 2), axis=2), "softmax: axis=2 is outside the 2 dimensions"),
    "no permutation": (
        lambda: F.transpose(v(2, 3), (1, 2)),
        r"transpose: axes=\(1, 2\) is no permutation of the 2 dimen",
    ),
    "a negative size": (lambda: F.randn(shape=(2, -1)), r"randn: .*\(2, -1\); sizes are 0 or more"),
    "a size beyond memory": (lambda: F.constant(1, (2**50, 2**50)), "constant: .* more elements than any memory holds"),
    "elements that do not fit": (
        lambda: F.reshape(v(2, 3), (4,)),
        r"reshape: x \(2, 3\) has 6 elements, which shape=\(4,\)",
    ),
    "no common shape": (lambda: F.add2(v(2), v(3)), r"add2: shapes \(2,\), \(3,\) do not broadcast together"),
    "no pixels": (lambda: F.image_augmentation(v(1, 0, 2), shape=(2, 2)), "image_augmentation: .* has no pixels"),
    "bits beyond numbers": (lambda: F.fixed_point_quantize(v(2), n=10**6), "n=1000000 must be 1 bit to 64"),
    "powers beyond numbers": (lambda: F.pow2_quantize(v(2), m=10**6), "m=1000000 must be -126 to 127"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


TABLE = nn.Variable.from_numpy_array(np.arange(12.0).reshape(4, 3))
INDEXED = {
    "embed": lambda i: F.embed(i, TABLE),
    "gather": lambda i: F.gather(TABLE, i, axis=0),
    "gather_nd": lambda i: F.gather_nd(TABLE, F.reshape(i, (1, 2))),
    "scatter_nd": lambda i: F.scatter_nd(of(1, 2), F.reshape(i, (1, 2)), [4]),
    "scatter_add": lambda i: F.scatter_add(of(1, 2, 3, 4), i, of(1, 2)),
}


@pytest.mark.parametrize("name", INDEXED)
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (4, "index 4 is outside a dimension of size 4"),
        (-5, "index -5 is outside a dimension of size 4"),
        (1e9, "index 1000000000 is outside"),
        (np.nan, "NaN, infinite or too large for an integer"),
        (np.inf, "NaN, infinite or too large for an integer"),
        (1e30, "too large for an integer"),
    ],
)
def test_an_index_that_points_nowhere_is_refused_and_the_next_one_works(name: str, index: float, message: str) -> None:
    place = of(0, index)
    y = INDEXED[name](place)
    with pytest.raises(IndexError, match=f"{name}: .*{message}") as caught:
        y.forward()
    assert isinstance(caught.value, RuntimeError)
    place.d = [0, 1]
    y.forward()
    last = INDEXED[name](of(0, -3))
    last.forward()
    np.testing.assert_array_equal(y.d, last.d)


def test_labels_that_are_no_class_cost_nothing() -> None:
    labels = of(0, np.nan, 7, -1).reshape((4, 1))
    loss = F.softmax_cross_entropy(nn.Variable.from_numpy_array(np.zeros((4, 5))), labels)
    loss.forward()
    np.testing.assert_allclose(loss.d.reshape(-1), [np.log(5), 0, 0, 0], 1e-6)


@pytest.mark.parametrize(
    ("box", "message"), [((2, 0, 0, 3, 3), "name images .* to 2, but input has 2"), ((0, np.nan, 0, 3, 3), "holds NaN")]
)
def test_boxes_that_lie_nowhere_are_refused(box: tuple[float, ...], message: str) -> None:
    boxes = nn.Variable.from_numpy_array(np.asarray([box], np.float32))
    y = F.roi_align(v(2, 3, 4, 4), boxes, (2, 2))
    with pytest.raises(RuntimeError, match=f"roi_align: .*{message}"):
        y.forward()


@pytest.mark.parametrize("sizes", [[1, 2], [2, -1], [1, 10**9]])
def test_sizes_of_batches_that_cannot_be_are_refused(sizes: list[int]) -> None:
    sequence, counts = v(2, 2), of(1, 1)
    with pytest.raises(
        RuntimeError, match="pad_packed_sequence: batch_sizes must be 0 or more and the first of them the"
    ):
        y, _ = F.pad_packed_sequence(sequence, counts)
        counts.d = sizes
        y.forward()


@pytest.mark.parametrize(
    "layer",
    [
        lambda x: F.convolution(x, v(4, 2, 3, 2), v(4), group=2),
        lambda x: F.deconvolution(x, v(4, 3, 3, 2), v(6), group=2, stride=(1, 2)),
        lambda x: F.depthwise_convolution(x, v(4, 3, 2), v(4)),
        lambda x: F.depthwise_deconvolution(x, v(4, 3, 2), v(4)),
        lambda x: F.max_pooling(x, (2, 2)),
    ],
)
def test_no_samples_are_no_error(layer: Any) -> None:
    x = nn.Variable((0, 4, 3, 4), need_grad=True)
    y = layer(x)
    y.forward()
    y.backward()
    assert y.shape[0] == 0 and x.g.shape == x.shape
