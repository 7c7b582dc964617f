"""torchvision as a peer of our batched transforms, also where its compiled operators do not fit the installed torch."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

_LIBRARY: list[torch.library.Library] = []


def functional() -> ModuleType:
    """``torchvision.transforms.v2.functional``, or a skipped test.

    The wheels of the package index are built for CUDA. Beside a CPU build of torch their operators for detection cannot
    be loaded, and the import fails on their names, which nothing here needs.
    """
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        _LIBRARY.append(library)
    from torchvision.transforms.v2 import functional as peer

    return peer
