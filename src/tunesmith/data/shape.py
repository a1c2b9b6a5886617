"""Which task the columns speak of, where nobody has said it."""

from __future__ import annotations

from tunesmith.data.arrays import column_texts, is_list
from tunesmith.data.chatcolumns import shows_chat
from tunesmith.data.profile import profile_columns
from tunesmith.data.questions import ROLES as QUESTION_ROLES
from tunesmith.data.questions import are_questions
from tunesmith.data.roles import usual_column
from tunesmith.data.table import Table
from tunesmith.data.tagcolumns import find_marks
from tunesmith.recipe.schema import Data

ANCHORS = ("anchor", "query", "question", "texta", "sentence1")
CHANGE = "change that with --task"
SAMPLE_ROWS = 200


def task_of(table: Table, data: Data, task: str) -> tuple[str, str]:
    """Return the task, and the sentence that says why where it was a guess.

    `auto` becomes tag, answer, embed or chat where the columns leave no doubt, and stays `auto` otherwise: what the
    labels mean is then read off the labels.

    Args:
        table: the train rows.
        data: for the columns that are named.
        task: as asked for.
    """
    if task != "auto":
        return task, ""
    if data.tokens or data.tags or data.spans:
        return "tag", ""
    if data.question or data.context or data.answers:
        return "answer", ""
    if data.negative:
        return "embed", ""
    if data.source or data.target:
        return "seq2seq", ""
    if data.messages or data.prompt or data.response or data.system or data.instruction:
        return "chat", ""
    if data.label or data.text_a or data.text_b:
        return "auto", ""
    if not data.text and (why := shows_chat(table)):
        return "chat", f"The task is chat, since {why}; {CHANGE}."
    if marks := find_marks(table, data):
        return "tag", f"The task is tag, since {marks}; {CHANGE}."
    if not data.text and are_questions(table) and _stand_in_context(table):
        return "answer", f"The task is answer, since there are questions, contexts and answers; {CHANGE}."
    if not data.text and _are_triplets(table):
        return "embed", f"The task is embed, since there are texts, and others that belong to them or do not; {CHANGE}."
    return "auto", ""


def _stand_in_context(table: Table) -> bool:
    """Return whether most answers are words of their context: "yes" to a question about a passage is a class."""
    names = {role: usual_column(table.columns, usual) for role, usual in QUESTION_ROLES.items()}
    context, answers = names["context"], names["answers"]
    assert context is not None
    assert answers is not None
    sample = table.data.slice(0, SAMPLE_ROWS)
    if is_list(sample[answers]):
        return True
    pairs = [
        (answer.strip(), text)
        for answer, text in zip(column_texts(sample[answers]), column_texts(sample[context]), strict=True)
        if answer.strip()
    ]
    standing = sum(answer[0] in "[{" or answer.casefold() in text.casefold() for answer, text in pairs)
    return bool(pairs) and standing * 2 > len(pairs)


def _are_triplets(table: Table) -> bool:
    anchor, positive = usual_column(table.columns, ANCHORS), usual_column(table.columns, ("positive",))
    negative = usual_column(table.columns, ("negative",))
    if not (anchor and positive and (negative or "".join(anchor.lower().split()) == "anchor")):
        return False
    profiles = profile_columns(table)
    return all(profiles[name].is_prose for name in (anchor, positive, negative) if name)
