"""Records as annotation tools write them → flat rows with a text and its spans."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def flat_record(value: Any) -> Any:
    """Return a record of spaCy (`[text, {"entities": …}]`) or Label Studio as a flat row, anything else as it is.

    Of several annotations of one text, the first that was not cancelled counts; `annotations` says how many there are.

    Example:
        >>> flat_record(["Hi Bo", {"entities": [[3, 5, "PER"]]}])
        {'text': 'Hi Bo', 'entities': [[3, 5, 'PER']]}
    """
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
        return {"text": value[0], **value[1]}
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        done = value.get("annotations", value.get("completions"))
        if isinstance(done, list) and all(isinstance(item, dict) for item in done):
            return _studio_row(value, [item for item in done if not item.get("was_cancelled")])
    return value


def _studio_row(value: Record, annotations: list[Record]) -> Record:
    row = {"id": value["id"]} if "id" in value else {}
    row |= value["data"]
    row["annotations"] = len(annotations)
    row["spans"] = None
    if annotations:
        found = annotations[0].get("result", [])
        row["spans"] = [item for item in found if isinstance(item, dict) and item.get("type") in (None, "labels")]
    return row
