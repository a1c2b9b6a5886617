"""Whether the model's tokenizer knows the writing of the rows."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.core.example import DialogueExample, Example, TextsOf, texts_of
from tunesmith.core.report import Finding
from tunesmith.text.windows import Encoder

SAMPLE_ROWS = 400
UNKNOWN_SHARE = 0.05
"""Share of tokens that stand for nothing the model knows, from which a word is due; stray emoji stay below it."""


def flat(examples: Sequence[Example]) -> Sequence[str]:
    """Return the texts of all examples, one after the other; but for dialogues, made when they are asked for."""
    if isinstance(examples[0], DialogueExample):
        return [text for example in examples for text in texts_of(example)]
    return TextsOf(examples, len(texts_of(examples[0])))


def unknown_tokens(
    encoder: Encoder, texts: Sequence[str], source: str, *, written: bool = False
) -> tuple[Finding, ...]:  # fmt: skip
    """Return the finding that many tokens of the texts are unknown to the model, if they are.

    Args:
        encoder: with the tokenizer of the model.
        texts: of the train rows; some hundred of them are looked at.
        source: the file as messages say it.
        written: whether they are to be written.
    """
    some = texts[:: max(1, len(texts) // SAMPLE_ROWS)][:SAMPLE_ROWS]
    share = encoder.unknown_share(some, written=written)
    if share < UNKNOWN_SHARE:
        return ()
    kind = "texts to be written" if written else "texts"
    message = f"{share:.0%} of the tokens of a sample of {len(some):,} {kind} are unknown to the model's tokenizer."
    remedy = "Take a model of the language of the texts, such as --model e5-small for about 100 languages."
    return (Finding(code="K305", severity="warning", message=message, remedy=remedy, source=source),)
