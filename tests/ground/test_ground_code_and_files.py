from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.ground import code
from repro.ground.exceptions import UnknownName
from repro.ground.files import atomic_path, atomic_write_text, sha256_of_file
from repro.protocol.profile import default_profile

FILES = {
    "repro": "",
    "repro.room": "from repro.room.used import f\nfrom repro.room.unused import g\n",
    "repro.room.used": (
        '"""Doc."""\nLIMIT = 3\n\ndef f(x: int) -> int:\n    """Doc."""\n    return LIMIT  # one\n\n'
        "def h():\n    return 2\n"
    ),
    "repro.room.unused": "def g():\n    return 1\n",
    "repro.study": "from repro import room\n\ndef compute(cell):\n    return room.f(cell)\n",
}
PACKAGES = {"repro", "repro.room"}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Sources of a small tree of modules in place of this package."""
    sources = dict(FILES)
    monkeypatch.setattr(
        code, "_module_source", lambda module: (sources[module], module in PACKAGES) if module in sources else None
    )
    yield sources
    code.forget()


def digest(*names: str) -> str:
    code.forget()
    return code.code_hash(names or ["repro.study.compute"])


def test_only_what_a_function_reaches_counts_through_faces_and_attributes_of_modules(modules: dict[str, str]) -> None:
    found = code.dependence(["repro.study.compute"]).definitions
    assert {tuple(definition) for definition in found} == {
        ("repro.study", "compute"),
        ("repro.room.used", "f"),
        ("repro.room.used", "LIMIT"),
    }


@pytest.mark.parametrize(
    ("module", "old", "new", "counts"),
    [
        ("repro.room.used", "LIMIT = 3", "LIMIT = 4", True),
        ("repro.room.used", "return LIMIT", "return LIMIT + 0", True),
        ("repro.room.used", "return 2", "return 3", False),
        ("repro.room.used", "\ndef h", "\ndef new():\n    return 5\n\ndef h", False),
        ("repro.room.used", "# one", "# another remark", False),
        (
            "repro.room.used",
            '"""Doc."""\n    return LIMIT',
            '"""Other."""\n\n    return (\n        LIMIT\n    )',
            False,
        ),
        ("repro.room.used", "x: int) -> int", "x: float) -> float", False),
        ("repro.room.used", "(x: int)", "(x: int = 1)", True),
        ("repro.room.unused", "return 1", "return 2", False),
        ("repro.room", "from repro.room.unused import g\n", "", False),
        ("repro.room", "used import f", "unused import g as f", True),
        ("repro.study", "from repro import room\n", "import repro.room as room\n", False),
        ("repro.study", "from repro import room\n", "import numpy\nfrom repro import room\n", False),
    ],
)
def test_an_edit_changes_the_hash_exactly_when_it_can_change_a_number(
    modules: dict[str, str], module: str, old: str, new: str, counts: bool
) -> None:
    before = digest()
    assert old in modules[module]
    modules[module] = modules[module].replace(old, new)
    assert (digest() != before) == counts


def test_a_name_inside_a_comprehension_is_no_name_of_the_module(modules: dict[str, str]) -> None:
    """A local variable of the same name leads nowhere; one that a comprehension assigns (``:=``) is the module's."""
    modules["repro.study"] = "def compute(cell):\n    size = 3\n    return size\n"
    before = digest()
    modules["repro.study"] += "\nSQUARES = [size**2 for size, _ in zip(range(4), range(4))]\n"
    assert digest() == before
    modules["repro.study"] += "\nCUBES = [(size := other) for other in range(4)]\n"
    assert digest() != before


def test_a_name_in_the_default_of_an_argument_counts(modules: dict[str, str]) -> None:
    modules["repro.study"] = "START = 1\n\ndef compute(cell, first=START):\n    return first\n"
    before = digest()
    modules["repro.study"] = modules["repro.study"].replace("START = 1", "START = 2")
    assert digest() != before


@pytest.mark.parametrize(
    "study",
    [
        "from repro.room.used import f\n\n@f\ndef compute(cell):\n    return 1\n",
        "from repro.room.used import f\n\nclass compute(f):\n    pass\n",
        "from repro.room.used import f\n\nclass compute:\n    size = f(1)\n",
        "from repro.room.used import f\n\nSIZE = f(1)\n\ndef compute(cell):\n    return SIZE\n",
        "from repro.room import used\nused.f(1)\n\ndef compute(cell):\n    return 1\n",
        "try:\n    from repro.room.used import f\nexcept ImportError:\n    f = 0\n\ndef compute(c):\n    return f(c)\n",
        "def compute(cell):\n    import importlib\n    return importlib.import_module('repro.room.used')\n",
    ],
    ids=["decorator", "base", "body of a class", "constant", "done on import", "import that may fail", "by name"],
)
def test_all_ways_to_use_a_definition_are_followed(modules: dict[str, str], study: str) -> None:
    modules["repro.study"] = study
    before = digest()
    modules["repro.room.used"] = modules["repro.room.used"].replace("LIMIT = 3", "LIMIT = 4")
    assert digest() != before


def test_moving_a_definition_to_another_module_does_not_count(modules: dict[str, str]) -> None:
    before = digest()
    modules["repro.room.moved"] = modules.pop("repro.room.used")
    modules["repro.room"] = modules["repro.room"].replace("repro.room.used", "repro.room.moved")
    assert digest() == before


def test_a_name_that_leads_elsewhere_counts_also_where_both_definitions_are_used(modules: dict[str, str]) -> None:
    modules["repro.study"] = (
        "from repro.room.used import f\nfrom repro.room.unused import g\n\n"
        "def compute(cell):\n    return first(cell) + second(cell)\n\n"
        "def first(cell):\n    from repro.room.used import f as chosen\n    return chosen(cell)\n\n"
        "def second(cell):\n    return f(cell) + g(cell)\n"
    )
    before = digest()
    modules["repro.study"] = modules["repro.study"].replace(
        "repro.room.used import f as chosen", "repro.room.unused import g as chosen"
    )
    assert digest() != before


def test_functions_that_call_each_other_are_followed_once(modules: dict[str, str]) -> None:
    modules["repro.study"] = "def compute(n):\n    return odd(n)\n\ndef odd(n):\n    return compute(n - 1)\n"
    before = digest()
    modules["repro.study"] = modules["repro.study"].replace("n - 1", "n - 2")
    assert digest() != before


def test_a_module_that_is_handed_on_as_a_whole_counts_as_a_whole(modules: dict[str, str]) -> None:
    modules["repro.study"] = (
        "from repro.room import used\n\ndef compute(cell):\n    return getattr(used, cell.name)()\n"
    )
    before = digest()
    modules["repro.room.used"] = modules["repro.room.used"].replace("return 2", "return 3")
    assert digest() != before


def test_of_what_is_loaded_only_the_class_that_comes_back_counts(
    modules: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "BOUNDARIES", frozenset({"repro.load"}))
    modules["repro.load"] = (
        "from repro.kinds import Table\n\ndef load(name: str) -> Table:\n    return Table(read(name))\n\n"
        "def read(name):\n    return 1\n"
    )
    modules["repro.kinds"] = "class Table:\n    def rows(self):\n        return 1\n"
    modules["repro.study"] = "from repro.load import load\n\ndef compute(cell):\n    return load(cell).rows()\n"
    before = digest()
    modules["repro.load"] = modules["repro.load"].replace("return 1", "return 2")
    assert digest() == before
    modules["repro.kinds"] = modules["repro.kinds"].replace("return 1", "return 2")
    assert digest() != before


def test_a_library_counts_with_its_version_only_where_it_is_used(
    modules: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"xgboost": "1.0", "joblib": "1.0"}
    monkeypatch.setattr(code.importlib.metadata, "version", lambda name: versions[name.removesuffix("-cpu")])
    modules["repro.room.unused"] = "import xgboost\n\ndef g():\n    return xgboost\n"
    before = digest()
    versions["xgboost"] = "2.0"
    assert digest() == before
    for importing in (
        "import xgboost\n\ndef compute(cell):\n    return xgboost.f(cell)\n",
        "def compute(cell):\n    from xgboost import f\n    return f(cell)\n",
    ):
        modules["repro.study"] = importing
        first = digest()
        versions["xgboost"] += "1"
        assert digest() != first
    modules["repro.study"] = "import joblib\n\ndef compute(cell):\n    return joblib.f(cell)\n"
    first = digest()
    versions["joblib"] = "2.0"
    assert digest() == first, "what only passes values on does not count"


def test_a_part_of_a_version_that_names_the_build_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code.importlib.metadata, "version", lambda name: "2.13.0+cpu")
    code.forget()
    assert code.library_version("torch") == "2.13.0"
    code.forget()


def test_a_function_that_does_not_exist_is_named(modules: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"got 'repro\.room\.nothing'"):
        code.code_hash(["repro.room.nothing"])


def test_a_function_of_the_users_own_module_counts_with_its_whole_source(tmp_path: Path) -> None:
    (tmp_path / "own_trial.py").write_text("def compute(cell):\n    return 1\n")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import own_trial; from repro.ground.code import function_hash;"
        "print(function_hash(own_trial.compute))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    first = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (tmp_path / "own_trial.py").write_text("def compute(cell):\n    return 2\n")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout != first


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
