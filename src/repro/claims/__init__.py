"""Claims: how evidence judges a statement, and how the verdict is shown.

:func:`all_claims` reads the statements, :func:`judge_claim` judges one on its result table and on its control,
:func:`card` shows it, :class:`Findings` gives the numbers for sentences about it, :func:`in_short` the sentences that
open a chapter, :func:`compare_with_expected` says what changed since the verdicts were accepted.
"""

from __future__ import annotations

from repro.claims.cards import Card, ClaimsTable, forest_svg, markdown_table
from repro.claims.changelog import changes_of_verdicts
from repro.claims.control import Control, controls
from repro.claims.expected import Difference, accept, compare_with_expected, not_yet_run
from repro.claims.findings import Findings
from repro.claims.judgement import (
    ConditionJudgement,
    ControlJudgement,
    Count,
    Judgement,
    headline,
    larger_under_way,
    overall_verdict,
)
from repro.claims.judging import control_verdict, judge, judge_all, judge_claim, judge_profiles
from repro.claims.loading import all_claims, find_claim, load_claims
from repro.claims.naming import condition_names, quantity_words, setting_words
from repro.claims.numbers import format_estimate, format_interval, format_number
from repro.claims.papers import Paper, paper_named, papers
from repro.claims.reasons import Why, plain_sentence, why
from repro.claims.scales import Scale
from repro.claims.show import card, claims_frame, table
from repro.claims.telling import InShort, Said, Sentence, in_short, say, sentences
from repro.claims.wording import SYMBOLS, change_words, control_words, criterion_words, mark_words

__all__ = [
    "SYMBOLS",
    "Card",
    "ClaimsTable",
    "ConditionJudgement",
    "Control",
    "ControlJudgement",
    "Count",
    "Difference",
    "Findings",
    "InShort",
    "Judgement",
    "Paper",
    "Said",
    "Scale",
    "Sentence",
    "Why",
    "accept",
    "all_claims",
    "card",
    "change_words",
    "changes_of_verdicts",
    "claims_frame",
    "compare_with_expected",
    "condition_names",
    "control_verdict",
    "control_words",
    "controls",
    "criterion_words",
    "find_claim",
    "forest_svg",
    "format_estimate",
    "format_interval",
    "format_number",
    "headline",
    "in_short",
    "judge",
    "judge_all",
    "judge_claim",
    "judge_profiles",
    "larger_under_way",
    "load_claims",
    "mark_words",
    "markdown_table",
    "not_yet_run",
    "overall_verdict",
    "paper_named",
    "papers",
    "plain_sentence",
    "quantity_words",
    "say",
    "sentences",
    "setting_words",
    "table",
    "why",
]
