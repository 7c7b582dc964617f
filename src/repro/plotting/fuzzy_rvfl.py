"""Figures of the study `fuzzy_rvfl`. Each takes rows or a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.closed_form import fuzzy_scores
from repro.plotting.figures import Shown
from repro.plotting.shared import forest, lines, spread, summarise
from repro.protocol.names import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def ranks_of(table: pd.DataFrame) -> pd.DataFrame:
    """Rank of every method within each family, 1 for the largest balanced accuracy, as rows to summarise.

    Table of the experiment ``fuzzy_rvfl.tables``; only what was run without noise.
    """
    rows = table[(table["metric"] == "balanced_accuracy") & (table["noise"] == 0)]
    wide = rows.pivot(index="replicate", columns="method", values="value")
    ranks = wide.rank(axis=1, ascending=False)
    return ranks.reset_index().melt(id_vars="replicate", var_name="method", value_name="value")


def ranks(table: pd.DataFrame) -> Shown:
    """Draw the mean rank of every method over families of data sets.

    Table of the experiment ``fuzzy_rvfl.tables``.
    """
    rows = ranks_of(table)
    found = summarise(rows, ["method"]).sort_values("estimate", ignore_index=True)
    place = found.set_index("method")["estimate"]
    return forest(
        found,
        "method",
        xlabel="mean rank (1 is best)",
        level=float(place["logistic_balanced"]),
        title=f"{_capital(name_of(found['method'][0]))} has the best mean rank, {place.iloc[0]:.1f} of {len(place)}; "
        f"the full network {place['full']:.1f}, the plain one {place['rvfl']:.1f}",
        caption=f"Ranks by balanced accuracy within each of {rows['replicate'].nunique()} families of data sets that "
        "share rows: mean with its 95 % interval over families. The line is that of logistic regression with balanced "
        "weights.",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def scores(X: npt.NDArray[np.float64], y: npt.NDArray[np.bool_], widths: Sequence[float]) -> Shown:
    """Draw the fuzzy scores of both classes against the width of the kernel.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Standardised rows.
    y : ndarray of bool of shape (n,)
        True for the rarer class.
    widths : sequence of float
        In square roots of the number of features.
    """
    found = fuzzy_scores(X, y, np.sqrt(X.shape[1]) * np.asarray(widths))
    rows = [
        (width, "rarer class" if kind else "other class", value)
        for width, per_row in zip(widths, found, strict=True)
        for kind in (True, False)
        for value in per_row[y == kind]
    ]
    frame = summarise(pd.DataFrame(rows, columns=["width", "class", "value"]), ["width", "class"], spread(0.8))
    return lines(
        frame,
        "width",
        series="class",
        xlabel="width of the kernel, in square roots of the number of features",
        ylabel="fuzzy score",
        log="x",
        band=True,
        title=f"At a width of {widths[0]:.2g} no score exceeds {found[0].max():.2g}; at {widths[-1]:.2g} the median is "
        f"{np.median(found[-1]):.2f}",
        caption="Median fuzzy score of the rows of each class, with the band that holds 80 % of them.",
    )
