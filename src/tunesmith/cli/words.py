"""Results and events in lines of plain text; nothing here prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]

_TEXTS = ("text", "text_a", "text_b", "question")
"""The keys of a prediction that its line shows; a context is too long for one."""


def event_lines(event: Event) -> list[str]:
    """Return what an event of a training says beside its steps."""
    kind = event["kind"]
    if kind == "dev":
        return [f"{event['stage']}: {dev_text(event)}"]
    if kind == "finding":
        return finding_lines(event.get("finding", event))
    return [str(event["text"])] if event.get("text") else []


def step_text(event: Event) -> str:
    """Return `epoch 1.4/8  step 30/160  loss 0.412  5,210 tokens/s  1 min 5 s left`, as far as it is known."""
    from tunesmith.report.words import count, duration

    parts = [
        _of("epoch", event.get("epoch"), event.get("epochs"), ".1f"),
        _of("step", event.get("step"), event.get("steps"), "d"),
    ]
    if event.get("loss") is not None:
        parts.append(f"loss {event['loss']:.3f}")
    if event.get("tokens_per_second"):
        parts.append(f"{count(event['tokens_per_second'])} tokens/s")
    if event.get("seconds_left") is not None:
        parts.append(f"{duration(event['seconds_left'])} left")
    return "  ".join(part for part in parts if part)


def dev_text(event: Event) -> str:
    """Return `dev macro-F1 81.2% (kept)`."""
    from tunesmith.report.words import figure, metric_name

    if event.get("score") is None:
        return ""
    metric = event["metric"]
    kept = " (kept)" if event.get("kept") else ""
    return f"dev {metric_name(metric).title} {narrow(figure(metric, event['score']))}{kept}"


def finding_lines(finding: Mapping[str, Any]) -> list[str]:
    """Return a finding in the form of a fault: code, place, message, and the remedy on a line of its own."""
    rows = list(finding.get("rows") or ())
    where = str(finding.get("source") or "")
    if rows:
        more = (finding.get("count") or len(rows)) - len(rows[:8])
        where += f" row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:8]))}"
        where += f" and {more:,} more" if more > 0 else ""
    head = f"{finding['code']} {finding['severity']}" + (f" {where.strip()}" if where.strip() else "")
    remedy = finding.get("remedy")
    return [f"{head}: {finding['message']}", *([f"     {remedy}"] if remedy else [])]


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Return rows of cells in columns as wide as they need; the columns in `right` are set to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def report_lines(report: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Yield the end of a training: tuned and baselines on the same rows, the verdict, and where things are."""
    from tunesmith.report.words import metric_name, rows

    metric = str(report.get("metric") or next(iter(report.get("test") or {"": 0})))
    entries = {"tuned model": report.get("test") or {}}
    for name, baseline in (report.get("baselines") or {}).items():
        entries[baseline.get("title") or name] = baseline.get("scores") or {}
    measured = entries["tuned model"].get(metric) or {}
    on = f" on {rows(measured['n'])}" if measured.get("n") else ""
    yield f"{metric_name(metric).title}{on}, with 95 % intervals:"
    yield from score_table({name: {metric: scores.get(metric) or {}} for name, scores in entries.items()})
    verdict = report.get("verdict") or (report.get("comparison") or {}).get("verdict")
    if verdict:
        yield ""
        yield str(verdict)
    ruled = ((report.get("knowledge") or {}).get("compared") or {}).get("verdict")
    if ruled:
        yield narrow(str(ruled))
    for line in (report.get("knowledge") or {}).get("ablation") or ():
        yield narrow(str(line["sentence"]))
    wished = ((report.get("selective") or {}).get("wish") or {}).get("verdict")
    if wished:
        yield narrow(str(wished))
    forgotten = (report.get("forgetting") or {}).get("verdict")
    if forgotten:
        yield narrow(str(forgotten))
    yield ""
    yield from (f"  {name:<8}{folder}/{file}" for name, file in (("report", "report.html"), ("model", "model")))
    asked = {
        "answer": f'predict {folder} "question" "context"', "chat": f"chat {folder}",
        "masked": f"train data.csv --model {folder}/model",
    }  # fmt: skip
    yield "  next    tunesmith " + asked.get(str(report.get("task")), f'predict {folder} "…"')


def narrow(text: str) -> str:
    """Return `text` with ordinary spaces and minus signs, which every terminal and every encoding has."""
    return text.replace("\u202f", " ").replace("\u2212", "-").replace("–", " to ")


def score_table(columns: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return a line per name and metric: value and interval, in the words of the report."""
    from tunesmith.report.words import figure, interval, metric_name

    several = len({metric for scores in columns.values() for metric in scores}) > 1
    lines = []
    for name, scores in columns.items():
        for metric, score in scores.items():
            known = score.get("value") is not None
            value = narrow(figure(metric, score["value"])) if known else "-"
            bounds = narrow(interval(metric, score)) if known else ""  # type: ignore[arg-type]
            label = ["  " + name, metric_name(metric).title] if several else ["  " + name]
            lines.append([*label, value, f"[{bounds}]" if bounds else ""])
    return table(lines, right=[len(lines[0]) - 2]) if lines else []


def prediction_line(row: Mapping[str, Any], width: int = 80) -> str:
    """Return `label  97.1%  text` for one prediction.

    Spans stand in their text, `the [Glide 2](PRODUCT 98%) lost`; an answer stands before its question; of pairs there
    is the number and both texts, of vectors the size and the text. What was written stands in one line.
    """
    if "spans" in row and "answer" not in row:
        return _marked(str(row["text"]), row["spans"], width)
    said = [str(row[name]) for name in _TEXTS if name in row] or [str(t["content"]) for t in row.get("messages", ())]
    text = " ".join(" | ".join(said).split())
    text = text if len(text) <= width else text[: width - 1] + "…"
    if "written" in row:
        return f"{' '.join(str(row['written']).split())}\t{text}"
    if "vector" in row:
        return f"vector of {len(row['vector'])} numbers\t{text}"
    if "answer" in row:
        said = row["answer"]
        return "\t".join(["(no answer)", "-", text] if said is None else [" ".join(said.split()), _sure(row), text])
    label = row["label"]
    if isinstance(label, int | float) and not isinstance(label, bool):
        return f"{label:.4g}\t{text}"
    name = ", ".join(label) if isinstance(label, list | tuple) else str(label)
    return f"{name}\t{_sure(row)}{'' if row.get('sure', True) else ' unsure'}\t{text}"


def _sure(row: Mapping[str, Any]) -> str:
    return f"{100 * row['score']:.1f}%"


def _marked(text: str, spans: Sequence[Mapping[str, Any]], width: int) -> str:
    """Return the text in one line with its spans in brackets; of longer stretches without one, only the ends."""
    parts, at = [], 0
    for span in spans:
        parts += [
            _short(text[at : span["start"]], width),
            f"[{text[span['start'] : span['end']]}]({span['label']} {100 * span['score']:.0f}%)",
        ]
        at = span["end"]
    return " ".join("".join([*parts, _short(text[at:], width)]).split())


def _short(text: str, width: int) -> str:
    half = width // 2
    return text if len(text) <= width else f"{text[: half - 1]} … {text[-half + 2 :]}"


def _of(name: str, value: float | None, total: float | None, form: str) -> str:
    if value is None:
        return ""
    return f"{name} {format(value, form)}" + (f"/{format(total, 'g')}" if total else "")
