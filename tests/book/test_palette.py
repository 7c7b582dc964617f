"""Colours of verdicts: the same on pages and on cards, told apart by hue, never the blue of links and majorities."""

from __future__ import annotations

import colorsys
import re
from itertools import combinations

import pytest
from book_site import ROOT

CSS = (ROOT / "book" / "_static" / "custom.css").read_text(encoding="utf-8")
VERDICTS = {"reproduced": "well", "partly": "part", "not-reproduced": "ill", "inconclusive": "open", "not-run": "none"}
COLOURED = ("well", "part", "ill", "open")


def colours(theme: str) -> dict[str, str]:
    """Variables of a theme that hold a colour."""
    (block,) = re.findall(rf'html\[data-theme="{theme}"\] \{{\n((?:  --.*\n)+)\}}', CSS)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def channels(colour: str) -> list[float]:
    return [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]


def hue(colour: str) -> float:
    """Hue in degrees: 0 is red, 120 green, 240 blue."""
    return 360 * colorsys.rgb_to_hsv(*channels(colour))[0]


def luminance(colour: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_verdict_is_blue_and_no_two_have_one_hue(theme: str) -> None:
    found = {name: hue(colours(theme)[f"book-{name}"]) for name in COLOURED}
    assert 190 < hue(colours(theme)["pst-color-link"]) < 250
    assert not [name for name, degrees in found.items() if 180 < degrees < 270]
    for first, second in combinations(found.values(), 2):
        assert min(abs(first - second), 360 - abs(first - second)) > 20


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", VERDICTS.values())
def test_words_of_verdicts_can_be_read_on_their_ground(theme: str, name: str) -> None:
    pair = sorted(luminance(colours(theme)[f"book-{name}{ground}"]) for ground in ("", "-ground"))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


@pytest.mark.parametrize(("verdict", "name"), VERDICTS.items())
def test_cards_and_pages_show_a_verdict_in_one_colour(verdict: str, name: str) -> None:
    assert re.search(rf"\.bd-article \.repro-{verdict} \{{\n  --repro-mark: var\(--book-{name}\);\n\}}", CSS)
    if verdict != "not-run":
        assert re.search(rf"\n\.verdict-{verdict} \{{\n  color: var\(--book-{name}\);", CSS)
