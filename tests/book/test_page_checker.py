"""The checker of pages, on a page in order and on one with a fault of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from book_site import served, visit_in
from page_checker import AROUND_WITH_AXE, SCREENS, WHOLE_WITH_AXE, problems_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-1")]

STYLE = """
:root { color: #222; background: #fff }
:root[data-theme=dark] { color: #ddd; background: #111 }
a { color: #0b57d0 } :root[data-theme=dark] a { color: #8ab4f8 }
pre { background: #f3f4f4; overflow: auto } :root[data-theme=dark] pre { background: #222 }
.name { color: #6639ba } :root[data-theme=dark] .name { color: #d2a8ff }
.unlit { color: #666 } :root[data-theme=light] .glare { color: #aaa }
.veiled { opacity: 0.5 } .veiled p { color: #555; background: #fff }
.heard { position: absolute; clip: rect(1px, 1px, 1px, 1px); color: #fff; background: #fff }
.formula svg { width: 30px; height: 30px }
@media (max-width: 600px) { .broad { width: 700px } .pale { color: #999 } }
"""
THEMES = """
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light" };
dark.addEventListener("change", follow);
follow();
"""
PAGE = """<!doctype html>
<html{lang}><head><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style><script>{themes}</script></head>
<body><main><article><h1>Title</h1>
<p>A text with <a href="#more">a link that says where it leads</a><span class="heard">and more</span>.</p>
<p class="math formula"><mjx-container><svg aria-hidden="true"></svg></mjx-container></p>
<img src="figure.svg" alt="A square">
<table><tr><th scope="col">Name</th></tr><tr><td>one</td></tr></table>
<pre tabindex="0"><code><span class="name">value</span> = 1</code></pre>
<details><summary>Solution</summary><p>Folded.</p></details>
<button>Sort</button> <label>Text <input type="text" value="all"></label>
{more}
</article>{around}</main></body></html>
"""
EVERYWHERE, BY_AXE, AROUND_BY_AXE = (
    {f"{width} {theme}" for width, theme in screens}
    for screens in (SCREENS, [WHOLE_WITH_AXE], [WHOLE_WITH_AXE, AROUND_WITH_AXE])
)
FAULTS = {  # what is planted, what a line about it holds, and the screens where that is (none for noise)
    "picture without a text": ('<img src="figure.svg" id="mute">', "#mute", BY_AXE),
    "contrast in the dark": ('<p id="unlit" class="unlit">text</p>', 'id="unlit"', {"2560 dark", "390 dark"}),
    "contrast in the light": ('<p id="glare" class="glare">text</p>', 'id="glare"', {"1366 light", "320 light"}),
    "contrast on a phone": ('<p id="pale" class="pale">text</p>', 'id="pale"', {"320 light"}),
    "contrast in a cell": (
        '<table><tr><th scope="col">A</th></tr><tr><td id="cell" style="background: #888">1.0</td></tr></table>',
        'id="cell"',
        EVERYWHERE,
    ),
    "contrast in code": (
        '<pre tabindex="0"><code>x = <span id="code" style="color: #888">1.0</span></code></pre>',
        'id="code"',
        EVERYWHERE,
    ),
    "contrast in a folded part": (
        '<details><summary>More</summary><p id="folded" style="color: #888; background: #fff">text</p></details>',
        'id="folded"',
        EVERYWHERE,
    ),
    "contrast behind a veil": ('<div class="veiled"><p id="veil">text</p></div>', 'id="veil"', EVERYWHERE),
    "contrast of a field": (
        '<label>N <input id="field" type="text" value="1" style="color: #999; background: #fff"></label>',
        'id="field"',
        EVERYWHERE,
    ),
    "link told by its colour alone": (
        '<p style="color: #222; background: #fff">'
        'See <a id="bare" href="#x" style="color: #333; text-decoration: none">this</a> text.</p>',
        "#bare",
        BY_AXE,
    ),
    "too wide on a phone": ('<div id="broad" class="broad">wide</div>', 'id="broad"', {"390 dark", "320 light"}),
    "complaint of a script": ("<script>console.error('complaint')</script>", "console: complaint", set()),
    "failure of a script": ("<script>throw new Error('failure')</script>", "console: failure", set()),
    "another host": (
        '<script src="http://example.org/tracker.js"></script>',
        "elsewhere: http://example.org/tracker.js",
        set(),
    ),
    "missing file": ('<link rel="stylesheet" href="missing.css">', "failed: ", set()),
    "broken picture": ('<img src="missing.png" alt="Nothing">', "figure: ", EVERYWHERE),
    "raw formula": (r'<p class="math">\(x^2\)</p>', r"formula: \(x^2\)", EVERYWHERE),
    "button without a name": ('<button id="nameless"></button>', "#nameless", BY_AXE),
    "name from nowhere": ('<input id="astray" aria-labelledby="nobody">', "#astray", BY_AXE),
    "broken list": ('<ul id="list"><p>No item</p></ul>', "#list", BY_AXE),
    "id twice": (
        '<b id="twice">A</b><b id="twice">B</b><button aria-labelledby="twice">C</button>',
        "two elements: twice",
        EVERYWHERE,
    ),
    "fault in a later row": (
        '<table><tr><th scope="col">A</th></tr>'
        '<tr><td><button aria-label="Go"></button></td></tr><tr><td><button aria-label="Go"></button></td></tr>'
        '<tr><td><button id="later" aria-label=""></button></td></tr></table>',
        "#later",
        BY_AXE,
    ),
    "contrast in a later row": (
        '<table><tr><th scope="col">A</th></tr><tr><td>1.0</td></tr><tr><td>1.0</td></tr>'
        '<tr><td id="faint" style="background: #888">1.0</td></tr></table>',
        'id="faint"',
        EVERYWHERE,
    ),
    "heading that says nothing": (
        '<table><tr><th id="corner"></th><th scope="col">A</th></tr><tr><td>b</td><td>1</td></tr></table>',
        "#corner",
        BY_AXE,
    ),
    "two regions of one name": (
        '<div role="region" aria-label="box" id="alike">A</div><div role="region" aria-label="box">B</div>',
        "#alike",
        BY_AXE,
    ),
    "wrong role": ('<p id="role" role="headng">text</p>', "#role", BY_AXE),
}
AROUND_FAULTS = {  # the same of what is planted around the article
    "button without a name": ('<button id="beside"></button>', "#beside", AROUND_BY_AXE),
    "wrong role": ('<p id="odd" role="headng">text</p>', "#odd", AROUND_BY_AXE),
    "contrast in the light": ('<p id="dim" class="glare">text</p>', 'id="dim"', {"1366 light", "320 light"}),
}


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory, context: Any) -> Callable[..., list[str]]:
    """Problems of a page with something added."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "figure.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"/>')

    def problems(more: str, around: str = "", lang: str = ' lang="en"') -> list[str]:
        page = PAGE.format(lang=lang, style=STYLE, themes=THEMES, more=more, around=around)
        (folder / "page.html").write_text(page)
        with served(folder) as address:
            seen = visit_in(context, address, "page.html")
            found = problems_of(seen)
            seen.page.close()
        return found

    return problems


@pytest.fixture(scope="module")
def found(look: Callable[..., list[str]]) -> list[str]:
    """Problems of the page with all faults."""
    more, around = ("\n".join(planted for planted, _, _ in faults.values()) for faults in (FAULTS, AROUND_FAULTS))
    return look(more, around, lang="")


def test_a_page_in_order_has_no_problems(look: Callable[..., list[str]]) -> None:
    assert look("") == []


@pytest.mark.parametrize(
    ("text", "screens"),
    [
        pytest.param(text, screens, id=f"{place}: {fault}")
        for place, faults in (("article", FAULTS), ("around", AROUND_FAULTS))
        for fault, (_, text, screens) in faults.items()
    ],
)
def test_a_fault_is_found_on_the_screens_that_have_it(found: list[str], text: str, screens: set[str]) -> None:
    about = [line for line in found if text in line]
    assert about
    assert screens == {line.partition(":")[0] for line in about} & EVERYWHERE


def test_a_page_without_a_language_is_found(found: list[str]) -> None:
    assert any("html-has-lang" in line for line in found)


def test_axe_looks_at_a_text_of_each_kind_as_well(found: list[str]) -> None:
    of_screen = {line.partition(":")[0]: line for line in found if "accessibility violations" in line}
    assert set(of_screen) == AROUND_BY_AXE
    (whole,) = BY_AXE
    for name in ("cell", "code", "folded", "veil", "field"):
        assert f"#{name}\n" in of_screen[whole], name
