"""Named classification tasks on images: training rows with their class sizes, normalisation, test rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from repro.data import load_images, long_tail_counts, make_long_tail
from repro.data.long_tail import Kind
from repro.ground.exceptions import UnknownName

if TYPE_CHECKING:
    from repro.training import Augmentation
    from repro.training.augmentation import Transform

Array = npt.NDArray[Any]
Classes = npt.NDArray[np.int64]
Channels = tuple[float, ...]

DIGITS: Final = "digits"
"""The 1,797 digits of 8 x 8 pixels that come with scikit-learn; they are not divided into training and test rows."""

DIVIDED_SETS: Final = ("mnist-subset", "mnist", "cifar10", "cifar100")
"""Image sets that come with a division into training and test images."""

IMAGE_SETS: Final = (DIGITS, *DIVIDED_SETS)
"""Image sets that tasks are made of."""


@dataclass(frozen=True, eq=False)
class ImageTask:
    """Rows to train on and rows to test on.

    Parameters
    ----------
    name : str
        Says in words what the rows are.
    inputs : ndarray of shape (n, n_inputs) or (n, channels, height, width)
        As a network sees them; or uint8 images, which are normalised first.
    labels : ndarray of shape (n,), int64
        0 to n_classes - 1.
    n_classes : int
    mean, deviation : tuple of float, one for each channel
        What uint8 images are normalised with after division by 255; empty where inputs are as a network sees them.
    test_inputs, test_labels : ndarray
        As `inputs` and `labels`; empty where the task has no test rows.

    Raises
    ------
    ValueError
        If lengths differ, a label lies outside, or uint8 images come without mean and deviation.
    """

    name: str
    inputs: Array
    labels: Classes
    n_classes: int
    mean: Channels = ()
    deviation: Channels = ()
    test_inputs: Array = field(default_factory=lambda: np.empty(0))
    test_labels: Classes = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        for inputs, labels in ((self.inputs, self.labels), (self.test_inputs, self.test_labels)):
            if len(inputs) != len(labels):
                raise ValueError(
                    f"{self.name}: inputs and labels must be equally many, got {len(inputs)} and {len(labels)}"
                )
            if len(labels) and not 0 <= labels.min() <= labels.max() < self.n_classes:
                raise ValueError(f"{self.name}: labels must lie between 0 and {self.n_classes - 1}")
        if (self.inputs.dtype == np.uint8) != bool(self.mean):
            raise ValueError(
                f"{self.name}: mean and deviation belong to uint8 images and only to them, got {self.inputs.dtype} "
                f"inputs and mean {self.mean}"
            )

    @cached_property
    def counts(self) -> Classes:
        """Training rows of every class, shape (n_classes,)."""
        return np.bincount(self.labels, minlength=self.n_classes).astype(np.int64)

    @property
    def prior(self) -> npt.NDArray[np.float64]:
        """Class frequencies of the training rows, shape (n_classes,)."""
        return np.asarray(self.counts / self.counts.sum())

    def minority(self) -> Classes:
        """List the classes that have fewer training rows than the largest one.

        Raises
        ------
        ValueError
            If all classes have equally many.
        """
        found = np.flatnonzero(self.counts < self.counts.max())
        if not len(found):
            raise ValueError(
                f"{self.name} has no minority class: each of its {self.n_classes} classes has {self.counts[0]} rows"
            )
        return found.astype(np.int64)

    @cached_property
    def digest(self) -> str:
        """Hash of the training rows as a network sees them, 16 hexadecimal digits."""
        found = hashlib.sha256(repr((self.n_classes, self.mean, self.deviation)).encode())
        for part in (self.inputs, self.labels):
            found.update(f"{part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return found.hexdigest()[:16]


def augmentation_of(task: ImageTask, transforms: Sequence[Transform] = ()) -> Augmentation:
    """Give random transforms of the uint8 images of a task, none for evaluation, and its normalisation after them.

    Raises
    ------
    ValueError
        If the inputs are as a network sees them, so that nothing is left to change.
    """
    from repro.training import Augmentation

    if not task.mean:
        raise ValueError(f"{task.name}: only uint8 images can be changed, the inputs are {task.inputs.dtype}")
    return Augmentation(transforms, task.mean, task.deviation)


def _images(image_set: str, part: Literal["train", "test"]) -> tuple[Array, Classes]:
    """Training or test images of shape (n, channels, height, width), uint8, and labels."""
    if image_set not in DIVIDED_SETS:
        raise UnknownName("image set with test images", image_set, DIVIDED_SETS)
    loaded = load_images(image_set, part)
    images = np.ascontiguousarray(loaded.images)
    return images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2), loaded.labels


def _first_of_every_class(image_set: str, labels: Classes, sizes: Sequence[int]) -> npt.NDArray[np.intp]:
    rows_of = [np.flatnonzero(labels == k) for k in range(len(sizes))]
    for k, (rows, size) in enumerate(zip(rows_of, sizes, strict=True)):
        if not 1 <= size <= len(rows):
            raise ValueError(
                f"sizes asks for {size} rows of class {k} of {image_set!r}, which has {len(rows)}; at least 1 is needed"
            )
    return np.concatenate([rows[:size] for rows, size in zip(rows_of, sizes, strict=True)])


def _words(sizes: Sequence[int]) -> str:
    return f"{sizes[0]} rows a class" if len(set(sizes)) == 1 else "rows " + ", ".join(map(str, sizes))


def digit_rows(sizes: Sequence[int]) -> ImageTask:
    """Take the first rows of every class of scikit-learn's digits as vectors of 64 grey values between 0 and 1.

    Parameters
    ----------
    sizes : sequence of int
        Rows of the classes 0, 1, ...; of all ten or of the first ones.

    Raises
    ------
    ValueError
        If a class has fewer rows than asked for, or none is asked for.
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    rows = _first_of_every_class(DIGITS, loaded.target, sizes)
    inputs, labels = loaded.data[rows] / 16.0, loaded.target[rows].astype(np.int64)
    return ImageTask(f"digits, {_words(sizes)}", inputs, labels, len(sizes))


def divided_digits(n_train: int, random_state: int, n_test: int = 297) -> ImageTask:
    """Divide scikit-learn's 1,797 digits at random, with equal class shares in both parts.

    Parameters
    ----------
    n_train : int
        Rows for training, at least 10.
    random_state : int
    n_test : int, default=297
        Rows for testing; the same ones for every `n_train`.

    Raises
    ------
    ValueError
        If the digits are not enough.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    target = load_digits().target
    n_classes = len(np.unique(target))
    every = digit_rows(np.bincount(target).tolist())
    inputs, labels = every.inputs, every.labels
    if n_train < n_classes or n_train + n_test > len(labels):
        raise ValueError(
            f"n_train must lie between {n_classes} and {len(labels) - n_test}, what {n_test} test rows leave of "
            f"{len(labels)}; got {n_train}"
        )
    train, test = train_test_split(np.arange(len(labels)), test_size=n_test, stratify=labels, random_state=random_state)
    if n_train < len(train):
        train, _ = train_test_split(train, train_size=n_train, stratify=labels[train], random_state=random_state)
    return ImageTask(
        f"digits, {n_train} of {len(labels)} rows",
        inputs[train],
        labels[train],
        n_classes,
        test_inputs=inputs[test],
        test_labels=labels[test],
    )


def _to_side(images: Array, side: int) -> Array:
    """Bring square images of shape (n, height, height, channels) to a side: repeat pixels, or add a black border."""
    height = images.shape[1]
    if side % height == 0:
        return images.repeat(side // height, axis=1).repeat(side // height, axis=2)
    before = (side - height) // 2
    border = (before, side - height - before)
    return np.pad(images, ((0, 0), border, border, (0, 0)))


@lru_cache(maxsize=2)
def first_rows(image_set: str, sizes: tuple[int, ...], side: int | None = None) -> ImageTask:
    """Take the first training images of some classes, each channel with mean 0 and variance 1 over what is taken.

    Parameters
    ----------
    image_set : str
        One of :data:`IMAGE_SETS`.
    sizes : tuple of int
        Rows of the classes 0, 1, ...; those without a number are left out.
    side : int or None, default=None
        Height and width of the result: a multiple of that of the images, whose pixels are repeated, or larger than it,
        for a black border. None leaves the images as they are.

    Returns
    -------
    ImageTask
        With float32 images of shape (n, channels, height, width) and no test rows.

    Raises
    ------
    UnknownName
        If there is no such image set.
    ValueError
        If a class has fewer rows than asked for, or `side` is too small.
    """
    if image_set not in IMAGE_SETS:
        raise UnknownName("image set", image_set, IMAGE_SETS)
    if image_set == DIGITS:
        from sklearn.datasets import load_digits

        found = load_digits()
        images, labels = found.images[:, None], found.target.astype(np.int64)
    else:
        images, labels = _images(image_set, "train")
    rows = _first_of_every_class(image_set, labels, sizes)
    taken = np.ascontiguousarray(images.transpose(0, 2, 3, 1))[rows].astype(np.float32)
    if side is not None:
        if side < taken.shape[1]:
            raise ValueError(f"side must be at least {taken.shape[1]} for {image_set!r}, got {side}")
        taken = _to_side(taken, side)
    over = (0, 1, 2)
    taken = (taken - taken.mean(axis=over, dtype=np.float64)) / taken.std(axis=over, dtype=np.float64)
    inputs = np.ascontiguousarray(taken.transpose(0, 3, 1, 2), dtype=np.float32)
    name = f"{image_set}, {_words(sizes)}" + ("" if side is None else f", side {side}")
    return ImageTask(name, inputs, labels[rows], len(sizes))


@lru_cache(maxsize=1)
def first_classes(image_set: str, n_classes: int, mean: Channels, deviation: Channels) -> ImageTask:
    """Take all images of the first classes of an image set, with its own division into training and test images.

    Parameters
    ----------
    image_set : str
        One of :data:`DIVIDED_SETS`.
    n_classes : int
    mean, deviation : tuple of float
        For normalisation, as in :class:`ImageTask`.

    Raises
    ------
    UnknownName
        If there is no such image set.
    """
    parts: list[Any] = []
    for images, labels in (_images(image_set, "train"), _images(image_set, "test")):
        mine = labels < n_classes
        parts += [np.ascontiguousarray(images[mine]), labels[mine]]
    inputs, targets, *of_test = parts
    name = f"{image_set}, first {n_classes} classes"
    return ImageTask(name, inputs, targets, n_classes, mean, deviation, *of_test)


def long_tailed(
    image_set: str,
    largest: int,
    ratio: float,
    mean: Channels,
    deviation: Channels,
    *,
    kind: Kind = "exponential",
    random_state: int = 0,
) -> ImageTask:
    """Draw a long-tailed part of the training images of an image set; all of its test images are for testing.

    Parameters
    ----------
    image_set : str
        One of :data:`DIVIDED_SETS`.
    largest : int
        Training images of the first class.
    ratio : float
        Largest class over smallest, at least 1.
    mean, deviation : tuple of float
        For normalisation, as in :class:`ImageTask`.
    kind : "exponential", "step" or "linear", default="exponential"
        Shape of the profile, see :func:`repro.data.long_tail_counts`.
    random_state : int, default=0
        Draws the images with the rule that published sets share: with 0 the set is that of Cao et al. (2019), on our
        order of the images.

    Raises
    ------
    UnknownName
        If there is no such image set or kind.
    ValueError
        If the first class has fewer images than asked for, or the last one would be empty.
    """
    images, labels = _images(image_set, "train")
    n_classes = int(labels.max()) + 1
    counts = long_tail_counts(largest, n_classes, ratio, kind)
    rows = make_long_tail(labels, counts, random_state=np.random.RandomState(random_state % 2**32))
    name = f"{image_set}, {kind} with ratio {ratio:g}"
    return ImageTask(name, images[rows], labels[rows], n_classes, mean, deviation, *_images(image_set, "test"))
