"""The built book, brought up to date once, and a browser that sees nothing but it."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from book_site import ROOT, SITE, QuietHandler, Visit, chromium, parsed
from bs4 import BeautifulSoup


@pytest.fixture(scope="session")
def site() -> Path:
    """Folder of the built site; builds what is not up to date."""
    finished = subprocess.run(
        [sys.executable, str(ROOT / "book" / "build.py")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        pytest.fail(f"the book does not build:\n{finished.stdout[-6000:]}\n{finished.stderr[-6000:]}", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Every page of the site by its address, parsed, as a reader without scripts gets it."""
    return {
        str(path.relative_to(site)): parsed(path)
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Address at which the site is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser(address: str) -> Iterator[Any]:
    """A headless Chromium; where there is none, the test is skipped, or fails if ``REPRO_REQUIRE_BROWSER`` is 1."""
    program = chromium()
    if program is None:
        reason = "no Chromium on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("REPRO_REQUIRE_BROWSER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def visit(browser: Any, address: str) -> Iterator[Callable[..., Visit]]:
    """Open a page of the site at a width and in a theme, with every request to another host refused and noted."""
    contexts: dict[tuple[int, str], Any] = {}

    def open_page(name: str, width: int = 1366, theme: str = "light") -> Visit:
        if (width, theme) not in contexts:
            contexts[width, theme] = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
            )
        page = contexts[width, theme].new_page()
        seen = Visit(page)

        def watch(route: Any) -> None:
            if route.request.url.startswith((address, "data:", "blob:")):
                route.continue_()
            else:
                seen.elsewhere.append(route.request.url)
                route.abort()

        page.route("**/*", watch)
        page.on("console", lambda message: seen.console.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: seen.console.append(str(problem)))
        page.on("response", lambda answer: seen.failed.append(answer.url) if answer.status >= 400 else None)
        page.goto(f"{address}/{name}", wait_until="load")
        page.evaluate("() => window.MathJax?.startup?.promise")
        page.add_style_tag(content="*, *::before, *::after { transition: none !important; animation: none !important }")
        return seen

    yield open_page
    for context in contexts.values():
        context.close()
