"""Examples → features: tokens, cut or read in overlapping windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from tunesmith.core.batch import Features
from tunesmith.core.example import Example, QuestionExample, TextExample, TokenExample, texts_of
from tunesmith.core.task import Layout
from tunesmith.core.words import words_of
from tunesmith.text.cloze import Cloze
from tunesmith.text.dialogue import Cut, Dialogues
from tunesmith.text.frame import Frame
from tunesmith.text.notes import Notes, Reading
from tunesmith.text.pieces import Splitter
from tunesmith.text.source import Sources
from tunesmith.text.spread import places, windows
from tunesmith.text.stream import Streamed, features_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STREAMED = 2048
"""Tokens of running text that are looked at together where nothing is trained."""
NO_LIMIT = 1 << 30
CHUNK = 2000  # texts per tokenizer call: large enough for its threads, small enough for memory


@dataclass(frozen=True, slots=True)
class Encoder:
    """How text becomes features.

    Args:
        tokenizer: a fast tokenizer, except where nothing is asked of it but ids (`source`).
        max_tokens: tokens per window, special tokens counted in.
        long: `truncate` cuts longer texts off; `window` reads them in windows that share `overlap` tokens.
        overlap: tokens that neighbouring windows share.
        layout: how an example becomes windows; see `core.task.Layout`.
        prefix: put before every text that is read (`source`).
        start: id of the token that a decoder starts from (`source`).
        pattern: that the texts of a row are put into (`row`); empty for none.
        reading: how the texts of a row are read where terms in them are known (`row`); None as they are.
    """

    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    long: Literal["truncate", "window"] = "truncate"
    overlap: int = 32
    layout: Layout = "row"
    prefix: str = ""
    start: int | None = None
    pattern: str = ""
    reading: Reading | None = None

    def encode(self, examples: Sequence[Example], target: Callable[[Example], Any] | None = None) -> list[Features]:
        """Return one `Features` per window, in the order of `examples`; `owner` is the position of the example.

        Args:
            examples: all of one kind.
            target: example → target as the loss wants it; features carry none where it is not given. Where the tokens
                of a text are to be written, they are the target.
        """
        if self.layout == "stream":
            return [features_of(example, at) for at, example in enumerate(examples)]
        ways = {
            "row": self._rows, "words": self._words, "question": self._questions, "apart": self._apart,
            "dialogue": self._dialogues, "source": self._sources,
        }  # fmt: skip
        features: list[Features] = []
        for start in range(0, len(examples), CHUNK):
            chunk = examples[start : start + CHUNK]
            values = [None if target is None or e.target is None else target(e) for e in chunk]
            for found in ways[self.layout](chunk):
                at = found.owner
                target_of = found.target if found.target is not None else values[at]
                features.append(replace(found, target=target_of, weight=chunk[at].weight, owner=start + at))
        return features

    def at_once(self, size: int) -> int:
        """Return how many windows are looked at together, at most `size`: a word of much running text is read off each
        of its tokens, and gives a number for every word there is.
        """
        return size if self.layout != "stream" else max(1, min(size, STREAMED // self.max_tokens))

    def stream(self, blocks: Sequence[Example]) -> Sequence[Features]:
        """Return the features of blocks of running text, each made when it is asked for."""
        return Streamed(blocks)

    def _rows(self, chunk: Sequence[Example]) -> list[Features]:
        """Return the windows of whole rows of one text or two."""
        texts = self._read(chunk)
        found = self._unnoted(texts)
        if self.reading is not None and self.reading.budget:
            notes = Notes(self.tokenizer, self.reading, self.max_tokens)
            found = [(at, notes.behind(inputs, texts[at])) for at, inputs in found]
        return [Features(inputs, owner=at) for at, inputs in found]

    def _read(self, chunk: Sequence[Example]) -> list[tuple[str, ...]]:
        """Return the texts of rows as they are to be read."""
        texts = [texts_of(example) for example in chunk]
        return texts if self.reading is None else [tuple(map(self.reading.plain, row)) for row in texts]

    def _unnoted(self, texts: Sequence[tuple[str, ...]]) -> list[tuple[int, dict[str, list[int]]]]:
        """Return (position in `texts`, inputs of one window) of whole rows, nothing behind them."""
        return list(enumerate(self.cloze(texts))) if self.pattern else self._windows(texts)

    def notes_behind(self, examples: Sequence[Example]) -> list[int]:
        """Return how many notes stand behind the text of each row, where there are most of its windows."""
        counts = [0] * len(examples)
        if self.reading is None or not self.reading.budget:
            return counts
        texts, notes = self._read(examples), Notes(self.tokenizer, self.reading, self.max_tokens)
        for at, inputs in self._unnoted(texts):
            counts[at] = max(counts[at], len(notes.fitting(texts[at], len(inputs["input_ids"]))))
        return counts

    def _apart(self, chunk: Sequence[Example]) -> list[Features]:
        """Return the windows of each text of each row; every text is a unit."""
        rows = [texts_of(example) for example in chunk]
        flat = [(at, unit, text) for at, row in enumerate(rows) for unit, text in enumerate(row)]
        found = self._windows([(text,) for _, _, text in flat])
        return [Features(inputs, owner=flat[n][0], unit=flat[n][1], units=len(rows[flat[n][0]])) for n, inputs in found]

    def _words(self, chunk: Sequence[Example]) -> list[Features]:
        """Return the windows of texts whose words are the units; they hold every word."""
        frame = Frame.of(self.tokenizer, 1)
        texts = [texts_of(example)[0] for example in chunk]
        features: list[Features] = []
        for at, pieces in enumerate(Splitter(self.tokenizer)(texts, [units_of(example) for example in chunk])):
            ranges = windows(pieces, max(1, self.max_tokens - frame.size), self.overlap)
            read = places(pieces, ranges, frame.start_of(0))
            for (low, high), here in zip(ranges, read, strict=True):
                inputs = frame.around(pieces.ids[low:high])
                features.append(Features(inputs, owner=at, units=len(pieces.first), places=here))
        return features

    def _questions(self, chunk: Sequence[Example]) -> list[Features]:
        """Return the windows of contexts, each behind its question, which takes at most half of a window.

        Unit 0 is "no answer", read on the first token of every window; the words of the context follow.
        """
        frame = Frame.of(self.tokenizer, 2)
        most = max(1, (self.max_tokens - frame.size) // 2)
        asked = self.tokenizer(
            [texts_of(e)[0] for e in chunk], add_special_tokens=False, truncation=False, verbose=False
        )["input_ids"]
        contexts = [texts_of(example)[1] for example in chunk]
        features: list[Features] = []
        for at, pieces in enumerate(Splitter(self.tokenizer)(contexts, [units_of(example) for example in chunk])):
            question = asked[at][:most]
            ranges = windows(pieces, max(1, self.max_tokens - frame.size - len(question)), self.overlap)
            read = places(pieces, ranges, frame.start_of(1, question))
            for (low, high), here in zip(ranges, read, strict=True):
                inputs = frame.around(question, pieces.ids[low:high])
                after = [(word + 1, first, last) for word, first, last in here]
                features.append(Features(inputs, owner=at, units=len(pieces.first) + 1, places=[(0, 0, 0), *after]))
        return features

    def _dialogues(self, chunk: Sequence[Example]) -> list[Features]:
        """Return a window per dialogue; the units are the tokens that the assistant writes, each read where it is due.

        What stands at a place says which token comes next.
        """
        read = Dialogues(self.tokenizer, self.max_tokens)
        features: list[Features] = []
        for at, example in enumerate(chunk):
            found = read(example)
            due = found.places
            inputs = {"input_ids": found.ids, "attention_mask": [1] * len(found.ids)}
            places = [(unit, place - 1, place - 1) for unit, place in enumerate(due)]
            target = [found.ids[place] for place in due]
            features.append(Features(inputs, owner=at, units=len(due), places=places, target=target))
        return features

    def _sources(self, chunk: Sequence[Example]) -> list[Features]:
        """Return a window per text; the units are the tokens of the text that is to be written from it."""
        return self._of_sources().features(*_both(chunk))

    def _of_sources(self) -> Sources:
        assert self.start is not None, "a decoder starts from a token"
        return Sources(self.tokenizer, self.max_tokens, self.prefix, self.start)

    def sizes(self, examples: Sequence[Example]) -> list[tuple[int, int]]:
        """Return how many tokens each example has, nothing cut off, and how many carry loss.

        Of a dialogue the latter are among the former; of a text that another is written from they are those of the
        other.
        """
        if self.layout == "source":
            return self._of_sources().sizes(*_both(examples))
        read = Dialogues(self.tokenizer, NO_LIMIT)
        return [(len(found.ids), len(found.places)) for found in map(read, examples)]

    def cuts(self, examples: Sequence[Example]) -> list[tuple[Cut, int]]:
        """Return what of each example does not fit into the window, and how many of its tokens then carry loss."""
        if self.layout == "source":
            most = self.max_tokens
            return [
                ("answer" if target > most else "prompt" if read > most else "", min(target, most))
                for read, target in self.sizes(examples)
            ]
        read = Dialogues(self.tokenizer, self.max_tokens)
        return [(found.cut, len(found.places)) for found in map(read, examples)]

    def prompts(self, examples: Sequence[Example], room: int = 0) -> list[list[int]]:
        """Return the tokens after which the model is to write, so many that `room` more fit into the window."""
        if self.layout == "source":
            return self._of_sources().read([texts_of(example)[0] for example in examples])
        read = Dialogues(self.tokenizer, self.max_tokens)
        return [read.prompt(example, room) for example in examples]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, special tokens not counted, nothing cut off."""
        if not texts:
            return []
        read = list(texts) if self.reading is None else [self.reading.plain(text) for text in texts]
        encoded = self.tokenizer(read, add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    @property
    def cloze(self) -> Cloze:
        """What puts texts into the pattern."""
        return Cloze(self.tokenizer, self.pattern, self.max_tokens)

    def taken(self, texts: int) -> int:
        """Return how many tokens of a window are not those of its `texts` texts: special ones, and the pattern's."""
        if not self.pattern:
            return self._specials(texts)
        return len(self.cloze.blank(texts))

    @property
    def behind(self) -> int:
        """Tokens that may stand behind a text, the special ones at its end counted in."""
        if self.reading is None or not self.reading.budget:
            return 0
        return self.reading.budget + len(Notes(self.tokenizer, self.reading, self.max_tokens).end)

    def unknown_share(self, texts: Sequence[str], *, written: bool = False) -> float:
        """Return the share of tokens that the tokenizer has no piece for; 0 where every byte has one.

        Args:
            texts: some.
            written: whether they are to be written: a few tokenizers have other pieces for those.
        """
        unknown = self.tokenizer.unk_token_id
        if unknown is None or not texts:
            return 0.0
        side = "text_target" if written else "text"
        encoded = self.tokenizer(
            **{side: list(texts)}, add_special_tokens=False, truncation=False, verbose=False
        )["input_ids"]  # fmt: skip
        return float(sum(ids.count(unknown) for ids in encoded) / max(1, sum(map(len, encoded))))

    def _windows(self, texts: Sequence[tuple[str, ...]]) -> list[tuple[int, dict[str, list[int]]]]:
        """Return (position in `texts`, inputs of one window), in order."""
        if not texts:
            return []
        columns = [list(column) for column in zip(*texts, strict=True)]
        if self.long == "truncate":
            encoded = self.tokenizer(*columns, truncation=True, max_length=self.max_tokens, verbose=False)
            owners: Sequence[int] = range(len(texts))
        elif len(columns) == 1:
            encoded = self._overflowing(*columns, truncation=True)
            owners = encoded.pop("overflow_to_sample_mapping")
        else:
            return self._pair_windows(columns[0], columns[1])
        names = list(encoded.keys())
        return [(at, {name: encoded[name][i] for name in names}) for i, at in enumerate(owners)]

    def _overflowing(self, *columns: list[str], truncation: bool | str) -> Any:
        # A window must move forward even when max_tokens is tiny: the overlap may take at most half of it.
        overlap = min(self.overlap, max(0, (self.max_tokens - self._specials(len(columns))) // 2))
        return self.tokenizer(
            *columns, truncation=truncation, max_length=self.max_tokens, stride=overlap,
            return_overflowing_tokens=True, verbose=False,
        )  # fmt: skip

    def _pair_windows(self, first: list[str], second: list[str]) -> list[tuple[int, dict[str, list[int]]]]:
        """Slide over the longer text of each pair; the shorter is kept whole, or cut to half of the window."""
        room = self.max_tokens - self._specials(2)
        windows: list[tuple[int, dict[str, list[int]]]] = []
        lengths = zip(self.count_tokens(first), self.count_tokens(second), strict=True)
        for at, (a, b) in enumerate(lengths):
            half = room // 2
            text_a = self._cut(first[at], half) if a <= b and a > half else first[at]
            text_b = self._cut(second[at], half) if b < a and b > half else second[at]
            longer: bool | str = "only_second" if b >= a else "only_first"
            encoded = self._overflowing([text_a], [text_b], truncation=longer if a + b > room else True)
            encoded.pop("overflow_to_sample_mapping")
            names = list(encoded.keys())
            windows += [(at, {name: encoded[name][i] for name in names}) for i in range(len(encoded["input_ids"]))]
        return windows

    def _cut(self, text: str, tokens: int) -> str:
        """Return the beginning of `text` that `tokens` tokens cover."""
        offsets = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return text[: offsets["offset_mapping"][tokens - 1][1]] if tokens else ""

    def _specials(self, texts: int) -> int:
        return int(self.tokenizer.num_special_tokens_to_add(texts == 2))


def _both(examples: Sequence[Example]) -> tuple[list[str], list[str]]:
    """Return the texts that are read, and those that are to be written."""
    return [texts_of(example)[0] for example in examples], [str(example.target) for example in examples]


def units_of(example: Example) -> tuple[tuple[int, int], ...]:
    """Return start and end of the words that are tagged, or that an answer is made of."""
    if isinstance(example, TokenExample) and example.words:
        return example.words
    if isinstance(example, QuestionExample):
        return words_of(example.context)
    assert isinstance(example, TextExample), f"no words in a {type(example).__name__}"
    return words_of(example.text)
