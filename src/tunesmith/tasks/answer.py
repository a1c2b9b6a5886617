"""The stretch of a text that answers a question, or that there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Answer as Gold
from tunesmith.core.example import Example, QuestionExample
from tunesmith.core.prediction import Mention, Prediction
from tunesmith.core.task import HeadSpec, Metric, Vectors
from tunesmith.core.words import enclosing
from tunesmith.evaluation import answers as figures
from tunesmith.evaluation import overlap
from tunesmith.evaluation.figure import Array, as_objects
from tunesmith.tasks import rows
from tunesmith.text.windows import units_of

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_SHARE = 0.99
"""Answers may be as long as this share of the train answers; no longer stretch is given."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Extractive question answering: the answer is a stretch of whole words of the context, or there is none.

    The model gives each word of the context a logit to be the first and one to be the last of the answer, and the first
    token of the input one of each for "no answer". All windows of a context share one softmax, so that they compete.

    Args:
        longest: words an answer may have.
        none: whether questions without an answer were trained on; the model says "none" only then.
        margin: by how much log p(none) must exceed log p(answer) for none to be said; chosen on dev.

    Source: Devlin et al. 2019, BERT, section 4.3; the softmax over all windows: Clark and Gardner 2018, Simple and
    Effective Multi-Paragraph Reading Comprehension, section 3.3.
    """

    longest: int = 30
    none: bool = False
    margin: float = 0.0
    name: str = "answer"
    metric: str = "answer_f1"
    labels: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("first", "overlap", "untrained")

    reads = (("question", "context"),)
    gold = ("answers",)

    shipped = rows.shipped

    def fit(self, examples: Sequence[Example]) -> Answer:
        """Return the task with the usual length of an answer, and whether there are questions without one."""
        lengths = []
        for example in examples:
            words = units_of(example)
            found = [enclosing(words, gold.start, gold.start + len(gold.text)) for gold in _placed(example)]
            lengths += [last - first + 1 for first, last in filter(None, found)]
        longest = int(np.ceil(np.quantile(lengths, LONGEST_SHARE))) if lengths else self.longest
        return replace(self, longest=longest, none=any(not _golds(example) for example in examples))

    def head(self) -> HeadSpec:
        """Return a head with a logit for the first word and one for the last."""
        return HeadSpec("question_answering", ())

    def target(self, example: Example) -> list[list[float]]:
        """Return for "no answer" and each word of the context whether an answer starts, and whether one ends there."""
        words = units_of(example)
        marks = [[0.0, 0.0] for _ in range(len(words) + 1)]
        if not _golds(example):
            marks[0] = [1.0, 1.0]
        for gold in _placed(example):
            inside = enclosing(words, gold.start, gold.start + len(gold.text))
            if inside:
                marks[inside[0] + 1][0] = marks[inside[1] + 1][1] = 1.0
        return marks

    def read(self, output: Any, batch: Batch) -> Tensor:
        """Return start and end logits of "no answer" and of each word, [U, 2]: of its first and of its last token."""
        import torch

        from tunesmith.engine.units import by_unit

        starts = by_unit(output.start_logits.unsqueeze(-1), batch)
        ends = by_unit(output.end_logits.unsqueeze(-1), batch, last=True)
        return torch.cat([starts, ends], dim=1)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return −½ (log Σ p(start) + log Σ p(end)) of each question, the sums over all right answers, [N].

        A question whose answers do not stand in its context has loss 0.
        """
        import torch

        assert batch.targets is not None, "a loss needs targets"
        found = []
        for logits, marks in zip(
            torch.split(values, batch.sizes), torch.split(batch.targets, batch.sizes), strict=True
        ):
            right = logits.masked_fill(marks == 0, float("-inf"))
            if bool((marks.sum(0) == 0).any()):
                found.append(logits.sum() * 0.0)
            else:
                found.append((logits.logsumexp(0) - right.logsumexp(0)).mean())
        return torch.stack(found)

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return the answer of each question, an array [N] of tuples of one mention, or of none."""
        return as_objects(
            self._answer(example, part.double().numpy())
            for example, part in zip(examples, read.by_example(), strict=True)
        )

    def _answer(self, example: Example, logits: Array) -> tuple[Mention, ...]:
        if len(logits) < 2:
            return ()
        chances = logits - _log_sum(logits)
        first, last, best = best_stretch(chances[1:, 0], chances[1:, 1], self.longest)
        if self.none and chances[0].sum() > best + self.margin:
            return ()
        context, words = _context(example), units_of(example)
        start, end = words[first][0], words[last][1]
        return (Mention(start, end, context[start:end], "", float(np.exp(best))),)

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the answers, with an empty text and score 0 for none."""
        return [
            Prediction(label=found[0].text if found else "", score=found[0].score if found else 0.0, spans=found)
            for found in answers
        ]

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the answers that count as right, an array [N] of tuples."""
        return as_objects(_golds(example) for example in examples)

    def metrics(self) -> Mapping[str, Metric]:
        """Return exact match and F1; whether an answer was rightly given only where there are questions without one."""
        return {k: v for k, v in figures.ANSWERS.items() if self.none or k != "answered_accuracy"}

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Answer, float]:
        """Return the task with the margin for none that gives the best F1 on these rows."""
        if not self.none:
            return self, 1.0
        always = replace(self, margin=float("inf"))
        given = always.answers(read, examples)
        gains = figures.row_scores(self.truth(examples), given)[1]
        none = np.array([float(not _golds(example)) for example in examples])
        lead = np.array([self._lead(part.double().numpy()) for part in read.by_example()])
        order = np.argsort(-lead)  # none is said from the top of this list on down to the margin
        totals = np.concatenate([[gains.sum()], gains.sum() + np.cumsum((none - gains)[order])])
        best = int(totals.argmax())
        borders = np.concatenate([[np.inf], lead[order], [-np.inf]])
        margin = float(np.clip((borders[best] + borders[best + 1]) / 2, -20.0, 20.0)) if best else 20.0
        return replace(self, margin=margin), 1.0

    def _lead(self, logits: Array) -> float:
        """Return log p(none) − log p(the best answer)."""
        if len(logits) < 2:
            return float("inf")
        return float(logits[0].sum() - best_stretch(logits[1:, 0], logits[1:, 1], self.longest)[2])

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return the first sentence, or the stretch that shares most with the question."""
        known = [_golds(example) for example in train]
        contexts = [_context(example) for example in test]
        if name == "first":
            return as_objects(overlap.first_sentence(known, contexts))
        assert name == "overlap", f"no baseline {name}"
        return as_objects(overlap.best_overlap(known, [_question(example) for example in test], contexts))

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return how sure the model was of right and wrong answers."""
        exact, f1 = figures.row_scores(truth, answers)
        sure = np.array([found[0].score if found else 0.0 for found in answers])
        return {"answers": {"exact": exact.tolist(), "f1": f1.tolist(), "score": sure.tolist()}}

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the questions with wrong answers, the worst first, the surest among equals."""
        _, f1 = figures.row_scores(self.truth(examples), answers)
        sure = [found[0].score if found else 0.0 for found in answers]
        return [at for _, _, at in sorted((float(f1[at]), -sure[at], at) for at in range(len(f1)) if f1[at] < 1)]

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the question at a place with its context, the right answers and the one that was given."""
        example, found = examples[at], answers[at]
        return {
            "id": example.id, "source": example.source, "text": _question(example), "context": _context(example),
            "target": [gold.text for gold in _golds(example)], "label": found[0].text if found else "",
            "target_spans": [{"start": g.start, "end": g.start + len(g.text), "label": ""} for g in _placed(example)],
            "spans": [{"start": m.start, "end": m.end, "label": "", "score": m.score} for m in found],
            "score": found[0].score if found else 0.0,
        }  # fmt: skip

    def row(self, found: Prediction) -> dict[str, Any]:
        """Return the answer, None where there is none, and where in the context it stands."""
        where = [{k: v for k, v in asdict(mention).items() if k != "label"} for mention in found.spans]
        return {**rows.row(self, found), "answer": found.label if found.spans else None, "spans": where}

    def cells(self, found: Prediction) -> dict[str, Any]:
        """Return the answer and where in the context it stands."""
        start, end = next(((mention.start, mention.end) for mention in found.spans), (None, None))
        return {"answer": found.label, "score": found.score, "start": start, "end": end}

    def state(self) -> dict[str, Any]:
        """Return longest, none and margin."""
        return {"longest": self.longest, "none": self.none, "margin": self.margin}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Answer:
        """Return the task that `state` describes."""
        return cls(longest=int(state["longest"]), none=bool(state["none"]), margin=float(state["margin"]))


def best_stretch(starts: Array, ends: Array, longest: int) -> tuple[int, int, float]:
    """Return first and last word, and the sum of their values, of the best stretch of at most `longest` words.

    Args:
        starts: value of each word as the first, [L].
        ends: value of each word as the last, [L].
        longest: at least 1.
    """
    best = (0, 0, -np.inf)
    for more in range(min(longest, len(starts))):  # words behind the first
        sums = starts[: len(starts) - more] + ends[more:]
        at = int(sums.argmax())
        if sums[at] > best[2]:
            best = (at, at + more, float(sums[at]))
    return best


def _log_sum(logits: Array) -> Array:
    top = logits.max(0)
    return np.asarray(top + np.log(np.exp(logits - top).sum(0)))


def _golds(example: Example) -> tuple[Gold, ...]:
    assert isinstance(example.target, tuple), f"{example.source} has no answers"
    return tuple(gold for gold in example.target if isinstance(gold, Gold))


def _placed(example: Example) -> list[Any]:
    return [gold for gold in _golds(example) if gold.start is not None]


def _context(example: Example) -> str:
    assert isinstance(example, QuestionExample), f"{example.source} is no question"
    return example.context


def _question(example: Example) -> str:
    assert isinstance(example, QuestionExample), f"{example.source} is no question"
    return example.question
