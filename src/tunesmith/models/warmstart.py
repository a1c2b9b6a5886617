"""Two encoders → an encoder with a decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoModelForCausalLM, EncoderDecoderConfig, EncoderDecoderModel

from tunesmith.errors import Fault, InputError
from tunesmith.models.folder import check_folder
from tunesmith.models.load import faults_of, load_tokenizer, quiet, read_config, refuse_lost
from tunesmith.models.write import prepare_to_write


def warm_start(encoder: Path, decoder: Path | None = None, *, seed: int) -> tuple[Any, Any]:
    """Return an encoder-decoder made of two encoders, in evaluation mode, and its tokenizer.

    The decoder is the second body with a causal mask. What it had no use for before is new: the cross-attention of
    every block and, where the folder holds a body only, the transform and bias in front of the vocabulary; its matrix
    is tied to the word embeddings. Texts and targets are read by the same tokenizer; a target is what it makes of a
    text, `[CLS] … [SEP]`, with `[CLS]` as the start of the decoder and `[SEP]` as its end.

    Use it when there is an encoder of the language and no encoder-decoder, and there are tens of thousands of rows:
    a quarter of the decoder starts from noise.

    Args:
        encoder: folder of the body that reads.
        decoder: folder of the body that writes; the same folder where not given.
        seed: of the new weights.

    Raises:
        InputError: the second body cannot be a decoder, or the two have different vocabularies (K308).

    Source: Rothe, Narayan and Severyn 2020, Leveraging Pre-trained Checkpoints for Sequence Generation Tasks, section 3
        (BERT2BERT).
    """
    decoder = decoder or encoder
    tokenizer = _one_tokenizer(encoder, decoder)
    config = read_config(decoder)
    if type(config) not in AutoModelForCausalLM._model_mapping or not hasattr(config, "add_cross_attention"):
        message = f"the architecture ({config.model_type}) cannot be a decoder with cross-attention."
        raise InputError(Fault("K308", str(decoder), message, "Take BERT, RoBERTa, XLM-RoBERTa or ELECTRA."))
    options: dict[str, Any] = {
        "dtype": torch.float32, "local_files_only": True, "output_loading_info": True, "use_safetensors": True,
        "trust_remote_code": False,
    }  # fmt: skip
    torch.manual_seed(seed)
    with quiet(), faults_of(encoder):
        reader, told = AutoModel.from_pretrained(check_folder(encoder), **options)
    refuse_lost(encoder, [name for name in told["missing_keys"] if "pooler" not in name])
    with quiet(), faults_of(decoder):
        writer, told = AutoModelForCausalLM.from_pretrained(
            check_folder(decoder), is_decoder=True, add_cross_attention=True, **options
        )
    body = f"{writer.base_model_prefix}."
    refuse_lost(decoder, [n for n in told["missing_keys"] if n.startswith(body) and "crossattention" not in n])
    with quiet():
        model = _joined(reader, writer, tokenizer)
    prepare_to_write(model, tokenizer)
    return model.eval(), tokenizer


def _one_tokenizer(encoder: Path, decoder: Path) -> Any:
    tokenizer, limit = load_tokenizer(encoder)
    if decoder != encoder and load_tokenizer(decoder)[0].get_vocab() != tokenizer.get_vocab():
        message = f"its vocabulary is another one than that of {encoder}, and texts and targets share one tokenizer."
        raise InputError(Fault("K308", str(decoder), message, "Take two models with one vocabulary, or one for both."))
    if None in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id):
        message = "its tokenizer has no tokens for the beginning, the end and padding."
        raise InputError(Fault("K308", str(encoder), message, "Take BERT, RoBERTa, XLM-RoBERTa or ELECTRA."))
    tokenizer.model_max_length = limit
    return tokenizer


def _joined(reader: Any, writer: Any, tokenizer: Any) -> Any:
    for part in (reader, writer):
        part.config._name_or_path = ""  # a saved model names no folder of the machine it was made on
    ids = {
        "decoder_start_token_id": tokenizer.cls_token_id, "bos_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    config = EncoderDecoderConfig.from_encoder_decoder_configs(reader.config, writer.config, **ids)
    model = EncoderDecoderModel(config, reader, writer)
    for name, number in ids.items():
        setattr(model.generation_config, name, number)
    return model
