"""A folder → a model that writes, ready to be tuned, and its tokenizer."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from tunesmith.errors import Fault, InputError, MissingExtra
from tunesmith.models.folder import check_folder
from tunesmith.models.languages import start_of
from tunesmith.models.load import faults_of, load_tokenizer, quiet, read_config, refuse_lost

WritingProblem = Literal["causal", "seq2seq"]
KINDS: dict[WritingProblem, Any] = {"causal": AutoModelForCausalLM, "seq2seq": AutoModelForSeq2SeqLM}


def load_writer(
    folder: Path, problem: WritingProblem, *, dtype: torch.dtype = torch.float32, attention: str | None = None
) -> tuple[Any, Any]:
    """Return the model in `folder` with the head it was trained with, in evaluation mode, and its tokenizer.

    What generation needs is settled: the padding token, also in `generation_config`. Training keeps no cache of keys
    and values (`use_cache` is off in the configuration); generation still does. No weight is added or changed, and
    weights that are tied stay tied.

    Args:
        folder: of the pretrained model.
        problem: `causal` for a decoder, `seq2seq` for an encoder with a decoder.
        dtype: of the weights; without one, a checkpoint in half precision would be computed in half, which a CPU does
            slowly and which loses small updates.
        attention: how attention is computed, as transformers names it (`sdpa`, `eager`); None takes its default.

    Raises:
        InputError: the folder holds no such model (K307), its weights are pickles (K312) or incomplete (K304), or its
            architecture is code (K306).
        MissingExtra: its tokenizer needs a library that is not installed.
    """
    check_folder(folder)
    refuse_other_kinds(folder, problem)
    tokenizer, _ = load_writer_tokenizer(folder)
    with quiet(), faults_of(folder):
        model, told = KINDS[problem].from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True, use_safetensors=True,
            trust_remote_code=False, **({"attn_implementation": attention} if attention else {}),
        )  # fmt: skip
    refuse_lost(folder, told["missing_keys"], "the model")
    prepare_to_write(model, tokenizer)
    return model.eval(), tokenizer


def load_writer_tokenizer(folder: Path) -> tuple[Any, int]:
    """Return the tokenizer of a model that writes, with a padding token, and the most tokens its model takes.

    It may be one without a fast version (Marian): who writes needs no offsets.

    Raises:
        InputError: it cannot be read, or no token can be used for padding (K309).
        MissingExtra: it needs the sentencepiece library, which is not installed.
    """
    pieces_only = any(folder.glob("*.spm")) and not (folder / "tokenizer.json").is_file()
    if pieces_only and importlib.util.find_spec("sentencepiece") is None:
        raise MissingExtra(f"the tokenizer of {folder}", "sentencepiece", "write")
    tokenizer, limit = load_tokenizer(folder, fast=False)
    config = read_config(folder)
    settle_padding(tokenizer, int(getattr(config, "vocab_size", 0) or config.decoder.vocab_size), str(folder))
    return tokenizer, limit


def settle_padding(tokenizer: Any, rows: int, where: str = "the tokenizer") -> None:
    """Give `tokenizer` a padding token that the embedding of `rows` rows has a row for, if it has none.

    A token that is named for padding or reserved is taken where there is one, else the token that ends a text: padding
    is told by the attention mask, so it need not have a token of its own. No token is added, since that would need a
    larger embedding.

    Raises:
        InputError: there is none of them (K309).
    """
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id < rows:
        return
    spare = [str(token) for at, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special and at < rows]
    named = [name for word in ("pad", "reserved") for name in spare if word in name.lower()]
    ends = [t for t in (tokenizer.eos_token, tokenizer.unk_token) if t and tokenizer.convert_tokens_to_ids(t) < rows]
    if not named and not ends:
        message = f"the tokenizer has no token for padding or for the end of a text among the model's {rows}."
        raise InputError(Fault("K309", where, message, "Choose another model."))
    tokenizer.pad_token = [*named, *ends][0]


def prepare_to_write(model: Any, tokenizer: Any) -> None:
    """Let training keep no cache, let generation keep one and know the padding token.

    `config.pad_token_id` stays as it is: where it is set, the embedding of that token gets no gradient once the model
    is loaded again, and the token that ends a text needs one.
    """
    for module in model.modules():
        if getattr(getattr(module, "config", None), "use_cache", None):
            module.config.use_cache = False
    model.generation_config.use_cache = True
    model.generation_config.pad_token_id = tokenizer.pad_token_id


def decoder_inputs(model: Any, targets: Tensor) -> Tensor:
    """Return what the decoder reads while it learns to write `targets`: moved by one, behind the token it starts from.

    Args:
        model: an encoder with a decoder.
        targets: [B, T] token ids; -100, which no loss is taken of, is read as padding.

    Example: with start 2, `[[5, 6, 3, -100]]` is written from `[[2, 5, 6, 3]]`.
    """
    settings = model.generation_config
    start = settings.decoder_start_token_id
    if start is None:
        start = model.config.decoder_start_token_id
    assert start is not None, "the decoder has no token to start from"
    found = targets.roll(1, dims=1)
    found[:, 0] = start
    return found.masked_fill(found == -100, settings.pad_token_id)


def decoder_start(folder: Path, tokenizer: Any) -> int:
    """Return the id of the token that the decoder of the model in `folder` starts from.

    Args:
        folder: of an encoder with a decoder.
        tokenizer: of the model, with its languages settled: some decoders start from that of the target.

    Raises:
        InputError: nothing says which token it is (K309).
    """
    language = start_of(tokenizer)
    if language is not None:
        return language
    config = read_config(folder)
    found = getattr(config, "decoder_start_token_id", None)
    if (folder / "generation_config.json").is_file():
        with faults_of(folder):
            settings = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))
        found = settings.get("decoder_start_token_id", found)
    if found is None:
        message = "nothing says which token the decoder starts from."
        cure = "Write decoder_start_token_id into its generation_config.json; mostly it is that of padding."
        raise InputError(Fault("K309", str(folder), message, cure))
    return int(found)


def reads_only(config: Any) -> bool:
    """Return whether a model of this configuration is an encoder alone."""
    masked = type(config) in AutoModelForMaskedLM._model_mapping
    return masked and not _has_two_sides(config) and not getattr(config, "is_decoder", False)


def _has_two_sides(config: Any) -> bool:
    return type(config) in AutoModelForSeq2SeqLM._model_mapping


def refuse_other_kinds(folder: Path, problem: WritingProblem) -> None:
    """Refuse a model that writes in another way, or not at all.

    transformers would load an encoder such as BERT as a causal model whose every token sees those behind it.

    Raises:
        InputError: it is no model for `problem` (K307).
    """
    config = read_config(folder)
    two_sides, reads = _has_two_sides(config), reads_only(config)
    decodes = type(config) in AutoModelForCausalLM._model_mapping and not two_sides and not reads
    if (problem == "causal" and decodes) or (problem == "seq2seq" and two_sides):
        return
    name = config.model_type
    wanted = {"causal": "a decoder", "seq2seq": "an encoder with a decoder"}[problem]
    if two_sides:
        what, cure = "an encoder with a decoder", "Train it with `--task seq2seq`, or take a decoder such as smollm2."
    elif decodes:
        what, cure = "a decoder", "Train it with `--task chat`, or take an encoder with a decoder such as T5 or BART."
    elif reads:
        what, cure = "an encoder, which reads and does not write", "`tunesmith models` says which models write."
    else:
        what, cure = "of a kind that writes no text", "`tunesmith models` says which models write."
    raise InputError(Fault("K307", str(folder), f"{wanted} is needed; the model ({name}) is {what}.", cure))
