"""What it takes to encode Chinese questions and spans: borders inside tokens, tokens taken apart, windows left out.

    python benchmarks/encoding.py

Reads the train parts of cmrc2018 (questions) and cluener (spans) in `../shared/data` with the tokenizer of e5-small (a
folder, as for `reading.py`), and prints how many answers and spans begin or end inside a token, how many tokens there
are more once such tokens are taken apart, and how many tokens a question is trained on with all windows of its context
and with those that are kept (`text/thin.py`), windows as the defaults have them. Nothing is drawn but the windows kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cells import DATA
from reading import E5, found
from tunesmith.core.example import Answer, Example, Span, texts_of
from tunesmith.data.examples import examples_of
from tunesmith.data.rows import prepare
from tunesmith.jobs.workshop import OTHER_WINDOWS
from tunesmith.models.load import load_tokenizer
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.complete import of_task
from tunesmith.recipe.schema import Data
from tunesmith.text.pieces import Splitter
from tunesmith.text.thin import thin
from tunesmith.text.windows import Encoder, units_of


def train_rows(task: str, name: str) -> list[Example]:
    """Return the train rows of a data set."""
    prepared = prepare(Data(train=str(found(DATA / name, "train", ".jsonl"))), task)
    return list(examples_of(prepared.files["train"], prepared, []))


def stretches(example: Example) -> list[tuple[int, int]]:
    """Return start and end of every span, or of the first answer that stands in the context."""
    target = example.target if isinstance(example.target, tuple) else ()
    spans = [(item.start, item.end) for item in target if isinstance(item, Span)]
    answers = [(a.start, a.start + len(a.text)) for a in target if isinstance(a, Answer) and a.start is not None]
    return spans or answers[:1]


def borders(tokenizer: Any, examples: Sequence[Example], what: str) -> None:
    """Print how many stretches begin or end inside a token, and what it costs to take such tokens apart."""
    texts = [texts_of(example)[-1] for example in examples]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    inside = count = 0
    for example, offsets in zip(examples, encoded["offset_mapping"], strict=True):
        starts, ends = {start for start, _ in offsets}, {end for _, end in offsets}
        count += len(stretches(example))
        inside += sum(start not in starts or end not in ends for start, end in stretches(example))
    print(f"{what}: {inside:,} of {count:,} begin or end inside a token ({inside / count:.1%})")
    pieces = Splitter(tokenizer)(texts, [units_of(example) for example in examples])
    before, after = sum(map(len, encoded["input_ids"])), sum(len(found.ids) for found in pieces)
    print(f"{what}: {before:,} tokens, {after:,} once those with several words are apart ({after / before - 1:+.1%})")


def windows(tokenizer: Any, examples: Sequence[Example]) -> None:
    """Print the tokens that a question is trained on, with all windows and with those that are kept."""
    usual = of_task("answer")
    task = load_entry("tasks", "answer")().fit(examples)
    encoder = Encoder(tokenizer, usual.max_tokens, "window", usual.overlap, task.head().layout)
    features = encoder.encode(examples, task.target)
    for name, some in (("all windows", features), ("windows kept", thin(features, OTHER_WINDOWS, 0))):
        tokens = sum(len(window.inputs["input_ids"]) for window in some)
        per = len(some) / len(examples), tokens / len(examples)
        print(f"{name} of {len(examples):,} questions: {per[0]:.2f} windows and {per[1]:.0f} tokens a question")


def main() -> None:
    """Measure and print."""
    tokenizer, _ = load_tokenizer(E5)
    questions = train_rows("answer", "cmrc2018")
    borders(tokenizer, questions, "answers of cmrc2018")
    borders(tokenizer, train_rows("tag", "cluener"), "spans of cluener")
    windows(tokenizer, questions)


if __name__ == "__main__":
    main()
