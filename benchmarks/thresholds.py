"""Speed of the threshold search against a loop over the metrics of scikit-learn.

    python benchmarks/thresholds.py

Ours looks at every cut for ten metrics; the peer computes the same ten metrics at a few cuts, which favours it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from side_by_side import provenance, show, store, time_in_turn
from sklearn import metrics as peer

from repro.metrics import best_metric_threshold, confusion_metrics, threshold_counts

TABLE = Path(__file__).parent / "results" / "thresholds.csv"
MODULES = ("repro.metrics.confusion",)
N_ROWS, CUTS, GOAL = 1_000_000, 2, 20.0


def ten_of_peer(y: np.ndarray, called: np.ndarray) -> dict[str, float]:
    """Ten metrics at one cut by scikit-learn."""
    recall, specificity = peer.recall_score(y, called), peer.recall_score(y, called, pos_label=0)
    return {
        "accuracy": peer.accuracy_score(y, called),
        "balanced_accuracy": peer.balanced_accuracy_score(y, called),
        "f1": peer.f1_score(y, called),
        "f2": peer.fbeta_score(y, called, beta=2),
        "g_mean": float(np.sqrt(recall * specificity)),
        "kappa": peer.cohen_kappa_score(y, called),
        "mcc": peer.matthews_corrcoef(y, called),
        "precision": peer.precision_score(y, called),
        "recall": recall,
        "specificity": specificity,
    }


def main() -> None:
    """Time both, compare their values at the cuts of the peer, and write the table."""
    generator = np.random.default_rng(0)
    y = (generator.random(N_ROWS) < 0.1).astype(np.int64)
    score = generator.normal(size=N_ROWS) + y
    cuts = np.quantile(score, np.linspace(0.5, 0.99, CUTS))

    def ours() -> dict[str, float]:
        _, counts = threshold_counts(y, score)
        return {name: float(np.nanmax(values)) for name, values in confusion_metrics(counts).items()}

    def theirs() -> dict[float, dict[str, float]]:
        return {cut: ten_of_peer(y, score >= cut) for cut in cuts}

    thresholds, counts = threshold_counts(y, score)
    found, difference = confusion_metrics(counts), 0.0
    for cut, values in theirs().items():
        place = int(np.searchsorted(-thresholds, -cut, side="right")) - 1
        difference = max(difference, *(abs(found[name][place] - value) for name, value in values.items()))
    programs = {"ours": ours, "peer": theirs, "one metric": lambda: best_metric_threshold(y, score, "f1")}
    times, rounds = time_in_turn(programs, seconds=30, at_least=3, at_most=5)
    ratio = times["peer"] / CUTS / times["ours"] * len(thresholds)
    row = {
        "rows": N_ROWS,
        "cuts": len(thresholds),
        "ours_seconds": times["ours"],
        "one_metric_seconds": times["one metric"],
        "peer_seconds_for_all_metrics_at_one_cut": times["peer"] / CUTS,
        "ratio_at_100_cuts": 100 * times["peer"] / CUTS / times["ours"],
        "ratio_at_all_cuts": ratio,
        "largest_difference": difference,
        "rounds": rounds,
        "goal": f"ratio >= {GOAL:g}",
        "met": "yes" if ratio >= GOAL else "no",
    }
    store(
        TABLE,
        pd.DataFrame([row]),
        provenance("python benchmarks/thresholds.py", MODULES)
        | {
            "peer": "ten functions of sklearn.metrics at one cut after the other",
            "columns": {"ratio_at_all_cuts": "computed from the peer's time at one cut, which it would need for each"},
        },
    )
    show([row], list(row))


if __name__ == "__main__":
    main()
