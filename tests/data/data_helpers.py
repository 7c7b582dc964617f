"""What several data tests share: names of data sets and a small http server."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from repro.data.registry import TableEntry, registry

MIRROR = os.environ.get("REPRO_DATA_MIRROR")
"""The mirror named by the environment in which the tests were started."""

EMBEDDED = ("adult", "german_credit", "prediabetes")
BUNDLED = ("breast_cancer", "digits", "iris", "wine")
MIRRORED = tuple(
    name
    for name, entry in registry().items()
    if isinstance(entry, TableEntry) and "mirror" in entry.routes and entry.checksum is not None
)
"""Tables that a mirror laid out like ours holds. A table without checksum is one whose files the project never had."""

NOBODY = "http://127.0.0.1:9"
"""An address at which nobody answers."""


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
