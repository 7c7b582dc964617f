"""Experts on CIFAR-100-LT: from a trained network to the rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from repro.protocol.experiment import Cell
from repro.studies.sade.evaluating import (
    errors_over_images,
    identical_experts,
    single_network,
    skilled_experts,
    table_of,
)
from repro.studies.sade.training import SEVERAL_EXPERTS, keeping_of, method_of, recipe_of, seeds_of, task_of
from repro.trials import (
    ExpertLogits,
    Recipe,
    Trained,
    accuracy_on_every_set,
    augmentation_of,
    best_epoch,
    crop_flip_colour_blur,
    expert_logits,
    fit,
    last_quarter,
    on_every_set,
    telling,
    under,
)
from repro.trials.measures import Row

if TYPE_CHECKING:
    from repro.training.augmentation import Transform

__all__ = ["PAIRS", "experts_on_cifar", "rows_of_network"]

PAIRS: Final = 5
DRAWS_OF_CRT: Final = 10


def _transforms(recipe: Recipe) -> list[Transform]:
    """Random transforms of the training."""
    return [] if recipe.transforms is None else list(recipe.transforms())


def evidence_of(trained: Trained, recipe: Recipe, *, several: bool) -> ExpertLogits:
    """Logits of a trained network on the test set and, of several experts, on views and under its augmentation."""
    views = {"pairs": PAIRS, "views": crop_flip_colour_blur(), "augmented": _transforms(recipe)} if several else {}
    (found,) = expert_logits(trained, half=True, **views)  # type: ignore[arg-type]
    return found


def accuracies_of(trained: Trained) -> dict[str, float]:
    """Accuracy of a network, or of the mean of its experts, on the eleven test sets."""
    (found,) = expert_logits(trained, half=True)
    return accuracy_on_every_set(found.clean, found.labels)


def decoupled_rows(trained: Trained, recipe: Recipe, seed: int) -> list[Row]:
    """Measure a network with a linear classifier: as it is ("linear"), normalised and with a retrained classifier.

    There are no images to choose tau with: "tau_norm" has tau = 1. The classifier of "crt" sees every training image
    under ten draws of the augmentation of the training.
    """
    import torch

    from repro.longtail import classifier_retraining, tau_normalise
    from repro.training import DotProductClassifier

    task, network = trained.task, trained.network
    body: Any = network.features
    images, training = (torch.from_numpy(part).to(trained.device) for part in (task.test_inputs, task.inputs))
    features = under(body, images, augmentation_of(task), 0)
    (head,) = network.one.classifiers  # type: ignore[union-attr,misc]
    assert isinstance(head, DotProductClassifier)
    weight = head.weight.detach().cpu()
    changed = augmentation_of(task, _transforms(recipe))
    shown = [under(body, training, changed, 1 + number) for number in range(DRAWS_OF_CRT)]
    targets = torch.from_numpy(task.labels).repeat(DRAWS_OF_CRT)
    retrained = classifier_retraining(torch.cat(shown), targets, task.n_classes, epochs=1, seed=seed)
    linear = ExpertLogits(task.test_labels, task.counts, (features @ weight.T).numpy()[:, None])
    normalised = (features @ tau_normalise(weight, 1.0).T).numpy()
    rows = list(single_network("linear", linear, calibrated_to="train"))
    rows += on_every_set("tau_norm", lambda test_set, chosen: normalised, linear)
    again = retrained.logits(features)
    return [*rows, *on_every_set("crt", lambda test_set, chosen: again, linear)]


def rows_of_network(method: str, seed: int, evidence: ExpertLogits) -> list[Row]:
    """All that is measured of the network of a method."""
    if method == "sade":
        rows = list(skilled_experts("", evidence, grid=seed == 0))
        return [*rows, *errors_over_images(evidence, rows)]
    calibrated = "train" if method in ("cross_entropy", "focal") else "uniform"
    rows = list(single_network(method, evidence, calibrated_to=calibrated))
    if method == "three_balanced":
        rows += identical_experts(method, evidence)
    return rows


def experts_on_cifar(cell: Cell) -> pd.DataFrame:
    """Train one network on CIFAR-100-LT, or take the one that is kept, and measure it.

    Parameters
    ----------
    cell : Cell
        Parameters ``method``, ``ratio``, ``recipe`` and ``seed``. A training that was interrupted goes on from its last
        epoch; a trained network is kept in the cache folder.

    Returns
    -------
    DataFrame
    """
    method, seed, recipe, keeping = cell.text("method"), cell.whole("seed"), recipe_of(cell), keeping_of(cell)
    trained = fit(
        task_of(cell),
        method_of(cell),
        recipe,
        cell,
        seed=seeds_of(cell),
        note=accuracies_of,
        note_after=last_quarter(recipe.epochs),
        checkpoint_every=1,
        keeping=keeping,
        report=telling(keeping.label),
    )
    if method == "decoupled":
        rows = decoupled_rows(trained, recipe, seed)
    else:
        rows = rows_of_network(method, seed, evidence_of(trained, recipe, several=method in SEVERAL_EXPERTS))
    rows += best_epoch({"sade": "equal", "decoupled": "linear"}.get(method, method), trained.course)
    return table_of(rows, recipe=cell.text("recipe"), ratio=cell.whole("ratio"), replicate=seed)
