"""The number format follows from the hardware, or from what was asked."""

from __future__ import annotations

import pytest
import torch

from tunesmith.engine.device import choose_precision
from tunesmith.errors import InputError


@pytest.mark.parametrize(
    ("gpu", "gpu_bf16", "amx", "expected"),
    [(True, True, False, "bf16"), (True, False, True, "fp16"), (False, False, True, "bf16"),
     (False, False, False, "fp32")],
)  # fmt: skip
def test_auto_takes_what_the_hardware_does_well(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, gpu_bf16: bool, amx: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: gpu_bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_precision("auto") == expected


def test_what_was_asked_is_taken_and_fp16_without_a_gpu_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_precision("bf16") == "bf16"
    assert choose_precision("fp32") == "fp32"
    with pytest.raises(InputError, match="K502"):
        choose_precision("fp16")
