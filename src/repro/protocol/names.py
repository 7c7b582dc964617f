"""Names of methods, data sets, measures and settings as readers say them; the only table of its kind in the book."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_SETTING_NAMES: Final[Mapping[str, str]] = {
    "attribute": "group",
    "b": "b of the class",
    "bag_size": "rows of a bag",
    "bags": "bags",
    "bias": "bias",
    "bin": "bin",
    "case": "case",
    "class_label": "class",
    "class_size": "rows of the class",
    "code": "code",
    "correlation": "correlation",
    "cutoff": "age cutoff in years",
    "dataset": "data set",
    "design": "design",
    "dimension": "dimension n",
    "draw": "draw",
    "epoch": "epoch",
    "epsilon": "epsilon",
    "examples": "training examples",
    "fact": "fact",
    "features": "features",
    "group": "group",
    "growth": "growth of the penalty",
    "handling": "repeated rows",
    "head": "head",
    "intercepts": "intercepts",
    "k": "k",
    "layers": "layers of the head",
    "learner": "learner",
    "level": "amount of over-sampling in %",
    "loss": "loss",
    "method": "method",
    "metric": "measure",
    "n": "rows",
    "network": "network",
    "noise": "noise",
    "normalise": "standardised scores",
    "p_lower": "prevalence of the lower group",
    "penalty": "penalty",
    "position": "singular value",
    "prevalence": "prevalence",
    "rankings": "rankings",
    "rare": "probability of the rare class",
    "ratio": "ratio",
    "ratios": "ratios of prevalences",
    "recipe": "training recipe",
    "replicate": "repetition",
    "resampled": "what is drawn again",
    "rows": "training rows",
    "sampler": "scores drawn from",
    "scale": "size of the random start",
    "scores": "scores",
    "shots": "rows of each class",
    "shift": "shift of the lower group's scores (SD)",
    "split_by": "split by",
    "step": "step",
    "t": "weight t",
    "tasks": "tasks",
    "test_images": "test images",
    "test_set": "test set",
    "threshold": "threshold of the theory",
    "unit": "unit",
    "views": "views",
    "weight": "weight of a row",
    "weighting": "weight on",
}

_METHODS: Final[Mapping[str, str]] = {
    # resampling
    "none": "no sampling",
    "under": "under-sampling",
    "over": "random over-sampling",
    "replication": "over-sampling by copies",
    "smote": "SMOTE",
    "smote_fixed_level": "SMOTE, amount fixed in advance",
    "smote_chosen_level": "SMOTE, amount chosen inside the training part",
    "smote_best_on_test": "SMOTE, best amount on the test folds",
    "random_parents": "SMOTE, random parents",
    "segment": "children on segments",
    "box": "children in boxes",
    "threshold_pruned": "threshold, pruned tree",
    "threshold_unpruned": "threshold, unpruned tree",
    "threshold_laplace": "threshold, unpruned tree + Laplace",
    "without_replacement": "drawn without replacement",
    # closed-form classifiers
    "naive_bayes": "naive Bayes",
    "logistic": "logistic regression",
    "logistic_standardised": "logistic regression, standardised columns",
    "discriminant": "linear discriminant",
    "gda": "GDA",
    "gda_ledoit_wolf": "GDA, Ledoit-Wolf",
    "gda_empirical_prior": "GDA, empirical prior",
    "gda_ledoit_wolf_empirical_prior": "GDA, Ledoit-Wolf, empirical prior",
    "gda_shots_only": "GDA, without validation rows",
    "ncm": "nearest class mean",
    "logistic_balanced": "logistic regression, balanced weights",
    "logistic_adjusted": "logistic regression, adjusted logits",
    "logistic_prior_threshold": "logistic regression, threshold at the prior",
    "ridge_weighted": "ridge, balanced weights",
    "prototypes": "noisy prototypes",
    # rows in bags
    "bag": "bag loss",
    "instance": "instance loss",
    "interpolated": "interpolation",
    "interpolated_oracle": "interpolation, best by the truth",
    "ridge": "ridge on the bag loss",
    "ridge_oracle": "ridge, best by the truth",
    "minimum_norm": "bag loss, smallest norm",
    "instance_best_size": "instance loss, best bag size",
    "ridge_no_bags": "ridge without bags",
    "ridge_no_bags_oracle": "ridge without bags, best by the truth",
    # pooled quantile forecasts
    "average": "average",
    "best_single": "best single model",
    "median": "median",
    "global_coarse": "one weight a model",
    "global_medium": "weights by level",
    "local_coarse": "weights by features",
    "local_medium": "weights by features and level",
    "qra": "quantile regression on forecasts",
    "in_sample": "weights from forecasts of seen rows",
    "model_linear": "linear quantiles",
    "model_curved": "linear in curved features",
    "model_near_15": "15 neighbours",
    "model_near_60": "60 neighbours",
    "model_gaussian": "Gaussian errors",
    "model_trees": "boosted trees",
    "average_narrowed": "average, intervals halved",
    "rvfl": "plain network",
    "weights": "network + weights",
    "fuzzy": "network + scores",
    "graph": "network + graph",
    "weights_fuzzy": "network + weights + scores",
    "weights_graph": "network + weights + graph",
    "fuzzy_graph": "network + scores + graph",
    "full": "full network",
    "full_released": "full network, released solution",
    # rankings
    "auroc": "AUROC",
    "average_precision": "AUPRC",
    "precision_at_k": "precision at k",
    "random": "mistakes at random",
    "highest": "highest mistake first",
    "ap_best": "the mistake AUPRC rewards most",
    "uniform": "a mistake drawn at random",
    "bca": "bootstrap, BCa",
    "percentile": "bootstrap, percentile",
    "delong": "DeLong",
    "delong_logit": "DeLong, logit",
    "newcombe": "Newcombe",
    "logit_influence": "logit, influence",
    "logit_binomial": "logit, binomial",
    # ordinal regression
    "presto": "PRESTO",
    "presto_published": "PRESTO as published",
    "presto_ridge": "PRESTO, ridge form",
    "presto_ridge_published": "PRESTO, ridge form, as published",
    "logit": "logistic regression",
    "proportional_odds": "proportional odds",
    "base_rate": "base rate",
    "prior_corrected_logit": "logistic regression, prior corrected",
    "firth": "Firth's logistic regression",
    "semi_parallel": "semi-parallel model",
    "boosting": "gradient boosting",
    "logit_l1": "L1 logistic regression",
    "logit_ridge": "ridge logistic regression",
    "multinomial": "multinomial logistic regression",
    "borrowing_l1": "borrowing, L1",
    "borrowing_ridge": "borrowing, ridge",
    "shrinking_l1": "shrinking, L1",
    "shrinking_ridge": "shrinking, ridge",
    "no_penalty": "no penalty",
    # mixup
    "erm": "no mixup",
    "mixup": "mixup",
    "mild_mixup": "mild mixup",
    # long-tailed recognition
    "expert_1": "first expert",
    "expert_2": "second expert",
    "expert_3": "third expert",
    "equal": "equal weights",
    "equal_augmented": "equal weights, augmented images",
    "learned": "learned weights",
    "longer": "weights learned in 25 epochs",
    "oracle": "best weights, which know the labels",
    "inner": "inner product",
    "entropy": "low entropy",
    "cross_entropy": "one network, cross-entropy",
    "balanced": "one balanced network",
    "sade": "three experts with different skills",
    "ldam_drw": "one network, LDAM-DRW",
    "focal": "one network, focal loss",
    "lade": "one network, LADE",
    "ride": "three experts of RIDE, first stage",
    "decoupled": "one network, cross-entropy, linear classifier",
    "linear": "one network, cross-entropy, linear classifier",
    "tau_norm": "the same, normalised classifier",
    "crt": "the same, retrained classifier",
    "three_balanced": "three balanced experts",
    "three_balanced_learned": "three balanced experts, learned weights",
    # metrics that order detectors
    "expected_cost": "cost by recorded labels",
    "f1": "F1",
    "f1_then_gmean": "F1, then g-mean",
    "f2": "F2",
    "g_mean": "g-mean",
    "gmean_then_f1": "g-mean, then F1",
    "kappa": "Cohen's kappa",
    "mcc": "MCC",
}

_ENDINGS: Final[Mapping[str, str]] = {
    "_corrected": ", prior corrected",
    "_temperature": ", temperature",
    "_best_epoch": ", best epoch",
    "_power": " + estimated power",
    "_known": " + true prior",
    "_em": " + most likely prior",
}

_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "method": _METHODS,
    "dataset": {
        "adult": "Adult",
        "adult_continuous": "Adult, continuous columns",
        "adult_continuous_sample": "Adult, continuous columns (4,000 rows)",
        "breast_cancer": "Breast cancer",
        "cifar10": "CIFAR-10",
        "cifar100": "CIFAR-100",
        "compas": "COMPAS",
        "forest_cover": "Forest cover",
        "hetero": "simulation",
        "german_credit": "German credit",
        "lsac": "LSAC",
        "mammography": "Mammography",
        "mnist": "MNIST",
        "mnist-subset": "MNIST subset",
        "oil_spill": "Oil",
        "phoneme": "Phoneme",
        "pima": "Pima",
        "prediabetes": "PreDiabetes",
        "satimage": "Satimage",
        "simulated": "Simulated",
        "simulated_repeated": "Simulated, rows repeated",
    },
    "learner": {
        "pruned_tree": "pruned tree",
        "logistic_regression": "logistic regression",
        "gradient_boosting": "gradient boosting",
        "small_boosting": "small gradient boosting",
    },
    "metric": {
        "accuracy": "accuracy",
        "ambiguity": "ambiguity",
        "ambiguity_held_out": "ambiguity of rows not fitted",
        "ambiguity_of_errors": "standard errors reach 0.1",
        "area": "AUROC",
        "auc_full": "area from (0, 0)",
        "auc_paper": "area, paper's rule",
        "auroc": "AUROC",
        "average_precision": "AUPRC",
        "average_precision_at_half": "AUPRC at prevalence 0.5",
        "balanced_accuracy": "balanced accuracy",
        "balanced_accuracy_from_ratio_3": "balanced accuracy, sets from 3 to 1 on",
        "binned_error": "score as meant",
        "brier": "Brier score",
        "coded_error": "score as coded",
        "confidence_gap": "confidence minus accuracy",
        "ece": "expected calibration error",
        "f1_of_best": "F1 of the best detector",
        "gap": "gap between the groups",
        "kendall": "Kendall's tau",
        "kept": "models kept",
        "curvature_probit": "curvature, probits",
        "r2_line_accuracy": "R² of a line, accuracies",
        "r2_line_probit": "R² of a line, probits",
        "r2_parabola_accuracy": "R² of a parabola, accuracies",
        "r2_parabola_probit": "R² of a parabola, probits",
        "log_loss": "log-loss",
        "log_risk_ratio": "log of predicted over observed risk",
        "nodes": "nodes of the pruned tree",
        "rare_recall": "recall of the two rarest classes",
        "rare_mse": "squared error of P(rare | x)",
        "rare_mse_fresh": "squared error of P(rare | x), fresh rows",
        "recall": "recall",
        "temperature": "temperature",
    },
    "attribute": {"sex": "sex", "race": "race"},
    "data": {
        "cue_digits": "digits with a cue",
        "mlp": "perceptrons",
        "mnist_patch": "MNIST with a patch",
        "rare_digits": "digits with a rare kind",
    },
    "weighting": {"higher_prevalence": "group of higher prevalence", "first_code": "group whose code comes first"},
    "area": {"auroc": "AUROC", "average_precision": "AUPRC"},
    "scores": {"calibrated": "calibrated scores", "ranks": "ranks within each group"},
    "loss": {"cross_entropy": "cross-entropy", "mse": "squared error"},
    "network": {"mlp": "perceptron", "resnet18": "ResNet-18", "vgg16": "VGG-16"},
    "features": {
        "pixels": "principal components",
        "supervised": "supervised network",
        "rotations": "rotation network",
    },
    "split_by": {"rows": "split by rows", "respondents": "split by respondents"},
    "ratios": {"first_split": "ratios of one test split", "full_file": "ratios of whole files"},
    "resampled": {"seeds": "means vary", "seeds_and_tasks": "means and tasks vary"},
    "bias": {"True": "with bias", "False": "without bias"},
    "normalise": {"True": "yes", "False": "no"},
}


def _method(key: str) -> str:
    if key in _METHODS:
        return _METHODS[key]
    if found := re.fullmatch(r"smote_(\d+)", key):
        return f"SMOTE {found[1]} % + under-sampling"
    if found := re.fullmatch(r"tau(\d+)_(.+)", key):
        return f"{_method(found[2])}, tau = {found[1]}"
    for ending, words in _ENDINGS.items():
        if key.endswith(ending):
            return _method(key.removesuffix(ending)) + words
    return key.replace("_", " ")


def _test_set(key: str) -> str:
    kind, _, ratio = key.partition("-")
    kinds = {"forward": "tail as in training", "backward": "inverse tail"}
    return f"{kinds[kind]}, ratio {ratio}" if kind in kinds and ratio else key.replace("_", " ")


def name_of(value: object, column: str = "method") -> str:
    """Name of a value of a result table as readers say it.

    Parameters
    ----------
    value : object
        Entry of the table: the key of a method or data set, a number, a text.
    column : str, default="method"
        Column in which it stands.

    Returns
    -------
    str
        Its name; an entry without one reads as it stands, with blanks for underscores.

    Examples
    --------
    >>> name_of("smote_200")
    'SMOTE 200 % + under-sampling'
    >>> name_of("oil_spill", "dataset")
    'Oil'
    """
    key = str(value)
    if column == "method":
        return _method(key)
    if column == "test_set":
        return _test_set(key)
    if column == "layers":
        return f"{float(key):g} layer{'s' * (float(key) != 1)}"
    if known := _VALUES.get(column, {}).get(key):
        return known
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:g}"
    return key.replace("_", " ")


def setting_name(column: str) -> str:
    """Name of a column of a result table, as a heading or an axis says it.

    Parameters
    ----------
    column : str
        Setting column.
    """
    return _SETTING_NAMES.get(column, column.replace("_", " "))


def difference_name(first: object, second: object, column: str = "method") -> str:
    """Name of a difference: what it is of, minus what is taken off.

    Parameters
    ----------
    first, second : object
        Entries of the table.
    column : str, default="method"
        Column in which both stand.

    Examples
    --------
    >>> difference_name("smote_200", "under")
    'SMOTE 200 % + under-sampling − under-sampling'
    """
    return f"{name_of(first, column)} − {name_of(second, column)}"
