"""A bundle, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tunesmith.bundle.knowledge import load_fusions
from tunesmith.bundle.reading import load_reading
from tunesmith.bundle.save import FILE, FORMAT
from tunesmith.core.batch import Read
from tunesmith.core.example import (
    DialogueExample,
    Example,
    Message,
    PairExample,
    QuestionExample,
    TextExample,
    TokenExample,
    texts_of,
)
from tunesmith.core.fusion import Asked, Fusion
from tunesmith.core.prediction import Prediction
from tunesmith.core.task import Array, Task
from tunesmith.data.chatcolumns import to_ask
from tunesmith.data.joined import join_words
from tunesmith.engine.ranks import ALONE, Ranks
from tunesmith.errors import Fault, InputError, did_you_mean
from tunesmith.recipe.catalogue import load_entry
from tunesmith.recipe.schema import Generate, Pattern
from tunesmith.recipe.schema import Text as TextSettings

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.text.batching import Collator
    from tunesmith.text.windows import Encoder

Text: TypeAlias = str | tuple[str, str] | list[str] | Sequence[Mapping[str, str] | Message]
"""A text, two that are read together, (`tag`) the words of a text, or (`chat`) the turns of a dialogue."""
KINDS: Mapping[tuple[str, ...], Callable[..., Example]] = {
    ("text_a", "text_b"): PairExample, ("question", "context"): QuestionExample,
}  # fmt: skip
"""Roles of the two texts of a row → the example that holds them."""
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
    generate: Generate = field(default_factory=Generate)
    fusions: tuple[Fusion, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Other columns of a row at which its knowledge looks, beside the texts."""
        return tuple(dict.fromkeys(name for fusion in self.fusions for name in fusion.columns))

    @property
    def threshold(self) -> float | None:
        """The probability from which an answer is sure; None where none was asked for."""
        found: float | None = self.contents.get("threshold")
        return found

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of classes or of kinds of spans; empty where there are none."""
        return self.task.labels

    def examples(self, texts: Iterable[Text]) -> list[Example]:
        """Return unlabelled examples of the texts that the task reads, or (`tag`) of given words.

        Raises:
            InputError: a text where the task wants two, or the reverse; rows of one and of two together (K601).
        """
        found = [self._example(row, text) for row, text in enumerate(texts, 1)]
        for example in found if self.task.head().layout == "apart" else ():
            if len(texts_of(example)) != len(texts_of(found[0])):
                message = "rows of one text and rows of two came together."
                raise InputError(Fault("K601", example.source, message, "Ask for one kind at a time."))
        return found

    def _example(self, row: int, text: Text) -> Example:
        name, source = str(row), f"row {row}"
        if isinstance(text, list) and self.task.head().layout == "words":
            joined, places = join_words(text)
            return TokenExample(id=name, source=source, text=joined, words=tuple(place for place in places if place))
        if self.task.head().layout == "dialogue":
            return DialogueExample(id=name, source=source, messages=self._messages(source, text))
        if self.task.head().streams:
            message = (
                "the model was adapted to running text, as a start for other tasks; it has nothing to say of a row."
            )
            raise InputError(Fault("K609", str(self.folder), message, f"tunesmith train DATA --model {self.folder}"))
        texts = (text,) if isinstance(text, str) else tuple(text)
        for roles in self.task.reads:
            if len(roles) == len(texts) == 1:  # whatever its column is called
                return TextExample(id=name, source=source, text=str(texts[0]))
            if len(roles) == len(texts):
                return KINDS[roles](id=name, source=source, **dict(zip(roles, texts, strict=True)))
        wanted = " or ".join(
            "a tuple of " + " and ".join(roles) if roles[1:] else "one text" for roles in self.task.reads
        )
        came = "one text" if len(texts) == 1 else f"{len(texts)} texts"
        raise InputError(Fault("K601", source, f"the model reads {wanted}; {came} came.", "Mend the row."))

    def _messages(self, source: str, said: Any) -> tuple[Message, ...]:
        try:
            return to_ask(said, self.contents.get("instruction"))
        except ValueError as error:
            message = f"a text or a list of turns with role and content is expected, the last of the user: {error}."
            raise InputError(Fault("K601", source, message, "Mend the row.")) from error

    def answers(
        self, examples: Sequence[Example], batch_size: int | None = None, ranks: Ranks = ALONE
    ) -> Array:  # fmt: skip
        """Return the answers as the task's metrics take them: probabilities [N, C], numbers [N], vectors, or spans."""
        return self.fused(*self.said(examples, batch_size, ranks))

    def said(
        self, examples: Sequence[Example], batch_size: int | None = None, ranks: Ranks = ALONE
    ) -> tuple[Array, Asked]:  # fmt: skip
        """Return the answers of the model alone, and what its knowledge may look at."""
        if not any(fusion.needs_vectors for fusion in self.fusions):
            read = self.read(examples, batch_size, ranks)
            return self.task.answers(read, examples), Asked(examples, read=read)
        read, vectors = self.seen(examples, batch_size, ranks)
        return self.task.answers(read, examples), Asked(examples, vectors, read)

    def fused(self, answers: Array, asked: Asked) -> Array:
        """Return the answers of the model with what its knowledge says of the same rows."""
        for fusion in self.fusions:
            answers = fusion.adjust(answers, asked)
        return answers

    def seen(
        self, examples: Sequence[Example], batch_size: int | None = None, ranks: Ranks = ALONE
    ) -> tuple[Read, Array]:  # fmt: skip
        """Return what the model says of every unit, and what its last layer sees of it, float32 [U, H]."""
        from tunesmith.engine.infer import outputs_and_vectors

        size = self.encoder.at_once(batch_size or MAX_WINDOWS)
        features = self.encoder.encode(examples)
        read, vectors = outputs_and_vectors(self.model, self.task, features, self._collate(), size=size, ranks=ranks)
        return read, vectors.numpy()

    def _collate(self) -> Collator:
        from tunesmith.text.batching import Collator, padding_id

        tokenizer = self.encoder.tokenizer
        return Collator(padding_id(tokenizer), self.task.head().problem, tokenizer.padding_side)

    def read(
        self, examples: Sequence[Example], batch_size: int | None = None, ranks: Ranks = ALONE
    ) -> Read:  # fmt: skip
        """Return what the model says of every unit of `examples`; processes that ask together share the batches."""
        import torch

        from tunesmith.engine.infer import outputs
        from tunesmith.engine.write import written

        head, collate = self.task.head(), self._collate()
        size = batch_size or MAX_WINDOWS
        if not head.writes:
            features = self.encoder.encode(examples)
            return outputs(self.model, self.task, features, collate, size=self.encoder.at_once(size), ranks=ranks)
        texts = written(self.model, self.encoder, head, examples, self.generate, size=size, ranks=ranks)
        if any(example.target is None for example in examples):  # nothing says what should have been written
            return Read(torch.zeros(0, 1), [0] * len(examples), texts)
        found = outputs(self.model, self.task, self.encoder.encode(examples), collate, size=size, ranks=ranks)
        return replace(found, texts=texts)

    def predict(
        self, texts: Iterable[Text], *, batch_size: int | None = None,
        columns: Sequence[Mapping[str, str]] | None = None,
    ) -> Sequence[Prediction]:  # fmt: skip
        """Return one prediction per text, in order.

        Args:
            texts: texts, or pairs of texts for a model of `pair`, `answer` (question, context) or `embed`; a list of
                words for a model of `tag` is tagged word by word.
            batch_size: windows per batch, at most; 64 where not given, and on a CPU 1,024 tokens.
            columns: of each text the other columns of its row, at which its knowledge may look; see `columns`.

        Example:
            >>> bundle.predict(["Where is my bike?"])[0].label  # doctest: +SKIP
            'lost_item'
        """
        examples = self.examples(texts)
        if not examples:
            return []
        if columns is not None:
            examples = [replace(one, columns=row) for one, row in zip(examples, columns, strict=True)]
        answers, asked = self.said(examples, batch_size)
        evidence: list[tuple[str, ...]] = [()] * len(examples)
        for fusion in self.fusions:
            said = fusion.evidence(answers, asked)
            evidence = [(*before, *now) for before, now in zip(evidence, said, strict=True)]
            answers = fusion.adjust(answers, asked)
        found = self.task.decode(answers, examples)
        if self.fusions:
            found = [replace(one, evidence=lines) for one, lines in zip(found, evidence, strict=True)]
        if (least := self.threshold) is None:
            return found
        return [replace(one, sure=one.score >= least) for one in found]

    def embed(self, texts: Iterable[str], *, batch_size: int | None = None) -> Array:
        """Return a vector of length 1 per text, float32 [N, H], of a model of the `embed` task.

        Raises:
            InputError: the model is of another task (K604).
        """
        if self.task.head().problem != "embedding":
            message = f"the model is one of {self.task.name}, which gives no vectors."
            raise InputError(Fault("K604", str(self.folder), message, "Train with `--task embed`."))
        rows = [TextExample(id=str(n), source=f"row {n}", text=text) for n, text in enumerate(texts, 1)]
        found: Array = self.answers(rows, batch_size)[:, 0]
        return found


def load_bundle(path: Path | str, *, precision: Literal["fp32", "bf16"] = "fp32") -> Bundle:
    """Return the bundle in `path`, a run folder or its `model` folder.

    Args:
        path: a run folder, or its `model` folder.
        precision: of the products. fp32 gives what the report says and what transformers gives. bf16 takes about
            0.6 of the time of a batch on AMD's CPUs since Zen 4, is said to take less with AMX, and takes more on
            others; scores differ in the third digit, and a label where two are about as likely.

    Raises:
        InputError: there is no bundle, or it was made by a later format.
    """
    from tunesmith.engine.device import halve
    from tunesmith.engine.write import settle_generation
    from tunesmith.models.adapter import load_adapter
    from tunesmith.models.body import unwrapped
    from tunesmith.models.languages import set_languages
    from tunesmith.models.load import load_finished, load_tokenizer
    from tunesmith.models.register import register
    from tunesmith.models.sources import resolve_model
    from tunesmith.models.write import load_writer_tokenizer
    from tunesmith.text.windows import Encoder

    if precision not in ("fp32", "bf16"):
        message = f'"{precision}" is not a number format of predictions; there are fp32 and bf16.'
        raise InputError(Fault("K710", "precision", message, did_you_mean(precision, ("fp32", "bf16"))))
    folder, contents = _contents(path)
    task = _task(contents)
    layout = task.head().layout
    pattern = Pattern.model_validate(contents.get("pattern") or {})
    if contents.get("base"):
        kind_of_head = contents.get("head", "auto")
        model, _ = load_adapter(
            resolve_model(contents["base"]), folder, task.head(), kind=kind_of_head, pattern=pattern
        )  # fmt: skip
        register()
        tokenizer = (load_writer_tokenizer if task.head().writes else load_tokenizer)(folder)[0]
    else:
        model, tokenizer = load_finished(folder, task.head().problem)
    text = TextSettings.model_validate(contents["text"])
    assert text.max_tokens is not None, "a bundle knows its window"
    assert text.long is not None, "a bundle knows what it does with long texts"
    assert text.overlap is not None, "a bundle knows its overlap"
    encoder = Encoder(
        tokenizer, text.max_tokens, text.long, text.overlap, layout, pattern=pattern.text or "",
        reading=load_reading(folder),
    )  # fmt: skip
    generate = Generate.model_validate(contents.get("generate") or {})
    if layout == "source":
        if text.languages:
            set_languages(unwrapped(model), tokenizer, *text.languages)
        start = unwrapped(model).generation_config.decoder_start_token_id
        encoder = replace(encoder, prefix=contents.get("instruction") or "", start=start)
    if task.head().writes:
        settle_generation(model, encoder, task.head(), generate)
    if precision == "bf16":
        halve(model)
    return Bundle(model, encoder, task, contents, folder, generate, load_fusions(folder))


def load_task(path: Path | str) -> Task:
    """Return the fitted task of the bundle in `path`, without its model.

    Raises:
        InputError: there is no bundle, or it was made by a later format.
    """
    return _task(_contents(path)[1])


def _contents(path: Path | str) -> tuple[Path, dict[str, Any]]:
    """Return the model folder of a bundle, and what `tunesmith.json` says."""
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
    return folder, contents


def _task(contents: Mapping[str, Any]) -> Task:
    kind: Callable[..., Any] = load_entry("tasks", contents["task"])
    task: Task = kind.load(contents["state"])  # type: ignore[attr-defined]
    return task
