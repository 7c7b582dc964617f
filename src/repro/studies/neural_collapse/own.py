"""The collapse meter on a reader's own features and labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import pairwise_distances_argmin

from repro.data import load_npz
from repro.geometry import CollapseMeter, NearestMeanAgreement
from repro.ground.arrays import bias_vector, finite_matrix, finite_rows
from repro.protocol.experiment import Cell, Experiment, Parameters, Scalar
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile
from repro.protocol.rows import Rows

SHUFFLES: Final = 5
FEWEST_ROWS: Final = 2
SMALLEST: Final = 1e-15
LARGEST: Final = 1e15
"""Sizes of features between which squares of squares are exact, and squares fit into single precision."""
OF_THE_CLASSIFIER: Final = "nc2_etf_err_W"
"""Does not depend on the labels."""
MEASURES: Final = {
    "nc1_quot": "NC1: spread within classes over spread between their means",
    "nc1_cdnv": "NC1: spread of two classes over the squared distance of their means",
    "nearest_mean_error": "rows nearer to another class's mean",
    "nc2_equinorm": "NC2: deviation of the norms of class means, over their mean",
    "nc2_etf_err": "NC2: distance of the class means to a simplex frame",
    "nc2_of_err": "NC2: distance of the class means, not centred, to an orthogonal frame",
    OF_THE_CLASSIFIER: "NC2: distance of the classifier's rows to a simplex frame",
    "nc3_dual_err": "NC3: distance of classifier times class means to a simplex frame",
    "nc4_disagreement": "NC4: rows that classifier and nearest mean decide differently",
}
"""Measures and their names; the last three need the classifier."""


@dataclass(frozen=True, eq=False)
class OwnFeatures:
    """Features of a reader's network.

    Attributes
    ----------
    features : ndarray of shape (n, D), float64
    labels : ndarray of shape (n,), intp
        Places in `classes`.
    classes : tuple of str
    W : ndarray of shape (K, D), or None
    b : ndarray of shape (K,)
    """

    features: npt.NDArray[np.float64]
    labels: npt.NDArray[np.intp]
    classes: tuple[str, ...]
    W: npt.NDArray[np.float64] | None
    b: npt.NDArray[np.float64]


def own_features(parameters: Parameters) -> tuple[OwnFeatures, OwnFile]:
    """Read ``features`` and ``labels``, and ``W`` and ``b`` where they are there, from the file ``features``.

    Labels are whole numbers or text. Rows of `W` belong to the classes 0 to K - 1, or, where the labels are others, to
    the classes in sorted order.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_npz`; if a shape does not fit, a feature is no finite number, features are equal in
        all rows or of extreme size, labels are of another kind, or there are fewer than two classes or than two rows of
        one.
    """
    path = str(parameters["features"])
    arrays = load_npz(path, ("features", "labels"), ("W", "b"))
    for name in ("features", "W", "b"):
        if name in arrays and arrays[name].dtype.kind not in "iuf":
            raise ValueError(f"{path}: {name} must hold real numbers, got entries of type {arrays[name].dtype}")
    given, labels, W = arrays["features"], arrays["labels"], arrays.get("W")
    if given.ndim != 2 or 0 in given.shape:
        raise ValueError(f"{path}: features must have shape (n_samples, n_features), got {given.shape}")
    features = finite_rows("features", given, given.shape[1]).astype(np.float64)
    _check_size(path, features)
    if labels.shape != (len(features),):
        raise ValueError(
            f"{path}: labels must have shape ({len(features)},), one for each row of features, got {labels.shape}"
        )
    if labels.dtype.kind not in "biuUS":
        raise ValueError(f"{path}: labels must be whole numbers or text, got entries of type {labels.dtype}")
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise ValueError(f"{path}: labels must hold at least 2 classes, got {len(names)}")
    if counts.min() < FEWEST_ROWS:
        raise ValueError(f"{path}: each class needs at least {FEWEST_ROWS} rows, {names[counts.argmin()]!s} has one")
    codes = codes.reshape(-1)
    if W is not None:
        if labels.dtype.kind in "iu" and W.ndim == 2 and W.shape[1] == features.shape[1] and names[0] >= 0:
            names, codes = (np.arange(len(W)), labels) if names[-1] < len(W) else (names, codes)
        _check_rows_of_classes(path, W.shape, (len(names), features.shape[1]))
        W = finite_matrix("W", W, (len(names), features.shape[1]))
        if np.abs(W).max() > LARGEST:
            raise ValueError(f"{path}: W must lie between {-LARGEST:g} and {LARGEST:g}, got {np.abs(W).max():g}")
    if "b" in arrays and W is None:
        raise ValueError(f"{path}: b says nothing without W; save both or neither")
    b = bias_vector(arrays.get("b"), len(names))
    used = OwnFeatures(features, codes.astype(np.intp), tuple(map(str, names)), W, b)
    parts = [features, codes.astype(np.int64), *([] if W is None else [W, b])]
    digest = hashlib.sha256(repr(used.classes).encode())
    for part in parts:
        digest.update(repr(part.shape).encode() + np.ascontiguousarray(part).tobytes())
    said = [f"{len(features)} rows of {features.shape[1]} features in {len(counts)} classes of {_sizes(counts)} rows"]
    if W is None:
        said.append("no array W, so nothing is said about the classifier (NC3, NC4)")
    return used, OwnFile(digest.hexdigest(), said)


def _check_size(path: str, features: npt.NDArray[np.float64]) -> None:
    """Raise the error of features that no measure can be computed of."""
    low, high = features.min(axis=0), features.max(axis=0)
    if (low == high).all():
        raise ValueError(
            f"{path}: features must differ between rows, all {len(features)} rows are equal; are they those of the "
            "trained network?"
        )
    if not -LARGEST <= low.min() <= high.max() <= LARGEST or (high - low).max() < SMALLEST:
        raise ValueError(
            f"{path}: features must lie between {-LARGEST:g} and {LARGEST:g} and differ by at least {SMALLEST:g}, "
            f"they lie between {low.min():g} and {high.max():g}; divide features, and b, by one number: the measures "
            "do not depend on it"
        )


def _check_rows_of_classes(path: str, found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    """Raise the error of a classifier of another shape."""
    if found == wanted:
        return
    n_classes, n_features = wanted
    transposed = len(found) == 2 and found[0] == n_features and found[1] >= n_classes
    hint = "; it looks transposed: save W.T" if transposed else ""
    raise ValueError(
        f"{path}: W must have shape {wanted}, a row for each class and a column for each feature, got {found}{hint}"
    )


def _sizes(counts: npt.NDArray[np.intp]) -> str:
    return f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"


def _measures(used: OwnFeatures, labels: npt.NDArray[np.intp]) -> tuple[dict[str, float], CollapseMeter]:
    meter = CollapseMeter(len(used.classes), used.features.shape[1])
    meter.update(used.features, labels)
    found = meter.compute(used.W, used.b, ("etf", "of"))
    seen = np.flatnonzero(meter.counts)
    nearest = seen[pairwise_distances_argmin(used.features, meter.class_means[seen])]
    found["nearest_mean_error"] = float((nearest != labels).mean())
    if used.W is not None:
        agreement = NearestMeanAgreement(meter.class_means, used.W, used.b)
        agreement.update(used.features)
        found["nc4_disagreement"] = 1.0 - agreement.compute()
    # a distance of means that is 0 makes some measures infinite, which no table holds
    return {name: found[name] if np.isfinite(found[name]) else np.nan for name in MEASURES if name in found}, meter


def own(cell: Cell) -> pd.DataFrame:
    """Measure the collapse of a reader's features, and of the same features with shuffled labels.

    Parameters
    ----------
    cell : Cell
        The argument ``features``.

    Returns
    -------
    DataFrame
        Columns ``labels, class_label, other_class, replicate, metric, value``: the measures of :data:`MEASURES` under
        the ``given`` labels and under ``shuffled`` ones; ``class_size`` and ``norm`` of each class's centred mean, and
        for every two classes the ``cosine`` of theirs.
    """
    used, _ = own_features(cell.parameters)
    generator = cell.generator()
    rows = Rows("labels", "class_label", "other_class")
    measures, meter = _measures(used, used.labels)
    rows.add(measures, labels="given", replicate=0)
    for shuffle in range(SHUFFLES):
        rows.add(_measures(used, generator.permutation(used.labels))[0], labels="shuffled", replicate=shuffle)
    seen = np.flatnonzero(meter.counts)
    centred = meter.class_means[seen] - meter.class_means[seen].mean(axis=0)
    norms = np.linalg.norm(centred, axis=1)
    with np.errstate(invalid="ignore"):
        cosines = np.clip(centred @ centred.T / np.outer(norms, norms), -1.0, 1.0)
    for place, one in enumerate(seen):
        here: dict[str, Scalar] = {"labels": "given", "class_label": used.classes[one], "replicate": 0}
        rows.add({"class_size": float(meter.counts[one]), "norm": float(norms[place])}, **here)
        for later in range(place + 1, len(seen)):
            rows.add({"cosine": float(cosines[place, later])}, **here, other_class=used.classes[seen[later]])
    return rows.frame()


def _read(parameters: Parameters) -> OwnFile:
    return own_features(parameters)[1]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _name(label: object) -> str:
    """Name of a class whose number has become a float on the way through the table."""
    return f"{label:g}" if isinstance(label, float) else str(label)


def _angle(cosine: float) -> float:
    return float(np.degrees(np.arccos(cosine)))


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    whole = table[table["class_label"].isna()]
    means: dict[tuple[str, str], float] = {}
    for labels in ("given", "shuffled"):
        for name in MEASURES:
            values = whole.loc[(whole["labels"] == labels) & (whole["metric"] == name), "value"]
            if len(values):
                means[name, labels] = float(values.mean())
    summary: list[dict[str, Any]] = [
        {
            "measure": text,
            "your labels": _known(means[name, "given"]),
            "shuffled labels": None if name == OF_THE_CLASSIFIER else _known(means[name, "shuffled"]),
        }
        for name, text in MEASURES.items()
        if (name, "given") in means
    ]
    pairs = table[table["metric"] == "cosine"].dropna(subset=["value"]).sort_values("value").to_dict("records")
    sizes = table.loc[table["metric"] == "class_size", "value"].to_numpy(dtype=np.float64)
    quotient = means["nc1_quot", "given"], means["nc1_quot", "shuffled"]
    said = [
        f"The spread within classes is {quotient[0]:.3g} times that between their means; with shuffled labels it is "
        f"{quotient[1]:.3g} times. All measures are 0 at complete collapse, but only one of the frames can be met."
        if np.isfinite(quotient).all()
        else "All classes have the same mean, with your labels or with shuffled ones: a measure that divides by the "
        "distance of means does not exist there, a dash in the table."
    ]
    if pairs:
        names = " and ".join(_name(pairs[-1][column]) for column in ("class_label", "other_class"))
        said.append(
            f"The two nearest class means are those of {names}, at an angle of "
            f"{_angle(float(pairs[-1]['value'])):.3g} degrees; in a simplex frame every two have "
            f"{_angle(-1.0 / (len(sizes) - 1)):.3g}."
        )
    smallest, largest = sizes.min(), sizes.max()
    if largest > smallest:
        said.append(
            f"Classes have {smallest:.0f} to {largest:.0f} rows here. For unequal classes in training neither frame is "
            "the optimum; repro.geometry.ufm_mse gives the one that is."
        )
    return OwnAnswer(summary, said)


OWN: Final = Experiment(
    name="neural_collapse.own",
    summary="the measures of neural collapse on your own features and labels",
    settings=("labels", "class_label", "other_class"),
    compute=own,
    cells={},
    seconds=lambda parameters: 5.0,
    own_data=OwnData(
        (
            OwnArgument(
                "features", "FILE.npz", "your archive with the arrays features and labels", "file", required=True
            ),
        ),
        _read,
        lambda parameters: [{}],
        _answer,
    ),
    seed=2020,
)
