"""Tagging: targets and losses of words, spans exactly as the text has them, long texts, accumulation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Span, TextExample, TokenExample
from tunesmith.core.words import words_of
from tunesmith.engine.infer import outputs
from tunesmith.engine.objective import task_objective, window_gradient
from tunesmith.errors import InputError
from tunesmith.models.load import load_model, load_tokenizer
from tunesmith.tasks.tag import Tag
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder

GLIDE = "My Glide 2 battery died"
SPANS = (Span(3, 10, "PRODUCT"), Span(11, 18, "PART"))
TASK = Tag(labels=("PART", "PRODUCT"))


def example(text: str, spans: tuple[Span, ...] = (), **more: Any) -> TokenExample:
    return TokenExample(id="1", source="row 1", text=text, target=spans, **more)


def read_of(*rows: list[list[float]]) -> Read:
    """Probabilities of the tags of each word → what a model would have said."""
    values = torch.tensor([word for row in rows for word in row], dtype=torch.float64)
    return Read(values.log().float().reshape(-1, 5), [len(row) for row in rows])


def test_kinds_of_spans_come_from_the_rows_in_order() -> None:
    task = Tag().fit([example(GLIDE, SPANS), example("nothing")])
    assert task == TASK
    assert task.head().labels == ("O", "B-PART", "I-PART", "B-PRODUCT", "I-PRODUCT")
    assert task.head().layout == "words"
    assert Tag.load(task.state()) == task


def test_the_target_is_a_tag_for_every_word() -> None:
    assert TASK.target(example(GLIDE, SPANS)) == [0, 3, 4, 1, 0]
    given = ((0, 2), (3, 10), (11, 23))  # words as the data have them, the last one longer than its span
    assert TASK.target(example(GLIDE, SPANS, words=given)) == [0, 3, 1]
    with pytest.raises(InputError, match=r'K107 row 1: label "PARTS" is(.|\n)*Did you mean "PART"'):
        TASK.target(example(GLIDE, (Span(11, 18, "PARTS"),)))


def test_the_loss_of_a_word_is_minus_the_log_of_its_tag() -> None:
    values = torch.randn(7, 5, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 3, 4, 1, 0, 2, 1])
    batch = Batch({}, targets, torch.ones(7), torch.zeros(2), [4, 3])
    found = TASK.losses(values, batch)
    for row, target, loss in zip(values, targets, found, strict=True):
        assert float(loss) == pytest.approx(-float(torch.log(row.exp()[target] / row.exp().sum())), abs=1e-5)


def test_spans_are_those_of_the_best_legal_sequence_with_the_least_certain_tag_as_score() -> None:
    sure = [[0.9, 0.025, 0.025, 0.025, 0.025], [0.1, 0.05, 0.05, 0.7, 0.1], [0.2, 0.0, 0.2, 0.0, 0.6],
            [0.3, 0.2, 0.5, 0.0, 0.0], [1.0, 0, 0, 0, 0]]  # fmt: skip
    # "battery" would be I-PART, which nothing begins: O, since 0.3 > 0.2.
    [found] = TASK.answers(read_of(sure), [example(GLIDE)])
    [glide] = found
    assert (glide.start, glide.end, glide.text, glide.label) == (3, 10, "Glide 2", "PRODUCT")
    assert glide.score == pytest.approx(0.6, abs=1e-6)
    [prediction] = TASK.decode(np.array([found], dtype=object), [example(GLIDE)])
    assert prediction.label == ("PRODUCT",)
    assert prediction.score == pytest.approx(0.6, abs=1e-6)


def test_a_text_without_spans_or_without_words_is_no_error() -> None:
    outside = [[0.96, 0.01, 0.01, 0.01, 0.01]] * 5
    found = TASK.answers(read_of([], outside, []), [example(""), example(GLIDE), example(" ")])
    assert found.tolist() == [(), (), ()]
    assert [p.label for p in TASK.decode(found, [example("")] * 3)] == [(), (), ()]
    assert TASK.answers(read_of([]), [example("")]).tolist() == [()]


@pytest.fixture
def parts(tiny: Path) -> tuple[nn.Module, Encoder, Collator]:
    loaded = load_model(tiny, TASK.head(), seed=1)
    encoder = Encoder(loaded.tokenizer, 16, "window", 4, "words")
    return loaded.model.eval().double(), encoder, Collator(0, TASK.head().problem)


def test_texts_of_uneven_length_in_micro_batches_give_the_gradient_of_the_whole(parts: Any) -> None:
    model, encoder, collate = parts
    texts = ["My Glide 2 battery died " * n for n in (1, 6, 2, 1, 9)]
    examples = [example(text, SPANS) for text in texts]
    features = encoder.encode(examples, TASK.target)
    owners = [[f for f in features if f.owner == at] for at in range(len(texts))]
    assert len(owners[4]) > 2, "it is read in windows"

    def gradient(*groups: list[int]) -> torch.Tensor:
        model.zero_grad()
        micro = [collate([f for at in group for f in owners[at]]) for group in groups]
        window_gradient(task_objective(model, TASK), micro, model, [], lambda loss: loss.backward())
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    whole, split = gradient([0, 1, 2, 3, 4]), gradient([0, 1, 2], [3], [4])
    assert torch.allclose(whole, split, atol=1e-7)
    mean_of_means = torch.stack([gradient([0, 1, 2]), gradient([3]), gradient([4])]).mean(0)
    assert not torch.allclose(whole, mean_of_means, atol=1e-4), "the test could not fail"


def test_every_word_of_a_text_of_20_000_words_is_read_once(tiny: Path, rows: list[tuple[str, str]]) -> None:
    tokenizer, limit = load_tokenizer(tiny)
    said = [word for text, _ in rows for word in text.split()]
    words = [said[at * 7 % len(said)] for at in range(20_000)]
    text = " ".join(words)
    features = Encoder(tokenizer, limit, "window", 16, "words").encode([TextExample(id="1", source="row 1", text=text)])
    assert len(features) > 300
    read = [(unit, f.inputs["input_ids"][first]) for f in features for unit, first, _ in f.places or ()]
    assert [unit for unit, _ in sorted(read)] == list(range(20_000))
    assert tokenizer.convert_ids_to_tokens([token for _, token in sorted(read)]) == words


def test_the_last_word_of_20_000_is_tagged(tiny: Path) -> None:
    loaded = load_model(tiny, TASK.head(), seed=3)
    encoder = Encoder(loaded.tokenizer, loaded.limit, "window", 16, "words")
    start = "the film was " * 6_666 + "my "
    examples = [example(start + word) for word in ("good", "bad")]
    assert len(words_of(examples[0].text)) == 20_000
    collate = Collator(0, TASK.head().problem)
    read = outputs(loaded.model, TASK, encoder.encode(examples), collate, size=64)
    assert list(read.sizes) == [20_000, 20_000]
    good, bad = read.by_example()
    assert torch.isfinite(good).all()
    same = torch.isclose(good, bad, atol=1e-6).all(1)
    assert not same[-1], "the last word is read"
    assert same[: 20_000 - 64].all(), "windows that do not hold it are the same"
    for found, one in zip(TASK.answers(read, examples), examples, strict=True):
        assert found, "random weights mark something"
        assert all(one.text[m.start : m.end] == m.text for m in found)
