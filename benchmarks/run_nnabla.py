"""Run cases in NNabla, this project's or 1.x.

python run_nnabla.py [--list | CASE ...]
"""

import sys
from pathlib import Path

import nnabla_cases
import nnabla_networks
import nnabla_scaling
from case_runner import run_cases, start, startup_cases

import nnabla as nn

STARTUP = {
    **startup_cases("nnabla"),
    "startup_cli_help": start(str(Path(sys.executable).with_name("nnabla_cli")), "--help"),
}

if __name__ == "__main__":
    cases = {**nnabla_cases.CASES, **nnabla_networks.CASES, **nnabla_scaling.CASES, **STARTUP}
    run_cases(f"NNabla {nn.__version__}", cases, sys.argv[1:], warm_up=lambda: nnabla_scaling.operators(2)())
