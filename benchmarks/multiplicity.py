"""Speed of exact viable ranges against one call of a general solver for each end of each range.

    python benchmarks/multiplicity.py

The solver (SLSQP of SciPy, with exact derivatives, started at the best model) is run for some rows and its time scaled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from side_by_side import provenance, show, store, time_in_turn

from repro.metrics import LogisticLevelSet

TABLE = Path(__file__).parent / "results" / "multiplicity.csv"
MODULES = ("repro.metrics.multiplicity",)
N_ROWS, N_COLUMNS, BY_SOLVER, GOAL = 1000, 8, 20, 10.0


def main() -> None:
    """Time both, compare the ends of the ranges, and write the table."""
    generator = np.random.default_rng(0)
    y = generator.random(N_ROWS) < 0.2
    X = generator.normal(size=(N_ROWS, N_COLUMNS)) + 0.5 * y[:, None]
    model = LogisticLevelSet().fit(X, y)
    rows, start = np.column_stack([X, np.ones(N_ROWS)]), np.append(model.coef_[0], model.intercept_)

    def room(theta: np.ndarray) -> float:
        scores = rows @ theta
        return model.level_ - float((np.logaddexp(0, scores) - y * scores).mean() + model.l2 / 2 * theta @ theta)

    def slope(theta: np.ndarray) -> np.ndarray:
        return rows.T @ (y - expit(rows @ theta)) / N_ROWS - model.l2 * theta

    def solver() -> np.ndarray:
        ends = []
        for row in rows[:BY_SOLVER]:
            for x in (-row, row):
                found = minimize(
                    lambda theta, x=x: (-x @ theta, -x),
                    start,
                    jac=True,
                    method="SLSQP",
                    constraints={"type": "ineq", "fun": room, "jac": slope},
                    options={"ftol": 1e-10, "maxiter": 200},
                )
                ends.append(expit(row @ found.x))
        return np.array(ends).reshape(-1, 2)

    exact = model.ranges(X)
    ends = np.column_stack([exact.low, exact.high])[:BY_SOLVER]
    difference = float(np.abs(solver() - ends).max())
    programs = {
        "ours": lambda: model.ranges(X),
        "ellipsoid": lambda: model.ranges(X, method="ellipsoid"),
        "peer": solver,
    }
    times, rounds = time_in_turn(programs, seconds=30, at_least=3, at_most=10)
    peer = times["peer"] * N_ROWS / BY_SOLVER
    row = {
        "rows": N_ROWS,
        "columns": N_COLUMNS,
        "ours_seconds": times["ours"],
        "ellipsoid_seconds": times["ellipsoid"],
        "peer_seconds": peer,
        "ratio": peer / times["ours"],
        "largest_difference": difference,
        "certified_gap": float(exact.gap.max()),
        "rounds": rounds,
        "goal": f"ratio >= {GOAL:g}",
        "met": "yes" if peer / times["ours"] >= GOAL else "no",
    }
    store(
        TABLE,
        pd.DataFrame([row]),
        provenance("python benchmarks/multiplicity.py", MODULES)
        | {"peer": f"scipy.optimize.minimize, SLSQP, for {BY_SOLVER} rows, scaled to all"},
    )
    show([row], list(row))


if __name__ == "__main__":
    main()
