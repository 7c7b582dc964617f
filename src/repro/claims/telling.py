"""Sentences about findings: text with numbers from judged claims, and the condition under which it may be said.

The sentences of a study stand in its ``findings.yml``, for readers who are no specialists; the first is what the list
of chapters says. Each names in ``holds`` what must be true of the evidence. Where that is no longer so, the page says
that the evidence has changed instead of repeating a sentence that is wrong, and a test fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from repro import studies
from repro.claims.findings import Findings
from repro.claims.judgement import Count, Judgement, headline
from repro.claims.judging import judge_profiles
from repro.claims.loading import find_claim, parse_yaml
from repro.ground.exceptions import ReproError, ResultsError, StudyError
from repro.protocol import used
from repro.protocol.experiment import Scalar

if TYPE_CHECKING:
    from jinja2 import Environment

Settings = Scalar | Iterable[Scalar]
Link = Callable[[str], str]

FILE: Final = "findings.yml"


class Sentence(BaseModel):
    """A sentence and the condition under which it may be said.

    Both are Jinja texts with the functions ``count``, ``effect``, ``estimate``, ``interval``, ``verdict`` and
    ``replicates``, which take the id of a claim and what selects its conditions, as :class:`Findings` does, and
    ``exp``, for effects on the scale of logarithms. The profile is that of the claim's headline unless ``profile``
    names another.

    Parameters
    ----------
    say : str
        Markdown.
    holds : str
        Expression that is true as long as the sentence is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: str
    holds: str


@dataclass(frozen=True)
class Said:
    """A sentence as the evidence has it now.

    Parameters
    ----------
    text : str
        Markdown without links to claims.
    claims : tuple of str
        Ids of the claims whose numbers it uses, in the order of use.
    holds : bool
        Whether the evidence still says so.
    """

    text: str
    claims: tuple[str, ...]
    holds: bool

    def markdown(self, link: Link | None = None) -> str:
        """Text followed by links to its claims, by default to the cards of the same page; a study is named once."""
        address = link or (lambda claim: f"#card-{claim}")
        linked, last = [], ""
        for claim in self.claims:
            study, _, label = claim.partition("-")
            # HTML, since a link of Markdown to a card would be looked up among the headings of the page
            linked.append(f'<a href="{address(claim)}">{label if study == last else claim}</a>')
            last = study
        return f"{self.text} ({', '.join(linked)})" if linked else self.text


class _Numbers:
    """What a sentence may ask of the evidence; remembers which claims it did ask."""

    def __init__(self) -> None:
        self.claims: dict[str, None] = {}

    def _of(self, claim: str, profile: str | None) -> tuple[Judgement, Findings]:
        self.claims[claim] = None
        found = find_claim(claim)
        judgement = headline(list(judge_profiles(found, list(found.profiles))))
        return judgement, Findings(profile or str(judgement.profile))

    def count(self, claim: str, /, profile: str | None = None, **settings: Settings) -> Count:
        return self._of(claim, profile)[1].count(claim, **settings)

    def effect(self, claim: str, /, profile: str | None = None, **settings: Any) -> str:
        return self._of(claim, profile)[1].effect(claim, **settings)

    def estimate(self, claim: str, /, profile: str | None = None, **settings: Settings) -> float:
        found = self._of(claim, profile)[1].condition(claim, **settings)
        if found.estimate is None:
            raise ResultsError(f"claim {claim}: condition {found.name!r} has no effect: {found.note}")
        return found.estimate

    def interval(self, claim: str, /, profile: str | None = None, **settings: Settings) -> tuple[float, float]:
        found = self._of(claim, profile)[1].condition(claim, **settings)
        if found.interval is None:
            raise ResultsError(f"claim {claim}: condition {found.name!r} has no interval: {found.note}")
        return found.interval

    def replicates(self, claim: str, /, profile: str | None = None, **settings: Settings) -> int:
        return min(found.replicates for found in self._of(claim, profile)[1].conditions(claim, **settings))

    def verdict(self, claim: str) -> str:
        return self._of(claim, None)[0].verdict

    def functions(self) -> dict[str, Callable[..., object]]:
        names = ("count", "effect", "estimate", "interval", "replicates", "verdict")
        return {"exp": math.exp, **{name: getattr(self, name) for name in names}}


@cache
def _texts() -> Environment:
    from jinja2 import Environment, StrictUndefined  # only whoever tells findings waits for it

    return Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 - the result is Markdown


def say(sentence: Sentence) -> Said:
    """Fill in a sentence and ask whether it holds.

    A sentence that does not hold is replaced by one that names the claims whose evidence has changed.

    Parameters
    ----------
    sentence : Sentence
        The sentence.

    Raises
    ------
    StudyError
        If it is no valid Jinja text, or asks for something that does not exist.
    """
    import jinja2

    numbers = _Numbers()
    functions = numbers.functions()
    try:
        text = _texts().from_string(sentence.say).render(functions)
        holds = bool(_texts().compile_expression(sentence.holds, undefined_to_none=False)(functions))
    except ResultsError:  # a table is missing, as in an installation without results
        text, holds = "", False
    except (jinja2.TemplateError, ReproError, TypeError, ValueError) as error:
        raise StudyError(f"sentence {sentence.say!r}, which holds if {sentence.holds!r}: {error}") from error
    claims = tuple(numbers.claims)
    if not holds:
        text = "What stood here rests on evidence that has changed or is not at hand; its claims say what is known."
    return Said(" ".join(text.split()), claims, holds)


def sentences_path(study: str) -> Path:
    """File with the sentences of a study."""
    return studies.claims_path(study).with_name(FILE)


def sentences(study: str) -> tuple[Sentence, ...]:
    """Sentences of a study as its file has them; none where it has no file.

    Raises
    ------
    UnknownName
        If there is no such study.
    StudyError
        If the file is no list of sentences.
    """
    path = sentences_path(study)
    used.note("findings", study)
    if not path.is_file():
        return ()
    _, content = parse_yaml(path)
    try:
        return TypeAdapter(tuple[Sentence, ...]).validate_python(content or [])
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        wanted = "a list of sentences with the keys say and holds is wanted"
        raise StudyError(f"{path}: {wanted}; {'; '.join(lines)}") from error


@dataclass(frozen=True, repr=False)
class InShort:
    """What came out of the studies of a chapter, as a notebook shows it."""

    sentences: tuple[Said, ...]

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {said.markdown()}" for said in self.sentences)

    def __str__(self) -> str:
        return "\n".join(f"- {said.text}" for said in self.sentences)

    def __repr__(self) -> str:
        """Return what a terminal shows: the sentences."""
        return str(self)


def in_short(*names: str) -> InShort:
    """Sentences about the findings of studies, for the opening of their chapter.

    Parameters
    ----------
    *names : str
        Studies.

    Raises
    ------
    UnknownName, StudyError
        As :func:`sentences` and :func:`say` do.
    """
    return InShort(tuple(say(sentence) for name in names for sentence in sentences(name)))
