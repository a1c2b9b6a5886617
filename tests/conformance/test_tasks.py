"""Every task of the table on every architecture: trained, saved, loaded, asked, and asked through the library."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.core.example import Span
from tunesmith.core.words import words_of
from tunesmith.errors import InputError
from tunesmith.jobs.train import train
from tunesmith.models.tiny import FAMILIES
from tunesmith.models.tinywriters import WRITERS
from tunesmith.recipe import catalogue
from tunesmith.text import bio

TASKS = sorted(catalogue.TASKS)
WRITE = {"chat": "causal", "seq2seq": "seq2seq"}
"""Tasks whose answer is written → the kind of model that they want."""
WRITING = {task: sorted(name for name, w in WRITERS.items() if w.problem == kind) for task, kind in WRITE.items()}
ON = [(task, family) for task in TASKS for family in WRITING.get(task, sorted(FAMILIES))]
ON += [("masked", family) for family in WRITING["chat"]]
"""Encoders and decoders go on being pretrained."""
ON += [("classify", family) for family in (*WRITING["chat"], "t5", "bart")]
"""Models that write carry heads for whole rows as well."""
ROWS = ("classify", "multilabel", "pair", "regress")
"""Tasks of whole rows, which `pipeline("text-classification")` serves."""
TWO = {"pair": ("text_a", "text_b"), "embed": ("text_a", "text_b"), "answer": ("question", "context")}
DOCS = Path(__file__).parents[2] / "docs" / "tasks"
Trained = Callable[..., Path]


def inputs_of(path: Path, task: str) -> list[Any]:
    """The first twenty rows, as `predict` takes them."""
    with path.open(encoding="utf-8") as file:
        found = list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]
    if task == "chat":
        return [row["messages"][:-1] for row in found[:20]]
    if task == "seq2seq":
        return [row["source"] for row in found[:20]]
    columns = TWO.get(task)
    return [tuple(row[name] for name in columns) if columns else row["text"] for row in found[:20]]


def test_the_table_is_walked() -> None:
    assert set(TASKS) >= {*ROWS, "tag", "answer", "embed", "chat", "seq2seq", "masked"}
    assert {family for task, family in ON if task == "chat"} == {"gpt2", "llama", "qwen2", "gemma3"}
    assert {family for task, family in ON if task == "seq2seq"} == {"t5", "bart", "mbart", "marian", "nllb"}
    assert set(FAMILIES) >= {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "modernbert", "deberta-v2"}


@pytest.mark.parametrize("task", TASKS)
def test_it_has_a_page_and_a_docstring(task: str) -> None:
    assert (DOCS / f"{task}.md").is_file()
    assert len(catalogue.load_entry("tasks", task).__doc__ or "") > 40


@pytest.mark.parametrize("task", TASKS)
def test_its_state_builds_an_equal_task(task: str, trained: Trained) -> None:
    bundle = load_bundle(trained(task))
    again = type(bundle.task).load(bundle.task.state())  # type: ignore[attr-defined]
    assert again == bundle.task


@pytest.mark.parametrize(("task", "family"), ON)
def test_it_trains_saves_and_predicts(task: str, family: str, trained: Trained, tables: dict[str, Path]) -> None:
    bundle = load_bundle(trained(task, family))
    if task == "masked":
        check_start(bundle, family)
        return
    inputs = inputs_of(tables[task], task)
    said = bundle.predict(inputs)
    assert len(said) == 20
    for asked, prediction in zip(inputs, said, strict=True):
        if task == "regress":
            assert -4 < float(prediction.label) < 5  # type: ignore[arg-type]
        elif task == "embed":
            assert -1 <= float(prediction.label) <= 1 + 1e-6  # type: ignore[arg-type]
        elif task in WRITE:
            assert isinstance(prediction.label, str)
        elif task in ("tag", "answer"):
            check_spans(bundle, asked, prediction)
        else:
            assert list(prediction.scores) == list(bundle.labels)
            assert all(0 <= p <= 1 for p in prediction.scores.values())
        if task in ("classify", "pair"):
            assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("task", "family"), [(task, family) for task, family in ON if task != "masked"])
def test_in_half_precision_it_says_nearly_the_same(
    task: str, family: str, trained: Trained, tables: dict[str, Path]
) -> None:
    exact, half = (load_bundle(trained(task, family), precision=kind) for kind in ("fp32", "bf16"))
    inputs = inputs_of(tables[task], task)
    assert torch.bfloat16 in {value.dtype for value in half.model.state_dict().values()}
    if task in WRITE:
        said = half.predict(inputs)
        assert len(said) == 20
        assert all(isinstance(one.label, str) for one in said)
        return
    one, other = (bundle.read(bundle.examples(inputs)).values for bundle in (exact, half))
    assert other.dtype == one.dtype == torch.float32
    assert not torch.equal(one, other), "nothing was computed in half precision"
    assert float((one - other).abs().max()) < 0.05 * float(one.abs().max())


def check_start(bundle: Bundle, family: str) -> None:
    """The library loads the folder as a body and as a language model, and both compute what was trained."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

    kind = AutoModelForCausalLM if family in WRITING["chat"] else AutoModelForMaskedLM
    theirs, told = kind.from_pretrained(bundle.folder, output_loading_info=True)
    assert not told["missing_keys"]
    assert all(".pooler." in name for name in told["unexpected_keys"]), "the pooler of the body is kept for other tasks"
    mine = dict(bundle.model.named_parameters())
    for name, value in theirs.named_parameters():
        assert torch.equal(value, mine[name]), name
    inputs = bundle.encoder.tokenizer("the film was good", return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        assert torch.allclose(theirs.eval()(**inputs).logits, bundle.model(**inputs).logits, atol=1e-6)
        body = AutoModel.from_pretrained(bundle.folder).eval()(**inputs).last_hidden_state
        assert torch.allclose(body, theirs.base_model(**inputs).last_hidden_state, atol=1e-6)
    with pytest.raises(InputError, match="K609"):
        bundle.predict(["the film was good"])


def check_spans(bundle: Bundle, asked: Any, prediction: Any) -> None:
    text = asked if isinstance(asked, str) else asked[1]
    for mention in prediction.spans:
        assert text[mention.start : mention.end] == mention.text != ""
        assert 0 <= mention.score <= 1
    if bundle.task.name == "tag":
        assert prediction.label == tuple(mention.label for mention in prediction.spans)
        assert set(prediction.label) <= set(bundle.labels)
    else:
        assert prediction.label == "".join(mention.text for mention in prediction.spans)


@pytest.mark.parametrize("task", TASKS)
def test_the_report_holds_the_figures_of_the_saved_bundle(task: str, trained: Trained) -> None:
    from tunesmith.jobs.retest import retest
    from tunesmith.runs.store import Run

    report = Run.load(trained(task)).report()
    found = retest(trained(task))
    for name, score in report["test"].items():
        again = float(found.task.metrics()[name](found.task.truth(found.examples), found.answers))
        assert again == pytest.approx(score["value"], abs=1e-6, nan_ok=True)
        assert score["low"] <= score["value"] <= score["high"]
        assert score["n"] == report["data"]["test"] > 0
    assert report["metric"] in report["test"]


# --- what the library says of the same folder --------------------------------------------------------------------

PEER = """
import json, sys, warnings
warnings.simplefilter("ignore")
{first}
from transformers import pipeline

def rows(folder, inputs):
    ask = pipeline("text-classification", folder, top_k=None)
    inputs = [dict(text=t[0], text_pair=t[1]) if isinstance(t, list) else t for t in inputs]
    return [{{s["label"]: s["score"] for s in row}} for row in (ask([i])[0] for i in inputs)]

def tokens(folder, inputs):
    ask = pipeline("token-classification", folder, aggregation_strategy="none", ignore_labels=[])
    return [[{{**t, "score": float(t["score"])}} for t in ask(text)] for text in inputs]

def spans(folder, inputs):
    ask = pipeline("token-classification", folder, aggregation_strategy="first")
    return [[[int(s["start"]), int(s["end"]), s["entity_group"]] for s in ask(text)] for text in inputs]

def vectors(folder, inputs):
    from sentence_transformers import SentenceTransformer
    return SentenceTransformer(folder, device="cpu").encode(inputs).tolist()

print("ANSWER" + json.dumps([globals()[kind](folder, inputs) for kind, folder, inputs in json.load(sys.stdin)]))
"""


def peers_say(jobs: list[tuple[str, Path, list[Any]]], first: str = "") -> list[Any]:
    """Ask `transformers` or `sentence_transformers` in a process that has not imported tunesmith."""
    done = subprocess.run(
        [sys.executable, "-c", PEER.format(first=first)], input=json.dumps([(k, str(f), i) for k, f, i in jobs]),
        capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False,
    )  # fmt: skip
    assert "ANSWER" in done.stdout, done.stderr
    return json.loads(done.stdout.rpartition("ANSWER")[2])  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("head", "first", "tasks"),
    [("own", "", ROWS), ("pooled", "import tunesmith", ("classify", "multilabel", "regress"))],
)
def test_pipeline_gives_the_same_labels_and_probabilities(
    head: str, first: str, tasks: tuple[str, ...], trained: Trained, tables: dict[str, Path]
) -> None:
    asked = {task: inputs_of(tables[task], task) for task in tasks}
    runs = {task: trained(task, head=head) for task in tasks}
    jobs = [("rows", runs[t] / "model", [list(i) if isinstance(i, tuple) else i for i in asked[t]]) for t in tasks]
    for task, theirs in zip(tasks, peers_say(jobs, first), strict=True):
        for mine, row in zip(load_bundle(runs[task]).predict(asked[task]), theirs, strict=True):
            if task == "regress":
                [value] = row.values()
                assert value == pytest.approx(mine.score, abs=1e-4)
            else:
                assert row == pytest.approx(dict(mine.scores), abs=1e-5)
                if task != "multilabel":
                    assert max(row, key=lambda name: row[name]) == mine.label


def tag_texts(tables: dict[str, Path]) -> list[str]:
    """Texts of the data, and some with words that are several tokens."""
    texts: list[str] = inputs_of(tables["tag"], "tag")
    return [*texts, "the film was goodly", "my trips looked unearthly, and nasty", "a bookcase so weird"]


def test_the_token_pipeline_gives_every_word_the_same_tag_and_probability(
    trained: Trained, tables: dict[str, Path]
) -> None:
    texts = tag_texts(tables)
    folders = {family: trained("tag", family) / "model" for family in sorted(FAMILIES)}
    told = peers_say([("tokens", folder, texts) for folder in folders.values()])
    legal = 0
    for (family, folder), of_texts in zip(folders.items(), told, strict=True):
        bundle = load_bundle(folder)
        names = bundle.task.head().labels
        examples = bundle.examples(texts)
        chances = [part.softmax(-1) for part in bundle.read(examples).by_example()]
        for text, mine, tokens, said in zip(texts, chances, of_texts, bundle.predict(texts), strict=True):
            words = words_of(text)
            first = [first_token(tokens, word) for word in words]
            assert [names[int(at)] for at in mine.argmax(-1)] == [token["entity"] for token in first], family
            assert mine.max(-1).values.tolist() == pytest.approx([token["score"] for token in first], abs=1e-5)
            tags = np.array([names.index(token["entity"]) for token in first])
            if is_legal(tags):
                legal += 1
                spans = [span for span, _ in bio.decode(tags, words, bundle.labels)]
                assert spans == [Span(m.start, m.end, m.label) for m in said.spans]
    assert legal > 20, "nothing was compared"


def first_token(tokens: list[dict[str, Any]], word: tuple[int, int]) -> dict[str, Any]:
    """The first token of a word; the mark of a space stands before it."""
    return next(t for t in tokens if t["word"].strip("▁Ġ") and t["start"] < word[1] and t["end"] > word[0])


def is_legal(tags: Any) -> bool:
    """Every I- stands behind the B- or I- of its kind; the tags of `bio.tags_of` by number."""
    return all(tag == 0 or tag % 2 or (at and tags[at - 1] in (tag, tag - 1)) for at, tag in enumerate(tags))


def test_the_token_pipeline_groups_the_same_spans_where_the_likeliest_tags_are_legal(
    trained: Trained, tables: dict[str, Path]
) -> None:
    bundle = load_bundle(trained("tag"))
    texts = inputs_of(tables["tag"], "tag")
    likeliest = [part.argmax(-1).tolist() for part in bundle.read(bundle.examples(texts)).by_example()]
    texts = [text for text, tags in zip(texts, likeliest, strict=True) if is_legal(tags)]
    [told] = peers_say([("spans", bundle.folder, texts)])
    assert told == [[[m.start, m.end, m.label] for m in said.spans] for said in bundle.predict(texts)]
    assert sum(map(len, told)) > 5, "nothing was compared"


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_decoder_without_padding_answers_several_at_once_as_in_a_pipeline(
    family: str, trained: Trained, tables: dict[str, Path]
) -> None:
    from transformers import pipeline

    bundle = load_bundle(trained("classify", family))
    texts = inputs_of(tables["classify"], "classify")
    theirs = pipeline("text-classification", model=str(bundle.folder))(texts, batch_size=8)
    for mine, said in zip(bundle.predict(texts), theirs, strict=True):
        assert mine.label == said["label"]
        assert mine.score == pytest.approx(said["score"], abs=1e-5)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_question_answering_model_gives_the_same_logits_and_answers(
    family: str, trained: Trained, tables: dict[str, Path]
) -> None:
    from transformers import AutoModelForQuestionAnswering

    folder = trained("answer", family) / "model"
    bundle = load_bundle(folder)
    theirs = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    pairs = [
        *inputs_of(tables["answer"], "answer"),
        ("which is nastily so", "a bookcase was odd, my film unearthly"),
    ]
    read = bundle.read(bundle.examples(pairs)).by_example()
    for (question, context), mine, said in zip(pairs, read, bundle.predict(pairs), strict=True):
        encoded = bundle.encoder.tokenizer(question, context, return_offsets_mapping=True, return_tensors="pt")
        offsets = encoded.pop("offset_mapping")[0].tolist()
        names = bundle.encoder.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])
        inside = [at for at, side in enumerate(encoded.sequence_ids(0)) if side == 1 and names[at].strip("▁Ġ")]
        with torch.inference_mode():
            output = theirs(**encoded)
        words = words_of(context)
        of_word = [[at for at in inside if offsets[at][0] < end and offsets[at][1] > start] for start, end in words]
        starts = output.start_logits[0, [0, *(tokens[0] for tokens in of_word)]]
        ends = output.end_logits[0, [0, *(tokens[-1] for tokens in of_word)]]
        assert torch.allclose(mine, torch.stack([starts, ends], 1), atol=1e-4)
        assert said.label == best_answer(context, words, starts.tolist(), ends.tolist(), bundle.task)


def best_answer(context: str, words: Any, starts: list[float], ends: list[float], task: Any) -> str:
    """The best of all stretches, or none."""
    stretches = [(a, b) for a in range(len(words)) for b in range(a, min(len(words), a + task.longest))]
    a, b = max(stretches, key=lambda ab: starts[ab[0] + 1] + ends[ab[1] + 1])
    lead = starts[0] + ends[0] - starts[a + 1] - ends[b + 1]
    return "" if task.none and lead > task.margin else context[words[a][0] : words[b][1]]


@pytest.mark.parametrize("family", WRITING["seq2seq"])
def test_the_library_alone_writes_the_same_texts(family: str, trained: Trained, tables: dict[str, Path]) -> None:
    """With the settings that are saved, and nothing else."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = trained("seq2seq", family) / "model"
    texts = inputs_of(tables["seq2seq"], "seq2seq")
    tokenizer, theirs = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    mine = [found.label for found in load_bundle(folder).predict(texts)]
    for text, said in zip(texts, mine, strict=True):
        ids = theirs.generate(**tokenizer(text, return_tensors="pt"))[0]
        assert tokenizer.decode(ids, skip_special_tokens=True).strip() == said
    assert any(mine), "nothing was compared"


def sentences(tables: dict[str, Path]) -> list[str]:
    return [text for pair in inputs_of(tables["embed"], "embed")[:6] for text in pair] + ["goodly unearthly bookcases"]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_body_with_mean_pooling_gives_the_same_vectors(
    family: str, trained: Trained, tables: dict[str, Path]
) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = trained("embed", family) / "model"
    texts = sentences(tables)
    tokenizer, body = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    for text, mine in zip(texts, load_bundle(folder).embed(texts), strict=True):
        with torch.inference_mode():
            states = body(**tokenizer(text, truncation=True, return_tensors="pt")).last_hidden_state[0]
        vector = states.mean(0) / states.mean(0).norm()
        assert np.allclose(mine, vector.numpy(), atol=1e-5)


def test_sentence_transformers_gives_the_same_vectors(trained: Trained, tables: dict[str, Path]) -> None:
    pytest.importorskip("sentence_transformers", reason="needs the dev extra")
    texts = sentences(tables)
    folders = [trained("embed", family) / "model" for family in sorted(FAMILIES)]
    told = peers_say([("vectors", folder, texts) for folder in folders])
    assert len(told) == len(FAMILIES)
    for folder, theirs in zip(folders, told, strict=True):
        assert np.allclose(load_bundle(folder).embed(texts), np.array(theirs), atol=1e-5)


def test_a_text_longer_than_the_window_is_read_to_its_end_where_windows_are_asked_for(
    tables: dict[str, Path], tmp_path: Path, tiny: Path
) -> None:
    recipe = {
        "task": "classify", "model": str(tiny), "data": {"train": str(tables["classify"])},
        "text": {"long": "window", "max_tokens": 64, "overlap": 2}, "stop": {"epochs": 1, "refit": False},
        "evaluate": {"folds": 0, "resamples": 20, "baselines": []}, "strategies": [],
    }  # fmt: skip
    bundle = load_bundle(train(recipe, folder=tmp_path / "run").folder)
    for words in (100, 20_000):
        start = "so " * (words - 1)
        ends = bundle.answers(bundle.examples([start + "good", start + "bad"]))
        assert not np.array_equal(ends[0], ends[1]), f"the last word of {words} is seen"
