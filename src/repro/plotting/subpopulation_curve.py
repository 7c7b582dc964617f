"""Figures of the study `subpopulation_curve`. Each takes accuracies or a table and returns a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from repro.plotting.figures import Shown, key_entry, show
from repro.plotting.shared import lines, panel_axes, summarise
from repro.plotting.styles import INK, PALETTE, Style, book_style

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    Clouds = Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]


def clouds(found: Clouds, cue: float) -> Shown:
    """Draw accuracy on the minority against that on the majority, a mark a model, in accuracies and in probits.

    Parameters
    ----------
    found : mapping of str to (majority, minority)
        Names of the clouds and the accuracies of their models, between 0 and 1.
    cue : float
        Half distance of the classes along the cue alone, in standard deviations; sets one axis of the ellipse.
    """
    styles = [Style(PALETTE["blue"], "o"), Style(PALETTE["orange"], "^"), Style(PALETTE["green"], "s")]
    probits = {name: tuple(ndtri(np.clip(a, 1e-3, 1 - 1e-3)) for a in pair) for name, pair in found.items()}
    core = max(float((u + v).max()) / 2 for u, v in probits.values())
    turn = np.linspace(-np.pi / 2, np.pi / 2, 200)
    both, apart = core * np.cos(turn), cue * np.sin(turn)
    with book_style():
        drawn = panel_axes(2)
        for (_, axes), points, unit in zip(drawn, (found, probits), ("accuracy", "probit of accuracy"), strict=True):
            for (u, v), style in zip(points.values(), styles, strict=False):
                axes.plot(u, v, style.marker, color=style.color, markersize=3.5, alpha=0.6)
            axes.set(xlabel=f"majority, {unit}", ylabel=f"minority, {unit}")
        low, high = drawn[0][1].get_xlim()
        drawn[0][1].plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle=":")
        drawn[0][1].set_title("accuracy")
        drawn[1][1].plot(both + apart, both - apart, color=INK, linewidth=1.2)
        drawn[1][1].set_title("probits, with an ellipse")
    name, (major, minor) = list(found.items())[-1]
    best = int(np.argmax(major))
    return show(
        [figure for figure, _ in drawn],
        title=f"With {name} the best model for the majority ({major[best]:.2f}) has {minor[best]:.2f} on the minority; "
        f"another one reaches {minor.max():.2f}",
        alt="Two clouds of models, left in accuracies and right in probits: without a useful cue minority and majority "
        "accuracy rise together, with a strong cue the cloud lies below and fans out. Right, part of an ellipse.",
        caption="A mark is a model: one of 40 small networks with its own learning rate and decay, at one of four "
        "times. Dotted: equal accuracy. Right: the ellipse on which linear classifiers without waste would lie; its "
        "size along the core is that of the best model seen.",
        key=[key_entry(one, style, line=False) for one, style in zip(found, styles, strict=False)],
    )


def gains(table: pd.DataFrame) -> Shown:
    """Draw what a parabola adds to a line against how often the cue agrees with the class, in both units.

    Table of the experiment ``subpopulation_curve.models``.
    """
    rows = table[(table["data"] == "cue_digits") & (table["family"] == "mlp") & table["chosen_by"].isna()]
    units = {"curvature_gain_accuracy": "accuracy", "curvature_gain_probit": "probit"}
    rows = rows[rows["metric"].isin(units)].assign(unit=lambda frame: frame["metric"].map(units))
    found = summarise(rows, ["unit", "amplitude", "agreement"])
    at = found[found["amplitude"] == 0.5].set_index(["unit", "agreement"])["estimate"]
    return lines(
        found,
        "agreement",
        series="amplitude",
        panel="unit",
        names={0.5: "cue of size 0.5", 1.0: "cue of size 1"},
        xlabel="share of training rows whose cue agrees",
        ylabel="gain in R² by a parabola",
        level=0.0,
        title=f"In probits a parabola adds {at['probit', 0.5]:+.2f} to R² without a useful cue and "
        f"{at['probit', 0.9]:+.2f} with one that agrees in 90 %",
        caption="Cross-validated over models: R² of a parabola minus that of a line, mean over seeds with its 95 % "
        "interval. Below zero the parabola predicts new models worse than the line.",
    )
