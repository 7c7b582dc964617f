"""Experiments of the neural-collapse study: which cells each profile runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from repro.protocol.cells import Cells, combinations, together
from repro.protocol.exchange import Exchange, replaced
from repro.protocol.experiment import Experiment, Parameters
from repro.studies.neural_collapse import models, on_digits, on_images
from repro.studies.neural_collapse.own import OWN

SEED: Final = 2020
SAME_STARTS: Final = "same_starts_twice"
OTHER_CLASSES: Final = "cosine_of_the_majority"
TIMES_EXCHANGED: Final = "times_exchanged"
UNEQUAL: Final = tuple(name for name in models.CASES if name.startswith("unequal"))


def _epochs(parameters: Parameters) -> float:
    return 3e-3 * int(parameters["epochs"] or 0) * int(parameters["seeds"] or 0)


def _direct(seeds: int) -> Cells:
    return together(
        combinations(layers=[1, 3], seed=range(seeds), steps=[15_000]),
        combinations(layers=[6], seed=range(seeds), steps=[30_000]),
    )


MODELS: Final = (
    Experiment(
        name="neural_collapse.exact",
        summary="least objectives found by L-BFGS from many starts against the closed forms",
        settings=("case",),
        compute=models.exact,
        cells={
            "quick": combinations(case=models.CASES, starts=[6]),
            "standard": combinations(case=models.CASES, starts=[60]),
            "control": combinations(models.WRONG_SIZES, case=UNEQUAL, starts=[3]),
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
            "quick": combinations(layers=[1, 2, 3], models=[50]),
            "standard": combinations(layers=[1, 2, 3, 6], models=[1000]),
            "control": combinations(models.WRONG_SIZES, layers=[1, 3], models=[5]),
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
            "control": combinations(models.CUT_SHORT, layers=[1, 3], seed=[0], steps=[15_000]),
        },
        variants={models.CUT_SHORT: "only a hundredth of the steps is taken"},
        seconds=lambda parameters: 2e-4 * int(parameters["steps"] or 0) * int(parameters["layers"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.direct_balanced",
        summary="gradient descent in the published setting with equal classes against both frames",
        settings=("layers", "bias"),
        compute=models.direct_balanced,
        cells={
            "standard": together(
                combinations(layers=[1, 3], bias=[False, True], seed=range(2), steps=[15_000]),
                combinations(layers=[6, 9], bias=[False, True], seed=[0], steps=[30_000]),
            ),
            "control": combinations(models.CUT_SHORT, layers=[1, 3], bias=[False, True], seed=[0], steps=[15_000]),
        },
        variants={models.CUT_SHORT: "only a hundredth of the steps is taken"},
        seconds=lambda parameters: 3e-4 * int(parameters["steps"] or 0) * int(parameters["layers"] or 0),
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.traps",
        summary="classes that descent from small random starts loses although the optimum keeps them",
        settings=("layers", "b", "scale", "class_size"),
        compute=models.traps,
        cells={
            "quick": combinations(layers=[2, 3], b=[0.1, 0.3], scale=[0.1, 0.3], seed=range(3)),
            "standard": combinations(layers=[2, 3], b=[0.05, 0.1, 0.2, 0.3, 0.4], scale=[0.1, 0.3], seed=range(10)),
        },
        variants={SAME_STARTS: "a placebo: both runs of a pair are one and the same, from the larger start"},
        exchanged={SAME_STARTS: replaced("scale", {0.1: 0.3})},
        seconds=lambda parameters: 0.2,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.minority",
        summary="angle between two small classes as two others grow, cross-entropy",
        settings=("ratio",),
        compute=models.minority,
        cells={
            "quick": combinations(ratio=models.RATIOS, starts=[3]),
            "standard": combinations(ratio=models.RATIOS, starts=[10]),
        },
        variants={OTHER_CLASSES: "the angle is that between the two classes that grow"},
        exchanged={OTHER_CLASSES: Exchange(metrics={"minority_cosine": "majority_cosine"})},
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
            "quick": combinations(layers=[1, 3], bias=[False, True], lam=[2e-3], epochs=[800], seeds=[2]),
            "standard": combinations(layers=[1, 3], bias=[False, True], lam=[2e-3], epochs=[3000], seeds=[5]),
        },
        variants={on_images.FRAMES_EXCHANGED: "each network is compared with the frame of the other kind of head"},
        exchanged={
            on_images.FRAMES_EXCHANGED: Exchange(
                metrics={"predicted_frame_err": "other_frame_err", "other_frame_err": "predicted_frame_err"}
            )
        },
        seconds=_epochs,
        seed=SEED,
    ),
    Experiment(
        name="neural_collapse.imbalanced",
        summary="networks on imbalanced digits against the general orthogonal frame",
        settings=("layers", "class_size"),
        compute=on_digits.imbalanced,
        cells={
            "quick": combinations(layers=[1, 3], lam=[1e-3], epochs=[1500], seeds=[2]),
            "standard": combinations(layers=[1, 2, 3], lam=[1e-3], epochs=[4000], seeds=[5]),
            "control": combinations(
                on_digits.BALANCED_FRAME, models.WRONG_SIZES, layers=[1], lam=[1e-3], epochs=[300], seeds=[3]
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
            "quick": combinations(layers=[1], threshold=[50.0], epochs=[1000], seeds=[2]),
            "standard": combinations(
                layers=[1, 2, 3], threshold=[10.0, 30.0, 50.0, 70.0, 90.0], epochs=[3000], seeds=[3]
            ),
            "control": combinations(models.WRONG_SIZES, layers=[1], threshold=[50.0], epochs=[300], seeds=[3]),
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
            "quick": combinations(layers=[1, 3], lam=[1e-3], epochs=[1500], seeds=[1]),
            "standard": combinations(layers=[1, 2, 3], lam=[1e-3], epochs=[5000], seeds=[5]),
            "control": combinations(models.PAIRS, layers=[3], lam=[1e-3], epochs=[1], seeds=[1]),
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
            "quick": combinations(lam=[2e-3], epochs=[800], every=[20], seeds=[3]),
            "standard": combinations(lam=[2e-3], epochs=[3000], every=[50], seeds=[5]),
        },
        variants={TIMES_EXCHANGED: "the end of the training and the first epoch without error change places"},
        exchanged={TIMES_EXCHANGED: Exchange(negated=[f"log_change_{name}" for name in on_digits.APPEARANCE])},
        seconds=_epochs,
        seed=SEED,
    ),
)

SEEDS: Final = range(3)
DEPTHS: Final = (1, 3, 6)
CIFAR: Final = "cifar10"
CONVOLUTIONAL: Final = ("resnet18", "vgg16")


def _stand_in(*variants: str, stands_for: str = CIFAR, **options: Iterable[Any]) -> Cells:
    """Declare control cells on the 8x8 digits, in place of another data set: nothing is downloaded."""
    return combinations(*variants, dataset=["digits"], stands_for=[stands_for], every=[0], **options)


def _unequal_mlp(
    dataset: str, width: int, epochs: int, recipe: str, lam: float, every: int, **part: Iterable[float]
) -> Cells:
    return combinations(
        dataset=[dataset],
        network=["mlp"],
        layers=DEPTHS,
        lam=[lam],
        width=[width],
        epochs=[epochs],
        recipe=[recipe],
        every=[every],
        seed=SEEDS,
        **part,
    )


UNEQUAL_SETTINGS: Final = ("dataset", "network", "layers", "class_size", "epoch")
UNEQUAL_VARIANTS: Final = {
    on_digits.BALANCED_FRAME: "features are compared with the frame of equal classes and the other way round",
    models.WRONG_SIZES: "class sizes are read in reversed order",
}


def _unequal_stand_in(
    variants: Iterable[str], network: str, width: int, epochs: int, recipe: str, stands_for: str = CIFAR
) -> Cells:
    return _stand_in(
        *variants,
        stands_for=stands_for,
        network=[network],
        layers=[1],
        lam=[1e-3],
        width=[width],
        epochs=[epochs],
        recipe=[recipe],
        seed=SEEDS,
    )


def _deep_heads(penalty: str, lam: float, recipe: str, heads: Iterable[tuple[str, bool]]) -> Cells:
    return together(
        *(
            combinations(
                dataset=[CIFAR],
                network=CONVOLUTIONAL,
                layers=DEPTHS,
                loss=[loss],
                bias=[bias],
                penalty=[penalty],
                lam=[lam],
                width=[512],
                epochs=[200],
                recipe=[recipe],
                every=[20],
                seed=SEEDS,
            )
            for loss, bias in heads
        )
    )


def _part_of_cifar(
    network: str, loss: str, bias: Sequence[bool], lam: float, width: int, epochs: int, recipe: str
) -> Cells:
    """Declare narrow networks on 60 images a class, as many as in the digits' experiments; a GPU is not needed."""
    return combinations(
        dataset=[CIFAR],
        network=[network],
        layers=[1, 3],
        loss=[loss],
        bias=bias,
        penalty=["head_and_features"],
        lam=[lam],
        width=[width],
        epochs=[epochs],
        recipe=[recipe],
        every=[epochs // 10],
        seed=SEEDS,
        part=[0.012],
    )


def _deep_heads_stand_in(variant: str, layers: int, loss: str, bias: bool, penalty: str) -> Cells:
    return _stand_in(
        variant,
        network=["resnet18"],
        layers=[layers],
        loss=[loss],
        bias=[bias],
        penalty=[penalty],
        lam=[5e-4],
        width=[16],
        epochs=[2],
        recipe=["batches"],
        seed=SEEDS,
    )


RELATIVE_COST: Final = {"mlp": 1.0, "resnet18": 1.0, "vgg16": 0.7}


def _expected(parameters: Parameters) -> float:
    """Estimate seconds: on one core for a part of the images, measured; on one recent GPU for all, by arithmetic.

    Narrow networks take about 20 ms an epoch for 600 rows when they are perceptrons, 1 s when they are convolutional.
    On the GPU 12,000 images of 32 x 32 a second go forth and back through a ResNet-18, and the perceptron of width 2048
    takes about 20 ms for 3,000 rows.
    """
    dataset, epochs, network = (str(parameters["dataset"]), int(parameters["epochs"] or 0), str(parameters["network"]))
    if "part" in parameters:
        return epochs * (0.02 if network == "mlp" else 1.0)
    if network == "mlp":
        return 0.02 * epochs
    if "ratio" in parameters:
        rows = sum(on_images.minority_sizes(dataset, int(parameters["ratio"] or 1)))
    elif "loss" in parameters:
        rows = 10 * on_images.EQUAL_SIZE[dataset]
    else:
        rows = sum(on_images.UNEQUAL_SIZES[dataset])
    share = (int(parameters["width"] or 0) / 512) ** 2
    return 5.0 + share * RELATIVE_COST[network] * rows * epochs / 12_000


OTHER_PROCESSOR: Final = 1e-3
"""How far what is measured on one training may move elsewhere: its steps amplify the rounding of the first."""

IMAGES: Final = (
    Experiment(
        name="neural_collapse.mnist",
        summary="a perceptron of six hidden layers on imbalanced MNIST against the general orthogonal frame",
        settings=UNEQUAL_SETTINGS,
        compute=on_images.imbalanced_images,
        cells={
            "standard": _unequal_mlp("mnist", 128, 1200, "full_batch", 1e-3, 50),
            "control": together(
                _unequal_stand_in(UNEQUAL_VARIANTS, "mlp", 64, 300, "full_batch", "mnist"),
                _unequal_stand_in([models.CUT_SHORT], "mlp", 64, 300, "full_batch", "mnist"),
            ),
        },
        variants=UNEQUAL_VARIANTS | {models.CUT_SHORT: "the training ends after three epochs, far from any minimum"},
        seconds=lambda parameters: 0.07 * int(parameters["epochs"] or 0),
        datasets=on_images.downloads,
        seed=SEED,
        tolerance=OTHER_PROCESSOR,
    ),
    Experiment(
        name="neural_collapse.imbalanced_images",
        summary="the published perceptron and a ResNet-18 on imbalanced CIFAR-10 against the general orthogonal frame",
        settings=UNEQUAL_SETTINGS,
        compute=on_images.imbalanced_images,
        cells={
            "standard": _unequal_mlp(CIFAR, 128, 1200, "full_batch", 1e-3, 100, part=[0.2]),
            "paper": together(
                _unequal_mlp(CIFAR, 2048, 12_000, "full_batch_published", 1e-5, 500),
                combinations(
                    dataset=[CIFAR],
                    network=["resnet18"],
                    layers=DEPTHS,
                    lam=[1e-3],
                    width=[512],
                    epochs=[500],
                    recipe=["batches"],
                    every=[20],
                    seed=SEEDS,
                ),
            ),
            "control": _unequal_stand_in(UNEQUAL_VARIANTS, "resnet18", 16, 2, "batches"),
        },
        variants=UNEQUAL_VARIANTS,
        seconds=_expected,
        datasets=on_images.downloads,
        seed=SEED,
        tolerance=OTHER_PROCESSOR,
    ),
    Experiment(
        name="neural_collapse.deep_heads",
        summary="networks with linear heads of several layers on equal classes of CIFAR-10, against both frames",
        settings=("dataset", "network", "layers", "loss", "bias", "penalty", "position", "epoch"),
        compute=on_images.deep_heads,
        cells={
            "standard": together(
                _part_of_cifar("mlp", "mse", [False, True], 2e-3, 128, 1200, "full_batch"),
                _part_of_cifar("mlp", "cross_entropy", [False], 1e-3, 128, 1200, "full_batch"),
                _part_of_cifar("resnet18", "mse", [False], 2e-3, 64, 100, "batches"),
            ),
            "paper": together(
                _deep_heads(
                    "weight_decay",
                    1e-4,
                    "batches_published",
                    [("mse", False), ("mse", True), ("cross_entropy", True)],
                ),
                _deep_heads("head_and_features", 5e-4, "batches", [("cross_entropy", False)]),
            ),
            "control": together(
                _deep_heads_stand_in(on_images.FRAMES_EXCHANGED, 1, "mse", False, "weight_decay"),
                _deep_heads_stand_in(on_images.FRAMES_EXCHANGED, 1, "mse", True, "weight_decay"),
                _deep_heads_stand_in(models.PAIRS, 3, "cross_entropy", True, "weight_decay"),
                _deep_heads_stand_in(models.PAIRS, 3, "cross_entropy", False, "head_and_features"),
            ),
        },
        variants={
            on_images.FRAMES_EXCHANGED: "each network is compared with the frame of the other kind of head",
            models.PAIRS: "loss and directions are those of classes in opposite pairs, known to be lower and fewer",
        },
        seconds=_expected,
        datasets=on_images.downloads,
        seed=SEED,
        tolerance=OTHER_PROCESSOR,
    ),
    Experiment(
        name="neural_collapse.minority_images",
        summary="angles between the classifier's rows of small classes as the imbalance of images grows",
        settings=("dataset", "network", "ratio", "epoch"),
        compute=on_images.minority_images,
        cells={
            "paper": combinations(
                dataset=[CIFAR],
                network=CONVOLUTIONAL,
                ratio=on_images.RATIOS,
                lam=[5e-4],
                width=[512],
                epochs=[350],
                recipe=["layer_peeled_published"],
                every=[20],
                seed=SEEDS,
            ),
            "control": _stand_in(
                on_images.EQUAL_SIZES_COLLAPSE,
                network=["mlp"],
                ratio=on_images.RATIOS,
                lam=[5e-4],
                width=[16],
                epochs=[1],
                recipe=["layer_peeled_published"],
                seed=SEEDS,
            ),
        },
        variants={
            on_images.EQUAL_SIZES_COLLAPSE: "rows of the small classes coincide at equal sizes and form a simplex "
            "frame at the largest ratio"
        },
        seconds=_expected,
        datasets=on_images.downloads,
        seed=SEED,
        tolerance=OTHER_PROCESSOR,
    ),
)

EXPERIMENTS: Final = (*MODELS, *NETWORKS, *IMAGES, OWN)
