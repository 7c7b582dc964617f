"""Scores calibrated on their own labels, as the first two experiments of the paper use them."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from repro.studies.auroc_auprc.samplers import Labels, Scores


def platt(labels: Labels, scores: Scores) -> Scores:
    """Calibrate scores on their own labels by a logistic curve, as Platt does; a falling curve turns the order round.

    The two coefficients are the maximum-likelihood ones for Platt's targets (n1 + 1)/(n1 + 2) and 1/(n0 + 2), so they
    are finite for separable scores too. A row with a target between 0 and 1 is a weighted row of each class.

    Parameters
    ----------
    labels : ndarray of shape (n,), bool
    scores : ndarray of shape (n,), float64

    Returns
    -------
    ndarray of shape (n,), float64
        Calibrated scores.
    """
    positive = int(labels.sum())
    target = np.where(labels, (positive + 1) / (positive + 2), 1 / (labels.size - positive + 2))
    standard = ((scores - scores.mean()) / scores.std())[:, None]
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    classes = np.repeat([True, False], labels.size)
    model.fit(np.vstack([standard, standard]), classes, sample_weight=np.concatenate([target, 1 - target]))
    return np.asarray(model.predict_proba(standard)[:, 1])
