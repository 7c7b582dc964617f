"""What experiments of one kind share: tasks, methods, recipes, one way to fit and keep, outputs and measures.

Nothing here knows a paper. Networks need PyTorch, which is imported when one is made.
"""

from __future__ import annotations

from repro.trials.course import Course
from repro.trials.fitting import Seeds, fit, telling
from repro.trials.image_tasks import (
    ImageTask,
    augmentation_of,
    digit_rows,
    divided_digits,
    first_classes,
    first_rows,
    long_tailed,
)
from repro.trials.keeping import Keeping, set_down
from repro.trials.measures import (
    accuracy_on_every_set,
    best_epoch,
    calibration_measures,
    cross_fitted,
    last_quarter,
    on_every_set,
)
from repro.trials.methods import (
    LONG_TAIL_METHODS,
    Method,
    headed_convolutions,
    headed_mlp,
    long_tail_loss,
    penalised,
    resnet32,
    resnet32_experts,
    shifted_cross_entropy,
    small_experts,
)
from repro.trials.outputs import ExpertLogits, Outputs, Trained, expert_logits, under
from repro.trials.recipes import (
    ADAM_BATCHES,
    ADAMW_BATCHES,
    FULL_BATCH,
    LONG_TAIL_PUBLISHED,
    LONG_TAIL_SHORT,
    LONG_TAIL_SMALL,
    SGD_STEPS,
    Recipe,
    crop_flip,
    crop_flip_colour_blur,
    crop_flip_rotate,
    named,
    shift_rotate,
)

__all__ = [
    "ADAMW_BATCHES",
    "ADAM_BATCHES",
    "Course",
    "ExpertLogits",
    "FULL_BATCH",
    "ImageTask",
    "Keeping",
    "LONG_TAIL_METHODS",
    "LONG_TAIL_PUBLISHED",
    "LONG_TAIL_SHORT",
    "LONG_TAIL_SMALL",
    "Method",
    "Outputs",
    "Recipe",
    "SGD_STEPS",
    "Seeds",
    "Trained",
    "accuracy_on_every_set",
    "augmentation_of",
    "best_epoch",
    "calibration_measures",
    "crop_flip",
    "crop_flip_colour_blur",
    "crop_flip_rotate",
    "cross_fitted",
    "digit_rows",
    "divided_digits",
    "expert_logits",
    "first_classes",
    "first_rows",
    "fit",
    "headed_convolutions",
    "headed_mlp",
    "last_quarter",
    "long_tail_loss",
    "long_tailed",
    "named",
    "on_every_set",
    "penalised",
    "resnet32",
    "resnet32_experts",
    "set_down",
    "shift_rotate",
    "shifted_cross_entropy",
    "small_experts",
    "telling",
    "under",
]
