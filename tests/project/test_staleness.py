"""What an edit makes stale: typical ones, each with the experiments and notebooks that depend on it, and no others."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jupytext
import pytest

from repro.ground import code
from repro.protocol.used import Use
from repro.results import experiment_hash
from repro.studies import experiments

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_notebooks  # noqa: E402

CHAPTERS = ("auroc_auprc", "mixup_collapse", "neural_collapse", "presto", "sade", "smote")
NONE: set[str] = set()


def text_of(module: str) -> str:
    base = SOURCES.joinpath(*module.split("."))
    return next(path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()).read_text("utf-8")


def with_one_line_more(module: str, function: str) -> tuple[str, str]:
    """Text of a function of a module, and the same with a line in front of its first return."""
    text = text_of(module)
    node = next(node for node in ast.parse(text).body if getattr(node, "name", None) == function)
    segment = ast.get_source_segment(text, node) or ""
    place = segment.index("    return ") if "    return " in segment else len(segment)
    return segment, f"{segment[:place]}    edited = 1\n{segment[place:]}"


def hashes() -> dict[str, str]:
    """Hash of every experiment and of what the code of every notebook uses of the package."""
    code.forget()
    found = {name: experiment_hash(experiment) for name, experiment in experiments().items()}
    for name in CHAPTERS:
        notebook = jupytext.read(ROOT / "notebooks" / f"{name}.py")
        cells = [book_notebooks._plain(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
        found[name] = code.hash_with_libraries(code.dependence_of_source("\n\n".join(cells)))
    return found


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return hashes()


@pytest.fixture
def stale(before: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., set[str]]]:
    """Edit modules, ``{module: (old, new)}``, in memory and say which experiments and notebooks that makes stale."""
    read = code._module_source

    def edit(**edits: tuple[str, str]) -> set[str]:
        changed = {name.replace("__", "."): change for name, change in edits.items()}
        for module, (old, _) in changed.items():
            assert old in text_of(module), f"{module} has no {old!r}"

        def edited(module: str) -> tuple[str, bool] | None:
            source = read(module)
            if source is None or module not in changed:
                return source
            return source[0].replace(*changed[module]), source[1]

        monkeypatch.setattr(code, "_module_source", edited)
        after = hashes()
        return {name for name in before if after[name] != before[name]}

    yield edit
    code.forget()


def test_a_new_metric_in_an_old_module_makes_nothing_stale(stale: Callable[..., set[str]]) -> None:
    function = "\n\ndef new_metric(y_true: object, score: object) -> float:\n    return 0.5\n\n\ndef ranking_summary("
    assert (
        stale(
            repro__metrics__ranking=("\n\ndef ranking_summary(", function),
            repro__metrics=("__all__ = [", "from repro.metrics.ranking import new_metric\n__all__ = ['new_metric',"),
        )
        == NONE
    )


def test_a_docstring_makes_nothing_stale(stale: Callable[..., set[str]]) -> None:
    first = (ast.get_docstring(ast.parse(text_of("repro.sampling.smote"))) or "").splitlines()[0]
    assert stale(repro__sampling__smote=(first, "Something else.")) == NONE


def test_progress_and_loading_make_nothing_stale(stale: Callable[..., set[str]]) -> None:
    assert (
        stale(
            repro__running__progress=(
                "class SweepProgress:",
                "COLOUR = 'red'\n\n\nclass SweepProgress:\n    colour = COLOUR",
            ),
            repro__data__loading=("    lookup = Lookup()\n", "    lookup = Lookup(progress=True)\n"),
            repro__data__store=("TIMEOUT_SECONDS = (10, 60)", "TIMEOUT_SECONDS = (20, 60)"),
        )
        == NONE
    )


def test_one_sampler_makes_stale_what_runs_it(stale: Callable[..., set[str]]) -> None:
    names = ("roc_sweep", "replication", "readings", "repeated_rows", "learners", "interval_coverage")
    runs = {f"smote.{name}" for name in names}
    edit = ("class SMOTENC(", "class SMOTENC(  # edited\n")
    assert stale(repro__sampling__smote_nc=edit) == NONE
    edit = ("    def __init__(", "    edited = True\n\n    def __init__(")
    assert stale(repro__sampling__smote_nc=edit) == {*runs, "smote"}


def test_a_solver_makes_stale_what_fits_with_it(stale: Callable[..., set[str]]) -> None:
    fitting = {
        "synthetic", "ridge", "baselines", "shrinkage", "soup", "prediabetes", "estimation", "consistency",
        "own",
    }  # fmt: skip
    assert stale(repro__ordinal___solver=with_one_line_more("repro.ordinal._solver", "minimise")) == {
        *(f"presto.{short}" for short in fitting),
        "presto",
    }


def test_one_figure_makes_its_chapter_stale(stale: Callable[..., set[str]]) -> None:
    tree = ast.parse(text_of("repro.plotting.sade"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert stale(repro__plotting__sade=with_one_line_more("repro.plotting.sade", names[0])) == {"sade"}


def test_the_judge_makes_all_chapters_and_no_experiment_stale(stale: Callable[..., set[str]]) -> None:
    assert stale(repro__claims__criteria=("EQUIVALENCE_LEVEL: Final = 0.90", "EQUIVALENCE_LEVEL: Final = 0.91")) == {
        *CHAPTERS
    }


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        ("xgboost", {"auroc_auprc.fairness", "auroc_auprc.lsac", "auroc_auprc.models", "auroc_auprc.prevalence_ratio"}),
        ("polars", NONE),
        ("matplotlib", {*CHAPTERS}),
    ],
)
def test_a_pin_makes_stale_what_imports_the_library(
    before: dict[str, str], monkeypatch: pytest.MonkeyPatch, library: str, expected: set[str]
) -> None:
    known = code.library_version.__wrapped__
    monkeypatch.setattr(
        code, "library_version", code.cache(lambda name: "99.0" if name == library else known(name)), raising=True
    )
    after = hashes()
    monkeypatch.undo()
    code.forget()
    assert {name for name in before if after[name] != before[name]} == expected


def test_torch_counts_for_the_studies_that_train_networks(
    before: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = code.library_version.__wrapped__
    monkeypatch.setattr(code, "library_version", code.cache(lambda name: "99" if name == "torch" else known(name)))
    after = hashes()
    monkeypatch.undo()
    code.forget()
    changed = {name for name in before if after[name] != before[name]}
    assert {name.partition(".")[0] for name in changed} == {
        "gda",
        "subpopulation_curve",
        "mixup_collapse",
        "naive_bayes",
        "neural_collapse",
        "quantile_aggregation",
        "sade",
    }
    assert not {f"neural_collapse.{short}" for short in ("exact", "norms", "direct", "traps", "minority")} & changed


def test_one_data_set_one_claim_and_one_experiment_change_only_their_own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    from repro import claims, studies
    from repro.data import registry

    uses = [
        Use("data set", "adult"),
        Use("data set", "german_credit"),
        Use("claim", "smote-c2"),
        Use("claim", "smote-m1"),
        Use("claims", "smote"),
        Use("claims", "presto"),
        Use("experiment", "smote.roc_sweep"),
        Use("experiment", "smote.learners"),
    ]

    def changed() -> set[Use]:
        return {use for use in uses if book_notebooks.state_of(use) != old[use]}

    old = {use: book_notebooks.state_of(use) for use in uses}
    assert not any(state.startswith("gone") for state in old.values())

    adult = registry.entry("adult")
    entries = dict(registry.registry()) | {"adult": adult.model_copy(update={"traps": ("new",)}), "another": adult}
    with monkeypatch.context() as patch:
        patch.setattr(registry, "registry", lambda: entries)
        assert changed() == {Use("data set", "adult")}

    known = claims.all_claims()
    edited = known | {"smote-c2": known["smote-c2"].model_copy(update={"statement": "Something else."})}
    with monkeypatch.context() as patch:
        patch.setattr(claims, "all_claims", lambda study: {k: v for k, v in edited.items() if v.study == study})
        assert changed() == {Use("claim", "smote-c2"), Use("claims", "smote")}

    declared = studies.experiments("smote")
    other = declared | {"smote.learners": dataclasses.replace(declared["smote.learners"], summary="something else")}
    with monkeypatch.context() as patch:
        patch.setattr(studies, "experiments", lambda study: other)
        assert changed() == {Use("experiment", "smote.learners")}


@pytest.mark.parametrize("change", ["prose", "code", "tag"])
def test_the_prose_of_a_notebook_does_not_count_its_code_and_tags_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    notebook = jupytext.reads("# %% [markdown]\n# Words.\n# %%\nx = 1\n", fmt="py:percent")
    path = tmp_path / "toy.ipynb"
    jupytext.write(notebook, path)
    old = book_notebooks.fingerprint(path, [])
    if change == "prose":
        notebook.cells[0].source = "Other words."
    elif change == "code":
        notebook.cells[1].source = "x = 2"
    else:
        notebook.cells[1].metadata["tags"] = ["hide-input"]
    jupytext.write(notebook, path)
    assert (book_notebooks.fingerprint(path, []) == old) == (change == "prose")


def test_how_cards_are_written_counts_for_notebooks_that_show_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, claim = tmp_path / "toy.ipynb", [Use("claim", "smote-c2")]
    jupytext.write(jupytext.reads("# %%\nx = 1\n", fmt="py:percent"), path)
    before = [book_notebooks.fingerprint(path, uses) for uses in ([], claim)]
    shutil.copytree(book_notebooks.CARDS, tmp_path / "cards")
    with (tmp_path / "cards" / "card.html").open("a", encoding="utf-8") as template:
        template.write("<p>Edited.</p>")
    monkeypatch.setattr(book_notebooks, "CARDS", tmp_path / "cards")
    after = [book_notebooks.fingerprint(path, uses) for uses in ([], claim)]
    assert after[0] == before[0]
    assert after[1] != before[1]


# The two rules that make the hash complete


def modules_of_the_package() -> list[Path]:
    return sorted(path for path in (SOURCES / "repro").rglob("*.py") if "templates" not in path.parts)


def test_importing_a_module_does_nothing_but_define_names() -> None:
    doing = []
    for path in modules_of_the_package():
        if path.parent.name == "cli":
            continue
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
        module = code.parse_module(name, path.read_text(encoding="utf-8"))
        doing += [f"{path}: {ast.unparse(statement)}" for statement in module.effects]
    assert not doing


def test_nothing_is_registered_by_a_decorator() -> None:
    allowed = {
        *("cache", "cached_property", "contextmanager", "dataclass", "lru_cache", "property", "staticmethod"),
        *("classmethod", "kernel", "summing_kernel", "model_validator", "overload", "setter", "abstractmethod"),
        *("field_validator", "wraps", "no_grad", "inference_mode"),
    }
    found = set()
    for path in modules_of_the_package():
        if path.parent.name == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in getattr(node, "decorator_list", []):
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                found.add(called.attr if isinstance(called, ast.Attribute) else called.id)
    assert found <= allowed, "look at each new decorator: what it registers would not be part of any hash"


@pytest.mark.parametrize(
    "name", ["auroc_auprc.one_fix", "mixup_collapse.calibration", "neural_collapse.exact", "presto.study_b"]
)
def test_every_function_that_a_cell_runs_is_part_of_the_hash(name: str, tmp_path: Path) -> None:
    experiment = experiments()[name]
    cells = experiment.cells_of("quick")
    cell = min(cells, key=lambda candidate: experiment.seconds(candidate.parameters))
    ran: set[tuple[str, str]] = set()

    def watch(frame: object, event: str, argument: object) -> None:
        called = frame.f_code
        in_function = bool(called.co_flags & inspect.CO_OPTIMIZED)  # the bodies of classes and modules are no functions
        if event == "call" and in_function and called.co_filename.startswith(str(SOURCES)):
            module = ".".join(Path(called.co_filename).relative_to(SOURCES).with_suffix("").parts)
            ran.add((module.removesuffix(".__init__"), called.co_qualname.partition(".")[0]))

    sys.setprofile(watch)
    try:
        experiment.compute(dataclasses.replace(cell, scratch=tmp_path))
    finally:
        sys.setprofile(None)
    names = [f"{experiment.compute.__module__}.{experiment.compute.__qualname__}", "repro.protocol.experiment.Cell"]
    known = {tuple(definition) for definition in code.dependence(names).definitions}
    unseen = {entry for entry in ran if entry not in known and not code._is_boundary(entry[0])}
    assert len(ran) > 5
    assert not {entry for entry in unseen if not entry[1].startswith("<")}
