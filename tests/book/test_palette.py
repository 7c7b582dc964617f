"""Colours of verdicts: set once for pages and cards, told apart by hue, never the blue of links and majorities."""

from __future__ import annotations

import colorsys
import re
from itertools import combinations

import pytest
from book_site import ROOT

STYLES = {
    path.name: path.read_text(encoding="utf-8")
    for folder in ("book/_static", "src/repro/claims/templates/style")
    for path in sorted((ROOT / folder).glob("*.css"))
}
VERDICTS = ("reproduced", "partly", "not-reproduced", "inconclusive", "not-run")
COLOURED = VERDICTS[:-1]


def colours(selector: str, name: str = "verdicts.css") -> dict[str, str]:
    """Variables that a rule of a style sheet sets to a colour."""
    (block,) = re.findall(rf"^{re.escape(selector)} \{{\n((?:  --.*\n)+)\}}", STYLES[name], re.MULTILINE)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def theme_of(name: str) -> str:
    return f'html[data-theme="{name}"]'


def channels(colour: str) -> list[float]:
    return [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]


def hue(colour: str) -> float:
    """Hue in degrees: 0 is red, 120 green, 240 blue."""
    return 360 * colorsys.rgb_to_hsv(*channels(colour))[0]


def luminance(colour: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_verdict_is_blue_and_no_two_have_one_hue(theme: str) -> None:
    found = {name: hue(colours(theme_of(theme))[f"verdict-{name}"]) for name in COLOURED}
    assert 190 < hue(colours(theme_of(theme), "custom.css")["pst-color-link"]) < 250
    assert not [name for name, degrees in found.items() if 180 < degrees < 270]
    for first, second in combinations(found.values(), 2):
        assert min(abs(first - second), 360 - abs(first - second)) > 20


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VERDICTS)
def test_words_of_verdicts_can_be_read_on_their_ground(theme: str, name: str) -> None:
    found = colours(theme_of(theme))
    assert contrast(found[f"verdict-{name}"], found[f"verdict-{name}-ground"]) >= 4.5


@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
@pytest.mark.parametrize("name", VERDICTS)
def test_marks_of_cards_can_be_seen_where_no_theme_is_named(ground: str, name: str) -> None:
    assert contrast(colours(":root")[f"verdict-{name}"], ground) >= 3


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict_has_its_colours_from_one_place(name: str) -> None:
    assert [file for file, text in STYLES.items() if re.search(rf"--verdict-{name}: *#", text)] == ["verdicts.css"]
    assert f".verdict-{name} {{ --verdict: var(--verdict-{name});" in STYLES["verdicts.css"]
