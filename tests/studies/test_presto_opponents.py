"""Claims of the PRESTO study compare with the opponent that they name, on the metric and rows that they name.

What follows is written from the statements, by hand and in pandas; the quantities of claims.yml are not read for it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.claims import find_claim, judge
from repro.results import find_table

RAREST = {"design": "dense", "intercepts": "(0, 4, 6)"}
MIDDLE = {"design": "dense", "intercepts": "(0, 3.5, 5.5)"}
BY_ROWS, BY_PERSON = {"split_by": "rows"}, {"split_by": "respondents"}
FORTY = {"cutoff": 40}

# claim, part, experiment, metric, what must be smaller, than what, whether as a logarithm, and where
SMALLER = [
    ("s1", "", "synthetic", "rare_mse", "presto", "logit", True, RAREST),
    ("s2", "", "synthetic", "rare_mse", "presto", "proportional_odds", True, RAREST),
    ("d2", "", "synthetic", "rare_mse", "presto", "presto_published", True, RAREST),
    ("b1", "prior-corrected", "baselines", "rare_mse_fresh", "presto", "prior_corrected_logit", True, MIDDLE),
    ("b1", "Firth", "baselines", "rare_mse_fresh", "presto", "firth", True, MIDDLE),
    ("b1", "semi-parallel", "baselines", "rare_mse_fresh", "presto", "semi_parallel", True, MIDDLE),
    ("b1", "boosting", "baselines", "rare_mse_fresh", "presto", "boosting", True, MIDDLE),
    ("b2", "", "baselines", "rare_mse", "presto", "base_rate", True, MIDDLE),
    ("b3", "L1", "shrinkage", "rare_mse_fresh", "presto", "logit_l1", True, MIDDLE),
    ("b3", "ridge", "shrinkage", "rare_mse_fresh", "presto", "logit_ridge", True, MIDDLE),
    ("t3p", "", "consistency", "psi_error", "presto", "no_penalty", True, {"growth": "growing", "n": 2000}),
    ("r1", "logistic", "soup", "coded_error", "presto_published", "logit", True, BY_ROWS),
    ("r1", "proportional", "soup", "coded_error", "presto_published", "proportional_odds", True, BY_ROWS),
    ("r2", "logistic", "prediabetes", "coded_error", "presto_published", "logit", True, FORTY),
    ("r2", "proportional", "prediabetes", "coded_error", "presto_published", "proportional_odds", True, FORTY),
    ("d3", "PRESTO", "prediabetes", "coded_error", "base_rate", "presto_published", True, FORTY),
    ("d3", "logistic", "prediabetes", "coded_error", "base_rate", "logit", True, FORTY),
    ("d3", "proportional", "prediabetes", "coded_error", "base_rate", "proportional_odds", True, FORTY),
    ("d1", "Brier", "prediabetes", "brier", "presto", "presto_published", False, FORTY),
    ("d1", "log-loss", "prediabetes", "log_loss", "presto", "presto_published", False, FORTY),
]
SOUND = [("Brier", "brier"), ("log-loss", "log_loss"), ("binned", "binned_error")]
for words, metric in SOUND:
    for rival, method in (("logistic", "logit"), ("proportional", "proportional_odds")):
        SMALLER.append(("r3", f"{words} {rival}", "soup", metric, "presto", method, False, BY_PERSON))
        SMALLER.append(("r4", f"{words} {rival}", "prediabetes", metric, "presto", method, False, FORTY))


def rows_of(table: pd.DataFrame, metric: str, method: str, where: dict[str, object]) -> pd.Series:
    rows = table[(table["metric"] == metric) & (table["method"] == method)]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.set_index("replicate")["value"].sort_index()


@pytest.mark.parametrize(("label", "part", "short", "metric", "smaller", "than", "logarithm", "where"), SMALLER)
def test_a_claim_is_judged_against_the_opponent_that_it_names(
    label: str, part: str, short: str, metric: str, smaller: str, than: str, logarithm: bool, where: dict[str, object]
) -> None:
    profile = "quick" if short in ("synthetic", "baselines", "shrinkage", "consistency", "prediabetes") else "paper"
    table = find_table(f"presto.{short}", profile).frame
    ours, theirs = (rows_of(table, metric, method, where) for method in (smaller, than))
    assert ours.index.equals(theirs.index)
    gained = (np.log(theirs / ours) if logarithm else theirs - ours).to_numpy()
    judged = [
        condition
        for condition in judge(find_claim(f"presto-{label}"), table).conditions
        if all(word in condition.part for word in part.split())
        and all(condition.settings.get(column) == value for column, value in where.items())
    ]
    assert len(judged) == 1, [condition.name for condition in judged]
    assert judged[0].replicates == gained.size
    assert judged[0].estimate == pytest.approx(gained.mean(), rel=1e-9)
    # splits of a tenth of the rows reuse rows (Nadeau and Bengio); simulated repetitions do not
    reused = 1 / 9 if short in ("soup", "prediabetes") else 0.0
    half = stats.t.ppf(0.975, gained.size - 1) * gained.std(ddof=1) * np.sqrt(1 / gained.size + reused)
    assert judged[0].interval == pytest.approx((gained.mean() - half, gained.mean() + half), rel=1e-6)


@pytest.mark.parametrize("penalty", ["l1", "ridge"])
def test_shrinking_is_set_against_borrowing(penalty: str) -> None:
    table = find_table("presto.shrinkage", "quick").frame
    logs = {
        method: np.log(rows_of(table, "rare_mse_fresh", method, MIDDLE))
        for method in ("presto", "logit", f"logit_{penalty}")
    }
    shrinking, borrowing = logs["logit"] - logs[f"logit_{penalty}"], logs[f"logit_{penalty}"] - logs["presto"]
    judged = [
        condition
        for condition in judge(find_claim("presto-b4"), table).conditions
        if condition.part.lower().endswith(penalty) and condition.settings["design"] == "dense"
    ]
    assert len(judged) == 1
    assert judged[0].estimate == pytest.approx((shrinking - borrowing).mean(), rel=1e-9)
