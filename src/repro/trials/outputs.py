"""What trained networks give: features and logits of rows, and logits under random views of test images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from repro.trials.course import Course
from repro.trials.image_tasks import Classes, ImageTask, augmentation_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from repro.training import Augmentation
    from repro.training.augmentation import Transform

Floats = npt.NDArray[Any]

BATCH: Final = 2048
VIEW_BATCH: Final = 500


@dataclass(frozen=True, eq=False)
class Outputs:
    """Features and logits of rows, beside the linear classifier between them.

    Attributes
    ----------
    features : ndarray of shape (n, d)
    logits : ndarray of shape (n, K)
    labels : ndarray of shape (n,)
    W : ndarray of shape (K, d)
        Product of the layers of the head.
    b : ndarray of shape (K,) or None
    objective : float
        Loss with its penalties.
    """

    features: Floats
    logits: Floats
    labels: Classes
    W: Floats
    b: Floats | None
    objective: float

    def accuracy(self) -> npt.NDArray[np.float64]:
        """Share of the rows of every class that the network gets right, shape (K,)."""
        right = self.logits.argmax(axis=1) == self.labels
        return np.array([right[self.labels == k].mean() for k in range(len(self.W))])

    def class_means(self) -> npt.NDArray[np.float64]:
        """Mean feature of every class, shape (K, d)."""
        return np.array([self.features[self.labels == k].mean(axis=0) for k in range(len(self.W))])


@dataclass(frozen=True, eq=False)
class Trained:
    """A network that was trained on a task, to which inputs can be given.

    Attributes
    ----------
    network : nn.Module
        In evaluation mode, on the device of the training.
    task : ImageTask
    objective : callable
        What was minimised.
    course : dict of int to dict of str to float
        What was noted in the course of the training, by number of epochs; empty if nothing was, or if the notes of an
        epoch are missing.
    """

    network: nn.Module
    task: ImageTask
    objective: Any
    course: Course = field(default_factory=dict)

    @property
    def device(self) -> str:
        """Where the network is."""
        return str(next(self.network.parameters()).device)

    def classifier(self) -> Floats:
        """Weights of the linear head, its layers multiplied, shape (K, d)."""
        return np.asarray(self.network.head.product().detach().double().cpu().numpy())  # type: ignore[union-attr,operator]

    def prepared(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Give inputs of the task as the network sees them, float32."""
        import torch

        if not self.task.mean:
            return np.asarray(inputs, dtype=np.float32)
        return np.ascontiguousarray(augmentation_of(self.task)(torch.from_numpy(inputs), []).numpy())

    def _embedded(self, prepared: npt.NDArray[np.float32], batch: int) -> list[Tensor]:
        import torch

        from repro.training import repeatable

        self.network.eval()
        where = torch.device(self.device)
        with torch.no_grad(), repeatable(where, exact=True):
            parts = [self.network(rows.to(where)) for rows in torch.split(torch.from_numpy(prepared), batch)]
            return [torch.cat(columns).double() for columns in zip(*parts, strict=True)]

    def embed(self, prepared: npt.NDArray[np.float32], batch: int = BATCH) -> tuple[Floats, Floats]:
        """Features, shape (n, d), and logits, shape (n, K), float64, of inputs that are prepared."""
        features, logits = (part.cpu().numpy() for part in self._embedded(prepared, batch))
        return features, logits

    def test_logits(self) -> Floats:
        """Logits of the test rows of the task, shape (n, K), float64."""
        return self.embed(self.prepared(self.task.test_inputs))[1]

    def outputs(self, batch: int = BATCH) -> Outputs:
        """Features, logits, classifier and objective on the training rows of the task, float64.

        Parameters
        ----------
        batch : int, default=2048
            Rows that go through the network at a time.
        """
        import torch

        features, logits = self._embedded(self.prepared(self.task.inputs), batch)
        head: Any = self.network.head
        labels = torch.from_numpy(self.task.labels).to(features.device)
        with torch.no_grad():
            value = float(self.objective(features, logits, labels, head))
        bias = head.bias()
        return Outputs(
            features=features.cpu().numpy(),
            logits=logits.cpu().numpy(),
            labels=self.task.labels,
            W=self.classifier(),
            b=None if bias is None else bias.detach().double().cpu().numpy(),
            objective=value,
        )


def under(compute: Callable[[Tensor], Tensor], images: Tensor, change: Augmentation, seed: int) -> Tensor:
    """Apply a network, or a part of one, to changed images batch by batch.

    Parameters
    ----------
    compute : callable
        From float images to a tensor.
    images : Tensor of shape (n, channels, height, width), uint8
        On the device of the network.
    change : Augmentation
    seed : int
        Of the random changes.

    Returns
    -------
    Tensor of shape (n, ...)
        On the CPU.
    """
    import torch

    from repro.training.augmentation import moved_to, rows_of

    drawn = moved_to(change.draw(len(images), torch.Generator().manual_seed(seed)), images.device)
    batches = [slice(start, start + VIEW_BATCH) for start in range(0, len(images), VIEW_BATCH)]
    with torch.inference_mode():
        return torch.cat([compute(change(images[rows], rows_of(drawn, rows))).cpu() for rows in batches])


@dataclass(frozen=True, eq=False)
class ExpertLogits:
    """Logits of networks with one or several experts on a balanced test set.

    Attributes
    ----------
    labels : ndarray of shape (n,)
    counts : ndarray of shape (C,)
        Training images of every class.
    clean : ndarray of shape (n, experts, C)
        On the test images as they are; single networks have one expert.
    views : ndarray of shape (n, pairs, 2, experts, C), or None
        On pairs of random views.
    augmented : ndarray of shape (n, experts, C), or None
        On the test images under the augmentation of the training.
    """

    labels: Classes
    counts: Classes
    clean: Floats
    views: Floats | None = None
    augmented: Floats | None = None

    @property
    def prior(self) -> Floats:
        """Class frequencies of the training set."""
        return np.asarray(self.counts / self.counts.sum())

    def rows_of(self, test_set: str) -> Classes:
        """Test images of one of the eleven distributions."""
        from repro.longtail import shifted_test_indices

        return shifted_test_indices(self.labels, test_set)

    def test_prior(self, test_set: str) -> Floats:
        """Class frequencies of one of the eleven distributions."""
        from repro.longtail import shifted_counts

        counts = shifted_counts(len(self.counts), int(np.bincount(self.labels).min()), test_set)
        return np.asarray(counts / counts.sum())

    def random_orders(self, draws: int) -> Iterator[tuple[Classes, Floats]]:
        """Test images and true prior of 50:1 tails whose order of the classes is random."""
        from repro.longtail import shifted_test_indices

        n_classes = len(self.counts)
        for draw in range(draws):
            order = np.random.default_rng([50, draw]).permutation(n_classes)
            rows = shifted_test_indices(order[self.labels], "forward-50")
            yield rows, self.test_prior("forward-50")[order]


def expert_logits(
    trained: Trained,
    *,
    pairs: int = 0,
    views: Sequence[Transform] = (),
    augmented: Sequence[Transform] = (),
    half: bool = False,
    seed: int = 0,
) -> list[ExpertLogits]:
    """Logits of each of the networks that were trained side by side, on all test images of their task.

    Parameters
    ----------
    trained : Trained
        Its network gives features, and logits of shape (n, C), (n, experts, C) or (n, networks, experts, C).
    pairs : int, default=0
        Pairs of views; with 0 there are only clean logits.
    views : sequence of Transform
        What makes a view.
    augmented : sequence of Transform
        Those of the training, for the evaluation with them.
    half : bool, default=False
        Whether to keep logits in half precision: the rounding is below a thousandth of the scale.
    seed : int, default=0
        Of the views; the same for all trainings.

    Returns
    -------
    list of ExpertLogits
        One for each network.
    """
    import torch

    task = trained.task
    images = torch.from_numpy(task.test_inputs).to(trained.device)

    def logits(transforms: Sequence[Transform], seed: int) -> Floats:
        found = under(lambda shown: trained.network(shown)[1], images, augmentation_of(task, transforms), seed)
        return np.asarray((found.half() if half else found).numpy())

    def by_network(found: Floats) -> Floats:
        """Logits of shape (n, networks, experts, C)."""
        return found if found.ndim == 4 else found.reshape(len(found), 1, -1, found.shape[-1])

    clean = by_network(logits((), seed))
    if not pairs:
        return [ExpertLogits(task.test_labels, task.counts, clean[:, k]) for k in range(clean.shape[1])]
    blurred = by_network(logits(augmented, seed + 1))
    shown = [by_network(logits(views, seed + 2 + number)) for number in range(2 * pairs)]
    stacked = np.stack(shown, axis=1).reshape(len(images), pairs, 2, *clean.shape[1:])
    return [
        ExpertLogits(task.test_labels, task.counts, clean[:, k], stacked[:, :, :, k], blurred[:, k])
        for k in range(clean.shape[1])
    ]
