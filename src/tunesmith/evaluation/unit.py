"""Vectors of length 1."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluation.figure import Array


def unit_length(vectors: Array) -> Array:
    """Return rows of length 1, [N, H]; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))
