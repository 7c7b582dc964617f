"""The built book, brought up to date once, and a browser that sees nothing but it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from book_site import ROOT, SITE, Visit, chromium, parsed, served, visit_in
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
    with served(site) as place:
        yield place


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium that reaches this machine alone.

    Where there is none, the test is skipped, or fails if ``REPRO_REQUIRE_BROWSER`` is 1.
    """
    program = chromium()
    if program is None:
        reason = "no Chromium on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("REPRO_REQUIRE_BROWSER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=options)
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Any) -> Any:
    """What all visits share: what was loaded once, and that nothing moves."""
    return browser.new_context(reduced_motion="reduce")


@pytest.fixture(scope="session")
def visit(context: Any, address: str) -> Callable[..., Visit]:
    """Open a page of the site: ``visit(name, width=1366, theme="light")``."""
    return partial(visit_in, context, address)
