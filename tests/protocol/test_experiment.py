from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from repro.ground.exceptions import UnknownName
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment


def _compute(cell: Cell) -> pd.DataFrame:
    return pd.DataFrame()


def _experiment(**options: object) -> Experiment:
    defaults: dict[str, object] = {
        "name": "toy.first",
        "summary": "a toy",
        "settings": ("dataset",),
        "compute": _compute,
        "cells": {"quick": lambda: [{"dataset": "a", "partition": 0}, {"dataset": "a", "partition": 1}]},
    }
    return Experiment(**(defaults | options))  # type: ignore[arg-type]


def test_cells_have_independent_seeds_that_do_not_depend_on_their_position() -> None:
    first, second = _experiment().cells_of("quick")
    alone = Cell("toy.first", {"partition": 1, "dataset": "a"}, seed=2002)
    assert second.generator().random() == alone.generator().random()
    draws = [cell.generator().random(1000) for cell in (first, second)]
    assert abs(np.corrcoef(draws)[0, 1]) < 0.1


def test_seeds_are_children_of_the_experiments_seed_as_spawn_makes_them() -> None:
    cell = Cell("toy.first", {"dataset": "a"}, seed=7)
    sequence = cell.seed_sequence()
    child = np.random.SeedSequence(7, spawn_key=sequence.spawn_key[:-1]).spawn(sequence.spawn_key[-1] % 5 + 1)[-1]
    assert sequence.entropy == 7
    assert child.spawn_key[:-1] == sequence.spawn_key[:-1]
    assert Cell("toy.first", {"dataset": "a"}, seed=8).generator().random() != cell.generator().random()


def test_a_control_sees_the_draws_of_the_cell_that_it_controls_but_has_its_own_identity() -> None:
    plain = Cell("toy.first", {"dataset": "a"}, seed=1)
    control = Cell("toy.first", {"dataset": "a", "variant": "broken"}, seed=1)
    assert plain.id != control.id
    assert plain.generator().random() == control.generator().random()


def test_the_identity_of_a_cell_does_not_depend_on_the_order_of_its_parameters() -> None:
    assert Cell("t.e", {"a": 1, "b": 2}, 0).id == Cell("t.e", {"b": 2, "a": 1}, 5, device="cuda").id


@pytest.mark.parametrize("name", ["toy", "toy.", ".first", "toy.first.second", "my toy.first"])
def test_a_name_without_study_and_experiment_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="<study>"):
        _experiment(name=name)


def test_reserved_columns_and_unknown_profiles_are_refused() -> None:
    with pytest.raises(ValueError, match="reserved"):
        _experiment(settings=("dataset", "metric"))
    with pytest.raises(ValueError, match="no profiles"):
        _experiment(cells={"fast": list})


def test_an_undeclared_profile_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'quick'"):
        _experiment().cells_of("quik")


def test_cells_that_are_no_function_are_refused_when_they_are_declared() -> None:
    with pytest.raises(TypeError, match=r"cells of toy.first, profile 'quick', must be a function .*, got list"):
        Experiment("toy.first", "s", (), lambda cell: None, {"quick": [{"seed": 0}]})  # type: ignore


def test_equal_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="equal parameters"):
        _experiment(cells={"quick": lambda: [{"a": 1}, {"a": 1}]}).cells_of("quick")


def test_control_cells_and_only_they_name_a_known_variant() -> None:
    with pytest.raises(ValueError, match="name a variant"):
        _experiment(cells={"quick": lambda: [{"variant": "broken"}]}, variants={"broken": "why"}).cells_of("quick")
    with pytest.raises(ValueError, match="name a variant"):
        _experiment(cells={"control": lambda: [{"a": 1}]}).cells_of("control")
    with pytest.raises(UnknownName, match="variant"):
        _experiment(cells={"control": lambda: [{"variant": "brokne"}]}, variants={"broken": "why"}).cells_of("control")


def test_an_exchanged_control_is_declared_beside_the_variants_and_has_no_cells() -> None:
    def declare(**changes: Any) -> Experiment:
        content: dict[str, Any] = {
            "name": "toy.trial",
            "summary": "a trial",
            "settings": ("method",),
            "compute": print,
            "cells": {"quick": list, "control": lambda: [{"level": 1, "variant": "turned"}]},
            "variants": {"turned": "the methods change their places"},
        }
        return Experiment(**content | changes)

    turned = replaced("method", {"a": "b"})
    assert declare().plain_twins()["turned"][1].parameters == {"level": 1}
    assert declare(compared={"turned": "quick"}).plain_twins() == {}
    with pytest.raises(ValueError, match=r"toy\.trial: control 'turned' is an exchange, it has no cells"):
        declare(exchanged={"turned": turned}).cells_of("control")
    with pytest.raises(UnknownName, match=r"unknown variant of toy\.trial 'turnde'; did you mean 'turned'"):
        declare(exchanged={"turnde": turned})
    with pytest.raises(UnknownName, match=r"unknown variant of toy\.trial 'turnde'; did you mean 'turned'"):
        declare(compared={"turnde": "quick"})
    with pytest.raises(UnknownName, match="control 'turned' 'methode'; did you mean 'method'"):
        declare(exchanged={"turned": replaced("methode", {"a": "b"})})


PARAMETERS = {"seed": 3, "ratio": 0.5, "whole_ratio": 4.0, "method": "mixup", "bias": False, "none": None}


def test_parameters_are_read_by_their_type() -> None:
    cell = Cell("study.experiment", PARAMETERS, 7)
    assert cell.whole("seed") == 3
    assert isinstance(cell.whole("whole_ratio"), int)
    assert cell.number("ratio") == 0.5
    assert isinstance(cell.number("seed"), float)
    assert cell.text("method") == "mixup"
    assert cell.flag("bias") is False


@pytest.mark.parametrize("read", ["whole", "number", "text", "flag"])
def test_a_missing_parameter_is_an_error_and_never_0(read: str) -> None:
    cell = Cell("study.experiment", PARAMETERS, 7)
    with pytest.raises(KeyError, match=r"study.experiment: this cell has no parameter 'sed', only \['bias'"):
        getattr(cell, read)("sed")
    with pytest.raises(TypeError, match=r"parameter 'none' of study\.experiment must be"):
        getattr(cell, read)("none")


@pytest.mark.parametrize(
    ("read", "name"),
    [
        *(("whole", name) for name in ("ratio", "method", "bias")),
        *(("number", name) for name in ("method", "bias")),
        *(("text", name) for name in ("seed", "bias")),
        *(("flag", name) for name in ("seed", "method")),
    ],
)
def test_a_parameter_of_another_type_is_refused(read: str, name: str) -> None:
    with pytest.raises(TypeError, match=f"parameter '{name}' of study.experiment must be"):
        getattr(Cell("study.experiment", PARAMETERS, 7), read)(name)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    cell = Cell("study.experiment", {"ratio": number}, 7)
    for read in (cell.whole, cell.number):
        with pytest.raises(TypeError, match="parameter 'ratio'"):
            read("ratio")


def test_children_of_a_cells_seed_are_those_that_spawn_gives() -> None:
    cell = Cell("study.experiment", {"seed": 3}, 7)
    spawned = cell.seed_sequence().spawn(3)
    for number, child in enumerate(spawned):
        assert cell.child(number).generate_state(4).tolist() == child.generate_state(4).tolist()
    nested = spawned[2].spawn(2)[1]
    assert cell.child(2, 1).generate_state(4).tolist() == nested.generate_state(4).tolist()
