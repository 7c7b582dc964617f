"""Fixtures of the data tests: an empty cache, the mirror, a small http server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from data_helpers import MIRROR, NOBODY, Server


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
