"""Where the bytes of a file come from: package, cache folder, mirror or public address, always checked before use."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from repro.data.progress import progress_bar
from repro.data.registry import DataFile, embedded_bytes
from repro.ground.exceptions import DataUnavailable, IntegrityError
from repro.ground.files import atomic_write_bytes, cache_folder

QUARANTINE = "quarantine"
"""Folder beside a damaged file into which it is moved."""

TIMEOUT_SECONDS = (10, 60)
"""Longest wait for a connection and for the next bytes."""


WHAT_TO_DO = "Try again; if it happens again, the source has changed: use a mirror (REPRO_DATA_MIRROR) and report it."


@dataclass
class Lookup:
    """One search for the files of a data set, with a record of what was seen.

    Parameters
    ----------
    network : bool, default=True
        Whether an http(s) mirror and public addresses may be asked.
    progress : bool, default=False
        Whether a download shows a progress bar.
    """

    network: bool = True
    progress: bool = False
    tried: list[str] = field(default_factory=list)
    """Places without the file, with the reason."""
    set_aside: list[str] = field(default_factory=list)
    """Damaged files that were moved away."""
    used: list[str] = field(default_factory=list)
    """Places that the bytes came from."""


def mirror_location() -> Path | str | None:
    """Folder or http(s) address in ``REPRO_DATA_MIRROR``, or None.

    Raises
    ------
    ValueError
        If the variable holds an address of another kind.
    """
    value = os.environ.get("REPRO_DATA_MIRROR", "").strip()
    if not value:
        return None
    scheme = urlsplit(value).scheme
    if scheme in ("http", "https"):
        return value.rstrip("/")
    if scheme == "file":
        return Path(unquote(urlsplit(value).path))
    if "://" in value:
        raise ValueError(f"REPRO_DATA_MIRROR must be a folder or an http(s) address, got {value!r}")
    return Path(value).expanduser()


def path_variants(path: str) -> tuple[str, str]:
    """Give the path as registered and the same with ``.gz`` added or taken away."""
    if path.endswith(".tar.gz"):
        return path, path
    return (path, path[:-3]) if path.endswith(".gz") else (path, path + ".gz")


def unpacked(raw: bytes, path: str) -> bytes:
    """Take one layer of gzip off, unless the file is an archive that stays packed.

    Raises
    ------
    ValueError
        If the gzip stream is damaged or cut off.
    """
    if path.endswith(".tar.gz") or raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged gzip stream ({error})") from error


def problem_of(content: bytes, file: DataFile) -> str | None:
    """Say how the sum of `content` differs from the registered one; None when it agrees or none is registered."""
    if file.sha256 is not None:
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            return f"expected sha256 {file.sha256}, found {found}"
    elif file.md5 is not None:
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != file.md5:
            return f"expected md5 {file.md5}, found {found}"
    return None


def checked(raw: bytes, file: DataFile) -> tuple[bytes, str | None]:
    """Unpack and check bytes: the content and what is wrong with it, or None."""
    try:
        content = unpacked(raw, file.path)
    except ValueError as error:
        kind = "file" if file.packed else "unpacked content"
        return b"", f"{error}; expected sha256 {file.sha256 or 'unknown'} of the {kind}"
    return content, problem_of(raw if file.packed else content, file)


def quarantine_path(path: Path, raw: bytes) -> Path:
    """Where a damaged file is kept: in the folder ``quarantine`` beside it, with the start of its sum in the name."""
    return path.parent / QUARANTINE / f"{path.name}.{hashlib.sha256(raw).hexdigest()[:12]}"


def read_embedded(file: DataFile) -> bytes:
    """Content of a file of the package.

    Raises
    ------
    IntegrityError
        If the installed file is not the registered one.
    """
    content, problem = checked(embedded_bytes(file.path), file)
    if problem:
        raise IntegrityError(f"{file.path} of the installed package: {problem}. Install the package again.")
    return content


def set_aside(path: Path, problem: str, lookup: Lookup) -> None:
    """Move a damaged file of the cache folder into quarantine and record it."""
    try:
        moved = quarantine_path(path, path.read_bytes())
        moved.parent.mkdir(parents=True, exist_ok=True)
        path.replace(moved)
    except OSError as error:
        lookup.set_aside.append(f"{path}: {problem}; it could not be moved ({error.strerror}) and was ignored")
    else:
        lookup.set_aside.append(f"{path}: {problem}; moved to {moved}")


def files_in_cache(file: DataFile) -> list[Path]:
    """Paths in the cache folder under which a file lies, packed or not."""
    paths = (cache_folder() / variant for variant in dict.fromkeys(path_variants(file.path)))
    return [path for path in paths if is_file(path)]


def is_file(path: Path) -> bool:
    """Whether a file is there and its folder may be looked into."""
    try:
        return path.is_file()
    except OSError:
        return False


def lock_path(path: Path) -> Path:
    """File by which two processes agree who downloads `path`."""
    return path.with_name(f".{path.name}.lock")


def read_cached(file: DataFile, lookup: Lookup) -> bytes | None:
    """Content of a file in the cache folder, or None; a damaged one is set aside."""
    for path in files_in_cache(file):
        try:
            raw = path.read_bytes()
        except OSError as error:
            lookup.tried.append(f"cache: {path} cannot be read ({error.strerror})")
            continue
        content, problem = checked(raw, file)
        if problem is None:
            lookup.used.append(str(path))
            return content
        set_aside(path, problem, lookup)
    return None


def read_mirror(file: DataFile, lookup: Lookup) -> bytes | None:
    """Content of a file of the mirror, or None where there is no mirror or it lacks the file.

    A mirror folder is read in place; what comes from an http(s) mirror is kept in the cache folder.

    Raises
    ------
    IntegrityError
        If the mirror's file is not the registered one.
    DataUnavailable
        If the cache folder cannot be written.
    """
    mirror = mirror_location()
    if isinstance(mirror, Path):
        return _read_mirror_folder(mirror, file, lookup)
    if mirror is None or not lookup.network:
        return None
    for variant in dict.fromkeys(path_variants(file.path)):
        content = download(f"{mirror}/{quote(variant)}", variant, file, lookup)
        if content is not None:
            return content
    return None


def _read_mirror_folder(mirror: Path, file: DataFile, lookup: Lookup) -> bytes | None:
    if not mirror.is_dir():
        lookup.tried.append(f"mirror: REPRO_DATA_MIRROR is {mirror}, which is no folder")
        return None
    for path in (mirror / variant for variant in path_variants(file.path)):
        if is_file(path):
            content, problem = checked(path.read_bytes(), file)
            if problem:
                raise IntegrityError(
                    f"{path} of the mirror: {problem}. It was not used. Replace it by a sound copy, or unset "
                    "REPRO_DATA_MIRROR to use another source."
                )
            lookup.used.append(str(path))
            return content
    lookup.tried.append(f"mirror: {mirror} has no {file.path}")
    return None


def read_origin(file: DataFile, lookup: Lookup) -> bytes | None:
    """Content of a file from its public address, or None where that cannot be reached.

    Raises
    ------
    IntegrityError
        If what came is not the registered file.
    DataUnavailable
        If the cache folder cannot be written.
    """
    if file.url is None or not lookup.network:
        return None
    plain = path_variants(file.path)[0].removesuffix(".gz")
    packed = file.url.endswith(".gz")
    return download(file.url, f"{plain}.gz" if packed else plain, file, lookup)


def _only_columns(content: bytes, columns: tuple[str, ...]) -> bytes:
    """Keep only some columns of a CSV, as text; a repeated name stands for its first column."""
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    header = next(rows, [])
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(f"the file has no column {missing[0]!r}")
    kept = [header.index(name) for name in columns]
    result = io.StringIO()
    writer = csv.writer(result, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[position] for position in kept] for row in rows if row)
    return result.getvalue().encode()


def download(url: str, name: str, file: DataFile, lookup: Lookup) -> bytes | None:
    """Fetch an address into the cache folder and return the checked content; None where it cannot be reached.

    The bytes go to a temporary name that is renamed when they are whole and right. Two processes that want the
    same file wait for each other, and the second uses what the first one got.

    Parameters
    ----------
    url : str
        Address.
    name : str
        Path below the cache folder.
    file : DataFile
        What is registered about the file.
    lookup : Lookup
        Record of the search.

    Raises
    ------
    IntegrityError
        If what came is not the registered file; it is kept in quarantine.
    DataUnavailable
        If the cache folder cannot be written.
    """
    import requests
    from filelock import FileLock

    target = cache_folder() / name
    content: bytes | None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_path(target)):
            content = read_cached(file, lookup)
            if content is None:
                content = _fetch(url, target, file, lookup.progress)
                lookup.used.append(url)
    except requests.RequestException as error:
        status = "" if error.response is None else f" {error.response.status_code}"
        lookup.tried.append(f"{url}: {type(error).__name__}{status}")
        return None
    except OSError as error:
        raise DataUnavailable(
            f"the cache folder {cache_folder()} cannot be written ({error}). Set REPRO_DATA_DIR to a folder "
            f"with space that you may write to, or REPRO_DATA_MIRROR to a local folder that holds {file.path}."
        ) from error
    return content


def _fetch(url: str, target: Path, file: DataFile, progress: bool) -> bytes:
    import pooch

    buffer = io.BytesIO()
    with progress_bar(target.name, progress) as bar:
        download_to = pooch.HTTPDownloader(progressbar=bar or False, chunk_size=2**16, timeout=TIMEOUT_SECONDS)
        download_to(url, buffer, None)
    raw = buffer.getvalue()
    if file.keep_columns is not None:
        try:
            raw = _only_columns(raw, file.keep_columns)
        except ValueError as error:
            raise IntegrityError(f"{url}: {error}. The file was not kept. {WHAT_TO_DO}") from error
    content, problem = checked(raw, file)
    if problem:
        refused = quarantine_path(target, raw)
        atomic_write_bytes(refused, raw)
        raise IntegrityError(f"{url}: {problem}. The file was not used; it lies in {refused}. {WHAT_TO_DO}")
    atomic_write_bytes(target, raw)
    return content
