"""General texts while training: which of them a step looks at, and how likely their tokens are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from tunesmith.core.batch import Batch
from tunesmith.core.strategy import Setup
from tunesmith.errors import Fault, InputError
from tunesmith.models.body import body_of, has_language_head, states
from tunesmith.models.fill import kind_of, load_filler
from tunesmith.models.load import load_tokenizer
from tunesmith.models.write import load_writer
from tunesmith.recipe.schema import Masking
from tunesmith.text.masking import Masker

PROBLEMS = (
    "single_label_classification", "multi_label_classification", "regression", "token_classification",
    "question_answering", "embedding", "causal", "masked",
)  # fmt: skip
"""Heads of models that can read a general text as it is; an encoder with a decoder has to be told what it writes."""


def in_order(texts: Sequence[str], seed: int) -> list[str]:
    """Return texts in an order that follows from the seed."""
    order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed)).tolist()
    return [texts[at] for at in order]


def general_texts(setup: Setup, name: str) -> list[str]:
    """Return the general texts in an order that follows from the seed of the run.

    Raises:
        InputError: there are none (K217).
    """
    if not setup.general:
        message = "it needs texts from outside the domain, and there are none."
        raise InputError(Fault("K217", f"strategies: {name}", message, "Name a file of them under data.general."))
    return in_order(setup.general, setup.seed)


@dataclass(slots=True)
class Turns:
    """Texts in turn: a few at each step, and once a step, however many passes it has.

    Args:
        texts: in the order in which they have their turn.
        number: at a step.
        step: that is next.
        is_due: whether the step has not had its texts yet.
    """

    texts: Sequence[str]
    number: int
    step: int = 0
    is_due: bool = True

    @classmethod
    def of(cls, texts: Sequence[str], share: float, rows: int) -> Turns:
        """Return the turns where a step of `rows` rows has `share` as many texts, at least one."""
        return cls(texts, max(1, round(share * rows)))

    def at(self, step: int) -> None:
        """Begin a step."""
        self.step, self.is_due = step, True

    def take(self) -> list[int]:
        """Return the places of the step's texts; of none where they were taken before."""
        if not self.is_due:
            return []
        self.is_due = False
        return [(self.step * self.number + at) % len(self.texts) for at in range(self.number)]


class Hidden(NamedTuple):
    """What a language model is asked.

    Args:
        inputs: name → [B, T], some tokens hidden where it is a masked one.
        rows: [P], of the places where a token is foreseen.
        columns: [P], likewise.
        due: [P], the tokens that belong there.
    """

    inputs: dict[str, Tensor]
    rows: Tensor
    columns: Tensor
    due: Tensor


def language_model(folder: Path) -> Any:
    """Return the language model in `folder`, body and head; None where it holds none.

    It holds none where the head would start from random weights, and where an encoder and a decoder share the work.
    """
    try:
        if kind_of(folder) == "causal":
            return load_writer(folder, "causal")[0]
        with torch.random.fork_rng(devices=[]):  # the weights of a new head are drawn, and thrown away here
            found = load_filler(folder, seed=0)
    except InputError:
        return None
    return None if found.has_new_head else found.model


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """What a checkpoint was pretrained to do: foresee tokens, by its own head on the body that is being tuned.

    Args:
        masker: of tokens; None for a decoder, which foresees each token from those before it.
        head: the checkpoint's, whose body gives what it is given; None where the model has a head of this kind itself.
    """

    masker: Masker | None
    head: Any = None

    @classmethod
    def of(cls, model: nn.Module, folder: Path) -> Foreseeing | None:
        """Return it for a model that was loaded from `folder`; None where the checkpoint has no such head.

        The head's own weights are fixed. Where its matrix is that of the embeddings, it stays that of the embeddings.
        """
        head = language_model(folder)
        if head is None:
            return None
        masker = Masker.of(load_tokenizer(folder)[0], Masking()) if kind_of(folder) == "masked" else None
        if has_language_head(model):
            return cls(masker)
        head.requires_grad_(False)
        if head.get_output_embeddings().weight is head.get_input_embeddings().weight:
            head.get_output_embeddings().weight = body_of(model).get_input_embeddings().weight
        setattr(head, head.base_model_prefix, _Given())
        return cls(masker, head)

    def hide(self, batch: Batch, generator: torch.Generator | None = None) -> Hidden:
        """Return what is asked of a batch of texts; where tokens are hidden, they are drawn from `generator`."""
        ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"].bool()
        if self.masker is None:
            rows, columns = (mask[:, :-1] & mask[:, 1:]).nonzero().unbind(1)
            return Hidden(batch.inputs, rows, columns, ids[rows, columns + 1])
        shown, places = ids.clone(), torch.zeros_like(mask)
        for row in range(len(ids)):
            columns = mask[row].nonzero()[:, 0]
            found = self.masker(ids[row, columns].tolist(), generator=generator)
            shown[row, columns] = torch.tensor(found.ids, device=ids.device)
            places[row, columns[found.places]] = True
        rows, columns = places.nonzero().unbind(1)
        return Hidden({**batch.inputs, "input_ids": shown}, rows, columns, ids[rows, columns])

    def logits(self, model: nn.Module, asked: Hidden) -> Tensor:
        """Return what the model says of each place, [P, V]."""
        found: Tensor
        if self.head is None:
            found = model(**asked.inputs).logits[:, -asked.inputs["input_ids"].shape[1] :]  # a prompt stands before
            return found[asked.rows, asked.columns].float()
        kept = states(model, asked.inputs)[asked.rows, asked.columns].unsqueeze(0)  # [1, P, H]
        head = self.head.to(kept)
        getattr(head, head.base_model_prefix).states = kept
        found = head(input_ids=torch.zeros(kept.shape[:2], dtype=torch.long, device=kept.device)).logits
        return found[0]

    def losses(self, model: nn.Module, asked: Hidden) -> Tensor:
        """Return −log p of each token that is due, [P]."""
        return cross_entropy(self.logits(model, asked), asked.due, reduction="none")


class _Given(nn.Module):
    """Stands where a body was, and gives what it is given."""

    states: Tensor

    def forward(self, *inputs: Any, **named: Any) -> BaseModelOutputWithPastAndCrossAttentions:
        """Return `states`, whatever is read."""
        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=self.states)
