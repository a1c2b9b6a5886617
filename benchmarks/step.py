"""What each idea saves of a training step: the same steps with one more of them each time, in turn.

    python benchmarks/step.py                         # 16 rows of 24 and of 96 tokens
    python benchmarks/step.py 16x256 --precision bf16 --compile
    python benchmarks/step.py 16x48 --rounds 20

One thread; minilm with a head, random tokens of a vocabulary of 3,000, forward, backward, clipping and AdamW; over 128
tokens no dropout of attention weights, which a fused kernel computes. Prints milliseconds of processor time of a step,
median with least and most, and its ratio to the step with one idea less. `--compile` ends with blocks that
`torch.compile` has made for changing lengths, which needs a C++ compiler.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from cells import middle

SHAPES = ("16x24", "16x96")
TOKENS = 3000
SHORT = 128
"""Tokens up to which attention weights have dropout."""
COLD, COUNTED = 1, 2
"""Steps of a turn that are left out, since memory is fetched in them, and those that count."""
COMPILED = "blocks compiled, with dropout of their own"


def stepper(
    rows: int, tokens: int, precision: str, *, cut: bool = False, compiled: bool = False
) -> Callable[[], float]:
    """Return a function that takes a step and returns its seconds."""
    import torch
    from transformers import AutoModelForSequenceClassification

    from tunesmith.models.sliced import sliced
    from tunesmith.models.sources import resolve_model

    torch.manual_seed(0)
    attention = {} if tokens <= SHORT else {"attention_probs_dropout_prob": 0.0}
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        resolve_model("minilm"), attn_implementation="sdpa" if attention else "eager", dtype=torch.float32, **attention
    )
    model.train()
    if cut:
        sliced(model, range(TOKENS))
    if compiled:
        for block in model.bert.encoder.layer:
            block.compile(dynamic=True)
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    ids = torch.randint(TOKENS, (rows, tokens))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.zeros(rows, dtype=torch.long)}

    def step() -> float:
        start = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return time.process_time() - start

    return step


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=SHAPES, metavar="ROWSxTOKENS")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--compile", action="store_true")
    chosen = parser.parse_args()
    from tunesmith.engine.attention import wide_attention
    from tunesmith.engine.dropout import cheap_dropout
    from tunesmith.engine.heap import kept_heap

    ways: dict[str, list[Callable[[], AbstractContextManager[None]]]] = {
        "as transformers has it": [],
        "embeddings of 3,000 tokens": [],
        "memory that stays": [kept_heap],
        "cheap dropout": [kept_heap, cheap_dropout],
    }
    if chosen.precision == "bf16":
        ways["attention in fp32"] = [kept_heap, cheap_dropout, wide_attention]
    if chosen.compile:
        ways[COMPILED] = [kept_heap, wide_attention]
    print("| rows x tokens | with one more each time | ms of a step | of the one before |\n|---|---|---|---|")
    for rows, tokens in (map(int, shape.split("x")) for shape in chosen.shapes):
        plain, cut = (stepper(rows, tokens, chosen.precision, cut=flag) for flag in (False, True))
        compiled = stepper(rows, tokens, chosen.precision, cut=True, compiled=True) if chosen.compile else cut
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(chosen.rounds):
            for at, (name, held) in enumerate(ways.items()):
                step = compiled if name == COMPILED else cut if at else plain
                with ExitStack() as around:
                    for hold in held:
                        around.enter_context(hold())
                    taken[name].append(statistics.mean([step() for _ in range(COLD + COUNTED)][COLD:]))
        before: list[float] = []
        for name, found in taken.items():
            ratios = [a / b for a, b in zip(found, before, strict=False)]
            shown = middle([1e3 * seconds for seconds in found], ".0f")
            print(f"| {rows} x {tokens} | {name} | {shown} | {middle(ratios) if ratios else ''} |", flush=True)
            before = found


if __name__ == "__main__":
    main()
