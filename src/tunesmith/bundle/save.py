"""The artefact that ships: an ordinary `from_pretrained` folder, plus what tunesmith needs to use it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from tunesmith.bundle.knowledge import save_fusions
from tunesmith.bundle.reading import save_reading
from tunesmith.core.fusion import Fusion
from tunesmith.core.task import Task
from tunesmith.models.adapter import save_adapter
from tunesmith.models.body import unwrapped
from tunesmith.models.fill import save_filler
from tunesmith.models.load import HeadKind, quiet
from tunesmith.recipe.schema import Generate, Pattern, Text
from tunesmith.runs.files import disk_faults, replace_file
from tunesmith.text.notes import Reading

FORMAT = 1
FILE = "tunesmith.json"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle holds beside weights and tokenizer.

    Args:
        task: fitted, with its thresholds.
        text: how text becomes tokens; `max_tokens` is set.
        temperature: already folded into the weights; kept for the record.
        digest: of the recipe that made it.
        parameters: of the whole model.
        generate: how texts are written, by a model that writes.
        instruction: put before what the user says first (`chat`), or before every text (`seq2seq`).
        base: name or folder of the model that an adapter belongs to; empty where the bundle holds all weights.
        head: the kind of head that the recipe asked for, which an adapter is put beside again.
        pattern: that texts are put into, with the words that said the labels at the start; empty for most heads.
        fusions: knowledge that adjusts what the model says, in the order in which it does.
        reading: how texts are read where terms in them are known; None as they are.
        threshold: the probability from which an answer is sure; None where none was asked for.
    """

    task: Task
    text: Text
    temperature: float
    digest: str
    parameters: int
    generate: Generate = field(default_factory=Generate)
    instruction: str | None = None
    base: str = ""
    head: HeadKind = "auto"
    pattern: Pattern = field(default_factory=Pattern)
    fusions: Sequence[Fusion] = ()
    reading: Reading | None = None
    threshold: float | None = None

    @classmethod
    def of(
        cls, plain: Mapping[str, Any], task: Task, fusions: Sequence[Fusion] = (), reading: Reading | None = None
    ) -> Contents:  # fmt: skip
        """Return the contents that `as_dict` gave, with what stands beside them."""
        return cls(
            task, Text.model_validate(plain["text"]), plain["temperature"], plain["recipe_digest"],
            plain["parameters"], Generate.model_validate(plain.get("generate") or {}), plain.get("instruction"),
            plain.get("base", ""), plain.get("head", "auto"), Pattern.model_validate(plain.get("pattern") or {}),
            fusions, reading, plain.get("threshold"),
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for `tunesmith.json`."""
        return {
            "format": FORMAT, "task": self.task.name, "state": self.task.state(),
            "text": self.text.model_dump(mode="json"), "temperature": self.temperature,
            "recipe_digest": self.digest, "parameters": self.parameters,
            "generate": self.generate.model_dump(mode="json"), "instruction": self.instruction, "base": self.base,
            "head": self.head, "pattern": self.pattern.model_dump(mode="json"),
            "threshold": self.threshold,
        }  # fmt: skip


def save_bundle(
    folder: Path, model: nn.Module, tokenizer: Any, contents: Contents, *, source: Path | None = None
) -> None:
    """Write the bundle to `folder`, whole or not at all; what was there is replaced.

    Args:
        folder: of the bundle.
        model: tuned.
        tokenizer: its own.
        contents: what else is in it.
        source: the folder of the model that it was made from; a masked language model keeps what is beside it.

    Raises:
        RunError: the disk is full or refuses.
    """
    half = folder.with_name(f".{folder.name}.half")
    with disk_faults(folder):
        shutil.rmtree(half, ignore_errors=True)
        with quiet():
            if contents.task.head().problem == "masked" and source is not None:
                save_filler(model, tokenizer, source, half)
            elif contents.base:
                save_adapter(model, half, contents.base)
                unwrapped(model).config.save_pretrained(half)  # says which tokenizer the folder holds
                if contents.task.head().writes:
                    unwrapped(model).generation_config.save_pretrained(half)
            else:
                model.save_pretrained(half, safe_serialization=True)  # type: ignore[operator]
            if not (contents.task.head().writes or contents.task.head().streams):
                # A longer text was cut in training; `pipeline(..., truncation=True)` cuts it at the same place.
                tokenizer.model_max_length = contents.text.max_tokens
            tokenizer.save_pretrained(half)
        (half / FILE).write_text(json.dumps(contents.as_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
        if contents.fusions:
            save_fusions(half, contents.fusions)
        if contents.reading is not None:
            save_reading(half, contents.reading)
        for path in sorted(path for path in half.rglob("*") if path.is_file()):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        half.rename(folder)


def set_threshold(folder: Path, threshold: float | None) -> None:
    """Give the bundle in a folder another threshold, in its `tunesmith.json`.

    Raises:
        RunError: the disk is full or refuses.
    """
    plain = json.loads((folder / FILE).read_text(encoding="utf-8"))
    text = json.dumps({**plain, "threshold": threshold}, indent=1, ensure_ascii=False)
    replace_file(folder / FILE, text.encode())
