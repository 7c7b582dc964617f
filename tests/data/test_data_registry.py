from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from data_helpers import MIRRORED

from repro.data import checksum, describe, load, names
from repro.data.dataset import Table, image_checksum, table_checksum
from repro.data.registry import RegistryError, TableEntry, parse_registry, registry
from repro.ground.exceptions import UnknownName

REGISTRY = Path(__file__).parents[2] / "src" / "repro" / "data" / "registry.yml"


def test_every_table_route_has_a_converter_and_its_files() -> None:
    from repro.data.images import IMAGE_CONVERTERS
    from repro.data.tables import CONVERTERS

    for name, entry in registry().items():
        parts = [entry] if isinstance(entry, TableEntry) else list(entry.splits.values())
        converters = CONVERTERS if isinstance(entry, TableEntry) else IMAGE_CONVERTERS
        for part in parts:
            for route_name, route in part.routes.items():
                assert route.converter in converters, name
                assert bool(route.files) == (route_name != "scikit-learn"), name
                assert all((file.url is not None) == (route_name == "origin") for file in route.files), name


def test_what_may_not_be_redistributed_is_not_embedded() -> None:
    licences = {}
    for name, entry in registry().items():
        parts = [entry] if isinstance(entry, TableEntry) else list(entry.splits.values())
        if any("embedded" in part.routes for part in parts):
            assert entry.redistribution, name
            licences[name] = entry.licence
    assert licences == {
        "adult": "CC BY 4.0",
        "german_credit": "CC BY 4.0",
        "prediabetes": "MIT",
        "mnist-subset": "CC BY-SA 3.0",
    }


def test_every_embedded_file_is_attributed_and_its_licence_named() -> None:
    folder = REGISTRY.parent / "embedded"
    attribution = (folder / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for path in folder.iterdir():
        assert path.name == "ATTRIBUTION.md" or f"`{path.name}`" in attribution, path.name
    assert "https://creativecommons.org/licenses/by-sa/3.0/" in attribution
    licence = (REGISTRY.parents[3] / "LICENSE").read_text(encoding="utf-8")
    assert all(name in licence for name in ("CC BY 4.0 for Adult", "MIT License for PreDiabetes", "CC BY-SA 3.0 for"))


def test_public_addresses_are_pinned_to_a_commit() -> None:
    for name in MIRRORED:
        for file in registry()[name].routes["origin"].files:  # type: ignore[union-attr]
            assert any(len(part) == 40 for part in str(file.url).split("/")), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licence": None}, "data set 'wine': key 'licence'"),
        ({"colour": "red"}, "data set 'wine': key 'colour': Extra inputs are not permitted"),
        ({"checksum": "abc"}, "data set 'wine': key 'checksum'"),
        ({"checksum": None}, "data set 'wine'.*a table without checksum needs the sha256 of every file"),
        ({"routes": {"ftp": {"converter": "x"}}}, "key 'routes.ftp"),
        ({"routes": {"origin": {"converter": "x", "files": [{"path": "../x"}]}}}, "key 'routes.origin.files.0.path'"),
    ],
)
def test_a_malformed_entry_is_named(change: dict[str, object], message: str) -> None:
    raw = yaml.safe_load(REGISTRY.read_text())
    raw["tables"] = {"wine": {**raw["tables"]["wine"], **change}}
    with pytest.raises(RegistryError, match=message):
        parse_registry(yaml.safe_dump(raw))


def test_a_registry_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(RegistryError, match="no valid YAML"):
        parse_registry("tables: [")


def test_names_are_listed_by_pattern() -> None:
    assert len(names("keel/*")) == 102
    assert names("keel/glass?") == [f"keel/glass{digit}" for digit in "012456"]
    assert {"adult", "mammography", "soup", "mnist", "cifar100"} < set(names())


def test_checksum_needs_no_data() -> None:
    assert checksum("mammography") == registry()["mammography"].checksum  # type: ignore[union-attr]
    assert len(checksum("cifar100")) == 64
    assert checksum("cifar100") != checksum("mnist")


def test_checksum_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(b"a,b\n1,2\n")
    assert checksum(str(path)) == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    with pytest.raises(UnknownName, match="unknown data set 'adlut'; did you mean 'adult'"):
        checksum("adlut")


def test_the_table_checksum_is_the_documented_byte_stream() -> None:
    table = Table(
        pd.DataFrame({"a": [1, -2], "b": [0.5, np.nan], "c": pd.Categorical(["y", None], ["x", "y"])}),
        pd.Series([0, 1], name="t"),
        pd.DataFrame({"g": pd.Categorical([2, 1], [1, 2], ordered=True)}),
    )
    stream = b"repro table 1\n"
    stream += b'["features","a","integer",2,[]]\n' + np.array([1, -2], "<i8").tobytes()
    stream += b'["features","b","float",2,[]]\n' + np.array([0.5, np.nan], "<f8").tobytes()
    stream += b'["features","c","nominal",2,["x","y"]]\n' + np.array([1, -1], "<i4").tobytes()
    stream += b'["target","t","integer",2,[]]\n' + np.array([0, 1], "<i8").tobytes()
    stream += b'["groups","g","ordered",2,[1,2]]\n' + np.array([1, 0], "<i4").tobytes()
    assert table_checksum(table) == hashlib.sha256(stream).hexdigest()


def test_the_table_checksum_sees_every_kind_of_change() -> None:
    def sum_of(**changes: object) -> str:
        columns = {"a": [1, 2], "b": pd.Categorical(["x", "y"])} | changes
        return table_checksum(Table(pd.DataFrame(columns), pd.Series([0, 1], name="t")))

    variants = [
        sum_of(),
        sum_of(a=[1, 3]),
        sum_of(a=[1.0, 2.0]),
        sum_of(b=pd.Categorical(["x", "y"], ["y", "x"])),
        sum_of(b=pd.Categorical(["x", "z"])),
        sum_of(c=[0, 0]),
    ]
    assert len(set(variants)) == len(variants)
    object_labels = pd.Series(["x", "y"], dtype=object).astype("category")
    assert sum_of(b=object_labels) == sum_of()


def test_all_bit_patterns_of_a_missing_number_are_one() -> None:
    target = pd.Series([0, 1], name="t")
    for bits in (0x7FF8000000000000, 0x7FF00000000007A2, 0xFFF8000000000001):  # the second one is R's NA
        values = np.array([bits, 0], "<u8").view("<f8")
        assert table_checksum(Table(pd.DataFrame({"a": values}), target)) == table_checksum(
            Table(pd.DataFrame({"a": [np.nan, 0.0]}), target)
        )


def test_the_image_checksum_is_the_documented_byte_stream() -> None:
    images, labels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2), np.array([3, 4])
    stream = b"repro images 1\n[2,2,2]\n" + labels.astype("<i8").tobytes() + images.tobytes()
    assert image_checksum(images, labels) == hashlib.sha256(stream).hexdigest()


def test_the_summary_says_where_the_data_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def places() -> dict[str, str | None]:
        return {summary.name: summary.place for summary in describe()}

    before = places()
    assert (before["adult"], before["iris"], before["pima"]) == ("embedded", "scikit-learn", None)
    mirror = tmp_path / "mirror"
    (mirror / "pima").mkdir(parents=True)
    (mirror / "pima" / "pima-indians-diabetes.csv").touch()
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(mirror))
    assert places()["pima"] == "mirror"
    (cache / "pima").mkdir(parents=True)
    (cache / "pima" / "pima-indians-diabetes.csv.gz").touch()
    assert places()["pima"] == "cache"


def test_the_summary_holds_the_facts_of_the_registry() -> None:
    (pima,) = describe("pima")
    assert (pima.rows, pima.features, pima.class_counts) == (768, 8, {"0": 500, "1": 268})
    assert pima.untested_routes == ("origin",)
    (mnist,) = describe("mnist")
    assert (mnist.kind, mnist.rows, mnist.features) == ("images", 70000, 784)


def test_every_set_states_source_licence_and_citation() -> None:
    for entry in registry().values():
        assert all(text.strip() for text in (entry.title, entry.source, entry.licence, entry.citation))
        assert entry.citation_key.isidentifier()
    metadata = load("german_credit").metadata
    assert (metadata.licence, metadata.redistribution, metadata.route) == ("CC BY 4.0", True, "embedded")
    assert metadata.traps


def test_importing_the_package_does_not_read_the_registry() -> None:
    import subprocess
    import sys

    program = "import sys, repro; assert not {'repro.data', 'pandas', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_data_set_is_cited_in_the_bibliography_with_the_year_of_its_citation() -> None:
    text = (REGISTRY.parents[3] / "book" / "references.bib").read_text(encoding="utf-8")
    years = {
        entry.partition(",")[0]: re.search(r"^\s*year\s*=\s*\{(\d{4})\}", entry, re.MULTILINE)
        for entry in re.split(r"^@\w+\{", text, flags=re.MULTILINE)[1:]
    }
    for name, entry in registry().items():
        year = years.get(entry.citation_key)
        assert year is not None, f"book/references.bib has no entry {entry.citation_key!r}, the citation of {name}"
        assert f"({year[1]})" in entry.citation, name
