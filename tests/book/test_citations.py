"""Entries to copy: valid BibTeX with version and lasting address; how old a chapter is; the data statement."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import citations
import data_statement
import pybtex.database
import pytest
import yaml
from book_evidence import all_evidence
from book_inputs import ROOT, toc_files
from book_site import parsed
from bs4 import BeautifulSoup

from repro.claims import all_claims
from repro.data.registry import registry
from repro.studies import chapters

EDITION = citations.Edition(
    "The Book's authors", "The Book", "2026", "1.2.3", "https://github.com/a/b", "https://a.org/b/"
)


def read(text: str) -> pybtex.database.Entry:
    (entry,) = pybtex.database.parse_string(text, "bibtex").entries.values()
    return entry


def test_signs_and_capitals_of_a_title_survive_tex() -> None:
    entry = read(citations.chapter_entry(EDITION, "a_b", "SMOTE & {x}: 5 % of C4.5?".replace("{x}", "AUPRC_2")))
    assert entry.fields["title"] == r"{SMOTE} \& {AUPRC}\_2: 5 \% of C4.5?"
    assert entry.fields["url"] == "https://github.com/a/b/blob/v1.2.3/notebooks/a_b.ipynb"
    assert entry.key == "imbalancebook-a_b"


def test_entry_of_a_claim_names_run_commit_version_and_card() -> None:
    found = all_evidence()["smote-c2"]
    entry = read(citations.claim_entry(EDITION, found))
    shown = found.headline
    assert shown.provenance
    assert entry.fields["version"] == "1.2.3"
    assert entry.fields["url"] == "https://a.org/b/notebooks/smote.html#card-smote-c2"
    for part in (shown.words, f"{shown.profile} run", shown.provenance.commit[:12]):
        assert part in entry.fields["note"]


def chapter_with_entry(name: str) -> tuple[str, str]:
    text = (ROOT / "notebooks" / f"{name}.py").read_text(encoding="utf-8")
    plain = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
    return re.search(r"^# (.+\?)$", plain, re.MULTILINE)[1], plain


@pytest.mark.parametrize("name", chapters())
def test_the_entry_at_the_end_of_a_chapter_is_the_one_that_is_made(name: str) -> None:
    import repro

    title, text = chapter_with_entry(name)
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    edition = citations.Edition(
        "The Imbalance Book contributors", "The Imbalance Book", "2026", repro.__version__, repository, ""
    )
    made = read(citations.chapter_entry(edition, name, title))
    typed = read(re.search(r"^@incollection\{imbalancebook-.*?^\}", text, re.MULTILINE | re.DOTALL)[0])
    assert typed.key == made.key
    assert dict(typed.fields) == dict(made.fields)
    assert typed.persons == made.persons


def test_a_fold_goes_into_each_card_and_into_no_other() -> None:
    how = "<details><summary>How it was judged</summary>x</details>"
    html = f'<details id="card-a-1"></details><div id="card-b-2">{how}</div>'
    assert [found[1] for found in citations.CARD.findall(html)] == ["b-2"]


def test_no_day_is_told_without_a_history(tmp_path: Path) -> None:
    assert citations.text_day(tmp_path, "smote") == ""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "shallow").touch()
    assert citations.text_day(tmp_path, "smote") == ""
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}", citations.result_day(["smote"]))
    assert citations.result_day(["no_study"]) == ""


def test_every_data_set_is_told_with_its_way_terms_and_problems() -> None:
    builder = SimpleNamespace(get_relative_uri=lambda here, there: there)
    app = SimpleNamespace(builder=builder, env=SimpleNamespace(titles={}))
    groups = {group["title"]: group["entries"] for group in data_statement.statement(app, "book/data")}
    told = {item["name"]: item for entries in groups.values() for item in entries}
    assert set(told) == {name for name in registry() if not name.startswith("keel/")} | {"keel/*"}
    embedded = {
        path.name.partition("-t")[0].removesuffix(".csv.gz") for path in (ROOT / "src/repro/data/embedded").glob("*.gz")
    }
    assert {item["name"].replace("_", "-") for item in groups["Part of the package"]} == embedded
    assert "archive.ics.uci.edu" in told["forest_cover"]["obtained"]
    assert told["keel/*"]["title"] == "KEEL, 102 two-class sets"
    assert all(item["entry"].redistribution for item in groups["Part of the package"])
    assert {"auroc_auprc", "smote"} <= set(data_statement.uses()["adult"])


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_all_entries_are_in_one_file_that_can_be_read(site: Path) -> None:
    entries = pybtex.database.parse_file(str(site / "citations.bib")).entries
    names = [Path(name).name for name in toc_files() if name.startswith("notebooks/")]
    wanted = ["imbalancebook", *(f"imbalancebook-{name}" for name in [*names, *all_claims()])]
    assert list(entries) == wanted
    assert entries["imbalancebook"].fields["title"] == "The Imbalance Book"
    for name in all_claims():
        page, _, place = entries[f"imbalancebook-{name}"].fields["url"].partition("/notebooks/")[2].partition("#")
        assert parsed(site / "notebooks" / page).find(id=place), name


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_cards_fold_their_entry_and_chapters_say_their_age(pages: dict[str, BeautifulSoup]) -> None:
    for address, page in pages.items():
        if not address.startswith("notebooks/"):
            continue
        (line,) = page.select(".chapter-state")
        assert re.match(r"Version \d+\.\d+\.\d+ · .*newest result of \d+ [A-Z][a-z]+ \d{4}", line.get_text())
        for card in page.select("div.repro-card"):
            (entry,) = card.select("details div.highlight > pre")
            assert f"{{imbalancebook-{card['id'].removeprefix('card-')}," in entry.get_text()
    assert len(pages["book/data.html"].select(".data-statement details")) > 20
