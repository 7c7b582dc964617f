"""Make the embedded features of digits again: five small networks that were trained on digits 0 to 4 describe 5 to 9.

python scripts/pack_digit_features.py                  write the files to src/repro/data/embedded
python scripts/pack_digit_features.py --folder FOLDER  write them to another folder

Each network is a perceptron with layers of 256 and 32 units, trained for ten epochs on all embedded images of the
digits 0 to 4. Its 32 features of the digits 5 to 9 are stored as one byte each: feature = low + step * code, where low
is the least value of the feature and step a 255th of its range. No picture can be seen in them. The checksum that is
printed stands in ``repro.studies.gda.features``. Another processor or release of PyTorch may give other features.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from repro.ground.files import atomic_write_bytes, atomic_write_text
from repro.protocol.experiment import child_seed
from repro.studies.gda.features import FILE, NETWORKS, SEED, SEEN, WIDTHS, as_bytes, digits, trained_features

EMBEDDED: Final = Path(__file__).resolve().parents[1] / "src" / "repro" / "data" / "embedded"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the networks, write features and provenance, and print size and checksum."""
    parser = argparse.ArgumentParser(description="Make the embedded features of digits again.")
    parser.add_argument(
        "--folder", type=Path, default=EMBEDDED, help="where the files are written (default: %(default)s)"
    )
    folder: Path = parser.parse_args(arguments).folder
    parts = [digits("mnist-subset", split) for split in ("train", "test")]
    images, labels = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    early, late = labels < SEEN, labels >= SEEN
    coded = []
    for number in range(NETWORKS):
        (found,) = trained_features(images[early], labels[early], [images[late]], child_seed(SEED, number, 0))
        coded.append(as_bytes(found))
    codes, low, step = (np.stack(part) for part in zip(*coded, strict=True))
    stream = io.BytesIO()
    np.savez_compressed(stream, codes=codes, low=low, step=step, labels=(labels[late] - SEEN).astype(np.uint8))
    content = stream.getvalue()
    about = {
        "what": "features of the digits 5 to 9 by perceptrons that were trained on the digits 0 to 4",
        "made_by": "scripts/pack_digit_features.py",
        "source": "embedded part of MNIST, CC BY-SA 3.0",
        "networks": NETWORKS,
        "widths": WIDTHS,
        "training_images": int(early.sum()),
        "rows": int(late.sum()),
        "processor": platform.machine(),
        "libraries": {name: importlib.metadata.version(name) for name in ("numpy", "torch")},
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    atomic_write_bytes(folder / FILE, content)
    atomic_write_text((folder / FILE).with_suffix(".json"), json.dumps(about, indent=2) + "\n")
    print(f"{FILE}: {len(content)} bytes, sha256 {about['sha256']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
