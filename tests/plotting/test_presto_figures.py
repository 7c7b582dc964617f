"""Findings and numbers of the PRESTO figures are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.claims import find_claim
from repro.ordinal import presto_path
from repro.plotting import presto as figures
from repro.studies.presto.designs import INTERCEPTS, RARE_SHARES

Read = Callable[..., list[float]]
SETTINGS = [(design, setting) for design, values in INTERCEPTS.items() for setting in values]
RARE = [f"{100 * RARE_SHARES['dense', setting]:g}" for setting in INTERCEPTS["dense"]]
SPARSE = f"{100 * RARE_SHARES[SETTINGS[0]]:g}"
SCORES = ("coded_error", "binned_error", "brier", "log_loss")


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
    shown = figures.drift(X, y, path, [10, 0])
    assert "2 panels with the same points of four classes" in shown.alt
    assert shown.title.endswith("by 0 under the largest")
    assert shown.table.iloc[:, 1].nunique() == 1, "at the largest penalty all boundaries have one direction"
    assert len(shown.table) == 3


def test_errors_show_medians_beside_the_published_ones(read: Read) -> None:
    shown = figures.errors(synthetic_table(presto_published=1e-5, logit=2e-5, proportional_odds=3e-5))
    published = [entry.value for entry in find_claim("presto-m1").published if entry.model_extra]
    assert len(shown.table) == len(published) == 30
    assert read(shown, "sparse 1/2", "PRESTO as published", SPARSE)[0] == pytest.approx(1.1e-5)
    # nearest to and furthest from the paper: 1.1e-5 over 7.73e-5, where the paper's median is largest, and so on
    ratios = [
        {"presto_published": 1.1e-5, "logit": 2.2e-5, "proportional_odds": 3.3e-5}[entry.model_extra["method"]]
        / entry.value
        for entry in find_claim("presto-m1").published
        if entry.model_extra
    ]
    assert shown.title.endswith(f"are {min(ratios):.2f} to {max(ratios):.2f} times those of the paper")


def test_gains_are_geometric_means_of_paired_ratios(read: Read) -> None:
    shown = figures.gains(synthetic_table(presto=1e-5, logit=2e-5, proportional_odds=0.5e-5))
    assert {read(shown, "dense", "over logistic regression", rare)[0] for rare in RARE} == {2.0}
    assert "logistic regression in 10 of 10 settings" in shown.title
    assert "proportional odds in 0 of 10 settings" in shown.title
    varied = synthetic_table(presto=1e-5, logit=2e-5, proportional_odds=1e-5)
    once = (varied["method"] == "logit") & (varied["replicate"] == 0)
    varied.loc[once, "value"] *= 8
    assert read(figures.gains(varied), "dense", "over logistic regression", RARE[0])[0] == pytest.approx(4, rel=0.01)


def scores_table(column: str, levels: list[object], methods: tuple[str, ...]) -> pd.DataFrame:
    rows = [
        (level, method, replicate, metric, (number + 1) * (0.01 + 0.001 * replicate))
        for level, (number, method), replicate, metric in product(levels, enumerate(methods), range(4), SCORES)
    ]
    return pd.DataFrame(rows, columns=[column, "method", "replicate", "metric", "value"])


ALL = ("presto", "presto_published", "logit", "proportional_odds", "base_rate")


def test_scores_by_cutoff_read_their_means(read: Read) -> None:
    table = scores_table("cutoff", [30, 35, 40], ALL)
    shown = figures.figure4(table)
    assert read(shown, "PRESTO as published", "35")[0] == pytest.approx(0.023)
    assert "best published score at 0 of 3 cutoffs" in shown.title
    least = table.assign(value=table["value"].where(table["method"] != "base_rate", 0.001))
    assert "at 3 of 3 cutoffs" in figures.figure4(least).title
    shown = figures.sound_scores(table)
    assert read(shown, "Brier score", "over logistic regression", "30")[0] == pytest.approx(0.023)
    assert read(shown, "log-loss", "over proportional odds", "40")[0] == pytest.approx(0.0345, abs=0.0006)
    assert "clearly better in 18 of 18 comparisons" in shown.title


def test_soup_shows_both_ways_to_split(read: Read) -> None:
    shown = figures.soup(scores_table("split_by", ["rows", "respondents"], ALL))
    assert read(shown, "score as coded", "PRESTO", "split by rows")[0] == pytest.approx(0.0115, abs=6e-5)
    assert read(shown, "log-loss", "logistic regression", "split by respondents")[0] == pytest.approx(0.0345, abs=6e-4)
    assert shown.title.count("PRESTO (") == 4


def test_missing_baselines_are_ratios_to_presto_on_fresh_rows() -> None:
    fresh = synthetic_table(
        "rare_mse_fresh", presto=1e-5, logit=2e-5, proportional_odds=3e-5, base_rate=4e-5, prior_corrected_logit=5e-5,
        firth=6e-5, semi_parallel=0.5e-5, boosting=7e-5, logit_l1=1.5e-5,
    )  # fmt: skip
    training = fresh.assign(metric="rare_mse", value=fresh["value"] * np.where(fresh["method"] == "boosting", 100, 1))
    table = pd.concat([fresh, training])
    shown = figures.missing_baselines(table[table["design"] == "dense"])
    numbers = shown.table.set_index("row")
    assert numbers.shape == (8, 4)
    assert set(numbers.loc["semi-parallel model"]) == {"0.5"}
    assert set(numbers.loc["gradient boosting"]) == {"7"}
    assert "smaller one in 28 of 32 comparisons; ahead of it in most settings: semi-parallel model" in shown.title


def test_shrinking_is_shown_beside_presto_as_a_gain_over_no_penalty(read: Read) -> None:
    table = synthetic_table("rare_mse_fresh", presto=1e-5, logit=4e-5, logit_l1=2e-5, logit_ridge=8e-5)
    shown = figures.shrinking_and_borrowing(table[table["design"] == "sparse 1/3"])
    assert len(shown.table) == 9
    assert "L1 logistic regression 2.0, ridge logistic regression 0.5, PRESTO 4.0" in shown.title
    assert read(shown, "sparse 1/3, 1 % rare", "PRESTO") == [4]


def test_intervals_of_scores_allow_for_reused_rows(read: Read) -> None:
    generator = np.random.default_rng(0)
    table = scores_table("cutoff", [30], ALL)
    table["value"] *= np.exp(0.1 * generator.normal(size=len(table)))
    shown = figures.sound_scores(table)
    wide = table[table["metric"] == "brier"].pivot(index="replicate", columns="method", values="value")
    gained = (wide["logit"] - wide["presto"]).to_numpy()
    # Nadeau and Bengio: four test parts of a tenth of the rows
    half = stats.t.ppf(0.975, 3) * gained.std(ddof=1) * np.sqrt(1 / 4 + 1 / 9)
    wanted = [gained.mean(), gained.mean() - half, gained.mean() + half]
    assert read(shown, "Brier score", "over logistic regression", "30") == pytest.approx(wanted, abs=6e-4)


def test_information_reads_both_ends(read: Read) -> None:
    rows = [
        (method, rare, replicate, "trace", 1 / rare if method == "logit" else 5.0)
        for method, rare, replicate in product(("logit", "proportional_odds"), (0.1, 0.001), range(3))
    ]
    table = pd.DataFrame(rows, columns=["method", "rare", "replicate", "metric", "value"])
    shown = figures.information(table)
    assert read(shown, "logistic regression of the rare class", "0.001") == [1000]
    assert "At a rare probability of 0.001 logistic regression has 200 times" in shown.title


def test_row_order_reads_all_three_values(read: Read) -> None:
    shown = figures.row_order([0.1, 0.2, 0.3], constant=0.005, sound=0.0042)
    assert shown.title.endswith("from 0.100 to 0.300")
    assert read(shown, "as meant") == [0.0042]
    assert read(shown, "base rate, as coded") == [0.005]
