"""LoRA: learn a small change of every matrix, and leave the matrices as they are."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import nn
from transformers.pytorch_utils import Conv1D

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError, MissingExtra
from tunesmith.models.adapter import quiet_peft
from tunesmith.models.blocks import stacks

WIDE = 1024
"""From so many dimensions on, the default rank is 16 in place of 8."""


class LoRA(Strategy):
    """Train two thin matrices beside each matrix of the body, and the head.

    y = W x + s · B A x with W [out, in] frozen, A [rank, in] drawn at random and B [out, rank] zero, so that training
    starts from the pretrained model; s = alpha / rank, or alpha / √rank with `rslora`. A head that is new is trained
    as a whole; the matrix in front of the vocabulary of a model that writes is not.

    Use it when all weights would not fit into memory or into a checkpoint, when one base model serves many tasks, or
    when the model must forget little: an adapter changes it less. Prefer full tuning of a small encoder, of many rows
    in a new domain or language, and of an encoder-decoder made of two encoders, whose cross-attention is new.

    It wants about ten times the learning rate of full tuning, and gets it where the recipe leaves the rate open. With
    all layers as targets, a rank above 16 helps where much is new (code, a language), hardly where a form is learnt.
    The adapter stays apart from the weights; `finish` leaves it so.

    Cost: a few percent of the weights have gradients, moments and a place in a checkpoint. At most a third of a step's
        arithmetic is saved, that of the matrices' own gradients: the backward pass still goes through the whole body.

    Source: Hu et al. 2021, LoRA, section 4.1, equation 3. Every linear layer of the blocks is a target, not query and
        value alone: Dettmers et al. 2023, QLoRA, section 4, found that this is what it takes to reach full tuning.
        `rslora`: Kalajdzievski 2023, A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA. Forgetting and the
        choice of alpha: Biderman et al. 2024, LoRA Learns Less and Forgets Less.
    """

    stage: ClassVar[Stage] = "adapter"

    rank: PositiveInt | None = None
    """Of the change; by default 8, or 16 where the model is 1,024 wide or wider."""
    alpha: PositiveInt | None = None
    """How strongly the change counts; by default twice the rank, so that a new rank needs no new learning rate."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Dropout in front of A. On a CPU its random numbers cost a tenth to a fifth of a step (docs/decisions.md)."""
    targets: tuple[str, ...] | None = None
    """Ends of the names of the layers that get an adapter, such as `q_proj`; by default every linear layer."""
    rslora: bool = False
    """Divide alpha by the root of the rank: for ranks of 64 and more."""

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Return the model wrapped by peft: adapters and head learn, all else is frozen.

        Raises:
            InputError: no layer is called like one of `targets` (K504).
            MissingExtra: peft is not installed.
        """
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError:
            raise MissingExtra("the strategy lora", "peft", "write") from None
        layers = self.layers(model)
        first = next(iter(layers.values()))
        width = first.weight.shape[0] if isinstance(first, Conv1D) else first.weight.shape[1]
        rank = self.rank or (16 if width >= WIDE else 8)
        settings = LoraConfig(
            r=rank,
            lora_alpha=self.alpha or 2 * rank,
            lora_dropout=self.dropout,
            use_rslora=self.rslora,
            target_modules=_pattern(list(layers)),
            fan_in_fan_out=isinstance(first, Conv1D),
            modules_to_save=heads(model) or None,
            task_type=_task_type(model),
        )
        with torch.random.fork_rng(devices=[]), quiet_peft():
            torch.manual_seed(setup.seed)
            wrapped: nn.Module = get_peft_model(model, settings)
        return wrapped

    def layers(self, model: nn.Module) -> dict[str, Any]:
        """Return name → layer of the layers that get an adapter: linear ones inside the blocks.

        Raises:
            InputError: there is none (K504).
        """
        inside = tuple(f"{prefix}." for prefix, _ in stacks(model))
        linear = {
            name: module
            for name, module in model.named_modules()
            if name.startswith(inside) and isinstance(module, nn.Linear | Conv1D)
        }
        ends = self.targets
        found = {n: m for n, m in linear.items() if ends is None or any(f".{n}".endswith(f".{end}") for end in ends)}
        if not found:
            names = sorted({name.rpartition(".")[2] for name in linear})
            message = f"no linear layer of {type(model).__name__} is called {' or '.join(ends or ('anything',))}."
            raise InputError(Fault("K504", "strategies: lora.targets", message, f"There are {', '.join(names)}."))
        return found


def heads(model: nn.Module) -> list[str]:
    """Return the names of the modules that are new with a task and so are trained as a whole.

    They are what stands beside the body and has weights, and the body's pooler, which most checkpoints lack. The head
    of a language model is not new, and it is mostly tied to the embeddings.
    """
    output = getattr(model, "get_output_embeddings", lambda: None)()
    if output is not None:
        return []
    base = getattr(model, "base_model_prefix", "")
    found = [name for name, module in model.named_children() if name != base and any(True for _ in module.parameters())]
    poolers = [
        name for name, module in model.named_modules()
        if name.startswith(f"{base}.") and name.endswith(".pooler") and any(True for _ in module.parameters())
    ]  # fmt: skip
    return [*found, *poolers] if hasattr(model, base) else []


def _pattern(names: list[str]) -> str:
    """Return a regular expression for `names`, short because blocks are alike, and exact.

    Names of layers alone would also find those of poolers and heads: BERT calls many of them `dense`.
    """
    shapes = sorted({re.sub(r"(?<=\.)\d+(?=\.)", "#", name) for name in names})
    return "|".join(re.escape(shape).replace(r"\#", r"\d+") for shape in shapes)


def _task_type(model: Any) -> str | None:
    """Return peft's word for a model that writes; it has classes of its own for those, and needs none for others."""
    if not getattr(model, "can_generate", lambda: False)():
        return None
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"
