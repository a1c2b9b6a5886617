"""Classes that are as common where a model is used as somebody says, and not as among the rows that it learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunesmith.core.fusion import Asked
from tunesmith.errors import Fault, did_you_mean
from tunesmith.knowledge.odds import logs, softmax

Array = np.ndarray[Any, Any]

OFF = 0.01
"""By how much shares may miss 1 together; they are divided by their sum."""
PLACE = "knowledge.priors"


@dataclass(frozen=True, slots=True)
class Priors:
    """The shares of the classes where a model is used, and those that its loss saw.

        p'(c | x) ∝ p(c | x) · prior_c / trained_c

    It is right where only the shares differ, and texts of a class are the same at both places.

    Args:
        labels: C names of classes.
        shares: prior_c, [C], above 0; their sum is 1.
        trained: trained_c, [C], above 0; rows count with their weights.

    Source: Saerens, Latinne and Decaestecker 2002, Adjusting the Outputs of a Classifier to New a Priori Probabilities,
        equation 2.4; Elkan 2001, The Foundations of Cost-Sensitive Learning.

    Example:
        >>> rarer = Priors(("a", "b"), np.array([0.1, 0.9]), np.array([0.5, 0.5]))
        >>> rarer.adjust(np.array([[0.8, 0.2]]), Asked([])).round(3).tolist()
        [[0.308, 0.692]]
    """

    labels: tuple[str, ...]
    shares: Array
    trained: Array

    kind: ClassVar[str] = "priors"
    needs_vectors: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, given: Mapping[str, float], labels: Sequence[str], classes: Array, weights: Array) -> Priors:
        """Return the shares that were given, with those of the rows that were learnt from.

        Args:
            given: label → share, checked.
            labels: C names.
            classes: of the rows, [N].
            weights: of the rows in the loss, [N].
        """
        shares = np.array([given[label] for label in labels])
        seen = np.bincount(classes, weights=weights, minlength=len(labels))
        return cls(tuple(labels), shares / shares.sum(), seen / seen.sum())

    def adjust(self, answers: Array, asked: Asked) -> Array:
        """Return probabilities [N, C] for these shares."""
        return softmax(logs(answers) + logs(self.shares) - logs(self.trained))

    def evidence(self, answers: Array, asked: Asked) -> list[tuple[str, ...]]:
        """Return a sentence where the shares change the answer."""
        before, after = answers.argmax(1), self.adjust(answers, asked).argmax(1)
        return [
            (f"without the shares that were given: {self.labels[one]} {row[one]:.2f}",) if one != other else ()
            for one, other, row in zip(before, after, answers, strict=True)
        ]

    def state(self) -> dict[str, Any]:
        """Return plain data."""
        return {"labels": list(self.labels), "shares": self.shares.tolist(), "trained": self.trained.tolist()}

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Priors:
        """Return the priors that `state` describes."""
        return cls(tuple(state["labels"]), np.array(state["shares"]), np.array(state["trained"]))


def prior_faults(given: Mapping[str, float], labels: Sequence[str]) -> list[Fault]:
    """Return what is wrong with shares: labels that there are not or that are missing (K822), and their sum (K823)."""
    faults = [
        Fault("K822", f"{PLACE}.{name}", f'no row has the label "{name}".',
              f"{did_you_mean(name, labels)} The labels are {', '.join(labels)}.".strip())
        for name in given if name not in labels
    ]  # fmt: skip
    missing = [label for label in labels if label not in given]
    if missing:
        message = f"there is no share of {', '.join(missing)}."
        faults.append(Fault("K822", PLACE, message, "Give a share of every label."))
    total = sum(given.values())
    if not faults and abs(total - 1.0) > OFF:
        faults.append(Fault("K823", PLACE, f"the shares sum to {total:.4g}.", "Let them sum to 1."))
    return faults


def expected_accuracy(shares: Array, truth: Array, answers: Array) -> float:
    """Return the accuracy where classes have these shares: Σ_c prior_c · recall_c; nan where a class has no rows.

    It is that of rows weighed by prior_c over their share among these rows.

    Args:
        shares: prior_c, [C].
        truth: classes [N].
        answers: probabilities [N, C].
    """
    rows = np.bincount(truth, minlength=len(shares))
    if (rows == 0).any():
        return float("nan")
    hits = np.bincount(truth[answers.argmax(axis=1) == truth], minlength=len(shares))
    return float(shares @ (hits / rows))
