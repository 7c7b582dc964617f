"""Experiments of the mixup study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from repro.protocol.cells import Cells, combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Experiment, Parameters
from repro.studies.mixup_collapse import exact, trainings

SEED: Final = 2024
SAME_NETWORK: Final = "same_network_twice"
FOUR_CLASSES_OR_MORE: Final = tuple(name for name, model in exact.CASES.items() if model.n_classes >= 4)
SOME_CASES: Final = FOUR_CLASSES_OR_MORE[:2]

ARMS: Final = (
    ("mixup", "cross_entropy", "trained"),
    ("erm", "cross_entropy", "trained"),
    ("mixup", "cross_entropy", "frozen frame"),
    ("mixup", "mse", "trained"),
)
"""Method, loss and head of the networks whose features are measured."""


def _features(
    arms: Iterable[tuple[str, str, str]], variant: str | None = None, data: str = "digits", **options: Iterable[Any]
) -> Cells:
    more = {} if variant is None else {"variant": [variant]}
    return together(
        *(
            combinations(method=[method], loss=[loss], head=[head], data=[data], **options, **more)
            for method, loss, head in arms
        )
    )


def _seconds(parameters: Parameters) -> float:
    """Estimate seconds: on one core for digits, measured; on one recent GPU for images, by arithmetic alone."""
    steps = int(parameters.get("steps") or 0) or int(parameters["epochs"] or 0) * 12
    if parameters["data"] == "digits":
        return 0.5 + 2.5e-3 * steps
    return 10.0 + (8000 if "epochs" in parameters else steps) * 128 / 12_000


EXPERIMENTS: Final = (
    Experiment(
        name="mixup_collapse.exact",
        summary="best features of mixed targets under a simplex classifier, found by L-BFGS, against the closed form",
        settings=("case",),
        compute=exact.exact,
        cells={
            "quick": combinations(case=exact.CASES, starts=[3]),
            "standard": combinations(case=exact.CASES, starts=[20]),
            "control": together(
                combinations(case=SOME_CASES, starts=[1], variant=[exact.OTHER_PARTNERS]),
                combinations(case=SOME_CASES, starts=[1], variant=[exact.CHORD]),
                combinations(case=SOME_CASES, starts=[1], variant=[exact.OTHER_LOSS]),
            ),
        },
        variants={
            exact.OTHER_PARTNERS: "the partners belong to another class, so that no mix lies within a class",
            exact.CHORD: "mixes are put on the chord and measured in the plane of two other classes",
            exact.OTHER_LOSS: "features are those of cross-entropy where squared error is said to be used",
        },
        seconds=lambda parameters: 0.2 * int(parameters["starts"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="mixup_collapse.features",
        summary="where the features of mixed rows lie in networks trained with and without mixup",
        settings=("method", "loss", "head", "epoch", "t"),
        compute=trainings.features,
        cells={
            "quick": _features(ARMS, epochs=[100], every=[0], seed=range(2)),
            "standard": together(
                _features(ARMS[:2], epochs=[500], every=[50], seed=range(5)),
                _features(ARMS[2:], epochs=[500], every=[0], seed=range(5)),
            ),
            "paper": _features(ARMS, data="cifar100", epochs=[200], every=[0], seed=range(3)),
            "control": together(
                _features(ARMS[:3:2], exact.OTHER_PARTNERS, epochs=[20], every=[0], seed=range(2)),
                _features(ARMS[:3:2], exact.CHORD, epochs=[20], every=[0], seed=range(2)),
                _features(ARMS[3:], trainings.SUMS, epochs=[20], every=[0], seed=range(3)),
                _features(ARMS[2:3], trainings.OTHER_PENALTY, epochs=[20], every=[0], seed=range(2)),
            ),
        },
        variants={
            exact.OTHER_PARTNERS: "the partners belong to another class, so that no mix lies within a class",
            exact.CHORD: "mixes are put on the chord and measured in the plane of two other classes",
            trainings.SUMS: "mixes are put at the sum of both class means, where no convex combination lies",
            SAME_NETWORK: "a placebo: both networks are one and the same, trained with mixup",
            trainings.OTHER_PENALTY: "the exact curve is that of a hundred times the penalty",
        },
        exchanged={SAME_NETWORK: replaced("method", {"erm": "mixup"})},
        seconds=_seconds,
        datasets=trainings.downloads,
        seed=SEED,
    ),
    Experiment(
        name="mixup_collapse.calibration",
        summary="calibration on test rows after training with and without mixup, and after temperature scaling",
        settings=("rows", "method", "bin"),
        compute=trainings.calibration,
        cells={
            "quick": combinations(
                method=["erm", "mixup"], rows=[100, 1500], data=["digits"], steps=[720], seed=range(3)
            ),
            "standard": combinations(
                method=trainings.CONCENTRATIONS, rows=[100, 1500], data=["digits"], steps=[1800], seed=range(6)
            ),
            "paper": combinations(
                method=trainings.CONCENTRATIONS, rows=[5000], data=["cifar100"], steps=[8000], seed=range(3)
            ),
            "control": combinations(
                trainings.SCALED_GUESS,
                method=["mixup", "erm"],
                rows=[100],
                data=["digits"],
                steps=[60],
                seed=range(5),
            ),
        },
        variants={
            SAME_NETWORK: "a placebo: both networks are one and the same, trained without mixup",
            trainings.SCALED_GUESS: "the temperature is so high that every confidence is that of a guess",
        },
        exchanged={SAME_NETWORK: replaced("method", {"mixup": "erm"})},
        seconds=_seconds,
        datasets=trainings.downloads,
        seed=SEED,
    ),
)
