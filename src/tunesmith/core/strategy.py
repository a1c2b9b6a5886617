"""How the weights move: six empty hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NotRequired, TypedDict, get_args

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from tunesmith.core.batch import Batch, Objective
    from tunesmith.core.task import Task


Stage = Literal["body", "anchor", "adapter", "rates", "start", "loss", "pass", "average"]
"""What a strategy does, in the order in which strategies of one recipe are applied: change the body, remember it as it
is, put adapters into it, freeze parts and set rates, start the head, take another loss of a row, go through the model
again, average weights."""
STAGES: tuple[Stage, ...] = get_args(Stage)


class Group(TypedDict):
    """One parameter group of the optimiser: named, with its own rate and decay.

    `factor`, where there is one, scales the rate as training goes on, beside the schedule.
    """

    name: str
    params: list[tuple[str, nn.Parameter]]
    lr: float
    weight_decay: float
    factor: NotRequired[Callable[[Progress], float]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Args:
        share: of the training that is done, 0 to 1.
        step: optimiser steps done.
        epoch: passes over the rows done, a number with a fraction.
        stalled: evaluations on dev since the best one; 0 where there is no dev.
    """

    share: float
    step: int
    epoch: float
    stalled: int = 0


@dataclass(frozen=True, slots=True)
class Setup:
    """What a strategy may look at before training starts.

    Args:
        task: fitted on the train split.
        targets: of the train units (rows, or the words of texts), [U] class indices or numbers, [U, C] for several
            labels.
        embed: model → the inputs of its last linear layer, float32 [U, H], one row per unit.
        seed: of the run; a strategy that draws numbers draws them from a generator seeded with it.
        folder: of the pretrained model.
        texts: of the train examples, each the first that it has.
        general: texts from outside the domain.
        encode: texts → a batch of a window each, on the device of the training, without targets.
        train: the train examples as batches of a step's size, in their order, with targets; a new pass with each call.
        score: model → the figure that dev is chosen by, more is better; None where there is no dev.
        pick: positions of train examples → these as one batch, with targets; behind the last example stand texts whose
            labels are known, `names` and then `terms`.
        rows: of a step.
        tokens: → those that the training can meet.
        names: class indices of the names of labels, one for each or none where they do not say which rows are theirs.
        terms: class indices of terms of rules, which stand for their labels; none likewise.
        embed_hints: model → the inputs of its last linear layer for names and terms, float32 [names + terms, H].
    """

    task: Task
    targets: np.ndarray[Any, Any]
    embed: Callable[[nn.Module], Tensor]
    seed: int
    folder: Path = field(default_factory=Path)
    texts: Sequence[str] = ()
    general: Sequence[str] = ()
    encode: Callable[[Sequence[str]], Batch] | None = None
    train: Callable[[], Iterator[Batch]] | None = None
    score: Callable[[nn.Module], float] | None = None
    pick: Callable[[Sequence[int]], Batch] | None = None
    rows: int = 1
    tokens: Callable[[], AbstractSet[int]] = frozenset
    names: Sequence[int] = ()
    terms: Sequence[int] = ()
    embed_hints: Callable[[nn.Module], Tensor] | None = None

    def hints(self, *, names: bool) -> tuple[list[int], list[int]]:
        """Return places among the texts behind the train examples, and their class indices.

        Args:
            names: whether those of the labels are asked for, beside terms of rules.
        """
        classes = [*self.names, *self.terms]
        first = 0 if names else len(self.names)
        return list(range(first, len(classes))), classes[first:]


class Strategy(BaseModel):
    """The base of every strategy: its fields are its options, their docstrings the only help text.

    Override the hooks you need; each default does nothing. Strategies compose in the order of their stages, and within
    one in that of the recipe: the first prepares first, wraps innermost and finishes last.

    What changes while a training runs stands in private attributes. `prepare` is called at the start of each training
    of a run (folds, refit) and sets them anew; `state` and `restore` carry them over a kill.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    stage: ClassVar[Stage] = "pass"
    """What the strategy does."""
    problems: ClassVar[tuple[str, ...]] = ()
    """Heads that it works with (`HeadSpec.problem`); empty where it works with all."""
    leads: ClassVar[bool] = False
    """Whether it puts something before the text, so that every text needs a row of its own."""

    reads_terms: ClassVar[bool] = False
    """Whether it takes terms of rules for rows, where they say which rows are theirs."""

    @property
    def reads_names(self) -> bool:
        """Whether it takes names of labels for rows, where they say which rows are theirs."""
        return False

    @property
    def whole_vocabulary(self) -> bool:
        """Whether it needs the embeddings of tokens that neither rows nor general texts have."""
        return False

    @property
    def whole_depth(self) -> bool:
        """Whether frozen blocks must run in every pass: it moves what they are given, word vectors or what is beside.

        Where no strategy does, blocks that are frozen from below run without dropout, and once for each row.
        """
        return False

    def prepare(self, model: nn.Module, setup: Setup) -> nn.Module:
        """Change the model before the optimiser is built: freeze, add adapters, start the head."""
        return model

    def groups(self, groups: list[Group], model: nn.Module) -> list[Group]:
        """Change rates and decays, or drop what shall not be trained."""
        return groups

    def wrap(self, objective: Objective, model: nn.Module) -> Objective:
        """Return an objective around `objective`: a second pass, a penalty, a mixed-in batch."""
        return objective

    def after_backward(self, backward: Callable[[Batch], None], model: nn.Module, batch: Batch) -> None:
        """Act when the gradients of `batch` are there; `backward(batch)` adds those of another pass."""

    def on_progress(self, progress: Progress, model: nn.Module) -> None:
        """Act before a step: unfreeze, average."""

    def finish(self, model: nn.Module) -> nn.Module:
        """Change the trained model before it is saved: merge, average. The last strategy finishes first."""
        return model

    def state(self) -> dict[str, Any]:
        """Return the tensors and numbers that a resumed run needs; empty for most."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` returned."""
