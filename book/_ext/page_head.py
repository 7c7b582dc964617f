"""What a page says of itself to search engines and to those who pass it on, and the page for lost addresses."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import urljoin, urlsplit

from book_search import text_of
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

PREVIEW = "_static/preview.png"
LENGTH = 200
"""Characters that a description has at most."""


def set_address_and_version(app: Sphinx, config: Any) -> None:
    """Set name and version, and the address of the site where none is set: that of the repository's Pages."""
    config.project = config.html_title  # Jupyter Book hands the title of _config.yml on as this alone
    config.release = config.version = importlib.metadata.version("imbalance-book")
    if not config.html_baseurl:
        owner, _, name = urlsplit(config.html_theme_options["repository_url"]).path.strip("/").partition("/")
        config.html_baseurl = f"https://{owner}.github.io/{name}/"


def description_of(doctree: nodes.document) -> str:
    """First paragraph of a page that is a sentence, cut at the end of a sentence or word; empty where there is none."""
    for node in doctree.findall(lambda node: isinstance(node, nodes.paragraph | addnodes.desc_content)):
        text = text_of(node if isinstance(node, nodes.paragraph) else node.children[0]) if node.children else ""
        if len(text.split()) > 7 and text.endswith((".", "!", "?")) and " · " not in text:
            if len(text) <= LENGTH:
                return text
            sentence = re.match(rf".{{60,{LENGTH - 1}}}[.!?](?=\s)", text)
            return sentence[0] if sentence else f"{text[:LENGTH].rpartition(' ')[0]} …"
    return ""


def describe(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add description and preview of a page to its head, and leave one of several statements of its width."""
    given = re.sub(r'<meta\s+name="viewport"[^>]*>\s*', "", context.get("metatags", ""))
    found = re.search(r'<meta content="([^"]*)" name="description" />', given)
    about = found[1] if found else escape(description_of(doctree) if doctree else "")
    title = re.sub("<[^>]+>", "", context.get("title") or str(app.config.project)).replace('"', "&quot;")
    properties = {
        "og:title": title,
        "og:type": "article" if doctree else "website",
        "og:site_name": str(app.config.html_title),
        "og:url": urljoin(app.config.html_baseurl, app.builder.get_target_uri(pagename)),
        "og:image": urljoin(app.config.html_baseurl, PREVIEW),
        "og:image:alt": "The Imbalance Book: statements of papers, tested by code you can run",
    }
    lines = [f'<meta property="{name}" content="{text}" />' for name, text in properties.items()]
    lines += ['<meta name="twitter:card" content="summary_large_image" />']
    if about:
        lines += [f'<meta property="og:description" content="{about}" />']
        lines += [] if found else [f'<meta name="description" content="{about}" />']
    context["metatags"] = "\n".join([given, *lines])


def lost(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give the page for addresses that lead nowhere; it is shown at any depth, so that its links are full addresses."""
    chapters = [name.removesuffix(".ipynb") for name in app.config.external_site_map if name.startswith("notebooks/")]
    titles = [(app.builder.get_target_uri(name), app.env.titles[name].astext()) for name in chapters]
    yield "404", {"title": "There is no such page", "base": app.config.html_baseurl, "chapters": titles}, "lost.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect what a page says of itself."""
    app.connect("config-inited", set_address_and_version)
    app.connect("html-page-context", describe)
    app.connect("html-collect-pages", lost)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
