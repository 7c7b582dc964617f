"""Texts of the PRESTO figures are computed from what they draw."""

from __future__ import annotations

from itertools import product

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from repro.ordinal import presto_path
from repro.plotting import presto as figures
from repro.studies.presto.designs import INTERCEPTS

SETTINGS = [(design, setting) for design, values in INTERCEPTS.items() for setting in values]


def synthetic_table(metric: str = "rare_mse", **errors: float) -> pd.DataFrame:
    rows = [
        (design, setting, method, replicate, metric, error * (1 + 0.1 * replicate))
        for (design, setting), (method, error), replicate in product(SETTINGS, errors.items(), range(3))
    ]
    return pd.DataFrame(rows, columns=["design", "intercepts", "method", "replicate", "metric", "value"])


def test_drift_reads_the_directions_of_the_boundaries() -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(-1, 1, (400, 2))
    y = (2 * X[:, :1] + generator.logistic(size=(400, 1)) > [-1.0, 1.0, 3.0]).sum(axis=1)
    path = presto_path(X, y, level_penalty=0)
    alt = figures.drift(X, y, path, [10, 0]).alt
    assert "2 panels with the same points of four classes" in alt
    last = alt.rsplit(": ", 1)[1].removesuffix(" degrees.").split(", ")
    assert len(last) == 3
    assert len(set(last)) == 1, "at the largest penalty all boundaries have one direction"


def test_errors_show_medians_beside_the_published_ones() -> None:
    alt = figures.errors(synthetic_table(presto_published=1e-5, logit=2e-5, proportional_odds=3e-5)).alt
    assert "sparse 1/2, PRESTO as published: 1.1e-05 (published 7.73e-05)" in alt
    assert "dense, logistic regression: 2.2e-05 (published 0.00012)" in alt


def test_gains_are_geometric_means_of_paired_ratios() -> None:
    alt = figures.gains(synthetic_table(presto=1e-5, logit=2e-5, proportional_odds=1.5e-5)).alt
    assert "dense, over logistic regression: 2.00, 2.00, 2.00, 2.00" in alt
    assert "sparse 1/3, over proportional odds: 1.50, 1.50, 1.50" in alt


def scores_table(column: str, levels: list[object], methods: tuple[str, ...]) -> pd.DataFrame:
    rows = [
        (level, method, replicate, metric, (number + 1) * (0.01 + 0.001 * replicate))
        for level, (number, method), replicate, metric in product(
            levels, enumerate(methods), range(4), figures.SCORE_NAMES
        )
    ]
    return pd.DataFrame(rows, columns=[column, "method", "replicate", "metric", "value"])


ALL = ("presto", "presto_published", "logit", "proportional_odds", "base_rate")


def test_scores_by_cutoff_read_their_means() -> None:
    table = scores_table("cutoff", [30, 35, 40], ALL)
    assert "PRESTO as published: 0.023, 0.023, 0.023" in figures.figure4(table).alt
    alt = figures.sound_scores(table).alt
    assert "Brier score, over logistic regression: 0.023, 0.023, 0.023" in alt
    assert "log-loss, over proportional odds: 0.035" in alt


def test_soup_shows_both_ways_to_split() -> None:
    alt = figures.soup(scores_table("split_by", ["rows", "respondents"], ALL)).alt
    assert "score as coded, PRESTO, split by rows (published): 0.0115" in alt
    assert "log-loss, logistic regression, split by respondents: 0.0345" in alt


def test_missing_baselines_read_the_range_of_each_method_on_fresh_rows() -> None:
    fresh = synthetic_table(
        "rare_mse_fresh", presto=1e-5, logit=2e-5, proportional_odds=3e-5, base_rate=4e-5, prior_corrected_logit=5e-5,
        firth=6e-5, semi_parallel=0.5e-5, boosting=7e-5, logit_l1=1.5e-5,
    )  # fmt: skip
    training = fresh.assign(metric="rare_mse", value=fresh["value"] * np.where(fresh["method"] == "boosting", 100, 1))
    table = pd.concat([fresh, training])
    alt = figures.missing_baselines(table[table["design"] == "dense"]).alt
    assert "4 rows, one a setting, with a marker for each of 8 methods" in alt
    assert "semi-parallel: from 0.50 to 0.50" in alt
    assert "L1 logistic regression: from 1.50 to 1.50" in alt
    assert "gradient boosting: from 7.00 to 7.00" in alt


def test_shrinking_is_shown_beside_presto_as_a_gain_over_no_penalty() -> None:
    table = synthetic_table("rare_mse_fresh", presto=1e-5, logit=4e-5, logit_l1=2e-5, logit_ridge=8e-5)
    alt = figures.shrinking_and_borrowing(table[table["design"] == "sparse 1/3"]).alt
    assert "3 rows, one a setting" in alt
    assert "L1 logistic regression: 2.00, 2.00, 2.00; ridge logistic regression: 0.50, 0.50, 0.50; PRESTO: 4.00" in alt


def test_intervals_of_scores_allow_for_reused_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(figures, "show", lambda figure, **texts: drawn.append(figure))
    generator = np.random.default_rng(0)
    table = scores_table("cutoff", [30], ALL)
    table["value"] *= np.exp(0.1 * generator.normal(size=len(table)))
    figures.sound_scores(table)
    wide = table[table["metric"] == "brier"].pivot(index="replicate", columns="method", values="value")
    gained = (wide["logit"] - wide["presto"]).to_numpy()
    # Nadeau and Bengio: four test parts of a tenth of the rows
    half = stats.t.ppf(0.975, 3) * gained.std(ddof=1) * np.sqrt(1 / 4 + 1 / 9)
    segment = drawn[0].axes[0].collections[0].get_segments()[0]
    np.testing.assert_allclose(segment[:, 1], [gained.mean() - half, gained.mean() + half])


def test_information_reads_both_ends() -> None:
    rows = [
        (method, rare, replicate, "trace", 1 / rare if method == "logit" else 5.0)
        for method, rare, replicate in product(("logit", "proportional_odds"), (0.1, 0.001), range(3))
    ]
    table = pd.DataFrame(rows, columns=["method", "rare", "replicate", "metric", "value"])
    alt = figures.information(table).alt
    assert "logistic regression of the rare class: from 10 at 0.1 to 1e+03 at 0.001" in alt
    assert "proportional odds, common weights: from 5 at 0.1 to 5 at 0.001" in alt


def test_row_order_reads_all_three_values() -> None:
    alt = figures.row_order([0.1, 0.2, 0.3], constant=0.005, sound=0.0042).alt
    assert "3 scores between 0.100 and 0.300" in alt
    assert "at 0.0042 for the score as meant and at 0.0050 for a constant" in alt
