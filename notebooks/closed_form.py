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
# *Reading time 19 minutes, five for the first part · simulated and embedded data, long runs as committed tables · no
# GPU.* In five minutes: [the picture](#the-idea-in-one-picture), [what to use instead](#what-to-use-instead).
#
# Some classifiers need no training by gradient descent. Means, variances, perhaps one system of linear equations, and
# they are done. The sections of this chapter each take a paper on such a classifier and ask what its result assumes.
#
# **What was run, and what was not.** All three papers: abstract and released code were read, not the text.
#
# - [Naive Bayes](#naive-bayes-how-many-examples-does-it-save). *Run*: two simulated classes up to dimension 200
#   (profile quick), and digits (20 seeds). *Left out*: the simulation at dimension 400, more classes, large pre-trained
#   models.
# - [GDA](#gda-can-class-means-replace-a-trained-head). *Run*: profiles quick and standard, small networks on digits, 20
#   of them on full MNIST. *Left out*: CLIP and the paper's 17 data sets, CIFAR-100.
# - [Random networks](#random-networks-which-part-of-the-fuzzy-weighted-graph-embedded-one-helps). *Run*: profiles quick
#   and standard, 102 KEEL sets with a smaller grid and one partition into four folds. *Left out*: profile
#   paper (the whole grid, five partitions), the medical data.

# %% mystnb={"code_prompt_show": "Install the package"} tags=["hide-input"]
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
# **Read:** the abstract and the released code, not the text. **Run:** the quick profile only: the simulation for two
# classes, and features of small networks on digits, which stand in for large pre-trained models. **Not here:** the
# larger profile, more than two classes, dimensions above 200, the paper's H-consistency bound and its few-shot
# experiments.
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
of_features = claims.Findings("standard")
few, many = (
    of_features.condition("naive_bayes-n4", part=part).verdict
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

# %% mystnb={"code_prompt_show": "All findings in numbers"} tags=["hide-cell"]
parts = ("as released", "standardised", "standardised, C = 0.01")
released, standardised, strong = (
    found.condition("naive_bayes-n8", part=part).verdict for part in parts
)
kinds = ("supervised", "rotations", "pixels")
earlier = {
    kind: of_features.condition("naive_bayes-n5", features=kind).verdict
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
features = results("naive_bayes.features", "standard").frame
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
# ## GDA: can class means replace a trained head?
#
# **Read:** the abstract and the released code, not the text. **Run:** heads on features of small networks for digits
# that they never saw: five embedded networks, and 20 more on full MNIST from a committed table. **Not here:** CLIP, its
# text classifier and the paper's 17 data sets, CIFAR-100, the variants for new classes and without labels. So this is
# the *classifier part only*.
#
# **What came out.** *Gaussian discriminant analysis* (GDA) takes the mean of each class and one covariance for all.

# %% tags=["remove-input"]
claims.in_short("gda")

# %% [markdown]
# Zhengbo Wang and colleagues ([arXiv 2402.04087](https://arxiv.org/abs/2402.04087), 2024) put this old classifier on
# the frozen features of CLIP, a large network for images and texts. It needs no training, and according to their
# abstract it surpasses or matches the state of the art with few examples of each class (*shots*), with imbalanced
# classes and on images from elsewhere, once it is added to CLIP's own text classifier. We ask what the classifier does
# by itself, and put beside it what the same rows give to a logistic regression: with a penalty that is chosen by
# cross-validation, with balanced weights, and with logits adjusted by the class shares.
#
# ### The idea in one picture
#
# One class is rare. Its mean lies where it lies, however few rows there are; only the *prior*, the share that the
# classifier believes the class to have, moves the line.

# %% tags=["hide-input"]
from repro.plotting import gda as gda_figures

draws = np.random.default_rng(5)
rare = np.arange(330) >= 300
clouds = draws.standard_normal((330, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
clouds[rare] += np.array([2.2, 0.3])
gda_figures.idea(clouds, rare)

# %% [markdown]
# So the method has two parts: a covariance, and a prior that is uniform by decree. The figure below tells on features
# what each is worth.

# %% tags=["hide-input"]
tails = results("gda.long_tail", "standard").frame
gda_figures.long_tail(tails)

# %% [markdown]
# ### What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
heads = claims.Findings("standard")
known_as = {"reproduced": "yes", "not reproduced": "no"}
answers = {
    part: ", ".join(
        f"{known_as.get(one.verdict, 'open')} at {ratio} to 1"
        for ratio in (10, 100)
        for one in [heads.condition("gda-g3", part=part, ratio=ratio)]
    )
    for part in (
        "tuned logistic regression",
        "balanced weights",
        "adjusted logits",
    )
}
Markdown(f"""
- **Features are frozen and classes imbalanced**: correct for the class shares
  first, by a uniform prior or by adjusted logits. Is GDA at most one point
  behind a tuned logistic regression without correction?
  {answers["tuned logistic regression"].capitalize()}. With balanced weights?
  {answers["balanced weights"].capitalize()}. With adjusted logits?
  {answers["adjusted logits"].capitalize()}.
- **You want no tuning**: take GDA with Ledoit-Wolf shrinkage, which has
  nothing to choose; over the released rule it gained
  {heads.effect("gda-g7", ratio=10, unit="points", signed=False)} at 10 to 1.
  Keep its prior uniform: under the released rule the empirical one lost
  {heads.effect("gda-g6", ratio=10, unit="points", signed=False)}.
- **One row of each class**: there is no covariance to estimate; the package
  falls back on the nearest class mean.""")

# %% [markdown]
# ### In detail: the method from scratch
#
# With class means $\mu_k$ and the pooled covariance $S$ of $N$ rows in $d$ dimensions the released code takes
# $P = d\,[(N - 1) S + \mathrm{tr}(S) I]^{-1}$ for the inverse covariance. The score of class $k$ is
# $\mu_k^\top P x - \mu_k^\top P \mu_k / 2$ plus the logarithm of its prior.

# %%
from repro.closed_form import GaussianDiscriminant
from repro.studies.gda.features import features as frozen


def gda_scores(X, y, rows):
    """Scores of each class, as the released code computes them."""
    mu = np.array([X[y == k].mean(axis=0) for k in range(y.max() + 1)])
    S = np.cov((X - mu[y]).T)
    N, d = X.shape
    P = d * np.linalg.inv((N - 1) * S + np.trace(S) * np.eye(d))
    return rows @ P @ mu.T - np.einsum("kd,de,ke->k", mu, P, mu) / 2


data = frozen("embedded", 0)
some = slice(0, 300)
ours = gda_scores(data.pool[some], data.pool_labels[some], data.test)
head = GaussianDiscriminant().fit(data.pool[some], data.pool_labels[some])
assert (head.predict(data.test) == ours.argmax(axis=1)).all()

# %% [markdown]
# Three things follow from the formula. A *factor* on $P$ changes nothing as long as priors are equal: all scores are
# multiplied by it. But $P$ is about $d / (N - 1)$ times the inverse covariance, so against the logarithms of
# *unequal* priors its scores count for too little where rows outnumber features, and for too much where they do not.
# And what is added to $S$ is $\mathrm{tr}(S) / (N - 1)$, that is $d / (N - 1)$ times the mean eigenvalue: little
# against the large eigenvalues, but much against the small ones even with many rows.
#
# ### The claims

# %% mystnb={"code_prompt_show": "All findings in numbers"} tags=["hide-cell"]
by_tail = {
    ratio: heads.effect("gda-g8", ratio=ratio, unit="points")
    for ratio in (10, 100)
}
Markdown(f"""
- *Closed form:* scores equal the logarithms of the densities to
  {claims.Findings("quick").effect("gda-g1", signed=False)}.
- *Few shots:* not behind (by more than a point) in {heads.count("gda-g2")}
  comparisons.
- *Long tails:* not behind in {heads.count("gda-g3")} comparisons.
- *Shifted images:* not behind in {heads.count("gda-g4")} kinds of shift.
- *Ensemble with prototypes:* better than either in {heads.count("gda-g5")}
  comparisons.
- *Prior:* the uniform one is ahead by
  {heads.effect("gda-g6", ratio=10, unit="points")} at 10 to 1 and
  {heads.effect("gda-g6", ratio=100, unit="points")} at 100 to 1. With a
  covariance on its right scale (Ledoit-Wolf) that is {by_tail[10]} and
  {by_tail[100]}: the rest is the factor.
- *Shrinkage:* Ledoit-Wolf instead of the released rule changes
  {heads.effect("gda-g7", ratio=10, unit="points")} at 10 to 1.""")

# %% [markdown]
# #### An exact fact

# %% tags=["hide-input"]
claims.card("gda-g1")

# %% [markdown]
# #### Few shots
#
# A seed is a network with its own training, and its own draw of rows. The nearest class mean is the simple baseline;
# the logistic regression chooses among seven penalties, inside the training rows; with one row of each class there is
# nothing to choose by, and C is 10.

# %% tags=["hide-input"]
few_shot = results("gda.few_shot", "standard").frame
display(gda_figures.shots(few_shot), claims.card("gda-g2"))

# %% [markdown]
# #### Long tails
#
# The most frequent of five digits has 200 rows, the rarest 20 or 2. Which digit is rare is drawn.

# %% tags=["hide-input"]
display(
    claims.card("gda-g3"),
    claims.card("gda-g6"),
    claims.card("gda-g8"),
    claims.card("gda-g7"),
)

# %% [markdown]
# #### Shifted tests
#
# Heads are fitted to 16 rows of each class and tested on images with noise, blurred or turned. The table has all heads.

# %% tags=["hide-input"]
shifts = results("gda.shift", "standard").frame
display(claims.card("gda-g4"))
shifts.pivot_table(
    index="method", columns="test_images", values="value"
).rename(name_of).rename_axis(columns="test images").round(3)

# %% [markdown]
# #### The ensemble
#
# CLIP's text classifier has a stand-in of known quality: means of other rows of the class, with noise as long as the
# mean distance of the class means from their centre. The weight of GDA in the ensemble is chosen on further rows, at
# most four of each class. To keep the count of labels fair, GDA alone is fitted to these rows as well.

# %% tags=["hide-input"]
ensembles = results("gda.ensemble", "standard").frame
trio = ("ensemble", "gda", "prototypes")
display(gda_figures.shots(ensembles, trio), claims.card("gda-g5"))

# %% [markdown]
# ### Where it breaks
#
# Two weak spots of the released rule, measured. The formula divides by zero with one shot. And the factor $d / (N -
# 1)$ makes its probabilities too soft where rows outnumber features: the table compares the mean probability that it
# gives to its own prediction with how often that is right.

# %% tags=["hide-input"]
import pandas as pd

fits = {
    "as released": GaussianDiscriminant(),
    "Ledoit-Wolf": GaussianDiscriminant("ledoit_wolf"),
}
table = {}
for name, model in fits.items():
    model.fit(data.pool, data.pool_labels)
    table[name] = {
        "share right": model.score(data.test, data.test_labels),
        "mean probability": model.predict_proba(data.test).max(axis=1).mean(),
    }
pd.DataFrame(table).T.round(3)

# %% [markdown]
# The features are another weak spot, of ours: 32 numbers of a small perceptron on digits. With CLIP's thousand, and few
# rows, the covariance is singular and shrinkage has another task. What the cards say holds for our features.
#
# ### Try it
#
# The knob is `ratio`, from equal classes to 100 to 1.

# %%
from sklearn.metrics import balanced_accuracy_score

from repro.data import make_long_tail

for ratio in (1, 10, 100):
    rows = make_long_tail(
        data.pool_labels, imbalance_ratio=ratio, random_state=0
    )
    scores = {}
    for prior in ("uniform", "empirical"):
        model = GaussianDiscriminant("ledoit_wolf", prior)
        model.fit(data.pool[rows], data.pool_labels[rows])
        right = balanced_accuracy_score(
            data.test_labels, model.predict(data.test)
        )
        scores[prior] = round(float(right), 3)
    print(ratio, scores)

# %% [markdown]
# **Exercise 1.** Give each class its own covariance (`covariance="class"`). With how many rows of each class does that
# pay?
#
# <details><summary>Answer in words</summary>
#
# A covariance of 32 features has 528 numbers. Five of them from 20 or 100 rows of each class are mostly noise. With 600
# rows they help, because the classes do differ in shape.
#
# </details>

# %% tags=["hide-cell"]
for count in (20, 100, 600):
    rows = np.concatenate(
        [np.flatnonzero(data.pool_labels == k)[:count] for k in range(5)]
    )
    scores = {
        kind: GaussianDiscriminant("ledoit_wolf", covariance=kind)
        .fit(data.pool[rows], data.pool_labels[rows])
        .score(data.test, data.test_labels)
        for kind in ("tied", "class")
    }
    print(count, {kind: round(value, 3) for kind, value in scores.items()})

# %% [markdown]
# **Exercise 2.** Between the identity and the plain inverse: how much shrinkage is best with eight rows of each class?
#
# <details><summary>Answer in words</summary>
#
# Little: between a thousandth and a tenth nothing changes, and a half is too much. With 40 rows and 32 features the
# released rule amounts to nearly a half.
#
# </details>

# %% tags=["hide-cell"]
rows = np.concatenate(
    [np.flatnonzero(data.pool_labels == k)[:8] for k in range(5)]
)
for amount in (0.001, 0.01, 0.1, 0.5, 1.0):
    model = GaussianDiscriminant(amount)
    model.fit(data.pool[rows], data.pool_labels[rows])
    print(amount, round(model.score(data.test, data.test_labels), 3))

# %% [markdown]
# **Exercise 3.** Draw virtual rows from the fitted classes, equally many of each, and train a logistic regression on
# them. What does it become?
#
# <details><summary>Answer in words</summary>
#
# GDA: the rows follow its model exactly, so the best linear rule on endlessly many of them is GDA's own. The share of
# equal predictions rises towards one.
#
# </details>

# %% tags=["hide-cell"]
teacher = GaussianDiscriminant("ledoit_wolf")
teacher.fit(data.pool[:300], data.pool_labels[:300])
for count in (20, 200, 5000):
    rows, labels = teacher.sample(count, random_state=0)
    pupil = LogisticRegression(C=1e3, max_iter=2000).fit(rows, labels)
    same = pupil.predict(data.test) == teacher.predict(data.test)
    print(count, round(float(same.mean()), 3))

# %% tags=["hide-input"]
claims.table("gda")

# %% [markdown]
# ## Random networks: which part of the fuzzy, weighted, graph-embedded one helps?
#
# **Read:** the abstract and the released code, not the text. **Run:** all 102 two-class sets of KEEL, one partition
# into four folds, a smaller grid that was fixed in advance; noise on the 60 smallest sets. **Not here:** the whole grid
# with five partitions (declared, not run), the paper's medical data (ADNI), other graphs than that of discriminant
# analysis.
#
# **What came out.** A *random-vector network* draws its hidden layer at random and solves for the output weights.

# %% tags=["remove-input"]
claims.in_short("fuzzy_rvfl")

# %% [markdown]
# M. A. Ganaie and colleagues ([arXiv 2307.07881](https://arxiv.org/abs/2307.07881), 2023) add three parts to such a
# network for imbalanced classes: *weights* by the size of the class, *fuzzy scores* that count a row less the deeper it
# lies in the other class, and a *graph* that shrinks directions in which a class varies and the class means do not.
# According to their abstract this combination leads to superior performance on imbalanced KEEL sets, with and without
# Gaussian noise. We take the parts away one by one, and put the plain baselines beside them: logistic regression with
# balanced weights, logistic regression with its threshold at the share of the rare class, and ridge with weights.
#
# ### The idea in one picture
#
# Many KEEL sets are cut from the same table: 19 from ecoli, 14 from yeast. They share rows, so 102 sets are 27
# *families*, and a family is what we count. Within each family all methods get a rank by balanced accuracy.

# %% tags=["hide-input"]
from repro.plotting import fuzzy_rvfl as rvfl_figures

keel = results("fuzzy_rvfl.tables", "standard").frame
rvfl_figures.ranks(keel)

# %% [markdown]
# ### What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). From this section:

# %% tags=["hide-input"]
families = claims.Findings("standard")
says = {
    "reproduced": "is clear",
    "inconclusive": "is open",
    "not reproduced": "is refuted",
}
rival = families.condition("fuzzy_rvfl-f4").verdict
parts = ("weights", "fuzzy scores", "graph")
own_part = {
    part: says[families.condition("fuzzy_rvfl-f2", part=part).verdict]
    for part in parts
}
Markdown(f"""
- **Start with a balanced logistic regression.** That the full network is
  better {says[rival]}: its balanced accuracy differs by
  {families.effect("fuzzy_rvfl-f4", unit="points")}.
- **If you use a random network, weight the classes.** That weights help beside
  the other two parts {own_part["weights"]}
  ({families.effect("fuzzy_rvfl-f2", part="weights", unit="points")}); that
  scores do {own_part["fuzzy scores"]}
  ({families.effect("fuzzy_rvfl-f2", part="fuzzy scores", unit="points")}),
  that the graph does {own_part["graph"]}
  ({families.effect("fuzzy_rvfl-f2", part="graph", unit="points")}).
- **Give the baseline its weights too.** The plain network, without any, is an
  easy rival.""")

# %% [markdown]
# ### In detail: the method from scratch
#
# Inputs $X$ are standardised, $H = \mathrm{relu}(XW + b)$ is drawn, $Z = [X, H, 1]$. With weights and scores on the
# diagonal of $S$, a graph matrix $G$ and one-hot targets $Y$, the output weights solve
# $[\gamma (I + \lambda G) + Z^\top S^2 Z]\,\beta = Z^\top S^2 Y$. Here without scores and graph:

# %%
from sklearn.preprocessing import StandardScaler

from repro.closed_form import solve_link
from repro.studies.fuzzy_rvfl.tables import table as keel_table


def output_weights(Z, y, C):
    """Output weights for the rare class over the other, rows weighted."""
    n_p, n_n = y.sum(), (~y).sum()
    S = np.diag(np.where(y, 1 + n_n / n_p, 1 + n_p / n_n))
    gamma = 1 / C + n_n / (C * n_p)
    Y = np.stack([~y, y], axis=1).astype(float)
    left = gamma * np.eye(Z.shape[1]) + Z.T @ S**2 @ Z
    return np.linalg.solve(left, Z.T @ S**2 @ Y) @ [-1, 1]


cancer = keel_table("breast_cancer")
X = StandardScaler().fit_transform(cancer.X)
W, b = draws.uniform(-1, 1, (30, 50)), draws.uniform(0, 1, 50)
Z = np.hstack([X, np.maximum(X @ W + b, 0), np.ones((len(X), 1))])
solved = solve_link(Z, cancer.y, [10.0], weights="classes")[0, 0]
assert np.allclose(output_weights(Z, cancer.y, 10.0), solved)

# %% [markdown]
# One decomposition of $Z^\top S^2 Z$ serves all penalties; with a graph each penalty needs its own factorisation, but
# the Gram matrix is formed once.
#
# ### The claims

# %% mystnb={"code_prompt_show": "All findings in numbers"} tags=["hide-cell"]
under = {
    noise: families.effect("fuzzy_rvfl-f3", noise=noise, unit="points")
    for noise in (0.1, 0.2, 0.4)
}
noises = ", ".join(f"{effect} at {noise}" for noise, effect in under.items())
released = families.condition("fuzzy_rvfl-f5").verdict
Markdown(f"""
- *Against the plain network:* the full one is ahead by
  {families.effect("fuzzy_rvfl-f1", unit="points")} of balanced accuracy.
- *Parts:* {families.count("fuzzy_rvfl-f2")} contribute beside the other two.
- *Noise* (standard deviations of a feature): ahead of the plain network by
  {noises}.
- *Against balanced logistic regression:*
  {families.effect("fuzzy_rvfl-f4", unit="points")}; that it is better is
  {rival}.
- *Released solution:* that it does as well as weighted least squares is
  {released}; it differs by
  {families.effect("fuzzy_rvfl-f5", unit="points")}.
- *Exact facts:* {claims.Findings("quick").count("fuzzy_rvfl-f6")} hold.""")

# %% [markdown]
# #### The full network against the plain one
#
# Every method chooses its settings inside the training part, by balanced accuracy in three folds. The baselines have
# four penalties to choose from, the full network 48 settings: an advantage where rows are many, a burden where the rare
# class has a handful.

# %% tags=["hide-input"]
display(claims.card("fuzzy_rvfl-f1"), claims.card("fuzzy_rvfl-f2"))

# %% [markdown]
# The table has the mean over families for all methods, and once more for the sets in which one class has at least three
# times as many rows as the other: some KEEL sets are hardly imbalanced.

# %% tags=["hide-input"]
clean = keel[keel["noise"] == 0]
clean.pivot_table(index="method", columns="metric", values="value").rename(
    name_of
).rename(columns=lambda name: name_of(name, "metric")).round(3).sort_values(
    "balanced accuracy", ascending=False
)

# %% [markdown]
# #### With noise on the features

# %% tags=["hide-input"]
noisy = keel[keel["metric"] == "balanced_accuracy"].pivot_table(
    index="method", columns="noise", values="value"
)
display(claims.card("fuzzy_rvfl-f3"))
noisy.dropna().rename(name_of).round(3)

# %% [markdown]
# The column without noise is over all sets, the others over the 60 smallest, so compare within a column.
#
# #### The missing baseline, and the released solution

# %% tags=["hide-input"]
display(
    claims.card("fuzzy_rvfl-f4"),
    claims.card("fuzzy_rvfl-f5"),
    claims.card("fuzzy_rvfl-f6"),
)

# %% [markdown]
# ### Where it breaks
#
# The fuzzy scores rest on a kernel of one width. The example of the released code has a width of 0.125; standardised
# rows of $d$ features lie about $\sqrt{2d}$ apart. Far below that every row is alone, and the scores say nothing.

# %% tags=["hide-input"]
least = 0.125 / np.sqrt(X.shape[1])
rvfl_figures.scores(X, cancer.y, [least, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0])

# %% [markdown]
# With a width that fits the scores do another harm: a rare row among rows of the other class counts for *nothing*. The
# table has the share of rows with score 0.

# %% tags=["hide-input"]
from repro.closed_form import fuzzy_scores

shares = {}
for name in ("breast_cancer", "german_credit", "prediabetes", "simulated_5"):
    task = keel_table(name)
    inputs = StandardScaler().fit_transform(task.X)
    width = np.sqrt(inputs.shape[1])
    nothing = fuzzy_scores(inputs, task.y, width) == 0
    shares[name_of(name, "dataset")] = {
        "rarer class": nothing[task.y].mean(),
        "other class": nothing[~task.y].mean(),
    }
pd.DataFrame(shares).T.round(2)

# %% [markdown]
# Four more spots in the release, read in the code. Features are standardised over the whole file before it is split;
# the split takes the rows in the order of the file; the number called AUC is balanced accuracy; rows are weighted twice
# on one side of the system and once on the other. The authors say that the code was cleaned and is not exactly what the
# paper used. One of these spots can be measured here: in the setting of the example the graph changes next to nothing.

# %% tags=["hide-input"]
from repro.closed_form import discriminant_graph

graph = discriminant_graph(Z, cancer.y)
for C in (1e4, 1.0, 1e-2):
    without, with_graph = (
        Z
        @ solve_link(
            Z, cancer.y, [C], weights="classes", graph=graph, strengths=[size]
        )[0, 0]
        for size in (0.0, 1e-3)
    )
    moved = np.linalg.norm(with_graph - without) / np.linalg.norm(without)
    print(f"C = {C:g}: outputs move by {moved:.2%}")

# %% [markdown]
# ### Try it
#
# The knob is the width of the kernel, in square roots of the number of features.

# %%
from sklearn.model_selection import cross_val_score

from repro.closed_form import RandomVectorLink

credit = keel_table("german_credit")
for width in (0.05, 0.5, 2.0):
    network = RandomVectorLink(
        50, 1.0, weights="classes", scores=width, random_state=0
    )
    right = cross_val_score(
        network, credit.X, credit.y, scoring="balanced_accuracy", cv=4
    )
    print(width, round(float(right.mean()), 3))

# %% [markdown]
# **Exercise 1.** Use the fuzzy scores to find wrong labels: flip 5 % of the labels of the breast cancer set. How well
# do low scores point to the flipped rows?
#
# <details><summary>Answer in words</summary>
#
# Well, if the width fits: a flipped row lies inside the other class, and its score falls to zero. The area under the
# ROC curve of "low score means flipped" tells how well.
#
# </details>

# %% tags=["hide-cell"]
from sklearn.metrics import roc_auc_score

flipped = draws.random(len(X)) < 0.05
for width in (0.125, 0.5 * np.sqrt(30), 2 * np.sqrt(30)):
    trust = fuzzy_scores(X, cancer.y ^ flipped, width)
    area = roc_auc_score(flipped, -trust)
    print(f"width {width:.3f}: area {area:.2f}")

# %% [markdown]
# **Exercise 2.** Replace the graph by the identity. Which part of the effect of the graph was plain shrinkage?
#
# <details><summary>Answer in words</summary>
#
# With $G = I$ the penalty is only multiplied by $1 + \lambda$: a setting that the grid over $C$ has already. What
# differs from that is the work of the graph.
#
# </details>

# %% tags=["hide-cell"]
for name, matrix in {
    "graph": graph,
    "identity": np.eye(len(graph)),
}.items():
    weights = solve_link(
        Z,
        cancer.y,
        [1.0],
        weights="classes",
        graph=matrix,
        strengths=[1.0],
    )[0, 0]
    print(name, round(float(np.linalg.norm(weights)), 4))

# %% [markdown]
# **Exercise 3.** How much does the draw of the hidden layer matter? Take five seeds.
#
# <details><summary>Answer in words</summary>
#
# About as much as many differences that tables of such networks report. Compare methods on the same draws.
#
# </details>

# %% tags=["hide-cell"]
draws_of_layer = [
    cross_val_score(
        RandomVectorLink(50, 1.0, weights="classes", random_state=seed),
        credit.X,
        credit.y,
        scoring="balanced_accuracy",
        cv=4,
    ).mean()
    for seed in range(5)
]
print([round(float(value), 3) for value in draws_of_layer])

# %% tags=["hide-input"]
claims.table("fuzzy_rvfl")

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
#
# @misc{wang2024gda,
#   author = {Wang, Zhengbo and Liang, Jian and Sheng, Lijun and He, Ran and Wang, Zilei and Tan, Tieniu},
#   title  = {A Hard-to-Beat Baseline for Training-free {CLIP}-based Adaptation},
#   year   = {2024},
#   note   = {arXiv 2402.04087; International Conference on Learning Representations}
# }
#
# @misc{ganaie2023,
#   author = {Ganaie, M. A. and Sajid, M. and Malik, A. K. and Tanveer, M.},
#   title  = {Graph Embedded Intuitionistic Fuzzy Random Vector Functional
#             Link Neural Network for Class Imbalance Learning},
#   year   = {2023},
#   note   = {arXiv 2307.07881}
# }
# ```
