"""What it saves that predictions on a CPU take few tokens at once, and keep the memory of a batch for the next.

    python benchmarks/predicting.py
    python benchmarks/predicting.py --rounds 8 --cells sst2:200 imdb_1k:40

One thread, seconds of the processor. The same texts are predicted four ways in turn, with batches of 64 rows or of so
many tokens as `engine.infer.IN_CACHE` allows, with memory kept or given back; the first round is not counted. Prints
the median and the range of the ratio to batches of 64 rows with memory given back, and how many labels differ. minilm
with a head that is hardly trained; texts are cut at 256 tokens. Needs `../shared/data` beside the project.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from cells import middle
from rows import read, write

CELLS = ("sst2:200", "ag_news:128", "imdb_1k:40")
LABELS = ("good", "bad")


@contextmanager
def as_before(few: bool, kept: bool) -> Iterator[None]:
    """Let predictions do without one idea or both."""
    from tunesmith.engine import infer

    tokens, heap = infer.IN_CACHE, infer.kept_heap
    infer.IN_CACHE = tokens if few else 10**9
    infer.kept_heap = heap if kept else nullcontext
    try:
        yield
    finally:
        infer.IN_CACHE, infer.kept_heap = tokens, heap


def bundle_of(folder: Path) -> Any:
    """Return a model with a head of two classes."""
    import tunesmith

    rows = [{"text": f"{label} thing {at}", "label": label} for at in range(40) for label in LABELS]
    recipe = {
        "data": str(write(folder / "rows.csv", rows)), "model": "minilm", "strategies": [], "text": {"max_tokens": 256},
        "stop": {"steps": 2, "refit": False},
        "evaluate": {"forgetting": "off", "baselines": [], "folds": 0, "resamples": 10},
    }  # fmt: skip
    return tunesmith.load(tunesmith.train(recipe, folder=folder / "run").folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=CELLS, metavar="DATA:ROWS")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    ways = {"before": (False, False), "few tokens": (True, False), "memory kept": (False, True), "both": (True, True)}
    print("| rows | few tokens at once | memory kept | both | labels that differ |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        bundle = bundle_of(Path(place))
        for data, _, count in (cell.partition(":") for cell in chosen.cells):
            texts = [row["text"] for row in read(data, "test")][: int(count)]
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            labels = {}
            for _ in range(chosen.rounds + 1):
                for name, way in ways.items():
                    with as_before(*way):
                        began = time.process_time()
                        labels[name] = [answer.label for answer in bundle.predict(texts)]
                        seconds[name].append(time.process_time() - began)
            shares = [
                middle([a / b for a, b in zip(seconds[name], seconds["before"], strict=True)][1:])
                for name in list(ways)[1:]
            ]
            differ = sum(a != b for a, b in zip(labels["both"], labels["before"], strict=True))
            print(f"| {count} of {data} | {' | '.join(shares)} | {differ} |", flush=True)


if __name__ == "__main__":
    main()
