"""Pictures that a reader can touch: plain JavaScript inside the page, and a still picture where scripts are off.

A widget stands in the output of a cell, so it works in the book, from a file, in Jupyter and in Colab. Its resting
state is drawn here, with the numbers of the package, and says what there is to see; the script replaces it by one that
moves.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.metrics import auroc, average_precision, best_threshold, mistakes, risk_ratio
from repro.sampling import SMOTE
from repro.trees import C45Classifier

__all__ = ["COUNTEREXAMPLE", "Widget", "does_smote_help", "price_of_one_mistake"]

COUNTEREXAMPLE: Final = (0, 0, 0, 0, 1, 1, 0, 1)
"""Labels from the highest score to the lowest: the smallest ranking whose highest-scored mistake is not worth most."""

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Widget:
    """A picture that moves, as a notebook displays it.

    Attributes
    ----------
    markup : str
        HTML with the still picture, the data, style and script.
    alt : str
        What the still picture shows, in words.
    """

    markup: str
    alt: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        """Return what is seen, for a terminal."""
        return f"[{self.alt}]"


def _embedded(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def _assembled(name: str, kind: str, title: str, still: str, data: object, *, hint: str, alt: str) -> Widget:
    style, script = ((_FOLDER / f"{name}.{suffix}").read_text(encoding="utf-8") for suffix in ("css", "js"))
    markup = (
        f'<div class="{kind}" data-widget="{kind}" role="group" aria-label="{html.escape(title, quote=True)}">'
        f'<style>{style}</style><p class="{kind}-title">{html.escape(title)}</p>'
        f'<div class="{kind}-body">{still}</div><p class="{kind}-small">{hint}</p>'
        f'<p class="{kind}-small" role="status" aria-live="polite"></p>'
        f'<script type="application/json">{_embedded(data)}</script></div><script>{script}</script>'
    )
    return Widget(markup, alt)


def price_of_one_mistake(labels: npt.ArrayLike = COUNTEREXAMPLE, groups: Sequence[str] | None = None) -> Widget:
    """Ranking whose rows can be moved; AUROC and average precision follow, and the next repairs are priced.

    Parameters
    ----------
    labels : array-like of shape (n_rows,), int
        From the highest score to the lowest, 1 for a positive row; at least one row of each class, at most 40 rows.
    groups : sequence of {"A", "B"} or None
        Group of each row; by default they alternate.

    Returns
    -------
    Widget
        The resting state gives both metrics and what each repair adds (Theorem 2 of the chapter).

    Raises
    ------
    ValueError
        If labels are others than 0 and 1, too many, or of one class, or `groups` has another length or other names.
    """
    rows = np.asarray(labels)
    if rows.ndim != 1 or not 2 <= rows.size <= 40 or not np.isin(rows, (0, 1)).all() or len(set(rows.tolist())) < 2:
        raise ValueError(f"labels must be 2 to 40 zeros and ones, both there, got {labels!r}")
    named = list(groups) if groups is not None else ["AB"[place % 2] for place in range(rows.size)]
    if len(named) != rows.size or not set(named) <= {"A", "B"}:
        raise ValueError(f"groups must be {rows.size} times 'A' or 'B', got {groups!r}")
    y, score = rows.astype(int), -np.arange(rows.size, dtype=float)
    found = mistakes(y, score)
    ranks, gains = found["rank_of_negative"].to_numpy(), found["delta_ap"].to_numpy()
    best = int(gains.argmax()) if len(gains) else 0
    title = (
        "The highest-scored mistake is not the one that is worth most"
        if len(gains) and gains[best] > gains[0] + 1e-12
        else "What one mistake is worth"
    )
    balls = "".join(
        f'<span class="price-ball price-{"positive" if label else "negative"}">{"+" if label else "−"}</span>'
        for label in y
    )
    lines = "".join(
        f'<tr><th scope="row">exchange ranks {rank} and {rank + 1}</th><td>+{gain:.3f}</td><td>+{price:.3f}</td></tr>'
        for rank, gain, price in zip(ranks, found["delta_auroc"], gains, strict=True)
    )
    values = f"AUROC {auroc(y, score):.3f}, average precision {average_precision(y, score):.3f}"
    still = (
        f'<div class="price-row">{balls}</div><p>{values}.</p><table><thead><tr><th scope="col">Repair</th>'
        f'<th scope="col">adds to AUROC</th><th scope="col">adds to average precision</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )
    dearest = (
        f" Of {len(ranks)} mistakes the one at ranks {ranks[best]} and {ranks[best] + 1} adds most to the average "
        f"precision, +{gains[best]:.3f}."
        if len(ranks)
        else " There is no mistake in it."
    )
    alt = f"A ranking of {y.size} rows, {y.sum()} of them positive, the highest score first. {values}.{dearest}"
    hint = (
        "Drag a ball, or move it with the left and right arrow keys; the space bar turns a positive row into a "
        "negative one, and with two groups the key g changes the group."
    )
    data = {"rows": [{"label": int(label), "group": group} for label, group in zip(y, named, strict=True)]}
    return _assembled("price_of_one_mistake", "price", title, still, data, hint=hint, alt=alt)


def _cloud(generator: np.random.Generator, rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Two overlapping normal classes, eight rare rows in a hundred."""
    y = (np.arange(rows) < 0.08 * rows).astype(np.intp)
    rare = y[:, np.newaxis] == 1
    return np.where(rare, [1.1, 0.9], 0.0) + np.where(rare, 0.8, 1.1) * generator.normal(size=(rows, 2)), y


def does_smote_help(amounts: Sequence[int] = (0, 100, 400), *, random_state: int = 0) -> Widget:
    """One simulated cloud, two learners, SMOTE by hand: what it does to ranking, recall and predicted risk.

    A pruned tree and gradient boosting are fitted to the rows as they are and after SMOTE of each amount. The threshold
    can stay at 0.5 or move to the one of the largest balanced accuracy on rows of their own, and the prior can be
    corrected. Everything is judged on further rows.

    Parameters
    ----------
    amounts : sequence of int, default=(0, 100, 400)
        Amounts of SMOTE in percent; 0 leaves the rows as they are and must be the first.
    random_state : int, default=0
        Of the cloud, of SMOTE and of the boosting.

    Returns
    -------
    Widget
        The resting state lists both learners without SMOTE and with the largest amount.

    Raises
    ------
    ValueError
        If `amounts` does not begin with 0, or holds an amount twice or below 0.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    if len(amounts) < 2 or amounts[0] != 0 or min(amounts) < 0 or len(set(amounts)) < len(amounts):
        raise ValueError(f"amounts must be different, at least 0, and begin with 0, got {list(amounts)}")
    generator = np.random.default_rng(random_state)
    (X, y), (X_choice, y_choice), (X_test, y_test) = (_cloud(generator, rows) for rows in (1000, 1000, 600))
    learners = {
        "pruned tree": C45Classifier(),
        "gradient boosting": HistGradientBoostingClassifier(random_state=random_state),
    }
    sampled = {
        amount: SMOTE(amount=amount, random_state=random_state).fit_resample(X, y) if amount else (X, y)
        for amount in amounts
    }
    settings, rows = [], list[tuple[str, int, float, float, float]]()
    costs = {"cost_of_miss": float((y == 0).sum() / y.sum()), "cost_of_false_alarm": 1.0}  # balanced accuracy
    with threadpool_limits(1):  # ten small fits: threads that wait for each other are slower than one
        for name, learner in learners.items():
            for amount, (X_train, y_train) in sampled.items():
                model = learner.fit(X_train, y_train)
                chosen, probability = (model.predict_proba(part)[:, 1].round(4) for part in (X_choice, X_test))
                settings.append(
                    {
                        "learner": name,
                        "amount": amount,
                        "odds": float(y_train.mean() / (1 - y_train.mean())),
                        "threshold": min(best_threshold(y_choice, chosen, **costs), 1.0),
                        "probability": probability.tolist(),
                    }
                )
                if amount in (0, max(amounts)):
                    recall = float((probability[y_test == 1] >= 0.5).mean())
                    area, ratio = float(auroc(y_test, probability)), risk_ratio(y_test, probability)
                    rows.append((name, amount, area, recall, ratio))
    data = {
        "name": f"cloud-{random_state}",
        "labels": y_test.tolist(),
        "odds": float(y.mean() / (1 - y.mean())),
        "settings": settings,
        "majority": X[y == 0][::3].round(2).tolist(),
        "minority": X[y == 1].round(2).tolist(),
        "clouds": [
            {"amount": amount, "synthetic": part[0][len(X) :].round(2).tolist()} for amount, part in sampled.items()
        ],
    }
    lines = "".join(
        f'<tr><th scope="row">{name}, {f"SMOTE {amount} %" if amount else "rows as they are"}</th><td>{area:.3f}</td>'
        f"<td>{100 * recall:.0f} %</td><td>{ratio:.2f} times</td></tr>"
        for name, amount, area, recall, ratio in rows
    )
    still = (
        '<table><thead><tr><th scope="col">Learner</th><th scope="col">AUROC</th><th scope="col">recall at 0.5</th>'
        f'<th scope="col">predicted over observed risk</th></tr></thead><tbody>{lines}</tbody></table>'
    )
    spoken = "; ".join(
        f"{name} with {amount} %: AUROC {area:.2f}, recall {100 * recall:.0f} %, risk {ratio:.1f} times the observed"
        for name, amount, area, recall, ratio in rows
    )
    return _assembled(
        "does_smote_help",
        "smote",
        "What SMOTE does to ranking, recall and predicted risk",
        still,
        data,
        hint="One simulated cloud, drawn once: a picture of the mechanism, no evidence. What holds on data is said by "
        "the claims.",
        alt=f"Simulated rows, two learners. {spoken}.",
    )
