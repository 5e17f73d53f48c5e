"""Write docs/benchmarks.md and its chart from the results of compare.py.

python page.py RESULTS.json [MORE.json ...]      # rows of runs on one machine, put together
"""

import json
import re
import sys
from pathlib import Path

from case_sizes import FLOPS, GROUPS
from chart import bars
from contenders import HEADINGS, OTHER_NUMBERS

DOCS = Path(__file__).parents[1] / "docs"
INTRODUCTIONS = {
    "default": ("Training and inference", "A step each; the chart above shows these."),
    "networks": ("Other networks", "Depthwise, one- and three-dimensional convolutions, channel_last and the like."),
    "batches": ("Batch sizes", "What one step costs for each size of the batch."),
    "operator_counts": ("Numbers of operators", "Forward and backward of chains of operators on 64 elements."),
    "kernels": ("Kernels by themselves", "One call each without a graph; oneDNN has its own layouts ready."),
    "startup": ("Starting", "Whole processes: what importing or a command costs is the difference to bare Python."),
}


def ratio(value):
    return f"{value:.2f}×"


def against(found):
    """Cells of how many times faster than PyTorch and than the fastest other contender this project is."""
    ratios = {name: ratio for name, ratio in found["ratios"].items() if name not in OTHER_NUMBERS}
    best = min(ratios, key=ratios.get, default=None)
    return [
        ratio(ratios["torch"]) if "torch" in ratios else "-",
        f"{ratio(ratios[best])} ({HEADINGS[best]})" if best else "-",
    ]


def speed(found, machine):
    """Cells of a kernel's speed here: GFLOP/s and the share of the machine's peak."""
    gflops = FLOPS[found["case"]] / found["ms"]["ours"] / 1e6
    peak = machine["fma_peak_gflops"]
    return [f"{gflops:.1f}", f"{gflops / peak:.0%}" if peak else "-"]


def per_unit(found, machine):
    """A cell of the microseconds here for each sample or operator, of which the case's name has the number."""
    count = int(re.search(r"\d+(?=_operators$|$)", found["case"]).group())
    return [f"{found['ms']['ours'] / count * 1e3:.2f}"]


# For some groups, columns beside the times and what fills them.
FURTHER = {
    "batches": (["µs per sample"], per_unit),
    "operator_counts": (["µs per operator"], per_unit),
    "kernels": (["GFLOP/s", "of peak"], speed),
}


def markdown(head, rows):
    """The lines of a table: its headings and the cells of each row."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    yield from (f"| {' | '.join(cells)} |" for cells in rows)


def numbers(found, names, key, form="{:,.4g}"):
    """A row's name and its numbers of one kind by contender; the best is bold."""
    values = found[key]
    cells = [form.format(values[name]) if name in values else "-" for name in names]
    best = min((name for name in values if name not in OTHER_NUMBERS), key=values.get, default=None)
    return [f"`{found['case']}`", *(f"**{cell}**" if name == best else cell for name, cell in zip(names, cells))]


def taking_part(names, rows, key="ms"):
    return [name for name in names if any(name in found[key] for found in rows)]


def times(names, rows, group, machine):
    """The table of one group's times in milliseconds, with ratios."""
    names = taking_part(names, rows)
    columns, further = FURTHER.get(group, ([], None))
    head = ["ms", *(HEADINGS[name] for name in names), "vs PyTorch", "vs fastest", *columns]

    def cells(found):
        extra = further(found, machine) if further and "ours" in found["ms"] else ["-"] * len(columns)
        return [*numbers(found, names, "ms"), *against(found), *extra]

    yield from markdown(head, map(cells, rows))


def first_runs(names, rows):
    """The table of what the first run costs, in later runs: compiling a plan, above all."""
    names = taking_part(names, rows)

    def cells(found):
        first, later = found["first_ms"], found["next_ms"]
        yield f"`{found['case']}`"
        for name in names:
            yield f"{first[name]:.4g} ms = {first[name] / later[name]:.1f} runs" if name in first else "-"

    yield from markdown(["first run", *(HEADINGS[name] for name in names)], map(cells, rows))


def described(results):
    """The lines on the machine, the frameworks and the way of measuring."""
    machine = results["machine"]
    peak = machine["fma_peak_gflops"]
    yield f"- Date: {results['date']}; medians of {results['rounds']} alternating rounds."
    yield f"- Machine: {machine['processor']}, {machine['architecture']}, {machine['system']}."
    yield f"- Cores: {machine['cores']}, a thread each for everyone."
    yield f"- Vector extensions: {', '.join(machine['vector_extensions']) or 'unknown'}."
    if peak:
        yield f"- Peak of single precision fused multiply-adds, measured: {peak} GFLOP/s."
    versions = dict.fromkeys(results["frameworks"].values())
    yield f"- Versions: {', '.join(versions)}."


def lines(results):
    """All lines of the page."""
    names, machine = list(results["frameworks"]), results["machine"]
    groups = {group: [found for found in results["rows"] if found["case"] in GROUPS[group]] for group in GROUPS}
    yield "# Benchmarks"
    yield ""
    yield "`python benchmarks/page.py` wrote this page from what `nox -s bench` measured."
    yield "[benchmarks/README.md](../benchmarks/README.md) tells how to measure again. A ratio above 1 means that"
    yield "NNabla is that many times faster; bold is the best of a row. Everyone computes in float32; OpenVINO in"
    yield "bfloat16, its own choice where the processor has that, is shown besides and not compared with."
    yield ""
    yield from described(results)
    if groups["default"]:
        yield ""
        yield "![how near each contender comes to the fastest](benchmarks.svg)"
    for group, rows in groups.items():
        if rows:
            title, introduction = INTRODUCTIONS[group]
            yield from ["", f"## {title}", "", introduction, ""]
            yield from times(names, rows, group, machine)
    networks = [*groups["default"], *groups["networks"]]
    if networks:
        part = taking_part(names, networks)
        yield from ["", "## Memory", "", "How far the peak of resident memory rises after imports.", ""]
        cells = (numbers(found, part, "mib", "{:.1f}") for found in networks)
        yield from markdown(["MiB", *(HEADINGS[name] for name in part)], cells)
        yield from ["", "## First runs", "", "The first run of a step, in a process that has run a smaller one,"]
        yield from ["against the median of the next five.", ""]
        yield from first_runs(names, [*networks, *groups["operator_counts"]])


def write(results, folder=DOCS):
    """Write the page and its chart into a folder."""
    (folder / "benchmarks.md").write_text("\n".join(lines(results)) + "\n")
    rows = [
        (found["case"], {name: ms for name, ms in found["ms"].items() if name not in OTHER_NUMBERS})
        for found in results["rows"]
        if found["case"] in GROUPS["default"]
    ]
    if rows:
        names = [n for n in taking_part(results["frameworks"], results["rows"]) if n not in OTHER_NUMBERS]
        headings = {name: HEADINGS[name] for name in names if any(name in found for _, found in rows)}
        title = "Speed against the fastest of each case (longer is faster)"
        (folder / "benchmarks.svg").write_text(bars(title, headings, [row for row in rows if row[1]]))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    first, *others = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    for other in others:
        first["rows"] += other["rows"]
        first["frameworks"].update(other["frameworks"])
    write(first)
