"""Tiny models built in memory: for tests, and for trying a recipe in a second. They know nothing of language.

Each family has the kind of tokenizer that its published models have, built from a handful of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import normalizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    BertTokenizer,
    DebertaV2Tokenizer,
    DistilBertTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from tunesmith.models.load import quiet
from tunesmith.models.tinytokens import LETTERS, ROBERTA_SPECIALS, byte_pairs, counted, merges_of, pieces

LIMIT = 64
"""Tokens that a tiny model takes."""
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SMALL: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": LIMIT, "initializer_range": 0.2,
}  # fmt: skip
BEHIND_PADDING: dict[str, Any] = {
    **SMALL, "max_position_embeddings": LIMIT + 2, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    "type_vocab_size": 1,
}  # fmt: skip
"""Of the families that count positions from behind the padding id."""


def _wordpiece(texts: Sequence[str], kind: Any = BertTokenizer) -> Any:
    """Return a WordPiece tokenizer that knows the words of `texts`, and single letters for all others."""
    words = sorted(counted(text.lower() for text in texts))
    known = [*SPECIALS, *dict.fromkeys([*LETTERS, *(f"##{letter}" for letter in LETTERS), *words])]
    return kind({piece: at for at, piece in enumerate(known)}, model_max_length=LIMIT)


def _roberta(texts: Sequence[str]) -> Any:
    vocab, merges = merges_of(byte_pairs(texts))
    return RobertaTokenizer(vocab=vocab, merges=merges, model_max_length=LIMIT)


def _modernbert(texts: Sequence[str]) -> Any:
    """Without the class of its own that other families have: offsets of tokens begin at the space before a word."""
    found = byte_pairs(texts, SPECIALS)
    found.normalizer = normalizers.NFC()
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=found, model_max_length=LIMIT, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _xlm_roberta(texts: Sequence[str]) -> Any:
    return XLMRobertaTokenizer(vocab=pieces(texts, ROBERTA_SPECIALS), model_max_length=LIMIT)


def _deberta(texts: Sequence[str]) -> Any:
    return DebertaV2Tokenizer(vocab=pieces(texts, SPECIALS), model_max_length=LIMIT)


@dataclass(frozen=True, slots=True)
class Family:
    """An architecture, small.

    Args:
        tokenizer: texts → its tokenizer.
        options: of the configuration.
    """

    tokenizer: Callable[[Sequence[str]], Any]
    options: Mapping[str, Any]


FAMILIES: dict[str, Family] = {
    "bert": Family(_wordpiece, SMALL),
    "electra": Family(_wordpiece, {**SMALL, "embedding_size": 16}),
    "distilbert": Family(
        lambda texts: _wordpiece(texts, DistilBertTokenizer),
        {
            "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": LIMIT,
            "initializer_range": 0.2,
        },
    ),
    "roberta": Family(_roberta, BEHIND_PADDING),
    "xlm-roberta": Family(_xlm_roberta, BEHIND_PADDING),
    "modernbert": Family(
        _modernbert,
        {
            **SMALL, "pad_token_id": 0, "cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3,
            "local_attention": 16,
        },
    ),
    "deberta-v2": Family(
        _deberta,
        {
            **SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
            "type_vocab_size": 0, "share_att_key": True, "norm_rel_ebd": "layer_norm", "position_buckets": 16,
        },
    ),
}  # fmt: skip
"""Model type → what makes it small."""


def tiny_tokenizer(texts: Sequence[str], family: str = "bert") -> Any:
    """Return a tokenizer of the kind that `family` has, and that knows the words of `texts`."""
    return FAMILIES[family].tokenizer(texts)


def save_tiny(folder: Path, texts: Sequence[str], *, family: str = "bert", seed: int = 0) -> Path:
    """Write a tiny body of `family` with random weights and a tokenizer for `texts` into `folder`; return it."""
    tokenizer = tiny_tokenizer(texts, family)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **FAMILIES[family].options)
    with quiet():
        AutoModel.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder
