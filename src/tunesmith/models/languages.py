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
    by_code = getattr(tokenizer, "lang_code_to_token", None)
    return sorted(by_code or (token for token in tokenizer.all_special_tokens if CODE.fullmatch(token)))


def languages_of(tokenizer: Any) -> tuple[str, str] | None:
    """Return the languages that `tokenizer` marks texts and targets with; None where it marks none."""
    return (tokenizer.src_lang, tokenizer.tgt_lang) if languages(tokenizer) else None


def settle_languages(tokenizer: Any, source: str | None, target: str | None) -> None:
    """Let `tokenizer` mark texts as `source` and targets as `target`; what is not given stays as it is.

    Raises:
        InputError: the model is not told languages by a token, or does not know one of the two (K309); it needs to be
            told one, and was not (K325).
    """
    known = languages(tokenizer)
    faults = [_unknown(code, known) for code in (source, target) if code is not None and code not in known]
    if faults:
        raise InputError(faults)
    if not known:
        return
    source, target = source or tokenizer.src_lang, target or tokenizer.tgt_lang
    named = {"source_language": source, "target_language": target}
    missing = [_missing(name, named, known) for name, code in named.items() if code not in known]
    if missing:
        raise InputError(missing)
    tokenizer.src_lang, tokenizer.tgt_lang = source, target


def set_languages(model: Any, tokenizer: Any, source: str, target: str) -> None:
    """Let `tokenizer` mark texts as `source` and targets as `target`, and let `model` write `target`.

    Where targets begin with their language (NLLB, mBART-50) it is the first token that is written; where they end with
    it (mBART-25) it is what the decoder starts from.

    Raises:
        InputError: the model is not told languages by a token, or does not know one of the two (K309).
    """
    settle_languages(tokenizer, source, target)
    start = start_of(tokenizer)
    if start is None:
        model.generation_config.forced_bos_token_id = _number(tokenizer)
    else:
        model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = start


def start_of(tokenizer: Any) -> int | None:
    """Return the token of the language that a decoder starts from; None where it starts from another token."""
    if not languages(tokenizer):
        return None
    number = _number(tokenizer)
    return None if tokenizer(text_target="")["input_ids"][0] == number else number


def _number(tokenizer: Any) -> int:
    """Return the token of the language that is written."""
    by_code = getattr(tokenizer, "lang_code_to_token", None) or {}
    return int(tokenizer.convert_tokens_to_ids(by_code.get(tokenizer.tgt_lang, tokenizer.tgt_lang)))


def _unknown(code: str, known: list[str]) -> Fault:
    if not known:
        return Fault("K309", code, "the model is not told its languages by a token.", "Leave the languages out.")
    cure = f"{did_you_mean(code, known)} {_shown(known, code)}".strip()
    return Fault("K309", code, "the model knows no such language.", cure)


def _missing(name: str, named: dict[str, str | None], known: list[str]) -> Fault:
    """Return the fault that a language has to be told."""
    given = [code for code in named.values() if code in known]
    hint = f"Write it as {given[0]} is written. " if given else ""
    return Fault("K325", f"text.{name}", "the model has to be told its languages.", f"{hint}{_shown(known)}")


def _shown(known: list[str], near: str = "") -> str:
    """Return some codes in words, those first that begin as `near` does."""
    some = sorted(known, key=lambda code: code[:2] != near[:2].lower())[:12]
    more = f", … ({len(known)} in all)" if len(known) > 12 else ""
    return f"Known: {', '.join(some)}{more}."
