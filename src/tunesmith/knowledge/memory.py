"""Labelled rows beside a model: those that are nearest to a text speak for their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from tunesmith.core.fusion import Asked
from tunesmith.data.findings import shorten
from tunesmith.evaluation.linear import row_losses
from tunesmith.evaluation.unit import unit_length
from tunesmith.knowledge.odds import logs, softmax

Array = np.ndarray[Any, Any]
Near: TypeAlias = tuple[Array, Array]
"""Places of the nearest rows, and their cosines, [N, K] each."""

NEAREST = 16
"""Rows of the memory that speak for a text."""
AT_ONCE = 2_000_000
"""Cosines that are looked at together: 8 MB."""
FLOORS, WIDTHS = (0.01, 0.1, 1.0), (0.05, 0.1, 0.2)
"""What is tried for ε and τ."""
DOUBT = 0.1
"""Variance of b around 1 before rows have spoken."""
GAIN = 1.92
"""Nats that the memory must save on its rows to be heard: what a number that says nothing saves in one of twenty cases,
by the χ² of likelihood ratios."""
SHOWN, CUT = 3, 60
"""Rows that evidence names, and letters of each."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Rows that can be added without a training, asked for those nearest to a text.

        log p(c | x) = b · log p_model(c | x) + a · log (ε / C + Σ_k m_k · [y_k = c]) + constant
        m_k = exp((cos(x, x_k) − 1) / τ)

    over the 16 nearest rows, by the vectors that the last layer of the model sees. Where no row is near, ε is all there
    is, and says the same of every class. The rows that the model was trained on stand in the memory, too, so that a row
    that was added does not speak for texts that lie nearer to others.

    The rows that were added are foretold, each from the model and all other rows: a and b are those of the highest
    likelihood (b with a normal prior around 1), ε and τ the best of a few. A memory that saves less than 1.92 nats on
    all of them over the best b alone is not heard, and changes nothing.

    Args:
        labels: C names of classes.
        vectors: of the rows, of length 1, float32 [M, H]; kept in half of it.
        classes: class indices of the rows, [M].
        answers: what the model says of the rows that were added, in their order, [F, C].
        fresh: whether a row was added, and the model was not trained on it, bool [M].
        texts: of the rows.
        sources: where the rows come from, such as `new.csv row 12`.
        power: b.
        share: a; 0 where the memory is not heard.
        floor: ε.
        width: τ.

    Source: Khandelwal et al. 2020, Generalization through Memorization: Nearest Neighbor Language Models; mixed here as
        a product of experts, with kernel weights as in Nadaraya 1964, On Estimating Regression.

    Cost: a product of the vector of each text with the memory, exact; 100,000 rows of 384 numbers take 154 MB, and 77
        on disk.
    """

    labels: tuple[str, ...]
    vectors: Array
    classes: Array
    answers: Array
    fresh: Array
    texts: tuple[str, ...]
    sources: tuple[str, ...]
    power: float = 1.0
    share: float = 0.0
    floor: float = FLOORS[0]
    width: float = WIDTHS[0]

    kind: ClassVar[str] = "memory"
    columns: ClassVar[tuple[str, ...]] = ()
    needs_vectors: ClassVar[bool] = True

    @classmethod
    def of(
        cls, labels: Sequence[str], vectors: Array, classes: Array, texts: Sequence[str], sources: Sequence[str],
        answers: Array | None = None,
    ) -> Memory:  # fmt: skip
        """Return a memory of rows, not yet fitted.

        Args:
            labels: C names of classes.
            vectors: of the rows, of any length, [M, H].
            classes: class indices of the rows, [M].
            texts: of the rows.
            sources: where they come from.
            answers: what the model says of rows that are added, [M, C]; None for rows that it was trained on.
        """
        places = np.asarray(classes, dtype=np.int64)
        said = np.empty((0, len(labels))) if answers is None else answers
        fresh = np.full(len(places), answers is not None)
        kept = unit_length(vectors).astype(np.float16).astype(np.float32)  # as they come from disk again
        return cls(tuple(labels), kept, places, said.astype(np.float32), fresh, tuple(texts), tuple(sources))

    def __len__(self) -> int:
        return len(self.texts)

    def joined(self, other: Memory) -> Memory:
        """Return a memory of the rows of both, not yet fitted."""
        vectors, classes, answers, fresh = (
            np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("vectors", "classes", "answers", "fresh")
        )
        texts, sources = (*self.texts, *other.texts), (*self.sources, *other.sources)
        return Memory(self.labels, vectors, classes, answers, fresh, texts, sources)

    def fitted(self) -> Memory:
        """Return the memory with the numbers that foretell the added rows best, if there are some."""
        if not self.fresh.any():
            return self
        hot, model = np.eye(len(self.labels))[self.classes[self.fresh]], logs(self.answers)
        silent, _, _ = _mix(model, np.zeros_like(model), hot)
        best = (silent - GAIN, replace(self, power=1.0, share=0.0))
        near = self._others()
        for width in WIDTHS:
            mass = self._mass(near, width)
            for floor in FLOORS:
                loss, power, share = _mix(model, np.log(floor / len(self.labels) + mass), hot)
                if loss < best[0]:
                    best = (loss, replace(self, power=power, share=share, floor=floor, width=width))
        return best[1]

    def foretold(self) -> Array:
        """Return what model and memory say of each added row where the row itself is left out, [F, C]."""
        return self._heard(self.answers, self._mass(self._others(), self.width)) if self.share else self.answers

    def adjust(self, answers: Array, asked: Asked) -> Array:
        """Return probabilities [N, C] with what the nearest rows say in them."""
        return self._heard(answers, self._mass(self._near(self._vectors(asked)), self.width)) if self.share else answers

    def _heard(self, answers: Array, mass: Array) -> Array:
        said = np.log(self.floor / len(self.labels) + mass)
        logits = self.power * logs(answers) + self.share * said
        return softmax(logits)

    def _others(self) -> Near:
        """Return the rows that are nearest to each added row, without itself."""
        places = np.flatnonzero(self.fresh)
        return self._near(self.vectors[places], itself=places)

    def evidence(self, answers: Array, asked: Asked) -> list[tuple[str, ...]]:
        """Return the nearest rows of each text with their labels, the nearest first, and what the model says alone."""
        if self.share == 0.0:
            return [()] * len(answers)
        said = []
        for row, near, cosine in zip(answers, *self._near(self._vectors(asked)), strict=True):
            at = int(row.argmax())
            lines = [self._line(int(near[place]), float(cosine[place])) for place in range(min(SHOWN, len(near)))]
            said.append((*lines, f"without memory: {self.labels[at]} {row[at]:.2f}"))
        return said

    def _line(self, at: int, cosine: float) -> str:
        label = self.labels[self.classes[at]]
        return f'near "{shorten(self.texts[at], CUT)}" ({label}, cosine {cosine:.2f}, {self.sources[at]})'

    def _vectors(self, asked: Asked) -> Array:
        assert asked.vectors is not None, "memory asks for vectors"
        return unit_length(asked.vectors)

    def _mass(self, near: Near, width: float) -> Array:
        """Return how much the nearest rows speak for each class, [N, C]."""
        places, cosines = near
        mass = np.zeros((len(places), len(self.labels)))
        np.add.at(mass, (np.arange(len(places))[:, None], self.classes[places]), np.exp((cosines - 1.0) / width))
        return mass

    def _near(self, vectors: Array, *, itself: Array | None = None) -> Near:
        """Return the places of the nearest rows in the memory and their cosines, the nearest first.

        Args:
            vectors: of length 1, [N, H].
            itself: [N] the place of each in the memory, which is not near itself; None where they are not of it.
        """
        most = min(NEAREST, len(self) - (itself is not None))
        step = max(1, AT_ONCE // max(1, len(self)))
        places = np.empty((len(vectors), most), dtype=np.int64)
        cosines = np.empty((len(vectors), most))
        for start in range(0, len(vectors) if most else 0, step):
            rows = slice(start, start + step)
            found = np.asarray(vectors[rows], dtype=np.float32) @ self.vectors.T
            if itself is not None:
                found[np.arange(len(found)), itself[rows]] = -np.inf
            kept = np.sort(np.argpartition(-found, most - 1, axis=1)[:, :most], axis=1)
            order = np.argsort(-np.take_along_axis(found, kept, axis=1), axis=1, kind="stable")
            places[rows] = np.take_along_axis(kept, order, axis=1)
            cosines[rows] = np.take_along_axis(found, places[rows], axis=1)
        return places, cosines

    def corrected(self, labels: Mapping[str, int]) -> Memory:
        """Return a memory, not yet fitted, in which the rows of some texts have another class.

        Args:
            labels: text → class index.
        """
        classes = [labels.get(text, int(known)) for text, known in zip(self.texts, self.classes, strict=True)]
        return replace(self, classes=np.array(classes, dtype=np.int64))

    def state(self) -> dict[str, Any]:
        """Return plain data, and the vectors."""
        return {
            "labels": list(self.labels), "vectors": self.vectors.astype(np.float16), "classes": self.classes.tolist(),
            "answers": self.answers, "fresh": self.fresh.tolist(), "texts": list(self.texts),
            "sources": list(self.sources), "power": self.power, "share": self.share, "floor": self.floor,
            "width": self.width,
        }  # fmt: skip

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Memory:
        """Return the memory that `state` describes."""
        return cls(
            tuple(state["labels"]), state["vectors"].astype(np.float32), np.array(state["classes"], dtype=np.int64),
            state["answers"], np.array(state["fresh"], dtype=bool), tuple(state["texts"]), tuple(state["sources"]),
            state["power"], state["share"], state["floor"], state["width"],
        )  # fmt: skip


def _mix(model: Array, memory: Array, hot: Array) -> tuple[float, float, float]:
    """Return the lowest loss of b · model + a · memory with its b and a; logits and targets [N, C]."""
    from scipy.optimize import minimize

    def cost(point: Array) -> float:
        power, share = point
        losses = row_losses(power * model + share * memory, hot, "single_label_classification")
        return float(losses.sum() + (power - 1.0) ** 2 / (2 * DOUBT))

    found = minimize(cost, [1.0, 0.1], method="L-BFGS-B", bounds=[(0.1, 3.0), (0.0, 3.0)])
    return float(found.fun), float(found.x[0]), float(found.x[1])
