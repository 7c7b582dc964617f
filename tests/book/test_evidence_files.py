"""Files of the site for programs: valid by foreign validators, complete, and in agreement with the pages."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import evidence_files
import jsonschema
import pytest
from book_inputs import toc_files
from bs4 import BeautifulSoup

from repro.claims import all_claims
from repro.claims.document import ROW_COLUMNS

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]


def test_claims_are_published_with_the_schema_that_they_follow(site: Path) -> None:
    content = json.loads((site / "claims.json").read_bytes())
    jsonschema.Draft202012Validator(json.loads((site / "claims.schema.json").read_bytes())).validate(content)
    assert [claim["id"] for claim in content["claims"]] == list(all_claims())
    for claim in content["claims"]:
        for run in claim["runs"]:
            for address in filter(None, (run["table"], run["provenance"])):
                assert (site / address).is_file(), address


def test_cards_are_found_at_their_published_addresses(site: Path, pages: dict[str, BeautifulSoup]) -> None:
    content = json.loads((site / "claims.json").read_bytes())
    for claim in content["claims"]:
        page, _, place = claim["card"].partition("#")
        assert pages[page].find(id=place), claim["card"]


def test_the_table_of_claims_has_the_documented_columns(site: Path) -> None:
    with (site / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(ROW_COLUMNS)
    assert {row["claim"] for row in rows} == set(all_claims())


def test_the_crate_describes_files_that_are_there_with_their_checksums(site: Path) -> None:
    graph = json.loads((site / "ro-crate-metadata.json").read_bytes())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph), "no two entities have the same address"
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert entities["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = entities["./"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", root["datePublished"])
    assert root["license"]["@id"] in entities
    named = [part["@id"] for part in root["hasPart"]]
    assert set(named) == {name for name, entity in entities.items() if entity["@type"] == "File"}
    for name in named:
        content = (site / name).read_bytes()
        if "sha256" in entities[name]:
            assert hashlib.sha256(content).hexdigest() == entities[name]["sha256"]
            assert entities[name]["subjectOf"]["@id"] in entities


def test_every_page_is_listed_with_its_text(site: Path) -> None:
    listed = re.findall(r"^- \[.+\]\((.+\.md)\)$", (site / "llms.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [f"{name}.md" for name in toc_files()]
    for name in listed:
        text = (site / name).read_text(encoding="utf-8")
        assert text.startswith("# "), name
        assert "Show code cell source" not in text, name
        assert "<svg" not in text, name
    advice = (site / "book" / "what-to-do.md").read_text(encoding="utf-8")
    assert "{{" not in advice, "sentences are filled in"
    assert "\n## " in advice


def test_a_page_without_an_article_has_no_text() -> None:
    assert evidence_files.as_markdown("<html><body><p>Moved.</p></body></html>") == ("", "")


def test_figures_are_told_in_words_and_folded_code_is_left_out() -> None:
    html = (
        '<article class="bd-article"><h1>Title<a class="headerlink" href="#x">#</a></h1>'
        '<details class="hide above-input"><summary>Show code cell source</summary><pre>secret()</pre></details>'
        '<p>Text <img src="a.png" alt="Two bars."></p><svg><text>x</text></svg></article>'
    )
    title, text = evidence_files.as_markdown(html)
    assert title == "Title"
    assert text == "# Title\n\nText [Figure: Two bars.]\n"
