"""Converters of image files: MNIST's idx format, CIFAR as lossless WebP sheets or as the public binary archives."""

from __future__ import annotations

import csv
import hashlib
import io
import struct
import tarfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.data.registry import embedded_bytes

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

CIFAR_SIZE: Final = 32
CIFAR10_CLASSES: Final = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
CIFAR_CLASSES: Final = 100
_IDX_UINT8 = 0x08


@cache
def cifar100_classes() -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Fine class names, the coarse class of every fine class, and coarse class names of CIFAR-100."""
    rows = list(csv.DictReader(io.StringIO(embedded_bytes("cifar-100-classes.csv").decode())))
    fine_names = tuple(row["fine_name"] for row in rows)
    coarse = tuple(int(row["coarse"]) for row in rows)
    coarse_names = dict(sorted((int(row["coarse"]), row["coarse_name"]) for row in rows))
    return fine_names, coarse, tuple(coarse_names.values())


def read_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """Read an array of bytes in MNIST's idx format.

    The header is big-endian: two zero bytes, the type (8 for unsigned bytes), the number of dimensions, their sizes.

    Raises
    ------
    ValueError
        If header and length do not fit together.
    """
    if len(content) < 4 or content[:3] != bytes((0, 0, _IDX_UINT8)):
        raise ValueError(f"no idx file of unsigned bytes: it starts with {content[:4]!r}")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError("the idx header is cut off")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != int(np.prod(shape)):
        raise ValueError(f"the idx header announces shape {shape}, but {len(content) - start} bytes follow")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def mnist(contents: Iterable[bytes]) -> tuple[Images, Labels]:
    """Read images and labels of one split of MNIST, in the original order.

    Parameters
    ----------
    contents : iterable of bytes
        Image file and label file.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 28, 28)
    labels : ndarray of int64, shape (n_images,)
    """
    images, labels = (read_idx(content) for content in contents)
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images, but {len(labels)} labels")
    return images, labels.astype(np.int64)


def read_sheet(content: bytes) -> Images:
    """Cut a contact sheet (lossless WebP) into its 32 x 32 tiles, row by row: shape (n_tiles, 32, 32, 3).

    Raises
    ------
    ValueError
        If the bytes are no WebP image or its sides are no multiples of 32.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as image:
            sheet = np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f"no readable WebP sheet ({error})") from error
    height, width, _ = sheet.shape
    if height % CIFAR_SIZE or width % CIFAR_SIZE:
        raise ValueError(f"the sheet is {width} x {height}; both must be multiples of {CIFAR_SIZE}")
    tiles = sheet.reshape(height // CIFAR_SIZE, CIFAR_SIZE, width // CIFAR_SIZE, CIFAR_SIZE, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, CIFAR_SIZE, CIFAR_SIZE, 3))


def sort_within_classes(images: Images, labels: Labels) -> tuple[Images, Labels]:
    """Bring images into an order that depends on the set alone: by label, then by the SHA-256 of the pixels.

    Two routes that hold the same images in different order give the same arrays, so the checksum of the arrays is
    one of the image set, and a subset drawn with a seed is the same whichever route the images came by.
    """
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    order = sorted(range(len(images)), key=lambda index: (labels[index], digests[index]))
    return images[order], labels[order]


def cifar_sheets(contents: Iterable[bytes]) -> tuple[Images, Labels]:
    """Read one split of CIFAR-10 or CIFAR-100 from its sheets, one per class in the order of the labels.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 32, 32, 3)
    labels : ndarray of int64, shape (n_images,)
    """
    sheets = [read_sheet(content) for content in contents]
    labels = np.repeat(np.arange(len(sheets), dtype=np.int64), [len(sheet) for sheet in sheets])
    return sort_within_classes(np.concatenate(sheets), labels)


def _member(archive_bytes: bytes, member: str) -> bytes:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive_bytes), mode="r:gz") as archive:
            file = archive.extractfile(member)
            return b"" if file is None else file.read()
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise ValueError(f"the archive has no readable {member} ({error})") from error


def _records(archive_bytes: bytes, member: str, n_labels: int) -> tuple[npt.NDArray[np.uint8], Images]:
    """Labels of shape (n, n_labels) and images of a member whose records hold labels, then the three colour planes."""
    raw, size = _member(archive_bytes, member), n_labels + 3 * CIFAR_SIZE**2
    if not raw or len(raw) % size:
        raise ValueError(f"{member} has {len(raw)} bytes, which is no multiple of {size}")
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    planes = records[:, n_labels:].reshape(-1, 3, CIFAR_SIZE, CIFAR_SIZE)
    return records[:, :n_labels], np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def cifar10_binary(contents: Iterable[bytes], *, folder: str, members: str) -> tuple[Images, Labels]:
    """Read one split of CIFAR-10 from the public binary archive.

    Every record holds the label and the red, green and blue plane of 1,024 bytes each.

    Parameters
    ----------
    contents : iterable of bytes
        The archive (``.tar.gz``).
    folder : str
        Folder in the archive.
    members : str
        Files in that folder, separated by blanks.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 32, 32, 3)
    labels : ndarray of int64, shape (n_images,)
    """
    (archive_bytes,) = contents
    parts = [_records(archive_bytes, f"{folder}/{member}", 1) for member in members.split()]
    labels = np.concatenate([found[:, 0] for found, _ in parts]).astype(np.int64)
    if labels.max() >= len(CIFAR10_CLASSES):
        raise ValueError(f"{members} has label {labels.max()}; there are {len(CIFAR10_CLASSES)} classes")
    return sort_within_classes(np.concatenate([images for _, images in parts]), labels)


def cifar100_binary(contents: Iterable[bytes], *, member: str) -> tuple[Images, Labels]:
    """Read one split of CIFAR-100 from the public binary archive.

    Every record holds the coarse label, the fine label and the red, green and blue plane of 1,024 bytes each.

    Parameters
    ----------
    contents : iterable of bytes
        The archive (``.tar.gz``).
    member : str
        File in the archive.

    Returns
    -------
    images : ndarray of uint8, shape (n_images, 32, 32, 3)
    labels : ndarray of int64, shape (n_images,)
    """
    (archive_bytes,) = contents
    found, images = _records(archive_bytes, member, 2)
    labels = found[:, 1].astype(np.int64)
    if labels.max() >= CIFAR_CLASSES or not np.array_equal(np.asarray(cifar100_classes()[1])[labels], found[:, 0]):
        raise ValueError(f"{member} has coarse and fine labels that do not belong together")
    return sort_within_classes(images, labels)


IMAGE_CONVERTERS: Final[Mapping[str, Callable[..., tuple[Images, Labels]]]] = {
    converter.__name__: converter for converter in (mnist, cifar_sheets, cifar10_binary, cifar100_binary)
}
"""Converters by the name that the registry uses."""
