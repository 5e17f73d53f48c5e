"""Native programs leave what interpreting the same steps leaves, to the last bit, whatever happens between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S
from nnabla.function import PythonFunction
from nnabla.testing.cases import Case
from nnabla.testing.conformance import build, variables_of, weighted
from nnabla.testing.operators import families
from nnabla_ext.cpu import native, replay

pytestmark = pytest.mark.skipif(native.module is None, reason="there is no native code in this environment")


class Watch:
    """The replays that were made, for tests to look at."""

    def __init__(self) -> None:
        self.made: list[replay.Replay] = []

    @property
    def programs(self) -> list[Any]:
        return [program for made in self.made for program in made.programs]

    @property
    def interpreted(self) -> list[str]:
        return [f.name for made in self.made for f in made.interpreted]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    found = Watch()
    plain = replay.Replay.__init__

    def init(self: replay.Replay, *args: Any) -> None:
        plain(self, *args)
        found.made.append(self)

    monkeypatch.setattr(replay.Replay, "__init__", init)
    nn.clear_parameters()
    yield found
    nn.clear_parameters()


def interpreted(run: Callable[[], Any]) -> Any:
    """Call a function with replays that only interpret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay.Replay, "run", lambda self: [part.run() for part in self._parts])
        return run()


def alike(run: Callable[[], list[np.ndarray]], watch: Watch) -> list[np.ndarray]:
    """Run something with programs, which ``watch`` has then, and hold it to interpretation bit by bit."""
    expected = interpreted(run)
    watch.made.clear()
    found = run()
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)
    return found


def rounds_of_training(x: Any, y: Any, values: Any, rounds: int) -> list[np.ndarray]:
    """Train some rounds; ``values(round)`` gives what ``x`` is set to, or None. Return results and gradients."""
    seen = []
    for at in range(rounds):
        given = values(at)
        if given is not None:
            x.d = given
        x.grad.zero()
        y.forward(clear_no_need_grad=True)
        y.backward(clear_buffer=True)
        seen += [y.d.copy(), x.g.copy()]
    return seen


class Halve(PythonFunction):
    """A function in Python, in the middle of a graph."""

    def min_outputs(self) -> int:
        return 1

    def setup_impl(self, inputs: Any, outputs: Any) -> None:
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: Any, outputs: Any) -> None:
        outputs[0].data.data = inputs[0].data.data / 2

    def backward_impl(self, inputs: Any, outputs: Any, propagate_down: Any, accum: Any) -> None:
        if propagate_down[0]:
            grad = outputs[0].grad.data / 2
            inputs[0].grad.data = grad + inputs[0].grad.data if accum[0] else grad

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        return False

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        return False


UNARY: dict[str, Callable[[Any], Any]] = {
    "tanh": F.tanh,
    "relu": F.relu,
    "relu in place": lambda x: F.relu(x, inplace=True),
    "scale": lambda x: F.mul_scalar(x, 0.5),
    "softmax": F.softmax,
    "reshape": lambda x: F.reshape(F.reshape(x, (12,)), (3, 4)),
    "transpose": lambda x: F.transpose(F.transpose(x, (1, 0)), (1, 0)),
    "sum": lambda x: F.broadcast(F.sum(x, axis=1, keepdims=True), (3, 4)),
    "affine": lambda x: PF.affine(x, 4, name="affine"),
    "normalize": lambda x: PF.batch_normalization(x, name="normalize"),
    "layer": lambda x: PF.layer_normalization(x, name="layer"),
    "normalize and rectify": lambda x: F.relu(PF.batch_normalization(x, name="normalize")),
    "affine and rectify": lambda x: F.relu(PF.affine(x, 4, name="affine")),
    "dropout": lambda x: F.dropout(x, 0.3, seed=7),
    "images": lambda x: F.reshape(PF.convolution(F.reshape(x, (1, 1, 3, 4)), 1, (3, 3), (1, 1), name="images"), (3, 4)),
    "sort": F.sort,
    "python": lambda x: Halve()(x),
    "cumsum": lambda x: F.cumsum(x, axis=1),
    "concatenate": lambda x: F.concatenate(x[:, :2], x[:, 2:], axis=1),
    "unlink": lambda x: F.add2(x, F.mul_scalar(x, 2.0).apply(need_grad=False)),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": F.add2,
    "add in place": lambda x, y: F.add2(x, y, inplace=True),
    "residual": lambda x, y: F.relu(PF.batch_normalization(x, name="normalize") + y),
    "mul": F.mul2,
    "div": lambda x, y: x / (F.abs(y) + 1),
    "matmul": lambda x, y: F.batch_matmul(F.softmax(F.batch_matmul(x, y, transpose_b=True)), y),
}
EVENTS = [
    "nothing",
    "read",
    "grad",
    "accumulate",
    "hook",
    "rebind",
    "clear",
    "persistent",
    "frozen",
    "write",
    "forward",
]


@dataclass
class Recipe:
    """A graph as data, and what happens in each round."""

    leaves: int
    nodes: list[tuple[Any, ...]]
    events: list[tuple[str, int]]
    clear_forward: bool
    clear_backward: bool


@st.composite
def recipes(draw: Any) -> Recipe:
    leaves = draw(st.integers(1, 2))
    nodes: list[tuple[Any, ...]] = []
    for at in range(draw(st.integers(1, 8))):
        known = st.integers(0, leaves + at - 1)
        if draw(st.booleans()):
            nodes.append((draw(st.sampled_from(sorted(UNARY))), draw(known)))
        else:
            nodes.append((draw(st.sampled_from(sorted(BINARY))), draw(known), draw(known)))
    rounds = draw(st.integers(5, 12))
    # Most rounds are plain ones, so that programs are made and used in between.
    events = [
        (draw(st.sampled_from(EVENTS)) if draw(st.integers(0, 2)) == 0 else "nothing", draw(st.integers(0, 10)))
        for _ in range(rounds)
    ]
    return Recipe(leaves, nodes, events, draw(st.booleans()), draw(st.booleans()))


def run(recipe: Recipe, seed: int) -> list[np.ndarray]:
    """Build a graph and run it round by round; return all that can be seen of it."""
    nn.clear_parameters()
    nn.seed(3)
    np.random.seed(3)
    rng = np.random.RandomState(seed)
    leaves = [nn.Variable((3, 4), need_grad=True) for _ in range(recipe.leaves)]
    made = list(leaves)
    for name, *sources in recipe.nodes:
        inputs = [made[i] for i in sources]
        made.append(UNARY[name](*inputs) if len(inputs) == 1 else BINARY[name](*inputs))
    root = F.mean(made[-1] * made[-1])
    parameters = list(nn.get_parameters().values())
    solver = S.Momentum(0.05)
    solver.set_parameters(nn.get_parameters())
    seen: list[np.ndarray] = []
    for event, which in recipe.events:
        variable = made[which % len(made)]
        for leaf in leaves:
            values = rng.randn(3, 4).astype(np.float32)
            if event == "rebind":
                leaf.data = nn.NdArray.from_numpy_array(values)
            else:
                leaf.d = values
        if event == "persistent":
            variable.persistent = True
        if event == "frozen":
            leaves[0].need_grad = not leaves[0].need_grad
        hook = (lambda f: None) if event == "hook" else None
        if event == "forward":
            variable.parent is None or variable.forward()
        root.forward(clear_no_need_grad=recipe.clear_forward and event != "clear", function_pre_hook=hook)
        if event == "read" and not variable.data.clear_called:
            seen.append(variable.d.copy())
        if event == "write" and variable.parent is None:
            variable.d = variable.d + 1
        if event != "accumulate":
            for v in (*leaves, *parameters):
                v.grad.zero()
        root.backward(clear_buffer=recipe.clear_backward and event != "clear")
        if event == "grad" and not variable.grad.clear_called:
            seen.append(variable.g.copy())
        seen.append(np.array(root.data.data))
        solver.update()
    seen += [leaf.g.copy() for leaf in leaves]
    return seen + [p.d.copy() for p in nn.get_parameters(grad_only=False).values()]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipes(), st.integers(0, 2**31 - 1))
def test_programs_equal_interpretation(recipe: Recipe, seed: int) -> None:
    with np.errstate(all="ignore"):
        expected = interpreted(lambda: run(recipe, seed))
        found = run(recipe, seed)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)


def network() -> tuple[Any, Any, Any]:
    x, t = nn.Variable((8, 1, 12, 12)), nn.Variable((8, 1))
    h = F.relu(PF.batch_normalization(PF.convolution(x, 8, (3, 3), name="c"), name="b"))
    h = F.max_pooling(h, (2, 2))
    h = F.relu(PF.convolution(h, 8, (3, 3), pad=(1, 1), name="d")) + h
    loss = F.mean(F.softmax_cross_entropy(PF.affine(F.tanh(PF.affine(h, 20, name="e")), 10, name="f"), t))
    return x, t, loss


def train(steps: int, seed: int = 5) -> list[np.ndarray]:
    nn.clear_parameters()
    nn.seed(0)
    x, t, loss = network()
    solver = S.Adam(0.01)
    solver.set_parameters(nn.get_parameters())
    rng = np.random.RandomState(seed)
    losses = []
    for _ in range(steps):
        x.d, t.d = rng.randn(*x.shape), rng.randint(0, 10, t.shape)
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.weight_decay(1e-4)
        solver.update()
        losses.append(loss.d.copy())
    return losses + [p.d.copy() for p in nn.get_parameters(grad_only=False).values()]


def test_training_is_one_program_each_way(watch: Watch) -> None:
    alike(lambda: train(8), watch)
    assert len(watch.programs) == 2
    assert watch.interpreted == []


def test_a_program_asks_for_no_memory(watch: Watch) -> None:
    train(6)
    before = native.module.memory()[0]
    for program in watch.programs:
        assert program.native.bytes > 0
    nn.clear_parameters()
    *_, loss = network()
    for _ in range(6):
        loss.forward()
    used = native.module.memory()[0]
    for _ in range(5):
        loss.forward()
    assert native.module.memory()[0] == used >= before


def test_what_is_interpreted_stands_between_programs(watch: Watch) -> None:
    def run(rounds: int) -> list[np.ndarray]:
        nn.seed(1)
        x = nn.Variable((4, 6), need_grad=True)
        h = F.tanh(F.mul_scalar(x, 2.0))
        h = F.tanh(F.add_scalar(F.relu(h), 1.0))
        y = F.sum(F.exp(Halve()(h)))
        rng = np.random.RandomState(2)
        return rounds_of_training(x, y, lambda at: rng.randn(4, 6), rounds)

    alike(lambda: run(10), watch)
    # Before the function in Python and behind it; and the same ways back.
    assert len(watch.programs) == 4


def test_programs_draw_new_random_numbers_in_each_run(watch: Watch) -> None:
    def run(rounds: int) -> list[np.ndarray]:
        nn.seed(1)
        x = nn.Variable.from_numpy_array(np.arange(1, 25).reshape(4, 6).astype(np.float32)).apply(need_grad=True)
        h = F.dropout(F.tanh(x), 0.5)
        h = h + F.randn(0, 1, (4, 6)) * F.rand(0, 1, (4, 6), seed=3)
        y = F.sum(F.random_flip(F.random_shift(F.exp(h), (2,)), (1,)))

        def seed_anew(at: int) -> None:
            if at == rounds // 2:
                nn.seed(5)

        return rounds_of_training(x, y, seed_anew, rounds)

    found = alike(lambda: run(12), watch)
    assert watch.interpreted == []
    assert len({a.tobytes() for a in found[::2]}) == 12


def test_values_that_a_program_can_not_do_with_raise_what_they_always_raise(watch: Watch) -> None:
    table = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(5, 3).astype(np.float32))
    x = nn.Variable((4,))
    y = F.tanh(F.embed(x, table))
    x.d = [0, 4, 1, -1]
    for _ in range(5):
        y.forward()
    assert [len(program.functions) for program in watch.programs] == [2]
    x.d = [0, 5, 1, 2]
    with pytest.raises(IndexError, match="embed"):
        y.forward()
    x.d = [3, 2, 1, 0]
    y.forward()
    np.testing.assert_allclose(y.d, np.tanh(table.d[::-1][1:]), rtol=1e-6)


def test_labels_are_read_anew_in_each_run(watch: Watch) -> None:
    x = nn.Variable((6, 5))
    t = nn.Variable((6, 1))
    ends = [F.top_n_error(x, t), F.confusion_matrix(x, t), F.one_hot(t, (5,))]
    rng = np.random.RandomState(0)
    for _ in range(8):
        scores, labels = rng.randn(6, 5).astype(np.float32), rng.randint(0, 5, (6, 1))
        x.d, t.d = scores, labels
        nn.forward_all(ends)
        wrong, confused, hot = (end.d for end in ends)
        best = scores.argmax(axis=1)
        np.testing.assert_array_equal(wrong[:, 0], best != labels[:, 0])
        counts = np.zeros((5, 5))
        np.add.at(counts, (labels[:, 0], best), 1)
        np.testing.assert_array_equal(confused, counts)
        np.testing.assert_array_equal(hot, np.eye(5)[labels[:, 0]])
    assert watch.programs and watch.interpreted == []


@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers_are_part_of_programs(bidirectional: bool, watch: Watch) -> None:
    def run(rounds: int) -> list[np.ndarray]:
        nn.clear_parameters()
        nn.seed(1)
        rng = np.random.RandomState(2)
        x = nn.Variable((5, 3, 4), need_grad=True)
        ways = 2 if bidirectional else 1
        h, c = (nn.Variable.from_numpy_array(rng.randn(2, ways, 3, 6).astype(np.float32)) for _ in range(2))
        y, *_ = PF.lstm(x, h, c, num_layers=2, dropout=0.3, bidirectional=bidirectional, rng=rng)
        loss = F.sum(F.tanh(y))
        return rounds_of_training(x, loss, lambda at: rng.randn(*x.shape), rounds)

    alike(lambda: run(8), watch)
    assert watch.interpreted == []


def test_a_program_that_does_not_fit_any_more_is_made_again(watch: Watch) -> None:
    x = nn.Variable((2, 3))
    y = F.sum(F.tanh(x))
    for _ in range(4):
        y.forward()
    (first,) = watch.programs
    values = y.d  # somebody holds the result from here on
    for i in range(4):
        x.d = np.full((2, 3), i)
        y.forward()
        np.testing.assert_allclose(values, np.tanh(i) * 6, rtol=1e-6)
    (second,) = watch.programs
    assert second is not first


def test_an_error_in_the_middle_leaves_the_graph_usable(watch: Watch) -> None:
    x = nn.Variable((2, 3))
    fails = [False]

    class Fails(Halve):
        def forward_impl(self, inputs: Any, outputs: Any) -> None:
            if fails[0]:
                raise ValueError("as asked")
            super().forward_impl(inputs, outputs)

    y = F.exp(Fails()(F.tanh(x)))
    for i in range(8):
        x.d = i
        fails[0] = i == 5
        if fails[0]:
            with pytest.raises(ValueError, match="as asked"):
                y.forward()
        else:
            y.forward()
            np.testing.assert_allclose(y.d, np.exp(np.tanh(i) / 2), rtol=1e-6)


def test_a_program_is_used_by_threads_in_turn(watch: Watch) -> None:
    import threading

    x = nn.Variable((64, 64))
    y = F.sum(F.tanh(F.tanh(x)))
    results: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        for i in range(50):
            with lock:
                x.d = i / 50
                y.forward()
                results.append(abs(float(y.d) / (64 * 64 * np.tanh(np.tanh(i / 50)) or 1) - (i > 0)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 150
    assert max(results) < 1e-5


def test_arranged_convolutions_are_part_of_programs_until_their_weights_change(watch: Watch) -> None:
    x = nn.Variable((1, 8, 12, 12))
    h = F.relu(PF.batch_normalization(PF.convolution(x, 16, (3, 3), name="c"), batch_stat=False, name="b"))
    y = F.sum(F.tanh(h))
    weight = nn.get_parameters()["c/conv/W"]
    values = weight.data.get_data("r").copy()
    for factor in (1.0, 0.5):
        weight.data.copy_from(nn.NdArray.from_numpy_array(values * factor))
        expected = None
        for i in range(10):
            x.d = np.random.RandomState(i % 2).randn(*x.shape)
            y.forward(clear_buffer=True)
            if i == 1:
                expected = y.data.get_data("r").copy()
        np.testing.assert_allclose(y.data.get_data("r"), expected, rtol=1e-4)
        (program,) = watch.programs
        assert len(program.functions) == 5
        assert len(program.native) <= 4
        assert watch.interpreted == []


def residual(kind: str, size: tuple[int, ...]) -> tuple[Any, Any]:
    x, z = (nn.Variable(size, need_grad=True) for _ in range(2))
    if kind == "normalize":
        y = F.relu(PF.batch_normalization(x, name=kind))
    elif kind == "add":
        y = F.relu(PF.batch_normalization(x, name=kind) + z)
    elif kind == "add before":
        y = PF.batch_normalization(x, name=kind) + z
    elif kind == "affine":
        y = F.relu(PF.affine(x, 5, name=kind))
    else:
        # With a weight that is computed, as such that are trained are: it is not arranged once for all runs.
        w = nn.parameter.get_parameter_or_create("w", (4, size[1], 3, 3), need_grad=True)
        y = F.relu(F.convolution(x, F.mul_scalar(w, 2.0), pad=(1, 1)))
    return (x, z), y


@pytest.mark.parametrize("clear", [True, False])
@pytest.mark.parametrize("size", [(4, 3, 5, 6), (2, 16, 40, 40), (64, 8, 2, 2)])
@pytest.mark.parametrize(
    ("kind", "along"),
    [
        ("normalize", [["ReLU"], ["ReLU'"]]),
        ("add", [["Add2", "ReLU"]]),
        ("add before", [["Add2"]]),
        ("affine", [["ReLU"]]),
        ("convolution", [["ReLU"]]),
    ],
)
def test_kernels_do_maps_along(
    kind: str, along: list[list[str]], size: tuple[int, ...], clear: bool, watch: Watch
) -> None:
    def rounds() -> list[np.ndarray]:
        nn.clear_parameters()
        nn.seed(1)
        inputs, y = residual(kind, size)
        rng = np.random.RandomState(3)
        seed = rng.randn(*y.shape).astype(np.float32)
        leaves = [*inputs, *nn.get_parameters().values()]
        for _ in range(6):
            for x in inputs:
                x.d = rng.randn(*size).astype(np.float32)
            for leaf in leaves:
                leaf.grad.zero()
            y.forward(clear_no_need_grad=clear)
            y.backward(seed, clear_buffer=clear)
        # Not before the last run: those after it would copy results to the memory that this gives.
        return [y.d, *(leaf.g for leaf in leaves)] + [p.d for p in nn.get_parameters(grad_only=False).values()]

    alike(rounds, watch)
    pieces = [piece for program in watch.programs for piece in program.native.pieces()]
    # Values that somebody may read are computed by themselves.
    assert [maps for kernel, maps in pieces if kernel and maps] == (along if clear else [])


def test_gradients_are_added_up_by_the_product_that_gives_them(watch: Watch) -> None:
    def rounds() -> np.ndarray:
        nn.clear_parameters()
        nn.seed(1)
        x = nn.Variable((30, 20))
        y = F.sum(F.tanh(PF.affine(x, 40, with_bias=False)))
        (weight,) = nn.get_parameters().values()
        weight.grad.zero()
        rng = np.random.RandomState(3)
        for _ in range(7):
            x.d = rng.randn(*x.shape).astype(np.float32)
            y.forward(clear_no_need_grad=True)
            y.backward(clear_buffer=True)
        return weight.g

    expected = interpreted(rounds)
    watch.made.clear()
    np.testing.assert_allclose(rounds(), expected, rtol=1e-5, atol=1e-5)
    assert (True, ["Add2"]) in watch.programs[1].native.pieces()


def test_large_segments_are_interpreted(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_BYTES", 1000)
    x = nn.Variable((64, 64))
    y = F.tanh(F.tanh(x))
    for _ in range(5):
        y.forward()
    assert watch.programs == []


@pytest.mark.parametrize("size", [(7, 100), (700, 100)])
def test_what_is_converted_is_new_after_each_change(size: tuple[int, ...], watch: Watch) -> None:
    labels = np.arange(size[0] * size[1]).reshape(size) % 2
    x, t = nn.Variable(size), nn.Variable(size)
    y = F.tanh(F.sigmoid_cross_entropy(x, t))
    x.d, t.d = 0.0, labels
    for at in range(12):
        if at % 4 == 3:
            x.d, t.d = float(at), labels if at % 8 == 3 else 1 - labels
        if at == 9:
            t.d[:] = labels  # in the memory that somebody holds, of which nobody is told
        if at == 10:
            t.d[0] = 1 - labels[0]
        y.forward()
        value, target = np.float64(x.d), t.d.astype(np.float64)
        np.testing.assert_allclose(y.d, np.tanh(np.log1p(np.exp(value)) - value * target), rtol=1e-5, atol=1e-6)
    assert watch.interpreted == []


def test_many_outputs_are_part_of_a_program(watch: Watch) -> None:
    x = nn.Variable((40, 30))
    parts = F.split(x, axis=0)
    ends = [F.tanh(part) for part in parts]
    for i in range(6):
        x.d = np.arange(1200).reshape(40, 30) / 1200 + i
        nn.forward_all(ends)
        np.testing.assert_allclose([end.d for end in ends], np.tanh(x.d), rtol=1e-6)
    assert watch.programs and "Split" not in watch.interpreted


def test_programs_go_with_their_graph(watch: Watch) -> None:
    import gc
    import weakref

    x = nn.Variable((4, 4), need_grad=True)
    y = F.sum(F.tanh(x))
    for _ in range(5):
        y.forward()
        y.backward()
    gone = [weakref.ref(made) for made in watch.made]
    assert len(watch.programs) == 2
    watch.made.clear()
    gc.disable()
    try:
        del y
        assert all(ref() is None for ref in gone)
    finally:
        gc.enable()


def rounds_of(case: Case, rounds: int = 7) -> list[np.ndarray]:
    """Run a case some times with its inputs in another order of elements each time; return all that can be seen."""
    nn.seed(11)
    np.random.seed(11)
    arrays = case.arrays()
    need = case.differentiated(arrays)
    inputs = variables_of(arrays, need, np.float32)
    outputs = build(case, inputs)
    rng = np.random.RandomState(3)
    root = weighted(outputs, [rng.randn(*o.shape) for o in outputs])
    seen: list[np.ndarray] = []
    for at in range(rounds):
        for variable, array in zip(inputs, arrays):
            if variable is not None and array is not None and array.dtype.kind == "f":
                variable.d = np.roll(array.reshape(-1), at).reshape(array.shape)
        root.forward(clear_no_need_grad=True)
        for i in need:
            inputs[i].grad.zero()
        if need:
            root.backward(clear_buffer=True)
        seen += [np.array(root.data.data), *(np.array(inputs[i].grad.data) for i in need)]
    return seen


@pytest.mark.parametrize("family", sorted(families()))
def test_every_operator_in_programs_equals_interpretation(family: str) -> None:
    for case in families()[family]:
        with np.errstate(all="ignore"):
            try:
                expected = interpreted(lambda case=case: rounds_of(case))
            except ValueError:
                continue  # elements in another order are not what the operator takes
            found = rounds_of(case)
        for a, b in zip(found, expected):
            # Copies may lie in memory in another order, in which sums round in another way.
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * max(1, np.abs(b).max(initial=0)), err_msg=str(case))


@pytest.mark.parametrize("size", [(3,), (64, 1000), (5, 7, 1031)])
@pytest.mark.parametrize("clear", [False, True])
def test_maps_that_follow_each_other_are_computed_together(size: tuple[int, ...], clear: bool, watch: Watch) -> None:
    def chain(x: Any) -> Any:
        h = F.tanh(F.add_scalar(F.mul_scalar(x, 1.5), 0.25))
        h = h * F.sigmoid(h) + x
        return F.relu(F.sub2(h, F.mul2(h, x)))

    def run(rounds: int) -> list[np.ndarray]:
        x = nn.Variable(size, need_grad=True)
        y = chain(x)
        rng = np.random.RandomState(4)
        seen = []
        for _ in range(rounds):
            x.d = rng.randn(*size)
            x.grad.zero()
            y.forward(clear_no_need_grad=clear)
            y.backward(clear_buffer=clear)
            seen += [np.array(y.data.data), np.array(x.grad.data)]
        return seen

    alike(lambda: run(7), watch)
    forward = watch.programs[0]
    assert len(forward.native) <= 3  # nine maps, and what is copied to the array that is held
