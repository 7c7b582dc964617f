"""Sentences about findings: what they may ask, when they are said, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import studies
from repro.claims import ConditionJudgement, Findings, Said, Sentence, in_short, say, sentences, telling
from repro.ground.exceptions import StudyError, UnknownName
from repro.protocol.used import Use, watching

CHANGED = "evidence that has changed"


def test_numbers_are_those_of_the_judged_conditions() -> None:
    said = say(
        Sentence(
            say="Larger in {{ count('smote-c2') }}, by "
            "{{ effect('smote-c2', dataset='phoneme', part='level fixed in advance', decimals=4) }}.",
            holds="estimate('smote-c2', dataset='phoneme', part='level fixed in advance') > 0",
        )
    )
    found = Findings("paper")
    effect = found.effect("smote-c2", dataset="phoneme", part="level fixed in advance", decimals=4)
    assert said.text == f"Larger in {found.count('smote-c2')}, by {effect}."
    assert said.holds
    assert said.claims == ("smote-c2",)


def test_a_sentence_speaks_of_the_profile_that_is_the_headline_unless_it_names_another() -> None:
    largest, quick = (
        say(Sentence(say=f"{{{{ replicates('presto-s1'{profile}) }}}}", holds="true")).text
        for profile in ("", ", profile='quick'")
    )
    assert int(largest) == 700  # repetitions of the paper
    assert int(quick) < int(largest)


@pytest.mark.parametrize(("profile", "dataset"), [("quick", "simulated"), ("paper", "mammography")])
def test_every_number_is_that_of_the_profile_that_is_named(profile: str, dataset: str) -> None:
    which = {"part": "ranking no worse without sampling", "dataset": dataset}
    words = f"'smote-m2', profile='{profile}', part='{which['part']}', dataset='{dataset}'"
    asked = f"{{{{ count('smote-m2', profile='{profile}') }}}}; {{{{ effect({words}) }}}}; {{{{ estimate({words}) }}}}"
    found = Findings(profile)
    wanted = (found.count("smote-m2"), found.effect("smote-m2", **which), found.condition("smote-m2", **which).estimate)
    assert say(Sentence(say=asked, holds="true")).text == "; ".join(map(str, wanted))


def test_replicates_are_those_that_every_condition_has(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [ConditionJudgement(name, "reproduced", replicates=number) for name, number in (("p", 7), ("q", 5))]
    monkeypatch.setattr(telling.Findings, "conditions", lambda *_, **__: tuple(found))
    assert say(Sentence(say="{{ replicates('smote-c2') }}", holds="true")).text == "5"


def test_a_sentence_that_no_longer_holds_is_not_said() -> None:
    said = say(Sentence(say="Always: {{ count('smote-c2') }}.", holds="verdict('smote-c2') == 'reproduced'"))
    assert not said.holds
    assert CHANGED in said.text
    assert "Always" not in said.text
    assert said.claims == ("smote-c2",)


def test_a_sentence_whose_table_is_missing_is_not_said() -> None:
    said = say(Sentence(say="{{ count('neural_collapse-nc7r') }}", holds="true"))  # waits for a run
    assert not said.holds
    assert CHANGED in said.text


@pytest.mark.parametrize(
    ("text", "holds", "problem"),
    [
        ("{{ count('smote-c22') }}", "true", "smote-c2"),
        ("{{ counts('smote-c2') }}", "true", "counts"),
        ("{{ count('smote-c2', datasett='pima') }}", "true", "dataset"),
        ("{{ count('smote-c2') ", "true", "end of print statement|unexpected end"),
        ("text", "verdict('smote-c2') ==", "expression|unexpected"),
    ],
)
def test_a_sentence_that_asks_for_what_is_not_there_is_refused(text: str, holds: str, problem: str) -> None:
    with pytest.raises(StudyError, match=problem):
        say(Sentence(say=text, holds=holds))


def test_links_name_a_study_once() -> None:
    names = ("smote-c1", "c2", "sade-f")
    said = Said("Text.", ("smote-c1", "smote-c2", "sade-f"), holds=True)
    links = [f'<a href="#card-{claim}">{name}</a>' for claim, name in zip(said.claims, names, strict=True)]
    assert said.markdown() == f"Text. ({', '.join(links)})"
    assert said.markdown(lambda claim: f"page#{claim}").count("page#") == 3


@pytest.mark.parametrize("study", studies.study_names())
def test_every_sentence_of_a_study_still_holds(study: str) -> None:
    told = sentences(study)
    assert 1 <= len(told) <= 4, "a study tells what came out in one to four sentences"
    for sentence in told:
        said = say(sentence)
        assert said.holds, f"the evidence no longer says: {sentence.say}"
        assert said.claims, f"rests on no claim: {sentence.say}"
        assert {claim.partition("-")[0] for claim in said.claims} == {study}
    assert told[0].say.startswith("**"), "the first sentence begins with the conclusion, which stands out"


def test_what_a_notebook_shows_depends_on_the_sentences() -> None:
    with watching() as used:
        shown = in_short("smote", "sade")
    assert {Use("findings", "smote"), Use("findings", "sade")} <= used
    assert shown._repr_markdown_().count("\n- ") == len(sentences("smote")) + len(sentences("sade")) - 1
    assert "#card-smote-m1" in shown._repr_markdown_()
    assert "#card-" not in str(shown)
    assert repr(shown) == str(shown)


def test_a_file_that_is_no_list_of_sentences_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "findings.yml"
    monkeypatch.setattr(telling, "sentences_path", lambda study: file)
    assert sentences("smote") == ()
    file.write_text("- say: text\n  hold: true\n")
    with pytest.raises(StudyError, match=r"findings\.yml: a list of sentences .*holds: Field required.*hold: Extra"):
        sentences("smote")


def test_an_unknown_study_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'smote'"):
        in_short("smotte")
