"""Small repairs of built pages, and the values that are set in one place and shown in several."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

GENERATED = "book/api/generated/"
"""Where the pages of single names of the reference lie."""


def drop_needless_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Keep one of several equal inline scripts, and MathJax only where there is a formula.

    sphinx-thebe writes its declarations twice also where it is switched off, and the browser then reports on every
    page that ``THEBE_JS_URL`` has already been declared. Jupyter Book loads MathJax, two megabytes, on every page.
    """
    formulas = app.env.get_domain("math").data["has_equations"].get(pagename, False)
    kept, seen = [], set()
    for script in context.get("script_files", []):
        body = (getattr(script, "attributes", None) or {}).get("body")
        mathjax = (body or "").startswith("window.MathJax") or app.config.mathjax_path in str(
            getattr(script, "filename", "")
        )
        if (body is None or body not in seen) and (formulas or not mathjax):
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def share_navigation(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Resolve the contents of the book once for all pages of the reference, whose navigation is the same.

    The pages of single names lie below the level that the navigation shows, so it does not tell them apart; and lying
    in one folder they have the same links. Otherwise Sphinx copies the contents of the whole book for each page, in a
    time that grows with the square of the number of names.
    """
    make = context.get("generate_toctree_html")
    if make is None or not pagename.startswith(GENERATED):
        return
    known: dict[tuple[Any, ...], Any] = app.__dict__.setdefault("shared_navigation", {})

    def shared(*args: Any, **options: Any) -> Any:
        key = (args, tuple(sorted(options.items())))
        if key not in known:
            known[key] = make(*args, **options)
        return known[key]

    context["generate_toctree_html"] = shared


def mend_roles(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Give the entries of a bibliography a role that its list may hold; Docutils writes one that is deprecated."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def mend_outputs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Mend the HTML that cells show: a corner of a table is no heading, and no two boxes of a page share a name."""
    seen: Counter[str] = Counter()

    def numbered(found: re.Match[str]) -> str:
        seen[found[2]] += 1
        return found[0] if seen[found[2]] == 1 else f"{found[1]}{found[2]} ({seen[found[2]]}){found[3]}"

    for node in list(doctree.findall(nodes.raw)):
        html = re.sub(r"<th>\s*</th>", "<td></td>", node.astext())
        html = re.sub(r'(role="region" aria-label=")([^"]*)(")', numbered, html)
        if html != node.astext():
            node.replace_self(nodes.raw("", html, **node.attributes))


def link_to_cards(app: Sphinx, doctree: nodes.document) -> None:
    """Let links in what cells say lead to cards of the page, whose ids stand in HTML and are unknown to MyST."""
    html = " ".join(node.astext() for node in doctree.findall(nodes.raw))
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link.get("reftype") == "myst" and f'id="{link["reftarget"]}"' in html:
            link.replace_self(nodes.reference("", "", *link.children, internal=True, refid=link["reftarget"]))


def fill_in_settings(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace ``@repository@`` and ``@version@`` in the pages of ``book/`` by the address and version that are set."""
    if docname.startswith("book/"):
        address = str(app.config.html_theme_options["repository_url"])
        version = importlib.metadata.version("imbalance-book")
        source[0] = source[0].replace("@repository@", address).replace("@version@", version)


def open_the_release_in_colab(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Let the launch button open the notebook of the release that its first cell installs, not that of the branch."""
    branch, release = app.config.html_theme_options["repository_branch"], importlib.metadata.version("imbalance-book")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []) if isinstance(group, dict) else []:
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace(f"/blob/{branch}/", f"/blob/v{release}/")


def remove_generated_pages(app: Sphinx, config: object) -> None:
    """Remove the reference pages of an earlier build, before the table of contents excludes them as not listed."""
    shutil.rmtree(Path(app.srcdir, "book", "api", "generated"), ignore_errors=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the repairs."""
    app.connect("config-inited", remove_generated_pages, priority=1)
    app.connect("html-page-context", drop_needless_scripts, priority=900)
    app.connect("html-page-context", share_navigation, priority=900)  # the theme offers it at 500
    app.connect("html-page-context", mend_roles)
    app.connect("doctree-read", link_to_cards)
    app.connect("doctree-resolved", mend_outputs, priority=850)
    app.connect("html-page-context", open_the_release_in_colab, priority=600)  # the theme adds its buttons at 501
    app.connect("source-read", fill_in_settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
