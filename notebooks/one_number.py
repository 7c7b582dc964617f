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
# *Reading time 14 minutes, a third of them for each part · simulated and embedded data · no GPU.* In five minutes:
# [the picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# A model is chosen by one score. Three papers ask what this hides: what the score takes a mistake to cost, other models
# that score as well, and groups that the average forgets.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Install the package"}
# @title Install the package (only needed in Colab) {display-mode: "form"}
import importlib.util
import subprocess
import sys

book = "git+https://github.com/set_owner/imbalance-book@v0.1.0"
if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    others = ["imbalanced-learn>=0.14,<0.15", "sklearn-compat", "pooch"]
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
# Gayan Kulatilleke and Sugandika Samarakoon asked in 2022 ([arXiv 2208.11904](https://arxiv.org/abs/2208.11904))
# which score serves when frauds are very rare and their labels are partly wrong. According to their abstract it is F1
# *and then* g-mean, in that order. We draw 200 detectors at a time, say what a miss and a false alarm cost, and look
# whether a score orders the detectors as this cost does. *Kendall's tau* measures that: 1 for the same order, 0 for
# no relation, −1 for the reverse.

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
# $(2 - F_1)/F_1$ and changes with the detector, that of g-mean is
# $(1 - \pi)(1 - FPR)/(\pi\,TPR)$, where $\pi$ is the share of frauds.
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
# simple baseline, the cost computed from the recorded labels, needs no new score. Where errors are independent of the
# detector it is ahead or nearly level with the best.

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
# ## Multiplicity: how far can one person's risk move among equally good models?
#
# **Read:** the abstract, not the text. **Run:** logistic regression on simulated classes and on data of people. **Not
# here:** the paper's numbers and its exact search for one model that moves most people.
#
# <details><summary>More on what was read, run and left out</summary>
#
# The definitions below are known from memory and were checked for consistency only. For the discrepancy we give a lower
# bound. COMPAS and Mammography are looked up, so they stand in the profile `standard`. People with other features can
# move too: the tables have a column for rows that were not fitted.
#
# </details>
#
# **What came out.** A person is *ambiguous* when some model whose loss is within 1 % of the least gives a risk that
# differs by at least 0.1 from that of the best model.

# %% tags=["remove-input"]
claims.in_short("multiplicity")

# %% [markdown]
# Jamelle Watson-Daniels, David Parkes and Berk Ustun measured in 2022
# ([arXiv 2206.01131](https://arxiv.org/abs/2206.01131)) how much predicted risks vary over models that perform almost
# alike. According to their abstract this can be computed efficiently and reliably where the loss is convex; it is
# frequent in real tasks, related to outliers, separability and majority-minority structure, and should be reported.

# %% [markdown]
# ### Multiplicity in one picture
#
# Sixty people of a simulated population in which one in five has the outcome. Every model in this picture is nearly as
# good as the best one.

# %% tags=["hide-input"]
from repro.metrics import LogisticLevelSet
from repro.plotting import multiplicity as ranges_of
from repro.studies.multiplicity.experiments import simulated

X, y = simulated(0.2, 1.0, "none", np.random.default_rng(12))
model = LogisticLevelSet(epsilon=0.01).fit(X, y)
ranges_of.people(model.ranges(X[:60]), y[:60])

# %% [markdown]
# ### What to report instead

# %% tags=["hide-input"]
gap = found.effect("multiplicity-w5")
hidden = found.effect("multiplicity-w7")
Markdown(f"""
- **Report ambiguity by class**, not one number for all: at 5 % positives the
  share among positives minus that among negatives is {gap}.
- **Do not replace it by retraining.** A hundred bootstrap refits left out
  {hidden} of the ranges.
- **Say whether the tolerance is relative or absolute.** One per cent of the
  least loss is a narrower band for a rare class than for a balanced one, so
  ambiguity seems to fall with prevalence. With a fixed number of nats it
  need not.""")

# %% [markdown]
# ### In detail: the largest risk of one person
#
# The loss $J(\theta)$, mean log loss plus a small ridge penalty, is convex, and so is the set $J(\theta) \le L$ of
# models that are good enough. The largest score $x^\top\theta$ on it lies where the gradient of $J$ points along $x$:
# $\nabla J(\theta) = u\,x$ for some $u > 0$. Bisection finds the $u$ at which $J(\theta) = L$.

# %%
from scipy.special import expit


def largest_risk(x, rows, labels, level, start, l2=1e-4):
    """Largest risk of x among models whose loss is at most `level`."""
    low, high = 1e-6, 1.0
    for _ in range(40):
        u, theta = np.sqrt(low * high), start.copy()
        for _ in range(30):  # Newton: minimise J(theta) - u x @ theta
            p = expit(rows @ theta)
            slope = rows.T @ (p - labels) / len(rows) + l2 * theta - u * x
            bend = (rows.T * (p * (1 - p))) @ rows / len(rows)
            bend += l2 * np.eye(len(x))
            theta -= np.linalg.solve(bend, slope)
        scores = rows @ theta
        loss = (np.logaddexp(0, scores) - labels * scores).mean()
        loss += l2 / 2 * theta @ theta
        low, high = (u, high) if loss < level else (low, u)
    return expit(x @ theta)


rows = np.column_stack([X, np.ones(len(X))])
best = np.append(model.coef_[0], model.intercept_)
by_hand = largest_risk(rows[3], rows, y, model.level_, best)
fast = model.ranges(X)
assert np.isclose(by_hand, fast.high[3], atol=1e-6)
print(f"{fast.low[3]:.3f} to {fast.high[3]:.3f}; gap {fast.gap.max():.0e}")

# %% [markdown]
# The package solves for both ends of all thousand ranges together and certifies them: by weak duality no model of the
# set can predict more than the printed gap, in log-odds, beyond the end. Two shortcuts stand beside it. The *ellipsoid*
# replaces the loss by its parabola at the best model. A *band of standard errors* has the same shape, but its width
# comes from sampling error and shrinks with the number of rows; it answers another question.
#
# ### The claims about multiplicity

# %% tags=["hide-input"]
simulation = results("multiplicity.simulated", "quick").frame
display(
    ranges_of.by_prevalence(simulation),
    claims.card("multiplicity-w5"),
    claims.card("multiplicity-w6"),
)

# %% tags=["hide-input"]
display(
    claims.card("multiplicity-w1"),
    claims.card("multiplicity-w2"),
    claims.card("multiplicity-w3"),
    claims.card("multiplicity-w4"),
    claims.card("multiplicity-w7"),
)

# %% [markdown]
# What sort of outlier matters: rows far out did not raise ambiguity, wrong labels did; they raise the loss, and with
# it the tolerance. The share of ambiguous people on data sets, in the profile `standard`, by class and by sex where
# it is known. On Mammography, where few columns meet rare positives, the share among all is below what the claim
# calls notable, and that among positives is not:

# %% tags=["hide-input"]
people = results("multiplicity.data", "standard").frame
shares = people[people["delta"] == 0.1].pivot_table(
    index="dataset", columns="class", values="value", sort=False
)
shares.rename(lambda name: name_of(name, "dataset")).round(2)

# %% [markdown]
# ### Where multiplicity breaks
#
# The baselines first: how far the ellipsoid is off, by tolerance, and the share of people whose 95 % band of standard
# errors reaches a distance of 0.1, beside the ambiguity.

# %% tags=["hide-input"]
exactness = results("multiplicity.ranges", "quick").frame
errors = exactness[exactness["metric"] == "ellipsoid_error"]
display(errors.groupby(["epsilon", "prevalence"])["value"].max().round(4))
bands = simulation[
    (simulation["separation"] == 1.0)
    & (simulation["outliers"] == "none")
    & (simulation["class"] == "all")
    & (simulation["tolerance"] == "relative")
]
bands.pivot_table(index="metric", columns="prevalence", values="value").rename(
    lambda name: name_of(name, "metric")
).round(3)

# %% [markdown]
# Three things move these numbers that are no property of the people. The *tolerance*: see the right panel of the last
# figure. *Columns*: a model with fifty of them has more ways to be nearly as good. *Separable classes*: there the loss
# has no minimum without a penalty, and ranges tend to the whole interval from 0 to 1.
#
# ### Try it: multiplicity
#
# The knob is `epsilon`.

# %%
for epsilon in (0.001, 0.003, 0.01, 0.03):
    ambiguous = LogisticLevelSet(epsilon=epsilon).fit(X, y).ambiguity(X)
    print(f"loss within {epsilon:.1%}: {ambiguous:.1%} are ambiguous")

# %% [markdown]
# **Exercise 4.** For which tolerance is the level set a 95 % likelihood region?
#
# <details><summary>Answer in words</summary>
#
# Twice the number of rows times the excess loss is compared with a chi-square of as many degrees of freedom as there
# are coefficients: $\epsilon = \chi^2_{d, 0.95} / (2 n J^*)$. It shrinks with the number of rows; 1 % does not.
#
# </details>

# %% tags=["hide-cell"]
from scipy.stats import chi2

region = chi2.ppf(0.95, rows.shape[1]) / (2 * len(rows) * model.loss_)
print(f"{region:.4f}")

# %% [markdown]
# **Exercise 5.** How many people does a single model move at most, compared with all models together?
#
# <details><summary>Answer in words</summary>
#
# Far fewer. The share that one model moves is called *discrepancy*; what moves people in opposite directions cannot be
# had at once. The function gives the best of the extreme models, a lower bound.
#
# </details>

# %% tags=["hide-cell"]
print(model.ambiguity(X), model.discrepancy(X))

# %% [markdown]
# **Exercise 6.** Do women and men of Adult differ in ambiguity?
#
# <details><summary>Answer in words</summary>
#
# Yes. One possible reason is that fewer women in the table have the higher income, and risks near zero have little
# room to move; to find out, compare women and men of equal risk.
#
# </details>

# %% tags=["hide-cell"]
adult = people[(people["dataset"] == "adult") & (people["delta"] == 0.1)]
adult.groupby("class")["value"].mean().loc[["female", "male"]].round(2)

# %% tags=["hide-input"]
claims.table("multiplicity")

# %% [markdown]
# ## Subpopulation curve: does a better majority mean a better minority?
#
# **Read:** the abstract, and the authors' code for the set-up of their models. **Run:** clouds of small models on
# digits with a cue. **Not here:** the paper's image sets and its theory.
#
# <details><summary>More on what was read, run and left out</summary>
#
# The authors train 500 networks of five architectures on photographs. We train small networks on digits, forty side by
# side, and in the profile `standard`, with ten seeds (four for families), add linear models, forests and nearest
# neighbours; so every card but the first is marked as a demonstration of the mechanism. MNIST with a patch as cue has
# one seed and stands in a table only. CIFAR-100 with a border as cue was not run.
#
# </details>
#
# **What came out.** A *cue* is a feature that agrees with the class for most rows, the majority, and contradicts it for
# the others.

# %% tags=["remove-input"]
claims.in_short("subpopulation_curve")

# %% [markdown]
# Weixin Liang, Yining Mao, Yongchan Kwon, Xinyu Yang and James Zou plotted in 2023
# ([arXiv 2305.02995](https://arxiv.org/abs/2305.02995)) the accuracy of many models on a minority against that on the
# majority. According to their abstract the points lie on a bent curve, like a moon, over architectures, training times
# and degrees of imbalance; the stronger a spurious correlation, the more bent.

# %% [markdown]
# ### The curve in one picture
#
# Digits, and the question whether a digit is above 4. Two added columns say the answer, with noise. In training they
# are right for half of the rows (no useful cue) or for 90 %; in the test half of the rows agree.

# %% tags=["hide-input"]
from repro.plotting import subpopulation_curve as curves
from repro.protocol.experiment import Cell
from repro.studies.subpopulation_curve.experiments import accuracies, cloud

clouds = {}
for name, agreement in {
    "no useful cue": 0.5,
    "a cue that agrees in 90 %": 0.9,
}.items():
    where = {"data": "cue_digits", "agreement": agreement, "amplitude": 0.5}
    cell = Cell("curve", where | {"family": "mlp", "seed": 0}, seed=2305)
    task, right = cloud(cell)
    clouds[name] = accuracies(right, task.minority_test)
curves.clouds(clouds, cue=np.sqrt(2))

# %% [markdown]
# ### What to look at instead

# %% tags=["hide-input"]
chosen = claims.Findings("standard").effect("subpopulation_curve-l6")
Markdown(f"""
- **Look at the worst group** beside the average; with a strong cue the same
  majority accuracy goes with very different ones on the minority. Choosing
  perceptrons by it gained the minority {chosen} here, though.
- **Keep group labels for a part of the test rows**, equally many of each
  group, at least some hundreds: minority accuracy is noise otherwise.
- **Do not fit a curve to a cloud** and read a cause from its bend: the unit,
  the filter on weak models and the strength of the cue change it.""")

# %% [markdown]
# ### In detail: why an ellipse
#
# Class $y = \pm 1$, one *core* column with mean $\mu_c y$, one cue with mean $\mu_s a$, where $a = y$ in the majority
# and $a = -y$ in the minority, and nuisance; all with unit variance. A linear classifier with weights $w$ of length 1
# is right with probability $\Phi(u)$, $u = w_c\mu_c + w_s\mu_s$, on the majority and $\Phi(v)$,
# $v = w_c\mu_c - w_s\mu_s$, on the minority. So
#
# $$\Big(\frac{u + v}{2\mu_c}\Big)^2 + \Big(\frac{u - v}{2\mu_s}\Big)^2 = w_c^2 + w_s^2 = 1 - \rho^2,$$
#
# where $\rho^2$ is the share of the squared weights on nuisance. In *probits* $u, v$ all linear classifiers lie on or
# inside an ellipse. Training moves from the cue along its edge towards the core.

# %%
from scipy.special import ndtri

from repro.closed_form import linear_error_rates

core, cue = 1.0, 0.7
weights = np.random.default_rng(0).standard_normal((4, 5))
for w in weights:
    u, v = (
        ndtri(1 - linear_error_rates(w, 0.0, [-m, m], np.ones(5)).mean())
        for m in (
            np.array([core, cue, 0, 0, 0]),
            np.array([core, -cue, 0, 0, 0]),
        )
    )
    nuisance = (w[2:] ** 2).sum() / (w**2).sum()
    left = ((u + v) / (2 * core)) ** 2 + ((u - v) / (2 * cue)) ** 2
    assert np.isclose(left, 1 - nuisance)

# %% [markdown]
# Many models are trained at once: weights of forty networks are stacked, and one product of matrices serves all. Each
# has its own learning rate and decay, and is read at four times.
#
# ### The claims about the curve

# %% tags=["hide-input"]
models = results("subpopulation_curve.models", "standard").frame
display(
    curves.gains(models),
    claims.card("subpopulation_curve-l2"),
    claims.card("subpopulation_curve-l3"),
)

# %% tags=["hide-input"]
display(
    claims.card("subpopulation_curve-l1"),
    claims.card("subpopulation_curve-l4"),
    claims.card("subpopulation_curve-l5"),
    claims.card("subpopulation_curve-l6"),
)

# %% [markdown]
# The baseline is the straight line, in both units. Mean over seeds of what both explain of new models, and the sign of
# the curvature:

# %% tags=["hide-input"]
explained = models[models["chosen_by"].isna()]
explained = explained.pivot_table(
    index=["data", "family", "agreement", "amplitude"],
    columns="metric",
    values="value",
    sort=False,
)
shown = [
    "kept",
    "r2_line_accuracy",
    "r2_parabola_accuracy",
    "r2_line_probit",
    "r2_parabola_probit",
    "curvature_probit",
]
explained[shown].rename(
    columns=lambda one: name_of(one, "metric"),
    index=lambda one: name_of(one, "data"),
).round(2)

# %% [markdown]
# ### Where the curve breaks
#
# With the strong cue the cloud is nearly upright: majority accuracy says almost nothing about minority accuracy, so
# neither line nor parabola predicts it, and a share of explained variance below zero means worse than the mean. A
# bent *boundary* of the cloud, the ellipse, is not a bent *relation* inside it. A parabola also swings where models
# are few, and one model out there costs it more than the bend gains; that is a property of our measure, not of the
# models. Two choices were fixed in advance and move the numbers: models are kept if the mean of both accuracies is at
# least 0.6, and all are judged on test rows of which half disagree with the cue. Untrained models near 0.5 would add
# a tail that looks like a fold.
#
# ### Try it: the curve
#
# The knob is `agreement`.

# %%
for agreement in (0.6, 0.8, 0.95):
    where = {"data": "cue_digits", "agreement": agreement, "amplitude": 0.5}
    cell = Cell("curve", where | {"family": "linear", "seed": 1}, seed=2305)
    task, right = cloud(cell)
    major, minor = accuracies(right, task.minority_test)
    best = major.argmax()
    print(
        f"{agreement}: best majority {major[best]:.2f}, then minority",
        f"{minor[best]:.2f}",
    )

# %% [markdown]
# **Exercise 7.** Move along the ellipse: what happens to linear models if both groups get the same total weight?
#
# <details><summary>Answer in words</summary>
#
# The cue then agrees with the class for half of the weighted rows and tells nothing. The model uses the core, $u$ and
# $v$ become equal, and the point moves to the diagonal.
#
# </details>

# %% tags=["hide-cell"]
from sklearn.linear_model import LogisticRegression

from repro.studies.subpopulation_curve.tasks import group_task

task = group_task("cue_digits", 0.9, 0.5, np.random.default_rng(4))
balance = np.where(task.minority, 0.5 / 0.1, 0.5 / 0.9)
for name, weight in {"plain": None, "groups alike": balance}.items():
    fitted = LogisticRegression(max_iter=2000).fit(
        task.X, task.y, sample_weight=weight
    )
    right = fitted.predict(task.X_test) == task.y_test
    print(
        name,
        [
            round(float(a[0]), 2)
            for a in accuracies(right[None], task.minority_test)
        ],
    )

# %% [markdown]
# **Exercise 8.** What does another 1 % of minority rows do?
#
# <details><summary>Answer in words</summary>
#
# Little on the majority and more on the minority: the few rows are the only ones that speak against the cue.
#
# </details>

# %% tags=["hide-cell"]
for share in (0.90, 0.89):
    both = []
    for seed in range(10):
        task = group_task(
            "cue_digits", share, 0.5, np.random.default_rng(seed)
        )
        fitted = LogisticRegression(max_iter=2000).fit(task.X, task.y)
        right = fitted.predict(task.X_test) == task.y_test
        both.append(np.ravel(accuracies(right[None], task.minority_test)))
    print(share, np.mean(both, axis=0).round(3))

# %% tags=["hide-input"]
claims.table("subpopulation_curve")

# %% [markdown]
# ## What this chapter adds to one number
#
# | beside the headline number | says | made by |
# |---|---|---|
# | the price of a miss that the score implies | which mistakes it forgives | `confusion_metrics`, `f_score` |
# | ambiguity by class | whose risk depends on the choice of the model | `LogisticLevelSet` |
# | accuracy of the worst group | who pays for the average | equally many test rows of each group |

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
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/one_number.ipynb}
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
