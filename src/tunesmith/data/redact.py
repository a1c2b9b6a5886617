"""Texts with placeholders in the place of what should not be learnt; marks within them move along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tunesmith.core.example import Answer, Span, Target
from tunesmith.core.report import Finding, Severity
from tunesmith.data.chats import rendered
from tunesmith.data.findings import count_of, note_rows
from tunesmith.data.rows import Prepared, Rows, Words
from tunesmith.data.secrets import KINDS, NOUNS, Kind, Secret, find_secrets
from tunesmith.data.texts import Texts


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with placeholders.

    Args:
        text: such as `Call [PHONE].`
        secrets: what was masked, in the places of the text as it was.
    """

    text: str
    secrets: tuple[Secret, ...] = ()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where a stretch of the text as it was stands now; a placeholder is never cut."""
        return self._move(start, end=False), self._move(end, end=True)

    def _move(self, place: int, *, end: bool) -> int:
        shift = 0
        for one in self.secrets:
            if place <= one.start:
                break
            size = len(placeholder(one.kind))
            if place < one.end:
                return one.start + shift + (size if end else 0)
            shift += size - (one.end - one.start)
        return place + shift


def placeholder(kind: Kind) -> str:
    """Return what stands for a secret of a kind."""
    return f"[{kind.upper()}]"


def mask(text: str, kinds: tuple[Kind, ...] = KINDS) -> Masked:
    """Return `text` with a placeholder for every secret of `kinds`.

    Example:
        >>> mask("Write to bob@example.com.").text
        'Write to [EMAIL].'
    """
    found = tuple(find_secrets(text, kinds))
    if not found:
        return Masked(text)
    borders = [0, *(place for one in found for place in (one.start, one.end)), len(text)]
    between = [text[start:end] for start, end in list(pairwise(borders))[::2]]
    marks = [*(placeholder(one.kind) for one in found), ""]
    return Masked("".join(part + mark for part, mark in zip(between, marks, strict=True)), found)


def redact(prepared: Prepared, asked: Sequence[str]) -> None:
    """Mask what was asked for in all texts of all files, and those that are to be written; say how many there were."""
    kinds = tuple(kind for kind in KINDS if kind in asked or "all" in asked)
    for rows in prepared.files.values():
        counts: Counter[Kind] = Counter()
        touched: set[int] = set()
        texts = tuple(map(list, rows.texts))
        for at, secrets in _masks(prepared, rows, texts, kinds):
            counts.update(one.kind for one in secrets)
            touched.add(at)
        held = zip(texts, rows.texts, strict=True)
        rows.texts = tuple(Texts.of(new) if isinstance(old, Texts) else new for new, old in held)
        if touched:
            message = f"{_listed(counts)} masked in {count_of(len(touched), 'row')}."
            numbers = rows.numbers[sorted(touched)].tolist()
            prepared.findings.append(note_rows("K178", "note", rows.name, message, "", numbers))


def _masks(
    prepared: Prepared, rows: Rows, columns: tuple[list[str], ...], kinds: tuple[Kind, ...]
) -> Iterator[tuple[int, tuple[Secret, ...]]]:
    """Mask the rows of one file, whose texts are in `columns`, and yield what was masked, with the place of its row."""
    for at, messages in enumerate(rows.messages):
        said = [mask(message.content, kinds) for message in messages]
        rows.messages[at] = tuple(replace(old, content=new.text) for old, new in zip(messages, said, strict=True))
        columns[0][at] = rendered(rows.messages[at])
        yield from ((at, one.secrets) for one in said if one.secrets)
    for side, texts in enumerate(columns if not rows.messages else ()):
        for at, text in enumerate(texts):
            masked = mask(text, kinds)
            if side == len(columns) - 1:  # marks are in the only text, or in the context behind the question
                rows.targets[at] = _target(rows.targets[at], masked, kinds)
                if masked.secrets and rows.words:
                    rows.words[at] = _words(rows.words[at], masked)
            if masked.secrets:
                texts[at] = masked.text
                yield at, masked.secrets
    for at, target in enumerate(rows.targets if prepared.kind == "text" else ()):
        masked = mask(str(target), kinds)
        if masked.secrets:
            rows.targets[at] = masked.text
            yield at, masked.secrets


def _target(target: Target, masked: Masked, kinds: tuple[Kind, ...]) -> Target:
    """Return spans and answers where they stand now; anything else as it is."""
    if not isinstance(target, tuple) or not target:
        return target
    if isinstance(target[0], Span):
        places = [(*masked.place(one.start, one.end), one.label) for one in target if isinstance(one, Span)]
        spans = [Span(*place) for place in dict.fromkeys(places)]
        return tuple(one for at, one in enumerate(spans) if at == 0 or one.start >= spans[at - 1].end)
    if isinstance(target[0], Answer):
        return tuple(dict.fromkeys(_answer(one, masked, kinds) for one in target if isinstance(one, Answer)))
    return target


def _answer(answer: Answer, masked: Masked, kinds: tuple[Kind, ...]) -> Answer:
    if answer.start is None:
        return Answer(mask(answer.text, kinds).text, None)
    start, end = masked.place(answer.start, answer.start + len(answer.text))
    return Answer(masked.text[start:end], start)


def _words(words: Words, masked: Masked) -> Words:
    """Return where the words stand now; those that a placeholder covers have become one."""
    moved: list[tuple[int, int]] = []
    for start, end in (masked.place(*word) for word in words):
        if moved and start < moved[-1][1]:
            moved[-1] = (moved[-1][0], max(end, moved[-1][1]))
        else:
            moved.append((start, end))
    return tuple(moved)


# --- findings ----------------------------------------------------------------------------------------------------


def secret_findings(prepared: Prepared) -> Iterator[Finding]:
    """Yield what the texts still hold of secrets and personal data.

    It is a warning where the model learns to write: it may write them again.
    """
    severity: Severity = "warning" if prepared.kind == "text" else "note"
    for rows in prepared.files.values():
        targets = ([str(target) for target in rows.targets],) if prepared.kind == "text" else ()
        counts: Counter[Kind] = Counter()
        touched: set[int] = set()
        for texts in (*rows.texts, *targets):
            for at, text in enumerate(texts):
                if secrets := find_secrets(text):
                    counts.update(one.kind for one in secrets)
                    touched.add(at)
        if touched:
            message = f"{count_of(len(touched), 'row')} {'holds' if len(touched) == 1 else 'hold'} {_listed(counts)}."
            remedy = f"Mask them: --set data.redact='[{', '.join(sorted(counts))}]'"
            yield note_rows("K177", severity, rows.name, message, remedy, rows.numbers[sorted(touched)].tolist())


def _listed(counts: Counter[Kind]) -> str:
    return ", ".join(count_of(count, NOUNS[kind]) for kind, count in counts.most_common())
