"""Random erasing: shape and place of the rectangles, what replaces them, and the gradient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.opaque import install

H, W = 12, 16
X = np.full((200, 3, H, W), -1, np.float32)


def run(x=X, **args):
    v = nn.Variable.from_numpy_array(x, need_grad=True)
    v.grad.zero()
    y = F.random_erase(v, replacements=(2, 3), seed=args.pop("seed", 5), **args)
    y.forward()
    y.backward()
    return y.d, v.g


def boxes(erased):
    """Return top, left, height and width of what is erased in each image of (N, H, W), which must be a rectangle."""
    found = []
    for image in erased:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        if rows.size:
            box = rows[0], columns[0], np.ptp(rows) + 1, np.ptp(columns) + 1
            assert image.sum() == box[2] * box[3]
            found.append(box)
    return np.array(found)


def test_rectangles_have_the_asked_areas_and_proportions() -> None:
    y, _ = run(prob=1.0, area_ratios=(0.1, 0.3), aspect_ratios=(0.5, 2.0))
    erased = y != -1
    assert np.all(erased[:, :1] == erased)
    top, left, tall, wide = boxes(erased[:, 0]).T
    assert len(top) == len(X)
    # Sizes are cut to whole pixels.
    assert np.all((tall + 1) * (wide + 1) >= 0.1 * H * W) and np.all(tall * wide <= 0.3 * H * W)
    assert np.all((tall + 1) / wide >= 0.5) and np.all(tall / (wide + 1) <= 2.0)
    assert top.min() == 0 and (top + tall).max() == H and left.min() == 0 and (left + wide).max() == W


def test_replacements_are_even_noise_for_each_pixel() -> None:
    y, _ = run(prob=1.0, area_ratios=(0.2, 0.3))
    noise = y[y != -1]
    assert stats.kstest(noise[:20000], "uniform", (2, 1)).pvalue > 0.01


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_images_are_erased_with_the_asked_probability(prob: float) -> None:
    y, _ = run(prob=prob, area_ratios=(0.1, 0.3))
    count = int((y != -1).any((1, 2, 3)).sum())
    assert stats.binomtest(count, len(X), prob).pvalue > 0.01


def test_channels_may_have_rectangles_of_their_own() -> None:
    y, _ = run(prob=1.0, share=False)
    erased = y != -1
    assert np.any(erased[:, 0] != erased[:, 1])
    assert len(boxes(erased[:, 2])) == len(X)


def test_several_rectangles_cover_more() -> None:
    assert (run(prob=1.0, n=4)[0] != -1).sum() > 2 * (run(prob=1.0)[0] != -1).sum()


@pytest.mark.parametrize("fine", [True, False])
def test_gradient_stops_at_erased_places_if_fine_grained(fine: bool) -> None:
    y, g = run(prob=1.0, ste_fine_grained=fine)
    np.testing.assert_array_equal(g, (y == -1) if fine else np.ones_like(g))


def test_channel_last_and_batch_dimensions() -> None:
    y, _ = run(X[:20].reshape(4, 5, H, W, 3), prob=1.0, base_axis=2, channel_last=True)
    erased = (y != -1).reshape(20, H, W, 3)
    assert np.all(erased[..., :1] == erased)
    assert len(boxes(erased[..., 0])) == 20


def test_draws_follow_the_seed_on_every_backend() -> None:
    drawn = [run(X[:5], seed=s)[0] for s in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    for name in ("plain", "opaque"):
        with nn.context_scope(install()[name].context()):
            np.testing.assert_allclose(run(X[:5], seed=1)[0], drawn[0], 1e-5)


@pytest.mark.parametrize(
    ("shape", "args", "message"),
    [
        ((2, 3, 4), {}, "three dimensions"),
        ((2, 3, 4, 4), dict(prob=1.5), "prob=1.5"),
        ((2, 3, 4, 4), dict(n=0), "n=0 1 or more"),
        ((2, 3, 4, 4), dict(area_ratios=(0.5, 0.2)), "area_ratios=.* a least and a largest"),
        ((2, 3, 4, 4), dict(area_ratios=(0.5, 2.0)), "area_ratios=.* from 0 to 1"),
        ((2, 3, 4, 4), dict(replacements=(1.0,)), "replacements="),
    ],
)
def test_bad_arguments_are_named(shape, args, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.random_erase(nn.Variable(shape), **args)
