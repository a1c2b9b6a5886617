"""Words, phrases and signs, found in texts: many thousands at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import regex

_SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_TOKEN = regex.compile(rf"(?V1)[{_SPACELESS}]|[[\w\p{{M}}]--[{_SPACELESS}]]+|\S")
_WORD = regex.compile(r"[\w\p{M}]")
_SIGN = regex.compile(r"\X")
_JOINTS = "'-"
"""Signs that join two words; a text may have spaces around them."""
_ONE_SIGN = str.maketrans({"’": "'", "‘": "'", "‐": "-", "‑": "-", "–": "-", "\N{VARIATION SELECTOR-16}": None})


@dataclass(frozen=True)
class Tokens:
    """A text in pieces: words, and every sign as such; scripts without spaces between words letter by letter.

    Args:
        text: case folded.
        spans: start and end of each piece.
    """

    text: str
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, text: str) -> Tokens:
        """Return `text` in the letter case and the form of Unicode in which terms and texts are compared, in pieces."""
        return cls._parted(fold(text))

    @classmethod
    def placed(cls, text: str) -> tuple[Tokens, Sequence[tuple[int, int]]]:
        """Return the same, and of every sign of it start and end of what it comes from in `text`.

        A sign that is folded may become several, or none; signs with their marks are folded together.
        """
        if text.isascii():  # every sign becomes one
            return cls.of(text), [(at, at + 1) for at in range(len(text))]
        parts = [(fold(match[0]), match.span()) for match in _SIGN.finditer(text)]
        return cls._parted("".join(part for part, _ in parts)), [place for part, place in parts for _ in part]

    @classmethod
    def _parted(cls, plain: str) -> Tokens:
        return cls(plain, tuple(match.span() for match in _TOKEN.finditer(plain)))

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The pieces."""
        return tuple(self.text[start:end] for start, end in self.spans)

    @cached_property
    def different(self) -> frozenset[str]:
        """The pieces that there are."""
        return frozenset(self.pieces)

    @cached_property
    def words(self) -> int:
        """How many words there are; `don't` is one, and so is a letter of a script without spaces."""
        return sum(
            bool(_WORD.match(piece)) and not (at > 1 and self.pieces[at - 1] in _JOINTS and self.is_glued(at))
            for at, piece in enumerate(self.pieces)
        )

    def is_glued(self, at: int) -> bool:
        """Return whether a piece stands right behind the one before."""
        return at > 0 and self.spans[at - 1][1] == self.spans[at][0]


@dataclass(slots=True)
class _Node:
    """A place in a term: what may come next, and whether a term ends here.

    Args:
        next: (piece, whether it must stand right behind the one before) → place.
        starts: the same for the beginning of a word, as `refund*`.
        lengths: of those beginnings.
        any: where one word of any kind may come next.
    """

    ends: bool = False
    next: dict[tuple[str, bool], _Node] = field(default_factory=dict)
    starts: dict[tuple[str, bool], _Node] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)
    any: _Node | None = None


class Terms:
    """Terms to look for, in any letter case: words, phrases, and signs such as `:-)`.

    A `*` at the end of a word stands for any ending, alone for any one word: `refund*`, `not * good`. Words are whole:
    `art` is not found in `party`, but in `art's` and `art-house`. Where terms overlap, the longer one counts. Scripts
    that put no spaces between words (Chinese, Japanese, Thai and others) are searched letter by letter.

    Args:
        terms: as they are written; blank ones, and those of nothing but `*`, find nothing.

    Cost: a step or two for each piece of a text, however many terms there are.

    Example:
        >>> Terms(["good", "not * good", "refund*", ":)"]).found(Tokens.of("Not very good, good :) No refunds!"))
        ['not very good', 'good', ':)', 'refunds']
    """

    def __init__(self, terms: Iterable[str]) -> None:
        self.written = tuple(dict.fromkeys(" ".join(term.split()) for term in terms if term.strip("* \t\n")))
        self.terms = frozenset(" ".join(fold(term).split()) for term in self.written)
        self._root = _Node()
        for term in self.terms:
            self._add(term)
        self._first = frozenset(piece for piece, _ in self._root.next)
        self._starts = frozenset(piece for piece, _ in self._root.starts)
        self._lengths = tuple(self._root.lengths)

    def _add(self, term: str) -> None:
        tokens, node = Tokens.of(term), self._root
        pieces = tokens.pieces
        last = [at + 1 == len(pieces) or not tokens.is_glued(at + 1) for at in range(len(pieces))]
        ending = [
            piece == "*" and tokens.is_glued(at) and last[at] and bool(_WORD.match(pieces[at - 1]))
            for at, piece in enumerate(pieces)
        ]
        for at, piece in enumerate(pieces):
            loose = piece in _JOINTS or (at > 0 and pieces[at - 1] in _JOINTS) or not tokens.is_glued(at)
            if ending[at]:
                continue  # it says that the word before is open
            if piece == "*" and not tokens.is_glued(at) and last[at]:
                node.any = node = node.any or _Node()
                continue
            if at + 1 < len(pieces) and ending[at + 1]:
                node.lengths.add(len(piece))
                node = node.starts.setdefault((piece, not loose), _Node())
            else:
                node = node.next.setdefault((piece, not loose), _Node())
        node.ends = True

    def found(self, text: Tokens) -> list[str]:
        """Return the terms in `text` as they stand there, case folded, in order."""
        return [text.text[text.spans[start][0] : text.spans[end - 1][1]] for start, end in self.apart(text)]

    def apart(self, text: Tokens) -> list[tuple[int, int]]:
        """Return the first piece of each term in `text` and the one behind it, in order.

        Of those that overlap only the longest is there.
        """
        hits = self._hits(text)
        hits.sort(key=lambda hit: (text.spans[hit[0]][0] - text.spans[hit[1] - 1][1], hit[0]))  # the longest first
        taken = bytearray(len(text.pieces))
        kept = []
        for start, end in hits:
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                kept.append((start, end))
        return sorted(kept)

    def places(self, text: Tokens) -> list[tuple[int, int]]:
        """Return start and end of the terms in `text`, in signs of `text.text`, in order.

        Those that overlap are all there, but none that stands inside a longer one.
        """
        found: list[tuple[int, int]] = []
        for start, end in self._hits(text):  # in order of their beginnings
            if not found or end > found[-1][1]:
                found.append((start, end))
        return [(text.spans[start][0], text.spans[end - 1][1]) for start, end in found]

    def _hits(self, text: Tokens) -> list[tuple[int, int]]:
        """Return the longest term that begins at each piece, as its first piece and the one behind it, in order."""
        begin = self._beginnings(text)
        places = [at for at, piece in enumerate(text.pieces) if piece in begin] if begin else []
        return [(at, end) for at in places if (end := self._longest(text, at))]

    def _beginnings(self, text: Tokens) -> frozenset[str]:
        """Return the pieces of `text` with which a term may begin."""
        if self._root.any is not None:
            return text.different
        begin = self._first & text.different
        if self._lengths:
            begin |= {piece for piece in text.different for n in self._lengths if piece[:n] in self._starts}
        return begin

    def _longest(self, text: Tokens, at: int) -> int:
        """Return the place behind the longest term that begins at piece `at`; 0 where none does."""
        best, open_ends = 0, [(self._root, at)]
        while open_ends:
            node, place = open_ends.pop()
            if node.ends:
                best = max(best, place)
            if place < len(text.pieces):
                open_ends += ((after, place + 1) for after in _after(node, text, place, place > at))
        return best


def _after(node: _Node, text: Tokens, place: int, inside: bool) -> Iterator[_Node]:
    """Yield the places of terms that the piece at `place` leads to."""
    piece = text.pieces[place]
    for glued in (False, True) if inside and text.is_glued(place) else (False,):
        if (piece, glued) in node.next:
            yield node.next[piece, glued]
        for length in node.lengths:
            if (piece[:length], glued) in node.starts:
                yield node.starts[piece[:length], glued]
    if node.any is not None and _WORD.match(piece):
        yield node.any


def fold(text: str) -> str:
    """Return `text` in the letter case and the form of Unicode in which terms and texts are compared."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_ONE_SIGN)
