"""Loading data sets by name: find the files, convert them, check what comes out."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from repro.data.dataset import Dataset, ImageDataset, Metadata, Table, image_checksum, table_checksum, table_facts
from repro.data.images import CIFAR10_CLASSES, IMAGE_CONVERTERS, Images, Labels, cifar100_classes
from repro.data.registry import Entry, ImageEntry, Route, RouteName, TableEntry, entry, registry
from repro.data.store import (
    Lookup,
    files_in_cache,
    is_file,
    mirror_location,
    read_cached,
    read_embedded,
    read_mirror,
    read_origin,
    set_aside,
)
from repro.data.tables import CONVERTERS
from repro.ground.exceptions import DataUnavailable, IntegrityError, UnknownName
from repro.ground.files import atomic_path, cache_folder, sha256_of_file
from repro.protocol import used

SplitName = Literal["train", "test"]
Loaded = TypeVar("Loaded")


def checksum(name: str) -> str:
    """Checksum of a data set, without loading it.

    Parameters
    ----------
    name : str
        A registered name, or the path of a reader's own file.

    Returns
    -------
    str
        64 hexadecimal digits: the checksum of the table (where none is registered, the SHA-256 of the sums of its
        files); of an image set the SHA-256 of its splits' checksums; of a file its SHA-256.

    Raises
    ------
    UnknownName
        If neither a data set nor a file is called so.
    """
    registered = registry().get(name)
    if isinstance(registered, TableEntry):
        return registered.identity
    if isinstance(registered, ImageEntry):
        sums = (f"{split} {part.checksum}\n" for split, part in sorted(registered.splits.items()))
        return hashlib.sha256("".join(sums).encode()).hexdigest()
    if Path(name).is_file():
        return sha256_of_file(Path(name))
    raise UnknownName("data set", name, registry())


def load(name: str) -> Dataset:
    """Load a table.

    Parameters
    ----------
    name : str
        Registered name, for example ``"adult"`` or ``"keel/glass4"``; :func:`repro.data.names` lists them.

    Returns
    -------
    Dataset
        The same table whichever route it came by.

    Raises
    ------
    UnknownName
        If nothing is registered under the name.
    ValueError
        If the name is that of an image set.
    DataUnavailable
        If the data are not embedded and neither cache, mirror nor public source has them.
    IntegrityError
        If a file or the table is not what the registry says.

    Examples
    --------
    >>> adult = load("adult")
    >>> adult.metadata.class_counts
    {'<=50K': 37155, '>50K': 11687}
    """
    lookup = Lookup()
    dataset = load_table(name, lookup)
    _warn_of_damage(lookup)
    return dataset


def load_images(name: str, split: SplitName = "train") -> ImageDataset:
    """Load one split of an image set.

    What takes long to decode is kept in the cache folder as plain arrays and checked when it is read again.

    Parameters
    ----------
    name : str
        ``"mnist"``, ``"mnist-subset"`` (part of the package, in the order of the rows of MNIST), ``"cifar10"``
        or ``"cifar100"``.
    split : {"train", "test"}, default="train"
        Which part.

    Returns
    -------
    ImageDataset
        The same arrays whichever route they came by.

    Raises
    ------
    UnknownName
        If nothing is registered under the name, or it has no such split.
    ValueError
        If the name is that of a table.
    DataUnavailable
        If the images are not embedded and neither cache, mirror nor public source has the files.
    IntegrityError
        If a file or the image set is not what the registry says.

    Examples
    --------
    >>> load_images("mnist-subset", "test").images.shape
    (8900, 28, 28)
    """
    lookup = Lookup()
    dataset = load_image_split(name, split, lookup)
    _warn_of_damage(lookup)
    return dataset


def load_table(name: str, lookup: Lookup) -> Dataset:
    """Load a table by way of a given search; see :func:`load`."""
    registered = entry(name)
    used.note("data set", name)
    if not isinstance(registered, TableEntry):
        raise ValueError(  # noqa: TRY004 - the name is at fault, not its type
            f"{name!r} is an image set: use load_images({name!r})"
        )
    table, route = _obtain(
        name, registered.routes, registered.checksum, lambda route: CONVERTERS[route.converter], table_checksum, lookup
    )
    facts = table_facts(table)
    if registered.checksum is None:
        _check_counts(name, registered, table, facts)
    metadata = Metadata(**_stated(registered), **facts, checksum=registered.identity, route=route)
    return Dataset(name, table.features, table.target, table.groups, registered.positive, metadata)


def _check_counts(name: str, registered: TableEntry, table: Table, facts: Mapping[str, Any]) -> None:
    """Hold a table without a registered checksum against the counts that the registry states."""
    expected = (registered.rows, registered.features, registered.class_counts)
    counts = {str(label): count for label, count in facts["class_counts"].items()}
    found = (facts["n_rows"], table.features.shape[1], counts)
    if found != expected:
        raise IntegrityError(
            f"data set {name!r}: expected rows, features and classes {expected}, found {found}. It was not used. "
            "Report it."
        )


def load_image_split(name: str, split: str, lookup: Lookup) -> ImageDataset:
    """Load a split of an image set by way of a given search; see :func:`load_images`."""
    registered = entry(name)
    used.note("data set", name)
    if not isinstance(registered, ImageEntry):
        raise ValueError(f"{name!r} is a table: use load({name!r})")  # noqa: TRY004 - the name is at fault, not its type
    if split not in registered.splits:
        raise UnknownName(f"split of {name}", split, registered.splits)
    part = registered.splits[split]
    kept = _read_arrays(name, split, part.checksum, lookup) if registered.keep_decoded else None
    if kept is not None:
        (images, labels), route = kept, "cache"
    else:
        (images, labels), route = _obtain(
            f"{name}, {split} split", part.routes, part.checksum, _image_converter, _pair_checksum, lookup
        )
        if registered.keep_decoded:
            _write_arrays(name, split, images, labels)
    counts = np.bincount(labels, minlength=registered.classes).tolist()
    metadata = Metadata(
        **_stated(registered),
        n_rows=len(images),
        class_counts=dict(enumerate(counts)),
        checksum=part.checksum,
        route=route,
    )
    if name == "cifar100":
        class_names, coarse, coarse_names = cifar100_classes()
        return ImageDataset(name, split, images, labels, class_names, np.array(coarse)[labels], coarse_names, metadata)
    class_names = CIFAR10_CLASSES if name == "cifar10" else tuple(str(label) for label in range(registered.classes))
    return ImageDataset(name, split, images, labels, class_names, None, None, metadata)


def _image_converter(route: Route) -> Callable[..., tuple[Images, Labels]]:
    return IMAGE_CONVERTERS[route.converter]


def _pair_checksum(pair: tuple[Images, Labels]) -> str:
    return image_checksum(*pair)


def _stated(registered: Entry) -> dict[str, Any]:
    fields = ("title", "source", "licence", "redistribution", "citation_key", "citation", "traps")
    return {field: getattr(registered, field) for field in fields}


def _warn_of_damage(lookup: Lookup) -> None:
    if lookup.set_aside:
        warnings.warn("damaged file in the cache folder: " + "; ".join(lookup.set_aside), stacklevel=3)


def _obtain(
    name: str,
    routes: Mapping[RouteName, Route],
    expected: str | None,
    converter_of: Callable[[Route], Callable[..., Loaded]],
    checksum_of: Callable[[Loaded], str],
    lookup: Lookup,
) -> tuple[Loaded, RouteName]:
    """Find the files of a data set, convert them and check the result.

    A cached file without a registered sum is only found out to be damaged here; it is set aside and the search
    starts once more.
    """
    while True:
        route_name, contents = _contents(name, routes, lookup)
        route = routes[route_name]
        try:
            value = converter_of(route)(contents, **route.options)
        except (ValueError, KeyError) as error:
            problem = f"it cannot be read ({error})"
        else:
            found = checksum_of(value)
            if expected in (None, found):
                return value, route_name
            problem = f"expected checksum {expected}, found {found}"
        suspects = [
            path
            for file in route.files
            if route_name in ("mirror", "origin") and file.sha256 is None and file.md5 is None
            for path in files_in_cache(file)
        ]
        for path in suspects:
            set_aside(path, problem, lookup)
        if not {str(path) for path in suspects} & set(lookup.used):
            raise IntegrityError(_what_is_wrong(name, route_name, problem, lookup))
        lookup.used.clear()


def _what_is_wrong(name: str, route_name: RouteName, problem: str, lookup: Lookup) -> str:
    advice = {
        "embedded": "Install the package again.",
        "scikit-learn": "This release of scikit-learn holds another copy of the data; install the pinned release.",
    }.get(route_name, "Use another source (REPRO_DATA_MIRROR) and report it.")
    places = ", ".join(lookup.used) or route_name
    kept = "".join(f" {damage}." for damage in lookup.set_aside)
    return f"data set {name!r} from {places}: {problem}. It was not used.{kept} {advice}"


def _contents(name: str, routes: Mapping[RouteName, Route], lookup: Lookup) -> tuple[RouteName, list[bytes]]:
    if "embedded" in routes:
        return "embedded", [read_embedded(file) for file in routes["embedded"].files]
    if "scikit-learn" in routes:
        return "scikit-learn", []
    attempts: list[tuple[RouteName, Callable[..., bytes | None] | None]] = [
        ("mirror", None),
        ("origin", None),
        ("mirror", read_mirror),
        ("origin", read_origin),
    ]
    for route_name, read in attempts:
        if route_name in routes:
            contents = []
            for file in routes[route_name].files:
                content = read_cached(file, lookup)
                if content is None and read is not None:
                    content = read(file, lookup)
                if content is None:
                    break
                contents.append(content)
            else:
                return route_name, contents
    raise DataUnavailable(_how_to_get(name, routes, lookup))


def _how_to_get(name: str, routes: Mapping[RouteName, Route], lookup: Lookup) -> str:
    tried = "; ".join(dict.fromkeys(lookup.tried)) or "nothing but the cache was looked at"
    mirror_files = _summary([file.path for file in routes["mirror"].files])
    sums = [file.sha256 for file in routes["mirror"].files]
    packed = routes["mirror"].files[0].packed
    kind = "file as published" if packed else "unpacked content"
    own = f" (sha256 of the {kind} {sums[0]})" if len(sums) == 1 else ""
    addresses = _summary([str(file.url) for file in routes["origin"].files])
    setting = mirror_location()
    now = f"now {setting}" if setting else "now not set"
    return (
        f"data set {name!r} is not at hand. Tried: {tried}.\n"
        "Three ways to get it:\n"
        f"  1. network: `repro data fetch {name.split(',')[0]}` on a machine that reaches {addresses};\n"
        f"  2. mirror: set REPRO_DATA_MIRROR ({now}) to a folder or http(s) address that holds {mirror_files};\n"
        f"  3. own copy: put {mirror_files}{own} below the cache folder {cache_folder()} (REPRO_DATA_DIR), "
        + ("as it is published." if packed else "packed by gzip or not.")
    )


def _summary(items: Sequence[str]) -> str:
    return " and ".join(items) if len(items) <= 2 else f"{items[0]} and {len(items) - 1} more files"


def array_paths(name: str, split: str) -> tuple[Path, Path]:
    """Where the decoded images and labels of a split are kept in the cache folder."""
    folder = cache_folder() / "arrays"
    return folder / f"{name}-{split}-images.npy", folder / f"{name}-{split}-labels.npy"


def _read_arrays(name: str, split: str, expected: str, lookup: Lookup) -> tuple[Images, Labels] | None:
    paths = array_paths(name, split)
    if not all(is_file(path) for path in paths):
        return None
    try:
        images, labels = (np.load(path, allow_pickle=False) for path in paths)
        found = image_checksum(images, labels)
        problem = "" if found == expected else f"expected checksum {expected}, found {found}"
    except (ValueError, OSError, EOFError) as error:
        problem = f"it cannot be read ({error})"
    if not problem:
        return images, labels
    for path in paths:
        set_aside(path, problem, lookup)
    return None


def _write_arrays(name: str, split: str, images: Images, labels: Labels) -> None:
    images_path, labels_path = array_paths(name, split)
    try:
        with atomic_path(images_path) as temporary, temporary.open("wb") as file:
            np.save(file, images, allow_pickle=False)
        with atomic_path(labels_path) as temporary, temporary.open("wb") as file:
            np.save(file, labels, allow_pickle=False)
    except OSError as error:
        warnings.warn(
            f"the decoded images of {name} could not be kept in {cache_folder()} ({error}); they are decoded again "
            "next time. Set REPRO_DATA_DIR to a folder with space that you may write to.",
            stacklevel=5,
        )
