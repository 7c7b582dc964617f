"""Make or repair the project's environment ``.venv``; called by the Makefile, uses only the standard library.

The packages are installed by uv, from the PATH or fetched for the occasion, and by pip where uv cannot do it; the
versions are the same. PyTorch comes as the build for the processor alone, unless ``nvidia-smi`` sees a GPU.

python scripts/environment.py                make it, or bring it up to date; does nothing when it is current
python scripts/environment.py --is-current   exit status 0 when there is nothing to do
"""

from __future__ import annotations

import ast
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
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "book,test,dev,torch"
WANTED = ["-c", "constraints.txt", "-e", f".[{EXTRAS}]"]
GIGABYTE = 1e9
ENVIRONMENT_SIZE = 2.5 * GIGABYTE
DOWNLOAD_SIZE = 0.7 * GIGABYTE
PROCESSOR_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 5.0
# Where packages come from is said once, to pip; these of its settings uv takes as options, those below as variables.
UV_OPTIONS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "constraint": "-c",
    "trusted-host": "--allow-insecure-host",
}
UV_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


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


def variables() -> dict[str, str]:
    """Environment of the installers: a user's own settings may send packages elsewhere; here they belong into .venv."""
    elsewhere = {"PIP_TARGET", "PIP_PREFIX", "UV_SYSTEM_PYTHON"}
    return {name: value for name, value in os.environ.items() if name not in elsewhere} | {"PIP_USER": "0"}


def pip_command(root: Path, *arguments: str) -> list[str]:
    """Command line of the pip in ``.venv``."""
    return [str(root / ".venv" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *arguments]


def pip_settings(root: Path) -> dict[str, str]:
    """Read what pip's files and variables set for ``pip install``, by the name of the option."""
    command = pip_command(root, "config", "list")
    listed = subprocess.run(command, env=variables(), capture_output=True, text=True, check=False).stdout
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in found:
            found[section][option] = str(ast.literal_eval(value))
    return found["global"] | found["install"] | found[":env:"]


def without_index(settings: Mapping[str, str]) -> bool:
    """Whether pip is told to look into no package index."""
    return settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}


def processor_build_offered(settings: Mapping[str, str]) -> bool:
    """Whether PyTorch is to come from its own index of builds without CUDA (on Linux PyPI has those with CUDA)."""
    if sys.platform != "linux" or without_index(settings) or "UV_TORCH_BACKEND" in os.environ:
        return False
    try:
        seen = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
        if seen.returncode == 0 and "GPU" in seen.stdout:
            return False
    except OSError:
        pass
    try:
        with urllib.request.urlopen(f"{PROCESSOR_INDEX}/torch/", timeout=PROBE_SECONDS):  # noqa: S310
            return True
    except OSError:
        print(f"{PROCESSOR_INDEX} does not answer: PyTorch comes from where the other packages do.", flush=True)
        return False


def find_uv(root: Path, folder: Path) -> str | None:
    """Command of uv: that on the PATH, else one that pip fetches into `folder`, else None."""
    on_path = shutil.which("uv")
    if on_path is None:
        options = ["--quiet", "--no-deps", "--only-binary", "uv", "--target", str(folder), "-c", "constraints.txt"]
        command = pip_command(root, "install", *options, "uv")
        subprocess.run(command, cwd=root, env=variables(), capture_output=True, check=False)
    uv = on_path or str(folder / "bin" / "uv")
    try:  # a name on the PATH need not work, and a folder may forbid to run what lies in it
        return uv if subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0 else None
    except OSError:
        return None


def make_empty(root: Path) -> int:
    """Make ``.venv`` with pip and nothing else; return the exit status."""
    environment = root / ".venv"
    status = subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=False).returncode
    (environment / ".unfinished").touch()
    return status


def with_uv(root: Path, settings: Mapping[str, str], processor_build: bool) -> bool:
    """Install the package with its extras by uv; say whether that worked, leave an empty ``.venv`` if not."""
    with tempfile.TemporaryDirectory(prefix="uv-", dir=root / "_build") as folder:
        uv = find_uv(root, Path(folder))
        if uv is None:
            return False
        command = [uv, "pip", "install", "--python", str(root / ".venv" / "bin" / "python"), *WANTED]
        command += ["--index-strategy", "unsafe-best-match"]  # all indexes are equal, as they are for pip
        for name, option in UV_OPTIONS.items():
            command += [text for value in settings.get(name, "").split() for text in (option, value)]
        command += ["--no-index"] if without_index(settings) else []
        command += ["--torch-backend", "cpu"] if processor_build else []
        command += [] if sys.stdout.isatty() else ["--quiet"]
        handed = {UV_VARIABLES[name]: value for name, value in settings.items() if name in UV_VARIABLES}
        if subprocess.run(command, cwd=root, env=variables() | handed, check=False).returncode == 0:
            return True
    print("uv could not install them, for the reason above; now pip tries.", flush=True)
    make_empty(root)
    return False


def with_pip(root: Path, processor_build: bool) -> bool:
    """Install the package with its extras by pip; say whether that worked."""
    command = pip_command(root, "install", *WANTED)
    command += ["--extra-index-url", PROCESSOR_INDEX] if processor_build else []
    command += [] if sys.stdout.isatty() else ["--quiet", "--progress-bar", "off"]
    return subprocess.run(command, cwd=root, env=variables(), check=False).returncode == 0


def install(root: Path) -> str | None:
    """Create ``.venv`` where it is missing and install the package with its extras.

    Returns
    -------
    str or None
        Name of the program that did it; None when neither could.
    """
    environment = root / ".venv"
    environment.mkdir(exist_ok=True)
    (environment / ".unfinished").touch()
    (environment / ".stamp").unlink(missing_ok=True)
    if not (environment / "bin" / "python").exists() and make_empty(root) != 0:
        return None
    settings = pip_settings(root)
    processor_build = processor_build_offered(settings)
    if with_uv(root, settings, processor_build):
        installer = "uv"
    elif with_pip(root, processor_build):
        installer = "pip"
    else:
        return None
    (environment / ".stamp").write_text(stamp(root) + "\n", encoding="utf-8")
    (environment / ".unfinished").unlink()
    return installer


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
        print(
            f"Installing the tested packages into .venv with Python {version}; this takes a minute or two with uv, "
            "a few more with pip.",
            flush=True,
        )
        installer = install(ROOT)
        if installer is None:
            print(
                "The environment could not be made; the reason stands above. It needs a package index (PyPI or that\n"
                "which PIP_INDEX_URL names) and space for about 3 GB. Run make again afterwards: it starts over.",
                file=sys.stderr,
            )
            return 1
        print(
            f"Environment ready in .venv after {time.monotonic() - begin:.0f} s (installed by {installer}).", flush=True
        )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("Interrupted; the next make starts the environment over.", file=sys.stderr)
        sys.exit(130)
