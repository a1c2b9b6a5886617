"""Tiny models that write, built in memory: decoders, and encoders with a decoder. They know nothing of language.

Each family has the kind of tokenizer, the special tokens and the chat template (in its style, not in its words) that
its published models have.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import torch
from tokenizers import decoders, processors
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    BartTokenizer,
    GemmaTokenizer,
    GPT2Tokenizer,
    MBartTokenizer,
    NllbTokenizer,
    PreTrainedTokenizerFast,
    Qwen2Tokenizer,
    T5Tokenizer,
)

from tunesmith.models.load import quiet
from tunesmith.models.tinytokens import LETTERS, ROBERTA_SPECIALS, byte_pairs, marked_pairs, merges_of, pieces

LIMIT = 128
"""Tokens that a tiny model takes."""
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
HEADERS = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' "
    "+ message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
TURNS = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('There is no role for a system prompt.') }}{% endif %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('User and assistant take turns, the user first.') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
LLAMA_SPECIALS = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
)  # fmt: skip
GEMMA_SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>")
NLLB_LANGUAGES = ("deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": LIMIT, "initializer_range": 0.2,
}  # fmt: skip
BOTH_SIDES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": LIMIT,
    "init_std": 0.2,
}  # fmt: skip
"""Of BART and its relatives."""


def _gpt2(texts: Sequence[str]) -> Any:
    """Without a token for padding, as published."""
    vocab, merges = merges_of(byte_pairs(texts, ["<|endoftext|>"]))
    return GPT2Tokenizer(vocab=vocab, merges=merges, model_max_length=LIMIT)


def _llama(texts: Sequence[str]) -> Any:
    """Of the third generation: pairs of bytes, a beginning before every text, no token for padding."""
    found = byte_pairs(texts, LLAMA_SPECIALS)
    found.decoder = decoders.ByteLevel()
    begin = LLAMA_SPECIALS[0]
    found.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1", special_tokens=[(begin, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=found, model_max_length=LIMIT, bos_token=begin, eos_token="<|eot_id|>",
        extra_special_tokens=list(LLAMA_SPECIALS[1:4]), model_input_names=["input_ids", "attention_mask"],
        chat_template=HEADERS,
    )  # fmt: skip


def _qwen(texts: Sequence[str]) -> Any:
    vocab, merges = merges_of(byte_pairs(texts, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    return Qwen2Tokenizer(
        vocab=vocab, merges=merges, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>"], model_max_length=LIMIT, chat_template=CHATML,
    )  # fmt: skip


def _gemma(texts: Sequence[str]) -> Any:
    vocab, merges = merges_of(marked_pairs(texts, [*GEMMA_SPECIALS, *BYTES]))
    return GemmaTokenizer(
        vocab=vocab, merges=merges, extra_special_tokens=list(GEMMA_SPECIALS[5:]), padding_side="left",
        add_bos_token=True, model_max_length=LIMIT, chat_template=TURNS,
    )  # fmt: skip


def _t5(texts: Sequence[str]) -> Any:
    """With sentinels behind all other pieces, the first of them last."""
    sentinels = [(f"<extra_id_{at}>", 0.0) for at in reversed(range(100))]
    return T5Tokenizer(vocab=[*pieces(texts, ["<pad>", "</s>", "<unk>"]), *sentinels], model_max_length=LIMIT)


def _bart(texts: Sequence[str]) -> Any:
    vocab, merges = merges_of(byte_pairs(texts))
    return BartTokenizer(vocab=vocab, merges=merges, model_max_length=LIMIT)


def _mbart(texts: Sequence[str]) -> Any:
    """Language codes stand behind all other pieces."""
    return MBartTokenizer(
        vocab=pieces(texts, ROBERTA_SPECIALS[:4]), src_lang="en_XX", tgt_lang="fr_XX", model_max_length=LIMIT
    )


def _nllb(texts: Sequence[str]) -> Any:
    vocab, merges = merges_of(marked_pairs(texts, ROBERTA_SPECIALS[:4]))
    return NllbTokenizer(
        vocab=vocab, merges=merges, src_lang="eng_Latn", tgt_lang="fra_Latn", model_max_length=LIMIT,
        extra_special_tokens=list(NLLB_LANGUAGES),
    )  # fmt: skip


def _marian(texts: Sequence[str]) -> Any:
    """Made by the sentencepiece library itself: there is no fast version of this tokenizer.

    One thread, so that two trainings give one vocabulary.
    """
    import sentencepiece
    from transformers import MarianTokenizer

    written = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=written, vocab_size=300, hard_vocab_limit=False, num_threads=1,
        character_coverage=1.0, required_chars="".join(LETTERS), bos_id=-1, eos_id=0, unk_id=1, minloglevel=2,
    )  # fmt: skip
    found = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    known = [*(found.IdToPiece(at) for at in range(found.GetPieceSize())), "<pad>"]
    with tempfile.TemporaryDirectory() as folder:
        spm, vocab = Path(folder) / "source.spm", Path(folder) / "vocab.json"
        spm.write_bytes(written.getvalue())
        vocab.write_text(json.dumps({piece: at for at, piece in enumerate(known)}), encoding="utf-8")
        return MarianTokenizer(
            str(spm), str(spm), str(vocab), source_lang="en", target_lang="fr", model_max_length=LIMIT
        )


@dataclass(frozen=True, slots=True)
class Writer:
    """An architecture that writes, small.

    Args:
        problem: `causal` for a decoder, `seq2seq` for an encoder and a decoder.
        kind: the name of its configuration.
        tokenizer: texts → its tokenizer.
        options: of the configuration.
        tokens: name of an id in the configuration → the token that it is.
        generation: name of an id of the generation settings → the token or tokens.
    """

    problem: Literal["causal", "seq2seq"]
    kind: str
    tokenizer: Callable[[Sequence[str]], Any]
    options: Mapping[str, Any]
    tokens: Mapping[str, str]
    generation: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


WRITERS: dict[str, Writer] = {
    "gpt2": Writer(
        "causal", "gpt2", _gpt2,
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": LIMIT, "initializer_range": 0.2},
        {"bos_token_id": "<|endoftext|>", "eos_token_id": "<|endoftext|>"},
    ),
    "llama": Writer(
        "causal", "llama", _llama, SMALL,
        {"bos_token_id": "<|begin_of_text|>", "eos_token_id": "<|eot_id|>"},
        {"eos_token_id": ("<|end_of_text|>", "<|eot_id|>")},
    ),
    "qwen2": Writer(
        "causal", "qwen2", _qwen, {**SMALL, "tie_word_embeddings": True},
        {"bos_token_id": "<|endoftext|>", "eos_token_id": "<|im_end|>"},
        {"eos_token_id": ("<|im_end|>", "<|endoftext|>"), "pad_token_id": "<|endoftext|>"},
    ),
    "gemma3": Writer(
        "causal", "gemma3_text", _gemma,
        {
            **SMALL, "head_dim": 8, "sliding_window": 16, "query_pre_attn_scalar": 8,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        {"pad_token_id": "<pad>", "eos_token_id": "<eos>", "bos_token_id": "<bos>"},
        {"eos_token_id": ("<eos>", "<end_of_turn>")},
    ),
    "t5": Writer(
        "seq2seq", "t5", _t5,
        {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "relative_attention_num_buckets": 8},
        {"pad_token_id": "<pad>", "eos_token_id": "</s>", "decoder_start_token_id": "<pad>"},
    ),
    "bart": Writer(
        "seq2seq", "bart", _bart, BOTH_SIDES,
        {
            "bos_token_id": "<s>", "pad_token_id": "<pad>", "eos_token_id": "</s>",
            "decoder_start_token_id": "</s>", "forced_eos_token_id": "</s>",
        },
    ),
    "mbart": Writer(
        "seq2seq", "mbart", _mbart, {**BOTH_SIDES, "scale_embedding": True},
        {
            "bos_token_id": "<s>", "pad_token_id": "<pad>", "eos_token_id": "</s>",
            "decoder_start_token_id": "fr_XX", "forced_eos_token_id": "</s>",
        },
    ),
    "marian": Writer(
        "seq2seq", "marian", _marian, {**BOTH_SIDES, "scale_embedding": True, "activation_function": "swish"},
        {
            "pad_token_id": "<pad>", "eos_token_id": "</s>", "decoder_start_token_id": "<pad>",
            "forced_eos_token_id": "</s>",
        },
    ),
    "nllb": Writer(
        "seq2seq", "m2m_100", _nllb, {**BOTH_SIDES, "scale_embedding": True},
        {
            "bos_token_id": "<s>", "pad_token_id": "<pad>", "eos_token_id": "</s>",
            "decoder_start_token_id": "</s>",
        },
        {"forced_bos_token_id": "fra_Latn"},
    ),
}  # fmt: skip
"""Family → what makes it small."""


def tiny_writer_tokenizer(texts: Sequence[str], family: str = "gpt2") -> Any:
    """Return a tokenizer of the kind that `family` has, and that knows the words of `texts`."""
    return WRITERS[family].tokenizer(texts)


def save_tiny_writer(folder: Path, texts: Sequence[str], *, family: str = "gpt2", seed: int = 0) -> Path:
    """Write a tiny model of `family` with random weights and a tokenizer for `texts` into `folder`; return it."""
    writer = WRITERS[family]
    with quiet():
        tokenizer = writer.tokenizer(texts)
        number = tokenizer.convert_tokens_to_ids
        tokens = {name: number(token) for name, token in writer.tokens.items()}
        config = AutoConfig.for_model(writer.kind, vocab_size=len(tokenizer), **writer.options, **tokens)
        torch.manual_seed(seed)
        kind = AutoModelForCausalLM if writer.problem == "causal" else AutoModelForSeq2SeqLM
        model = kind.from_config(config)
        model.generation_config._from_model_config = False  # as in a published folder, which has settings of its own
        for name, token in writer.generation.items():
            ids = number(token) if isinstance(token, str) else [number(one) for one in token]
            setattr(model.generation_config, name, ids)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder
