"""Every code of a fault or finding: what it means, why it matters, what to do. `tunesmith why` and the docs print it.

K1xx data · K2xx recipe · K3xx models · K4xx runs · K5xx training · K6xx bundles and prediction · K7xx installation ·
K8xx knowledge.
"""

from __future__ import annotations

from tunesmith.errors.codes.bundles import BUNDLES
from tunesmith.errors.codes.code import Code
from tunesmith.errors.codes.data import DATA
from tunesmith.errors.codes.installation import INSTALLATION
from tunesmith.errors.codes.knowledge import KNOWLEDGE
from tunesmith.errors.codes.models import MODELS
from tunesmith.errors.codes.recipe import RECIPE
from tunesmith.errors.codes.runs import RUNS
from tunesmith.errors.codes.training import TRAINING

__all__ = ["CODES", "Code"]

CODES: dict[str, Code] = {**DATA, **RECIPE, **MODELS, **RUNS, **TRAINING, **BUNDLES, **INSTALLATION, **KNOWLEDGE}
