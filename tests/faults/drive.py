"""The ``repro`` command with the toy experiments and a build folder of its own: ``drive.py FOLDER ARGUMENT...``."""

from __future__ import annotations

import sys
from pathlib import Path

from toy_experiments import NAMES, NUMBERS

from repro import studies
from repro.cli import main
from repro.protocol import files

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    files.build_folder = lambda: folder / "_build"
    files.project_root = lambda: folder
    studies.experiment = {experiment.name: experiment for experiment in (NAMES, NUMBERS)}.__getitem__
    sys.exit(main(sys.argv[2:]))
