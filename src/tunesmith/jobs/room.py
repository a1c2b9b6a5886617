"""Whether what is read and written fits into the window, and whether something is left to be learnt of each row."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.example import Example
from tunesmith.core.report import Finding, Severity
from tunesmith.data.findings import have, note_rows
from tunesmith.text.windows import Encoder

REMEDY = "Raise text.max_tokens where that matters; time grows with it."


def room_findings(encoder: Encoder, examples: Sequence[Example]) -> tuple[Finding, ...]:
    """Return what does not fit into the window of `encoder`: beginnings of dialogues, ends of sources, and answers.

    Rows in which no token carries loss are an error.

    Args:
        encoder: with the window that is trained on.
        examples: of the train split.
    """
    cuts = encoder.cuts(examples)
    part = "end" if encoder.layout == "source" else "oldest part"
    window = f"the window of {encoder.max_tokens:,} tokens"
    looks: tuple[tuple[str, Severity, list[bool], str, str], ...] = (
        ("K322", "error", [not carried for _, carried in cuts],
         f"no token that carries loss: nothing of the answer is left in {window}", "Raise text.max_tokens, or shorten "
         "or remove the rows."),
        ("K321", "warning", [cut == "answer" and carried > 0 for cut, carried in cuts],
         f"an answer longer than {window}, and is learnt without its end", REMEDY),
        ("K320", "note", [cut == "prompt" for cut, _ in cuts],
         f"more before the answer than fits into {window}; its {part} is left out", REMEDY),
    )  # fmt: skip
    found = []
    for code, severity, marks, what, remedy in looks:
        sources = [example.source for example, marked in zip(examples, marks, strict=True) if marked]
        if sources:
            name = sources[0].rpartition(" row ")[0]
            rows = [int(source.rpartition(" row ")[2]) for source in sources]
            found.append(note_rows(code, severity, name, f"{have(len(rows), 'row')} {what}.", remedy, rows))
    return tuple(found)
