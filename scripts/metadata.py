"""Write ``codemeta.json`` and ``.zenodo.json`` from ``CITATION.cff`` and ``pyproject.toml``, which alone are edited.

python scripts/metadata.py            write both
python scripts/metadata.py --check    exit status 1 when one of them is not what would be written
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
EDIT = "CITATION.cff and pyproject.toml"


def codemeta(citation: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
    """Describe the software in CodeMeta 3.0, a vocabulary of JSON-LD."""
    repository = citation["repository-code"]
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": citation["title"],
        "identifier": project["name"],
        "description": citation["abstract"].strip(),
        "version": citation["version"],
        "author": [{"@type": "Organization", "name": author["name"]} for author in citation["authors"]],
        "license": [f"https://spdx.org/licenses/{name}" for name in project["license"].split(" AND ")],
        "keywords": citation["keywords"],
        "codeRepository": repository,
        "issueTracker": f"{repository}/issues",
        "readme": f"{repository}/blob/v{citation['version']}/README.md",
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {project['requires-python']}",
        "softwareRequirements": project["dependencies"],
        "inLanguage": "en",
    }


def zenodo(citation: dict[str, Any]) -> dict[str, Any]:
    """Describe a release as Zenodo deposits it."""
    return {
        "title": citation["title"],
        "upload_type": citation["type"],
        "description": citation["abstract"].strip(),
        "version": citation["version"],
        "creators": [{"name": author["name"]} for author in citation["authors"]],
        "license": citation["license"],
        "keywords": citation["keywords"],
        "access_right": "open",
        "language": "eng",
        "notes": "Code: BSD-3-Clause. Prose, figures, tables: CC-BY-4.0. Embedded data sets keep their licences.",
        "related_identifiers": [
            {
                "identifier": f"{citation['repository-code']}/tree/v{citation['version']}",
                "relation": "isSupplementTo",
                "scheme": "url",
            }
        ],
    }


def metadata(root: Path = ROOT) -> dict[str, str]:
    """Text of both files by name, from the checkout in `root`."""
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    described = {"codemeta.json": codemeta(citation, project), ".zenodo.json": zenodo(citation)}
    return {name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in described.items()}


def main() -> int:
    """Write the files, or compare them; the exit status says whether they are what they should be."""
    different = []
    for name, text in metadata().items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            different.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    for name in different:
        print(f"{name}: {'not what' if '--check' in sys.argv else 'written from what'} {EDIT} say")
    return int("--check" in sys.argv and bool(different))


if __name__ == "__main__":
    sys.exit(main())
