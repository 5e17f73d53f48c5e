"""Who takes part: the command for each framework, and what it measures of one case."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
# Each contender's heading, script and flags, in the order of the columns, by the interpreter that it needs.
SCRIPTS = {
    "ours": {"ours": ("NNabla", "run_nnabla.py")},
    "torch": {
        "torch": ("PyTorch", "run_torch.py"),
        "ch_last": ("PyTorch, channels last", "run_torch.py", "--channels-last"),
        "compiled": ("PyTorch, compiled", "run_torch.py", "--compile"),
        "onednn": ("oneDNN", "run_torch.py", "--onednn"),
    },
    "jax": {"jax": ("JAX", "run_jax.py")},
    "openvino": {
        "openvino": ("OpenVINO", "run_openvino.py"),
        "ov_bf16": ("OpenVINO, bfloat16", "run_openvino.py", "--bfloat16"),
    },
    "reference": {"reference": ("NNabla 1.39", "run_nnabla.py")},
}
HEADINGS = {name: script[0] for scripts in SCRIPTS.values() for name, script in scripts.items()}
# What computes with other numbers than the rest is shown, and not compared with.
OTHER_NUMBERS = ("ov_bf16",)
VARIANTS = ("ch_last", "compiled", "onednn", "ov_bf16")


class Contender(NamedTuple):
    """A way of running cases: its command, the framework with its version, and the cases that it has."""

    command: list
    framework: str
    cases: frozenset


def environment(ours):
    """The environment of a contender's process: what puts this project on the path is for it alone."""
    return {name: value for name, value in os.environ.items() if ours or name != "PYTHONPATH"}


def find(interpreters, variants):
    """Return the contenders by name.

    Args:
        interpreters: A path or None for each key of SCRIPTS.
        variants: Whether those of other settings take part.
    Raises:
        SystemExit: if one cannot tell its cases, with what it printed.
    """
    found = {}
    for kind, scripts in SCRIPTS.items():
        for name, (_, script, *flags) in scripts.items():
            if not interpreters.get(kind) or (name in VARIANTS and not variants):
                continue
            command = [interpreters[kind], str(HERE / script), *flags]
            done = subprocess.run([*command, "--list"], capture_output=True, text=True, env=environment(kind == "ours"))
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
            told = json.loads(done.stdout.splitlines()[-1])
            found[name] = Contender(command, told["framework"], frozenset(told["cases"]))
    return found


def measure(contender, case, ours):
    """Run one case in a process of its own; return its numbers, or None where it failed, which is printed."""
    done = subprocess.run([*contender.command, case], capture_output=True, text=True, env=environment(ours))
    for line in filter(lambda line: line.startswith("{"), done.stdout.splitlines()):
        found = json.loads(line)
        if "ms" in found:
            return found
        print(f"{contender.framework}: {case}: {found['error']}", file=sys.stderr)
        return None
    print(f"{contender.framework}: {case}: exit status {done.returncode}\n{done.stderr}", file=sys.stderr)
    return None
