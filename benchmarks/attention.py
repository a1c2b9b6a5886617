"""How many tokens a second are trained with and without dropout of attention weights, by the length of the window.

    python benchmarks/attention.py                         # minilm
    python benchmarks/attention.py e5-small --repeats 9    # a known model or a folder
    python benchmarks/attention.py --windows 16x12 16x64   # other rows and tokens of a batch

One thread; forward and backward of a model that answers questions, with frozen embeddings. Prints tokens per second of
processor time, which counts this process alone: the median over the repeats, and the least and the most. The ways
take turns within a repeat, so that what slows the machine slows them all. `plain` is attention written out product by
product, `fused` the kernel of torch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from cells import TEST_MODELS

WINDOWS = ("16x32", "8x128", "8x256", "8x384")
"""Rows and tokens of a batch."""
WAYS = (("plain", "eager", None), ("fused", "sdpa", None), ("plain", "eager", 0.0), ("fused", "sdpa", 0.0))
"""What it is called, what transformers calls it, and the dropout: None is what the model came with."""


def opened(folder: Path, way: str, dropout: float | None) -> Any:
    """Return the model, ready to be trained."""
    from tunesmith.core.task import HeadSpec
    from tunesmith.models.load import load_model

    model: Any = load_model(folder, HeadSpec("question_answering", ()), seed=0, attention_dropout=dropout).model
    model.set_attn_implementation(way)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("embeddings" not in name)
    return model.train()


def speed(model: Any, rows: int, tokens: int) -> float:
    """Return tokens per second of processor time of one step."""
    import torch

    ids = torch.randint(1000, 20_000, (rows, tokens), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    start = time.process_time()
    found = model(input_ids=ids, attention_mask=mask)
    (found.start_logits.logsumexp(1).sum() + found.end_logits.logsumexp(1).sum()).backward()
    model.zero_grad()
    return rows * tokens / (time.process_time() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="minilm")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--windows", nargs="+", default=WINDOWS, metavar="ROWSxTOKENS")
    chosen = parser.parse_args()
    import torch

    from tunesmith.models.sources import resolve_model

    torch.set_num_threads(1)
    own = TEST_MODELS / chosen.model
    folder = own if own.is_dir() else resolve_model(chosen.model)
    models = [opened(folder, way, dropout) for _, way, dropout in WAYS]
    print(f"{chosen.model}, torch {torch.__version__}, one thread, {chosen.repeats} repeats: tokens per second")
    titles = (f"{name}, {'dropout' if dropout is None else 'no dropout'}" for name, _, dropout in WAYS)
    print("rows x tokens  " + "".join(f"{title:>24}" for title in titles))
    for rows, tokens in (map(int, window.split("x")) for window in chosen.windows):
        for model in models:
            speed(model, rows, tokens)  # the first step also makes buffers
        found = [[speed(model, rows, tokens) for model in models] for _ in range(chosen.repeats)]
        cells = (f"{statistics.median(way):.0f} ({min(way):.0f} to {max(way):.0f})" for way in zip(*found, strict=True))
        print(f"{rows:>4} x {tokens:<8}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
