"""The study `quantile_aggregation`: its experiments against sums by hand and known distributions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.metrics import mean_pinball_loss

from repro.protocol.experiment import Cell
from repro.quantiles import GlobalAggregator, NeighbourQuantiles
from repro.running import own_cells, run_own
from repro.studies import experiment
from repro.studies.quantile_aggregation import experiments as study
from repro.studies.quantile_aggregation import ways


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"quantile_aggregation.{name}", parameters, experiment(f"quantile_aggregation.{name}").seed)


@pytest.fixture
def stacked() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecasts of a good, a middling and a bad model, responses and features."""
    generator = np.random.default_rng(4)
    y, right = generator.normal(size=300), np.linspace(-1.6, 1.6, 7)
    forecasts = np.stack([right, right + 1, right + 9]) + np.zeros((300, 1, 1))
    return forecasts, y, generator.normal(size=(300, 2))


def test_the_simulation_has_the_quantiles_that_it_says() -> None:
    X, y = study._hetero(200_000, np.random.default_rng(0))
    wide = X[:, 2] > 0
    scale = np.where(wide, 0.2 + 0.5 * np.abs(X[:, 0]), 0.3)
    centre = np.sin(2 * X[:, 0]) + X[:, 1] / 2
    for part in (wide, ~wide, np.abs(X[:, 0]) > 1.5):
        assert (y <= centre + scale * t(4).ppf(0.95))[part].mean() == pytest.approx(0.95, abs=0.003)


def test_rows_that_judge_are_not_trained_on_and_scales_are_those_of_training_rows() -> None:
    X, y, X_new, y_new = study._split("prediabetes", 500, np.random.default_rng(1))
    assert (len(y), len(y_new)) == (400, 100)
    assert X.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-12)
    assert abs(X_new.mean(axis=0)).max() > 1e-3
    assert not {tuple(row) for row in np.column_stack([X, y])} & {tuple(row) for row in np.column_stack([X_new, y_new])}
    assert [len(part) for part in study._split("hetero", 300, np.random.default_rng(1))] == [300, 300, 2000, 2000]


def test_forecasts_that_weights_are_fitted_to_come_from_models_that_did_not_see_the_row() -> None:
    generator = np.random.default_rng(2)
    X, y = generator.normal(size=(80, 1)), generator.normal(size=80)
    models = {"one": NeighbourQuantiles(ways.LEVELS, 1)}
    held, (seen,) = ways.forecasts(models, X, y, [X], np.random.default_rng(0))
    assert seen[:, 0] == pytest.approx(np.repeat(y[:, None], 7, axis=1)), "a nearest row is the row itself"
    assert (np.abs(held[:, 0, 0] - y) > 1e-9).all()


def test_ways_of_pooling_are_those_of_their_names(stacked: tuple[np.ndarray, ...]) -> None:
    held, y, X = stacked
    found = ways.pooled(held, y, X, held, X, 0)
    assert found["average"] == pytest.approx(held.mean(axis=1))
    assert found["median"] == pytest.approx(held[:, 1])
    assert found["best_single"] == pytest.approx(held[:, 0])
    assert found["global_coarse"] == pytest.approx(GlobalAggregator(ways.LEVELS).fit(held, y).predict(held))
    assert set(found) > {"global_medium", "local_coarse", "local_medium", "qra"}


def test_controls_turn_weights_round_and_mislead_the_regression(stacked: tuple[np.ndarray, ...]) -> None:
    held, y, X = stacked

    def loss(method: str, variant: str | None = None) -> float:
        raw = ways.pooled(held, y, X, held, X, 0, variant)[method]
        return float(np.mean([mean_pinball_loss(y, raw[:, k], alpha=level) for k, level in enumerate(ways.LEVELS)]))

    assert loss("global_coarse", "learned_weights_turned_round") > 2 * loss("global_coarse")
    assert loss("qra", "learned_weights_turned_round") == loss("qra")
    shifted = (held, y + 10 * X[:, 0], X)
    assert loss("global_coarse", "qra_misled") == loss("global_coarse")
    models = np.stack([shifted[1][:, None] + np.linspace(-1, 1, 7), np.zeros((300, 7))], axis=1)
    straight, misled = (ways.pooled(models, shifted[1], X, models, X, 0, name)["qra"] for name in (None, "qra_misled"))
    assert np.corrcoef(straight[:, 3], shifted[1])[0, 1] > 0.99
    assert np.corrcoef(misled[:, 3], shifted[1])[0, 1] < -0.99


def test_losses_of_a_cell_are_scikit_learns_of_sorted_forecasts() -> None:
    drawn = cell("methods", dataset="hetero", rows=300, trees=False, partition=0)
    table = study.methods(drawn).set_index(["method", "metric"])["value"]
    generator = drawn.generator()
    X, y, X_new, y_new = study._split("hetero", 300, generator)
    raw = ways.base_models(trees=False)["linear"].fit(X, y).predict(X_new)
    mended = np.sort(raw, axis=1)
    losses = [mean_pinball_loss(y_new, mended[:, k], alpha=level) for k, level in enumerate(ways.LEVELS)]
    assert table["model_linear", "pinball"] == pytest.approx(np.mean(losses), abs=1e-6)
    assert table["model_linear", "pinball_lowest"] == pytest.approx(losses[0], abs=1e-6)
    assert table["model_linear", "pinball_highest"] == pytest.approx(losses[-1], abs=1e-6)
    assert table["model_linear", "crossing"] == pytest.approx((raw != mended).any(axis=1).mean(), abs=1e-6)
    assert table["global_coarse", "pinball"] < table["average", "pinball"]


def test_rises_of_a_batch_are_those_of_its_forecasts() -> None:
    drawn = cell("repairs", source="random", batch=0)
    table = study.repairs(drawn).set_index(["repair", "weights", "metric"])["value"]
    generator = drawn.generator()
    raw, y = generator.normal(size=(400, 7)), generator.normal(size=400)
    weights = generator.dirichlet(np.ones(7), size=400)
    levels = np.array(ways.LEVELS)

    def loss(forecasts: np.ndarray) -> np.ndarray:
        rest = y[:, None] - forecasts
        return np.where(rest > 0, levels * rest, (levels - 1) * rest)

    change = loss(np.sort(raw, axis=1)) - loss(raw)
    assert table["sort", "random", "largest_rise"] == pytest.approx((change * weights).sum(axis=1).max())
    assert table["sort", "equal", "largest_rise"] == pytest.approx(change.mean(axis=1).max())
    assert table["sort", "equal", "rise"] == 0
    assert table["running", "equal", "rise"] > 0.1


def test_calibration_widens_narrowed_intervals_and_keeps_right_ones() -> None:
    found = [study.conformal(cell("conformal", dataset="hetero", rows=2000, partition=place)) for place in range(4)]
    table = pd.concat(found).groupby(["method", "calibration", "metric"])["value"].mean()
    assert table["average_narrowed", "before", "width"] == pytest.approx(
        table["average", "before", "width"] / 2, abs=1e-5
    )
    assert table["average_narrowed", "before", "coverage_minus_nominal"] < -0.15
    for method in ("average", "average_narrowed"):
        assert abs(table[method, "after", "coverage_minus_nominal"]) < 0.03


def test_weights_along_the_slice_sum_to_one() -> None:
    table = study.along(cell("along", rows=150, draw=0))
    weights = table[table["metric"] == "weight"]
    assert weights.groupby("position")["value"].sum().to_numpy() == pytest.approx(np.ones(len(study.SLICE)), abs=1e-3)
    fans = table[table["metric"] == "quantile"].pivot_table(
        index=["method", "position"], columns="level", values="value"
    )
    assert (np.diff(fans.to_numpy(), axis=1) >= 0).all()


# A reader's own numbers


@pytest.fixture
def own_table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(6)
    x = generator.normal(size=240)
    frame = pd.DataFrame(
        {
            "x": x,
            "town": generator.choice(["a", "b"], size=240),
            "same": 1,
            "cost": (3 * x + generator.normal(size=240)).round(3),
        }
    )
    frame.to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def test_own_numbers_are_forecast_and_the_answer_names_the_least_loss(
    own_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repro.ground import files

    monkeypatch.setattr(files, "build_folder", lambda: tmp_path / "_build")
    found = run_own("quantile_aggregation.own", csv=own_table, target="cost", backend="sequential", progress=False)
    summary = found.summary.set_index("method")
    best = summary["mean pinball loss"].idxmin()
    assert found.answer.said[0].startswith("The least mean loss")
    assert best in found.answer.said[0]
    assert summary["mean pinball loss"].between(0.1, 0.4).all()
    assert summary["coverage of 90 % intervals"].between(0.75, 1).all()
    assert not any("positive" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        ({}, "town", "must be a column of numbers, 'town' holds"),
        ({"rows": 60}, "cost", "needs at least 120 rows, the file has 60"),
        ({"cost": 1.5}, "cost", "at least 7 different numbers for 7 quantiles, it has 1"),
        ({"x": 1, "town": "a"}, "cost", "no column beside 'cost' varies"),
    ],
)
def test_files_without_numbers_to_forecast_are_refused(
    own_table: Path, change: dict[str, object], target: str, message: str
) -> None:
    frame = pd.read_csv(own_table)
    frame = frame.head(change.pop("rows", len(frame))).assign(**change)
    frame.to_csv(own_table, index=False)
    with pytest.raises(ValueError, match=message):
        own_cells("quantile_aggregation.own", csv=own_table, target=target)
