"""tunesmith: a pretrained language model and your own data, turned into a model you can trust.

Example:
    >>> import tunesmith
    >>> run = tunesmith.train("reviews.csv")  # doctest: +SKIP
    >>> next(tunesmith.predict(run.folder, ["Never again."]))["label"]  # doctest: +SKIP
    'negative'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunesmith.models import register

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "Recipe",
    "Run",
    "add_memory",
    "check",
    "clear_memory",
    "compare",
    "converse",
    "evaluate",
    "fuse",
    "label_rows",
    "load",
    "merge",
    "predict",
    "train",
    "try_rules",
]

if TYPE_CHECKING:
    from tunesmith.bundle.load import Bundle
    from tunesmith.bundle.load import load_bundle as load
    from tunesmith.jobs.check import check
    from tunesmith.jobs.compare import compare
    from tunesmith.jobs.converse import converse
    from tunesmith.jobs.evaluate import evaluate
    from tunesmith.jobs.fuse import fuse
    from tunesmith.jobs.label import label_rows
    from tunesmith.jobs.memory import add_memory, clear_memory
    from tunesmith.jobs.merge import merge
    from tunesmith.jobs.predict import predict
    from tunesmith.jobs.rules import try_rules
    from tunesmith.jobs.train import train
    from tunesmith.recipe.schema import Recipe
    from tunesmith.runs.store import Run

_HOMES = {
    "Bundle": "tunesmith.bundle.load:Bundle",
    "Recipe": "tunesmith.recipe.schema:Recipe",
    "Run": "tunesmith.runs.store:Run",
    "add_memory": "tunesmith.jobs.memory:add_memory",
    "check": "tunesmith.jobs.check:check",
    "clear_memory": "tunesmith.jobs.memory:clear_memory",
    "compare": "tunesmith.jobs.compare:compare",
    "evaluate": "tunesmith.jobs.evaluate:evaluate",
    "fuse": "tunesmith.jobs.fuse:fuse",
    "label_rows": "tunesmith.jobs.label:label_rows",
    "merge": "tunesmith.jobs.merge:merge",
    "converse": "tunesmith.jobs.converse:converse",
    "load": "tunesmith.bundle.load:load_bundle",
    "predict": "tunesmith.jobs.predict:predict",
    "train": "tunesmith.jobs.train:train",
    "try_rules": "tunesmith.jobs.rules:try_rules",
}


# So that AutoModel and pipeline know our head after `import tunesmith`; torch is not loaded for it.
register.hook()


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562): `import tunesmith` alone loads no torch."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tunesmith' has no attribute {name!r}")
    module, _, attribute = home.partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
