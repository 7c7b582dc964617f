"""Claims that come out inconclusive on real data must come out as reproduced where the effect is planted.

The learner is replaced by scores in which the effect is present, or absent; all the rest, from the rows of a task to
the verdict, is the study's own. So "inconclusive everywhere" can be told from an analysis that finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from repro.claims import find_claim, judge
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.auroc_auprc import fairness as models_room
from repro.studies.auroc_auprc import lsac as lsac_room
from repro.studies.auroc_auprc import nearby as nearby_room
from repro.studies.auroc_auprc import repair as repair_room
from repro.studies.auroc_auprc.fairness import Draw, Population
from repro.studies.auroc_auprc.samplers import two_groups

Learner = Callable[[Sequence[Population], Draw, int, bool], list[np.ndarray]]


def population(dataset: str = "made", attribute: str = "sex") -> Population:
    """Two groups in which one row in ten and one in two are positive; the one with more positives is twice as large.

    The features are no features: they are the random numbers that the scores of a row are made of.
    """
    generator = np.random.default_rng(1)
    second = np.arange(9000) % 3 > 0
    y = generator.random(second.size) < np.where(second, 0.5, 0.1)
    X = np.column_stack([generator.standard_normal(second.size), generator.random(second.size)])
    return Population(attribute, X, y, sensitive=np.zeros((second.size, 2)), second=second)


def learner(strength: Callable[[Population], float]) -> Learner:
    """Scores of models in which a larger weight raises AUPRC and lowers AUROC, and widens the gap if it is to.

    The weight lifts some positives to the top of the list, which raises AUPRC: with strength 1 only those of the group
    with more positives, which widens the gap, with strength 0 as many of each, with -1 only the others. It also draws
    the lower half of the group with fewer positives to the middle: that lowers AUROC, and as no order within a group
    changes, the gap stays. The learning rate lifts other positives of that group: a gap that has nothing to do with the
    metrics.
    """

    def fitted(parts: Sequence[Population], draw: Draw, weight: int, weighted_second: bool) -> list[np.ndarray]:
        scores = []
        for part in parts[1:]:
            higher = part.second
            base = part.X[:, 0] + part.y
            middle = np.median(base)
            amount = np.log(weight) / np.log(50)
            lifted = part.y & (part.X[:, 1] < 0.1 * (1 + strength(part) * np.where(higher, 1, -1)))
            others = part.y & ~higher & (base > middle) & (part.X[:, 1] > 0.9)
            drawn = np.where(~higher & (base < middle), 0.9 * amount * (middle - base), 0)
            scores.append(base + 4 * amount * lifted + drawn + 2 * draw.learning_rate * others)
        return scores

    return fitted


def full(part: Population) -> float:
    return 1.0


def absent(part: Population) -> float:
    return 0.0


def growing(part: Population) -> float:
    """An effect that grows with the ratio of the prevalences, from fully reversed at 1 to full at 5.

    Where both are equal, the gap is that of the first group minus that of the second: reversed is full there.
    """
    first, second = part.prevalences()
    if second < 1.25 * first:
        return 1.0
    return float(np.clip(2 * np.log(second / first) / np.log(5) - 1, -1, 1))


def by_the_published_sign(part: Population) -> float:
    """The effect by race, and its opposite by sex."""
    return 1.0 if part.name == "race" else -1.0


def compute(name: str, cells: Sequence[dict[str, Any]]) -> pd.DataFrame:
    found = experiment(f"auroc_auprc.{name}")
    return pd.concat([found.compute(Cell(found.name, cell, found.seed)) for cell in cells], ignore_index=True)


def cells(dataset: str, attributes: Sequence[str], seeds: int = 5) -> list[dict[str, Any]]:
    """Cells of a few models each. The planted learner looks at no weighting, so that one is enough."""
    weights = 10 if dataset == "lsac" else 5  # there they are the first of all weights, here they are spread over all
    shared = {"dataset": dataset, "draws": 4, "weights": weights, "weighting": "first_code"}
    return [{**shared, "attribute": attribute, "seed": seed} for attribute in attributes for seed in range(seeds)]


ATTRIBUTES = ("sex", "race")


@pytest.mark.parametrize(("strength", "found"), [(full, True), (absent, False)])
def test_a_planted_tie_of_the_gap_to_auprc_is_found_on_adult_and_only_then(
    strength: Callable[[Population], float], found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models_room, "population", population)
    monkeypatch.setattr(models_room, "_fitted_scores", learner(strength))
    judgement = judge(find_claim("auroc_auprc-a9"), compute("fairness", cells("adult", ATTRIBUTES)))
    expected = {"reproduced"} if found else {"inconclusive", "not reproduced"}
    assert {condition.verdict for condition in judgement.conditions} <= expected


@pytest.mark.parametrize(("strength", "found"), [(by_the_published_sign, "reproduced"), (full, "partly")])
def test_planted_effects_of_the_published_signs_are_found_on_compas_and_lsac(
    strength: Callable[[Population], float], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same sign for both, the claims hold by race and fail by sex, whose published sign is negative."""
    monkeypatch.setattr(models_room, "population", population)
    monkeypatch.setattr(lsac_room, "students", lambda attribute: population("lsac", attribute))
    monkeypatch.setattr(models_room, "_fitted_scores", learner(strength))
    for claim, name in (("a9c", "compas"), ("a9l", "lsac")):
        table = compute("lsac" if name == "lsac" else "fairness", cells(name, ATTRIBUTES))
        judgement = judge(find_claim(f"auroc_auprc-{claim}"), table)
        assert judgement.verdict == found
        for condition in judgement.conditions:
            holds = found == "reproduced" or condition.settings["attribute"] == "race"
            assert condition.verdict == ("reproduced" if holds else "not reproduced"), condition.name


@pytest.mark.parametrize(("strength", "found"), [(growing, True), (absent, False)])
def test_a_planted_effect_that_grows_with_the_ratio_is_found_and_only_then(
    strength: Callable[[Population], float], found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models_room, "population", population)
    monkeypatch.setattr(models_room, "_fitted_scores", learner(strength))
    judgement = judge(find_claim("auroc_auprc-a10r"), compute("prevalence_ratio", cells("adult", ("sex",))))
    assert (judgement.verdict == "reproduced") == found


def test_the_choice_by_auprc_is_judged_against_the_choice_by_auroc() -> None:
    """Whatever the third way to choose is worth: only the difference of these two counts, and its sign."""
    precision = {"average_precision": 0.5, "auroc": 0.4, "precision_at_k": 0.9}
    rows = [
        (method, k, "all", task, "precision", value + 0.01 * (task % 2) * (method == "auroc"))
        for method, value in precision.items()
        for k in (10, 50, 200)
        for task in range(8)
    ]
    table = pd.DataFrame(rows, columns=["method", "k", "group", "replicate", "metric", "value"])
    judgement = judge(find_claim("auroc_auprc-a12"), table)
    assert [condition.estimate for condition in judgement.conditions] == pytest.approx([0.095] * 3)
    assert judgement.verdict == "reproduced"


def searches(n_samples: int = 200) -> list[dict[str, Any]]:
    shared = {"auroc": 0.85, "n_samples": n_samples}
    return [
        {**shared, "normalise": normalise, **change}
        for normalise in (True, False)
        for change in (
            {"change": "noise", "steps": 10, "seeds": 8},
            {"change": "permutations", "steps": 25, "seeds": 12},
        )
    ]


def test_a_search_near_scores_that_are_always_rescaled_is_found_to_widen_the_gap_in_every_condition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rescaled(*arguments: Any, normalise: bool, **options: Any) -> Any:
        return two_groups(*arguments, normalise=True, **options)

    monkeypatch.setattr(nearby_room, "two_groups", rescaled)
    judgement = judge(find_claim("auroc_auprc-a11"), compute("nearby", searches()))
    assert [condition.verdict for condition in judgement.conditions] == ["reproduced"] * 4


def alike(*arguments: Any, **options: Any) -> Any:
    """Two groups of the same prevalence, so that there is none that could be served."""
    return two_groups(*arguments, **{**options, "prevalences": (0.05, 0.05)})


def test_between_groups_of_one_prevalence_no_search_widens_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby_room, "two_groups", alike)
    judgement = judge(find_claim("auroc_auprc-a11"), compute("nearby", searches()))
    assert "reproduced" not in {condition.verdict for condition in judgement.conditions}


def test_between_groups_of_one_prevalence_no_policy_widens_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exchanged or turned round here: the effect of the claim is absent."""
    monkeypatch.setattr(repair_room, "two_groups", alike)
    found = experiment("auroc_auprc.repair")
    table = pd.concat(
        [
            found.compute(
                Cell(found.name, {"sampler": "binomial", "normalise": True, "auroc": auroc, "seeds": 60}, found.seed)
            )
            for auroc in (0.65, 0.85)
        ]
    )
    judgement = judge(find_claim("auroc_auprc-a6"), table)
    verdicts = {condition.name: condition.verdict for condition in judgement.conditions}
    assert all(verdict == "not reproduced" for name, verdict in verdicts.items() if name.startswith("the highest"))
    assert judgement.verdict != "reproduced"
