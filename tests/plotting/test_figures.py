from __future__ import annotations

import base64
import io
import re

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from repro.plotting import METHOD_STYLES, PALETTE, Shown, book_style, paired, show
from repro.plotting import smote as figures


def _luminance(color: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _picture(shown: Shown) -> Image.Image:
    return Image.open(io.BytesIO(shown.png)).convert("RGB")


@pytest.mark.parametrize("name", sorted(PALETTE))
def test_every_colour_stands_out_from_the_ground(name: str) -> None:
    contrast = 1.05 / (_luminance(PALETTE[name]) + 0.05)
    assert contrast >= 3, f"{name} has contrast {contrast:.2f} on white; graphics need 3"


def test_methods_that_meet_in_one_figure_differ_without_colour() -> None:
    shapes = {name: (style["marker"], style["linestyle"]) for name, style in METHOD_STYLES.items() if name != "over"}
    assert len(set(shapes.values())) == len(shapes)


def test_a_shown_figure_carries_its_text_and_a_light_ground() -> None:
    with book_style():
        figure, axes = plt.subplots()
        axes.plot([0, 1])
    shown = show(figure, alt='A "rising" line <up>.', caption="One & two")
    html = shown._repr_html_()
    assert 'alt="A &quot;rising&quot; line &lt;up&gt;."' in html
    assert "One &amp; two" in html
    embedded = re.search(r"base64,([^\"]+)", html)
    assert embedded is not None
    assert base64.b64decode(embedded.group(1)) == shown.png
    assert _picture(shown).getpixel((0, 0)) == (255, 255, 255)
    assert not plt.get_fignums(), "the figure stays open"


@pytest.mark.parametrize("texts", [("", "caption"), ("alt", " ")])
def test_a_figure_without_words_is_refused(texts: tuple[str, str]) -> None:
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="must say what is seen"):
        show(figure, alt=texts[0], caption=texts[1])
    plt.close(figure)


def _sweep_table(gain: float) -> pd.DataFrame:
    """A sweep in which every SMOTE curve lies `gain` above plain under-sampling."""
    rows = []
    for dataset in ("pima", "phoneme"):
        for partition in range(3):
            for method, lift in (
                ("under", 0.0),
                ("smote_100", gain),
                ("smote_200", gain),
                ("smote_fixed_level", gain),
                ("smote_chosen_level", gain),
                ("smote_best_on_test", 2 * gain),
                ("naive_bayes", -gain),
                ("threshold_pruned", 0.0),
                ("threshold_unpruned", 0.0),
                ("threshold_laplace", 0.0),
            ):
                for metric in ("auc_paper", "auc_full"):
                    rows.append((dataset, method, np.nan, partition, metric, 0.8 + lift + 0.001 * partition))
                for step, point in {0: (0.1, 0.5), 50: (0.3, 0.7), 100: (0.5, 0.8)}.items():
                    for metric, value in zip(("fpr", "tpr"), point, strict=True):
                        rows.append((dataset, method, step, partition, metric, value + lift * (metric == "tpr")))
    return pd.DataFrame(rows, columns=["dataset", "method", "step", "replicate", "metric", "value"])


def test_the_texts_of_the_sweep_figures_are_computed_from_the_table() -> None:
    table = _sweep_table(0.05)
    curves = figures.sweep_curves(table, ["pima", "phoneme"], {"pima": 100, "phoneme": 200})
    assert "Pima: at a false positive rate of 0.2 SMOTE lies +0.050 from under-sampling" in curves.alt
    gains = figures.selection(table)
    assert "Phoneme, fixed in advance: +0.0500 (+0.0500 to +0.0500)" in gains.alt
    assert "best on the test folds (as in the paper): +0.1000" in gains.alt
    areas = figures.thresholds(table, "phoneme", level=200)
    assert "SMOTE 200 % + under-sampling 0.851" in areas.alt
    # Table 3: Pima 0.7242 and 0.7307, Phoneme 0.8622, 0.8644, 0.8661; ours 0.801 and 0.851
    assert "between 0.0134 and 0.1203 away" in figures.table_3(table).alt


def test_the_replication_figure_reads_both_ends_of_its_lines() -> None:
    rows = [
        ("mammography", method, level, partition, metric, base + level * slope + partition * 1e-9)
        for method, slope in (("smote", 0.1), ("replication", 0.2))
        for level in (0, 100, 500)
        for partition in range(2)
        for metric, base in (("nodes", 50), ("recall", 0))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "method", "level", "replicate", "metric", "value"])
    alt = figures.replication(table).alt
    assert "nodes of the pruned tree, SMOTE: 50 at 0 %, 100 at 500 %" in alt
    assert "nodes of the pruned tree, replication: 50 at 0 %, 150 at 500 %" in alt


def test_the_learner_figures_speak_of_every_learner_and_data_set() -> None:
    methods = ("none", "under", "over", "smote", "under_corrected", "over_corrected", "smote_corrected")
    rows = [
        ("phoneme", learner, method, unit, partition, metric, value + partition * 1e-9)
        for learner in ("pruned_tree", "logistic_regression", "gradient_boosting")
        for method in methods
        for unit in ("partition", "fold")
        for partition in range(2)
        for metric, value in (("auroc", 0.9 - 0.01 * (method == "smote")), ("log_risk_ratio", np.log(2.0)))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "learner", "method", "unit", "replicate", "metric", "value"])
    assert "gradient boosting, Phoneme: SMOTE -0.010" in figures.ranking(table).alt
    assert "Phoneme: SMOTE 2.00 before and 2.00 after, no sampling 2.00" in figures.risk(table).alt


def test_the_first_picture_has_three_panels() -> None:
    generator = np.random.default_rng(0)
    minority, majority = generator.normal(size=(4, 2)), generator.normal(size=(9, 2))
    parents = np.array([[0, 1], [2, 3]])
    shown = figures.idea(minority, majority, parents, minority[:2], minority[2:])
    width, height = _picture(shown).size
    assert width > 2 * height
    assert "squares" in shown.alt


def test_paired_values_are_told_with_the_mean_of_each_side() -> None:
    rows = [("a", 0, 1.0), ("b", 0, 2.0), ("a", 1, 3.0), ("b", 1, 6.0), ("c", 1, 9.0)]
    table = pd.DataFrame(rows, columns=["method", "replicate", "value"])
    shown = paired(table, ["b", "a"], ylabel="recall of the minority")
    assert "2 points" in shown.alt
    assert "recall of the minority is 4 on average for b, 2 for a." in shown.alt
    for levels, message in ((["a", "c"], "one row for each replicate"), (["a"], "levels must be two")):
        with pytest.raises(ValueError, match=message):
            paired(table, levels, ylabel="recall")
