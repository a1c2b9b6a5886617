from __future__ import annotations

import pytest

from tunesmith.tasks.labels import spoken


@pytest.mark.parametrize(
    "label, said",
    [
        ("card_arrival", "card arrival"), ("refund-not-showing-up", "refund not showing up"), ("a/b.c", "a b c"),
        ("CompareOrContrast", "compare or contrast"), ("HTTPError", "HTTP error"), ("NASA", "NASA"),
        ("Rechnung", "Rechnung"), ("C++", "C++"), ("C#", "C#"), ("A-", "A-"), ("<=50K", "<=50K"), ("हिन्दी", "हिन्दी"),
        ("கலை_தமிழ்", "கலை தமிழ்"), ("cafe\u0301", "cafe\u0301"), ("天气", "天气"), ("__x__", "x"),
        ("two words", "two words"),
    ],
)  # fmt: skip
def test_labels_as_one_would_say_them(label: str, said: str) -> None:
    assert spoken(label) == said
