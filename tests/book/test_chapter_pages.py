"""Directives that say what came out: sentences that hold, the list of chapters, the picture of risks, the advice."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import book_evidence
import book_site
import chapter_pages
import pytest
from book_site import ROOT
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from repro.claims import Findings
from repro.ground.exceptions import ResultsError

ADVICE = (ROOT / "book" / "what-to-do.md").read_text(encoding="utf-8")


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[BeautifulSoup, str]]:
    """Build one page with the directives; gives the page and the warnings of a strict build."""
    monkeypatch.setattr(chapter_pages, "chapter_names", lambda app: ["smote"])

    def build(text: str) -> tuple[BeautifulSoup, str]:
        source = tmp_path / "source"
        for name, content in (
            ("index", "# Index\n\n```{toctree}\nbook/claims\nbook/page\nnotebooks/smote\n```"),
            ("book/claims", "# Claims"),
            ("book/page", f"# Page\n\n{text}"),
            ("notebooks/smote", "# SMOTE: does it help?"),
        ):
            file = source / f"{name}.md"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{content}\n", encoding="utf-8")
        warnings = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                source, None, tmp_path / "html", tmp_path / "doctrees", "html", status=None, warning=warnings,
                confoverrides={"extensions": ["myst_parser", "chapter_pages"]}, warningiserror=True, keep_going=True,
            )  # fmt: skip
            part = SimpleNamespace(caption="Tables & more", items=["notebooks/smote"])
            site_map = SimpleNamespace(root=SimpleNamespace(subtrees=[SimpleNamespace(caption=None, items=[]), part]))
            app.add_config_value("external_site_map", site_map, "env")
            app.build()
        return book_site.parsed.__wrapped__(tmp_path / "html" / "book" / "page.html"), warnings.getvalue()

    return build


def finding(text: str, holds: str) -> str:
    return f"```{{finding}}\n:holds: {holds}\n{text}\n```"


def test_a_finding_shows_todays_numbers_and_links_to_cards_or_rows(read: Any) -> None:
    page, warnings = read(finding("**Clear** in {{ count('smote-c2') }}, {{ count('sade-f') }}.", "true"))
    said = page.find("p", class_="finding")
    count = Findings("paper").count("smote-c2")
    assert said.get_text().startswith(f"Clear in {count}, ")
    assert said.find("strong").get_text() == "Clear"
    assert [link["href"] for link in said.find_all("a")] == [
        "../notebooks/smote.html#card-smote-c2",  # the chapter is part of this book
        "claims.html#sade-f",  # this one is not
    ]
    assert warnings == ""


def test_a_finding_that_no_longer_holds_says_that_the_evidence_has_changed(read: Any) -> None:
    page, _ = read(finding("Always in {{ count('smote-c2') }}.", "verdict('smote-c2') == 'reproduced'"))
    said = page.find("p", class_="finding-changed")
    assert "evidence that has changed" in said.get_text()
    assert "Always" not in said.get_text()
    assert said.find("a")["href"].endswith("#card-smote-c2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```{finding}\nText.\n```", "needs the option holds"),
        (finding("{{ count('smote-c22') }}", "true"), "smote-c2"),
        (finding("Text.", "verdict("), "unexpected"),
    ],
)
def test_a_finding_that_cannot_be_said_stops_the_build(read: Any, text: str, message: str) -> None:
    assert message in read(text)[1]


def test_the_list_of_chapters_says_what_came_out_in_each_part(read: Any) -> None:
    page, _ = read("```{chapter-list}\n```")
    part = page.find(class_="chapter-part")
    assert part.find("h3").get_text() == "Tables & more"
    assert part.select_one(".chapter-title a")["href"] == "../notebooks/smote.html"
    assert part.select_one(".chapter-title").get_text() == "SMOTE: does it help?"
    assert "ranks as well without SMOTE" in part.select_one(".chapter-finding").get_text()
    claims = [entry for entry in book_evidence.all_evidence().values() if entry.claim.study == "smote"]
    counted = re.findall(
        r"(\d+) (?:reproduced|partly|not reproduced|inconclusive)", part.select_one(".chapter-about").text
    )
    assert sum(map(int, counted)) == len(claims)


def test_a_chapter_counts_all_its_studies_and_one_without_findings_has_none(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chapter_pages, "chapters", lambda: {"smote": ["presto", "smote"]})
    monkeypatch.setattr(chapter_pages, "sentences", lambda study: ())
    page, _ = read("```{chapter-list}\n```")
    assert page.select(".chapter-finding") == []
    about = page.select_one(".chapter-about").get_text()
    assert "Chawla et al. 2002" in about
    assert "Faletto and Bien 2023" in about


def test_the_picture_of_risks_shows_the_judged_effects(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = read("```{risk-picture}\n```")
    rows = page.select(".risk-row:not(.risk-axis)")
    assert [row.select_one(".risk-name").get_text() for row in rows] == ["Phoneme", "Adult", "Mammography"]
    found = Findings("paper", dataset="mammography")
    ratio = math.exp(found.condition("smote-m2", method="over", metric="log_risk_ratio").estimate or 0)
    assert rows[2].select_one(".risk-when-sampled").get_text() == f"{ratio:.1f} times"
    repaired = math.exp(found.condition("smote-m4", method="over_corrected", metric="log_risk_ratio").estimate or 0)
    assert rows[2].select_one(".risk-when-corrected").get_text() == f"{repaired:.2f} times"
    place = re.search(r"--sampled:([\d.]+)%", rows[2].select_one(".risk-track")["style"])
    assert place
    assert float(place[1]) == pytest.approx(100 * math.log(ratio) / math.log(chapter_pages.WIDEST), abs=0.1)


def test_statements_to_guess_are_those_of_papers_with_a_verdict(read: Any) -> None:
    page, _ = read("```{guess-list}\n```")
    items = page.select(".guess-item")
    known = book_evidence.all_evidence()
    studies = [item["data-claim"].partition("-")[0] for item in items]
    assert max(map(studies.count, studies)) <= 3
    assert len(set(studies)) == len({name.partition("-")[0] for name in known})
    for item in items:
        entry = known[item["data-claim"]]
        assert entry.claim.paper != "book"
        assert entry.headline.verdict not in ("not run", "inconclusive")
        assert item["data-out"] == str(int(entry.headline.verdict == "reproduced"))
        assert not item.find("details").has_attr("open")


@pytest.mark.parametrize("missing", [True, False])
def test_the_picture_is_left_out_where_its_title_would_not_be_true(
    read: Any, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    found = Findings("paper").conditions("smote-c2")  # not all of them are reproduced

    def conditions(*_: Any, **__: Any) -> Any:
        if missing:
            raise ResultsError("no table")
        return found

    monkeypatch.setattr(chapter_pages, "Findings", lambda *_, **__: SimpleNamespace(conditions=conditions))
    assert read("```{risk-picture}\n```")[0].find(class_="risk-picture") is None


def test_every_sentence_of_the_advice_still_holds() -> None:
    from repro.claims import Sentence, say

    blocks = re.findall(r"```\{finding\}\n:holds: (.+)\n([\s\S]+?)\n```", ADVICE)
    assert len(blocks) == ADVICE.count("```{finding}") > 10
    for holds, text in blocks:
        said = say(Sentence(say=text, holds=holds))
        assert said.holds, text
        assert said.claims, text


def test_the_code_of_the_advice_runs_in_the_order_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n([\s\S]+?)```", ADVICE):
        exec(compile(block, "what-to-do.md", "exec"), names)
    share, prior = names["corrected"].mean(), names["y_test"].mean()
    assert abs(share - prior) < abs(names["raw"].mean() - prior), "the correction brings the mean risk nearer"
    assert capsys.readouterr().out


def test_every_step_of_the_advice_is_reached_from_the_table_and_says_what_is_not_known() -> None:
    steps = re.findall(r"^\((advice-\w+)\)=\n## ", ADVICE, re.MULTILINE)
    assert steps == re.findall(r"^\| \[[^]]+\]\((advice-\w+)\)", ADVICE, re.MULTILINE)
    for part in re.split(r"^\(advice-", ADVICE, flags=re.MULTILINE)[1:]:
        assert "```{finding}" in part
        assert "```python" in part
        assert "*Not known here:*" in part
