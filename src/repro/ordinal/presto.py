"""PRESTO: cumulative logit model whose boundaries are shrunk towards each other (Faletto and Bien 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from repro.ordinal._base import CumulativeLogitClassifier, Positivity, keep_classes, read_rows, take_rows
from repro.ordinal._fitting import Fit, Problem, Settings, warn_if_unfinished
from repro.ordinal._probabilities import Repair, class_probabilities
from repro.ordinal._rows import Floats
from repro.ordinal._targets import ClassWeight, refuse_one_class

SMALLEST_PROBABILITY = 1e-15

_CONSTRAINTS: dict[str, list[Any]] = {
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "level_penalty": [Interval(Real, 0, None, closed="left")],
    "standardize": ["boolean"],
    "positivity": [StrOptions({"all", "observed"})],
    "class_order": ["array-like", None],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "tol": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
}
_PATH_CONSTRAINTS: dict[str, list[Any]] = {
    "n_lambdas": [Interval(Integral, 1, None, closed="left")],
    "lambda_ratio": [Interval(Real, 0, 1, closed="neither")],
    "lambdas": ["array-like", None],
}
_REPAIR: list[Any] = [StrOptions({"cumulative_max", "isotonic"}), None]


def _settings(parameters: dict[str, Any]) -> Settings:
    return Settings(
        l1_ratio=float(parameters["l1_ratio"]),
        level_penalty=float(parameters["level_penalty"]),
        standardize=bool(parameters["standardize"]),
        constrained=parameters["positivity"] == "all",
        parallel=False,
        tol=float(parameters["tol"]),
        max_iter=int(parameters["max_iter"]),
    )


def _descending(lambdas: ArrayLike) -> Floats:
    values: Floats = np.asarray(lambdas, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(f"lambdas must be a vector of finite numbers that are not negative, got {lambdas!r}")
    return np.sort(values)[::-1].copy()


class PrestoClassifier(CumulativeLogitClassifier):
    r"""Ordinal classifier for a rare last class, which borrows strength from the boundaries before it.

    Every boundary k between neighbouring classes has weights of its own,

    .. math:: P(y \le k \mid x) = s(\alpha_k + x'\beta_k), \qquad k = 1, \dots, K - 1,

    with the logistic function s. The weights are written as :math:`\beta_k = \psi_1 + \dots + \psi_k` and estimated by
    minimising [1]_ (equation 3 of the project's specification)

    .. math::

        -\frac1n \sum_i \log P(y_i \mid x_i) + \lambda \sum_{k,j} c_k \left[ a |\psi_{kj}|
        + \frac{1 - a}{2} \psi_{kj}^2 \right], \qquad c_1 = \text{level\_penalty}, \; c_k = 1,

    over all coefficients that give no class of any training row a negative probability. The intercepts are free.

    Parameters
    ----------
    lam : float, default=0.01
        Penalty :math:`\lambda \ge 0`, on the scale of the standardised columns.
    l1_ratio : float, default=1.0
        Part a of the penalty that is L1; 0 is the ridge form.
    level_penalty : float, default=1.0
        Penalty of the first weight vector relative to that of the differences. With 0 a large `lam` gives the
        unpenalised proportional-odds model.
    standardize : bool, default=True
        Whether to divide the columns by their standard deviation (divisor n; weighted) before they are penalised.
        A sparse `X` is neither centred nor filled in, which changes nothing, because the intercepts are free.
    positivity : "all" or "observed", default="all"
        Whether all classes must have a probability of at least zero in every training row, or only the class that the
        row has. The second solves a larger problem and may end lower, with boundaries that cross in the training rows.
        Boundaries that touch may cross by up to 1e-10 on the scale of the linear predictor; `predict_proba` takes that
        as zero.
    class_order : array-like or None, default=None
        All labels from the first to the last, which is the rare end. Not needed for numbers, which are taken in
        numerical order, nor for an ordered pandas Categorical or polars Enum. Give it for those too where scikit-learn
        may encode the target before `fit` (`cross_val_predict`, bagging, voting, stacking): it numbers sorted labels,
        by which the order of a Categorical is lost and one given here is not.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes; they multiply `sample_weight`.
    repair : None, "cumulative_max" or "isotonic", default=None
        How `predict_proba` mends boundaries that cross in a row: running maximum or isotonic regression of the
        cumulative probabilities.
    tol : float, default=1e-9
        Largest certified distance of the objective from its minimum.
    max_iter : int, default=200
        Most Newton steps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted, as everywhere in scikit-learn; columns of `predict_proba` follow it.
    class_order_ : ndarray of shape (n_classes,)
        The same labels from the first to the last; boundaries follow it.
    intercept_ : ndarray of shape (n_classes - 1,)
        On the original scale. Infinite next to a declared class without rows at either end.
    coef_ : ndarray of shape (n_classes - 1, n_features)
        Weights by boundary on the original scale.
    psi_ : ndarray of shape (n_classes - 1, n_features)
        First weight vector and differences of neighbouring ones.
    objective_ : float
        Equation (3) at the solution.
    gap_ : float
        The objective is at most this far above its minimum: difference to a feasible point of the dual problem.
    kkt_residual_ : float
        Largest violation of an optimality condition, on the scale of the standardised columns.
    n_iter_ : int
        Newton steps.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only when `X` had names.

    See Also
    --------
    PrestoClassifierCV : chooses `lam` by cross-validation.
    presto_path : all solutions down a sequence of penalties.
    ProportionalOddsClassifier : one weight vector for all boundaries.

    Notes
    -----
    Sign convention: plus in front of :math:`x'\beta`. ``MASS::polr``, statsmodels and mord use a minus.

    The penalty is anchored at the first boundary: reversing the classes gives another model unless
    ``level_penalty=0``. Weights of rows are normalised to sum 1.

    The solver takes proximal Newton steps on a working set of coefficients. Where boundaries touch in a training row
    an active-set method minimises the quadratic model under the inequalities of the feasible region, so that the
    optimum is reached on its boundary too.

    References
    ----------
    .. [1] Faletto, G. and Bien, J. (2023). Predicting rare events by shrinking towards proportional odds. Proceedings
       of the 40th International Conference on Machine Learning, PMLR 202, 9547-9602.

    Examples
    --------
    >>> import numpy as np
    >>> from repro.ordinal import PrestoClassifier
    >>> generator = np.random.default_rng(0)
    >>> X = generator.uniform(-1, 1, (500, 3))
    >>> y = (X[:, 0] + generator.logistic(size=500) > [[0], [3]]).sum(axis=0)
    >>> model = PrestoClassifier(lam=0.02).fit(X, y)
    >>> model.predict_rare_proba(X).shape, model.gap_ < 1e-9
    ((500,), True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "lam": [Interval(Real, 0, None, closed="left")],
        "repair": _REPAIR,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        lam: float = 0.01,
        *,
        l1_ratio: float = 1.0,
        level_penalty: float = 1.0,
        standardize: bool = True,
        positivity: Positivity = "all",
        class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
        class_weight: ClassWeight = None,
        repair: Repair = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.lam = lam
        self.l1_ratio = l1_ratio
        self.level_penalty = level_penalty
        self.standardize = standardize
        self.positivity = positivity
        self.class_order = class_order
        self.class_weight = class_weight
        self.repair = repair
        self.tol = tol
        self.max_iter = max_iter

    def _settings(self) -> Settings:
        return _settings(self.get_params(deep=False))

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Minimise the penalised likelihood.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: numbers, an ordered pandas Categorical, or anything together with `class_order`.
        sample_weight : array-like of shape (n_samples,) or None
            Not negative; a row of weight 2 counts like two rows, one of weight 0 not at all.

        Returns
        -------
        PrestoClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            For parameters outside their range, missing or infinite values, labels without a known order, fewer than
            two classes with rows.

        Warns
        -----
        ConvergenceWarning
            When the classes are separated and `lam` is too small to hold the coefficients back, or `max_iter` is too
            small.
        UserWarning
            When a declared class has no row.
        """
        problem = self._problem(X, y, sample_weight)
        fit = problem.fit(float(self.lam))
        warn_if_unfinished(fit, self.tol, self.max_iter)
        _take_over(self, fit)
        return self


def _take_over(estimator: Any, fit: Fit) -> None:
    estimator.intercept_ = fit.intercept
    estimator.coef_ = fit.coef
    estimator.psi_ = np.diff(fit.coef, axis=0, prepend=0.0)
    estimator.objective_ = fit.solution.objective
    estimator.gap_ = fit.solution.gap
    estimator.kkt_residual_ = fit.solution.kkt_residual
    estimator.n_iter_ = fit.solution.n_iter


@dataclass(frozen=True)
class PrestoPath:
    """Solutions down a sequence of penalties.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        From the first to the last.
    lambdas : ndarray of shape (n_lambdas,)
        Descending.
    intercepts : ndarray of shape (n_lambdas, n_classes - 1)
    coefs : ndarray of shape (n_lambdas, n_classes - 1, n_features)
        Weights by boundary on the original scale.
    objectives, gaps, kkt_residuals : ndarray of shape (n_lambdas,)
        As the attributes of :class:`PrestoClassifier`.
    n_nonzero : ndarray of shape (n_lambdas,), int
        Entries of psi that are not zero.
    n_iter : ndarray of shape (n_lambdas,), int
    """

    classes: npt.NDArray[Any]
    lambdas: Floats
    intercepts: Floats
    coefs: Floats
    objectives: Floats
    gaps: Floats
    kkt_residuals: Floats
    n_nonzero: npt.NDArray[np.intp]
    n_iter: npt.NDArray[np.intp]


class _PathRequest(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Parameters of :func:`presto_path`, checked as those of an estimator."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {**_CONSTRAINTS, **_PATH_CONSTRAINTS}

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name."""
        return self.parameters


def presto_path(
    X: ArrayLike,
    y: ArrayLike,
    lambdas: ArrayLike | None = None,
    *,
    n_lambdas: int = 20,
    lambda_ratio: float = 0.01,
    l1_ratio: float = 1.0,
    level_penalty: float = 1.0,
    standardize: bool = True,
    positivity: Positivity = "all",
    class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
    class_weight: ClassWeight = None,
    sample_weight: ArrayLike | None = None,
    tol: float = 1e-9,
    max_iter: int = 200,
) -> PrestoPath:
    """Fit PRESTO for a whole sequence of penalties, each fit starting from the one before.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    lambdas : array-like of shape (n_lambdas,) or None, default=None
        Penalties in any order. None: `n_lambdas` values in geometric sequence from the smallest penalty at which all
        weights are zero (for ``l1_ratio`` below 0.01: as at 0.01) down to that times `lambda_ratio`.
    n_lambdas : int, default=20
    lambda_ratio : float, default=0.01
    l1_ratio, level_penalty, standardize, positivity, class_order, class_weight, tol, max_iter
        As in :class:`PrestoClassifier`.
    sample_weight : array-like of shape (n_samples,) or None

    Returns
    -------
    PrestoPath

    Raises
    ------
    ValueError
        As :meth:`PrestoClassifier.fit`, and for `lambdas` that are negative or no vector.

    Warns
    -----
    ConvergenceWarning
        As :meth:`PrestoClassifier.fit`, for the smallest penalty.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> X = generator.normal(size=(300, 2))
    >>> step = np.digitize(X[:, 0] + generator.logistic(size=300), [0, 1, 3])
    >>> path = presto_path(X, step, n_lambdas=3)
    >>> path.n_nonzero.tolist()  # differences that are not zero: the smaller the penalty, the more
    [0, 4, 5]
    """
    request = _PathRequest(
        n_lambdas=n_lambdas,
        lambda_ratio=lambda_ratio,
        lambdas=lambdas,
        l1_ratio=l1_ratio,
        level_penalty=level_penalty,
        standardize=standardize,
        positivity=positivity,
        class_order=class_order,
        class_weight=class_weight,
        tol=tol,
        max_iter=max_iter,
    )
    request._validate_params()
    matrix, target, weight = read_rows(request, X, y, sample_weight, class_order, class_weight)
    problem = Problem(matrix, target.positions, weight, target.classes.size, _settings(request.parameters))
    sequence = problem.lambdas(n_lambdas, lambda_ratio) if lambdas is None else _descending(lambdas)
    fits = list(problem.path(sequence))
    warn_if_unfinished(fits[-1], tol, max_iter)
    return PrestoPath(
        classes=target.classes,
        lambdas=sequence,
        intercepts=np.array([fit.intercept for fit in fits]),
        coefs=np.array([fit.coef for fit in fits]),
        objectives=np.array([fit.solution.objective for fit in fits]),
        gaps=np.array([fit.solution.gap for fit in fits]),
        kkt_residuals=np.array([fit.solution.kkt_residual for fit in fits]),
        n_nonzero=np.array([fit.n_nonzero for fit in fits]),
        n_iter=np.array([fit.solution.n_iter for fit in fits]),
    )


class PrestoClassifierCV(CumulativeLogitClassifier):
    """PRESTO with the penalty chosen by cross-validation.

    The sequence of penalties is made from all training rows; every fold standardises on its own training part. The
    score of a penalty is the mean over folds. The chosen penalty is fitted to all rows at the end.

    Parameters
    ----------
    n_lambdas : int, default=20
    lambda_ratio : float, default=0.01
        Length of the sequence, and its last value relative to its first, at which all weights are zero.
    cv : int, splitter or iterable of (train, test), default=5
        A number makes stratified folds without shuffling: ``StratifiedKFold``, or ``StratifiedGroupKFold`` when `fit`
        gets `groups`. ``KFold(5, shuffle=True, random_state=...)`` gives the folds of the paper's code.
    scoring : "brier" or "log_loss", default="brier"
        Squared error of the probabilities, summed over all classes, or minus the logarithm of the probability of the
        class that was observed (at least 1e-15); both weighted by `sample_weight`.
    selection : "min" or "one_se", default="min"
        The largest penalty that attains the smallest mean score, or the largest one whose mean score is at most one
        standard error above it.
    lambdas : array-like or None, default=None
        Penalties to choose from instead of the sequence.
    l1_ratio, level_penalty, standardize, positivity, class_order, class_weight, repair, tol, max_iter
        As in :class:`PrestoClassifier`.

    Attributes
    ----------
    lam_ : float
        Chosen penalty.
    lambdas_ : ndarray of shape (n_lambdas,)
        Descending.
    fold_scores_ : ndarray of shape (n_lambdas, n_folds)
        The smaller, the better.
    mean_scores_ : ndarray of shape (n_lambdas,)
    standard_errors_ : ndarray of shape (n_lambdas,)
        Standard deviation over folds (divisor n_folds - 1) divided by the root of their number.
    classes_, intercept_, coef_, psi_, objective_, gap_, kkt_residual_, n_iter_, n_features_in_, feature_names_in_
        As in :class:`PrestoClassifier`, of the fit to all rows.

    Notes
    -----
    A class without a row in the training part of a fold gets the probability 0 in that fold.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> X = generator.normal(size=(300, 2))
    >>> step = np.digitize(X[:, 0] + generator.logistic(size=300), [0, 1, 3])
    >>> model = PrestoClassifierCV(cv=3, n_lambdas=5).fit(X, step)
    >>> model.predict_rare_proba([[2.0, 0.0]]) > model.predict_rare_proba([[-2.0, 0.0]])
    array([ True])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "cv": ["cv_object"],
        "scoring": [StrOptions({"brier", "log_loss"})],
        "selection": [StrOptions({"min", "one_se"})],
        "repair": _REPAIR,
        **_PATH_CONSTRAINTS,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        n_lambdas: int = 20,
        lambda_ratio: float = 0.01,
        cv: Any = 5,
        scoring: Literal["brier", "log_loss"] = "brier",
        selection: Literal["min", "one_se"] = "min",
        *,
        lambdas: ArrayLike | None = None,
        l1_ratio: float = 1.0,
        level_penalty: float = 1.0,
        standardize: bool = True,
        positivity: Positivity = "all",
        class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
        class_weight: ClassWeight = None,
        repair: Repair = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.n_lambdas = n_lambdas
        self.lambda_ratio = lambda_ratio
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.lambdas = lambdas
        self.l1_ratio = l1_ratio
        self.level_penalty = level_penalty
        self.standardize = standardize
        self.positivity = positivity
        self.class_order = class_order
        self.class_weight = class_weight
        self.repair = repair
        self.tol = tol
        self.max_iter = max_iter

    def _settings(self) -> Settings:
        return _settings(self.get_params(deep=False))

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose the penalty and fit it to all rows.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None
        groups : array-like of shape (n_samples,) or None
            Rows of one group stay together in a fold.

        Returns
        -------
        PrestoClassifierCV
            The fitted classifier.

        Raises
        ------
        ValueError
            As :meth:`PrestoClassifier.fit`.
        """
        self._validate_params()
        X, target, weight = read_rows(self, X, y, sample_weight, self.class_order, self.class_weight)
        test_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        n_classes = target.classes.size
        problem = Problem(X, target.positions, weight, n_classes, self._settings())
        if self.lambdas is None:
            self.lambdas_ = problem.lambdas(self.n_lambdas, self.lambda_ratio)
        else:
            self.lambdas_ = _descending(self.lambdas)
        folds = list(_splitter(self.cv, groups, target.positions).split(X, target.positions, groups))
        scores = np.empty((self.lambdas_.size, len(folds)))
        for number, (train, test) in enumerate(folds):
            refuse_one_class(target, weight, train, f"the training part of fold {number + 1} of {len(folds)} of cv")
            if not test_weight[test].any():
                raise ValueError(
                    f"the test part of fold {number + 1} of {len(folds)} of cv holds no row of positive weight"
                )
            part = Problem(take_rows(X, train), target.positions[train], weight[train], n_classes, self._settings())
            held_out, observed = take_rows(X, test), target.positions[test]
            for place, fit in enumerate(part.path(self.lambdas_)):
                linear = np.asarray(held_out @ fit.coef.T) + fit.intercept
                loss = _loss(class_probabilities(linear, self.repair), observed, self.scoring)
                scores[place, number] = np.average(loss, weights=test_weight[test])
        self.fold_scores_ = scores
        self.mean_scores_ = scores.mean(axis=1)
        self.standard_errors_ = scores.std(axis=1, ddof=1) / np.sqrt(len(folds))
        chosen = _choose(self.mean_scores_, self.standard_errors_, self.selection)
        self.lam_ = float(self.lambdas_[chosen])
        # down the path, so that the last fit starts from a close one
        *_, final = problem.path(self.lambdas_[: chosen + 1])
        warn_if_unfinished(final, self.tol, self.max_iter)
        keep_classes(self, target)
        _take_over(self, final)
        return self


def _splitter(cv: Any, groups: ArrayLike | None, positions: npt.NDArray[np.intp]) -> Any:
    if isinstance(cv, Integral):
        return StratifiedKFold(int(cv)) if groups is None else StratifiedGroupKFold(int(cv))
    return check_cv(cv, positions, classifier=True)


def _loss(probabilities: Floats, observed: npt.NDArray[np.intp], scoring: str) -> Floats:
    """Score of every row, the smaller the better."""
    of_observed = probabilities[np.arange(observed.size), observed]
    if scoring == "log_loss":
        loss: Floats = -np.log(np.clip(of_observed, SMALLEST_PROBABILITY, 1.0))
        return loss
    squares: Floats = (probabilities**2).sum(axis=1) - 2.0 * of_observed + 1.0
    return squares


def _choose(mean: Floats, standard_error: Floats, selection: str) -> int:
    """First position, hence largest penalty, that the rule allows."""
    best = int(np.argmin(mean))
    limit = mean[best] + (standard_error[best] if selection == "one_se" else 0.0)
    return int(np.argmax(mean <= limit))
