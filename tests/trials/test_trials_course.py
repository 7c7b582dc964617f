"""What is measured in the course of a training comes back from its file as it went in, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.trials.course import parse_course, read_course, write_course


def test_a_course_comes_back_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "run.epochs"
    assert read_course(file) == read_course(None) == {}
    course = {7: {"uniform": 0.1 + 0.2, "forward-50": 1.0}, 12: {}}
    write_course(file, course)
    assert read_course(file) == course
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("text", ["[7", "[7]", '{"seven": {}}', '{"7": 0.5}', '{"7": {"uniform": null}}'])
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.epochs"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"run\.epochs is damaged .* move it away"):
        read_course(file)
    assert file.read_text() == text
    with pytest.raises(ValueError, match=r"course of a training|Expecting|invalid literal"):
        parse_course(text)
