"""Every code of a fault or finding: what it means, why it matters, what to do. `tunesmith why` and the docs print it.

K1xx data · K2xx recipe · K3xx models · K4xx runs · K5xx training · K6xx bundles and prediction · K7xx installation.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The lasting explanation of one code; the fault itself says where and what came."""

    title: str
    why: str
    cure: str


CODES: dict[str, Code] = {
    # K1xx data
    # K2xx recipe
    # K3xx models
    # K4xx runs
    # K5xx training
    # K6xx bundles and prediction
    # K7xx installation
    "K701": Code(
        "An optional library is missing",
        "Core dependencies stay few; what only some users need is an extra.",
        "Run the install line that the message prints, then the same command again.",
    ),
}
