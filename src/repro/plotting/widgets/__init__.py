"""Pictures that a reader can touch: plain JavaScript inside the page, and a still picture where scripts are off.

A widget stands in the output of a cell, so it works in the book, from a file, in Jupyter and in Colab. Its resting
state is drawn here, with the numbers of the package, and says what there is to see; the script replaces it by one that
moves, or moves it. Each widget is one module with a style sheet and a script of its name.
"""

from __future__ import annotations

from repro.plotting.widgets.borrow import borrowing_from_frequent_steps
from repro.plotting.widgets.experts import three_experts_one_slider
from repro.plotting.widgets.life import same_auroc_different_life
from repro.plotting.widgets.markup import Widget
from repro.plotting.widgets.price import COUNTEREXAMPLE, price_of_one_mistake
from repro.plotting.widgets.smote import does_smote_help
from repro.plotting.widgets.tour import grand_tour_of_collapse

__all__ = [
    "COUNTEREXAMPLE",
    "Widget",
    "borrowing_from_frequent_steps",
    "does_smote_help",
    "grand_tour_of_collapse",
    "price_of_one_mistake",
    "same_auroc_different_life",
    "three_experts_one_slider",
]
