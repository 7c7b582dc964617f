"""Unconstrained-feature models minimised directly, against their exact solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from repro.geometry import CollapseMeter, MseOptimum, ufm_ce_etf, ufm_ce_pairs, ufm_mse
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows

Floats = npt.NDArray[np.float64]

WRONG_SIZES: Final = "class_sizes_reversed"
CUT_SHORT: Final = "descent_cut_short"
PAIRS: Final = "lower_loss_of_paired_classes"


@dataclass(frozen=True)
class Model:
    """An unconstrained-feature model.

    Attributes
    ----------
    sizes : tuple of int
    layer_penalties : tuple of float
        lambda_W, W_1 first.
    feature_penalty : float
        lambda_H.
    width : int
        d, and the width of all layers.
    loss : "mse" or "cross_entropy"
    bias : bool
    """

    sizes: tuple[int, ...]
    layer_penalties: tuple[float, ...]
    feature_penalty: float
    width: int = 8
    loss: str = "mse"
    bias: bool = False

    @property
    def labels(self) -> npt.NDArray[np.intp]:
        """Class of every sample, shape (N,)."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def shapes(self) -> list[tuple[int, int]]:
        """Shapes of W_1, ..., W_M and H."""
        K, d = len(self.sizes), self.width
        return [*[(d, d)] * (len(self.layer_penalties) - 1), (K, d), (d, sum(self.sizes))]

    def draw(self, scale: float, generator: np.random.Generator) -> list[Floats]:
        """Draw normal entries with standard deviation `scale`."""
        return [scale * generator.standard_normal(shape) for shape in self.shapes()]

    def value_and_gradients(self, parts: Sequence[Floats], b: Floats) -> tuple[float, list[Floats], Floats]:
        """Objective at W_1, ..., W_M, H and b, with its gradients."""
        *layers, H = parts
        inputs = [H]
        for W in layers:
            inputs.append(W @ inputs[-1])
        Z = inputs.pop() + b[:, None]
        N, labels = Z.shape[1], self.labels
        Y = np.eye(len(self.sizes))[labels].T
        if self.loss == "mse":
            slope = (Z - Y) / N
            value = float(((Z - Y) ** 2).sum() / (2 * N))
        else:
            slope = (softmax(Z, axis=0) - Y) / N
            value = float(-log_softmax(Z, axis=0)[labels, np.arange(N)].mean())
        gradients: list[Floats] = []
        back = slope
        for W, lam, before in zip(reversed(layers), reversed(self.layer_penalties), reversed(inputs), strict=True):
            gradients.append(back @ before.T + lam * W)
            back = W.T @ back
            value += lam / 2 * float((W**2).sum())
        value += self.feature_penalty / 2 * float((H**2).sum())
        return value, [*reversed(gradients), back + self.feature_penalty * H], slope.sum(axis=1)

    def minimise(self, start: Sequence[Floats]) -> tuple[float, list[Floats], Floats]:
        """Go downhill from a start by L-BFGS; gives the value, W_1, ..., W_M, H and the bias."""
        shapes, K = self.shapes(), len(self.sizes)
        cuts = np.cumsum([rows * columns for rows, columns in shapes])

        def split(v: Floats) -> tuple[list[Floats], Floats]:
            *parts, b = np.split(v, cuts)
            return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)], b

        def function(v: Floats) -> tuple[float, Floats]:
            parts, b = split(v)
            value, gradients, of_bias = self.value_and_gradients(parts, b)
            flat = [*(gradient.ravel() for gradient in gradients), of_bias if self.bias else np.zeros(K)]
            return value, np.concatenate(flat)

        v = np.concatenate([*(part.ravel() for part in start), np.zeros(K)])
        options: Any = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 30}
        found = minimize(function, v, jac=True, method="L-BFGS-B", options=options)
        parts, b = split(found.x)
        return float(found.fun), parts, b

    def at_optimum(self, optimum: MseOptimum) -> list[Floats]:
        """Matrices of the exact solution without bias, for d >= K."""
        K, d, M = len(self.sizes), self.width, len(self.layer_penalties)
        parts = []
        for j, shape in enumerate(self.shapes()[:-1]):
            W = np.zeros(shape)
            W[np.arange(K), np.arange(K)] = optimum.singular_values[j]
            parts.append(W)
        H = np.zeros((d, sum(self.sizes)))
        H[self.labels, np.arange(H.shape[1])] = optimum.h_norms[self.labels]
        assert len(parts) == M
        return [*parts, H]


def product(layers: Sequence[Floats]) -> Floats:
    """W_M ... W_1."""
    W = layers[0]
    for layer in layers[1:]:
        W = layer @ W
    return W


# --- The closed forms (nc-1) ------------------------------------------------------------------------------------------

CASES: Final[Mapping[str, Model]] = {
    "balanced, one layer": Model((5, 5, 5, 5), (6e-3,), 5e-3),
    "balanced, three layers": Model((5, 5, 5, 5), (6e-3, 5e-3, 7e-3), 4e-3),
    "unequal sizes, one layer": Model((12, 8, 5, 3), (6e-3,), 5e-3),
    "unequal sizes, two layers": Model((12, 8, 5, 3), (6e-3, 8e-3), 5e-3),
    "unequal sizes, three layers": Model((12, 8, 5, 3), (6e-3, 8e-3, 5e-3), 5e-3),
    "a dead class, one layer": Model((20, 10, 3, 1), (0.04,), 0.05),
    "a dead class, two layers": Model((20, 10, 6, 1), (0.02, 0.03), 0.02),
    "balanced with bias": Model((5, 5, 5, 5), (6e-3,), 5e-3, bias=True),
    "unequal sizes with bias": Model((20, 10, 3, 3), (0.05,), 0.05, bias=True),
    "rank 2 of 4": Model((8, 8, 5, 3), (6e-3,), 5e-3, width=2),
    "cross-entropy, one layer": Model((5, 5, 5, 5), (6e-3,), 5e-3, loss="cross_entropy"),
}
"""Models whose exact solution is known; no class is on its threshold."""


def exact(cell: Cell) -> pd.DataFrame:
    """Minimise models directly, from random starts and near the exact solution, and compare with the closed forms.

    Parameters
    ----------
    cell : Cell
        Parameters ``case`` (key of :data:`CASES`) and ``starts``.

    Returns
    -------
    DataFrame
        Columns ``case, replicate, metric, value``. ``deviation``: the larger of the differences of the least objective
        found from the closed form, and of the Gram matrix of the classifier there (for a limited rank its spectrum).
    """
    name = cell.text("case")
    model, generator = CASES[name], cell.generator()
    found = []
    if model.loss == "mse":
        sizes = model.sizes[::-1] if cell.variant == WRONG_SIZES else model.sizes
        dims = (model.width,) * len(model.layer_penalties)
        optimum = ufm_mse(sizes, model.layer_penalties, model.feature_penalty, dims, model.bias)
        loss, gram = optimum.loss, optimum.W_gram
        if not model.bias and model.width >= len(sizes) and cell.variant is None:
            near = [part + 1e-3 * generator.standard_normal(part.shape) for part in model.at_optimum(optimum)]
            found.append(model.minimise(near))
    else:
        etf = ufm_ce_etf(len(model.sizes), model.sizes[0], model.layer_penalties, model.feature_penalty)
        loss, gram = etf.loss, np.empty(0)
    scales = 10 ** generator.uniform(-1.0, 0.3, cell.whole("starts"))
    found += [model.minimise(model.draw(scale, generator)) for scale in scales]
    value, parts, _ = min(found, key=lambda one: one[0])
    W = product(parts[:-1])
    deviation = abs(value - loss)
    if gram.size and model.width >= len(model.sizes):
        deviation = max(deviation, float(np.abs(W @ W.T - gram).max()))
    elif gram.size:
        spectra = [np.linalg.eigvalsh(matrix) for matrix in (W @ W.T, gram)]
        deviation = max(deviation, float(np.abs(spectra[0] - spectra[1]).max()))
    rows = Rows("case", case=name, replicate=0)
    rows.add({"deviation": deviation})
    return rows.frame()


# --- Gradient descent (nc-2, nc-8) ------------------------------------------------------------------------------------


@dataclass
class Descent:
    """Gradient descent with momentum 0.9 on all matrices of a model, and on its bias, which starts at 0.

    Attributes
    ----------
    model : Model
    parts : list of ndarray
        W_1, ..., W_M and H, changed in place.
    step : float
    b : ndarray of shape (K,)
        Bias; stays 0 in a model without one.
    """

    model: Model
    parts: list[Floats]
    step: float
    b: Floats = field(init=False)
    velocity: list[Floats] = field(init=False)

    def __post_init__(self) -> None:
        self.b = np.zeros(len(self.model.sizes))
        self.velocity = [np.zeros_like(part) for part in (*self.parts, self.b)]

    def run(self, steps: int) -> float:
        """Take steps; gives the objective before the last one."""
        value = np.inf
        moved = [*self.parts, self.b] if self.model.bias else self.parts
        for _ in range(steps):
            value, gradients, of_bias = self.model.value_and_gradients(self.parts, self.b)
            for part, velocity, gradient in zip(moved, self.velocity, [*gradients, of_bias], strict=False):
                velocity *= 0.9
                velocity -= self.step * gradient
                part += velocity
        return value


DIRECT_SIZES: Final = (200, 100, 50, 50)
DIRECT_LAMBDA: Final = 5e-4
DIRECT_WIDTH: Final = 64


def direct(cell: Cell) -> pd.DataFrame:
    """Optimise features and layers by gradient descent in the published setting (sizes 200, 100, 50, 50).

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``seed`` and ``steps``.

    Returns
    -------
    DataFrame
        Columns ``layers, replicate, metric, value``: ``loss_gap`` relative to the closed form, ``nc1_quot``,
        ``nc2_gof_err_W``, ``nc2_gof_err``, ``nc3_gof_err``.
    """
    layers, steps = cell.whole("layers"), cell.whole("steps")
    model = Model(DIRECT_SIZES, (DIRECT_LAMBDA,) * layers, DIRECT_LAMBDA, DIRECT_WIDTH)
    descent = Descent(model, model.draw(0.1, cell.generator()), 0.1)
    value = descent.run(steps // 100 if cell.variant == CUT_SHORT else steps)
    optimum = ufm_mse(model.sizes, model.layer_penalties, model.feature_penalty)
    meter = CollapseMeter(len(model.sizes), model.width)
    meter.update(descent.parts[-1].T, model.labels)
    found = meter.compute(product(descent.parts[:-1]), targets="gof", optimum=optimum)
    names = ("nc1_quot", "nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err")
    rows = Rows("layers", layers=layers, replicate=cell.whole("seed"))
    rows.add({name: found[name] for name in names} | {"loss_gap": value / optimum.loss - 1.0})
    return rows.frame()


BALANCED_SIZES: Final = (100,) * 4
FRAMES: Final[Mapping[bool, dict[str, str]]] = {
    False: {"classifier": "nc2_of_err_W", "features": "nc2_of_err", "product": "nc3_of_err"},
    True: {"classifier": "nc2_etf_err_W", "features": "nc2_etf_err", "product": "nc3_dual_err"},
}
"""Distances to the frame of equal classes: the orthogonal one without a bias, the simplex frame with one."""


def direct_balanced(cell: Cell) -> pd.DataFrame:
    """Optimise features and layers by gradient descent in the published setting with 100 rows in each of four classes.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``bias``, ``seed`` and ``steps``.

    Returns
    -------
    DataFrame
        Columns ``layers, bias, replicate, metric, value``: ``loss_gap`` relative to the closed form, ``nc1_quot``, and
        the distances ``classifier_err``, ``features_err`` and ``product_err`` to the orthogonal frame, with a bias to
        the simplex frame.
    """
    layers, bias, steps = cell.whole("layers"), cell.flag("bias"), cell.whole("steps")
    model = Model(BALANCED_SIZES, (DIRECT_LAMBDA,) * layers, DIRECT_LAMBDA, DIRECT_WIDTH, bias=bias)
    descent = Descent(model, model.draw(0.1, cell.generator()), 0.1)
    value = descent.run(steps // 100 if cell.variant == CUT_SHORT else steps)
    optimum = ufm_mse(model.sizes, model.layer_penalties, model.feature_penalty, bias=bias)
    meter = CollapseMeter(len(model.sizes), model.width)
    meter.update(descent.parts[-1].T, model.labels)
    found = meter.compute(product(descent.parts[:-1]), targets=("of", "etf"))
    rows = Rows("layers", "bias", layers=layers, bias=bias, replicate=cell.whole("seed"))
    rows.add(
        {f"{name}_err": found[metric] for name, metric in FRAMES[bias].items()}
        | {"nc1_quot": found["nc1_quot"], "loss_gap": value / optimum.loss - 1.0}
    )
    return rows.frame()


TRAP_SIZES: Final = (40, 20, 10, 5)
TRAP_WIDTH: Final = 16
TRAP_STEPS: Final = 1800
LEARNT: Final = 0.1
"""A class is learnt when the logit of its mean for itself exceeds this share of the exact one."""


def penalty_for(b: float, sizes: Sequence[int], layers: int) -> float:
    """Equal penalty of all layers and the features at which the smallest class has the given b, equation (1)."""
    N, smallest = sum(sizes), min(sizes)
    return float(((b * smallest / (layers * N)) ** layers / N) ** (1.0 / (layers + 1)))


def traps(cell: Cell) -> pd.DataFrame:
    """Descend from small and from larger random starts and see which classes are learnt that the optimum keeps.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``b`` (of the smallest class), ``scale`` of the start, ``seed``.

    Returns
    -------
    DataFrame
        Columns ``layers, b, scale, class_size, replicate, metric, value``. ``learnt``: 1 when the class is, else 0;
        rows without class size give ``lost``, the share of the classes alive at the optimum that are not learnt.
    """
    layers, b, scale = cell.whole("layers"), cell.number("b"), cell.number("scale")
    lam = penalty_for(b, TRAP_SIZES, layers)
    model = Model(TRAP_SIZES, (lam,) * layers, lam, TRAP_WIDTH)
    descent = Descent(model, model.draw(scale, cell.generator()), 0.2)
    descent.run(TRAP_STEPS)
    optimum = ufm_mse(model.sizes, model.layer_penalties, model.feature_penalty)
    W, H = product(descent.parts[:-1]), descent.parts[-1]
    means = np.array([H[:, model.labels == k].mean(axis=1) for k in range(len(model.sizes))])
    logits = np.einsum("kd,kd->k", W, means)
    learnt = logits > LEARNT * np.diag(optimum.logits)
    rows = Rows("layers", "b", "scale", "class_size", layers=layers, b=b, scale=scale, replicate=cell.whole("seed"))
    rows.add_curves("class_size", model.sizes, {"learnt": learnt})
    rows.add({"lost": float(1.0 - learnt[optimum.alive].mean())})
    return rows.frame()


# --- Minority collapse under cross-entropy (nc-10) --------------------------------------------------------------------

RATIOS: Final = (2, 5, 10, 50, 200)
MINORITY: Final = 2
MINORITY_LAMBDA: Final = 1e-3


def minority(cell: Cell) -> pd.DataFrame:
    """Angle between the classifier's rows of two small classes as two others grow, under cross-entropy.

    Parameters
    ----------
    cell : Cell
        Parameters ``ratio`` and ``starts``.

    Returns
    -------
    DataFrame
        Columns ``ratio, replicate, metric, value``: ``minority_cosine`` and ``majority_cosine`` at the least objective
        found, one replicate for each start.
    """
    ratio, starts = cell.whole("ratio"), cell.whole("starts")
    # samples of a class share their optimal feature, so classes are weighted rather than repeated
    sizes = (MINORITY * ratio, MINORITY * ratio, MINORITY, MINORITY)
    rows = Rows("ratio", ratio=ratio)
    for replicate in range(starts):
        model = Model(sizes, (MINORITY_LAMBDA,), MINORITY_LAMBDA, width=6, loss="cross_entropy")
        _, parts, _ = model.minimise(model.draw(0.5, np.random.default_rng(cell.child(replicate))))
        W = parts[0] / np.linalg.norm(parts[0], axis=1, keepdims=True)
        cosines = {"minority_cosine": float(W[2] @ W[3]), "majority_cosine": float(W[0] @ W[1])}
        rows.add(cosines, replicate=replicate)
    return rows.frame()


# --- Norm laws (nc-6) -------------------------------------------------------------------------------------------------


def norms(cell: Cell) -> pd.DataFrame:
    """Check how the norms of classifier rows and features go with the class size, over random models.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers`` and ``models``.

    Returns
    -------
    DataFrame
        Columns ``layers, replicate, metric, value``. ``violations``: pairs of neighbouring sizes of alive classes for
        which the classifier row of the larger one is not longer, or its feature does not go as the closed form says
        (one layer: longer up to 4 n*, shorter beyond; more layers: shorter).
    """
    layers, count = cell.whole("layers"), cell.whole("models")
    rows = Rows("layers", layers=layers)
    for replicate in range(count):
        generator = np.random.default_rng(cell.child(replicate))
        sizes = np.sort(generator.choice(np.arange(5, 500), 12, replace=False)).astype(float)
        threshold = generator.uniform(0.1, 60.0)
        # the penalty at which classes up to `threshold` are dead
        base = ufm_mse(sizes, [1e-3] * layers, 1e-3).thresholds.class_size
        lam = 1e-3 * (threshold / base) ** (layers / (layers + 1))
        optimum = ufm_mse(sizes, [lam] * layers, lam)
        alive = optimum.alive
        w, h, n = optimum.w_norms[alive], optimum.h_norms[alive], sizes[alive]
        if cell.variant == WRONG_SIZES:
            w, h = w[::-1], h[::-1]
        violations = int((np.diff(w) <= 0).sum())
        if layers == 1:
            turning = 4 * optimum.thresholds.class_size
            rising, falling = n[1:] <= turning, n[:-1] >= turning
            violations += int((np.diff(h)[rising] <= 0).sum() + (np.diff(h)[falling] >= 0).sum())
        else:
            violations += int((np.diff(h) >= 0).sum())
        rows.add({"violations": float(violations)}, replicate=replicate)
    return rows.frame()


def undercut(loss: float, n_classes: int, size: int, layers: int, lam: float, *, paired: bool = False) -> float:
    """How far a balanced cross-entropy loss lies below the best simplex frame, relative to it; 0 when it does not.

    Parameters
    ----------
    loss : float
    n_classes, size, layers : int
        `size` rows in each class.
    lam : float
        Penalty of all layers and of the features.
    paired : bool, default=False
        Whether to take the loss of classes in pairs instead, for a control.
    """
    frame = ufm_ce_etf(n_classes, size, [lam] * layers, lam).loss
    if paired:
        loss = ufm_ce_pairs(n_classes, size, [lam] * layers, lam).loss
    return max(0.0, 1.0 - loss / frame)
