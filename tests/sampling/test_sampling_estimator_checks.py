"""Every sampler behaves as scikit-learn and imbalanced-learn expect of an estimator.

scikit-learn itself skips ``check_array_api_input`` unless the variable SCIPY_ARRAY_API is set; nothing else is skipped
and nothing is expected to fail.
"""

from __future__ import annotations

import pytest
from imblearn.pipeline import make_pipeline
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.sampling import SMOTE, SMOTEN, SMOTENC, RandomUnderSampler

SAMPLERS = [
    SMOTE(random_state=0),
    SMOTENC(categorical_features=[1], random_state=0),
    SMOTEN(random_state=0),
    RandomUnderSampler(random_state=0),
]
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)


@parametrize_with_checks(SAMPLERS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [pair for sampler in SAMPLERS for pair in imblearn_checks.estimator_checks_generator(sampler)],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit_resample") else value.func.__name__,
)
def test_imbalanced_learn_checks(estimator, check):
    check(estimator)


@each_sampler
def test_parameters_are_validated_by_name(sampler):
    imblearn_checks.check_param_validation(type(sampler).__name__, sampler)


@each_sampler
def test_column_names_are_remembered(sampler):
    imblearn_checks.check_dataframe_column_names_consistency(type(sampler).__name__, sampler)


@each_sampler
def test_works_in_a_pipeline_of_imbalanced_learn(sampler):
    X, y = make_classification(n_samples=120, weights=[0.8, 0.2], random_state=0)
    pipeline = make_pipeline(clone(sampler), LogisticRegression()).fit(X, y)
    assert pipeline.predict(X).shape == y.shape
