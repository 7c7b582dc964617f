"""Fixtures of the data tests: an empty cache, the mirror, a small http server."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repro.data.registry import TableEntry, registry

MIRROR = os.environ.get("REPRO_DATA_MIRROR")
"""The mirror named by the environment in which the tests were started."""

EMBEDDED = ("adult", "german_credit", "prediabetes")
BUNDLED = ("breast_cancer", "digits", "iris", "wine")
MIRRORED = tuple(
    name for name, entry in registry().items() if isinstance(entry, TableEntry) and "mirror" in entry.routes
)

NOBODY = "http://127.0.0.1:9"
"""An address at which nobody answers."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, no mirror and no way to the public network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("REPRO_DATA_DIR", str(folder))
    monkeypatch.delenv("REPRO_DATA_MIRROR", raising=False)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, NOBODY)
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "127.0.0.1")
    return folder


@pytest.fixture
def mirror(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mirror folder; the test is skipped, by name, where there is none."""
    if not MIRROR:
        pytest.skip(f"{request.node.name} needs the files of a mirror: set REPRO_DATA_MIRROR")
    folder = Path(MIRROR).resolve()
    assert folder.is_dir(), f"REPRO_DATA_MIRROR is {MIRROR}, which is no folder"
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(folder))
    return folder


class Server:
    """An http server on this machine that counts requests."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server: ``serve(folder)`` for files, ``serve(answer=function)`` for made-up answers."""
    running: list[Server] = []

    def start(folder: Path | None = None, answer: Callable[[BaseHTTPRequestHandler], None] | None = None) -> Server:
        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self.path)
                if answer is None:
                    super().do_GET()
                else:
                    answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        server = Server(partial(Handler, directory=str(folder)) if folder else Handler)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()
