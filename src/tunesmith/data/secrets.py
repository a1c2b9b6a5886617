"""What no text to learn from should hold: addresses, numbers of phones, cards and accounts, and keys.

A pattern alone would find too much, so numbers must pass their checksum and keys must look random.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["email", "phone", "card", "iban", "key"]

KINDS: tuple[Kind, ...] = ("key", "iban", "card", "email", "phone")
"""In the order in which they are looked for: what is part of one is not taken for another."""
NOUNS: dict[Kind, str] = {
    "email": "e-mail address", "phone": "phone number", "card": "card number", "iban": "IBAN", "key": "secret key",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Secret:
    """Where one stands: `text[start:end]`."""

    start: int
    end: int
    kind: Kind


def find_secrets(text: str, kinds: tuple[Kind, ...] = KINDS) -> list[Secret]:
    """Return what `text` holds of `kinds`, in order; none overlaps another.

    Example:
        >>> text = "Write to bob@example.com or call +44 20 7946 0958, order 4111 1111 1111 1112"
        >>> [(one.kind, text[one.start : one.end]) for one in find_secrets(text)]
        [('email', 'bob@example.com'), ('phone', '+44 20 7946 0958')]
    """
    found: list[Secret] = []
    for kind in KINDS:  # all of them, since a key may hold what looks like a number
        for start, end in _FINDERS[kind](text):
            if all(end <= other.start or other.end <= start for other in found):
                found.append(Secret(start, end, kind))
    return sorted(one for one in found if one.kind in kinds)


Places = Iterator[tuple[int, int]]

# --- e-mail ------------------------------------------------------------------------------------------------------

_EMAIL = re.compile(
    r"(?<![\w%+@-])[\w%+][\w.%+-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.)+([A-Za-z]{2,24})(?![\w-])", re.ASCII
)
_FILES = frozenset((
    "png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "js", "json", "html", "txt", "pdf", "xml", "yaml",
))  # fmt: skip
"""`icon@2x.png` is the name of a file."""


def _emails(text: str) -> Places:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        # git@host:path is the address of a repository.
        if match[1].lower() not in _FILES and not match[0].startswith("git@"):
            yield match.span()


# --- phone -------------------------------------------------------------------------------------------------------

_MANY_DIGITS = re.compile(r"\d(?:\D{0,2}\d){8}", re.ASCII)
_FREE, _DONE = r"(?<![\w+-])(?<!\d[.,])", r"(?![\w-]|[.,]\d)"
_PHONES = tuple(
    re.compile(_FREE + pattern + _DONE, re.ASCII)
    for pattern in (
        r"\+[1-9]\d{0,2}(?:[ ./-]?\(\d{1,4}\))?(?:[ ./-]?\d{2,12}){1,5}",  # +44 20 7946 0958
        r"00[1-9]\d{0,2}[ /-](?:\(\d{1,4}\)[ ]?)?\d{1,5}(?:[ /-]?\d{2,8}){1,4}",  # 0049 30 1234567
        r"(?:1[ .-])?(?:\([2-9]\d\d\)[ ]?[2-9]\d\d[ .-]|[2-9]\d\d(?P<us>[.-])[2-9]\d\d(?P=us))\d{4}",  # (713) 345-6687
        r"(?:86[ -])?1[3-9]\d(?P<cn>[ -]?)\d{4}(?P=cn)\d{4}",  # 138 0013 8000
        r"(?:0[1-9]\d{0,3}(?P<at>[ /-])\d{3,8}(?:(?P=at)\d{3,4}){0,2}|\(0[1-9]\d{0,3}\)[ ]?\d{3,8}(?:[ -]\d{3,5})?)",
        r"0[1-9](?P<fr>[ .-])\d\d(?:(?P=fr)\d\d){3}",  # 06 12 34 56 78
    )
)
_SHORTEST, _LONGEST = 9, 15
"""Digits of a phone number: shorter ones are dates and sums of money, longer ones are not given (ITU-T E.164)."""


def _phones(text: str) -> Places:
    if not _MANY_DIGITS.search(text):
        return
    for pattern in _PHONES:
        for match in pattern.finditer(text):
            digits = sum(map(str.isdigit, match[0]))
            if _SHORTEST <= digits <= _LONGEST and match[0].count(".") != 1:  # one point is that of a decimal number
                yield match.span()


# --- card --------------------------------------------------------------------------------------------------------

_CARD = re.compile(
    _FREE + r"(?:\d{13,19}|\d{4}(?P<by>[ -])(?:\d{4}(?P=by)\d{4}(?P=by)\d{4}(?:(?P=by)\d{3})?|\d{6}(?P=by)\d{4,5}))"
    + _DONE, re.ASCII,
)  # fmt: skip
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|(?:6011|65\d\d|64[4-9]\d|35\d\d)\d{12}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)
"""Beginnings and lengths of the numbers that the large networks give."""


def _cards(text: str) -> Places:
    if not _MANY_DIGITS.search(text):
        return
    for match in _CARD.finditer(text):
        number = match[0].replace(" ", "").replace("-", "")
        if _ISSUERS.fullmatch(number) and is_luhn(number):
            yield match.span()


def is_luhn(number: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).

    Example:
        >>> is_luhn("4111111111111111"), is_luhn("4111111111111112")
        (True, False)
    """
    total = 0
    for place, digit in enumerate(map(int, reversed(number))):
        total += sum(divmod(2 * digit, 10)) if place % 2 else digit
    return total % 10 == 0


# --- IBAN --------------------------------------------------------------------------------------------------------

_IBAN = re.compile(r"[A-Z]{2}\d\d(?= ?[A-Z0-9])", re.ASCII)
_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 "
    "LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 "
    "QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
"""The length of the IBANs of every country."""
_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _COUNTRIES.split()}


def _ibans(text: str) -> Places:
    for match in _IBAN.finditer(text):
        start, end = match.start(), match.start()
        number, wanted = "", _LENGTHS.get(match[0][:2], 0)
        while end < len(text) and len(number) < wanted and (_is_letter(text[end]) or text[end] == " "):
            number += text[end].strip()
            end += 1
        around = text[max(0, start - 1) : start] + text[end : end + 1]
        whole = len(number) == wanted > 0 and not any(map(_is_letter, around))
        if whole and "  " not in text[start:end] and is_iban(number):
            yield start, end


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def is_iban(number: str) -> bool:
    """Return whether an account number without spaces passes the check of ISO 13616: 1 modulo 97.

    Example:
        >>> is_iban("GB82WEST12345698765432"), is_iban("GB82WEST12345698765433")
        (True, False)
    """
    return int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 == 1


# --- keys --------------------------------------------------------------------------------------------------------

_MARKERS = (
    "AKIA", "ASIA", "secret_access_key", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-",
    "k_live_", "AIza", "hf_", "npm_", "SG.", "hooks.slack.com", "eyJ", "PRIVATE KEY",
)  # fmt: skip
"""A text without any of them holds no key."""
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)(?P<aws>[A-Z0-9]{16})"
    r"|aws_secret_access_key\W{1,5}(?P<secret>[A-Za-z0-9/+]{40})"
    r"|gh[pousr]_(?P<github>[A-Za-z0-9]{36,})|github_pat_(?P<pat>[A-Za-z0-9_]{36,})|glpat-(?P<gitlab>[\w-]{20,})"
    r"|xox[abeoprs]-(?P<slack>\d[A-Za-z0-9-]{12,})|hooks\.slack\.com/services/(?P<hook>T\w+/B\w+/\w{16,})"
    r"|sk-(?P<openai>[\w-]{20,})|[sr]k_live_(?P<stripe>[A-Za-z0-9]{16,})|AIza(?P<google>[\w-]{35})"
    r"|hf_(?P<hf>[A-Za-z0-9]{34})|npm_(?P<npm>[A-Za-z0-9]{36})|SG\.(?P<mail>[\w-]{22}\.[\w-]{43})"
    r"|(?P<jwt>eyJ[\w-]{8,2000}\.eyJ[\w-]{8,8000}\.[\w-]{8,2000})"
    r")(?![A-Za-z0-9])",
    re.ASCII,
)
_BLOCK = re.compile(
    r"-----BEGIN (?P<what>(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:(?P<inner>.{0,20000}?)-----END (?P=what)-----|(?P<open>(?:\s+[A-Za-z0-9+/=]{16,})+))",
    re.DOTALL,
)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{16}")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_DISTINCT = 6
"""`ghp_xxxx…` has fewer different characters, and shows where a key would stand."""


def _keys(text: str) -> Places:
    if not any(marker in text for marker in _MARKERS):
        return
    for block in _BLOCK.finditer(text):
        if _BASE64.search(block["inner"] or block["open"]):
            yield block.span()
    for match in _KEY.finditer(text):
        name = match.lastgroup or ""
        if len(set(match[name])) >= _DISTINCT and _CHECKS.get(name, _passes)(match[name]):
            yield match.span()


def _passes(_: str) -> bool:
    return True


def _is_random(key: str) -> bool:
    """Return whether letters and digits are mixed as in no name that is put together with hyphens."""
    return any(not run.isalpha() and not run.isdigit() for run in _RUN.findall(key)) or (
        len(key) >= 40 and key.lower() != key and any(map(str.isdigit, key))
    )


def _is_jwt(token: str) -> bool:
    """Return whether the first part of a token says with which algorithm it is signed (RFC 7519)."""
    head = token.split(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, TypeError, binascii.Error):
        return False


_CHECKS: dict[str, Callable[[str], bool]] = {"openai": _is_random, "jwt": _is_jwt}

_FINDERS: dict[Kind, Callable[[str], Places]] = {
    "key": _keys, "iban": _ibans, "card": _cards, "email": _emails, "phone": _phones,
}  # fmt: skip
