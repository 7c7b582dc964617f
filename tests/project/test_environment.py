"""Making the environment: what makes it out of date, when it is made anew, and what is said when it cannot be made."""

from __future__ import annotations

import http.server
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "example"
version = "1"
dependencies = ["numpy>=2"]
[tool.ruff]
line-length = 100
"""
SHARED = pytest.mark.xdist_group("environment")
FILES = {"pyproject.toml": PROJECT, "constraints.txt": "numpy==2.4.6\n"}


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / "environment.py"
    spec = importlib.util.spec_from_file_location("project_environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def stamped(environment: ModuleType, checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (checkout / ".venv" / ".stamp").write_text(environment.stamp(checkout), encoding="utf-8")


def test_a_stamped_environment_is_current(environment: ModuleType, checkout: Path) -> None:
    assert not environment.is_current(checkout)
    stamped(environment, checkout)
    assert environment.is_current(checkout)


@pytest.mark.parametrize(
    ("file", "old", "new", "current"),
    [
        ("constraints.txt", "2.4.6", "2.4.5", False),
        ("pyproject.toml", "numpy>=2", "numpy>=2.1", False),
        ("pyproject.toml", "line-length = 100", "line-length = 120", True),
    ],
)
def test_only_what_decides_the_packages_makes_it_out_of_date(
    environment: ModuleType, checkout: Path, file: str, old: str, new: str, current: bool
) -> None:
    stamped(environment, checkout)
    path = checkout / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert environment.is_current(checkout) is current


def test_a_moved_checkout_is_out_of_date(environment: ModuleType, checkout: Path, tmp_path: Path) -> None:
    stamped(environment, checkout)
    moved = shutil.copytree(checkout, tmp_path / "moved", symlinks=True)
    assert not environment.is_current(moved)


def test_a_working_environment_is_kept(environment: ModuleType, checkout: Path) -> None:
    assert environment.reason_to_start_over(checkout) is None
    stamped(environment, checkout)
    assert environment.reason_to_start_over(checkout) is None
    assert environment.reason_to_start_over(checkout, version_wanted="{}.{}".format(*sys.version_info)) is None


def test_half_made_and_broken_environments_are_made_anew(environment: ModuleType, checkout: Path) -> None:
    stamped(environment, checkout)
    (checkout / ".venv" / ".unfinished").touch()
    assert "did not finish" in environment.reason_to_start_over(checkout)
    (checkout / ".venv" / ".unfinished").unlink()
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/usr/bin/python-that-was-removed")
    assert "Python does not work" in environment.reason_to_start_over(checkout)


def test_another_version_asked_for_means_a_new_environment(environment: ModuleType, checkout: Path) -> None:
    stamped(environment, checkout)
    assert "PYTHON asks for 3.99" in environment.reason_to_start_over(checkout, version_wanted="3.99")


def test_a_full_disk_is_named_before_anything_is_written(environment: ModuleType, tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    other = tmp_path / "other"
    other.mkdir()
    assert environment.shortage_of_space({tmp_path: 1.0, other: 1.0}) is None
    problem = environment.shortage_of_space({tmp_path: 0.75 * free, other: 0.75 * free})
    assert "Not enough space" in problem
    assert str(tmp_path) in problem


@pytest.fixture(scope="module")
def without_index(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A checkout in which the script was run where nothing can be installed, and how that ended."""
    checkout = tmp_path_factory.mktemp("without-index")
    (checkout / "scripts").mkdir()
    shutil.copy(root / "scripts" / "environment.py", checkout / "scripts")
    for name, text in FILES.items():
        (checkout / name).write_text(text, encoding="utf-8")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    settings |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "HOME": str(checkout), "PATH": "/usr/bin:/bin"}
    script = checkout / "scripts" / "environment.py"
    return checkout, subprocess.run([sys.executable, script], env=settings, capture_output=True, text=True, check=False)


@pytest.fixture
def with_an_empty_environment(checkout: Path, without_index: tuple[Path, object]) -> Path:
    """A checkout whose ``.venv`` holds pip alone."""
    shutil.copytree(without_index[0] / ".venv", checkout / ".venv", symlinks=True)
    return checkout


@SHARED
def test_without_a_package_index_the_message_says_what_is_needed(
    without_index: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    checkout, finished = without_index
    assert finished.returncode == 1
    assert "No matching distribution" in finished.stderr, "the reason of pip, which is the last to try"
    assert "package index" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert (checkout / ".venv" / ".unfinished").exists()
    assert not (checkout / ".venv" / ".stamp").exists()


UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
printf '%s\\n' "$@" >"$RECORD"
echo "certificate=$SSL_CERT_FILE timeout=$UV_HTTP_TIMEOUT" >>"$RECORD"
exit $STATUS
"""


@pytest.fixture
def machine(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH beside the system's own, on a machine where pip has no settings."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (checkout / "_build").mkdir()
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PATH": f"{commands}:/usr/bin:/bin"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    return commands


def command(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)


@SHARED
def test_uv_on_the_path_installs_what_pip_would_from_where_pip_would(
    environment: ModuleType,
    with_an_empty_environment: Path,
    machine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checkout = with_an_empty_environment
    command(machine, "uv", UV)
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nextra-index-url = file:///one file:///two\nfind-links = /overruled\ncert = /certificates.pem\n"
        "[install]\nfind-links = /wheels\n[download]\nno-index = true\n",
        encoding="utf-8",
    )
    for name, value in {
        "PIP_CONFIG_FILE": str(settings),
        "PIP_CONSTRAINT": "/cap.txt",
        "PIP_DEFAULT_TIMEOUT": "60",
        "PIP_TARGET": "/elsewhere",
        "STATUS": "0",
        "UV_TORCH_BACKEND": "auto",
    }.items():
        monkeypatch.setenv(name, value)
    assert environment.install(checkout) == "uv"
    *seen, variables = (tmp_path / "record").read_text(encoding="utf-8").splitlines()
    pairs = set(itertools.pairwise(seen))
    assert seen[:4] == ["pip", "install", "--python", str(checkout / ".venv" / "bin" / "python")]
    assert {("-c", "constraints.txt"), ("-e", f".[{environment.EXTRAS}]"), ("-c", "/cap.txt")} <= pairs
    assert {("--extra-index-url", "file:///one"), ("--extra-index-url", "file:///two")} <= pairs
    assert [value for name, value in pairs if name == "--find-links"] == ["/wheels"]
    assert not {"--no-index", "--torch-backend", "/elsewhere"} & set(seen)
    assert variables == "certificate=/certificates.pem timeout=60"
    assert environment.is_current(checkout)
    assert environment.reason_to_start_over(checkout) is None, "pip is there too"
    assert list((checkout / "_build").iterdir()) == []


@SHARED
def test_where_uv_fails_pip_starts_from_an_empty_environment(
    environment: ModuleType,
    with_an_empty_environment: Path,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    checkout = with_an_empty_environment
    command(machine, "uv", UV.replace("exit $STATUS", 'touch "${4%/bin/python}/half"; echo "no answer" >&2; exit 3'))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert environment.install(checkout) is None
    captured = capfd.readouterr()
    assert "uv could not install them, for the reason above; now pip tries." in captured.out
    assert captured.err.index("no answer") < captured.err.index("No matching distribution")
    assert not (checkout / ".venv" / "half").exists()
    assert not environment.is_current(checkout)
    assert "did not finish" in environment.reason_to_start_over(checkout)


class Index(http.server.BaseHTTPRequestHandler):
    """An index that answers every question with an empty page and knows what it was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.parametrize(
    ("seen", "answers", "settings", "offered"),
    [
        (None, True, {}, True),
        (None, False, {}, False),
        (None, True, {"no-index": "true"}, False),
        ("echo 'GPU 0: a device'", True, {}, False),
        ("echo 'No devices were found'", True, {}, True),
        ("echo 'GPU 0: a device'; exit 9", True, {}, True),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PyPI has no build with CUDA")
def test_pytorch_is_the_processor_build_unless_a_gpu_is_seen(
    environment: ModuleType,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    seen: str | None,
    answers: bool,
    settings: dict[str, str],
    offered: bool,
) -> None:
    command(machine, "nvidia-smi", f"#!/bin/sh\n{seen or 'exit 127'}\n")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        closed = f"http://127.0.0.1:{server.server_port}"
    Index.asked = []
    with http.server.HTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(environment, "PROCESSOR_INDEX", opened if answers else closed)
        assert environment.processor_build_offered(settings) is offered
        server.shutdown()
    assert Index.asked == (["/torch/"] if offered else [])
