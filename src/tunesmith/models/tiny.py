"""Tiny models built in memory: for tests, and for trying a recipe in a second. They know nothing of language.

Each family has the kind of tokenizer that its published models have, built from a handful of texts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
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

from tunesmith.core.words import words_of
from tunesmith.models.load import quiet

LIMIT = 64
"""Tokens that a tiny model takes."""
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
LETTERS = tuple(chr(code) for code in range(33, 127))
MERGES = 120
"""Merges of byte pairs at most, beside the 256 bytes."""
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
    words = sorted(_counted(text.lower() for text in texts))
    pieces = [*SPECIALS, *dict.fromkeys([*LETTERS, *(f"##{letter}" for letter in LETTERS), *words])]
    return kind({piece: at for at, piece in enumerate(pieces)}, model_max_length=LIMIT)


def _byte_pairs(texts: Sequence[str], specials: Sequence[str] = ROBERTA_SPECIALS) -> Tokenizer:
    """Return a byte-level BPE tokenizer trained on `texts`; a space belongs to the word behind it."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    size = len(specials) + len(bytes_) + MERGES
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(specials), initial_alphabet=bytes_, show_progress=False
    )
    found.train_from_iterator(texts, trainer)
    return found


def _pieces(texts: Sequence[str], specials: Sequence[str]) -> list[tuple[str, float]]:
    """Return pieces with log probabilities for a unigram model: words with a mark of the space, neighbours, signs.

    Made by counting: training such a model adds in an order of its own, so two trainings give two vocabularies.
    """
    words, signs, neighbours = _counted(texts), Counter[str](), Counter[str]()
    for text in texts:
        signs.update(sign for sign in text if not sign.isspace())
        neighbours.update(
            a + b for a, b in pairwise(text) if not (a + b).isascii() and not (a.isspace() or b.isspace())
        )
    counts = Counter({f"▁{word}": count * len(word) ** 2 for word, count in words.items()})
    counts.update({pair: count for pair, count in neighbours.items() if count > 1})
    counts.update(dict.fromkeys((*LETTERS, *signs), 1) | {"▁": 1, ").": 2, "'s": 2})
    total = counts.total()
    known = [(piece, log(count / total)) for piece, count in sorted(counts.items())]
    return [*((special, 0.0) for special in specials), *known]


def _counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(text[start:end] for text in texts for start, end in words_of(text))


def _roberta(texts: Sequence[str]) -> Any:
    model = _plain(_byte_pairs(texts))
    return RobertaTokenizer(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], model_max_length=LIMIT)


def _plain(tokenizer: Tokenizer) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(tokenizer.to_str())["model"]
    return found


def _modernbert(texts: Sequence[str]) -> Any:
    """Without the class of its own that other families have: offsets of tokens begin at the space before a word."""
    found = _byte_pairs(texts, SPECIALS)
    found.normalizer = normalizers.NFC()
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=found, model_max_length=LIMIT, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", mask_token="[MASK]", model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def _xlm_roberta(texts: Sequence[str]) -> Any:
    return XLMRobertaTokenizer(vocab=_pieces(texts, ROBERTA_SPECIALS), model_max_length=LIMIT)


def _deberta(texts: Sequence[str]) -> Any:
    return DebertaV2Tokenizer(vocab=_pieces(texts, SPECIALS), model_max_length=LIMIT)


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
