"""The comparison of benchmarks: medians, ratios, failures, and the page of results."""

import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import nnabla as nn


def run(ms, mib=1.0):
    return {"ms": ms, "first_ms": 4 * ms, "next_ms": 2 * ms, "mib": mib}


def test_rows_have_medians_and_ratios_to_each_other_and_to_the_best(load_benchmark):
    compare = load_benchmark("compare")
    runs = {"ours": [run(2.0), run(1.0), run(9.0)], "torch": [run(6.0, 3.0)] * 3, "jax": [run(1.0), None, None]}
    a = compare.row("a", runs)
    assert a["ms"] == {"ours": 2.0, "torch": 6.0, "jax": 1.0}
    assert a["first_ms"]["torch"] == 24.0
    assert a["mib"] == {"ours": 1.0, "torch": 3.0, "jax": 1.0}
    assert a["ratios"] == {"torch": 3.0, "jax": 0.5}
    b = compare.row("b", {"ours": [run(1.0)], "torch": [None]})
    c = compare.row("c", {"ours": [None], "torch": [run(1.0)]})
    lines = [re.split(r"  +", line) for line in compare.table(["ours", "torch", "jax"], [a, b, c])]
    assert lines[0] == ["case", "ours", "torch", "jax", "vs torch", "vs jax", "vs best"]
    assert lines[1] == ["a", "2.000 ms", "6.000 ms", "1.000 ms", "3.00x", "0.50x", "0.50x"]
    assert lines[2] == ["b", "1.000 ms", *["-"] * 5]
    assert lines[3] == ["c", "-", "1.000 ms", *["-"] * 4]


def test_a_failing_case_is_shown_and_has_no_numbers(load_benchmark, tmp_path, capsys, monkeypatch):
    contenders = load_benchmark("contenders")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    script = tmp_path / "cases.py"
    script.write_text(
        "import json, os, sys\n"
        "if sys.argv[1] == 'crash':\n"
        "    sys.exit('out of luck')\n"
        "numbers = {'error': 'no such shape'} if sys.argv[1] == 'bad' else {'ms': 1.5}\n"
        "print('noise')\n"
        "print(json.dumps({'case': sys.argv[1], 'path': os.environ.get('PYTHONPATH'), **numbers}))\n"
    )
    contender = contenders.Contender([sys.executable, str(script)], "Some 1.0", frozenset())
    assert contenders.measure(contender, "good", ours=True)["path"] == str(tmp_path)
    assert contenders.measure(contender, "good", ours=False) == {"case": "good", "path": None, "ms": 1.5}
    assert contenders.measure(contender, "bad", ours=False) is None
    assert "Some 1.0: bad: no such shape" in capsys.readouterr().err
    assert contenders.measure(contender, "crash", ours=False) is None
    assert "out of luck" in capsys.readouterr().err


def test_a_case_of_ours_runs_and_an_unknown_one_fails(root, tmp_path):
    found = tmp_path / "found.json"
    command = [sys.executable, str(root / "benchmarks/compare.py"), "--ours", sys.executable, "--rounds", "1"]
    done = subprocess.run([*command, "--json", str(found), "chain_of_10_operators"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].split()[2] == "ms"
    results = json.loads(found.read_text())
    assert results["frameworks"] == {"ours": f"NNabla {nn.__version__}"}
    assert results["machine"]["cores"] >= 1
    (row,) = results["rows"]
    assert all(row[number]["ours"] > 0 for number in ("ms", "first_ms", "next_ms", "mib"))
    done = subprocess.run([*command, "no_such_case"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "no_such_case" in done.stderr


def cases_of(root, script, *flags):
    command = [sys.executable, str(root / "benchmarks" / script), *flags, "--list"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout)["cases"])


def test_every_case_is_in_a_group_and_can_be_selected(root, load_benchmark):
    sizes = load_benchmark("case_sizes")
    grouped = [case for cases in sizes.GROUPS.values() for case in cases]
    assert cases_of(root, "run_nnabla.py") == set(grouped)
    assert len(sizes.GROUPS["default"]) == 11
    assert sizes.selected([]) == sizes.GROUPS["default"]
    assert sizes.selected(["lenet_infer_b1", "default"])[:2] == ["lenet_infer_b1", "tiny_mlp_train_b64"]
    assert sizes.selected(list(sizes.GROUPS)) == grouped
    with pytest.raises(ValueError, match="nothing"):
        sizes.selected(["nothing"])


def test_pytorch_has_the_cases_too(root, load_benchmark):
    pytest.importorskip("torch")
    groups = load_benchmark("case_sizes").GROUPS
    all_cases = {case for cases in groups.values() for case in cases}
    assert cases_of(root, "run_torch.py") == all_cases - {"startup_cli_help"}
    assert cases_of(root, "run_torch.py", "--onednn") == set(groups["kernels"])


def test_kernels_count_their_operations(load_benchmark):
    sizes = load_benchmark("case_sizes")
    assert sizes.Gemm(2, 3, 4).flops == 48
    # Four pixels of three maps, each the sum of nine products over two inputs.
    assert sizes.Convolution(1, 2, 4, 3, 3, stride=2).flops == 2 * 4 * 3 * 9 * 2
    assert sizes.Convolution(1, 4, 4, 4, 3, group=4).flops == 2 * 16 * 4 * 9


def test_the_page_shows_ratios_speed_and_costs_per_unit(load_benchmark, tmp_path):
    compare, page = load_benchmark("compare"), load_benchmark("page")
    results = {
        "date": "2026-01-02",
        "rounds": 3,
        "machine": {
            "processor": "Some CPU",
            "architecture": "x86_64",
            "system": "Linux",
            "cores": 2,
            "vector_extensions": ["avx2"],
            "fma_peak_gflops": 200.0,
        },
        "frameworks": {"ours": "NNabla 2.0.0", "torch": "PyTorch 9.9", "jax": "JAX 0.1"},
        "rows": [
            compare.row("lenet_infer_b1", {"ours": [run(2.0, 10)], "torch": [run(4.0, 30)], "jax": [run(1.0, 20)]}),
            compare.row("gemm_1024x1024x1024", {"ours": [run(2**31 / 1e8)]}),  # 100 GFLOP/s
            compare.row("lenet_train_b8", {"ours": [run(4.0)], "torch": [None]}),
            compare.row("chain_of_100_operators", {"ours": [run(0.2)], "torch": [run(0.1)]}),
        ],
    }
    page.write(results, tmp_path)
    text = (tmp_path / "benchmarks.md").read_text()
    rows = [
        "| `lenet_infer_b1` | 2 | 4 | **1** | 2.00× | 0.50× (JAX) |",
        "| `gemm_1024x1024x1024` | **21.47** | - | - | 100.0 | 50% |",
        "| `lenet_train_b8` | **4** | - | - | 500.00 |",
        "| `chain_of_100_operators` | 0.2 | **0.1** | 0.50× | 0.50× (PyTorch) | 2.00 |",
        "| `lenet_infer_b1` | **10.0** | 30.0 | 20.0 |",
        "| `lenet_infer_b1` | 8 ms = 2.0 runs | 16 ms = 2.0 runs | 4 ms = 2.0 runs |",
    ]
    assert [row for row in rows if row not in text.splitlines()] == []
    assert all(word in text for word in ("2026-01-02", "Some CPU", "avx2", "200.0 GFLOP/s", "PyTorch 9.9", "Cores: 2"))
    svg = ElementTree.parse(tmp_path / "benchmarks.svg")
    bars = [float(bar.get("width")) for bar in svg.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "7"]
    assert [bar / max(bars) for bar in bars] == [0.5, 0.25, 1.0]


@pytest.fixture
def operators(load_benchmark):
    return load_benchmark("operators")


def test_every_operator_has_a_use_in_the_benchmark(root, operators):
    names = json.loads((root / "packages/nnabla-core/tests/ops/facts/functions.json").read_text())
    assert set(names) - set(operators.USES) == {"SyncBatchNormalization"}
    assert set(operators.USES) <= set(names)


def test_ratios_of_operators_have_geometric_means_and_the_worst_come_first(operators):
    forward, backward = ("ELU", "small", "forward"), ("ELU", "small", "backward")
    other = ("Sum", "small", "forward")
    runs = [{forward: 1.0, other: 2.0, backward: 5.0}, {forward: 3.0, other: 2.0}, {forward: 2.0, other: 2.0}]
    ours = operators.medians(runs)
    assert ours == {forward: 2.0, other: 2.0, backward: 5.0}
    results = {"ours": ours, "reference": {forward: 1.0, other: 16.0}}
    lines = list(operators.summary(results, worst=1))
    assert "  small  forward     2.00x   1 of 2" in lines
    assert [line.split() for line in lines[-2:]] == [["the", "1", "worst"], ["ELU", "small", "forward", "0.50x"]]
    rows = [line.split() for line in operators.table(results)]
    assert rows[0] == ["operator", "size", "pass", "ours", "reference", "vs", "reference"]
    assert rows[3] == ["ELU", "small", "backward", "5.0000", "ms", "-", "-"]


def test_an_operator_that_ends_the_process_is_left_out(operators, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        "for name in sys.argv[3:]:\n"
        "    print(json.dumps({'begins': name}), flush=True)\n"
        "    if name == 'Bad':\n"
        "        os._exit(3)\n"
        "    print(json.dumps(dict(operator=name, size='small', direction='forward', ms=1.5)), flush=True)\n"
    )
    times = operators.measure(sys.executable, str(script), 1, ["First", "Bad", "Last"])
    assert times == {(name, "small", "forward"): 1.5 for name in ("First", "Last")}
    assert "Bad ended the process" in capsys.readouterr().err


def test_operators_run_here_and_are_written_as_json(root, tmp_path):
    found = tmp_path / "found.json"
    command = [sys.executable, str(root / "benchmarks/operators.py"), "--ours", sys.executable, "--rounds", "1"]
    done = subprocess.run([*command, "--json", str(found), "ELU", "Greater"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    keys = [(row["operator"], row["size"], row["direction"]) for row in json.loads(found.read_text())["rows"]]
    passes = [("ELU", "forward"), ("ELU", "backward"), ("Greater", "forward")]
    assert sorted(keys) == sorted((name, size, way) for name, way in passes for size in ("small", "large"))
    done = subprocess.run([*command, "NoSuchOperator"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "NoSuchOperator" in done.stderr
