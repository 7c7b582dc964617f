"""Experiments of the neural-collapse study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any, Final

from repro.protocol.experiment import Experiment, Parameters
from repro.studies.neural_collapse import models, on_digits

SEED: Final = 2020
UNEQUAL: Final = tuple(name for name in models.CASES if name.startswith("unequal"))

Cells = Callable[[], Sequence[Parameters]]


def _cells(*variants: str, **options: Iterable[Any]) -> Cells:
    """Declare all combinations of the options, for control runs once for each variant."""

    def cells() -> list[Parameters]:
        combined = [dict(zip(options, values, strict=True)) for values in product(*options.values())]
        if not variants:
            return list(combined)
        return [parameters | {"variant": variant} for variant in variants for parameters in combined]

    return cells


def _together(*declared: Cells) -> Cells:
    return lambda: [parameters for cells in declared for parameters in cells()]


def _epochs(parameters: Parameters) -> float:
    return 3e-3 * int(parameters["epochs"] or 0) * int(parameters["seeds"] or 0)


def _direct(seeds: int) -> Cells:
    return _together(
        _cells(layers=[1, 3], seed=range(seeds), steps=[15_000]), _cells(layers=[6], seed=range(seeds), steps=[30_000])
    )


MODELS: Final = (
    Experiment(
        name="neural_collapse.exact",
        summary="least objectives found by L-BFGS from many starts against the closed forms",
        settings=("case",),
        compute=models.exact,
        cells={
            "quick": _cells(case=models.CASES, starts=[6]),
            "standard": _cells(case=models.CASES, starts=[60]),
            "control": _cells(models.WRONG_SIZES, case=UNEQUAL, starts=[3]),
        },
        variants={models.WRONG_SIZES: "the closed form is that of the class sizes in reversed order"},
        seconds=lambda parameters: 0.03 * int(parameters["starts"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.norms",
        summary="order of the norms of classifier rows and features by class size, in random exact optima",
        settings=("layers",),
        compute=models.norms,
        cells={
            "quick": _cells(layers=[1, 2, 3], models=[50]),
            "standard": _cells(layers=[1, 2, 3, 6], models=[1000]),
            "control": _cells(models.WRONG_SIZES, layers=[1, 3], models=[5]),
        },
        variants={models.WRONG_SIZES: "the norms are those of the class sizes in reversed order"},
        seconds=lambda parameters: 4e-4 * int(parameters["models"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.direct",
        summary="gradient descent on features and layers in the published setting against the closed form",
        settings=("layers",),
        compute=models.direct,
        cells={
            "standard": _direct(5),
            "control": _cells(models.CUT_SHORT, layers=[1, 3], seed=[0], steps=[15_000]),
        },
        variants={models.CUT_SHORT: "only a hundredth of the steps is taken"},
        seconds=lambda parameters: 2e-4 * int(parameters["steps"] or 0) * int(parameters["layers"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.traps",
        summary="classes that descent from small random starts loses although the optimum keeps them",
        settings=("layers", "b", "scale", "class_size"),
        compute=models.traps,
        cells={
            "quick": _cells(layers=[2, 3], b=[0.1, 0.3], scale=[0.1, 0.3], seed=range(3)),
            "standard": _cells(layers=[2, 3], b=[0.05, 0.1, 0.2, 0.3, 0.4], scale=[0.1, 0.3], seed=range(10)),
            "control": _cells(models.SCALES_EXCHANGED, layers=[3], b=[0.3], scale=[0.1, 0.3], seed=range(3)),
        },
        variants={
            models.SCALES_EXCHANGED: "runs from small starts are labelled as those from larger ones, and vice versa"
        },
        seconds=lambda parameters: 0.2,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.minority",
        summary="angle between two small classes as two others grow, cross-entropy",
        settings=("ratio",),
        compute=models.minority,
        cells={
            "quick": _cells(ratio=models.RATIOS, starts=[3]),
            "standard": _cells(ratio=models.RATIOS, starts=[10]),
            "control": _cells(models.OTHER_CLASSES, ratio=models.RATIOS, starts=[2]),
        },
        variants={models.OTHER_CLASSES: "the angle is that between the two classes that grow"},
        seconds=lambda parameters: 0.01 * int(parameters["ratio"] or 0),
        seed=SEED,
    ),
)

NETWORKS: Final = (
    Experiment(
        name="neural_collapse.balanced",
        summary="networks on balanced digits, with and without a bias, against both frames",
        settings=("layers", "bias"),
        compute=on_digits.balanced,
        cells={
            "quick": _cells(layers=[1, 3], bias=[False, True], lam=[2e-3], epochs=[800], seeds=[1]),
            "standard": _cells(layers=[1, 3], bias=[False, True], lam=[2e-3], epochs=[3000], seeds=[5]),
            "control": _cells(
                on_digits.FRAMES_EXCHANGED, layers=[1], bias=[False, True], lam=[2e-3], epochs=[400], seeds=[1]
            ),
        },
        variants={on_digits.FRAMES_EXCHANGED: "each network is compared with the frame of the other kind of head"},
        seconds=_epochs,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.imbalanced",
        summary="networks on imbalanced digits against the general orthogonal frame",
        settings=("layers", "class_size"),
        compute=on_digits.imbalanced,
        cells={
            "quick": _cells(layers=[1, 3], lam=[1e-3], epochs=[1500], seeds=[1]),
            "standard": _cells(layers=[1, 2, 3], lam=[1e-3], epochs=[4000], seeds=[5]),
            "control": _cells(
                on_digits.BALANCED_FRAME, models.WRONG_SIZES, layers=[1], lam=[1e-3], epochs=[300], seeds=[1]
            ),
        },
        variants={
            on_digits.BALANCED_FRAME: "features are compared with the frame of equal classes and the other way round",
            models.WRONG_SIZES: "class sizes are read in reversed order",
        },
        seconds=_epochs,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.learnt",
        summary="which classes a network learns, against the threshold that follows from sizes and penalty",
        settings=("layers", "threshold", "class_size"),
        compute=on_digits.learnt,
        cells={
            "quick": _cells(layers=[1], threshold=[50.0], epochs=[1000], seeds=[1]),
            "standard": _cells(layers=[1, 2, 3], threshold=[10.0, 30.0, 50.0, 70.0, 90.0], epochs=[3000], seeds=[3]),
            "control": _cells(models.WRONG_SIZES, layers=[1], threshold=[50.0], epochs=[300], seeds=[1]),
        },
        variants={models.WRONG_SIZES: "the theory is told the class sizes in reversed order"},
        seconds=_epochs,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.cross_entropy",
        summary="loss and rank of networks with cross-entropy against the best simplex frame",
        settings=("layers", "position"),
        compute=on_digits.cross_entropy,
        cells={
            "quick": _cells(layers=[1, 3], lam=[1e-3], epochs=[1500], seeds=[1]),
            "standard": _cells(layers=[1, 2, 3], lam=[1e-3], epochs=[5000], seeds=[5]),
            "control": _cells(models.PAIRS, layers=[3], lam=[1e-3], epochs=[1], seeds=[1]),
        },
        variants={models.PAIRS: "the loss is that of classes in opposite pairs, known to be lower"},
        seconds=_epochs,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.appearance",
        summary="measures of collapse through a training, before and after the training error is zero",
        settings=("epoch",),
        compute=on_digits.appearance,
        cells={
            "quick": _cells(lam=[2e-3], epochs=[800], every=[20], seeds=[3]),
            "standard": _cells(lam=[2e-3], epochs=[3000], every=[50], seeds=[5]),
            "control": _cells(on_digits.TIMES_EXCHANGED, lam=[2e-3], epochs=[400], every=[20], seeds=[3]),
        },
        variants={on_digits.TIMES_EXCHANGED: "the end of the training and the first epoch without error change places"},
        seconds=_epochs,
        seed=SEED,
    ),
)

EXPERIMENTS: Final = (*MODELS, *NETWORKS)
