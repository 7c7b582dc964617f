"""Unconstrained-feature model of mixup: the best feature of a mixed target under a fixed simplex classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import wrightomega

from repro.ground.checks import positive_number, share, whole_number


@dataclass(frozen=True)
class MixedFeature:
    """Best feature h = alpha w_i + beta w_j of a target t e_i + (1 - t) e_j.

    Attributes
    ----------
    alpha, beta : float
        Coefficients of the classifier rows of the two classes.
    probabilities : tuple of 3 floats
        Predicted probability of class i, of class j, and of each other class.
    norm : float
        Norm of h.
    loss : float
        Cross-entropy plus penalty.
    """

    alpha: float
    beta: float
    probabilities: tuple[float, float, float]
    norm: float
    loss: float


def mixup_ufm(n_classes: int, row_norm: float, lambda_H: float, target_weight: float) -> MixedFeature:
    r"""Minimise cross-entropy and the penalty of a feature for one mixed target, the classifier being a simplex frame.

    With :math:`\kappa = m^2 K / (K - 1)` and :math:`Z = e^{\kappa \alpha} + e^{\kappa \beta} + K - 2` the conditions
    are :math:`\lambda_H \alpha + (e^{\kappa \alpha} - 1) / Z = t` and the same for :math:`\beta` and 1 - t (section 8
    of the chapter's specification). For a given Z each is solved by Wright's omega function, which leaves one
    equation.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    row_norm : float
        m, the norm of each row of the classifier.
    lambda_H : float
        Penalty of the feature.
    target_weight : float
        t between 0 and 1, the weight of class i; 1 for a mix within the class.

    Returns
    -------
    MixedFeature

    Raises
    ------
    TypeError
        If an argument is not of the kind named above.
    ValueError
        If there are fewer than 2 classes, `row_norm` or `lambda_H` is not positive, or `target_weight` lies outside
        [0, 1].

    Notes
    -----
    With two classes w_j = -w_i, so only alpha - beta is determined; the same equations fix the two.

    Examples
    --------
    >>> half = mixup_ufm(10, 1.0, 0.001, 0.5)  # ten classes, a picture that is half of each of two
    >>> [round(probability, 3) for probability in half.probabilities]
    [0.496, 0.496, 0.001]
    """
    n_classes = whole_number("n_classes", n_classes, at_least=2)
    row_norm, lambda_H = positive_number("row_norm", row_norm), positive_number("lambda_H", lambda_H)
    weight = share("target_weight", target_weight)
    weights = np.array([weight, 1 - weight])
    kappa = row_norm**2 * n_classes / (n_classes - 1)
    stiffness = kappa / lambda_H

    def exponents(log_z: float) -> NDArray[np.float64]:
        """Give kappa times alpha and beta for a given Z."""
        wanted = stiffness * (weights + np.exp(-log_z))
        found = wanted - wrightomega(wanted + np.log(stiffness) - log_z)
        for _ in range(2):  # Newton steps bring back the digits that the difference has lost
            probability = np.exp(found - log_z)
            excess = found / stiffness + probability - np.exp(-log_z) - weights
            found -= excess / (1 / stiffness + probability)
        return np.asarray(found)

    def excess(log_z: float) -> float:
        first, second = exponents(log_z)
        largest = max(first, second, 0.0)
        total = np.exp(first - largest) + np.exp(second - largest) + (n_classes - 2) * np.exp(-largest)
        return float(largest + np.log(total) - log_z)

    least = float(np.log(n_classes))
    log_z = float(brentq(excess, least - 1e-9, least + stiffness + 1e-9, xtol=1e-14))
    scaled = exponents(log_z)
    scaled[weights == 0] = 0.0
    alpha, beta = (scaled / kappa).tolist()
    first, second = np.exp(scaled - log_z).tolist()
    squared_norm = row_norm**2 * (alpha**2 + beta**2 - 2 * alpha * beta / (n_classes - 1))
    return MixedFeature(
        alpha=alpha,
        beta=beta,
        probabilities=(first, second, float(np.exp(-log_z))),
        norm=float(np.sqrt(squared_norm)),
        loss=float(log_z - weights @ scaled + lambda_H / 2 * squared_norm),
    )
