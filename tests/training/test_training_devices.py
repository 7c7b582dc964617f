"""Where tensors live, on machines with and without a GPU."""

from __future__ import annotations

import pytest
import torch

from repro.training import repeatable, torch_device


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_device("auto").type == torch_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="PyTorch sees no GPU"):
        torch_device("cuda")
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu' or 'cuda', got 'tpu'"):
        torch_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert torch_device("auto").type == "cuda"
    assert torch_device("cpu").type == "cpu"


def test_convolutions_on_a_gpu_are_repeatable_and_measured_exactly():
    flags = torch.backends.cudnn
    before = flags.deterministic, flags.allow_tf32
    with repeatable(torch.device("cuda")):
        assert (flags.deterministic, flags.benchmark, flags.allow_tf32) == (True, False, True)
        with repeatable(torch.device("cuda"), exact=True):
            assert (flags.deterministic, flags.allow_tf32) == (True, False)
    assert (flags.deterministic, flags.allow_tf32) == before
