"""The ``repro`` command with the toy experiments and a build folder of its own: ``drive.py FOLDER ARGUMENT...``.

With ``INTERRUPTED_BEFORE_TABLE`` in the environment, Ctrl-C comes when the table would be written.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from toy_experiments import NAMES, NUMBERS

from repro import studies
from repro.cli import main
from repro.protocol import files
from repro.running import execute

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    files.build_folder = lambda: folder / "_build"
    files.project_root = lambda: folder
    studies.experiment = {experiment.name: experiment for experiment in (NAMES, NUMBERS)}.__getitem__
    if "INTERRUPTED_BEFORE_TABLE" in os.environ:
        execute.write_table = lambda *_: os.kill(os.getpid(), signal.SIGINT)
    sys.exit(main(sys.argv[2:]))
