"""Which tokens of a block are hidden, and what stands there instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from tunesmith.errors import Fault, InputError
from tunesmith.recipe.schema import Masking

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HIDDEN, SWAPPED = 0.8, 0.1
"""Of the tokens that are to be foreseen: so many are hidden, so many swapped for another; the rest is left as it is."""
ENDS, LONGEST = 0.2, 10
"""A span ends behind each of its words with this probability, and has so many words at most."""


class Masked(NamedTuple):
    """A block that is to be read, [T].

    Args:
        ids: its tokens, some of them hidden.
        places: of the tokens that are to be foreseen, in order.
        due: the tokens that belong there.
    """

    ids: list[int]
    places: list[int]
    due: list[int]


@dataclass(frozen=True, slots=True)
class Masker:
    """Draws what is masked, of a share of the tokens of each block; special tokens are never among them.

    Of what is drawn 80 % are hidden, 10 % are swapped for a token drawn from the vocabulary, 10 % stay: words and
    tokens one by one, a span as a whole.

    Args:
        mask: the token that hides.
        ordinary: [V] whether a token may be masked, and be swapped in.
        share: of the tokens; at least one in every block that has any to mask.
        unit: what is masked as a whole: a token, a word, or a span of words.

    Source: Devlin et al. 2019, BERT, section 3.1; Joshi et al. 2020, SpanBERT, section 3.1
    (lengths of spans: geometric, p = 0.2, at most 10 words, 3.8 on average).
    """

    mask: int
    ordinary: Tensor
    share: float
    unit: str

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, masking: Masking, where: str = "the tokenizer") -> Masker:
        """Return the masker of a recipe for one tokenizer.

        Raises:
            InputError: it has no token that hides others (K327).
        """
        if tokenizer.mask_token_id is None:
            message = "the tokenizer has no token that hides others, so nothing can be masked."
            raise InputError(Fault("K327", where, message, "Take an encoder such as BERT, or a decoder."))
        ordinary = torch.ones(len(tokenizer), dtype=torch.bool)
        added = [at for at, token in tokenizer.added_tokens_decoder.items() if token.special]
        ordinary[[at for at in {*tokenizer.all_special_ids, *added} if at < len(ordinary)]] = False
        return cls(int(tokenizer.mask_token_id), ordinary, masking.share, masking.unit)

    def __call__(
        self, ids: Sequence[int], starts: Sequence[bool] = (), generator: torch.Generator | None = None
    ) -> Masked:
        """Return the block with some tokens masked.

        Args:
            ids: its tokens, [T].
            starts: whether each begins a word, [T]; not looked at where tokens are masked one by one.
            generator: of the draws; that of torch where not given, which training seeds at every step.
        """
        known = torch.tensor(ids, dtype=torch.long)
        free = self.ordinary[known]
        groups = self._drawn(free, starts, generator)
        places = [place for group in groups for place in group]
        drawn = torch.rand(len(groups), generator=generator)
        other = torch.randint(int(self.ordinary.sum()), (len(places),), generator=generator)
        of_group = torch.repeat_interleave(drawn, torch.tensor([len(group) for group in groups], dtype=torch.long))
        swapped = self.ordinary.nonzero()[:, 0][other]
        at = torch.tensor(places, dtype=torch.long)
        due = known[at]
        left = torch.where(of_group < HIDDEN + SWAPPED, swapped, due)
        known[at] = torch.where(of_group < HIDDEN, torch.full_like(due, self.mask), left)
        order = at.argsort()
        return Masked(known.tolist(), at[order].tolist(), due[order].tolist())

    def _drawn(self, free: Tensor, starts: Sequence[bool], generator: torch.Generator | None) -> list[Sequence[int]]:
        """Return the places of what is masked, those that share a fate together."""
        count = int(free.sum())
        if not count:
            return []
        budget = max(1, round(self.share * count))
        if self.unit == "token":
            places = free.nonzero()[:, 0]
            return [[place] for place in places[torch.randperm(count, generator=generator)[:budget]].tolist()]
        words = _words(free.tolist(), starts)
        order = torch.randperm(len(words), generator=generator).tolist()
        if self.unit == "word":
            taken = _fill([[words[at]] for at in order], budget)
            return [[place] for word in taken for place in word]
        longest = _lengths(len(words), generator)
        return _fill([words[at : at + length] for at, length in zip(order, longest, strict=True)], budget)


def _words(free: Sequence[bool], starts: Sequence[bool]) -> list[range]:
    """Return the tokens of each word, without those that may not be masked."""
    words: list[range] = []
    for at, is_free in enumerate(free):
        if not is_free:
            continue
        if words and words[-1].stop == at and not starts[at]:
            words[-1] = range(words[-1].start, at + 1)
        else:
            words.append(range(at, at + 1))
    return words


def _lengths(count: int, generator: torch.Generator | None) -> list[int]:
    """Draw lengths of spans, in words: P(l) ∝ (1 − p)^(l − 1) for 1 ≤ l ≤ 10."""
    weights = (1 - ENDS) ** torch.arange(LONGEST)
    edges = (weights / weights.sum()).cumsum(0)
    found: list[int] = (
        torch.searchsorted(edges, torch.rand(count, generator=generator)).clamp(max=LONGEST - 1) + 1
    ).tolist()
    return found


def _fill(spans: Sequence[Sequence[range]], budget: int) -> list[Sequence[int]]:
    """Return the places of spans of words, in the order given, until they hold `budget` tokens.

    A span ends before a word that is taken, that does not stand beside the one before it, or that is too long for what
    is left; only the first word of all may be longer than that.
    """
    seen: set[int] = set()
    found: list[Sequence[int]] = []
    for span in spans:
        places: list[int] = []
        for word in span:
            apart = bool(places) and word.start != places[-1] + 1
            is_full = len(seen) + len(places) + len(word) > budget and (seen or places)
            if apart or is_full or word.start in seen:
                break
            places += word
        seen.update(places)
        if places:
            found.append(places)
        if len(seen) >= budget:
            break
    return found
