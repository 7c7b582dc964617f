"""Small repairs of built pages, and the values that are set in one place and shown in several."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from sphinx.application import Sphinx


def drop_repeated_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Keep one of several equal inline scripts.

    sphinx-thebe writes its declarations twice also where it is switched off, and the browser then reports on every
    page that ``THEBE_JS_URL`` has already been declared.
    """
    kept, seen = [], set()
    for script in context.get("script_files", []):
        body = (getattr(script, "attributes", None) or {}).get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def fill_in_settings(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace ``@repository@`` and ``@version@`` in the pages of ``book/`` by the address and version that are set."""
    if docname.startswith("book/"):
        address = str(app.config.html_theme_options["repository_url"])
        version = importlib.metadata.version("imbalance-book")
        source[0] = source[0].replace("@repository@", address).replace("@version@", version)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the repairs."""
    app.connect("html-page-context", drop_repeated_scripts, priority=900)
    app.connect("source-read", fill_in_settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
