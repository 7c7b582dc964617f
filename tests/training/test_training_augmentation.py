"""Batched transforms against torchvision, image by image, and against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision_peer import functional

from repro.training import (
    Augmentation,
    ColourJitter,
    CropFlipRotate,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
)
from repro.training.augmentation import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    gaussian_blur,
    rows_of,
)

PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 12, size: int = 32) -> Tensor:
    """Smooth colour pictures as uint8, so that neighbouring pixels differ little but never agree everywhere."""
    small = torch.rand(n, 3, 6, 6, generator=draws(3))
    large = torch.nn.functional.interpolate(small, size=size, mode="bicubic").clamp(0, 1)
    return (255 * large).round().to(torch.uint8)


@pytest.mark.parametrize(
    ("name", "ours", "amounts"),
    [
        ("adjust_brightness", adjust_brightness, (0.6, 1.4)),
        ("adjust_contrast", adjust_contrast, (0.6, 1.4)),
        ("adjust_saturation", adjust_saturation, (0.6, 1.4)),
        ("adjust_hue", adjust_hue, (-0.5, 0.5)),
    ],
)
def test_colours_agree_with_torchvision(name, ours, amounts):
    peer = getattr(functional(), name)
    images = pictures().float() / 255
    factors = torch.empty(len(images)).uniform_(*amounts, generator=draws())
    wanted = torch.stack([peer(image, float(factor)) for image, factor in zip(images, factors, strict=True)])
    assert (ours(images, factors) - wanted).abs().max() < 2e-5
    assert (wanted - images).abs().max() > 0.05


def test_grey_and_black_pictures_keep_their_colour_under_every_hue():
    grey = torch.tensor([0.0, 0.4, 1.0]).view(3, 1, 1, 1).expand(3, 3, 4, 4).contiguous()
    assert torch.equal(adjust_hue(grey, torch.tensor([0.1, 0.3, -0.2])), grey)


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    assert torch.allclose(adjust_hue(red, torch.tensor([1 / 3]))[0, :, 0, 0], torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)


def test_blur_agrees_with_torchvision():
    peer = functional()
    images = pictures(5).float() / 255
    sigmas = torch.tensor([0.1, 0.5, 1.0, 1.5, 2.0])
    wanted = torch.stack(
        [peer.gaussian_blur(image, [13, 13], [float(s)] * 2) for image, s in zip(images, sigmas, strict=True)]
    )
    assert (gaussian_blur(images, sigmas, radius=6) - wanted).abs().max() < 1e-5


def test_rotation_agrees_with_torchvision_to_the_pixel():
    peer = functional()
    images = pictures(20)
    parameters = CropFlipRotate(padding=0, flip=0.0, degrees=180).draw(20, draws(1))
    ours = CropFlipRotate(padding=0, flip=0.0, degrees=180).apply(images, parameters)
    wanted = torch.stack([peer.rotate(image, float(a)) for image, a in zip(images, parameters["angle"], strict=True)])
    differ = (ours != wanted).any(dim=1).float().mean()
    assert differ < 1e-3, "only pixels half way between two others may differ, by rounding"


def test_crop_and_flip_agree_with_torchvision():
    peer = functional()
    images = pictures(40)
    transform = CropFlipRotate(padding=4, flip=0.5)
    parameters = transform.draw(40, draws(2))
    wanted = []
    for k, image in enumerate(images):
        padded = peer.pad(image, [4, 4, 4, 4])
        down, right = int(parameters["down"][k]), int(parameters["right"][k])
        cropped = peer.crop(padded, 4 + down, 4 + right, 32, 32)
        wanted.append(peer.hflip(cropped) if parameters["flip"][k] else cropped)
    assert torch.equal(transform.apply(images, parameters), torch.stack(wanted))
    assert 0.2 < parameters["flip"].float().mean() < 0.8
    assert parameters["down"].min() == -4
    assert parameters["right"].max() == 4


def test_crop_flip_and_rotation_come_in_this_order():
    peer = functional()
    images = pictures(30)
    transform = CropFlipRotate(padding=4, flip=0.5, degrees=15)
    parameters = transform.draw(30, draws(5))
    wanted = []
    for k, image in enumerate(images):
        padded = peer.pad(image, [4, 4, 4, 4])
        cropped = peer.crop(padded, 4 + int(parameters["down"][k]), 4 + int(parameters["right"][k]), 32, 32)
        flipped = peer.hflip(cropped) if parameters["flip"][k] else cropped
        wanted.append(peer.rotate(flipped, float(parameters["angle"][k])))
    assert (transform.apply(images, parameters) != torch.stack(wanted)).any(dim=1).float().mean() < 1e-3


def test_an_augmentation_of_a_batch_is_that_of_its_parts():
    images = pictures(16)
    augmentation = Augmentation(
        [CropFlipRotate(degrees=15), ColourJitter(), Grayscale(), GaussianBlur()], (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    )
    parameters = augmentation.draw(16, draws(7))
    whole = augmentation(images, parameters)
    parts = [augmentation(images[rows], rows_of(parameters, rows)) for rows in (slice(0, 5), slice(5, 6), slice(6, 16))]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)
    assert whole.is_contiguous(memory_format=torch.channels_last)


def test_without_transforms_images_are_normalised():
    images = pictures(3)
    mean, deviation = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    wanted = (images.numpy() / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(deviation, (3, 1, 1))
    assert np.abs(Augmentation([], mean, deviation)(images, []).numpy() - wanted).max() < 1e-6


def test_probabilities_are_kept():
    n = 4000
    for transform, share in ((Grayscale(0.2), 0.2), (GaussianBlur(probability=0.3), 0.3), (ColourJitter(), 0.8)):
        found = float(transform.draw(n, draws())["chosen"].float().mean())
        assert abs(found - share) < 4 * (share * (1 - share) / n) ** 0.5


def test_colour_jitter_uses_every_order_and_stays_within_its_reach():
    drawn = ColourJitter(0.4, 0.3, 0.2, 0.1).draw(5000, draws())
    assert len({tuple(row) for row in drawn["order"].tolist()}) == 24
    low, high = drawn["amounts"].amin(dim=0), drawn["amounts"].amax(dim=0)
    assert torch.allclose(low, torch.tensor([0.6, 0.7, 0.8, -0.1]), atol=2e-3)
    assert torch.allclose(high, torch.tensor([1.4, 1.3, 1.2, 0.1]), atol=2e-3)


def test_noise_has_its_deviation_and_depends_on_its_seed():
    noise = GaussianNoise(0.1)
    images = torch.zeros(50, 1, 28, 28)
    first = noise.apply(images, noise.draw(50, draws(1)))
    assert abs(float(first.std()) - 0.1) < 1e-3
    assert torch.equal(first, noise.apply(images, noise.draw(50, draws(1))))
    assert not torch.equal(first, noise.apply(images, noise.draw(50, draws(2))))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="padding must not be negative, got -1"):
        CropFlipRotate(padding=-1)
    with pytest.raises(ValueError, match="degrees must be between 0 and 180, got 181"):
        CropFlipRotate(degrees=181)
    with pytest.raises(ValueError, match=r"flip must be between 0 and 1, got 1\.5"):
        CropFlipRotate(flip=1.5)
    with pytest.raises(ValueError, match=r"hue must be between 0 and 0\.5, got 0\.6"):
        ColourJitter(hue=0.6)
    with pytest.raises(ValueError, match="low and high must be positive and in order"):
        GaussianBlur(2.0, 1.0)
    with pytest.raises(ValueError, match="deviation must not be negative"):
        GaussianNoise(-0.1)
    with pytest.raises(ValueError, match="one number for each channel"):
        Augmentation([], (0.5,), (0.2, 0.2))
    with pytest.raises(ValueError, match=r"images must be uint8 of shape \(n, 3, height, width\), got torch.float32"):
        Augmentation([], *PLAIN)(torch.rand(2, 3, 4, 4), [])
    with pytest.raises(ValueError, match="needs images with 3 channels, got 1"):
        Grayscale(1.0).apply(torch.rand(2, 1, 4, 4), {"chosen": torch.tensor([True, True])})
    with pytest.raises(ValueError, match="radius must be between 1 and 3, got 4"):
        gaussian_blur(torch.rand(1, 3, 4, 4), torch.tensor([1.0]), radius=4)
