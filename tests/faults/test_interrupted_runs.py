"""Real processes that are killed, interrupted, started twice or denied the disk in the middle of a sweep.

What finds the remains is run in the process of the test, one cell after the other: only what is disturbed in the middle
has to be another process.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).parent
TOYS = HERE.parent / "running"
sys.path.insert(0, str(TOYS))
from drive import run_in  # noqa: E402

PATIENCE = 120.0
CALMLY = ("run", "toy.numbers", "--backend", "sequential")
Here = Callable[..., tuple[int, str, str]]


class Machine:
    """Starts the command in a folder of its own and ends what it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []

    def start(
        self, *arguments: str, seconds: float = 0.0, more: dict[str, str] | None = None, **options: object
    ) -> subprocess.Popen[str]:
        places = [str(TOYS), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(places),
            "TOY_SECONDS": str(seconds),
            "COLUMNS": "200",
            **(more or {}),
        }
        process = subprocess.Popen(
            [sys.executable, str(HERE / "drive.py"), str(self.folder), *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str, **options: object) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    @property
    def table(self) -> Path:
        return self.folder / "results" / "toy" / "numbers.quick.csv"

    def written(self) -> dict[str, int]:
        """Stored cells and when each was written."""
        folder = self.folder / "_build" / "cells" / "toy.numbers"
        return {path.name: path.stat().st_mtime_ns for path in folder.glob("[!.]*.json")}

    def cells(self) -> int:
        return len(self.written())

    def leftovers(self) -> list[str]:
        return [path.name for path in self.folder.rglob("*.part")]


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    made: list[Machine] = []

    def make(name: str, folder: Path | None = None) -> Machine:
        made.append(Machine(folder or tmp_path / name))
        made[-1].folder.mkdir(exist_ok=True)
        return made[-1]

    yield make
    for machine in made:
        for process in machine.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    calm = Machine(tmp_path_factory.mktemp("calm"))
    with pytest.MonkeyPatch.context() as patch:
        assert run_in(calm.folder, *CALMLY, replace=patch.setattr) == 0
    return calm.table.read_bytes()


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    """Run a command in the folder of a machine, but in this process; gives status, output and messages."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(machine: Machine, *arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            status = run_in(machine.folder, *(arguments or CALMLY), replace=patch.setattr)
        return status, *capfd.readouterr()

    return run


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_kill_in_the_middle_then_rerun_gives_the_bytes_of_an_undisturbed_run(
    machines: Callable[[str], Machine], undisturbed: bytes, backend: str, here: Here
) -> None:
    machine = machines("killed")
    command = ("run", "toy.numbers", "--backend", backend, "--jobs", "2")
    process = machine.start(*command, seconds=0.4)
    wait_for(lambda: machine.cells() >= 2)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(PATIENCE)
    wait_for(lambda: all(ended(worker) for worker in workers))
    before = machine.written()
    assert 2 <= len(before) < 8
    assert not machine.table.exists()
    status, _, err = here(machine)
    assert status == 0, err
    assert before.items() <= machine.written().items(), "only the missing cells are computed"
    assert machine.cells() == 8
    assert machine.table.read_bytes() == undisturbed


# with loky after four cells, when the second worker has started even on a busy machine: one that is still starting
# shows the interrupt as a traceback of its own; after six the last two have just begun
@pytest.mark.parametrize(("backend", "finished"), [("sequential", 2), ("loky", 4), ("loky", 6), ("threading", 2)])
def test_interrupt_ends_the_workers_keeps_cells_and_says_how_to_continue(
    machines: Callable[[str], Machine], undisturbed: bytes, backend: str, finished: int, here: Here
) -> None:
    machine = machines("interrupted")
    machine.table.parent.mkdir(parents=True)
    machine.table.write_text("an older table")
    command = ("run", "toy.numbers", "--backend", backend, "--jobs", "2")
    process = machine.start(*command, seconds=0.4)
    wait_for(lambda: machine.cells() >= finished)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group hears Ctrl-C
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert "of 8 cells of toy.numbers (quick) are kept; run the same command to continue" in err
    assert "Traceback" not in err
    wait_for(lambda: all(ended(worker) for worker in workers))
    assert machine.table.read_text() == "an older table"
    assert machine.leftovers() == []
    status, _, err = here(machine)
    assert status == 0, err
    assert machine.table.read_bytes() == undisturbed


def test_interrupt_between_the_last_cell_and_the_table_keeps_all_and_says_so(
    machines: Callable[[str], Machine], undisturbed: bytes, here: Here
) -> None:
    machine = machines("late")
    status, _, err = machine.run(*CALMLY, more={"INTERRUPTED_BEFORE_TABLE": "yes"})
    assert status == 130, err
    assert "stopped; 8 of 8 cells of toy.numbers (quick) are kept; run the same command to continue" in err
    assert not machine.table.exists()
    assert machine.leftovers() == []
    status, _, err = here(machine)
    assert status == 0, err
    assert machine.table.read_bytes() == undisturbed


def test_second_run_of_the_same_is_told_who_runs_it_and_waits_or_ends(
    machines: Callable[[str], Machine], undisturbed: bytes, here: Here
) -> None:
    machine = machines("twice")
    first = machine.start(*CALMLY, seconds=0.5)
    wait_for(lambda: machine.cells() >= 1)
    status, _, err = here(machine, *CALMLY, "--no-wait")
    assert status == 1
    assert f"error: toy.numbers (quick) is being run by process {first.pid} on" in err
    status, _, err = here(machine)
    assert status == 0, err
    assert f"is being run by process {first.pid} on" in err
    assert "waiting for it to end" in err
    assert "0/" not in err, "the second run finds all cells"
    assert first.wait(PATIENCE) == 0
    assert machine.table.read_bytes() == undisturbed


def test_lock_of_a_killed_run_does_not_stay(machines: Callable[[str], Machine], here: Here) -> None:
    machine = machines("orphaned")
    process = machine.start(*CALMLY, seconds=1.0)
    wait_for(lambda: machine.cells() >= 1)
    process.kill()
    process.wait(PATIENCE)
    status, _, err = here(machine, *CALMLY, "--no-wait")
    assert status == 0, err


def test_file_size_limit_while_cells_are_written(
    machines: Callable[[str], Machine], undisturbed: bytes, here: Here
) -> None:
    machine = machines("limited")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))

    status, out, err = machine.run(*CALMLY, preexec_fn=limit)
    assert status == 1
    assert "File too large" in err
    assert "finished cells are kept" in err
    assert "Traceback" not in err
    assert out == ""
    assert machine.cells() == 0
    assert machine.leftovers() == []
    assert not machine.table.exists()
    assert here(machine)[0] == 0
    assert machine.table.read_bytes() == undisturbed


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small file system with the given options; root in its own machine can, others skip."""
    folders: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / "mounted"
        folder.mkdir()
        answer = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            pytest.skip(f"cannot mount a file system here: {answer.stderr.strip()}")
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_full_disk_is_said_and_leaves_nothing_half_written(
    machines: Callable[..., Machine], mounted: Callable[[str], Path], undisturbed: bytes, backend: str, here: Here
) -> None:
    folder = mounted("size=32k")
    machine = machines("full", folder)
    command = ("run", "toy.numbers", "--backend", backend, "--jobs", "2")
    status, _, err = machine.run(*command) if backend == "loky" else here(machine, *command)
    assert status == 1
    assert "No space left on device" in err
    assert "cells are kept" in err
    assert "Traceback" not in err
    assert machine.leftovers() == []
    assert not machine.table.exists()
    subprocess.run(["mount", "-o", "remount,size=4m", str(folder)], check=True)
    status, _, err = here(machine)
    assert status == 0, err
    assert machine.table.read_bytes() == undisturbed


def test_read_only_build_folder_is_said(
    machines: Callable[..., Machine], mounted: Callable[[str], Path], here: Here
) -> None:
    machine = machines("frozen", mounted("ro"))
    status, out, err = here(machine)
    assert status == 1
    assert err.startswith("error: cannot lock toy.numbers (quick) in ")
    assert "Read-only file system" in err
    assert out == ""


def test_table_that_cannot_be_written_keeps_all_cells(
    machines: Callable[[str], Machine], undisturbed: bytes, here: Here
) -> None:
    machine = machines("blocked")
    blocker = machine.folder / "results"
    blocker.parent.mkdir(parents=True, exist_ok=True)
    blocker.write_text("a file where the folder should be")
    status, _, err = here(machine)
    assert status == 1
    assert f"error: cannot write {machine.table}" in err
    assert "All cells are kept" in err
    assert machine.cells() == 8
    blocker.unlink()
    status, _, err = here(machine)
    assert status == 0
    assert "cells" not in err, "nothing had to be computed again"
    assert machine.table.read_bytes() == undisturbed


def test_failing_cell_gives_status_1_and_one_line(
    machines: Callable[[str], Machine], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = machines("failing")
    monkeypatch.setenv("TOY_FAIL", "3")
    status, out, err = machine.run("run", "toy.numbers", "--backend", "loky", "--jobs", "2")
    assert status == 1
    assert "error: toy.numbers, cell {'level': 3}: ZeroDivisionError: toy failure" in err
    assert "Traceback" not in err
    assert out == ""
    _, _, err = here(machine, "--debug", *CALMLY)
    assert "in draws" in err, "--debug shows where the cell failed"
