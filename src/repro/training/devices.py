"""Where tensors live, and convolutions that give equal results in equal runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def torch_device(name: str) -> torch.device:
    """Device of a name: ``"auto"`` is a GPU where there is one.

    Parameters
    ----------
    name : "auto", "cpu" or "cuda"

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If ``"cuda"`` is asked for and PyTorch sees no GPU, or the name is another than auto, cpu or cuda.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {name!r}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("device is 'cuda', but PyTorch sees no GPU; 'auto' or 'cpu' runs without one")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def repeatable(device: torch.device, *, exact: bool = False) -> AbstractContextManager[None]:
    """On a GPU: convolutions that give equal results in equal runs; nothing to do on the CPU.

    Parameters
    ----------
    device : torch.device
    exact : bool, default=False
        Whether to do without TF32 too.

    Returns
    -------
    context manager
    """
    if device.type != "cuda":
        return nullcontext()
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=not exact
    )
    return flags
