"""Examples in docstrings: every tool that a reader would import has one, and each gives what it says."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import sys
import types
from collections.abc import Iterator

import pytest

TOOLS = ("sampling", "trees", "ordinal", "metrics", "geometry", "closed_form", "quantiles", "longtail")
"""Rooms of which every function and estimator has an example."""
ROOMS = (*TOOLS, "data", "training", "protocol.rows", "claims")
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def room(name: str) -> types.ModuleType:
    return importlib.import_module(f"repro.{name}")


def public(name: str) -> Iterator[tuple[str, object]]:
    """Functions and classes that a room offers."""
    module = room(name)
    for short in getattr(module, "__all__", ("Rows",)):
        found = getattr(module, short)
        if isinstance(found, type | types.FunctionType):
            yield short, found


def examples(name: str) -> list[doctest.DocTest]:
    """Docstrings of a room that have examples; its public names, and those of the module beside them, are known."""
    finder, found = doctest.DocTestFinder(recurse=False), []
    for short, thing in public(name):
        known = {**vars(sys.modules[thing.__module__]), **dict(public(name))}
        found += [test for test in finder.find(thing, short, globs=known) if test.examples]
    return found


@pytest.mark.parametrize(
    "test", [pytest.param(test, id=f"{name}.{test.name}") for name in ROOMS for test in examples(name)]
)
def test_the_example_gives_what_it_says(test: doctest.DocTest) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    assert runner.run(test, out=said.append).failed == 0, "".join(said)


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_of_a_room_has_an_example(name: str) -> None:
    shown = {test.name for test in examples(name)}
    results = {short for short, thing in public(name) if dataclasses.is_dataclass(thing) or hasattr(thing, "_fields")}
    assert {short for short, _ in public(name)} - shown - results == set()


def test_a_wrong_example_is_found() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    said: list[str] = []
    assert doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=said.append).failed == 1
    assert "Expected:" in "".join(said)
