"""Marked spans in a text: names, parts, places, slots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, Span, texts_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric, Vectors
from tunesmith.evaluation import mentions, spans
from tunesmith.evaluation.baseline import some_words
from tunesmith.evaluation.calibrate import fit_temperature
from tunesmith.evaluation.figure import Array, as_objects
from tunesmith.evaluation.linear import fit
from tunesmith.tasks import rows
from tunesmith.tasks.labels import index, ordered
from tunesmith.text import bio
from tunesmith.text.windows import units_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tag:
    """Spans of a text, each of one kind: entities, slots, parts of speech.

    The model gives every word one of the tags O, B-kind and I-kind, read at its first token; the answer is the most
    probable sequence in which no span goes on that did not begin. A span takes whole words (`core.words.words_of`, or
    the tokens of the data); spans do not overlap.

    Args:
        labels: kinds of spans, in order.
    """

    labels: tuple[str, ...] = ()
    name: str = "tag"
    metric: str = "span_f1"
    baselines: tuple[str, ...] = ("majority", "dictionary", "frozen", "untrained")

    reads = rows.TEXT
    gold = ("tokens", "tags", "spans")

    read = rows.read
    """The logits of each word, [U, tags], at its first token."""
    shipped = rows.shipped

    def fit(self, examples: Sequence[Example]) -> Tag:
        """Return the task with the kinds of spans in `examples`."""
        return replace(self, labels=ordered(span.label for example in examples for span in _spans(example)))

    def head(self) -> HeadSpec:
        """Return a head with one output per tag."""
        return HeadSpec("token_classification", bio.tags_of(self.labels))

    def target(self, example: Example) -> list[int]:
        """Return the tag of each word, as a position among the tags."""
        for span in _spans(example):
            index(span.label, self.labels, example.source)
        return bio.encode(_spans(example), units_of(example), self.labels)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy −log p(tag) of each word, [U]."""
        from torch.nn.functional import cross_entropy

        assert batch.targets is not None, "a loss needs targets"
        return cross_entropy(values, batch.targets, reduction="none")

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return the spans of each text, an array [N] of tuples of mentions.

        The score of a span is the probability of the least certain of its tags.
        """
        chances = read.values.log_softmax(-1).double().numpy()
        parts = np.split(chances, np.cumsum(read.sizes)[:-1])
        paths = bio.best_paths(parts) if parts else []
        return as_objects(
            bio.mentions(texts_of(example)[0], units_of(example), self.labels, path, np.exp(part))
            for example, path, part in zip(examples, paths, parts, strict=True)
        )

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the spans of each text; the score is that of the least certain one."""
        return [
            Prediction(
                label=tuple(mention.label for mention in found),
                score=min((mention.score for mention in found), default=1.0),
                spans=found,
            )
            for found in answers
        ]

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the marked spans, an array [N] of tuples."""
        return as_objects(_spans(example) for example in examples)

    def metrics(self) -> Mapping[str, Metric]:
        """Return the figures of spans."""
        return spans.SPANS

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Tag, float]:
        """Return the task as it is, and the temperature that fits the tags of these rows."""
        return self, fit_temperature(read.values.numpy(), self._tags(examples), "single_label_classification")

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return the spans that the majority tag, the dictionary of the training mentions, or a linear head gives."""
        if name == "frozen":
            return self._probe(train, test, seed, vectors)
        texts, words = [texts_of(e)[0] for e in train], [units_of(e) for e in train]
        known = mentions.MarkedTexts(texts, [_spans(e) for e in train], words)
        asked = mentions.MarkedTexts([texts_of(e)[0] for e in test], words=[units_of(e) for e in test])
        if name == "majority":
            return as_objects(mentions.majority_spans(known, asked))
        assert name == "dictionary", f"no baseline {name}"
        return as_objects(mentions.dictionary(known, asked))

    def _probe(self, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors) -> Array:
        import torch

        seen, unseen = vectors()
        tags = self._tags(train)
        some = some_words(len(tags), seed)
        model = fit(seen.values.numpy()[some], tags[some], "single_label_classification", self.head().size, seed)
        logits = model.logits(unseen.values.numpy()).astype(np.float32)
        return self.answers(Read(torch.from_numpy(logits), unseen.sizes), test)

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return figures by kind, what was taken for what, and the kinds of errors."""
        return {
            "per_class": spans.per_kind(truth, answers, self.labels),
            "confusion": spans.kind_confusion(truth, answers, self.labels),
            "span_errors": spans.error_kinds(truth, answers),
            "temperature": temperature,
        }

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the texts with wrong or missed spans, those with most of them first, the surest among equals."""
        wrong = []
        for at, (example, found) in enumerate(zip(examples, answers, strict=True)):
            marked, given = set(_spans(example)), {Span(m.start, m.end, m.label) for m in found}
            off = marked ^ given
            if off:
                sure = max((m.score for m in found if Span(m.start, m.end, m.label) not in marked), default=0.0)
                wrong.append((-len(off), -sure, at))
        return [at for _, _, at in sorted(wrong)]

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the text at a place with the spans that are marked and those that were found."""
        example, found = examples[at], answers[at]
        return {
            "id": example.id, "source": example.source, "text": texts_of(example)[0],
            "target_spans": [asdict(span) for span in _spans(example)],
            "spans": [{"start": m.start, "end": m.end, "label": m.label, "score": m.score} for m in found],
        }  # fmt: skip

    def row(self, found: Prediction) -> dict[str, Any]:
        """Return the kinds of spans, and the spans."""
        return {**rows.row(self, found), "spans": [asdict(mention) for mention in found.spans]}

    def cells(self, found: Prediction) -> dict[str, Any]:
        """Return the spans."""
        return {"spans": self.row(found)["spans"], "score": found.score}

    def _tags(self, examples: Sequence[Example]) -> Array:
        return np.asarray([tag for example in examples for tag in self.target(example)], dtype=np.int64)

    def state(self) -> dict[str, Any]:
        """Return the kinds of spans."""
        return {"labels": list(self.labels)}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Tag:
        """Return the task that `state` describes."""
        return cls(labels=tuple(state["labels"]))


def _spans(example: Example) -> tuple[Span, ...]:
    assert isinstance(example.target, tuple), f"{example.source} has no spans"
    return tuple(span for span in example.target if isinstance(span, Span))
