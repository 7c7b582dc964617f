"""SMOTE: synthetic minority over-sampling technique (Chawla, Bowyer, Hall, Kegelmeyer, JAIR 16, 2002)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import StrOptions

from repro.ground.random_state import RandomState
from repro.sampling._base import SyntheticOverSampler
from repro.sampling._sparse_table import SparseTable
from repro.sampling._tables import RowNumbers, Table, kind_of, read_table
from repro.sampling.neighbors import nearest_neighbors

_VALUES_AT_ONCE = 1 << 20
"""Children are written in pieces of about this many values, which bounds the working memory."""


class SMOTE(SyntheticOverSampler):
    """Over-sample by points between a minority row and one of its nearest minority rows.

    Unlike :class:`imblearn.over_sampling.SMOTE` it has the paper's `amount`, in which every row gets the same number
    of children, the readings that the paper leaves open, and it says in `parents_` where every child comes from.

    Parameters
    ----------
    amount : float or None, default=None
        Percentage of synthetic rows as in the paper (parameter N of its algorithm). From 100 on every row of the class
        gets ``floor(amount / 100)`` children; below 100 a random part of ``floor(n_rows * amount / 100)`` rows gets one
        child each. None leaves the number to `sampling_strategy`.
    sampling_strategy : float, str, dict or callable, default="auto"
        Without `amount` as in imbalanced-learn: a float is the wanted ratio of minority to majority rows;
        ``"minority"``, ``"not minority"``, ``"not majority"``, ``"all"`` make the named classes as large as the
        largest, ``"auto"`` means ``"not majority"``; a dict or a callable gives the wanted number of rows per class.
        With `amount` one of the names, which then says which classes are over-sampled: ``"auto"`` means
        ``"minority"``, the smallest class (of equally small ones the first in sorted order).
    k_neighbors : int, default=5
        Neighbours of a row that its children lie towards; found among the rows of the same class only.
    interpolation : {"segment", "box"}, default="segment"
        ``"segment"``: one random gap per child, so that it lies on the line between the two rows (the paper's text).
        ``"box"``: one gap per column, so that it lies in the axis-parallel box between them (the paper's pseudo-code).
    neighbor_replacement : bool, default=True
        True: the neighbour is drawn anew for every child (the paper's pseudo-code). False: the children of one parent
        lie towards different neighbours (the paper's example), in whole rounds through the `k_neighbors` when a parent
        has more children than that.
    parents : {"fixed", "random"}, default="fixed"
        ``"fixed"``: every row of a class gets the same number of children, up to one when the number is no multiple
        (a random part of the rows gets one more). ``"random"``: the parent of every child is drawn at random, as in
        imbalanced-learn.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of randomness; an int gives the same result at every call.

    Attributes
    ----------
    parents_ : ndarray of shape (n_children, 2), int64
        Row numbers, in the `X` that was passed, of the parent and the neighbour of every child.
    sampling_strategy_ : dict
        Number of synthetic rows of every class that was over-sampled.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if `X` had names that are text.

    See Also
    --------
    SMOTENC : For tables with numeric and nominal columns.
    SMOTEN : For tables of nominal columns only.
    RandomUnderSampler : Removes majority rows, by the paper's percentage.
    repro.sampling.neighbors.nearest_neighbors : The neighbour search used here.

    Notes
    -----
    A child is ``x_i + gap * (x_j - x_i)`` with `gap` uniform on [0, 1) and `j` one of the `k_neighbors` nearest rows of
    `i` by Euclidean distance on the columns as they are (nothing is scaled). A row is not its own neighbour, by row
    number; an identical twin is a neighbour like any other. Given the pair, the mean of the child is the midpoint; with
    ``D = x_j - x_i`` its covariance is ``D D^T / 12`` on the segment and ``diag(D^2) / 12`` in the box.

    Input and output. NumPy arrays keep float types; arrays of integers or booleans come back as float64, since a point
    between two rows need not be whole. DataFrames (pandas, polars) keep names and types: whole-number and boolean
    columns are rounded half to even, original values are never touched. CSR and CSC matrices stay sparse; with
    ``interpolation="box"`` they use random numbers in another order than dense input does. Lists come back as lists.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique. Journal
    of Artificial Intelligence Research 16 (2002), 321-357.

    Examples
    --------
    >>> from collections import Counter
    >>> from sklearn.datasets import make_classification
    >>> from repro.sampling import SMOTE
    >>> X, y = make_classification(n_samples=1000, weights=[0.9, 0.1], flip_y=0, random_state=0)
    >>> sampler = SMOTE(amount=200, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, y)
    >>> sorted(Counter(y.tolist()).items()), sorted(Counter(y_resampled.tolist()).items())
    ([(0, 900), (1, 100)], [(0, 900), (1, 300)])
    >>> sampler.parents_.shape
    (200, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SyntheticOverSampler._parameter_constraints,
        "interpolation": [StrOptions({"segment", "box"})],
        "neighbor_replacement": ["boolean"],
    }

    def __init__(
        self,
        amount: float | None = None,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int = 5,
        interpolation: str = "segment",
        neighbor_replacement: bool = True,
        parents: str = "fixed",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.amount = amount
        self.k_neighbors = k_neighbors
        self.interpolation = interpolation
        self.neighbor_replacement = neighbor_replacement
        self.parents = parents
        self.random_state = random_state

    def _read_features(self, X: Any) -> Table | SparseTable:
        if kind_of(X) == "sparse":
            return SparseTable(X)
        table = read_table(X)
        table.check_numbers(range(table.n_columns))
        return table

    def _write_children(
        self,
        table: Table | SparseTable,
        label: Any,
        members: RowNumbers,
        place: slice,
        generator: np.random.Generator,
    ) -> None:
        n_children = place.stop - place.start
        columns = range(table.n_columns)
        rows = table.gather(members, columns) if isinstance(table, Table) else table.gather(members)
        neighbours = nearest_neighbors(rows, self.k_neighbors)
        parents, chosen = self._draw_pairs(members.size, n_children, generator)
        towards = neighbours[parents, chosen]
        self.parents_[place, 0] = members[parents]
        self.parents_[place, 1] = members[towards]
        if isinstance(table, SparseTable):
            table.append_children(rows, parents, towards, self.interpolation == "box", generator)
        else:
            table.make_room(self.parents_.shape[0], columns, ())
            self._interpolate(rows, parents, towards, table.children[place], generator)

    def _end(self, table: Table | SparseTable) -> Any:
        if isinstance(table, Table):
            table.make_room(0, range(table.n_columns), ())
        return table.finish()

    def _draw_pairs(
        self, n_parents: int, n_children: int, generator: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Draw the parent (row of its class) and the neighbour (place in its list) of every child."""
        per_parent = self._children_per_parent(n_parents, n_children, generator)
        parents = np.repeat(np.arange(n_parents, dtype=np.int32), per_parent)
        k = self.k_neighbors
        if self.neighbor_replacement:
            return parents, generator.integers(k, size=n_children, dtype=np.int32)
        rounds = -(-per_parent // k)
        shuffled = np.argsort(generator.random((int(rounds.sum()), k)), axis=1).astype(np.int32).ravel()
        # the rounds of a parent stand one after the other; its children use as many places from the start as they are
        unused_before = np.cumsum(rounds * k - per_parent) - (rounds * k - per_parent)
        return parents, shuffled[np.arange(n_children) + np.repeat(unused_before, per_parent)]

    def _interpolate(
        self,
        rows: npt.NDArray[np.float64],
        parents: npt.NDArray[np.int32],
        neighbours: npt.NDArray[np.int32],
        children: npt.NDArray[Any],
        generator: np.random.Generator,
    ) -> None:
        """Write ``x_i + gap * (x_j - x_i)`` for every pair, with one gap per child or per column."""
        from repro.sampling._child_kernels import interpolate

        n_columns = rows.shape[1]
        at_once = max(1, _VALUES_AT_ONCE // max(1, n_columns))
        for start in range(0, parents.size, at_once):
            piece = slice(start, start + at_once)
            gaps = generator.random((parents[piece].size, n_columns if self.interpolation == "box" else 1))
            interpolate(rows, parents[piece], neighbours[piece], gaps, children[piece])
