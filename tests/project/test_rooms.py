"""Rooms use each other by what they offer, never by what is private."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "repro"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "templates" not in path.parts)


def private_imports(source: str, room: str) -> list[str]:
    """Imports of private modules or names of another room than `room`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("repro."):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("repro.")]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[1] != room and any(part.startswith("_") for part in parts[2:]):
                found.append(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_room_imports_what_is_private_to_another(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert private_imports(path.read_text(encoding="utf-8"), room) == []


def test_the_rule_sees_modules_and_names() -> None:
    source = "from repro.metrics import _ranking\nfrom repro.metrics.roc import _curve\nimport repro.trees._columns\n"
    assert len(private_imports(source, "sampling")) == 3
    assert private_imports(source.splitlines()[0], "metrics") == []
    assert private_imports("from repro.metrics import roc_curve", "sampling") == []


STUDIES = sorted(path.name for path in (PACKAGE / "studies").iterdir() if (path / "__init__.py").is_file())


@pytest.mark.parametrize("study", STUDIES)
def test_no_study_imports_another(study: str) -> None:
    for path in (PACKAGE / "studies" / study).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [module]
            for name in imported:
                others = [
                    other for other in STUDIES if other != study and f"{name}.".startswith(f"repro.studies.{other}.")
                ]
                assert not others, f"{path.name} imports {name}"
