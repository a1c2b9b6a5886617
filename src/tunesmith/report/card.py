"""The model card: what the model is for, what it learnt from, how good it is, and what is not known.

A card is published with the model, so it quotes no row of the data: the worst errors stay in the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from tunesmith.core.report_schema import ReportData, Scores
from tunesmith.report import words
from tunesmith.report.card_use import how_to_load
from tunesmith.report.strongest import baseline_title
from tunesmith.runs.files import replace_file

_HUB_METRICS = {
    "accuracy": "accuracy", "macro_f1": "f1", "weighted_f1": "f1", "micro_f1": "f1", "samples_f1": "f1",
    "mcc": "matthews_correlation", "roc_auc": "roc_auc", "pearson": "pearsonr", "spearman": "spearmanr",
    "mae": "mae", "subset_accuracy": "accuracy", "span_f1": "f1", "span_precision": "precision",
    "span_recall": "recall", "answer_f1": "f1", "exact_match": "exact_match", "chrf": "chrf", "bleu": "bleu",
    "rouge_1": "rouge", "rouge_2": "rouge", "rouge_l": "rouge", "perplexity": "perplexity",
}  # fmt: skip
"""Our metrics → the hub's names; what has none there is left out of the front matter."""

_PIPELINES = {
    "tag": "token-classification", "answer": "question-answering", "embed": "sentence-similarity",
    "seq2seq": "text2text-generation", "chat": "text-generation",
    "masked": "fill-mask",
}  # fmt: skip
"""Task → what the hub calls it; the others are text classification."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$])")
_SPLITS: tuple[Literal["train", "dev", "test"], ...] = ("train", "dev", "test")
_BREAKS = re.compile(r"[ \t\r\n\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")
_SMALL_TEST = 200
_FEW_ROWS = 20
_MOST_LABELS = 30


def write_card(report: Mapping[str, Any], path: str | Path) -> None:
    """Write `report` (`core.report_schema.ReportData`) as a model card.

    Args:
        report: the content of `report.json`; what is missing is said to be unknown.
        path: of the file to write, such as `RUN/README.md`.

    Raises:
        RunError: The disk is full or refuses.
    """
    replace_file(Path(path), render_card(report).encode("utf-8", errors="replace"))


def render_card(report: Mapping[str, Any]) -> str:
    """Return the card as text: YAML front matter, then Markdown."""
    known = cast(ReportData, words.present(report))
    parts = [f"# {escape(known.get('run', 'Model'))}", escape(known.get("verdict") or "")]
    for title, write in _SECTIONS:
        lines = [line for line in write(known) if line]
        if lines:
            parts += [f"## {title}", "\n\n".join(lines)]
    return f"---\n{_front_matter(known)}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def escape(text: object) -> str:
    """Return `text` as one line of Markdown in which nothing from the data is markup."""
    return _SPECIAL.sub(r"\\\1", _one_line(text))


def _one_line(text: object) -> str:
    """Return `text` without line breaks; `str.split` would also eat the narrow space before a percent sign."""
    return _BREAKS.sub(" ", str(text)).strip()


def _code(text: object) -> str:
    """Return `text` as code; a backtick in it would end the code, so it becomes an apostrophe."""
    return f"`{_one_line(text).replace('`', chr(39))}`"


def _front_matter(report: ReportData) -> str:
    """The licence is the base model's, for the weights derive from it; an unknown one, as the language, is left out."""
    licence = (report.get("model") or {}).get("licence")
    task = report.get("task")
    named = (_HUB_METRICS.get(metric) for metric in report.get("test") or report.get("dev") or {})
    metrics = list(dict.fromkeys(name for name in named if name))
    content: dict[str, Any] = {
        "license": licence.lower() if licence else None,
        "library_name": "sentence-transformers" if task == "embed" else "transformers",
        "pipeline_tag": _PIPELINES.get(task or "", "text-classification"),
        "tags": ["tunesmith", *([task] if task else [])],
        "metrics": metrics or None,
    }
    kept = {key: value for key, value in content.items() if value is not None}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


def _intended_use(report: ReportData) -> list[str]:
    labels = report.get("labels") or []
    shown = ", ".join(map(_code, labels[:_MOST_LABELS]))
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    task = report.get("task", "")
    does = {
        "classify": f"It gives a text one of {len(labels)} labels: {shown}{more}.",
        "multilabel": f"It gives a text any number of {len(labels)} labels: {shown}{more}.",
        "pair": f"It gives two texts one of {len(labels)} labels: {shown}{more}." if labels else "It rates two texts.",
        "regress": "It gives a text (or a pair of texts) a number.",
        "tag": f"It marks spans of {words.rows(len(labels), 'kind')} in a text: {shown}{more}.",
        "answer": "It finds the answer to a question in a text that is given with it: a stretch of that text"
        f"{_or_none(report)}. It writes nothing of its own.",
        "embed": "It gives a text a vector; texts that belong together have a high cosine. Use it to search, to match "
        "and to find near-duplicates.",
        "seq2seq": "It writes a text from a text. What it writes may be wrong and sound right: have it checked where "
        "that matters.",
        "chat": "It writes the next turn of a dialogue. What it writes may be wrong and sound right: have it checked "
        "where that matters.",
        "masked": "It has gone on being pretrained, on running text, and says nothing of a row by itself: other models "
        "are trained from it.",
    }.get(task, "")
    return [
        does if labels or task in ("regress", "pair", "answer", "embed", "seq2seq", "chat", "masked") else "",
        "It is meant for texts like those it was trained and tested on. On other topics, languages, times or sources "
        "its scores are unknown: test it there first.",
    ]


def _or_none(report: ReportData) -> str:
    """Whether there are questions without an answer shows in the figure that only they have."""
    scores = report.get("test") or report.get("dev") or {}
    return ", or says that there is none" if words.main_score(scores, "answered_accuracy") else ""


def _data(report: ReportData) -> list[str]:
    data = report.get("data") or {}
    weak = data.get("weak")
    sizes = [f"{words.count(size)} {name}" for name in _SPLITS if isinstance(size := data.get(name), int)]
    files = [_code(Path(file.get("path") or name).name) for name, file in (data.get("files") or {}).items()]
    findings = [item for item in data.get("findings") or [] if item.get("severity") != "note"]
    lines = [
        f"Rows: {', '.join(sizes)}." if sizes else "How many rows it was trained on is not recorded.",
        f"It learnt from {words.count(weak)} rows more, whose labels nobody has checked." if weak else "",
        f"Files: {', '.join(files)}; their hashes are in `lock.json`." if files else "",
        escape((report.get("protocol") or {}).get("text") or ""),
    ]
    if findings:
        lines.append("Noticed in the data before training:")
        lines.append(
            "\n".join(f"- {item.get('code', '')} {escape(item.get('message', ''))}".strip() for item in findings)
        )
    return [*lines, "Where the texts came from, who labelled them and in which language they are is not recorded here."]


def _training(report: ReportData) -> list[str]:
    model, speed = report.get("model") or {}, report.get("speed") or {}
    facts = [
        ("Base model", model.get("name")),
        ("Licence of the base model", model.get("licence") or "unknown"),
        ("Parameters", words.count(model["parameters"]) if "parameters" in model else None),
        ("Parameters trained", words.count(model["trained_parameters"]) if "trained_parameters" in model else None),
        ("Head", model.get("head")),
        ("Pattern", model.get("pattern")),
        (
            "Words at the start",
            ", ".join(f"{name}: {word}" for name, word in (model.get("words") or {}).items()) or None,
        ),
        ("Precision", model.get("precision")),
        ("Tokens per text", f"at most {model['max_tokens']}" if "max_tokens" in model else None),
        ("Training time", words.duration(speed["train_seconds"]) if "train_seconds" in speed else None),
        ("Recipe digest", report.get("recipe_digest")),
    ]
    return ["\n".join(f"- {name}: {escape(value)}" for name, value in facts if value is not None)]


def _scores(report: ReportData) -> list[str]:
    metric = report.get("metric", "")
    test, dev = report.get("test") or {}, report.get("dev") or {}
    split, scores = ("test", test) if test else ("dev", dev)
    known = {name: score for name, score in scores.items() if "value" in score}
    if not known:
        return ["No score is recorded."]
    lines = [
        _rows_sentence(report, split, known),
        _table(
            ["Figure", "Value", "95\u202f% interval"],
            [
                [
                    words.metric_name(name).title,
                    words.figure(name, score["value"]),
                    words.interval(name, score) or "unknown",
                ]
                for name, score in known.items()
            ],
        ),
    ]
    beside = [
        [baseline_title(report, name), words.figure(metric, score["value"]), words.interval(metric, score) or "unknown"]
        for name, baseline in (report.get("baselines") or {}).items()
        if (score := words.main_score(baseline.get("scores"), metric)) is not None
    ]
    if not beside:
        return [*lines, "No baseline was measured, so whether a simpler model would do as well is unknown."]
    return [
        *lines,
        "The simpler models on the same rows:",
        _table(["Baseline", words.metric_name(metric).title, "95\u202f% interval"], beside),
    ]


def _rows_sentence(report: ReportData, split: str, known: Scores) -> str:
    n = max((score.get("n", 0) for score in known.values()), default=0)
    where = f"On {words.rows(n)} of the {split} split" if n else f"On the {split} split"
    if split == "test" and (report.get("protocol") or {}).get("name") == "folds":
        on = words.rows(n) if n else "all rows"
        where = f"On {on}, each predicted by a model that had not seen it (cross-validation)"
    bounds = ", with 95\u202f% bootstrap intervals" if any("low" in score for score in known.values()) else ""
    flatter = " Dev rows also chose the step that was kept, so these figures flatter." if split == "dev" else ""
    return f"{where}{bounds}.{flatter}"


def _limits(report: ReportData) -> list[str]:
    """What the figures themselves say against the model, and what nobody looked at."""
    forgotten = (report.get("forgetting") or {}).get("verdict") or ""
    limits = [*_unbeaten(report), *_shaky(report), *map(escape, report.get("notes") or [])]
    limits += [escape(forgotten)] if forgotten else []
    ruled = ((report.get("knowledge") or {}).get("compared") or {}).get("verdict")
    limits += [f"Rules of its makers vote beside it. {escape(ruled)}"] if ruled else []
    limits += _glossary(report)
    wished = ((report.get("selective") or {}).get("wish") or {}).get("verdict")
    limits += [escape(wished)] if wished else []
    if not report.get("calibration") and not report.get("answers") and not words.predicts_numbers(report):
        limits.append("Whether its probabilities can be believed was not measured.")
    limits.append(
        "Fairness between groups of people, robustness to attacks, and texts from outside its domain were not examined."
    )
    return ["\n".join(f"- {limit}" for limit in limits)]


def _glossary(report: ReportData) -> list[str]:
    """What a model does not do where it is loaded without tunesmith."""
    found = (report.get("knowledge") or {}).get("glossary") or {}
    done = {
        "reads aliases as their terms": found.get("aliases"),
        "puts definitions behind texts": found.get("definitions"),
    }
    does = " and ".join(what for what, counts in done.items() if any((counts or {}).values()))
    return [f"With tunesmith it {does}; transformers alone does not."] if does else []


def _unbeaten(report: ReportData) -> list[str]:
    """The baselines that the model was not shown to beat."""
    said = []
    for name, test in ((report.get("comparison") or {}).get("against") or {}).items():
        title = escape(baseline_title(report, name))
        if test.get("outcome") == "baseline better":
            said.append(f"On the test rows a simpler model is better: {title}.")
        elif test.get("outcome", "tuned better") != "tuned better":
            said.append(f"The test rows cannot tell it from a simpler model: {title}.")
    return said


def _shaky(report: ReportData) -> list[str]:
    said = []
    score = words.main_score(report.get("test"), report.get("metric", ""))
    if score is not None and score.get("n", _SMALL_TEST) < _SMALL_TEST:
        said.append(f"It was tested on {words.rows(score['n'])} only; the intervals above are wide.")
    if not report.get("test"):
        said.append("No test split was measured.")
    few = [item["label"] for item in report.get("per_class") or [] if item.get("support", _FEW_ROWS) < _FEW_ROWS]
    if few:
        names = ", ".join(map(escape, few[:10])) + (f" and {len(few) - 10} more" if len(few) > 10 else "")
        things = f"{words.nouns(report).thing}s"
        said.append(f"Fewer than {_FEW_ROWS} test {things}, so no firm figure of their own: {names}.")
    never = [item["label"] for item in report.get("per_class") or [] if item.get("f1") == 0.0 and item.get("support")]
    if never:
        said.append(f"Never recognised in the test: {', '.join(map(escape, never[:10]))}.")
    return said


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([escape(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_SECTIONS: tuple[tuple[str, Callable[[ReportData], list[str]]], ...] = (
    ("Intended use", _intended_use),
    ("Scores", _scores),
    ("Data", _data),
    ("Training", _training),
    ("Limits", _limits),
    ("How to load it", how_to_load),
)
