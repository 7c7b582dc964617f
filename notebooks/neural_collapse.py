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
# # Neural collapse: which classes will a network refuse to learn?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/neural_collapse.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/neural_collapse.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/neural_collapse.py
#
# *Reading time 14 minutes, five for the first part · digits that come with scikit-learn, longer runs (MNIST and
# CIFAR-10 among them) as committed tables · no GPU.* In five minutes: [the picture](#the-idea-in-one-picture), [what to
# use instead](#what-to-use-instead).
#
# **Read:** abstracts and released code, not the papers' texts. **Run:** the models, and small networks on digits, MNIST
# and a part of CIFAR-10. **Not here:** the papers' large networks on all images, which need a GPU.
#
# <details><summary>More on what was read, run and left out</summary>
#
# - Statements are given in our words; the statement on the order of events is recalled.
# - MNIST and CIFAR-10 are the data of the papers; narrow networks and a part of the images stand in for theirs.
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
# **What came out.** Trained long enough, a network puts all pictures of a class into the same point of its last hidden
# layer: *neural collapse*. A formula predicts where these points lie and which classes are given up.

# %% tags=["remove-input"]
from repro.claims import in_short

in_short("neural_collapse")

# %% [markdown]
# Train a classifier long after it has stopped making mistakes, and something odd happens in its last hidden layer.
# All pictures of a class end in the same point, and the points of the classes stand as far apart as they can. Vardan
# Papyan, X. Y. Han and David Donoho found this in 2020 and called it *neural collapse* ([doi
# 10.1073/pnas.2015509117](https://doi.org/10.1073/pnas.2015509117)). Hien Dang and colleagues worked out in 2023 what
# it looks like when classes are unequal and when the *head* of the network, what follows its features, has several
# linear layers ([arXiv 2301.00437](https://arxiv.org/abs/2301.00437)). Their model is so simple that it can be solved
# with a pencil, and it predicts which classes a network will give up. This chapter tests how far that goes.

# %% [markdown]
# ## The idea in one picture
#
# A small network reads 8 × 8 pixel digits and squeezes them through a layer of two units. So its features are points
# in a plane, and we can watch. The loss is squared error; both the classifier and the features are held back by a
# penalty.

# %%
import numpy as np
import torch

from repro.plotting import neural_collapse as figures
from repro.training import (
    HeadedNetwork,
    LinearHead,
    PenalisedObjective,
    Schedule,
    feature_mlp,
    train,
)
from repro.trials import digit_rows

task = digit_rows((60, 60, 60))
X, y = torch.from_numpy(task.inputs).float(), torch.from_numpy(task.labels)
draws = torch.Generator().manual_seed(2)
head = LinearHead(2, 3, bias=True, generator=draws)
network = HeadedNetwork(feature_mlp(64, [64, 64, 2], generator=draws), head)
objective = PenalisedObjective("mse", lambda_W=[5e-3], lambda_H=5e-3)
snapshots = {}


def keep(epoch: int, network: HeadedNetwork) -> None:
    """Note features and classifier."""
    snapshots[f"{epoch} epochs"] = (
        network(X)[0].numpy(),
        head.product().clone().numpy(),
    )


with torch.no_grad():
    keep(0, network)
for epochs in (30, 2000):
    train(network, X, y, objective, Schedule(epochs, 5e-3))
    with torch.no_grad():
        keep(epochs, network)
figures.plane(snapshots, task.labels)

# %% [markdown]
# At the end every class is a point, and the three points form a triangle with equal sides. The classifier has a vector
# of weights for each class, its *row*; the rows point to the corners. The network had no reason to draw triangles. The
# optimum of its loss did.
#
# ## What to use instead
#
# What all chapters say together stands in [What to do with imbalanced data](../book/what-to-do.md). This chapter helps
# where a class has *zero accuracy on its own training rows*. In the model below a class is given up when it has fewer
# rows than a *threshold* that follows from the penalties (weight decay). It was shown for squared error with a penalty
# on the features and on every layer of the head. Weight decay on all parameters, the usual setting, and cross-entropy
# have no such threshold that we could name.
#
# - **You train one linear layer with squared error and penalties on head and features**: compare the size of the class
#   with the threshold before you collect data or blame the loss. Halving both penalties lowers the threshold to a
#   quarter. With any other loss or penalty this is an idea to try, not a rule. With more layers the threshold is a
#   lower limit at best.
# - **Several linear layers under squared error can lose classes that the best solution keeps.** In models with free
#   features a start at a larger scale lost fewer; in networks we have not tried it.
# - **Moving the decision threshold does not help a class whose features are zero**: its rows cannot be told apart from
#   the origin.
#
# Those were the five minutes; the rest goes into detail.
#
# ## In detail: the method from scratch
#
# Here is the trick. A deep network can bend its features into almost any shape, so let us forget the network and
# treat the features themselves as free: one vector $h_i$ for each of $N$ training rows, the columns of $H$. On top
# stand $M$ linear layers, together the *head*. This *unconstrained-feature model* minimises
#
# $$f = \frac{1}{2N} \lVert W_M \cdots W_1 H - Y \rVert^2 + \sum_j \frac{\lambda_j}{2} \lVert W_j \rVert^2
# + \frac{\lambda_H}{2} \lVert H \rVert^2 .$$
#
# With $Y$ the one-hot labels, the problem falls apart into one scalar problem for each class. For class $k$ with
# $n_k$ rows put $b_k = (M N / n_k)\,(N \lambda_H \prod_j \lambda_j)^{1/M}$ and minimise
#
# $$g(x) = \frac{1}{1 + x^M} + b_k x , \qquad x \ge 0 .$$
#
# The first term falls as the class is learnt, the second is the price of learning it. If $b_k$ is small there is a
# minimum with $x > 0$. If it is large, $x = 0$ is best: the row of the classifier and all features of the class are
# zero. The class is *dead*. The border is $b_c = (M-1)^{(M-1)/M} / M$, and 1 for $M = 1$. Everything else follows
# from $x$: the optimum can be written down, in *closed form*.


# %%
def solve(sizes, penalties, penalty_H):
    """Exact optimum without bias: loss, norms of rows and of features."""
    n, M = np.asarray(sizes, dtype=float), len(penalties)
    N = n.sum()
    b = (M * N / n) * (N * penalty_H * np.prod(penalties)) ** (1 / M)
    limit = 1.0 if M == 1 else (M - 1) ** ((M - 1) / M) / M
    x = np.zeros(len(n))
    for k in np.flatnonzero(b < limit):
        # bisect: the largest root of b (1 + x^M)^2 = M x^(M-1)
        # lies above (M-1)^(1/M)
        low, high = max(M - 1, 0) ** (1 / M), 1.0

        def slope(x, b=b[k]):
            return b * (1 + x**M) ** 2 - M * x ** (M - 1)

        while slope(high) < 0:
            high *= 2
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        x[k] = (low + high) / 2
    power = x**M
    loss = (n / (2 * N) * (1 / (1 + power) + b * x)).sum()
    return (
        loss,
        np.sqrt(N * penalty_H * power),
        np.sqrt(power / (N * penalty_H)) / (1 + power),
    )


# %% [markdown]
# The same, fast, with a bias, limited rank and the list of local minima: `repro.geometry.ufm_mse`.

# %%
from repro.geometry import ufm_mse

for sizes, penalties in (
    ((20, 10, 3, 1), [0.04]),
    ((12, 8, 5, 3), [6e-3, 8e-3, 5e-3]),
):
    loss, w, h = solve(sizes, penalties, 0.05 if len(penalties) == 1 else 5e-3)
    optimum = ufm_mse(sizes, penalties, 0.05 if len(penalties) == 1 else 5e-3)
    assert np.isclose(loss, optimum.loss, rtol=0, atol=1e-12)
    assert np.allclose(
        [w, h], [optimum.w_norms, optimum.h_norms], rtol=0, atol=1e-10
    )
    border = optimum.thresholds.class_size
    print(
        f"sizes {sizes}: learnt {optimum.alive.tolist()}, threshold "
        f"{border:.2f} rows"
    )

# %% [markdown]
# ## The claims

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "All findings in numbers"}
from functools import partial

from IPython.display import Markdown, display

from repro.claims import Findings
from repro.results import find_table

count = Findings("standard").count
equal = find_table("neural_collapse.deep_heads", "standard").frame
ends = equal.query("metric == 'accuracy' and layers == 3 and loss == 'mse'")
lost = (ends["value"] < 1).sum()
one, more = ({"layers": layers} for layers in (1, [2, 3]))
mnist = partial(count, "neural_collapse-nc4m")
cifar = partial(count, "neural_collapse-nc4i")
Markdown(f"""
- **The formulas are right.** When the features of the last layer are free, the
  best solution can be written down, and nothing that was tried finds a better
  one ({count("neural_collapse-nc1")} models).
- **Small networks that lose no class mostly end there.** With unequal classes
  the distances to the predicted arrangement are as good as zero on digits at
  every depth, 1 to 3 layers ({count("neural_collapse-nc4")} distances), and on
  a part of CIFAR-10 with one and three layers ({cifar(layers=[1, 3])}); with
  equal classes in {count("neural_collapse-nc3")} settings on digits and
  {count("neural_collapse-nc3i")} on CIFAR-10. There a head of three layers,
  trained with squared error on equal classes, lost classes in {lost} of
  {len(ends)} trainings.
- **The size at which a class is given up is predicted for one linear layer,
  not for several**: the prediction holds in
  {count("neural_collapse-nc5", **one)} settings with one layer and in
  {count("neural_collapse-nc5", **more)} with two or three.
- **Deep heads can lose classes that the best solution keeps**, and then the
  distances are not as predicted: they are in {mnist(layers=1)} under one layer
  and {mnist(layers=[3, 6])} under three or six on MNIST, in
  {cifar(layers=[1, 3])} under one or three and {cifar(layers=6)} under six on
  a part of CIFAR-10.
- **With cross-entropy and several layers collapse is not the best solution**:
  networks end below its loss in {count("neural_collapse-nc7", **more):against}
  such depths on digits, {count("neural_collapse-nc7i", layers=3):against} on
  CIFAR-10.""")

# %% [markdown]
# ### Is the pencil right?
#
# A closed form is worth little until something independent has failed to beat it. We let L-BFGS, a standard method for
# going downhill, minimise eleven models from many random starts and compare the best result with the formula: objective
# and geometry. Then we do what Dang and colleagues did: plain gradient descent on features and layers, for unequal
# classes and for equal ones, under heads of up to nine layers.

# %% tags=["hide-input"]
from repro.claims import card, find_claim

display(
    *(card(f"neural_collapse-{label}") for label in ("nc1", "nc2", "nc2b"))
)

# %% [markdown]
# ### Do networks follow?
#
# The model has free features; a network has not. Its features are one possible $H$, so its loss can never be lower
# than the optimum of the model, but it may be far above. We train perceptrons on the digits until the loss stands
# still. A *frame* is what the class means look like together, up to rotation and size. With equal classes theory says:
# an *orthogonal frame* (all class means at right angles) when the head has no bias, and a *simplex frame* (angles as
# wide as possible, as in the picture) when it has one.

# %% tags=["hide-input"]
card("neural_collapse-nc3")

# %% [markdown]
# With unequal classes the vectors stay at right angles but get different lengths: the *general orthogonal frame*. The
# classifier leans towards large classes, and with two or more layers the features do the opposite: the rarest class has
# the longest ones.

# %% tags=["hide-input"]
figures.norms_by_size([1, 2, 3], lam=1e-3)

# %% tags=["hide-input"]
display(
    *(card(f"neural_collapse-{label}") for label in ("nc4", "nc6", "nc6n"))
)

# %% tags=["hide-input"]
unequal = find_table("neural_collapse.imbalanced", "standard").frame
balanced_frame = unequal.loc[unequal["metric"] == "nc2_of_err", "value"]
Markdown(
    "These networks are far from the frame of *equal* classes: the distance "
    f"of their features to it is at least {balanced_frame.min():.2f} in "
    f"{len(balanced_frame)} trainings. That is shown and not counted, "
    "because a network that has lost a class is far from it as well."
)

# %% [markdown]
# ### Which classes are given up?
#
# Now the prediction that matters for imbalance. Under squared error a class dies when its size falls below a threshold
# that depends on the number of all rows and on the penalties alone: for one layer $n^* = N^2 \lambda_W \lambda_H$. So
# we choose five penalties that put the threshold between 10 and 90 rows, train on classes of 20 to 100, and look at
# which ones the network gets right *on its own training rows*. No capacity is missing, no row is hard; the penalty
# makes a small class not worth its price.

# %% tags=["hide-input"]
learnt = find_table("neural_collapse.learnt", "standard").frame
display(figures.phase(learnt), card("neural_collapse-nc5"))

# %% [markdown]
# Watch it in the model: four classes in four dimensions, of which you see a plane. Set the size of the fourth class,
# run the training and turn the plane.

# %% tags=["hide-input"]
from repro.plotting.widgets import grand_tour_of_collapse

grand_tour_of_collapse()

# %% [markdown]
# A class can be on the wrong side in two ways: learnt although it is below the threshold, or lost although it is above.

# %% tags=["hide-input"]
from repro.studies.neural_collapse.on_digits import wrong_sides

sides = wrong_sides(learnt)
Markdown(
    "\n".join(
        f"- {layers} layer{'s' if layers > 1 else ''}: {row.lost} of "
        f"{row.above} class sizes above the threshold lost, {row.kept} of "
        f"{row.below} below it learnt"
        for layers, row in sides.iterrows()
    )
    + "\n\nEach class size counts once for every penalty and training. Why "
    "deeper heads lose classes that the optimum would keep is the subject of "
    "a section below."
)

# %% [markdown]
# ### When does it appear?
#
# As we remember Papyan and colleagues, there is an order: first the training error vanishes, then the geometry
# sharpens.

# %% tags=["hide-input"]
appearance = find_table("neural_collapse.appearance", "standard").frame
display(figures.appearance(appearance), card("neural_collapse-nc9"))

# %% [markdown]
# ### Minority collapse
#
# The threshold belongs to squared error. For cross-entropy Fang, He, Long and Su (2021) described something more
# gradual: as the large classes grow, the classifier's rows of the small classes turn towards each other, until the
# network no longer tells them apart.

# %% tags=["hide-input"]
minority = find_table("neural_collapse.minority", "standard").frame
display(figures.minority(minority), card("neural_collapse-nc10"))

# %% [markdown]
# ## Cross-entropy with a deep head: a statement that does not hold here
#
# The abstract of Dang and colleagues says that the global solutions of deep linear heads are collapsed for
# cross-entropy as well as for squared error. We had the abstract and the released code, not the theorem's conditions,
# so we test the statement as it stands. If the simplex frame were best, no network could end below its loss,
# penalties included. It is enough to find one that does.

# %% tags=["hide-input"]
deep = find_table("neural_collapse.cross_entropy", "standard").frame
display(figures.singular_values(deep, lam=1e-3), card("neural_collapse-nc7"))

# %% [markdown]
# With one layer the networks use nine directions of equal strength, as a simplex frame of ten classes must. With more
# layers they use fewer directions and pay less: the lines of the *singular values*, the strengths of the directions,
# break off early. A likely reason: every direction has to be carried through all layers and through the features, so
# its price grows with depth, while cross-entropy is content once the right logit is largest. One such arrangement,
# classes in opposite pairs, can be written down (`ufm_ce_pairs`), and its loss is below that of the frame too; in the
# figure its strength is the dotted line. Garrod and Keating (2025, [arXiv
# 2410.23169](https://arxiv.org/abs/2410.23169)) come to the same conclusion by proof: with cross-entropy, collapse is
# not optimal in deep linear models, because low rank is cheaper. In our settings we can confirm the lower loss; which
# arrangement is the best of all we do not know.
#
# ## Where it breaks
#
# **The optimum may keep a class that training loses.** With two or more layers the origin is a local minimum of the
# scalar problem: at $x = 0$ the first term is flat and the price is not. A class that starts near zero is pulled back
# to zero, however small $b_k$ is. Small random numbers in several layers multiply to very small ones, and rare
# classes push the least. So we start gradient descent with entries of standard deviation 0.1 and 0.3 and count.

# %% tags=["hide-input"]
traps = find_table("neural_collapse.traps", "standard").frame
display(figures.traps(traps), card("neural_collapse-nc8"))

# %% [markdown]
# ### The same on MNIST
#
# Digits of 8 × 8 pixels forgive much. So we repeat the experiment with unequal classes on MNIST, with the class sizes
# of Dang and colleagues: the first 100 to 500 images of each digit. Like theirs the perceptron has six hidden layers,
# but with 128 units instead of 2,048. Penalties and step size are those of the small digits; how long to train was
# decided by the gap between loss and bound alone, in a trial with another seed.
#
# Look for two things. Does each depth stand on the black line? And if not, is the network still on its way, or has it
# settled somewhere else? The loss can tell: for every set of living classes there is a *stationary point*, where the
# slope is zero and descent comes to rest, and its loss is known.

# %% tags=["hide-input"]
mnist = find_table("neural_collapse.mnist", "standard").frame
figures.against_prediction(mnist)

# %%
ends = mnist[
    mnist["metric"].isin(["directions_lost", "loss_gap", "local_gap"])
]
worst = ends.pivot_table(
    index="layers", columns="metric", values="value", aggfunc="max"
)
print("largest over seeds\n", worst.to_string(float_format="{:.2g}".format))
display(
    *(card(f"neural_collapse-{label}") for label in ("nc4m", "nc6m", "nc8m"))
)

# %% [markdown]
# With one layer the norms are almost on the line; at the largest classes they still bend away a little, because the
# slowest direction had not come to rest when the schedule ended. Deeper heads do something else. They give up
# directions of small classes, although the optimum keeps all ten: a digit is not learnt, or two digits with equally
# many images are merged into one. What is left is as the theory says, down to the loss. The trap of the free features
# was there in these networks too. Whether a perceptron sixteen times as wide avoids it is a question for larger runs.
#
# ### On the papers' own data
#
# Dang and colleagues train on CIFAR-10. So do we here, with networks that two cores can train: their perceptron with
# width 128 in place of 2,048; for unequal classes a fifth of their images, 20 to 100 a class, for equal classes 60
# images of each. The data are the paper's; a part of the images and a narrow network are the stand-in. How many rows
# are used was decided by the time that a training takes.

# %% tags=["hide-input"]
cifar = find_table("neural_collapse.imbalanced_images", "standard").frame
display(figures.against_prediction(cifar))

# %% tags=["hide-input"]
figures.terminal_phase(equal)

# %% tags=["hide-input"]
from repro.studies.neural_collapse.on_images import faultless

clean = [whether for table in (cifar, equal) for whether in faultless(table)]
on_cifar = [
    "equal classes, squared error: the predicted frame in "
    f"{count('neural_collapse-nc3i')} settings",
    "equal classes, cross-entropy: no loss below the simplex frame's in "
    f"{count('neural_collapse-nc7i')} depths",
    *(
        f"unequal classes, {layers} layer{'s' if layers > 1 else ''}: "
        f"{count('neural_collapse-nc4i', layers=layers)} distances within "
        "the bound"
        for layers in sorted(cifar["layers"].unique().tolist())
    ),
]
Markdown(
    "\n".join(f"- {line}" for line in on_cifar)
    + f"\n\n{sum(clean)} of these {len(clean)} trainings end without an error "
    "on their training rows."
)

# %% tags=["hide-input"]
display(
    *(
        card(f"neural_collapse-{label}")
        for label in ("nc4i", "nc6i", "nc3i", "nc7i")
    )
)

# %% [markdown]
# ### Ready for a GPU
#
# The networks of the papers are larger: a perceptron of width 2,048 through 12,000 epochs, ResNet-18 and VGG-16 with
# heads of one, three and six layers on all images of CIFAR-10, and the sweep of Fang and colleagues over ratios up to
# 1,000. These runs are declared, with the same rules, but have not been done here, so nothing is claimed. On a machine
# with a GPU `repro run neural_collapse.deep_heads --profile paper --device cuda` starts the second of them; a run that
# is interrupted goes on where it stopped. Two statements are judged by them alone:

# %% tags=["hide-input"]
waiting = [
    find_claim(f"neural_collapse-{label}") for label in ("nc7r", "nc10c")
]
Markdown(
    "| waits for a GPU | statement |\n|---|---|\n"
    + "\n".join(
        f"| {claim.id} | {claim.statement.strip()} |" for claim in waiting
    )
)

# %% [markdown]
# **Everything here is about training rows.** Collapse says how a network stores what it was shown; a collapsed
# network may generalise well or badly. And the networks trained for this chapter are small.
#
# ### Measuring your own network
#
# `CollapseMeter` reads features in one pass, batch after batch, from NumPy or PyTorch on any device, and keeps its
# precision when the scatter is a billionth of the distance between classes. Here are the features of the first
# picture.

# %%
from repro.geometry import CollapseMeter

meter = CollapseMeter(n_classes=3, n_features=2)
with torch.no_grad():
    for batch in torch.arange(len(X)).split(64):
        meter.update(network.backbone(X[batch]), y[batch])
measured = meter.compute(head.product().detach(), head.bias().detach())
for name in (
    "nc1_quot",
    "nc2_etf_err",
    "nc2_etf_err_W",
    "nc3_dual_err",
    "nc4_class_means",
):
    print(f"{name:16s} {measured[name]:.2e}")

# %% [markdown]
# ## Try it
#
# The knob most worth turning is the penalty. Choose class sizes and penalty, and see which classes the model keeps;
# then let a network try.

# %%
from repro.studies.neural_collapse.networks import penalised_mlp
from repro.trials import FULL_BATCH, fit

sizes, penalty, depth = (20, 20, 40, 40, 60, 60, 80, 80, 100, 100), 0.008, 1
optimum = ufm_mse(sizes, [penalty] * depth, penalty)
method, seed = penalised_mlp(depth, penalty), np.random.SeedSequence(0)
trained = fit(
    digit_rows(sizes), method, FULL_BATCH.of(600), seed=seed
).outputs()
print(f"threshold: {optimum.thresholds.class_size:.1f} rows")
for size, alive, right in zip(
    sizes, optimum.alive, trained.accuracy(), strict=True
):
    print(
        f"{size:4d} rows: {'kept' if alive else 'given up'}, accuracy "
        f"{right:.2f}"
    )

# %% [markdown]
# **Exercise 1.** You double all class sizes and leave the penalties alone. Do more classes survive, or fewer? Predict
# for one layer, then check.
#
# <details><summary>Answer in words</summary>
#
# Fewer. The threshold is $N^2 \lambda_W \lambda_H$: it grows with the square of all rows, a class only with the first
# power. (The loss is a mean over rows, while the features of all rows are penalised. More rows mean more features to
# pay for.)
#
# </details>

# %% tags=["hide-cell"]
small = np.array([40, 20, 10, 5])
for factor in (1, 2, 4, 8):
    kept = ufm_mse(factor * small, [0.02], 0.02)
    threshold = kept.thresholds.class_size
    print(
        f"sizes {(factor * small).tolist()}: threshold {threshold:.1f}, kept "
        f"{kept.alive.sum()}"
    )

# %% [markdown]
# **Exercise 2.** Two classes have the same size, below the threshold. What happens to them if the head has a bias?
#
# <details><summary>Answer in words</summary>
#
# They do not die, they merge: their rows and features become equal, and the bias carries their common share. The
# direction that tells them apart is dead, the one that tells them from the others may live.
#
# </details>

# %% tags=["hide-cell"]
merged = ufm_mse([20, 10, 3, 3], [0.05], 0.05, bias=True)
print(f"threshold {merged.thresholds.class_size:.2f} rows")
print("Gram matrix of the classifier\n", merged.W_gram.round(3))

# %% [markdown]
# **Exercise 3.** How many local minima does a model with four classes and three layers have, and which one does a
# small start reach?
#
# <details><summary>Answer in words</summary>
#
# Up to five: the largest r classes alive, for r from 0 to 4. (A set that keeps a smaller class and leaves out a
# larger one is a saddle: turning its direction towards the larger class lowers the loss.) A small start tends to the
# minima with few classes.
#
# </details>

# %% tags=["hide-cell"]
for point in ufm_mse([40, 20, 10, 5], [1e-3] * 3, 1e-3).local_minima():
    print(f"alive {point.alive.astype(int).tolist()}, loss {point.loss:.4f}")

# %% [markdown]
# ## Provenance, references, citation
#
# Each table of this chapter carries the commit, the versions, the machine and the seeds that made it. The closed forms
# were derived for this book. Loss and penalties are in the normalisation of the formula above; the released code
# averages over the entries of $Y$ too. Some criteria were changed after the first results, and the cards say which and
# why. All verdicts together:

# %% tags=["hide-input"]
from repro.claims import table

table("neural_collapse")

# %% [markdown]
# **References.** V. Papyan, X. Y. Han, D. L. Donoho, *Prevalence of neural collapse during the terminal phase of deep
# learning training*, PNAS 117 (2020) 24652–24663, [doi
# 10.1073/pnas.2015509117](https://doi.org/10.1073/pnas.2015509117). H. Dang, T. Tran, S. Osher, H. Tran-The, N. Ho,
# T. Nguyen, *Neural Collapse in Deep Linear Networks: From Balanced to Imbalanced Data*, ICML 2023, [arXiv
# 2301.00437](https://arxiv.org/abs/2301.00437). C. Fang, H. He, Q. Long, W. J. Su, *Exploring deep neural networks
# via layer-peeled model: Minority collapse in imbalanced training*, PNAS 118 (2021) e2103091118, [doi
# 10.1073/pnas.2103091118](https://doi.org/10.1073/pnas.2103091118). C. Garrod, J. P. Keating, *The Persistence of
# Neural Collapse Despite Low-Rank Bias*, NeurIPS 2025, [arXiv 2410.23169](https://arxiv.org/abs/2410.23169).
#
# **Cite this reproduction** together with the papers:
#
# ```bibtex
# @inproceedings{dang2023,
#   author    = {Dang, Hien and Tran, Tho and Osher, Stanley and Tran-The, Hung and Ho, Nhat
#                and Nguyen, Tan},
#   title     = {Neural Collapse in Deep Linear Networks: From Balanced to Imbalanced Data},
#   booktitle = {Proceedings of the 40th International Conference on Machine Learning},
#   year      = {2023}
# }
# @incollection{imbalancebook-neural_collapse,
#   author    = {{The Imbalance Book contributors}},
#   title     = {Neural collapse: which classes will a network refuse to learn?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/neural_collapse.ipynb}
# }
# ```
