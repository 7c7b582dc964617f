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
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/main/notebooks/auroc_auprc.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/auroc_auprc.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/auroc_auprc.py
#
# *Reading time 25 minutes · runs in under a minute on two CPU cores · data embedded, long runs as committed tables ·
# no GPU.*
#
# "With rare positives, use the precision-recall curve": few pieces of advice are repeated more often. In 2024 Matthew
# McDermott, Haoran Zhang, Lasse Hyldig Hansen, Giovanni Angelotti and Jack Gallifant asked where it comes from and
# answered that it is not a matter of class balance at all, and that the advice can harm groups in which positives are
# rare ([arXiv 2401.06091](https://arxiv.org/abs/2401.06091)). This chapter tests what they say, statement by
# statement, and ends with a small tool that helps you choose and report a metric.

# %% tags=["remove-cell"]
import subprocess
import sys

if "google.colab" in sys.modules:
    book = "git+https://github.com/set_owner/imbalance-book@v0.1.0"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, book, "imbalanced-learn>=0.14,<0.15", "pooch"], check=True)

# %% tags=["hide-input"]
from IPython.display import Markdown, display

from repro.claims import Findings
from repro.running import results

stored = results("auroc_auprc.headline", "quick").frame
count, conditions = Findings("paper").count, Findings("paper").conditions
plain = sum(one.plain_interval[0] > 0 for one in conditions("auroc_auprc-a9"))
whole = Findings("quick").condition("auroc_auprc-a10h", ratios="full_file")

# %% tags=["hide-input"]
Markdown(
    "**The findings.** The mathematics holds to the last digit: both metrics are one average with two weights "
    f"({count('auroc_auprc-a1')} checks), and a repaired mistake is worth what the theorem says "
    f"({count('auroc_auprc-a2')}). That repairs driven by AUPRC serve the group with more positives is reproduced "
    f"where scores are calibrated in each group ({count('auroc_auprc-a6')} conditions) and gone or reversed where they "
    f"are not ({count('auroc_auprc-a7')}). On real data it is resolved in {count('auroc_auprc-a9')} settings once the "
    f"interval knows that splits reuse rows, in {plain} without; where only the ratio of the prevalences is changed, "
    f"its growth with the ratio is resolved for {count('auroc_auprc-a10r')} weightings. With ratios of whole files the "
    f"correlation of 0.905 over eight tasks is {whole.verdict}."
)

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
labels = generator.random(40) < np.linspace(0.75, 0.05, 40)  # from the highest score down
scores = np.linspace(1, 0, 40)
figures.worth(labels, mistakes(labels, scores))

# %% [markdown]
# The area under the ROC curve (AUROC) pays the same for every repair. The area under the precision-recall curve
# (AUPRC) pays for repairs at the top and hardly notices those below. That is all the difference there is. Whether you
# want it depends on where in the ranking your decisions are made, and not on how rare the positives are.
#
# ## The method from scratch
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
    """AUROC and average precision as means over the positives' scores; ties allowed."""
    at = score[y][:, None]  # (n_positive, 1)
    above, tied = score[~y] > at, score[~y] == at  # (n_positive, n_negative)
    auroc = 1 - (above.mean(axis=1) + tied.mean(axis=1) / 2).mean()
    fpr, firing_rate = (above | tied).mean(axis=1), (score >= at).mean(axis=1)
    return auroc, 1 - (~y).mean() * (fpr / firing_rate).mean()


def worth_of_a_fix(y):
    """Rank r of every atomic mistake and what its repair adds to both metrics; y from the top down."""
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

tied = np.round(generator.normal(size=3000) + (y := generator.random(3000) < 0.1), 1)
ours = both_from_thresholds(y, tied)
assert np.allclose(ours, (auroc(y, tied), average_precision(y, tied)), rtol=0, atol=1e-12)
assert np.allclose(ours, (roc_auc_score(y, tied), average_precision_score(y, tied)))
r, delta_auroc, delta_ap = worth_of_a_fix(labels)
table = mistakes(labels, scores)
assert np.allclose(table[["delta_auroc", "delta_ap"]], np.c_[delta_auroc, delta_ap])
print(f"{np.unique(tied).size} distinct scores in {tied.size} rows: all computations agree")

# %% [markdown]
# ## The claims
#
# ### Two metrics, one average
#
# An identity is either true or false, so its claims have no interval: they ask for the largest deviation over a
# thousand random rankings, with ties and weights, and over every mistake of two hundred. The control puts $>$ where
# $\ge$ belongs; it must fail, and does. A third claim is softer. The paper describes the worth of a mistake under AUPRC
# as correlated with the inverse of the number of rows that score higher. How closely? The exact formula has a second
# factor, the precision, and with few positives that one jumps about.

# %%
from repro.claims import card

display(card("auroc_auprc-a1"), card("auroc_auprc-a2"), card("auroc_auprc-a4"))

# %% [markdown]
# ### Two groups, one list of repairs
#
# Now two groups share the ranking, one with ten positives among two hundred rows, the other with two. Their AUROC is
# equal by construction. Fifty times we repair a mistake. Somebody who watches AUROC does not care which: we draw one
# at random. Somebody who watches AUPRC takes the one with the highest score. The paper's Section 3.1 says that the
# second policy serves the group with more positives.

# %%
from repro.results import find_table

repair = find_table("auroc_auprc.repair", "paper").frame
display(figures.policies(repair), card("auroc_auprc-a6"))

# %% [markdown]
# Overall AUROC rises along the same straight line under both policies, because every repair is worth the same. What
# differs is *who* gets the repairs. With 10 positives and 190 negatives, fifty repairs inside the larger group raise
# its AUROC by $50/(10 \cdot 190)$: the policy that watches AUPRC comes close to this ceiling, so it hardly ever
# touches the other group. Random noise or random small permutations, selected by either metric, are weaker ways to
# move scores. Do they show the same direction?

# %%
card("auroc_auprc-a11")

# %% [markdown]
# ### Theorem 3: why the group with more positives is served
#
# Suppose scores are calibrated in each group: of the rows with score 0.1, one in ten is positive. Then a group with
# few positives has low scores, its mistakes lie deep in the ranking, and AUPRC does not see them. In our words,
# Theorem 3 says that the mistake AUPRC rewards most lies inside the group of higher prevalence with a probability that
# goes to one as the other prevalence goes to zero. The limit alone proves little: a group without positives has no
# mistakes, so a mistake drawn at random tends there as well. What counts is the excess over such a draw.

# %%
subpopulations = find_table("auroc_auprc.subpopulations", "paper").frame
display(figures.subpopulations(subpopulations), card("auroc_auprc-a8"))

# %% [markdown]
# ### Real data
#
# In Section 3.2 the paper trains 500 boosted tree models a split on real data: 50 draws of hyper-parameters, each
# with ten weights on the rows of one group. For every model it takes AUROC and AUPRC on validation rows, and on test
# rows the *gap*: AUROC of the group with more positives minus that of the other. If AUPRC favours that group, the gap
# must be more closely tied to AUPRC than to AUROC. We ran all of it on Adult and COMPAS, 500 models a split, with 20
# splits of Adult by sex and ten of each other task. The learner is XGBoost, as in the paper: one of the drawn
# parameters, the smallest weight of a leaf, has no counterpart in scikit-learn's boosted trees.
#
# One detail decides more than any other. The text says that the group of higher prevalence is weighted. The public
# code computes the prevalence of the whole sample for both groups, finds them equal, and weights the group that comes
# first in the alphabet; on Adult by sex these are the women, the group of *lower* prevalence. We ran both.
# Which of the two made the paper's bar for Adult by sex, which stands near +0.40 for AUROC?

# %%
one_split = find_table("auroc_auprc.models", "paper").frame
display(figures.models(one_split), card("auroc_auprc-a9w"))

# %% [markdown]
# Weights on men (top) push the gap up and both metrics down: models with large weights rank women badly, and they
# rank everybody badly. Weights on women (bottom) move the gap in another way. A correlation over such a cloud is a
# statement about which models were put into it.
#
# And the paper's question itself: is the gap more closely tied to AUPRC? Every seed splits the same file, so the
# intervals on the card know that rows are reused; the thick bars in the figure, like the paper's, do not. (For COMPAS
# by race both weightings are the same: the first group in the alphabet is the one of higher prevalence.)

# %%
results("auroc_auprc.fairness", "quick")  # four splits with 18 models each, on this machine
fairness = find_table("auroc_auprc.fairness", "paper").frame
display(figures.tasks(fairness), card("auroc_auprc-a9"))

# %% [markdown]
# ### The headline: 0.905 over eight tasks
#
# The paper closes its argument with one number: over eight tasks, the difference of the two correlations grows with
# the ratio of the groups' prevalences, with a rank correlation of 0.905. Eight points are few. The stored table of the
# authors gives mean and standard deviation for each, so we can recompute the number and let the points move as far as
# their standard errors allow. We can also replace the ratio, which was read off one test split, by that of the whole
# file where we have it.

# %%
display(figures.headline(stored), card("auroc_auprc-a10h"), card("auroc_auprc-a10"))

# %% [markdown]
# Tasks differ in more than prevalence. A cleaner test keeps the task and changes only the ratio: Adult by sex, with
# positives and negatives among the men drawn so that their prevalence is 1 to 5 times that of the women.

# %%
resampled = find_table("auroc_auprc.prevalence_ratio", "paper").frame
display(figures.ratios(resampled), card("auroc_auprc-a10r"))

# %% [markdown]
# ### What AUPRC is good for
#
# The paper does not condemn AUPRC. If one list is worked off from the top until capacity runs out, as in a screen of
# molecules, mistakes at the top are the ones that cost. Then the metric that looks at the top should choose the better
# model. Among 200 random models we choose one by each metric on validation rows and count the positives among its
# first $k$ test rows.

# %%
card("auroc_auprc-a12")

# %% [markdown]
# ## Where it breaks
#
# **The highest mistake is not always the best one.** The paper's policy repairs the mistake with the highest score,
# in the belief that AUPRC rewards it most. The precision in the formula can overrule the rank. How small can an example
# be? We try every ranking with up to eight rows.

# %%
from itertools import product

for n in range(2, 9):
    found = []
    for ranking in product([False, True], repeat=n):
        y = np.array(ranking)
        if 0 < y.sum() < n and (gain := worth_of_a_fix(y)[2]).size and gain.argmax() > 0:
            found.append(y.astype(int).tolist())
    print(f"n = {n}: {len(found)} of {2**n} rankings", *found)

# %% [markdown]
# Eight rows are enough, and nothing smaller is. In longer rankings with few positives and a weak model such a case is
# no rarity. The card lists the share of rankings in which the policy is wrong; the claim would need it to be zero.

# %%
card("auroc_auprc-a3")

# %% [markdown]
# **Without calibration the effect vanishes or turns round.** Theorem 3 needs scores whose level follows the prevalence
# of the group. In the simulation of the two groups the paper rescales scores so that their mean equals the prevalence.
# Leave this one line out, or give every row its rank within its own group as its score, and AUPRC-driven repair no
# longer serves the group with more positives. The driver is where each group's scores lie, not prevalence by itself;
# the figure moves both.

# %%
phases = find_table("auroc_auprc.gap_phase", "paper").frame
display(figures.phase(phases), card("auroc_auprc-a7"), card("auroc_auprc-a8r"))

# %% [markdown]
# **AUPRC moves with the base rate.** A model whose ranking does not change at all gets another AUPRC in a population
# with another prevalence. Values from two hospitals, two years or two groups cannot be compared, unless both are
# computed for the same reference prevalence.

# %%
prevalence = find_table("auroc_auprc.prevalence_shift", "paper").frame
display(figures.prevalence_shift(prevalence), card("auroc_auprc-b1"))

# %% [markdown]
# ## What to report
#
# A worked example with patients: the 3,059 rows of PreDiabetes, embedded in this book. We ask who had been diagnosed
# with diabetes by the age of 50, from the code of sex, deprivation, body mass index and blood glucose. (Age itself is
# left out; it was recorded after the diagnosis and nearly gives the answer away.) Two models, one test part:

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
display(summary.by_group.round(3), summary.pair_auroc.round(3), summary.at_k.round(3))

# %% [markdown]
# Read the second table first. On its diagonal stand the AUROCs within the groups. Off the diagonal the model compares
# patients of different groups, and there it mostly repeats which group has the higher prevalence. The overall AUROC is
# the weighted mean of the four: a single number hides all of it. Now the uncertainty, from one sort and resampled
# counts, with gaps and paired differences between the models.

# %%
from repro.metrics import bootstrap_ranking, delong_test

report = bootstrap_ranking(
    early[test], risk, groups=sex, other_score=other_risk, n_resamples=2000, random_state=0
)
display(report.drop(columns=["method", "n_undefined"]).round(3))
comparison = delong_test(early[test], risk, other_risk)
interval = comparison.interval
print(
    f"regression minus boosting: AUROC {comparison.difference:+.3f} "
    f"({interval.low:+.3f} to {interval.high:+.3f}), p = {comparison.p_value:.2f}"
)

# %% [markdown]
# Which interval may be trusted when positives are few? Simulated scores with known true values answer. Each cell of
# the figure is the share of 95 % intervals that hold the true value.

# %%
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
    "Choose by": choice.metrics,
    "Report": choice.report,
    "Avoid": choice.avoid,
    "Because": choice.reasons,
    "Assumed": choice.assumptions,
}
rows = [
    f"- **{name}**: {', '.join(part) if name in ('Choose by', 'Report', 'Avoid') else ' '.join(part)}"
    for name, part in parts.items()
]
display(Markdown("\n".join(rows).replace("_", " ")), figures.weights(choice))

# %% [markdown]
# ### What to use instead of a slogan
#
# - **Comparing models before you know the use**: AUROC, with an interval. No part of the ranking is special yet.
# - **A miss is costly and everybody can be seen** (screening): the mistakes at low scores count. AUPRC looks at the
#   wrong end; report recall at the threshold that your costs imply.
# - **One list, worked off from the top**: precision at your capacity, or AUPRC if the capacity is not fixed.
# - **A scarce resource shared by groups**: metrics within each group, at the capacity of each. A pooled AUPRC serves
#   the group with more positives if your scores are calibrated.
# - **Always**: the prevalence, the number of positives, an interval, and the groups. Never compare AUPRC across
#   populations without fixing the prevalence.
#
# ## Try it
#
# The knob most worth turning is where the scores of the second group lie. `shift` moves them against those of the
# first. At which shift does AUPRC-driven repair change sides?

# %%
from repro.metrics import fix_mistakes

shift, prevalences, size = 0.0, (0.2, 0.05), 1000
group = np.repeat(["more positives", "fewer positives"], size)
y = generator.random(2 * size) < np.repeat(prevalences, size)
score = generator.normal(size=2 * size) + 1.2 * y + shift * (group == "fewer positives")
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
        f"prevalence {rate:.2f}: AUPRC {average_precision(y, score):.2f}, "
        f"at 10 % {average_precision_at_prevalence(y, score, 0.1):.2f}, AUROC {auroc(y, score):.2f}"
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
# Each table of this chapter carries the commit, the versions, the machine and the seeds that made it. The full text of
# the paper was not at hand when the claims were written: statements come from its abstract, its figure captions and
# the authors' public code and stored outputs, and are given in our words. MIMIC-III needs credentials and LSAC is not
# in this book's registry, so four of the paper's eight tasks were run. All verdicts together:

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
#   booktitle = {The Imbalance Book}, year = {2026},
#   url       = {https://github.com/set_owner/imbalance-book}
# }
# ```
