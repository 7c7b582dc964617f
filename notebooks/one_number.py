# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One number: what do we know?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/one_number.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/one_number.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/one_number.py
#
# *Reading time 3 minutes · data embedded · no GPU.* In five minutes: [the picture](#the-idea-in-one-picture), [what to
# use instead](#what-to-use-instead).

# %% tags=["remove-cell"]
# @title Install the package (only needed in Colab) {display-mode: "form"}
import importlib.util
import subprocess
import sys

book = "git+https://github.com/set_owner/imbalance-book@v0.1.0"
if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    others = ["imbalanced-learn>=0.14,<0.15", "pooch"]
    subprocess.run([*pip, book, *others], check=True)
elif importlib.util.find_spec("repro") is None:
    line = f'pip install "imbalance-book[torch] @ {book}"'
    raise ImportError(f"this notebook needs the package of the book: {line}")

# %% [markdown]
# ## Noisy metrics: do class weights find more of the minority?
#
# **Read:** what of the paper was at hand. **Run:** class weights on German credit. **Not here:** what was left out,
# and why.

# %% tags=["remove-input"]
from repro import claims

claims.in_short("noisy_metrics")

# %% [markdown]
# ### The idea in one picture
#
# A logistic regression minimises its mean loss over rows; with few rows of the minority, missing them costs little.
# *Class weights* let every row count in inverse proportion to the size of its class.

# %% tags=["hide-input"]
from repro.plotting import paired
from repro.running import results

table = "noisy_metrics.recall"
rows = results(table, "quick").frame
recalls = rows[rows["metric"] == "recall"]
paired(recalls, ["plain", "weighted"], ylabel="recall of the minority")

# %% [markdown]
# ### What to use instead
#
# - Want to **find more of the minority**? Move the threshold: class weights do the same, and cost a training.
# - What all chapters advise: [What to do with imbalanced data](../book/what-to-do.md).
#
# ### In detail: the method from scratch
#
# A row of class $c$ gets the weight $n / (2 n_c)$, where $n_c$ is the number of rows of its class.

# %%
import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from repro.data import load

target = load("german_credit").target
weights = len(target) / (2 * target.value_counts().sort_index())
classes = np.unique(target)
balanced = compute_class_weight("balanced", classes=classes, y=target)
assert np.allclose(weights, balanced)
weights.to_dict()

# %% [markdown]
# ### The claim

# %% tags=["hide-input"]
claims.card("noisy_metrics-c1")

# %% [markdown]
# ### Where it breaks
#
# A higher recall is bought with more false alarms.

# %% tags=["hide-input"]
from IPython.display import Markdown

means = rows[rows["metric"] == "precision"].groupby("method")["value"].mean()
without, weighted = means["plain"], means["weighted"]
Markdown(f"Precision is {without:.2f} without weights, {weighted:.2f} with.")

# %% [markdown]
# ### Try it
#
# **Exercise 1.** Which threshold on the probabilities of the unweighted model gives about the same decisions?
#
# <details><summary>Answer</summary>
#
# Weights multiply the odds by the ratio of the class sizes, so one at the share of the minority.
#
# </details>
#
# **Exercise 2.** What happens to the area under the ROC curve?
#
# <details><summary>Answer</summary>
#
# Almost nothing: the weights move the threshold, they hardly change the ranking.
#
# </details>
#
# **Exercise 3.** Are the probabilities of the weighted model still frequencies?
#
# <details><summary>Answer</summary>
#
# No. Their mean is near one half, whatever the share of the minority.
#
# </details>

# %% tags=["hide-input"]
claims.table("noisy_metrics")

# %% [markdown]
# ## Provenance, references, citation
#
# Every card names the commit, the machine and the table that it rests on. **Cite this reproduction** with the paper:
#
# ```bibtex
# @incollection{imbalancebook-one_number,
#   author    = {{The Imbalance Book contributors}},
#   title     = {One number: what do we know?},
#   booktitle = {The Imbalance Book}, year = {2026},
#   url       = {https://github.com/set_owner/imbalance-book}
# }
# ```
