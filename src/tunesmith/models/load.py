"""A name or folder → a module with the head that a task needs, and its tokenizer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from transformers.utils import logging as transformers_logging

from tunesmith.core.task import HeadSpec, Problem
from tunesmith.errors import Fault, InputError
from tunesmith.models.embedder import Embedder, load_embedder
from tunesmith.models.heads import PooledForSequenceClassification, body_options
from tunesmith.models.patterned import PatternedConfig
from tunesmith.models.pooled import PooledConfig
from tunesmith.recipe.schema import Pattern

HeadKind = Literal["auto", "pooled", "own", "pattern"]
SHORT_WINDOW = 64
"""Up to so many tokens plain attention is as fast as the fused kernel on a CPU, or a little faster.

`python benchmarks/attention.py minilm --windows 16x12 16x32 16x64`, tokens a second with dropout: 930, 1,124 and 1,109
plain, 905, 1,109 and 1,087 fused. Beyond, and without the dropout of attention weights, the fused kernel is faster: 595
against 479 on 8 rows of 384 tokens of e5-small (docs/decisions.md).
"""
USUAL_LIMIT = 512
"""Tokens that a model of relative positions takes, where nothing says how many."""
OWN_HEADS: dict[str, Any] = {
    "token_classification": AutoModelForTokenClassification,
    "question_answering": AutoModelForQuestionAnswering,
}
"""Problem → the Auto class whose heads fit; the others are those of sequence classification."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to be tuned.

    Args:
        model: in evaluation mode, float32, on the CPU.
        tokenizer: its own.
        head: `pooled (mean)`, `pooled (cls)`, `pattern` or the class name of the architecture's head.
        limit: the most tokens it takes.
        has_new_head: whether a head that should have been in the folder starts from random weights.
    """

    model: nn.Module
    tokenizer: Any
    head: str
    limit: int
    has_new_head: bool = False


def read_config(folder: Path) -> Any:
    """Return the configuration of a model folder.

    Raises:
        InputError: there is none that can be read, or its architecture is code in the folder (K306), which is not run.
    """
    with quiet(), faults_of(folder):
        plain = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if plain.get("auto_map") and plain.get("model_type") not in CONFIG_MAPPING:
            message = "its architecture is Python code that lies in the folder, and such code is never run."
            raise InputError(Fault("K306", str(folder), message, "Choose an architecture that transformers has."))
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_tokenizer(folder: Path, *, fast: bool = True) -> tuple[Any, int]:
    """Return the tokenizer of a model folder, and the most tokens its model takes; one without padding gets some.

    Raises:
        InputError: it cannot be read, or has no fast version although `fast` asks for one.
    """
    config = read_config(folder)
    with quiet(), faults_of(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if fast:
        refuse_slow(tokenizer, folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # a decoder that was never given two texts at once
    return tokenizer, int(min(positions_of(config) or USUAL_LIMIT, tokenizer.model_max_length))


def refuse_slow(tokenizer: Any, folder: Path) -> None:
    """Refuse a tokenizer that gives no offsets.

    Raises:
        InputError: it has no fast version (K303).
    """
    if not tokenizer.is_fast:
        raise InputError(
            Fault("K303", str(folder), "its tokenizer has no fast version, which offsets and windows need.",
                  "Choose a model with a tokenizer.json, or convert it with `transformers`.")
        )  # fmt: skip


def positions_of(config: Any) -> int | None:
    """Return how many positions a model knows, on each side; None where it says nothing, as T5 does not."""
    if config.model_type == "encoder-decoder":
        sides = (positions_of(config.encoder), positions_of(config.decoder))
        return min((known for known in sides if known), default=None)
    positions = getattr(config, "max_position_embeddings", None)
    if not positions:
        return None
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        positions -= getattr(config, "pad_token_id", 1) + 1  # their positions start behind the padding id
    return int(positions)


def load_model(
    folder: Path, head: HeadSpec, *, kind: HeadKind = "auto", seed: int, window: int = 0,
    attention_dropout: float | None = None, languages: tuple[str, str] | None = None, pattern: Pattern | None = None,
) -> LoadedModel:  # fmt: skip
    """Return the model in `folder` with a new head for `head`.

    The new head's weights follow from `seed`. `kind="auto"` takes mean (or first-token) pooling where the folder says
    that the body was trained with it, as sentence-transformers folders do, else the head the architecture ships. With
    `kind="pattern"` the head is the pretrained one for the words of the labels.

    Args:
        folder: of the pretrained model.
        head: that the task needs.
        kind: of head.
        seed: of its weights.
        window: tokens that it will be trained on at once.
        attention_dropout: of attention weights; None leaves what the model has.
        languages: that are read and written, where the model is told them.
        pattern: complete, where `kind` asks for one.

    Raises:
        InputError: the folder holds no model that can carry such a head, or weights of the body are missing.
    """
    if head.problem in ("causal", "seq2seq"):
        return _writer(folder, head, languages)
    tokenizer, limit = load_tokenizer(folder)
    if head.problem == "masked":
        from tunesmith.models.fill import load_filler

        found = load_filler(folder, seed=seed, dropout=_dropout(folder, attention_dropout))
        return LoadedModel(found.model, tokenizer, type(found.model).__name__, limit, found.has_new_head)
    pooling = trained_pooling(folder)
    own = OWN_HEADS.get(head.problem, AutoModelForSequenceClassification)
    dropout = _dropout(folder, attention_dropout)
    torch.manual_seed(seed)
    if head.problem == "embedding":
        with quiet(), faults_of(folder):
            model, missing = load_embedder(folder, pooling or "mean", dropout)
    elif kind == "pattern":
        from tunesmith.models.cloze import load_patterned

        assert pattern is not None, "the recipe is complete"
        model, missing = load_patterned(folder, tokenizer, pattern, _names(head), dropout), ()
    elif _is_pooled(folder, head.problem, kind, own):
        with quiet(), faults_of(folder):
            model, missing = _pooled(folder, head, pooling or "mean", dropout)
    else:
        names = {} if head.problem == "question_answering" else _names(head)
        with quiet(), faults_of(folder):
            model, told = own.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
                ignore_mismatched_sizes=True, **names, **dropout,
            )  # fmt: skip
        missing = told["missing_keys"]
        decoder = model.config.get_text_config()
        if decoder.pad_token_id is None:  # the head of a decoder looks for the last token before the padding
            decoder.pad_token_id = tokenizer.pad_token_id
    _refuse_missing(folder, missing, model)
    if not torch.cuda.is_available() and window <= SHORT_WINDOW:
        model.set_attn_implementation("eager")
    return LoadedModel(model.eval(), tokenizer, title_of(model), limit)


def title_of(model: Any) -> str:
    """Return what a head is called: `pooled (mean)`, `pattern`, or the name of its class."""
    if isinstance(model.config, PatternedConfig):
        return "pattern"
    pooled = getattr(model, "pooling", None) or getattr(model.config, "pooling", None)
    return f"pooled ({pooled})" if pooled else type(model).__name__


def _writer(folder: Path, head: HeadSpec, languages: tuple[str, str] | None = None) -> LoadedModel:
    from tunesmith.models.languages import set_languages
    from tunesmith.models.write import load_writer, load_writer_tokenizer

    model, tokenizer = load_writer(folder, "causal" if head.problem == "causal" else "seq2seq")
    if languages:
        set_languages(model, tokenizer, *languages)
    return LoadedModel(model, tokenizer, type(model).__name__, load_writer_tokenizer(folder)[1])


def _dropout(folder: Path, share: float | None) -> dict[str, float]:
    """Return the settings that give attention weights a dropout of `share`, by the name the architecture has for it."""
    config = read_config(folder)
    names = ("attention_probs_dropout_prob", "attention_dropout")
    return {} if share is None else {name: share for name in names if hasattr(config, name)}


def _is_pooled(folder: Path, problem: Problem, kind: HeadKind, own: Any) -> bool:
    """Return whether our own head is taken.

    Raises:
        InputError: the architecture has no head that was asked for, or that the task can do with.
    """
    config = read_config(folder)
    ships = type(config) in own._model_mapping
    if problem in OWN_HEADS:
        if not ships:
            words = problem.replace("_", " ")
            raise InputError(
                Fault("K302", str(folder), f"the architecture ships no head for {words}.", "Choose another model.")
            )
        return False
    if kind == "own" and not ships:
        raise InputError(
            Fault("K302", str(folder), "the architecture ships no head for classification.", "Set `head: pooled`.")
        )
    return kind == "pooled" or (kind == "auto" and (trained_pooling(folder) is not None or not ships))


def _names(head: HeadSpec) -> dict[str, Any]:
    labels = dict(enumerate(head.labels)) if head.labels else {0: "LABEL_0"}
    names = {"num_labels": head.size, "id2label": labels, "label2id": {name: i for i, name in labels.items()}}
    return names if head.problem in OWN_HEADS else {**names, "problem_type": head.problem}


def _pooled(folder: Path, head: HeadSpec, pooling: str, changes: dict[str, float]) -> tuple[Any, Any]:
    """Return the body with our own head, and the names of weights that its files lack."""
    body_config = read_config(folder)
    body, told = AutoModel.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
        **body_options(body_config), **changes,
    )  # fmt: skip
    body.config._name_or_path = ""  # a bundle names no folder of the machine it was made on
    config = PooledConfig(body=body.config, pooling=pooling, **attention_of(body), **_names(head))
    return PooledForSequenceClassification(config, body), told["missing_keys"]


def attention_of(body: Any) -> dict[str, Any]:
    """Return how the attention of a body is computed, for the configuration around it.

    Left out, the body would forget it: MPNet then no longer masks padding.
    """
    return {"attn_implementation": body.config._attn_implementation}


def load_finished(folder: Path, problem: Problem) -> tuple[nn.Module, Any]:
    """Return a tuned model as it was saved, head included, and its tokenizer; float32, in evaluation mode."""
    from tunesmith.models.register import register

    register()
    if problem in ("causal", "seq2seq"):
        loaded = _writer(folder, HeadSpec(problem, ()))
        return loaded.model, loaded.tokenizer
    if problem == "masked":
        from tunesmith.models.fill import load_filler

        return load_filler(folder, seed=0).model, load_tokenizer(folder)[0]
    kind = OWN_HEADS.get(problem, AutoModelForSequenceClassification)
    with quiet(), faults_of(folder):
        if problem == "embedding":
            model, _ = load_embedder(folder, trained_pooling(folder) or "mean", {})
        else:
            model = kind.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model.eval(), tokenizer


def trained_pooling(folder: Path) -> Literal["mean", "cls"] | None:
    """Return how a sentence-transformers folder pools, None for every other folder."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        path = next(m["path"] for m in modules if m["type"].endswith("Pooling"))
        pooling = json.loads((folder / path / "config.json").read_text(encoding="utf-8"))
    except (OSError, StopIteration, KeyError, json.JSONDecodeError):
        return None
    by_name = pooling.get("pooling_mode")
    first = pooling.get("pooling_mode_cls_token") or by_name == "cls"
    return "cls" if first else "mean"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers while it loads: what matters of its report is checked and said by us."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


@contextlib.contextmanager
def faults_of(folder: Path) -> Iterator[None]:
    """Turn what transformers raises for a bad folder into a fault that names it."""
    try:
        yield
    except (OSError, ValueError, KeyError, json.JSONDecodeError) as error:
        first = str(error).strip().split("\n")[0][:300]
        raise InputError(
            Fault("K301", str(folder), f"no model can be loaded from it: {first}",
                  "Give a folder with config.json, tokenizer.json and *.safetensors, or a name of `tunesmith models`.")
        ) from error  # fmt: skip


def _refuse_missing(folder: Path, missing: Any, model: nn.Module) -> None:
    """A new head may be missing from the file; anything of the body may not."""
    base = getattr(model, "base_model_prefix", "")
    inside = isinstance(model, PooledForSequenceClassification | Embedder)
    refuse_lost(folder, [k for k in missing if (inside or k.startswith(base + ".")) and "pooler" not in k])


def refuse_lost(folder: Path, lost: Iterable[str], part: str = "the body") -> None:
    """Refuse a model whose files lack weights that would start from noise.

    Raises:
        InputError: `lost`, the names of the weights, is not empty.
    """
    names = sorted(lost)
    if names:
        raise InputError(
            Fault("K304", str(folder), f"{len(names)} weights of {part} are not in its files, such as {names[0]}.",
                  "The files do not belong to this config.json; fetch the model again.")
        )  # fmt: skip
