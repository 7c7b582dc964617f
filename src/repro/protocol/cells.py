"""Declaring the cells of an experiment: combinations of options, and several such declarations together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import get_args

from repro.protocol.experiment import VARIANT, Parameters, Scalar

Cells = Callable[[], Sequence[Parameters]]
"""What an experiment declares for a profile: a function without arguments that lists the parameter sets."""


def combinations(*variants: str, **options: Iterable[Scalar]) -> Cells:
    """Declare all combinations of options, for control runs once for each variant.

    Parameters
    ----------
    *variants : str
        Names of the controls; none for the experiment proper. Each gives all combinations again, with the parameter
        ``variant`` added at the end.
    **options : iterable of str, int, float, bool or None
        Values of each parameter, read once, here.

    Returns
    -------
    callable
        Lists new parameter sets at each call: the first variant first, then in the order of
        :func:`itertools.product`, the last option moving fastest.

    Raises
    ------
    TypeError
        If the values of an option are a single text or no iterable, one of them is no scalar, or a variant is no text.
    ValueError
        If an option has no values, or ``variant`` is an option where variants are named.

    Examples
    --------
    >>> combinations(dataset=["a", "b"], seed=range(2))()
    [{'dataset': 'a', 'seed': 0}, {'dataset': 'a', 'seed': 1}, {'dataset': 'b', 'seed': 0}, {'dataset': 'b', 'seed': 1}]
    >>> combinations("labels_permuted", dataset=["a"])()
    [{'dataset': 'a', 'variant': 'labels_permuted'}]
    """
    for variant in variants:
        if not isinstance(variant, str):
            raise TypeError(f"variants must be names of controls, got {variant!r}")
    if variants and VARIANT in options:
        raise ValueError(f"{VARIANT!r} must not be an option where variants are named, got {options[VARIANT]!r}")
    values = {name: _values(name, option) for name, option in options.items()}

    def cells() -> list[Parameters]:
        combined: list[dict[str, Scalar]] = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
        if not variants:
            return list(combined)
        return [parameters | {VARIANT: variant} for variant in variants for parameters in combined]

    return cells


def _values(name: str, option: Iterable[Scalar]) -> tuple[Scalar, ...]:
    if isinstance(option, str | bytes) or not isinstance(option, Iterable):
        raise TypeError(
            f"option {name!r} must be an iterable of values, got {option!r}; a single value goes into a list"
        )
    values = tuple(option)
    if not values:
        raise ValueError(f"option {name!r} has no values, so there would be no cells; at least one is needed")
    for value in values:
        if not isinstance(value, get_args(Scalar)):
            raise TypeError(
                f"values of option {name!r} must be str, int, float, bool or None, got {value!r} of type "
                f"{type(value).__name__}"
            )
    return values


def together(*declared: Cells) -> Cells:
    """Declare the cells of several declarations, one declaration after the other.

    Parameters
    ----------
    *declared : callable
        Results of :func:`combinations` or other functions that list parameter sets.

    Returns
    -------
    callable
        Lists all their parameter sets, those of the first declaration first.

    Raises
    ------
    TypeError
        If one is no function.
    """
    for cells in declared:
        if not callable(cells):
            raise TypeError(f"declared must be functions that list parameter sets, got {cells!r}")
    return lambda: [parameters for cells in declared for parameters in cells()]
