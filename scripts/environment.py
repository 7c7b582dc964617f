"""Make or repair the project's environment ``.venv``; called by the Makefile, uses only the standard library.

python scripts/environment.py                make it, or bring it up to date; does nothing when it is current
python scripts/environment.py --is-current   exit status 0 when there is nothing to do
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "book,test,dev,torch"
GIGABYTE = 1e9
ENVIRONMENT_SIZE = 2.0 * GIGABYTE
DOWNLOAD_SIZE = 0.7 * GIGABYTE


def stamp(root: Path) -> str:
    """Hash of everything the content of ``.venv`` depends on, its own place included (its scripts hold the path)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    depends_on = {
        "project": project["project"],
        "build-system": project["build-system"],
        "constraints": (root / "constraints.txt").read_text(encoding="utf-8"),
        "extras": EXTRAS,
        "place": str(root),
    }
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()


def is_current(root: Path) -> bool:
    """Whether ``.venv`` is whole and agrees with ``pyproject.toml`` and ``constraints.txt``."""
    marker = root / ".venv" / ".stamp"
    return marker.is_file() and marker.read_text(encoding="utf-8").strip() == stamp(root)


def reason_to_start_over(root: Path, *, version_wanted: str | None = None) -> str | None:
    """Why an existing ``.venv`` cannot be kept, or None when it can (or when there is none).

    Parameters
    ----------
    root : pathlib.Path
        Folder of the checkout.
    version_wanted : str, optional
        A Python version such as "3.12" that the user asked for by name.
    """
    environment = root / ".venv"
    if not environment.exists():
        return None
    if (environment / ".unfinished").exists():
        return "its last installation did not finish"
    question = "import pip, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [environment / "bin" / "python", "-c", question], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "its Python does not work"
    version = answer.stdout.strip()
    if version_wanted and version != version_wanted:
        return f"it uses Python {version}, and PYTHON asks for {version_wanted}"
    return None


def shortage_of_space(needs: dict[Path, float]) -> str | None:
    """Say which disk is too small, or None.

    Parameters
    ----------
    needs : dict of pathlib.Path to float
        Bytes that will be written to each existing folder; folders on one disk are added up.
    """
    by_disk: dict[int, tuple[list[Path], float]] = {}
    for folder, size in needs.items():
        folders, total = by_disk.get(folder.stat().st_dev, ([], 0.0))
        by_disk[folder.stat().st_dev] = ([*folders, folder], total + size)
    for folders, total in by_disk.values():
        free = shutil.disk_usage(folders[0]).free
        if free < total:
            places = " and ".join(str(folder) for folder in folders)
            return (
                f"Not enough space: the environment needs about {total / GIGABYTE:.1f} GB on the disk of {places}, "
                f"{free / GIGABYTE:.1f} GB are free."
            )
    return None


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Wait until no other process makes the environment of this checkout."""
    folder = root / "_build"
    folder.mkdir(exist_ok=True)
    with (folder / ".environment.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make prepares .venv; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(root: Path) -> int:
    """Create ``.venv`` where it is missing and install the package with its extras; return pip's exit status."""
    environment = root / ".venv"
    environment.mkdir(exist_ok=True)
    (environment / ".unfinished").touch()
    (environment / ".stamp").unlink(missing_ok=True)
    if not (environment / "bin" / "python").exists():
        status = subprocess.run([sys.executable, "-m", "venv", environment], check=False).returncode
        if status != 0:
            return status
    # A user's own pip settings may send packages elsewhere; here they belong into .venv.
    settings = {name: value for name, value in os.environ.items() if name not in {"PIP_TARGET", "PIP_PREFIX"}}
    settings["PIP_USER"] = "0"
    command = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    command += [] if sys.stdout.isatty() else ["--quiet", "--progress-bar", "off"]
    command += ["-c", "constraints.txt", "-e", f".[{EXTRAS}]"]
    status = subprocess.run(command, cwd=root, env=settings, check=False).returncode
    if status == 0:
        (environment / ".stamp").write_text(stamp(root) + "\n", encoding="utf-8")
        (environment / ".unfinished").unlink()
    return status


def main(arguments: list[str]) -> int:
    """Run the command line described at the top of this file."""
    if arguments == ["--is-current"]:
        return 0 if is_current(ROOT) else 1
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    version_wanted = "{}.{}".format(*sys.version_info[:2]) if os.environ.get("PYTHON") else None
    with only_one(ROOT):
        reason = reason_to_start_over(ROOT, version_wanted=version_wanted)
        if reason is None and is_current(ROOT):
            return 0
        environment = ROOT / ".venv"
        if reason:
            print(f"Removing .venv, because {reason}.", flush=True)
            shutil.rmtree(environment)
        if not environment.exists():
            shortage = shortage_of_space({ROOT: ENVIRONMENT_SIZE, Path(tempfile.gettempdir()): DOWNLOAD_SIZE})
            if shortage:
                print(shortage, file=sys.stderr)
                return 1
        begin = time.monotonic()
        version = sys.version.split()[0]
        print(f"Installing the tested packages into .venv with Python {version}; this takes a few minutes.", flush=True)
        if install(ROOT) != 0:
            print(
                "The environment could not be made; pip says why above. It needs a package index (PyPI, or the one\n"
                "that PIP_INDEX_URL names) and space for about 2 GB. Run make again afterwards: it starts over.",
                file=sys.stderr,
            )
            return 1
        print(f"Environment ready in .venv after {time.monotonic() - begin:.0f} s.", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the next make starts the environment over.", file=sys.stderr)
        sys.exit(130)
