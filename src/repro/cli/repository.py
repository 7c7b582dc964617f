"""``repro set-repository``: the address of the repository, one setting with many copies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from repro import __version__
from repro.cli.output import say
from repro.ground.exceptions import ReproError

__all__ = ["disagreements", "repository_address", "set_address", "set_repository", "slug_of"]

ADDRESS = re.compile(r"https://github\.com/([A-Za-z0-9][\w-]*)/([\w.-]+)")
TOP_LEVEL = (
    ".zenodo.json",
    "_config.yml",
    "codemeta.json",
    "pyproject.toml",
    "CITATION.cff",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
)
FOLDERS = ("book", "notebooks")
SUFFIXES = {".bib", ".css", ".html", ".ipynb", ".js", ".md", ".py", ".svg", ".txt", ".yml"}
REQUIRED = ("pyproject.toml", "CITATION.cff", "README.md")
"""Files that must name the address; every notebook must link to itself under it, too."""


def repository_address(root: Path) -> str:
    """Address that ``repository.url`` in ``_config.yml`` sets.

    Raises
    ------
    ReproError
        If there is none.
    """
    import yaml

    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    address = (settings.get("repository") or {}).get("url")
    if not address:
        raise ReproError(f"{root / '_config.yml'} has no repository.url")
    return str(address)


def slug_of(address: str) -> str:
    """Owner and name, ``owner/name``, of an address.

    Raises
    ------
    ValueError
        If it is no address of a repository on GitHub, which the links to Colab and Binder need.
    """
    found = ADDRESS.fullmatch(address)
    if not found:
        raise ValueError(f"repository must be an address https://github.com/OWNER/NAME, got {address!r}")
    return f"{found[1]}/{found[2].removesuffix('.git')}"


def _texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Files that may name the address, with their text."""
    paths = [root / name for name in TOP_LEVEL]
    for folder in FOLDERS:
        below = sorted((root / folder).rglob("*"))
        paths += [path for path in below if path.suffix in SUFFIXES and "generated" not in path.parts]
    for path in paths:
        if path.is_file() and "mathjax" not in path.parts:
            yield path, path.read_text(encoding="utf-8")


def _forms(slug: str) -> re.Pattern[str]:
    """Ways in which pages name a repository: its address, and Colab's and Binder's short forms."""
    return re.compile(rf"((?:github\.com|githubusercontent\.com|/github|/gh)/){re.escape(slug)}(?![\w-])")


def set_address(root: Path, address: str) -> list[Path]:
    """Change the address of the repository everywhere.

    Parameters
    ----------
    root : pathlib.Path
        The checkout.
    address : str
        ``https://github.com/OWNER/NAME``.

    Returns
    -------
    list of pathlib.Path
        The files that were changed.

    Raises
    ------
    ValueError
        If `address` is no such address.
    """
    from repro.ground.files import atomic_write_text

    new, old = slug_of(address), slug_of(repository_address(root))
    changed = []
    for path, text in _texts(root):
        replaced = _forms(old).sub(lambda found: found[1] + new, text)
        if replaced != text:
            atomic_write_text(path, replaced)
            changed.append(path)
    return changed


def disagreements(root: Path) -> list[str]:
    """Files that name another address than ``repository.url``, or lack it where it must stand; empty when all agree."""
    slug = slug_of(repository_address(root))
    name = re.escape(slug.partition("/")[2])
    owner_of = re.compile(rf"(?:github\.com|githubusercontent\.com|/github|/gh)/([\w.-]+)/{name}(?![\w-])")
    problems = []
    for path, text in _texts(root):
        shown = path.relative_to(root).as_posix()
        others = sorted(set(owner_of.findall(text)) - {slug.partition("/")[0], "OWNER"})
        problems += [f"{shown}: names {other}/{slug.partition('/')[2]}, expected {slug}" for other in others]
        release = f"/github/{slug}/blob/v{__version__}/notebooks/{path.stem}.ipynb"
        if path.parent.name == "notebooks" and release not in text:
            problems.append(f"{shown}: has no link to Colab under {slug} at v{__version__}")
        if shown in REQUIRED and not _forms(slug).search(text):
            problems.append(f"{shown}: does not name {slug}")
    return problems


def set_repository(
    address: Annotated[str | None, typer.Argument(metavar="URL", help="https://github.com/OWNER/NAME")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say which files disagree with _config.yml.")] = False,
) -> None:
    """Set the address of the repository everywhere it stands, or check that all files agree."""
    from repro.ground.files import project_root

    root = project_root()
    if root is None:
        raise ReproError("this needs a checkout of the project")
    if check == (address is not None):
        raise ValueError("give the address, or --check")
    if address is not None:
        for path in set_address(root, address.removesuffix("/").removesuffix(".git")):
            say(f"changed {path.relative_to(root)}")
    problems = disagreements(root)
    for problem in problems:
        say(problem)
    if problems:
        raise typer.Exit(1)
    say(f"all files name {repository_address(root)}")
