"""Values that a claim names and no table holds: misspelt ones, which would otherwise only show as not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from repro.claims.tidy import TidyRows
from repro.ground.exceptions import UnknownName
from repro.protocol.claim import Claim
from repro.protocol.experiment import Experiment, Scalar
from repro.results import scalar_text


def _named_values(claim: Claim) -> Iterator[tuple[str, str, Scalar]]:
    """Yield the key, the setting column and the value of everything that a claim asks a table for."""
    quantity = claim.quantity
    places = [("quantity", quantity.contrast, quantity.where)]
    places += [(f"quantity.parts[{n}]", part.contrast, part.where) for n, part in enumerate(quantity.parts)]
    for place, contrast, where in places:
        for value in contrast or ():
            yield f"{place}.contrast", quantity.column, value
        for column, wanted in where.items():
            for value in wanted if isinstance(wanted, list) else [wanted]:
                yield f"{place}.where.{column}", column, value
    for value in quantity.order or ():
        yield "quantity.order", quantity.column, value


def misspelt_values(claim: Claim, experiment: Experiment, frames: Mapping[str, TidyRows]) -> list[str]:
    """Find the values of ``where``, ``contrast`` and ``order`` that no table of a claim's experiment holds.

    Parameters
    ----------
    claim : Claim
        The claim.
    experiment : Experiment
        The experiment that it names. The parameters of its cells count as values too, so that a claim may be ahead of
        the tables.
    frames : mapping of str to TidyRows
        Its tables by profile, ``control`` included.

    Returns
    -------
    list of str
        One message for each, with claim, key, value and the nearest values that exist. Empty when a table of a profile
        that the experiment declares is not at hand: the value may stand there.
    """
    if set(experiment.cells) - set(frames):
        return []
    known: dict[str, dict[str, None]] = {}
    parameters = pd.DataFrame([dict(cell) for cells in experiment.cells.values() for cell in cells()])
    for name in experiment.settings:
        texts = [frame.columns[name].texts for frame in frames.values() if name in frame.columns]
        if name in parameters.columns:
            texts.append(tuple(map(scalar_text, parameters[name].unique())))
        if texts:
            known[name] = dict.fromkeys(text for of_table in texts for text in of_table)
    messages = []
    for key, column, value in _named_values(claim):
        text = scalar_text(value)
        if column in known and text not in known[column]:
            error = UnknownName(f"value of column {column!r}", text, [name for name in known[column] if name])
            messages.append(
                f"claim {claim.id}: key '{key}': no table of {claim.experiment} ({', '.join(frames)}) has it: {error}"
            )
    return list(dict.fromkeys(messages))
