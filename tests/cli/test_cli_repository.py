"""``repro set-repository``: one address, changed and checked everywhere."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from repro.cli.repository import disagreements, set_address, slug_of

NEW = "https://github.com/some-lab/imbalance-atlas"


def test_the_project_agrees_with_its_own_setting(checkout: Any) -> None:
    assert disagreements(checkout.folder) == []


def test_one_command_changes_every_copy(checkout: Any) -> None:
    answer = checkout.repro("set-repository", NEW + "/")
    assert answer.returncode == 0, answer.stderr
    folder = checkout.folder
    assert yaml.safe_load((folder / "_config.yml").read_text())["repository"]["url"] == NEW
    assert yaml.safe_load((folder / "CITATION.cff").read_text())["repository-code"] == NEW
    assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["urls"]["Repository"] == NEW
    for half in ("py", "ipynb"):
        text = (folder / "notebooks" / f"smote.{half}").read_text()
        assert "colab.research.google.com/github/some-lab/imbalance-atlas/blob/v0.1.0/notebooks/smote.ipynb" in text
        assert "mybinder.org/v2/gh/some-lab/imbalance-atlas/main" in text
        assert re.search(r"git\+https://github\.com/some-lab/imbalance-atlas@v\d", text)
    left = [
        path
        for path in folder.rglob("*")
        if path.suffix in {".py", ".ipynb", ".md", ".cff", ".toml", ".bib"}
        and "src" not in path.parts
        and "tests" not in path.parts
        and "set_owner" in path.read_text()
    ]
    assert left == []
    assert checkout.repro("set-repository", "--check").returncode == 0
    set_address(folder, "https://github.com/set_owner/imbalance-book")
    assert "set_owner/imbalance-book" in (folder / "README.md").read_text()


def test_a_file_that_disagrees_is_named(checkout: Any) -> None:
    path = checkout.folder / "book" / "how-to-run.md"
    path.write_text(path.read_text() + "\n<https://github.com/somebody/imbalance-book>\n")
    readme = checkout.folder / "README.md"
    readme.write_text(readme.read_text().replace("set_owner/imbalance-book", "set_owner/other-book"))
    answer = checkout.repro("set-repository", "--check")
    assert answer.returncode == 1
    assert "book/how-to-run.md: names somebody/imbalance-book, expected set_owner/imbalance-book" in answer.stderr
    assert "README.md: does not name set_owner/imbalance-book" in answer.stderr


def test_a_notebook_without_its_badge_is_named(checkout: Any) -> None:
    path = checkout.folder / "notebooks" / "smote.py"
    path.write_text(path.read_text().replace("colab.research.google.com/github", "colab.example.org/github"))
    path.write_text(path.read_text().replace("/github/set_owner", "/somewhere/set_owner"))
    assert disagreements(checkout.folder) == [
        "notebooks/smote.py: has no link to Colab under set_owner/imbalance-book at v0.1.0"
    ]


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "https://example.org/a/b", "https://github.com/a", "https://github.com/a/b/c", ""]
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"https://github\.com/OWNER/NAME"):
        slug_of(address)
