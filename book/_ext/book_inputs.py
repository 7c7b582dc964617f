"""What the book depends on: its table of contents and the fingerprints of its inputs."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
IGNORED = {"__pycache__", ".ipynb_checkpoints", "generated"}


def files_below(*folders: Path) -> Iterator[Path]:
    """All files in `folders`, sorted, without caches and generated pages."""
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder] * folder.is_file():
            if path.is_file() and not IGNORED & set(path.parts):
                yield path


def hash_of(files: Iterable[Path], *texts: str) -> str:
    """Hash of names and bytes of `files` and of further `texts`: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for text in texts:
        digest.update(f"{text}\0".encode())
    return digest.hexdigest()


def environment() -> str:
    """Interpreter and installed distributions with their versions."""
    installed = sorted(path.name for path in Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info"))
    return f"{sys.version_info[:3]} {installed}"


def site_fingerprint() -> str:
    """Hash of everything that a page of the book can depend on, the computed tables included."""
    parts = (
        "CHANGELOG.md",
        "_config.yml",
        "_toc.yml",
        "book",
        "constraints.txt",
        "notebooks",
        "pyproject.toml",
        "results",
        "src/repro",
    )
    return hash_of(files_below(*(ROOT / part for part in parts), BUILD / "results"), environment())


def toc_files() -> list[str]:
    """Names, without suffix, of all files that the table of contents lists, in its order."""

    def names(entry: Any) -> Iterator[str]:
        if isinstance(entry, list):
            for item in entry:
                yield from names(item)
        elif isinstance(entry, dict):
            name = entry.get("root") or entry.get("file")
            if name:
                yield str(name)
            for value in entry.values():
                yield from names(value)

    return list(names(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))))
