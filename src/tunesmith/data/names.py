"""What columns are usually called."""

from __future__ import annotations

import re
from collections.abc import Iterable

TEXT = ({"text"}, {
    "review", "content", "sentence", "message", "question", "tweet", "comment", "body", "document", "utterance",
    "query", "post", "sms", "statement", "input", "reviewtext", "abstract", "email", "ticket", "feedback", "texts",
    "string", "passage", "quote",
})  # fmt: skip
"""Names of the text column: those that settle it, and those that do where only one of them is there."""
WEAK_TEXT = {"title", "headline", "summary", "description", "subject", "answer", "article", "context"}
LABEL = ({"label", "labels"}, {
    "class", "category", "sentiment", "intent", "target", "stars", "score", "rating", "topic", "emotion", "y",
    "polarity", "gold", "tag", "classification", "similarity", "grade", "labelled", "classes", "categories", "topics",
    "tags", "intents", "emotions", "quality", "verdict",
})  # fmt: skip
NUMERIC = {"score", "rating", "stars", "similarity", "grade", "price", "value", "points"}
"""Label names that often mean a number."""
ID = {"id", "idx", "index", "uuid", "guid", "key", "rowid"}
OTHERS = {"premise", "hypothesis", "tokens", "spans", "entities", "answers", "anchor"}
PAIRS = (
    ("premise", "hypothesis"), ("question", "answer"), ("query", "passage"), ("query", "document"),
    ("question", "passage"), ("question", "sentence"), ("claim", "evidence"), ("source", "target"),
)  # fmt: skip
SIDES = (("1", "2"), ("a", "b"), ("left", "right"), ("one", "two"), ("first", "second"))


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column name in lower case.

    Example:
        >>> words_of("#1 String"), words_of("airline_sentiment"), words_of("reviewText"), words_of("sentence2")
        (('1', 'string'), ('airline', 'sentiment'), ('review', 'text'), ('sentence', '2'))
    """
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


def head_word(name: str) -> str:
    """Return the word that says what a column is: the last one."""
    words = words_of(name)
    return words[-1] if words else ""


def is_known(name: str) -> bool:
    """Return whether `name` is one that columns of text, labels or ids usually have."""
    if len(name) > 40 or len(words_of(name)) > 3:
        return False
    words = [word for word in words_of(name) if word not in {side for sides in SIDES for side in sides}]
    known = TEXT[0] | TEXT[1] | WEAK_TEXT | LABEL[0] | LABEL[1] | ID | OTHERS
    return (bool(words) and "".join(words) in known) or (len(words) > 1 and "_" in name and words[-1] in known)


def pair_of(names: Iterable[str]) -> tuple[str, str] | None:
    """Return the two columns whose names say that they are two sides of one pair.

    Example:
        >>> pair_of(["Quality", "#1 String", "#2 String"])
        ('#1 String', '#2 String')
        >>> pair_of(["premise", "hypothesis", "label"])
        ('premise', 'hypothesis')
    """
    by_words = {words_of(name): name for name in names}
    for words, name in by_words.items():
        for one, two in SIDES:
            for place, word in enumerate(words):
                other = (*words[:place], two, *words[place + 1 :])
                if word == one and other in by_words:
                    return name, by_words[other]
    for left, right in PAIRS:
        if (left,) in by_words and (right,) in by_words:
            return by_words[left,], by_words[right,]
    return None
