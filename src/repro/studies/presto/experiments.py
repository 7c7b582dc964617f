"""Experiments of the PRESTO study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from repro.protocol.cells import Cells, combinations, together
from repro.protocol.exchange import Exchange, replaced
from repro.protocol.experiment import Experiment, Parameters
from repro.studies.presto import real_data, theory
from repro.studies.presto.baselines import METHODS, baselines
from repro.studies.presto.designs import INTERCEPTS, SPARSITY
from repro.studies.presto.own import OWN
from repro.studies.presto.real_data import (
    CUTOFFS,
    PREDIABETES_SETTINGS,
    SOUP_SETTINGS,
    prediabetes_splits,
    soup_splits,
)
from repro.studies.presto.ridge import RIDGE_IS_BASE_RATE, ridge_as_published
from repro.studies.presto.shrinking import NO_PENALTY, SHRINKING_METHODS, shrinkage
from repro.studies.presto.synthetic import SIMULATED_SETTINGS, synthetic

PRESTO_IS_LOGIT: Final = "presto_replaced_by_logit"
PRESTO_IS_PO: Final = "presto_replaced_by_proportional_odds"
NEXT_SETTING: Final = "errors_of_the_next_setting"
ALL_ARE_LOGIT: Final = "all_methods_are_logit"
EXCHANGED: Final = "methods_exchanged"
ANOTHER_DATA_SET: Final = "values_of_another_data_set"
NEXT_CORRELATION: Final = "values_of_the_next_correlation"
PRESTO_IS_UNPENALISED: Final = "presto_replaced_by_no_penalty"
SIDES_EXCHANGED: Final = "sides_of_the_condition_exchanged"

SEED: Final = 2023
SETTINGS: Final = tuple((design, intercepts) for design, values in INTERCEPTS.items() for intercepts in values)


def _by_setting(batches: int, repetitions: int, settings: Iterable[tuple[str, str]]) -> Cells:
    return together(
        *(
            combinations(
                design=[design],
                intercepts=[intercepts],
                batch=range(batches),
                repetitions=[repetitions],
            )
            for design, intercepts in settings
        )
    )


def _seconds(one: float, *counts: str) -> Callable[[Parameters], float]:
    """Expect `one` seconds for each unit of the product of the named parameters."""

    def seconds(parameters: Parameters) -> float:
        expected = one
        for name in counts:
            expected *= int(parameters[name] or 1)
        return expected

    return seconds


def _prediabetes(batches: int, splits: int, cutoffs: Iterable[int]) -> Cells:
    return combinations(dataset=["prediabetes"], cutoff=cutoffs, batch=range(batches), splits=[splits])


def _all_by_logit(methods: Iterable[str]) -> Exchange:
    """Values of every method are those of the logistic regression."""
    return replaced("method", {name: "logit" for name in methods if name != "logit"})


SPLIT_BY: Final = ("rows", "respondents")


SIMULATED: Final = (
    Experiment(
        name="presto.synthetic",
        summary="squared error of the rare probability in the ten settings of Sections 4.1 and 4.2",
        settings=SIMULATED_SETTINGS,
        compute=synthetic,
        cells={
            "quick": combinations(design=SPARSITY, batch=range(2), repetitions=[5]),
            "paper": combinations(design=SPARSITY, batch=range(28), repetitions=[25]),
        },
        variants={
            PRESTO_IS_LOGIT: "the error of PRESTO is that of the logistic regression: there is no gain",
            PRESTO_IS_PO: "the error of PRESTO is that of the proportional-odds model: there is no gain",
            RIDGE_IS_BASE_RATE: "the error of the ridge form is that of a constant",
            NEXT_SETTING: "errors are compared with the published medians of the next rarer setting",
        },
        exchanged={
            PRESTO_IS_LOGIT: replaced("method", {"presto": "logit"}, relative=["gain_slope"]),
            PRESTO_IS_PO: replaced("method", {"presto": "proportional_odds"}, relative=["gain_slope"]),
            RIDGE_IS_BASE_RATE: replaced("method", {"presto_ridge": "base_rate"}),
            NEXT_SETTING: Exchange(
                ("design", "intercepts"),
                {
                    (design, settings[place]): (design, settings[place - 1])
                    for design, settings in INTERCEPTS.items()
                    for place in range(len(settings))
                },
            ),
        },
        seconds=_seconds(0.9, "repetitions"),
        seed=SEED,
    ),
    Experiment(
        name="presto.ridge",
        summary="the same error of the L1 and the ridge form, both as published",
        settings=SIMULATED_SETTINGS,
        compute=ridge_as_published,
        cells={
            "quick": combinations(design=["sparse 1/2", "sparse 1/3"], batch=[0], repetitions=[5]),
            "paper": combinations(design=["sparse 1/2", "sparse 1/3"], batch=range(28), repetitions=[25]),
            "control": combinations(RIDGE_IS_BASE_RATE, design=["sparse 1/2"], batch=[0], repetitions=[8]),
        },
        variants={RIDGE_IS_BASE_RATE: "the error of the ridge form is that of a constant"},
        seconds=_seconds(0.6, "repetitions"),
        seed=SEED,
    ),
    Experiment(
        name="presto.baselines",
        summary="the same error for four methods that the paper leaves out, on fitted and on fresh rows",
        settings=SIMULATED_SETTINGS,
        compute=baselines,
        cells={
            "quick": _by_setting(1, 6, [("sparse 1/2", "(0, 3.5, 5.5)"), ("dense", "(0, 3.5, 5.5)")]),
            "paper": _by_setting(4, 25, SETTINGS),
        },
        variants={PRESTO_IS_LOGIT: "all methods are the logistic regression: there is no gain"},
        exchanged={PRESTO_IS_LOGIT: _all_by_logit(METHODS)},
        seconds=_seconds(1.0, "repetitions"),
        seed=SEED,
    ),
    Experiment(
        name="presto.shrinkage",
        summary="the same error for logistic regression with cross-validated penalties: what shrinking alone gains",
        settings=SIMULATED_SETTINGS,
        compute=shrinkage,
        cells={
            "quick": _by_setting(1, 6, [("sparse 1/2", "(0, 3.5, 5.5)"), ("dense", "(0, 3.5, 5.5)")]),
            "paper": _by_setting(4, 25, SETTINGS),
            "control": combinations(
                NO_PENALTY, design=["sparse 1/2"], intercepts=["(0, 3.5, 5.5)"], batch=[0], repetitions=[10]
            ),
        },
        variants={
            PRESTO_IS_LOGIT: "all methods are the logistic regression without penalty: there is no gain",
            NO_PENALTY: "the penalised regressions are fitted without a penalty: nothing is gained by shrinking",
        },
        exchanged={PRESTO_IS_LOGIT: _all_by_logit(SHRINKING_METHODS)},
        seconds=_seconds(1.6, "repetitions"),
        seed=SEED,
    ),
)

REAL_DATA: Final = (
    Experiment(
        name="presto.soup",
        summary="published and sound scores on random splits of soup, by rows as published and by respondents",
        settings=SOUP_SETTINGS,
        compute=soup_splits,
        cells={
            "paper": combinations(dataset=["soup"], split_by=SPLIT_BY, batch=range(50), splits=[7]),
            "control": combinations(
                ANOTHER_DATA_SET,
                dataset=["prediabetes"],
                stands_for=["soup"],
                split_by=["rows"],
                batch=[0],
                splits=[3],
            ),
        },
        variants={
            ALL_ARE_LOGIT: "every method gives the probabilities of the logistic regression",
            ANOTHER_DATA_SET: "errors on PreDiabetes are compared with the published ones on soup",
        },
        exchanged={ALL_ARE_LOGIT: _all_by_logit(real_data.METHODS)},
        compared={ANOTHER_DATA_SET: "paper"},
        seconds=_seconds(5.0, "splits"),
        seed=SEED,
    ),
    Experiment(
        name="presto.prediabetes",
        summary="published and sound scores on random splits of PreDiabetes at eight age cutoffs",
        settings=PREDIABETES_SETTINGS,
        compute=prediabetes_splits,
        cells={
            "quick": _prediabetes(2, 2, (30, 40, 50, 60)),
            "paper": _prediabetes(7, 7, CUTOFFS),
        },
        variants={
            ALL_ARE_LOGIT: "every method gives the probabilities of the logistic regression",
            EXCHANGED: "errors of one method are compared with the published ones of another",
        },
        exchanged={
            ALL_ARE_LOGIT: _all_by_logit(real_data.METHODS),
            EXCHANGED: replaced(
                "method",
                {"presto_published": "logit", "logit": "presto_published", "proportional_odds": "presto_published"},
            ),
        },
        seconds=_seconds(1.5, "splits"),
        seed=SEED,
    ),
)

THEORY: Final = (
    Experiment(
        name="presto.information",
        summary="inverse information of logistic regression and proportional odds as the rare class gets rarer",
        settings=theory.RARITY_SETTINGS,
        compute=theory.information,
        cells={
            "quick": combinations(batch=[0], draws=[20], rows=[20_000]),
            "paper": combinations(batch=range(5), draws=[20], rows=[200_000]),
            "control": combinations(theory.BALANCED_BOUNDARY, theory.LOGIT_FOR_PO, batch=[0], draws=[4], rows=[5_000]),
        },
        variants={
            theory.BALANCED_BOUNDARY: "logistic regression is fitted at the boundary that does not get rare",
            theory.LOGIT_FOR_PO: "the weights are those of the logistic regression of the rare class",
        },
        seconds=_seconds(3e-6, "draws", "rows"),
        seed=SEED,
    ),
    Experiment(
        name="presto.estimation",
        summary="errors of weights estimated on simulated rows as the rare class gets rarer",
        settings=theory.RARITY_SETTINGS,
        compute=theory.estimation,
        cells={
            "quick": combinations(batch=[0], draws=[6], simulations=[20]),
            "paper": combinations(batch=range(10), draws=[5], simulations=[100]),
            "control": combinations(theory.BALANCED_BOUNDARY, batch=[0], draws=[4], simulations=[10]),
        },
        variants={
            theory.BALANCED_BOUNDARY: "logistic regression is fitted at the boundary that does not get rare",
            theory.LOGIT_FOR_PO: "the weights are those of the logistic regression of the rare class",
        },
        exchanged={theory.LOGIT_FOR_PO: replaced("method", {"proportional_odds": "logit"})},
        seconds=_seconds(0.04, "draws", "simulations"),
        seed=SEED,
    ),
    Experiment(
        name="presto.consistency",
        summary="distance to a sparse truth, with PRESTO's penalty and without, as rows, or rows and columns, get more",
        settings=theory.CONSISTENCY_SETTINGS,
        compute=theory.consistency,
        cells={
            "quick": combinations(growth=["fixed", "growing"], batch=[0], draws=[8]),
            "paper": combinations(growth=["fixed", "growing"], batch=range(4), draws=[25]),
            "control": combinations(theory.CONSTANT_PENALTY, growth=["fixed", "growing"], batch=[0], draws=[3]),
        },
        variants={
            theory.CONSTANT_PENALTY: "the penalty stays what it is at 500 rows, so weights are shrunk for ever",
            PRESTO_IS_UNPENALISED: "PRESTO is fitted with nearly no penalty",
        },
        exchanged={PRESTO_IS_UNPENALISED: replaced("method", {"presto": "no_penalty"})},
        seconds=_seconds(1.5, "draws"),
        seed=SEED,
    ),
    Experiment(
        name="presto.study_a",
        summary="inequality (6) in the setting of Figure 12",
        settings=(),
        compute=theory.study_a,
        cells={
            "quick": combinations(draw=range(5), rows=[200_000]),
            "paper": combinations(draw=range(25), rows=[1_000_000]),
            "control": combinations(theory.NO_RARE_CLASS, draw=range(3), rows=[20_000]),
        },
        variants={theory.NO_RARE_CLASS: "the second intercept is 0: the last class is not rare at all"},
        seconds=_seconds(4e-7, "rows"),
        seed=SEED,
    ),
    Experiment(
        name="presto.study_b",
        summary="inequality (6) for correlated, clipped normal columns, with published and intended intercepts",
        settings=theory.STUDY_B_SETTINGS,
        compute=theory.study_b,
        cells={
            "quick": combinations(correlation=theory.CORRELATIONS, draw=range(3), rows=[100_000]),
            "paper": combinations(correlation=theory.CORRELATIONS, draw=range(5), rows=[1_000_000]),
        },
        variants={
            NEXT_CORRELATION: "eigenvalues are compared with the published ones of another correlation",
            SIDES_EXCHANGED: "the two sides of the inequality are exchanged",
        },
        exchanged={
            NEXT_CORRELATION: replaced(
                "correlation",
                dict(zip(theory.CORRELATIONS, theory.CORRELATIONS[-1:] + theory.CORRELATIONS, strict=False)),
            ),
            SIDES_EXCHANGED: Exchange(negated=["log_margin"]),
        },
        seconds=_seconds(1.4e-6, "rows"),
        seed=SEED,
    ),
)

EXPERIMENTS: Final = (*SIMULATED, *REAL_DATA, *THEORY, OWN)
