from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest
from data_helpers import NOBODY, Server

from repro.data import load
from repro.data.dataset import Table, table_checksum
from repro.data.registry import DataFile, Route, TableEntry, entry, registry
from repro.ground.exceptions import DataUnavailable, IntegrityError

TEXT = b"1,0.5,0\n2,0.25,1\n3,0.125,0\n"
SHA256 = hashlib.sha256(TEXT).hexdigest()
FILE = "toy/toy.csv.gz"
CHECKSUM = table_checksum(
    Table(pd.DataFrame({"count": [1, 2, 3], "share": [0.5, 0.25, 0.125]}), pd.Series([0, 1, 0], name="label"))
)

Answer = Callable[[BaseHTTPRequestHandler], None]


def register_toy(
    url: str = f"{NOBODY}/toy.csv", *, origin_path: str = FILE, origin_sha256: str | None = SHA256
) -> None:
    """Put a small table with a mirror and a public route into the registry."""
    options = {"columns": ["count", "share", "label"]}
    origin_file = DataFile.model_construct(
        path=origin_path, url=url, sha256=origin_sha256, md5=None, keep_columns=None
    )  # the address is plain http, which the registry does not allow
    registry()["toy"] = TableEntry(
        title="toy",
        source="made here",
        licence="none",
        redistribution=False,
        citation_key="toy",
        citation="toy",
        routes={
            "mirror": Route(converter="delimited", options=options, files=(DataFile(path=FILE, sha256=SHA256),)),
            "origin": Route(converter="delimited", options=options, files=(origin_file,)),
        },
        checksum=CHECKSUM,
        rows=3,
        features=2,
        nominal=0,
        class_counts={"0": 2, "1": 1},
        positive=1,
    )


@pytest.fixture(autouse=True)
def toy():
    register_toy()
    yield
    del registry()["toy"]


@pytest.fixture
def mirror_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    write(folder / FILE)
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(folder))
    return folder


def write(path: Path, content: bytes | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(TEXT, mtime=0) if content is None else content)
    return path


def answer_with(content: bytes, announced: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if announced is None else announced))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def assert_toy_loads(route: str) -> None:
    dataset = load("toy")
    assert dataset.features["share"].tolist() == [0.5, 0.25, 0.125]
    assert dataset.is_positive.tolist() == [False, True, False]
    assert dataset.metadata.route == route


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- where files are found ---------------------------------------------------------------------------------------


def test_a_local_mirror_is_read_in_place(mirror_folder: Path, cache: Path) -> None:
    assert_toy_loads("mirror")
    assert not cache.exists()


def test_a_mirror_may_hold_the_file_unpacked(mirror_folder: Path) -> None:
    (mirror_folder / FILE).unlink()
    write(mirror_folder / "toy" / "toy.csv", TEXT)
    assert_toy_loads("mirror")


def test_a_mirror_may_be_named_by_a_file_address(mirror_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA_MIRROR", mirror_folder.as_uri())
    assert_toy_loads("mirror")


def test_the_cache_comes_before_the_mirror(mirror_folder: Path, cache: Path) -> None:
    write(cache / "toy" / "toy.csv", TEXT)
    (mirror_folder / FILE).write_bytes(b"never looked at")
    assert_toy_loads("mirror")


def test_a_reader_s_own_copy_in_the_cache_is_found_packed_or_not(cache: Path) -> None:
    packed = write(cache / FILE)
    assert_toy_loads("mirror")
    packed.unlink()
    write(cache / "toy" / "toy.csv", TEXT)
    assert_toy_loads("mirror")


def test_an_http_mirror_is_asked_once(
    serve: Callable[..., Server], mirror_folder: Path, monkeypatch, cache: Path
) -> None:
    server = serve(mirror_folder)
    monkeypatch.setenv("REPRO_DATA_MIRROR", server.address + "/")
    assert_toy_loads("mirror")
    assert_toy_loads("mirror")
    assert server.requests == [f"/{FILE}"]
    assert (cache / FILE).read_bytes() == (mirror_folder / FILE).read_bytes()


def test_an_http_mirror_may_hold_the_file_unpacked(serve, mirror_folder: Path, monkeypatch) -> None:
    (mirror_folder / FILE).unlink()
    write(mirror_folder / "toy" / "toy.csv", TEXT)
    server = serve(mirror_folder)
    monkeypatch.setenv("REPRO_DATA_MIRROR", server.address)
    assert_toy_loads("mirror")
    assert server.requests == [f"/{FILE}", "/toy/toy.csv"]


def test_the_public_source_is_the_last_resort(serve, cache: Path) -> None:
    server = serve(answer=answer_with(TEXT))
    register_toy(f"{server.address}/toy.csv")
    assert_toy_loads("origin")
    assert files_below(cache) == ["toy/.toy.csv.lock", "toy/toy.csv"]
    assert_toy_loads("mirror")  # the cached file now serves either route
    assert len(server.requests) == 1


def test_a_mirror_without_the_file_hands_over_to_the_public_source(serve, mirror_folder: Path) -> None:
    (mirror_folder / FILE).unlink()
    server = serve(answer=answer_with(gzip.compress(TEXT, mtime=0)))
    register_toy(f"{server.address}/toy.csv.gz")
    assert_toy_loads("origin")


def test_a_mirror_address_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA_MIRROR", "ftp://example.org/data")
    with pytest.raises(ValueError, match=r"folder or an http\(s\) address, got 'ftp:"):
        load("toy")


# --- nothing is there --------------------------------------------------------------------------------------------


def test_without_any_source_the_three_ways_are_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA_MIRROR", "/no/such/folder")
    with pytest.raises(DataUnavailable) as caught:
        load("toy")
    text = str(caught.value)
    assert "REPRO_DATA_MIRROR is /no/such/folder, which is no folder" in text
    assert f"{NOBODY}/toy.csv: ConnectionError" in text or f"{NOBODY}/toy.csv: ProxyError" in text
    assert "1. network: `repro data fetch toy`" in text
    assert (
        f"2. mirror: set REPRO_DATA_MIRROR (now /no/such/folder) to a folder or http(s) address that holds {FILE}"
        in text
    )
    assert f"3. own copy: put {FILE} (sha256 of the unpacked content {SHA256}) below the cache folder {cache}" in text


@pytest.mark.parametrize("name", ["pima", "keel/glass4", "soup", "compas"])
def test_the_public_address_is_named_where_it_cannot_be_reached(name: str) -> None:
    with pytest.raises(DataUnavailable, match=r"https://raw.githubusercontent.com/"):
        load(name)


def test_a_source_that_answers_not_found_is_named(serve, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "empty").mkdir()
    server = serve(tmp_path / "empty")
    register_toy(f"{server.address}/toy.csv")
    monkeypatch.setenv("REPRO_DATA_MIRROR", server.address)
    with pytest.raises(DataUnavailable, match=rf"{server.address}/toy.csv: HTTPError 404"):
        load("toy")
    assert len(server.requests) == 3


# --- damaged files -----------------------------------------------------------------------------------------------


def test_a_cut_download_is_never_used(serve, cache: Path) -> None:
    server = serve(answer=answer_with(TEXT[:10], announced=len(TEXT)))
    register_toy(f"{server.address}/toy.csv")
    with pytest.raises(DataUnavailable, match=r"toy.csv: ChunkedEncodingError"):
        load("toy")
    assert files_below(cache) == ["toy/.toy.csv.lock"]


def test_wrong_content_goes_to_quarantine(serve, cache: Path) -> None:
    wrong = b"<html>log in first</html>"
    server = serve(answer=answer_with(wrong))
    register_toy(f"{server.address}/toy.csv")
    with pytest.raises(IntegrityError) as caught:
        load("toy")
    found = hashlib.sha256(wrong).hexdigest()
    kept = cache / "toy" / "quarantine" / f"toy.csv.{found[:12]}"
    assert f"expected sha256 {SHA256}, found {found}" in str(caught.value)
    assert f"it lies in {kept}" in str(caught.value)
    assert "Try again" in str(caught.value)
    assert kept.read_bytes() == wrong
    assert not (cache / "toy" / "toy.csv").exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(TEXT, mtime=0)[:-9], "damaged gzip stream"),
        (gzip.compress(TEXT.replace(b"0.25", b"0.26"), mtime=0), f"expected sha256 {SHA256}, found"),
    ],
)
def test_a_damaged_cached_file_is_set_aside_and_fetched_again(
    serve, cache: Path, mirror_folder: Path, monkeypatch, content: bytes, problem: str
) -> None:
    server = serve(mirror_folder)
    monkeypatch.setenv("REPRO_DATA_MIRROR", server.address)
    damaged = write(cache / FILE, content)
    with pytest.warns(UserWarning, match=f"damaged file in the cache folder: .*toy.csv.gz: {problem}"):
        assert_toy_loads("mirror")
    assert damaged.read_bytes() == gzip.compress(TEXT, mtime=0)
    assert len(list((cache / "toy" / "quarantine").iterdir())) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_toy_loads("mirror")


def test_a_damaged_file_of_a_local_mirror_is_refused_and_stays(mirror_folder: Path) -> None:
    path = write(mirror_folder / FILE, gzip.compress(b"1,2,3\n"))
    with pytest.raises(
        IntegrityError, match=rf"{path} of the mirror: expected sha256 {SHA256}.*unset REPRO_DATA_MIRROR"
    ):
        load("toy")
    assert path.exists()


def test_a_file_without_a_registered_sum_is_judged_by_its_table(serve, cache: Path) -> None:
    server = serve(answer=answer_with(TEXT.replace(b"0.25", b"0.26")))
    register_toy(f"{server.address}/toy.csv", origin_path="toy/origin.csv", origin_sha256=None)
    with pytest.raises(IntegrityError, match=rf"'toy' from {server.address}/toy.csv: expected checksum {CHECKSUM}"):
        load("toy")
    assert not (cache / "toy" / "origin.csv").exists()
    assert len(list((cache / "toy" / "quarantine").iterdir())) == 1


def test_a_damaged_cached_file_without_a_registered_sum_is_fetched_again(serve, cache: Path) -> None:
    server = serve(answer=answer_with(TEXT))
    register_toy(f"{server.address}/toy.csv", origin_path="toy/origin.csv", origin_sha256=None)
    write(cache / "toy" / "origin.csv", b"1,2\n")
    with pytest.warns(UserWarning, match="expected 3 columns, found 2"):
        assert_toy_loads("origin")
    assert (cache / "toy" / "origin.csv").read_bytes() == TEXT


# --- cache folders that cannot be used -----------------------------------------------------------------------------


def test_an_unusable_cache_does_not_matter_with_a_local_mirror(
    mirror_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "file" / "cache"))
    assert_toy_loads("mirror")


def test_a_download_into_an_unusable_cache_says_what_to_do(serve, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "file" / "cache"))
    register_toy(f"{serve(answer=answer_with(TEXT)).address}/toy.csv")
    with pytest.raises(DataUnavailable, match=r"cannot be written .*Not a directory.*Set REPRO_DATA_DIR"):
        load("toy")


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that may import this module and gets `arguments`."""
    prepared = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_data_store\n{program}"
    command = [sys.executable, "-B", "-c", prepared, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_download_into_a_read_only_cache_says_what_to_do(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answer=answer_with(TEXT))
    program = """
import os, filelock, pooch, requests, repro.data
test_data_store.register_toy(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)  # for the superuser no folder is read-only
repro.data.load("toy")
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        monkeypatch.setenv("REPRO_DATA_DIR", folder)
        done = run_python(program, f"{server.address}/toy.csv")
        assert f"DataUnavailable: the cache folder {folder} cannot be written" in done.stderr
        assert "Permission denied" in done.stderr
        assert list(Path(folder).iterdir()) == []


def test_a_full_disk_leaves_no_half_file(serve, cache: Path) -> None:
    server = serve(answer=answer_with(TEXT))
    program = """
import resource, signal, repro.data
test_data_store.register_toy(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8, resource.RLIM_INFINITY))
repro.data.load("toy")
"""
    done = run_python(program, f"{server.address}/toy.csv")
    assert "DataUnavailable: the cache folder" in done.stderr
    assert "File too large" in done.stderr
    assert files_below(cache) == ["toy/.toy.csv.lock"]


# --- two processes ---------------------------------------------------------------------------------------------------


def _load_toy(url: str) -> list[float]:
    register_toy(url)
    shares: list[float] = load("toy").features["share"].tolist()
    return shares


def test_processes_that_want_the_same_file_download_it_once(serve, cache: Path) -> None:
    import time

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        answer_with(TEXT)(handler)

    server = serve(answer=slowly)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(_load_toy, [f"{server.address}/toy.csv"] * 2, chunksize=1)
    assert results == [[0.5, 0.25, 0.125]] * 2
    assert len(server.requests) == 1


# --- routes of real data sets -----------------------------------------------------------------------------------------


def reroute(name: str, address: str) -> TableEntry:
    """Let the public route of a registered data set point to a local server."""
    registered = entry(name)
    assert isinstance(registered, TableEntry)
    origin = registered.routes["origin"]
    files = tuple(file.model_copy(update={"url": f"{address}/{file.path}"}) for file in origin.files)
    routes = {"origin": origin.model_copy(update={"files": files})}
    return registered.model_copy(update={"routes": registered.routes | routes})


@pytest.mark.mirror
def test_identifying_columns_of_compas_never_reach_the_disk(mirror: Path, serve, cache: Path, monkeypatch) -> None:
    expected = load("compas")
    raw = pd.read_csv(mirror / "compas" / "compas-two-years.csv.gz", dtype=str, keep_default_na=False)
    raw["days_b_screening_arrest"] = raw["days_b_screening_arrest"].str.removesuffix(".0")
    raw.insert(0, "name", "jane doe")
    raw["repeated"] = "99"  # the public file has a second column priors_count
    text = raw.to_csv(index=False).replace("repeated", "priors_count", 1).encode()
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    monkeypatch.setitem(registry(), "compas", reroute("compas", serve(answer=answer_with(text)).address))
    dataset = load("compas")
    assert dataset.metadata.route == "origin"
    pd.testing.assert_frame_equal(dataset.features, expected.features)
    for path in (path for path in cache.rglob("*") if path.is_file()):
        assert b"jane" not in path.read_bytes()


@pytest.mark.mirror
def test_compas_without_a_needed_column_is_refused(mirror: Path, serve, cache: Path, monkeypatch) -> None:
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    server = serve(answer=answer_with(b"name,sex\njane doe,Female\n"))
    monkeypatch.setitem(registry(), "compas", reroute("compas", server.address))
    with pytest.raises(IntegrityError, match=r"has no column 'age'. The file was not kept"):
        load("compas")
    assert not any(b"jane" in path.read_bytes() for path in cache.rglob("*") if path.is_file())


def r_data(frame: pd.DataFrame, name: str) -> bytes:
    """Serialise a data frame of factors as R's ``save`` does (XDR, version 2)."""
    import struct

    symbols: list[str] = []

    def symbol(text: str) -> bytes:
        if text in symbols:
            return struct.pack(">i", (symbols.index(text) + 1) << 8 | 255)
        symbols.append(text)
        return struct.pack(">i", 1) + character(text)

    def character(text: str) -> bytes:
        return struct.pack(">ii", 0x40009, len(text.encode())) + text.encode()

    def strings(texts: list[str]) -> bytes:
        return struct.pack(">ii", 16, len(texts)) + b"".join(character(text) for text in texts)

    def attributes(pairs: list[tuple[str, bytes]]) -> bytes:
        return b"".join(struct.pack(">i", 0x402) + symbol(tag) + value for tag, value in pairs) + struct.pack(">i", 254)

    def factor(column: pd.Series) -> bytes:
        levels = [str(level) for level in column.cat.categories]
        codes = (column.cat.codes + 1).to_numpy(">i4")
        header = struct.pack(">ii", 0x30D, len(codes)) + codes.tobytes()
        return header + attributes([("levels", strings(levels)), ("class", strings(["factor"]))])

    start = struct.pack(">i", 0x402) + symbol(name) + struct.pack(">ii", 0x313, frame.shape[1])
    columns = b"".join(factor(frame[column]) for column in frame)
    row_names = struct.pack(">iiii", 13, 2, -(2**31), -len(frame))
    ending = attributes([("names", strings(list(frame))), ("class", strings(["data.frame"])), ("row.names", row_names)])
    return gzip.compress(
        b"RDX2\nX\n" + struct.pack(">iii", 2, 0x40202, 0x20300) + start + columns + ending + struct.pack(">i", 254)
    )


@pytest.mark.mirror
def test_soup_from_an_r_file_is_the_table_of_the_mirror(mirror: Path, serve, cache: Path, monkeypatch) -> None:
    expected = load("soup")
    raw = pd.read_csv(mirror / "soup" / "soup.csv.gz", dtype=str, keep_default_na=False)
    content = r_data(raw.astype("category"), "soup")
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    monkeypatch.setitem(registry(), "soup", reroute("soup", serve(answer=answer_with(content)).address))
    dataset = load("soup")
    assert dataset.metadata.route == "origin"
    pd.testing.assert_frame_equal(dataset.features, expected.features)
    pd.testing.assert_series_equal(dataset.target, expected.target)
