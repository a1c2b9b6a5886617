"""Where and in which number format the work runs. The only module that knows Accelerate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tunesmith.engine.divided import whole
from tunesmith.engine.ranks import ALONE, Ranks, launched
from tunesmith.errors import Fault, InputError

Precision = Literal["fp32", "bf16", "fp16"]
FSDP = "ACCELERATE_USE_FSDP"
"""The variable by which `accelerate launch` asks for divided weights."""
OTHERS = {"DeepSpeed": "ACCELERATE_USE_DEEPSPEED", "Megatron": "ACCELERATE_USE_MEGATRON_LM"}
"""What divides weights in ways that there are not here → its variable."""
PATIENCE = timedelta(days=1)
"""How long processes wait for each other: the first may read data for hours. One that has ended is noticed at once."""


def join() -> Ranks:
    """Join the processes that a launcher started together with this one; alone where there are none.

    Raises:
        InputError: the launcher was told to use DeepSpeed or Megatron (K544).
    """
    for name, variable in OTHERS.items():
        if _is_set(variable):
            message = f"the launcher asks for {name}, which is not there."
            cure = "Launch with --use_fsdp to divide the weights among the processes, else with --multi_gpu."
            raise InputError(Fault("K544", "accelerate launch", message, cure))
    if not launched():
        return ALONE
    from accelerate import PartialState

    divides = _asks_to_divide()
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)
    return Ranks(state.process_index, state.num_processes, str(state.device), divides)


@cache
def _asks_to_divide() -> bool:
    """Return whether the launcher asks for it, whichever training of this process asks; Accelerate must not hear it."""
    asked = _is_set(FSDP)
    os.environ.pop(FSDP, None)  # it would wrap the model in its own way
    return asked


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true")


def choose_precision(asked: Literal["auto", "fp32", "bf16", "fp16"]) -> Precision:
    """Return the number format for this hardware.

    `auto` is bf16 on a GPU that has it, and on a CPU where that is faster (`fast_bf16`).

    Raises:
        InputError: fp16 was asked for where there is no GPU: its small range needs loss scaling.
    """
    gpu = torch.cuda.is_available()
    if asked == "fp16" and not gpu:
        raise InputError(
            Fault("K502", "recipe: precision", "fp16 needs a GPU, and none was found.", "Set `precision: auto`.")
        )
    if asked != "auto":
        return asked
    if gpu:
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if fast_bf16() else "fp32"


def fast_bf16() -> bool:
    """Say whether this CPU multiplies bf16 matrices faster than fp32 ones: with AMX tiles, or AMD's since Zen 4.

    Others that have AVX-512 bf16 are slower with it (71 against 111 GFLOP/s on one core of an Intel Xeon), an AMD EPYC
    more than twice as fast (175 to 194 against 70 to 90). It is not timed here: a neighbour that takes the core for a
    moment would decide over the numbers of a run.
    """
    can = torch.cpu.get_capabilities()
    return bool(can.get("amx_bf16") or (can.get("avx512_bf16") and "AMD" in can.get("cpu_name", "")))


def halve(model: nn.Module) -> None:
    """Let a model that is only asked compute its products in bf16; outputs are fp32.

    Linear layers hold their weights in it, so that these are not converted anew for every batch, and so do embeddings
    that share them. The model cannot go back.
    """
    from accelerate.utils import convert_outputs_to_fp32

    from tunesmith.models.body import unwrapped

    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)
    kind = next(model.parameters()).device.type
    inner = unwrapped(model)  # `generate` calls it past an adapter, and the encoder past both
    asked = [inner, inner.get_encoder()] if getattr(inner.config, "is_encoder_decoder", False) else [inner]
    for part in asked:
        part.forward = convert_outputs_to_fp32(torch.autocast(kind, torch.bfloat16)(part.forward))


@dataclass(frozen=True, slots=True)
class Device:
    """Accelerate's engine behind five verbs."""

    accelerator: Any
    precision: Precision
    ranks: Ranks = ALONE

    @classmethod
    def open(cls, precision: Precision, ranks: Ranks = ALONE) -> Device:
        """Return the best device there is."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        # Accelerate keeps one number format per process; the next run may ask for another.
        AcceleratorState._reset_state()
        asked = "no" if precision == "fp32" else precision
        on_cpu = ranks.count > 1 and not torch.cuda.is_available()
        return cls(Accelerator(mixed_precision=asked, cpu=on_cpu), precision, ranks)

    @property
    def target(self) -> torch.device:
        """The torch device."""
        return torch.device(self.accelerator.device)

    def prepare(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        """Place model and optimiser; of several processes all begin with the weights of the first.

        Accelerate's own wrapper for several processes averages gradients in every backward pass, one for each forward
        pass through it. Here a step has as many passes as its strategies like, so their sums are taken once, at the
        end of the step (`Ranks.add_gradients`), and the model is prepared without it.
        """
        placed = self.accelerator.prepare_model(model, evaluation_mode=True)
        if not self.ranks.divides:
            self.ranks.make_alike(placed)
        return placed, self.accelerator.prepare_optimizer(optimizer)

    def unwrap(self, model: nn.Module) -> nn.Module:
        """Return the model as it was before `prepare`.

        Accelerate's own way of taking its wrapper for half precision off goes too far: it also takes off what
        transformers has around `forward`, and binds one that is no method to the model.
        """
        plain: nn.Module = self.accelerator.unwrap_model(model, keep_fp32_wrapper=True)
        forward = vars(plain).pop("_original_forward", None)
        if forward is not None:
            del plain.forward
            if getattr(forward, "__func__", None) is not type(plain).forward:
                plain.forward = forward
        return plain

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`."""
        self.accelerator.backward(loss)

    def clip(self, parameters: list[nn.Parameter], norm: float | None) -> float:
        """Scale gradients down to `norm` and return the norm they had; with None only measure it."""
        limit = float("inf") if norm is None else norm
        return float(whole(self.accelerator.clip_grad_norm_(parameters, limit)))

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """No gradients, in the number format of training."""
        # Weights that are gathered for the first time while nothing can be learnt could not learn afterwards.
        quiet = torch.no_grad() if self.ranks.divides else torch.inference_mode()
        with quiet, self.accelerator.autocast():
            yield


def peak_memory_bytes() -> int:
    """Return the most memory this process has held: of the GPU where one is used, else resident."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
