"""What stands beside a verdict: negligible, mixed, fragile, under way, skewed; and which profile speaks for a claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.claims import card, headline, judge, judge_claim, judge_profiles, larger_under_way
from repro.protocol.cells import combinations
from repro.protocol.experiment import Cell

SPREAD = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def differences(make_rows, *, dataset="p", **values):
    """Rows of which a minus b are the given values."""
    series = values.get("of", SPREAD)
    return make_rows({(dataset, "a"): np.asarray(series) + 7.0, (dataset, "b"): np.full(len(series), 7.0)})


def t_interval(values, level=0.95):
    return stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))


def test_an_effect_wholly_below_the_smallest_is_reproduced_and_negligible(make_claim, make_rows):
    """SMOTE's risk ratio on Phoneme was such a case: above zero, and all of it below what was said to matter."""
    claim = make_claim(smallest_effect=0.4)
    found = judge(claim, differences(make_rows, of=0.2 + 0.01 * SPREAD))
    (condition,) = found.conditions
    assert condition.interval == pytest.approx(t_interval(0.2 + 0.01 * SPREAD))
    assert (found.verdict, found.words, condition.marks) == ("reproduced", "reproduced, negligible", ("negligible",))
    assert (found.counts.reproduced, found.counts.against, found.counts.excluded) == (1, 0, 1)
    across = judge(claim, differences(make_rows, of=0.39 + 0.05 * SPREAD))
    assert across.conditions[0].interval[1] > 0.4 > across.conditions[0].estimate
    assert (across.words, across.counts.excluded) == ("reproduced", 0)
    above = judge(claim, differences(make_rows, of=0.5 + 0.01 * SPREAD))
    assert (above.words, above.counts.excluded) == ("reproduced", 0)
    none = judge(claim, differences(make_rows, of=0.01 * SPREAD))
    assert (none.verdict, none.counts.excluded, none.conditions[0].marks) == ("not reproduced", 1, ())


def test_no_worse_by_a_margin_counts_the_margin_in_what_is_excluded(make_claim, make_rows):
    claim = make_claim(smallest_effect=0.4, criterion={"kind": "direction", "non_inferiority": 0.3})
    assert judge(claim, differences(make_rows, of=0.2 + 0.01 * SPREAD)).conditions[0].excludes is False
    assert judge(claim, differences(make_rows, of=0.05 + 0.01 * SPREAD)).conditions[0].excludes is True


def test_partly_carries_its_counts_and_both_directions_are_mixed(make_claim, make_rows):
    rows = pd.concat(
        [
            differences(make_rows, of=1 + 0.1 * SPREAD),
            differences(make_rows, of=-1 + 0.1 * SPREAD, dataset="q"),
            differences(make_rows, of=SPREAD, dataset="r"),
        ]
    )
    found = judge(make_claim(), rows)
    assert (found.verdict, found.words, found.marks) == ("partly", "partly, 1 of 3; 1 against", ("mixed",))
    every = judge(make_claim(universal=True), rows)
    assert (every.verdict, every.words) == ("not reproduced", "not reproduced, 1 of 3; 1 against")
    open_only = judge(make_claim(), rows[rows["dataset"] != "q"])
    assert (open_only.words, open_only.marks) == ("partly, 1 of 2", ())


def test_a_negative_verdict_on_a_stand_in_says_so(make_claim, make_rows):
    claim = make_claim()
    rows = differences(make_rows, of=-1 + 0.1 * SPREAD)
    assert judge(claim, rows, profile="quick").words == "not reproduced in the stand-in"
    assert judge(claim, rows, profile="paper").words == "not reproduced"
    assert judge(claim, differences(make_rows, of=1 + 0.1 * SPREAD), profile="quick").words == "reproduced"


def test_a_verdict_that_hangs_on_one_replicate_is_fragile(make_claim, make_rows):
    """The largest value widens the interval over zero; without it, and without no other, zero is left out."""
    values = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 9.0])
    without = [t_interval(np.delete(values, place))[0] > 0 for place in range(6)]
    assert (t_interval(values)[0] > 0, without) == (False, [False] * 5 + [True])
    found = judge(make_claim(), differences(make_rows, of=values))
    (condition,) = found.conditions
    assert (found.verdict, condition.flips, condition.otherwise) == ("inconclusive", 1, ("reproduced",))
    assert (condition.marks, found.marks) == (("fragile",), ("fragile",))
    assert judge(make_claim(), differences(make_rows, of=values[:5])).marks == ()


def test_a_claim_is_fragile_only_when_its_own_verdict_hangs_on_a_replicate(make_claim, make_rows):
    """Of two conditions that are reproduced one more makes no difference to a claim that is partly anyway."""
    values = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 9.0])
    clear, open_ = 1 + 0.1 * SPREAD, SPREAD
    rows = pd.concat(
        [
            differences(make_rows, of=values),
            differences(make_rows, of=clear, dataset="q"),
            differences(make_rows, of=open_, dataset="r"),
        ]
    )
    found = judge(make_claim(), rows)
    assert [condition.flips for condition in found.conditions] == [1, 0, 0]
    assert (found.verdict, found.marks) == ("partly", ())
    assert judge(make_claim(), rows[rows["dataset"] != "r"]).marks == ("fragile",)


def test_the_largest_deviation_of_few_seeds_can_be_fragile(make_claim, make_rows):
    claim = make_claim(
        interval="none",
        criterion={"kind": "identity", "bound": 0.01},
        quantity={"contrast": None, "where": {"method": "a"}},
    )
    found = judge(claim, make_rows({("p", "a"): [0.002, 0.003, 0.0104]}))
    assert (found.verdict, found.marks, found.conditions[0].flips) == ("not reproduced", ("fragile",), 1)
    assert judge(claim, make_rows({("p", "a"): [0.002, 0.02, 0.0104]})).marks == ()


def test_skewed_replicates_have_their_median_beside_the_mean(make_claim, make_rows):
    """One run of ten makes the mean; the interval of the median is that of the sign test, from 2nd to 9th of ten."""
    values = np.array([-0.9, 0.3, 1.2, 2.5, 3.1, 3.5, 4.4, 5.2, 6.6, 38.4])
    (condition,) = judge(make_claim(), differences(make_rows, of=values)).conditions
    assert condition.estimate == pytest.approx(values.mean())
    assert condition.median == pytest.approx(3.3)
    low, high = condition.median_interval
    covered = stats.binom.cdf(8, 10, 0.5) - stats.binom.cdf(1, 10, 0.5)
    assert (low, high) == pytest.approx((0.3, 6.6))
    assert covered >= 0.95
    even = judge(make_claim(), differences(make_rows, of=values[:-1])).conditions[0]
    assert (even.median, even.median_interval) == (None, None)
    many = judge(make_claim(), differences(make_rows, of=np.tile(values, 7))).conditions[0]
    assert many.median is None, "seventy values make the mean, not one"
    folds = make_claim(interval="nadeau_bengio", folds=10)
    assert judge(folds, differences(make_rows, of=values)).conditions[0].median is None, "folds are not independent"


@pytest.mark.parametrize(
    ("quantity", "sign", "values", "possible"),
    [
        ({"contrast": None, "where": {"method": "a"}, "range": [0, 1]}, "positive", [0.99, 0.97, 1.0, 1.0], (None, 1)),
        ({"contrast": None, "where": {"method": "a"}, "range": [-1, 1]}, "negative", [-0.9, -1.0, -1.0], (None, 1)),
        ({"range": [0, 1]}, "positive", [0.9, 0.8, 1.0], (None, 1)),
        ({"range": [0, 1]}, "negative", [0.9, 0.8, 1.0], (-1, None)),
    ],
)
def test_no_interval_leaves_what_the_quantity_can_be(make_claim, make_rows, quantity, sign, values, possible):
    criterion = {"kind": "direction", "sign": sign}
    rows = make_rows({("p", "a"): values, ("p", "b"): np.zeros(len(values))})
    plain = {key: value for key, value in quantity.items() if key != "range"}
    free = judge(make_claim(quantity=plain, criterion=criterion), rows).interval
    low, high = judge(make_claim(quantity=quantity, criterion=criterion), rows).interval
    wanted = tuple(bound if limit is None else limit for bound, limit in zip(free, possible, strict=True))
    assert (low, high) == pytest.approx(wanted)
    assert wanted != pytest.approx(free)


def test_the_difference_of_two_areas_may_be_negative(make_claim, make_rows):
    rows = differences(make_rows, of=0.1 * SPREAD)
    free = judge(make_claim(), rows).interval
    assert free[0] < 0 < free[1]
    assert judge(make_claim(quantity={"range": [0, 1]}), rows).interval == free


def test_the_card_says_whether_the_effect_of_the_paper_could_have_been_resolved(make_claim, make_rows):
    """Half of the interval of these five values is 0.98: an effect of 2 would show, one of 0.5 would not."""
    for value, resolved in ((2.0, True), (0.5, False), (-0.5, None)):
        published = [{"dataset": "p", "quantity": "auc_difference", "value": value, "source": "read"}]
        (condition,) = judge(make_claim(published=published), differences(make_rows, of=SPREAD - 3)).conditions
        assert condition.would_resolve is resolved  # our own effect, -3 here, does not count
        assert ("as large as the paper's would not" in condition.note) is (resolved is False)
    other = [{"dataset": "p", "quantity": "accuracy_difference", "value": 2.0, "source": "read"}]
    (condition,) = judge(make_claim(published=other), differences(make_rows)).conditions
    assert (condition.published, condition.would_resolve) == (None, None), "another quantity is no value to compare"


def test_a_published_ratio_is_shown_on_the_scale_of_the_estimate(make_claim, make_rows):
    published = [{"dataset": "p", "quantity": "auc_ratio", "value": 0.965, "source": "figure"}]
    claim = make_claim(quantity={"scale": "log_ratio"}, published=published)
    assert judge(claim, differences(make_rows)).conditions[0].published == pytest.approx(np.log(0.965))


def test_many_conditions_share_one_error(make_claim, make_rows):
    """Bonferroni: with two conditions each interval has the level 97.5 %."""
    edge = SPREAD + 1.05
    assert t_interval(edge)[0] > 0 > t_interval(edge, 0.975)[0]
    clear = differences(make_rows, of=1 + 0.1 * SPREAD, dataset="q")
    found = judge(make_claim(), pd.concat([differences(make_rows, of=edge), clear]))
    assert (f"{found.counts}", f"{found.family_wise}") == ("2 of 2", "1 of 2")
    assert judge(make_claim(), differences(make_rows, of=edge)).family_wise is None


@pytest.fixture
def declared(monkeypatch):
    """Three trainings are declared for each method at paper size."""
    from repro import studies

    experiment = studies.experiment("toy.trial")
    cells = {**experiment.cells, "paper": combinations(dataset=["p"], method=["a"], seed=range(3))}
    monkeypatch.setattr(studies, "experiment", lambda name: replace(experiment, cells=cells))
    return [Cell("toy.trial", parameters, 0).id for parameters in cells["paper"]()]


def test_one_training_of_three_is_under_way_and_the_smaller_run_speaks(study, declared, make_rows, write_evidence):
    """Ten trainings at quick size decide; one at paper size must not replace them by "inconclusive"."""
    write_evidence(differences(make_rows, of=1 + 0.1 * SPREAD), "quick")
    one = differences(make_rows, of=[1.0]).assign(cell=declared[0])
    write_evidence(one, "paper", cells=1, cells_declared=3)
    judged = judge_profiles("toy-c1", ["quick", "paper"])
    assert [found.decides for found in judged] == [True, False]
    assert headline(judged).profile == "quick"
    assert larger_under_way(judged).under_way == "1 of 3 partitions"
    assert "under way: 1 of 3 partitions" in str(card("toy-c1"))
    more = differences(make_rows, of=[1.0, 1.1]).assign(cell=declared[0])
    more.loc[more["replicate"] == 1, "cell"] = declared[1]
    write_evidence(more, "paper", cells=2, cells_declared=3)
    judged = judge_profiles("toy-c1", ["quick", "paper"])
    assert (headline(judged).profile, headline(judged).under_way) == ("paper", "2 of 3 partitions")
    assert larger_under_way(judged) is None
    other = more[more["method"] == "a"].assign(method="c", cell="ffffffffffff")  # a method that is not compared
    write_evidence(pd.concat([more, other]), "paper", cells=3, cells_declared=4)
    assert judge_claim("toy-c1", "paper").under_way == "2 of 3 partitions"
    write_evidence(more, "paper", cells=3, cells_declared=3)
    assert judge_claim("toy-c1", "paper").under_way == ""


def test_a_claim_without_a_deciding_run_shows_the_largest_that_was_run(study, make_rows, write_evidence):
    assert headline(judge_profiles("toy-c1", ["quick", "paper"])).profile == "paper"  # nothing was run
    write_evidence(differences(make_rows, of=[1.0]), "quick")
    assert headline(judge_profiles("toy-c1", ["quick", "paper"])).profile == "quick"
    with pytest.raises(ValueError, match="judgements must hold at least one"):
        headline([])


def test_a_statement_that_was_not_read_in_the_paper_says_so(study, make_rows, write_evidence):
    study.write_text(study.read_text().replace("statement: A is", "statement_from: abstract\n  statement: A is"))
    for text in (str(card("toy-c1")), card("toy-c1")._repr_html_()):
        assert "as the abstract has it; the full text was not at hand" in text
    assert "not at hand" not in str(card("toy-c2"))
