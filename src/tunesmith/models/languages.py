"""Models that are told their languages by a token: NLLB, mBART, M2M100."""

from __future__ import annotations

import re
from typing import Any

from tunesmith.errors import Fault, InputError, did_you_mean

CODE = re.compile(r"[a-z]{2,3}_[A-Za-z]{2,4}")
"""How such models write a language: `fr_XX`, `fra_Latn`."""


def languages(tokenizer: Any) -> list[str]:
    """Return the language codes that `tokenizer` knows; none for most models."""
    if not hasattr(tokenizer, "src_lang"):
        return []
    return sorted(token for token in tokenizer.all_special_tokens if CODE.fullmatch(token))


def set_languages(model: Any, tokenizer: Any, source: str, target: str) -> None:
    """Let `tokenizer` mark texts as `source` and targets as `target`, and let `model` write `target`.

    Where targets begin with their language (NLLB, mBART-50) it is the first token that is written; where they end with
    it (mBART-25) it is what the decoder starts from.

    Raises:
        InputError: the model is not told languages by a token, or does not know one of the two (K309).
    """
    known = languages(tokenizer)
    faults = [_unknown(code, known) for code in (source, target) if code not in known]
    if faults:
        raise InputError(faults)
    tokenizer.src_lang, tokenizer.tgt_lang = source, target
    number = tokenizer.convert_tokens_to_ids(target)
    if tokenizer(text_target="")["input_ids"][0] == number:
        model.generation_config.forced_bos_token_id = number
    else:
        model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = number


def _unknown(code: str, known: list[str]) -> Fault:
    if not known:
        return Fault("K309", code, "the model is not told its languages by a token.", "Leave the languages out.")
    shown = ", ".join(known[:12]) + (f", … ({len(known)} in all)" if len(known) > 12 else "")
    return Fault(
        "K309", code, "the model knows no such language.", f"{did_you_mean(code, known)} Known: {shown}.".strip()
    )
