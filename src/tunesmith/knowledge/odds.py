"""Probabilities and their logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEAST = 1e-9
"""Probability of a label that a model excludes."""


def logs(probabilities: Array) -> Array:
    """Return the logarithms of probabilities, none of them infinite."""
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), LEAST))


def softmax(logits: Array) -> Array:
    """Return the probabilities of logits [N, C]."""
    from scipy.special import softmax as of_rows

    return np.asarray(of_rows(logits, axis=1))
