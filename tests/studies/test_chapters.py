"""Which chapter tells of which study."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repro import studies
from repro.ground.exceptions import StudyError

ROOT = Path(__file__).resolve().parents[2]
EMPTY = "from repro.protocol.experiment import Experiment\nEXPERIMENTS = ()\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Write studies into a package of their own, in place of those of the book."""
    monkeypatch.setattr(studies, "__path__", [str(tmp_path)])
    before = set(sys.modules)
    for kept in (studies._study_names, studies._experiments_of):
        kept.cache_clear()

    def write(name: str, start: str = "", experiments: str = EMPTY) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(start)
        (tmp_path / name / "experiments.py").write_text(experiments)
        studies._study_names.cache_clear()

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("repro.studies."):
            del sys.modules[name]
    for kept in (studies._study_names, studies._experiments_of):
        kept.cache_clear()


def test_every_study_has_a_chapter_and_every_chapter_a_study() -> None:
    pages = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    further = {page for page in pages - set(studies.chapters()) if page.rpartition("_")[0] in studies.chapters()}
    assert further == {"sade_cifar"}, "a page that goes on with a chapter has its name and a word more"
    assert set(studies.chapters()) == pages - further
    assert studies.chapter_of("naive_bayes") == "closed_form"
    assert studies.chapter_of("smote") == "smote"


def test_studies_that_name_the_same_chapter_share_it(house: Callable[..., None]) -> None:
    house("the_other", 'CHAPTER = "together"\n')
    house("alone")
    house("also_two", 'CHAPTER = "together"\n')
    assert studies.chapters() == {"alone": ["alone"], "together": ["also_two", "the_other"]}


@pytest.mark.parametrize("chapter", ['"Two Words"', "3", '""'])
def test_a_chapter_that_is_no_name_is_refused(house: Callable[..., None], chapter: str) -> None:
    house("odd", f"CHAPTER = {chapter}\n")
    with pytest.raises(ValueError, match=r"CHAPTER of study 'odd' must be the name of a chapter"):
        studies.chapter_of("odd")


def test_a_study_does_not_take_the_name_of_a_chapter_it_is_not_in(house: Callable[..., None]) -> None:
    house("first", 'CHAPTER = "second"\n')
    house("second", 'CHAPTER = "third"\n')
    with pytest.raises(ValueError, match=r"study 'second' belongs to chapter 'third', but first share a chapter"):
        studies.chapters()


def test_two_studies_of_one_name_are_refused(house: Callable[..., None], tmp_path: Path) -> None:
    house("twice")
    (tmp_path / "twice.py").write_text("")
    studies._study_names.cache_clear()
    with pytest.raises(ValueError, match=r"two studies are called 'twice'"):
        studies.study_names()


def test_two_experiments_of_one_name_are_refused(house: Callable[..., None]) -> None:
    declared = 'Experiment("double.x", "x", (), print, {})'
    house("double", experiments=EMPTY.replace("()", f"({declared}, {declared})"))
    with pytest.raises(ValueError, match=r"experiment 'double.x' is declared twice in study 'double'"):
        studies.experiments("double")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            EMPTY.replace("EXPERIMENTS = ()", "EXPERIMENTS = (\n    Experiment(nam='x'),\n)"),
            r"odd/experiments.py:3: TypeError: .*unexpected keyword argument 'nam'",
        ),
        ("EXPERIMENTS = (\n", r"odd/experiments.py:1: '\(' was never closed"),
        ("import repro.no_such_room\n", r"odd/experiments.py:1: ModuleNotFoundError: No module named"),
        ("EXPERIMENT = ()\n", r"odd/experiments.py: AttributeError: module .* has no attribute 'EXPERIMENTS'"),
    ],
)
def test_a_mistake_in_the_declarations_is_named_by_file_and_line(
    house: Callable[..., None], text: str, place: str
) -> None:
    house("odd", experiments=text)
    with pytest.raises(StudyError, match=place):
        studies.experiments("odd")
