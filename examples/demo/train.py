"""Train a small convolutional network on handwritten digits and save its parameters.

Leaves in the output folder: parameters.h5, predictions.npy (the scores of the held-out digits,
for predict.py to compare with) and learning_curve.png.
"""

import argparse
import pathlib
import sys
import time

import matplotlib
import numpy as np
from digits import cnn, load_split, scores
from tqdm import tqdm

import nnabla as nn
import nnabla.functions as F
import nnabla.solvers as S

matplotlib.use("Agg")
import matplotlib.pyplot as plt

WANTED_ACCURACY = 0.97


def train(images, labels, held_out_images, held_out_labels, epochs, batch_size):
    """Train and return, for each epoch, the mean loss and the accuracy on the held-out digits."""
    rng = np.random.RandomState(0)
    x = nn.Variable((batch_size, *images.shape[1:]))
    t = nn.Variable((batch_size, 1))
    loss = F.mean(F.softmax_cross_entropy(cnn(x), t))
    solver = S.Adam(alpha=2e-3)
    solver.set_parameters(nn.get_parameters())

    losses, accuracies = [], []
    with tqdm(range(epochs), unit="epoch", file=sys.stdout) as progress:
        for _ in progress:
            total, steps = 0.0, len(images) // batch_size
            for batch in rng.permutation(len(images))[: steps * batch_size].reshape(steps, -1):
                x.d, t.d = images[batch], labels[batch]
                loss.forward(clear_no_need_grad=True)
                solver.zero_grad()
                loss.backward(clear_buffer=True)
                solver.weight_decay(1e-4)
                solver.update()
                total += float(loss.d)
            losses.append(total / steps)
            accuracies.append(accuracy(scores(held_out_images), held_out_labels))
            progress.set_postfix(loss=f"{losses[-1]:.4f}", held_out=f"{accuracies[-1]:.2%}")
    return losses, accuracies


def accuracy(predicted, labels):
    return float(np.mean(predicted.argmax(axis=1) == labels[:, 0]))


def draw_learning_curve(losses, accuracies, path):
    epochs = np.arange(1, len(losses) + 1)
    figure, left = plt.subplots(figsize=(8, 4.5), layout="constrained")
    (loss_line,) = left.plot(epochs, losses, color="tab:orange", label="training loss")
    left.set(xlabel="epoch", ylabel="training loss (mean cross entropy)", yscale="log")
    left.grid(alpha=0.3)
    right = left.twinx()
    held_out = 100 * np.array(accuracies)
    (accuracy_line,) = right.plot(epochs, held_out, color="tab:blue", label="held-out accuracy")
    right.set(ylabel="held-out accuracy (%)", ylim=(min(90, held_out.min()) - 0.5, 100.5))
    left.legend(handles=[loss_line, accuracy_line], loc="center right")
    left.set_title(f"1,797 handwritten digits: {held_out[-1]:.1f}% of the held-out fifth read right")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("output"))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)

    nn.seed(0)  # of the initial weights
    images, held_out_images, labels, held_out_labels = load_split()
    started = time.perf_counter()
    losses, accuracies = train(images, labels, held_out_images, held_out_labels, args.epochs, args.batch_size)
    seconds = time.perf_counter() - started

    nn.save_parameters(str(args.output / "parameters.h5"))
    np.save(args.output / "predictions.npy", scores(held_out_images))
    draw_learning_curve(losses, accuracies, args.output / "learning_curve.png")
    print(f"trained in {seconds:.1f} s, {accuracies[-1]:.2%} of the held-out digits read right")
    print(f"wrote parameters.h5, predictions.npy and learning_curve.png to {args.output}")
    if accuracies[-1] < WANTED_ACCURACY:
        sys.exit(f"expected at least {WANTED_ACCURACY:.0%} of the held-out digits to be read right")


if __name__ == "__main__":
    main()
