"""``repro set-down``: unfinished trainings, put where git finds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from repro.cli.output import say

__all__ = ["set_down"]


def set_down(study: Annotated[str, typer.Argument(help="The study whose unfinished trainings to set down.")]) -> None:
    """Copy the unfinished trainings of a study to where git finds them, to go on elsewhere.

    They lie in results/STUDY/unfinished. Wherever the repository is checked out, the same run goes on from there.
    """
    from repro import studies
    from repro.running import plan_cells
    from repro.trials.keeping import CHECKPOINT, Keeping, unfinished_labels
    from repro.trials.keeping import set_down as put

    experiments = studies.experiments(study).values()
    copies = [path for label in unfinished_labels(study) for path in put(keeping=Keeping(label))]
    for experiment in experiments:
        for profile in experiment.profiles:
            planned = plan_cells(experiment, profile, experiment.cells_of(profile))
            for item in planned.waiting:
                scratch = planned.store.scratch(item.key)
                for checkpoint in sorted(scratch.glob(f"*{CHECKPOINT}")):
                    copies += put(replace(item.cell, scratch=scratch), name=checkpoint.stem)
    for path in dict.fromkeys(copies):
        typer.echo(path)
    if not copies:
        say(f"no unfinished training of {study} here")
