"""The ``repro`` command with the toy experiments and a build folder of its own: ``drive.py FOLDER ARGUMENT...``.

With ``INTERRUPTED_BEFORE_TABLE`` in the environment, Ctrl-C comes when the table would be written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from toy_experiments import NAMES, NUMBERS

from repro import studies
from repro.cli import main
from repro.ground import files
from repro.running import execute


def run_in(folder: Path, *arguments: str, replace: Callable[[object, str, object], None] = setattr) -> int:
    """Run the command on the toy experiments with a build folder in `folder`; gives the exit status."""
    replace(files, "build_folder", lambda: folder / "_build")
    replace(files, "project_root", lambda: folder)
    replace(studies, "experiment", {experiment.name: experiment for experiment in (NAMES, NUMBERS)}.__getitem__)
    return main(list(arguments))


if __name__ == "__main__":
    if "INTERRUPTED_BEFORE_TABLE" in os.environ:
        execute.write_table = lambda *_: os.kill(os.getpid(), signal.SIGINT)
    sys.exit(run_in(Path(sys.argv[1]), *sys.argv[2:]))
