"""Proportional-odds model (ordinal logistic regression), with or without a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from repro.ordinal._base import CumulativeLogitClassifier
from repro.ordinal._fitting import Settings, warn_if_unfinished
from repro.ordinal._targets import ClassWeight


class ProportionalOddsClassifier(CumulativeLogitClassifier):
    r"""Cumulative logit model with one weight vector for all boundaries.

    .. math:: P(y \le k \mid x) = s(\alpha_k + x'\beta), \qquad k = 1, \dots, K - 1.

    Minimises the mean negative log-likelihood plus
    :math:`\lambda \sum_j [a |\beta_j| + \frac{1 - a}{2} \beta_j^2]`; with ``lam=0`` this is maximum likelihood.

    Parameters
    ----------
    lam : float, default=0.0
        Penalty, on the scale of the standardised columns.
    l1_ratio : float, default=1.0
        Part a of the penalty that is L1.
    standardize : bool, default=True
        Whether to divide the columns by their standard deviation before they are penalised. Changes nothing but the
        rounding when ``lam=0``.
    class_order, class_weight, tol, max_iter
        As in :class:`PrestoClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted, as everywhere in scikit-learn; columns of `predict_proba` follow it.
    class_order_ : ndarray of shape (n_classes,)
        The same labels from the first to the last; `intercept_` follows it.
    intercept_ : ndarray of shape (n_classes - 1,)
        Not decreasing.
    coef_ : ndarray of shape (n_features,)
    objective_, gap_, kkt_residual_ : float
    n_iter_ : int
        As in :class:`PrestoClassifier`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only when `X` had names.

    Notes
    -----
    Sign convention: plus in front of :math:`x'\beta`, the opposite of ``MASS::polr``, statsmodels and mord.

    Examples
    --------
    >>> import numpy as np
    >>> from repro.ordinal import ProportionalOddsClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> model = ProportionalOddsClassifier().fit(X, [0, 1, 0, 2, 1, 2])
    >>> bool(model.coef_[0] < 0), model.gap_ < 1e-9
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "lam": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "standardize": ["boolean"],
        "class_order": ["array-like", None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        lam: float = 0.0,
        *,
        l1_ratio: float = 1.0,
        standardize: bool = True,
        class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
        class_weight: ClassWeight = None,
        tol: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.lam = lam
        self.l1_ratio = l1_ratio
        self.standardize = standardize
        self.class_order = class_order
        self.class_weight = class_weight
        self.tol = tol
        self.max_iter = max_iter

    def _settings(self) -> Settings:
        return Settings(
            l1_ratio=float(self.l1_ratio),
            level_penalty=1.0,
            standardize=bool(self.standardize),
            constrained=False,
            parallel=True,
            tol=float(self.tol),
            max_iter=int(self.max_iter),
        )

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Maximise the (penalised) likelihood.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None

        Returns
        -------
        ProportionalOddsClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            As :meth:`PrestoClassifier.fit`.

        Warns
        -----
        ConvergenceWarning
            As :meth:`PrestoClassifier.fit`; without a penalty whenever the columns separate classes.
        """
        fit = self._problem(X, y, sample_weight).fit(float(self.lam))
        warn_if_unfinished(fit, self.tol, self.max_iter)
        self.intercept_ = fit.intercept
        self.coef_ = fit.coef[np.isfinite(fit.intercept)][0]
        self.objective_ = fit.solution.objective
        self.gap_ = fit.solution.gap
        self.kkt_residual_ = fit.solution.kkt_residual
        self.n_iter_ = fit.solution.n_iter
        return self
