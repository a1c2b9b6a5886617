"""Which bytes stand for which letters."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from tunesmith.data.source import BLOCK

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
COMMON_PAIR = re.compile(rb"[\xb0-\xd7\xa1-\xa3][\xa1-\xfe]")
"""Level-1 hanzi of GB 2312 and its punctuation: nearly all of real Chinese text."""

WINDOWS_PUNCTUATION = frozenset((0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99))
"""Euro, ellipsis, curly quotes, bullet, dashes, trade mark."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file.

    Args:
        name: as Python calls it.
        errors: `strict`, or `replace` where a few bytes are broken.
        damaged: how many characters were unreadable.
    """

    name: str
    errors: str = "strict"
    damaged: int = 0


def detect_encoding(file: BinaryIO) -> Encoding:
    """Read `file` to its end and return how it is encoded.

    A byte order mark decides. Then UTF-8, which hardly anything else satisfies by chance. Then GB18030, where the high
    bytes pair up into common hanzi; then, for a file that is mostly high bytes, what charset-normalizer says; and
    Windows-1252 or Latin-1 for the rest.

    Cost: one pass over the bytes, constant memory.
    """
    sample = file.read(4 * BLOCK)
    for mark, name in BOMS:
        if sample.startswith(mark):
            broken, _ = _broken_characters(sample, file, "utf-8") if name == "utf-8-sig" else (0, 0)
            return Encoding(name, "replace", broken)
    if wide := _wide(sample):
        return Encoding(wide, "replace")
    broken, good = _broken_characters(sample, file, "utf-8")
    if not broken:
        return Encoding("utf-8")
    # A cut or pasted-in byte in a file that is otherwise full of valid UTF-8 does not make it another encoding.
    if broken * 20 <= good:
        return Encoding("utf-8", "replace", broken)
    return _legacy(sample)


def _broken_characters(sample: bytes, file: BinaryIO, name: str) -> tuple[int, int]:
    """Return how many characters do not decode, and how many beyond ASCII do."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    broken = good = 0
    block = sample
    while block:
        following = file.read(BLOCK)
        if block.isascii() and not decoder.getstate()[0]:
            block = following
            continue
        text = decoder.decode(block, final=not following)
        bad = text.count("\ufffd") - block.count("\ufffd".encode())
        broken += max(0, bad)
        good += len(text) - len(text.encode("ascii", "ignore")) - bad
        block = following
    return broken, good


def _wide(sample: bytes) -> str:
    """Return UTF-16 without its mark, which shows in zero bytes on every other place."""
    if sample.count(0) * 5 < len(sample):
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    return "utf-16-be" if even > odd else "utf-16-le"


def _legacy(sample: bytes) -> Encoding:
    high = sum(sample.count(byte) for byte in range(0x80, 0x100))
    if _is_chinese(sample, high):
        return _counted(sample, "gb18030")
    if high * 4 > len(sample):  # more than accents: another script
        from charset_normalizer import from_bytes

        best = from_bytes(sample[: BLOCK // 4]).best()
        if best is not None:
            return _counted(sample, best.encoding)
    return Encoding("cp1252", "replace") if _is_windows(sample) else Encoding("latin-1")


def _is_windows(sample: bytes) -> bool:
    """Return whether the bytes that Latin-1 leaves to control codes are the punctuation of Windows-1252."""
    control = {byte: sample.count(byte) for byte in range(0x80, 0xA0)}
    usual = sum(count for byte, count in control.items() if byte in WINDOWS_PUNCTUATION)
    return usual > 0 and usual * 5 >= sum(control.values()) * 4


def _counted(sample: bytes, name: str) -> Encoding:
    text = codecs.getincrementaldecoder(name)("replace").decode(sample)
    return Encoding(name, "replace", text.count("\ufffd"))


def _is_chinese(sample: bytes, high: int) -> bool:
    pairs = PAIR.findall(sample)
    common = sum(1 for pair in pairs if COMMON_PAIR.match(pair))
    return bool(pairs) and common * 5 >= len(pairs) * 4 and common * 2 * 10 >= high * 7
