"""Whether what is read and written fits into the window, and whether something is left to be learnt of each row."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.example import Example
from tunesmith.core.report import Finding
from tunesmith.errors import Fault, InputError
from tunesmith.text.windows import Encoder

NAMED = 20
"""Rows that an error names."""


def room_findings(encoder: Encoder, examples: Sequence[Example]) -> tuple[Finding, ...]:
    """Return what does not fit into the window of `encoder`: beginnings of dialogues, ends of sources, and answers.

    Args:
        encoder: with the window that is trained on.
        examples: of the train split.

    Raises:
        InputError: rows in which no token carries loss (K322).
    """
    cuts = encoder.cuts(examples)
    empty = [e for e, (_, carried) in zip(examples, cuts, strict=True) if not carried]
    if empty:
        message = f"no token carries loss: nothing of the answer is left in a window of {encoder.max_tokens} tokens."
        cure = "Raise text.max_tokens, or shorten or remove the row."
        raise InputError([Fault("K322", example.source, message, cure) for example in empty[:NAMED]])
    answers = [e.source for e, (cut, _) in zip(examples, cuts, strict=True) if cut == "answer"]
    prompts = [e.source for e, (cut, _) in zip(examples, cuts, strict=True) if cut == "prompt"]
    sources = encoder.layout == "source"
    what, part = ("sources", "end") if sources else ("dialogues", "oldest part")
    return (
        *_finding("K321", "warning", answers, "answers are longer than the window, and are learnt without their end"),
        *_finding("K320", "note", prompts, f"{what} are longer than the window; their {part} is left out"),
    )


def _finding(code: str, severity: str, sources: Sequence[str], what: str) -> tuple[Finding, ...]:
    if not sources:
        return ()
    some = ", ".join(sources[:3]) + (", …" if len(sources) > 3 else "")
    return (
        Finding(
            code=code, severity=severity, message=f"{len(sources):,} {what}: {some}.", count=len(sources),  # type: ignore[arg-type]
            remedy="Raise text.max_tokens where that matters; time grows with it.",
        ),
    )  # fmt: skip
