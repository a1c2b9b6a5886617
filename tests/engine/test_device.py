"""The number format follows from the hardware, or from what was asked."""

from __future__ import annotations

import pytest
import torch

from tunesmith.engine.device import Device, choose_precision
from tunesmith.errors import InputError

TILES = {"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}
XEON = {"amx_bf16": False, "avx512_bf16": True, "cpu_name": "Intel Xeon"}
EPYC = {"amx_bf16": False, "avx512_bf16": True, "cpu_name": "AMD EPYC"}
OLD_EPYC = {"amx_bf16": False, "avx512_bf16": False, "cpu_name": "AMD EPYC"}
ARM = {"neon": True, "bf16": True}


@pytest.mark.parametrize(
    ("gpu", "gpu_bf16", "cpu", "expected"),
    [(True, True, XEON, "bf16"), (True, False, TILES, "fp16"), (False, False, TILES, "bf16"),
     (False, False, XEON, "fp32"), (False, False, EPYC, "bf16"), (False, False, OLD_EPYC, "fp32"),
     (False, False, ARM, "fp32")],
)  # fmt: skip
def test_auto_takes_what_the_hardware_does_well(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, gpu_bf16: bool, cpu: dict[str, object], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: gpu_bf16)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
    assert choose_precision("auto") == expected


def test_what_was_asked_is_taken_and_fp16_without_a_gpu_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_precision("bf16") == "bf16"
    assert choose_precision("fp32") == "fp32"
    with pytest.raises(InputError, match="K502"):
        choose_precision("fp16")


class Plain(torch.nn.Linear):
    """A model whose `forward` is its class's."""


def test_a_model_of_half_precision_comes_back_with_the_forward_it_had() -> None:
    device = Device.open("bf16")
    own = Plain(4, 2)
    patched = Plain(4, 2)
    replacement = patched.forward = lambda inputs: inputs * 2
    for model in (own, patched):
        placed, _ = device.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
        placed(torch.ones(1, 4))
        assert device.unwrap(placed) is model
    assert "forward" not in vars(own)
    assert patched.forward is replacement
    assert device.unwrap(own) is own, "twice does no harm"
