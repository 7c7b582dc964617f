"""The dashboard on constructed claims: filters and their counts, order, address, and what five hundred claims cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import book_evidence
import book_site
import claims_dashboard
import pytest
from book_evidence import Evidence
from bs4 import BeautifulSoup

from repro.claims import ConditionJudgement, ControlJudgement, Judgement
from repro.protocol.claim import Claim

browser_only = [pytest.mark.browser, pytest.mark.xdist_group("browser-1")]

CONTENT: dict[str, Any] = {
    "paper": "book",
    "locator": "our question",
    "statement": "A beats B.",
    "quantity": {"metric": "auc", "contrast": ["a", "b"], "conditions": "dataset", "replicate": "partition"},
    "interval": "t",
    "criterion": {"kind": "direction"},
    "control": "flipped",
    "profiles": {"quick": "mechanism demo", "paper": "full"},
}
CLAIMS = {
    "toy-c1": ("chawla2002", "reproduced", "not reproduced", ("pima",)),
    "toy-c2": ("book", "inconclusive", "reproduced", ("pima", "oil_spill")),
    "other-c1": ("faletto2023", "partly", "not run", ("phoneme",)),
    "toy-c3": ("chawla2002", "reproduced", "reproduced", ("oil_spill",)),
}
"""Paper, verdicts of the profiles quick and paper, and data sets."""

STYLES = ("book/_static/dashboard.css", "src/repro/claims/templates/style/verdicts.css")


def judgement(claim: Claim, profile: str, verdict: Any, datasets: tuple[str, ...]) -> Judgement:
    of_each = "reproduced" if verdict == "partly" else verdict
    found = [
        ConditionJudgement(name, of_each, estimate=0.1, interval=(0.05, 0.15), replicates=5, settings={"dataset": name})
        for name in (datasets if verdict != "not run" else ())
    ]
    control = ControlJudgement("flipped", "not reproduced")
    return Judgement(claim, profile, verdict, tuple(found), control=control, mechanism_demo=profile == "quick")


def evidence(identifier: str, template: str | None = None) -> Evidence:
    paper, quick, full, datasets = CLAIMS[template or identifier]
    experiment = f"{identifier.partition('-')[0]}.trial"
    claim = Claim.model_validate({**CONTENT, "id": identifier, "paper": paper, "experiment": experiment})
    entry = Evidence(claim)
    entry.__dict__["judgements"] = {
        "quick": judgement(claim, "quick", quick, datasets),
        "paper": judgement(claim, "paper", full, datasets),
    }
    return entry


ENTRIES = {identifier: evidence(identifier) for identifier in CLAIMS}


def html_of(entries: list[Evidence]) -> str:
    return book_evidence.render(
        "dashboard.html",
        name="dashboard",
        entries=entries,
        filters=claims_dashboard.filters(entries),
        verdicts_csv="verdicts.csv",
        chapters={"toy": "toy.html"},
        table=lambda *key: ".".join(key[:2]) + key[2],
        disagreement=lambda entry: "#",
        script="dashboard.js",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of the constructed claims, one of five hundred, and what both need."""
    place = tmp_path_factory.mktemp("dashboard")
    names = list(CLAIMS)
    many = [evidence(f"toy-x{number}", names[number % len(names)]) for number in range(500)]
    styles = "".join((book_site.ROOT / name).read_text(encoding="utf-8") for name in STYLES)
    for name, entries in (("claims.html", list(ENTRIES.values())), ("many.html", many)):
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Claims</title><style>{styles}</style>'
        text = f"{head}<main>{html_of(entries)}</main>"
        (place / name).write_text(text, encoding="utf-8")
    script = (book_site.ROOT / "book" / "_static" / "dashboard.js").read_text(encoding="utf-8")
    (place / "dashboard.js").write_text(script, encoding="utf-8")
    return place


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    yield opened
    opened.close()


def shown(page: Any) -> list[str]:
    return page.eval_on_selector_all("table.dashboard > tbody:not([hidden])", "groups => groups.map((g) => g.id)")


def fitting(key: str, value: str) -> list[str]:
    """Claims that fit a choice, from what they were made of."""

    def fits(name: str) -> bool:
        paper, quick, full, datasets = CLAIMS[name]
        headline = ("quick", quick) if full == "not run" else ("paper", full)
        kinds = ["own" if paper == "book" else "paper", *(["stand-in"] if headline[0] == "quick" else [])]
        held = {
            "paper": [paper],
            "verdict": [headline[1]],
            "profile": [headline[0]],
            "dataset": datasets,
            "kind": kinds,
        }
        return value in held[key]

    return [name for name in CLAIMS if fits(name)]


CHOICES = [
    *[("verdict", verdict) for verdict in ("reproduced", "partly", "not reproduced")],
    *[("paper", paper) for paper in ("chawla2002", "faletto2023", "book")],
    *[("kind", kind) for kind in ("paper", "own", "stand-in")],
    *[("dataset", name) for name in ("pima", "oil_spill", "phoneme")],
    *[("profile", name) for name in ("quick", "paper")],
]


class TestInTheBrowser:
    """What the script does."""

    pytestmark = browser_only

    @pytest.mark.parametrize(("key", "value"), CHOICES)
    def test_a_filter_shows_the_claims_that_fit_and_keeps_them_in_the_address(
        self, page: Any, folder: Path, key: str, value: str
    ) -> None:
        page.goto((folder / "claims.html").as_uri())
        field = page.locator(f"[data-filter={key}]")
        count = field.locator(f'option[value="{value}"]').inner_text()
        field.select_option(value)
        wanted = fitting(key, value)
        assert shown(page) == wanted
        assert count.endswith(f"({len(wanted)})")
        assert f"{len(wanted)} of {len(CLAIMS)} claims shown" in page.get_by_role("status").inner_text()
        assert f"{key}={value.replace(' ', '+')}" in page.url
        page.reload()
        assert shown(page) == wanted

    def test_counts_agree_with_the_tally_and_its_badges_lead_to_what_they_count(self, page: Any, folder: Path) -> None:
        for group in book_evidence.tally(list(ENTRIES.values())):
            for verdict, count in group.counts.items():
                page.goto((folder / "claims.html").as_uri() + f"?kind={group.kind}&verdict={verdict}")
                assert len(shown(page)) == count
                option = page.locator(f'[data-filter=verdict] option[value="{verdict}"]').inner_text()
                assert option == f"{verdict} ({count})"

    def test_counts_of_a_choice_follow_the_other_choices(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri())
        page.locator("[data-filter=paper]").select_option("chawla2002")
        texts = page.locator("[data-filter=dataset] option").all_inner_texts()
        assert texts == ["all", "Oil (1)", "Phoneme (0)", "Pima (1)"]
        assert "Chawla et al. 2002 (2)" in page.locator("[data-filter=paper] option").all_inner_texts()
        assert "Faletto and Bien 2023 (1)" in page.locator("[data-filter=paper] option").all_inner_texts()

    def test_words_are_looked_for_one_by_one(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri())
        page.get_by_label("Text").fill("BEATS toy-c2")
        assert shown(page) == ["toy-c2"]
        page.get_by_label("Text").fill("nobody says this")
        assert shown(page) == []
        page.get_by_role("button", name="Show all").click()
        assert shown(page) == list(CLAIMS)
        assert "?" not in page.url

    def test_the_order_is_kept_in_the_address_and_turned_round_by_the_head(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri())
        page.get_by_label("Order").select_option("verdict")
        assert shown(page) == ["toy-c2", "toy-c3", "other-c1", "toy-c1"]
        head = page.get_by_role("button", name="Verdict")
        head.focus()
        page.keyboard.press("Enter")
        assert page.url.endswith("?order=-verdict")
        page.reload()
        assert shown(page) == ["toy-c1", "other-c1", "toy-c2", "toy-c3"]
        assert page.get_by_role("columnheader", name="Verdict").get_attribute("aria-sort") == "descending"

    def test_an_address_that_names_a_hidden_claim_shows_it(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri() + "?verdict=partly#toy-c3")
        assert shown(page) == list(CLAIMS)
        assert page.locator("#toy-c3").bounding_box()["y"] < page.viewport_size["height"]

    def test_unknown_values_of_an_address_are_passed_over(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri() + "?verdict=wonderful&order=size&colour=red")
        assert shown(page) == list(CLAIMS)

    def test_nothing_is_cut_and_the_head_stays_in_sight(self, page: Any, folder: Path) -> None:
        page.goto((folder / "many.html").as_uri())
        for width in (320, 390, 768, 1366, 2560):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            cut = "cells => cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length"
            assert page.eval_on_selector_all("table.dashboard tbody td, table.dashboard tbody th", cut) == 0
        page.evaluate("window.scrollTo(0, 9000)")
        assert page.locator("table.dashboard thead").bounding_box()["y"] < 100

    def test_five_hundred_claims_are_filtered_while_one_types(self, page: Any, folder: Path) -> None:
        page.goto((folder / "many.html").as_uri())
        milliseconds = page.evaluate(
            """() => {
              const field = document.querySelector("[data-filter=text]");
              return ["x1", "x12", "x1 beats", ""].map((text) => {
                const start = performance.now();
                field.value = text;
                field.dispatchEvent(new Event("input"));
                document.body.offsetHeight;
                return performance.now() - start;
              });
            }"""
        )
        assert sorted(milliseconds)[1] < 500, milliseconds

    def test_reasons_open_by_keyboard(self, page: Any, folder: Path) -> None:
        page.goto((folder / "claims.html").as_uri())
        reasons = page.locator("#toy-c1 details")
        assert not reasons.locator("dl").is_visible()
        reasons.locator("summary").focus()
        page.keyboard.press("Enter")
        assert reasons.locator("dl").is_visible()

    def test_without_scripts_every_claim_is_there_and_no_tool(self, browser: Any, folder: Path) -> None:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto((folder / "claims.html").as_uri() + "?verdict=partly")
        assert all(page.locator(f"#{name}").is_visible() for name in CLAIMS)
        assert not page.locator(".dashboard-tools").is_visible()
        context.close()


def test_a_row_is_one_claim_with_its_largest_run_a_drawing_and_the_way_to_its_card() -> None:
    page = BeautifulSoup(html_of(list(ENTRIES.values())), "html.parser")
    rows = page.select("table.dashboard > tbody")
    assert [row["id"] for row in rows] == list(CLAIMS)
    first, _, other, _ = rows
    assert first.find(class_="verdict").get_text(strip=True) == "✘not reproduced"
    text = " ".join(first.select_one("td[data-label=Verdict]").get_text(" ").split())
    assert text == "✘ not reproduced paper run; quick ✔ reproduced"
    assert first.svg["aria-label"] == "Forest plot of 1 condition, effects with 95 % intervals: 1 not reproduced."
    assert first.find("a", string="Chapter")["href"] == "toy.html#card-toy-c1"
    assert first.find("a", string="Chawla et al. 2002")["href"].startswith("https://doi.org/")
    assert "stand-in" in other.select_one("td[data-label=Verdict]").get_text()
    assert other.find("a", string="Chapter") is None


def test_why_stands_folded_in_every_row_with_control_and_tables() -> None:
    page = BeautifulSoup(html_of([ENTRIES["toy-c2"]]), "html.parser")
    (reasons,) = page.select("details")
    assert not reasons.has_attr("open")
    assert [title.get_text() for title in reasons.find_all("dt")] == [
        "Established", "What would change it", "Control", "Tables",
    ]  # fmt: skip
    assert [link["href"] for link in reasons.find_all("a")][:4] == [
        "toy.trial.quick.csv", "toy.trial.quick.json", "toy.trial.paper.csv",
        "toy.trial.paper.json",
    ]  # fmt: skip
    assert "flipped: ✓ the claim fails there, as it must" in reasons.get_text()


def test_five_hundred_claims_make_a_page_of_less_than_two_megabytes(folder: Path) -> None:
    assert (folder / "many.html").stat().st_size < 2_000_000


def test_badges_of_the_tally_lead_to_the_dashboard() -> None:
    html = book_evidence.render(
        "summary.html",
        tallies=book_evidence.tally(list(ENTRIES.values())),
        looks=book_evidence.multiplicity(list(ENTRIES.values())),
        only_looks=False,
        judged=4,
        waiting=0,
        papers=2,
        dashboard="#",
        here=True,
        reading="how-to-read.html",
    )
    links = [link["href"] for link in BeautifulSoup(html, "html.parser").select(".tally a")]
    assert links[0] == "?kind=paper&verdict=reproduced"
    assert all(re.fullmatch(r"\?kind=(paper|own)&verdict=[a-z%0-9+]+", link) for link in links)
