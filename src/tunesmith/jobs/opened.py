"""What a training begins with: data and model, found good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.core.task import Task
from tunesmith.data.general import General
from tunesmith.data.load import Loaded
from tunesmith.jobs.glossary import Glossed
from tunesmith.jobs.tokens import RowTokens
from tunesmith.knowledge.rules import Rules
from tunesmith.recipe.schema import Recipe

if TYPE_CHECKING:
    from tunesmith.text.windows import Encoder


@dataclass(frozen=True, slots=True)
class Opened:
    """Data and model, found good; nothing is trained yet."""

    recipe: Recipe
    loaded: Loaded
    task: Task
    encoder: Encoder
    folder: Path
    sources: Sequence[Path]
    """The folders of the models that were asked for; two where `folder` was made of them."""
    general: General
    tokens: RowTokens | None = None
    """The tokens of the train file, where they are in files."""
    rules: Rules | None = None
    """What the team knows, where the recipe names it."""
    glossed: Glossed | None = None
    """What was made of its glossary, where the recipe names one."""
