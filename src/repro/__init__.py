"""The Imbalance Book: statements about learning from imbalanced data, judged by code.

Importing :mod:`repro` imports nothing heavy; take what you need from its rooms, for example
``from repro.sampling import SMOTE`` or ``from repro.data import load``.
"""

from __future__ import annotations

__version__ = "0.1.0"
