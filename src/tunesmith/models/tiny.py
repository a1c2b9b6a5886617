"""Tiny models built in memory: for tests, and for trying a recipe in a second. They know nothing of language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SMALL: dict[str, object] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 64, "initializer_range": 0.2,
}  # fmt: skip
FAMILIES: dict[str, dict[str, object]] = {
    "bert": SMALL,
    "roberta": {**SMALL, "max_position_embeddings": 66, "pad_token_id": 0},
    "electra": {**SMALL, "embedding_size": 16},
    "distilbert": {
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 32,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    },
}
"""Model type → the options that make it small."""


def tiny_tokenizer(texts: Sequence[str], limit: int = 64) -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows the words of `texts`, and single letters for all others."""
    words = sorted({word for text in texts for word in text.lower().split()})
    letters = [chr(c) for c in range(33, 127)]
    pieces = [*SPECIALS, *dict.fromkeys([*letters, *(f"##{c}" for c in letters), *words])]
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=limit, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def save_tiny(folder: Path, texts: Sequence[str], *, family: str = "bert", seed: int = 0) -> Path:
    """Write a tiny body of `family` with random weights and a tokenizer for `texts` into `folder`; return it."""
    tokenizer = tiny_tokenizer(texts)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **FAMILIES[family])
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
