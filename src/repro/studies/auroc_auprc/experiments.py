"""Experiments of the AUROC and AUPRC study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, Final

from repro.protocol.cells import Cells, combinations, together
from repro.protocol.exchange import Exchange, replaced
from repro.protocol.experiment import Experiment, Parameters
from repro.studies.auroc_auprc.nearby import NEARBY_SETTINGS, nearby
from repro.studies.auroc_auprc.own import OWN
from repro.studies.auroc_auprc.paths import path_facts
from repro.studies.auroc_auprc.prevalence import PREVALENCE_SETTINGS, prevalence_shift
from repro.studies.auroc_auprc.real_data import REAL_DATA
from repro.studies.auroc_auprc.repair import GAP_PHASE_SETTINGS, PHASE_SHIFTS, REPAIR_SETTINGS, gap_phase, repair
from repro.studies.auroc_auprc.samplers import SAMPLERS
from repro.studies.auroc_auprc.selection import TOP_K_SETTINGS, top_k
from repro.studies.auroc_auprc.single_fixes import BEST_FIX_SETTINGS, best_fix, fixes_grid, one_fix
from repro.studies.auroc_auprc.subpopulations import SUBPOPULATIONS_SETTINGS, subpopulations
from repro.studies.auroc_auprc.theorem1 import (
    IDENTITY_GRID_SETTINGS,
    IDENTITY_SETTINGS,
    RANKINGS,
    grid_points,
    identity,
    identity_grid,
)
from repro.studies.auroc_auprc.uncertainty import COVERAGE_SETTINGS, interval_coverage

# --- Rankings and simulated groups (Theorems 1 to 3, Section 3.1) -----------------------------------------------------

AUROCS: Final = (0.65, 0.75, 0.85, 0.95)
PREVALENCES: Final = (0.01, 0.05, 0.2, 0.5)
P_LOWER: Final = (0.2, 0.1, 0.05, 0.02, 0.01, 0.001)


def _seconds(one: float, *counts: str) -> Callable[[Parameters], float]:
    """Expect `one` seconds for each unit of the product of the named parameters."""
    return lambda parameters: one * prod(int(parameters.get(name) or 1) for name in counts)


def _rankings(
    count: int, *variants: str, prevalences: Iterable[float] = PREVALENCES, aurocs: Iterable[float] = AUROCS
) -> Cells:
    return combinations(*variants, n=[1000], prevalence=prevalences, auroc=aurocs, count=[count])


def _searches(noise: int, permutations: int, n_samples: int) -> Cells:
    shared: dict[str, Iterable[Any]] = {"normalise": [True, False], "auroc": [0.85]}
    return together(
        combinations(change=["noise"], **shared, n_samples=[200], steps=[49], seeds=[noise]),
        combinations(change=["permutations"], **shared, n_samples=[n_samples], steps=[25], seeds=[permutations]),
    )


def _coverage(
    sizes: Iterable[int], prevalences: Iterable[float], batches: int, simulations: int, resamples: int
) -> Cells:
    return combinations(
        n=sizes,
        prevalence=prevalences,
        auroc=[0.85],
        batch=range(batches),
        simulations=[simulations],
        resamples=[resamples],
    )


SIMULATED: Final = (
    Experiment(
        name="auroc_auprc.identity",
        summary="both metrics against their means over the scores of the positives, on random rankings",
        settings=IDENTITY_SETTINGS,
        compute=identity,
        cells={
            "quick": combinations(rankings=RANKINGS, batches=[20], size=[50]),
            "paper": combinations(rankings=RANKINGS, batches=[20], size=[500]),
            "control": combinations("strict_firing_rate", rankings=["ties", "weights"], batches=[2], size=[20]),
        },
        variants={
            "strict_firing_rate": "rows tied with a positive, itself among them, are left out of all rates: neither "
            "mean is the area of a sample"
        },
        seconds=_seconds(2e-4, "batches", "size"),
    ),
    Experiment(
        name="auroc_auprc.identity_grid",
        summary="Theorem 1 on the paper's grid of target AUROCs and prevalences, before and after Platt's calibration",
        settings=IDENTITY_GRID_SETTINGS,
        compute=identity_grid,
        cells={
            "quick": combinations(auroc=grid_points(5), prevalences=[10]),
            "paper": combinations(auroc=grid_points(50), prevalences=[50]),
        },
        seconds=_seconds(1.6e-2, "prevalences"),
    ),
    Experiment(
        name="auroc_auprc.one_fix",
        summary="change of both metrics after every single fix against the closed forms",
        settings=("area",),
        compute=one_fix,
        cells={
            "quick": combinations(batches=[10], size=[20]),
            "paper": combinations(batches=[50], size=[40]),
            "control": combinations("inverse_firing_rate_alone", batches=[2], size=[10]),
        },
        variants={"inverse_firing_rate_alone": "both gains are taken for 1/(n1 (r + 1)), without the precision"},
        seconds=_seconds(1.5e-3, "batches", "size"),
    ),
    Experiment(
        name="auroc_auprc.fixes_grid",
        summary="Theorem 2 on the paper's grid: every mistake fixed alone, gains against the inverse firing rate",
        settings=("auroc",),
        compute=fixes_grid,
        cells={
            "quick": combinations(auroc=grid_points(4), prevalences=[5]),
            "paper": combinations(auroc=grid_points(20), prevalences=[20]),
        },
        seconds=_seconds(3e-2, "prevalences"),
    ),
    Experiment(
        name="auroc_auprc.best_fix",
        summary="whether the highest-scored mistake is the AP-best, and how gains go with the inverse firing rate",
        settings=BEST_FIX_SETTINGS,
        compute=best_fix,
        cells={
            "quick": together(_rankings(100), combinations(n=range(4, 9))),
            "paper": together(_rankings(1000), combinations(n=range(4, 13))),
            "control": together(
                _rankings(40, "lowest_is_proposed", prevalences=[0.01, 0.2], aurocs=[0.65]),
                combinations("lowest_is_proposed", n=[4, 5]),
                _rankings(40, "gains_shuffled", prevalences=[0.01, 0.2], aurocs=[0.65]),
                _rankings(40, "gains_are_the_weights", prevalences=[0.01]),
            ),
        },
        variants={
            "lowest_is_proposed": "the lowest-scored mistake is proposed instead of the highest-scored",
            "gains_shuffled": "the gains of a ranking are in random order",
            "gains_are_the_weights": "the gains are 1/(r + 1) themselves: the tie is exact",
        },
        seconds=_seconds(1e-3, "count"),
    ),
    Experiment(
        name="auroc_auprc.path_facts",
        summary="rise of AUROC, length of the way and parts of the groups on paths of fixes to a perfect ranking",
        settings=("fact",),
        compute=path_facts,
        cells={
            "quick": combinations(batches=[5], size=[4]),
            "paper": combinations(batches=[20], size=[20]),
            "control": combinations("pairs_across_groups_misread", batches=[2], size=[3]),
        },
        variants={
            "pairs_across_groups_misread": "pairs of rows of two groups are left out of the counts, or taken for the "
            "group of the positive"
        },
        seconds=_seconds(1.5e-2, "batches", "size"),
    ),
    Experiment(
        name="auroc_auprc.repair",
        summary="50 fixes under three policies in two groups of unequal prevalence: metrics and gap",
        settings=REPAIR_SETTINGS,
        compute=repair,
        cells={
            "quick": combinations(sampler=SAMPLERS, normalise=[True, False], auroc=[0.65, 0.85], seeds=[100]),
            "paper": combinations(sampler=SAMPLERS, normalise=[True, False], auroc=[0.65, 0.85], seeds=[200]),
        },
        variants={
            "policies_exchanged": "rows of the policy for AUROC come from the one for AUPRC and the other way round",
            "normalised_after_all": "scores are set to the level of each group's prevalence where they should not be",
        },
        exchanged={
            "policies_exchanged": replaced("method", {"random": "highest", "highest": "random"}),
            "normalised_after_all": replaced("normalise", {False: True}),
        },
        seconds=_seconds(1.7e-3, "seeds"),
    ),
    Experiment(
        name="auroc_auprc.gap_phase",
        summary="whom AP-driven fixes serve, by shift of the scores between groups and ratio of their prevalences",
        settings=GAP_PHASE_SETTINGS,
        compute=gap_phase,
        cells={
            "quick": combinations(shift=PHASE_SHIFTS, seeds=[16]),
            "paper": combinations(shift=PHASE_SHIFTS, seeds=[200]),
        },
        seconds=_seconds(7e-3, "seeds"),
    ),
    Experiment(
        name="auroc_auprc.subpopulations",
        summary="in which subpopulation the AP-best mistake lies, with calibrated scores and with ranks",
        settings=SUBPOPULATIONS_SETTINGS,
        compute=subpopulations,
        cells={
            "quick": combinations(scores=["calibrated", "ranks"], p_lower=P_LOWER, batches=[10], draws=[15]),
            "paper": combinations(scores=["calibrated", "ranks"], p_lower=P_LOWER, batches=[20], draws=[150]),
        },
        variants={
            "ranks_within_groups": "calibrated scores are replaced by ranks within the subpopulation",
            "calibrated_scores": "the scores stay calibrated where ranks should replace them",
        },
        exchanged={
            "ranks_within_groups": replaced("scores", {"calibrated": "ranks"}),
            "calibrated_scores": replaced("scores", {"ranks": "calibrated"}),
        },
        seconds=_seconds(7e-4, "batches", "draws"),
    ),
    Experiment(
        name="auroc_auprc.nearby",
        summary="search among noisy scores and among small permutations, kept by AUROC or by average precision",
        settings=NEARBY_SETTINGS,
        compute=nearby,
        cells={
            "quick": _searches(8, 20, 200),
            "paper": _searches(20, 10, 1000),
        },
        variants={"both_by_auroc": "both searches keep what has the best AUROC: they are the same search"},
        exchanged={"both_by_auroc": replaced("method", {"average_precision": "auroc"})},
        seconds=_seconds(0.12, "seeds"),
    ),
    Experiment(
        name="auroc_auprc.top_k",
        summary="precision and recall among the top k of models chosen by AUROC, average precision or precision",
        settings=TOP_K_SETTINGS,
        compute=top_k,
        cells={
            "quick": combinations(batch=range(6), seeds=[5]),
            "paper": combinations(batch=range(20), seeds=[10]),
        },
        variants={"average_precision_replaced_by_auroc": "both choices are made by AUROC: they are the same model"},
        exchanged={"average_precision_replaced_by_auroc": replaced("method", {"average_precision": "auroc"})},
        seconds=_seconds(0.07, "seeds"),
    ),
    Experiment(
        name="auroc_auprc.prevalence_shift",
        summary="average precision, raw and at a reference prevalence, when only the base rate changes",
        settings=PREVALENCE_SETTINGS,
        compute=prevalence_shift,
        cells={
            "quick": combinations(auroc=[0.75, 0.85, 0.95], batch=[0], seeds=[20]),
            "paper": combinations(auroc=[0.75, 0.85, 0.95], batch=[0], seeds=[100]),
        },
        variants={"adjusted_and_raw_exchanged": "the observed value stands for the one at a reference prevalence"},
        exchanged={
            "adjusted_and_raw_exchanged": Exchange(
                metrics={
                    "average_precision": "average_precision_at_half",
                    "average_precision_at_half": "average_precision",
                }
            )
        },
        seconds=_seconds(4e-3, "seeds"),
    ),
    Experiment(
        name="auroc_auprc.interval_coverage",
        summary="how often intervals for AUROC and average precision hold the value of the population, by prevalence",
        settings=COVERAGE_SETTINGS,
        compute=interval_coverage,
        cells={
            "quick": _coverage(sizes=[1000], prevalences=[0.1, 0.01], batches=1, simulations=50, resamples=200),
            "paper": _coverage(
                sizes=[1000, 5000],
                prevalences=[0.5, 0.1, 0.02, 0.01, 0.005, 0.002],
                batches=4,
                simulations=200,
                resamples=500,
            ),
        },
        seconds=_seconds(6e-8, "n", "simulations", "resamples"),
    ),
)

EXPERIMENTS: Final = (*SIMULATED, *REAL_DATA, OWN)
