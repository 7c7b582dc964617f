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
# # Closed forms: when is solving better than training?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/closed_form.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/closed_form.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/closed_form.py
#
# *Reading time 7 minutes, half of them for the first part · simulated data and embedded digits · no GPU.* In five
# minutes: [the picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# Some classifiers need no training by gradient descent. Means, variances, perhaps one system of linear equations, and
# they are done. The sections of this chapter each take a paper on such a classifier and ask what its result assumes.

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
# ## Naive Bayes: how many examples does it save?
#
# **Read:** the abstract and the released code, not the text. **Run:** the simulation for two classes, and features of
# small networks on digits. **Not here:** more than two classes, dimensions above 200, large pre-trained models.
#
# <details><summary>More on what was read, run and left out</summary>
#
# The larger profile was not run. Our features are stand-ins for those of large pre-trained models. The paper's
# H-consistency bound and its few-shot experiments are not tested.
#
# </details>
#
# **What came out.** *Naive Bayes* estimates a mean and a variance for each column; *logistic regression* fits weights.

# %% tags=["remove-input"]
from repro import claims

claims.in_short("naive_bayes")

# %% [markdown]
# [Ng and Jordan](../book/bibliography.md) compared in 2001 these two ways to the same *linear rule*, a weighted sum of
# the features that is compared with a number. Chenyu Zheng and colleagues took the comparison up in 2023
# ([arXiv 2302.02334](https://arxiv.org/abs/2302.02334)) for several classes and for features of pre-trained networks.
# According to their abstract, under mild assumptions, naive Bayes needs $O(\log n)$ examples to approach its asymptotic
# error, the error it would have with endless examples, and logistic regression $O(n)$, where $n$ is the dimension. Both
# are upper bounds. We look at the *power* with which the number of examples grows: at power 1 it doubles when the
# dimension doubles, at power 0 it stays.

# %% [markdown]
# ### The idea in one picture
#
# Two normal classes with means $\pm 1$ in each of $n$ coordinates; half of the coordinates have variance $n$, the other
# half variance 1. The *Bayes error* is that of the best possible rule. For every $n$ we look for the smallest number of
# examples with which the mean error of five draws is within one point of it (left) or two points (right). A linear rule
# has an exact error here, so no test sample blurs the count. A seed stands for five new draws of training rows.

# %% tags=["hide-input"]
import numpy as np

from repro.plotting import naive_bayes as figures
from repro.protocol.names import name_of
from repro.running import results

growth = results("naive_bayes.growth", "quick").frame
figures.growth(growth)

# %% [markdown]
# On the left each coordinate adds to the distance between the classes, and in dimension 40 the Bayes error is already
# zero for all purposes. On the right the means are scaled so that the Bayes error stays at 10 %.
#
# ### What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
from IPython.display import Markdown, display

found = claims.Findings("quick")
few, many = (
    found.condition("naive_bayes-n4", part=part).verdict
    for part in ("few", "many")
)
known = {
    "reproduced": "clear",
    "inconclusive": "open",
    "not reproduced": "refuted",
}
Markdown(f"""
- **One class is rare** (50 rows to 1): standardise the columns, fit a logistic
  regression, and adjust its logits, that is, take the logarithm of the ratio
  of the classes off its score. This was no more than two points behind naive
  Bayes, or ahead, in
  {found.count("naive_bayes-n9")} simulated designs.
- **Many columns and few rows**: naive Bayes is a good start. At dimension 100
  it needed fewer examples in {found.count("naive_bayes-n8")} variants of
  logistic regression; but there its model, independent columns, is right.
- **Features of a network**: compare both. That logistic regression is ahead
  with 1,000 examples is {known[many]}; that naive Bayes is ahead with 20 is
  {known[few]} (a small network on digits).""")

# %% [markdown]
# Those were the five minutes; the rest goes into detail.
#
# ### In detail: the powers
#
# These are the powers of the figure, and below them how many times as many examples as naive Bayes the others need. One
# seed has all penalties.

# %% tags=["hide-input"]
powers = growth[growth["metric"] == "power"]
powers = powers.pivot_table(index="method", columns="design", values="value")
display(powers.rename(name_of).round(2))
needed = growth[growth["metric"] == "examples"].copy()
needed["log"] = np.log(needed["value"])
needed = needed.pivot_table(
    index=["design", "replicate", "dimension"], columns="method", values="log"
)
ratios = np.exp(
    needed.sub(needed["naive_bayes"], axis=0)
    .groupby(["design", "dimension"])
    .mean()
)
ratios.round(1).T.rename(name_of)

# %% [markdown]
# ### The method from scratch
#
# Two passes over the rows give class means $\mu_k$, pooled variances $\sigma_j^2$ and class shares $\pi_k$. The score
# of class $k$ is $\log \pi_k + \sum_j (x_j \mu_{kj} - \mu_{kj}^2 / 2) / \sigma_j^2$.

# %%
from repro.closed_form import PooledNaiveBayes
from repro.studies.naive_bayes.experiments import two_classes


def naive_bayes(X, y):
    """Weights and offset of the score of class 1 over class 0."""
    means = np.array([X[y == k].mean(axis=0) for k in (0, 1)])
    variances = ((X - means[y]) ** 2).mean(axis=0)
    weights = (means[1] - means[0]) / variances
    offset = (
        np.log(y.mean() / (1 - y.mean())) - weights @ means.sum(axis=0) / 2
    )
    return weights, offset


generator = np.random.default_rng(0)
means, variances = two_classes("constant", 40)
y = generator.integers(0, 2, 200)
X = means[y] + generator.standard_normal((200, 40)) * np.sqrt(variances)
weights, offset = naive_bayes(X, y)
solved = PooledNaiveBayes(var_smoothing=0.0).fit(X, y)
assert np.allclose(weights, solved.coef_[0])
assert np.isclose(offset, solved.intercept_[0])

# %% [markdown]
# What is logarithmic about it? A mean of $m$ rows is off by $1/\sqrt{m}$ standard deviations in each coordinate, and
# the *largest* of $n$ such errors by about $\sqrt{2 \log n / m}$. To keep the largest error small, $\log n$ examples
# do. But the error of the rule depends on the *sum* of squares, which is $n / m$. In the paper's design the growing
# distance between the classes pays for that sum; there the logarithm is only an upper bound, and the table of powers
# says what the number does.
#
# ### The claims

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "All findings in numbers"}
parts = ("as released", "standardised", "standardised, C = 0.01")
released, standardised, strong = (
    found.condition("naive_bayes-n8", part=part).verdict for part in parts
)
kinds = ("supervised", "rotations", "pixels")
earlier = {
    kind: found.condition("naive_bayes-n5", features=kind).verdict
    for kind in kinds
}
paper, constant = (
    found.count("naive_bayes-n6", design=design)
    for design in ("paper", "constant")
)
adjusted = found.count(
    "naive_bayes-n6", design="constant", part="adjusted logits"
)
Markdown(f"""
- *The paper's simulation, two classes:* with the penalty (C = 1) and the
  unscaled columns of the released code, the power of logistic regression
  exceeds that of naive Bayes by {found.effect("naive_bayes-n1")}. That the
  order turns round once the columns are standardised is
  {found.condition("naive_bayes-n7").verdict}: the power of naive Bayes minus
  that of logistic regression is then {found.effect("naive_bayes-n7")}.
- *Problems that stay equally hard:* that naive Bayes needs proportionally many
  examples there is {found.condition("naive_bayes-n3").verdict}; that logistic
  regression needs more of them is {released} with unscaled columns,
  {standardised} with standardised ones and {strong} if a hundredfold penalty
  is added.
- *Features of a supervised network:* whether naive Bayes is ahead with 20
  examples is {few}; that it is behind with 1,000 is {many}.
- *Three kinds of features:* that naive Bayes comes close to its own last
  accuracy earlier is {earlier["supervised"]} for the supervised network,
  {earlier["rotations"]} for the one trained on rotations, {earlier["pixels"]}
  for pixels.
- *Imbalance:* with 50 rows of one class to 1 of the other naive Bayes is ahead
  of logistic regression (C = 1, unscaled) in {paper} comparisons in the
  paper's design and in {constant} in an equally hard one, where it is behind
  adjusted logits ({adjusted:against}). That with standardised columns and
  adjusted logits logistic regression is no more than two points behind is
  reproduced in {found.count("naive_bayes-n9")} designs.""")

# %% [markdown]
# #### In the simulation

# %% tags=["hide-input"]
display(
    claims.card("naive_bayes-n1"),
    claims.card("naive_bayes-n7"),
    claims.card("naive_bayes-n2"),
)

# %% [markdown]
# #### When the difficulty stays the same
#
# This is our question, not the paper's: a case that the assumptions of the theorem exclude, or in which its
# bound is not tight; we did not check which. The criteria of the claims up to the fifth were fixed after a pilot with
# other seeds and before these tables; the sixth was restated and the seventh to the ninth were added after a first
# reading, when earlier tables were known.

# %% tags=["hide-input"]
display(claims.card("naive_bayes-n3"), claims.card("naive_bayes-n8"))

# %% [markdown]
# #### On features
#
# A small perceptron learns to tell the digits 0 to 4 apart, another one by how much they were turned. Both then
# describe the digits 5 to 9, which they never saw. Beside them stand principal components of small digits. These are
# stand-ins for the large vision models of the paper. A seed varies which rows are used for training and, for the
# networks, their initial weights and batches. All columns are standardised here.

# %% tags=["hide-input"]
features = results("naive_bayes.features", "quick").frame
display(
    figures.learning_curves(features),
    claims.card("naive_bayes-n4"),
    claims.card("naive_bayes-n5"),
)

# %% [markdown]
# Converging faster is not the same as being better: each method is measured against its *own* accuracy at the largest
# size. The first card is about the supervised network alone, the second about all three kinds. The table has the mean
# difference to naive Bayes for all three kinds of features, and for other penalties and a discriminant analysis with a
# full, shrunken covariance.

# %% tags=["hide-input"]
accuracy = features[
    (features["metric"] == "accuracy")
    & features["examples"].isin([20, 100, 1000])
]
accuracy = accuracy.pivot_table(
    index=["features", "examples"], columns="method", values="value"
)
lead = accuracy.sub(accuracy["naive_bayes"], axis=0)
lead.drop(columns="naive_bayes").round(3).T.rename(name_of)

# %% [markdown]
# ### Where it breaks
#
# We go back to both designs, with 300 rows in dimension 40, and make one class rare. What counts is *balanced
# accuracy*, the mean of the shares of each class that are classified rightly. Logistic regression is also given its
# usual remedies: balanced class weights, and logits adjusted by the class shares, which means that the logarithm of
# the ratio of the classes is taken off its score.

# %% tags=["hide-input"]
display(claims.card("naive_bayes-n6"), claims.card("naive_bayes-n9"))

# %% tags=["hide-input"]
imbalance = results("naive_bayes.imbalance", "quick").frame
imbalance = imbalance.pivot_table(
    index="method", columns=["design", "ratio"], values="value"
)
imbalance.rename(name_of).round(3)

# %% [markdown]
# The comparison depends on the design, on the scale of the columns and on the penalty. Naive Bayes is the right model
# in both designs. It shines where the classes lie far apart.
#
# ### Try it
#
# The knob is `correlation`: all coordinates share one hidden factor. At 0 naive Bayes is the right model.

# %%
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

for correlation in (0.0, 0.3, 0.6):
    factor = generator.standard_normal((4200, 1)) * np.sqrt(correlation)
    own = generator.standard_normal((4200, 20)) * np.sqrt(1 - correlation)
    labels = generator.integers(0, 2, 4200)
    rows = factor + own + np.outer(labels, np.linspace(0, 1, 20))
    rivals = {
        "naive Bayes": PooledNaiveBayes(),
        "logistic": LogisticRegression(),
        "discriminant": LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage="auto"
        ),
    }
    scores = {
        name: model.fit(rows[:200], labels[:200]).score(
            rows[200:], labels[200:]
        )
        for name, model in rivals.items()
    }
    print(
        correlation, {name: round(score, 3) for name, score in scores.items()}
    )

# %% [markdown]
# **Exercise 1.** In the equally hard design, what happens if only five coordinates tell the classes apart and all
# others are noise?
#
# <details><summary>Answer in words</summary>
#
# The noise coordinates have equal means, but their estimates differ, and each adds noise of the same size to the score.
# So their number decides, as before. A rule that leaves out coordinates with small differences needs the *largest*
# error to be small, and there the logarithm comes back.
#
# </details>

# %% tags=["hide-cell"]
from repro.closed_form import linear_error_rates

for n in (20, 200):
    centres = np.zeros((2, n))
    centres[1, :5] = 1.2
    labels = np.arange(100) % 2
    rows = centres[labels] + generator.standard_normal((100, n))
    fitted = PooledNaiveBayes().fit(rows, labels)
    all_of_them, offset = fitted.coef_[0], fitted.intercept_[0]
    kept = np.abs(all_of_them) > 2.5 * np.sqrt(4 / 100)
    middle = fitted.means_.mean(axis=0)
    for name, weights in {
        "all": all_of_them,
        "large ones": all_of_them * kept,
    }.items():
        error = linear_error_rates(
            weights, -weights @ middle, centres, np.ones(n)
        ).mean()
        print(f"n = {n}, {name}: error {error:.3f}")

# %% [markdown]
# **Exercise 2.** Does the empirical prior help naive Bayes at 50 to 1, or does it hurt?
#
# <details><summary>Answer in words</summary>
#
# For balanced accuracy the uniform prior is the right one. In the paper's design it hardly matters: the classes lie so
# far apart that a shift of the threshold by $\log 50$ is small against the distance.
#
# </details>

# %% tags=["hide-cell"]
for design in ("paper", "constant"):
    centres, spread = two_classes(design, 40)
    labels = (np.arange(306) % 51 == 0).astype(int)
    rows = centres[labels] + generator.standard_normal((306, 40)) * np.sqrt(
        spread
    )
    for prior in ("empirical", "uniform"):
        fitted = PooledNaiveBayes(prior=prior).fit(rows, labels)
        rates = linear_error_rates(
            fitted.coef_[0], fitted.intercept_[0], centres, spread
        )
        print(
            f"{design}, {prior} prior: balanced accuracy "
            f"{1 - rates.mean():.3f}"
        )

# %% [markdown]
# **Exercise 3.** How large is the Bayes error of the paper's design in dimension 20 and in dimension 100?
#
# <details><summary>Answer in words</summary>
#
# Half the distance between the classes is $\sqrt{(n + 1) / 2}$ standard deviations. In dimension 20 that leaves an
# error below one in a thousand, in dimension 100 one that no sample will ever show.
#
# </details>

# %% tags=["hide-cell"]
for n in (20, 100):
    centres, spread = two_classes("paper", n)
    print(
        n, linear_error_rates(centres[1] / spread, 0.0, centres, spread).mean()
    )

# %% tags=["hide-input"]
claims.table("naive_bayes")

# %% [markdown]
# ## Provenance, references, citation
#
# Every card names the commit, the machine and the table that it rests on. The references stand in the
# bibliography of the book.
#
# **Cite this reproduction** together with the paper of the section:
#
# ```bibtex
# @incollection{imbalancebook-closed_form,
#   author    = {{The Imbalance Book contributors}},
#   title     = {Closed forms: when is solving better than training?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/closed_form.ipynb}
# }
#
# @misc{zheng2023,
#   author = {Zheng, Chenyu and Wu, Guoqiang and Bao, Fan and Cao, Yue and Li, Chongxuan and Zhu, Jun},
#   title  = {Revisiting Discriminative vs. Generative Classifiers: Theory and Implications},
#   year   = {2023},
#   note   = {arXiv 2302.02334}
# }
# ```
