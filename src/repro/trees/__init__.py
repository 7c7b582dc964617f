"""Decision trees and rules of the 1990s that today's libraries no longer carry."""

from __future__ import annotations

from repro.trees.c45 import C45Classifier

__all__ = ["C45Classifier"]
