"""Looking after data sets: what there is, what is at hand, fetching, verifying, clearing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from repro.data.loading import array_paths, load_image_split, load_table
from repro.data.registry import DataFile, ImageEntry, Route, RouteName, TableEntry, entry, names, registry
from repro.data.store import QUARANTINE, Lookup, files_in_cache, is_file, lock_path, mirror_location, path_variants
from repro.ground.exceptions import DataUnavailable, IntegrityError, UnknownName
from repro.ground.files import cache_folder

State = Literal["ok", "absent", "damaged"]


@dataclass(frozen=True)
class Status:
    """Whether a data set is at hand and sound.

    Parameters
    ----------
    name : str
        Data set.
    state : {"ok", "absent", "damaged"}
        ``"ok"``: found, every checksum agrees. ``"absent"``: in none of the places looked at. ``"damaged"``: a
        checksum does not agree; damaged files of the cache have been set aside.
    route : str or None
        The way it came, where it is sound.
    places : tuple of str
        Files or addresses it was read from; empty for embedded data.
    problem : str
        What is wrong, empty where nothing is.
    """

    name: str
    state: State
    route: str | None
    places: tuple[str, ...]
    problem: str


@dataclass(frozen=True)
class Summary:
    """One line of the list of data sets.

    Parameters
    ----------
    name, title : str
        Name to load it by, and name in words.
    kind : {"table", "images"}
        What it is.
    rows, features : int
        Rows and columns; of an image set images of all splits and values per image.
    class_counts : mapping of str to int
        Rows of each class; empty for image sets.
    licence : str
        Terms as far as they are known.
    redistribution : bool
        Whether the licence allows to pass the data on.
    place : {"embedded", "scikit-learn", "cache", "mirror"} or None
        Where it lies on this machine, as far as can be seen without opening files or the network.
    untested_routes : tuple of str
        Routes whose files could not be reached when they were written.
    """

    name: str
    title: str
    kind: Literal["table", "images"]
    rows: int
    features: int
    class_counts: Mapping[str, int]
    licence: str
    redistribution: bool
    place: str | None
    untested_routes: tuple[str, ...]


def describe(pattern: str = "*") -> list[Summary]:
    """List the registered data sets with their facts and where they lie; opens no file.

    Parameters
    ----------
    pattern : str, default="*"
        Only names that match, as in :func:`repro.data.names`.

    Examples
    --------
    >>> (adult,) = describe("adult")
    >>> adult.rows, adult.licence, adult.place
    (48842, 'CC BY 4.0', 'embedded')
    """
    return [_summary(name) for name in names(pattern)]


def _summary(name: str) -> Summary:
    registered = entry(name)
    if isinstance(registered, TableEntry):
        rows, features, counts = registered.rows, registered.features, registered.class_counts
    else:
        rows, features, counts = sum(part.images for part in registered.splits.values()), prod(registered.shape), {}
    untested = [route for routes in _all_routes(registered) for route, way in routes.items() if not way.tested]
    return Summary(
        name=name,
        title=registered.title,
        kind=registered.kind,
        rows=rows,
        features=features,
        class_counts=counts,
        licence=registered.licence,
        redistribution=registered.redistribution,
        place=_place(name, registered),
        untested_routes=tuple(dict.fromkeys(untested)),
    )


def _all_routes(registered: TableEntry | ImageEntry) -> list[dict[RouteName, Route]]:
    if isinstance(registered, TableEntry):
        return [registered.routes]
    return [part.routes for part in registered.splits.values()]


def _place(name: str, registered: TableEntry | ImageEntry) -> str | None:
    if isinstance(registered, ImageEntry) and all(
        is_file(path) for split in registered.splits for path in array_paths(name, split)
    ):
        return "cache"
    found = {_place_of(routes) for routes in _all_routes(registered)}
    return found.pop() if len(found) == 1 else None


def _place_of(routes: Mapping[RouteName, Route]) -> str | None:
    for route in ("embedded", "scikit-learn"):
        if route in routes:
            return route
    if any(all(files_in_cache(file) for file in route.files) for route in routes.values()):
        return "cache"
    mirror = mirror_location()
    if isinstance(mirror, Path) and all(
        any(is_file(mirror / variant) for variant in path_variants(file.path)) for file in routes["mirror"].files
    ):
        return "mirror"
    return None


def _selected(wanted: str | Iterable[str]) -> list[str]:
    selected: list[str] = []
    for pattern in [wanted] if isinstance(wanted, str) else wanted:
        matching = names(pattern)
        if not matching:
            raise UnknownName("data set", pattern, registry())
        selected += [name for name in matching if name not in selected]
    return selected


def _status(name: str, lookup: Lookup) -> Status:
    registered = entry(name)
    try:
        if isinstance(registered, TableEntry):
            route = load_table(name, lookup).metadata.route
        else:
            route = ", ".join(
                dict.fromkeys(load_image_split(name, split, lookup).metadata.route for split in registered.splits)
            )
    except DataUnavailable as error:
        state: State = "damaged" if lookup.set_aside else "absent"
        return Status(name, state, None, (), "; ".join([*lookup.set_aside, str(error)]))
    except IntegrityError as error:
        return Status(name, "damaged", None, tuple(lookup.used), str(error))
    state = "damaged" if lookup.set_aside and not lookup.network else "ok"
    return Status(name, state, route, tuple(dict.fromkeys(lookup.used)), "; ".join(lookup.set_aside))


def fetch(wanted: str | Iterable[str], *, progress: bool = False) -> list[Status]:
    """Make data sets available on this machine: download what is missing and check everything.

    Files of a local mirror are checked where they are and not copied.

    Parameters
    ----------
    wanted : str or iterable of str
        Names or patterns such as ``"keel/*"``.
    progress : bool, default=False
        Whether downloads show a progress bar on standard error.

    Returns
    -------
    list of Status
        One per data set, in the order asked for; a data set that cannot be had does not keep the others from being
        fetched.

    Raises
    ------
    UnknownName
        If a name or pattern matches nothing; nothing is fetched then.
    """
    return [_status(name, Lookup(progress=progress)) for name in _selected(wanted)]


def verify(wanted: str | Iterable[str] | None = None) -> list[Status]:
    """Check the data sets at hand, without network: every file's sum and the checksum of every table and image set.

    Damaged files of the cache folder are set aside.

    Parameters
    ----------
    wanted : str, iterable of str or None, default=None
        Names or patterns; None for all.

    Returns
    -------
    list of Status
        One per data set.

    Raises
    ------
    UnknownName
        If a name or pattern matches nothing.
    """
    return [_status(name, Lookup(network=False)) for name in _selected("*" if wanted is None else wanted)]


def clear() -> int:
    """Remove the files of registered data sets from the cache folder, with quarantined ones and decoded arrays.

    Other files in the folder stay.

    Returns
    -------
    int
        Freed bytes.

    Raises
    ------
    ValueError
        If the cache folder is also the mirror: clearing would delete the mirror.
    """
    cache, mirror = cache_folder(), mirror_location()
    if isinstance(mirror, Path) and cache.exists() and mirror.exists() and cache.samefile(mirror):
        raise ValueError(f"REPRO_DATA_DIR and REPRO_DATA_MIRROR are the same folder, {cache}: nothing was removed")
    doomed: list[Path] = []
    for name, registered in registry().items():
        for routes in _all_routes(registered):
            for route_name, route in routes.items():
                if route_name in ("mirror", "origin"):
                    doomed += [path for file in route.files for path in _files_of(file)]
        if isinstance(registered, ImageEntry):
            doomed += [path for split in registered.splits for path in array_paths(name, split)]
    folders = sorted({path.parent for path in doomed}, key=lambda folder: len(folder.parts), reverse=True)
    doomed += [path for folder in folders for path in (folder / QUARANTINE).glob("*")]
    freed = 0
    for path in dict.fromkeys(doomed):
        if path.is_file():
            freed += path.stat().st_size
            path.unlink()
    for emptied in [place for folder in folders for place in (folder / QUARANTINE, folder, folder.parent)]:
        if emptied != cache and emptied.is_relative_to(cache) and emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
    return freed


def _files_of(file: DataFile) -> list[Path]:
    paths = [cache_folder() / variant for variant in path_variants(file.path)]
    return paths + [lock_path(path) for path in paths]
