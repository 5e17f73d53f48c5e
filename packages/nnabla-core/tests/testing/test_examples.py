"""Examples of docstrings run, and fail where they print something else."""

from nnabla.testing.examples import PRELUDE, run_example


def test_what_is_printed_must_be_what_is_said() -> None:
    assert run_example(">>> print(1 + 1)\n2", "Two") == ""
    report = run_example(">>> print(1 + 1)\n3", "Two")
    assert "Two" in report
    assert "Expected:\n    3\nGot:\n    2" in report


def test_an_error_is_reported() -> None:
    assert "ZeroDivisionError" in run_example(">>> 1 / 0", "Zero")


def test_what_examples_begin_with_gives_what_they_take_as_given() -> None:
    code = ">>> print(F.relu(nn.NdArray.from_numpy_array(np.array([-1.0, 2.0]))).data)\n[0. 2.]"
    assert run_example(code, "ReLU") == ""
    assert run_example(f"{PRELUDE}\n{code}", "ReLU") == ""
