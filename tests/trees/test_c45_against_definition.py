"""The compiled tree against a slow one written from the definitions, and against closed forms."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import beta

from repro.trees import C45Classifier
from repro.trees._c45_pruning import added_errors

TINY = 1e-6


def entropy(labels: list[int]) -> float:
    """Bits per row."""
    return -sum(k / len(labels) * math.log2(k / len(labels)) for k in Counter(labels).values())


def test_gain_ratio_by_hand() -> None:
    # Nine yes, five no; outlook splits them 2/3, 4/0, 3/2 (Quinlan's golf data): gain 0.246 bits, split information
    # 1.577 bits. Windy: gain 0.048, split information 0.985. Average gain 0.147, so only outlook is allowed.
    play = [1] * 9 + [0] * 5
    parts = [[1, 1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0, 0]]
    gain = entropy(play) - sum(len(part) / 14 * entropy(part) for part in parts)
    assert gain == pytest.approx(0.246, abs=1e-3)
    table = pd.DataFrame(
        {
            "windy": list("tttfffffftttff"),
            "outlook": list("ssooooRRRsssRR"),
        }
    )
    assert C45Classifier(prune=False).fit(table, play).to_text().startswith("outlook = R")


def test_a_larger_gain_ratio_with_less_than_the_average_gain_does_not_win() -> None:
    y = [1] * 20 + [0] * 20
    columns = {
        "thin": list("c" * 4 + "d" * 36),  # cuts off four rows of one class
        "even": list("a" * 15 + "b" * 5 + "a" * 5 + "b" * 15),
    }
    gain, ratio = {}, {}
    for name, column in columns.items():
        parts = [[y[i] for i in range(40) if column[i] == value] for value in sorted(set(column))]
        gain[name] = entropy(y) - sum(len(part) / 40 * entropy(part) for part in parts)
        ratio[name] = gain[name] / entropy([ord(value) for value in column])
    assert ratio["thin"] > ratio["even"]
    assert gain["thin"] < (gain["even"] + gain["thin"]) / 2 - 1e-3
    assert C45Classifier(prune=False).fit(pd.DataFrame(columns), y).to_text().startswith("even = a")


def test_a_column_with_very_many_categories_does_not_raise_the_average_gain() -> None:
    # Ten pairs, each of one class: gain 1 bit, gain ratio 1 / log2(10) = 0.30. "good" is right in 18 of 20 rows: gain
    # 0.53 bits, gain ratio 0.53, but less than the average gain of both columns.
    y = [1] * 10 + [0] * 10
    table = pd.DataFrame({"pair": [f"p{i // 2}" for i in range(20)], "good": list("g" * 9 + "b" + "g" + "b" * 9)})
    assert C45Classifier(prune=False).fit(table, y).to_text().startswith("good = b")
    four_times = pd.concat([table] * 4, ignore_index=True)  # ten categories are not many among 80 rows
    assert C45Classifier(prune=False).fit(four_times, y * 4).to_text().startswith("pair = p0")


@dataclass
class Node:
    """A node of the slow tree."""

    rows: list[int]
    test: tuple[int, float | None] | None = None  # column, threshold
    children: list[Node] = field(default_factory=list)


class SlowTree:
    """C4.5 as the definitions read, with lists and recursion."""

    def __init__(self, X: np.ndarray, y: list[int], n_categories: list[int], min_leaf: int, confidence: float) -> None:
        self.X, self.y, self.n_categories, self.min_leaf = X, y, n_categories, min_leaf
        self.n_classes = len(set(y))
        self.confidence, self.z = confidence, float(ndtri(1 - confidence))
        self.root = self.grow(list(range(len(y))))

    def labels(self, rows: list[int]) -> list[int]:
        return [self.y[i] for i in rows]

    def wrong(self, rows: list[int]) -> int:
        return len(rows) - max(Counter(self.labels(rows)).values(), default=0)

    def information(self, parts: list[list[int]]) -> tuple[float, float]:
        """Gain and split information of a partition."""
        rows = [i for part in parts for i in part]
        remaining = sum(len(part) / len(rows) * entropy(self.labels(part)) for part in parts if part)
        gain = entropy(self.labels(rows)) - remaining
        return (0.0 if gain * len(rows) < TINY else gain), entropy([k for k, part in enumerate(parts) for _ in part])

    def send(self, test: tuple[int, float | None], rows: list[int]) -> list[list[int]]:
        column, threshold = test
        if threshold is not None:
            return [
                [i for i in rows if self.X[i, column] <= threshold],
                [i for i in rows if self.X[i, column] > threshold],
            ]
        return [[i for i in rows if self.X[i, column] == k] for k in range(self.n_categories[column])]

    def numeric_test(self, column: int, rows: list[int]) -> tuple[float, float, float] | None:
        """Gain, gain ratio and threshold of the best cut."""
        n = len(rows)
        smallest = max(self.min_leaf, min(0.1 * n / self.n_classes, 25))
        values = sorted({self.X[i, column] for i in rows})
        best, found, best_gain = None, 0, 0.0
        for low, high in itertools.pairwise(values):
            parts = self.send((column, low), rows)
            if min(map(len, parts)) < smallest - TINY:
                continue
            found += 1
            gain, split_information = self.information(parts)
            if gain > best_gain + TINY:
                best_gain = gain
                middle = (low + high) / 2
                threshold = max(value for value in self.X[:, column] if value <= middle + TINY)
                best = (split_information, float(threshold))
        if best is None or best_gain - math.log2(found) / n < TINY:
            return None
        gain = best_gain - math.log2(found) / n
        return gain, gain / best[0], best[1]

    def grow(self, rows: list[int]) -> Node:
        node = Node(rows)
        if len(rows) < 2 * self.min_leaf or self.wrong(rows) == 0:
            return node
        tests: list[tuple[float, float, tuple[int, float | None]]] = []
        gains: list[float] = []
        many = [k > 0.3 * len(self.y) - TINY for k in self.n_categories]
        for column, categories in enumerate(self.n_categories):
            if categories == 0:
                found = self.numeric_test(column, rows)
                if found is None:
                    continue
                tests.append((found[0], found[1], (column, found[2])))
            else:
                parts = self.send((column, None), rows)
                if sum(len(part) >= self.min_leaf for part in parts) < 2:
                    continue
                gain, split_information = self.information(parts)
                tests.append((gain, gain / split_information, (column, None)))
            if all(many) or not many[column]:
                gains.append(tests[-1][0])
        if not gains:
            return node
        best_ratio = 0.0
        for gain, ratio, test in tests:
            if gain >= sum(gains) / len(gains) - 1e-3 and ratio > best_ratio + TINY:
                best_ratio, node.test = ratio, test
        if node.test is not None:
            node.children = [self.grow(part) for part in self.send(node.test, rows)]
        return node

    def collapse(self, node: Node) -> None:
        if node.test is None:
            return
        if sum(self.wrong(leaf.rows) for leaf in self.leaves(node)) >= self.wrong(node.rows):
            node.test, node.children = None, []
        for child in node.children:
            self.collapse(child)

    def leaves(self, node: Node) -> list[Node]:
        return [node] if node.test is None else [leaf for child in node.children for leaf in self.leaves(child)]

    def pessimistic(self, rows: list[int]) -> float:
        wrong = float(self.wrong(rows))
        return wrong + added_errors(float(len(rows)), wrong, self.confidence, self.z) if rows else 0.0

    def refilled(self, node: Node, rows: list[int]) -> Node:
        if node.test is None:
            return Node(rows)
        parts = self.send(node.test, rows)
        return Node(rows, node.test, [self.refilled(*pair) for pair in zip(node.children, parts, strict=True)])

    def prune(self, node: Node) -> None:
        if node.test is None:
            return
        for child in node.children:
            self.prune(child)
        largest = max(node.children, key=lambda child: (len(child.rows), node.children.index(child)))
        raised = self.refilled(largest, node.rows)
        as_leaf = self.pessimistic(node.rows)
        as_tree = sum(self.pessimistic(leaf.rows) for leaf in self.leaves(node))
        as_branch = sum(self.pessimistic(leaf.rows) for leaf in self.leaves(raised))
        if as_leaf < min(as_tree, as_branch) + 0.1 + TINY:
            node.test, node.children = None, []
        elif as_branch < as_tree + 0.1 + TINY:
            node.test, node.children = raised.test, raised.children
            self.prune(node)

    def leaf_sizes(self) -> list[tuple[int, int]]:
        """Rows and wrong rows of every leaf, from the left."""
        return [(len(leaf.rows), self.wrong(leaf.rows)) for leaf in self.leaves(self.root)]

    def row_leaves(self) -> list[frozenset[int]]:
        return [frozenset(leaf.rows) for leaf in self.leaves(self.root) if leaf.rows]


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[int]]:
    n_samples = draw(st.integers(4, 60))
    n_categories = draw(st.lists(st.sampled_from([0, 0, 2, 3, 5]), min_size=1, max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    X = np.empty((n_samples, len(n_categories)))
    for j, categories in enumerate(n_categories):
        values = draw(st.sampled_from([3, 8, 1000]))
        X[:, j] = generator.integers(0, categories or values, n_samples)
    n_classes = draw(st.integers(2, 3))
    noise = draw(st.sampled_from([0.1, 1.0, 10.0]))
    score = X @ generator.normal(size=(X.shape[1], n_classes)) / (1 + X.std(axis=0).sum())
    y = (score + noise * generator.gumbel(size=score.shape)).argmax(axis=1)
    return X, np.unique(y, return_inverse=True)[1].tolist(), n_categories


def as_frame(X: np.ndarray, n_categories: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            f"a{j}": pd.Categorical(X[:, j].astype(int), categories=range(k)) if k else X[:, j]
            for j, k in enumerate(n_categories)
        }
    )


@given(tables(), st.sampled_from([1, 2, 5]), st.sampled_from([0.05, 0.25, 0.5]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_tree_agrees_with_the_definitions(
    table: tuple[np.ndarray, list[int], list[int]], min_leaf: int, confidence: float, prune: bool
) -> None:
    X, y, n_categories = table
    slow = SlowTree(X, y, n_categories, min_leaf, confidence)
    slow.collapse(slow.root)
    if prune:
        slow.prune(slow.root)
    fast = C45Classifier(min_samples_leaf=min_leaf, confidence=confidence, prune=prune)
    frame = as_frame(X, n_categories)
    nodes = fast.fit(frame, y).apply(frame)
    parts = {frozenset(np.flatnonzero(nodes == node).tolist()) for node in np.unique(nodes)}
    assert parts == set(slow.row_leaves())
    assert fast.leaf_count_ == len(slow.leaf_sizes())


@pytest.mark.parametrize("confidence", [0.05, 0.25, 0.5])
@pytest.mark.parametrize(("n", "errors"), [(6, 0), (14, 0), (9, 1), (16, 1), (100, 20), (1000, 3)])
def test_added_errors_solve_the_equation_of_the_upper_limit(n: int, errors: int, confidence: float) -> None:
    z = float(ndtri(1 - confidence))
    upper = (errors + added_errors(float(n), float(errors), confidence, z)) / n
    if errors == 0:
        assert (1 - upper) ** n == pytest.approx(confidence)  # the exact binomial limit
    else:
        # The normal approximation with continuity correction: z standard errors above the observed rate.
        assert upper - (errors + 0.5) / n == pytest.approx(z * math.sqrt(upper * (1 - upper) / n), abs=1e-12)
        exact = beta.ppf(1 - confidence, errors + 1, n - errors)
        assert upper == pytest.approx(exact, rel=0.12)


def test_added_errors_of_the_textbook() -> None:
    # Quinlan (1993), section 4.2: U25%(0, 6) = 0.206, U25%(0, 9) = 0.143, U25%(0, 1) = 0.750.
    z = float(ndtri(0.75))
    for n, limit in ((6, 0.206), (9, 0.143), (1, 0.750)):
        assert added_errors(float(n), 0.0, 0.25, z) / n == pytest.approx(limit, abs=5e-4)


def test_added_errors_never_exceed_the_rows() -> None:
    z = float(ndtri(0.75))
    for n in range(1, 30):
        for errors in range(n + 1):
            assert 0 <= added_errors(float(n), float(errors), 0.25, z) <= n - errors + 1e-12
