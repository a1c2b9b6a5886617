"""The part of the card that shows how the model is loaded: code that runs as it stands, from the run folder."""

from __future__ import annotations

from tunesmith.core.report_schema import ReportData
from tunesmith.report import words

_PAIR_ROLES = frozenset({"text_a", "text_b"})


def how_to_load(report: ReportData) -> list[str]:
    """Return the paragraphs for tunesmith and for transformers; `.` is the folder that the card stands in."""
    columns = (report.get("data") or {}).get("columns") or {}
    is_pair = report.get("task") == "pair" or not _PAIR_ROLES.isdisjoint(columns)
    said = (
        "The pipeline gives the probability of every label; the thresholds that decide are in `model/tunesmith.json`."
    )
    return [
        "With tunesmith, from this folder:",
        f"```sh\n{_command(is_pair)}\n```",
        "With transformers:",
        f"```python\n{_pipeline(report, is_pair)}\n```",
        said if report.get("task") == "multilabel" else "",
    ]


def _command(is_pair: bool) -> str:
    many = "tunesmith predict . --data rows.csv --out predictions.csv"
    return many if is_pair else f'tunesmith predict . "a text"\n{many}'


def _pipeline(report: ReportData, is_pair: bool) -> str:
    """A head of our own is registered by importing tunesmith; the one of the architecture needs nothing."""
    options = ""
    if words.predicts_numbers(report):
        options = ', function_to_apply="none"'
    elif report.get("task") == "multilabel":
        options = ", top_k=None"
    text = '{"text": "the first text", "text_pair": "the second"}' if is_pair else '"a text"'
    head = (report.get("model") or {}).get("head") or "pooled"
    needs = ["import tunesmith  # registers the head"] if head.startswith("pooled") else []
    return "\n".join(
        [
            *needs,
            "from transformers import pipeline",
            "",
            f'predict = pipeline("text-classification", model="model"{options})',
            f"predict({text})",
        ]
    )
