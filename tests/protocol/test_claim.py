from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from repro.protocol.claim import Claim, Published


def _claim(**changes: Any) -> Claim:
    content: dict[str, Any] = {
        "id": "toy-c1",
        "paper": "nobody2000",
        "locator": "Table 1",
        "statement": "A is larger than B.",
        "experiment": "toy.first",
        "quantity": {"metric": "auc", "contrast": ["a", "b"], "replicate": "partition"},
        "interval": "t",
        "criterion": {"kind": "direction"},
        "control": "broken",
        "profiles": {"quick": "full"},
    }
    return Claim.model_validate(content | changes)


def test_the_hash_moves_with_what_decides_statement_and_profiles_and_with_nothing_else() -> None:
    original = _claim().specification_hash()
    assert _claim(note="more", locator="Table 2", statement_from="abstract").specification_hash() == original
    assert _claim(statement="  A is larger\n  than B. ").specification_hash() == original  # line breaks of the file
    assert _claim(control="another").specification_hash() == original
    for change in (
        {"criterion": {"kind": "direction", "sign": "negative"}},
        {"smallest_effect": 0.01},
        {"interval": "nadeau_bengio", "folds": 10},
        {"interval": "draws"},
        {"quantity": {"metric": "auc", "contrast": ["b", "a"], "replicate": "partition"}},
        {"published": [{"quantity": "auc", "value": 0.9, "source": "read"}]},
        {"statement": "B is smaller than A."},
        {"profiles": {"paper": "full"}},
        {"universal": True},
        {"quantity": {"metric": "auc", "contrast": ["a", "b"], "replicate": "partition", "range": [0, 1]}},
    ):
        assert _claim(**change).specification_hash() != original, change
    within = {"kind": "within", "tolerance": 0.1}
    value = [{"quantity": "auc", "value": 0.9, "source": "read"}]
    absolute = _claim(criterion=within, published=value).specification_hash()
    assert _claim(criterion=within | {"relative": True}, published=value).specification_hash() != absolute
    corrected = _claim(interval="nadeau_bengio", folds=10).specification_hash()
    assert _claim(interval="nadeau_bengio", folds=10, folds_per_value=1).specification_hash() != corrected


def test_what_changed_since_a_run_is_named() -> None:
    both = {"quick": "mechanism demo", "paper": "full"}
    recorded = _claim(profiles=both).specification_hash()
    assert _claim(profiles=both).changes_since(recorded) == ()
    assert _claim(profiles=both | {"standard": "full"}).changes_since(recorded) == ()  # one more is no change
    assert _claim(profiles={"quick": "mechanism demo"}).changes_since(recorded) == ("profile paper left out",)
    assert _claim(profiles=both | {"quick": "full"}).changes_since(recorded) == ("mark of profile quick",)
    assert _claim(profiles=both, statement="A wins.").changes_since(recorded) == ("statement",)
    assert _claim(profiles=both, universal=True).changes_since(recorded) == ("criterion",)
    assert _claim(smallest_effect=1).changes_since("44218efa5c084101") == ("criterion",)
    assert _claim(statement="A wins.").changes_since("44218efa5c084101") == ()  # it was not recorded then


def test_a_range_is_two_numbers_of_a_difference() -> None:
    quantity = {"metric": "auc", "replicate": "partition"}
    assert _claim(quantity=quantity | {"range": [0, 1]}).quantity.range == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"range must be two numbers, the smaller first, got \[1.0, 0.0\]"):
        _claim(quantity=quantity | {"range": [1, 0]})
    with pytest.raises(ValueError, match="a logarithm of a ratio has no bounds"):
        _claim(quantity=quantity | {"range": [0, 1], "scale": "log_ratio"})
    ratio = [{"quantity": "auc_ratio", "value": 0.0, "source": "read"}]
    with pytest.raises(ValueError, match=r"a published ratio must be positive, got 0.0"):
        _claim(quantity=quantity | {"contrast": ["a", "b"], "scale": "log_ratio"}, published=ratio)


def test_a_hash_of_the_first_tables_counts_while_the_claim_has_the_same_control() -> None:
    recorded = "44218efa5c084101"  # as the first version computed it
    assert _claim().is_specified_by(recorded)
    assert _claim().is_specified_by(_claim().specification_hash())
    assert not _claim(control="another").is_specified_by(recorded)
    replaced = {"control": "another", "former_controls": ["broken"]}
    assert _claim(**replaced).is_specified_by(recorded)
    assert _claim(**replaced).specification_hash() == _claim().specification_hash()
    assert not _claim(**replaced, smallest_effect=0.01).is_specified_by(recorded)
    assert not _claim(smallest_effect=0.01).is_specified_by(recorded)
    assert not _claim().is_specified_by(None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"criterion": {"kind": "equivalence"}}, "requires 'margin'"),
        ({"criterion": {"kind": "direction", "margin": 0.1}}, "does not take 'margin'"),
        ({"criterion": {"kind": "direction", "relative": True}}, "does not take 'relative'"),
        ({"criterion": {"kind": "within", "tolerance": 0.1}}, "requires published"),
        ({"criterion": {"kind": "order"}}, "requires quantity.order"),
        ({"interval": "none"}, "'identity'"),
        ({"id": "other-c1"}, "different studies"),
        ({"quantity": {"metric": "auc", "replicate": "seed", "statistic": "median"}}, "requires interval 'bca'"),
        ({"interval": "nadeau_bengio"}, "interval .nadeau_bengio. requires folds"),
        ({"interval": "t", "folds_per_value": 1}, "belongs to interval 'nadeau_bengio'"),
        ({"interval": "nadeau_bengio", "folds": 3, "folds_per_value": 4}, r"at most folds \(3\), got 4"),
        ({"typo": 1}, "typo"),
        ({"smallest_effect": -0.1}, "smallest_effect"),
        ({"profiles": {}}, "profiles"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _claim(**changes)


def test_a_published_value_belongs_to_the_condition_that_its_further_keys_name() -> None:
    value = Published.model_validate({"dataset": "pima", "quantity": "auc", "value": 0.7, "source": "read"})
    assert value.matches({"dataset": "pima", "level": 100})
    assert not value.matches({"dataset": "phoneme"})
    assert not value.matches({})
