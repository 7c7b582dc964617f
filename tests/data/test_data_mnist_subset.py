from __future__ import annotations

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from repro.data import checksum, describe, fetch, load, load_images, verify
from repro.data.registry import embedded_bytes
from repro.ground.exceptions import IntegrityError, UnknownName

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "pack_mnist_subset.py"
PER_CLASS = {"train": 300, "test": 890}
FILES = tuple(f"mnist-subset-{split}-{part}.idx.gz" for split in PER_CLASS for part in ("images", "labels"))


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_mnist_subset", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- what is loaded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_subset_loads_without_mirror_and_network(split: str, cache: Path) -> None:
    dataset = load_images("mnist-subset", split)  # type: ignore[arg-type]
    count = PER_CLASS[split]
    assert dataset.images.shape == (10 * count, 28, 28)
    assert (dataset.images.dtype, dataset.labels.dtype) == (np.uint8, np.int64)
    assert np.bincount(dataset.labels).tolist() == [count] * 10
    assert dataset.metadata.class_counts == dict.fromkeys(range(10), count)
    assert dataset.metadata.n_rows == 10 * count
    assert dataset.class_names == tuple("0123456789")
    assert dataset.coarse_labels is None
    assert dataset.coarse_names is None
    assert (dataset.images.min(), dataset.images.max()) == (0, 255)
    assert dataset.images.flags.writeable
    assert (dataset.name, dataset.split) == ("mnist-subset", split)
    assert dataset.metadata.route == "embedded"
    assert not cache.exists()


def test_the_subset_begins_like_the_original() -> None:
    # the first labels of both parts of MNIST, as published
    assert load_images("mnist-subset").labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert load_images("mnist-subset", "test").labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


@pytest.mark.mirror
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_subset_is_the_first_of_each_class_in_the_order_of_the_full_set(split, mirror: Path) -> None:
    full = load_images("mnist", split)
    seen: Counter[int] = Counter()
    rows = []
    for row, label in enumerate(full.labels.tolist()):
        seen[label] += 1
        if seen[label] <= PER_CLASS[split]:
            rows.append(row)
    subset = load_images("mnist-subset", split)
    np.testing.assert_array_equal(subset.labels, full.labels[rows])
    np.testing.assert_array_equal(subset.images, full.images[rows])
    assert subset.class_names == full.class_names


def test_the_subset_states_its_source_licence_and_traps() -> None:
    metadata = load_images("mnist-subset").metadata
    assert (metadata.licence, metadata.redistribution, metadata.citation_key) == ("CC BY-SA 3.0", True, "lecun1998")
    assert "first 300 training images and the first 890 test images" in metadata.source
    assert len(metadata.traps) == 3


def test_the_embedded_files_are_small() -> None:
    assert sum(len(embedded_bytes(name)) for name in FILES) < 2_000_000


def test_a_wrong_split_and_the_loader_of_tables_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown split of mnist-subset 'tets'; did you mean 'test'"):
        load_images("mnist-subset", "tets")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"is an image set: use load_images\('mnist-subset'\)"):
        load("mnist-subset")


# --- damage ------------------------------------------------------------------------------------------------------


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes((content[middle] ^ 1,)) + content[middle + 1 :]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (flipped, "damaged gzip stream"),
        (lambda content: content[:-20], "damaged gzip stream"),
        (lambda content: b"", "expected sha256 [0-9a-f]{64}, found"),
        (lambda content: gzip.compress(b"other content"), "expected sha256 [0-9a-f]{64}, found"),
    ],
    ids=["flipped bit", "cut", "empty", "other content"],
)
def test_a_damaged_embedded_file_is_noticed(name: str, damage, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(wanted: str) -> bytes:
        content = embedded_bytes(wanted)
        return damage(content) if wanted == name else content

    monkeypatch.setattr("repro.data.store.embedded_bytes", read)
    split = name.split("-")[2]
    with pytest.raises(IntegrityError, match=rf"{name} of the installed package: {problem}.*Install the package again"):
        load_images("mnist-subset", split)  # type: ignore[arg-type]
    (status,) = verify("mnist-subset")
    assert status.state == "damaged"
    assert name in status.problem


# --- lists and checks --------------------------------------------------------------------------------------------


def test_the_subset_is_listed_and_verifies_without_anything_else(cache: Path) -> None:
    (summary,) = describe("mnist-subset")
    assert (summary.kind, summary.rows, summary.features, summary.place) == ("images", 11900, 784, "embedded")
    assert (summary.licence, summary.redistribution, summary.untested_routes) == ("CC BY-SA 3.0", True, ())
    for statuses in (verify("mnist-sub*"), fetch("mnist-subset")):
        assert [(status.name, status.state, status.route, status.places) for status in statuses] == [
            ("mnist-subset", "ok", "embedded", ())
        ]
    assert not cache.exists()
    assert len(checksum("mnist-subset")) == 64
    assert checksum("mnist-subset") != checksum("mnist")


def test_the_commands_show_the_subset(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from repro.cli import main

    def repro(*arguments: str) -> tuple[int, str]:
        return main(["data", *arguments]), capsys.readouterr().out

    monkeypatch.setenv("COLUMNS", "200")

    status, out = repro("list", "mnist*", "--format", "json")
    assert status == 0
    assert {entry["name"]: entry["place"] for entry in json.loads(out)} == {"mnist": None, "mnist-subset": "embedded"}
    status, out = repro("list", "mnist-subset")
    assert status == 0
    assert all(text in out for text in ("mnist-subset", "embedded", "11900", "784", "CC BY-SA 3.0"))
    status, out = repro("verify", "mnist-subset")
    assert status == 0
    assert all(text in out for text in ("mnist-subset", "ok", "embedded"))


# --- making the files --------------------------------------------------------------------------------------------


@pytest.mark.mirror
def test_the_script_makes_the_embedded_files_again(script, mirror: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(script, "COMPRESSION_LEVEL", 1)  # the best one takes long
    assert script.main(["--folder", str(tmp_path / "made")]) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted(FILES)
    for name in FILES:
        assert gzip.decompress((tmp_path / "made" / name).read_bytes()) == gzip.decompress(embedded_bytes(name))
    for split in PER_CLASS:
        registered = load_images("mnist-subset", split).metadata.checksum  # type: ignore[arg-type]
        assert f"{split}: {10 * PER_CLASS[split]} images, checksum {registered}" in printed


def test_the_script_takes_the_first_rows_of_each_class_in_their_order(script: ModuleType) -> None:
    labels = np.array([2, 0, 2, 1, 2, 0, 1, 0])
    assert script.first_of_each_class(labels, 2).tolist() == [0, 1, 2, 3, 5, 6]
    with pytest.raises(ValueError, match="labels has 2 rows of class 1; at least count=3 are needed"):
        script.first_of_each_class(labels, 3)


def test_the_script_writes_the_published_format(script: ModuleType) -> None:
    array = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert script.idx(array) == b"\0\0\x08\x03" + b"\0\0\0\1" + b"\0\0\0\2" + b"\0\0\0\3" + bytes(range(6))
