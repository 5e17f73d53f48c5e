"""Draw what pages of operators show: ``python docs/operator_pictures.py`` writes ``operators/pictures``.

Each picture is computed by its operator: curves with their derivatives, windows of pooling, what padding adds, what
lies between the entries of a resized array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import nnabla as nn
import nnabla.functions as F

FOLDER = Path(__file__).resolve().parent / "operators" / "pictures"

BLUE, ORANGE, GREEN, PURPLE = "#0b6bcb", "#e07b39", "#3b9c73", "#7b5ea7"
FILLS = ("#cfe3f7", "#f9dcc9", "#cfe9dd", "#ded5ec")
WIDTH, HEIGHT, CELL, LABEL = 300, 190, 30, 110
SAMPLES = 240

Curve = Callable[[Any], Any]

# A function of one input, its range and that of the picture's ordinate.
CURVES: dict[str, tuple[Curve, float, float, float, float]] = {
    "Sigmoid": (F.sigmoid, -6, 6, -0.25, 1.25),
    "Swish": (F.swish, -6, 4, -1, 4),
    "Tanh": (F.tanh, -4, 4, -1.5, 1.5),
    "ReLU": (F.relu, -3, 3, -1, 3),
    "LeakyReLU": (F.leaky_relu, -3, 3, -1, 3),
    "ELU": (F.elu, -4, 3, -2, 3),
    "SELU": (F.selu, -4, 3, -2, 3),
    "PReLU": (lambda x: F.prelu(x, constant([0.25])), -3, 3, -1, 3),
    "GELU": (F.gelu, -4, 3, -1, 3),
    "Mish": (F.mish, -6, 4, -1, 4),
    "ReLU6": (F.relu6, -2, 8, -1, 7),
    "HardSigmoid": (F.hard_sigmoid, -4, 4, -0.25, 1.25),
    "HardTanh": (F.hard_tanh, -3, 3, -1.5, 1.5),
    "LogSigmoid": (F.log_sigmoid, -4, 4, -4, 2),
    "SoftPlus": (F.softplus, -4, 4, -1, 4),
    "SoftSign": (F.softsign, -6, 6, -1.5, 1.5),
    "TanhShrink": (F.tanh_shrink, -3, 3, -2, 2),
    "Sinc": (F.sinc, -12, 12, -1, 1.5),
    "Abs": (F.abs, -3, 3, -1.5, 3),
    "Exp": (F.exp, -3, 2, -1, 6),
    "Log": (F.log, 0.05, 5, -3, 3),
    "Sin": (F.sin, -6, 6, -1.5, 1.5),
    "Cos": (F.cos, -6, 6, -1.5, 1.5),
    "Tan": (F.tan, -1.5, 1.5, -6, 6),
    "Sinh": (F.sinh, -2.5, 2.5, -6, 6),
    "Cosh": (F.cosh, -2.5, 2.5, -6, 6),
    "ASin": (F.asin, -0.99, 0.99, -2, 4),
    "ACos": (F.acos, -0.99, 0.99, -4, 4),
    "ATan": (F.atan, -6, 6, -2, 2),
    "ASinh": (F.asinh, -6, 6, -3, 3),
    "ACosh": (F.acosh, 1.01, 6, -1, 4),
    "ATanh": (F.atanh, -0.98, 0.98, -3, 5),
    "Erf": (F.erf, -3, 3, -1.5, 1.5),
    "Sign": (F.sign, -3, 3, -1.5, 1.5),
    "Round": (F.round, -3, 3, -3, 3),
    "Ceil": (F.ceil, -3, 3, -3, 3),
    "Floor": (F.floor, -3, 3, -3, 3),
    "BinarySigmoid": (F.binary_sigmoid, -2, 2, -0.5, 1.5),
    "BinaryTanh": (F.binary_tanh, -2, 2, -1.5, 1.5),
    "FixedPointQuantize": (lambda x: F.fixed_point_quantize(x, n=3, delta=0.5), -3, 3, -2, 2),
    "Pow2Quantize": (lambda x: F.pow2_quantize(x, n=4, m=1), -3, 3, -3, 3),
    "MinimumScalar": (lambda x: F.minimum_scalar(x, 1.0), -3, 3, -3, 3),
    "MaximumScalar": (lambda x: F.maximum_scalar(x, 1.0), -3, 3, -3, 3),
    "SquaredError": (lambda x: F.squared_error(x, constant([0.0])), -3, 3, -6, 6),
    "AbsoluteError": (lambda x: F.absolute_error(x, constant([0.0])), -3, 3, -1.5, 3),
    "HuberLoss": (lambda x: F.huber_loss(x, constant([0.0])), -3, 3, -3, 6),
    "EpsilonInsensitiveLoss": (lambda x: F.epsilon_insensitive_loss(x, constant([0.0]), 1.0), -3, 3, -1.5, 3),
    "SigmoidCrossEntropy": (lambda x: F.sigmoid_cross_entropy(x, constant(np.ones(x.shape))), -4, 4, -1.5, 4),
    "BinaryCrossEntropy": (lambda x: F.binary_cross_entropy(x, constant(np.ones(x.shape))), 0.05, 0.99, -6, 4),
}


def constant(values: Any) -> Any:
    return nn.Variable.from_numpy_array(np.asarray(values))


def values(y: Any) -> Any:
    y.forward()
    return np.array(y.d)


# -- shapes ------------------------------------------------------------------------------------------------
def text(x: float, y: float, words: str, **attributes: Any) -> str:
    given = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:g}" y="{y:g}"{given}>{escape(words)}</text>'


def picture(width: float, height: float, shapes: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="11">'
    )
    return "\n".join([head, f'<rect width="{width:g}" height="{height:g}" fill="white"/>', *shapes, "</svg>\n"])


def row(x: float, y: float, numbers: Sequence[float], fills: Sequence[str]) -> Iterator[str]:
    """Numbers in cells side by side."""
    for i, (number, fill) in enumerate(zip(numbers, fills)):
        left = x + i * CELL
        yield f'<rect x="{left:g}" y="{y:g}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="#667"/>'
        yield text(left + CELL / 2, y + CELL / 2 + 4, f"{number:.3g}", text_anchor="middle")


class Plot:
    """Curves over axes of whole numbers, with words for each curve below."""

    def __init__(self, left: float, right: float, bottom: float, top: float) -> None:
        self.left, self.right, self.bottom, self.top = left, right, bottom, top
        self.shapes: list[str] = []
        self.legend: list[str] = []
        for number in self._whole(left, right):
            x = self.x(number)
            colour = "#667" if number == 0 else "#dde"
            self.shapes.append(f'<path d="M{x:.1f} 0V{HEIGHT}" stroke="{colour}"/>')
            if 0 < x < WIDTH - 15:
                self.shapes.append(text(round(x + 2, 1), HEIGHT - 3, f"{number:g}", font_size=9, fill="#667"))
        for number in self._whole(bottom, top):
            y = self.y(number)
            colour = "#667" if number == 0 else "#dde"
            self.shapes.append(f'<path d="M0 {y:.1f}H{WIDTH}" stroke="{colour}"/>')
            if 15 < y < HEIGHT - 15:
                self.shapes.append(text(2, round(y - 2, 1), f"{number:g}", font_size=9, fill="#667"))

    @staticmethod
    def _whole(low: float, high: float) -> Iterator[int]:
        step = 1 if high - low <= 10 else 4
        yield from (n for n in range(int(np.ceil(low)), int(np.floor(high)) + 1) if n % step == 0)

    def x(self, x: Any) -> Any:
        return (x - self.left) / (self.right - self.left) * WIDTH

    def y(self, y: Any) -> Any:
        return (self.top - y) / (self.top - self.bottom) * HEIGHT

    def line(self, x: Any, y: Any, words: str, colour: str, **attributes: Any) -> None:
        # What is far outside would only make the numbers long.
        height = np.clip(self.y(y), -HEIGHT, 2 * HEIGHT)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(self.x(x), height))
        given = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        shape = f'points="{points}" fill="none" stroke="{colour}" stroke-width="2"{given}'
        self.shapes.append(f"<polyline {shape}/>")
        self._words(words, colour)

    def dots(self, x: Any, y: Any, words: str, colour: str) -> None:
        circles = zip(self.x(np.asarray(x)), self.y(np.asarray(y)))
        self.shapes += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{colour}"/>' for a, b in circles]
        self._words(words, colour)

    def _words(self, words: str, colour: str) -> None:
        y = HEIGHT + 16 + 15 * len(self.legend)
        self.legend.append(f'<rect x="2" y="{y - 6}" width="14" height="3" fill="{colour}"/>{text(22, y, words)}')

    def svg(self) -> str:
        inner = f'<svg width="{WIDTH}" height="{HEIGHT}">' + "\n".join(self.shapes) + "</svg>"
        return picture(WIDTH, HEIGHT + 12 + 15 * len(self.legend), [inner, *self.legend])


# -- pictures ----------------------------------------------------------------------------------------------
def curve(function: Curve, left: float, right: float, bottom: float, top: float) -> str:
    """A function and its derivative."""
    samples = np.linspace(left, right, SAMPLES + 1)
    x = nn.Variable.from_numpy_array(samples, need_grad=True)
    y = function(x)
    x.grad.zero()
    y.forward()
    y.backward()
    plot = Plot(left, right, bottom, top)
    plot.line(samples, x.g, "derivative", ORANGE, stroke_dasharray="5 3")
    plot.line(samples, y.d, "y", BLUE)
    return plot.svg()


def halves(function: Curve) -> str:
    """The two halves of what is twice as long."""
    samples = np.linspace(-3, 3, SAMPLES + 1)
    y = values(function(constant(samples.reshape(-1, 1))))
    plot = Plot(-3, 3, -1.5, 3)
    plot.line(samples, y[:, 0], "first half", BLUE)
    plot.line(samples, y[:, 1], "second half", GREEN)
    return plot.svg()


def rows(title: str, numbers: Sequence[float], results: dict[str, tuple[Any, Sequence[bool]]]) -> str:
    """One line of cells for the input and one for each result, whose entries that come from within are blue."""
    shapes = [text(4, CELL / 2 + 9, title), *row(LABEL + CELL * 2, 5, numbers, [FILLS[0]] * len(numbers))]
    width = LABEL + CELL * (2 + len(numbers))
    for i, (words, (result, inside)) in enumerate(results.items(), 1):
        y = 5 + i * (CELL + 8)
        shapes.append(text(4, y + CELL / 2 + 4, words))
        start = LABEL + CELL * (2 - list(inside).index(True))
        shapes += row(start, y, result, [FILLS[0] if own else FILLS[1] for own in inside])
        width = max(width, start + CELL * len(result))
    return picture(width + 6, 10 + (len(results) + 1) * (CELL + 8), shapes)


def padding() -> str:
    x = [1.0, 2.0, 3.0]
    inside = [False] * 2 + [True] * 3 + [False] * 2
    modes = ("constant", "reflect", "repeat")
    return rows("x", x, {mode: (values(F.pad(constant(x), (2, 2), mode)), inside) for mode in modes})


def shifting() -> str:
    x = [1.0, 2.0, 3.0, 4.0]
    inside = [False] * 2 + [True] * 2
    modes = ("nearest", "reflect")
    return rows("x", x, {f"{m}, by 2": (values(F.shift(constant(x), (2,), m)), inside) for m in modes})


def windows(function: Curve, back: bool = False) -> str:
    """A picture of 4 by 4 and its result for windows of 2 by 2, in one colour a window."""
    small, large = (
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1, 3, 2, 0], [4, 2, 1, 1], [0, 5, 6, 2], [1, 2, 2, 8.0]]),
    )
    x = small if back else large
    y = values(function(constant(x.reshape(1, 1, *x.shape))))[0, 0]
    shapes = []
    left = 5
    for array in (x, y):
        size = len(array)
        top = 5 + (4 - size) * CELL / 2
        for i, numbers in enumerate(array):
            fills = [FILLS[(i * 2 // size) * 2 + j * 2 // size] for j in range(size)]
            shapes += row(left, top + i * CELL, numbers, fills)
        left += size * CELL + 40
    arrow = 5 + len(x) * CELL + 20
    shapes.append(text(arrow, 5 + 2 * CELL + 5, "→", font_size=20, text_anchor="middle"))
    return picture(left - 35, 10 + 4 * CELL, shapes)


def resizing(results: dict[str, Curve]) -> str:
    """Five entries, and forty in their place, over the positions of the input."""
    x = np.array([1.0, 3.0, 2.0, 2.5, 0.5])
    plot = Plot(-0.6, 4.6, 0, 4)
    for colour, (words, function) in zip((BLUE, ORANGE, GREEN), results.items()):
        plot.line((np.arange(40) + 0.5) / 8 - 0.5, values(function(constant(x.reshape(1, 1, 5))))[0, 0], words, colour)
    plot.dots(np.arange(5), x, "x", PURPLE)
    return plot.svg()


def warping() -> str:
    """Samples of four entries, along a line that reaches beyond them."""
    x = np.array([1.0, 3.0, 2.0, 2.5])
    positions = np.linspace(-4, 7, 221)
    places = np.stack([positions / 1.5 - 1, np.zeros_like(positions)], axis=-1).reshape(1, 1, -1, 2)
    plot = Plot(-4, 7, -1, 4)
    for colour, mode in zip((BLUE, ORANGE, GREEN), ("reflect", "repeat", "zero")):
        y = F.warp_by_grid(constant(x.reshape(1, 1, 1, 4)), constant(places), padding_mode=mode, align_corners=True)
        plot.line(positions, values(y)[0, 0, 0], mode, colour)
    plot.dots(np.arange(4), x, "x", PURPLE)
    return plot.svg()


def pictures() -> dict[str, str]:
    """All pictures by operator."""
    made = {name: curve(*given) for name, given in CURVES.items()}
    made |= {"CReLU": halves(F.crelu), "CELU": halves(F.celu)}
    made |= {"Pad": padding(), "Shift": shifting(), "WarpByGrid": warping()}
    made |= {
        "MaxPooling": windows(lambda x: F.max_pooling(x, (2, 2))),
        "AveragePooling": windows(lambda x: F.average_pooling(x, (2, 2))),
        "SumPooling": windows(lambda x: F.sum_pooling(x, (2, 2))),
        "Unpooling": windows(lambda x: F.unpooling(x, (2, 2)), back=True),
        "Interpolate": resizing(
            {
                "linear, half_pixel": lambda x: F.interpolate(x, output_size=(40,), half_pixel=True),
                "linear, align_corners": lambda x: F.interpolate(x, output_size=(40,), align_corners=True),
                "nearest": lambda x: F.interpolate(x, output_size=(40,), mode="nearest"),
            }
        ),
        "ONNXResize": resizing(
            {
                mode: lambda x, mode=mode: F.onnx_resize(x, sizes=(1, 1, 40), mode=mode)
                for mode in ("linear", "cubic", "nearest")
            }
        ),
    }
    return made


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pictures()
    for path in FOLDER.glob("*.svg"):
        if path.stem not in made:
            path.unlink()
    for name, svg in made.items():
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
    print(f"wrote {len(made)} pictures")


if __name__ == "__main__":
    main()
