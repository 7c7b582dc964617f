from __future__ import annotations

from pathlib import Path

import pytest

from repro.ground import files


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build folder and a project folder of the test's own."""
    folder = tmp_path / "_build"
    monkeypatch.setattr(files, "build_folder", lambda: folder)
    monkeypatch.setattr(files, "project_root", lambda: tmp_path)
    return folder
