"""Make the embedded part of MNIST again from the full set, which a mirror, the cache folder or the network provides.

python scripts/pack_mnist_subset.py                  write the files of src/repro/data/embedded
python scripts/pack_mnist_subset.py --folder FOLDER  write them to another folder

Of every class the first 300 training images and the first 890 test images are taken, in the order of the original
files. Each part is written as MNIST itself is, images and labels in idx format, compressed by gzip. Equal releases of
zlib give equal bytes. The checksums that are printed, and stand in registry.yml, are those of the unpacked content and
of the loaded arrays, and hold for every release.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from repro.data import load_images
from repro.data.dataset import image_checksum
from repro.ground.files import atomic_write_bytes

EMBEDDED: Final = Path(__file__).resolve().parents[1] / "src" / "repro" / "data" / "embedded"
IMAGES_PER_CLASS: Final[dict[Literal["train", "test"], int]] = {"train": 300, "test": 890}
COMPRESSION_LEVEL: Final = 9


def first_of_each_class(labels: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.intp]:
    """Row numbers of the first `count` members of every class, in ascending order.

    Parameters
    ----------
    labels : ndarray of int64, shape (n_rows,)
        Class of every row.
    count : int
        Rows to take of every class.

    Returns
    -------
    ndarray of intp, shape (n_classes * count,)

    Raises
    ------
    ValueError
        If a class has fewer rows.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if sizes.min() < count:
        rarest = classes[sizes.argmin()]
        raise ValueError(f"labels has {sizes.min()} rows of class {rarest}; at least count={count} are needed")
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in classes]))


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    """Write an array of bytes in MNIST's idx format, as :func:`repro.data.images.read_idx` reads it."""
    return bytes((0, 0, 0x08, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the four files and print their sizes and checksums."""
    parser = argparse.ArgumentParser(description="Make the embedded part of MNIST again.")
    parser.add_argument(
        "--folder", type=Path, default=EMBEDDED, help="where the files are written (default: %(default)s)"
    )
    folder: Path = parser.parse_args(arguments).folder
    for split, count in IMAGES_PER_CLASS.items():
        full = load_images("mnist", split)
        rows = first_of_each_class(full.labels, count)
        images, labels = full.images[rows], full.labels[rows]
        for part, array in (("images", images), ("labels", labels.astype(np.uint8))):
            content = idx(array)
            packed = gzip.compress(content, COMPRESSION_LEVEL, mtime=0)
            name = f"mnist-subset-{split}-{part}.idx.gz"
            atomic_write_bytes(folder / name, packed)
            print(f"{name}: {len(packed)} bytes, sha256 of the content {hashlib.sha256(content).hexdigest()}")
        print(f"{split}: {len(images)} images, checksum {image_checksum(images, labels)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
