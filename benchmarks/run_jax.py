"""Run cases in JAX.

python run_jax.py [--list | CASE ...]
"""

import sys

import jax
import jax_cases
import jax_networks
import jax_scaling
from case_runner import run_cases, startup_cases
from case_sizes import KERNELS

if __name__ == "__main__":
    cases = {**jax_cases.CASES, **jax_networks.CASES, **jax_scaling.CASES, **startup_cases("jax")}
    run_cases(f"JAX {jax.__version__}", cases, sys.argv[1:], warm_up=lambda: jax_scaling.kernel_by_itself(KERNELS[0])())
