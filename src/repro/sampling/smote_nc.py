"""SMOTE-NC: SMOTE for tables with nominal and continuous columns (Chawla et al., JAIR 16, 2002)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import StrOptions

from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState
from repro.sampling._base import Labels
from repro.sampling._tables import RowNumbers, Table, read_table
from repro.sampling.neighbors import nearest_neighbors
from repro.sampling.smote import SMOTE


class SMOTENC(SMOTE):
    """Over-sample tables with numeric and nominal columns.

    Unlike :class:`SMOTE` it lets nominal columns count in the distance and gives every child the value that is most
    frequent among the neighbours; unlike :class:`SMOTEN` it needs at least one numeric column.

    Parameters
    ----------
    categorical_features : "auto", or array-like of int, bool or str, default="auto"
        The nominal columns: their numbers, a mask of shape (n_features,), or their names (DataFrames). ``"auto"`` takes
        the columns of a DataFrame whose type is category, enumeration, text, object or boolean.
    amount : float or None, default=None
        Percentage of synthetic rows as in the paper; see :class:`SMOTE`.
    sampling_strategy : float, str, dict or callable, default="auto"
        Number of synthetic rows without `amount`, classes to over-sample with it; see :class:`SMOTE`.
    k_neighbors : int, default=5
        Neighbours of a row among the rows of its class.
    interpolation : {"segment", "box"}, default="segment"
        One random gap per child or per numeric column; see :class:`SMOTE`.
    neighbor_replacement : bool, default=True
        Whether the neighbour is drawn anew for every child; see :class:`SMOTE`.
    parents : {"fixed", "random"}, default="fixed"
        Whether every row has equally many children; see :class:`SMOTE`.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of randomness; an int gives the same result at every call.

    Attributes
    ----------
    parents_ : ndarray of shape (n_children, 2), int64
        Row numbers of the parent and of the neighbour that the numeric columns lie towards.
    median_std_ : dict
        For every class that was over-sampled the median of the standard deviations of its numeric columns (Med).
    categorical_features_ : ndarray of shape (n_nominal,), int64
        Numbers of the nominal columns.
    sampling_strategy_ : dict
        Number of synthetic rows of every class that was over-sampled.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if `X` had names that are text.

    See Also
    --------
    SMOTE : For numeric tables.
    SMOTEN : For tables of nominal columns only.

    Notes
    -----
    Squared distance of two rows of the class: the squared differences of the numeric columns plus ``Med**2`` for every
    nominal column in which they differ. Med is the median, over the numeric columns, of the standard deviation within
    the class, in the population form (division by the number of rows; the paper does not say which form). In a one-hot
    encoding the same distance would need the value ``Med / sqrt(2)``.

    Numeric columns of a child are made as in :class:`SMOTE`. In every nominal column it takes the value most frequent
    among the `k_neighbors` neighbours of the parent; the parent has no vote (the paper does not say), and of several
    equally frequent values one is drawn at random.

    Values of nominal columns are copied as they are, so their type is kept, whatever it is. Missing values are refused
    by the name of the column. An array of integers comes back as float64, as its numeric columns are interpolated.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique. Journal
    of Artificial Intelligence Research 16 (2002), 321-357.

    Examples
    --------
    >>> import pandas as pd
    >>> from repro.sampling import SMOTENC
    >>> X = pd.DataFrame({"age": [20, 30, 40, 50, 60, 70], "job": ["a", "b", "a", "c", "a", "b"]})
    >>> sampler = SMOTENC(amount=100, k_neighbors=1, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, [0, 0, 0, 0, 1, 1])
    >>> X_resampled["job"].tolist()[6:], X_resampled["age"].between(20, 70).all()
    (['b', 'a'], np.True_)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "categorical_features": ["array-like", StrOptions({"auto"})],
        **SMOTE._parameter_constraints,
    }

    def __init__(
        self,
        categorical_features: Any = "auto",
        amount: float | None = None,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int = 5,
        interpolation: str = "segment",
        neighbor_replacement: bool = True,
        parents: str = "fixed",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            amount,
            sampling_strategy=sampling_strategy,
            k_neighbors=k_neighbors,
            interpolation=interpolation,
            neighbor_replacement=neighbor_replacement,
            parents=parents,
            random_state=random_state,
        )
        self.categorical_features = categorical_features

    def __sklearn_tags__(self) -> Any:
        """Say that sparse matrices are not taken and nominal columns are."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.categorical = True
        return tags

    def _read_features(self, X: Any) -> Table:
        table = read_table(X)
        nominal = find_columns(table, self.categorical_features)
        self.categorical_features_ = np.array(nominal, dtype=np.int64)
        self._numeric = [column for column in range(table.n_columns) if column not in nominal]
        if not nominal:
            raise ValueError("SMOTENC needs a nominal column, found none; use SMOTE for numeric tables")
        if not self._numeric:
            raise ValueError("SMOTENC needs a numeric column, found none; use SMOTEN for nominal tables")
        table.check_numbers(self._numeric)
        self._codes = np.column_stack([table.codes(column) for column in nominal])
        return table

    def _begin(self, labels: Labels) -> None:
        self.median_std_: dict[Any, float] = {}

    def _write_children(
        self,
        table: Any,
        label: Any,
        members: RowNumbers,
        place: slice,
        generator: np.random.Generator,
    ) -> None:
        numbers, codes = table.gather(members, self._numeric), self._codes[members]
        median = float(np.median(numbers.std(axis=0)))
        self.median_std_[label] = median
        neighbours = nearest_neighbors(
            np.hstack([numbers, codes]), self.k_neighbors, n_nominal=codes.shape[1], nominal_penalty=median**2
        )
        parents, chosen = self._draw_pairs(members.size, place.stop - place.start, generator)
        towards = neighbours[parents, chosen]
        self.parents_[place, 0] = members[parents]
        self.parents_[place, 1] = members[towards]
        table.make_room(self.parents_.shape[0], self._numeric, self.categorical_features_.tolist())
        self._interpolate(numbers, parents, towards, table.children[place], generator)
        table.donors[place] = members[elect(codes, neighbours, parents, generator)]

    def _end(self, table: Any) -> Any:
        table.make_room(0, self._numeric, self.categorical_features_.tolist())
        del self._codes, self._numeric
        return table.finish()


def elect(
    codes: npt.NDArray[np.intp],
    voters: npt.NDArray[np.int32],
    parents: npt.NDArray[np.int32],
    generator: np.random.Generator,
) -> npt.NDArray[np.intp]:
    """Find for every child and nominal column a row with the most frequent value among the voters.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_nominal), int
        Values of the nominal columns as numbers.
    voters : ndarray of shape (n_rows, n_voters), int
        Rows that vote for the children of each row.
    parents : ndarray of shape (n_children,), int
        Parent of every child.
    generator : numpy.random.Generator
        Decides between values that are equally frequent.

    Returns
    -------
    ndarray of shape (n_children, n_nominal), int
        Row numbers.
    """
    from repro.sampling._child_kernels import vote

    donors = np.empty((parents.size, codes.shape[1]), dtype=np.intp)
    vote(codes, voters, parents, generator.random(donors.shape), donors)
    return donors


def find_columns(table: Table, wanted: Any) -> list[int]:
    """Turn names, numbers, a mask or ``"auto"`` into sorted column numbers."""
    if isinstance(wanted, str):
        return [column for column in range(table.n_columns) if table.is_nominal(column)]
    chosen: Sequence[Any] = np.asarray(wanted, dtype=object).ravel().tolist()
    if chosen and all(isinstance(item, bool | np.bool_) for item in chosen):
        if len(chosen) != table.n_columns:
            raise ValueError(
                f"categorical_features is a mask of {len(chosen)} values, but X has {table.n_columns} columns"
            )
        return [column for column, use in enumerate(chosen) if use]
    return sorted({_find_column(table, item) for item in chosen})


def _find_column(table: Table, item: Any) -> int:
    if isinstance(item, str):
        if table.names is None:
            raise ValueError(f"categorical_features names the column {item!r}, but X has no column names")
        if item not in table.names:
            raise UnknownName("column in categorical_features", item, [str(name) for name in table.names])
        return list(table.names).index(item)
    if not isinstance(item, int | np.integer):
        raise TypeError(f"categorical_features must hold column numbers, names or a mask, found {item!r}")
    if not -table.n_columns <= item < table.n_columns:
        raise ValueError(f"categorical_features holds {item}, which must be below n_features={table.n_columns}")
    return int(item) % table.n_columns
