"""``python -m repro.cli`` is the same as ``repro``."""

from __future__ import annotations

import sys

from repro.cli import main

if __name__ == "__main__":
    sys.exit(main())
