from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data import load_images
from repro.data.dataset import image_checksum
from repro.data.images import (
    cifar10_binary,
    cifar100_binary,
    cifar100_classes,
    cifar_sheets,
    mnist,
    read_idx,
    read_sheet,
    sort_within_classes,
)
from repro.data.registry import ImageEntry, entry, registry
from repro.ground.exceptions import DataUnavailable, UnknownName


def idx(array: np.ndarray) -> bytes:
    return (
        bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def sheet(tiles: np.ndarray, columns: int, kind: str = "WEBP") -> bytes:
    rows = len(tiles) // columns
    picture = tiles.reshape(rows, columns, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(rows * 32, columns * 32, 3)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, lossless=True)
    return buffer.getvalue()


def archive(records: bytes, member: str = "cifar-100-binary/train.bin") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(records)
        tar.addfile(info, io.BytesIO(records))
    return buffer.getvalue()


def records_of(images: np.ndarray, labels: np.ndarray) -> bytes:
    coarse = cifar100_classes()[1]
    return b"".join(
        bytes((coarse[label], label)) + image.transpose(2, 0, 1).tobytes()
        for image, label in zip(images, labels, strict=True)
    )


def random_images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


# --- MNIST -------------------------------------------------------------------------------------------------------


def test_idx_files_are_read() -> None:
    images = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    found, labels = mnist(iter([idx(images), idx(np.array([7, 9]))]))
    np.testing.assert_array_equal(found, images)
    assert found.dtype == np.uint8
    assert labels.dtype == np.int64
    assert labels.tolist() == [7, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PNG", "no idx file"),
        (bytes((0, 0, 13, 1)) + b"\0\0\0\1" + b"\0" * 4, "no idx file of unsigned bytes"),
        (bytes((0, 0, 8, 3)) + b"\0\0\0\1", "header is cut off"),
        (idx(np.zeros((2, 2)))[:-1], r"announces shape \(2, 2\), but 3 bytes follow"),
    ],
    ids=["other file", "other type", "cut header", "cut values"],
)
def test_damaged_idx_files_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_idx(content)


def test_images_and_labels_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match="2 images, but 3 labels"):
        mnist([idx(np.zeros((2, 28, 28))), idx(np.zeros(3))])


@pytest.mark.mirror
def test_mnist_is_the_original(mirror: Path) -> None:
    train, test = load_images("mnist"), load_images("mnist", "test")
    assert train.images.shape == (60000, 28, 28)
    assert test.images.shape == (10000, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # sizes of the training classes, and md5 sums of the uncompressed originals, as published
    assert list(train.metadata.class_counts.values()) == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    for dataset, images_md5, labels_md5 in [
        (train, "6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
        (test, "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
    ]:
        assert hashlib.md5(idx(dataset.images)).hexdigest() == images_md5
        assert hashlib.md5(idx(dataset.labels)).hexdigest() == labels_md5
    assert train.class_names == tuple("0123456789")
    assert train.coarse_labels is None


@pytest.mark.mirror
def test_mnist_is_also_found_packed(mirror: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        target = cache / "mnist" / "MNIST" / "raw" / f"{name}.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress((mirror / "mnist" / "MNIST" / "raw" / name).read_bytes(), 1))
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    assert len(load_images("mnist", "test").images) == 10000


# --- CIFAR-100 ---------------------------------------------------------------------------------------------------


def test_sheets_are_cut_row_by_row() -> None:
    tiles = random_images(6)
    np.testing.assert_array_equal(read_sheet(sheet(tiles, columns=3)), tiles)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF....WEBP", "no readable WebP sheet"),
        (sheet(random_images(4), 2, "PNG"), "no readable WebP sheet"),
        (sheet(random_images(4), 2)[:-500], "no readable WebP sheet"),
    ],
    ids=["no picture", "PNG", "cut"],
)
def test_other_pictures_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_sheet(content)


def test_a_sheet_of_another_size_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 40)).save(buffer, "WEBP", lossless=True)
    with pytest.raises(ValueError, match="the sheet is 64 x 40; both must be multiples of 32"):
        read_sheet(buffer.getvalue())


def test_sheets_and_archive_give_the_same_arrays() -> None:
    images = np.concatenate([random_images(6)[None], random_images(12)[6:][None]])
    by_sheet = cifar_sheets([sheet(tiles, 3) for tiles in images])
    labels = np.repeat([0, 1], 6)
    shuffled = np.random.default_rng(0).permutation(12)
    records = records_of(images.reshape(12, 32, 32, 3)[shuffled], labels[shuffled])
    by_archive = cifar100_binary([archive(records)], member="cifar-100-binary/train.bin")
    for one, other in zip(by_sheet, by_archive, strict=True):
        np.testing.assert_array_equal(one, other)
    assert image_checksum(*by_sheet) == image_checksum(*by_archive)
    assert by_sheet[1].tolist() == labels.tolist()


def test_sheets_and_archive_of_ten_classes_give_the_same_arrays() -> None:
    images, labels = random_images(12), np.repeat([0, 9], 6)
    shuffled = np.random.default_rng(0).permutation(12)
    records = [bytes((labels[row],)) + images[row].transpose(2, 0, 1).tobytes() for row in shuffled]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, part in (("one.bin", records[:5]), ("two.bin", records[5:])):
            information = tarfile.TarInfo(f"batches/{name}")
            content = b"".join(part)
            information.size = len(content)
            packed.addfile(information, io.BytesIO(content))
    found, classes = cifar10_binary([buffer.getvalue()], folder="batches", members="one.bin two.bin")
    by_sheet, _ = cifar_sheets([sheet(images[:6], 3), sheet(images[6:], 3)])
    np.testing.assert_array_equal(found, by_sheet)
    assert classes.tolist() == labels.tolist()
    with pytest.raises(ValueError, match=r"no readable batches/three\.bin"):
        cifar10_binary([buffer.getvalue()], folder="batches", members="three.bin")
    with pytest.raises(ValueError, match="has label 10; there are 10 classes"):
        cifar10_binary([archive(bytes((10,)) + b"\0" * 3072)], folder="cifar-100-binary", members="train.bin")
    with pytest.raises(ValueError, match="has 3072 bytes, which is no multiple of 3073"):
        cifar10_binary([archive(b"\0" * 3072)], folder="cifar-100-binary", members="train.bin")


def test_the_order_depends_on_the_set_alone() -> None:
    images, labels = random_images(20), np.repeat(np.arange(4), 5)
    images[3] = images[4]  # a repeated image
    expected = sort_within_classes(images, labels)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(20)
        for one, other in zip(sort_within_classes(images[order], labels[order]), expected, strict=True):
            np.testing.assert_array_equal(one, other)
    other_image = images.copy()
    other_image[0, 0, 0, 0] ^= 1
    assert image_checksum(*sort_within_classes(other_image, labels)) != image_checksum(*expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "no readable cifar-100-binary/train.bin"),
        (archive(b"", "cifar-100-binary/test.bin"), "no readable cifar-100-binary/train.bin"),
        (archive(b""), "has 0 bytes"),
        (archive(b"\0" * 3073), "has 3073 bytes, which is no multiple of 3074"),
        (archive(bytes((0, 0)) + b"\0" * 3072), "coarse and fine labels that do not belong together"),
        (archive(bytes((0, 200)) + b"\0" * 3072), "coarse and fine labels that do not belong together"),
    ],
    ids=["no archive", "no member", "empty", "cut", "labels", "unknown label"],
)
def test_damaged_archives_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cifar100_binary([content], member="cifar-100-binary/train.bin")


def test_classes_and_superclasses_are_the_published_ones() -> None:
    fine, coarse, coarse_names = cifar100_classes()
    assert len(fine) == 100
    assert fine == tuple(sorted(fine))
    assert np.bincount(coarse).tolist() == [5] * 20
    assert coarse_names == tuple(sorted(coarse_names))
    members = [name for name, group in zip(fine, coarse, strict=True) if coarse_names[group] == "large_carnivores"]
    assert members == ["bear", "leopard", "lion", "tiger", "wolf"]


@pytest.mark.mirror
def test_the_sheets_of_the_mirror_are_the_published_images(mirror: Path) -> None:
    # sums of the test arrays in the order of the sheets, and channel means and deviations, as published with the copy
    sheets = [read_sheet(path.read_bytes()) for path in sorted((mirror / "cifar-100" / "test").iterdir())]
    images = np.concatenate(sheets)
    assert hashlib.sha256(images.tobytes()).hexdigest() == (
        "2716d826d85ee9ca7f948fb4dc3b3d7515225d1a436d1c4b7e6975855da3d9ee"
    )
    dataset = load_images("cifar100", "test")
    assert {image.tobytes() for image in dataset.images} == {image.tobytes() for image in images}
    scaled = dataset.images.reshape(-1, 3) / 255
    np.testing.assert_allclose(scaled.mean(axis=0), [0.5087964128, 0.4873930132, 0.4419422113], atol=1e-10)
    np.testing.assert_allclose(scaled.std(axis=0), [0.2682515742, 0.2573637364, 0.2770957708], atol=1e-10)
    assert set(dataset.metadata.class_counts.values()) == {100}
    assert dataset.coarse_labels is not None
    assert dataset.coarse_labels[0] == 4  # apple: fruit and vegetables


@pytest.mark.mirror
def test_the_ten_classes_of_the_mirror_are_the_published_images(mirror: Path) -> None:
    # sums in the order of the sheets, channel means and deviations, as published with the copy
    sheets = [read_sheet(path.read_bytes()) for path in sorted((mirror / "cifar-10" / "test").iterdir())]
    images = np.concatenate(sheets)
    assert hashlib.sha256(images.tobytes()).hexdigest() == (
        "52a9dc125982c0440d5eed87474b2f521e96c45a98df08e4329aa42c692b9d9d"
    )
    dataset = load_images("cifar10", "test")
    assert {image.tobytes() for image in dataset.images} == {image.tobytes() for image in images}
    scaled = dataset.images.reshape(-1, 3) / 255
    np.testing.assert_allclose(scaled.mean(axis=0), [0.49421428, 0.48513139, 0.45040909], atol=1e-8)
    np.testing.assert_allclose(scaled.std(axis=0), [0.24665252, 0.24289226, 0.26159238], atol=1e-8)
    assert dataset.metadata.class_counts == dict.fromkeys(range(10), 1000)
    assert dataset.class_names[3] == "cat"


@pytest.mark.mirror
def test_decoded_images_are_kept_and_checked(mirror: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_images("cifar100", "test")
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    again = load_images("cifar100", "test")
    assert again.metadata.route == "cache"
    np.testing.assert_array_equal(first.images, again.images)
    kept = cache / "arrays" / "cifar100-test-images.npy"
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(mirror))
    with pytest.warns(UserWarning, match=r"cifar100-test-images.npy: expected checksum"):
        restored = load_images("cifar100", "test")
    np.testing.assert_array_equal(first.images, restored.images)
    kept.write_bytes(b"\x93NUMPY")
    with pytest.warns(UserWarning, match="it cannot be read"):
        load_images("cifar100", "test")


@pytest.mark.mirror
def test_images_load_where_the_cache_cannot_be_written(mirror: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="decoded images of cifar100 could not be kept in .*Set REPRO_DATA_DIR"):
        assert len(load_images("cifar100", "test").images) == 10000


@pytest.mark.mirror
def test_the_training_images_of_the_mirror_are_registered(mirror: Path) -> None:
    dataset = load_images("cifar100")
    assert dataset.images.shape == (50000, 32, 32, 3)
    scaled = dataset.images.reshape(-1, 3) / 255
    # the widely published means of the training set
    np.testing.assert_allclose(
        scaled.mean(axis=0), [0.5070751592371323, 0.48654887331495095, 0.4409178433670343], atol=1e-10
    )
    assert dataset.labels.tolist() == np.repeat(np.arange(100), 500).tolist()


# --- names -------------------------------------------------------------------------------------------------------


def test_wrong_names_and_splits_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'mnist'"):
        load_images("mnst")
    with pytest.raises(UnknownName, match="unknown split of mnist 'tset'; did you mean 'test'"):
        load_images("mnist", "tset")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'iris' is a table: use load\('iris'\)"):
        load_images("iris")


def test_images_that_are_nowhere_are_unavailable() -> None:
    with pytest.raises(
        DataUnavailable, match=r"kriz/cifar-100-binary(.|\n)*cifar-100/train/00_apple.webp and 99 more files"
    ):
        load_images("cifar100")
    with pytest.raises(DataUnavailable, match="`repro data fetch mnist`"):
        load_images("mnist")


def test_every_image_file_has_a_sum() -> None:
    for registered in registry().values():
        if isinstance(registered, ImageEntry):
            for split in registered.splits.values():
                for route in split.routes.values():
                    assert all(file.sha256 or file.md5 for file in route.files)
    cifar = entry("cifar100")
    assert isinstance(cifar, ImageEntry)
    assert [len(cifar.splits[split].routes["mirror"].files) for split in ("train", "test")] == [100, 100]
    ten = entry("cifar10")
    assert isinstance(ten, ImageEntry)
    assert [len(ten.splits[split].routes["mirror"].files) for split in ("train", "test")] == [10, 10]
