"""Random-vector functional link networks for two classes: one hidden layer at random, the output weights solved for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import not_negative, positive_number, whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Weights = Literal["none", "classes"]
Form = Literal["least_squares", "released"]
WEIGHTS: Final = ("none", "classes")
FORMS: Final = ("least_squares", "released")
MARGIN: Final = 1e-4
"""Added to the largest distance, so that no membership is exactly 0; that of the released code."""
RIDGE: Final = 1e-3
"""Added to the scatter between classes before it is inverted; that of the released code."""


def _two_classes(y: ArrayLike) -> Flags:
    """Flag rows of the second class."""
    classes, places = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) != 2:
        plural = "" if len(classes) == 1 else "es"
        raise ValueError(f"y must hold two classes, got {len(classes)} class{plural}: {classes[:5].tolist()}")
    return np.asarray(places == 1)


def fuzzy_scores(
    X: ArrayLike,
    y: ArrayLike,
    width: float | Sequence[float],
    *,
    max_rows: int = 2000,
    random_state: RandomState = None,
) -> Floats:
    r"""Intuitionistic fuzzy scores of rows: near 1 well inside the own class, 0 where the other class is all around.

    With the kernel :math:`k(x, z) = \exp(-|x - z|^2 / \mu^2)` a row lies
    :math:`r_i = \sqrt{1 - 2 \, \mathrm{mean}_j k_{ij} + \mathrm{mean}_{jl} k_{jl}}` from the centre of its class. Its
    membership is :math:`m_i = 1 - r_i / (\max r + 10^{-4})`, its non-membership :math:`v_i = (1 - m_i) \rho_i`, where
    :math:`\rho_i` is the share of the other class among rows nearer than the largest r of both classes, itself counted.
    The score is :math:`m_i` where :math:`v_i = 0`, 0 where :math:`m_i \le v_i`, else
    :math:`(1 - v_i) / (2 - m_i - v_i)` (released code of Ganaie and colleagues, 2023).

    Parameters
    ----------
    X : array-like of shape (n, n_features)
        Rows; the kernel takes all columns alike.
    y : array-like of shape (n,)
        Two classes.
    width : float or sequence of float
        :math:`\mu`, above 0. Standardised rows lie about :math:`\sqrt{2 d}` apart in d dimensions: far below that the
        kernel is the identity, and all scores are near 0.
    max_rows : int, default=2000
        Beyond it, means and shares are over this many rows, drawn in proportion to the classes.
    random_state : int, numpy Generator, numpy RandomState or None

    Returns
    -------
    ndarray of shape (n,), or (n_widths, n) for a sequence

    Raises
    ------
    ValueError
        If there are not two classes, or a width is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
    >>> fuzzy_scores(X, [0, 0, 1, 1, 1, 1], 1.0).round(1)  # rows near the other class count little
    array([0. , 0. , 0. , 0.6, 0.7, 0.6])
    """
    rows, flags = np.asarray(X, dtype=np.float64), _two_classes(y)
    whole_number("max_rows", max_rows, at_least=2)
    widths = [positive_number("width", value) for value in np.atleast_1d(np.asarray(width, dtype=np.float64))]
    drawn = np.arange(len(rows))
    if len(rows) > max_rows:
        generator = as_generator(random_state)
        parts = [generator.permutation(np.flatnonzero(flags == kind)) for kind in (False, True)]
        drawn = np.concatenate([part[: max(1, round(max_rows * len(part) / len(rows)))] for part in parts])
    squared = cdist(rows, rows[drawn], "sqeuclidean")
    found = np.stack([_scores_of(np.exp(-squared / value**2), flags, drawn) for value in widths])
    return found if np.ndim(width) else found[0]


def _scores_of(kernel: Floats, flags: Flags, drawn: NDArray[np.intp]) -> Floats:
    """Scores from the kernel between all rows and the drawn ones."""
    distance, largest = np.empty(len(flags)), np.empty(2)
    for kind in (False, True):
        own, centre = flags == kind, flags[drawn] == kind
        mean = kernel[np.ix_(drawn[centre], centre)].mean()
        distance[own] = np.sqrt(np.maximum(1 - 2 * kernel[np.ix_(own, centre)].mean(axis=1) + mean, 0))
        largest[int(kind)] = distance[own].max()
    member = 1 - distance / (largest[flags.astype(np.intp)] + MARGIN)
    near = kernel > 1 - largest.max() ** 2 / 2  # sqrt(2 (1 - k)) below the largest distance
    positive = near[:, flags[drawn]].sum(axis=1)
    count = near.sum(axis=1)
    others = np.where(flags, count - positive, positive) / np.maximum(count, 1)
    outside = (1 - member) * others
    between = (1 - outside) / (2 - member - outside)
    return np.where(outside == 0, member, np.where(member <= outside, 0.0, between))


def discriminant_graph(Z: ArrayLike, y: ArrayLike) -> Floats:
    r"""Matrix :math:`(S_b + 10^{-3} I)^{-1} S_w` of the scatter between and within classes.

    As in discriminant analysis: as a penalty it shrinks directions in which a class varies and the means do not.

    Parameters
    ----------
    Z : array-like of shape (n, p)
    y : array-like of shape (n,)

    Returns
    -------
    ndarray of shape (p, p)
        Not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> discriminant_graph(np.array([[0.0], [2.0], [9.0], [11.0]]), [0, 0, 1, 1]).round(3)
    array([[0.049]])
    """
    rows, (classes, places, counts) = (
        np.asarray(Z, dtype=np.float64),
        np.unique(np.asarray(y), return_inverse=True, return_counts=True),
    )
    means = np.stack([rows[places == k].mean(axis=0) for k in range(len(classes))])
    centred = rows - means[places]
    within = centred.T @ centred
    between = (means - rows.mean(axis=0)).T * np.sqrt(counts)
    inner = RIDGE * np.eye(len(classes)) + between.T @ between
    return np.asarray((within - between @ np.linalg.solve(inner, between.T @ within)) / RIDGE)


def solve_link(
    Z: Floats,
    flags: Flags,
    C: Sequence[float],
    *,
    weights: Weights = "none",
    scores: Floats | None = None,
    graph: Floats | None = None,
    strengths: Sequence[float] = (0.0,),
    form: Form = "least_squares",
) -> Floats:
    r"""Output weights for every strength of the graph and every penalty, from one Gram matrix.

    They solve :math:`[(1/l_p + 1/l_n)(I + \lambda G) + Z^\top S^2 Z] \beta = Z^\top S^2 t` with t = 1 for flagged rows,
    -1 for the others: the difference between the two columns that one-hot targets give. Without a graph all penalties
    share one eigendecomposition; with one, whose matrix commutes with no other, each needs a factorisation of its own.

    Parameters
    ----------
    Z : ndarray of shape (n, p)
    flags : ndarray of bool of shape (n,)
    C : sequence of float
        Without weights :math:`l_p = l_n = C`; with them :math:`l_n = C n_p / n_n`, p the rarer class.
    weights : "none" or "classes", default="none"
        Whether S counts each row n / (rows of its class) times.
    scores : ndarray of shape (n,) or None
        Further factors in S.
    graph : ndarray of shape (p, p) or None
        G.
    strengths : sequence of float
        :math:`\lambda`.
    form : "least_squares" or "released", default="least_squares"
        The released code has :math:`Z^\top S t` on the right side.

    Returns
    -------
    ndarray of shape (n_strengths, n_penalties, p)

    Examples
    --------
    >>> import numpy as np
    >>> Z = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    >>> solve_link(Z, np.array([False, False, True, True]), [1e6]).round(2).squeeze()
    array([-1.2,  0.8])
    """
    counts = np.bincount(flags, minlength=2)
    factor = len(flags) / counts[flags.astype(np.intp)] if weights == "classes" else np.ones(len(flags))
    factor = factor if scores is None else factor * scores
    penalties = (len(flags) / counts.min() if weights == "classes" else 2.0) / np.asarray(C, dtype=np.float64)
    weighted = Z * factor[:, None]
    gram = weighted.T @ weighted
    targets = np.where(flags, 1.0, -1.0)
    right = weighted.T @ (targets if form == "released" else factor * targets)
    if graph is None:
        values, vectors = np.linalg.eigh(gram)
        shrunk = (vectors.T @ right) / (np.maximum(values, 0) + penalties[:, None])
        return np.broadcast_to(shrunk @ vectors.T, (len(strengths), len(penalties), len(right)))
    metrics = np.eye(len(right)) + np.asarray(strengths, dtype=np.float64)[:, None, None] * graph
    systems = penalties[:, None, None] * metrics[:, None] + gram
    return np.asarray(np.linalg.solve(systems, right[:, None])[..., 0])


class RandomVectorLink(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Random-vector functional link network for two classes, plain or with class weights, fuzzy scores and a graph.

    Standardised inputs X, a hidden layer H = relu(X W + b) that is drawn and never trained, and a constant make the
    features :math:`Z = [X, H, 1]`; output weights solve one linear system, see :func:`solve_link`. Without weights,
    scores and graph this is ridge regression on random features with the penalty 2 / C.

    Parameters
    ----------
    n_nodes : int, default=100
        Hidden nodes; W is uniform on (-1, 1), b on (0, 1).
    C : float, default=1.0
        Inverse of the penalty.
    weights : "none" or "classes", default="none"
        Whether rows are weighted by the inverse share of their class (squared, as they enter on both sides).
    scores : float or None, default=None
        Width of the kernel of :func:`fuzzy_scores`, in units of the square root of the number of inputs; None for none.
    graph : float, default=0.0
        Strength of the penalty by :func:`discriminant_graph`; 0 for none.
    form : "least_squares" or "released", default="least_squares"
        Weighted least squares, or the system of the released code, which weighs rows twice on one side only.
    random_state : int, numpy Generator, numpy RandomState or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    coef_ : ndarray of shape (n_features + n_nodes + 1,)
        Output weights for the second class over the first.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> X = generator.normal(size=(200, 2))
    >>> y = (X[:, 0] * X[:, 1] > 0).astype(int)  # no straight line tells these classes apart
    >>> bool(RandomVectorLink(n_nodes=100, random_state=0).fit(X, y).score(X, y) > 0.8)
    True
    """

    def __init__(
        self,
        n_nodes: int = 100,
        C: float = 1.0,
        weights: Weights = "none",
        scores: float | None = None,
        graph: float = 0.0,
        form: Form = "least_squares",
        random_state: RandomState = None,
    ) -> None:
        self.n_nodes = n_nodes
        self.C = C
        self.weights = weights
        self.scores = scores
        self.graph = graph
        self.form = form
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Draw the hidden layer and solve for the output weights.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Numbers without gaps; fewer rows than nodes are no problem, the penalty makes the solution unique.
        y : array-like of shape (n,)
            Two classes.

        Returns
        -------
        RandomVectorLink

        Raises
        ------
        ValueError
            If there are not two classes, or a parameter is not allowed.
        """
        self.coef_: Floats = self._solutions(X, y, [positive_number("C", self.C)])[0]
        return self

    def fit_path(self, X: ArrayLike, y: ArrayLike, C: Sequence[float]) -> list[Self]:
        """Fit once for several penalties: one hidden layer, one Gram matrix, and without graph one decomposition.

        Parameters
        ----------
        X, y
            As in :meth:`fit`.
        C : sequence of float

        Returns
        -------
        list of RandomVectorLink
            One fitted network for each penalty.
        """
        allowed = [positive_number("C", value) for value in C]
        found = []
        for value, solution in zip(allowed, self._solutions(X, y, allowed), strict=True):
            network = copy(self)
            network.C, network.coef_ = value, solution
            found.append(network)
        return found

    def _solutions(self, X: ArrayLike, y: ArrayLike, C: Sequence[float]) -> Floats:
        whole_number("n_nodes", self.n_nodes, at_least=1)
        for name, allowed in (("weights", WEIGHTS), ("form", FORMS)):
            if (chosen := getattr(self, name)) not in allowed:
                raise UnknownName(name, str(chosen), allowed)
        strength = not_negative("graph", self.graph)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        if (kind := type_of_target(labels)) == "multiclass":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(labels)
        flags = _two_classes(labels)
        generator = as_generator(self.random_state)
        self._scaler = StandardScaler().fit(rows)
        rows = self._scaler.transform(rows)
        self._hidden: Floats = generator.uniform(-1, 1, (rows.shape[1], self.n_nodes))
        self._bias: Floats = generator.uniform(0, 1, self.n_nodes)
        Z = self._features(rows)
        scores = None
        if self.scores is not None:
            width = positive_number("scores", self.scores) * np.sqrt(rows.shape[1])
            scores = fuzzy_scores(rows, flags, width, random_state=generator)
        solutions: Floats = solve_link(
            Z,
            flags,
            C,
            weights=self.weights,
            scores=scores,
            graph=discriminant_graph(Z, flags) if strength else None,
            strengths=[strength],
            form=self.form,
        )[0]
        return solutions

    def _features(self, rows: Floats) -> Floats:
        """Put inputs, hidden layer and a constant side by side."""
        hidden = np.maximum(rows @ self._hidden + self._bias, 0)
        return np.hstack([rows, hidden, np.ones((len(rows), 1))])

    def decision_function(self, X: ArrayLike) -> Floats:
        """Output for the second class over that for the first, shape (n,)."""
        check_is_fitted(self)
        rows = self._scaler.transform(validate_data(self, X, dtype=np.float64, reset=False))
        return np.asarray(self._features(rows) @ self.coef_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class with the larger output, shape (n,)."""
        places = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[places]
        return predicted

    def __sklearn_tags__(self) -> Any:
        """Say that there may be two classes only."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
