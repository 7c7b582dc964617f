"""The argument ``random_state`` as every room reads it."""

from __future__ import annotations

import numpy as np
import pytest

from repro.ground.random_state import as_generator


@pytest.mark.parametrize("number", [5, np.int64(5), np.uint8(5)])
def test_a_number_gives_numpys_own_generator(number) -> None:
    assert as_generator(number).random() == np.random.default_rng(5).random()


def test_a_generator_is_used_as_it_is() -> None:
    generator = np.random.default_rng(1)
    assert as_generator(generator) is generator


def test_two_calls_with_one_legacy_stream_differ_and_can_be_repeated() -> None:
    stream = np.random.RandomState(3)
    first, second = as_generator(stream).random(), as_generator(stream).random()
    again = np.random.RandomState(3)
    assert first != second
    assert [as_generator(again).random(), as_generator(again).random()] == [first, second]


def test_none_takes_other_numbers_every_time() -> None:
    assert as_generator(None).random() != as_generator(None).random()


@pytest.mark.parametrize("wrong", ["7", 1.0, True, [1, 2]])
def test_anything_else_is_refused_by_name(wrong) -> None:
    with pytest.raises(TypeError, match="random_state must be None, a whole number"):
        as_generator(wrong)


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="random_state must be at least 0, got -1"):
        as_generator(-1)
