"""C4.5 decision trees (Quinlan 1993) as a scikit-learn classifier."""

from __future__ import annotations

import warnings
from functools import lru_cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from repro.ground.labels import label_vector
from repro.trees._columns import CategoricalFeatures, Columns, check_finite, encode, is_frame, learn_columns

if TYPE_CHECKING:
    from repro.trees._c45_nodes import Nodes

SMALLEST_PART_TOLD_APART = 0.1
"""A numeric column in which `value_tolerance` leaves fewer of the steps between its values draws a warning."""


@lru_cache(maxsize=8)
def _xlogx_table(capacity: int) -> NDArray[np.float64]:
    """``k * log2(k)`` for k = 0, ..., capacity (0 at 0)."""
    k = np.arange(capacity + 1, dtype=np.float64)
    return k * np.log2(np.maximum(k, 1.0))


def _checked_target(y: Any) -> NDArray[Any]:
    """Give the class labels as a vector, of any length."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype == np.bool_:
        return y  # always classes, never missing; the checks below take as long as a small tree
    target = label_vector("y", y)
    check_classification_targets(target)
    return target


class C45Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """C4.5 decision tree, release 8, in the form of Weka's J48.

    Numeric columns are cut in two (``value <= threshold``), nominal columns get one branch for every category. The
    test with the largest gain ratio is chosen among those whose information gain reaches the average gain of all
    useful tests [1]_. A numeric column pays ``log2(candidate cuts) / rows of the node`` bits for the choice of its
    cut [2]_. The tree is then pruned by the pessimistic error estimate.

    Parameters
    ----------
    min_samples_leaf : int, default=2
        At least two branches of every test hold this many rows. A cut of a numeric column needs more: a tenth of the
        node's rows divided by the number of classes, but no more than 25, on either side.
    confidence : float, default=0.25
        Chance left above the upper limit of the error rate of a leaf, 0 < confidence <= 0.5. Smaller values prune more.
    prune : bool, default=True
        Whether to prune.
    subtree_raising : bool, default=True
        Whether pruning may put the largest branch of a node in the node's place.
    collapse : bool, default=True
        Whether to turn a subtree that makes no fewer training errors than a leaf into that leaf; C4.5 does so also when
        it does not prune. ``prune=False, collapse=False, laplace=True`` is the probability estimation tree C4.4 [3]_.
    laplace : bool, default=False
        Whether `predict_proba` adds one to every class count of a leaf. Predictions do not change.
    categorical_features : "auto", None or list of column names, numbers or booleans, default="auto"
        The nominal columns. ``"auto"`` takes the text, object and category columns of a pandas or polars table, and
        none of an array. A pandas category column keeps all its declared categories: those without a row become empty
        leaves, as in Weka. In any other column the categories are the values seen in `fit`.
    value_tolerance : float, default=1e-5
        Two neighbouring values of a numeric column are told apart only when they differ by more than this, in the units
        of the column, as in C4.5 and J48. Set it to 0 for columns with a very small spread.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features,)
        Only when `X` had names.
    node_count_ : int
        All nodes, leaves included (J48's "Size of the tree").
    leaf_count_ : int
        All leaves, empty ones included (J48's "Number of Leaves").
    depth_ : int
        Tests on the longest path.

    Notes
    -----
    Reported thresholds are values of the training data: the largest one anywhere in the column that does not exceed the
    midpoint between the two neighbours at the node (C4.5 and J48 do this; scikit-learn takes the midpoint).

    A row whose category has no branch, or a branch that no training row took, gets the class counts of the node that
    asked. Equal counts go to the class that comes first in `classes_`.

    J48 compares values with thresholds with a tolerance of 1e-6, this class exactly. With ``min_samples_leaf`` above
    25, J48 lets a cut of a numeric column go down to 25 rows; here `min_samples_leaf` always holds. In C4.5 itself the
    upper limit differs slightly where almost every row of a leaf is wrong. Missing values and row weights are not
    supported.

    References
    ----------
    .. [1] Quinlan, J. R. (1993). C4.5: Programs for Machine Learning. Morgan Kaufmann.
    .. [2] Quinlan, J. R. (1996). Improved use of continuous attributes in C4.5. Journal of Artificial Intelligence
       Research 4, 77-90.
    .. [3] Provost, F. and Domingos, P. (2003). Tree induction for probability-based ranking. Machine Learning 52,
       199-215.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = C45Classifier().fit(X, y)
    >>> tree.node_count_, tree.leaf_count_
    (9, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "confidence": [Interval(Real, 0, 0.5, closed="right")],
        "prune": ["boolean"],
        "subtree_raising": ["boolean"],
        "collapse": ["boolean"],
        "laplace": ["boolean"],
        "categorical_features": ["array-like", StrOptions({"auto"}), None],
        "value_tolerance": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        min_samples_leaf: int = 2,
        confidence: float = 0.25,
        prune: bool = True,
        subtree_raising: bool = True,
        collapse: bool = True,
        laplace: bool = False,
        categorical_features: CategoricalFeatures = "auto",
        value_tolerance: float = 1e-5,
    ) -> None:
        self.min_samples_leaf = min_samples_leaf
        self.confidence = confidence
        self.prune = prune
        self.subtree_raising = subtree_raising
        self.collapse = collapse
        self.laplace = laplace
        self.categorical_features = categorical_features
        self.value_tolerance = value_tolerance

    def __sklearn_tags__(self) -> Tags:
        """Nominal columns may hold text."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Grow and prune the tree.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)
            Finite numbers; nominal columns may hold any values but missing ones.
        y : array of shape (n_samples,)
            Class labels.

        Returns
        -------
        C45Classifier
            The fitted tree.

        Raises
        ------
        TypeError, ValueError
            For parameters outside their range, missing or infinite values (named by column), text in a numeric column,
            lengths that differ, a continuous target, and labels that are missing or of several types.

        Warns
        -----
        UserWarning
            When `value_tolerance` hides most of the steps between the values of a numeric column.
        """
        from repro.trees import _c45_growth, _c45_pruning

        if not sklearn.get_config()["skip_parameter_validation"]:
            self._validate_params()
        features = self._encoded(X, fitting=True)
        target = _checked_target(y)
        if len(target) != len(features):
            raise ValueError(f"X and y must have the same length, got {len(features)} rows and {len(target)} labels")
        self.classes_, classes = np.unique(target, return_inverse=True)
        labels: NDArray[np.int32] = classes.astype(np.int32)

        columns = np.ascontiguousarray(features.T)
        numeric = np.ascontiguousarray(columns[~self._columns.nominal])
        n_categories = self._columns.n_categories
        # As in C4.5, a nominal column with very many categories does not raise the average gain that a test must reach.
        many_valued = n_categories > 0.3 * len(features) - 1e-6
        in_average = ~many_valued | many_valued.all()
        sorted_rows = np.argsort(numeric, axis=1).astype(np.int32)
        sorted_values = np.take_along_axis(numeric, sorted_rows, axis=1)
        self._warn_of_small_units(sorted_values)
        tree = _c45_growth.grow(
            columns,
            n_categories,
            in_average,
            np.cumsum(n_categories == 0) - 1,
            sorted_rows,
            sorted_values,
            labels,
            len(self.classes_),
            int(self.min_samples_leaf),
            float(self.value_tolerance),
            _xlogx_table(1 << len(features).bit_length()),
        )
        if self.collapse:
            _c45_pruning.collapse(tree)
        if self.prune:
            z = float(ndtri(1.0 - self.confidence))
            _c45_pruning.prune(
                tree, self._columns.nominal, features, labels, float(self.confidence), z, bool(self.subtree_raising)
            )
        self._tree: Nodes = _c45_pruning.compact(tree)
        self._summarise()
        return self

    def _warn_of_small_units(self, sorted_values: NDArray[np.float64]) -> None:
        """Say which numeric columns `value_tolerance` makes nearly constant."""
        steps = np.diff(sorted_values, axis=1)
        different = (steps > 0).sum(axis=1)
        told_apart = (steps > self.value_tolerance).sum(axis=1)
        names = np.array(self._columns.names, dtype=object)[~self._columns.nominal]
        for place in np.flatnonzero(told_apart < SMALLEST_PART_TOLD_APART * different):
            warnings.warn(
                f"the column {names[place]!r} can be cut at {told_apart[place]} of the {different[place]} steps "
                f"between its values only: at the others they differ by no more than value_tolerance="
                f"{self.value_tolerance:g}, in the units of the column; give it in a smaller unit, or set "
                "value_tolerance=0",
                stacklevel=3,
            )

    def _summarise(self) -> None:
        """Set the attributes that follow from the tree: sizes, depth and the class counts that predictions use."""
        tree = self._tree
        inner = np.flatnonzero(tree.n_children)
        self.node_count_ = len(tree.feature)
        self.leaf_count_ = self.node_count_ - len(inner)
        self.depth_ = 0
        start, end = 0, 1
        # Nodes are numbered breadth first: a level is a range of numbers, parents come in the order of their children.
        while children := int(tree.n_children[start:end].sum()):
            start, end = end, end + children
            self.depth_ += 1
        parent = np.concatenate([[0], np.repeat(inner, tree.n_children[inner])])
        empty = np.flatnonzero(tree.counts.sum(axis=1) == 0)
        self._prediction_counts = tree.counts.copy()
        self._prediction_counts[empty] = tree.counts[parent[empty]]

    def _encoded(self, X: Any, *, fitting: bool) -> NDArray[np.float64]:
        """Check `X` and give it as a writable, C-ordered float64 matrix; learns the columns when `fitting`."""
        if fitting:
            by_column = not isinstance(self.categorical_features, str | None)
        else:
            by_column = bool(self._columns.nominal.any())
        if is_frame(X):
            validate_data(self, X, reset=fitting, skip_check_array=True)
            if 0 in X.shape:
                raise ValueError(f"X must have at least 1 row and 1 column, got a table of shape {X.shape}")
        elif by_column or (isinstance(X, np.ndarray) and X.dtype.kind in "OSU"):
            by_column = True
            X = check_array(X, dtype=None, ensure_all_finite=False)
            validate_data(self, X, reset=fitting, skip_check_array=True)
        elif type(X) is np.ndarray and X.dtype == np.float64 and X.ndim == 2 and X.size:
            validate_data(self, X, reset=fitting, skip_check_array=True)  # there is nothing to convert
        else:
            X = validate_data(self, X, reset=fitting, dtype=np.float64, order="C", ensure_all_finite=False)
        if fitting:
            self._columns: Columns = learn_columns(X, self.n_features_in_, self.categorical_features)
        if by_column or is_frame(X):
            X = encode(X, self._columns)
        encoded: NDArray[np.float64] = np.require(X, dtype=np.float64, requirements=["C", "W"])
        check_finite(encoded, self._columns.names)
        return encoded

    def apply(self, X: ArrayLike) -> NDArray[np.int64]:
        """Node in which every row ends.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        int64 array of shape (n_samples,)
            Number of a leaf; for a category without a branch, of the node that asked.
        """
        from repro.trees import _c45_pruning

        check_is_fitted(self)
        features = self._encoded(X, fitting=False)
        nodes: NDArray[np.int64] = _c45_pruning.apply(self._tree, self._columns.nominal, features)
        return nodes

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Class frequencies of the leaf of every row, Laplace-smoothed when ``laplace=True``.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        nodes = self.apply(X)
        counts = self._prediction_counts + (1.0 if self.laplace else 0.0)
        proba: NDArray[np.float64] = (counts / counts.sum(axis=1, keepdims=True))[nodes]
        return proba

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most frequent class in the leaf of every row.

        Parameters
        ----------
        X : array or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            Labels of `classes_`; the first of equally frequent ones.
        """
        nodes = self.apply(X)
        predicted: NDArray[Any] = self.classes_[self._prediction_counts.argmax(axis=1)][nodes]
        return predicted

    def to_text(self) -> str:
        """Draw the tree as text, one line for every branch.

        Returns
        -------
        str
            A leaf shows its class and, in brackets, its training rows and after a slash the misclassified ones.
        """
        check_is_fitted(self)
        tree = self._tree
        lines: list[str] = []

        def leaf_text(node: int) -> str:
            rows = tree.counts[node].sum()
            wrong = rows - tree.counts[node].max()
            label = self.classes_[self._prediction_counts[node].argmax()]
            return f": {label} ({rows}/{wrong})" if wrong else f": {label} ({rows})"

        if self.node_count_ == 1:
            return leaf_text(0)
        stack = [(0, 0, "")]
        while stack:
            node, level, test = stack.pop()
            is_leaf = tree.n_children[node] == 0
            if node:
                lines.append("|   " * (level - 1) + test + (leaf_text(node) if is_leaf else ""))
            if is_leaf:
                continue
            name = self._columns.names[tree.feature[node]]
            categories = self._columns.categories[tree.feature[node]]
            if categories is None:
                tests = [f"{name} {sign} {tree.threshold[node]:.6g}" for sign in ("<=", ">")]
            else:
                tests = [f"{name} = {category}" for category in categories]
            children = [(int(tree.first_child[node]) + k, level + 1, test) for k, test in enumerate(tests)]
            stack.extend(reversed(children))
        return "\n".join(lines)
