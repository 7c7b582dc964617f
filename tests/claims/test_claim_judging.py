"""Every verdict of every criterion on constructed evidence; intervals are checked against SciPy's."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.claims import control_verdict, controls, judge, judge_all, judge_claim
from repro.ground.exceptions import ResultsError, UnknownName

SPREAD = np.array([-1.0, 0.0, 1.0])
HALF_T = stats.t.ppf(0.975, 2) / math.sqrt(3)
"""Half of the 95 % interval of three replicates that lie one unit around their mean: 2.484."""
HALF_T_90 = stats.t.ppf(0.95, 2) / math.sqrt(3)
HALF_NADEAU_BENGIO = stats.t.ppf(0.975, 2) * math.sqrt(1 / 3 + 10 / 9)
BASE = np.array([0.5, 0.7, 0.6])


def effect(make_rows, centre, spread=1.0, dataset="p"):
    """Paired evidence whose differences a - b are centre + spread * (-1, 0, 1)."""
    return make_rows({(dataset, "a"): BASE + centre + spread * SPREAD, (dataset, "b"): BASE})


@pytest.mark.parametrize(
    ("centre", "verdict"),
    [
        (2.49, "reproduced"),
        (2.48, "inconclusive"),
        (0.0, "inconclusive"),
        (-2.48, "inconclusive"),
        (-2.49, "not reproduced"),
    ],
)
def test_direction_follows_the_t_interval_of_the_paired_differences(make_claim, make_rows, centre, verdict):
    judgement = judge(make_claim(), effect(make_rows, centre))
    assert judgement.verdict == verdict
    assert judgement.estimate == pytest.approx(centre, abs=1e-12)
    assert judgement.interval == pytest.approx((centre - HALF_T, centre + HALF_T))
    assert judgement.replicates == 3
    assert judgement.plain_interval is None


def test_a_negative_sign_turns_the_effect_round(make_claim, make_rows):
    claim = make_claim(criterion={"kind": "direction", "sign": "negative"})
    judgement = judge(claim, effect(make_rows, -3.0))
    assert judgement.verdict == "reproduced"
    assert judgement.estimate == pytest.approx(3.0)
    assert judgement.interval == pytest.approx((3 - HALF_T, 3 + HALF_T))
    assert judge(claim, effect(make_rows, 3.0)).verdict == "not reproduced"


def test_a_resolved_effect_below_the_smallest_of_interest_gets_a_note(make_claim, make_rows):
    claim = make_claim(smallest_effect=0.05)
    small = judge(claim, effect(make_rows, 0.045, 0.01))
    assert (small.verdict, small.words, small.marks) == ("reproduced", "reproduced", ())
    assert small.conditions[0].note == "the estimate is below the smallest effect of interest, 0.05"
    assert not small.conditions[0].excludes
    assert judge(claim, effect(make_rows, 0.06, 0.001)).conditions[0].note == ""
    assert judge(claim, effect(make_rows, 0.0, 0.001)).verdict == "not reproduced"
    assert judge(claim, effect(make_rows, 0.05, 0.1)).verdict == "inconclusive"


def test_non_inferiority_allows_to_fall_short_by_the_margin(make_claim, make_rows):
    claim = make_claim(criterion={"kind": "direction", "non_inferiority": 0.02})
    judgement = judge(claim, effect(make_rows, -0.01, 0.001))
    assert judgement.verdict == "reproduced"
    assert judgement.estimate == pytest.approx(-0.01)
    assert judge(claim, effect(make_rows, -0.02, 0.001)).verdict == "inconclusive"
    assert judge(claim, effect(make_rows, -0.03, 0.001)).verdict == "not reproduced"


def test_equal_replicates_give_a_point_and_zero_is_not_positive(make_claim, make_rows):
    rows = make_rows({("p", "a"): BASE, ("p", "b"): BASE})
    judgement = judge(make_claim(), rows)
    assert judgement.interval == (0.0, 0.0)
    assert judgement.verdict == "inconclusive"
    assert judgement.conditions[0].note == "the replicates do not differ"
    assert judge(make_claim(smallest_effect=0.1), rows).verdict == "not reproduced"
    assert judge(make_claim(criterion={"kind": "equivalence", "margin": 1e-9}), rows).verdict == "reproduced"


@pytest.mark.parametrize(
    ("centre", "verdict"),
    [
        (0.0, "reproduced"),
        (3.31, "reproduced"),
        (3.32, "inconclusive"),
        (7.48, "inconclusive"),
        (7.49, "not reproduced"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_equivalence_uses_the_90_percent_interval_inside_and_the_95_percent_one_outside(
    make_claim, make_rows, centre, verdict, sign
):
    claim = make_claim(criterion={"kind": "equivalence", "margin": 5.0})
    judgement = judge(claim, effect(make_rows, sign * centre))
    assert judgement.verdict == verdict
    condition = judgement.conditions[0]
    assert condition.interval_90 == pytest.approx((sign * centre - HALF_T_90, sign * centre + HALF_T_90))
    assert judgement.interval == pytest.approx((sign * centre - HALF_T, sign * centre + HALF_T))


WITHIN = {
    "quantity": {"contrast": None, "where": {"method": "a"}},
    "criterion": {"kind": "within", "tolerance": 0.1},
    "published": [
        {"dataset": "p", "quantity": "auc", "value": 0.9, "source": "read"},
        {"dataset": "p", "quantity": "accuracy", "value": 0.99, "source": "read"},
        {"dataset": "q", "quantity": "auc", "value": 0.7, "source": "figure"},
        {"dataset": "q", "quantity": "auc", "value": 0.1, "source": "recalled"},
    ],
}


def test_within_compares_each_condition_with_its_own_published_value(make_claim, make_rows):
    rows = make_rows({("p", "a"): 0.9 + 0.01 * SPREAD, ("q", "a"): 0.9 + 0.01 * SPREAD, ("q", "b"): BASE})
    judgement = judge(make_claim(**WITHIN), rows)
    first, second = judgement.conditions
    assert (first.name, first.verdict, first.published, first.published_source) == ("p", "reproduced", 0.9, "read")
    assert (second.name, second.verdict, second.published, second.published_source) == (
        "q",
        "not reproduced",
        0.7,
        "figure",
    )
    assert second.estimate == pytest.approx(0.2)
    assert second.interval == pytest.approx((0.2 - 0.01 * HALF_T, 0.2 + 0.01 * HALF_T))
    assert (judgement.verdict, judgement.estimate, judgement.interval) == ("partly", None, None)


def test_within_can_be_inconclusive_and_needs_a_published_value(make_claim, make_rows):
    claim = make_claim(**WITHIN)
    assert judge(claim, make_rows({("p", "a"): 1.0 + 0.01 * SPREAD})).verdict == "inconclusive"
    with pytest.raises(ResultsError, match="needs one published value for condition 'r'"):
        judge(claim, make_rows({("r", "a"): BASE}))


def test_a_relative_tolerance_is_a_share_of_the_published_value(make_claim, make_rows):
    relative = {**WITHIN, "criterion": {"kind": "within", "tolerance": 0.1, "relative": True}}
    rows = make_rows({("p", "a"): 0.945 + 0.01 * SPREAD, ("q", "a"): 0.84 + 0.01 * SPREAD})
    first, second = judge(make_claim(**relative), rows).conditions
    assert (first.verdict, second.verdict) == ("reproduced", "not reproduced")
    assert first.estimate == pytest.approx(0.05)
    assert second.interval == pytest.approx((0.2 - 0.01 * HALF_T / 0.7, 0.2 + 0.01 * HALF_T / 0.7))


ORDER = {"quantity": {"contrast": None, "order": ["a", "b", "c"]}, "criterion": {"kind": "order"}}


@pytest.mark.parametrize(
    ("steps", "verdict", "decides"),
    [
        ((3.0, 2.6), "reproduced", "b over c"),
        ((3.0, 2.4), "inconclusive", "b over c"),
        ((2.0, 3.0), "inconclusive", "a over b"),
        ((-3.0, 3.0), "not reproduced", "a over b"),
        ((3.0, -2.4), "inconclusive", "b over c"),
    ],
)
def test_order_judges_adjacent_paired_differences(make_claim, make_rows, steps, verdict, decides):
    middle = BASE + steps[1] + SPREAD
    rows = make_rows({("p", "c"): BASE, ("p", "b"): middle, ("p", "a"): middle + steps[0] - SPREAD})
    judgement = judge(make_claim(**ORDER), rows)
    assert judgement.verdict == verdict
    assert judgement.conditions[0].note == f"the step that decides: {decides}"
    deciding = steps[0] if decides == "a over b" else steps[1]
    assert judgement.estimate == pytest.approx(deciding)
    assert judgement.interval == pytest.approx((deciding - HALF_T, deciding + HALF_T))


def test_order_with_a_negative_sign_wants_the_smallest_first(make_claim, make_rows):
    claim = make_claim(quantity=ORDER["quantity"], criterion={"kind": "order", "sign": "negative"})
    rows = make_rows({("p", "a"): BASE, ("p", "b"): BASE + 3 + SPREAD, ("p", "c"): BASE + 9})
    assert judge(claim, rows).verdict == "reproduced"
    assert judge(make_claim(**ORDER), rows).verdict == "not reproduced"


def test_identity_judges_the_largest_deviation_without_interval(make_claim, make_rows):
    claim = make_claim(
        quantity={"contrast": None, "conditions": None}, interval="none", criterion={"kind": "identity", "bound": 1e-6}
    )
    judgement = judge(claim, make_rows({("p", "a"): [1e-7, -1e-6, 0.0]}))
    assert (judgement.verdict, judgement.estimate, judgement.interval) == ("reproduced", 1e-6, None)
    assert judge(claim, make_rows({("p", "a"): [1e-7, -2e-6]})).verdict == "not reproduced"
    assert judge(claim, make_rows({("p", "a"): [0.0]})).verdict == "reproduced"


def test_a_single_split_is_corrected_by_its_share_of_test_rows(make_claim, make_rows):
    """Test rows are a quarter of the file, training rows a half: the factor is 1/n + 1/2, with folds = 3."""
    rows = effect(make_rows, 3.0)
    single = judge(make_claim(interval="nadeau_bengio", folds=3, folds_per_value=1), rows)
    plain = judge(make_claim(interval="t"), rows)
    n = single.replicates
    widening = (single.interval[1] - single.interval[0]) / (plain.interval[1] - plain.interval[0])
    assert widening == pytest.approx(np.sqrt((1 / n + 1 / 2) / (1 / n)))


def test_draws_are_summarised_by_their_quantiles(make_claim, make_rows):
    draws = np.random.default_rng(0).normal(1.0, 0.2, size=400)
    rows = make_rows({("pima", "a"): draws.tolist(), ("pima", "b"): np.zeros(400).tolist()})
    judgement = judge(make_claim(interval="draws", quantity={"statistic": "median"}), rows)
    assert judgement.estimate == pytest.approx(np.median(draws))
    assert judgement.interval == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert judgement.verdict == "reproduced"


def test_nadeau_bengio_is_wider_and_the_plain_interval_stands_beside_it(make_claim, make_rows):
    judgement = judge(make_claim(interval="nadeau_bengio", folds=10), effect(make_rows, 3.0))
    assert judgement.interval == pytest.approx((3 - HALF_NADEAU_BENGIO, 3 + HALF_NADEAU_BENGIO))
    assert judgement.plain_interval == pytest.approx((3 - HALF_T, 3 + HALF_T))
    assert judgement.verdict == "inconclusive"


def test_the_bootstrap_of_the_median_is_the_same_every_time(make_claim, make_rows):
    claim = make_claim(interval="bca", quantity={"statistic": "median"})
    values = np.random.default_rng(1).normal(0.5, 1.0, size=30)
    rows = make_rows({("p", "a"): values, ("p", "b"): np.zeros(30)})
    first, second = judge(claim, rows), judge(claim, rows)
    assert first.interval == second.interval
    assert first.estimate == pytest.approx(np.median(values))
    peer = stats.bootstrap((values,), np.median, method="BCa", n_resamples=9999, rng=np.random.default_rng(5))
    assert first.interval == pytest.approx(tuple(peer.confidence_interval), abs=0.1)


def test_a_log_ratio_compares_factors(make_claim, make_rows):
    claim = make_claim(quantity={"scale": "log_ratio"})
    rows = make_rows({("p", "a"): [2.0, 4.0, 6.0], ("p", "b"): [1.0, 2.0, 3.0]})
    assert judge(claim, rows).estimate == pytest.approx(math.log(2))
    with pytest.raises(ResultsError, match="log ratio of 'a' and 'b' needs positive values"):
        judge(claim, make_rows({("p", "a"): [2.0, 0.0], ("p", "b"): [1.0, 2.0]}))


def test_parts_have_their_own_metric_contrast_rows_and_criterion(make_claim, make_rows):
    claim = make_claim(
        quantity={
            "parts": [
                {"name": "above", "where": {"dataset": "p"}},
                {"name": "same", "contrast": ["b", "a"], "criterion": {"kind": "equivalence", "margin": 0.5}},
                {"name": "nodes", "metric": "nodes", "contrast": ["b", "a"], "smallest_effect": 5.0},
            ]
        },
        published=[{"part": "same", "dataset": "q", "quantity": "auc_difference", "value": -0.25, "source": "read"}],
    )
    rows = pd.concat(
        [
            effect(make_rows, 3.0),
            effect(make_rows, 0.1, 0.01, dataset="q"),
            make_rows({("p", "a"): BASE, ("p", "b"): BASE + 0.1}, metric="nodes"),
        ]
    )
    judgement = judge(claim, rows)
    found = {condition.name: (condition.part, condition.verdict) for condition in judgement.conditions}
    assert found == {
        "above, p": ("above", "reproduced"),
        "same, p": ("same", "not reproduced"),
        "same, q": ("same", "reproduced"),
        "nodes, p": ("nodes", "reproduced"),
    }
    assert judgement.verdict == "partly"
    published = {condition.name: condition.published for condition in judgement.conditions}
    assert published == {"above, p": None, "same, p": None, "same, q": -0.25, "nodes, p": None}
    assert judgement.conditions[-1].marks == ("negligible",)
    assert judgement.marks == ("mixed", "negligible in 1 of 4")


def test_several_condition_columns_are_crossed(make_claim, make_rows):
    claim = make_claim(quantity={"conditions": ["dataset", "level"]})
    rows = pd.concat([effect(make_rows, 3.0).assign(level=100), effect(make_rows, -3.0).assign(level=200.0)])
    judgement = judge(claim, rows)
    assert {condition.name: condition.verdict for condition in judgement.conditions} == {
        "p, level 100": "reproduced",
        "p, level 200": "not reproduced",
    }
    assert judgement.verdict == "partly"
    flags = pd.concat([effect(make_rows, 3.0).assign(with_noise=True), effect(make_rows, 3.0).assign(with_noise=False)])
    conditions = judge(make_claim(quantity={"conditions": "with_noise"}), flags).conditions
    assert [condition.name for condition in conditions] == ["with noise yes", "with noise no"]


@pytest.mark.parametrize(
    ("centres", "verdict"),
    [
        ((3.0, 4.0), "reproduced"),
        ((3.0, 0.0), "partly"),
        ((-3.0, 0.0), "not reproduced"),
        ((0.0, 1.0), "inconclusive"),
    ],
)
def test_the_overall_verdict_of_two_conditions(make_claim, make_rows, centres, verdict):
    rows = pd.concat([effect(make_rows, centres[0]), effect(make_rows, centres[1], dataset="q")])
    judgement = judge(make_claim(), rows)
    assert judgement.verdict == verdict
    assert (judgement.estimate, judgement.interval, judgement.replicates) == (None, None, 3)


def test_a_single_replicate_is_inconclusive_however_large(make_claim, make_rows):
    judgement = judge(make_claim(), make_rows({("p", "a"): [100.0], ("p", "b"): [0.0]}))
    assert (judgement.verdict, judgement.estimate, judgement.interval) == ("inconclusive", 100.0, None)
    assert judgement.conditions[0].note == "a single replicate has no interval"


def test_replicates_are_paired_by_name_not_by_position(make_claim, make_rows):
    rows = effect(make_rows, 3.0)
    shuffled = rows.sample(frac=1, random_state=3)
    assert judge(make_claim(), shuffled).interval == pytest.approx(judge(make_claim(), rows).interval)


def test_a_part_without_rows_is_not_run_and_does_not_count(make_claim, make_rows):
    parts = [{"name": "here", "where": {"dataset": "p"}}, {"name": "elsewhere", "where": {"dataset": "mars"}}]
    judgement = judge(make_claim(quantity={"parts": parts}), effect(make_rows, 3.0))
    assert [condition.verdict for condition in judgement.conditions] == ["reproduced", "not run"]
    assert judgement.verdict == "reproduced"
    assert judgement.note == "1 of 2 conditions have no rows in this table and do not count"


def test_settings_are_compared_by_their_text(make_claim, make_rows):
    claim = make_claim(quantity={"where": {"level": [100, None], "fast": True}})
    rows = effect(make_rows, 3.0).assign(level=100.0, fast=np.bool_(True))
    assert judge(claim, rows).verdict == "reproduced"
    missing = effect(make_rows, 3.0).assign(level=math.nan, fast="True")
    assert judge(claim, missing).verdict == "reproduced"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda rows: rows[rows["method"] != "b"],
            "no row in condition 'p' for level 'b'; unknown level of 'method' 'b'",
        ),
        (lambda rows: rows.assign(metric="auroc"), "unknown metric 'auc'; did you mean 'auroc'"),
        (lambda rows: rows.rename(columns={"dataset": "data"}), "unknown column 'dataset'; did you mean 'data'"),
        (lambda rows: rows.assign(value=math.nan), "3 of 3 values of level 'a' in condition 'p' are NaN"),
        (lambda rows: rows.iloc[:-1], "replicates of 'a' and 'b' are not paired: 2 on one side only"),
        (
            lambda rows: pd.concat([rows.assign(level=100), rows.assign(level=200)]),
            "2 values of level 'a' in condition 'p' for replicate 0; they differ in level: narrow them",
        ),
    ],
)
def test_rows_that_cannot_answer_the_claim_are_refused(make_claim, make_rows, change, problem):
    with pytest.raises(ResultsError) as caught:
        judge(make_claim(), change(effect(make_rows, 3.0)), source="trial.quick.csv")
    assert str(caught.value).startswith("claim toy-c1: table trial.quick.csv: ")
    assert problem in str(caught.value)


def test_what_has_not_been_run_yet_does_not_count(make_claim, make_rows):
    whole = make_rows({("p", "a"): BASE + 3 + SPREAD, ("p", "b"): BASE, ("q", "a"): BASE})
    with pytest.raises(ResultsError, match="no row in condition 'q' for level 'b'"):
        judge(make_claim(), whole)
    judgement = judge(make_claim(), whole, partial=True)
    assert [(one.name, one.verdict) for one in judgement.conditions] == [("p", "reproduced"), ("q", "not run")]
    assert judgement.verdict == "reproduced"
    assert "1 of 2 conditions" in judgement.note
    nothing = judge(make_claim(), whole[whole["dataset"] == "q"], partial=True)
    assert nothing.verdict == "not run"
    other_metric = whole.assign(metric="another")
    assert judge(make_claim(), other_metric, partial=True).verdict == "not run"
    narrowed = make_claim(quantity={"where": {"dataset": "p", "cell": ["0", "1"]}})
    assert judge(narrowed, other_metric, partial=True).verdict == "not run"


def test_replicates_that_one_side_has_not_run_yet_are_left_out(make_claim, make_rows):
    rows = effect(make_rows, 3.0)
    last = (rows["method"] == "b") & (rows["replicate"] == rows["replicate"].iloc[-1])
    with pytest.raises(ResultsError, match="not paired"):
        judge(make_claim(), rows[~last])
    judgement = judge(make_claim(), rows[~last], partial=True)
    assert judgement.replicates == 2
    assert judgement.estimate == pytest.approx(2.5)


# Claims of a study, with tables, controls and provenance


def test_a_claim_without_table_is_not_run(study):
    judgement = judge_claim("toy-c1", "quick")
    assert (judgement.verdict, judgement.replicates, judgement.provenance) == ("not run", 0, None)
    assert "repro run toy.trial --profile quick" in judgement.note
    assert judgement.mechanism_demo
    assert judgement.control.verdict == "not run"
    assert judgement.to_dict()["control"] == {"name": "flipped", "verdict": "not run", "changed": None}


def test_a_table_is_judged_with_control_and_provenance(study, make_rows, write_evidence):
    write_evidence(effect(make_rows, 3.0), "paper")
    flipped = make_rows({("p", "a"): BASE - 3.0 + SPREAD, ("p", "b"): BASE}, variant="flipped")
    write_evidence(flipped, "control")
    judgement = judge_claim("toy-c1", "paper")
    assert judgement.verdict == "reproduced"
    assert not judgement.mechanism_demo
    assert judgement.control.name == "flipped"
    assert judgement.control.verdict == "not reproduced"
    assert judgement.provenance.commit.startswith("0123")


def test_a_table_says_itself_whether_cells_are_missing(study, make_rows, write_evidence):
    rows = make_rows({("p", "a"): BASE + 3 + SPREAD, ("p", "b"): BASE, ("q", "a"): BASE})
    write_evidence(rows, "paper", cells=1)
    with pytest.raises(ResultsError, match="for level 'b'"):
        judge_claim("toy-c1", "paper")
    write_evidence(rows, "paper", cells=1, cells_declared=2)
    judgement = judge_claim("toy-c1", "paper")
    assert [one.verdict for one in judgement.conditions] == ["reproduced", "not run"]


def test_the_control_looks_at_its_own_variant_only(study, make_claim, make_rows):
    rows = pd.concat(
        [effect(make_rows, 3.0).assign(variant="another"), effect(make_rows, -3.0).assign(variant="flipped")]
    )
    assert control_verdict("toy-c1", rows).verdict == "not reproduced"
    assert control_verdict(make_claim(control="another"), rows).verdict == "reproduced"
    assert control_verdict(make_claim(control="absent"), rows).verdict == "not run"


def test_a_rewritten_table_is_read_again(study, make_rows, write_evidence):
    write_evidence(effect(make_rows, 3.0), "paper")
    assert judge_claim("toy-c1", "paper").verdict == "reproduced"
    write_evidence(effect(make_rows, -30.0), "paper")
    assert judge_claim("toy-c1", "paper").verdict == "not reproduced"


@pytest.mark.parametrize(("at_run", "changed"), [("same", False), ("mixed", True), ("other", True), ("absent", True)])
def test_a_criterion_changed_after_the_run_is_marked(study, make_rows, write_evidence, at_run, changed):
    specification = judge_claim("toy-c1", "paper").claim.specification_hash()
    hashes = {"same": {"toy-c1": specification}, "absent": {}}.get(at_run, {"toy-c1": at_run})
    write_evidence(effect(make_rows, 3.0), "paper", hashes)
    assert judge_claim("toy-c1", "paper").criterion_changed is changed


def test_editing_criterion_or_statement_after_the_run_is_noticed(study, make_rows, write_evidence):
    write_evidence(
        effect(make_rows, 3.0), "paper", {"toy-c1": judge_claim("toy-c1", "paper").claim.specification_hash()}
    )
    study.write_text(study.read_text().replace("A is better than B.", "A beats B by a wide margin."))
    assert judge_claim("toy-c1", "paper").changes == ("statement",)
    study.write_text(study.read_text().replace("{kind: direction}", "{kind: direction, non_inferiority: 1}"))
    assert judge_claim("toy-c1", "paper").changes == ("criterion", "statement")
    study.write_text(study.read_text().replace("quick: mechanism demo, ", ""))
    assert judge_claim("toy-c1", "paper").changes == ("criterion", "statement", "profile quick left out")


def test_every_claim_is_judged_in_its_profiles(study):
    assert [(judgement.claim.id, judgement.profile) for judgement in judge_all("toy")] == [
        ("toy-c1", "quick"),
        ("toy-c1", "paper"),
        ("toy-c2", "paper"),
    ]
    assert [judgement.claim.id for judgement in judge_all("toy", "quick")] == ["toy-c1"]


def test_unknown_names_suggest_the_nearest(study):
    with pytest.raises(UnknownName, match="unknown claim 'toy-c'; did you mean"):
        judge_claim("toy-c", "paper")
    with pytest.raises(UnknownName, match="unknown profile of claim toy-c2 'quick'"):
        judge_claim("toy-c2", "quick")
    with pytest.raises(UnknownName, match="unknown study 'toi'"):
        judge_all("toi")
    with pytest.raises(UnknownName, match="did you mean 'quick'"):
        judge_all("toy", "quik")


def test_controls_lists_every_claim_with_the_reason(study):
    assert [(control.claim.id, control.name, control.reason) for control in controls("toy")] == [
        ("toy-c1", "flipped", "the sign of every effect is turned round"),
        ("toy-c2", "flipped", "the sign of every effect is turned round"),
    ]


def test_the_dictionary_is_json_and_hides_recalled_numbers(study, make_rows, write_evidence):
    write_evidence(pd.concat([effect(make_rows, 3.0), effect(make_rows, 0.0, dataset="q")]), "paper")
    content = judge_claim("toy-c1", "paper").to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["published"] == [{"dataset": "p", "quantity": "auc_difference", "value": 0.0125, "source": "read"}]
    assert content["verdict"] == "partly"
    assert content["estimate"] is None
    assert content["interval"] is None
    assert [condition["verdict"] for condition in content["conditions"]] == ["reproduced", "inconclusive"]
    assert content["conditions"][0]["published"] == 0.0125
    assert content["conditions"][1]["published"] is None
    required = "id study paper locator statement profile verdict estimate interval replicates control conditions"
    assert {*required.split(), "criterion_changed", "mechanism_demo"} <= set(content)


def test_a_condition_keeps_its_settings_as_data(make_claim, make_rows):
    """What the claim asks for, what tells conditions apart, the part and its metric; numbers and flags stay so."""
    differences = {("p", "a"): BASE + 3, ("p", "b"): BASE}
    frames = [make_rows(differences, size=size, biased=size > 1) for size in (2.0, 0.5)]
    frames += [make_rows(differences, "loss", size=2.0, biased=True)]
    quantity = {"where": {"dataset": "p", "size": [2, 0.5]}, "conditions": ["size", "biased"]}
    parts = [{"name": "area"}, {"name": "loss", "metric": "loss", "where": {"biased": True}}]
    judgement = judge(make_claim(quantity=quantity | {"parts": parts}), pd.concat(frames))
    dumped = json.loads(json.dumps(judgement.to_dict()))["conditions"]
    found = [(condition["part"], condition["metric"], condition["settings"]) for condition in dumped]
    assert found == [
        ("area", "auc", {"dataset": "p", "size": 2, "biased": True}),
        ("area", "auc", {"dataset": "p", "size": 0.5, "biased": False}),
        ("loss", "loss", {"dataset": "p", "size": 2, "biased": True}),
    ]
    assert [type(condition.settings["size"]) for condition in judgement.conditions] == [int, float, int]
    assert hash(judgement.conditions[0]) == hash(judgement.conditions[0])


def test_a_setting_that_is_missing_in_some_rows_is_none(make_claim, make_rows):
    """A column with gaps holds floats and NaN; another one holds strings and whole numbers."""
    pairs = {("p", "a"): BASE + 3, ("p", "b"): BASE}
    frames = [make_rows(pairs, level=level, kind=kind) for level, kind in ((300, "x"), (None, 7))]
    judgement = judge(make_claim(quantity={"conditions": ["level", "kind"]}), pd.concat(frames, ignore_index=True))
    assert [dict(condition.settings) for condition in judgement.conditions] == [
        {"level": 300, "kind": "x"},
        {"level": None, "kind": 7},
    ]
    assert [condition.name for condition in judgement.conditions] == ["level 300, x", ", kind 7"]
