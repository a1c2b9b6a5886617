"""Vectors of texts, near to each other where the texts belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.core.batch import Batch, Read
from tunesmith.core.example import Example, texts_of
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import HeadSpec, Metric, Vectors
from tunesmith.evaluation import lexical, similarity
from tunesmith.evaluation.figure import Array
from tunesmith.tasks import rows

if TYPE_CHECKING:
    from torch import Tensor

SCALE = 20.0
"""Inverse temperature of similarities in both losses, as sentence-transformers sets it."""


@dataclass(frozen=True, slots=True)
class Embed:
    """A vector per text whose cosine says how near two texts are: for search, matching, deduplication.

    Pairs with scores are learnt by their order (CoSENT): a pair with a higher score shall have a higher cosine.

        ℓ = log(1 + Σ exp(s · (cos_j − cos_i))) over the pairs (i, j) of the batch with score_i > score_j

    Pairs without scores, and triplets, by ranking (multiple negatives): the text that belongs to an anchor shall be
    nearer than all texts that belong to the other anchors of the batch, and than the negatives given.

        ℓ_i = −log exp(s · cos(a_i, b_i)) / Σ_j exp(s · cos(a_i, b_j))

    Use it when texts are to be searched or matched. Where two texts are always judged together, `pair` reads them in
    one input and is more exact, at the price of a pass for every pair.

    Args:
        scored: whether the pairs have scores.

    Source: Su 2022, CoSENT; Henderson et al. 2017, Efficient Natural Language Response Suggestion, section 4.4.
    """

    scored: bool = True
    name: str = "embed"
    labels: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ("tfidf", "untuned")

    reads = (("text_a", "text_b"), ("text",))
    gold = ("negative", "label")

    shipped = rows.shipped

    @property
    def metric(self) -> str:
        """Spearman's correlation for pairs with scores, the mean reciprocal rank for those without."""
        return "spearman" if self.scored else "mrr"

    def fit(self, examples: Sequence[Example]) -> Embed:
        """Return the task for pairs with scores if these differ, else for ranking."""
        return replace(self, scored=len({example.target for example in examples}) > 1)

    def head(self) -> HeadSpec:
        """Return no head: the pooled body is the answer."""
        return HeadSpec("embedding", ())

    def target(self, example: Example) -> float:
        """Return the score of the pair; 1 for pairs that belong together."""
        assert isinstance(example.target, int | float), f"{example.source} has no score"
        return float(example.target)

    def read(self, output: Any, batch: Batch) -> Tensor:
        """Return a vector of each text, [U, H]."""
        from tunesmith.engine.units import by_unit

        return by_unit(output.vectors, batch)

    def losses(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each row, [N]; rows of one batch are compared with each other."""
        from torch.nn.functional import cross_entropy, normalize

        assert batch.targets is not None, "a loss needs targets"
        sides = normalize(values, dim=-1).view(len(batch.sizes), batch.sizes[0], -1)  # [N, 2 or 3, H]
        if self.scored:
            return _ordered_losses((sides[:, 0] * sides[:, 1]).sum(-1) * SCALE, batch.targets)
        candidates = sides[:, 1:].transpose(0, 1).reshape(-1, sides.shape[-1])
        return cross_entropy(sides[:, 0] @ candidates.T * SCALE, _range_like(values, len(sides)), reduction="none")

    def answers(self, read: Read, examples: Sequence[Example]) -> Array:
        """Return vectors of length 1, [N, texts of a row, H]."""
        vectors = read.values / read.values.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        found: Array = vectors.view(len(read.sizes), read.sizes[0], -1).numpy()
        return found

    def decode(self, answers: Array, examples: Sequence[Example]) -> Sequence[Prediction]:
        """Return the cosine of the first two texts of each row; of single texts the vectors."""
        if answers.shape[1] == 1:
            return [Prediction(label="", score=1.0, vector=vector) for vector in answers[:, 0]]
        return [Prediction(label=float(value), score=float(value)) for value in _cosines(answers)]

    def truth(self, examples: Sequence[Example]) -> Array:
        """Return the scores, [N]."""
        return np.asarray([self.target(example) for example in examples], dtype=np.float64)

    def metrics(self) -> Mapping[str, Metric]:
        """Return correlations for pairs with scores, figures of ranking for those without."""
        return similarity.SCORED if self.scored else similarity.RANKED

    def calibrate(self, read: Read, examples: Sequence[Example]) -> tuple[Embed, float]:
        """Return the task as it is: a vector has no temperature."""
        return self, 1.0

    def baseline(
        self, name: str, train: Sequence[Example], test: Sequence[Example], seed: int, vectors: Vectors
    ) -> Array:
        """Return vectors of TF-IDF."""
        assert name == "tfidf", f"no baseline {name}"
        known = [text for example in train for text in texts_of(example)]
        sides = [list(side) for side in zip(*map(texts_of, test), strict=True)]
        return lexical.lexical_vectors(known, sides)

    def breakdown(self, truth: Array, answers: Array, temperature: float) -> dict[str, Any]:
        """Return scores and cosines, and for rankings nothing more."""
        if not self.scored:
            return {}
        pairs = list(zip(truth.tolist(), _cosines(answers).tolist(), strict=True))
        return {"scatter": [list(pair) for pair in pairs[:: max(1, len(pairs) // rows.DOTS)]]}

    def worst(self, examples: Sequence[Example], answers: Array) -> Sequence[int]:
        """Return the pairs whose place by cosine is furthest from their place by score, or the anchors ranked worst."""
        if self.scored:
            gaps = np.abs(_places(self.truth(examples)) - _places(_cosines(answers)))
        else:
            gaps = np.nan_to_num(similarity.ranks_of_right(answers) - 1)
        return [int(at) for at in np.argsort(-gaps) if gaps[at] > 0]

    def show(self, at: int, examples: Sequence[Example], answers: Array) -> dict[str, Any]:
        """Return the pair at a place with its cosine; for rankings also the text that came nearest."""
        row = rows.show(self, at, examples, answers)
        if self.scored:
            return row
        nearest = int((answers[:, 1] @ answers[at, 0]).argmax())
        return {**row, "nearest": texts_of(examples[nearest])[1]}

    def row(self, found: Prediction) -> dict[str, Any]:
        """Return the cosine, or the vector of a single text."""
        return rows.row(self, found) if found.vector is None else {"vector": found.vector.tolist()}

    def cells(self, found: Prediction) -> dict[str, Any]:
        """Return the cosine, or the vector of a single text."""
        return {"similarity": found.score} if found.vector is None else self.row(found)

    def state(self) -> dict[str, Any]:
        """Return whether the pairs have scores."""
        return {"scored": self.scored}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Embed:
        """Return the task that `state` describes."""
        return cls(scored=bool(state["scored"]))


def _ordered_losses(cosines: Tensor, scores: Tensor) -> Tensor:
    """Return CoSENT's loss, shared out: row i has log(1 + Σ_j exp(cos_j − cos_i)) over the j with lower scores.

    The original takes one logarithm over all pairs of the batch; one for each row keeps losses per row, as weights and
    accumulation need them, and bounds it from above.
    """
    import torch

    gaps = cosines.unsqueeze(0) - cosines.unsqueeze(1)  # [i, j]: how much nearer pair j is than pair i
    gaps = gaps.masked_fill(scores.unsqueeze(1) <= scores.unsqueeze(0), float("-inf"))
    return torch.cat([torch.zeros_like(gaps[:, :1]), gaps], dim=1).logsumexp(1)


def _range_like(values: Tensor, size: int) -> Tensor:
    import torch

    return torch.arange(size, device=values.device)


def _cosines(answers: Array) -> Array:
    return similarity.cosines(answers)


def _places(values: Array) -> Array:
    """Return the rank of each value, from 0 to 1."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") / max(1, len(values) - 1)
