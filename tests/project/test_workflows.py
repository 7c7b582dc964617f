from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
MAY_WRITE = {
    ("gpu.yml", "propose"): {"contents", "pull-requests"},
    ("publish.yml", "deploy"): {"pages", "id-token"},
    ("publish.yml", "release"): {"contents"},
    ("links.yml", "report"): {"issues"},
}
USES = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>\S+)(?P<comment>.*)")


def workflow(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in workflow(path)["jobs"].values() for step in job["steps"]]


def test_the_expected_workflows_exist() -> None:
    assert {path.name for path in FILES} == {
        "ci.yml",
        "gpu.yml",
        "links.yml",
        "publish.yml",
        "successor.yml",
        "weekly.yml",
    }


def test_every_action_is_pinned_by_commit_with_its_release_named() -> None:
    commits: dict[str, set[str]] = {}
    for path in FILES:
        uses = [match for line in path.read_text(encoding="utf-8").splitlines() if (match := USES.search(line))]
        assert len(uses) == sum("uses" in step for step in steps(path))
        for match in uses:
            assert re.fullmatch(r"[0-9a-f]{40}", match["commit"]), match[0]
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", match["comment"]), match[0]
            owner_and_name = "/".join(match["action"].split("/")[:2])
            commits.setdefault(owner_and_name, set()).add(match["commit"])
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rights_are_the_least_that_the_job_needs(path: Path) -> None:
    content = workflow(path)
    assert content["permissions"] == {"contents": "read"}
    for name, job in content["jobs"].items():
        writing = {right for right, level in job.get("permissions", {}).items() if level != "read"}
        assert writing == MAY_WRITE.get((path.name, name), set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_that_may_write_runs_nothing_of_the_project(path: Path) -> None:
    for name, job in workflow(path)["jobs"].items():
        if (path.name, name) in MAY_WRITE:
            scripts = " ".join(step.get("run", "") for step in job["steps"])
            assert not re.search(r"\bmake |\.venv|python|\.ci/", scripts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_checkouts_keep_no_credentials_and_jobs_have_a_time_limit(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    assert all(job["timeout-minutes"] <= 360 for job in workflow(path)["jobs"].values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scripts_take_values_from_variables_and_stop_at_the_first_failure(path: Path) -> None:
    for step in steps(path):
        script = step.get("run", "")
        assert "${{" not in script, "an expression inside a script can be injected into; pass it through env"
        if len(script.strip().splitlines()) > 1 and not script.startswith("echo"):
            assert script.startswith("set -eo pipefail")


def test_the_pull_request_workflow_runs_the_same_script_as_a_person() -> None:
    assert [step["run"] for step in steps(FOLDER / "ci.yml") if "run" in step] == [".ci/run"]


def caches(path: Path, action: str) -> list[dict[str, Any]]:
    return [step for step in steps(path) if step.get("uses", "").startswith(f"actions/cache/{action}@")]


def test_pull_requests_restore_by_content_and_a_cache_cannot_fail_them() -> None:
    restored, saved = caches(FOLDER / "ci.yml", "restore"), caches(FOLDER / "ci.yml", "save")
    assert [step["with"]["path"] for step in restored] == [step["with"]["path"] for step in saved]
    assert {"~/.cache/uv", "~/.cache/pip"} <= set(restored[0]["with"]["path"].split())
    assert {"_build/cells", "_build/results", "_build/executed"} <= set(restored[1]["with"]["path"].split())
    for step in restored:
        key = step["with"]["key"]
        assert "hashFiles(" in key
        assert "constraints.txt" in key
        assert all(part in key for part in ("runner.os", "runner.arch", "matrix.python")), "numbers depend on these"
        assert key.startswith(step["with"]["restore-keys"])
    assert all(step["continue-on-error"] is True for step in [*restored, *saved])
    for step, kept in zip(restored, saved, strict=True):
        assert kept["with"]["key"] == f"${{{{ steps.{step['id']}.outputs.cache-primary-key }}}}"


def test_the_weekly_run_starts_from_nothing_and_verifies_all_tables() -> None:
    path = FOLDER / "weekly.yml"
    assert not [step for step in steps(path) if "cache" in step.get("uses", "") or "cache" in step.get("with", {})]
    jobs = workflow(path)["jobs"]
    assert [step["run"] for step in jobs["everything"]["steps"] if "run" in step] == [
        "make book",
        "make test",
        ".venv/bin/repro verify",
        "make mutations",
    ]
    included = jobs["everything"]["strategy"]["matrix"]["include"]
    machines = {(machine["python"], machine["runner"]) for machine in included}
    assert "3.13" in {python for python, _ in machines}
    assert any(runner.endswith("-arm") for _, runner in machines)
    assert "schedule" in workflow(path)[True]


def test_the_package_is_tried_weekly_with_the_oldest_versions_and_those_of_colab() -> None:
    job = workflow(FOLDER / "weekly.yml")["jobs"]["versions"]
    tried = {entry["versions"]: entry for entry in job["strategy"]["matrix"]["include"]}
    assert tried["oldest"]["options"] == "--resolution lowest-direct"
    assert "pandas==" in tried["Colab"]["pins"]
    (tests,) = [step["run"] for step in job["steps"] if "pytest tests" in step.get("run", "")]
    assert all((FOLDER.parents[1] / name).is_dir() for name in re.findall(r"tests/\w+", tests))


def test_every_notebook_is_run_weekly_alone_with_other_versions_and_in_the_container_of_colab() -> None:
    jobs = workflow(FOLDER / "weekly.yml")["jobs"]
    assert jobs["notebooks"]["strategy"]["matrix"]["versions"] == ["colab", "newest"]
    scripts = {name: " ".join(step.get("run", "") for step in jobs[name]["steps"]) for name in ("notebooks", "colab")}
    assert 'scripts/foreign_environment.py "$VERSIONS"' in scripts["notebooks"]
    assert "docker run" in scripts["colab"]
    assert "scripts/foreign_environment.py here /foreign" in scripts["colab"]
    assert {step["with"]["python-version"] for step in jobs["notebooks"]["steps"] if "setup-python" in str(step)} == {
        "3.13"
    }


def test_what_is_published_comes_from_no_cache() -> None:
    assert not [step for step in steps(FOLDER / "publish.yml") if "actions/cache" in step.get("uses", "")]


def test_paper_runs_use_the_runner_of_the_repository_variable() -> None:
    content = workflow(FOLDER / "gpu.yml")
    assert content["jobs"]["run"]["runs-on"] == "${{ vars.GPU_RUNNER || 'ubuntu-latest' }}"
    triggers = content[True]  # YAML 1.1 reads the key "on" as true
    assert {"schedule", "workflow_dispatch"} == set(triggers)


@pytest.mark.parametrize(
    ("address", "tag", "message"),
    [
        ("https://github.com/set_owner/imbalance-book", "v1.2.0", "still the placeholder"),
        ("https://github.com/somebody-else/imbalance-book", "v1.2.0", "repository.url"),
        ("https://github.com/reader/imbalance-book", "v1.3.0", "does not match the version"),
        ("https://github.com/reader/imbalance-book", "v1.2.0", None),
    ],
)
def test_publishing_is_refused_for_a_wrong_address_or_version(
    tmp_path: Path, address: str, tag: str, message: str | None
) -> None:
    script = next(step["run"] for step in steps(FOLDER / "publish.yml") if step.get("name") == "Address and version")
    files = {
        "_config.yml": f"repository:\n  url: {address}\n",
        "CITATION.cff": f"repository-code: {address}\n",
        "pyproject.toml": f'version = "1.2.0"\nRepository = "{address}"\n',
        "README.md": f"git clone {address}.git\n",
        "notebooks/smote.py": f"# {address}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "ADDRESS": "https://github.com/reader/imbalance-book",
        "TAG": tag,
    }
    command = ["bash", "-e", "-c", script]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (finished.returncode == 0) is (message is None)
    assert message is None or message in finished.stdout
