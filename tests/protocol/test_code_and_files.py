from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from repro.protocol import code
from repro.protocol.exceptions import UnknownName
from repro.protocol.files import atomic_path, atomic_write_text, sha256_of_file
from repro.protocol.profile import default_profile


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of modules in place of this package."""
    (tmp_path / "repro" / "room").mkdir(parents=True)
    (tmp_path / "repro" / "__init__.py").write_text("")
    (tmp_path / "repro" / "room" / "__init__.py").write_text("from repro.room.used import f\n")
    (tmp_path / "repro" / "room" / "used.py").write_text('"""Doc."""\ndef f():\n    """Doc."""\n    return 1  # one\n')
    (tmp_path / "repro" / "room" / "unused.py").write_text("x = 1\n")

    def module_file(module: str) -> Path | None:
        base = tmp_path.joinpath(*module.split("."))
        return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)

    monkeypatch.setattr(code, "_module_file", module_file)
    code._without_comments.cache_clear()
    code._direct_imports.cache_clear()
    return tmp_path / "repro" / "room"


def _hash() -> str:
    code._without_comments.cache_clear()
    code._direct_imports.cache_clear()
    return code.code_hash(["repro.room"])


def test_the_code_hash_sees_what_is_imported_and_nothing_else(package: Path) -> None:
    assert code.import_closure(["repro.room"]) == ["repro", "repro.room", "repro.room.used"]
    before = _hash()
    (package / "unused.py").write_text("x = 2\n")
    assert _hash() == before
    (package / "used.py").write_text("def f():\n    return 2\n")
    assert _hash() != before


def test_the_code_hash_does_not_see_comments_docstrings_and_layout(package: Path) -> None:
    before = _hash()
    text = '"""Other."""\n\n\ndef f():\n    # another remark\n    return (\n        1\n    )\n'
    (package / "used.py").write_text(text)
    assert _hash() == before


def test_a_library_counts_with_its_version_only_where_it_is_imported(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "_version_in_use", lambda library: "1.0")
    without = _hash()
    (package / "used.py").write_text("def f():\n    import xgboost\n    return xgboost\n")
    first = _hash()
    monkeypatch.setattr(code, "_version_in_use", lambda library: "2.0")
    assert _hash() != first
    (package / "used.py").write_text("def f():\n    return 1\n")
    assert _hash() == without


def test_relative_imports_are_followed() -> None:
    assert "repro.protocol.code" in code.imported_modules("from .code import x", package="repro.protocol")
    assert "repro.protocol.code" in code.imported_modules("from ..protocol import code", package="repro.protocol")


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    atomic_write_text(target, "old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_checksum_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_profile_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_PROFILE", "paper")
    assert default_profile() == "paper"
    monkeypatch.setenv("REPRO_PROFILE", "papre")
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        default_profile()


def test_importing_the_package_imports_neither_torch_nor_matplotlib() -> None:
    program = "import sys, repro; print(sorted({'torch', 'matplotlib', 'numpy', 'pandas'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
