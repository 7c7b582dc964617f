from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import ParameterGrid

from repro.protocol.cells import combinations, together
from repro.protocol.experiment import Cell, Experiment

OPTIONS = st.dictionaries(
    st.sampled_from(["dataset", "seed", "level", "method"]),
    st.lists(st.one_of(st.integers(0, 9), st.sampled_from(["a", "b"]), st.none()), min_size=1, max_size=3, unique=True),
    max_size=4,
)


def as_set(parameter_sets: Any) -> set[frozenset[tuple[str, Any]]]:
    return {frozenset(parameters.items()) for parameters in parameter_sets}


@given(OPTIONS)
def test_every_combination_is_declared_once(options: dict[str, list[Any]]) -> None:
    cells = combinations(**options)()
    assert as_set(cells) == as_set(ParameterGrid(options))
    assert len(cells) == len(ParameterGrid(options))
    assert all(list(parameters) == list(options) for parameters in cells)


def test_the_last_option_moves_fastest_and_variants_slowest() -> None:
    cells = combinations("first", "second", b=[1, 2], a=["x", "y"])()
    expected = []
    for variant in ("first", "second"):
        for b in (1, 2):
            for a in ("x", "y"):
                expected.append([("b", b), ("a", a), ("variant", variant)])
    assert [list(parameters.items()) for parameters in cells] == expected


def test_a_generator_of_values_serves_every_call() -> None:
    declared = combinations(seed=(number for number in range(3)))
    assert declared() == declared() == [{"seed": 0}, {"seed": 1}, {"seed": 2}]


def test_each_call_gives_parameter_sets_of_its_own() -> None:
    declared = combinations(seed=[0])
    declared()[0]["seed"] = 7  # type: ignore[index]
    assert declared() == [{"seed": 0}]


def test_declarations_follow_each_other() -> None:
    declared = together(combinations(seed=[3, 1]), lambda: [{"seed": 2}], combinations("broken", seed=[3]))
    assert declared() == [{"seed": 3}, {"seed": 1}, {"seed": 2}, {"seed": 3, "variant": "broken"}]
    assert together()() == []


def test_an_experiment_takes_the_declarations() -> None:
    experiment = Experiment(
        name="toy.first",
        summary="a toy",
        settings=("dataset",),
        compute=lambda cell: pd.DataFrame(),
        cells={
            "quick": combinations(dataset=["a"], partition=range(2)),
            "control": combinations("broken", dataset=["a"]),
        },
        variants={"broken": "a reason"},
    )
    assert experiment.cells_of("quick") == [Cell("toy.first", {"dataset": "a", "partition": n}, 2002) for n in (0, 1)]
    assert [cell.variant for cell in experiment.cells_of("control")] == ["broken"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"dataset": "adult"},
            TypeError,
            "option 'dataset' must be an iterable of values, got 'adult'; a single value",
        ),
        ({"seed": 3}, TypeError, "option 'seed' must be an iterable of values, got 3"),
        ({"seed": []}, ValueError, "option 'seed' has no values"),
        ({"seed": [0, (1, 2)]}, TypeError, r"values of option 'seed' must be .* got \(1, 2\) of type tuple"),
        ({"seed": np.arange(2)}, TypeError, "values of option 'seed' must be .* of type int64"),
    ],
    ids=["text", "number", "empty", "tuple inside", "NumPy integers"],
)
def test_options_that_are_no_lists_of_scalars_are_refused(options: dict[str, Any], error, message: str) -> None:
    with pytest.raises(error, match=message):
        combinations(**options)


def test_wrong_variants_and_declarations_are_refused() -> None:
    with pytest.raises(TypeError, match=r"variants must be names of controls, got \['broken'\]"):
        combinations(["broken"], seed=[0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'variant' must not be an option where variants are named, got \['other'\]"):
        combinations("broken", variant=["other"])
    with pytest.raises(TypeError, match=r"declared must be functions that list parameter sets, got \[\{'seed': 0\}\]"):
        together([{"seed": 0}])  # type: ignore[arg-type]
