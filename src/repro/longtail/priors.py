r"""The class prior of an unlabelled test set, from the predictions of a trained model.

All of it assumes label shift: the test set differs from the training set in the shares of the classes only.

Three estimators: maximum likelihood over all priors (Saerens et al. 2002), the solution of the equations that a
confusion matrix gives (Lipton et al. 2018), and maximum likelihood over powers of the training prior, one number
instead of one for each class. With an estimate, :func:`repro.longtail.adjust_logits` corrects the predictions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning

from repro.ground.arrays import as_array, class_labels, finite_rows
from repro.ground.checks import positive_number, whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator
from repro.longtail._logits import cached_logits
from repro.metrics.intervals import Interval

Calibration = Literal["uniform", "train"]
Vector = NDArray[np.float64]
_SUM_TOLERANCE = 1e-3
_GRID_POINTS = 161


@dataclass(frozen=True)
class PriorInterval:
    """Percentile bootstrap interval of every entry of a prior.

    Attributes
    ----------
    low, high : ndarray of float64, shape (C,)
    level : float
    n_bootstrap : int
        Resampled test sets.
    """

    low: Vector
    high: Vector
    level: float
    n_bootstrap: int


@dataclass(frozen=True)
class EmPrior:
    """Maximum likelihood over all priors.

    Attributes
    ----------
    prior : ndarray of float64, shape (C,)
    log_likelihood : ndarray of float64, shape (iterations + 1,)
        Of the whole test set, relative to the training prior, at the start and after every iteration; never falls.
    iterations : int
    converged : bool
        Whether no prior can have a log-likelihood that is higher by more than the tolerance.
    interval : PriorInterval or None
        Over test images; None where no resampling was asked for.
    """

    prior: Vector
    log_likelihood: Vector
    iterations: int
    converged: bool
    interval: PriorInterval | None


@dataclass(frozen=True)
class BbsePrior:
    """Solution of the equations of a confusion matrix.

    Attributes
    ----------
    prior : ndarray of float64, shape (C,)
        Negative entries of the solution are set to 0, the rest is scaled to sum 1.
    solution : ndarray of float64, shape (C,)
        As it comes out; may be negative.
    condition : float
        Condition number of the matrix; errors of the predictions' shares may be amplified that much.
    interval : PriorInterval or None
        Over test images, for a fixed confusion matrix; None where no resampling was asked for.
    """

    prior: Vector
    solution: Vector
    condition: float
    interval: PriorInterval | None


@dataclass(frozen=True)
class PowerPrior:
    r"""Maximum likelihood over powers of the training prior.

    Attributes
    ----------
    prior : ndarray of float64, shape (C,)
        :math:`\pi^\beta`, scaled to sum 1.
    beta : Interval
        Estimate of the exponent with its percentile bootstrap interval over test images; bounds are NaN where no
        resampling was asked for.
    log_likelihood : float
        Of the whole test set, relative to the prior that the model is calibrated to.
    at_bound : bool
        Whether the estimate is one of the bounds that were allowed.
    interval : PriorInterval or None
        The interval of beta in terms of the prior.
    """

    prior: Vector
    beta: Interval
    log_likelihood: float
    at_bound: bool
    interval: PriorInterval | None


def checked_prior(name: str, prior: Any, n_classes: int, *, zeros: bool = False) -> Vector:
    """Give a prior as float64, scaled to sum 1 exactly.

    Parameters
    ----------
    name : str
    prior : array-like or tensor of shape (n_classes,)
    n_classes : int
    zeros : bool, default=False
        Whether a class may have a share of 0.

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        If the shape is another one, an entry is not finite or not positive (where allowed 0), or the sum is not 1.
    """
    found = as_array(prior)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got entries of type {found.dtype}")
    if found.shape != (n_classes,):
        raise ValueError(f"{name} must have shape ({n_classes},), one share for each class, got {found.shape}")
    values = found.astype(np.float64)
    wrong = np.flatnonzero(~(((values >= 0) if zeros else (values > 0)) & np.isfinite(values)))
    if wrong.size:
        bound = "at least 0" if zeros else "above 0"
        raise ValueError(f"{name} must be {bound} for every class, got {values[wrong[0]]:g} for class {wrong[0]}")
    if abs(values.sum() - 1) > _SUM_TOLERANCE:
        raise ValueError(f"{name} must sum to 1, got {values.sum():g}; divide counts by their sum")
    scaled: Vector = values / values.sum()
    return scaled


def _probabilities(name: str, probabilities: Any) -> Vector:
    """Rows of predicted probabilities, scaled to sum 1 exactly."""
    found = as_array(probabilities)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"{name} must have shape (n, C), none of them 0, got {found.shape}")
    rows = finite_rows(name, found, found.shape[1]).astype(np.float64)
    if rows.min() < 0:
        raise ValueError(f"{name} must not be negative, got {rows.min():g}")
    sums = rows.sum(axis=1, keepdims=True)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst, 0] - 1) > _SUM_TOLERANCE:
        raise ValueError(f"{name} must sum to 1 in every row, got {sums[worst, 0]:g} in row {worst}")
    scaled: Vector = rows / sums
    return scaled


def _resampling(n_bootstrap: int, level: float) -> int:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return whole_number("n_bootstrap", n_bootstrap, at_least=0)


def _percentiles(values: Vector, level: float) -> tuple[Vector, Vector]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _drawn(n_images: int, n_bootstrap: int, generator: np.random.Generator) -> Vector:
    """How often every image is in each resampled test set, over their number; shape (n_bootstrap, n)."""
    drawn = generator.multinomial(n_images, np.full(n_images, 1 / n_images), size=n_bootstrap)
    return drawn / n_images


def _climb(ratios: Vector, shares: Vector, start: Vector, tolerance: float, at_most: int) -> Vector:
    """Best priors for several weightings of the images at once.

    Expectation maximisation with the squared extrapolation of Varadhan and Roland (2008): two iterations, then a leap
    along their difference, which is taken back where it lowers the likelihood. The mean log-likelihood is concave in
    the prior; its slope towards a class, minus 1, bounds how much higher it can be anywhere, so a weighting is done
    when no slope is above 1 plus the tolerance.

    Parameters
    ----------
    ratios : ndarray of shape (n, C)
        Predicted probabilities over the training prior.
    shares : ndarray of shape (sets, n)
        Weight of every image; rows sum to 1.
    start : ndarray of shape (C,)
    tolerance : float
        For each image.
    at_most : int
        Iterations.

    Returns
    -------
    ndarray of shape (sets, C)
    """
    priors, running = np.tile(start, (len(shares), 1)), np.arange(len(shares))
    for _ in range(at_most // 2):
        slopes = (shares[running] / (priors[running] @ ratios.T)) @ ratios
        going = slopes.max(axis=1) - 1 > tolerance
        running = running[going]
        if not running.size:
            break
        before = priors[running]
        first = before * slopes[going]
        likelihood = first @ ratios.T
        second = first * ((shares[running] / likelihood) @ ratios)
        move, turn = first - before, second - 2 * first + before
        lengths = np.linalg.norm(move, axis=1) / np.maximum(np.linalg.norm(turn, axis=1), np.finfo(np.float64).tiny)
        leap = np.maximum(lengths, 1.0)[:, None]
        # no share may fall to nothing in one leap: it could not come back
        far = np.maximum(before + 2 * leap * move + leap**2 * turn, 0.1 * second)
        far /= far.sum(axis=1, keepdims=True)
        gain = np.sum(shares[running] * np.log((far @ ratios.T) / likelihood), axis=1)
        priors[running] = np.where((gain > 0)[:, None], far, second)
    scaled: Vector = priors / priors.sum(axis=1, keepdims=True)
    return scaled


def estimate_prior_em(
    probabilities: Any,
    train_prior: Any,
    *,
    tolerance: float = 0.01,
    max_iterations: int = 2000,
    n_bootstrap: int = 200,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> EmPrior:
    r"""Class prior of a test set by expectation maximisation (Saerens et al. 2002).

    With :math:`p_{ic}` the predicted probabilities and :math:`\pi` the training prior, the log-likelihood of a prior q
    relative to :math:`\pi` is :math:`\sum_i \log \sum_c p_{ic} q_c / \pi_c`. An iteration replaces q by the mean of the
    corrected probabilities, :math:`\frac1n \sum_i p_{ic} (q_c / \pi_c) / \sum_d p_{id} (q_d / \pi_d)`, starting at
    :math:`\pi`. The log-likelihood never falls; it is concave, so the limit is the best prior.

    Parameters
    ----------
    probabilities : array-like or tensor of shape (n, C)
        Predictions for the unlabelled test images. Rows sum to 1.
    train_prior : array-like of shape (C,)
        The prior that the predictions are calibrated to: class shares of the training set for a model trained with
        cross-entropy, equal shares for balanced softmax.
    tolerance : float, default=0.01
        Stops when no prior can raise the log-likelihood of the whole test set by more than this.
    max_iterations : int, default=2000
        A ``ConvergenceWarning`` says when they were not enough.
    n_bootstrap : int, default=200
        Resampled test sets for the interval; 0: no interval. Every one is solved to the same tolerance by an
        accelerated iteration that starts near the estimate.
    level : float, default=0.95
    random_state : int, numpy Generator, numpy RandomState or None, default=0
        Draws the resampled sets.

    Returns
    -------
    EmPrior

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, a row of probabilities or the prior does not sum to 1, a share is not positive, or a
        setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> labels = generator.choice(3, 2000, p=[0.2, 0.3, 0.5])
    >>> logits = 4 * np.eye(3)[labels] + 2 * generator.normal(size=(2000, 3))  # of a model trained on equal classes
    >>> probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    >>> estimate_prior_em(probabilities, [1 / 3, 1 / 3, 1 / 3], n_bootstrap=20).prior.round(1)
    array([0.2, 0.3, 0.5])
    """
    rows = _probabilities("probabilities", probabilities)
    n_images, n_classes = rows.shape
    start = checked_prior("train_prior", train_prior, n_classes)
    allowed = positive_number("tolerance", tolerance) / n_images
    at_most = whole_number("max_iterations", max_iterations, at_least=1)
    n_sets, generator = _resampling(n_bootstrap, level), as_generator(random_state)
    ratios, prior, history = rows / start, start, []
    for iteration in range(at_most + 1):
        likelihood = ratios @ prior
        history.append(float(np.log(likelihood).sum()))
        slopes = (1 / likelihood) @ ratios / n_images
        converged = bool(slopes.max() - 1 <= allowed)
        if converged or iteration == at_most:
            break
        prior = prior * slopes
        prior = prior / prior.sum()
    if not converged:
        message = f"expectation maximisation stopped after {at_most} iterations; the likelihood can still rise"
        warnings.warn(message, ConvergenceWarning, stacklevel=2)
    interval = None
    if n_sets:
        # a little of every class, or one that the estimate gives nothing could hardly come back
        near = 0.99 * prior + 0.01 * start
        priors = _climb(ratios, _drawn(n_images, n_sets, generator), near, allowed, at_most)
        interval = PriorInterval(*_percentiles(priors, level), level, n_sets)
    return EmPrior(prior, np.array(history), len(history) - 1, converged, interval)


def _mean_predictions(name: str, predictions: Any, n_classes: int) -> tuple[Vector, Vector | None]:
    """Mean of predicted classes or probabilities, and the probabilities if that is what they are."""
    found = as_array(predictions)
    if found.ndim == 2:
        rows = _probabilities(name, found)
        if rows.shape[1] != n_classes:
            raise ValueError(f"{name} must have {n_classes} columns, one for each class, got {rows.shape[1]}")
        return rows.mean(axis=0), rows
    if found.ndim != 1 or not found.size:
        raise ValueError(f"{name} must be classes of shape (n,) or probabilities of shape (n, C), got {found.shape}")
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers where they are classes, got entries of type {found.dtype}")
    wrong = found[(found < 0) | (found >= n_classes)]
    if wrong.size:
        raise ValueError(f"{name} must lie between 0 and {n_classes - 1}, got {wrong.size} outside, such as {wrong[0]}")
    return np.bincount(found, minlength=n_classes) / found.size, None


def _to_prior(solutions: Vector) -> Vector:
    """Set negative entries to 0 and scale to sum 1 along the last axis."""
    positive = np.maximum(solutions, 0.0)
    scaled: Vector = positive / positive.sum(axis=-1, keepdims=True)
    return scaled


def estimate_prior_bbse(
    validation_labels: Any,
    validation_predictions: Any,
    test_predictions: Any,
    *,
    n_classes: int | None = None,
    n_bootstrap: int = 200,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> BbsePrior:
    r"""Class prior of a test set by black box shift estimation (Lipton et al. 2018).

    Let column j of A be the mean prediction over labelled validation images of class j, and m the mean prediction over
    the test images. Under label shift :math:`A q = m` for the test prior q; it is the paper's weights
    :math:`w = C^{-1} m` times the validation prior. The predictions need not be calibrated.

    Parameters
    ----------
    validation_labels : array-like or tensor of int, shape (n_validation,)
        Images that the model was not trained on, some of every class; their prior does not matter.
    validation_predictions : array-like or tensor
        Predicted classes of shape (n_validation,), or probabilities of shape (n_validation, C).
    test_predictions : array-like or tensor
        Of the same kind, for the unlabelled test images.
    n_classes : int or None, default=None
        C. None: one more than the largest label.
    n_bootstrap, level, random_state
        As in :func:`estimate_prior_em`. The matrix is not resampled.

    Returns
    -------
    BbsePrior

    Raises
    ------
    TypeError
        If labels or predicted classes are no whole numbers.
    ValueError
        If shapes do not fit, one set of predictions holds classes and the other probabilities, a class has no
        validation image, a number is out of range, or the matrix is singular.

    Examples
    --------
    >>> validation_labels = [0] * 50 + [1] * 50
    >>> validation_predictions = [0] * 40 + [1] * 10 + [0] * 10 + [1] * 40
    >>> test_predictions = [0] * 26 + [1] * 74
    >>> estimate_prior_bbse(validation_labels, validation_predictions, test_predictions).prior.round(2)
    array([0.1, 0.9])
    """
    labels = as_array(validation_labels)
    if labels.ndim != 1 or not labels.size:
        raise ValueError(f"validation_labels must be a non-empty vector, got shape {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"validation_labels must be whole numbers, got entries of type {labels.dtype}")
    size = int(labels.max()) + 1 if n_classes is None else whole_number("n_classes", n_classes, at_least=1)
    true = class_labels(labels, size, labels.size)
    n_sets, generator = _resampling(n_bootstrap, level), as_generator(random_state)
    _, soft = _mean_predictions("validation_predictions", validation_predictions, size)
    mean, test_rows = _mean_predictions("test_predictions", test_predictions, size)
    if (soft is None) != (test_rows is None):
        raise ValueError("validation_predictions and test_predictions must both be classes or both be probabilities")
    predictions = np.eye(size)[as_array(validation_predictions)] if soft is None else soft
    if len(predictions) != len(true):
        raise ValueError(f"validation_predictions must have {len(true)} rows as labels do, got {len(predictions)}")
    sizes = np.bincount(true, minlength=size)
    if sizes.min() == 0:
        raise ValueError(f"every class needs a validation image, class {sizes.argmin()} has none")
    matrix = predictions.T @ np.eye(size)[true] / sizes
    condition = float(np.linalg.cond(matrix))
    if not condition < 1 / np.finfo(np.float64).eps:
        raise ValueError(
            "the confusion matrix is singular: some class, or mixture of classes, is predicted as another one is"
        )
    solution = np.linalg.solve(matrix, mean)
    interval = None
    if n_sets:
        n_images = len(as_array(test_predictions))
        if test_rows is None:
            means = generator.multinomial(n_images, mean, size=n_sets) / n_images
        else:
            means = _drawn(n_images, n_sets, generator) @ test_rows
        priors = _to_prior(np.linalg.solve(matrix, means.T).T)
        interval = PriorInterval(*_percentiles(priors, level), level, n_sets)
    return BbsePrior(_to_prior(solution), solution, condition, interval)


def _highest(grid: Vector, values: Vector) -> Vector:
    """Where each row of values over an even grid is highest.

    The vertex of the parabola through the three top points.
    """
    step, best = grid[1] - grid[0], values.argmax(axis=1)
    middle = np.clip(best, 1, len(grid) - 2)
    left, top, right = (values[np.arange(len(values)), middle + shift] for shift in (-1, 0, 1))
    bend = left - 2 * top + right
    inside = (best == middle) & (bend < 0)
    moved = np.divide(0.5 * (left - right), bend, out=np.zeros_like(bend), where=inside)
    highest: Vector = grid[best] + step * moved
    return highest


def estimate_prior_power(
    logits: Any,
    train_prior: Any,
    *,
    calibrated_to: Calibration = "uniform",
    bounds: tuple[float, float] = (-2.0, 2.0),
    n_bootstrap: int = 200,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> PowerPrior:
    r"""Class prior of a test set among the powers of the training prior, by maximum likelihood.

    The prior is :math:`q_c(\beta) = \pi_c^\beta / \sum_d \pi_d^\beta`: the training prior at 1, uniform at 0, inversely
    long-tailed below. With b the prior that the model is calibrated to and p the softmax of its logits, :math:`\beta`
    maximises

    .. math:: \sum_i \log \sum_c p_{ic} \, q_c(\beta) / b_c,

    the likelihood that :func:`estimate_prior_em` maximises over all priors. The corrected logits are
    :math:`z + \beta \log \pi` for b uniform, and :math:`z + (\beta - 1) \log \pi` for :math:`b = \pi`. The maximum is
    sought on a grid, since there may be several, and then refined.

    Parameters
    ----------
    logits : array-like or tensor of shape (n, C)
        For the unlabelled test images; logarithms of probabilities are logits too.
    train_prior : array-like of shape (C,)
        :math:`\pi`, all entries positive.
    calibrated_to : {"uniform", "train"}, default="uniform"
        b: "uniform" for a model trained with balanced softmax, "train" for one trained with cross-entropy.
    bounds : tuple of two float, default=(-2, 2)
        Of :math:`\beta`.
    n_bootstrap, level, random_state
        As in :func:`estimate_prior_em`.

    Returns
    -------
    PowerPrior

    Raises
    ------
    UnknownName
        If `calibrated_to` is neither of the two.
    TypeError
        If logits or prior hold no real numbers.
    ValueError
        If shapes do not fit, logits are not finite, the prior is not positive of sum 1 or is uniform, so that all
        powers are the same, or a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> train_prior = np.array([0.6, 0.3, 0.1])
    >>> labels = generator.choice(3, 2000, p=[0.1, 0.3, 0.6])  # about the training prior, turned round
    >>> logits = 4 * np.eye(3)[labels] + 2 * generator.normal(size=(2000, 3))
    >>> estimate = estimate_prior_power(logits, train_prior, n_bootstrap=20)
    >>> estimate.beta.estimate < 0, estimate.prior.round(1)
    (True, array([0.1, 0.2, 0.6]))
    """
    if calibrated_to not in get_args(Calibration):
        raise UnknownName("calibration", str(calibrated_to), get_args(Calibration))
    scores = cached_logits("logits", logits, dimensions=(2,)).astype(np.float64)
    n_images, n_classes = scores.shape
    prior = checked_prior("train_prior", train_prior, n_classes)
    if np.ptp(prior) <= 1e-12:
        raise ValueError("train_prior must not be uniform: all its powers are the same")
    if len(bounds) != 2 or not np.isfinite(bounds).all() or not bounds[0] < bounds[1]:
        raise ValueError(f"bounds must be two finite numbers in ascending order, got {bounds!r}")
    n_sets, generator = _resampling(n_bootstrap, level), as_generator(random_state)
    probabilities = softmax(scores, axis=1)
    base = np.log(prior) if calibrated_to == "train" else np.full(n_classes, -np.log(n_classes))

    def powers(betas: Vector) -> Vector:
        """Logarithms of the priors, shape (betas, C)."""
        return np.asarray(log_softmax(betas[:, None] * np.log(prior), axis=1))

    def likelihoods(betas: Vector) -> Vector:
        """Log-likelihood of every image, shape (n, betas)."""
        return np.asarray(np.log(probabilities @ np.exp(powers(betas) - base).T))

    grid = np.linspace(*bounds, _GRID_POINTS)
    by_image = likelihoods(grid)
    total = by_image.sum(axis=0)
    best = int(total.argmax())
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    refined = minimize_scalar(
        lambda beta: -likelihoods(np.array([beta])).sum(), bounds=around, method="bounded", options={"xatol": 1e-9}
    )
    beta, likelihood = float(refined.x), -float(refined.fun)
    if likelihood <= total[best]:  # at a bound, which the search comes near but does not reach
        beta, likelihood = float(grid[best]), float(total[best])
    low = high = float("nan")
    interval = None
    if n_sets:
        betas = _highest(grid, _drawn(n_images, n_sets, generator) @ by_image)
        low, high = map(float, _percentiles(betas, level))
        interval = PriorInterval(*_percentiles(np.exp(powers(betas)), level), level, n_sets)
    return PowerPrior(
        np.exp(powers(np.array([beta]))[0]),
        Interval(beta, low, high, level, "percentile", n_images),
        likelihood,
        beta in (bounds[0], bounds[1]),
        interval,
    )
