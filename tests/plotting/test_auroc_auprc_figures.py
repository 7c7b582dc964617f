"""Texts of the figures on AUROC and AUPRC are computed from what they draw."""

from __future__ import annotations

from itertools import product

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd
import pytest

from repro.metrics import mistakes
from repro.plotting import auroc_auprc as figures


def test_the_first_picture_reads_the_gains_of_its_mistakes() -> None:
    labels = np.array([1, 0, 1, 0, 0, 1, 0], dtype=bool)
    shown = figures.worth(labels, mistakes(labels, np.arange(7)[::-1]))
    # n1 = 3, n0 = 4: AUROC 1/12; mistakes at r = 2 (T = 1) and r = 5 (T = 2): 2/(3*2*3) and 3/(3*5*6)
    assert "A row of 7 dots in order of score, 3 of them squares" in shown.alt
    assert "2 double arrows" in shown.alt
    assert "AUROC stem is 0.0833 high everywhere, the AUPRC stem is 0.1111 at the top and 0.0333" in shown.alt


def fairness_table(difference: float) -> pd.DataFrame:
    rows = [
        (*task, weighting, method, seed, "rho_with_gap", 0.1 + difference * (method == "average_precision"))
        for task, weighting, method, seed in product(
            (("adult", "sex"), ("compas", "race")),
            ("higher_prevalence", "first_code"),
            ("auroc", "average_precision"),
            range(3),
        )
    ]
    columns = ["dataset", "attribute", "weighting", "method", "replicate", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_tasks_show_the_stored_difference_beside_ours() -> None:
    alt = figures.tasks(fairness_table(0.05)).alt
    assert "Adult, sex, paper: +0.070 (+0.043 to +0.097)" in alt
    assert "COMPAS, race, ours, weight on the group whose code comes first: +0.050 (+0.050 to +0.050)" in alt
    assert "Adult, race" not in alt, "a task without rows is not drawn"


def test_tasks_of_lsac_stand_beside_the_others_with_the_one_weighting_that_was_run() -> None:
    lsac = fairness_table(-0.02).assign(dataset="lsac", attribute="sex").query("weighting == 'first_code'")
    alt = figures.tasks(pd.concat([fairness_table(0.05), lsac.drop_duplicates(["method", "replicate"])])).alt
    assert "LSAC, sex, paper: -0.017 (-0.025 to -0.009)" in alt
    assert "LSAC, sex, ours, weight on the group whose code comes first: -0.020 (-0.020 to -0.020)" in alt
    assert "LSAC, sex, ours, weight on the group of higher prevalence" not in alt


def test_the_table_of_tasks_reads_both_means_and_what_could_have_been_told_from_zero() -> None:
    columns = ["ours", "low", "high", "published", "published_low", "published_high"]
    row = dict(zip(columns, (-0.02, -0.1, 0.06, 0.07, 0.01, 0.13), strict=True))
    names = {"dataset": "lsac", "attribute": "race", "weighting": "higher_prevalence", "splits": 7, "ratio": 1.2434}
    compared = pd.DataFrame([row | names | {"published_stands_out": True, "would_stand_out": False}])
    shown = figures.task_table(compared).loc[("LSAC, race", "the group of higher prevalence")]
    assert shown.tolist() == [
        7,
        "1.24",
        "-0.020 (-0.100 to +0.060)",
        "+0.070 (+0.010 to +0.130)",
        "yes",
        "no",
    ]


def test_models_show_the_rank_correlation_of_every_panel() -> None:
    rows = [
        ("adult", "sex", weighting, draw, 1, metric, sign * draw / 10)
        for weighting, draw in product(("higher_prevalence", "first_code"), range(5))
        for metric, sign in (("auroc", 1), ("average_precision", -1), ("gap", 1))
    ]
    columns = ["dataset", "attribute", "weighting", "draw", "weight", "metric", "value"]
    alt = figures.models(pd.DataFrame(rows, columns=columns)).alt
    assert "(the text), AUROC: +1.00" in alt
    assert "(the public code), AUPRC: -1.00" in alt


def test_the_headline_reads_its_draws() -> None:
    rows = [
        (ratios, "all", resampled, draw, "spearman", 0.5 + draw / 1000)
        for ratios, resampled, draw in product(
            ("first_split", "full_file"), ("seeds", "seeds_and_tasks"), range(-100, 101)
        )
    ]
    rows += [(ratios, "all", "seeds", 0, "point_estimate", 0.75) for ratios in ("first_split", "full_file")]
    columns = ["ratios", "tasks", "resampled", "replicate", "metric", "value"]
    alt = figures.headline(pd.DataFrame(rows, columns=columns)).alt
    # 201 draws from 0.4 to 0.6 in equal steps: the quantiles are 0.4 + 0.025 * 0.2 and 0.6 - 0.025 * 0.2
    low, high = 0.405, 0.595
    assert f"the means vary: 95 % of the draws from {low:.2f} to {high:.2f}" in alt
    assert "recomputed: 0.750" in alt
    assert "published: 0.905" in alt


def test_policies_read_the_ends_of_their_lines() -> None:
    rows = [
        ("binomial", True, 0.85, policy, step, statistic, metric, 0.8 + step * slope)
        for (policy, slope), step, statistic, metric in product(
            (("random", 0.001), ("highest", 0.002)),
            (0, 25, 50),
            ("mean", "p5", "p95"),
            ("auroc", "auroc_higher", "auroc_lower", "gap"),
        )
    ]
    columns = ["sampler", "normalise", "auroc", "method", "step", "statistic", "metric", "value"]
    alt = figures.policies(pd.DataFrame(rows, columns=columns)).alt
    assert "group with more positives, highest score first: 0.800 to 0.900" in alt
    assert "gap between the groups, mistakes at random: 0.800 to 0.850" in alt


def test_subpopulations_read_every_share() -> None:
    rows = [
        (scores, p_lower, method, batch, "share_inside_higher", share)
        for scores, p_lower, (method, share), batch in product(
            ("calibrated", "ranks"), (0.01, 0.1), (("ap_best", 0.9), ("uniform", 0.4)), range(3)
        )
    ]
    columns = ["scores", "p_lower", "method", "replicate", "metric", "value"]
    alt = figures.subpopulations(pd.DataFrame(rows, columns=columns)).alt
    assert "calibrated scores, the mistake AUPRC rewards most: 0.90 at 0.01, 0.90 at 0.1" in alt
    assert "ranks within each group, a mistake drawn at random: 0.40 at 0.01" in alt


def test_the_phase_diagram_reads_its_corners_and_shows_no_signed_zero() -> None:
    rows = []
    for shift, ratio in product((-1.0, 0.0, 1.0), (1.0, 4.0)):
        inside = 25 - 20 * shift - (shift == 0 and ratio == 4)
        rows += [
            (shift, ratio, "highest", "fixes_higher", inside),
            (shift, ratio, "highest", "fixes_lower", 50 - inside),
        ]
        rows.append((shift, ratio, "calibration", "calibrated_shift", 1 - ratio / 4))
    alt = figures.phase(pd.DataFrame(rows, columns=["shift", "ratio", "method", "metric", "value"])).alt
    assert "A grid of 6 cells" in alt
    assert "1 standard deviations down the balance is +0.8 to +0.8" in alt
    assert "without a shift it goes from 0 at ratio 1 to 0 at 4; 1 up it is -0.8 to -0.8" in alt


def test_the_shift_of_prevalence_reads_both_ends() -> None:
    rows = [
        (0.85, prevalence, draw, metric, value)
        for prevalence, draw in product((0.01, 0.5), range(3))
        for metric, value in (
            ("average_precision", prevalence),
            ("average_precision_at_half", 0.8),
            ("area", 0.85),
        )
    ]
    alt = figures.prevalence_shift(
        pd.DataFrame(rows, columns=["auroc", "prevalence", "replicate", "metric", "value"])
    ).alt
    assert "AUROC 0.85, AUPRC as observed: 0.50 at 0.5, 0.01 at 0.01" in alt
    assert "AUPRC at prevalence 0.5: 0.80 at 0.5, 0.80 at 0.01" in alt


@pytest.mark.parametrize("metric", ["auroc", "average_precision"])
def test_both_metrics_differ_without_colour(metric: str) -> None:
    other = ({"auroc", "average_precision"} - {metric}).pop()
    first, second = figures.METRIC_STYLES[metric], figures.METRIC_STYLES[other]
    assert first["marker"] != second["marker"]
    assert first["linestyle"] != second["linestyle"]


def test_the_coverage_reads_both_ends_of_every_line() -> None:
    rows = [
        (size, prevalence, area, method, batch, "coverage", 0.95 - (0.2 if prevalence < 0.1 else 0))
        for size, prevalence, (area, method), batch in product(
            (1000, 5000), (0.01, 0.5), (("auroc", "delong"), ("average_precision", "bca")), range(2)
        )
    ]
    columns = ["n", "prevalence", "area", "method", "replicate", "metric", "value"]
    alt = figures.coverage(pd.DataFrame(rows, columns=columns)).alt
    assert "5,000 rows, AUROC: DeLong: 95 % at prevalence 0.5, 75 % at 0.01" in alt
    assert "AUPRC: bootstrap, BCa: 95 %" in alt
    assert "Newcombe" not in alt, "a method without rows is not drawn"


def test_the_ratios_read_every_mean() -> None:
    rows = [
        (weighting, ratio, seed, "rho_difference", 0.01 * ratio + 0.001 * seed)
        for weighting, ratio, seed in product(("higher_prevalence", "first_code"), (1.0, 5.0), (-1, 0, 1))
    ]
    alt = figures.ratios(pd.DataFrame(rows, columns=["weighting", "ratio", "replicate", "metric", "value"])).alt
    assert "(the text): +0.010 at 1, +0.050 at 5" in alt
