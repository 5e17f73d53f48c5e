import gc
import importlib

import numpy as np
import pytest

random = importlib.import_module("nnabla.random")


@pytest.fixture(autouse=True)
def usual_seed():
    yield
    random.seed(313)


class Instance:
    """Stands for a random operator."""

    def __init__(self):
        self.stream = random.next_function_stream()
        random.register_function_stream(self)

    def restart(self, stream):
        self.stream = stream


def test_seed_replaces_the_generator_of_parameters():
    random.seed(5)
    assert random.pseed == 5
    np.testing.assert_array_equal(random.prng.randn(4), np.random.RandomState(5).randn(4))


def test_initializers_see_the_replaced_generator():
    from nnabla import initializer

    random.seed(9)
    assert initializer.random.prng is random.prng
    drawn = initializer.UniformInitializer()((3,))
    expected = np.random.RandomState(9).uniform(-1, 1, 3).astype(np.float32)
    np.testing.assert_array_equal(drawn, expected)


def test_each_half_is_seeded_alone():
    random.seed(1)
    streams = [random.next_function_stream() for _ in range(3)]
    random.seed(1)
    random.set_parameter_seed(2)
    assert random.pseed == 2
    assert [random.next_function_stream() for _ in range(3)] == streams
    random.set_function_seed(1)
    assert random.pseed == 2
    assert random.next_function_stream() == streams[0]
    random.seed(7, set_parameter_seed=False)
    assert random.pseed == 2
    random.seed(8, set_function_seed=False)
    assert random.pseed == 8


@pytest.mark.parametrize("bad", [-1, 2**32, 1.5, "a", None, True])
@pytest.mark.parametrize("name", ["seed", "set_function_seed", "set_parameter_seed"])
def test_a_bad_seed_is_refused_and_changes_nothing(name, bad):
    random.seed(3)
    prng = random.prng
    with pytest.raises(ValueError, match=f"^{name}: the seed must be an integer") as caught:
        getattr(random, name)(bad)
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, AssertionError)
    assert random.prng is prng


@pytest.mark.parametrize("good", [0, 2**32 - 1, np.int64(3), np.uint8(4)])
def test_integers_of_32_bits_are_seeds(good):
    random.seed(good)
    assert random.pseed == int(good)


def test_streams_differ_and_never_meet_an_explicit_seed():
    streams = []
    for seed in (0, 1, 2):
        random.seed(seed)
        streams += [random.next_function_stream() for _ in range(500)]
    assert len(set(streams)) == len(streams)
    assert all(2**32 <= stream < 2**64 for stream in streams)


def test_seed_restarts_living_instances_in_the_order_of_their_creation():
    random.seed(1)
    first, second = Instance(), Instance()
    before = first.stream, second.stream
    random.seed(2)
    assert first.stream not in before
    assert second.stream not in before
    random.seed(1)
    assert (first.stream, second.stream) == before


def test_a_new_instance_after_seed_follows_the_living_ones():
    random.seed(1)
    streams = [random.next_function_stream() for _ in range(3)]
    random.seed(5)
    living = [Instance(), Instance()]
    random.seed(1)
    assert [*[instance.stream for instance in living], Instance().stream] == streams


def test_registration_keeps_no_instance_alive():
    gc.disable()
    try:
        random.seed(1)
        first = random.next_function_stream()
        gone = Instance()
        del gone
        stays = Instance()
        random.seed(1)
        assert stays.stream == first
    finally:
        gc.enable()
