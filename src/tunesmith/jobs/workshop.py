"""What every training of a run shares, and what is done with rows on the way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunesmith.core.batch import Batch, Features
from tunesmith.core.example import Example, Examples, Target, TextExample, targets_of, weights_of
from tunesmith.core.strategy import Strategy
from tunesmith.core.task import Task
from tunesmith.data.general import General
from tunesmith.engine.device import Device
from tunesmith.errors import Fault, Interrupted
from tunesmith.jobs.glossary import Glossed
from tunesmith.jobs.interrupt import Wish
from tunesmith.jobs.reporter import Reporter
from tunesmith.jobs.tokens import RowTokens
from tunesmith.knowledge.rules import Rules
from tunesmith.recipe.schema import Recipe
from tunesmith.text.batching import Collator, padding_id
from tunesmith.text.masking import Masker
from tunesmith.text.thin import thin
from tunesmith.text.windows import Encoder

OTHER_WINDOWS = 1
"""Windows without an answer that a question is trained on beside the one that has it."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every training of a run shares."""

    recipe: Recipe
    folder: Path
    task: Task
    strategies: Sequence[Strategy]
    encoder: Encoder
    device: Device
    reporter: Reporter
    wish: Wish
    trainings: int = 1
    """How many trainings share the time budget."""
    general: General = field(default_factory=General)
    """Texts from outside the domain: to keep the model near to what it was, and to measure what was forgotten."""
    packs: bool = True
    """Whether dialogues may share a row; not where the model would let them see each other."""
    new_head: bool = False
    """Whether the folder holds a head that was trained in this run, since the model came without one."""
    tokens: RowTokens | None = None
    """The tokens of the train file, where they are in files."""
    rules: Rules | None = None
    """That vote beside the model."""
    weak: Sequence[Example] = ()
    """Rows whose labels nobody has checked; every training learns from them, none is chosen or measured by them."""
    glossed: Glossed | None = None
    """What was made of a glossary."""

    @property
    def collate(self) -> Collator:
        """Features → batch, for this tokenizer and task."""
        tokenizer = self.encoder.tokenizer
        shared = self.packs and self.recipe.batching.packed and self.encoder.layout == "dialogue"
        room = self.encoder.max_tokens if shared else 0
        problem = self.task.head().problem
        masker = Masker.of(tokenizer, self.recipe.masking) if problem == "masked" else None
        return Collator(padding_id(tokenizer), problem, tokenizer.padding_side, room, masker)

    def plain(self, texts: Sequence[str]) -> Batch:
        """Return a batch of a window for each text as it is, on the device of the training, without targets."""
        tokenizer = self.encoder.tokenizer
        collate = Collator(padding_id(tokenizer), "single_label_classification", tokenizer.padding_side)
        return collate(self.plain_features(texts)).to(self.device.target)

    def plain_features(self, texts: Sequence[str]) -> list[Features]:
        """Return the windows of that batch."""
        rows = [TextExample(id=str(at), source="general text", text=text) for at, text in enumerate(texts)]
        return replace(self.encoder, layout="row", long="truncate", pattern="", reading=None).encode(rows)

    def encode(self, examples: Sequence[Example]) -> list[Features]:
        """Return the features of `examples`, with targets."""
        return self.encoder.encode(examples, self.task.target)

    def encode_to_train(self, examples: Sequence[Example]) -> Sequence[Features]:
        """Return the features that are trained on: of a long context not every window without an answer.

        Those of running text, and those whose tokens are in files, are made when they are asked for.
        """
        if self.encoder.layout == "stream":
            return self.encoder.stream(examples)
        stored = self.tokens.features(examples, self.task.target) if self.tokens else None
        if stored is not None:
            return stored
        features = self.encode(examples)
        return thin(features, OTHER_WINDOWS, self.recipe.seed) if self.encoder.layout == "question" else features


def rows_to_learn(shop: Workshop, train: Sequence[Example]) -> Sequence[Example]:
    """Return train rows, behind them the weak ones, with class weights where the recipe has them on."""
    rows = [*train, *shop.weak] if shop.weak else train
    return weigh(rows) if shop.recipe.class_weights else rows


def weigh(examples: Sequence[Example], power: float = 0.5) -> Sequence[Example]:
    """Return the examples with weights that make rare classes count more: w_c ∝ (n / n_c)^power, of mean 1.

    The square root (power 0.5) lifts a class without letting its few rows dominate the gradient. A row of weight w is
    w of the n rows.
    """
    sizes: defaultdict[Target, float] = defaultdict(float)
    for target, weight in zip(targets_of(examples), weights_of(examples), strict=True):
        sizes[target] += weight
    whole = sum(sizes.values())
    raw = {name: (whole / max(size, 1.0)) ** power for name, size in sizes.items()}
    mean = sum(raw[name] * size for name, size in sizes.items()) / whole if whole else 1.0
    if isinstance(examples, Examples):
        return examples.weighted({target: weight / mean for target, weight in raw.items()})
    return [replace(e, weight=e.weight * raw[e.target] / mean) for e in examples]


def is_wished(shop: Workshop) -> bool:
    """Return whether somebody asked one of the processes to stop; all of them get the same answer."""
    return shop.device.ranks.any(shop.wish.stop)


def interrupted(shop: Workshop, where: str) -> Interrupted:
    """Return what stops the work here, with the command that goes on; the caller has saved what is worth saving."""
    folder = shop.reporter.run.folder
    again = f"`tunesmith train {folder / 'recipe.yaml'} --out {folder} --resume` goes on."
    return Interrupted(Fault("K503", str(folder), f"stopped at {where}; nothing is lost.", again))
