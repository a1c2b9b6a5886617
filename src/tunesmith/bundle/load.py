"""A bundle, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.bundle.save import FILE, FORMAT
from tunesmith.core.example import Example, PairExample, TextExample
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Task
from tunesmith.errors import Fault, InputError
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.schema import Text

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from tunesmith.text.windows import Encoder

MAX_WINDOWS = 64  # per batch where nothing is asked: what fits beside a model of base size in a few hundred MB


@dataclass(frozen=True, slots=True)
class Bundle:
    """A tuned model with everything that its predictions need.

    Load it with `tunesmith.load("RUN")`.
    """

    model: nn.Module
    encoder: Encoder
    task: Task
    contents: Mapping[str, Any]
    folder: Path

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities; empty for numbers."""
        return self.task.head().labels

    def examples(self, texts: Iterable[str | tuple[str, str]]) -> list[Example]:
        """Return unlabelled examples; a pair of texts where the task reads two.

        Raises:
            InputError: a text where the task wants two, or the reverse.
        """
        pairs = self.task.name == "pair"
        made: list[Example] = []
        for row, text in enumerate(texts, 1):
            if isinstance(text, str) == pairs:
                wanted = "two texts, as a tuple" if pairs else "one text"
                came = "one text" if pairs else "several texts"
                raise InputError(
                    Fault("K601", f"row {row}", f"the model reads {wanted}; {came} came.", "Mend the row.")
                )
            if isinstance(text, str):
                made.append(TextExample(id=str(row), source=f"row {row}", text=text))
            else:
                made.append(PairExample(id=str(row), source=f"row {row}", text_a=text[0], text_b=text[1]))
        return made

    def probabilities(self, examples: Sequence[Example], batch_size: int | None = None) -> np.ndarray[Any, Any]:
        """Return probabilities [N, C], float32, or numbers [N] for regression."""
        from tunesmith.engine.infer import outputs
        from tunesmith.text.batching import Collator, padding_id

        collate = Collator(padding_id(self.encoder.tokenizer), padding_side=self.encoder.tokenizer.padding_side)
        features = self.encoder.encode(examples)
        logits = outputs(self.model, features, collate, size=batch_size or MAX_WINDOWS)
        return self.task.probabilities(logits).numpy()

    def predict(self, texts: Iterable[str | tuple[str, str]], *, batch_size: int | None = None) -> Sequence[Prediction]:
        """Return one prediction per text, in order.

        Args:
            texts: texts, or pairs of texts for a model of the `pair` task.
            batch_size: windows per batch; 64 where not given.

        Example:
            >>> bundle.predict(["Where is my bike?"])[0].label  # doctest: +SKIP
            'lost_item'
        """
        examples = self.examples(texts)
        return self.task.decode(self.probabilities(examples, batch_size)) if examples else []


def load_bundle(path: Path | str) -> Bundle:
    """Return the bundle in `path`, a run folder or its `model` folder.

    Raises:
        InputError: there is no bundle, or it was made by a later format.
    """
    from tunesmith.models.load import load_finished
    from tunesmith.text.windows import Encoder

    folder = Path(path)
    folder = folder / "model" if (folder / "model" / FILE).is_file() else folder
    if not (folder / FILE).is_file():
        unfinished = (folder / "recipe.yaml").is_file()
        cure = "Finish the run with --resume." if unfinished else "`tunesmith runs` lists the runs there are."
        message = "holds a run that did not end, so it has no model yet." if unfinished else "holds no tuned model."
        raise InputError(Fault("K602", str(path), message, cure))
    contents = json.loads((folder / FILE).read_text(encoding="utf-8"))
    if contents["format"] > FORMAT:
        raise InputError(
            Fault("K603", str(path), f"was made with bundle format {contents['format']}; this version reads {FORMAT}.",
                  "pip install --upgrade tunesmith")
        )  # fmt: skip
    kind: Callable[..., Any] = load_entry("tasks", contents["task"])
    task: Task = kind.load(contents["state"])  # type: ignore[attr-defined]
    model, tokenizer = load_finished(folder)
    text = Text.model_validate(contents["text"])
    assert text.max_tokens is not None, "a bundle knows its window"
    return Bundle(model, Encoder(tokenizer, text.max_tokens, text.long, text.overlap), task, contents, folder)
