# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Bags and quantiles: what do we know?
#
# [Open in Colab][colab] · [Run on Binder][binder] · [Source][source]
#
# [colab]: https://colab.research.google.com/github/set_owner/imbalance-book/blob/v0.1.0/notebooks/bags_and_quantiles.ipynb
# [binder]: https://mybinder.org/v2/gh/set_owner/imbalance-book/main?urlpath=lab/tree/notebooks/bags_and_quantiles.ipynb
# [source]: https://github.com/set_owner/imbalance-book/blob/main/notebooks/bags_and_quantiles.py
#
# *Reading time 3 minutes · data embedded · no GPU.* In five minutes: [the picture](#the-idea-in-one-picture), [what to
# use instead](#what-to-use-instead).

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
# ## Aggregate responses: where does the threshold go when errors cost differently?
#
# **Read:** what of the paper was at hand. **Run:** two normal classes with two ratios of costs. **Not here:** what was
# left out, and why.

# %% tags=["remove-input"]
from repro import claims

claims.in_short("aggregate_responses")

# %% [markdown]
# ### The idea in one picture
#
# The dearer an error on the second class, the further the threshold moves away from it.

# %% tags=["hide-input"]
from repro.plotting import paired
from repro.running import results

table = "aggregate_responses.threshold"
rows = results(table, "quick").frame
dear = rows[(rows["metric"] == "threshold") & (rows["ratio"] == 10.0)]
paired(dear, ["closed_form", "minimised"], ylabel="threshold at ratio 10")

# %% [markdown]
# ### What to use instead
#
# - Know the **costs**? Compute the threshold; nothing has to be searched.
# - What all chapters advise: [What to do with imbalanced data](../book/what-to-do.md).
#
# ### In detail: the method from scratch
#
# The cost $r \Phi(t - d) + \Phi(-t)$ is least where its slope vanishes, at $r \varphi(t - d) = \varphi(t)$: so
# $t = d / 2 - \log(r) / d$.

# %%
from repro.studies.aggregate_responses import experiments

for ratio in (1.0, 2.0, 10.0):
    threshold = experiments.closed_form(2.0, ratio)
    print(f"ratio {ratio:g}: threshold {threshold:+.3f}")

# %% [markdown]
# ### The claim

# %% tags=["hide-input"]
claims.card("aggregate_responses-c1")

# %% [markdown]
# ### Where it breaks
#
# With different variances the slope vanishes at two places, and one threshold is not the best rule.
#
# ### Try it
#
# **Exercise 1.** What does a prior of 1 to 9 do to the threshold?
#
# <details><summary>Answer</summary>
#
# It acts as a cost: multiply the ratio by the odds.
#
# </details>
#
# **Exercise 2.** What happens as the distance goes to zero?
#
# <details><summary>Answer</summary>
#
# The threshold runs to infinity: all rows go to the class whose errors are dear.
#
# </details>
#
# **Exercise 3.** At which ratio is the threshold the mean of the first class?
#
# <details><summary>Answer</summary>
#
# Where the logarithm of the ratio is half the squared distance.
#
# </details>

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
#   title     = {Bags and quantiles: what do we know?},
#   booktitle = {The Imbalance Book}, year = {2026}, version = {0.1.0},
#   url       = {https://github.com/set_owner/imbalance-book/blob/v0.1.0/notebooks/bags_and_quantiles.ipynb}
# }
# ```
