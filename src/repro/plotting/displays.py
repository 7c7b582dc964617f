"""Pictures of a reader's own predictions and features, made and used as scikit-learn's displays are.

Each is a shared figure of the book: a notebook shows it with its finding and its numbers, and ``figure_`` and ``ax_``
are Matplotlib's, to change or to save. With ``ax`` a display draws into axes of yours, as in
``figure, axes = plt.subplots(1, 2)``; the figure stays open then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.geometry import CollapseMeter
from repro.metrics import expected_calibration_error, ranking_by_group, reliability
from repro.plotting import shared
from repro.plotting.figures import Shown
from repro.protocol.names import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["CollapseDisplay", "RankingDisplay", "ReliabilityDisplay"]

MOST_CLASSES: Final = 20


@dataclass(frozen=True, eq=False)
class _Display:
    """A shared figure with the numbers that it draws.

    Attributes
    ----------
    numbers : DataFrame
        What is drawn.
    shown : Shown
        The picture with finding, caption and alternative text.
    ax : Axes or None
        The axes that were given to draw into.
    """

    numbers: pd.DataFrame
    shown: Shown
    ax: Axes | None = None

    @property
    def figure_(self) -> Figure:
        """Figure of Matplotlib."""
        return self.shown.figures[0]

    @property
    def ax_(self) -> Axes:
        """Axes of Matplotlib."""
        return self.figure_.axes[0] if self.ax is None else self.ax

    def _repr_html_(self) -> str:
        return self.shown._repr_html_()

    def __repr__(self) -> str:
        """Write finding, caption and alternative text, for a terminal."""
        return repr(self.shown)


class RankingDisplay(_Display):
    """AUROC and average precision with their intervals, by group.

    See Also
    --------
    sklearn.metrics.RocCurveDisplay : The whole curve.

    Examples
    --------
    >>> display = RankingDisplay.from_predictions([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> display.numbers["estimate"].round(3).tolist()
    [0.75, 0.833]
    >>> display.ax_.get_xlabel()
    'AUROC and AUPRC, 95 % intervals'
    """

    @classmethod
    def from_predictions(
        cls, y_true: ArrayLike, y_score: ArrayLike, *, groups: Any = None, ax: Axes | None = None
    ) -> Self:
        """Draw the intervals of :func:`repro.metrics.ranking_by_group`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Booleans, 0 and 1, or -1 and 1.
        y_score : array-like of shape (n_samples,)
        groups : array-like of shape (n_samples,), optional
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; by default a new figure is made.

        Raises
        ------
        ValueError
            As :func:`repro.metrics.ranking_by_group`.
        """
        found = ranking_by_group(y_true, y_score, groups=groups)
        drawn = found.dropna(subset=["estimate"]).assign(group=lambda frame: frame["group"].map(str))
        whole = {str(row["metric"]): row for row in drawn[:2].to_dict("records")}
        texts = [
            f"{name_of(metric, 'metric')} {shared.number_text(row['estimate'], row['low'], row['high'])}"
            for metric, row in whole.items()
        ]
        positives, rows = int(whole["auroc"]["n_positive"]), int(found["n_positive"][0] + found["n_negative"][0])
        shown = shared.forest(
            drawn,
            "group",
            series="metric",
            xlabel="AUROC and AUPRC, 95 % intervals",
            level=0.5,
            title=f"{' and '.join(texts)} over all rows",
            caption=f"{rows} rows, {positives} of them positive; the line is the AUROC of a random order.",
            ax=ax,
        )
        return cls(found, shown, ax)


class ReliabilityDisplay(_Display):
    """How often a model is right against how sure it is.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : For the probability of one class instead of the confidence.

    Examples
    --------
    >>> display = ReliabilityDisplay.from_predictions([1, 1, 0, 1], [0.9, 0.8, 0.3, 0.4], n_bins=5)
    >>> display.numbers["accuracy"].tolist()
    [0.0, 1.0, 1.0]
    """

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probability: ArrayLike,
        *,
        n_bins: int = 15,
        name: str = "model",
        ax: Axes | None = None,
    ) -> Self:
        """Draw the bins of :func:`repro.metrics.reliability`.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Classes 0 to K - 1.
        probability : array-like of shape (n_samples, K) or (n_samples,)
            A vector is the probability of class 1 of two.
        n_bins : int, default=15
        name : str, default="model"
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; by default a new figure is made.

        Raises
        ------
        TypeError, ValueError
            As :func:`repro.metrics.reliability`.
        """
        found = np.asarray(probability, dtype=np.float64)
        if found.ndim == 1:
            found = np.column_stack([1 - found, found])
        confidence, accuracy, count = reliability(y_true, found, n_bins=n_bins)
        error = expected_calibration_error(y_true, found, n_bins=n_bins)
        filled = count > 0
        frame = pd.DataFrame(
            {
                "method": name,
                "confidence": confidence[filled],
                "accuracy": accuracy[filled],
                "share": (count / count.sum())[filled],
            }
        )
        surer = float((frame["share"] * (frame["confidence"] - frame["accuracy"])).sum())
        shown = shared.reliability(
            frame,
            names={name: name},
            title=f"Confidence and accuracy are {error:.3g} apart on average; on the whole the {name} is "
            f"{'more' if surer > 0 else 'less'} sure than it is right",
            caption=f"{int(count.sum())} rows in {n_bins} bins of equal width; larger marks stand for more rows.",
            ax=ax,
        )
        return cls(frame, shown, ax)


class CollapseDisplay(_Display):
    """Cosines between the centred class means of features: which classes a network keeps apart.

    Examples
    --------
    >>> import numpy as np
    >>> display = CollapseDisplay.from_features(np.repeat(np.eye(3), 2, axis=0), [0, 0, 1, 1, 2, 2])
    >>> display.numbers.round(3).to_numpy().tolist()
    [[1.0, -0.5, -0.5], [-0.5, 1.0, -0.5], [-0.5, -0.5, 1.0]]
    """

    @classmethod
    def from_features(cls, features: Any, labels: ArrayLike, *, ax: Axes | None = None) -> Self:
        """Draw the cosines as a coloured table.

        Parameters
        ----------
        features : array-like or tensor of shape (n_samples, n_features)
        labels : array-like of shape (n_samples,)
            Numbers or texts, 2 to 20 different ones.
        ax : matplotlib.axes.Axes, optional
            Axes to draw into; by default a new figure is made.

        Raises
        ------
        TypeError, ValueError
            As :meth:`repro.geometry.CollapseMeter.update`; ValueError also if there are fewer than 2 or more than 20
            classes.
        """
        names, codes = np.unique(np.asarray(labels), return_inverse=True)
        if not 2 <= len(names) <= MOST_CLASSES:
            raise ValueError(f"labels must hold 2 to {MOST_CLASSES} classes, got {len(names)}")
        meter = CollapseMeter(len(names), int(np.shape(features)[-1]))
        meter.update(features, codes.reshape(-1))
        centred = meter.class_means - meter.class_means.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            centred /= np.linalg.norm(centred, axis=1, keepdims=True)
        texts = [str(name) for name in names]
        cosines = pd.DataFrame(centred @ centred.T, index=texts, columns=texts)
        apart = np.where(np.eye(len(names), dtype=np.bool_) | cosines.isna(), -np.inf, cosines)
        first, second = divmod(int(apart.argmax()), len(names))
        frame = -1.0 / (len(names) - 1)
        shown = shared.heat(
            {"": cosines},
            xlabel="class",
            ylabel="class",
            text="{:.2f}".format,
            size=(0.9 + 0.47 * len(names), 0.8 + 0.36 * len(names)),
            cmap="vlag",
            limits=(-1.0, 1.0),
            title=f"The means of {texts[first]} and {texts[second]} are nearest, at a cosine of "
            f"{shared.number_text(float(apart.max()))}; "
            f"complete collapse of equal classes has {shared.number_text(frame)} everywhere",
            caption="Cosines between the class means, after their mean was taken off.",
            ax=ax,
        )
        return cls(cosines, shown, ax)
