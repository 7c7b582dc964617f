from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DOCUMENTS = ["README.md", "CONTRIBUTING.md"]
LINKED = [*DOCUMENTS, "SECURITY.md", "results/README.md"]


def text_of(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def test_readme_gives_exactly_the_two_commands_first(root: Path) -> None:
    block = re.search(r"```bash\n(.*?)```", text_of(root, "README.md"), flags=re.DOTALL)[1]
    assert re.findall(r"^make \w+", block, flags=re.MULTILINE) == ["make book", "make test"]


def test_readme_says_how_long_the_commands_take_and_how_much_disk(root: Path) -> None:
    readme = " ".join(text_of(root, "README.md").split())
    for command in ("make book", "make test"):
        assert re.search(rf"`{command}`[^.]* about \d+ minutes", readme)
    assert re.search(r"everything together about \d+(?:\.\d)? GB", readme)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_named_in_a_document_exists(root: Path, name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(root, "Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text_of(root, name), flags=re.MULTILINE))
    assert named
    assert named <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_repro_command_and_option_named_in_a_document_exists(root: Path, name: str) -> None:
    from typer.main import get_command

    from repro import studies
    from repro.cli import app

    commands = get_command(app).commands
    calls = re.findall(r"(?:`|^\s*)repro ([a-z-]+)([^`#\n]*)", text_of(root, name), flags=re.MULTILINE)
    assert calls
    for command, arguments in calls:
        assert command in commands
        options = {option for parameter in commands[command].params for option in parameter.opts}
        own = studies.experiments().get(arguments.split()[0]) if command == "run" and arguments.split() else None
        if own is not None and own.own_data is not None:
            options |= {argument.option for argument in own.own_data.arguments}
        assert set(re.findall(r"--[a-z-]+", arguments)) <= options


@pytest.mark.parametrize("name", LINKED)
def test_links_and_pictures_of_a_document_lead_to_files(root: Path, name: str) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", text_of(root, name))
    local = [target for target in targets if "://" not in target and not target.startswith("#")]
    assert [target for target in local if not (root / target).is_file()] == []


def test_the_example_of_a_claim_is_a_valid_claim(root: Path) -> None:
    from repro.protocol.claim import Claim

    block = next(b for b in re.findall(r"```yaml\n(.*?)```", text_of(root, "CONTRIBUTING.md"), flags=re.DOTALL))
    (claim,) = yaml.safe_load(block)
    assert Claim.model_validate(claim).id == "costs-c2"


def test_the_rooms_are_listed_in_the_order_that_is_enforced(root: Path, project) -> None:
    layers = next(c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    line = re.search(r"^    (ground → .*)$", text_of(root, "CONTRIBUTING.md"), flags=re.MULTILINE)[1]
    enforced = [
        [room.strip(" ()").removeprefix("repro.") for room in layer.split("|")]
        for layer in reversed(layers)
        if not layer.startswith("(")
    ]
    assert [sorted(part.strip() for part in room.split("|")) for room in line.split("→")] == [
        sorted(layer) for layer in enforced
    ]


def test_citation_has_the_required_fields_and_the_version_of_the_package(root: Path, project) -> None:
    import repro

    citation = yaml.safe_load(text_of(root, "CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    for field in ("message", "title", "abstract"):
        assert isinstance(citation[field], str)
        assert citation[field]
    assert citation["authors"] == project["project"]["authors"]
    assert citation["version"] == project["project"]["version"] == repro.__version__
    assert citation["title"].startswith("The Imbalance Book")


def test_the_licence_covers_code_prose_and_the_works_of_others(root: Path, project) -> None:
    licence = text_of(root, "LICENSE")
    assert "Redistribution and use in source and binary forms" in licence
    assert "Neither the name of the copyright holder" in licence
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in licence
    assert "Apache License 2.0" in licence
    for name in ("BSD-3-Clause", "CC-BY-4.0", "MIT"):
        assert name in project["project"]["license"]
    named = set(re.findall(r"(?<![\w.])((?:src|book|tests|benchmarks|scripts|notebooks|results)/[\w./-]*)", licence))
    assert {name for name in named if not (root / name.rstrip(".")).exists()} == set()
    assert (root / "src/repro/data/embedded/ATTRIBUTION.md").is_file()
    assert (root / "book/_static/mathjax/LICENSE").is_file()


def test_the_repository_has_one_address_everywhere(root: Path) -> None:
    address = yaml.safe_load(text_of(root, "_config.yml"))["repository"]["url"]
    owner = re.fullmatch(r"https://[\w.-]+/([\w.-]+)/imbalance-book", address)[1]
    files = [root / name for name in ("CITATION.cff", "pyproject.toml", ".zenodo.json", "codemeta.json", *LINKED)]
    for folder in ("book", "notebooks", "src"):
        files += [
            path for path in sorted((root / folder).rglob("*")) if path.suffix in {".py", ".ipynb", ".md", ".yml"}
        ]
    others = {
        str(path.relative_to(root)): sorted(found)
        for path in files
        if (found := {name for name in owners_named(path.read_text(encoding="utf-8")) if name != owner})
    }
    assert others == {}
    for name in ("CITATION.cff", "pyproject.toml", "README.md"):
        assert address in text_of(root, name)


def owners_named(text: str) -> set[str]:
    """Owners in addresses of the repository: on its host, in Colab's, Binder's and the raw form."""
    hosts = r"(?:github\.com|githubusercontent\.com|/github|/gh)"
    return set(re.findall(rf"{hosts}/([\w.-]+)/imbalance-book\b", text)) - {"OWNER"}


def test_hooks_use_the_tools_of_the_environment(root: Path, project) -> None:
    hooks = yaml.safe_load(text_of(root, ".pre-commit-config.yaml"))["repos"][0]["hooks"]
    declared = " ".join(
        text for extra in ("book", "dev") for text in project["project"]["optional-dependencies"][extra]
    )
    for hook in hooks:
        tool = re.match(r"\.venv/bin/(\S+)", hook["entry"])[1]
        assert re.search(rf"(?<![\w-]){tool}(?![\w-])", declared)
    assert [hook["id"] for hook in hooks] == ["ruff-check", "ruff-format", "jupytext-sync", "nbstripout"]


def test_the_readme_says_what_came_out_in_every_chapter(root: Path) -> None:
    from repro.claims import say, sentences
    from repro.studies import chapters

    lines = []
    for chapter in re.findall(r"notebooks/(\w+)", text_of(root, "_toc.yml")):
        first = [say(said[0]) for study in chapters().get(chapter, []) if (said := sentences(study))]
        if first:
            title = re.search(r"^# # (.+)$", text_of(root, f"notebooks/{chapter}.py"), re.MULTILINE)[1]
            found = " ".join(re.match(r"\*\*(.+?)\*\*", said.text)[1].rstrip(".:") + "." for said in first)
            lines.append(f"| [{title}](notebooks/{chapter}.ipynb) | {found} |")
    readme = text_of(root, "README.md")
    missing = [line for line in lines if line not in readme]
    assert len(lines) > 6
    assert not missing, "README.md has to say:\n" + "\n".join(lines)


def test_citation_follows_the_schema_of_its_format(root: Path) -> None:
    """The schema is that of the Citation File Format 1.2.0 (S. Druskat and others, CC BY 4.0), without line breaks."""
    import jsonschema

    schema = json.loads(text_of(root, "tests/project/cff-1.2.0.schema.json"))
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    citation = yaml.load(text_of(root, "CITATION.cff"), Loader=yaml.BaseLoader)  # a version or a day stays a text
    assert [error.message for error in validator.iter_errors(citation)] == []
    assert list(validator.iter_errors({**citation, "licence": "BSD-3-Clause"})), "a misspelt key would be found"
    assert list(validator.iter_errors({**citation, "license": "BSD"})), "an unknown licence would be found"


def test_metadata_for_archives_is_what_citation_and_project_say(root: Path, project) -> None:
    answer = subprocess.run(
        [sys.executable, "scripts/metadata.py", "--check"], cwd=root, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, f"run: python scripts/metadata.py\n{answer.stdout}"
    citation = yaml.safe_load(text_of(root, "CITATION.cff"))
    zenodo, codemeta = (json.loads(text_of(root, name)) for name in (".zenodo.json", "codemeta.json"))
    assert zenodo["title"] == codemeta["name"] == citation["title"]
    assert zenodo["version"] == codemeta["version"] == citation["version"] == project["project"]["version"]
    assert [who["name"] for who in zenodo["creators"]] == [who["name"] for who in citation["authors"]]
    assert zenodo["creators"] == [{"name": who["name"]} for who in codemeta["author"]]
    assert zenodo["license"] == citation["license"]
    assert f"https://spdx.org/licenses/{citation['license']}" in codemeta["license"]
    assert codemeta["codeRepository"] == citation["repository-code"] == project["project"]["urls"]["Repository"]
    assert zenodo["keywords"] == codemeta["keywords"] == citation["keywords"]


def test_metadata_that_differs_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/metadata.py", "CITATION.cff", "pyproject.toml", "codemeta.json", ".zenodo.json"):
        (tmp_path / name).write_text(text_of(root, name).replace("SMOTE", "RUS" if name == "CITATION.cff" else "SMOTE"))
    command = [sys.executable, str(tmp_path / "scripts" / "metadata.py")]
    checked = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert {line.partition(":")[0] for line in checked.stdout.splitlines()} == {"codemeta.json", ".zenodo.json"}
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert "RUS" in json.loads((tmp_path / ".zenodo.json").read_text())["keywords"]
    assert subprocess.run([*command, "--check"], check=False).returncode == 0


def test_description_of_the_results_names_every_key_and_its_code_runs(
    root: Path, capsys: pytest.CaptureFixture
) -> None:
    from repro.protocol.profile import CONTROL, PROFILES
    from repro.results.provenance import Provenance

    text = text_of(root, "results/README.md")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line and not line.startswith("import")]) == 3
    exec(code.replace("results/", f"{root}/results/"), {})
    assert "mean" in capsys.readouterr().out
    keys = text.partition("## Keys of a description")[2].partition("## Licence")[0]
    assert set(re.findall(r"`(\w+)`", keys)) == set(Provenance.model_fields)
    assert set(re.findall(r"<experiment>\.(\w+)\.csv", text)) == {*PROFILES, CONTROL}


def test_the_package_in_five_lines_runs(root: Path, capsys: pytest.CaptureFixture) -> None:
    code = re.findall(r"```python\n(.*?)```", text_of(root, "README.md"), flags=re.DOTALL)[0]
    assert len([line for line in code.splitlines() if line and not line.startswith("from ")]) == 5
    exec(code, {})
    assert "Interval(estimate=0." in capsys.readouterr().out


def test_the_picture_of_the_readme_is_light_and_told_in_words(root: Path) -> None:
    (told, picture), *_ = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", text_of(root, "README.md"))
    assert len(told.split()) > 10
    assert (root / picture).stat().st_size < 100_000
