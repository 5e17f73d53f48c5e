"""The inference cases in OpenVINO, converted from the PyTorch networks, for low latency.

python run_openvino.py [--list | CASE ...]
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


def inference(network, shape):
    module = network().eval()
    model = openvino.convert_model(module, example_input=torch.zeros(*shape), input=[shape])
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads()}
    run = openvino.compile_model(model, "CPU", settings)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)
    return lambda: run(images)[0].sum()


CASES = {
    name: Case(partial(inference, network, shape), runs)
    for module in (torch_cases, torch_networks, torch_scaling)
    for name, (network, shape, runs) in module.INFERENCE.items()
}

if __name__ == "__main__":
    framework = f"OpenVINO {openvino.__version__.partition('-')[0]}"
    run_cases(framework, {**CASES, **startup_cases("openvino")}, sys.argv[1:], warm_up=openvino.Core)
