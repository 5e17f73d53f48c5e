"""Load the parameters that train.py saved and check that they predict the same digits.

Leaves misread.png, a page of the held-out digits that were misread, in the output folder. Ends
with an error if the predictions differ from those of the process that trained.
"""

import argparse
import math
import pathlib
import sys

import matplotlib
import numpy as np
from digits import load_split, scores

import nnabla as nn

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def confidences(predicted):
    """Softmax over the last axis."""
    shifted = np.exp(predicted - predicted.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def draw_misread(images, labels, predicted, path):
    wrong = np.flatnonzero(predicted.argmax(axis=1) != labels[:, 0])
    columns = min(6, max(1, len(wrong)))
    rows = max(1, math.ceil(len(wrong) / columns))
    size = (max(6, 1.9 * columns), 0.9 + 2.3 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    confidence = confidences(predicted).max(axis=1)
    for axis, i in zip(axes.flat, wrong, strict=False):
        axis.imshow(images[i, 0], cmap="gray_r", vmin=0, vmax=1)
        read = predicted[i].argmax()
        axis.set_title(f"a {labels[i, 0]}, read as {read}\n({confidence[i]:.0%} sure)", fontsize=10)
    figure.suptitle(f"{len(wrong)} of {len(images)} held-out digits misread")
    figure.savefig(path, dpi=120)
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("output"))
    args = parser.parse_args()

    nn.load_parameters(str(args.output / "parameters.h5"))
    _, images, _, labels = load_split()
    predicted = scores(images)
    expected = np.load(args.output / "predictions.npy")

    misread = draw_misread(images, labels, predicted, args.output / "misread.png")
    print(f"{misread} of {len(images)} held-out digits misread, drawn in {args.output}/misread.png")
    if not np.array_equal(predicted.argmax(axis=1), expected.argmax(axis=1)):
        sys.exit("the loaded network predicts other digits than the trained one did")
    difference = float(np.abs(predicted - expected).max())
    if difference > 1e-5:
        sys.exit(f"scores differ by up to {difference:g} from those of the trained network")
    print("a fresh process with the saved parameters predicts the same digits")


if __name__ == "__main__":
    main()
