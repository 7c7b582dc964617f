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
# # Mixup: where do the features of a half-and-half picture go?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/mixup_collapse.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/mixup_collapse.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/mixup_collapse.py
#
# *Reading time 10 minutes, five for the first part · digits that come with scikit-learn, longer runs as committed
# tables · no GPU.* In five minutes: [the picture](#the-idea-in-one-picture), [what to use
# instead](#what-to-use-instead).
#
# **Read:** the paper's abstract. **Run:** the exact model, and small networks on 8 × 8 digits as a stand-in for the
# paper's. **Not here:** a ResNet-18 on images, which needs a GPU.
#
# <details><summary>More on what was read, run and left out</summary>
#
# The full text of the paper was not at hand; statements are given in our words. The closed form was derived for this
# book.
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
# **What came out.** *Mixup* trains a network on pictures that do not exist: 70 % of a three laid over 30 % of an eight,
# with the label "0.7 three, 0.3 eight".

# %% tags=["remove-input"]
from repro.claims import in_short

in_short("mixup_collapse")

# %% [markdown]
# Mixup is an idea of Zhang and colleagues ([arXiv 1710.09412](https://arxiv.org/abs/1710.09412)). Quinn Fisher, Haoming
# Meng and Vardan Papyan asked in 2024 where the last hidden layer puts such mixes ([arXiv
# 2402.06171](https://arxiv.org/abs/2402.06171)). Between the two classes, of course. But not on the straight line. This
# chapter solves their model exactly, looks whether small networks follow, and tests whether mixup makes a network's
# probabilities more honest. It builds on [the chapter on neural collapse](neural_collapse.ipynb).

# %% [markdown]
# ## The idea in one picture
#
# Two networks with the same initial weights see the same digits, one with mixup, one without. Then both are shown the
# same mixes of zeros and ones. Training without mixup is called *erm* in the tables, for empirical risk minimisation.
# The classifier has a *row* of weights for each class. Any two rows *span* a plane, that is, they lie in one; in it we
# draw the features.

# %%
import numpy as np

from repro.plotting import mixup_collapse as figures
from repro.studies.mixup_collapse.networks import mixed, recipe_of
from repro.studies.mixup_collapse.trainings import geometry_of
from repro.trials import divided_digits, fit

task, seed = divided_digits(1500, random_state=0), np.random.SeedSequence(0)
geometries = {}
for title, concentration in (
    ("trained with mixup", 1.0),
    ("trained without", None),
):
    trained = fit(
        task, mixed(concentration), recipe_of("digits", 200), seed=seed
    )
    geometries[title] = geometry_of(trained, seed=0, n_pairs=6000)
figures.channel(geometries, 0, 1)

# %% [markdown]
# The straight line between the means of two classes is the *chord*. Without mixup the mean follows it more or less: the
# network is nearly linear between what it has seen. With mixup the middle *bulges* outwards. The paper calls this a
# *channel* along the boundary between two classes.
#
# ## What to use instead
#
# If it is calibration you want, probabilities that mean what they say, divide the logits (the scores before they become
# probabilities) by one number, the *temperature*, fitted on rows held back from training. It leaves every decision as
# it is. What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md).
#
# - **Mixup is data augmentation.** Use it if it raises accuracy on your data, and check.
# - **Calibrate afterwards, if there is something to calibrate.** In [the table below](#one-number-in-place-of-mixup) a
#   temperature lowers the calibration error after mixup at both sizes and after plain training on 100 rows; after plain
#   training on 1,500 it does not. Only plain training with a temperature against mixup is a claim.
# - **A temperature needs mistakes to learn from.** After training on 1,500 rows few test rows are wrong, and half the
#   test part holds only a handful of errors. The fitted number is then shaky, and the log-loss in the table can get
#   *worse* even where the calibration error falls.
# - **Look at confidence minus accuracy before choosing a remedy.** Here mixup pushed one way only: down.
# - **With rare classes** temperature scaling does not repair class shares that are others in training than in use;
#   [prior correction](smote.ipynb) does.
#
# Those were the five minutes; the rest goes into detail.
#
# ## In detail: the method from scratch
#
# As in the chapter on neural collapse we forget the network and let the feature $h$ of a mix be free. The classifier is
# fixed: its rows $w_k$, of length $m$, form a simplex frame. For a target with weight $t$ on class $i$ and $1 - t$ on
# class $j$ we minimise the cross-entropy plus $\frac{\lambda_H}{2} \lVert h \rVert^2$. This is convex, so there is one
# answer, $h = \alpha w_i + \beta w_j$. Setting the gradient to zero gives, with $\kappa = m^2 K / (K - 1)$,
#
# $$\lambda_H \alpha + \frac{e^{\kappa \alpha} - 1}{Z} = t , \qquad \lambda_H \beta + \frac{e^{\kappa \beta} - 1}{Z} =
# 1 - t , \qquad Z = e^{\kappa \alpha} + e^{\kappa \beta} + K - 2 .$$
#
# For a given $Z$ each of the first two is one equation with one unknown. So two nested bisections do.


# %%
def bisect(function, low, high):
    """Root of a function that rises from below to above zero."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < 0 else (low, middle)
    return (low + high) / 2


def mixed_feature(K, m, penalty, t):
    """Coefficients alpha and beta of the best feature of a mixed target."""
    kappa = m**2 * K / (K - 1)

    def coefficients(log_z):
        return [
            bisect(
                lambda a, weight=weight: (
                    penalty * a + np.expm1(kappa * a) * np.exp(-log_z) - weight
                ),
                0.0,
                weight / penalty,
            )
            for weight in (t, 1 - t)
        ]

    def lacking(log_z):
        return log_z - np.log(
            np.exp(kappa * np.array(coefficients(log_z))).sum() + K - 2
        )

    return coefficients(
        bisect(lacking, np.log(K), np.log(K) + kappa / penalty)
    )


# %% [markdown]
# The same, fast, with probabilities and loss: `repro.geometry.mixup_ufm`.

# %%
from repro.geometry import mixup_ufm

for t in (1.0, 0.9, 0.7, 0.5):
    exact = mixup_ufm(5, row_norm=1.3, lambda_H=0.02, target_weight=t)
    assert np.allclose(
        mixed_feature(5, 1.3, 0.02, t),
        [exact.alpha, exact.beta],
        rtol=0,
        atol=1e-9,
    )
    i, j, other = exact.probabilities
    print(
        f"t = {t}: alpha {exact.alpha:.3f}, beta {exact.beta:.3f}, p "
        f"{i:.3f}, {j:.3f}, {other:.3f}"
    )

# %% [markdown]
# For $t = 1$ nothing is mixed, and a mix *within* a class has the same target whatever its $t$: so its best feature is
# the same point, a multiple of $w_i$. For $t$ below 1 look at $\alpha + \beta$, the way along both rows.

# %% tags=["hide-input"]
figures.exact_channels(
    n_classes=10, row_norm=1.0, penalties=[1.0, 0.1, 0.01, 0.001]
)

# %% [markdown]
# The first twentieth of a second class changes the feature most: to predict a probability of 5 % instead of nearly 0,
# the logit must rise a lot. In the middle little happens. That is the whole channel. The exponential in the softmax
# bends it, and squared error, which has none, gives the chord.
#
# ## The claims

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "All findings in numbers"}
from IPython.display import Markdown, display

from repro.claims import Findings
from repro.results import find_table

judged = Findings("standard")
count = judged.count
straight, span = (
    count("mixup_collapse-mx2", part=part)
    for part in ("outside the chord", "in the span")
)
calibrated = judged.conditions("mixup_collapse-mx4")
better = [
    f"{found.settings['rows']:,}"
    for found in calibrated
    if found.verdict == "reproduced"
]
sizes = " and ".join(better) if better else "neither 100 nor 1,500"
calibration = find_table("mixup_collapse.calibration", "standard").frame
errors = calibration[calibration["metric"] == "ece"]
errors = errors.pivot_table(index="rows", columns="method", values="value")
few, many = errors.loc[100], errors.loc[1500]
Markdown(f"""
- **In the exact model everything is as the paper says**: mixes of two classes
  lie on a bent curve ({count("mixup_collapse-mx2e")} comparisons), all mixes
  within a class on one point ({count("mixup_collapse-mx1e")}).
- **Small networks bend their mixes too, but are far from collapsed**: mixes
  leave the straight line between two classes ({straight} kinds of classifier);
  they lie along the classifier's row of their class in
  {count("mixup_collapse-mx1", part="along the row")}, in the plane of both
  rows in {span}.
- Mixes within a class do not lie closer to the row than without mixup
  ({judged.effect("mixup_collapse-mx6")} in cosine).
- **In this stand-in mixup improved calibration with {sizes} training rows**
  ({calibrated[0].replicates} divisions of the digits each). The paper's
  networks were not run.
- **Plain training with one number fitted afterwards calibrated better than
  mixup** ({count("mixup_collapse-mx5")} sizes of the training part). With 100
  rows plain training alone is already ahead of mixup (mean calibration error
  {few["erm"]:.3f} against {few["mixup"]:.3f}), and the number improves it
  further (to {few["erm_temperature"]:.3f}). With 1,500 rows plain training
  alone is ahead too ({many["erm"]:.3f} against {many["mixup"]:.3f}), and the
  number changes nothing on average ({many["erm_temperature"]:.3f} with
  it).""")

# %% [markdown]
# ### In the exact model
#
# L-BFGS looks for the best feature of each target from random starts, under random rotations of the frame. It knows
# nothing of $\alpha$ and $\beta$.

# %% tags=["hide-input"]
from repro.claims import card

display(
    card("mixup_collapse-mx1e"),
    card("mixup_collapse-mx2e"),
    card("mixup_collapse-mx3e"),
)

# %% [markdown]
# ### In networks
#
# Free features are one thing; a network has to compute them from pixels. We train perceptrons with two hidden layers
# on 1,500 digits and regress the features of fresh mixes on the two rows of their classes. Besides the ordinary
# network there is one whose classifier is frozen as a simplex frame and whose features are penalised, as the exact
# model assumes, and one with squared error.

# %% tags=["hide-input"]
features = find_table("mixup_collapse.features", "standard").frame
figures.curves(features)

# %% tags=["hide-input"]
display(card("mixup_collapse-mx1"), card("mixup_collapse-mx2"))

# %% [markdown]
# *In the span* and *along the row* ask for collapse, *outside the chord* and *independent of t* for the shape alone.
# Does mixup at least turn the features towards the rows, compared with training on the plain digits? And does squared
# error give the chord?

# %% tags=["hide-input"]
display(card("mixup_collapse-mx6"), card("mixup_collapse-mx3"))

# %% tags=["hide-input"]
Markdown(
    "Mixes within a class do not lie closer to the row than without mixup "
    f"({judged.effect('mixup_collapse-mx6')} in cosine, with mixup minus "
    "without)."
)

# %% [markdown]
# With squared error the middle of the curve falls short of the chord, the more so the shorter the training. A likely
# reason is one that free features do not know: from a picture alone a network can only guess $t$ and the two classes.
# Squared error makes it predict the mean over all that the picture might be, and a mean of vectors is shorter than the
# vectors.
#
# ### Does mixup calibrate?
#
# A classifier is calibrated when it is right in 80 % of the cases in which it says 80 %. The *expected calibration
# error* (Guo and colleagues, 2017) sorts test rows into 15 bins by confidence and averages the distance between mean
# confidence and accuracy. We train on 1,500 and on only 100 digits, equally long, and test on 297 others.

# %% tags=["hide-input"]
display(figures.reliability(calibration), card("mixup_collapse-mx4"))

# %% [markdown]
# The blue marks lie above the diagonal: with mixup the network is *under-confident*. Almost every row that it was
# trained on was a mix, and it has learnt to expect one. With 100 rows plain training is over-confident, and mixup
# pushes the right way, but too far; with 1,500 there was hardly anything to correct. So the verdict is about this
# stand-in. The abstract of the paper reports better calibration for its networks, which are large and trained on
# images; we have not run any of that size. That the claim *can* hold is easily shown: give four in ten digits a wrong
# label, and plain training becomes so over-confident that mixup calibrates better (a test of this book does so).
#
# ## Where it breaks
#
# **More training does not bring collapse.** If the distance from the exact model were a matter of patience, it would
# shrink from epoch to epoch.

# %% tags=["hide-input"]
figures.course(features)

# %% [markdown]
# Mixup does two things with time: it bends the channel, and it brings the class means near a simplex frame, where plain
# training leaves them far from one. But the single features do not gather. The angle to the rows does not close, nor
# does the part outside the span vanish. A perceptron of this size does not give a thousand different mixes of threes
# and eights one and the same feature; the networks of the paper are far larger, and may.
#
# **The exact curve is not reached under the model's own assumptions.** With frozen frame and penalised features the
# exact model names the number for every $t$, not only a shape.

# %% tags=["hide-input"]
card("mixup_collapse-mx7")

# %% [markdown]
# The network falls short most for small $t$, where the exact curve is steep: a trace of an eight under a three is hard
# to see on eight by eight pixels.
#
# ### One number in place of mixup
#
# The *temperature*, one number by which all logits are divided, is fitted on one half of the test rows. The other half
# judges, for both ways of training.

# %% tags=["hide-input"]
display(figures.calibration_errors(calibration), card("mixup_collapse-mx5"))

# %% tags=["hide-input"]
from repro.protocol.names import name_of

means = calibration.pivot_table(
    index=["rows", "method"], columns="metric", values="value"
)
measures = ["accuracy", "confidence_gap", "ece", "log_loss", "temperature"]
means[measures].rename(name_of, level="method").rename_axis(
    columns="measure"
).rename(columns=lambda measure: name_of(measure, "metric")).round(3)

# %% [markdown]
# ## Try it
#
# The knob is $a$ in $t \sim \mathrm{Beta}(a, a)$: small values mix little, 1 is uniform, large ones always mix half and
# half.

# %%
from scipy.special import softmax

for a in (0.2, 1.0, 5.0):
    trained = fit(task, mixed(a), recipe_of("digits", 60), seed=seed)
    found = geometry_of(trained, seed=0).summary()
    probability = softmax(trained.test_logits(), axis=1)
    right = (probability.argmax(axis=1) == task.test_labels).mean()
    print(
        f"a = {a}: accuracy {right:.3f}, confidence "
        f"{probability.max(axis=1).mean():.3f}, bulge {found['bulge']:+.2f}, "
        f"cosine within a class {found['same_class_cosine']:.2f}"
    )

# %% [markdown]
# **Exercise 1.** The second knob is the penalty. How large must $\lambda_H$ be for the exact channel to become a chord?
# Predict what happens to the features, then check with ten classes and rows of norm 1.
#
# <details><summary>Answer in words</summary>
#
# It never becomes one exactly. But for a large penalty the features are tiny, all logits are close to zero, the softmax
# is nearly linear there, and a linear problem has the chord as its answer.
#
# </details>

# %% tags=["hide-cell"]
for penalty in (1e-3, 1e-2, 0.1, 1.0, 10.0):
    half, whole = (mixup_ufm(10, 1.0, penalty, t) for t in (0.5, 1.0))
    print(
        f"penalty {penalty:g}: bulge {2 * half.alpha / whole.alpha - 1:.3f}, "
        f"norm {whole.norm:.3f}"
    )

# %% [markdown]
# **Exercise 2.** In the exact model, is an unmixed row predicted with less confidence because of mixup? If not, where
# does the under-confidence of the networks come from?
#
# <details><summary>Answer in words</summary>
#
# No. Each target has a feature of its own, and for $t = 1$ mixup does not appear in the equations. The confidence of
# an unmixed row falls because a network cannot tell it from a row with a trace of another class, and must give both
# nearly the same feature. So the exact model does not explain the calibration of networks.
#
# </details>

# %% tags=["hide-cell"]
for t in (1.0, 0.99, 0.95, 0.9):
    print(
        f"t = {t}: confidence "
        f"{mixup_ufm(10, 1.0, 0.01, t).probabilities[0]:.3f}"
    )

# %% [markdown]
# **Exercise 3.** Which temperatures do you expect for networks trained with and without mixup, above or below 1?
#
# <details><summary>Answer in words</summary>
#
# A temperature below 1 sharpens, one above 1 softens. An under-confident network needs sharpening, so with mixup it
# lies below 1; without mixup and with few rows it lies above.
#
# </details>

# %% tags=["hide-cell"]
fitted = calibration[calibration["metric"] == "temperature"]
print(
    fitted.groupby(["rows", "method"])["value"]
    .agg(["mean", "min", "max"])
    .round(2)
)

# %% [markdown]
# ## Provenance, references, citation
#
# Each table of this chapter carries the commit, the versions, the machine and the seeds that made it. *Not run*: the
# profile `paper`, a ResNet-18 on ten classes of CIFAR-100 with and without mixup, which needs a GPU. All verdicts
# together:

# %% tags=["hide-input"]
from repro.claims import table

table("mixup_collapse")

# %% [markdown]
# **References.** Q. L. Fisher, H. Meng, V. Papyan, *Pushing Boundaries: Mixup's Influence on Neural Collapse*, ICLR
# 2024, [arXiv 2402.06171](https://arxiv.org/abs/2402.06171). H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, *mixup:
# Beyond Empirical Risk Minimization*, ICLR 2018, [arXiv 1710.09412](https://arxiv.org/abs/1710.09412). C. Guo, G.
# Pleiss, Y. Sun, K. Q. Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, [arXiv
# 1706.04599](https://arxiv.org/abs/1706.04599).
#
# **Cite this reproduction** together with the paper:
#
# ```bibtex
# @inproceedings{fisher2024mixup,
#   author    = {Fisher, Quinn LeBlanc and Meng, Haoming and Papyan, Vardan},
#   title     = {Pushing Boundaries: Mixup's Influence on Neural Collapse},
#   booktitle = {International Conference on Learning Representations},
#   year      = {2024}
# }
# @incollection{imbalancebook-mixup_collapse,
#   author    = {{The Imbalance Book contributors}},
#   title     = {Mixup: where do the features of a half-and-half picture go?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/mixup_collapse.ipynb}
# }
# ```
