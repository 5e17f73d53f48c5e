"""Image augmentation: each option by itself, against what it may give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import nnabla as nn
import nnabla.functions as F

RNG = np.random.RandomState(0)
X = RNG.randn(60, 3, 6, 8).astype(np.float32)


def run(x=X, **args):
    y = F.image_augmentation(nn.Variable.from_numpy_array(x), seed=args.pop("seed", 3), **args)
    y.forward()
    return y.d


def test_without_options_the_image_stays() -> None:
    np.testing.assert_array_equal(run(), X)


def test_flips_mirror_some_images() -> None:
    y = run(flip_lr=True, flip_ud=True)
    seen = set()
    for image, result in zip(X, y):
        matches = [axes for axes in ((), (1,), (2,), (1, 2)) if np.allclose(np.flip(image, axes), result, atol=1e-5)]
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 4


def test_a_smaller_window_comes_from_within_the_image() -> None:
    ramp = np.arange(20.0)[:, None] * 100 + np.arange(30.0)
    y = run(np.broadcast_to(ramp, (50, 1, 20, 30)), shape=(1, 4, 6))
    assert y.shape == (50, 1, 4, 6)
    np.testing.assert_allclose(y[:, 0] - y[:, 0, :1, :1], np.broadcast_to(ramp[:4, :6], (50, 4, 6)), 1e-3, 1e-3)
    top = y[:, 0, 0, 0]
    assert top.min() >= 0 and (top // 100).max() <= 16 and np.ptp(top // 100) > 8


def test_padding_repeats_the_border() -> None:
    y = run(shape=(3, 10, 14), pad=(2, 3))
    np.testing.assert_allclose(y, np.pad(X, [(0, 0), (0, 0), (2, 2), (3, 3)], mode="edge"), 1e-5, 1e-6)


def test_scale_magnifies_about_a_place_of_the_image() -> None:
    ramp = np.broadcast_to(np.arange(40.0), (20, 1, 40, 40))
    y = run(ramp, min_scale=2.0, max_scale=2.0)
    np.testing.assert_allclose(np.diff(y[..., 2:-2], axis=-1), 0.5, 1e-3)


def test_rotation_turns_about_the_middle() -> None:
    image = ndimage.gaussian_filter(RNG.randn(21, 21), 2)
    y = run(np.broadcast_to(image, (40, 1, 21, 21)), angle=0.5)
    center = y[:, 0, 10, 10]
    np.testing.assert_allclose(center, np.full(40, image[10, 10]), 1e-3, 1e-4)
    angles = np.degrees(np.linspace(-0.5, 0.5, 401))
    turned = np.stack([ndimage.rotate(image, a, reshape=False, order=1) for a in angles])[:, 6:15, 6:15]
    best = np.abs(turned[None] - y[:, 0, None, 6:15, 6:15]).max((2, 3))
    assert best.min(1).max() < 0.01
    assert np.ptp(angles[best.argmin(1)]) > 40


def test_brightness_and_contrast_are_one_number_per_image_or_channel() -> None:
    for each in (False, True):
        added = run(brightness=0.5, brightness_each=each) - X
        factor = (run(contrast=2.0, contrast_center=0.25, contrast_each=each) - 0.25) / (X - 0.25)
        for values, low, high in ((added, -0.5, 0.5), (np.log2(np.abs(factor)), -1, 1)):
            assert np.ptp(values, axis=(2, 3)).max() < 2e-2
            assert np.any(np.ptp(np.median(values, axis=(2, 3)), axis=1) > 0.1) == each
            assert (
                low <= np.median(values, (2, 3)).min() < low / 2 and high / 2 < np.median(values, (2, 3)).max() <= high
            )


def test_noise_has_the_asked_deviation() -> None:
    noise = run(noise=0.1) - X
    assert abs(noise.std() - 0.1) < 0.003 and abs(noise.mean()) < 0.005


def test_distortion_and_stretching_keep_the_middle() -> None:
    image = ndimage.gaussian_filter(RNG.randn(21, 21), 2)
    for args in (dict(distortion=0.3), dict(aspect_ratio=1.5)):
        y = run(np.broadcast_to(image, (10, 1, 21, 21)), **args)
        np.testing.assert_allclose(y[:, 0, 10, 10], image[10, 10], 1e-3, 1e-4)
        assert len({image.tobytes() for image in y}) == 10


def test_no_gradient_passes() -> None:
    x = nn.Variable.from_numpy_array(X, need_grad=True)
    x.grad.zero()
    y = F.image_augmentation(x, brightness=1.0)
    y.forward()
    y.backward()
    assert not x.g.any()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (dict(shape=(2, 4, 4)), "shape="),
        (dict(pad=(1,)), "pad="),
        (dict(min_scale=2.0), "min_scale=2.0"),
        (dict(contrast=0.0), "contrast=0.0"),
    ],
)
def test_bad_arguments_are_named(args, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.image_augmentation(nn.Variable((2, 3, 4, 4)), **args)
