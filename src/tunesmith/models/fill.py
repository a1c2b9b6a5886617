"""A folder → an encoder that foresees hidden tokens, and back into a folder that every recipe can start from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from tunesmith.errors import Fault, InputError
from tunesmith.models.folder import check_folder
from tunesmith.models.load import faults_of, quiet, read_config, refuse_lost

POOLER = "pooler."
"""Begins the names of weights that read off the first token what a text is about; a masked model has none."""


class Filler(NamedTuple):
    """A masked language model.

    Args:
        model: in evaluation mode, float32, on the CPU.
        has_new_head: whether its head starts from random weights, because the folder holds none.
    """

    model: Any
    has_new_head: bool


def load_filler(folder: Path, *, seed: int, dropout: dict[str, float] | None = None) -> Filler:
    """Return the encoder in `folder` with its masked-LM head, or with a new one that is tied to its embeddings.

    The model takes one input more, `places_to_keep` [P, 2] of row and token: the head is asked of those places alone,
    and the logits are [1, P, V]. Of 128 tokens of bert-base that saves nine tenths of the time and memory of the head.

    Args:
        folder: of the pretrained model.
        seed: of the weights of a new head.
        dropout: settings of the configuration that differ from those in the folder.

    Raises:
        InputError: the architecture has no such head (K302), or weights of the body are missing (K304).
    """
    check_folder(folder)
    if type(read_config(folder)) not in AutoModelForMaskedLM._model_mapping:
        message = "the architecture ships no head that foresees hidden tokens."
        raise InputError(Fault("K302", str(folder), message, "Take an encoder such as BERT, or a decoder."))
    torch.manual_seed(seed)
    with quiet(), faults_of(folder):
        model, told = AutoModelForMaskedLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
            trust_remote_code=False, tie_word_embeddings=True, **(dropout or {}),
        )  # fmt: skip
    prefix = f"{model.base_model_prefix}."
    lost = [name for name in told["missing_keys"] if POOLER not in name]
    refuse_lost(folder, [name for name in lost if name.startswith(prefix)])
    model.config._name_or_path = ""  # a bundle names no folder of the machine it was made on
    _keep_places(model)
    return Filler(model.eval(), bool(lost))


def _keep_places(model: Any) -> None:
    """Let the head see the places that are asked for, and no others."""
    kept = _Places(model.forward)
    model.forward = kept  # not a hook: peft calls `forward` itself, past all hooks
    model.base_model.register_forward_hook(kept.choose)


class _Places:
    """The forward pass of a model, with the places that are asked for; a copy of the model gets its own."""

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain
        self.asked: Tensor | None = None

    def __call__(self, *inputs: Any, places_to_keep: Tensor | None = None, **named: Any) -> Any:
        self.asked = places_to_keep
        try:
            return self.plain(*inputs, **named)
        finally:
            self.asked = None  # the body may be asked alone, next

    def choose(self, _: nn.Module, inputs: Any, output: Any) -> Any:
        """Leave of what the body gives the places [1, P, H]."""
        if self.asked is not None:
            row, token = self.asked.unbind(1)
            output.last_hidden_state = output.last_hidden_state[row, token].unsqueeze(0)
        return output


def kind_of(folder: Path) -> Literal["masked", "causal"]:
    """Return how the model in `folder` was pretrained on running text: as an encoder or as a decoder.

    Raises:
        InputError: in neither way (K302).
    """
    config = read_config(folder)
    two_sides = type(config) in AutoModelForSeq2SeqLM._model_mapping
    if type(config) in AutoModelForMaskedLM._model_mapping and not two_sides:
        return "masked"
    if type(config) in AutoModelForCausalLM._model_mapping and not two_sides:
        return "causal"
    message = f"a model of kind {config.model_type} is neither an encoder nor a decoder alone."
    raise InputError(Fault("K302", str(folder), message, "Take an encoder such as BERT, or a decoder such as smollm2."))


def save_filler(model: Any, tokenizer: Any, source: Path, folder: Path) -> None:
    """Write a masked language model with all that its source has beside it, so that every task can start from it."""
    weights = {**model.state_dict(), **pooler_of(source, model)}
    model.save_pretrained(folder, state_dict=weights, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    complete_folder(source, folder)


def only_head(model: Any) -> None:
    """Freeze all of the model but the head; the matrix that is tied to the embeddings is theirs."""
    for name, parameter in model.named_parameters():
        if name.startswith(f"{model.base_model_prefix}."):
            parameter.requires_grad_(False)


def complete_folder(source: Path, folder: Path) -> None:
    """Bring into a saved model what its source had beside it: how texts are pooled, and the weights of a pooler.

    A masked language model drops the pooler of its body; tasks of whole rows would start from a random one. It was
    trained on the body as it was, so it is a start and no more.
    """
    for path in sorted(source.glob("*")):
        if path.name == "modules.json" or path.name.startswith(("sentence_", "config_sentence_transformers")):
            shutil.copyfile(path, folder / path.name)
    if (source / "modules.json").is_file():
        for module in json.loads((source / "modules.json").read_text(encoding="utf-8")):
            inner = source / module["path"]
            if module["path"] and inner.resolve().parent == source.resolve() and inner.is_dir():
                shutil.copytree(inner, folder / module["path"], dirs_exist_ok=True, copy_function=shutil.copyfile)


def pooler_of(source: Path, model: Any) -> dict[str, Tensor]:
    """Return the weights of the pooler in a model folder, by the names that they have in `model`."""
    file = source / "model.safetensors"
    if not file.is_file():
        return {}
    prefix = f"{model.base_model_prefix}."
    with safe_open(file, "pt") as weights:
        names = [name for name in weights.keys() if name.removeprefix(prefix).startswith(POOLER)]  # noqa: SIM118
        return {prefix + name.removeprefix(prefix): weights.get_tensor(name) for name in names}
