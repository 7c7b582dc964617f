"""Bootstrap of ranking metrics, intervals of the average precision: against scikit-learn, SciPy and simulation."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.ground.exceptions import UnknownName
from repro.metrics import average_precision_interval, bootstrap_ranking, ranking_summary
from repro.metrics._ranking import rank_rows
from repro.metrics._uncertainty import average_precision_influence, average_precision_without_each_row

pytestmark = pytest.mark.filterwarnings("ignore:.*wants at least", "ignore:resamples that hold one class only")
PEERS = {"auroc": roc_auc_score, "average_precision": average_precision_score}


def example(seed: int, n: int = 120, ties: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, two scores and groups; every group has both classes in abundance."""
    generator = np.random.default_rng(seed)
    y = (generator.random(n) < 0.4).astype(int)
    first, second = generator.normal(size=n) + y, generator.normal(size=n) + 0.5 * y
    if ties:
        first, second = np.round(first), np.round(second)
    return y, first, second, generator.choice(["north", "south"], n)


def resampled_rows(seed: int, n_resamples: int, strata: list[np.ndarray]) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [
        np.concatenate([rows[generator.integers(rows.size, size=rows.size, dtype=np.int32)] for rows in strata])
        for _ in range(n_resamples)
    ]


def by_scikit_learn(
    rows: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray, group: np.ndarray
) -> dict[Any, float]:
    """Every row of the result for the given rows, by sorting again."""
    found: dict[Any, float] = {}
    parts = {"overall": rows, **{name: rows[group[rows] == name] for name in ("north", "south")}}
    for metric, peer in PEERS.items():
        for name, part in parts.items():
            found[metric, name] = peer(y[part], a[part])
            found[f"{metric}_difference", name] = found[metric, name] - peer(y[part], b[part])
        for suffix in ("", "_difference"):
            gap = found[metric + suffix, "north"] - found[metric + suffix, "south"]
            found[f"{metric}_gap{suffix}", "north - south"] = gap
    return found


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_every_row_equals_a_loop_over_scikit_learn(stratified: bool, ties: bool) -> None:
    y, a, b, group = example(0, ties=ties)
    strata = [np.arange(y.size)]
    if stratified:
        strata = [np.flatnonzero((group == name) & (y == label)) for name in ("north", "south") for label in (0, 1)]
    found = bootstrap_ranking(
        y, a, groups=group, other_score=b, n_resamples=60, stratified=stratified, level=0.8, random_state=5
    )
    observed = by_scikit_learn(np.arange(y.size), y, a, b, group)
    draws = pd.DataFrame([by_scikit_learn(rows, y, a, b, group) for rows in resampled_rows(5, 60, strata)])
    assert len(found) == len(observed) == 16
    for row in found.itertuples():
        key = (row.metric, row.group)
        assert row.estimate == pytest.approx(observed[key], abs=1e-12), key
        assert (row.low, row.high) == pytest.approx(tuple(np.quantile(draws[key], [0.1, 0.9])), abs=1e-12), key


@pytest.mark.parametrize("metric", PEERS)
@pytest.mark.parametrize("stratified", [False, True])
def test_bca_equals_that_of_scipy(metric: str, stratified: bool) -> None:
    y, score, _, _ = example(1, n=60)

    # resamples whose value equals the estimate count half, so rounding must not part them
    def peer(labels: np.ndarray, scores: np.ndarray) -> float:
        return float(np.round(PEERS[metric](labels, scores), 12))

    classes = [np.flatnonzero(y == 0), np.flatnonzero(y == 1)]
    draws = resampled_rows(3, 400, classes if stratified else [np.arange(y.size)])
    distribution = np.array([peer(y[rows], score[rows]) for rows in draws])

    def of_classes(negatives: np.ndarray, positives: np.ndarray) -> float:
        return float(peer(np.repeat([0, 1], [len(negatives), len(positives)]), np.append(negatives, positives)))

    expected = stats.bootstrap(
        tuple(score[rows] for rows in classes) if stratified else (y, score),
        of_classes if stratified else peer,
        paired=not stratified,
        vectorized=False,
        n_resamples=0,
        method="BCa",
        bootstrap_result=SimpleNamespace(bootstrap_distribution=distribution),
    ).confidence_interval
    found = bootstrap_ranking(y, score, method="bca", n_resamples=400, stratified=stratified, random_state=3)
    row = found.set_index("metric").loc[metric]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=1e-10)
    assert row["method"] == "bca"


def test_bca_of_gaps_and_differences_equals_that_of_scipy() -> None:
    y, a, b, group = example(2, n=60, ties=True)
    keys = [("average_precision_gap", "north - south"), ("auroc_gap_difference", "north - south")]
    keys += [("auroc_difference", "overall"), ("average_precision_difference", "south")]
    draws = pd.DataFrame(
        [by_scikit_learn(rows, y, a, b, group) for rows in resampled_rows(4, 200, [np.arange(y.size)])]
    )
    found = bootstrap_ranking(y, a, groups=group, other_score=b, method="bca", n_resamples=200, random_state=4)
    for metric, name in keys:
        expected = stats.bootstrap(
            (np.arange(y.size),),
            lambda rows, key=(metric, name): by_scikit_learn(rows, y, a, b, group)[key],
            vectorized=False,
            n_resamples=0,
            method="BCa",
            bootstrap_result=SimpleNamespace(bootstrap_distribution=draws[metric, name].to_numpy()),
        ).confidence_interval
        row = found.set_index(["metric", "group"]).loc[(metric, name)]
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=1e-9), metric


def test_rows_and_columns_have_their_documented_names_and_order() -> None:
    y, a, b, group = example(3)
    found = bootstrap_ranking(y, a, groups=group, other_score=b, n_resamples=20, random_state=0)
    assert list(found.columns) == [
        *("metric", "group", "estimate", "low", "high", "n_positive", "n_negative", "method", "n_undefined")
    ]
    assert found["metric"].unique().tolist() == [
        *("auroc", "average_precision", "auroc_gap", "average_precision_gap", "auroc_difference"),
        *("average_precision_difference", "auroc_gap_difference", "average_precision_gap_difference"),
    ]
    assert found.loc[found["metric"] == "auroc", "group"].tolist() == ["overall", "north", "south"]
    alone = bootstrap_ranking(y, a, n_resamples=20, random_state=0)
    assert alone[["metric", "group"]].to_numpy().tolist() == [["auroc", "overall"], ["average_precision", "overall"]]


def test_estimates_and_counts_are_those_of_the_summary() -> None:
    y, a, _, _ = example(4, n=400)
    group = np.random.default_rng(5).integers(0, 3, 400)
    found = bootstrap_ranking(y, a, groups=group, n_resamples=10, random_state=0).set_index(["metric", "group"])
    summary = ranking_summary(y, a, groups=group)
    assert found.loc[("auroc", "overall"), "estimate"] == summary.auroc
    assert found.loc[("average_precision", "overall"), "estimate"] == pytest.approx(
        summary.average_precision, abs=1e-14
    )
    for name, row in summary.by_group.iterrows():
        for column in ("n_positive", "n_negative"):
            assert found.loc[("auroc", name), column] == row[column]
        for metric in PEERS:
            assert found.loc[(metric, name), "estimate"] == pytest.approx(row[metric], abs=1e-14)
    assert found.loc["auroc_gap"].index.tolist() == ["0 - 1", "0 - 2", "1 - 2"]
    assert found.loc[("auroc_gap", "0 - 2"), "n_positive"] == summary.by_group.loc[[0, 2], "n_positive"].sum()


@pytest.mark.parametrize("seed", [7, np.random.default_rng(7), np.random.RandomState(7)])
def test_seed_may_be_an_integer_or_a_generator(seed: Any) -> None:
    y, a, _, group = example(6)
    assert len(bootstrap_ranking(y, a, groups=group, n_resamples=20, random_state=seed)) == 8


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_same_seed_gives_the_same_bytes(method: Any) -> None:
    y, a, b, group = example(7)
    arguments: dict[str, Any] = {"groups": group, "other_score": b, "n_resamples": 50, "method": method}
    tables = [bootstrap_ranking(y, a, **arguments, random_state=seed).to_csv() for seed in (0, 0, 1)]
    assert tables[0] == tables[1]
    assert tables[0] != tables[2]


@pytest.mark.parametrize("stratified", [False, True])
def test_calls_with_one_seed_are_paired(stratified: bool) -> None:
    y, a, b, _ = example(8)
    arguments: dict[str, Any] = {"n_resamples": 1, "stratified": stratified, "random_state": 2}
    both = bootstrap_ranking(y, a, other_score=b, **arguments).set_index("metric")["low"]
    first, second = (bootstrap_ranking(y, score, **arguments).set_index("metric")["low"] for score in (a, b))
    for metric in PEERS:
        assert both[f"{metric}_difference"] == first[metric] - second[metric]


def test_a_model_does_not_differ_from_its_transform() -> None:
    y, a, _, group = example(9)
    found = bootstrap_ranking(y, a, groups=group, other_score=np.exp(a), n_resamples=50, random_state=0)
    differences = found[found["metric"].str.endswith("_difference")]
    assert len(differences) == 8
    assert (differences[["estimate", "low", "high"]] == 0).all(axis=None)


def test_separated_classes_have_no_width_and_no_bca() -> None:
    y = np.repeat([0, 1], 40)
    found = bootstrap_ranking(y, y, method="bca", n_resamples=50, random_state=0)
    assert (found[["estimate", "low", "high"]] == 1).all(axis=None)
    assert found["method"].tolist() == ["percentile", "percentile"]


def test_equal_scores_have_an_auroc_of_one_half_in_every_resample() -> None:
    y = np.repeat([0, 1], [150, 50])
    found = bootstrap_ranking(y, np.zeros(200), n_resamples=200, random_state=0).set_index("metric")
    assert found.loc["auroc", ["estimate", "low", "high"]].tolist() == [0.5, 0.5, 0.5]
    expected = stats.binom.ppf([0.025, 0.975], 200, 0.25) / 200
    assert found.loc["average_precision", ["low", "high"]].tolist() == pytest.approx(expected.tolist(), abs=0.02)


def test_a_group_of_one_class_is_reported_with_its_counts() -> None:
    y, a, _, group = example(10)
    group = group.astype(object)
    group[y == 0] = np.where(group[y == 0] == "south", "north", group[y == 0])
    with pytest.warns(UserWarning, match="one class only in groups south: metrics are undefined and given as NaN"):
        found = bootstrap_ranking(y, a, groups=group, n_resamples=30, random_state=0).set_index(["metric", "group"])
    for key in (("auroc", "south"), ("average_precision", "south"), ("auroc_gap", "north - south")):
        row = found.loc[key]
        assert row[["estimate", "low", "high"]].isna().all()
        assert row["n_undefined"] == 30
    assert found.loc[("auroc", "south"), "n_negative"] == 0
    assert found.loc[("auroc", "south"), "n_positive"] == np.sum((group == "south") & (y == 1))
    assert found.loc[("auroc", "north"), ["low", "high"]].notna().all()


def test_resamples_without_a_positive_are_counted_and_told() -> None:
    y = np.repeat([1, 0], [2, 100])
    score = np.random.default_rng(11).normal(size=102) + y
    with pytest.warns(UserWarning, match="resamples that hold one class only were left out") as told:
        found = bootstrap_ranking(y, score, n_resamples=500, random_state=6)
    expected = sum(y[rows].sum() == 0 for rows in resampled_rows(6, 500, [np.arange(102)]))
    assert expected > 20
    assert found["n_undefined"].tolist() == [expected, expected]
    assert found["low"].notna().all()
    messages = [str(warning.message) for warning in told]
    assert f"{expected} of overall" in messages[1]
    assert "at least 20 rows of each class, got fewer in overall (2); newcombe_interval and" in messages[0]
    with pytest.warns(UserWarning, match="at least 20") as told:
        found = bootstrap_ranking(y, score, n_resamples=500, stratified=True, random_state=6)
    assert len(told) == 1
    assert found["n_undefined"].tolist() == [0, 0]


def test_bca_with_one_positive_falls_back_to_percentiles_and_says_so() -> None:
    y = np.repeat([1, 0], [1, 60])
    score = np.random.default_rng(12).normal(size=61)
    with pytest.warns(UserWarning, match="at least 20"):
        found = bootstrap_ranking(y, score, method="bca", n_resamples=100, random_state=0)
    assert found["method"].tolist() == ["percentile", "percentile"]
    assert found[["low", "high"]].notna().all(axis=None)


def test_enough_rows_are_not_warned_about() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bootstrap_ranking(np.repeat([1, 0], 20), np.arange(40.0), n_resamples=10, random_state=0)


def test_bad_bootstrap_settings_are_refused() -> None:
    y, a, b, group = example(13)
    for arguments, error, message in (
        ({"level": 1}, ValueError, "level must lie between 0 and 1, got 1"),
        ({"n_resamples": 0}, ValueError, "n_resamples must be at least 1, got 0"),
        ({"method": "bc"}, UnknownName, "unknown method 'bc'; did you mean 'bca'"),
        (
            {"groups": np.where(group == "north", "overall", group)},
            ValueError,
            "groups must not hold the name 'overall'",
        ),
        ({"other_score": b[1:]}, ValueError, "y_true and other_score must have one length, got 120 and 119"),
        ({"other_score": b * np.nan}, ValueError, "other_score must be finite, got 120 NaN"),
    ):
        with pytest.raises(error, match=message):
            bootstrap_ranking(y, a, **arguments)
    with pytest.raises(ValueError, match="y_true must hold both classes"):
        bootstrap_ranking(np.zeros(120), a)


def population_average_precision(prevalence: float, auroc: float) -> float:
    shift = np.sqrt(2) * stats.norm.ppf(auroc)

    def precision_times_density(value: float) -> float:
        hits, alarms = prevalence * stats.norm.sf(value - shift), (1 - prevalence) * stats.norm.sf(value)
        return float(hits / (hits + alarms) * stats.norm.pdf(value - shift))

    return quad(precision_times_density, -8, 8 + shift, limit=200)[0]


def drawn(seed: int, n: int, prevalence: float, auroc: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = generator.random(n) < prevalence
    return y, generator.normal(size=n) + np.sqrt(2) * stats.norm.ppf(auroc) * y


def test_stratified_intervals_of_the_average_precision_leave_the_prevalence_out() -> None:
    truth, hits = population_average_precision(0.3, 0.75), np.zeros(2)
    for seed in range(300):
        y, score = drawn(seed, 300, 0.3, 0.75)
        for number, stratified in enumerate((False, True)):
            found = bootstrap_ranking(y, score, n_resamples=300, stratified=stratified, random_state=seed)
            hits[number] += found.loc[1, "low"] <= truth <= found.loc[1, "high"]
    assert hits[0] / 300 == pytest.approx(0.94, abs=0.03)
    assert hits[1] / 300 < hits[0] / 300 - 0.04


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_of_a_difference_covers_it(method: Any) -> None:
    generator, hits = np.random.default_rng(14), 0
    truth = stats.norm.cdf(1 / np.sqrt(4)) - stats.norm.cdf(0.8 / np.sqrt(4))
    y = np.repeat([1, 0], [60, 240])
    for seed in range(200):
        shared, own = generator.normal(size=300), generator.normal(size=(2, 300))
        found = bootstrap_ranking(
            *(y, shared + own[0] + y),
            other_score=shared + own[1] + 0.8 * y,
            method=method,
            n_resamples=400,
            random_state=seed,
        ).set_index("metric")
        hits += found.loc["auroc_difference", "low"] <= truth <= found.loc["auroc_difference", "high"]
    assert hits / 200 == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("ties", [False, True])
def test_influence_is_the_derivative_by_the_weight_of_the_row(ties: bool) -> None:
    y, score, _, _ = example(15, n=30, ties=ties)
    ranking = rank_rows(y, score)
    influence = average_precision_influence(ranking)
    assert influence.sum() == pytest.approx(0, abs=1e-10)
    for row, value in zip(ranking.order, influence, strict=True):
        up, down = np.ones(30), np.ones(30)
        up[row], down[row] = 1 + 1e-5, 1 - 1e-5
        change = average_precision_score(y, score, sample_weight=up)
        change -= average_precision_score(y, score, sample_weight=down)
        assert value == pytest.approx(30 * change / 2e-5, abs=1e-5)


@pytest.mark.parametrize("ties", [False, True])
def test_leaving_a_row_out_needs_no_second_sort(ties: bool) -> None:
    y, score, _, _ = example(16, n=30, ties=ties)
    ranking = rank_rows(y, score)
    for row, value in zip(ranking.order, average_precision_without_each_row(ranking), strict=True):
        kept = np.arange(30) != row
        assert value == pytest.approx(average_precision_score(y[kept], score[kept]), abs=1e-12)


def test_binomial_interval_is_its_formula() -> None:
    y, score, _, _ = example(17)
    average = average_precision_score(y, score)
    half = stats.norm.ppf(0.95) / np.sqrt(y.sum() * average * (1 - average))
    found = average_precision_interval(y, score, method="logit_binomial", level=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expit(logit(average) + np.array([-half, half]))))
    assert (found.estimate, found.method, found.n) == (pytest.approx(average), "logit_binomial", 120)


def test_influence_interval_is_near_the_jackknife_and_the_default() -> None:
    y, score = drawn(18, 2000, 0.1, 0.8)
    found = average_precision_interval(y, score)
    without = np.array(average_precision_without_each_row(rank_rows(y, score)))
    error = np.sqrt(1999 / 2000 * ((without - without.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, y.sum() - 1) * error / (found.estimate * (1 - found.estimate))
    assert logit(found.high) - logit(found.estimate) == pytest.approx(half, rel=0.02)
    assert logit(found.estimate) - logit(found.low) == pytest.approx(half, rel=0.02)
    assert found.method == "logit_influence"
    assert found == average_precision_interval(y, score, method="logit_influence")


@pytest.mark.parametrize("method", ["logit_influence", "logit_binomial"])
@pytest.mark.parametrize(("n", "prevalence"), [(200, 0.5), (500, 0.1), (1000, 0.02)])
def test_intervals_cover_the_value_of_the_population(method: Any, n: int, prevalence: float) -> None:
    truth, hits = population_average_precision(prevalence, 0.85), 0
    for seed in range(400):
        found = average_precision_interval(*drawn(seed, n, prevalence, 0.85), method=method)
        hits += found.low <= truth <= found.high
    assert hits / 400 == pytest.approx(0.95, abs=0.035)


def test_five_positives_are_covered_by_influence_and_not_by_the_bootstrap() -> None:
    truth, hits, trials = population_average_precision(0.01, 0.9), np.zeros(2), 0
    for seed in range(300):
        y, score = drawn(seed, 500, 0.01, 0.9)
        if y.sum() < 3:
            continue
        trials += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            table = bootstrap_ranking(y, score, n_resamples=300, random_state=seed)
        bounds = [tuple(table.loc[1, ["low", "high"]]), average_precision_interval(y, score)]
        pairs = [bounds[0], (bounds[1].low, bounds[1].high)]
        hits += [low <= truth <= high for low, high in pairs]
    assert hits[0] / trials < 0.9
    assert hits[1] / trials > 0.93


@pytest.mark.parametrize("method", ["logit", "logit_binomial"])
def test_average_precision_of_one_has_the_exact_binomial_bound(method: Any) -> None:
    y = np.repeat([1, 0], [12, 30])
    found = average_precision_interval(y, y, method=method)
    expected = stats.binomtest(12, 12).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, 1.0))
    assert (found.estimate, found.method) == (1.0, "exact")


def test_few_positives_are_told_and_answered() -> None:
    y, score = np.array([1, 0, 0, 1, 0]), np.array([0.3, 0.9, 0.1, 0.8, 0.2])
    with pytest.warns(UserWarning, match="logit_influence wants at least 3 positives, got 2; with so few, report newc"):
        found = average_precision_interval(y, score)
    assert 0 <= found.low < found.estimate < found.high <= 1
    with pytest.warns(UserWarning, match="wants at least 10 positives, got 2; method='logit_influence' covers better"):
        average_precision_interval(y, score, method="logit_binomial")
    with pytest.warns(UserWarning, match="got 1"):
        found = average_precision_interval(y[1:], score[1:])
    assert (found.low, found.estimate, found.high) == (0.0, 0.5, 1.0)


def test_bad_settings_of_the_interval_are_refused() -> None:
    y, score, _, _ = example(19)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got -1"):
        average_precision_interval(y, score, level=-1)
    with pytest.raises(UnknownName, match="unknown method 'logit_binom'; did you mean 'logit_binomial'"):
        average_precision_interval(y, score, method="logit_binom")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="y_true must hold both classes"):
        average_precision_interval(np.ones(120), score)
