"""Data larger than memory: what a training of many rows takes, stage by stage: python benchmarks/large.py [--rows N].

A CSV of short texts is made (seeded), and a process of its own trains on it for 50 steps: read, checked and split, then
tokenised, then trained, tested and reported. Peaks are those of resident memory, mapped files counted in. Few rows are
judged and fitted on, since it is not the model that is measured; `--judged` says how many.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 5_000_000
STEPS = 50
JUDGED = 500
LABELS = ["billing", "delivery", "returns", "account", "praise", "other"]
AT_ONCE = 50_000
END = {"tokens": "read, check, split", "fitted": "tokenise", "select": "load the model", "last": f"{STEPS} steps"}
"""What happened → the stage that ended with it."""


def write(path: Path, rows: int, words: list[str]) -> None:
    """Write texts of 10 to 18 words, drawn by Zipf's law, about 110 characters long."""
    draws = np.random.default_rng(7)
    shares = 1 / (np.arange(len(words)) + 2)
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for start in range(0, rows, AT_ONCE):
            sizes = draws.integers(10, 19, min(AT_ONCE, rows - start))
            stream = draws.choice(len(words), sizes.sum(), p=shares / shares.sum()).tolist()
            labels = draws.integers(0, len(LABELS), len(sizes)).tolist()
            for label, end, size in zip(labels, np.cumsum(sizes).tolist(), sizes.tolist(), strict=True):
                file.write(f"{' '.join(words[word] for word in stream[end - size : end])},{LABELS[label]}\n")


def words_of(model: str) -> list[str]:
    """Return the whole words in the vocabulary of a model."""
    from tunesmith.models.load import load_tokenizer
    from tunesmith.models.sources import resolve_models

    vocabulary = load_tokenizer(resolve_models(model)[0])[0].get_vocab()
    return sorted(word for word in vocabulary if re.fullmatch("[a-z]{2,}", word))


class Watch:
    """Notes the seconds and the peak memory of each stage that ends."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.processor = time.process_time()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take an event of a training."""
        if event["kind"] == "say" and "okenis" in event["text"]:
            print(event["text"], flush=True)
            self.end("tokens" if event["text"].startswith("Tokenising") else "fitted")
        elif event["kind"] == "stage":
            self.end("select")
        elif event["kind"] == "step" and event["step"] == STEPS:
            self.end("last")

    def end(self, what: str) -> None:
        """Print what the stage took that ends with `what`, and begin the next."""
        seconds, processor = time.perf_counter() - self.began, time.process_time() - self.processor
        stage = {"stage": END.get(what, what), "seconds": round(seconds, 1), "processor_seconds": round(processor, 1)}
        print(json.dumps({**stage, "peak_mb": _status("VmHWM"), "kept_mb": _status("VmRSS")}), flush=True)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        self.began, self.processor = time.perf_counter(), time.process_time()


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None, "Linux says so"
    return int(found[1]) >> 10


def measure(path: str, model: str, judged: int) -> None:
    """Train on a file in this process, and print what it took."""
    from tunesmith.jobs.train import train

    watch = Watch()
    evaluate = {"dev_rows": judged, "test_rows": judged, "baseline_rows": judged, "forgetting": "off"}
    recipe = {"model": model, "data": {"train": path}, "stop": {"steps": STEPS}, "evaluate": evaluate}
    train(recipe, folder=Path(path).parent / "run", progress=watch)
    watch.end("judge, compare, report")


def main() -> None:
    from tunesmith.models.sources import resolve_model

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--judged", type=int, default=JUDGED)
    parser.add_argument("--file", help="train on this file in this process instead")
    options = parser.parse_args()
    if options.file:
        measure(options.file, options.model, options.judged)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        write(path, options.rows, words_of(options.model))
        print(f"{options.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
        environment["TUNESMITH_CACHE"] = folder
        again = [sys.executable, __file__, "--file", str(path), "--model", str(resolve_model(options.model))]
        # A process of its own, so that making the file does not count as memory.
        subprocess.run([*again, "--judged", str(options.judged)], check=True, env=environment)


if __name__ == "__main__":
    main()
