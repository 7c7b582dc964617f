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
# # Less than a label: what do averages of groups teach about single rows?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/bags_and_quantiles.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/bags_and_quantiles.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/bags_and_quantiles.py
#
# *Reading time 6 minutes · simulated and embedded data · no GPU.* In five minutes: [the
# picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# Rare events are often counted by district, ward or week: the average of a group is known, single rows are not. The
# paper of this chapter asks how to fit a model to such averages.

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
# ## Provenance, references, citation
#
# Every card names the commit, the machine and the table that it rests on. **Cite this reproduction** with the paper:
#
# ```bibtex
# @incollection{imbalancebook-bags_and_quantiles,
#   author    = {{The Imbalance Book contributors}},
#   title     = {Less than a label: what do averages of groups teach about
#                single rows?},
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
# ```
