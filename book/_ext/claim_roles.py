"""Roles for text about results: ``{claim}`smote-c2` `` and ``{result}`smote-c2:paper:estimate` ``."""

from __future__ import annotations

import book_evidence as evidence
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.util.osutil import relative_uri

from repro.claims import SYMBOLS, Judgement, format_estimate
from repro.ground.exceptions import UnknownName

DASHBOARD = "book/claims"
FIELDS = ("estimate", "interval", "replicates", "verdict")


def find(name: str, profile: str | None) -> tuple[evidence.Evidence, Judgement]:
    """Evidence of a claim and its judgement in a profile, or the headline where none is named.

    Raises
    ------
    UnknownName
        If there is no such claim, or it is not judged in that profile.
    """
    known = evidence.all_evidence()
    if name not in known:
        raise UnknownName("claim", name, known)
    entry = known[name]
    if profile is None:
        return entry, entry.headline
    if profile not in entry.judgements:
        raise UnknownName(f"profile of {name}", profile, entry.judgements)
    return entry, entry.judgements[profile]


class ClaimRole(SphinxRole):
    """A claim's verdict, linked to its row in the dashboard; ``id`` or ``id:profile``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link, or an error for an unknown claim or profile."""
        name, _, profile = self.text.strip().partition(":")
        try:
            entry, judgement = find(name, profile or None)
        except UnknownName as problem:
            message = self.inliner.reporter.error(str(problem), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        builder = self.env.app.builder
        here, there = builder.get_target_uri(self.env.docname), builder.get_target_uri(DASHBOARD)
        link = nodes.reference(
            "", "", internal=True, refuri=f"{relative_uri(here, there)}#{name}", classes=["claim-link"],
            reftitle=entry.claim.statement,
        )  # fmt: skip
        badge = f"{SYMBOLS[judgement.verdict]} {judgement.words}"
        link += [
            nodes.inline("", name),
            nodes.Text(" "),
            nodes.inline("", badge, classes=["verdict", evidence.verdict_class(judgement.verdict)]),
        ]
        mark = [nodes.Text(" "), nodes.inline("", "mechanism demo", classes=["claim-mark"])]
        return [link, *(mark if judgement.mechanism_demo else [])], []


class ResultRole(SphinxRole):
    """A number from the evidence: ``id:profile:field`` or ``id:profile:field:condition``.

    Fields are ``estimate``, ``interval``, ``replicates`` and ``verdict``.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number as text, or an error where it does not exist."""
        try:
            return [nodes.inline("", self.value(), classes=["result-number"])], []
        except (UnknownName, ValueError) as problem:
            message = self.inliner.reporter.error(str(problem), line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]

    def value(self) -> str:
        """Text of the number.

        Raises
        ------
        ValueError
            If the text has another form, or there is no such number.
        """
        parts = self.text.strip().split(":", 3)
        if len(parts) < 3:
            raise ValueError(
                f"result must be 'claim:profile:field' or 'claim:profile:field:condition', got {self.text!r}"
            )
        name, profile, field, *condition = parts
        if field not in FIELDS:
            raise UnknownName("field of a result", field, FIELDS)
        found = find(name, profile)[1]
        if condition:
            conditions = {part.name: part for part in found.conditions}
            if condition[0] not in conditions:
                raise UnknownName(f"condition of {name}", condition[0], conditions)
            found = conditions[condition[0]]
        value = getattr(found, field)
        if value is None:
            raise ValueError(
                f"{name} has no {field} in profile {profile!r}: it is {found.verdict}, or has several conditions"
            )
        if field == "verdict":
            return str(value)
        if field == "replicates":
            return f"{value:d}"
        return format_estimate(found.estimate, found.interval)[FIELDS.index(field)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the roles."""
    app.add_role("claim", ClaimRole())
    app.add_role("result", ResultRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
