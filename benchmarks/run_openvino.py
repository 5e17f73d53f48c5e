"""The inference cases in OpenVINO, converted from the PyTorch networks, for low latency.

python run_openvino.py [--bfloat16] [--list | CASE ...]

OpenVINO computes in bfloat16 by itself where the processor has it. Here it is told to compute in float32, as everyone
else does, or with --bfloat16 in that.
"""

import sys
from functools import partial

import numpy as np
import openvino
import torch
import torch_cases
import torch_networks
import torch_scaling
from case_runner import Case, run_cases, startup_cases, threads

BFLOAT16 = "--bfloat16" in sys.argv


def inference(network, shape):
    module = network().eval()
    model = openvino.convert_model(module, example_input=torch.zeros(*shape), input=[shape])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads(),
        "INFERENCE_PRECISION_HINT": "bf16" if BFLOAT16 else "f32",
    }
    run = openvino.compile_model(model, "CPU", settings)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)
    return lambda: run(images)[0].sum()


CASES = {
    name: Case(partial(inference, network, shape), runs)
    for module in (torch_cases, torch_networks, torch_scaling)
    for name, (network, shape, runs) in module.INFERENCE.items()
}

if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--bfloat16"]
    framework = f"OpenVINO {openvino.__version__.partition('-')[0]}"
    run_cases(framework, {**CASES, **startup_cases("openvino")}, arguments, warm_up=openvino.Core)
