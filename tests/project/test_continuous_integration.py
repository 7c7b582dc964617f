"""``.ci/run`` with a stand-in for make, so that what it sets up and what it reports can be seen."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

TOOLS = ["bash", "sh", "mktemp", "mkdir", "rm", "dirname", "grep", "tail", "tee", "cat", "ls", "env"]
FAKE_MAKE = """#!/bin/sh
{
    echo "$1 home=$(ls -A "$HOME" | wc -l) browser=$REPRO_REQUIRE_BROWSER mirror=$REPRO_DATA_MIRROR stdin=$(cat)"
    echo "$PIP_CACHE_DIR $UV_CACHE_DIR" >"$RECORD.caches"
} >>"$RECORD"
[ "$1" = test ] && echo "===== $RESULT in 12.34s (0:00:12) ====="
[ "$1" = "$FAILING" ] && exit 2
exit 0
"""


@pytest.fixture
def machine(root: Path, tmp_path: Path):
    """Return a function that runs the script on a machine with the named commands, and what make saw there."""
    clone, commands = tmp_path / "clone", tmp_path / "bin"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy(root / ".ci" / "run", clone / ".ci" / "run")
    commands.mkdir()
    for name in [*TOOLS, "wc"]:
        (commands / name).symlink_to(shutil.which(name))

    def run(*, result="12 passed, 1 skipped", failing="", user=1000, **extra: str) -> tuple[int, list[str], list[str]]:
        record = tmp_path / "record"
        record.touch()
        for name, text in {"make": FAKE_MAKE, "id": f"#!/bin/sh\necho {user}\n", **extra}.items():
            (commands / name).write_text(text, encoding="utf-8")
            (commands / name).chmod(0o755)
        environment = {"PATH": str(commands), "HOME": str(tmp_path), "RECORD": str(record), "BIN": str(commands)}
        environment |= {"RESULT": result, "FAILING": failing, "TMPDIR": str(tmp_path)}
        finished = subprocess.run(
            [clone / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False, input="unread"
        )
        seen = record.read_text(encoding="utf-8").splitlines()
        return finished.returncode, finished.stdout.strip().splitlines(), seen

    return run


CHROMIUM = {"chromium": "#!/bin/sh\n"}


def test_runs_the_two_commands_and_the_checks_in_an_empty_home(machine, tmp_path: Path) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    status, output, seen = machine(**CHROMIUM)
    assert status == 0
    assert [line.split()[0] for line in seen] == ["book", "test", "check"]
    mirror = (tmp_path / "shared" / "data").resolve()
    assert all(line.endswith(f"home=0 browser=1 mirror={mirror} stdin=") for line in seen)
    caches = (tmp_path / "record.caches").read_text(encoding="utf-8").split()
    assert caches == [f"{tmp_path}/.cache/pip", f"{tmp_path}/.cache/uv"], "those of the home folder left behind"
    assert output[-1] == "12 passed, 0 failed, 1 skipped"
    assert re.fullmatch(r"Times: book \d+ s; test \d+ s; check \d+ s;", output[-2])


def test_sets_no_mirror_where_there_is_none(machine) -> None:
    assert all("mirror= " in line for line in machine(**CHROMIUM)[2])


def test_failed_tests_are_counted_and_fail_the_run(machine) -> None:
    status, output, seen = machine(result="2 failed, 10 passed, 1 error", failing="test", **CHROMIUM)
    assert status == 2
    assert output[-1] == "10 passed, 3 failed, 0 skipped"
    assert [line.split()[0] for line in seen] == ["book", "test"]


def test_a_failed_step_without_tests_is_not_reported_as_clean(machine) -> None:
    status, output, _ = machine(failing="check", **CHROMIUM)
    assert status == 2
    assert output[-2:] == ["make check ended with status 2.", "12 passed, 1 failed, 1 skipped"]


def test_leaves_nothing_behind(machine, tmp_path: Path) -> None:
    machine(**CHROMIUM)
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "clone", "record", "record.caches"}


def test_needs_a_browser_when_it_may_not_install_one(machine) -> None:
    status, output, seen = machine()
    assert (status, seen, output[-1]) == (1, [], "0 passed, 1 failed")


def test_installs_the_browser_as_root(machine, tmp_path: Path) -> None:
    apt = '#!/bin/sh\necho "$@" >>"$BIN/../apt"\n[ "$1" = install ] && ln -s /bin/true "$BIN/chromium"\nexit 0\n'
    (tmp_path / "bin" / "ln").symlink_to(shutil.which("ln"))
    status, _, _ = machine(user=0, **{"apt-get": apt})
    assert status == 0
    update, install = (tmp_path / "apt").read_text(encoding="utf-8").splitlines()
    assert update.startswith("update")
    assert "chromium" in install.split()


def test_is_executable(root: Path) -> None:
    assert (root / ".ci" / "run").stat().st_mode & stat.S_IXUSR
