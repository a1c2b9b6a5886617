"""Prompts that share a frame, such as an instruction above every text: what is in the frame tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunesmith.data.duplicates import Clusters, find_clusters, join_groups

SHARED_ROWS = 5
SHARED_SHARE = 0.01
"""A line is part of a frame if more rows than both have it."""


def framed_clusters(texts: Sequence[str], *, near: bool = True) -> Clusters:
    """Group prompts that are equal as they are, or nearly so without the frame that many of them share.

    A hundred words of instruction above ten words of text would make all rows nearly the same, and nothing could be
    held out.
    """
    same = find_clusters([texts], near=False).same
    if not near:
        return Clusters(same, same)
    return Clusters(same, join_groups(same, find_clusters([unframed(texts)]).near))


def unframed(texts: Sequence[str]) -> list[str]:
    """Return `texts` without their common beginning and without lines that many have; one that is all frame is kept.

    Example:
        >>> rows = [f"You answer in short. Translate!\\nWord {n}" for n in range(9)]
        >>> unframed(rows)[:2]
        ['0', '1']
    """
    lines = [text.splitlines() for text in texts]
    counts = Counter(line for own in lines for line in set(own))
    most = max(SHARED_ROWS, SHARED_SHARE * len(texts))
    bare = ["\n".join(line for line in own if counts[line] <= most) for own in lines]
    filled = sorted({text for text in bare if text.strip()})
    start = _common(filled[0], filled[-1]) if len(filled) > SHARED_ROWS else 0  # of sorted texts these differ most
    return [short[start:] if short[start:].strip() else text for short, text in zip(bare, texts, strict=True)]


def _common(one: str, two: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    return next((at for at, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), len(one))
