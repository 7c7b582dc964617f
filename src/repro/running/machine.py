"""What a result depends on besides code and data: the machine, the versions, the commit."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import joblib
import psutil

from repro.ground import files
from repro.results import Hardware

__all__ = [
    "available_cores",
    "commit",
    "hardware",
    "library_versions",
    "present_gpus",
    "processor_name",
    "python_version",
    "tree_hash",
]

RECORDED_LIBRARIES = (
    *("imbalanced-learn", "numpy", "pandas", "scikit-learn", "scipy"),
    *("joblib", "numba", "torch", "xgboost", "xgboost-cpu"),
)


def available_cores() -> int:
    """Physical cores that this process may use; CPU affinity and container limits count."""
    return int(joblib.cpu_count(only_physical_cores=True))


@cache
def library_versions() -> dict[str, str]:
    """Version of each installed library that a number may depend on, by distribution name."""
    versions = {}
    for library in RECORDED_LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def python_version() -> str:
    """Version of this Python, as in ``3.11.7``."""
    return platform.python_version()


@cache
def processor_name() -> str:
    """Model name of the processor as the system reports it, with family and model where the name alone says little.

    Virtual machines give processors of several generations one name; their vector units add up in different orders.
    """
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    if "model name" not in facts:
        return platform.processor() or platform.machine()
    kind = ", ".join(f"{name.removeprefix('cpu ')} {facts[name]}" for name in ("cpu family", "model") if name in facts)
    return f"{facts['model name']} ({kind})" if kind else facts["model name"]


def present_gpus() -> str | None:
    """Names of the NVIDIA GPUs that the driver reports, or None."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ", ".join(answer.stdout.split("\n")).strip(", ") or None


def used_gpu() -> str | None:
    """Name of the GPU that this process has computed on, or None; torch is only asked when it is loaded."""
    torch = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch is not None and torch.cuda.is_initialized() else None


def hardware() -> Hardware:
    """Processor, cores, memory and, where this process used one, GPU of this machine."""
    return Hardware(
        processor=processor_name(),
        cores=available_cores(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=used_gpu(),
    )


def tree_hash(folder: Path) -> str:
    """Hash of the names and contents of all Python, YAML and data files below `folder`: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            digest.update(f"{path.relative_to(folder).as_posix()}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def commit() -> str:
    """Commit that the code was run from.

    Returns
    -------
    str
        Forty hexadecimal digits of the Git commit, with ``-dirty`` when a file below ``src`` differs from it;
        ``tree:`` and a hash of the package's files where there is no Git.
    """
    root = files.project_root()
    if root is not None and (root / ".git").exists():
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "src")
        if head and changed is not None:
            return f"{head}-dirty" if changed else head
    return f"tree:{tree_hash(Path(__file__).resolve().parents[1])}"
