"""Recipes: how an objective is minimised, and what is done to images while a network is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from repro.ground.exceptions import UnknownName

if TYPE_CHECKING:
    from repro.training.augmentation import Transform

Precision = Literal["float32", "bfloat16"]
Kind = TypeVar("Kind")


def named(kind: str, name: str, table: Mapping[str, Kind]) -> Kind:
    """Give what a table of methods, recipes or the like holds under a name.

    Raises
    ------
    UnknownName
        If there is no such name; the message suggests the nearest ones.
    """
    if name not in table:
        raise UnknownName(kind, name, table)
    return table[name]


def crop_flip() -> Sequence[Transform]:
    """Crop of the image with a border of four black pixels, and a flip of every second image."""
    from repro.training import CropFlipRotate

    return [CropFlipRotate()]


def crop_flip_rotate() -> Sequence[Transform]:
    """Crop and flip as :func:`crop_flip`, and a rotation by up to 15 degrees."""
    from repro.training import CropFlipRotate

    return [CropFlipRotate(degrees=15.0)]


def shift_rotate() -> Sequence[Transform]:
    """Shift by up to two pixels and a rotation by up to ten degrees: what leaves digits readable."""
    from repro.training import CropFlipRotate

    return [CropFlipRotate(padding=2, flip=0.0, degrees=10.0)]


def crop_flip_colour_blur() -> Sequence[Transform]:
    """Crop, flip, change of colours, grey for some and blur for some: the views of contrastive learning."""
    from repro.training import ColourJitter, CropFlipRotate, GaussianBlur, Grayscale

    return [CropFlipRotate(), ColourJitter(), Grayscale(), GaussianBlur()]


@dataclass(frozen=True)
class Recipe:
    """How long and with what steps a network is trained, and on what changes of the images.

    Parameters
    ----------
    epochs : int
    learning_rate : float
    schedule : mapping of str to object
        Further arguments of :class:`repro.training.Schedule` by name.
    transforms : callable or None
        A function at the top of a module, without arguments, that lists the random transforms of uint8 images in
        training, for example :func:`crop_flip`; None for none.
    precision : "float32" or "bfloat16", default="float32"
        Of convolutions and products.
    channels_last : bool, default=False
        Whether weights lie in memory as convolutions like it best.
    """

    epochs: int
    learning_rate: float
    schedule: Mapping[str, Any] = field(default_factory=dict)
    transforms: Callable[[], Sequence[Transform]] | None = None
    precision: Precision = "float32"
    channels_last: bool = False

    def of(self, epochs: int, **schedule: Any) -> Recipe:
        """Give the same recipe with other epochs, and other arguments of the schedule where some are given."""
        return replace(self, epochs=epochs, schedule={**self.schedule, **schedule})


FULL_BATCH: Final = Recipe(1000, 2e-3)
"""Adam on all rows at once; the step size falls to a tenth from half and to a hundredth from four fifths on."""

ADAM_BATCHES: Final = Recipe(100, 1e-3, {"batch_size": 128})
"""Adam on batches of 128, steps as in :data:`FULL_BATCH`."""

ADAMW_BATCHES: Final = Recipe(100, 1e-3, {"optimizer": "adamw", "batch_size": 128, "weight_decay": 0.01})
"""AdamW on batches of 128 with weight decay, steps as in :data:`FULL_BATCH`."""

SGD_STEPS: Final = Recipe(
    200,
    0.1,
    {"optimizer": "sgd", "milestones": (0.5, 0.75), "batch_size": 128, "weight_decay": 5e-4},
    transforms=crop_flip,
)
"""SGD with momentum, weight decay, crop and flip; the step size falls to a tenth after half and three quarters."""

LONG_TAIL_SMALL: Final = Recipe(
    30,
    0.1,
    {
        "optimizer": "sgd",
        "batch_size": 64,
        "nesterov": True,
        "weight_decay": 5e-4,
        "warm_up": 3,
        "decay": "cosine",
    },
    transforms=shift_rotate,
    channels_last=True,
)
"""Thirty epochs of SGD with a warm-up and a cosine, for small networks on some hundred digits."""

LONG_TAIL_SHORT: Final = Recipe(
    40,
    0.1,
    {
        "optimizer": "sgd",
        "batch_size": 128,
        "nesterov": True,
        "weight_decay": 5e-4,
        "warm_up": 4,
        "decay": "cosine",
    },
    transforms=crop_flip,
    precision="bfloat16",
    channels_last=True,
)
"""The forty epochs of SGD on a long tail of CIFAR that fit on two cores."""

LONG_TAIL_PUBLISHED: Final = Recipe(
    200,
    0.1,
    {
        "optimizer": "sgd",
        "batch_size": 128,
        "nesterov": True,
        "weight_decay": 5e-4,
        "milestones": (0.8, 0.9),
        "warm_up": 5,
    },
    transforms=crop_flip_rotate,
    precision="bfloat16",
    channels_last=True,
)
"""The two hundred epochs of SGD that released codes for long tails of CIFAR share."""
