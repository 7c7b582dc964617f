"""Every sampler behaves as scikit-learn and imbalanced-learn expect of an estimator."""

from __future__ import annotations

from imblearn.utils.estimator_checks import parametrize_with_checks as parametrize_with_imblearn_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.sampling import SMOTE, SMOTEN, SMOTENC, RandomUnderSampler

SAMPLERS = [
    SMOTE(random_state=0),
    SMOTENC(categorical_features=[1], random_state=0),
    SMOTEN(random_state=0),
    RandomUnderSampler(random_state=0),
]


def expected_failures(estimator):
    return {}


@parametrize_with_checks(SAMPLERS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_imblearn_checks(SAMPLERS, expected_failed_checks=expected_failures)
def test_imbalanced_learn_checks(estimator, check):
    check(estimator)
