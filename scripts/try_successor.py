"""Build the book with Jupyter Book 2 in a copy and say what is missing, as Markdown; the book itself stays with 1.

python scripts/try_successor.py PROGRAM REPORT    PROGRAM is its ``jupyter-book``, REPORT the file to write
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1500
"""Seconds that the build may take."""


def copy_to(folder: Path) -> None:
    """Copy the files of the repository, those that git does not know yet included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())


def run(program: str, folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and everything that was printed; a program that does not end in time has the status 124."""
    try:
        finished = subprocess.run(
            [program, *options], cwd=folder, capture_output=True, text=True, input="y\n", timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired as problem:
        return 124, str(problem)
    return finished.returncode, re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", finished.stdout + finished.stderr)


def complaints(log: str) -> Counter[str]:
    """Kinds of errors and warnings of a build, without the places where they occurred, and how often each did."""
    lines = [line.strip() for line in log.splitlines() if re.match(r"\s*(⛔|⚠)", line)]
    return Counter(re.sub(r"^(⛔|⚠)\W*|\S+\.(md|ipynb)(:\d+)*\s*", "", line).strip() for line in lines)


def other_hosts(pages: list[Path]) -> Counter[str]:
    """Hosts from which built pages load scripts, styles or pictures, and on how many pages."""
    found: Counter[str] = Counter()
    for page in pages:
        loaded = re.findall(
            r"<(?:script|img|iframe)[^>]+src=\"([^\"]+)|<link[^>]+stylesheet[^>]+href=\"([^\"]+)",
            page.read_text(encoding="utf-8"),
        )
        found.update({urlsplit("".join(pair)).netloc for pair in loaded} - {""})
    return found


def report(version: str, status: int, log: str, pages: list[Path]) -> str:
    """Say what was tried, what came out, and what is missing."""
    lines = [
        f"# The book built with Jupyter Book {version}",
        "",
        f"Exit status {status}; {len(pages)} pages written. What version 1 gives and the book needs: pages that open",
        "from a file, load nothing from another host, and a build that refuses every warning.",
        "",
        "| missing or complained about | times |",
        "|---|---|",
        *(f"| {text.replace('|', chr(92) + '|')} | {times} |" for text, times in complaints(log).most_common()),
        *(f"| loads from {host} | {times} |" for host, times in other_hosts(pages).most_common()),
        "",
        "<details><summary>The end of the log</summary>",
        "",
        "```text",
        *log.splitlines()[-60:],
        "```",
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try it, write the report and return 0 whatever came out."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, target = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="successor-") as name:
        folder = Path(name)
        copy_to(folder)
        _, version = run(program, folder, "--version")
        _, first = run(program, folder, "init")  # turns the settings and the table of contents into its own
        status, log = run(program, folder, "build", "--html", "--ci")
        pages = sorted((folder / "_build" / "html").rglob("*.html"))
        target.write_text(report(version.strip(), status, first + log, pages), encoding="utf-8")
    print(target.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
