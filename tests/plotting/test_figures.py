"""Style, show and the shared figures: what is drawn agrees with the table given, and bad input is refused."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from scipy import stats

from repro.plotting import PALETTE, Shown, book_style, distributions, forest, heat, lines, paired, reliability, show
from repro.plotting import figures as module
from repro.plotting.shared import chosen, differences, geometric, number_text, reused_rows, spread, student, summarise
from repro.plotting.styles import DARK_PALETTE, Style, style_of, styles_of

RESULTS = Path(__file__).resolve().parents[2] / "results"
Read = Callable[..., list[float]]
TEXTS = {"title": "The finding.", "caption": "The caption."}


def _luminance(color: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _contrast(first: str, second: str) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", sorted(DARK_PALETTE))
def test_every_colour_stands_out_from_both_grounds(name: str) -> None:
    assert _contrast(PALETTE[name], "#ffffff") >= 3
    assert _contrast(DARK_PALETTE[name], "#1b1d20") >= 4.5
    # a notebook that says nothing about its theme shows the light colours on a dark ground
    assert _contrast(PALETTE[name], "#111111") >= 3


@pytest.mark.parametrize("study", sorted(path.name for path in RESULTS.iterdir() if path.is_dir()))
def test_no_two_methods_of_a_chapter_share_colour_and_marker(study: str) -> None:
    methods: set[str] = set()
    for path in (RESULTS / study).glob("*.csv*"):
        if "method" in pd.read_csv(path, nrows=0).columns:
            methods.update(pd.read_csv(path, usecols=["method"])["method"].dropna())
    looks: dict[tuple[str, str, bool], str] = {}
    for method in methods:
        if style := style_of(method):
            family = re.sub(r"smote_\d+", "smote", method)  # all amounts of SMOTE look alike
            look = style.color, style.marker, style.hollow
            assert looks.setdefault(look, family) == family, f"{method} looks like {looks[look]}"


def test_series_of_one_figure_differ_without_colour() -> None:
    found = styles_of(["under", "something", "smote", "something else"])
    assert len({style.marker for style in found.values()}) == 4
    with pytest.raises(ValueError, match="'smote_100' and 'smote_200' have one marker"):
        styles_of(["smote_100", "smote_200"])
    with pytest.raises(ValueError, match="none is left"):
        styles_of(range(20), "draw")


def _line() -> plt.Figure:
    with book_style():
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1], "o-", color=PALETTE["blue"])
        axes.set_xlabel("x & y")
    return figure


def test_a_shown_figure_carries_its_texts_and_follows_the_theme() -> None:
    shown = show(_line(), title="Rises <up>", alt='A "rising" line <up>.', caption="One <b>two</b>")
    page = BeautifulSoup(shown._repr_html_(), "html.parser")
    picture = page.find(attrs={"role": "img"})
    assert picture["aria-label"] == 'A "rising" line <up>.'
    assert page.select_one(".repro-title").text == "Rises <up>"
    assert page.figcaption.text == "One <b>two</b>"
    (svg,) = shown.pictures
    assert "x &amp; y" in svg
    assert "currentColor" in svg
    assert f"var(--repro-blue,{PALETTE['blue']})" in svg
    assert "#000000" not in svg
    assert "<script" not in svg
    assert "font-family" not in svg
    assert not plt.get_fignums(), "the figure stays open"


def test_a_picture_is_well_formed_and_its_names_are_its_own() -> None:
    one, other = show(_line(), alt="One.", **TEXTS).pictures[0], show(_line(), alt="One.", **TEXTS).pictures[0]
    assert one == other, "the same figure has the same bytes"
    with book_style():
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([1, 0], "s")
    third = show(figure, alt="Another.", **TEXTS).pictures[0]
    names = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (one, third)]
    assert all(names)
    assert not names[0] & names[1]
    for svg, known in zip((one, third), names, strict=True):
        root = ElementTree.fromstring(svg)
        used = {node.attrib["href"][1:] for node in root.iter() if "href" in node.attrib}
        used |= set(re.findall(r"url\(#([^)]+)\)", svg))
        assert used <= known
        assert max(len(number) for number in re.findall(r"\d+\.\d+", svg)) <= 6


def test_marks_of_a_picture_stay_where_matplotlib_put_them() -> None:
    figure = _line()
    figure.set_layout_engine("none")
    with book_style():
        figure.canvas.draw()
        points = figure.axes[0].transData.transform([(0, 0), (1, 1)]) * 72 / figure.dpi
    height = 72 * figure.get_figheight()
    svg = ElementTree.fromstring(show(figure, alt="One.", **TEXTS).pictures[0])
    marks = [group for group in svg.iter("g") if "clip-path" in group.attrib and group.find("use") is not None]
    found = [[float(use.attrib["x"]), height - float(use.attrib["y"])] for use in marks[0].iter("use")]
    np.testing.assert_allclose(found, points, atol=0.06)


def test_a_picture_of_many_marks_is_stored_as_pixels_at_double_density() -> None:
    with book_style():
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot(np.arange(module.MOST_MARKS + 1), "o")
    (picture,) = show(figure, alt="Many.", **TEXTS).pictures
    found = re.search(r"base64,([^\"]+)", picture)
    assert found is not None
    image = Image.open(io.BytesIO(base64.b64decode(found.group(1)))).convert("RGB")
    assert image.size == (600, 400)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert 'width="288"' in picture


@pytest.mark.parametrize("missing", ["title", "alt", "caption"])
def test_a_figure_without_words_is_refused(missing: str) -> None:
    texts = {"title": "t", "alt": "a", "caption": "c"} | {missing: " "}
    with pytest.raises(ValueError, match=f"{missing} must say what is seen"):
        show(_line(), **texts)
    with pytest.raises(ValueError, match="at most 300 characters, got 301"):
        show(_line(), title="t", alt="a" * 301, caption="c")
    plt.close("all")


def test_numbers_have_the_digits_that_their_interval_supports() -> None:
    assert number_text(0.123456, 0.1, 0.15) == "0.123 (0.100 to 0.150)"
    assert number_text(-3.21, -40.0, 33.0) == "\N{MINUS SIGN}3 (\N{MINUS SIGN}40 to 33)"
    assert number_text(0.5) == "0.5"
    assert number_text(-0.0) == "0"
    assert number_text(2.0, 2.0, 2.0 + 1e-15) == "2"
    assert (
        number_text(1.1e-5, 1.05e-5, 1.15e-5) == "1.1e\N{MINUS SIGN}05 (1.05e\N{MINUS SIGN}05 to 1.15e\N{MINUS SIGN}05)"
    )


def _table() -> pd.DataFrame:
    rows = [
        (dataset, method, level, replicate, base + level / 100 + 0.1 * replicate)
        for dataset, method, base in (
            ("pima", "under", 1),
            ("pima", "smote", 2),
            ("oil_spill", "under", 3),
            ("oil_spill", "smote", 4),
        )
        for level in (0, 100)
        for replicate in range(3)
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "level", "replicate", "value"])


def test_a_summary_has_the_interval_asked_for() -> None:
    table = _table()
    values = table.query("dataset == 'pima' and method == 'under' and level == 0")["value"].to_numpy()
    half = stats.t.ppf(0.975, 2) * values.std(ddof=1)
    found = summarise(table, ["dataset", "method", "level"]).iloc[0]
    assert found["n"] == 3
    assert found["high"] - found["estimate"] == pytest.approx(half / np.sqrt(3))
    of_folds = summarise(table, ["dataset", "method", "level"], reused_rows(10)).iloc[0]
    assert of_folds["high"] - of_folds["estimate"] == pytest.approx(half * np.sqrt(1 / 3 + 1 / 9))
    assert spread(share=0.5)(np.arange(5.0)) == (2, 1, 3)
    assert geometric(np.array([1.0, 4.0]))[0] == pytest.approx(2)
    assert student(np.array([3.0])) == (3, 3, 3), "one replicate has no interval"
    assert reused_rows(10)(np.array([3.0])) == (3, 3, 3)


def test_differences_are_taken_on_the_same_replicate() -> None:
    table = _table().query("level == 0")
    table.loc[table["replicate"] == 2, "value"] *= 10
    found = differences(table, [("smote", "under")], ["dataset"])
    assert found.query("dataset == 'pima'")["value"].tolist() == pytest.approx([1, 1, 10])
    with pytest.raises(ValueError, match="no rows of method 'box'; it has smote, under"):
        differences(table, [("smote", "box")], ["dataset"])


@pytest.mark.parametrize(
    "draw", [lambda f: lines(f, "level", ylabel="y", **TEXTS), lambda f: forest(f, "level", xlabel="x", **TEXTS)]
)
def test_an_empty_table_is_refused(draw: object) -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw(pd.DataFrame(columns=["level", "method", "estimate", "low", "high"]))  # type: ignore[operator]
    with pytest.raises(ValueError, match="must have values"):
        summarise(_table().head(0), ["method"])
    with pytest.raises(ValueError, match="without cells"):
        heat({}, xlabel="x", **TEXTS)


def test_lines_draw_and_tell_every_point(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[plt.Axes] = []
    found = summarise(_table(), ["dataset", "method", "level"])
    shown = lines(
        found, "level", panel="dataset", ylabel="points", decorate=lambda axes, _: drawn.append(axes), **TEXTS
    )
    assert len(shown.pictures) == len(drawn) == 2
    assert drawn[0].get_ylim() == drawn[1].get_ylim(), "panels have one range"
    np.testing.assert_allclose(drawn[1].lines[1].get_xydata(), [[0, 4.1], [100, 5.1]])
    np.testing.assert_allclose(
        drawn[0].collections[0].get_segments()[0][:, 1], found.iloc[0][["low", "high"]].astype(float)
    )
    assert read(shown, "Oil", "SMOTE", "100")[0] == pytest.approx(5.1)
    assert (
        shown.alt == "Lines over amount of over-sampling in %: under-sampling, SMOTE; 2 panels: Pima, Oil. The finding."
    )
    assert "under-sampling" in "".join(shown.key)
    assert "Figure as text" in shown._repr_html_()


def test_a_single_panel_has_its_names_at_the_ends_of_the_lines() -> None:
    found = summarise(_table().query("dataset == 'pima'"), ["method", "level"])
    shown = lines(found, "level", ylabel="points", **TEXTS)
    assert not shown.key
    assert ">SMOTE</text>" in shown.pictures[0]
    close = found.assign(estimate=found["estimate"] / 100)
    crowded = lines(close, "level", ylabel="points", ylim=(0, 100), **TEXTS)
    assert len(crowded.key) == 0 or "SMOTE" in "".join(crowded.key)


def test_a_long_finding_leaves_room_for_itself_alone() -> None:
    found = summarise(_table(), ["dataset", "method", "level"])
    shown = lines(found, "level", panel="dataset", ylabel="points", title="x" * 280, caption="c")
    assert shown.alt == "x" * 280
    assert len(lines(found, "level", panel="dataset", ylabel="y", title="word " * 90, caption="c").alt) <= 300


def test_a_forest_tells_sides_by_marks(read: Read) -> None:
    frame = pd.DataFrame(
        {
            "dataset": ["pima", "oil_spill", "adult"],
            "estimate": [1.0, -1.0, 0.1],
            "low": [0.5, -2, -1],
            "high": [2, -0.5, 1],
        }
    )
    shown = forest(frame, "dataset", xlabel="gain", **TEXTS)
    assert [re.sub("<.*?>", "", entry) for entry in shown.key] == ["right of the line", "left of it", "undecided"]
    assert read(shown, "Oil") == [-1.0, -2.0, -0.5]


def test_sides_of_a_forest_are_told_from_its_own_line() -> None:
    frame = pd.DataFrame(
        {"dataset": ["pima", "oil_spill"], "estimate": [0.4, 0.9], "low": [0.3, 0.8], "high": [0.5, 1]}
    )
    shown = forest(frame, "dataset", xlabel="AUROC", level=0.6, **TEXTS)
    assert [re.sub("<.*?>", "", entry) for entry in shown.key] == ["right of the line", "left of it"]


def test_a_mark_of_the_legend_stands_upright() -> None:
    drawing = BeautifulSoup(module.key_entry("up", Style(PALETTE["blue"], "^"), line=False), "html.parser")
    numbers = np.array(re.findall(r"-?[\d.]+", drawing.path["d"]), dtype=float).reshape(-1, 2)
    (tip,) = {tuple(point) for point in numbers[numbers[:, 1] == numbers[:, 1].min()]}
    assert tip[0] == 14, "the point of a triangle that points up is its highest place"


def test_a_forest_of_forty_conditions_keeps_every_name() -> None:
    frame = pd.DataFrame({"draw": range(40), "estimate": 0.5, "low": 0.1, "high": 0.9})
    shown = forest(frame, "draw", xlabel="gain", **TEXTS)
    assert len(shown.table) == 40
    assert len(shown.alt) <= 300
    assert all(f">{number}</text>" in shown.pictures[0] for number in range(40))


def test_a_heat_map_writes_its_numbers() -> None:
    table = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], index=["a", "b"], columns=["u", "v"])
    shown = heat({"left": table, "right": 10 * table}, xlabel="column", text="{:.1f}".format, limits=(0, 40), **TEXTS)
    assert ">40.0</text>" in shown.pictures[1]
    assert shown.table.query("panel == 'right' and row == 'b'")["v"].item() == "40.0"


def test_distributions_tell_mean_and_marks(read: Read) -> None:
    draws = pd.DataFrame({"value": np.linspace(0, 1, 101)})
    shown = distributions(draws, xlabel="score", marks=lambda _: {"as meant": 0.25}, **TEXTS)
    assert read(shown, "draws") == pytest.approx([0.5, 0.025, 0.975], abs=0.006)
    assert read(shown, "as meant") == [0.25]


def test_reliability_tells_every_bin(read: Read) -> None:
    frame = pd.DataFrame(
        {"method": ["erm", "erm"], "rows": 100, "confidence": [0.5, 0.9], "accuracy": [0.4, 0.8], "share": [0.25, 0.75]}
    )
    shown = reliability(frame, panel="rows", **TEXTS)
    assert read(shown, "no mixup", "0.9", "0.8") == [0.75]
    with pytest.raises(ValueError, match="nothing to draw"):
        reliability(frame.head(0), **TEXTS)


def test_paired_values_are_told_with_the_mean_of_each_side() -> None:
    rows = [("a", 0, 1.0), ("b", 0, 2.0), ("a", 1, 3.0), ("b", 1, 6.0), ("c", 1, 9.0)]
    table = pd.DataFrame(rows, columns=["method", "replicate", "value"])
    shown = paired(table, ["b", "a"], ylabel="recall of the minority")
    assert "2 points joined by lines, means 4 and 2" in shown.alt
    assert shown.title == "Recall of the minority is higher with a in 0 of 2 replicates"
    assert "mean difference \N{MINUS SIGN}2 (" in shown.caption, "the second minus the first"
    for levels, message in ((["a", "c"], "one row for each replicate"), (["a"], "levels must be two")):
        with pytest.raises(ValueError, match=message):
            paired(table, levels, ylabel="recall")


def test_a_terminal_shows_the_words() -> None:
    shown = Shown("The finding", ("",), "What is seen", "The caption")
    assert repr(shown) == "The finding\nThe caption\n[What is seen]"


def test_rows_are_chosen_and_sorted_as_they_are_wanted() -> None:
    table = pd.DataFrame({"metric": ["b", "a", "c", "a"], "n": [1, 2, 1, 1], "value": [1.0, 2.0, 3.0, 4.0]})
    assert chosen(table, n=[2, 1], metric=["b", "a"])["value"].tolist() == [2.0, 1.0, 4.0]
    assert chosen(table, metric="a")["value"].tolist() == [2.0, 4.0]
    assert chosen(table, metric="d").empty


def test_lines_without_ends_have_no_intervals() -> None:
    table = pd.DataFrame({"method": "none", "n": [1, 2], "estimate": [0.25, 0.75]})
    drawn = lines(table, "n", ylabel="recall", title="It grows.", caption="Recall.")
    assert [str(entry) for entry in drawn.table["recall"]] == ["0.25", "0.75"]
    assert not drawn.figures[0].axes[0].collections
