"""The script of the dashboard on constructed claims: what is filtered and how it is sorted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import book_evidence
import book_site
import pytest
from book_evidence import Evidence

from repro.claims import ConditionJudgement, Judgement
from repro.protocol.claim import Claim

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-1")]

CONTENT: dict[str, Any] = {
    "paper": "book",
    "locator": "our question",
    "statement": "A beats B.",
    "quantity": {"metric": "auc", "contrast": ["a", "b"], "replicate": "partition"},
    "interval": "t",
    "criterion": {"kind": "direction"},
    "control": "flipped",
    "profiles": {"quick": "mechanism demo", "paper": "full"},
}
CLAIMS = {
    "toy-c1": ("reproduced", "not reproduced"),
    "toy-c2": ("inconclusive", "reproduced"),
    "other-c1": ("partly", "not run"),
}
"""Verdicts of the profiles quick and paper."""


def evidence(identifier: str) -> Evidence:
    claim = Claim.model_validate({**CONTENT, "id": identifier, "experiment": f"{identifier.partition('-')[0]}.trial"})
    verdicts: Any = zip(("quick", "paper"), CLAIMS[identifier], strict=True)
    entry = Evidence(claim)
    entry.__dict__["judgements"] = {
        profile: Judgement(claim, profile, verdict, (ConditionJudgement("", verdict),)) for profile, verdict in verdicts
    }
    return entry


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    html = book_evidence.render(
        "dashboard.html",
        name="dashboard",
        entries=[evidence(identifier) for identifier in CLAIMS],
        verdicts=book_evidence.VERDICTS,
        studies=["other", "toy"],
        chapters={},
        table=lambda *key: None,
        disagreement=lambda entry: "#",
        script="",
    )
    opened = browser.new_page()
    opened.set_content(f"<main>{html}</main>")
    opened.add_script_tag(path=book_site.ROOT / "book" / "_static" / "dashboard.js")
    yield opened
    opened.close()


def shown(page: Any) -> list[str]:
    return page.eval_on_selector_all("table.dashboard > tbody:not([hidden])", "groups => groups.map((g) => g.id)")


@pytest.mark.parametrize("verdict", ["", *book_evidence.VERDICTS])
def test_the_filter_shows_the_claims_that_the_tally_counts(page: Any, verdict: str) -> None:
    page.get_by_label("Verdict", exact=True).select_option(verdict)
    wanted = [name for name in CLAIMS if not verdict or evidence(name).headline.verdict == verdict]
    counts = [group.counts.get(verdict, 0) for group in book_evidence.tally([evidence(name) for name in CLAIMS])]
    assert not verdict or len(wanted) == sum(counts)
    assert shown(page) == wanted
    assert f"{len(wanted)} of {len(CLAIMS)} claims shown" in page.locator(".dashboard-status").inner_text()
    page.get_by_label("Verdict", exact=True).select_option("")


@pytest.mark.parametrize(("source", "number"), [("paper", 0), ("own", 3), ("", 3)])
def test_the_filter_by_source_tells_statements_of_papers_from_our_questions(
    page: Any, source: str, number: int
) -> None:
    page.get_by_label("Source", exact=True).select_option(source)
    assert len(shown(page)) == number


@pytest.mark.parametrize(("study", "claims"), [("toy", ["toy-c1", "toy-c2"]), ("other", ["other-c1"])])
def test_the_filter_by_study_shows_its_claims_and_no_others(page: Any, study: str, claims: list[str]) -> None:
    page.get_by_label("Study", exact=True).select_option(study)
    assert shown(page) == claims
    page.get_by_label("Study", exact=True).select_option("")


def test_by_verdict_means_by_that_of_the_largest_run(page: Any) -> None:
    page.get_by_label("Order", exact=True).select_option("verdict")
    places = {name: [book_evidence.VERDICTS.index(verdict) for verdict in CLAIMS[name]] for name in CLAIMS}
    headline = {name: quick if paper == book_evidence.VERDICTS.index("not run") else paper
                for name, (quick, paper) in places.items()}  # fmt: skip
    assert shown(page) == sorted(CLAIMS, key=headline.__getitem__)
    page.get_by_label("Order", exact=True).select_option("claim")
    assert shown(page) == list(CLAIMS)
