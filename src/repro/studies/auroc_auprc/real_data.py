"""Experiments on real data (Section 3.2) and on the paper's stored table: their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Final

from repro.protocol.exchange import replaced
from repro.protocol.experiment import Experiment, Parameters
from repro.studies.auroc_auprc.fairness import (
    FAIRNESS_SETTINGS,
    GAP_IS_MINUS_AUROC,
    GROUPS,
    MODELS_SETTINGS,
    NO_DIFFERENCE,
    RATIO_SETTINGS,
    WEIGHTINGS,
    fairness,
    models,
    prevalence_ratio,
    seconds,
)
from repro.studies.auroc_auprc.headline import ALL_EQUAL, HEADLINE_SETTINGS, headline
from repro.studies.auroc_auprc.lsac import LSAC_GROUPS, lsac

SEED: Final = 2024
ADULT_SEX: Final = (("adult", "sex"),)
LSAC_TASKS: Final = tuple(("lsac", attribute) for attribute in LSAC_GROUPS)


def _cells(
    seeds: int,
    draws: int,
    weights: int,
    tasks: Sequence[tuple[str, str]] = ADULT_SEX,
    weightings: Sequence[str] = WEIGHTINGS,
    **more: str,
) -> list[Parameters]:
    return [
        {
            "dataset": dataset,
            "attribute": attribute,
            "weighting": weighting,
            "seed": seed,
            "draws": draws,
            "weights": weights,
            **more,
        }
        for (dataset, attribute), weighting, seed in product(tasks, weightings, range(seeds))
    ]


def _smallest(variant: str, models: int) -> Callable[[], Sequence[Parameters]]:
    """Cells of a control: two seeds with a few models each decide, because the controls hold for any model."""
    return partial(_cells, 2, 1, models, weightings=("higher_prevalence",), variant=variant)


def _headline_cells(draws: int, **more: str) -> list[Parameters]:
    return [
        {"ratios": ratios, "tasks": tasks, "resampled": resampled, "draws": draws, **more}
        for ratios, tasks, resampled in product(
            ("first_split", "full_file"), ("all", "without_adult"), ("seeds", "seeds_and_tasks")
        )
    ]


def _paper_cells() -> list[Parameters]:
    """Adult by sex, where the paper's effect is largest, with its 20 seeds; ten for the other tasks."""
    others = tuple(task for task in GROUPS if task not in ADULT_SEX)
    return [*_cells(20, 50, 10), *_cells(10, 50, 10, others)]


def _lsac_cells() -> list[Parameters]:
    """Ten splits of both tasks, split by split, with the weights where the public code has them."""
    cells = _cells(10, 50, 10, LSAC_TASKS, ("first_code",))
    return sorted(cells, key=lambda cell: int(str(cell["seed"])))


REAL_DATA: Final = (
    Experiment(
        name="auroc_auprc.fairness",
        summary="over many boosted models: validation AUROC and AUPRC against the gap between groups on the test part",
        settings=FAIRNESS_SETTINGS,
        compute=fairness,
        cells={
            "quick": partial(_cells, 4, 6, 3),
            "paper": _paper_cells,
            "control": _smallest(GAP_IS_MINUS_AUROC, 5),
        },
        variants={
            NO_DIFFERENCE: "both methods select by AUROC: their correlations are the same number",
            GAP_IS_MINUS_AUROC: "the gap is minus the validation AUROC: their correlation is minus one",
        },
        exchanged={NO_DIFFERENCE: replaced("method", {"average_precision": "auroc"})},
        seconds=seconds,
        seed=SEED,
    ),
    Experiment(
        name="auroc_auprc.lsac",
        summary="the same correlations on LSAC: groups of nearly equal prevalence, positives in the majority",
        settings=FAIRNESS_SETTINGS,
        compute=lsac,
        cells={
            "paper": _lsac_cells,
            "control": partial(_cells, 2, 1, 5, LSAC_TASKS, ("first_code",), variant=NO_DIFFERENCE),
        },
        variants={NO_DIFFERENCE: "both methods select by AUROC: their correlations are the same number"},
        seconds=seconds,
        seed=SEED,
    ),
    Experiment(
        name="auroc_auprc.models",
        summary="every boosted model of one split: its validation AUROC and AUPRC and its gap between groups",
        settings=MODELS_SETTINGS,
        compute=models,
        cells={"paper": partial(_cells, 1, 50, 10)},
        seconds=seconds,
        seed=SEED,
    ),
    Experiment(
        name="auroc_auprc.prevalence_ratio",
        summary="the same on Adult by sex, resampled so that one group has 1 to 5 times the prevalence of the other",
        settings=RATIO_SETTINGS,
        compute=prevalence_ratio,
        cells={"paper": partial(_cells, 6, 12, 5), "control": _smallest(NO_DIFFERENCE, 3)},
        variants={NO_DIFFERENCE: "both methods select by AUROC: there is no difference that could grow"},
        seconds=lambda parameters: 5 * seconds(parameters),
        seed=SEED,
    ),
    Experiment(
        name="auroc_auprc.headline",
        summary="the rank correlation over the paper's eight tasks, recomputed from its stored table and bootstrapped",
        settings=HEADLINE_SETTINGS,
        compute=headline,
        cells={
            "quick": partial(_headline_cells, 2000),
            "control": partial(_headline_cells, 200, variant=ALL_EQUAL),
        },
        variants={ALL_EQUAL: "every task has the same difference: there is nothing that could grow"},
        seconds=lambda parameters: 0.1,
        seed=SEED,
    ),
)
