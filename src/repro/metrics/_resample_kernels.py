"""Compiled loops of the bootstrap of ranking metrics: multiplicities of the rows, and the metrics they give."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from repro.ground.compiling import kernel

Floats: TypeAlias = NDArray[np.float64]
RowNumbers: TypeAlias = NDArray[np.int32]
Counts: TypeAlias = NDArray[np.uint8]
Flags: TypeAlias = NDArray[np.bool_]


@kernel
def count_rows(rows: RowNumbers, multiplicity: Counts) -> None:
    """Add one to the multiplicity of every drawn row."""
    for row in rows:
        multiplicity[row] += 1


@kernel
def resampled_metrics(
    rows: RowNumbers, positive: Flags, starts: Flags, ends: NDArray[np.int64], multiplicity: Counts, out: Floats
) -> None:
    """AUROC and average precision of several rankings, laid end to end, for rows counted by their multiplicity.

    Parameters
    ----------
    rows : ndarray of shape (total,), int32
        Row numbers of each ranking from the highest score down.
    positive, starts : ndarray of shape (total,), bool
        Whether the row is a positive, and whether its score is lower than that of the row before it.
    ends : ndarray of shape (n_rankings,), int64
        Where each ranking ends.
    multiplicity : ndarray of shape (n,), uint8
        How often each row is drawn.
    out : ndarray of shape (n_rankings, 2), float64
        Receives the AUROC, from whole numbers and one division, and the average precision. NaN where a class is not
        drawn.
    """
    begin = 0
    for number in range(ends.size):
        above_positive = above_negative = block_positive = block_negative = 0
        pairs_twice = 0
        precisions = 0.0
        for place in range(begin, ends[number] + 1):
            last = place == ends[number]
            if last or starts[place]:
                pairs_twice += block_negative * (2 * above_positive + block_positive)
                above_positive += block_positive
                above_negative += block_negative
                if block_positive > 0:
                    precisions += block_positive * (above_positive / (above_positive + above_negative))
                block_positive = block_negative = 0
            if not last:
                if positive[place]:
                    block_positive += multiplicity[rows[place]]
                else:
                    block_negative += multiplicity[rows[place]]
        if above_positive > 0 and above_negative > 0:
            out[number, 0] = pairs_twice / (2 * above_positive * above_negative)
            out[number, 1] = precisions / above_positive
        else:
            out[number, 0] = out[number, 1] = np.nan
        begin = ends[number]
