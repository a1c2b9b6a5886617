"""What a tagger has to beat: the majority tag, and a dictionary of what was marked in train.

A result holds a tuple of `core.prediction.Mention` for each test text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from tunesmith.core.example import Span
from tunesmith.core.prediction import Mention
from tunesmith.core.words import enclosing, words_of

__all__ = ["MarkedTexts", "dictionary", "majority_spans"]

Words: TypeAlias = tuple[tuple[int, int], ...]
"""Start and end of each word of a text."""
Entries: TypeAlias = Mapping[tuple[str, ...], tuple[str, float]]
"""Words in a row → label and share."""

LEAST_SHARE = 0.5
"""Of the occurrences in train, the share that must be marked: below it a stretch is more often wrong than right."""


class MarkedTexts(NamedTuple):
    """Texts and what is marked in them.

    Args:
        texts: N texts.
        spans: what is marked in each; none where that is what is asked.
        words: the words of each text where the data give them (empty, or empty for a text: as `words_of` says).
    """

    texts: Sequence[str]
    spans: Sequence[Sequence[Span]] = ()
    words: Sequence[Words] = ()

    def all_words(self) -> list[Words]:
        """Return the words of each text: those given, else those we see."""
        given = self.words or [()] * len(self.texts)
        return [words or words_of(text) for text, words in zip(self.texts, given, strict=True)]


def dictionary(train: MarkedTexts, test: MarkedTexts) -> list[tuple[Mention, ...]]:
    """Mark in every test text what was marked in the train texts, from left to right, the longest first.

    An entry is a stretch of whole words, letters as they are, with the label it has most often. It is taken if it was
    marked in at least half of its occurrences in the train texts. Occurrences inside a longer marked stretch do not
    count, since there the longer one is found. The score is the share of occurrences that have the label.

    A span of train that cuts a word is left out.

    Cost: 5 s for a million words.
    """
    entries = _entries(train)
    lengths = _lengths(entries)
    rows = zip(test.texts, test.all_words(), strict=True)
    return [tuple(_found(text, words, entries, lengths)) for text, words in rows]


def majority_spans(train: MarkedTexts, test: MarkedTexts) -> list[tuple[Mention, ...]]:
    """Give every word of every test text the tag that most words of the train texts have.

    Where that is "outside", as in most data, nothing is marked. Where it is the first word of some kind, every word is
    a span of its own, which is the majority baseline of word classes; where it is a later word, the text is one span.
    The score is the share of the tag.
    """
    tags: Counter[tuple[str, bool]] = Counter()
    for words, spans in zip(train.all_words(), train.spans, strict=True):
        inside = {
            at: (span.label, at == first)
            for span, first, last in _placed(words, spans)
            for at in range(first, last + 1)
        }
        tags.update(inside.values())
        tags["", False] += len(words) - len(inside)
    (label, alone), count = max(tags.items(), key=lambda item: (item[1], item[0]), default=(("", False), 0))
    found: list[tuple[Mention, ...]] = []
    for text, words in zip(test.texts, test.all_words(), strict=True):
        bounds = words if alone else ((words[0][0], words[-1][1]),) if words else ()
        score = count / max(1, tags.total())
        found.append(tuple(Mention(start, end, text[start:end], label, score) for start, end in bounds if label))
    return found


def _placed(words: Words, spans: Sequence[Span]) -> Iterator[tuple[Span, int, int]]:
    """Yield each span with its first and last word; a span that cuts a word or holds none is left out."""
    for span in spans:
        inside = enclosing(words, span.start, span.end)
        if inside and (words[inside[0]][0], words[inside[1]][1]) == (span.start, span.end):
            yield span, *inside


def _entries(train: MarkedTexts) -> Entries:
    """Return the dictionary: words → most frequent label, and the share of occurrences that have it."""
    marked: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    rows = []
    for text, row_spans, row_words in zip(train.texts, train.spans, train.all_words(), strict=True):
        tokens = [text[start:end] for start, end in row_words]
        placed = [(first, last + 1, span.label) for span, first, last in _placed(row_words, row_spans)]
        for first, end, label in placed:
            marked[tuple(tokens[first:end])][label] += 1
        rows.append((tokens, [(first, end) for first, end, _ in placed]))
    seen: Counter[tuple[str, ...]] = Counter()
    lengths = _lengths(marked)
    for tokens, bounds in rows:
        seen.update(key for key in _occurrences(tokens, bounds, lengths) if key in marked)
    entries = {}
    for key, labels in marked.items():
        if labels.total() >= LEAST_SHARE * seen[key]:
            label, count = min(labels.items(), key=lambda item: (-item[1], item[0]))
            entries[key] = label, count / max(seen[key], labels.total())
    return entries


def _occurrences(
    tokens: Sequence[str], bounds: Sequence[tuple[int, int]], lengths: Mapping[str, Sequence[int]]
) -> Iterator[tuple[str, ...]]:
    """Yield every stretch that could be an entry and does not lie inside a longer one of `bounds`."""
    for first, token in enumerate(tokens):
        around = [(left, right) for left, right in bounds if left <= first < right]
        for length in lengths.get(token, ()):
            end = first + length
            if end <= len(tokens) and not any(end <= right and right - left > length for left, right in around):
                yield tuple(tokens[first:end])


def _lengths(keys: Iterable[tuple[str, ...]]) -> dict[str, list[int]]:
    """Return for each first word how many words an entry with it may have, the longest first."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for key in keys:
        found[key[0]].add(len(key))
    return {token: sorted(lengths, reverse=True) for token, lengths in found.items()}


def _found(text: str, words: Words, entries: Entries, lengths: Mapping[str, Sequence[int]]) -> Iterator[Mention]:
    """Yield the entries in a text."""
    tokens = [text[start:end] for start, end in words]
    at = 0
    while at < len(tokens):
        stretches = (tuple(tokens[at : at + length]) for length in lengths.get(tokens[at], ()))
        key = next((key for key in stretches if key in entries), ())
        if key:
            label, share = entries[key]
            start, end = words[at][0], words[at + len(key) - 1][1]
            yield Mention(start, end, text[start:end], label, share)
        at += max(1, len(key))
