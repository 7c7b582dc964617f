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
# # AUROC or AUPRC: what is one mistake worth?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/auroc_auprc.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/auroc_auprc.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/auroc_auprc.py
#
# *Reading time 16 minutes, five for the first part · data embedded, long runs as committed tables · no GPU.* In five
# minutes: [the picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# **Read:** the abstract, the captions and the authors' public code, not the text. **Run:** the theorems, the
# simulations and six of the eight tasks on real data. **Not here:** the review of the literature, hospital data, neural
# networks.
#
# <details><summary>More on what was read, run and left out</summary>
#
# - *Read*: of the code also its stored outputs. The wording of Theorem 3 and the words on top-k retrieval are recalled.
# - *Not here*: the review of the literature, three sentences of the abstract: more than 1.5 million papers searched
#   with language models, with the result that the advice below has little evidence behind it and is often attributed to
#   papers that do not give it. We cannot judge this. The final counts stand in the text that we have not read, the
#   corpus has some ninety gigabytes, and a screening by language models that have changed since cannot be repeated.
# - *Not here* either: the two tasks on MIMIC-III, whose data need credentials, and the variant with neural networks, of
#   which no numbers are stored.
#
# </details>

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
# **What came out.** A model puts rows in an order, the *positives* as high as it can. *AUROC*, the area under the ROC
# curve, is the chance that a positive stands above a negative. *AUPRC*, the area under the precision-recall curve, is
# the mean share of positives among the rows that score at least as high as a positive does.

# %% tags=["remove-input"]
from repro.claims import in_short

in_short("auroc_auprc")

# %% [markdown]
# "With rare positives, use the precision-recall curve": few pieces of advice are repeated more often. In 2024 Matthew
# McDermott, Haoran Zhang, Lasse Hyldig Hansen, Giovanni Angelotti and Jack Gallifant asked where it comes from and
# answered that it is not a matter of class balance at all, and that the advice can harm groups in which positives are
# rare ([arXiv 2401.06091](https://arxiv.org/abs/2401.06091)). This chapter tests what the paper says about both
# numbers, and has a small tool that helps you choose and report one.

# %% [markdown]
# ## The idea in one picture
#
# Put all rows in order of their score. Where a negative stands directly above a positive, the ranking makes the
# smallest mistake there is; we call it *atomic*. Exchanging the two scores repairs it and touches nothing else. What
# is the repair worth?

# %%
import numpy as np

from repro.metrics import mistakes
from repro.plotting import auroc_auprc as figures

generator = np.random.default_rng(3)
# from the highest score down
labels = generator.random(40) < np.linspace(0.75, 0.05, 40)
scores = np.linspace(1, 0, 40)
figures.worth(labels, mistakes(labels, scores))

# %% [markdown]
# AUROC pays the same for every repair. AUPRC pays more for repairs at the top and less for those below. The two differ
# in this weight. Whether you want it depends on where in the ranking your decisions are made; the paper argues that how
# rare the positives are does not settle it.
#
# "More at the top" is not the whole story: how many positives stand above counts as well. Move the rows and see.

# %% tags=["hide-input"]
from repro.plotting.widgets import price_of_one_mistake

price_of_one_mistake()

# %% [markdown]
# ## What to use instead
#
# Instead of a slogan: ask what a mistake costs you, and where. All chapters together answer in [What to do with
# imbalanced data](../book/what-to-do.md). The first two points are the paper's advice as we remember it; no claim here
# tests them.

# %% tags=["hide-input"]
from IPython.display import Markdown, display

from repro.claims import Findings
from repro.results import find_table

count, conditions = Findings("paper").count, Findings("paper").conditions
judged = conditions("auroc_auprc-a12")
without = " and ".join(
    str(one.settings["k"]) for one in judged if one.excludes
)
top = find_table("auroc_auprc.top_k", "paper").frame
top = top[(top["metric"] == "precision") & (top["group"] == "all")]
top = top.groupby(["k", "method"])["value"].mean().unstack()
worse = (top["precision_at_k"] < top["average_precision"]).sum()
Markdown(f"""
- **Comparing models before you know the use**: AUROC, with an interval. No
  part of the order is special yet.
- **A miss is costly and everybody can be seen** (screening): the mistakes at
  low scores count. AUPRC looks at the wrong end; report recall at the
  threshold that your costs imply.
- **One list, worked off from the top**: report the share of positives among
  as many rows as you can act on. To choose a model, AUPRC did better than
  AUROC at {count("auroc_auprc-a12")} capacities in simulation (at {without}
  rows no gain worth mentioning), and on average better than that share itself,
  which is noisy, at {worse} of {len(top)}. No claim tests the latter.
- **A scarce resource shared by groups**: metrics within each group, at the
  capacity of each. With calibrated scores the mistake that a pooled AUPRC
  values most lies more often in the group with more positives (simulated,
  Theorem 3).
- **Always**: the share of positives, their number, an interval, and the
  groups. Never compare AUPRC across populations without fixing the share of
  positives.""")

# %% [markdown]
# `choose_metric` does this for your costs and capacities; [it is shown below](#choosing-a-metric). Those were the
# five minutes; the rest goes into detail.
#
# ## In detail: the method from scratch
#
# Choose the score $t$ of a random positive as threshold. Let $\text{FPR}(t)$ be the share of negatives above it and
# $F(t)$ the share of all rows above it, the *firing rate*. Theorem 1 of the paper says
#
# $$\text{AUROC} = 1 - \mathbb{E}\,[\text{FPR}(t)], \qquad
# \text{AUPRC} = 1 - P(y{=}0)\;\mathbb{E}\left[\frac{\text{FPR}(t)}{F(t)}\right].$$
#
# Both are averages of the false positive rate over the positives; AUPRC divides by the firing rate. (AUPRC here means
# *average precision*, the step sum that scikit-learn computes, not the area of trapezoids between points.) In a
# finite sample it matters how ties are counted: AUROC takes half of the negatives with the same score, AUPRC counts
# every row with score $\ge t$.


# %%
def both_from_thresholds(y, score):
    """AUROC and average precision as means over positives; ties allowed."""
    at = score[y][:, None]  # (n_positive, 1)
    above, tied = score[~y] > at, score[~y] == at  # (n_positive, n_negative)
    auroc = 1 - (above.mean(axis=1) + tied.mean(axis=1) / 2).mean()
    fpr, firing_rate = (above | tied).mean(axis=1), (score >= at).mean(axis=1)
    return auroc, 1 - (~y).mean() * (fpr / firing_rate).mean()


def worth_of_a_fix(y):
    """Ranks of atomic mistakes, and what repairs add; y from the top down."""
    r = np.flatnonzero(~y[:-1] & y[1:]) + 1
    positives_above = np.cumsum(y)[r - 1]
    n_positive, n_negative = y.sum(), (~y).sum()
    gain = (positives_above + 1) / (n_positive * r * (r + 1))
    return r, np.full(r.size, 1 / (n_positive * n_negative)), gain


# %% [markdown]
# The second function is Theorem 2 in exact form. Repairing the mistake at ranks $r$ and $r+1$, with $T$ positives
# above it, adds $1/(n_1 n_0)$ to AUROC and
#
# $$\Delta\text{AUPRC} = \frac{T + 1}{n_1\, r\,(r+1)}$$
#
# to AUPRC: the inverse of the number of rows that score as high, times the precision there. The same, fast:
# `repro.metrics` sorts once and needs no matrix. All of it must agree, with ties too.

# %%
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.metrics import auroc, average_precision

tied = np.round(
    generator.normal(size=3000) + (y := generator.random(3000) < 0.1), 1
)
ours = both_from_thresholds(y, tied)
assert np.allclose(
    ours, (auroc(y, tied), average_precision(y, tied)), rtol=0, atol=1e-12
)
assert np.allclose(
    ours, (roc_auc_score(y, tied), average_precision_score(y, tied))
)
r, delta_auroc, delta_ap = worth_of_a_fix(labels)
table = mistakes(labels, scores)
assert np.allclose(
    table[["delta_auroc", "delta_ap"]], np.c_[delta_auroc, delta_ap]
)
print(
    f"{np.unique(tied).size} distinct scores in {tied.size} rows: all "
    "computations agree"
)

# %% [markdown]
# ## The claims

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "All findings in numbers"}
from repro.running import results

stored = results("auroc_auprc.headline", "quick").frame
points = stored[stored["metric"] == "point_estimate"].drop_duplicates(
    ["ratios", "tasks"]
)
over = points.set_index(["ratios", "tasks"])["value"]
tables = {
    name: find_table(f"auroc_auprc.{name}", "paper")
    for name in ("fairness", "lsac")
}
plain = sum(one.plain_interval[0] > 0 for one in conditions("auroc_auprc-a9"))
elsewhere = (
    {"COMPAS": "a9c", "LSAC": "a9l"} if tables["lsac"] else {"COMPAS": "a9c"}
)
signs = ", ".join(
    f"{name} {count(f'auroc_auprc-{claim}')}"
    for name, claim in elsewhere.items()
)
Markdown(f"""
- **The mathematics holds to the last digit.** Both metrics are one average
  with two weights ({count("auroc_auprc-a1")} checks), and a repaired mistake
  is worth what the theorem says ({count("auroc_auprc-a2")}). But the mistake
  with the highest score is not always the one that AUPRC pays most for
  (counterexamples in {count("auroc_auprc-a3"):against} sets of rankings).
- **In the simulation repairing the highest-scored mistake first serves the
  group with more positives** ({count("auroc_auprc-a6", method="highest")}
  starting values), as long as each group's scores are rescaled to its
  prevalence; without the rescaling the gap between the groups does not widen
  ({count("auroc_auprc-a7")}).
- **On real data {count("auroc_auprc-a9")} settings of Adult, the set whose
  groups differ most, show the same** when intervals allow for reused rows,
  {plain} when they do not. Where the groups differ little, the sign that the
  paper prints comes out in: {signs} settings.
- **The correlation of 0.905 over eight tasks is recomputed exactly and rests
  on few points.** With the prevalences of whole files on the axis it is
  {over["full_file", "all"]:.2f}, without the two tasks of Adult
  {over["first_split", "without_adult"]:.2f}, with both changes
  {over["full_file", "without_adult"]:.2f}.""")

# %% [markdown]
# ### Two metrics, one average
#
# An identity is either true or false, so its claims have no interval: they ask for the largest deviation over many
# random rankings, with ties and weights, and over every mistake in them. The control puts $>$ where $\ge$ belongs; it
# must fail, and does. A third claim is softer. The paper describes the worth of a mistake under AUPRC as correlated
# with the inverse of the number of rows that score higher. How closely? The exact formula has a second factor, the
# precision, which is noisy with few positives.

# %% tags=["hide-input"]
from repro.claims import card

display(card("auroc_auprc-a1"), card("auroc_auprc-a2"), card("auroc_auprc-a4"))

# %% [markdown]
# ### Two groups, one list of repairs
#
# Now two groups share the ranking, one with ten positives among two hundred rows, the other with two. Their AUROC is
# equal by construction. Fifty times we repair a mistake. Somebody who watches AUROC does not care which: we draw one at
# random. For somebody who watches AUPRC the authors' code takes the one with the highest score. The paper's Section 3.1
# says that the second policy serves the group with more positives. As in that code, the scores of each group are
# *rescaled*: multiplied so that their mean is the *prevalence* of the group, its share of positives. That puts the
# groups where their prevalences are; it does not make the scores calibrated.

# %% tags=["hide-input"]
repair = find_table("auroc_auprc.repair", "paper").frame
display(figures.policies(repair), card("auroc_auprc-a6"))

# %% [markdown]
# Overall AUROC rises along the same straight line under both policies, because every repair is worth the same. What
# differs is *who* gets the repairs. With 10 positives and 190 negatives, fifty repairs inside the larger group raise
# its AUROC by $50/(10 \cdot 190)$: the policy that watches AUPRC comes close to this ceiling, so it hardly ever
# touches the other group.

# %% tags=["hide-input"]
from repro.claims import format_number

gaps = {
    policy: [
        one.estimate for one in conditions("auroc_auprc-a6", method=policy)
    ]
    for policy in ("highest", "random")
}
text = {
    policy: " and ".join(
        format_number(gap, 3, signed=True) for gap in gaps[policy]
    )
    for policy in gaps
}
Markdown(
    "Mean change of the gap at the two starting values of AUROC: "
    f"{text['highest']} with the highest score first, {text['random']} at "
    "random. So “about equally” is a matter of degree: mistakes at random "
    "favour the group with fewer positives a little, by less than the margin "
    "of 0.01."
)

# %% [markdown]
# Random noise or random small permutations, selected by either metric, are weaker ways to move scores. Do they show the
# same direction? The card tells them apart, with the rescaling and without.

# %% tags=["hide-input"]
card("auroc_auprc-a11")

# %% [markdown]
# ### Theorem 3: why the group with more positives is served
#
# Suppose scores are calibrated in each group: of the rows with score 0.1, one in ten is positive. Then a group with
# few positives has low scores, its mistakes lie deep in the ranking, and AUPRC does not see them. In our words,
# Theorem 3 says that the mistake AUPRC rewards most lies inside the group of higher prevalence with a probability that
# goes to one as the other prevalence goes to zero. The limit alone proves little: a group without positives has no
# mistakes, so a mistake drawn at random tends there as well. What counts is the excess over such a draw.

# %% tags=["hide-input"]
subpopulations = find_table("auroc_auprc.subpopulations", "paper").frame
display(figures.subpopulations(subpopulations), card("auroc_auprc-a8"))

# %% [markdown]
# ### Real data
#
# In Section 3.2 the paper trains many boosted tree models on one split of real data: draws of hyper-parameters, each
# with ten weights on the rows of one group. For every model it takes AUROC and AUPRC on validation rows, and on test
# rows the *gap*: AUROC of the group with more positives minus that of the other. If AUPRC favours that group, the gap
# must be more closely tied to AUPRC than to AUROC. Four data sets by two attributes, sex and race, make eight tasks. We
# ran those of Adult (incomes in a census), COMPAS (defendants in Florida who offend again) and LSAC (law
# students who pass the bar; there the positives are the majority). The learner is XGBoost, as in the paper.
#
# One detail decides more than any other: which group gets the weights. The text says the group of higher prevalence.
# The public code computes the prevalence of the whole sample for both groups, finds them equal, and weights the group
# whose code comes first; on Adult by sex these are the women, the group of *lower* prevalence. We ran both, on LSAC
# that of the code. Which of the two made the paper's bar for Adult by sex, which was read off the figure as 0.40 for
# AUROC?

# %% tags=["hide-input"]
one_split = find_table("auroc_auprc.models", "paper").frame
display(figures.models(one_split), card("auroc_auprc-a9w"))

# %% [markdown]
# A weighting that agrees with the bar would tell which of them made it. What came out, and what the weights do to the
# models of this one split:

# %% tags=["hide-input"]
wide = one_split.pivot_table(
    index=["weighting", "weight"], columns="metric", values="value"
)
lines = []
for name, part in wide.groupby("weighting", sort=False):
    from_bar = Findings("paper").effect("auroc_auprc-a9w", weighting=name)
    first, last = part.iloc[0], part.iloc[-1]
    lines.append(
        f"- {figures.WEIGHTING_NAMES[name]}: {from_bar} from the bar. From "
        f"weight 1 to 50 the mean gap goes from {first['gap']:.3f} to "
        f"{last['gap']:.3f}, the mean validation AUROC from "
        f"{first['auroc']:.3f} to {last['auroc']:.3f}."
    )
lines.append(
    "\nWeightings that agree with the bar within 0.15: "
    f"{count('auroc_auprc-a9w')}."
)
Markdown("\n".join(lines))

# %% [markdown]
# A correlation over such a cloud is a statement about which models were put into it. (One split; another split has
# other numbers.)
#
# And the paper's question itself: is the gap more closely tied to AUPRC? Every seed splits the same file, so the
# intervals on the card allow for reused rows; the thick bars in the figure, like the paper's, do not. The expected sign
# is not the same everywhere: the published mean is negative for COMPAS by sex and for LSAC by sex, and only on Adult
# do the groups differ much in prevalence. (For COMPAS and LSAC by race both weightings are the same, and are counted
# once: the group whose code comes first is the one of higher prevalence.)

# %% tags=["hide-input"]
import pandas as pd

# four splits with 18 models each, on this machine
results("auroc_auprc.fairness", "quick")
fairness = pd.concat(
    [table.frame for table in tables.values() if table], ignore_index=True
)
display(
    figures.tasks(fairness),
    *(card(f"auroc_auprc-{name}") for name in ("a9", "a9c", "a9l")),
)

# %% [markdown]
# Could these intervals have shown the paper's effect at all? The table sets the published mean of each task, with the
# interval that our rule gives it from its stored spread, beside ours. *Stands out* says whether the published interval
# leaves out zero, *within reach* whether the published mean is larger than half the width of ours.

# %%
from repro.studies.auroc_auprc.comparing import (
    beside_the_paper,
    own_headline,
    published_interval,
)
from repro.studies.auroc_auprc.headline import STORED_TASKS

compared = beside_the_paper(fairness)
once = compared[
    ~compared.duplicated(["dataset", "attribute", "ours"])
]  # not the same models twice
reach = once["would_stand_out"]
display(figures.task_table(once))
clear = sum(
    not found.low <= 0 <= found.high
    for found in map(published_interval, STORED_TASKS)
)
Markdown(
    f"By this rule {clear} of the paper's own {len(STORED_TASKS)} means "
    "stand out from zero. Published means within reach of our intervals: "
    f"{reach.sum()} of {len(reach)} (tasks by weighting)."
)

# %% [markdown]
# ### The headline: 0.905 over eight tasks
#
# The paper closes its argument with one number: over eight tasks, the difference of the two correlations grows with
# the ratio of the groups' prevalences, with a rank correlation of 0.905. Eight points are few. The stored table of the
# authors gives mean and standard deviation for each, so we can recompute the number. Then two questions that are a
# *sensitivity analysis*, not an attempt to reproduce: what becomes of it when the ratio, which was read off one test
# split, is that of the whole file, as far as we have it (six of eight tasks)? And when the points move?
#
# The second is a bootstrap of eight points, and it says less than it seems to. Each stored mean carries the error of
# its seeds already, and a draw adds that error once more: the draws are pulled towards zero, and their median lies
# below the number itself. Drawing the tasks with replacement treats them as a sample of all tasks there could be.

# %% tags=["hide-input"]
display(
    figures.headline(stored), card("auroc_auprc-a10h"), card("auroc_auprc-a10")
)

# %% tags=["hide-input"]
p_values = stored[stored["metric"] == "exact_p_value"].drop_duplicates(
    ["ratios", "tasks"]
)
exact = p_values.set_index(["ratios", "tasks"])["value"]
titles = {
    "first_split": "ratios of one test split",
    "full_file": "ratios of whole files",
}
names = {"all": "all tasks", "without_adult": "without those of Adult"}
lines = [
    f"- {titles[ratios]}, {names[tasks]}: {value:.3f}; "
    f"{exact[ratios, tasks]:.1%} of all orders of the tasks correlate as "
    "closely"
    for (ratios, tasks), value in over.items()
]
own = own_headline(compared, "first_code")
lines.append(
    f"- our own means of the {own['tasks']:.0f} tasks that were run, weights "
    f"as in the public code: {own['ours']:.2f} ({own['exact_p_value']:.0%} "
    "of all orders); the published means of these tasks: "
    f"{own['published']:.2f}"
)
Markdown("\n".join(lines))

# %% [markdown]
# Tasks differ in more than prevalence. A cleaner test keeps the task and changes only the ratio: Adult by sex, with
# positives and negatives among the men drawn so that their prevalence is 1 to 5 times that of the women.

# %% tags=["hide-input"]
resampled = find_table("auroc_auprc.prevalence_ratio", "paper").frame
display(figures.ratios(resampled), card("auroc_auprc-a10r"))

# %% [markdown]
# ### What AUPRC is good for
#
# As we remember it, the paper does not condemn AUPRC. If one list is worked off from the top until capacity runs out,
# as in a screen of molecules, mistakes at the top are the ones that cost. Then the metric that looks at the top should
# choose the better model. Among many random models we choose one by each metric on validation rows and count the
# positives among its first $k$ test rows.

# %% tags=["hide-input"]
card("auroc_auprc-a12")

# %% [markdown]
# ## Where it breaks
#
# **The highest mistake is not always the best one.** In the authors' code repairing the mistake with the highest score
# stands for optimising AUPRC. The precision in the formula can overrule the rank. How small can an example be? We try
# every ranking with up to eight rows.

# %%
from itertools import product

for n in range(2, 9):
    found = []
    for ranking in product([False, True], repeat=n):
        y = np.array(ranking)
        if (
            0 < y.sum() < n
            and (gain := worth_of_a_fix(y)[2]).size
            and gain.argmax() > 0
        ):
            found.append(y.astype(int).tolist())
    print(f"n = {n}: {len(found)} of {2**n} rankings", *found)

# %% [markdown]
# Eight rows are enough, and nothing smaller is. The card lists the share of longer rankings in which the policy is
# wrong, largest where positives are few and the model is weak; a statement about every ranking needs it to be zero.

# %% tags=["hide-input"]
card("auroc_auprc-a3")

# %% [markdown]
# **Without the rescaling the gap does not widen.** Theorem 3 needs scores whose level follows the prevalence of the
# group. In the simulation of the two groups the paper rescales scores to the prevalence. Leave this one line out, or
# give every row its rank within its own group as its score, and AUPRC-driven repair no longer serves the group with
# more positives. In this simulation the driver is where each group's scores lie, not prevalence by itself; the figure
# moves both.

# %% tags=["hide-input"]
phases = find_table("auroc_auprc.gap_phase", "paper").frame
display(figures.phase(phases), card("auroc_auprc-a7"), card("auroc_auprc-a8r"))

# %% tags=["hide-input"]
narrowed = {
    sampler: [
        -one.estimate for one in conditions("auroc_auprc-a7", sampler=sampler)
    ]
    for sampler in ("binomial", "binormal")
}
text = {
    name: " and ".join(
        format_number(gap, 3, signed=True) for gap in narrowed[name]
    )
    for name in narrowed
}
Markdown(
    "Mean change of the gap without the rescaling, at the two starting "
    f"values of AUROC: with the paper's sampler {text['binomial']}; with "
    f"binormal scores (normal in both classes) {text['binormal']}, where the "
    "margin is 0.005."
)

# %% [markdown]
# **AUPRC moves with the base rate.** A model whose ranking does not change at all gets another AUPRC in a population
# with another prevalence. Values from two hospitals, two years or two groups cannot be compared, unless both are
# computed for the same reference prevalence.

# %% tags=["hide-input"]
prevalence = find_table("auroc_auprc.prevalence_shift", "paper").frame
display(figures.prevalence_shift(prevalence), card("auroc_auprc-b1"))

# %% [markdown]
# AUROC does not move with the base rate, and hides as much. Four rankings of one AUROC: which of them would you take?
# Set how rare positives are, what a miss costs, and how many positives you have.

# %% tags=["hide-input"]
from repro.plotting.widgets import same_auroc_different_life

same_auroc_different_life()

# %% [markdown]
# ## What to report
#
# A worked example with patients: PreDiabetes, embedded in this book. We ask who had been diagnosed with diabetes by the
# age of 50, from the code of sex, deprivation, body mass index and blood glucose. (Age itself is left out; it was
# recorded after the diagnosis and nearly gives the answer away.) Two models, one test part:

# %%
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.data import load
from repro.metrics import ranking_summary

patients = load("prediabetes")
X = patients.features[["Sex", "IMD_Decile", "BMI", "HbA1C"]]
early = patients.is_positive  # diabetes by the age of 50
train, test = train_test_split(
    np.arange(len(early)), test_size=0.4, stratify=early, random_state=0
)
regression = make_pipeline(StandardScaler(), LogisticRegression())
boosting = HistGradientBoostingClassifier(random_state=0)
risk, other_risk = (
    model.fit(X.iloc[train], early[train]).predict_proba(X.iloc[test])[:, 1]
    for model in (regression, boosting)
)
sex = ("code " + X["Sex"].iloc[test].astype(str)).to_numpy()
summary = ranking_summary(early[test], risk, groups=sex, k=[20, 50, 100])
print(
    f"{len(early):,} patients, {early.sum()} of them diagnosed by 50; "
    f"{len(test):,} in the test part"
)
display(
    summary.by_group.round(3),
    summary.pair_auroc.round(3),
    summary.at_k.round(3),
)

# %% [markdown]
# Read the second table first. On its diagonal stand the AUROCs within the groups. Off the diagonal the model compares
# patients of different groups, and there it mostly repeats which group has the higher prevalence. The overall AUROC is
# the weighted mean of the four: a single number hides all of it. Now the uncertainty, from one sort and resampled
# counts, with gaps and paired differences between the models.

# %%
from repro.metrics import bootstrap_ranking, delong_test

report = bootstrap_ranking(
    early[test],
    risk,
    groups=sex,
    other_score=other_risk,
    n_resamples=2000,
    random_state=0,
)
display(report.drop(columns=["method", "n_undefined"]).round(3))
comparison = delong_test(early[test], risk, other_risk)
interval = comparison.interval
print(
    f"regression minus boosting: AUROC {comparison.difference:+.3f} "
    f"({interval.low:+.3f} to {interval.high:+.3f}), p = "
    f"{comparison.p_value:.2f}"
)

# %% [markdown]
# Which interval may be trusted when positives are few? Simulated scores with known true values answer. Each cell of
# the figure is the share of 95 % intervals that hold the true value. *DeLong* and *Newcombe* estimate the variance of
# an AUROC by formulas, the first from the ranks of the rows, the second from AUROC and class sizes alone; *percentile*
# and *BCa* are quantiles of a bootstrap, the second corrected for bias and skewness; *logit* means that the interval is
# made on the scale of log odds, so that it stays between 0 and 1.

# %% tags=["hide-input"]
figures.coverage(find_table("auroc_auprc.interval_coverage", "paper").frame)

# %% [markdown]
# ### Choosing a metric
#
# Write down what a miss costs against a false alarm, how many cases you can act on, and whether they are taken from
# one list or from each group. The function answers with a recommendation, its reasons, and the weight that your
# situation puts on each part of the ranking, beside the weights that AUROC and AUPRC would put there.

# %%
from repro.metrics import choose_metric

choice = choose_metric(
    cost_of_miss=20,
    prevalence=early.mean(),
    capacity=100,
    selection="per_group",
    groups=sex,
)
parts = {
    "Choose by": ", ".join(choice.metrics),
    "Report": ", ".join(choice.report),
    "Avoid": ", ".join(choice.avoid),
    "Because": " ".join(choice.reasons),
    "Assumed": " ".join(choice.assumptions),
}
rows = [f"- **{name}**: {part}" for name, part in parts.items()]
display(Markdown("\n".join(rows).replace("_", " ")), figures.weights(choice))

# %% [markdown]
# ## Try it
#
# The knob most worth turning is where the scores of the second group lie. `shift` moves them against those of the
# first. At which shift does AUPRC-driven repair change sides?

# %%
from repro.metrics import fix_mistakes

shift, prevalences, size = 0.0, (0.2, 0.05), 1000
group = np.repeat(["more positives", "fewer positives"], size)
y = generator.random(2 * size) < np.repeat(prevalences, size)
score = (
    generator.normal(size=2 * size)
    + 1.2 * y
    + shift * (group == "fewer positives")
)
path = fix_mistakes(y, score, policy="highest", steps=500, groups=group)
change = path.group_auroc[-1] - path.group_auroc[0]
dict(zip(path.by_group.index, change.round(4).tolist(), strict=True))

# %% [markdown]
# **Exercise 1.** A ranking has $n_1 = 20$ positives, $n_0 = 980$ negatives and AUROC 0.9. How many atomic repairs make
# it perfect? Does the order of the repairs matter? Predict, then count.
#
# <details><summary>Answer in words</summary>
#
# Each repair adds $1/(n_1 n_0)$, so $(1 - 0.9) \cdot 20 \cdot 980 = 1{,}960$ are needed, in whatever order: every
# repair removes exactly one pair that is in the wrong order. The next cell counts on simulated scores, whose AUROC is
# near 0.9.
#
# </details>

# %% tags=["hide-cell"]
y = np.arange(1000) < 20
score = generator.normal(size=1000) + 1.8 * y
needed = round((1 - auroc(y, score)) * 20 * 980)
for policy in ("random", "highest", "largest_ap_gain"):
    path = fix_mistakes(y, score, policy=policy, steps=10**5, random_state=0)
    print(f"{policy}: {path.n_fixes} repairs, predicted {needed}")

# %% [markdown]
# **Exercise 2.** Two models have the same AUPRC, one in a ward where 30 % of the patients are positive, the other in
# one with 3 %. Which ranks better? Use `average_precision_at_prevalence`.
#
# <details><summary>Answer in words</summary>
#
# The one at 3 %. A random ranking has an AUPRC equal to the prevalence, so the same value is a larger achievement where
# positives are rare. Computed at one reference prevalence, the order shows.
#
# </details>

# %% tags=["hide-cell"]
from repro.metrics import average_precision_at_prevalence

for rate, strength in ((0.30, 0.75), (0.03, 2.15)):
    y = generator.random(50_000) < rate
    score = generator.normal(size=y.size) + strength * y
    print(
        f"prevalence {rate:.2f}: AUPRC {average_precision(y, score):.2f}, at "
        f"10 % {average_precision_at_prevalence(y, score, 0.1):.2f}, AUROC "
        f"{auroc(y, score):.2f}"
    )

# %% [markdown]
# **Exercise 3.** Make a model with overall AUROC above 0.8 that is no better than chance within each of two groups.
#
# <details><summary>Answer in words</summary>
#
# Let the groups differ much in prevalence and score everybody by the group alone, plus noise. Pairs across the groups
# make the overall value; the diagonal of `pair_auroc` stays at one half.
#
# </details>

# %% tags=["hide-cell"]
group = np.repeat(["a", "b"], 5000)
y = generator.random(10_000) < np.where(group == "a", 0.6, 0.02)
score = (group == "a") + 0.01 * generator.random(10_000)
chance = ranking_summary(y, score, groups=group)
display(chance.pair_auroc.round(3))
print(f"overall AUROC {chance.auroc:.3f}")

# %% [markdown]
# ## Provenance, references, citation
#
# Each table of this chapter carries the commit, the versions, the machine and the seeds that made it. What was read,
# run and left out stands at the top; statements of the paper are given in our words. All verdicts together:

# %% tags=["hide-input"]
from repro.claims import table

table("auroc_auprc")

# %% [markdown]
# **References.** M. B. A. McDermott, H. Zhang, L. H. Hansen, G. Angelotti, J. Gallifant, *A Closer Look at AUROC and
# AUPRC under Class Imbalance*, Advances in Neural Information Processing Systems 37 (2024) 44102–44163, [arXiv
# 2401.06091](https://arxiv.org/abs/2401.06091). E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas
# under two or more correlated receiver operating characteristic curves*, Biometrics 44 (1988) 837–845, [doi
# 10.2307/2531595](https://doi.org/10.2307/2531595). X. Sun, W. Xu, *Fast implementation of DeLong's algorithm for
# comparing the areas under correlated receiver operating characteristic curves*, IEEE Signal Processing Letters 21
# (2014) 1389–1393, [doi 10.1109/LSP.2014.2337313](https://doi.org/10.1109/LSP.2014.2337313). K. Boyd, K. H. Eng, C. D.
# Page, *Area under the precision-recall curve: point estimates and confidence intervals*, ECML PKDD 2013, 451–466,
# [doi 10.1007/978-3-642-40994-3_29](https://doi.org/10.1007/978-3-642-40994-3_29).
#
# **Cite this reproduction** together with the paper:
#
# ```bibtex
# @inproceedings{mcdermott2024,
#   author    = {McDermott, Matthew B. A. and Zhang, Haoran and Hansen, Lasse Hyldig
#                and Angelotti, Giovanni and Gallifant, Jack},
#   title     = {A Closer Look at {AUROC} and {AUPRC} under Class Imbalance},
#   booktitle = {Advances in Neural Information Processing Systems},
#   volume    = {37}, pages = {44102--44163}, year = {2024}
# }
# @incollection{imbalancebook-auroc_auprc,
#   author    = {{The Imbalance Book contributors}},
#   title     = {{AUROC} or {AUPRC}: what is one mistake worth?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/auroc_auprc.ipynb}
# }
# ```
