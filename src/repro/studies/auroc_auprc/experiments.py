"""Experiments of the AUROC and AUPRC study: which cells each profile runs."""

from __future__ import annotations

from typing import Final

from repro.protocol.experiment import Experiment
from repro.studies.auroc_auprc.real_data import REAL_DATA

# --- Rankings and simulated groups (Theorems 1 to 3, Section 3.1) -----------------------------------------------------

SIMULATED: Final[tuple[Experiment, ...]] = ()

EXPERIMENTS: Final = (*SIMULATED, *REAL_DATA)
