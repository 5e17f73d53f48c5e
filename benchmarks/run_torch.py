"""Run cases in PyTorch: eager, or with channels last, or compiled, or the kernels of oneDNN on its own layouts.

python run_torch.py [--channels-last | --compile | --onednn] [--list | CASE ...]
"""

import argparse
from functools import partial

import torch
import torch_cases
import torch_networks
import torch_scaling
from case_runner import Case, run_cases, startup_cases, threads
from torch_steps import Steps


def cases(steps):
    """All cases in one way of running PyTorch."""
    found = startup_cases("torch")
    for module in (torch_cases, torch_networks, torch_scaling):
        found |= module.cases(steps)
        for name, (network, shape, runs) in module.INFERENCE.items():
            found[name] = Case(partial(steps.inference, network, shape), runs)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--onednn", action="store_true")
    args, names = parser.parse_known_args()
    torch.set_num_threads(threads())
    steps = Steps(args.channels_last, args.compile)
    found = torch_scaling.kernel_cases(steps, onednn=True) if args.onednn else cases(steps)
    run_cases(f"PyTorch {torch.__version__}", found, names, warm_up=lambda: torch_scaling.operators(2)())
