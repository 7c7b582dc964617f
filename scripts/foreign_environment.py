"""Run the notebooks as a stranger's machine does: other versions of the libraries, the notebook file alone.

python scripts/foreign_environment.py versions              what there is to try
python scripts/foreign_environment.py colab FOLDER          make an environment with Colab's versions and run all there
python scripts/foreign_environment.py newest FOLDER --only closed_form --python /usr/bin/python3.13
python scripts/foreign_environment.py here FOLDER           run them with the interpreter that runs this, in a container

FOLDER is made when it is missing; the report is FOLDER/report.md and goes to the output too. The install cell of each
notebook gets a wheel of this checkout in place of the address of the repository, and does what it does in Colab.
Needs uv on the PATH or pip; uses only the standard library.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1200
"""Seconds that one notebook may take."""

COLAB = {
    "numpy": "2.1.3",
    "pandas": "2.2.3",
    "scikit-learn": "1.6.1",
    "numba": "0.61.2",
    "psutil": "5.9.5",
    "torch": "2.11.*",
}
"""What Colab has of the libraries whose versions matter here; its Python is 3.13."""

BROUGHT_ALONG = (
    "filelock",
    "jinja2",
    "joblib",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pillow",
    "platformdirs",
    "psutil",
    "pydantic",
    "pyyaml",
    "rich",
    "safetensors",
    "scikit-learn",
    "scipy",
    "seaborn",
    "threadpoolctl",
    "torch",
    "typer",
    "xgboost",
)
"""What Colab has installed of all that the package needs: the install cell brings nothing but the rest."""

RUNNER = ("ipykernel", "nbclient", "nbformat")
ENVIRONMENTS = ("colab", "newest", "here")
SHOWN = ("numpy", "pandas", "scipy", "scikit-learn", "numba", "psutil", "matplotlib", "torch")

EXECUTE = """
import os, sys, types
import nbformat
from nbclient import NotebookClient
path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
in_colab = "import sys, types; sys.modules.setdefault('google.colab', types.ModuleType('google.colab'))"
notebook.cells.insert(0, nbformat.v4.new_code_cell(in_colab))
try:
    place = {"metadata": {"path": os.path.dirname(path)}}
    NotebookClient(notebook, timeout=int(sys.argv[2]), resources=place).execute()
finally:
    nbformat.write(notebook, path)
"""
"""The notebook believes that it is in Colab, so that its first cell installs."""


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: its seconds, and the last line of the error or an empty text."""

    notebook: str
    seconds: float
    error: str


def say(text: str) -> None:
    """Write a line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def chapters(only: Sequence[str]) -> list[Path]:
    """Notebooks of the names given, all where there is none.

    Raises
    ------
    ValueError
        If there is no such notebook; names those there are.
    """
    found = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    for name in only:
        if name not in found:
            raise ValueError(f"there is no notebook {name!r}; there are {', '.join(found)}")
    return [found[name] for name in only or found]


def requirements(environment: str) -> list[str]:
    """List what is installed before the notebook comes, as requirements; nothing where the interpreter has all."""
    if environment == "here":
        return []
    pins = COLAB if environment == "colab" else {}
    return [f"{name}=={pins[name]}" if name in pins else name for name in (*BROUGHT_ALONG, *RUNNER)]


def build_wheel(folder: Path, python: str) -> Path:
    """Build a wheel of this checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(environment: str, folder: Path, python: str) -> str:
    """Make a fresh environment, install what is there before the notebook comes, and give its interpreter."""
    if environment == "here":
        return sys.executable
    target = folder / "environment"
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(target)], check=True)
    inside = str(target / "bin" / "python")
    wanted = requirements(environment)
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "pip", "install", "--python", inside, "--torch-backend", "cpu", *wanted], check=True)
    else:
        subprocess.run([inside, "-m", "pip", "install", "--quiet", *wanted], check=True)
    return inside


def with_wheel(notebook: Path, wheel: Path) -> str:
    """Text of a notebook whose install cell takes a wheel instead of the address of the repository.

    Raises
    ------
    ValueError
        If its first code cell names no address.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    first = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    source, count = re.subn(r'"git\+https://[^"]+"', json.dumps(str(wheel)), "".join(first["source"]))
    if count != 1:
        raise ValueError(f"{notebook.name}: the first code cell must name one address to install from, found {count}")
    first["source"] = source
    return json.dumps(content)


def run(notebook: Path, wheel: Path, python: str, folder: Path) -> Outcome:
    """Run one notebook alone in a folder of its own, after removing what an earlier one has installed."""
    place = folder / "run" / notebook.stem
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    copy = place / notebook.name
    copy.write_text(with_wheel(notebook, wheel), encoding="utf-8")
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "imbalance-book"], check=False)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REPRO_", "PYTHONPATH"))}
    beginning = time.monotonic()
    try:
        finished = subprocess.run(
            [python, "-c", EXECUTE, str(copy), str(LIMIT)],
            cwd=place,
            env={**kept, "HOME": str(place)},
            capture_output=True,
            text=True,
            timeout=2 * LIMIT,
            check=False,
        )
        lines = [line for line in finished.stderr.strip().splitlines() if line.strip()] or ["ended without a word"]
        error = lines[-1] if finished.returncode else ""
        (place / "log.txt").write_text(finished.stdout + finished.stderr, encoding="utf-8")
    except subprocess.TimeoutExpired:
        error = f"not done after {2 * LIMIT} seconds"
    return Outcome(notebook.stem, time.monotonic() - beginning, re.sub(r"\x1b\[[\d;]*m", "", error))


def versions_of(python: str) -> dict[str, str]:
    """Versions of Python and of the libraries that matter."""
    code = (
        "import importlib.metadata as m, json, platform\n"
        f"v = {{n: m.version(n) for n in {SHOWN!r} if list(m.distributions(name=n))}}\n"
        "print(json.dumps({'Python': platform.python_version(), **v}))"
    )
    finished = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(finished.stdout))


def report(environment: str, versions: dict[str, str], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Give the lines of the report, as Markdown."""
    good = sum(not outcome.error for outcome in outcomes)
    yield f"# Notebooks in the environment {environment!r}: {good} of {len(outcomes)} run to their end"
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in versions.items())
    yield ""
    yield "| notebook | seconds | outcome |"
    yield "|---|---|---|"
    for one in outcomes:
        yield f"| {one.notebook} | {one.seconds:.0f} | {one.error.replace('|', chr(92) + '|') or 'runs'} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try one environment; 0 when all notebooks run to their end, 1 when one does not, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", choices=[*ENVIRONMENTS, "versions"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--python", default=sys.executable, help="interpreter that the environment is made from")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these notebooks")
    parser.add_argument("--keep", action="store_true", help="use the environment that is in FOLDER already")
    given = parser.parse_args(arguments)
    if given.environment == "versions":
        for name in ENVIRONMENTS:
            say(f"{name}: {' '.join(requirements(name)) or 'what is installed'}")
        return 0
    if given.folder is None:
        parser.error("name a folder")
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        notebooks = chapters(given.only)
    except ValueError as error:
        parser.error(str(error))
    if given.environment == "here" and importlib.util.find_spec("repro") is not None:
        parser.error("the package is installed for this interpreter; a stranger's machine has none")
    inside = folder / "environment" / "bin" / "python"
    python = (
        str(inside) if given.keep and inside.exists() else make_environment(given.environment, folder, given.python)
    )
    wheel = build_wheel(folder / "wheel", python)
    outcomes = []
    for notebook in notebooks:
        outcomes.append(run(notebook, wheel, python, folder))
        say(f"{outcomes[-1].notebook}: {outcomes[-1].seconds:.0f} s, {outcomes[-1].error or 'runs'}")
    text = "\n".join(report(given.environment, versions_of(python), outcomes)) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    say(text)
    return 1 if any(outcome.error for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
