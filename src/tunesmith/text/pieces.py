"""A text as tokens whose borders never cross the borders of its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tokenizers import pre_tokenizers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Words = Sequence[tuple[int, int]]


class Pieces(NamedTuple):
    """Tokens of a text, special ones not among them.

    Args:
        ids: T token ids.
        first: for each word the first token it stands on; -1 where the tokenizer drops the word.
        last: the last one.
    """

    ids: list[int]
    first: list[int]
    last: list[int]


class Splitter:
    """Text → pieces, for one fast tokenizer.

    A tokenizer may put two words into one token ("”)." or two Chinese characters), and then no tag or answer could end
    between them. Such a token is taken apart: each of its words is encoded on its own, as if it stood inside a word.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._inside: dict[str, list[int]] = {}

    def __call__(self, texts: Sequence[str], words: Sequence[Words]) -> list[Pieces]:
        """Return the pieces of each text, given its words (start and end in characters, in order, apart)."""
        if not texts:
            return []
        encoded = self._tokenizer(
            list(texts), add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )
        return [
            self._align(text, list(ids), offsets, of_text)
            for text, ids, offsets, of_text in zip(
                texts, encoded["input_ids"], encoded["offset_mapping"], words, strict=True
            )
        ]

    def _align(self, text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]], words: Words) -> Pieces:
        out: list[int] = []
        first, last = [-1] * len(words), [-1] * len(words)
        at = 0
        for tokens, (start, end) in self._groups(ids, offsets):
            while at < len(words) and words[at][1] <= start:
                at += 1
            inside = _inside(text, words, at, (start, end))
            if len(inside) > 1:
                parts = [text[max(start, words[word][0]) : min(end, words[word][1])] for word in inside]
                found = [(word, token) for word, part in zip(inside, parts, strict=True) for token in self._inner(part)]
            else:
                found = [(word, token) for token in tokens for word in inside or [-1]]
            for word, token in found:
                if word >= 0 and not self._is_blank(token):
                    first[word] = len(out) if first[word] < 0 else first[word]
                    last[word] = len(out)
                out.append(token)
        return Pieces(out, first, last)

    def _groups(
        self, ids: Sequence[int], offsets: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[list[int], tuple[int, int]]]:
        """Yield tokens and the characters they stand for; tokens that share a character stand together.

        A token of bytes may hold the end of one character and the beginning of the next.
        """
        tokens: list[int] = []
        span = (0, 0)
        for token, (start, end) in zip(ids, offsets, strict=True):
            alone = start == end or self._is_blank(token)
            if tokens and (alone or start >= span[1]):
                yield tokens, span
                tokens = []
            if alone:
                yield [token], (start, start)
                continue
            span = (min(span[0], start), max(span[1], end)) if tokens else (start, end)
            tokens.append(token)
        if tokens:
            yield tokens, span

    def _is_blank(self, token: int) -> bool:
        """Return whether a token is nothing but the mark of a space, which stands before the word it belongs to."""
        return not str(self._tokenizer.convert_ids_to_tokens(token)).strip("▁Ġ ")

    def _inner(self, text: str) -> list[int]:
        """Return the ids of `text` as it would be encoded inside a word."""
        if text not in self._inside:
            self._inside[text] = self._encode_inside(text)
        return self._inside[text]

    def _encode_inside(self, text: str) -> list[int]:
        backend = self._tokenizer.backend_tokenizer
        plain = backend.normalizer.normalize_str(text) if backend.normalizer is not None else text
        kind = type(backend.model).__name__
        if kind == "BPE" and "ByteLevel" in repr(backend.pre_tokenizer):
            mapped = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(plain)
            plain = "".join(piece for piece, _ in mapped)
        plain = plain.strip()
        if not plain:
            return []
        if kind == "WordPiece":
            return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        return [token.id for token in backend.model.tokenize(plain)]


def _inside(text: str, words: Words, at: int, span: tuple[int, int]) -> list[int]:
    """Return the words, from number `at` on, of which a visible character stands in `span`."""
    start, end = span
    found = []
    while at < len(words) and words[at][0] < end:
        shared = text[max(start, words[at][0]) : min(end, words[at][1])]
        if shared and not shared.isspace():
            found.append(at)
        at += 1
    return found
