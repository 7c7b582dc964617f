"""The built pages as they lie on the disk: complete, self-contained, linked, and true to the results."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import book_evidence as evidence
import pytest
import yaml
from book_inputs import toc_files
from book_site import ROOT
from bs4 import BeautifulSoup

import repro
from repro.claims import Scale, all_claims, headline, judge_all, judge_claim
from repro.protocol.profile import PROFILES
from repro.results import available_tables, provenance_path, read_bytes
from repro.studies import chapters

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

Pages = dict[str, BeautifulSoup]
NOTEBOOKS = [name for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def test_every_page_of_the_table_of_contents_is_there_and_says_something(pages: Pages) -> None:
    for name in toc_files():
        article = pages[f"{name}.html"].find("article")
        assert article is not None, name
        assert len(article.get_text().split()) > 50, name


def test_the_root_leads_to_the_landing_page(site: Path) -> None:
    assert "book/index.html" in (site / "index.html").read_text(encoding="utf-8")


def test_every_page_names_its_authors_and_year(pages: Pages) -> None:
    for name in toc_files():
        footer = pages[f"{name}.html"].find("footer", class_="bd-footer-content")
        assert "The Imbalance Book contributors" in footer.get_text(), name
        assert "2026" in footer.get_text(), name


def test_nothing_is_loaded_from_another_host(pages: Pages, site: Path) -> None:
    problems = []
    for name, page in pages.items():
        for tag, attribute in (
            ("script", "src"),
            ("img", "src"),
            ("source", "srcset"),
            ("iframe", "src"),
            ("object", "data"),
        ):
            values = [found[attribute] for found in page.find_all(tag) if found.get(attribute)]
            problems += [f"{name}: {value}" for value in values if urlsplit(value).netloc]
        for link in page.find_all("link"):
            if urlsplit(link.get("href", "")).netloc and set(link.get("rel", [])) - {"canonical"}:
                problems.append(f"{name}: {link['href']}")
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8", errors="replace")
        problems += [
            f"{style.name}: {found}" for found in re.findall(r"(?:@import|url\()\s*[\"']?(https?:[^\"')]+)", text)
        ]
    assert not problems


def test_thebe_is_declared_at_most_once(pages: Pages) -> None:
    counts = {name: str(page).count("const THEBE_JS_URL") for name, page in pages.items()}
    assert max(counts.values()) <= 1, counts


def test_no_page_shows_an_error_or_a_path_of_the_machine_that_built_it(pages: Pages) -> None:
    for name, page in pages.items():
        text = page.get_text()
        assert "Traceback (most recent call last)" not in text, name
        assert str(ROOT) not in str(page), name
        assert "problematic" not in {cls for tag in page.find_all(class_=True) for cls in tag["class"]}, name


def identifiers(page: BeautifulSoup) -> set[str]:
    return {tag[key] for key in ("id", "name") for tag in page.find_all(attrs={key: True})}


def test_every_internal_link_lands(pages: Pages, site: Path) -> None:
    known = {name: identifiers(page) for name, page in pages.items()}
    problems = []
    for name, page in pages.items():
        wanted = [tag["href"] for tag in page.find_all("a", href=True)]
        wanted += [tag["src"] for tag in page.find_all(["img", "script"], src=True)]
        for link in wanted:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or (link.startswith("#") and len(link) == 1):
                continue
            target = unquote(urlsplit(urljoin(f"/{name}", parts.path)).path).lstrip("/") if parts.path else name
            if target not in known and not (site / target).is_file():
                problems.append(f"{name}: {link}")
            elif parts.fragment and target in known and unquote(parts.fragment) not in known[target]:
                problems.append(f"{name}: {link} (no such anchor)")
    assert not problems


def test_every_picture_has_a_text_that_is_not_its_file_name(pages: Pages) -> None:
    problems = []
    for name, page in pages.items():
        for picture in page.find_all("img"):
            text, decorative = picture.get("alt"), "logo__image" in picture.get("class", [])
            file_name = text and re.search(
                r"\.(png|svg|jpe?g|gif|webp)$|^[\w./-]*/[\w./-]+$", text.strip(), re.IGNORECASE
            )
            if text is None or file_name or not (text.strip() or decorative):
                problems.append(f"{name}: {picture.get('src')} has the text {text!r}")
    assert not problems


def test_figures_of_chapters_are_described_in_a_sentence(pages: Pages) -> None:
    for name in NOTEBOOKS:
        for picture in pages[f"{name}.html"].select(".cell_output img"):
            assert len(picture["alt"].split()) >= 8, f"{name}: {picture['alt']!r}"


def test_launch_addresses_lead_to_notebooks_of_the_repository(pages: Pages) -> None:
    for name in NOTEBOOKS:
        hosts = set()
        for link in pages[f"{name}.html"].find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.netloc in {"colab.research.google.com", "mybinder.org"}:
                address = unquote(parts.path + "?" + parts.query).rstrip("?")
                path = address.partition(f"/blob/v{repro.__version__}/")[2] or address.partition("lab/tree/")[2]
                assert path.endswith(".ipynb"), link["href"]
                assert (ROOT / path).is_file(), link["href"]
                assert urlsplit(REPOSITORY).path in address, link["href"]
                hosts.add(parts.netloc)
        assert hosts == {"colab.research.google.com", "mybinder.org"}, name


def test_pages_without_a_notebook_offer_no_launch(pages: Pages) -> None:
    assert not [link for link in pages["book/index.html"].find_all("a", href=True) if "mybinder.org" in link["href"]]


def test_the_dashboard_shows_every_claim_as_it_is_judged(pages: Pages) -> None:
    page = pages["book/claims.html"]
    for claim in all_claims().values():
        group = page.find("tbody", id=claim.id)
        assert group is not None, claim.id
        text = " ".join(group.get_text().split())
        assert claim.statement in text
        assert claim.locator in text
        judged = [judge_claim(claim, profile) for profile in PROFILES if profile in claim.profiles]
        shown = headline(judged)
        cell = group.find("td", attrs={"data-label": "Verdict"})
        assert cell.find(class_="verdict").get_text().split()[1:] == shown.words.split(), claim.id
        assert group["data-verdict"] == shown.verdict
        assert ("after the run" in cell.get_text()) == shown.criterion_changed
        assert all(mark in cell.get_text() for mark in shown.marks)
        words = " ".join(cell.get_text().split())
        if shown.verdict != "not run":
            assert f"{shown.profile} run" in words, claim.id
        assert all(found.profile in words for found in judged if found is not shown), claim.id
        if len(shown.conditions) == 1:
            assert Scale.of(claim, shown.conditions[0]).texts(shown.conditions[0])[0] in text
        elif shown.conditions:
            assert f"{shown.counts} conditions reproduced" in text


def test_every_control_fails_as_it_must_and_does_not_look_like_a_failure(pages: Pages) -> None:
    titles = pages["book/claims.html"].find_all("dt", string="Control")
    assert len(titles) == len(all_claims())
    for title in titles:
        cell = title.find_next_sibling("dd")
        assert re.search("the claim fails there, as it must|not run", cell.get_text()), cell
        assert "verdict-" not in str(cell), cell


def test_the_table_of_verdicts_holds_every_judged_condition(site: Path) -> None:
    with (site / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["condition_verdict"]]
    wanted = [(found, condition) for found in judge_all() for condition in found.conditions]
    assert len(rows) == len(wanted)
    listed = Counter((row["claim"], row["profile"], row["condition_verdict"], row["estimate"]) for row in rows)
    for found, condition in wanted:
        estimate = "" if condition.estimate is None else repr(float(condition.estimate))
        assert listed[found.claim.id, found.profile, condition.verdict, estimate] > 0


def test_cards_have_a_place_each_and_every_claim_of_a_chapter_can_be_linked_to(pages: Pages) -> None:
    for name in NOTEBOOKS:
        page = pages[f"{name}.html"]
        found = [tag["id"] for tag in page.find_all(id=re.compile("^card-"))]
        assert len(set(found)) == len(found), name
        studies = chapters().get(Path(name).name, [])
        claims = {f"card-{claim.id}" for study in studies for claim in all_claims(study).values()}
        assert claims <= set(found), f"{name}: {claims - set(found)}"


def test_no_page_is_heavier_than_it_may_be(site: Path) -> None:
    assert (site / "book" / "claims.html").stat().st_size < 1_200_000


def test_every_claim_can_be_disagreed_with(pages: Pages) -> None:
    for claim in all_claims().values():
        group = pages["book/claims.html"].find("tbody", id=claim.id)
        address = next(link["href"] for link in group.find_all("a", href=True) if "/issues/new" in link["href"])
        assert address.startswith(f"{REPOSITORY}/issues/new?")
        assert claim.id in address


def test_tables_behind_the_verdicts_can_be_downloaded_unchanged(pages: Pages, site: Path) -> None:
    available = available_tables()
    assert available
    linked = {link["href"].removeprefix("../") for link in pages["book/claims.html"].find_all("a", download=True)}
    for (experiment, profile), path in available.items():
        study, _, short = experiment.partition(".")
        for suffix, content in ((".csv", read_bytes(path)), (".json", provenance_path(path).read_bytes())):
            copy = f"_tables/{study}/{short}.{profile}{suffix}"
            assert (site / copy).read_bytes() == content
            if profile != "control" and any(
                claim.experiment == experiment and profile in claim.profiles for claim in all_claims().values()
            ):
                assert copy in linked


def test_the_summary_counts_what_the_dashboard_shows(pages: Pages) -> None:
    page = pages["book/claims.html"]
    shown = sum(int(item.find("strong").get_text()) for item in page.select(".summary .tally li"))
    assert shown == len(all_claims()) == len(page.select("table.dashboard > tbody"))
    for verdict in evidence.VERDICTS:
        items = page.select(f".summary .tally li:has(.verdict-{verdict.replace(' ', '-')})")
        rows = page.select(f'table.dashboard > tbody[data-verdict="{verdict}"]')
        assert sum(int(item.find("strong").get_text()) for item in items) == len(rows), verdict


def test_landing_page_dashboard_and_guide_say_the_same_about_chance(pages: Pages) -> None:
    """Landing page and dashboard count the same claims, and all three name the same number of intervals."""
    texts = {
        name: " ".join(pages[f"book/{name}.html"].get_text().split()) for name in ("index", "claims", "how-to-read")
    }
    numbers = {name: re.search(r"rest on (\d+) intervals", text) for name, text in texts.items()}
    assert all(numbers.values())
    assert len({found[1] for found in numbers.values() if found}) == 1
    tallies = [
        [group.get_text() for group in pages[f"book/{name}.html"].select(".summary .tally")]
        for name in ("index", "claims")
    ]
    assert tallies[0] == tallies[1] != []


def test_every_tally_names_the_stand_ins(pages: Pages) -> None:
    entries = list(evidence.all_evidence().values())
    wanted = sum(entry.headline.mechanism_demo and entry.headline.verdict != "not run" for entry in entries)
    for selector in (".summary", ".chapters"):
        notes = [note.get_text() for note in pages["book/index.html"].select(f"{selector} .tally-note")]
        assert sum(int(note.split()[0]) for note in notes) == wanted > 0


def test_the_landing_page_lists_every_chapter(pages: Pages) -> None:
    links = {link["href"] for link in pages["book/index.html"].select(".chapters .chapter-title a")}
    assert links == {f"../{name}.html" for name in NOTEBOOKS}


def test_cards_of_a_chapter_link_to_the_dashboard_and_to_their_tables(pages: Pages) -> None:
    for name in NOTEBOOKS:
        for card in pages[f"{name}.html"].select(".repro-card"):
            assert card.find("a", href=re.compile(r"claims\.html#")), card.get("aria-label")
            assert not card.find("code", string=re.compile(r"\.csv$")), card.get("aria-label")


def test_every_paper_of_a_claim_is_in_the_bibliography() -> None:
    keys = set(
        re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {claim.paper for claim in all_claims().values()} - {"book"} <= keys


def test_every_public_name_of_the_package_has_a_reference_page(site: Path) -> None:
    import repro.claims
    import repro.geometry
    import repro.longtail
    import repro.metrics
    import repro.ordinal
    import repro.results
    import repro.sampling
    import repro.training
    import repro.trees

    rooms = (
        repro.claims,
        repro.geometry,
        repro.longtail,
        repro.metrics,
        repro.ordinal,
        repro.results,
        repro.sampling,
        repro.training,
        repro.trees,
    )
    for room in rooms:
        assert (site / f"book/api/generated/{room.__name__}.html").is_file()
        for name in room.__all__:
            if callable(getattr(room, name)):
                assert (site / f"book/api/generated/{room.__name__}.{name}.html").is_file(), f"{room.__name__}.{name}"
