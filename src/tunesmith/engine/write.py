"""Texts that a model writes: prompts of like length together, bounded in tokens and in time, given back in order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunesmith.core.example import Example
from tunesmith.core.task import HeadSpec
from tunesmith.engine.ranks import ALONE, Ranks
from tunesmith.models.body import unwrapped
from tunesmith.models.load import positions_of
from tunesmith.recipe.schema import Generate
from tunesmith.text.template import Template
from tunesmith.text.windows import Encoder

AT_ONCE = 16_384
"""Tokens of a batch, those to be written counted in: keys and values of a small model take a few hundred MB then."""


def written(
    model: Any, encoder: Encoder, head: HeadSpec, examples: Sequence[Example], settings: Generate, *, size: int,
    seed: int = 0, context: Callable[[], AbstractContextManager[None]] = torch.inference_mode, ranks: Ranks = ALONE,
) -> list[str]:  # fmt: skip
    """Return what a model writes for each example."""
    writer = writer_of(model, encoder, head, settings)
    prompts = encoder.prompts(examples, writer.room(encoder.max_tokens))
    return writer(prompts, size=size, seed=seed, context=context, ranks=ranks)


def writer_of(model: Any, encoder: Encoder, head: HeadSpec, settings: Generate) -> Writer:
    """Return the model as one that is asked to write, with the tokens that end its texts."""
    if head.problem == "causal":
        return Writer(model, encoder.tokenizer, settings, Template.of(encoder.tokenizer).ends(), True)
    own = model.generation_config
    # The tokenizer of a BERT knows no end of a text by that name; the model that was made of two does.
    ends = encoder.tokenizer.eos_token_id if own.eos_token_id is None else own.eos_token_id
    assert ends is not None, "a decoder ends its texts with a token"
    return Writer(
        model, encoder.tokenizer, settings, ends if isinstance(ends, list) else [int(ends)], False,
        own.forced_bos_token_id,
    )  # fmt: skip


def settle_generation(model: Any, encoder: Encoder, head: HeadSpec, settings: Generate) -> None:
    """Let the model write as `settings` say also where it is asked through `transformers` alone, or saved."""
    inner = unwrapped(model)
    inner.generation_config = writer_of(inner, encoder, head, settings).options()["generation_config"]


def stream(
    model: Any, encoder: Encoder, head: HeadSpec, example: Example, settings: Generate, say: Callable[[str], None]
) -> str:
    """Return what a model writes for one example; `say` gets the parts as they are written.

    Where `say` or the user interrupts (Ctrl-C), what was written so far is returned.
    """
    from transformers import TextStreamer

    parts: list[str] = []

    class Parts(TextStreamer):  # type: ignore[misc]
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            parts.append(text)
            say(text)

    writer = writer_of(model, encoder, head, settings)
    model.eval()
    inputs = writer.padded(encoder.prompts([example], writer.room(encoder.max_tokens)))
    heard = Parts(encoder.tokenizer, skip_prompt=writer.is_causal, skip_special_tokens=True)
    with torch.inference_mode(), contextlib.suppress(KeyboardInterrupt):
        model.generate(**inputs, **writer.options(), streamer=heard)
    return "".join(parts).strip()


@dataclass(frozen=True, slots=True)
class Writer:
    """A model that is asked to write.

    Args:
        model: a causal model, or an encoder with a decoder; `generate` is called.
        tokenizer: of the model.
        settings: how a text is chosen; `max_tokens` is set.
        ends: ids of the tokens that end a text.
        is_causal: whether the prompt stands before what is written, in the same sequence.
        first: id of the token that a decoder must begin with, such as that of a language; None for none.
    """

    model: Any
    tokenizer: Any
    settings: Generate
    ends: Sequence[int]
    is_causal: bool
    first: int | None = None

    def __call__(
        self, prompts: Sequence[Sequence[int]], *, size: int, seed: int = 0,
        context: Callable[[], AbstractContextManager[None]] = torch.inference_mode, ranks: Ranks = ALONE,
    ) -> list[str]:  # fmt: skip
        """Return what the model writes after each prompt.

        Args:
            prompts: token ids.
            size: prompts at once, at most; fewer where they are long.
            seed: of sampling.
            context: what the model runs in.
            ranks: who share the batches.
        """
        self.model.eval()
        texts: dict[int, str] = {}
        with context():
            for places in ranks.share(self._batches([len(prompt) for prompt in prompts], size)):
                torch.manual_seed(seed)
                written = self.model.generate(**self.padded([prompts[at] for at in places]), **self.options())
                texts.update(zip(places, self._decoded(written, max(len(prompts[at]) for at in places)), strict=True))
        texts = ranks.gathered(texts)
        return [texts[at] for at in range(len(prompts))]

    def room(self, window: int) -> int:
        """Return how much shorter than `window` a prompt must be, so that the model has positions for what follows."""
        limit = getattr(self.model.config, "max_position_embeddings", None) if self.is_causal else None
        return max(0, window + (self.settings.max_tokens or 0) - limit) if limit else 0

    @property
    def most(self) -> int | None:
        """Tokens that are written at most: a decoder of its own has positions for so many."""
        limit = None if self.is_causal else positions_of(self.model.config)
        return min(self.settings.max_tokens or limit, limit) if limit else self.settings.max_tokens

    def options(self) -> dict[str, Any]:
        """Return what `generate` is told, whatever the model's own configuration says."""
        from transformers import GenerationConfig

        asked, pad = self.settings, self.tokenizer.pad_token_id
        sampled = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": 0} if asked.temperature else {}
        own = self.model.generation_config
        config = GenerationConfig(
            max_new_tokens=self.most, num_beams=asked.beams, do_sample=bool(asked.temperature),
            max_time=asked.seconds, eos_token_id=list(self.ends), pad_token_id=self.ends[0] if pad is None else pad,
            bos_token_id=own.bos_token_id, decoder_start_token_id=own.decoder_start_token_id,
            forced_bos_token_id=self.first, bad_words_ids=own.bad_words_ids, use_cache=True, **sampled,
        )  # fmt: skip
        return {"generation_config": config}

    def _batches(self, lengths: Sequence[int], size: int) -> Iterator[list[int]]:
        """Yield places of prompts, the longest first, so that what does not fit in memory fails at once."""
        assert self.most is not None, "the recipe is complete"
        places = sorted(range(len(lengths)), key=lambda at: -lengths[at])
        while places:
            each = (lengths[places[0]] + self.most) * self.settings.beams
            count = max(1, min(size, AT_ONCE // each))
            yield places[:count]
            places = places[count:]

    def padded(self, prompts: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Return what the model reads: prompts end together where what is written follows them, else begin together."""
        longest = max(1, *map(len, prompts))
        pad = self.ends[0] if self.tokenizer.pad_token_id is None else self.tokenizer.pad_token_id
        ids = torch.full((len(prompts), longest), int(pad), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            at = slice(longest - len(prompt), None) if self.is_causal else slice(0, len(prompt))
            ids[row, at] = torch.tensor(list(prompt), dtype=torch.long)
            mask[row, at] = 1
        device = next(self.model.parameters()).device
        return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}

    def _decoded(self, written: Tensor, prompt: int) -> list[str]:
        rows = written[:, prompt:] if self.is_causal else written
        return [str(self.tokenizer.decode(row, skip_special_tokens=True)).strip() for row in rows.tolist()]
