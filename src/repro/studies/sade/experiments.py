"""Experiments of the SADE study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from repro.protocol.cells import combinations, together
from repro.protocol.exchange import Exchange, replaced
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.studies.sade.training import COLUMNS, RECIPES, SEVERAL_EXPERTS, counts_of

SEED: Final = 2107
OTHER_PROCESSOR: Final = 0.2
"""How far a value of one training may move on another processor, as a share of 1 plus its size.

Thirty epochs amplify the rounding of the first. Measured by ``repro verify sade.experts --profile standard``: the cell
of recipe "digits" and seed 0, made on one processor and made again on another (Intel, family 6, model 207), moves by
0.0007 in the median of its values, 0.035 at most in an accuracy, 0.067 in a rank correlation and 0.103 in the number of
the best epoch. Of the ten seeds of that recipe any two differ by at least 0.42 in some value. So the tolerance lies
between a training made again and another training.
"""
OTHER_PROCESSOR_GAIN: Final = 0.02
"""The same for gains of learned over equal weights, which move less: by 0.002 in the cell above.

Of the five seeds of ``sade.views`` any two differ by at least 0.037 in some gain.
"""
DIGITS: Final = ("digits", "digits with tau 2")
"""Recipes on the digits: with tau = 1, and with tau = 2 as published."""
METHODS: Final = ("sade", "three_balanced", "balanced", "cross_entropy", "ldam_drw")
MORE_METHODS: Final = ("focal", "lade", "ride", "decoupled")


def experts(cell: Cell) -> pd.DataFrame:
    """Train and measure the experts and their opponents of a cell.

    Parameters
    ----------
    cell : Cell
        Parameter ``recipe``: "digits" and "digits with tau 2" train all methods on a tail of handwritten digits, with
        another tau than the published one and with that; "short" and "published" train one ``method`` on CIFAR-100-LT.

    Returns
    -------
    DataFrame
        Columns ``recipe, ratio, test_set, method, class_label, replicate, metric, value``.
    """
    from repro.studies.sade import on_cifar, on_digits  # PyTorch takes long to import

    recipe = cell.text("recipe")
    if recipe == "digits":
        return on_digits.experts_on_digits(cell)
    return on_digits.experts_with_published_tau(cell) if recipe in DIGITS else on_cifar.experts_on_cifar(cell)


def views(cell: Cell) -> pd.DataFrame:
    """Learn weights from views of three strengths, see :func:`repro.studies.sade.on_digits.strength_of_views`."""
    from repro.studies.sade import on_digits

    return on_digits.strength_of_views(cell)


def _datasets(parameters: Parameters) -> Sequence[str]:
    return ("mnist-subset",) if parameters.get("recipe", "digits") in DIGITS else ("cifar100",)


def _is_trained_on_cifar(parameters: Parameters) -> bool:
    """Whether a cell rests on a training of hours; it is a record of that training."""
    return parameters.get("recipe", "digits") not in DIGITS


def _seconds(parameters: Parameters) -> float:
    if parameters["recipe"] in DIGITS:
        share = {"experts": 0.7, "singles": 0.3}.get(str(parameters.get("part")), 1.0)
        return 0.7 * share * int(parameters["epochs"] or 0)
    epochs = RECIPES[str(parameters["recipe"])].epochs
    ratio = int(parameters["ratio"] or 0)
    share = float(counts_of(ratio).sum() / counts_of(100).sum())
    return epochs * share * (22.0 if parameters["method"] in SEVERAL_EXPERTS else 12.0)


EXPERIMENTS: Final = (
    Experiment(
        name="sade.experts",
        summary="experts with different skills, learned weights and their opponents on eleven test distributions",
        settings=COLUMNS,
        compute=experts,
        cells={
            # in two parts, so that two cores share the work of three seeds evenly; other seeds than in "standard"
            "quick": combinations(
                recipe=["digits with tau 2"], seed=range(3), epochs=[30], pairs=[1], part=["experts", "singles"]
            ),
            "standard": together(
                combinations(recipe=["digits"], seed=range(10), epochs=[30], pairs=[3], tau2=[True], best_epoch=[True]),
                combinations(recipe=["digits with tau 2"], seed=range(10, 20), epochs=[30], pairs=[3]),
                combinations(recipe=["short"], ratio=[100], method=METHODS, seed=range(3)),
            ),
            "paper": together(
                combinations(recipe=["published"], ratio=[100], method=[*METHODS, *MORE_METHODS], seed=range(3)),
                combinations(recipe=["published"], ratio=[10, 50], method=METHODS, seed=range(3)),
            ),
            "control": together(
                combinations(
                    "roles_exchanged",
                    recipe=["digits with tau 2"],
                    stands_for=["published"],
                    seed=range(3),
                    epochs=[15],
                    pairs=[1],
                ),
                combinations(
                    "weights_of_the_opposite_set",
                    "views_of_noise",
                    recipe=["digits with tau 2"],
                    seed=range(3),
                    epochs=[30],
                    pairs=[1],
                    part=["experts"],
                ),
            ),
        },
        variants={
            "roles_exchanged": "the first and third expert change places, the worst expert stands for learned weights "
            "and for the mean, stability counts with the wrong sign, skilled experts stand for identical ones",
            "weights_of_the_opposite_set": "every test set gets the weights that were learned on its mirror image, "
            "which says nothing about it",
            "views_of_noise": "the two views are unrelated images of noise, so that their agreement says nothing about "
            "the test set",
            "slight_tail_for_the_inverse_one": "the test set with the slightest tail of the training's kind stands for "
            "the one with the longest inverse tail",
            "agreement_with_the_wrong_sign": "agreement counts with the wrong sign, less of it as better",
        },
        exchanged={
            "agreement_with_the_wrong_sign": Exchange(negated=("stability_accuracy",)),
            "slight_tail_for_the_inverse_one": replaced("test_set", {"backward-50": "forward-2"}),
        },
        seconds=_seconds,
        datasets=_datasets,
        seed=SEED,
        kept=_is_trained_on_cifar,
        tolerance=OTHER_PROCESSOR,
    ),
    Experiment(
        name="sade.views",
        summary="gain of learned weights with weak, usual and strong views of the test images",
        settings=("views", "test_set"),
        compute=views,
        cells={"standard": combinations(seed=range(5), epochs=[30], pairs=[3])},
        seconds=lambda parameters: 40.0,
        datasets=_datasets,
        seed=SEED,
        tolerance=OTHER_PROCESSOR_GAIN,
    ),
)
