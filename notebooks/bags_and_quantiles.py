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
# # Less than a label, more than a mean: what do averages and quantiles teach?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/bags_and_quantiles.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/bags_and_quantiles.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/bags_and_quantiles.py
#
# *Reading time 11 minutes · simulated and embedded data · no GPU.* In five minutes: [the
# picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# Rare events are often counted by district, ward or week: the average of a group is known, single rows are not. The
# first paper of this chapter asks how to fit a model to such averages. The second asks for more than a mean: for
# quantiles, those of rare extremes among them, and how to pool the forecasts of several models.

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
# ## Aggregate responses: match the averages, or give every row its average?
#
# **Read:** the abstract, not the text. **Run:** linear models on simulated rows, a logistic one on Adult. **Not here:**
# the paper's own formulas, data and privacy mechanism; ours stand in for them.
#
# **What came out.** A group of rows whose average response is known is a *bag*. *Noise* is the variance of a response
# that features do not explain; *risk* the squared error of the coefficients, whose true length is 1.

# %% tags=["remove-input"]
from repro import claims

claims.in_short("aggregate_responses")

# %% [markdown]
# Adel Javanmard and colleagues compared in 2024 ([arXiv 2401.11081](https://arxiv.org/abs/2401.11081)) two ways to
# fit a model to bags. The *bag loss* asks that the mean prediction of a bag be its mean response. The *instance loss*
# asks that the prediction of every row be the mean response of its bag. Between the two lies a family of losses, and
# one of its members, says the abstract, is better than both.

# %% [markdown]
# ### The idea in one picture
#
# The instance loss is the bag loss plus a penalty: the variance of the predictions within bags. How much of it is good
# depends on the noise.

# %% tags=["hide-input"]
from repro.plotting import aggregate_responses as figures
from repro.running import results

figures.strengths(results("aggregate_responses.path", "quick").frame)

# %% [markdown]
# Ridge regression on the averages runs along the same line. That is no accident: for features without correlation and
# of one variance the sum of squares within bags is nearly the squared length of the coefficients, times the number of
# rows less that of bags.
#
# ### What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
from IPython.display import Markdown, display

found = claims.Findings("standard")
ahead = found.count("aggregate_responses-j3")
level = found.count("aggregate_responses-j6")
rare = results("aggregate_responses.rare", "standard").frame
ranked = rare.pivot_table(
    index=["dataset", "bags", "bag_size"], columns="method", values="value"
)
best = ranked.drop(columns="rows").idxmax(axis=1).isin(["bag", "ridge"])
Markdown(f"""
- **Fit the averages with a ridge penalty** chosen on bags that are held out.
  It is level with interpolation in {level} settings, and every library has it.
- **Do not give rows the average of their bag and stop there.** With middle
  noise the chosen interpolation is ahead in {ahead} comparisons with the bag
  loss and the instance loss.
- **Rare labels are another matter.** With shares of a class in bags the bag
  loss of a logistic model, with a fixed or a chosen ridge penalty, ranks
  single rows best in {best.sum()} of {best.size} settings: interpolation does
  not help there (the table at the end of this section).
- **Keep bags small, and rows in them mixed.** A bag of neighbours hides what
  tells them apart.""")

# %% [markdown]
# Those were the first five minutes; the rest of this part goes into detail.
#
# ### In detail: one system of equations
#
# With $P$ the averaging within bags, $A = X^\top P X$ and $B = X^\top (I - P) X$, all losses of the family have the
# solution $(A + \rho B)^{-1} X^\top P y$: the bag loss at $\rho = 0$, the instance loss at $\rho = 1$.

# %%
import numpy as np

from repro.closed_form import BagRegressor, bag_loss, bag_means, instance_loss

generator = np.random.default_rng(1)
X, bags = generator.normal(size=(200, 3)), np.repeat(np.arange(50), 4)
y = X @ [1.0, -1.0, 0.0] + generator.normal(size=200)
centred = X - X.mean(axis=0)
averaged = bag_means(centred, bags)[bags]
between = averaged.T @ averaged
within = (centred - averaged).T @ (centred - averaged)
by_hand = np.linalg.solve(between + 0.3 * within, averaged.T @ (y - y.mean()))
model = BagRegressor(interpolation=0.3).fit(X, y, bags)
assert np.allclose(by_hand, model.coef_)
predicted = model.predict(X)
spread = np.mean((predicted - bag_means(predicted, bags)[bags]) ** 2)
gap = instance_loss(y, predicted, bags) - bag_loss(y, predicted, bags)
print(f"difference of the losses {gap:.6f}, variance within {spread:.6f}")

# %% [markdown]
# The estimator gets `y` row by row but looks at nothing except the means. The instance loss shrinks: with few features
# its coefficients tend to $1/k$ of the true ones, where $k$ is the size of a bag.
#
# ### The claims about aggregate responses

# %% tags=["hide-input"]
display(
    claims.card("aggregate_responses-j1"),
    claims.card("aggregate_responses-j2"),
    claims.card("aggregate_responses-j3"),
    claims.card("aggregate_responses-j6"),
)

# %% [markdown]
# The risk can also be computed without drawing anything. For standard normal features that of the bag loss is
# $\sigma^2 d / (m - d - 1)$ with $m$ bags and $d$ features; the variance of the interpolating estimator follows from
# one equation with one unknown, `repro.closed_form.interpolation_variance`.

# %% tags=["hide-input"]
claims.card("aggregate_responses-j4")

# %% [markdown]
# #### Hiding single responses
#
# An average of a bag can be published with random noise that hides every single response. The larger the bag, the
# less noise is needed; but there are fewer averages. The mechanism here is ours: responses clipped to ±3 and Laplace
# noise. With the privacy noise of the figure hardly anything is learned: coefficients that are all zero have a risk of
# 1, and the best has little less.

# %% tags=["hide-input"]
display(
    figures.sizes(results("aggregate_responses.privacy", "standard").frame),
    claims.card("aggregate_responses-j5"),
    claims.card("aggregate_responses-j8"),
)

# %% tags=["hide-input"]
from repro.protocol.names import name_of

private = results("aggregate_responses.privacy", "standard").frame
chosen = private[private["bag_size"] == 0]
oracle = chosen.groupby(["epsilon", "method"])["value"].mean().unstack()
Markdown(
    "Both columns on the right know the truth, one to choose the size of "
    "bags, the other to choose a penalty without bags. Mean risk:\n\n"
    + oracle[["ridge_no_bags", "instance_best_size", "ridge_no_bags_oracle"]]
    .round(2)
    .rename(columns=lambda name: name_of(name))
    .to_markdown()
)

# %% [markdown]
# ### Where it breaks
#
# Bags are seldom random. If they are sorted by a feature, as districts are by income, the rows of a bag are alike.
# Then every row's average says more about the bag than about the row, and the instance loss suffers most. The numbers
# are the AUROC on single test rows; `rows` is a model that saw all labels.

# %% tags=["hide-input"]
ranked.rename(columns=name_of).rename_axis(
    index=[name_of(name) for name in ranked.index.names]
).round(3)

# %% [markdown]
# With fewer bags than features the bag loss has no unique minimum. The formula above holds for $m > d + 1$; near $m =
# d$ the risk explodes, and far below it the solution of smallest norm has a finite one again. The penalty is no
# luxury there.
#
# ### Try it: aggregate responses
#
# The knob is the size of the bags. When is the instance loss ahead of the bag loss?

# %%
X, truth = generator.normal(size=(1000, 50)), np.repeat(0.02**0.5, 50)
y = X @ truth + generator.normal(size=1000)
for size in (2, 4, 5, 10):
    bags = np.repeat(np.arange(1000 // size), size)
    risks = [
        np.sum(
            (BagRegressor(interpolation=rho).fit(X, y, bags).coef_ - truth)
            ** 2
        )
        for rho in (0.0, 1.0)
    ]
    print(f"bags of {size}: {risks[0]:.2f} and {risks[1]:.2f}")

# %% [markdown]
# **Exercise 1.** Show that the instance loss is the bag loss plus the variance within bags.
#
# <details><summary>Answer in words</summary>
#
# In a bag, $f_i = \bar f + (f_i - \bar f)$. The mean of $(\bar y - f_i)^2$ is $(\bar y - \bar f)^2$ plus the mean of
# $(f_i - \bar f)^2$; the mixed term vanishes because the deviations from the mean sum to 0.
#
# </details>
#
# **Exercise 2.** By how much does the instance loss shrink with few features and bags of $k$?
#
# <details><summary>Answer in words</summary>
#
# $A$ is near $m I$ and $B$ near $(n - m) I$, so that $(A + B)^{-1} A$ is near $m / n = 1 / k$.
#
# </details>

# %% tags=["hide-cell"]
X = generator.normal(size=(20_000, 2))
for size in (2, 5, 20):
    bags = np.repeat(np.arange(20_000 // size), size)
    shrunk = BagRegressor(interpolation=1.0).fit(X, X @ [1.0, 1.0], bags)
    print(size, (shrunk.coef_ * size).round(2))

# %% [markdown]
# **Exercise 3.** Features whose variances fall: where do ridge and interpolation part?
#
# <details><summary>Answer in words</summary>
#
# Interpolation shrinks along the variance within bags, so less where features vary little; ridge shrinks these most.
# The table of the profile `standard` has both under `falling`.
#
# </details>

# %% tags=["hide-cell"]
risk = results("aggregate_responses.risk", "standard").frame
risk = risk[(risk["dimension"] == 50) & (risk["bag_size"] == 5)]
risk[risk["method"].isin(["interpolated", "ridge"])].pivot_table(
    index=["covariance", "noise"], columns="method", values="value"
).round(3)

# %% tags=["hide-input"]
claims.table("aggregate_responses")

# %% [markdown]
# ## Quantile forecasts: how should several models be pooled?
#
# **Read:** the abstract, summaries and the released code, not the text. **Run:** small models on a simulation, on
# PreDiabetes and on Adult. **Not here:** the paper's 34 data sets, its networks and forests, 99 levels, weights between
# levels (*fine* weights) and its penalty on crossings.
#
# **What came out.** A *quantile of level* 0.95 is a number that the response exceeds in one case of twenty. Levels near
# 0 and 1 are forecasts of what is rare.

# %% tags=["remove-input"]
claims.in_short("quantile_aggregation")

# %% [markdown]
# Rasool Fakoor and colleagues asked in 2021 ([arXiv 2103.00083](https://arxiv.org/abs/2103.00083)) how forecasts of
# several models should be combined when the answer is not a number but a handful of quantiles. A weight may belong to a
# model, to a model and a level, or change with the features; the abstract says that such weights improve accuracy and
# robustness. It also says that quantiles which cross can be put in order afterwards and lose nothing, and that
# conformal calibration can be applied on top.
#
# The error is the *pinball loss*: an error of one unit costs $\tau$ where the response is above the quantile of level
# $\tau$, and $1 - \tau$ where it is below. Its mean over levels is half the *weighted interval score*.
#
# ### Pooling in one picture
#
# Straight lines miss the bend of the simulation, neighbours follow it bluntly. A small network may trust one model here
# and another there. It settles on the one with the right shape, nearly everywhere.

# %% tags=["hide-input"]
from repro.plotting import quantile_aggregation as quantile_figures

quantile_figures.fans(results("quantile_aggregation.along", "quick").frame)

# %% [markdown]
# ### How to pool
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
against = found.count("quantile_aggregation-q2", part="average")
richer = found.count("quantile_aggregation-q3")
old = found.count("quantile_aggregation-q5")
Markdown(f"""
- **Sort quantiles that cross.** It costs nothing as long as all levels count
  alike. If one level alone matters, do not: then sorting can hurt.
- **Learn one weight for each model, on forecasts of rows that the models have
  not seen.** It beats the plain average in {against} settings, most where some
  models are bad. Where all models are about as good, average them.
- **Do not expect much of weights for each level or each row.** With the few
  thousand rows of this section they are ahead in {richer} comparisons.
- **Compare with quantile regression on the forecasts.** It is not behind
  weights of each level in {old} comparisons; the weakness is few rows.
- **Calibrate last**, on rows that were held back.""")

# %% [markdown]
# ### In detail: weights by one linear programme
#
# The loss of a pooled forecast is convex in the weights, and piecewise linear. So weights that do not depend on
# features need no training: a solver finds the best ones exactly.

# %%
from repro.quantiles import GlobalAggregator, pinball_loss, sort_levels

levels = np.array([0.1, 0.5, 0.9])
response = generator.normal(size=300)
narrow, wide = 0.5 * np.array([-1, 0, 1]), 2.5 * np.array([-1, 0, 1])
models = np.stack([narrow, wide]) + np.zeros((300, 1, 1))
shares = np.linspace(0, 1, 201)
losses = [
    pinball_loss(response, s * models[:, 0] + (1 - s) * models[:, 1], levels)
    for s in shares
]
by_hand = shares[np.argmin([loss.mean() for loss in losses])]
solved = GlobalAggregator(levels).fit(models, response).weights_[0, 0]
assert abs(by_hand - solved) < 0.01
print(f"weight of the narrow forecast: {by_hand:.3f} and {solved:.3f}")

# %% [markdown]
# Neither forecast is right: one is too narrow, one too wide. The mixture is near the truth, ±1.28.
#
# ### The claims about quantiles
#
# Sorting never raises the loss if all levels count alike. That is a theorem; the cards look whether code agrees.
# *Running extremes*, another repair in the released code, has no such guarantee, and unequal weights of the levels take
# it away from sorting.

# %% tags=["hide-input"]
display(
    claims.card("quantile_aggregation-q1"),
    claims.card("quantile_aggregation-q6"),
)

# %% [markdown]
# Next, what is learned. The pool holds linear quantile regression, the same on curved features, neighbours, Gaussian
# errors and boosted trees.

# %% tags=["hide-input"]
pooled = results("quantile_aggregation.methods", "standard").frame
display(
    quantile_figures.gains(pooled),
    claims.card("quantile_aggregation-q2"),
    claims.card("quantile_aggregation-q3"),
    claims.card("quantile_aggregation-q5"),
)

# %% [markdown]
# Conformal calibration asks rows that were held back how far intervals fall short, and widens all of them by so much.

# %% tags=["hide-input"]
claims.card("quantile_aggregation-q4")

# %% [markdown]
# #### In the tails
#
# The loss of the outermost levels, 0.05 and 0.95, over that of the plain average: below 1 is better.

# %% tags=["hide-input"]
ends = pooled[pooled["metric"].isin(["pinball_lowest", "pinball_highest"])]
ends = ends.pivot_table(
    index=["dataset", "rows", "metric"], columns="method", values="value"
)
chosen_ways = ["best_single", "global_coarse", "local_medium", "qra"]
ends = ends[chosen_ways].div(ends["average"], axis=0).round(3).reset_index()
ends["dataset"] = [name_of(name, "dataset") for name in ends["dataset"]]
ends["metric"] = ends["metric"].map(
    {"pinball_lowest": "0.05", "pinball_highest": "0.95"}
)
Markdown(
    ends.rename(
        columns={
            **{one: name_of(one) for one in chosen_ways},
            "metric": "level",
        }
    ).to_markdown(index=False)
)

# %% [markdown]
# ### Where pooling breaks
#
# Weights must be learned on forecasts of rows that the models have not seen. The released code fits its tree models
# again on all training rows, the validation rows among them, before it forecasts these: whoever memorises looks best.
# The table has the mean loss where weights come from held-out folds and where they come from rows that the models had
# seen.

# %% tags=["hide-input"]
seen = pooled[pooled["metric"] == "pinball"].pivot_table(
    index=["dataset", "rows"], columns="method", values="value"
)
seen = seen[["global_coarse", "in_sample", "average"]]
seen["loss added, %"] = 100 * (seen["in_sample"] / seen["global_coarse"] - 1)
seen = seen.round({"loss added, %": 1}).reset_index()
seen["dataset"] = [name_of(name, "dataset") for name in seen["dataset"]]
Markdown(seen.rename(columns=name_of).to_markdown(index=False, floatfmt=".4g"))

# %% [markdown]
# Two more traps. Levels that are not symmetric about one half have no weighted interval score; `repro.quantiles`
# refuses them there. And many equal responses, such as Adult's 40 hours a week, make the coverage jump: an interval
# that ends at 40 holds them all or none.
#
# ### Try it: quantiles
#
# The knob is the number of rows that calibrate. How far does the coverage of new rows stray from 90 %?

# %%
from repro.quantiles import conformalise

fresh = generator.normal(size=20_000)
for rows in (9, 19, 99, 999):
    covered = []
    for _ in range(200):
        calibration = generator.normal(size=rows)
        zero = np.zeros(rows)
        margin = conformalise(zero, zero, calibration, coverage=0.9)
        covered.append(np.mean(np.abs(fresh) <= margin))
    low, high = np.quantile(covered, [0.05, 0.95])
    print(f"{rows} rows: {np.mean(covered):.3f}, {low:.3f} to {high:.3f}")

# %% [markdown]
# **Exercise 4.** Two levels, 0.3 and 0.7, and the forecast (2, 1). For which weights of the levels does sorting raise
# the loss if the response is 2?
#
# <details><summary>Answer in words</summary>
#
# Before sorting the first quantile is right and the second too low by 1, which costs 0.7 times its weight. Afterwards
# the second is right and the first too low by 1: 0.3 times its weight. So it is worse if the first weight is more than
# 7/3 of the second.
#
# </details>

# %% tags=["hide-cell"]
crossed = np.array([[2.0, 1.0]])
for first in (0.5, 0.6, 0.7, 0.8, 0.9):
    weights = np.array([first, 1 - first])
    before, after = (
        float(pinball_loss([2.0], one, [0.3, 0.7])[0] @ weights)
        for one in (crossed, sort_levels(crossed))
    )
    print(f"first weight {first}: {after - before:+.2f}")

# %% [markdown]
# **Exercise 5.** Calibration is right on average. In a group with more noise it is not. Calibrate each group alone.
#
# <details><summary>Answer in words</summary>
#
# One margin for all covers the quiet group too often and the noisy one too seldom. A margin for each group costs rows:
# each needs at least nine to reach 90 %.
#
# </details>

# %% tags=["hide-cell"]
noisy = generator.random(4000) < 0.2
errors = generator.normal(size=4000) * np.where(noisy, 3.0, 1.0)
half, flat = np.arange(4000) < 2000, np.zeros(4000)
one_margin = conformalise(flat[half], flat[half], errors[half], coverage=0.9)
for name, group in (("noisy", noisy), ("quiet", ~noisy)):
    own = half & group
    margin = conformalise(flat[own], flat[own], errors[own], coverage=0.9)
    new = np.abs(errors[~half & group])
    print(name, np.mean(new <= one_margin).round(3), np.mean(new <= margin))

# %% tags=["hide-input"]
claims.table("quantile_aggregation")

# %% [markdown]
# **Not tested:** the paper's large comparison and its networks, more than seven levels, the penalty on crossings during
# training, and whether richer weights pay with many more rows.

# %% [markdown]
# ## Provenance, references, citation
#
# Every card names the commit, the machine and the table that it rests on. **Cite this reproduction** with the paper of
# the section:
#
# ```bibtex
# @incollection{imbalancebook-bags_and_quantiles,
#   author    = {{The Imbalance Book contributors}},
#   title     = {Less than a label, more than a mean: what do averages and
#                quantiles teach?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/bags_and_quantiles.ipynb}
# }
#
# @misc{javanmard2024,
#   author = {Javanmard, Adel and Chen, Lin and Mirrokni, Vahab and
#             Badanidiyuru, Ashwinkumar and Fu, Gang},
#   title  = {Learning from Aggregate Responses: Instance Level versus Bag
#             Level Loss Functions},
#   year   = {2024},
#   note   = {arXiv 2401.11081}
# }
#
# @misc{fakoor2021,
#   author = {Fakoor, Rasool and Kim, Taesup and Mueller, Jonas and Smola,
#             Alexander J. and Tibshirani, Ryan J.},
#   title  = {Flexible Model Aggregation for Quantile Regression},
#   year   = {2021},
#   note   = {arXiv 2103.00083}
# }
# ```
