"""``pyproject.toml``, ``constraints.txt``, ``environment.yml`` and what is installed agree."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

INSTALLED_EXTRAS = {"book", "test", "dev", "dask", "torch"}


@pytest.fixture(scope="module")
def pins(root: Path) -> dict[str, Version]:
    """Pinned version of each package."""
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    wrong = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)]
    assert wrong == [], "only lines of the form name==version"
    names = [canonicalize_name(line.split("==")[0]) for line in lines]
    assert names == sorted(set(names)), "sorted, each name once"
    return {name: Version(line.split("==")[1]) for name, line in zip(names, lines, strict=True)}


def declared(project, extras: set[str]) -> list[Requirement]:
    """Requirements of the package and of some of its extras."""
    optional = project["project"]["optional-dependencies"]
    texts = [*project["project"]["dependencies"], *(text for extra in sorted(extras) for text in optional[extra])]
    return [Requirement(text) for text in texts]


def test_every_declared_range_contains_its_pin(project, pins: dict[str, Version]) -> None:
    own = canonicalize_name(project["project"]["name"])
    for requirement in declared(project, set(project["project"]["optional-dependencies"])):
        name = canonicalize_name(requirement.name)
        if name != own:
            assert pins[name] in requirement.specifier, f"{requirement} does not allow the tested {pins[name]}"


def test_an_extra_that_names_the_package_itself_names_extras_that_exist(project) -> None:
    optional = project["project"]["optional-dependencies"]
    for requirement in declared(project, set(optional)):
        if canonicalize_name(requirement.name) == canonicalize_name(project["project"]["name"]):
            assert requirement.extras <= set(optional)


def test_the_installed_environment_is_the_pinned_one_and_no_part_of_it_floats(project, pins) -> None:
    own = canonicalize_name(project["project"]["name"])
    waiting = [(requirement, "") for requirement in declared(project, INSTALLED_EXTRAS)]
    seen: set[tuple[str, str]] = set()
    floating, different = set(), {}
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name != own:
            installed = importlib.metadata.distribution(name)
            if name not in pins:
                floating.add(name)
            elif pins[name].public != Version(installed.version).public:
                different[name] = f"{installed.version} instead of {pins[name]}"
            for wanted in {"", *requirement.extras}:
                if (name, wanted) not in seen:
                    seen.add((name, wanted))
                    waiting += [(Requirement(text), wanted) for text in installed.requires or []]
    assert floating == set(), "installed, but not pinned in constraints.txt"
    assert different == {}, "not the pinned version: run make env"


def test_the_pinned_versions_run_on_every_python_that_the_package_promises(project, pins) -> None:
    classifiers = " ".join(project["project"]["classifiers"])
    promised = [f"{version}.0" for version in re.findall(r"Python :: (3\.\d+)", classifiers)]
    assert promised[0] in SpecifierSet(project["project"]["requires-python"])
    refusing = {}
    for distribution in importlib.metadata.distributions():
        name = canonicalize_name(distribution.name)
        range_text = distribution.metadata.get("Requires-Python")
        if name in pins and range_text and not all(SpecifierSet(range_text).contains(version) for version in promised):
            refusing[name] = range_text
    assert refusing == {}


def test_the_book_engine_is_pinned_exactly_in_the_package_too(project) -> None:
    exact = {r.name for r in declared(project, {"book"}) if str(r.specifier).startswith("==")}
    assert {"jupyter-book", "sphinx", "sphinx-book-theme", "pydata-sphinx-theme", "myst-nb", "jupyter-cache"} <= exact


def test_environment_yml_leaves_the_versions_to_the_constraints(root: Path, project) -> None:
    python, pip, *through_pip = environment(root)
    assert python.split("=")[1] + ".0" in SpecifierSet(project["project"]["requires-python"])
    assert pip == "pip"
    assert through_pip[-2:] == ["-c constraints.txt", "-e .[book,r,torch]"]


def environment(root: Path) -> list[str]:
    """What ``environment.yml`` asks for: Python, pip, then the lines for pip."""
    *by_conda, by_pip = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return [*by_conda, *by_pip["pip"]]


def imported(path: Path) -> Iterator[str]:
    """Top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", ["notebooks", "src/repro"])
def test_environment_yml_has_what_chapters_and_package_import(root: Path, project, folder: str) -> None:
    (extras,) = (line[line.index("[") + 1 : -1].split(",") for line in environment(root) if line.startswith("-e"))
    waiting = declared(project, set(extras))
    there = {"dask", "distributed", "polars"}  # nobody needs them who has no cluster and no polars table
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in there and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            there.add(name)
            waiting += [Requirement(text) for text in importlib.metadata.requires(name) or []]
    packages = importlib.metadata.packages_distributions()
    lacking = {
        (path.name, name)
        for path in sorted((root / folder).rglob("*.py"))
        for name in set(imported(path)) & set(packages) - {"repro"}
        if not there & {canonicalize_name(package) for package in packages[name]}
    }
    assert not lacking
