"""Names of conditions, quantities and controls of a claim as people say them.

Names of methods, data sets and measures come from :mod:`repro.protocol.names`. Here stands what only claims need: how a
setting is said together with its value, and what the derived measures mean that claims are judged on. A key may be led
by a study, as in ``sade.lost``, where two studies give one word two meanings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from repro.claims.judgement import ConditionJudgement, Judgement
from repro.claims.numbers import MINUS, readable_number
from repro.protocol.claim import Claim, Criterion, Part
from repro.protocol.experiment import Scalar
from repro.protocol.names import name_of, setting_name
from repro.results import scalar_text

_PHRASES: Final[Mapping[str, str]] = {
    "attribute": "by {}",
    "auroc": "AUROC {}",
    "b": "penalty b = {} of the smallest class",
    "correlation": "correlation {}",
    "cutoff": "rare below age {}",
    "features": "features of a {}",
    "head": "{} head",
    "intercepts": "intercepts {}",
    "k": "top {}",
    "layers": "{}",
    "level": "amount {} %",
    "n": "{} rows",
    "p_lower": "prevalence {} in the lower group",
    "prevalence": "prevalence {}",
    "rare": "rare probability {}",
    "ratio": "ratio {} to 1",
    "rows": "{} training rows",
    "sampler": "{} scores",
    "scale": "starts of size {}",
    "threshold": "threshold at {} rows",
    "weighting": "weight on the {}",
}
"""How a setting is said with its value; without an entry a name stands alone, a number behind its column's name."""

_SAID: Final[Mapping[tuple[str, str], str]] = {
    ("change", "noise"): "noise on the scores",
    ("change", "permutations"): "neighbours exchanged",
    ("normalise", "True"): "scores rescaled to prevalences",
    ("normalise", "False"): "scores as they are",
    ("growth", "fixed"): "a fixed number of columns",
    ("growth", "growing"): "columns that grow with the rows",
    ("head", "frozen frame"): "head frozen as a simplex frame",
    ("features", "pixels"): "principal components of pixels",
    ("naive_bayes.design", "paper"): "the paper's design",
    ("naive_bayes.design", "constant"): "equally hard design",
    ("rare", "0"): "no rare class",
    ("recipe", "digits"): "digits",
    ("recipe", "digits with tau 2"): "digits, tau = 2",
    ("recipe", "short"): "CIFAR-100, short training",
    ("recipe", "published"): "CIFAR-100, published training",
    ("sade.method", "balanced"): "balanced softmax",
    ("sade.method", "cross_entropy"): "cross-entropy",
    ("sade.method", "ldam_drw"): "LDAM-DRW",
    ("sade.method", "entropy"): "against low entropy",
    ("sade.method", "inner"): "against the inner product",
}
"""Settings whose value alone says nothing, or something else."""

_MEASURES: Final[Mapping[str, str]] = {
    "balanced_accuracy_tuned": "balanced accuracy, threshold tuned",
    "behind_cosine": "accuracy that is lost without the cosine",
    "bulge": "how far the curve of mixes bulges out of the chord",
    "chord_departure": "distance of mixes from the chord",
    "chord_shortfall": "shortfall of the curve below the chord",
    "classifier_err": "distance of the classifier from the frame",
    "closed_form_deviation": "distance from the closed form",
    "curve_deviation": "distance from the exact curve",
    "deviation": "deviation from the formula",
    "deviation_from_published": "deviation from the published correlation",
    "eigenvalue": "smallest eigenvalue",
    "examples": "examples needed",
    "examples_needed": "examples needed",
    "excess_over_0.9": "rank correlation above 0.9",
    "features_err": "distance of the features from the frame",
    "gain": "accuracy gained by learned weights",
    "gain_slope": "growth of the gain as the class gets rarer",
    "gain_under_condition": "log of the variance saved where the inequality holds",
    "gap_change": "change of the gap between the groups",
    "gap_closed": "share of the possible gain that is reached",
    "half_minus_power": "power of the dimension below one half",
    "hull_vertices": "vertices on the joint convex hull",
    "lead_few": "lead of the third expert on classes with few images",
    "lead_many": "lead of the first expert on classes with many images",
    "lead_mean": "lead of the mean over each expert",
    "local_gap": "loss against that of the predicted stationary point",
    "log_change_nc1_quot": "log of the change of the scatter within classes",
    "log_change_nc2_etf_err": "log of the change of the distance from the simplex frame",
    "log_change_nc3_dual_err": "log of the change of the angle of classifier and means",
    "log_gain": "log of the gain",
    "log_margin": "log of the margin of inequality (6)",
    "log_slope": "growth of the error as the class gets rarer",
    "log_slope_above_bound": "rate of the error above \u22120.4",
    "log_slope_minus_1": "growth of the error against exact proportion",
    "loss_gap": "loss above the optimum",
    "minority_cosine": "cosine of the rows of small classes",
    "misplaced": "class sizes on the wrong side of the threshold",
    "nc2_gof_err": "distance of the features from the frame",
    "nc2_gof_err_W": "distance of the classifier from the frame",
    "nc3_gof_err": "distance of their product from the frame",
    "neural_collapse.lost": "share of classes lost",
    "order_violations": "pairs of class sizes in the wrong order",
    "outside_span": "share outside the plane of both rows",
    "power": "power of the dimension with which examples grow",
    "power_minus_one": "power of the dimension minus 1",
    "precision": "precision at the top",
    "predicted_frame_err": "distance from the predicted frame",
    "product_err": "distance of the product from the frame",
    "psi_error": "error of the weights",
    "rank_deficit": "directions that are not used",
    "residual_share": "share outside the plane of both rows",
    "rho_with_gap": "rank correlation with the gap",
    "sade.lost": "accuracy lost by the augmentation",
    "same_class_cosine": "cosine of mixes with the classifier's row",
    "same_class_misalignment": "1 minus the cosine with the classifier's row",
    "same_class_range": "range over t, relative to the mean",
    "same_class_spread": "spread over t",
    "share_inside_higher": "share inside the group of higher prevalence",
    "share_not_best": "share of rankings in which another mistake gains more",
    "short_of_1": "rank correlation below 1",
    "spearman": "rank correlation over tasks",
    "spearman_with_ratio": "rank correlation with the ratio of prevalences",
    "spearman_with_table_3": "rank correlation with the printed order",
    "squared_error_departure": "distance from a straight line",
    "stability_accuracy": "rank correlation of steadiness and accuracy",
    "stability_certainty": "rank correlation of steadiness and certainty",
    "stability_information": "rank correlation of steadiness and information",
    "steadier_few": "lead of the third expert in steadiness on classes with few images",
    "steadier_many": "lead of the first expert in steadiness on classes with many images",
    "straight_steps": "steps at which the curve is not bent",
    "surplus": "share of intervals that hold the truth, above 93 %",
    "trend_1": "rank correlation of the first expert's fall",
    "trend_3": "rank correlation of the third expert's rise",
    "undercut": "loss below that of the best simplex frame",
    "violations": "norms in the wrong order",
    "weight_1_from_third": "weight of the first expert minus one third",
    "weight_3_from_third": "weight of the third expert minus one third",
}
"""Measures that claims are judged on and that no figure has a name for."""

_NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "dataset": ("On", "data sets"),
    "layers": ("In", "depths"),
    "learner": ("With", "learners"),
    "rankings": ("In", "sets of rankings"),
    "cutoff": ("At", "age limits"),
    "rows": ("At", "training sizes"),
    "k": ("At", "list lengths"),
    "design": ("In", "designs"),
    "features": ("On", "kinds of features"),
}
"""Preposition and noun for conditions that differ in one setting alone."""


def part_of(claim: Claim, condition: ConditionJudgement) -> Part | None:
    """Part of a claim that a condition belongs to, None where the claim has no parts."""
    return next((part for part in claim.quantity.parts if part.name == condition.part), None)


def setting_words(study: str, column: str, value: Scalar) -> str:
    """Say one setting of a condition, as in ``prevalence 0.1 in the lower group``."""
    text = scalar_text(value)
    for key in (f"{study}.{column}", column):
        if (key, text) in _SAID:
            return _SAID[key, text]
    number = text.replace(".", "").replace("e-", "").replace("-", "").isdigit()
    name = name_of(text, column)
    if number and column != "layers":
        name = f"{int(text):,}" if text.isdigit() else readable_number(text)
    if column == "intercepts":
        name = name.strip("()")
    if column in _PHRASES:
        return _PHRASES[column].format(name)
    return f"{setting_name(column)} {name}" if number or (text in ("True", "False") and name == text) else name


def measure_name(study: str, metric: str) -> str:
    """Name of what a claim measures."""
    return _MEASURES.get(f"{study}.{metric}") or _MEASURES.get(metric) or name_of(metric, "metric")


def quantity_words(claim: Claim, part: Part | None = None) -> str:
    """Name what is estimated: the measure and what is compared, with the sign that counts as claimed."""
    quantity, study = claim.quantity, claim.study
    criterion = part.criterion if part and part.criterion else claim.criterion
    measure = measure_name(study, part.metric if part and part.metric else quantity.metric)
    contrast = part.contrast if part and part.contrast else quantity.contrast
    if criterion.kind == "order":
        levels = " > ".join(scalar_text(level) for level in quantity.order or ())
        return f"{measure}, steps of {setting_name(quantity.column)} {levels}"
    if contrast:
        first, second = (setting_words(study, quantity.column, level) for level in contrast)
        turned = _turned(criterion)
        first, second = (second, first) if turned else (first, second)
        measure = f"{measure}: {first} {MINUS if quantity.scale == 'difference' else '/'} {second}"
    elif _turned(criterion):
        measure = f"{measure}, sign turned round"
    if criterion.kind != "within":
        return measure
    return f"{measure}, ours / published {MINUS} 1" if criterion.relative else f"{measure}, ours {MINUS} published"


def _turned(criterion: Criterion) -> bool:
    return criterion.sign == "negative" and criterion.kind == "direction"


def condition_names(judgement: Judgement) -> list[str]:
    """Names of the conditions of a claim: their part and the settings in which they differ.

    A condition whose settings are not known is called by its name, with blanks for underscores. Where leaving out what
    all share would give two conditions one name, nothing is left out.
    """
    claim, conditions = judgement.claim, judgement.conditions
    chosen = claim.quantity.conditions
    columns = [] if chosen is None else [chosen] if isinstance(chosen, str) else chosen
    if any(column not in condition.settings for condition in conditions for column in columns):
        return [condition.name.replace("_", " ") for condition in conditions]
    varied = [
        column for column in columns if len({scalar_text(found.settings[column]) for found in conditions}) > 1
    ] or (columns if not claim.quantity.parts else [])
    for kept in (varied, columns):
        names = [_condition_name(claim, condition, kept) for condition in conditions]
        if len(set(names)) == len(names):
            break
    return names


def _condition_name(claim: Claim, condition: ConditionJudgement, columns: Sequence[str]) -> str:
    words = [setting_words(claim.study, column, condition.settings[column]) for column in columns]
    return " · ".join([condition.part, *words] if condition.part else words)


def conditions_noun(claim: Claim) -> tuple[str, str]:
    """Preposition and noun for the conditions of a claim, as in ``On … data sets``."""
    conditions = claim.quantity.conditions
    column = conditions if isinstance(conditions, str) else ""
    return _NOUNS.get(column, ("In", "conditions")) if not claim.quantity.parts else ("In", "conditions")
