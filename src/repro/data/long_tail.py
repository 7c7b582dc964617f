"""Long-tailed class profiles, and subsets of a data set that follow one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from repro.ground.checks import whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator

Kind = Literal["exponential", "step", "linear"]


def long_tail_counts(
    n_max: int,
    n_classes: int,
    imbalance_ratio: float,
    kind: Kind = "exponential",
    *,
    reverse: bool = False,
) -> npt.NDArray[np.int64]:
    r"""Numbers of examples per class of a long-tailed profile.

    With C classes, i = 0, ..., C - 1 and r the imbalance ratio, every count is rounded down:

    - ``"exponential"`` (Cui et al. 2019, Cao et al. 2019): :math:`n_i = n_{max} \, r^{-i / (C - 1)}`;
    - ``"step"`` (Buda et al. 2018): the first half of the classes has :math:`n_{max}` examples, the second half
      :math:`n_{max} / r`; of an odd number of classes the middle one belongs to the first half;
    - ``"linear"``: :math:`n_i = n_{max} \, (1 - (1 - 1/r) \, i / (C - 1))`, equal steps from :math:`n_{max}` down to
      :math:`n_{max} / r`.

    Parameters
    ----------
    n_max : int
        Examples of the largest class.
    n_classes : int
        Number of classes C.
    imbalance_ratio : float
        Largest count divided by smallest count, at least 1.
    kind : {"exponential", "step", "linear"}, default="exponential"
        Shape of the profile.
    reverse : bool, default=False
        Whether the last class is the largest one instead of the first.

    Returns
    -------
    ndarray of int64, shape (n_classes,)
        Examples per class.

    Raises
    ------
    TypeError
        If a number of examples or classes is not whole.
    ValueError
        If a number is not positive, the ratio is below 1 or the smallest class would be empty.
    UnknownName
        If there is no such kind.

    Examples
    --------
    >>> long_tail_counts(5000, 10, 100).tolist()
    [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    """
    if kind not in get_args(Kind):
        raise UnknownName("kind of long-tail profile", kind, get_args(Kind))
    whole_number("n_max", n_max, at_least=1)
    whole_number("n_classes", n_classes, at_least=1)
    if not (np.isfinite(imbalance_ratio) and imbalance_ratio >= 1):
        raise ValueError(f"imbalance_ratio must be a number of at least 1, got {imbalance_ratio!r}")
    position = np.linspace(0.0, 1.0, n_classes)
    if kind == "exponential":
        share = imbalance_ratio**-position
    elif kind == "linear":
        share = 1.0 - (1.0 - 1.0 / imbalance_ratio) * position
    else:
        share = np.where(np.arange(n_classes) < (n_classes + 1) // 2, 1.0, 1.0 / imbalance_ratio)
    rounding_error = 1e-9
    counts = np.floor(n_max * share + rounding_error).astype(np.int64)
    if counts[-1] < 1:
        raise ValueError(
            f"the smallest class would be empty: n_max / imbalance_ratio = {n_max} / {imbalance_ratio:g} is below 1"
        )
    return counts[::-1].copy() if reverse else counts


def make_long_tail(
    y: npt.ArrayLike,
    counts: Sequence[int] | npt.NDArray[np.int64] | None = None,
    *,
    imbalance_ratio: float | None = None,
    kind: Kind = "exponential",
    class_order: Sequence[Any] | None = None,
    random_state: RandomState = None,
) -> npt.NDArray[np.int64]:
    """Draw a subset whose classes follow a long-tailed profile.

    The rows of each class, taken in `class_order`, are shuffled once and the first ones kept. So two calls with the
    same seed and smaller counts give nested subsets. A legacy ``RandomState(0)`` gives the rule that published
    CIFAR-LT sets share (Cao et al. 2019): one stream, seeded once, class after class in the order of the file.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    counts : sequence of int of shape (n_classes,), or None
        Examples to keep of each class, in the order of `class_order`. Give this or `imbalance_ratio`.
    imbalance_ratio : float or None
        Makes the counts by :func:`long_tail_counts` from the size of the smallest class of `y`, so that every class
        can be the largest one.
    kind : {"exponential", "step", "linear"}, default="exponential"
        Shape of the profile that `imbalance_ratio` asks for.
    class_order : sequence of labels or None
        All labels from the head of the profile to its tail; by default sorted.
    random_state : int, numpy Generator, numpy RandomState or None
        Randomness of the draw; an int gives the same subset every time. A Generator or RandomState is drawn from.

    Returns
    -------
    ndarray of int64, shape (sum of counts,)
        Row numbers in ascending order.

    Raises
    ------
    ValueError
        If not exactly one of `counts` and `imbalance_ratio` is given, `class_order` does not list every label once, or
        a class has fewer rows than asked for.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.repeat([0, 1, 2], 100)
    >>> rows = make_long_tail(y, imbalance_ratio=100, random_state=0)
    >>> np.bincount(y[rows])
    array([100,  10,   1])
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"y must be a non-empty one-dimensional array of labels, got shape {labels.shape}")
    classes, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = list(range(len(classes))) if class_order is None else _positions(classes, class_order)
    if (counts is None) == (imbalance_ratio is None):
        raise ValueError("give either counts or imbalance_ratio, not both and not none")
    if imbalance_ratio is not None:
        wanted = long_tail_counts(int(sizes.min()), len(classes), imbalance_ratio, kind)
    else:
        wanted = np.asarray(counts)
        if wanted.shape != (len(classes),) or not np.issubdtype(wanted.dtype, np.integer) or wanted.min() < 0:
            raise ValueError(
                f"counts must be {len(classes)} whole numbers, one per class and none negative, got {counts!r}"
            )
    generator: np.random.Generator | np.random.RandomState
    generator = random_state if isinstance(random_state, np.random.RandomState) else as_generator(random_state)
    chosen = []
    for position, count in zip(order, wanted.tolist(), strict=True):
        if count > sizes[position]:
            raise ValueError(f"class {classes[position].item()!r} has {sizes[position]} rows, {count} were asked for")
        chosen.append(generator.permutation(np.flatnonzero(codes == position))[:count])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def _positions(classes: npt.NDArray[Any], class_order: Sequence[Any]) -> list[int]:
    known = {label: position for position, label in enumerate(classes.tolist())}
    given = list(class_order)
    if len(given) != len(known) or set(given) != set(known):
        raise ValueError(f"class_order must list each of the labels {list(known)} once, got {given}")
    return [known[label] for label in given]
