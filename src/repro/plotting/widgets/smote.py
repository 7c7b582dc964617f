"""Does SMOTE help you? One simulated cloud, two learners."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from repro.metrics import auroc, best_threshold, risk_ratio
from repro.plotting.widgets.markup import Widget, assembled
from repro.sampling import SMOTE
from repro.trees import C45Classifier


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
    return assembled(
        "smote",
        "What SMOTE does to ranking, recall and predicted risk",
        still,
        data,
        claims=["smote-m1"],
        hint="One simulated cloud, drawn once: a picture of the mechanism, no evidence. What holds on data is said by "
        "the claim.",
        alt=f"Simulated rows, two learners. {spoken}.",
    )
