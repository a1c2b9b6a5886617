"""What is said of a code wherever it is met."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The lasting explanation of one code; the fault itself says where and what came."""

    title: str
    why: str
    cure: str
