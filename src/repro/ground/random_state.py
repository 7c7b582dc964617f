"""The argument ``random_state``, read in one way everywhere."""

from __future__ import annotations

import numpy as np

RandomState = int | np.random.Generator | np.random.RandomState | None
"""What ``random_state`` may be."""


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Turn a `random_state` of scikit-learn's convention into a generator.

    A whole number always gives the same generator, a Generator is used as it is, a RandomState is asked for a seed (so
    that two calls with the same object differ), None takes entropy from the operating system.

    Raises
    ------
    TypeError
        If it is anything else.
    ValueError
        If a whole number is negative.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    if random_state is None or isinstance(random_state, np.random.Generator):
        return np.random.default_rng(random_state)
    if isinstance(random_state, bool) or not isinstance(random_state, (int, np.integer)):
        raise TypeError(
            f"random_state must be None, a whole number, a numpy Generator or RandomState, got {random_state!r}"
        )
    if random_state < 0:
        raise ValueError(f"random_state must be at least 0, got {random_state}")
    return np.random.default_rng(int(random_state))
