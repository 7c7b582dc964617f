"""SMOTE-N: SMOTE for tables of nominal columns (Chawla et al., JAIR 16, 2002)."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.utils._param_validation import Options

from repro.ground.random_state import RandomState
from repro.sampling._base import Labels, SyntheticOverSampler
from repro.sampling._tables import RowNumbers, Table, read_table
from repro.sampling.smote_nc import elect


class SMOTEN(SyntheticOverSampler):
    """Over-sample tables of nominal columns by majority vote.

    Unlike :class:`SMOTENC` it needs no numeric column: the distance of two values is how differently the classes are
    distributed among the rows that have them.

    Parameters
    ----------
    amount : float or None, default=None
        Percentage of synthetic rows as in the paper; see :class:`SMOTE`.
    sampling_strategy : float, str, dict or callable, default="auto"
        Number of synthetic rows without `amount`, classes to over-sample with it; see :class:`SMOTE`.
    k_neighbors : int, default=5
        Neighbours of a row among the rows of its class.
    distance_exponent : {1, 2}, default=2
        Exponent r of the value differences in the distance of two rows: 1 is the Manhattan, 2 the Euclidean form.
    parents : {"fixed", "random"}, default="fixed"
        Whether every row has equally many children; see :class:`SMOTE`.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of randomness; an int gives the same result at every call.

    Attributes
    ----------
    parents_ : ndarray of shape (n_children, k_neighbors + 1), int64
        Row numbers of the parent and of its neighbours, nearest first: the rows that vote for the child.
    sampling_strategy_ : dict
        Number of synthetic rows of every class that was over-sampled.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if `X` had names that are text.

    See Also
    --------
    SMOTE : For numeric tables.
    SMOTENC : For tables with numeric and nominal columns.
    value_differences : The distance of the values of one column.

    Notes
    -----
    Squared or Manhattan distance of two rows: the sum over the columns of ``delta(u, v) ** r`` with the value
    difference of :func:`value_differences`, counted over all rows of all classes. Rows at equal distance are ordered by
    row number. A child takes in every column the value most frequent among its parent and the parent's neighbours; of
    several equally frequent ones one is drawn at random. Children of one parent therefore differ only where votes are
    tied.

    Every type of value is kept; missing ones are refused by the name of the column.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique. Journal
    of Artificial Intelligence Research 16 (2002), 321-357.

    S. Cost, S. Salzberg: A Weighted Nearest Neighbor Algorithm for Learning with Symbolic Features. Machine Learning 10
    (1993), 57-78 (the weights of rows are left out, as in SMOTE-N).

    Examples
    --------
    >>> import numpy as np
    >>> from repro.sampling import SMOTEN
    >>> X = np.array([list("ABCDE"), list("AFCGN"), list("HBCDN"), *[list("VWXYZ")] * 4])
    >>> sampler = SMOTEN(amount=100, k_neighbors=2, random_state=0)
    >>> X_resampled, y_resampled = sampler.fit_resample(X, [1, 1, 1, 0, 0, 0, 0])
    >>> "".join(X_resampled[7])
    'ABCDN'
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **SyntheticOverSampler._parameter_constraints,
        "distance_exponent": [Options(Integral, {1, 2})],
    }

    def __init__(
        self,
        amount: float | None = None,
        *,
        sampling_strategy: Any = "auto",
        k_neighbors: int = 5,
        distance_exponent: int = 2,
        parents: str = "fixed",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.amount = amount
        self.k_neighbors = k_neighbors
        self.distance_exponent = distance_exponent
        self.parents = parents
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Say that sparse matrices are not taken and text is."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _parents_width(self) -> int:
        return self.k_neighbors + 1

    def _read_features(self, X: Any) -> Table:
        table = read_table(X)
        self._codes = np.column_stack([table.codes(column) for column in range(table.n_columns)])
        return table

    def _begin(self, labels: Labels) -> None:
        classes = np.searchsorted(labels.classes, labels.values)
        shares = [_class_shares(column, classes) for column in self._codes.T]
        self._shares = np.vstack(shares)
        self._first_value = np.cumsum([0, *(len(share) for share in shares)])

    def _write_children(
        self, table: Any, label: Any, members: RowNumbers, place: slice, generator: np.random.Generator
    ) -> None:
        codes = self._codes[members]
        neighbours = self._nearest(codes)
        per_parent = self._children_per_parent(members.size, place.stop - place.start, generator)
        parents = np.repeat(np.arange(members.size, dtype=np.int32), per_parent)
        voters = np.column_stack([np.arange(members.size, dtype=np.int32), neighbours])
        self.parents_[place] = members[voters[parents]]
        table.make_room(self.parents_.shape[0], (), range(table.n_columns))
        table.donors[place] = members[elect(codes, voters, parents, generator)]

    def _nearest(self, codes: npt.NDArray[np.intp]) -> npt.NDArray[np.int32]:
        from repro.sampling._search_kernels import search_nominal

        neighbours = np.empty((len(codes), self.k_neighbors), dtype=np.int32)
        search_nominal(
            codes + self._first_value[:-1], self._shares, self._first_value, self.distance_exponent == 2, neighbours
        )
        return neighbours

    def _end(self, table: Any) -> Any:
        table.make_room(0, (), range(table.n_columns))
        del self._codes, self._shares, self._first_value
        return table.finish()


def _class_shares(values: npt.NDArray[np.intp], classes: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Share of every class among the rows with a value, shape (n_values, n_classes)."""
    counts = np.zeros((int(values.max()) + 1, int(classes.max()) + 1))
    np.add.at(counts, (values, classes), 1.0)
    shares: npt.NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def value_differences(column: npt.ArrayLike, y: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Value difference metric of one nominal column, with exponent 1.

    Parameters
    ----------
    column : array-like of shape (n_samples,)
        Values.
    y : array-like of shape (n_samples,)
        Class labels.

    Returns
    -------
    values : ndarray of shape (n_values,)
        The different values, sorted.
    differences : ndarray of shape (n_values, n_values), float64
        ``delta(u, v) = sum over classes c of |C_uc / C_u - C_vc / C_v|``, from 0 to 2, where ``C_u`` counts the rows
        with value u and ``C_uc`` those of them in class c.

    Raises
    ------
    ValueError
        If the lengths differ.

    Notes
    -----
    The value difference of Chawla et al. (2002) with the exponent and the factor of each class equal to 1.

    Examples
    --------
    >>> from repro.sampling import value_differences
    >>> column = ["a"] * 8 + ["b"] * 6 + ["c"] * 4
    >>> y = [0] * 6 + [1] * 2 + [0] * 3 + [1] * 3 + [1] * 4
    >>> value_differences(column, y)[1]
    array([[0. , 0.5, 1.5],
           [0.5, 0. , 1. ],
           [1.5, 1. , 0. ]])
    """
    values, codes = np.unique(np.asarray(column), return_inverse=True)
    _, classes = np.unique(np.asarray(y), return_inverse=True)
    if codes.shape != classes.shape:
        raise ValueError(f"column and y must have the same length, found {codes.size} and {classes.size}")
    shares = _class_shares(codes, classes)
    return values, np.abs(shares[:, None, :] - shares[None, :, :]).sum(axis=2)
