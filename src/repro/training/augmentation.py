"""Random changes of images, a whole batch at a time and on whatever device the images are.

Random numbers come from a generator on the CPU, so a CPU and a GPU see the same crops and colours. Drawing and applying
are two steps: the parameters of all images of an epoch are drawn at once and moved in one copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor
from torch.nn import functional

Parameters = Mapping[str, Tensor]
GREY: Final = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in a grey value (ITU-R 601-2, as in torchvision)."""


class Transform(Protocol):
    """A random change: drawn for n images, then applied to them."""

    on_bytes: bool
    """Whether uint8 images are taken as they are."""

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Random parameters of n images, on the CPU; every tensor has n rows."""

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Change images of shape (n, channels, height, width) with their parameters."""


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value}")


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.empty(n).uniform_(low, high, generator=generator)


@dataclass(frozen=True)
class CropFlipRotate:
    """Random crop of the zero-padded image, horizontal flip and rotation to the nearest pixel, in one look-up.

    Parameters
    ----------
    padding : int, default=4
        Pixels added at every side; the crop has the size of the image.
    flip : float, default=0.5
        Probability of a flip.
    degrees : float, default=0
        Rotation is uniform between minus and plus this angle; what comes from outside is 0.

    Raises
    ------
    ValueError
        For a number out of its range.
    """

    padding: int = 4
    flip: float = 0.5
    degrees: float = 0.0
    on_bytes = True

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise ValueError(f"padding must not be negative, got {self.padding}")
        _share("flip", self.flip)
        if not 0 <= self.degrees <= 180:
            raise ValueError(f"degrees must be between 0 and 180, got {self.degrees}")

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Shifts ``down`` and ``right`` in pixels, ``flip`` (bool) and ``angle`` in degrees, counter-clockwise."""
        reach = 2 * self.padding + 1
        return {
            "down": torch.randint(reach, (n,), generator=generator) - self.padding,
            "right": torch.randint(reach, (n,), generator=generator) - self.padding,
            "flip": torch.rand(n, generator=generator) < self.flip,
            "angle": _uniform(n, -self.degrees, self.degrees, generator),
        }

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Look every pixel of the result up in its image; any dtype, result in channels-last order."""
        n, channels, height, width = images.shape
        device = images.device
        y = torch.arange(height, device=device).view(1, height, 1)
        x = torch.arange(width, device=device).view(1, 1, width)
        inside: Tensor | bool = True
        if self.degrees:
            angle = torch.deg2rad(parameters["angle"]).view(n, 1, 1)
            cosine, sine = torch.cos(angle), torch.sin(angle)
            from_y, from_x = y - (height - 1) / 2, x - (width - 1) / 2
            x = torch.round(cosine * from_x - sine * from_y + (width - 1) / 2).long()
            y = torch.round(sine * from_x + cosine * from_y + (height - 1) / 2).long()
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        x = torch.where(parameters["flip"].view(n, 1, 1), width - 1 - x, x)
        x = x + parameters["right"].view(n, 1, 1)
        y = y + parameters["down"].view(n, 1, 1)
        inside = inside & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        source = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).view(n, -1, 1)
        pixels = images.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        found = torch.gather(pixels, 1, source.expand(-1, -1, channels))
        found = found * inside.view(n, -1, 1).to(found.dtype)
        return found.view(n, height, width, channels).permute(0, 3, 1, 2)


def _grey(images: Tensor) -> Tensor:
    red, green, blue = images.unbind(1)
    return (GREY[0] * red + GREY[1] * green + GREY[2] * blue)[:, None]


def _colour(images: Tensor, what: str) -> None:
    if images.shape[1] != 3:
        raise ValueError(f"{what} needs images with 3 channels, got {images.shape[1]}")


def _mix(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    factors = factors.view(-1, 1, 1, 1)
    return (factors * images + (1.0 - factors) * others).clamp(0.0, 1.0)


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply images of shape (n, c, h, w) with values in [0, 1] by factors of shape (n,), and clip."""
    return _mix(images, torch.zeros_like(images), factors)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Mix images with their mean grey value: factor 0 gives plain grey, 1 the image."""
    grey = _grey(images) if images.shape[1] == 3 else images
    return _mix(images, grey.mean(dim=(1, 2, 3), keepdim=True), factors)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Mix images with their grey versions: factor 0 gives the grey image, 1 the image."""
    _colour(images, "saturation")
    return _mix(images, _grey(images), factors)


def adjust_hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Turn the hue of images with values in [0, 1] by shifts of shape (n,) in parts of a full turn."""
    _colour(images, "hue")
    red, green, blue = images.unbind(1)
    high, place = images.max(dim=1)
    chroma = high - images.amin(dim=1)
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sector = torch.stack([((green - blue) / safe) % 6.0, (blue - red) / safe + 2.0, (red - green) / safe + 4.0], dim=1)
    hue = sector.gather(1, place[:, None])[:, 0] / 6.0
    hue = (hue + shifts.view(-1, 1, 1)) % 1.0
    step = torch.tensor([5.0, 3.0, 1.0], device=images.device).view(1, 3, 1, 1)
    turn = (step + 6.0 * hue[:, None]) % 6.0
    part = torch.minimum(turn, 4.0 - turn).clamp(0.0, 1.0)
    return high[:, None] - chroma[:, None] * part


def gaussian_blur(images: Tensor, sigmas: Tensor, *, radius: int = 6) -> Tensor:
    """Convolve each image with a Gaussian of its own width; borders are mirrored.

    Parameters
    ----------
    images : Tensor of shape (n, c, h, w)
    sigmas : Tensor of shape (n,)
        Standard deviations in pixels.
    radius : int, default=6
        The kernel has 2 radius + 1 pixels; must be smaller than the image.
    """
    n, channels, height, width = images.shape
    if not 0 < radius < min(height, width):
        raise ValueError(f"radius must be between 1 and {min(height, width) - 1}, got {radius}")
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigmas.view(-1, 1)) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    wide = functional.pad(images, (radius,) * 4, mode="reflect").reshape(1, n * channels, height + 2 * radius, -1)
    blurred = functional.conv2d(wide, kernel[:, None, :, None], groups=n * channels)
    blurred = functional.conv2d(blurred, kernel[:, None, None, :], groups=n * channels)
    return blurred.view(n, channels, height, width)


@dataclass(frozen=True)
class ColourJitter:
    """Change brightness, contrast, saturation and hue by random amounts, in random order.

    Parameters
    ----------
    brightness, contrast, saturation : float, default=0.4
        Factors are uniform within 1 plus or minus this number.
    hue : float, default=0.1
        The turn is uniform between minus and plus this part of a full one.
    probability : float, default=0.8
        Of an image to be changed at all.

    Raises
    ------
    ValueError
        For a number out of its range.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    probability: float = 0.8
    on_bytes = False

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation", "probability"):
            _share(name, getattr(self, name))
        if not 0 <= self.hue <= 0.5:
            raise ValueError(f"hue must be between 0 and 0.5, got {self.hue}")

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw ``amounts`` of shape (n, 4), their ``order`` of shape (n, 4) and ``chosen`` of shape (n,)."""
        reaches = torch.tensor([self.brightness, self.contrast, self.saturation, self.hue])
        middles = torch.tensor([1.0, 1.0, 1.0, 0.0])
        return {
            "amounts": middles + reaches * (2.0 * torch.rand(n, 4, generator=generator) - 1.0),
            "order": torch.rand(n, 4, generator=generator).argsort(dim=1),
            "chosen": torch.rand(n, generator=generator) < self.probability,
        }

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Change images with values in [0, 1]."""
        changes = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
        amounts, order, chosen = parameters["amounts"], parameters["order"], parameters["chosen"]
        images = images.clone()
        for place in range(4):
            for number, change in enumerate(changes):
                mine = torch.nonzero(chosen & (order[:, place] == number))[:, 0]
                images[mine] = change(images[mine], amounts[mine, number])
        return images


@dataclass(frozen=True)
class Grayscale:
    """Replace an image by its grey version.

    Parameters
    ----------
    probability : float, default=0.2
    """

    probability: float = 0.2
    on_bytes = False

    def __post_init__(self) -> None:
        _share("probability", self.probability)

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw ``chosen`` of shape (n,)."""
        return {"chosen": torch.rand(n, generator=generator) < self.probability}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Change images with 3 channels."""
        _colour(images, "a grey version")
        return torch.where(parameters["chosen"].view(-1, 1, 1, 1), _grey(images), images)


@dataclass(frozen=True)
class GaussianBlur:
    """Blur an image with a Gaussian of random width.

    Parameters
    ----------
    low, high : float, default=0.1 and 2
        The standard deviation in pixels is uniform between them.
    probability : float, default=0.2
    """

    low: float = 0.1
    high: float = 2.0
    probability: float = 0.2
    on_bytes = False

    def __post_init__(self) -> None:
        _share("probability", self.probability)
        if not 0 < self.low <= self.high:
            raise ValueError(f"low and high must be positive and in order, got {self.low} and {self.high}")

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw ``sigma`` and ``chosen`` of shape (n,)."""
        return {
            "sigma": _uniform(n, self.low, self.high, generator),
            "chosen": torch.rand(n, generator=generator) < self.probability,
        }

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Change images."""
        mine = torch.nonzero(parameters["chosen"])[:, 0]
        if not len(mine):
            return images
        images = images.clone()
        radius = min(math.ceil(3.0 * self.high), min(images.shape[2:]) - 1)
        images[mine] = gaussian_blur(images[mine], parameters["sigma"][mine], radius=radius)
        return images


@dataclass(frozen=True)
class GaussianNoise:
    """Add Gaussian noise to every pixel.

    Parameters
    ----------
    deviation : float
        Standard deviation, for values in [0, 1].
    """

    deviation: float
    on_bytes = False

    def __post_init__(self) -> None:
        if not self.deviation >= 0:
            raise ValueError(f"deviation must not be negative, got {self.deviation}")

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draw a ``seed`` for every image, from which its noise is made on the CPU."""
        return {"seed": torch.randint(2**62, (n,), generator=generator)}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Change images; the noise depends on the seed of the first image alone."""
        if not len(images):
            return images
        draws = torch.Generator().manual_seed(int(parameters["seed"][0]))
        noise = torch.randn(tuple(images.shape), generator=draws).to(images.device)
        return images + self.deviation * noise


@dataclass(frozen=True)
class Augmentation:
    """Transforms one after the other, then normalisation.

    Parameters
    ----------
    transforms : sequence of Transform
        May be empty: normalisation alone, for evaluation.
    mean, deviation : sequence of float, one for each channel
        Images are divided by 255, the mean is subtracted, the result divided by the deviation.

    Raises
    ------
    ValueError
        If mean and deviation differ in length or a deviation is not positive.
    """

    transforms: Sequence[Transform]
    mean: Sequence[float]
    deviation: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation) or not self.mean or min(self.deviation) <= 0:
            raise ValueError(
                "mean and deviation must have one number for each channel, deviations positive; got "
                f"{tuple(self.mean)} and {tuple(self.deviation)}"
            )

    def draw(self, n: int, generator: torch.Generator) -> list[dict[str, Tensor]]:
        """Random parameters of n images, for each transform, on the CPU."""
        return [transform.draw(n, generator) for transform in self.transforms]

    def __call__(self, images: Tensor, parameters: Sequence[Parameters]) -> Tensor:
        """Float images in channels-last order.

        Parameters
        ----------
        images : Tensor of shape (n, channels, height, width), uint8
        parameters : sequence of mappings
            From :meth:`draw`, rows of these images, on their device.

        Raises
        ------
        ValueError
            If images have another type or number of channels.
        """
        if images.ndim != 4 or images.dtype != torch.uint8 or images.shape[1] != len(self.mean):
            raise ValueError(
                f"images must be uint8 of shape (n, {len(self.mean)}, height, width), got {images.dtype} of shape "
                f"{tuple(images.shape)}"
            )
        for transform, drawn in zip(self.transforms, parameters, strict=True):
            if images.dtype == torch.uint8 and not transform.on_bytes:
                images = images.float() / 255.0
            images = transform.apply(images, drawn)
        if images.dtype == torch.uint8:
            images = images.float() / 255.0
        mean = torch.tensor(list(self.mean), device=images.device).view(1, -1, 1, 1)
        deviation = torch.tensor(list(self.deviation), device=images.device).view(1, -1, 1, 1)
        return ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)


def rows_of(parameters: Sequence[Parameters], rows: Tensor | slice) -> list[dict[str, Tensor]]:
    """Parameters of some of the images."""
    return [{name: values[rows] for name, values in drawn.items()} for drawn in parameters]


def moved_to(parameters: Sequence[Parameters], device: torch.device) -> list[dict[str, Tensor]]:
    """Parameters on another device."""
    return [{name: values.to(device, non_blocking=True) for name, values in drawn.items()} for drawn in parameters]
