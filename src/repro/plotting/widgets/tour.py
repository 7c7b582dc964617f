"""Grand tour of collapse: class means in four dimensions through training, and the closed form on top."""

from __future__ import annotations

from typing import Final

import numpy as np

from repro.geometry import MseOptimum, ufm_mse
from repro.plotting.widgets.markup import Frame, Widget, assembled, table

OTHERS: Final = (100, 60, 30)
"""Rows of the three classes that stay."""
SIZES: Final = (1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 50, 100)
"""Rows of the fourth class that can be set by hand."""
START: Final = 8
LAMBDA: Final = 0.015
"""Penalty of the classifier and of the features."""
POINTS: Final = 6
"""Features that are drawn for each class; each stands for as many rows as its class has to its points."""
RATE: Final = 4.0
STEPS: Final = (0, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400, 1000, 4000)
"""Steps of gradient descent after which the picture can be seen."""

_MARKS: Final = (("●", "blue"), ("▲", "orange"), ("■", "green"), ("◆", "purple"))
_VIEW: Final = np.array([[1, -np.sqrt(0.5), 0, np.sqrt(0.5)], [0, -np.sqrt(0.5), 1, -np.sqrt(0.5)]]) / np.sqrt(2)
"""Plane of the first view: all four directions are seen at the same length."""
_FRAME, _LONGEST, _ROW, _MEAN = Frame(36, 10, 220, 160), 0.3, 32.0, 380.0


def _optimum(size: float) -> MseOptimum:
    return ufm_mse([*OTHERS, size], [LAMBDA], LAMBDA)


def _frame_of_means(optimum: MseOptimum) -> str:
    """Draw the frame of the closed form: axes, and a ring at the length of each class mean."""
    drawn = []
    for direction, length, (mark, colour) in zip(_VIEW.T, optimum.h_norms, _MARKS, strict=True):
        x, y = direction * length * _MEAN
        end = direction * 100
        drawn.append(
            f'<line class="tour-axis" x2="{end[0]:.4g}" y2="{-end[1]:.4g}"/>'
            f'<circle class="tour-ring" style="stroke:var(--{colour})" cx="{x:.4g}" cy="{-y:.4g}" r="9"/>'
            f'<line class="tour-row" style="stroke:var(--{colour})"/>'
            f'<text class="tour-mean" style="fill:var(--{colour})" x="{x:.4g}" y="{-y:.4g}">{mark}</text>'
        )
    return (
        '<svg class="tour-space" viewBox="-105 -105 210 210" role="img" aria-label="Means of four classes, each on '
        f'an axis of its own"><g class="tour-points"></g>{"".join(drawn)}</svg>'
    )


def _curve(optimum: MseOptimum, alt: str) -> str:
    """Draw the length of the fourth mean over the size of its class, and where it is now."""
    sizes = np.geomspace(SIZES[0], SIZES[-1], 120)
    where = np.log(sizes / SIZES[0]) / np.log(SIZES[-1] / SIZES[0])
    lengths = [_optimum(size).h_norms[3] / _LONGEST for size in sizes]
    x, y = _FRAME.place(
        float(np.log(START / SIZES[0]) / np.log(SIZES[-1] / SIZES[0])), float(optimum.h_norms[3]) / _LONGEST
    )
    return _FRAME.drawn(
        f'<polyline class="tour-curve" points="{_FRAME.points(zip(where, lengths, strict=True))}"/>'
        f'<circle class="tour-ring tour-now" style="stroke:var(--purple)" cx="{x:g}" cy="{y:g}" r="7"/>'
        f'<text class="tour-mean tour-trained" style="fill:var(--purple)" x="{x:g}" y="{y:g}">◆</text>',
        alt=alt, kind="tour", xlabel="rows of the fourth class", ylabel="length of its mean",
        x_ends=(str(SIZES[0]), str(SIZES[-1])), y_ends=("0", f"{_LONGEST:g}"),
    )  # fmt: skip


def grand_tour_of_collapse(*, random_state: int = 1) -> Widget:
    """Gradient descent on free features with four classes, seen from a turning plane, and its closed form.

    Squared error, one linear layer without bias, a penalty on the classifier and on the features. The size of the
    fourth class, the step of the training and the view are set by hand.

    Parameters
    ----------
    random_state : int, default=1
        Of the start of the training.

    Returns
    -------
    Widget
        The resting state shows the closed form for a class that is given up, and how the length of its mean follows
        from its size.
    """
    optimum = _optimum(START)
    kept = next(size for size in range(START, SIZES[-1]) if _optimum(size).alive[3])
    title = (
        f"Of {sum(OTHERS) + START} rows a class of {START} is given up: its features are zero. From {kept} rows on it "
        "is kept"
    )
    lengths = ", ".join(f"{size} rows {_optimum(size).h_norms[3]:.3f}" for size in (START, 10, 30, 100))
    alt = f"Length of the mean of the fourth class by its size, from the closed form: {lengths}."
    marked = [f'<span aria-hidden="true" style="color:var(--{colour})">{mark}</span> ' for mark, colour in _MARKS]
    rows = [
        (mark + name, str(size), f"{mean:.3f}", f"{row:.3f}")
        for mark, name, size, mean, row in zip(
            marked, ("first", "second", "third", "fourth"), (*OTHERS, START), optimum.h_norms, optimum.w_norms,
            strict=True,
        )
    ]  # fmt: skip
    numbers = table(["Class", "rows", "length of its mean", "of its row in the classifier"], rows)
    still = (
        f'<div class="tour-pictures">{_frame_of_means(optimum)}{_curve(optimum, alt)}</div>'
        f'<p class="tour-told">Threshold {optimum.thresholds.class_size:.1f} rows.</p>{numbers}'
    )
    hint = (
        f"Free features, squared error, one layer without bias, both penalties {LAMBDA:g}. Rings: closed form; it "
        "leaves rotations free, so that its axes are those of the end of the training. Marks: means of the classes "
        "in training, small dots: their features, broken lines: rows of the classifier, all in four dimensions, seen "
        "from a plane. Lengths are of vectors; broken lines are shortened."
    )
    generator = np.random.default_rng(random_state)
    data = {
        "others": OTHERS, "sizes": SIZES, "start": START, "lambda": LAMBDA, "rate": RATE, "steps": STEPS,
        "classifier": generator.normal(0, 0.3, (4, 4)).round(3).tolist(),
        "features": generator.normal(0, 0.12, (4 * POINTS, 4)).round(3).tolist(),
        "view": _VIEW.tolist(),
        "frame": [_FRAME.left, _FRAME.top, _FRAME.wide, _FRAME.high, _LONGEST], "scale": [_MEAN, _ROW],
    }  # fmt: skip
    claims = ["neural_collapse-nc1", "neural_collapse-nc5"]
    return assembled("tour", title, still, data, claims=claims, hint=hint, alt=alt)
