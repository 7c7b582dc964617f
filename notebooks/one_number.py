# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One number says this model is best. Best for whom?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/one_number.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/one_number.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/one_number.py
#
# *Reading time 6 minutes, a third of them for each part · simulated and embedded data · no GPU.* In five minutes:
# [the picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# A model is chosen by one score. Three papers ask what this hides: what the score takes a mistake to cost, other models
# that score as well, and groups that the average forgets.

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
# ## Noisy metrics: which score survives rare frauds and wrong labels?
#
# **Read:** the abstract, not the text. **Run:** detectors simulated with the share of frauds of a public set of card
# payments. **Not here:** the grids, tables and notion of "best" of the paper.
#
# <details><summary>More on what was read, run and left out</summary>
#
# The paper models the errors of people who label, and a hypothetical detector. Our model of both is a reconstruction.
# "Best" needs something to be measured against; ours is the *true cost* of a detector, with a price for a miss in units
# of a false alarm. This reference is ours, not the paper's.
#
# </details>
#
# **What came out.** *F1* is the harmonic mean of precision and recall, *g-mean* the geometric mean of the shares of
# frauds and of genuine cases that are classified rightly.

# %% tags=["remove-input"]
from repro import claims

claims.in_short("noisy_metrics")

# %% [markdown]
# Gayan Kulatilleke and Sugandika Samarakoon asked in 2022 ([arXiv 2208.11904](https://arxiv.org/abs/2208.11904)) which
# score serves when frauds are very rare and their labels are partly wrong. According to their abstract it is F1 *and
# then* g-mean, in that order. We draw 200 detectors at a time, give every frauds-and-alarms pair a price, and look
# whether a score orders the detectors as the price does. *Kendall's tau* measures that: 1 for the same order, 0 for no
# relation, −1 for the reverse.

# %% [markdown]
# ### The idea in one picture
#
# Every score exchanges frauds for false alarms at some rate. The line of a score through a detector joins all
# detectors that it calls equally good; the slope of the line is the price.

# %% tags=["hide-input"]
from repro.plotting import noisy_metrics as figures
from repro.studies.noisy_metrics.experiments import PREVALENCE

figures.exchange(PREVALENCE, tpr=0.75, fpr=0.0004)

# %% [markdown]
# So F1 and g-mean do not disagree about quality. They disagree about money. Nobody chose these prices: that of F1 is
# $(2 - F_1)/F_1$ and changes with the detector, that of g-mean is near the number of genuine cases per fraud.
#
# ### What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
from IPython.display import Markdown, display

found = claims.Findings("quick")
cheap, dear = (
    found.effect("noisy_metrics-k3", cost=cost) for cost in ("5", "500")
)
Markdown(f"""
- **Say what a miss costs**, in false alarms, and choose by expected cost. With
  a cost of 5, F1 then g-mean orders better than the reverse, by {cheap} of
  Kendall's tau; with 500 the difference is {dear}.
- **No cost to be had?** Show F1 and g-mean together with the price that each
  implies, and the ranking by AUROC or average precision.
- **Wrong labels**: compare detectors on the same labels and do not quote the
  values. The F1 of the best detector was off by
  {found.effect("noisy_metrics-k6")} where 30 % of the frauds were missed and
  one genuine case in 1,000 was taken for a fraud.""")

# %% [markdown]
# Those were the first five minutes; the rest of this part goes into detail.
#
# ### In detail: a score from its counts
#
# A fraud is recorded as genuine with probability $a$, a genuine case as fraud with probability $b$, whatever the
# detector says. Four lines of arithmetic turn true counts into expected recorded ones.

# %%
import numpy as np

from repro.metrics import Counts, confusion_metrics, recorded_counts


def recorded(tp, fp, fn, tn, a, b):
    """Expected counts against labels that contain errors."""
    return (
        tp * (1 - a) + fp * b,
        fp * (1 - b) + tp * a,
        fn * (1 - a) + tn * b,
        tn * (1 - b) + fn * a,
    )


true = Counts.from_rates(PREVALENCE, tpr=0.75, fpr=0.0004)
seen = recorded_counts(true, missed=0.3, invented=0.001)
by_hand = recorded(true.tp, true.fp, true.fn, true.tn, 0.3, 0.001)
assert np.allclose(by_hand, (seen.tp, seen.fp, seen.fn, seen.tn))
for name in ("f1", "precision", "recall", "g_mean"):
    values = (confusion_metrics(counts)[name] for counts in (true, seen))
    print(name, *(f"{value:.3f}" for value in values))

# %% [markdown]
# Left the true values, right those that the recorded labels show. Even a perfect detector suffers: if as many genuine
# cases are recorded as frauds as there are frauds, it shows a recall of one half, because it rightly ignores them.
#
# To find the threshold at which a score is largest, one sort of the rows is enough: walking down from the highest
# score, the counts change by one row at a time.

# %%
from repro.metrics import best_metric_threshold

generator = np.random.default_rng(1)
fraud = generator.random(20_000) < 0.01
score = generator.normal(size=fraud.size) + 2.5 * fraud
for metric in ("f1", "mcc", "g_mean"):
    threshold, value = best_metric_threshold(fraud, score, metric)
    alarms = int((score >= threshold).sum())
    print(f"{metric}: {value:.2f} with {alarms} alarms")

# %% [markdown]
# ### The claims about noisy metrics

# %% tags=["hide-input"]
from repro.running import results

ordering = results("noisy_metrics.ordering", "quick").frame
display(
    figures.order(ordering),
    claims.card("noisy_metrics-k2"),
    claims.card("noisy_metrics-k3"),
)

# %% [markdown]
# The left panel has no errors at all, and looks nearly like the middle one. What decides is the cost of a miss. The
# simple baseline, the cost computed from the recorded labels, needs no new score and is ahead wherever errors are
# independent of the detector.

# %% tags=["hide-input"]
display(
    claims.card("noisy_metrics-k1"),
    claims.card("noisy_metrics-k4"),
    claims.card("noisy_metrics-k5"),
    claims.card("noisy_metrics-k6"),
)

# %% [markdown]
# ### Where it breaks
#
# Errors need not be independent. If a fraud enters the records only because a system raised an alarm, detectors that
# resemble this system look good. Here the reference system finds 60 % of the frauds, and its scores are correlated
# with those of all detectors.

# %% tags=["hide-input"]
from repro.protocol.names import name_of

taus = ordering[
    (ordering["metric"] == "kendall")
    & (ordering["cost"] == "50")
    & (ordering["labels"] == "recorded")
    & ordering["method"].isin([*figures.METHODS, "average_precision"])
]
taus = taus.pivot_table(
    index="method", columns=["noise", "missed"], values="value"
)
taus.rename(name_of).round(2)

# %% [markdown]
# The cost of a miss is 50 here. Full correlation costs the recorded cost its lead, and F1 half of its agreement.
#
# A second break is older than label errors: F1 depends on the share of positives. The same detector, on data thinned
# differently, has these values; g-mean does not move.

# %%
shares = np.array([PREVALENCE, 0.01, 0.1, 0.5])
moved = confusion_metrics(Counts.from_rates(shares, tpr=0.75, fpr=0.0004))
for name in ("f1", "g_mean"):
    print(name, moved[name].round(3))

# %% [markdown]
# On data of real people the detectors are thresholds of three learners. The profile `standard` runs them on
# Mammography and on Adult thinned to 1 % positives, with the stronger of the independent errors; a test half has few
# positives there, so a tau is less sharp.

# %% tags=["hide-input"]
learners = results("noisy_metrics.learners", "standard").frame
on_data = learners[
    (learners["metric"] == "kendall")
    & learners["method"].isin([*figures.METHODS, "average_precision"])
    & (learners["missed"] > 0)
]
on_data = on_data.pivot_table(
    index="method", columns=["dataset", "cost"], values="value"
)
on_data.rename(name_of).round(2)

# %% [markdown]
# ### Try it: noisy metrics
#
# The knob is `cost`. Where do F1 and g-mean change places?

# %%
from scipy.stats import kendalltau

from repro.studies.noisy_metrics.experiments import draw_detectors

_, tpr, fpr = draw_detectors(np.random.default_rng(5))
counts = Counts.from_rates(PREVALENCE, tpr, fpr)
both = confusion_metrics(counts)
for cost in (2, 10, 20, 40, 200):
    paid = cost * counts.fn + counts.fp
    taus = {
        name: kendalltau(-paid, both[name]).statistic
        for name in ("f1", "g_mean")
    }
    print(cost, {name: round(float(tau), 2) for name, tau in taus.items()})

# %% [markdown]
# **Exercise 1.** Which cost of a miss does F2 imply, and how much is it at F2 = 0.77?
#
# <details><summary>Answer in words</summary>
#
# On a line of constant $F = (1+\beta^2) TP / ((1+\beta^2) TP + \beta^2 FN + FP)$ a miss is worth
# $(1 + \beta^2 - F)/F$ false alarms. With $\beta = 2$ that is $(5 - F)/F$.
#
# </details>

# %% tags=["hide-cell"]
from repro.metrics import f_score

for beta in (1, 2):
    at = Counts(tp=369.0, fp=98.0, fn=123.0, tn=284_217.0)
    value = float(f_score(at, beta))
    cost = (1 + beta**2 - value) / value
    moved = Counts(at.tp + 1, at.fp + cost, at.fn - 1, at.tn - cost)
    assert np.isclose(float(f_score(moved, beta)), value)
    print(f"beta = {beta}: F = {value:.2f}, a miss costs {cost:.1f} alarms")

# %% [markdown]
# **Exercise 2.** For which error rates does a perfect detector show a recall of 0.25?
#
# <details><summary>Answer in words</summary>
#
# Its recorded recall is $\pi (1-a) / (\pi (1-a) + (1-\pi) b)$. It is 0.25 when the invented frauds are three times the
# recorded true ones: $b = 3 \pi (1-a) / (1-\pi)$.
#
# </details>

# %% tags=["hide-cell"]
perfect = Counts.from_rates(PREVALENCE, tpr=1.0, fpr=0.0)
for missed in (0.0, 0.3):
    invented = 3 * PREVALENCE * (1 - missed) / (1 - PREVALENCE)
    shown = recorded_counts(perfect, missed=missed, invented=invented)
    print(missed, round(invented, 5), confusion_metrics(shown)["recall"])

# %% [markdown]
# **Exercise 3.** Write "specificity where recall is at least 0.8" as a metric of counts. Which threshold does it
# choose?
#
# <details><summary>Answer in words</summary>
#
# A metric is any function of counts; where recall is too low it gives −1. It chooses the highest threshold that reaches
# the recall.
#
# </details>


# %% tags=["hide-cell"]
def specificity_at_recall(counts):
    """Specificity where recall is at least 0.8, else -1."""
    values = confusion_metrics(counts)
    return np.where(values["recall"] >= 0.8, values["specificity"], -1)


best_metric_threshold(fraud, score, specificity_at_recall)

# %% tags=["hide-input"]
claims.table("noisy_metrics")

# %% [markdown]
# ## Provenance, references, citation
#
# Every card names the commit, the machine and the table that it rests on. The references stand in the
# bibliography of the book.
#
# **Cite this reproduction** together with the papers of the sections:
#
# ```bibtex
# @incollection{imbalancebook-one_number,
#   author    = {{The Imbalance Book contributors}},
#   title     = {One number says this model is best. Best for whom?},
#   booktitle = {The Imbalance Book}, year = {2026},
#   url       = {https://github.com/set_owner/imbalance-book}
# }
#
# @misc{kulatilleke2022,
#   author = {Kulatilleke, Gayan K. and Samarakoon, Sugandika},
#   title  = {Empirical Study of Machine Learning Classifier Evaluation
#             Metrics Behavior in Massively Imbalanced and Noisy Data},
#   year   = {2022},
#   note   = {arXiv 2208.11904}
# }
#
# @misc{watson2022,
#   author = {Watson-Daniels, Jamelle and Parkes, David C. and Ustun, Berk},
#   title  = {Predictive Multiplicity in Probabilistic Classification},
#   year   = {2022},
#   note   = {arXiv 2206.01131}
# }
#
# @misc{liang2023curve,
#   author = {Liang, Weixin and Mao, Yining and Kwon, Yongchan and
#             Yang, Xinyu and Zou, James},
#   title  = {Accuracy on the Curve: On the Nonlinear Correlation of ML
#             Performance Between Data Subpopulations},
#   year   = {2023},
#   note   = {arXiv 2305.02995}
# }
# ```
