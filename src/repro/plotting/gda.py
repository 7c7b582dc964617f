"""Figures of the study `gda`. Each takes rows or a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from repro.closed_form import GaussianDiscriminant
from repro.plotting.figures import Shown, key_entry, show
from repro.plotting.shared import SINGLE, differences, forest, lines, panel_axes, summarise
from repro.plotting.styles import PALETTE, Style, book_style
from repro.protocol.names import name_of

if TYPE_CHECKING:
    import pandas as pd


def idea(X: npt.NDArray[np.float64], y: npt.NDArray[np.bool_]) -> Shown:
    """Draw two classes in the plane with means, shared ellipse, and the lines at which three classifiers change sides.

    Parameters
    ----------
    X : ndarray of shape (n, 2)
    y : ndarray of bool of shape (n,)
        True for the rarer class.
    """
    heads: dict[str, tuple[Any, Style]] = {
        "uniform prior": (GaussianDiscriminant("none"), Style(PALETTE["blue"], "")),
        "empirical prior": (GaussianDiscriminant("none", "empirical"), Style(PALETTE["orange"], "", "--")),
        "logistic regression": (LogisticRegression(C=1e4), Style(PALETTE["purple"], "", ":")),
    }
    recalls = {name: float(model.fit(X, y).predict(X)[y].mean()) for name, (model, _) in heads.items()}
    discriminant = heads["uniform prior"][0]
    circle = np.stack([part(np.linspace(0, 2 * np.pi, 100)) for part in (np.cos, np.sin)])
    root = np.linalg.cholesky(np.linalg.inv(discriminant.precision_))
    with book_style():
        ((figure, axes),) = panel_axes(1, SINGLE)
        for kind, mark, colour in ((False, "o", PALETTE["grey"]), (True, "X", PALETTE["green"])):
            axes.plot(*X[y == kind].T, mark, color=colour, markersize=4, alpha=0.6)
            mean = discriminant.means_[int(kind)][:, None]
            axes.plot(*(mean + 2 * root @ circle), "-", color=colour, linewidth=1.4)
            axes.plot(*mean, mark, color=colour, markersize=10, markeredgecolor="white")
        low, high = X.min(axis=0) - 0.3, X.max(axis=0) + 0.3
        heights = np.linspace(low[1], high[1], 50)
        for model, style in heads.values():
            weights = np.diff(model.coef_, axis=0)[0] if len(model.coef_) == 2 else model.coef_[0]
            offset = float(np.diff(model.intercept_)[0] if len(model.coef_) == 2 else model.intercept_[0])
            places = -(offset + weights[1] * heights) / weights[0]
            axes.plot(places, heights, style.line, color=style.color, linewidth=2)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="first feature", ylabel="second feature")
    title = (
        f"A uniform prior finds {recalls['uniform prior']:.0%} of the rare class, "
        f"the empirical one {recalls['empirical prior']:.0%}"
    )
    return show(
        [figure],
        title=title,
        alt="Two clouds of points with equal ellipses around their means; three nearly parallel lines between them, "
        f"that of the uniform prior in the middle, the others nearer to the rare class. {title}",
        caption=f"{(~y).sum()} rows of one class (dots) and {y.sum()} of the other (crosses). Ellipses: two standard "
        "deviations of the shared covariance. Lines: where each classifier changes sides.",
        key=[key_entry(name, style) for name, (_, style) in heads.items()],
    )


def long_tail(table: pd.DataFrame) -> Shown:
    """Draw by how much other heads are ahead of GDA in balanced accuracy, one panel for each ratio above 1.

    Table of the experiment ``gda.long_tail``.
    """
    rows = table[(table["metric"] == "balanced_accuracy") & (table["ratio"] > 1)]
    others = [method for method in dict.fromkeys(rows["method"]) if method != "gda"]
    found = summarise(differences(rows, [(method, "gda") for method in others], ["ratio"]), ["ratio", "method"])
    largest = rows[rows["ratio"] == rows["ratio"].max()].groupby("method")["value"].mean()
    return forest(
        found,
        "method",
        panel="ratio",
        panel_names={ratio: f"{ratio:g} to 1" for ratio in found["ratio"].unique()},
        xlabel="balanced accuracy minus that of GDA",
        title=f"At {rows['ratio'].max():g} to 1, GDA reaches {largest['gda']:.2f}, logistic regression with adjusted "
        f"logits {largest['logistic_adjusted']:.2f}, without {largest['logistic']:.2f}",
        caption=f"Mean over {rows['replicate'].nunique()} networks with its 95 % interval; right of the line: better "
        "than GDA. Five digits that the networks never saw; the most frequent class has 200 rows.",
    )


def shots(table: pd.DataFrame, methods: tuple[str, ...] = ("gda", "ncm", "logistic")) -> Shown:
    """Draw the balanced accuracy against the rows of each class.

    Table of the experiment ``gda.few_shot`` or ``gda.ensemble``.
    """
    rows = table[(table["metric"] == "balanced_accuracy") & table["method"].isin(methods)]
    found = summarise(rows, ["shots", "method"])
    ends = found[found["shots"] == found["shots"].max()].sort_values("estimate")
    best = ends.iloc[-1]
    return lines(
        found,
        "shots",
        ylabel="balanced accuracy on test rows",
        log="x",
        ticks={"x": sorted(found["shots"].unique())},
        dodge=0.0,
        title=f"With {best['shots']:g} rows of each class {name_of(best['method'])} leads with {best['estimate']:.3f}, "
        f"{best['estimate'] - ends.iloc[0]['estimate']:.3f} ahead of {name_of(ends.iloc[0]['method'])}",
        caption=f"Mean over {rows['replicate'].nunique()} networks with its 95 % interval.",
    )
