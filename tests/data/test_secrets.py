"""Secrets and personal data: what is found, what only looks like it, and what masking leaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.core.example import Answer, Message, Span
from tunesmith.core.report import Finding
from tunesmith.data.check import inspect
from tunesmith.data.load import load_splits
from tunesmith.data.redact import mask
from tunesmith.data.rows import Prepared, prepare
from tunesmith.data.secrets import find_secrets, is_iban, is_luhn
from tunesmith.errors import InputError
from tunesmith.recipe.parse import parse
from tunesmith.recipe.schema import Data

JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890"}', bytes(range(32)))
)
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq2\n" * 3 + "-----END RSA PRIVATE KEY-----"

SECRETS = {
    "email": [
        "bob@example.com", "Mary.Ann+list@mail.example.co.uk", "x_1%y@a-b.io", "BOB@EXAMPLE.ORG",
    ],
    "phone": [
        "+44 20 7946 0958", "+14155550123", "+49 (0)30 1234567", "0049 30 1234567", "(713) 345-6687", "(503)464-7790",
        "713-345-6687", "408.390.5291", "1-800-555-0199", "13800138000", "138 0013 8000", "86-13800138000",
        "0571-88888888", "010-12345678", "020 7946 0958", "07700 900123", "06 12 34 56 78", "06.12.34.56.78",
        "03-1234-5678", "(020) 7946 0958",
    ],
    "card": [
        "4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "3782 822463 10005",
        "6011111111111117", "3530111333300000", "30569309025904",
    ],
    "iban": [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "NO9386011117947",
        "FR1420041010050500013M02606",
    ],
    "key": [
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2c3D4e5F6" * 3, "github_pat_" + "11ABCDEFG0abcdefghij_" * 3,
        "xoxb-123456789012-abcdefABCDEF", "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2", "sk-" + "q7w8e9r0t1y2" * 3,
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "hf_" + "aBcDeFgHiJkLmNoPq" * 2,
        "glpat-a1B2c3D4e5F6g7H8i9J0", JWT, PEM,
    ],
}  # fmt: skip
LOOK_ALIKES = [
    # addresses
    "@bob and @mary.ann", "bob @ home", "icon@2x.png", "git@github.com:bob/tool.git", "lodash@4.17.21", "a@b", "x@y.1",
    "@bob@social.example",
    # dates, sums, versions, measures, numbers of other things
    "2024-03-31", "31.03.2024 10:15", "03/31/2024 12:30:45", "1,234,567,890", "12 000 000 000", "1.2.3.4567",
    "192.168.100.200", "978-3-16-148410-0", "0-306-40615-2", "order 113542617735902", "invoice 00004587345",
    "1617235200", "1617235200123", "48.858370, 2.294481", "+48.858370", "122.4194155", "3.14159265358979", "200-300",
    "0900-1700", "0317-8471", "123-45-6789", "100 200 3000", "713-345-66871", "A713-345-6687", "20240331123045",
    "1-2-3-4-5-6-7-8-9-10", "123e4567-e89b-12d3-a456-426614174000", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    # checksums that do not fit
    "4111111111111112", "4111 1111 1111 1112", "1234567812345670", "4111 111111 111111", "DE89370400440532013001",
    "DE893704004405320130", "XX89370400440532013000", "GB29", "ISO27001 AB12 3456",
    # names and placeholders of keys
    "sk-learn", "sk-estimator-html-representation", "sk-2024-tutorial-for-beginners-01", "ghp_" + "x" * 36, "xoxo-hugs",
    "AKIA", "AKIAXXXXXXXXXXXXXXXX", "eyJ is how a token begins", "eyJub3RoaW5n.eyJub3RoaW5n.bm90aGluZ25vdGhpbmc",
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQ\n-----END PUBLIC KEY-----", "hf_transformers",
    # Chinese and other letters
    "2024年03月31日", "价格12345678元", "٠١٢٣٤٥٦٧٨٩٠",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "secret"), [(kind, one) for kind, them in SECRETS.items() for one in them])
def test_secrets_are_found_to_the_letter(kind: str, secret: str) -> None:
    for around in ("{}", "Write {}, or wait.", "[{}]", "请联系{}谢谢", 'x="{}".', "it is:{}"):
        text = around.format(secret)
        assert [(one.kind, text[one.start : one.end]) for one in find_secrets(text)] == [(kind, secret)], around


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_looks_like_a_secret_is_none(text: str) -> None:
    assert [find_secrets(around.format(text)) for around in ("{}", "See {} there.", "({})", "这是{}吗")] == [[]] * 4


def test_what_is_asked_for_alone_is_found() -> None:
    text = "bob@example.com, 4111111111111111"
    assert [one.kind for one in find_secrets(text, ("email",))] == ["email"]
    assert find_secrets("4111111111111111", ("phone",)) == []


@given(st.integers(10**14, 10**15 - 1).map(str))
def test_one_digit_fits_the_luhn_check(number: str) -> None:
    fitting = [digit for digit in "0123456789" if is_luhn(number + digit)]
    doubled = sum((2 * int(digit) - 9 * (int(digit) > 4)) for digit in number[::-2])
    plain = sum(map(int, number[-2::-2]))
    assert fitting == [str(-(doubled + plain) % 10)]


@given(st.integers(0, 10**18 - 1))
def test_one_pair_of_check_digits_fits_an_iban(account: int) -> None:
    digits = 98 - int(f"{account:018d}131400") % 97  # D is 13, E is 14
    fitting = [check for check in range(2, 99) if is_iban(f"DE{check:02d}{account:018d}")]
    assert fitting == [digits]


# --- masks -------------------------------------------------------------------------------------------------------

PIECES = [one for them in SECRETS.values() for one in them]


@given(st.lists(st.tuples(st.sampled_from(["Hi. ", "so ", "你好 "]), st.sampled_from(PIECES)), max_size=5))
def test_masked_texts_hold_nothing_and_the_rest_stays(parts: list[tuple[str, str]]) -> None:
    masked = mask("; ".join(before + secret for before, secret in parts))
    assert find_secrets(masked.text) == []
    assert [before for before, _ in parts] == [part.rpartition("[")[0] for part in masked.text.split("; ") if part]
    for one in masked.secrets:
        start, end = masked.place(one.start, one.end)
        assert masked.text[start:end] == f"[{one.kind.upper()}]"


def test_places_move_with_the_masks() -> None:
    masked = mask("Ask bob@example.com, Ann or 713-345-6687 at noon.")
    assert masked.text == "Ask [EMAIL], Ann or [PHONE] at noon."
    assert masked.place(0, 3) == (0, 3)
    assert masked.place(4, 7) == (4, 11)  # a part of what was masked is all of it
    ann, noon = masked.place(21, 24), masked.place(44, 48)
    assert (masked.text[slice(*ann)], masked.text[slice(*noon)]) == ("Ann", "noon")


# --- tasks -------------------------------------------------------------------------------------------------------


def read(tmp_path: Path, rows: Sequence[dict[str, Any]], task: str, **data: Any) -> Prepared:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return prepare(Data(train=str(path), **data), task)


def found(findings: Sequence[Finding], code: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.code == code]
    return finding


CHAT = [{"prompt": f"Question {n}?", "response": f"Answer {n}."} for n in range(8)]
CHAT[2] = {"prompt": "Who is bob@example.com?", "response": "Call him: 713-345-6687 or 713-345-6688."}
CHAT[5] = {"prompt": "My card?", "response": "4111 1111 1111 1111"}


def test_secrets_are_warned_of_with_rows_and_counts(tmp_path: Path) -> None:
    finding = found(inspect(read(tmp_path, CHAT, "chat")).findings, "K177")
    assert (finding.severity, finding.rows, finding.count) == ("warning", (3, 6), 2)
    assert finding.message == "2 rows hold 2 phone numbers, 1 e-mail address, 1 card number."
    assert finding.remedy == "Mask them: --set data.redact='[card, email, phone]'"
    assert "bob" not in str(finding)


def test_secrets_of_a_dialogue_are_masked_in_all_turns(tmp_path: Path) -> None:
    prepared = read(tmp_path, CHAT, "chat", redact=("all",))
    rows = prepared.files["train"]
    assert rows.messages[2] == (Message("user", "Who is [EMAIL]?"),)
    assert rows.texts[0][2] == "Who is [EMAIL]?"
    assert (rows.targets[2], rows.targets[5]) == ("Call him: [PHONE] or [PHONE].", "[CARD]")
    masked = found(prepared.findings, "K178")
    assert masked.message == "2 phone numbers, 1 e-mail address, 1 card number masked in 2 rows."
    assert (masked.severity, masked.rows) == ("note", (3, 6))
    assert "K177" not in {finding.code for finding in inspect(prepared).findings}
    some = read(tmp_path, CHAT, "chat", redact=("email",))
    assert found(inspect(some).findings, "K177").message == "2 rows hold 2 phone numbers, 1 card number."


def test_every_split_is_masked(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({"source": "From bob@example.com", "target": "bob@example.com wrote"}) + "\n")
    rows = [{"source": f"Mail {n}", "target": f"Note {n}"} for n in range(8)]
    loaded_rows = read(tmp_path, rows, "seq2seq", test=str(path), redact=("email",))
    assert loaded_rows.files["test"].texts == (["From [EMAIL]"],)
    assert loaded_rows.files["test"].targets == ["[EMAIL] wrote"]
    data = Data(train=str(tmp_path / "rows.jsonl"), test=str(path), redact=("email",))
    loaded = load_splits(data, task="seq2seq", seed=1)
    assert [example.target for example in loaded.splits.test] == ["[EMAIL] wrote"]
    assert found(loaded.findings, "K178").source == "test.jsonl"


def test_texts_with_classes_are_masked_and_labels_are_not(tmp_path: Path) -> None:
    rows = [{"text": f"Write to bob{n}@example.com today", "label": ["a@example.com", "b"][n % 2]} for n in range(20)]
    prepared = read(tmp_path, rows, "classify", redact=("email",))
    assert set(prepared.files["train"].texts[0]) == {"Write to [EMAIL] today"}
    assert set(prepared.files["train"].targets) == {"a@example.com", "b"}
    assert found(inspect(read(tmp_path, rows, "classify")).findings, "K177").severity == "note"


def test_spans_and_words_move_with_the_masks(tmp_path: Path) -> None:
    text = "Ask bob@example.com or Ann."
    rows = [{"text": text, "spans": [[4, 7, "WHO"], [4, 19, "WHO"], [23, 26, "WHO"]]}]
    rows = read(tmp_path, rows * 3, "tag", redact=("email",)).files["train"]  # type: ignore[assignment]
    assert rows.texts[0][0] == "Ask [EMAIL] or Ann."  # type: ignore[attr-defined]
    assert rows.targets[0] == (Span(4, 11, "WHO"), Span(15, 18, "WHO"))  # type: ignore[attr-defined]


def test_words_that_one_mask_covers_become_one(tmp_path: Path) -> None:
    tokens = ["Call", "+44", "20", "7946", "0958", "or", "Ann"]
    rows = [{"tokens": tokens, "tags": ["O", "B-TEL", "I-TEL", "I-TEL", "I-TEL", "O", "B-WHO"]}] * 3
    got = read(tmp_path, rows, "tag", redact=("phone",)).files["train"]
    text = got.texts[0][0]
    assert text == "Call [PHONE] or Ann"
    assert [text[start:end] for start, end in got.words[0]] == ["Call", "[PHONE]", "or", "Ann"]
    assert got.targets[0] == (Span(5, 12, "TEL"), Span(16, 19, "WHO"))


def test_answers_move_with_the_masks(tmp_path: Path) -> None:
    context = "Write to bob@example.com, who sits in Norland."
    rows = [{"question": "Where is bob@example.com?", "context": context, "answers": answers}
            for answers in (["Norland"], ["bob@example.com"], ["nowhere@example.com"])]  # fmt: skip
    got = read(tmp_path, rows, "answer", redact=("email",), on_bad_row="keep").files["train"]
    assert got.texts[1][0] == "Write to [EMAIL], who sits in Norland."
    assert set(got.texts[0]) == {"Where is [EMAIL]?"}
    assert got.targets == [(Answer("Norland", 30),), (Answer("[EMAIL]", 9),), (Answer("[EMAIL]", None),)]
    assert got.texts[1][0][30:37] == "Norland"


def test_the_recipe_takes_a_list_of_kinds() -> None:
    recipe = parse({"data": {"train": "rows.csv"}}, sets=("data.redact=[email, key]",))
    assert recipe.data.redact == ("email", "key")
    with pytest.raises(InputError, match="K203"):
        parse({"data": {"train": "rows.csv"}}, sets=("data.redact=[mail]",))
