"""Reference values, and the unconstrained-feature model written down as an objective with its gradient."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

FOLDER = Path(__file__).parent / "fixtures"


def load(path: Path) -> dict[str, Any]:
    """A fixture; features, labels and classifier as arrays."""
    problem: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in {"features", "labels", "W"} & problem.keys():
        problem[name] = np.array(problem[name])
    return problem


def fixtures(kind: str) -> list[Path]:
    return sorted(FOLDER.glob(f"{kind}_*.json"))


class Model:
    """Objective over one flat vector of W_1, ..., W_M, H and the bias."""

    def __init__(self, class_sizes, lambda_W, lambda_H, dims, *, bias=False, loss="mse"):
        self.labels = np.repeat(np.arange(len(class_sizes)), class_sizes)
        self.n, self.n_classes = len(self.labels), len(class_sizes)
        self.lambda_W, self.lambda_H, self.loss = lambda_W, lambda_H, loss
        widths = [*dims, self.n_classes]
        self.shapes = [(after, before) for before, after in pairwise(widths)]
        self.shapes += [(dims[0], self.n), (self.n_classes, 1)]
        self.bias = bias
        self.length = sum(rows * columns for rows, columns in self.shapes)

    def split(self, flat):
        places = np.cumsum([rows * columns for rows, columns in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(flat, places), self.shapes, strict=True)]

    def value_and_gradient(self, flat):
        *layers, H, b = self.split(flat)
        outputs = [H]
        for layer in layers:
            outputs.append(layer @ outputs[-1])
        logits = outputs[-1] + b
        one_hot = np.eye(self.n_classes)[:, self.labels]
        if self.loss == "mse":
            value, back = ((logits - one_hot) ** 2).sum() / (2 * self.n), (logits - one_hot) / self.n
        else:
            logs = log_softmax(logits, axis=0)
            value, back = -(one_hot * logs).sum() / self.n, (np.exp(logs) - one_hot) / self.n
        gradients = [back.sum(axis=1, keepdims=True) * self.bias]
        for layer, before, penalty in zip(layers[::-1], outputs[-2::-1], self.lambda_W[::-1], strict=True):
            gradients.append(back @ before.T + penalty * layer)
            value += penalty / 2 * (layer**2).sum()
            back = layer.T @ back
        value += self.lambda_H / 2 * (H**2).sum()
        gradients.insert(1, back + self.lambda_H * H)
        return value, np.concatenate([part.ravel() for part in gradients[::-1]])

    def minimise(self, start):
        options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-16, "gtol": 1e-11, "maxcor": 50}
        return minimize(self.value_and_gradient, start, jac=True, method="L-BFGS-B", options=options)

    def random_start(self, seed, scale=1.0):
        start = scale * np.random.default_rng(seed).normal(size=self.length)
        start[-self.n_classes :] *= self.bias
        return start

    def constructed(self, optimum):
        """The optimum as matrices: layers from its singular values, features by ridge regression on them."""
        left = np.eye(self.n_classes)
        if self.bias:
            sizes = np.bincount(self.labels)
            left = np.linalg.eigh(np.diag(sizes) - np.outer(sizes, sizes) / self.n)[1][:, ::-1]
        order = np.argsort(-optimum.x, kind="stable")[: optimum.rank]
        layers = []
        for shape, values in zip(self.shapes[:-2], optimum.singular_values[:, order], strict=True):
            layers.append(np.zeros(shape))
            np.fill_diagonal(layers[-1][: len(order), : len(order)], values)
        layers[-1] = left[:, order] @ layers[-1][: len(order)]
        W = np.eye(self.shapes[0][1])
        for layer in layers:
            W = layer @ W
        b = np.zeros(self.n_classes) if optimum.bias is None else optimum.bias
        targets = np.eye(self.n_classes)[:, self.labels] - b[:, None]
        H = np.linalg.solve(W.T @ W + self.n * self.lambda_H * np.eye(W.shape[1]), W.T @ targets)
        return np.concatenate([*(layer.ravel() for layer in layers), H.ravel(), b])

    def geometry(self, flat):
        """W W^T, Gram matrix of mean features, logits of the means, largest distance within a class, bias."""
        *layers, H, b = self.split(flat)
        W = layers[0]
        for layer in layers[1:]:
            W = layer @ W
        means = np.stack([H[:, self.labels == k].mean(axis=1) for k in range(self.n_classes)], axis=1)
        return W @ W.T, means.T @ means, W @ means, np.abs(H - means[:, self.labels]).max(), b.ravel()
