"""What was asked: a recipe is plain, typed, complete data. Attribute docstrings are the only help text."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class Part(BaseModel):
    """The base of every part of a recipe: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)


class Data(Part):
    """Where the rows are and what their columns mean."""

    train: str
    """File (csv, tsv, json, jsonl, parquet, xlsx, conll, each also .gz), `-` for stdin, or `hub:NAME` on the hub."""
    dev: str | None = None
    """Rows for early stopping and choices; taken from train where not given."""
    test: str | None = None
    """Rows that are read once, at the end; taken from train where not given."""
    weak: str | None = None
    """Rows whose labels nobody has checked, such as rules gave: learnt from, never chosen or measured by."""
    general: str | None = None
    """Text from outside the domain: half may be learnt from, half shows what is forgotten; there is some by default."""
    text: str | None = None
    """Column of the text; inferred where that is safe."""
    text_a: str | None = None
    """Column of the first text of a pair."""
    text_b: str | None = None
    """Column of the second text of a pair."""
    negative: str | None = None
    """Column of a text that does not belong to text_a (embed)."""
    question: str | None = None
    """Column of the question (answer)."""
    context: str | None = None
    """Column of the text that the answer stands in (answer)."""
    answers: str | None = None
    """Column of the answers: texts, or texts with their places (answer)."""
    tokens: str | None = None
    """Column of the words of a text, one tag each (tag)."""
    tags: str | None = None
    """Column of the tags: BIO, IOB1, IOBES or BILOU (tag)."""
    spans: str | None = None
    """Column of the marked spans: start, end and label each (tag)."""
    messages: str | None = None
    """Column of a dialogue: a list of turns with a role and a text each (chat)."""
    prompt: str | None = None
    """Column of what the user says, in data without a column of dialogues (chat)."""
    response: str | None = None
    """Column of what the assistant answers, in data without a column of dialogues (chat)."""
    system: str | None = None
    """Column of the system prompt, in data without a column of dialogues (chat)."""
    instruction: str | None = None
    """Text put before every prompt or source, such as "Translate into French:" (chat, seq2seq)."""
    source: str | None = None
    """Column of the text that is read (seq2seq)."""
    target: str | None = None
    """Column of the text that is to be written (seq2seq)."""
    label: str | None = None
    """Column of the label or number; inferred where that is safe."""
    id: str | None = None
    """Column that names a row; the row number where not given."""
    group: str | None = None
    """Rows with the same value of this column never stand on both sides of a split."""
    time: str | None = None
    """Column of dates or numbers; the latest rows become dev and test."""
    weight: str | None = None
    """Column of numbers from 0 that say how much a train row counts; `weight` in weak rows where not given."""
    header: bool | None = None
    """Whether the first row of a delimited file names the columns; found out where not given."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels to rename while reading: `{"postive": "positive"}`."""
    separator: str = "|"
    """What separates several labels in one cell (multilabel)."""
    on_bad_row: Literal["error", "skip", "keep"] = "skip"
    """A row without text or label, or torn: stop, leave it out and say so, or keep it where that is possible."""
    dev_share: Share = 0.15
    """Share of the train rows that becomes dev where none is given."""
    test_share: Share = 0.2
    """Share of the rows that becomes test where none is given."""
    redact: tuple[Literal["email", "phone", "card", "iban", "key", "all"], ...] = ()
    """What is masked in all texts, by placeholders such as [EMAIL], before anything is learnt from them."""
    near_duplicates: Literal["keep_together", "ignore"] = "keep_together"
    """Whether near-duplicates are kept on one side of a split."""
    limit: PositiveInt | None = None
    """Use at most this many train rows, drawn with the seed."""


class Text(Part):
    """How text becomes tokens."""

    max_tokens: PositiveInt | None = None
    """Tokens per window, and per target; by default what rows need, at most 256 (masked 128, answer 192, chat 512)."""
    long: Literal["truncate", "window"] | None = None
    """What happens to longer texts: cut off, or read in overlapping windows; tag and answer always read windows."""
    overlap: NonNegativeInt | None = None
    """Tokens that neighbouring windows share; by default 32 (answer: 64)."""
    source_language: str | None = None
    """Language of the sources, as a model is told it that knows several: `eng_Latn` (NLLB), `en_XX` (mBART)."""
    target_language: str | None = None
    """Language to be written, as a model is told it that knows several: `fra_Latn` (NLLB), `fr_XX` (mBART)."""

    @property
    def languages(self) -> tuple[str, str] | None:
        """Both languages; None where the model is told none."""
        return (self.source_language, self.target_language) if self.source_language and self.target_language else None


class Batching(Part):
    """How rows become steps."""

    size: PositiveInt | None = None
    """Examples per optimiser step; by default 16 (answer: 8)."""
    accumulate: PositiveInt = 1
    """Micro-batches per step; the gradient equals that of the whole batch (embed, which compares rows, refuses it)."""
    tokens: PositiveInt | None = None
    """Tokens of a micro-batch, at most, to bound memory; the gradient stays that of the step (chat, seq2seq: 2,048)."""
    packed: bool = True
    """Whether short dialogues share a row, none of which sees another (chat)."""
    save_memory: bool = False
    """Whether to compute the inside of each block twice instead of keeping it (gradient checkpointing)."""
    divide: bool = False
    """Whether several processes hold a part of the weights each while they train (FSDP), for a large model."""
    cache_frozen: bool = True
    """Whether what frozen blocks give of a row is kept for later passes, where that pays; results do not change."""
    predict_size: PositiveInt = 64
    """Windows per batch, at most, when nothing is trained; on a CPU also 1,024 tokens, which its caches hold."""


class Masking(Part):
    """Which tokens are hidden while a model learns to foresee them (masked, encoders)."""

    share: Share = 0.15
    """Share of the tokens of a block; special tokens are never among them."""
    unit: Literal["token", "word", "span"] = "token"
    """What is hidden as a whole: single tokens, words, or spans of up to ten words."""


class Pattern(Part):
    """How a text is put to a masked language model (`head: pattern`)."""

    text: str | None = None
    """Where text and hidden word stand; by default `{text} It was {mask}.`, of a pair `{text_a} ? {mask}, {text_b}`."""
    words: dict[str, str] = Field(default_factory=dict)
    """Label → the word that says it, `{positive: great, negative: bad}`; by default the names of the labels."""


class Optimizer(Part):
    """AdamW and its schedule."""

    learning_rate: PositiveFloat | None = None
    """Peak rate of the body; by default chosen from the number of rows."""
    head_learning_rate: PositiveFloat | None = None
    """Peak rate of the head; by default chosen from the number of rows."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.01
    """Decoupled decay; none on biases and norms."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay rates of the two moments."""
    epsilon: PositiveFloat = 1e-8
    """Added to the denominator."""
    schedule: Literal["linear", "cosine", "constant", "slanted", "one_cycle"] = "linear"
    """How the rate falls after the warm-up; slanted begins and ends at 1/32 of the peak, one_cycle begins at 1/25."""
    warmup: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the steps during which the rate rises, for most schedules from zero."""
    clip_norm: PositiveFloat | None = 1.0
    """Largest gradient norm; None for no clipping."""


class Stop(Part):
    """When training ends; the first that is reached."""

    epochs: PositiveFloat | None = None
    """Passes over the train rows; by default chosen from the number of rows."""
    steps: PositiveInt | None = None
    """Optimiser steps."""
    seconds: PositiveFloat | None = None
    """Seconds of training, evaluations counted in; the schedule is fitted to it."""
    patience: PositiveInt | None = 4
    """Evaluations with neither a better dev score nor a lower dev loss before training stops; None never stops."""
    metric: str | None = None
    """Dev figure that weights are chosen by; by default the task's own."""
    balance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """How far forgetting counts: weights are chosen by the dev figure − balance × (1 − general agreement)."""
    evaluations_per_epoch: PositiveFloat | None = None
    """How often dev is evaluated and a checkpoint written; by default chosen from the number of rows."""
    refit: bool | None = None
    """Train once more on train and dev together, over the whole schedule; by default on few rows without a dev file."""


class Knowledge(Part):
    """What a team knows beside its rows."""

    rules: str | None = None
    """A YAML file of rules (classify, pair, tag)."""
    terms: bool = True
    """Whether terms of the rules are learnt from, too; they are where they say which rows are theirs, with few rows."""
    vote: bool = True
    """Whether the rules vote beside the model, or mark spans (tag), with weights that labelled rows leave them."""
    glossary: str | None = None
    """A file of terms (csv, tsv, YAML) with definitions, aliases, classes (classify, multilabel, pair, regress)."""
    aliases: bool = False
    """Whether an alias of the glossary is read as its term."""
    definitions: bool | PositiveInt = False
    """Whether definitions of terms in a text stand behind it, and in how many tokens at most; true is 32."""
    tokens: bool | PositiveInt = False
    """Whether terms that the tokenizer splits become tokens, where so many train rows have them; true is 5."""
    ablation: bool = False
    """Whether to train once more without each source of knowledge, and without all, to see what each gave."""
    error: Share | None = None
    """At most so many of the answers that are given may be wrong; the others are marked as unsure (classify, pair)."""
    priors: dict[str, Share] = Field(default_factory=dict)
    """Label → its share where the model is used, where that is another than in the data (classify, pair)."""


class Generate(Part):
    """How texts are written (chat, seq2seq)."""

    max_tokens: PositiveInt | None = None
    """Tokens that a text may have; by default what 99 of 100 train texts need, with a quarter more."""
    beams: PositiveInt = 1
    """Beginnings that are followed at once; 1 takes the likeliest token each time."""
    temperature: Annotated[float, Field(ge=0.0)] = 0.0
    """How evenly tokens are drawn; 0 draws nothing and takes the likeliest."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Only the likeliest tokens are drawn whose probabilities sum up to this."""
    seconds: PositiveFloat | None = None
    """Time after which a batch of texts ends as it is; None for no limit, which alone is repeatable."""


class Evaluate(Part):
    """How the result is measured."""

    baselines: (
        tuple[Literal["majority", "tfidf", "frozen", "untrained", "dictionary", "first", "overlap", "untuned",
                      "copy", "lead", "nearest"], ...]
        | None
    ) = None  # fmt: skip
    """What the tuned model is compared with, on the same rows; by default all that the task has."""
    folds: NonNegativeInt | None = None
    """Cross-validation in place of a test split: 0 never, else k folds; by default 5 on few rows."""
    repeats: PositiveInt = 1
    """How often the folds are drawn anew."""
    resamples: PositiveInt = 1000
    """Bootstrap resamples of every interval."""
    dev_rows: PositiveInt | None = None
    """Look at this many dev rows at most, drawn; by default all (many rows: 5,000, chat, seq2seq: 200, masked: 500)."""
    test_rows: PositiveInt | None = None
    """Test on this many rows at most, drawn; by default all (many rows: 10,000, chat, seq2seq, masked: 1,000)."""
    baseline_rows: PositiveInt | None = None
    """Fit baselines on this many train rows at most, drawn with the seed; by default all (many rows: 20,000)."""
    forgetting: Literal["auto", "off"] = "auto"
    """Whether general skill is measured before and after, on `data.general`."""
    curve: bool = False
    """Whether to measure a learning curve: how much more rows would help."""


class Recipe(Part):
    """Everything that was asked of one run."""

    task: Literal[
        "auto", "classify", "multilabel", "regress", "pair", "tag", "answer", "embed", "chat", "seq2seq", "masked"
    ] = "auto"
    """What the numbers mean; `auto` reads it off the columns."""
    model: str = "minilm"
    """A known name (`tunesmith models`), a folder, or a hub id; `ENCODER+DECODER` for one made of two (seq2seq)."""
    data: Data
    """Where the rows are."""
    text: Text = Text()
    """How text becomes tokens."""
    head: Literal["auto", "pooled", "own", "pattern"] = "auto"
    """Mean pooling and one linear layer, the head of the architecture (`auto` takes what suits the body), or words."""
    pattern: Pattern = Pattern()
    """How a text is put to a masked language model."""
    attention_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Dropout of attention weights in training; by default that of the model, and none in windows over 128 tokens."""
    class_weights: bool | None = None
    """Whether rare classes weigh more in the loss; by default on where the imbalance rule says so."""
    strategies: tuple[dict[str, dict[str, Any]], ...] | None = None
    """How the weights move: names, `name: {option: value}`, a policy; by default (`auto`) chosen by the rows."""
    knowledge: Knowledge = Knowledge()
    """What a team knows beside its rows."""
    batching: Batching = Batching()
    """How rows become steps."""
    masking: Masking = Masking()
    """Which tokens are hidden."""
    optimizer: Optimizer = Optimizer()
    """AdamW and its schedule."""
    stop: Stop = Stop()
    """When training ends."""
    generate: Generate = Generate()
    """How texts are written."""
    evaluate: Evaluate = Evaluate()
    """How the result is measured."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """Number format of the forward and backward pass; `auto` takes what the hardware does well."""
    checkpoint_seconds: NonNegativeFloat = 30.0
    """Least time between two checkpoints; what a kill can cost."""
    seed: NonNegativeInt = 13
    """Of everything random."""

    def digest(self) -> str:
        """Return 16 hex digits that are the same for the same recipe, on every machine."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
