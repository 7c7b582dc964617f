"""Try deliberate errors on a copy of the checkout: the tests named in each patch must fail with it, and pass without.

    python tests/mutations/run.py                     all patches (about an hour on one core)
    python tests/mutations/run.py --only claims       those of one room, or single ones: claims/verdict_at_the_bound
    python tests/mutations/run.py --list

A patch that is not caught is a hole in the tests: write the test that is missing, do not remove the patch.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SECONDS = 180
"""After this time a test run is ended; an error that makes the program hang counts as caught then."""

PASSED, FAILED = 0, 1
"""Exit statuses of pytest; all others (nothing collected, an import that fails) are no answer of a test."""


@dataclass(frozen=True)
class Mutation:
    """One deliberate error.

    Attributes
    ----------
    path : pathlib.Path
        The patch.
    what : str
        What is wrong with the patched code.
    tests : tuple of str
        Arguments of pytest: the nearest tests.
    diff : str
        The patch without its comment.
    """

    path: Path
    what: str
    tests: tuple[str, ...]
    diff: str

    @property
    def name(self) -> str:
        """``room/name``."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def patched(self) -> str:
        """The file that it changes, from the root of the checkout."""
        return next(line[6:] for line in self.diff.splitlines() if line.startswith("+++ b/"))


def read_mutation(path: Path) -> Mutation:
    """Read a patch: lines that say what is wrong, a line ``Tests:`` with arguments of pytest, the diff."""
    comment, mark, diff = path.read_text(encoding="utf-8").partition("--- a/")
    what, named, tests = comment.partition("Tests:")
    if not (mark and named and what.strip() and tests.strip()):
        raise ValueError(f"{path}: a patch must begin with what is wrong and a line 'Tests: ...', before '--- a/'")
    return Mutation(path, " ".join(what.split()), tuple(shlex.split(tests)), mark + diff)


def all_mutations() -> list[Mutation]:
    """Every patch, in the order of rooms and names."""
    return [read_mutation(path) for path in sorted(FOLDER.glob("*/*.patch"))]


@dataclass
class Copy:
    """A copy of the checkout in which patches are tried, one at a time."""

    folder: Path
    passing: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def fill(self) -> None:
        """Copy what git knows or would add, as it stands in the checkout."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
            check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.decode().split("\0")):
            source, target = ROOT / name, self.folder / "checkout" / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def apply(self, mutation: Mutation, *options: str) -> bool:
        """Apply a patch; whether that worked. Compiled code goes: it may carry the size and second of the new file."""
        command = ["git", "apply", "-p1", "--unidiff-zero", *options, str(mutation.path)]
        environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.folder)}
        finished = subprocess.run(
            command, cwd=self.folder / "checkout", env=environment, capture_output=True, check=False
        )
        patched = self.folder / "checkout" / mutation.patched
        for compiled in patched.parent.glob(f"__pycache__/{patched.stem}.*"):
            compiled.unlink()
        return finished.returncode == 0

    def test(self, tests: Sequence[str], kernels: Path) -> int | None:
        """Exit status of pytest, None when it took too long."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "checkout" / "src"),
            "NUMBA_CACHE_DIR": str(kernels),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            return subprocess.run(
                command, cwd=self.folder / "checkout", env=environment, capture_output=True, timeout=SECONDS,
                check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return None

    def passes_without(self, tests: tuple[str, ...]) -> bool:
        """Whether tests pass on the copy as it is; each selection is run once."""
        if tests not in self.passing:
            self.passing[tests] = self.test(tests, self.folder / "kernels") == PASSED
        return self.passing[tests]

    def verdict(self, mutation: Mutation) -> str:
        """Try one patch: ``caught`` or what speaks against it."""
        if not self.passes_without(mutation.tests):
            return "its tests fail without it"
        if not self.apply(mutation):
            return "does not apply"
        try:
            if "kernel" in (self.folder / "checkout" / mutation.patched).read_text(encoding="utf-8"):
                # kernels of other files that contain the patched one would be taken from the cache as they were
                with tempfile.TemporaryDirectory(dir=self.folder) as kernels:
                    status = self.test(mutation.tests, Path(kernels))
            else:
                status = self.test(mutation.tests, self.folder / "kernels")
        finally:
            undone = self.apply(mutation, "--reverse")
        if not undone:
            raise RuntimeError(f"{mutation.name} cannot be taken back in {self.folder}")
        if status in (FAILED, None):
            return "caught"
        return "NOT CAUGHT" if status == PASSED else f"pytest ends with status {status}, no test has failed"


def chosen(names: Sequence[str]) -> list[Mutation]:
    """Mutations of the given rooms or names, all when there are none."""
    found = all_mutations()
    for name in names:
        if not any(name in (mutation.name, mutation.path.parent.name) for mutation in found):
            rooms = sorted({mutation.path.parent.name for mutation in found})
            raise SystemExit(f"--only: no mutation or room {name!r}; rooms: {', '.join(rooms)}; --list shows all")
    return [m for m in found if not names or m.name in names or m.path.parent.name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the chosen patches; 1 unless all are caught."""
    parser = argparse.ArgumentParser(description="Apply deliberate errors to a copy and see whether tests catch them.")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="rooms, or mutations as room/name")
    parser.add_argument("--jobs", type=int, default=1, help="copies to work in at the same time (default: 1)")
    parser.add_argument("--list", action="store_true", help="show the mutations and run nothing")
    options = parser.parse_args(arguments)
    mutations = chosen(options.only)
    if options.list:
        for mutation in mutations:
            print(f"{mutation.name}: {mutation.what}\n    {shlex.join(mutation.tests)}")
        return 0

    mine = threading.local()
    verdicts: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:

        def attempt(mutation: Mutation) -> None:
            if not hasattr(mine, "copy"):
                mine.copy = Copy(Path(tempfile.mkdtemp(dir=folder)))
                mine.copy.fill()
            start = time.perf_counter()
            verdicts[mutation.name] = mine.copy.verdict(mutation)
            print(f"{mutation.name}: {verdicts[mutation.name]} ({time.perf_counter() - start:.0f} s)", flush=True)

        with ThreadPoolExecutor(max(1, options.jobs)) as pool:
            list(pool.map(attempt, mutations))
    missed = {name: verdict for name, verdict in sorted(verdicts.items()) if verdict != "caught"}
    print(f"{len(mutations) - len(missed)} of {len(mutations)} deliberate errors were caught")
    for name, verdict in missed.items():
        print(f"  {name}: {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
