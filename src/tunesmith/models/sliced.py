"""Token embeddings cut down to the tokens that a training meets, until they are put back whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.models.body import body_of, has_language_head


class SlicedEmbedding(nn.Embedding):
    """Embeddings with rows for some tokens alone; the others are no tokens to it."""

    rows: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors [..., H] of token ids [...].

        Raises:
            IndexError: a token has no row.
        """
        return super().forward(self.rows[input])


@dataclass(frozen=True, slots=True)
class Sliced:
    """What was cut away, so that it can be put back.

    Args:
        layer: whose matrix was cut; None where nothing was.
        whole: the matrix as it was, [V, H].
        tokens: that kept their rows, [K].
    """

    layer: Any = None
    whole: Tensor = field(default_factory=lambda: torch.empty(0))
    tokens: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))

    @property
    def spared(self) -> int:
        """How many weights were cut away."""
        return 0 if self.layer is None else self.whole.numel() - self.layer.weight.numel()

    def of(self, model: nn.Module) -> Sliced:
        """Return the same of a copy of the model that was cut."""
        return self if self.layer is None else replace(self, layer=body_of(model).get_input_embeddings())

    def restore(self) -> None:
        """Put the matrix back, with what its rows have become."""
        layer = self.layer
        if layer is None:
            return
        whole = self.whole.to(layer.weight.device)
        whole[self.tokens.to(whole.device)] = layer.weight.detach()
        layer.weight.data = whole
        padding = layer.padding_idx
        layer.num_embeddings, layer.padding_idx = len(whole), None if padding is None else int(self.tokens[padding])
        layer.__class__ = nn.Embedding
        del layer.rows


def sliced(model: nn.Module, tokens: Iterable[int]) -> Sliced:
    """Cut the token embeddings of `model` down to the rows of `tokens`, in place.

    An optimiser walks every row of a matrix in every step, and a few hundred of thirty thousand have a gradient. The
    parameter stays the same object. Nothing is cut where the matrix is shared (with a head that writes tokens, or with
    a decoder), or where its layer is of a kind of its own.

    Args:
        model: an encoder or a decoder, with a head or without one.
        tokens: that it will read until the rest is put back; the padding token is always kept.
    """
    layer = body_of(model).get_input_embeddings()
    named = [name for name, p in model.named_parameters(remove_duplicate=False) if p is layer.weight]
    if type(layer) is not nn.Embedding or len(named) > 1 or has_language_head(model):
        return Sliced()
    padding = layer.padding_idx
    kept = torch.tensor(sorted({*tokens} | ({padding} if padding is not None else set())), dtype=torch.long)
    whole = layer.weight.detach()
    rows = torch.full((len(whole),), -1)
    rows[kept] = torch.arange(len(kept))
    layer.__class__ = SlicedEmbedding
    layer.register_buffer("rows", rows.to(whole.device), persistent=False)
    layer.weight.data = whole[kept.to(whole.device)]
    layer.num_embeddings, layer.padding_idx = len(kept), None if padding is None else int(rows[padding])
    return Sliced(layer, whole, kept)
