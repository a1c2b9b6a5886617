"""LoRA: learn a small change of every matrix, and leave the matrices as they are."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, PrivateAttr, model_validator
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from tunesmith.core.strategy import Setup, Stage, Strategy
from tunesmith.errors import Fault, InputError
from tunesmith.models.adapter import merge, wrap, writes
from tunesmith.models.lowrank import beside_pretrained, starts_of
from tunesmith.models.parts import linear_layers, named, pattern, width_in
from tunesmith.models.quantise import need_quantising, quantise

WIDE = 1024
"""From so many dimensions on, the default rank is 16 in place of 8."""


class LoRA(Strategy):
    """Train two thin matrices beside each matrix of the body, and the head.

    y = W x + s · B A x with W [out, in] frozen, A [rank, in] drawn at random and B [out, rank] zero, so that training
    starts from the pretrained model; s = alpha / rank, or alpha / √rank with `rslora`. A head that is new is trained
    as a whole; the matrix in front of the vocabulary of a model that writes is not.

    With `dora` direction and length learn apart: W' = m · V / ‖V‖ with V = W + s · B A, the norm ‖·‖ that of each row
    (all that leads to one output) and m [out] starting at ‖W‖.

    With `start: pissa` A and B start as what matters most in W: W = U Σ Vᵀ, s · B A = U_r Σ_r V_rᵀ of the largest
    singular values, and the rest of W is frozen. The saved adapter is beside W as it was pretrained, of twice the rank:
    B A − B₀ A₀ = [B, −B₀] [A; A₀].

    Use it when all weights would not fit into memory or into a checkpoint, when one base model serves many tasks, or
    when the model must forget little: an adapter changes it less. Prefer full tuning of a small encoder, of many rows
    in a new domain or language, and of an encoder-decoder made of two encoders, whose cross-attention is new. Prefer
    `dora` where the rank has to be small, `pissa` where steps are few.

    It wants about ten times the learning rate of full tuning, and gets it where the recipe leaves the rate open. With
    all layers as targets, a rank above 16 helps where much is new (code, a language), hardly where a form is learnt.

    Cost: a few percent of the weights have gradients, moments and a place in a checkpoint. At most a third of a step's
        arithmetic is saved, that of the matrices' own gradients: the backward pass still goes through the whole body.
        `dora` computes the norms of all changed matrices in every pass, and keeps a matrix B A of the size of W for
        each; `pissa` decomposes every matrix once, before the first step.

    Source: Hu et al. 2021, LoRA, section 4.1, equation 3. Every linear layer of the blocks is a target, not query and
        value alone: Dettmers et al. 2023, QLoRA, section 4, found that this is what it takes to reach full tuning.
        `rslora`: Kalajdzievski 2023, A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA. Forgetting and the
        choice of alpha: Biderman et al. 2024, LoRA Learns Less and Forgets Less. `dora`: Liu et al. 2024, DoRA,
        equation 5. `pissa`: Meng et al. 2024, PiSSA, section 3 and appendix C. `quantise`: QLoRA, section 3.
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
    dora: bool = False
    """Let the length of every row of a matrix learn apart from its direction."""
    start: Literal["zero", "pissa"] = "zero"
    """Where the change starts: at nothing, or at what matters most in the matrix."""
    merge: bool | None = None
    """Whether the change is added to the weights at the end; by default it is, except in a model that writes."""
    quantise: Literal["nf4"] | None = None
    """Hold the frozen matrices in four bits while training; needs a CUDA GPU and bitsandbytes."""

    _first: dict[str, tuple[Tensor, Tensor]] = PrivateAttr(default_factory=dict)
    """Layer → A₀ and B₀ of PiSSA."""

    @model_validator(mode="after")
    def _fits_together(self) -> LoRA:
        if self.start == "pissa" and (self.dora or self.quantise):
            raise ValueError("start: pissa takes a part of each matrix away, which dora and quantise need whole")
        if self.quantise and self.merge:
            raise ValueError("weights of four bits take up no change: leave merge out")
        return self

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Return the model wrapped by peft: adapters and head learn, all else is frozen.

        Raises:
            InputError: no layer is called like one of `targets` (K504), or `quantise` finds no GPU (K517).
            MissingExtra: peft is not installed, or bitsandbytes where it is needed.
        """
        if self.quantise:
            need_quantising()
        layers = self.layers(model)
        first = next(iter(layers.values()))
        rank = self.rank or (16 if width_in(first) >= WIDE else 8)
        if self.quantise:
            quantise(model, list(layers))
        wrapped = wrap(
            model, "LoraConfig", setup.seed, "lora",
            r=rank,
            lora_alpha=self.alpha or 2 * rank,
            lora_dropout=self.dropout,
            use_rslora=self.rslora,
            use_dora=self.dora,
            init_lora_weights="pissa" if self.start == "pissa" else True,
            target_modules=pattern(layers),
            fan_in_fan_out=isinstance(first, Conv1D),
        )  # fmt: skip
        self._first = starts_of(wrapped) if self.start == "pissa" else {}
        return wrapped

    def finish(self, model: nn.Module) -> nn.Module:
        """Return the plain model, or the adapter beside the weights as they were pretrained."""
        if self._first:
            beside_pretrained(model, self._first)
        merges = not writes(model) and not self.quantise if self.merge is None else self.merge
        return merge(model) if merges else model

    def layers(self, model: nn.Module) -> dict[str, Any]:
        """Return name → layer of the layers that get an adapter: linear ones inside the blocks.

        Raises:
            InputError: there is none (K504).
        """
        linear = linear_layers(model)
        found = linear if self.targets is None else {name: linear[name] for name in named(linear, self.targets)}
        if not found:
            names = sorted({name.rpartition(".")[2] for name in linear})
            wanted = " or ".join(self.targets or ("anything",))
            message = f"no linear layer of {type(model).__name__} is called {wanted}."
            raise InputError(Fault("K504", "strategies: lora.targets", message, f"There are {', '.join(names)}."))
        return found
