"""The local extensions, on constructed claims: what roles say, where they link, what they refuse, what is escaped."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import book_evidence
import book_site
import claims_dashboard
import page_fixes
import pandas as pd
import pytest
from book_evidence import Evidence
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from repro.claims import ConditionJudgement, ControlJudgement, Judgement
from repro.ground.exceptions import UnknownName
from repro.protocol.claim import Claim

CONTENT: dict[str, Any] = {
    "id": "toy-c1",
    "paper": "chawla2002",
    "locator": "Table 1",
    "statement": "A beats <script>alert(1)</script> & B.",
    "experiment": "toy.trial",
    "quantity": {"metric": "auc", "contrast": ["a", "b"], "conditions": "dataset", "replicate": "partition"},
    "interval": "t",
    "criterion": {"kind": "direction"},
    "control": "flipped",
    "profiles": {"quick": "mechanism demo", "paper": "full"},
}


def judgement(claim: Claim, profile: str, verdict: Any, *conditions: ConditionJudgement) -> Judgement:
    return Judgement(
        claim,
        profile,
        verdict,
        conditions=conditions,
        control=ControlJudgement("flipped", "not reproduced"),
        mechanism_demo=profile == "quick",
    )


def evidence(identifier: str = "toy-c1", paper: Any = "not run") -> Evidence:
    claim = Claim.model_validate({**CONTENT, "id": identifier, "experiment": f"{identifier.partition('-')[0]}.trial"})
    first = ConditionJudgement("pima", "reproduced", estimate=0.01234, interval=(0.0061, 0.0186), replicates=10)
    second = ConditionJudgement("phoneme", "not reproduced", estimate=-0.02, interval=(-0.03, -0.01), replicates=10)
    judgements = {"quick": judgement(claim, "quick", "reproduced", first)}
    judgements["paper"] = judgement(claim, "paper", paper, *((first, second) if paper != "not run" else ()))
    entry = Evidence(claim)
    vars(entry)["judgements"] = judgements
    return entry


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Evidence]:
    entries = {"toy-c1": evidence(), "toy-c2": evidence("toy-c2", "partly")}
    monkeypatch.setattr(book_evidence, "all_evidence", lambda: entries)
    return entries


@pytest.fixture
def read(tmp_path: Path, known: dict[str, Evidence]) -> Callable[[str], tuple[BeautifulSoup, str, int]]:
    """Build one page with the roles; gives the page, the warnings and the exit status of a strict build."""

    def build(text: str) -> tuple[BeautifulSoup, str, int]:
        source = tmp_path / "source"
        (source / "book").mkdir(parents=True)
        (source / "index.md").write_text("# Index\n\n```{toctree}\nbook/claims\nbook/page\n```\n", encoding="utf-8")
        (source / "book" / "claims.md").write_text("# Claims\n", encoding="utf-8")
        (source / "book" / "page.md").write_text(f"# Page\n\n{text}\n", encoding="utf-8")
        warnings = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                source, None, tmp_path / "html", tmp_path / "doctrees", "html", status=None, warning=warnings,
                confoverrides={"extensions": ["myst_parser", "claim_roles"]}, warningiserror=True, keep_going=True,
            )  # fmt: skip
            app.build()
        page = book_site.parsed.__wrapped__(tmp_path / "html" / "book" / "page.html")
        return page, warnings.getvalue(), app.statuscode

    return build


def test_a_page_judges_only_the_claims_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = {name: Claim.model_validate({**CONTENT, "id": name}) for name in ("toy-c1", "toy-c2")}
    judged = []

    def judge_profiles(claim: Claim, profiles: list[str]) -> list[Judgement]:
        judged.append((claim.id, profiles))
        return [judgement(claim, profile, "reproduced") for profile in profiles]

    monkeypatch.setattr(book_evidence, "all_claims", lambda: claims)
    monkeypatch.setattr(book_evidence, "judge_profiles", judge_profiles)
    entries = book_evidence.all_evidence.__wrapped__()
    assert [entry.claim.id for entry in entries.values()] == ["toy-c1", "toy-c2"]
    assert judged == []
    assert entries["toy-c2"].headline.profile == "paper"
    assert judged == [("toy-c2", ["quick", "paper"])]


def test_claim_role_shows_the_verdict_and_links_to_the_row(read: Any) -> None:
    page, warnings, status = read("See {claim}`toy-c2`.")
    link = page.find("a", class_="claim-link")
    assert link["href"] == "claims.html#toy-c2"
    assert link.find(class_="verdict-partly").get_text().endswith("partly, 1 of 2; 1 against")
    assert "mechanism demo" not in page.get_text()
    assert (warnings, status) == ("", 0)


def test_claim_role_falls_back_to_the_run_that_exists_and_marks_a_demo(read: Any) -> None:
    page, _, _ = read("See {claim}`toy-c1` and {claim}`toy-c1:paper`.")
    shown = [link.find(class_="verdict").get_text()[2:] for link in page.find_all("a", class_="claim-link")]
    assert shown == ["reproduced", "not run"]
    assert page.get_text().count("mechanism demo") == 1


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("{claim}`toy-c3`", "unknown claim 'toy-c3'; did you mean 'toy-c"),
        ("{claim}`toy-c1:papre`", "unknown profile of toy-c1 'papre'; did you mean 'paper'?"),
        ("{result}`toy-c1:quick`", "result must be 'claim:profile:field'"),
        ("{result}`toy-c1:quick:estimat`", "did you mean 'estimate'?"),
        ("{result}`toy-c2:paper:estimate`", "toy-c2 has no estimate in profile 'paper'"),
        ("{result}`toy-c2:paper:estimate:pina`", "did you mean 'pima'?"),
        ("{result}`toy-c1:paper:estimate`", "it is not run"),
    ],
)
def test_what_does_not_exist_fails_the_strict_build_with_its_name(read: Any, role: str, message: str) -> None:
    _, warnings, status = read(f"See {role}.")
    assert message in warnings
    assert status == 1


def test_result_role_gives_numbers_with_the_digits_of_their_interval(read: Any) -> None:
    roles = [
        "toy-c1:quick:estimate",
        "toy-c1:quick:interval",
        "toy-c2:paper:replicates:phoneme",
        "toy-c2:paper:verdict",
    ]
    page, _, status = read(" ".join(f"{{result}}`{role}`" for role in roles))
    assert [found.get_text() for found in page.find_all(class_="result-number")] == [
        "0.0123",
        "[0.0061, 0.0186]",
        "10",
        "partly",
    ]
    assert status == 0


def test_the_tally_tells_papers_from_own_questions_and_names_stand_ins() -> None:
    entries = [evidence(paper="partly"), evidence(), evidence(paper="partly")]
    assert [entry.headline.profile for entry in entries] == ["paper", "quick", "paper"]
    papers = book_evidence.Tally(
        "Statements of papers", "paper", {"reproduced": 1, "partly": 2}, {"reproduced": 1, "partly": 0}
    )
    assert book_evidence.tally(entries) == [papers]
    own = Evidence(entries[1].claim.model_copy(update={"paper": "book"}))
    vars(own)["judgements"] = entries[1].judgements
    ours = book_evidence.Tally("Questions of our own", "own", {"reproduced": 1}, {"reproduced": 1})
    assert book_evidence.tally([*entries, own]) == [papers, ours]
    assert book_evidence.tally([]) == []
    assert [entry.intervals for entry in entries] == [3, 1, 3]


def test_looks_are_counted_over_claims_with_several_conditions() -> None:
    entry = evidence(paper="partly")
    conditions = [replace(part, family_wise="inconclusive") for part in entry.judgements["paper"].conditions]
    entry.judgements["paper"] = replace(entry.judgements["paper"], conditions=tuple(conditions))
    assert book_evidence.multiplicity([entry, evidence()]) == book_evidence.Multiplicity(1, 1, 0, 4)


def test_a_single_training_at_paper_size_is_under_way_and_not_the_headline() -> None:
    one = ConditionJudgement("pima", "inconclusive", estimate=0.1, replicates=1, decides=False)
    entry = evidence(paper="inconclusive")
    begun = replace(entry.judgements["paper"], conditions=(one,), begun=(1, 3))
    entry.judgements["paper"] = begun
    assert (entry.headline.profile, entry.under_way) == ("quick", begun)
    assert book_evidence.tally([entry])[0].counts == {"reproduced": 1}


def test_papers_are_named_by_their_authors_and_linked_to_where_they_are_found() -> None:
    papers = book_evidence.papers()
    assert papers["chawla2002"] == book_evidence.Paper("Chawla et al. 2002", "https://doi.org/10.1613/jair.953")
    assert papers["nadeau2003"].name == "Nadeau and Bengio 2003"
    assert papers["vandengoorbergh2022"].name == "van den Goorbergh et al. 2022"
    assert papers["elor2022"].address == "https://arxiv.org/abs/2201.08528"
    assert papers["quinlan1993"] == book_evidence.Paper("Quinlan 1993", None)


def test_a_paper_that_the_bibliography_lacks_is_named() -> None:
    claim = Claim.model_validate({**CONTENT, "paper": "chawla2003"})
    with pytest.raises(
        UnknownName, match=r"paper of toy-c1 in book/references.bib 'chawla2003'; did you mean 'chawla2002'"
    ):
        book_evidence.paper_of(claim)
    assert book_evidence.paper_of(Claim.model_validate({**CONTENT, "paper": "book"})).address is None


def test_statements_are_escaped_in_the_dashboard() -> None:
    entry = evidence(paper="partly")
    html = book_evidence.render(
        "dashboard.html",
        name="dashboard",
        entries=[entry],
        filters=claims_dashboard.filters([entry]),
        verdicts_csv="verdicts.csv",
        chapters={},
        table=lambda *key: None,
        disagreement=lambda entry: 'https://example.org/?a="<b>',
        script="dashboard.js",
    )
    page = BeautifulSoup(html, "html.parser")
    assert [script.get("src") for script in page.find_all("script")] == ["dashboard.js"]
    assert "A beats <script>alert(1)</script> & B." in page.find("tbody").get_text()
    assert page.find("a", string="Report a disagreement")["href"] == 'https://example.org/?a="<b>'


def test_cards_are_linked_to_the_dashboard_and_rows_of_the_last_table_to_cards(known: dict[str, Evidence]) -> None:
    """One card is on the page, of the other claim there is only the row: it takes the place of its card."""
    card = '<div class="repro-card" id="card-toy-c1"><style>p {}</style><strong class="repro-id">toy-c1</strong></div>'
    rows = "".join(f'<th><span class="repro-id">{name}</span></th>' for name in ("toy-c1", "toy-c2", "odd-c1"))
    document = new_document("page")
    for html in (card, f'<div class="repro-claims"><style>p {{}}</style>{rows}</div>', "<p><style>p {}</style></p>"):
        document += claims_dashboard.raw(html)
    builder = SimpleNamespace(get_relative_uri=lambda here, there: f"../{there}.html")
    claims_dashboard.link_cards(cast(Any, SimpleNamespace(builder=builder)), document, "notebooks/page")
    first, last, other = (BeautifulSoup(node.astext(), "html.parser") for node in document.findall(nodes.raw))
    assert (first.style, last.style) == (None, None)
    assert other.style is not None
    assert first.a["href"] == "../book/claims.html#toy-c1"
    assert [(link.get("id"), link["href"]) for link in last.find_all("a")] == [
        (None, "#card-toy-c1"),
        ("card-toy-c2", "../book/claims.html#toy-c2"),
    ]


def test_disagreement_is_an_issue_filled_in_with_what_the_book_says() -> None:
    address = urlsplit(book_evidence.disagreement_address("https://github.com/someone/book", evidence(paper="partly")))
    query = {key: values[0] for key, values in parse_qs(address.query).items()}
    assert (address.netloc, address.path) == ("github.com", "/someone/book/issues/new")
    assert query["title"] == "Disagreement about toy-c1"
    assert CONTENT["statement"] in query["body"]
    assert "partly, 1 of 2; 1 against (`paper`; 1 of 2 conditions reproduced; no table)" in query["body"]


def test_repeated_inline_scripts_are_dropped_and_mathjax_where_there_is_no_formula() -> None:
    def script(filename: str | None = None, body: str | None = None) -> Any:
        return SimpleNamespace(filename=filename, attributes={"body": body} if body else {})

    scripts = [
        script(body="const THEBE_JS_URL = 1"), script("a.js"), script("a.js"), script(body="const THEBE_JS_URL = 1"),
        script(body="window.MathJax = {}"), script("_static/mathjax/tex-svg.js"),
    ]  # fmt: skip
    for formulas, left in ((True, 5), (False, 3)):
        domain = SimpleNamespace(data={"has_equations": {"page": formulas}})
        app: Any = SimpleNamespace(
            config=SimpleNamespace(mathjax_path="mathjax/tex-svg.js"),
            env=SimpleNamespace(get_domain=lambda name, found=domain: found),
        )
        context = {"script_files": list(scripts)}
        page_fixes.drop_needless_scripts(app, "page", "page.html", context, None)
        assert len(context["script_files"]) == left
        assert sum(bool(found.attributes.get("body", "").startswith("const")) for found in context["script_files"]) == 1


def test_pages_of_the_reference_share_one_navigation_and_other_pages_have_their_own() -> None:
    made: list[str] = []
    app = cast("Sphinx", SimpleNamespace())

    def navigation(page: str, **options: object) -> str:
        context: dict[str, Any] = {"generate_toctree_html": lambda **_: made.append(page) or f"contents for {page}"}
        page_fixes.share_navigation(app, page, "page.html", context, None)
        return str(context["generate_toctree_html"](**options))

    first, second = (navigation(f"book/api/generated/{name}", maxdepth=1) for name in ("one", "two"))
    assert first == second == "contents for book/api/generated/one"
    assert navigation("book/api/generated/two", maxdepth=2) == "contents for book/api/generated/two"
    assert navigation("book/api", maxdepth=1) == "contents for book/api"
    assert navigation("notebooks/smote", maxdepth=1) == "contents for notebooks/smote"
    page_fixes.share_navigation(app, "book/api/generated/one", "page.html", {}, None)


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_the_navigation_of_the_reference_marks_it_and_leads_somewhere(site: Path) -> None:
    pages = sorted((site / "book/api/generated").glob("*.html"))[::40]
    assert len(pages) > 5
    for page in pages:
        bar = book_site.parsed(page).select_one("nav.bd-docs-nav")
        assert [item.a["href"] for item in bar.select("li.current")] == ["../../api.html"]
        assert all((page.parent / link["href"]).resolve().is_file() for link in bar.select("a[href]"))


def test_address_and_version_are_filled_in_from_the_settings() -> None:
    app: Any = SimpleNamespace(
        config=SimpleNamespace(html_theme_options={"repository_url": "https://github.com/someone/book"})
    )
    source = ["git clone @repository@.git, version @version@"]
    page_fixes.fill_in_settings(app, "book/how-to-run", source)
    assert source[0].startswith("git clone https://github.com/someone/book.git, version ")
    assert "@" not in source[0]


def test_launch_button_opens_the_release_in_colab_and_the_branch_elsewhere() -> None:
    app: Any = SimpleNamespace(config=SimpleNamespace(html_theme_options={"repository_branch": "main"}))
    host = "https://colab.research.google.com/github/someone/main/blob"
    buttons = [{"text": name, "url": f"{host}/main/notebooks/main.ipynb"} for name in ("Colab", "Other")]
    context: dict[str, Any] = {"header_buttons": [{"text": "plain"}, {"type": "group", "buttons": buttons}]}
    page_fixes.open_the_release_in_colab(app, "notebooks/main", "page.html", context, None)
    assert buttons[0]["url"] == f"{host}/v{version('imbalance-book')}/notebooks/main.ipynb"
    assert buttons[1]["url"] == f"{host}/main/notebooks/main.ipynb"


def test_means_of_a_result_table_are_those_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        [
            ("late_tree", "folds", 1.0),
            ("late_tree", "folds", 0.0),
            ("late_tree", "plain_t", 0.25),
            ("ant", "folds", 1.0),
        ],
        columns=["learner", "method", "value"],
    ).assign(metric="covered")
    monkeypatch.setattr(book_evidence, "find_table", lambda *key: SimpleNamespace(frame=frame))
    shown = book_evidence.means("toy.trial", "quick", "covered", "learner", "method")
    assert shown.index.tolist() == ["late tree", "ant"]  # in the order of the table
    assert shown.loc["late tree"].to_dict() == {"folds": 0.5, "plain t": 0.25}
    assert shown.loc["ant"].isna().tolist() == [False, True]
    for wrong in (("coverd", "learner", "method"), ("covered", "lerner", "method")):
        with pytest.raises(UnknownName, match=r"did you mean 'covered'|did you mean 'learner'"):
            book_evidence.means("toy.trial", "quick", *wrong)
    monkeypatch.setattr(book_evidence, "find_table", lambda *key: None)
    with pytest.raises(UnknownName, match=r"unknown table 'toy\.trial\.quick'"):
        book_evidence.means("toy.trial", "quick", "covered", "learner", "method")
