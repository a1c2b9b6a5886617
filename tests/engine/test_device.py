"""The number format follows from the hardware, or from what was asked."""

from __future__ import annotations

import pytest
import torch

from tunesmith.engine.device import Device, choose_precision, halve
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


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft's own
def test_a_model_that_writes_with_an_adapter_beside_it_writes_in_half_precision() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, pad_token_id=0,
    )  # fmt: skip
    model = get_peft_model(LlamaForCausalLM(config), LoraConfig(task_type="CAUSAL_LM"))
    ids = torch.tensor([[3, 4, 5]])
    with torch.inference_mode():
        exact = model(input_ids=ids).logits
        halve(model)
        half = model(input_ids=ids).logits
        written = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=2, do_sample=False)
    assert half.dtype == torch.float32
    assert not torch.equal(half, exact)
    assert torch.allclose(half, exact, atol=0.05 * float(exact.abs().max()))
    assert written.shape == (1, 5)
