"""Findings and numbers of the figures on AUROC and AUPRC are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from repro.metrics import mistakes
from repro.plotting import auroc_auprc as figures
from repro.plotting.styles import STYLES

Read = Callable[..., list[float]]


def test_the_first_picture_reads_the_gains_of_its_mistakes() -> None:
    labels = np.array([1, 0, 1, 0, 0, 1, 0], dtype=bool)
    shown = figures.worth(labels, mistakes(labels, np.arange(7)[::-1]))
    # n1 = 3, n0 = 4: AUROC 1/12; mistakes at r = 2 (T = 1) and r = 5 (T = 2): 2/(3*2*3) and 3/(3*5*6)
    assert "A row of 7 marks in order of score, 3 of them squares" in shown.alt
    assert shown.title == "AUROC pays 0.0833 for every repair, under AUPRC the dearest is worth 3 times the cheapest"
    assert shown.table["AUPRC"].tolist() == ["0.1111", "0.0333"]


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


def test_tasks_show_the_stored_difference_beside_ours(read: Read) -> None:
    shown = figures.tasks(fairness_table(0.05))
    assert read(shown, "Adult, sex", "the paper's stored means") == pytest.approx([0.07, 0.043, 0.097], abs=6e-4)
    code = "weight on the group whose code comes first (the public code)"
    assert read(shown, "COMPAS, race", code)[0] == pytest.approx(0.05)
    assert "Adult, race" not in set(shown.table["task"]), "a task without rows is not drawn"
    assert "in 4 of our 4 settings" in figures.tasks(fairness_table(0.05).assign(value=noisy)).title


def noisy(rows: pd.DataFrame) -> pd.Series:
    """A spread, so that intervals have a width."""
    return rows["value"] + 0.001 * rows["replicate"] * (rows["method"] == "average_precision")


def test_tasks_of_lsac_stand_beside_the_others_with_the_one_weighting_that_was_run(read: Read) -> None:
    lsac = fairness_table(-0.02).assign(dataset="lsac", attribute="sex").query("weighting == 'first_code'")
    shown = figures.tasks(pd.concat([fairness_table(0.05), lsac.drop_duplicates(["method", "replicate"])]))
    assert read(shown, "LSAC, sex", "the paper's stored means") == pytest.approx([-0.017, -0.025, -0.009], abs=6e-4)
    assert (shown.table["task"] == "LSAC, sex").sum() == 2


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


def test_models_show_the_rank_correlation_of_every_panel(read: Read) -> None:
    rows = [
        ("adult", "sex", weighting, draw, 1, metric, sign * draw / 10)
        for weighting, draw in product(("higher_prevalence", "first_code"), range(5))
        for metric, sign in (("auroc", 1), ("average_precision", -1), ("gap", 1))
    ]
    columns = ["dataset", "attribute", "weighting", "draw", "weight", "metric", "value"]
    shown = figures.models(pd.DataFrame(rows, columns=columns))
    assert "AUROC +1.00, AUPRC \N{MINUS SIGN}1.00 (the text)" in shown.title
    assert read(shown, "weight on the group of higher prevalence", "AUPRC", "10") == [0], "its best model has no gap"


def test_the_headline_reads_its_draws(read: Read) -> None:
    rows = [
        (ratios, "all", resampled, draw, "spearman", 0.5 + draw / 1000)
        for ratios, resampled, draw in product(
            ("first_split", "full_file"), ("seeds", "seeds_and_tasks"), range(-100, 101)
        )
    ]
    rows += [(ratios, "all", "seeds", 0, "point_estimate", 0.75) for ratios in ("first_split", "full_file")]
    columns = ["ratios", "tasks", "resampled", "replicate", "metric", "value"]
    shown = figures.headline(pd.DataFrame(rows, columns=columns))
    # 201 draws from 0.4 to 0.6 in equal steps: the quantiles are 0.4 + 0.025 * 0.2 and 0.6 - 0.025 * 0.2
    low, high = 0.405, 0.595
    assert read(shown, "ratios of whole files", "means vary") == pytest.approx([0.5, low, high], abs=0.006)
    assert read(shown, "ratios of one test split", "recomputed") == [0.75]
    assert "from 0.41 to 0.59; published is 0.905" in shown.title


def test_policies_read_the_ends_of_their_lines(read: Read) -> None:
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
    shown = figures.policies(pd.DataFrame(rows, columns=columns))
    assert read(shown, "group with more positives", "highest score first (watching AUPRC)", "50") == [0.9]
    assert shown.title.startswith("50 repairs from the top leave a gap of 0.900 between the groups")
    assert shown.title.endswith("one of 0.850")


def test_subpopulations_read_every_share(read: Read) -> None:
    rows = [
        (scores, p_lower, method, batch, "share_inside_higher", share)
        for scores, p_lower, (method, share), batch in product(
            ("calibrated", "ranks"), (0.01, 0.1), (("ap_best", 0.9), ("uniform", 0.4)), range(3)
        )
    ]
    columns = ["scores", "p_lower", "method", "replicate", "metric", "value"]
    shown = figures.subpopulations(pd.DataFrame(rows, columns=columns))
    assert "in 90 % of draws, a random one in 40 %" in shown.title
    assert read(shown, "ranks within each group", "a mistake drawn at random", "0.01") == [0.4]


def test_the_phase_diagram_reads_its_corners_and_shows_no_signed_zero() -> None:
    rows = []
    for shift, ratio in product((-1.0, 0.0, 1.0), (1.0, 4.0)):
        inside = 25 - 20 * shift - (shift == 0 and ratio == 4)
        rows += [
            (shift, ratio, "highest", "fixes_higher", inside),
            (shift, ratio, "highest", "fixes_lower", 50 - inside),
        ]
        rows.append((shift, ratio, "calibration", "calibrated_shift", 1 - ratio / 4))
    shown = figures.phase(pd.DataFrame(rows, columns=["shift", "ratio", "method", "metric", "value"]))
    assert "Coloured table of 3 by 2 numbers" in shown.alt
    assert "from 0 at ratio 1 to 0 at 4" in shown.title
    numbers = shown.table.set_index("scores of the lower group raised by (SD)")
    assert numbers.loc["-1"].tolist() == ["+0.8", "+0.8"]
    assert numbers.loc["+1"].tolist() == ["-0.8", "-0.8"]


def test_the_shift_of_prevalence_reads_both_ends(read: Read) -> None:
    rows = [
        (0.85, prevalence, draw, metric, value)
        for prevalence, draw in product((0.01, 0.5), range(3))
        for metric, value in (
            ("average_precision", prevalence),
            ("average_precision_at_half", 0.8),
            ("area", 0.85),
        )
    ]
    shown = figures.prevalence_shift(
        pd.DataFrame(rows, columns=["auroc", "prevalence", "replicate", "metric", "value"])
    )
    assert "At prevalence 0.01 the same model (AUROC 0.85) has an AUPRC of 0.01, and of 0.80 at" in shown.title
    assert read(shown, "true AUROC 0.85", "AUPRC as observed", "0.5") == [0.5]


@pytest.mark.parametrize("metric", ["auroc", "average_precision"])
def test_both_metrics_differ_without_colour(metric: str) -> None:
    other = ({"auroc", "average_precision"} - {metric}).pop()
    first, second = STYLES["metric", metric], STYLES["metric", other]
    assert first.marker != second.marker
    assert first.line != second.line


def test_the_coverage_reads_both_ends_of_every_line() -> None:
    rows = [
        (size, prevalence, area, method, batch, "coverage", 0.95 - (0.2 if prevalence < 0.1 else 0))
        for size, prevalence, (area, method), batch in product(
            (1000, 5000), (0.01, 0.5), (("auroc", "delong"), ("average_precision", "bca")), range(2)
        )
    ]
    columns = ["n", "prevalence", "area", "method", "replicate", "metric", "value"]
    shown = figures.coverage(pd.DataFrame(rows, columns=columns))
    part = shown.table[shown.table["panel"] == "5,000 rows"].set_index("row")
    assert part.index.tolist() == ["AUROC: DeLong", "AUPRC: bootstrap, BCa"], "a method without rows is not drawn"
    assert part.loc["AUROC: DeLong", ["0.5\n(2500)", "0.01\n(50)"]].tolist() == ["95", "75"]
    assert "in 75 %" in shown.title


def test_the_ratios_read_every_mean(read: Read) -> None:
    rows = [
        (weighting, ratio, seed, "rho_difference", 0.01 * ratio + 0.001 * seed)
        for weighting, ratio, seed in product(("higher_prevalence", "first_code"), (1.0, 5.0), (-1, 0, 1))
    ]
    shown = figures.ratios(pd.DataFrame(rows, columns=["weighting", "ratio", "replicate", "metric", "value"]))
    assert read(shown, figures.WEIGHTING_NAMES["higher_prevalence"], "5")[0] == pytest.approx(0.05)
    assert "at 4 of 4 ratios and weightings" in shown.title
