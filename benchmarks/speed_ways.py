"""How each side of `speed.py` trains and predicts, each in the process that it is called in."""

from __future__ import annotations

import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from cells import TEST_MODELS, Line
from rows import FILES, Rows, read, write


class Job(NamedTuple):
    """What is trained, by every side alike: one pass over the rows, at the rates of the usual recipe.

    Args:
        data: the shared data set.
        model: known to tunesmith, or a folder of the test models.
        rows: to train on.
        tokens: at most, of a row.
    """

    data: str
    model: str
    rows: int
    tokens: int


JOBS = {
    "sst2": Job("sst2", "minilm", 960, 128),
    "imdb_1k": Job("imdb_1k", "minilm", 240, 256),
    "waimai_10k": Job("waimai_10k", "e5-small", 480, 128),
}
Answer = Callable[[list[str]], list[str]]
"""Texts in, labels out."""
BATCH = 16
AT_ONCE = 32
"""Rows of a batch of those that answer, where they are asked in batches."""
TEST_ROWS = 300
RATE, WARMUP, WEIGHT_DECAY, CLIP = 1e-4, 0.1, 0.01, 1.0
TEXTBOOK_ROWS = 64
"""Rows of the textbook script: each is 512 tokens to it, so that all would take an hour."""


def rows_of(job: Job, seed: int) -> tuple[Rows, Rows]:
    """Return rows to train on and to test on; where there is no train part, the test part is divided."""
    test = read(job.data, "test")
    random.Random(0).shuffle(test)
    try:
        train = read(job.data, "train")
    except FileNotFoundError:
        train, test = test[TEST_ROWS:], test[:TEST_ROWS]
    random.Random(seed).shuffle(train)
    return train[: job.rows], test[:TEST_ROWS]


def folder_of(name: str) -> Path:
    """Return the folder of a model."""
    from tunesmith.models.sources import resolve_model

    own = TEST_MODELS / name
    return own if own.is_dir() else resolve_model(name)


def ours(job: Job, seed: int, note: Callable[[str], None] = lambda part: None) -> Line:
    """Train with tunesmith and return seconds of the processor, tokens and the score; `note` hears of every event."""
    from tunesmith import train
    from tunesmith.recipe.parse import parse

    begun, ended = 0.0, 0.0

    def listen(event: Line) -> None:
        nonlocal begun, ended
        note(event["kind"])
        if event["kind"] == "dev" and event["step"] == 0:
            begun = time.process_time()
        if event["kind"] == "step":
            ended = time.process_time()

    with tempfile.TemporaryDirectory() as place:
        files = [str(write(Path(place) / name, rows)) for name, rows in zip(FILES, rows_of(job, seed), strict=True)]
        recipe = {
            "task": "classify", "model": str(folder_of(job.model)), "seed": seed, "strategies": [],
            "data": {"train": files[0], "dev": files[1], "test": files[1], "text": "text", "label": "label"},
            "text": {"max_tokens": job.tokens, "long": "truncate"}, "batching": {"size": BATCH},
            "optimizer": {
                "learning_rate": RATE, "head_learning_rate": RATE, "warmup": WARMUP, "weight_decay": WEIGHT_DECAY,
                "clip_norm": CLIP,
            },
            "stop": {"epochs": 1, "patience": None, "refit": False, "evaluations_per_epoch": 1},
            "evaluate": {"baselines": [], "forgetting": "off", "resamples": 10},
        }  # fmt: skip
        report = train(parse(recipe), folder=Path(place) / "run", progress=listen).report()
    return {
        "seconds": ended - begun, "tokens": report["speed"]["tokens"], "padding": report["speed"]["padding_share"],
        "score": report["test"]["macro_f1"]["value"], "precision": report["model"]["precision"],
    }  # fmt: skip


def trainer(job: Job, seed: int, *, textbook: bool = False) -> Line:
    """Train with `transformers.Trainer` and return the same.

    At its best: rows are padded to the longest of their batch and grouped by length, in bf16 where that is
    faster, with the fused optimiser. As in the textbook: every row is padded to what the model takes, in fp32.
    """
    import torch
    from sklearn.metrics import f1_score
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from tunesmith.engine.device import fast_bf16

    clock: dict[str, float] = {}

    class Clock(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            clock["begun"] = time.process_time()

        def on_train_end(self, *_: Any, **__: Any) -> None:
            clock["ended"] = time.process_time()

    torch.manual_seed(seed)
    train, test = rows_of(job, seed)
    train = train[:TEXTBOOK_ROWS] if textbook else train
    labels = sorted({row["label"] for row in train})
    folder = folder_of(job.model)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels), dtype=torch.float32)
    how = {"padding": "max_length", "max_length": 512} if textbook else {"max_length": job.tokens}

    def encoded(rows: Rows) -> list[dict[str, Any]]:
        made = tokenizer([row["text"] for row in rows], truncation=True, **how)
        return [
            {**{name: made[name][at] for name in made}, "labels": labels.index(row["label"])}
            for at, row in enumerate(rows)
        ]

    best = {} if textbook else {"train_sampling_strategy": "group_by_length", "bf16": fast_bf16()}
    with tempfile.TemporaryDirectory() as place:
        arguments = TrainingArguments(
            place, use_cpu=True, per_device_train_batch_size=BATCH, per_device_eval_batch_size=64, num_train_epochs=1,
            learning_rate=RATE, warmup_steps=WARMUP, weight_decay=WEIGHT_DECAY, max_grad_norm=CLIP, seed=seed,
            save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, **best,
        )  # fmt: skip
        work = Trainer(
            model, arguments, train_dataset=encoded(train), callbacks=[Clock()],
            data_collator=DataCollatorWithPadding(tokenizer), processing_class=tokenizer,
        )  # fmt: skip
        work.train()
        score = float("nan")
        if not textbook:
            found = work.predict(encoded(test))
            score = f1_score(found.label_ids, found.predictions.argmax(1), average="macro")
    tokens = sum(sum(row["attention_mask"]) for row in encoded(train))
    return {
        "seconds": clock["ended"] - clock["begun"], "tokens": tokens, "score": float(score),
        "precision": "bf16" if best.get("bf16") else "fp32",
    }  # fmt: skip


def predicted(job: Job, repeats: int) -> dict[str, Line]:
    """Return, for every side, seconds of the processor for all test rows and for one, in turns, and the labels."""
    import transformers

    import tunesmith

    if find_spec("onnxruntime") is None or find_spec("onnxscript") is None:
        sys.exit("needs onnxruntime: pip install -r benchmarks/speed.txt")
    with tempfile.TemporaryDirectory() as place:
        rows, test = rows_of(job, 0)
        train, dev = (write(Path(place) / name, part) for name, part in zip(FILES, (rows, test), strict=True))
        recipe = {
            "task": "classify", "model": str(folder_of(job.model)), "text": {"max_tokens": job.tokens},
            "data": {"train": str(train), "dev": str(dev), "test": str(dev), "text": "text", "label": "label"},
            "stop": {"steps": 20, "refit": False},
            "evaluate": {"baselines": [], "forgetting": "off", "resamples": 10},
        }  # fmt: skip
        folder = tunesmith.train(recipe, folder=Path(place) / "run").folder
        bundle, half = tunesmith.load(folder), tunesmith.load(folder, precision="bf16")
        pipe = transformers.pipeline("text-classification", model=str(folder / "model"), device=-1)
        alike = pipe.model, pipe.tokenizer, job.tokens
        cut = {"truncation": True, "max_length": job.tokens}
        texts = [row["text"] for row in test]
        sides: dict[str, Answer] = {
            "ours": lambda of: [p.label for p in bundle.predict(of)],
            "ours in bf16": lambda of: [p.label for p in half.predict(of)],
            "pipeline": lambda of: [p["label"] for p in pipe(of, **cut)],
            "pipeline, batches of 32": lambda of: [p["label"] for p in pipe(of, batch_size=AT_ONCE, **cut)],
            "sentence-transformers": sentence_transformers(*alike, Path(place) / "body"),
            "onnxruntime": onnxruntime(*alike, Path(place) / "model.onnx"),
        }
        found: dict[str, Line] = {name: {"all": [], "one": []} for name in sides}
        for _ in range(repeats):
            for name, answer in sides.items():
                found[name]["labels"] = timed(found[name]["all"], answer, texts)
            for text in texts[:20]:
                for name, answer in sides.items():
                    timed(found[name]["one"], answer, [text])
    return found


def sentence_transformers(model: Any, tokenizer: Any, tokens: int, folder: Path) -> Answer:
    """Return what answers with sentence-transformers: its vectors of texts, then our last layer."""
    import torch
    from sentence_transformers import SentenceTransformer, models

    model.body.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    body = models.Transformer(str(folder), max_seq_length=tokens)
    pooling = models.Pooling(model.config.body.hidden_size, pooling_mode=model.config.pooling)
    encoder = SentenceTransformer(modules=[body, pooling], device="cpu")

    def answer(texts: list[str]) -> list[str]:
        vectors = encoder.encode(texts, batch_size=AT_ONCE, convert_to_tensor=True, show_progress_bar=False)
        with torch.inference_mode():
            return [model.config.id2label[at] for at in model.classifier(vectors).argmax(1).tolist()]

    return answer


def onnxruntime(model: Any, tokenizer: Any, tokens: int, file: Path) -> Answer:
    """Return what answers with onnxruntime on one thread; texts stay in order, padded to the longest of a batch."""
    import numpy as np
    import onnxruntime as ort
    import torch

    sample = tokenizer(["a text", "another text of some words"], padding=True, return_tensors="pt")
    names = ["input_ids", "attention_mask"]
    changing = tuple({0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO} for _ in names)
    torch.onnx.export(
        model.eval(), tuple(sample[name] for name in names), file, input_names=names, output_names=["logits"],
        dynamic_shapes=changing, dynamo=True,
    )  # fmt: skip
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def answer(texts: list[str]) -> list[str]:
        labels: list[str] = []
        for start in range(0, len(texts), AT_ONCE):
            made = tokenizer(
                texts[start : start + AT_ONCE], padding=True, truncation=True, max_length=tokens, return_tensors="np"
            )
            given = {name: made[name].astype(np.int64) for name in names}
            labels += [model.config.id2label[int(at)] for at in session.run(["logits"], given)[0].argmax(1)]
        return labels

    return answer


def timed(into: list[float], answer: Answer, texts: list[str]) -> list[str]:
    """Return the answers, and note the seconds of the processor that they took."""
    start = time.process_time()
    labels = answer(texts)
    into.append(time.process_time() - start)
    return labels


def matrix_peak() -> float:
    """Return the GFLOP/s of a product of minilm's size on one thread, in the number format of training."""
    import torch

    from tunesmith.engine.device import fast_bf16

    kind = torch.bfloat16 if fast_bf16() else torch.float32
    a, b = torch.randn(512, 384, dtype=kind), torch.randn(384, 1536, dtype=kind)
    taken = []
    for _ in range(50):
        start = time.process_time()
        a @ b
        taken.append(time.process_time() - start)
    return 2 * a.shape[0] * b.numel() / statistics.median(taken[10:]) / 1e9


def weights_of(name: str) -> int:
    """Return the weights of the blocks of a model, each of which is used six times a token that is trained."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder_of(name))
    return sum(p.numel() for key, p in model.named_parameters() if "embeddings" not in key and p.ndim > 1)


def peak_mib() -> int:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
