"""Findings of the SADE figures are computed from what they draw, and networks of two recipes are never compared."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.plotting import sade as figures
from repro.plotting.figures import Shown
from repro.studies import experiment

TEST_SETS = ("uniform", "backward-50", "backward-2", "forward-2", "random-order", "forward-50")
COLUMNS = ["recipe", "ratio", "test_set", "method", "class_label", "replicate", "metric", "value"]

Rows = list[tuple[object, ...]]
Read = Callable[..., list[float]]


def table(rows: Rows) -> pd.DataFrame:
    return pd.DataFrame([("digits", 100, *row) for row in rows], columns=COLUMNS)


def accuracies(**methods: dict[str, float]) -> pd.DataFrame:
    """Accuracy of methods on test sets in two runs, one 0.01 above and one 0.01 below the number given."""
    return table(
        [
            (test_set, method, None, seed, "accuracy", value + (0.01 if seed else -0.01) * (method == "learned"))
            for method, values in methods.items()
            for (test_set, value), seed in product(values.items(), range(2))
        ]
    )


def test_recalls_read_head_and_tail(read: Read) -> None:
    rows: Rows = []
    for method, seed, label in product(figures.EXPERTS, range(2), range(3)):
        recall = {"expert_1": 0.9 - 0.4 * label, "expert_2": 0.5, "expert_3": 0.1 + 0.4 * label}[method]
        rows.append(("uniform", method, label, seed, "recall", recall))
    shown = figures.recalls(table(rows), [200, 20, 2])
    assert "smallest class recall is 10 % (first expert), 50 % (second expert), 90 % (third expert)" in shown.title
    assert read(shown, "third expert", "0") == [10]
    with pytest.raises(ValueError, match=r"counts must have one entry for each of 3 classes, got \(2,\)"):
        figures.recalls(table(rows), [200, 20])


def test_recalls_of_many_classes_are_means_of_neighbours(read: Read) -> None:
    rows: Rows = [
        ("uniform", method, label, 0, "recall", 0.01 * label) for method in figures.EXPERTS for label in range(30)
    ]
    shown = figures.recalls(table(rows), range(30, 0, -1))
    assert "smallest tenth of the classes recall is 28 % (first expert)" in shown.title
    assert read(shown, "first expert", "0") == [1]
    assert "means of 3 neighbouring classes" in shown.caption


def test_certainty_is_the_gain_of_each_training_with_its_error() -> None:
    found = accuracies(learned={"uniform": 0.6, "forward-50": 0.7}, equal={"uniform": 0.5, "forward-50": 0.65})
    errors = [
        (s, "learned", None, seed, "error_over_equal", 0.004) for s in ("uniform", "forward-50") for seed in (0, 1)
    ]
    frame = figures.certainty(pd.concat([found, table(errors)]))
    assert frame.loc[(0, "forward-50"), "gain"] == pytest.approx(4)
    assert frame.loc[(1, "uniform"), "gain"] == pytest.approx(11)
    assert frame["standard error"].unique() == pytest.approx([0.4])


def gained(*values: float, test_set: str = "uniform") -> pd.DataFrame:
    """Trainings in which learned weights gain so much over equal ones."""
    rows: Rows = []
    for seed, value in enumerate(values):
        rows.append((test_set, "learned", None, seed, "accuracy", 0.5 + value))
        rows.append((test_set, "equal", None, seed, "accuracy", 0.5))
    return table(rows)


def test_a_single_large_gain_moves_the_mean_and_not_the_median() -> None:
    usual = [0.01, 0.02, 0.03, 0.04, -0.01, 0.02, 0.03]
    frame = figures.gains_by_training(gained(*usual, 0.38), [("learned", "equal")], ["uniform"])
    (one,) = frame.to_dict("records")
    assert one["trainings"] == 8
    assert one["mean"] == pytest.approx(100 * np.mean([*usual, 0.38]))
    assert one["median"] == pytest.approx(2.5)
    assert (one["lowest"], one["highest"], one["losses"]) == (pytest.approx(-1), pytest.approx(38), 1)
    low, high = (float(bound) for bound in one["95 % of it"].split(" to "))
    wanted = stats.t.interval(0.95, 7, one["mean"], 100 * stats.sem([*usual, 0.38]))
    assert (low, high) == pytest.approx(wanted, abs=0.051)
    robust = [float(bound) for bound in one["95 % of the median"].split(" to ")]
    assert 0 < robust[0] <= 2.5 <= robust[1] < 4.1
    few = figures.gains_by_training(gained(0.01, 0.02, 0.03), [("learned", "equal")], ["uniform"])
    assert few["95 % of the median"].item() == ""
    assert figures.gains_by_training(gained(0.01), [("learned", "equal")], ["uniform"])["95 % of it"].item() == ""


def test_places_where_a_method_is_ahead_are_named_as_ranges() -> None:
    places = {"forward-50": 0.03, "forward-10": 0.01, "forward-2": -0.01, "uniform": -0.02, "backward-2": 0.0}
    places |= {"backward-10": -0.01, "backward-50": 0.02}
    frame = pd.concat([gained(gain, gain, test_set=name) for name, gain in places.items()])
    assert figures.places_ahead(frame, "equal").replace("\N{NO-BREAK SPACE}", " ") == (
        "against equal weights: ahead on 3 of 7 test sets (f 50 to f 10, b 50), "
        "behind on 3 (f 2 to u, b 10), 2 trainings"
    )
    only = figures.places_ahead(gained(0.1), "equal")
    assert only == "against equal weights: ahead on 1 of 1 test sets (u), behind on 0, 1 training"


def test_trainings_are_counted_by_method_and_recipe() -> None:
    experts = experiment("sade.experts")
    first, second = (
        next(c for c in experts.cells_of(profile) if c.parameters.get("method") == method)
        for profile, method in (("standard", "sade"), ("paper", "balanced"))
    )
    found = figures.trainings(
        experts,
        {"standard": pd.DataFrame({"cell": [first.id, first.id]}), "paper": pd.DataFrame({"cell": [second.id]})},
    )
    assert found.loc["three experts with different skills", "short, ratio 100"] == "1 of 3"
    assert found.loc["one balanced network", "short, ratio 100"] == "0 of 3"
    assert found.loc["one balanced network", "published, ratio 100"] == "1 of 3"
    assert found.loc["one network, focal loss", "short, ratio 100"] == ""
    assert set(figures.trainings(experts, {"paper": None}).to_numpy().ravel()) == {"0 of 3", ""}


def test_steadiness_leaves_out_groups_without_classes(read: Read) -> None:
    rows: Rows = [
        ("uniform", method, None, seed, f"cosine_{group}", 0.5 + 0.1 * number + 0.01 * (seed - 0.5))
        for (number, method), seed, group in product(enumerate(figures.EXPERTS), range(2), ("many", "medium"))
    ]
    shown = figures.steadiness(table(rows))
    assert read(shown, "second expert", "many (over 100)")[0] == pytest.approx(0.6)
    assert shown.title.endswith("the third expert on many-image classes, the third expert on medium-image classes")
    assert "few" not in shown.pictures[0]
    with pytest.raises(ValueError, match="no cosine_many"):
        figures.steadiness(table([("uniform", "expert_1", None, 0, "accuracy", 0.5)]))


def test_weights_stand_in_the_order_of_the_distributions(read: Read) -> None:
    place = {"forward-50": 0, "forward-2": 1, "uniform": 2, "backward-2": 3, "backward-50": 4, "random-order": 9}
    rows: Rows = []
    for test_set, seed in product(TEST_SETS, range(2)):
        first = 0.6 - 0.1 * place[test_set]
        for method in ("learned", "three_balanced_learned"):
            found = (first, 0.3, 0.7 - first) if method == "learned" else (0.3, 0.3, 0.4)
            rows += [(test_set, method, None, seed, f"weight_{k + 1}", weight) for k, weight in enumerate(found)]
    shown = figures.weights(table(rows))
    skills, alike, axis = "experts with different skills", "experts trained alike", figures.TEST_SETS
    order = [name.replace("\N{NO-BREAK SPACE}", " ") for name in dict.fromkeys(shown.table[axis])]
    assert order == ["f 50", "f 2", "u", "b 2", "b 50"], "and not the random order"
    for place, name in enumerate(dict.fromkeys(shown.table[axis])):
        assert read(shown, skills, "first expert", name)[0] == pytest.approx(0.6 - 0.1 * place)
        assert read(shown, alike, "third expert", name)[0] == pytest.approx(0.4)
    assert "gives 0.60 to the first and 0.10 to the third expert on f" in shown.title
    assert "0.20 to the first and 0.50 to the third expert on b" in shown.title
    assert "over 2 training runs" in shown.caption


def test_gains_are_differences_within_a_run(read: Read) -> None:
    found = accuracies(
        equal={"forward-50": 0.70, "uniform": 0.80, "backward-50": 0.60},
        equal_augmented={"forward-50": 0.65, "uniform": 0.78, "backward-50": 0.50},
        learned={"forward-50": 0.75, "uniform": 0.79, "backward-50": 0.60},
    )
    shown = figures.gains(found, [("learned", "equal")], caption="Gain.")
    assert shown.title == "Points over the test sets: learned weights \N{MINUS SIGN}1.0 to +5.0"
    assert read(shown, "learned weights", figures.short_name("forward-50"))[0] == pytest.approx(5)
    shown = figures.gains(found, [("learned", "equal"), ("learned", "equal_augmented")], caption="Gain.")
    assert "learned weights over equal weights, augmented images +1.0 to +10.0" in shown.title
    pairs = [("learned", "equal"), ("equal", "equal_augmented"), ("learned", "equal_augmented")]
    shown = figures.gains(found, pairs, caption="Gain.")
    assert read(shown, "equal weights over equal weights, augmented images", "u")[0] == pytest.approx(2)
    with pytest.raises(ValueError, match="no accuracy of method 'oracle'; it has equal, equal_augmented, learned"):
        figures.gains(found, [("oracle", "equal")], caption="Gain.")


def test_surfaces_tell_where_both_tops_are(read: Read) -> None:
    points = [(first, third) for first, third in product(np.linspace(0, 1, 5), repeat=2) if first + third <= 1]
    rows: Rows = []
    for point, (first, third) in enumerate(points):
        for metric, value in {
            "weight_1": first,
            "weight_3": third,
            "cosine": first,
            "accuracy": 0.5 + 0.25 * third,
        }.items():
            rows.append((None if "weight" in metric else "uniform", "grid", point, 0, metric, value))
    (found,) = figures.surfaces(table(rows)).table.to_dict("records")
    assert found["highest agreement at"] == "1.00, 0.00, 0.00"
    assert found["highest accuracy at"] == "0.00, 0.00, 1.00"
    assert (found["accuracy at the highest agreement"], found["highest accuracy"]) == ("50.0", "75.0")
    before = figures.surfaces(table(rows)).pictures[0].count("<use")
    weights = [(0, 0.5, 0.3), (1, 0.1, 0.1)]  # the surface is that of run 0
    rows += [
        ("uniform", "learned", None, seed, f"weight_{k}", w)
        for seed, *of in weights
        for k, w in zip((1, 3), of, strict=True)
    ]
    assert figures.surfaces(table(rows)).pictures[0].count("<use") == before + 1, "the learned weights have a mark"
    rows += [("backward-2", "grid", *row[2:]) for row in rows if row[4] in ("cosine", "accuracy")]
    assert len(figures.surfaces(table(rows)).pictures) == 1, "only the test sets asked for"
    rows += [(test_set, "learned", None, 0, "accuracy", 0.6) for test_set in ("uniform", "backward-2")]
    shown = figures.landscapes(table(rows))
    assert "misses the best weights by up to 25.0 points" in shown.title
    assert read(shown, "at the learned weights", "u") == [-15]
    for draw in (figures.surfaces, figures.landscapes):
        with pytest.raises(ValueError, match="no rows of method 'grid'"):
            draw(table([("uniform", "equal", None, 0, "accuracy", 0.5)]))


def test_accuracies_are_means_in_the_order_asked_for() -> None:
    found = accuracies(equal={"uniform": 0.8, "forward-50": 0.7}, learned={"uniform": 0.79, "forward-50": 0.75})
    shown = figures.accuracies(found, ["learned", "equal"])
    assert list(shown.index) == ["learned weights", "equal weights"]
    assert list(shown.columns) == ["forward-50", "uniform"]
    np.testing.assert_allclose(shown, [[75, 79], [70, 80]])
    with pytest.raises(ValueError, match="no reweighted_accuracy of method 'equal'; it has none"):
        figures.accuracies(found, ["equal"], "reweighted_accuracy")


def test_the_best_epoch_is_compared_within_its_trainings() -> None:
    rows: Rows = [
        ("uniform", method, None, seed, "accuracy", value)
        for method, values in {"equal": (0.50, 0.60, 0.10), "equal_best_epoch": (0.51, 0.63)}.items()
        for seed, value in enumerate(values)
    ]
    found = figures.best_epochs(table(rows))
    assert found.index.tolist() == ["equal weights"]
    np.testing.assert_allclose(found.to_numpy()[0].astype(float), [2, 55, 57, 2])
    assert figures.best_epochs(table(rows[:3])).empty


def test_tops_are_those_of_the_run_with_a_grid() -> None:
    rows: Rows = []
    for point, (cosine, accuracy) in enumerate([(0.7, 0.5), (0.9, 0.6), (0.8, 0.75)]):
        rows += [("uniform", "grid", point, 3, "cosine", cosine), ("uniform", "grid", point, 3, "accuracy", accuracy)]
    rows += [("uniform", "learned", None, seed, "accuracy", accuracy) for seed, accuracy in ((1, 0.2), (3, 0.55))]
    rows += [(None, "grid", point, 3, name, 0.0) for point, name in product(range(3), ("weight_1", "weight_3"))]
    np.testing.assert_allclose(figures.tops(table(rows)).loc["uniform"], [55, 60, 75])
    with pytest.raises(ValueError, match="no rows of method 'grid'"):
        figures.tops(table([("uniform", "learned", None, 3, "accuracy", 0.5)]))


def test_correlations_name_the_lowest(read: Read) -> None:
    lowest = {"forward-50": 0.8, "forward-2": 0.1, "uniform": -0.6, "backward-2": 0.2, "backward-50": 0.9}
    rows: Rows = [
        (test_set, "surface", None, seed, metric, value if metric == "stability_accuracy" else 0.5)
        for (test_set, value), seed, metric in product(lowest.items(), range(2), figures.MEASURES)
    ]
    shown = figures.correlations(table(rows))
    assert "more accurate on 4 of 5 test sets, least at u (\N{MINUS SIGN}0.60)" in shown.title
    assert read(shown, "accuracy", figures.short_name("forward-50")) == [0.8]


def test_gains_by_views_are_read_by_strength(read: Read) -> None:
    gain = {"weak": 0.01, "usual": 0.02, "strong": -0.06}
    rows = [
        (strength, test_set, seed, "gain", value + 0.001 * (seed - 0.5))
        for (strength, value), test_set, seed in product(gain.items(), ("uniform", "forward-50"), range(2))
    ]
    found = pd.DataFrame(rows, columns=["views", "test_set", "replicate", "metric", "value"])
    shown = figures.gains_by_views(found)
    assert "+1.0 points with weak views, +2.0 points with usual views, \N{MINUS SIGN}6.0 points with" in shown.title
    assert read(shown, "strong views", "u")[0] == pytest.approx(-6)
    with pytest.raises(ValueError, match="no rows of metric 'gain'"):
        figures.gains_by_views(found[:0])


def test_captions_count_the_runs_of_what_is_drawn() -> None:
    two = accuracies(learned={"uniform": 0.8, "forward-50": 0.7}, equal={"uniform": 0.7, "forward-50": 0.7})
    once = accuracies(inner={"uniform": 0.6, "forward-50": 0.7})
    both = pd.concat([two, once[once["replicate"] == 0]])
    usual = figures.gains(both, [("learned", "equal")], caption="Gain.")
    assert usual.caption == "Gain. Means and 95 % intervals over 2 training runs."
    mixed = figures.gains(both, [("learned", "equal"), ("inner", "equal")], caption="Gain.")
    assert mixed.caption == ("Gain. Means over 1 to 2 training runs, with 95 % intervals where there are several.")
    assert figures.gains(both, [("inner", "equal")], caption="Gain.").caption == "Gain. One training run."


def test_rivals_have_the_interval_of_student(read: Read) -> None:
    found = accuracies(
        learned={"forward-50": 0.75, "uniform": 0.79},
        balanced_power={"forward-50": 0.70, "uniform": 0.80},
    )
    shown = figures.rivals(found, ["balanced_power"], ("forward-50", "uniform"))
    half = stats.t.ppf(0.975, 1) * 1.0  # standard deviation sqrt 2, two runs
    name = "one balanced network + estimated power"
    wanted = [5, 5 - half, 5 + half]
    assert read(shown, "tail as in training, ratio 50", name) == pytest.approx(wanted, abs=0.6)
    assert read(shown, "uniform", name) == pytest.approx([-1, -1 - half, -1 + half], abs=0.6)
    assert "ahead in 0 of 2 comparisons and behind in 0" in shown.title


def test_a_single_run_has_no_interval(read: Read) -> None:
    found = accuracies(learned={"uniform": 0.8}, balanced={"uniform": 0.7})
    shown = figures.rivals(found[found["replicate"] == 1], ["balanced"], ("uniform",))
    assert read(shown, "uniform", "one balanced network") == [11]
    assert "One training run." in shown.caption


@pytest.mark.parametrize(
    "draw",
    [
        lambda found: figures.gains(found, [("learned", "equal")], caption="Gain."),
        lambda found: figures.rivals(found, ["equal"], ("uniform",)),
        lambda found: figures.weights(found),
        lambda found: figures.recalls(found, [1]),
        lambda found: figures.steadiness(found),
        lambda found: figures.surfaces(found),
        lambda found: figures.tops(found),
        lambda found: figures.accuracies(found, ["equal"]),
        lambda found: figures.best_epochs(found),
        lambda found: figures.correlations(found),
    ],
)
def test_recipes_and_ratios_are_never_mixed(draw: Callable[[pd.DataFrame], Shown | pd.DataFrame]) -> None:
    digits = accuracies(learned={"uniform": 0.8}, equal={"uniform": 0.7})
    for other, found in (
        ({"recipe": "published"}, "digits 100, published 100"),
        ({"ratio": 10}, "digits 10, digits 100"),
    ):
        both = pd.concat([digits, digits.assign(replicate=7, **other)])
        with pytest.raises(ValueError, match=f"one recipe and one imbalance ratio, found {found}"):
            draw(both)
