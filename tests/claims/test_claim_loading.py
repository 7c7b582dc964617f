"""claims.yml: what is read, and how every mistake is named by file, line and key."""

from __future__ import annotations

import textwrap

import pytest
import yaml

from repro.claims import all_claims, find_claim, load_claims
from repro.ground.exceptions import ClaimFileError, UnknownName


def test_claims_are_read_in_the_order_of_the_file(study):
    claims = load_claims(study)
    assert [claim.id for claim in claims] == ["toy-c1", "toy-c2"]
    assert claims[0].quantity.contrast == ("a", "b")
    assert claims[0].published[0].matches({"dataset": "p"})
    assert list(all_claims("toy")) == ["toy-c1", "toy-c2"]
    assert find_claim("toy-c2") == claims[1]


def test_an_empty_file_has_no_claims(study):
    study.write_text("# nothing yet\n")
    assert load_claims(study) == ()


def test_a_changed_file_is_read_again(study):
    assert find_claim("toy-c1").locator == "Table 1"
    study.write_text(study.read_text().replace("Table 1", "Table 17"))
    assert find_claim("toy-c1").locator == "Table 17"


def test_a_paper_that_the_bibliography_lacks_is_named_with_the_nearest_key(study):
    references = study.parent / "book" / "references.bib"
    references.parent.mkdir()
    references.write_text("@article{someone2020,\n title={A}}\n\n@misc{other1999, title={B}}\n")
    assert len(load_claims(study)) == 2
    study.write_text(study.read_text().replace("paper: someone2020", "paper: somone2020"))
    message = "key 'paper': unknown key of book/references.bib 'somone2020'; did you mean 'someone2020'"
    with pytest.raises(ClaimFileError, match=message):
        load_claims(study)


MISTAKES = [
    (
        "criterion: {kind: equivalence, margin: 0.1}",
        "criterion: {kind: equivalence, margin: 0.1}\n  smallest_effect: 0.2",
        ":15: smallest_effect belongs to the criterion 'direction', got equivalence",
    ),
    ("paper: someone2020", "papr: someone2020", ":3: key 'papr': is no key of this place; did you mean 'paper'?"),
    ("paper: someone2020", "papr: someone2020", ":2: key 'paper': is required"),
    (
        "criterion: {kind: direction}",
        "criterion: {kind: directon}",
        ":12: key 'criterion.kind': input should be 'direction', 'equivalence', 'within', 'order' or 'identity', "
        "found 'directon'; did you mean 'direction'?",
    ),
    (
        "criterion: {kind: direction}",
        "criterion:\n    kind: direction\n    margn: 3",
        ":14: key 'criterion.margn': is no key of this place; did you mean 'margin'?",
    ),
    (
        "criterion: {kind: direction}",
        "criterion: {kind: equivalence}",
        ":12: key 'criterion': criterion 'equivalence' requires 'margin'",
    ),
    (
        "quantity: {metric: auc, contrast: [a, b], conditions",
        "quantity: {metric: auc, contrast: [a], conditions",
        ":10: key 'quantity.contrast[1]': is required",
    ),
    (
        "replicate: partition}\n  interval: t\n",
        "replicate: partition, parts: [{nam: x}]}\n  interval: t\n",
        ":10: key 'quantity.parts[0].nam': is no key of this place; did you mean 'name'?",
    ),
    ("interval: t", "interval: none", ":2: interval 'none' belongs to the criterion 'identity'"),
    (
        "experiment: toy.trial",
        "experiment: toy.trail",
        ":9: key 'experiment': unknown experiment 'toy.trail'; did you mean 'toy.trial'",
    ),
    (
        "control: flipped",
        "control: fliped",
        ":13: key 'control': unknown variant of toy.trial 'fliped'; did you mean 'flipped'?",
    ),
    ("control: flipped\n  ", "", ":2: key 'control': is required"),
    (
        "quick: mechanism demo, paper",
        "standard: mechanism demo, paper",
        ":14: key 'profiles.standard': unknown profile of toy.trial 'standard'",
    ),
    (
        "quick: mechanism demo, paper",
        "quik: mechanism demo, paper",
        ":14: key 'profiles.quik': input should be 'quick'",
    ),
    (
        "quick: mechanism demo, paper",
        "quick: demo, paper",
        ":14: key 'profiles.quick': input should be 'full' or 'mechanism demo', found 'demo'",
    ),
    (
        "conditions: dataset",
        "conditions: datset",
        ":10: key 'quantity.conditions': unknown setting column of toy.trial 'datset'; did you mean 'dataset'?",
    ),
    (
        "conditions: dataset",
        "where: {methd: a}",
        ":10: key 'quantity.where.methd': unknown setting column of toy.trial 'methd'; did you mean 'method'?",
    ),
    ("value: 0.0125", "value: much", ":7: key 'published[0].value': input should be a valid number"),
    ("source: read", "source: heard", ":7: key 'published[0].source': input should be 'read', 'figure' or 'recalled'"),
    ("id: toy-c2", "id: toy-c1", ":15: key 'id': claim 'toy-c1' is already defined in line 2"),
    ("id: toy-c2", "id: Toy C2", ":15: key 'id': string should match pattern"),
    ("paper: book", "paper: book\n  paper: other", ":17: key 'paper': given twice, first in line 16"),
    (
        "{kind: direction}",
        "{kind: direction, kind: order}",
        ":12: key 'criterion.kind': given twice, first in line 12",
    ),
    ("interval: t", "interval: [t", ":12: not valid YAML: "),
    ("locator: Table 1", "locator: !!python/name:os.system", ":4: not valid YAML: could not determine a constructor"),
    (
        "conditions: dataset",
        "scale: log_ratio, contrast: null",
        ":10: key 'quantity.scale': 'log_ratio' requires a contrast or an order",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES)
def test_a_mistake_is_named_by_file_line_and_key(study, right, wrong, message):
    text = study.read_text()
    assert right in text
    if "contrast: null" in wrong:
        text = text.replace("contrast: [a, b], ", "", 1)
    study.write_text(text.replace(right, wrong, 1))
    with pytest.raises(ClaimFileError) as caught:
        load_claims(study)
    assert f"{study}{message}" in str(caught.value)


def test_all_mistakes_of_a_file_are_named_at_once_in_order(study):
    text = study.read_text().replace("control: flipped", "control: fliped").replace("interval: t", "intervall: t")
    study.write_text(text)
    with pytest.raises(ClaimFileError) as caught:
        load_claims(study)
    lines = [int(line.removeprefix(f"{study}:").partition(":")[0]) for line in str(caught.value).splitlines()]
    assert lines == [2, 11, 24]


def test_a_target_known_from_memory_only_cannot_judge(study):
    text = study.read_text().replace("source: read", "source: recalled")
    study.write_text(text.replace("criterion: {kind: direction}", "criterion: {kind: within, tolerance: 0.1}"))
    with pytest.raises(
        ClaimFileError, match=":6: key 'published': criterion 'within' needs a published value that was"
    ):
        load_claims(study)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: toy-c1", ":1: the file must hold a list of claims"),
        ("- toy-c1\n- toy-c2", ":2: a claim must be a mapping"),
        ("- [1, 2]", ":1: a claim must be a mapping"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(study, text, message):
    study.write_text(text)
    with pytest.raises(ClaimFileError) as caught:
        load_claims(study)
    assert message in str(caught.value)


def test_a_missing_or_unreadable_file_is_named(study):
    with pytest.raises(ClaimFileError, match=r"nowhere\.yml: no such file"):
        load_claims(study.parent / "nowhere.yml")
    study.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ClaimFileError, match=r"claims\.yml: not UTF-8"):
        load_claims(study)
    study.unlink()
    with pytest.raises(ClaimFileError, match="no such file"):
        all_claims("toy")


def test_a_claim_lies_in_the_folder_of_its_study(study):
    with pytest.raises(ClaimFileError, match="'toy-c1' lies in the folder of study 'elsewhere'"):
        load_claims(study, study="elsewhere")


def test_unknown_claims_and_studies_suggest_the_nearest(study):
    with pytest.raises(UnknownName, match="unknown study 'tow'"):
        all_claims("tow")
    with pytest.raises(UnknownName, match="unknown claim 'toy-c9'; did you mean"):
        find_claim("toy-c9")


def test_experiments_can_be_given_instead_of_the_registered_ones(tmp_path):
    from repro.protocol.experiment import Experiment

    trial = Experiment(
        name="mine.trial", summary="", settings=("method",), compute=print, cells={"quick": list}, variants={"off": "x"}
    )
    content = yaml.safe_load(
        textwrap.dedent(
            """
            - id: mine-c1
              paper: book
              locator: here
              statement: A is better.
              experiment: mine.trial
              quantity: {metric: auc, contrast: [a, b], replicate: seed}
              interval: t
              criterion: {kind: direction}
              control: "off"
              profiles: {quick: full}
            """
        )
    )
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump(content))
    assert [claim.id for claim in load_claims(path, experiments={"mine.trial": trial})] == ["mine-c1"]
    with pytest.raises(ClaimFileError, match=r"unknown experiment 'mine\.trial'; did you mean 'mine\.trials'"):
        load_claims(path, experiments={"mine.trials": trial})
