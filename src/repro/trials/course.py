"""What is measured in the course of a training, kept in a file so that an interruption loses none of it."""

from __future__ import annotations

import json
from pathlib import Path

from repro.ground.files import atomic_path

Course = dict[int, dict[str, float]]
"""From a number of epochs to what was measured then."""


def course_text(course: Course) -> str:
    """Course as JSON."""
    return json.dumps(course)


def parse_course(text: str) -> Course:
    """Course from the text that :func:`course_text` gives.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        return {int(epoch): {name: float(one) for name, one in of.items()} for epoch, of in json.loads(text).items()}
    except (AttributeError, TypeError) as problem:
        raise ValueError(f"no course of a training: {problem}") from problem


def read_course(file: Path | None) -> Course:
    """Course that a file holds; empty without a file.

    Raises
    ------
    ValueError
        If the file is damaged; it is kept.
    """
    if file is None or not file.exists():
        return {}
    try:
        return parse_course(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{file} is damaged ({problem}); move it away to go on without it") from problem


def write_course(file: Path, course: Course) -> None:
    """Put a course into a file, whole or not at all."""
    with atomic_path(file) as temporary:
        temporary.write_text(course_text(course), encoding="utf-8")
