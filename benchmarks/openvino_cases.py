"""The inference cases in OpenVINO, converted from the PyTorch networks: low latency, 2 threads.

python openvino_cases.py [CASE ...]
"""

import sys

import numpy as np
import openvino
import torch
from timing import median_ms, run_cases
from torch_cases import lenet, resnet18, resnet18_of_half_size


def inference(network, shape, runs):
    module = network().eval()
    model = openvino.convert_model(module, example_input=torch.zeros(*shape), input=[shape])
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 2}
    run = openvino.compile_model(model, "CPU", settings)
    images = np.random.RandomState(0).randn(*shape).astype(np.float32)
    return median_ms(lambda: run(images)[0].sum(), runs)


CASES = {
    "lenet_infer_b1": lambda: inference(lenet, (1, 1, 28, 28), 200),
    "resnet18_cifar_infer_b1": lambda: inference(resnet18, (1, 3, 32, 32), 20),
    "resnet18_224_infer_b1": lambda: inference(resnet18_of_half_size, (1, 3, 224, 224), 5),
}

if __name__ == "__main__":
    run_cases(CASES, sys.argv[1:])
