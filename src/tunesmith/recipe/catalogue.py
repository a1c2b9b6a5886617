"""The literal tables of the families that grow: name → `module:Class`, imported when used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal

from tunesmith.errors import Fault, InputError, did_you_mean

Family = Literal["tasks", "strategies", "fusions", "readings"]

TASKS: dict[str, str] = {
    "classify": "tunesmith.tasks.classify:Classify",
    "multilabel": "tunesmith.tasks.multilabel:Multilabel",
    "regress": "tunesmith.tasks.regress:Regress",
    "pair": "tunesmith.tasks.pair:Pair",
    "tag": "tunesmith.tasks.tag:Tag",
    "answer": "tunesmith.tasks.answer:Answer",
    "embed": "tunesmith.tasks.embed:Embed",
    "chat": "tunesmith.tasks.chat:Chat",
    "seq2seq": "tunesmith.tasks.seq2seq:Seq2Seq",
    "masked": "tunesmith.tasks.masked:Masked",
}

STRATEGIES: dict[str, str] = {
    "layerwise_lr": "tunesmith.strategies.layerwise_lr:LayerwiseLR",
    "freeze": "tunesmith.strategies.freeze:Freeze",
    "unfreeze": "tunesmith.strategies.unfreeze:Unfreeze",
    "bitfit": "tunesmith.strategies.bitfit:BitFit",
    "reinit": "tunesmith.strategies.reinit:Reinit",
    "dropout": "tunesmith.strategies.dropout:Dropout",
    "decay": "tunesmith.strategies.decay:Decay",
    "average": "tunesmith.strategies.average:Average",
    "lora": "tunesmith.strategies.lora:LoRA",
    "ia3": "tunesmith.strategies.ia3:IA3",
    "adapters": "tunesmith.strategies.adapters:Adapters",
    "prompt": "tunesmith.strategies.prompt:Prompt",
    "ptuning": "tunesmith.strategies.ptuning:PTuning",
    "prefix": "tunesmith.strategies.prefix:Prefix",
    "probe_start": "tunesmith.strategies.probe_start:ProbeStart",
    "smoothing": "tunesmith.strategies.smoothing:Smoothing",
    "focal": "tunesmith.strategies.focal:Focal",
    "class_balanced": "tunesmith.strategies.class_balanced:ClassBalanced",
    "logit_adjusted": "tunesmith.strategies.logit_adjusted:LogitAdjusted",
    "noisy_labels": "tunesmith.strategies.noisy_labels:NoisyLabels",
    "rdrop": "tunesmith.strategies.rdrop:RDrop",
    "fgm": "tunesmith.strategies.fgm:FGM",
    "pgd": "tunesmith.strategies.pgd:PGD",
    "mixup": "tunesmith.strategies.mixup:Mixup",
    "multi_sample_dropout": "tunesmith.strategies.multi_sample_dropout:MultiSampleDropout",
    "prototype": "tunesmith.strategies.prototype:Prototype",
    "contrastive": "tunesmith.strategies.contrastive:Contrastive",
    "l2sp": "tunesmith.strategies.l2sp:L2SP",
    "ewc": "tunesmith.strategies.ewc:EWC",
    "mixout": "tunesmith.strategies.mixout:Mixout",
    "trust_region": "tunesmith.strategies.trust_region:TrustRegion",
    "distil_from_base": "tunesmith.strategies.distil_from_base:DistilFromBase",
    "replay": "tunesmith.strategies.replay:Replay",
}

FUSIONS: dict[str, str] = {
    "rules": "tunesmith.knowledge.vote:Votes",
    "marks": "tunesmith.knowledge.marks:Marks",
    "memory": "tunesmith.knowledge.memory:Memory",
    "priors": "tunesmith.knowledge.priors:Priors",
}

READINGS: dict[str, str] = {"glossary": "tunesmith.knowledge.glossary:Glossary"}

TABLES: dict[Family, dict[str, str]] = {
    "tasks": TASKS, "strategies": STRATEGIES, "fusions": FUSIONS, "readings": READINGS,
}  # fmt: skip
WORDS: dict[Family, str] = {
    "tasks": "task", "strategies": "strategy", "fusions": "kind of knowledge", "readings": "way of reading",
}  # fmt: skip


def entries(family: Family) -> dict[str, str]:
    """Return name → `module:Class` of our own and of installed packages; our own names win."""
    foreign = {point.name: point.value for point in entry_points(group=f"tunesmith.{family}")}
    return {**foreign, **TABLES[family]}


def unknown_entry(family: Family, name: str, where: str) -> Fault:
    """Return the fault that says `name` is in no table, with the near name and the whole choice."""
    names = sorted(entries(family))
    remedy = f"{did_you_mean(name, names)} Known: {', '.join(names)}.".strip()
    return Fault("K207", where, f'there is no {WORDS[family]} "{name}".', remedy)


def load_entry(family: Family, name: str, where: str = "") -> type[Any]:
    """Import and return the class called `name`.

    Args:
        family: `tasks`, `strategies`, `fusions` or `readings`.
        name: as a recipe writes it.
        where: the place that an error names.

    Raises:
        InputError: there is no such name (K207), or the package that offers it cannot be imported (K209).
    """
    # Reading the entry points of an environment takes some 20 ms, so they are asked only for names we do not have.
    target = TABLES[family].get(name) or entries(family).get(name)
    if target is None:
        raise InputError(unknown_entry(family, name, where))
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise InputError(
            Fault(
                "K209", where, f'the {WORDS[family]} "{name}" ({target}) cannot be loaded: {error}.',
                "Reinstall or update the package that offers it, or leave it out.",
            )
        ) from error  # fmt: skip
