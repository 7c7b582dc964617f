"""Writing files so that a reader never sees half of one, and finding the project's folders."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    The temporary file is flushed to disk before the rename and removed after an error, so `path` holds either
    its old or its whole new content, also after a kill or on a full disk.

    Parameters
    ----------
    path : pathlib.Path
        The file to write; its folder is created.

    Yields
    ------
    pathlib.Path
        The temporary path to write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with Unix line ends, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def project_root() -> Path | None:
    """Folder of the checkout that this package is run from, or None for an installed copy."""
    candidate = Path(__file__).resolve().parents[3]
    return candidate if (candidate / "_toc.yml").is_file() and (candidate / "pyproject.toml").is_file() else None


def cache_folder() -> Path:
    """Folder for what may be computed or fetched again: ``REPRO_DATA_DIR`` or the user's cache folder."""
    configured = os.environ.get("REPRO_DATA_DIR")
    if configured:
        return Path(configured).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("imbalance-book", appauthor=False))


def build_folder() -> Path:
    """Folder for computed things that are not committed: ``_build`` of a checkout, else the cache folder."""
    root = project_root()
    return root / "_build" if root else cache_folder() / "build"
