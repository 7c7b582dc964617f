"""The deliberate errors of ``make mutations`` still fit the code and name tests that exist."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FEWEST = 40


@pytest.fixture(scope="module")
def mutations() -> ModuleType:
    path = ROOT / "tests" / "mutations" / "run.py"
    spec = importlib.util.spec_from_file_location("mutations_run", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_there_are_enough_errors_and_some_in_every_room(mutations: ModuleType) -> None:
    found = mutations.all_mutations()
    assert len(found) >= FEWEST
    rooms = {path.parent.name for path in (ROOT / "src" / "repro").glob("*/__init__.py")} | {"book", "scripts"}
    assert {mutation.path.parent.name for mutation in found} == rooms
    for mutation in found:
        place = mutation.patched.removeprefix("src/repro/").split("/")[0]
        assert mutation.name.startswith(f"{place}/"), f"{mutation.name} changes {mutation.patched}"


def test_every_error_still_applies(mutations: ModuleType) -> None:
    odd = {}
    for mutation in mutations.all_mutations():
        command = ["git", "apply", "--check", "--unidiff-zero", str(mutation.path)]
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if finished.returncode:
            odd[mutation.name] = finished.stderr
    assert not odd, "the code has changed there; make the patch anew:\n" + "\n".join(odd.values())


def test_every_error_names_tests_that_exist(mutations: ModuleType) -> None:
    for mutation in mutations.all_mutations():
        named = [argument for argument in mutation.tests if argument.startswith("tests/")]
        texts = ""
        assert named, f"{mutation.name} names no test file"
        for argument in named:
            name, _, test = argument.partition("::")
            text = (ROOT / name).read_text(encoding="utf-8")
            assert f"def {test}" in text, f"{mutation.name}: {name} has no {test}"
            texts += text
        words = mutation.tests[mutation.tests.index("-k") + 1] if "-k" in mutation.tests else ""
        for word in set(re.findall(r"\w+", words)) - {"and", "or", "not"}:
            assert re.search(rf"def test_\w*{word}", texts), f"{mutation.name}: no test is called {word}"


def test_a_patch_without_its_tests_is_refused(mutations: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "odd.patch"
    path.write_text("Something is wrong.\n--- a/src/x.py\n+++ b/src/x.py\n@@ -1 +1 @@\n-a\n+b\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a line 'Tests: \.\.\.', before"):
        mutations.read_mutation(path)


def test_an_error_is_caught_only_by_a_test_that_passes_without_it(
    mutations: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "project"
    (source / "src").mkdir(parents=True)
    (source / "src" / "sums.py").write_text("def total(values):\n    return sum(values)\n", encoding="utf-8")
    (source / "test_seen.py").write_text(
        "from sums import total\n\n\ndef test_seen():\n    assert total([1, 2]) == 3\n", encoding="utf-8"
    )
    (source / "test_blind.py").write_text("def test_blind():\n    pass\n", encoding="utf-8")
    (source / "test_broken.py").write_text("def test_broken():\n    raise AssertionError\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    monkeypatch.setattr(mutations, "ROOT", source)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    copy = mutations.Copy(tmp_path / "scratch")
    copy.fill()
    patch = "--- a/src/sums.py\n+++ b/src/sums.py\n@@ -2 +2 @@\n-    return {}(values)\n+    return max(values)\n"

    def verdict(test: str, before: str = "sum") -> str:
        path = tmp_path / "room" / "name.patch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"The largest.\nTests: {test}\n{patch.format(before)}", encoding="utf-8")
        return copy.verdict(mutations.read_mutation(path))

    assert verdict("test_seen.py") == "caught"
    assert verdict("test_blind.py") == "NOT CAUGHT"
    assert verdict("test_broken.py") == "its tests fail without it"
    assert verdict("test_seen.py", "min") == "does not apply"
    assert "return sum(values)" in (tmp_path / "scratch" / "checkout" / "src" / "sums.py").read_text(encoding="utf-8")
    assert "return sum(values)" in (source / "src" / "sums.py").read_text(encoding="utf-8")
