"""A folder with a model → one with more tokens, each of which starts as the mean of others."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import AddedToken
from torch import Tensor
from transformers import AutoModel

from tunesmith.errors import InputError
from tunesmith.models.fill import complete_folder, kind_of, load_filler, save_filler
from tunesmith.models.load import faults_of, quiet
from tunesmith.runs.files import disk_faults


def add_words(tokenizer: Any, words: Sequence[str]) -> list[str]:
    """Give a tokenizer a token for each of some words or phrases; return those that it had not.

    A token is found where the word stands alone, as the tokenizer reads it: one that makes letters small finds it in
    any case, others as it is written. The space before it belongs to it.
    """
    known = tokenizer.get_vocab()
    new = [word for word in words if word not in known]
    tokenizer.add_tokens([AddedToken(word, single_word=True, lstrip=True, normalized=True) for word in new])
    return new


def pieces_of(tokenizer: Any, word: str) -> list[int]:
    """Return the tokens of a word or a phrase where it stands inside a text."""
    return list(tokenizer(f" {word}", add_special_tokens=False, verbose=False)["input_ids"])


def grow(source: Path, folder: Path, tokenizer: Any, starts: Mapping[int, Sequence[int]]) -> None:
    """Write the model in `source` with more tokens to `folder`, whole or not at all.

        e_new = mean of e_piece over its pieces

    in the embeddings of tokens that are read; where the folder has a head that foresees tokens, in its matrix and bias
    as well, shared or not. Everything else is as it was, so that each task can start from the folder.

    Args:
        source: the folder of a model: an encoder with or without a masked-LM head, or the body of a decoder.
        folder: of the new one.
        tokenizer: that has the new tokens already.
        starts: new token → those whose mean it starts from.

    Raises:
        InputError: the model cannot be loaded.
        RunError: the disk is full or refuses.

    Source: Hewitt 2021, Initializing New Word Embeddings for Pretrained Language Models, which takes the mean of all;
        the mean of the pieces keeps a word near to what the model made of it so far.
    """
    half = folder.with_name(f".{folder.name}.half")
    filler = _filler(source)
    with disk_faults(folder), quiet():
        shutil.rmtree(half, ignore_errors=True)
        if filler is not None:
            _extend(filler, len(tokenizer), starts)
            save_filler(filler, tokenizer, source, half)
        else:
            body, lost = _body(source)
            _extend(body, len(tokenizer), starts)
            weights = {name: value for name, value in body.state_dict().items() if name not in lost}
            body.save_pretrained(half, state_dict=weights, safe_serialization=True)
            tokenizer.save_pretrained(half)
            complete_folder(source, half)
        half.rename(folder)


def embeddings_in(folder: Path, body: Any) -> Tensor:
    """Return the embeddings of tokens in the folder of a model, [V, H], as its files have them.

    Args:
        folder: of the model.
        body: of a model of the same architecture, which knows what they are called.
    """
    weight = body.get_input_embeddings().weight
    [own] = [name for name, parameter in body.named_parameters() if parameter is weight]
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118
                if name == own or name.endswith(f".{own}"):
                    found: Tensor = weights.get_tensor(name)
                    return found
    raise AssertionError(f"{folder} holds no {own}")


def _filler(source: Path) -> Any:
    """Return the model with its masked-LM head; None where the folder holds none."""
    try:
        if kind_of(source) != "masked":
            return None
        found = load_filler(source, seed=0)
    except InputError:  # its architecture has none; what else is wrong the body says as well
        return None
    return None if found.has_new_head else found.model


def _body(source: Path) -> tuple[Any, set[str]]:
    """Return the body, and the names of weights that its files lack, such as those of a pooler."""
    with quiet(), faults_of(source):
        body, told = AutoModel.from_pretrained(
            source, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
            trust_remote_code=False,
        )  # fmt: skip
    return body, set(told["missing_keys"])


def _extend(model: Any, size: int, starts: Mapping[int, Sequence[int]]) -> None:
    """Give a model rows for more tokens, in place; some have more rows than tokens already."""
    rows = model.get_input_embeddings().weight.shape[0]
    with torch.no_grad():
        if size > rows:
            model.resize_token_embeddings(size, mean_resizing=False)
        head = model.get_output_embeddings()
        parts = [model.get_input_embeddings().weight, *([] if head is None else [head.weight, head.bias])]
        for part in parts:
            for token, pieces in starts.items() if part is not None else ():
                part[token] = part[list(pieces)].mean(dim=0)
