"""A masked language model → a classifier that starts as what the model says of the words of the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForMaskedLM

from tunesmith.errors import Fault, InputError
from tunesmith.models.fill import POOLER
from tunesmith.models.folder import check_folder
from tunesmith.models.load import attention_of, faults_of, quiet, read_config, refuse_lost
from tunesmith.models.maskhead import PatternedForSequenceClassification
from tunesmith.models.patterned import PatternedConfig
from tunesmith.recipe.pattern import MASK, parts_of
from tunesmith.recipe.schema import Pattern

ACTIVATIONS: Mapping[str, str] = {
    "bert": "hidden_act", "albert": "hidden_act", "deberta-v2": "hidden_act", "distilbert": "activation",
    "modernbert": "classifier_activation", "roberta": "", "xlm-roberta": "", "camembert": "", "electra": "",
    "mpnet": "",
}  # fmt: skip
"""Architecture → the setting that names the activation of its masked-LM head; empty where it is always GELU."""
REMEDY = (
    "Take a masked language model with its head, such as distilroberta-base, modernbert-base, xlm-roberta-base or "
    "bert-base-multilingual-cased, or another head."
)


def refuse_unmasked(folder: Path) -> None:
    """Refuse a model whose head no pattern can ask.

    Raises:
        InputError: its architecture has none of the form that is known (K522), as DeBERTa's newer one.
    """
    config = read_config(folder)
    if config.model_type not in ACTIVATIONS or not getattr(config, "legacy", True):
        message = f"a model of kind {config.model_type} has no head that could be asked for a hidden word."
        raise InputError(Fault("K522", str(folder), message, REMEDY))


def need_mask(tokenizer: Any, folder: Path) -> None:
    """Refuse a tokenizer that can hide no word.

    Raises:
        InputError: it has no mask token (K523).
    """
    if tokenizer.mask_token_id is None:
        raise InputError(Fault("K523", str(folder), "its tokenizer has no mask token, which a pattern needs.", REMEDY))


def load_patterned(
    folder: Path, tokenizer: Any, pattern: Pattern, names: Mapping[str, Any], changes: Mapping[str, float]
) -> PatternedForSequenceClassification:
    """Return the model in `folder` as a classifier whose logits are those of the words at the mask.

    Args:
        folder: of a masked language model.
        tokenizer: its own.
        pattern: complete.
        names: settings of a configuration that name the labels, `id2label` among them.
        changes: other settings that differ from those in the folder.

    Raises:
        InputError: it has no masked-LM head (K522), the tokenizer no mask token (K523), or the words do not tell the
            labels apart (K524).
    """
    assert pattern.text is not None, "the recipe is complete"
    refuse_unmasked(check_folder(folder))
    need_mask(tokenizer, folder)
    pieces = word_ids(tokenizer, pattern)
    with quiet(), faults_of(folder):
        filler, told = AutoModelForMaskedLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
            trust_remote_code=False, **changes,
        )  # fmt: skip
    prefix = f"{filler.base_model_prefix}."
    lost = [name for name in told["missing_keys"] if POOLER not in name]
    refuse_lost(folder, [name for name in lost if name.startswith(prefix)])
    if lost:
        message = f"its files hold no head that foresees hidden words: {lost[0]} is not in them."
        raise InputError(Fault("K522", str(folder), message, REMEDY))
    dense, norm, words = _head(filler)
    body = filler.base_model
    body.config._name_or_path = ""  # a bundle names no folder of the machine it was made on
    setting = ACTIVATIONS[body.config.model_type]
    config = PatternedConfig(
        body=body.config, mask_token_id=int(tokenizer.mask_token_id), pattern=pattern.text, width=norm.weight.shape[0],
        activation=getattr(body.config, setting) if setting else "gelu", norm_eps=norm.eps,
        **attention_of(body), **names,
    )  # fmt: skip
    model = PatternedForSequenceClassification(config, body)
    order = [pieces[label] for label in names["id2label"].values()]
    with torch.no_grad():
        for new, old in ((model.transform.dense, dense), (model.transform.norm, norm)):
            new.weight.copy_(old.weight)
            new.bias.zero_() if old.bias is None else new.bias.copy_(old.bias)
        model.classifier.weight.copy_(torch.stack([words.weight[ids].mean(0) for ids in order]))
        model.classifier.bias.zero_()
        if words.bias is not None:
            model.classifier.bias.copy_(torch.stack([words.bias[ids].mean() for ids in order]))
    return model


def word_ids(tokenizer: Any, pattern: Pattern) -> dict[str, list[int]]:
    """Return label → the tokens of its word, as they would stand at the mask.

    Raises:
        InputError: a word has no tokens or unknown ones, or two labels have the same (K524); all faults at once.
    """
    found = {label: _pieces(tokenizer, word, pattern) for label, word in pattern.words.items()}
    faults = [
        Fault("K524", f"recipe: pattern.words.{label}", f'the tokenizer has no piece for "{pattern.words[label]}".',
              "Choose another word.")
        for label, ids in found.items() if not ids or tokenizer.unk_token_id in ids
    ]  # fmt: skip
    if not faults:
        faults = _twins(found, pattern.words)
    if faults:
        raise InputError(faults)
    return found


def _twins(found: Mapping[str, Sequence[int]], words: Mapping[str, str]) -> list[Fault]:
    """Return a fault for every label whose word has the tokens of another's, which then have the same mean."""
    seen: dict[frozenset[tuple[int, Fraction]], str] = {}
    faults = []
    for label, ids in found.items():
        shares = frozenset((piece, Fraction(times, len(ids))) for piece, times in Counter(ids).items())
        first = seen.setdefault(shares, label)
        if first != label:
            message = f'the words of "{first}" and "{label}", {words[first]} and {words[label]}, have the same tokens.'
            faults.append(Fault("K524", f"recipe: pattern.words.{label}", message, "Choose another word for one."))
    return faults


def _pieces(tokenizer: Any, word: str, pattern: Pattern) -> list[int]:
    """Return the tokens of a word behind what stands before the mask: behind a space many a word has other pieces."""
    assert pattern.text is not None, "the recipe is complete"
    around, names = parts_of(pattern.text)
    before = around[names.index(MASK)]
    space = " " if before[-1:].isspace() else ""
    ids = tokenizer(space + word.strip(), add_special_tokens=False, verbose=False)["input_ids"]
    texts = [str(token).strip("▁Ġ ") for token in tokenizer.convert_ids_to_tokens(ids)]
    return [at for at, text in zip(ids, texts, strict=True) if text]


def _head(filler: Any) -> tuple[nn.Linear, nn.LayerNorm, nn.Linear]:
    """Return the layers of a masked-LM head: what changes the state, its norm, and the matrix of the words."""
    inside = set(filler.base_model.modules())
    words = filler.get_output_embeddings()
    outside = [module for module in filler.modules() if module not in inside and module is not words]
    [dense] = [module for module in outside if isinstance(module, nn.Linear)]
    [norm] = [module for module in outside if isinstance(module, nn.LayerNorm)]
    return dense, norm, words
