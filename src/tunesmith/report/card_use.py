"""The part of the card that shows how the model is loaded: code that runs as it stands, from the run folder."""

from __future__ import annotations

import json

from tunesmith.core.report_schema import ReportData
from tunesmith.report import words

_PAIR_ROLES = frozenset({"text_a", "text_b"})

_MANY = "tunesmith predict . --data rows.csv --out predictions.csv"

_COMMANDS = {
    "answer": f'tunesmith predict . "a question" "the text that holds the answer"\n{_MANY}',
    "masked": "tunesmith train data.csv --model model",
    "embed": 'tunesmith predict . "a text" "another"\n'
    "tunesmith predict . --data rows.csv --text COLUMN --out vectors.parquet",
}
"""Task → what the command line is asked, where that is not one text."""

_PYTHON = {
    "tag": """
import tunesmith

for span in tunesmith.load(".").predict(["a text"])[0].spans:
    print(span.start, span.end, span.text, span.label, span.score)
""",
    "answer": """
import tunesmith

found = tunesmith.load(".").predict([("a question", "the text that holds the answer")])[0]
print(found.label, found.score, found.spans)
""",
    "embed": """
import tunesmith

vectors = tunesmith.load(".").embed(["a text", "another"])
print(vectors @ vectors.T)
""",
}
"""Task → how Python asks, where a prediction is more than a label; vectors have length 1."""

_OTHERS = {
    "tag": """
from transformers import pipeline

predict = pipeline("token-classification", model="model", aggregation_strategy="first")
predict("a text")
""",
    "answer": """
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("model")
model = AutoModelForQuestionAnswering.from_pretrained("model")
question, context = "a question", "the text that holds the answer"
inputs = tokenizer(question, context, truncation="only_second", return_offsets_mapping=True, return_tensors="pt")
offsets = inputs.pop("offset_mapping")[0].tolist()
with torch.no_grad():
    found = model(**inputs)
inside = torch.tensor([part == 1 for part in inputs.sequence_ids(0)])
start, end = (logits[0].masked_fill(~inside, float("-inf")) for logits in (found.start_logits, found.end_logits))
first, last = divmod(int((start[:, None] + end[None, :]).triu().argmax()), len(end))
print(context[offsets[first][0] : offsets[last][1]])
""",
    "masked": """
from transformers import AutoModel, AutoTokenizer

tokenizer, body = AutoTokenizer.from_pretrained("model"), AutoModel.from_pretrained("model")
""",
    "embed": """
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("model")
vectors = model.encode(["a text", "another"])
print(model.similarity(vectors, vectors))
""",
}
"""Task → the same without tunesmith."""

_NOTES = {
    "multilabel": "The pipeline gives the probability of every label; the thresholds that decide are in "
    "`model/tunesmith.json`.",
    "tag": "The pipeline reads one window and takes each word's best tag by itself; tunesmith reads long texts to the "
    "end and gives only legal sequences of tags.",
    "answer": "The code reads one window and always answers; tunesmith reads long texts to the end, keeps answers as "
    "short as those it was trained on, and says where there is none if it was trained to.",
}

_OURS = ("pooled", "pattern")
"""How the names of heads begin that importing tunesmith registers."""

_PATTERN_NOTE = (
    "The model reads a text inside its pattern and answers at the mask token; without one, its scores are NaN. "
    "tunesmith puts a text into the pattern by itself, and shortens the text where both are too long; the pipeline "
    "does neither."
)


_BESIDE_NOTE = (
    "The code for transformers gives what the model says alone; what stands beside it is in `model/knowledge.json`, "
    "and the probability from which an answer is sure in `model/tunesmith.json`."
)


def _threshold(report: ReportData) -> float | None:
    return ((report.get("selective") or {}).get("wish") or {}).get("threshold")


def how_to_load(report: ReportData) -> list[str]:
    """Return the paragraphs for tunesmith and for transformers; `.` is the folder that the card stands in."""
    task = report.get("task", "")
    columns = (report.get("data") or {}).get("columns") or {}
    is_pair = task == "pair" or not _PAIR_ROLES.isdisjoint(columns)
    other = _OTHERS[task].strip() if task in _OTHERS else _pipeline(report, is_pair)
    pattern = (report.get("model") or {}).get("pattern")
    return [
        "With tunesmith, from this folder:",
        f"```sh\n{_COMMANDS.get(task) or _command(is_pair)}\n```",
        f"```python\n{_PYTHON[task].strip()}\n```" if task in _PYTHON else "",
        f"With {'sentence-transformers' if task == 'embed' else 'transformers'}:",
        f"```python\n{other}\n```",
        _PATTERN_NOTE if pattern else _NOTES.get(task, ""),
        _BESIDE_NOTE if {"priors", "knowledge"} & report.keys() or _threshold(report) is not None else "",
    ]


def _command(is_pair: bool) -> str:
    return _MANY if is_pair else f'tunesmith predict . "a text"\n{_MANY}'


def _pipeline(report: ReportData, is_pair: bool) -> str:
    """A head of our own is registered by importing tunesmith; the one of the architecture needs nothing."""
    options = ""
    if words.predicts_numbers(report):
        options = ', function_to_apply="none"'
    elif report.get("task") == "multilabel":
        options = ", top_k=None"
    text = '{"text": "the first text", "text_pair": "the second"}' if is_pair else '"a text"'
    model = report.get("model") or {}
    needs = ["import tunesmith  # registers the head"] if (model.get("head") or "pooled").startswith(_OURS) else []
    given: list[str] = []
    if "pattern" in model:
        given = [f"pattern = {json.dumps(model['pattern'], ensure_ascii=False)}"]
        both = '.replace("{text_a}", "the first text").replace("{text_b}", "the second")'
        text = "pattern" + (both if is_pair else '.replace("{text}", "a text")')
    return "\n".join(
        [
            *needs,
            "from transformers import pipeline",
            "",
            *given,
            f'predict = pipeline("text-classification", model="model"{options})',
            f"predict({text})",
        ]
    )
