"""Measure an epoch of a training whose lowest blocks are frozen, with what they give kept and without.

    python benchmarks/prefix.py                          # minilm on sst2, four of six blocks frozen, and all six
    python benchmarks/prefix.py --data medical_abstracts --tokens 256 --rows 128
    python benchmarks/prefix.py --precision fp32 --pairs 9

One thread, seconds of the processor. Three trainings of the same rows take turns, an epoch each: the frozen blocks with
dropout, as they are where nothing is known of them; without it, computed in every epoch (`cache_frozen: false`); and
without it, kept. The first epoch, in which memory is fetched and rows are computed, is told apart. Prints the median
and the range of the later ones, and of the ratio of epochs that stand beside each other. Needs `../shared/data` beside
the project.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import argparse
import time
from collections.abc import Iterator
from typing import Any

from cells import middle
from rows import read

WAYS = ("with dropout", "computed", "kept")


def training(
    name: str, rows: list[dict[str, str]], frozen: int, way: str, precision: str, tokens: int, epochs: int
) -> Iterator[float]:
    """Train, yielding the seconds of the processor that each epoch took."""
    import torch

    from tunesmith.core.example import TextExample
    from tunesmith.engine.device import Device, choose_precision
    from tunesmith.engine.loop import Schedule, State, Work, loop
    from tunesmith.engine.objective import task_objective
    from tunesmith.engine.optim import make_optimizer, parameter_groups
    from tunesmith.models.frozen import Frozen
    from tunesmith.models.kept import Kept
    from tunesmith.models.load import load_model
    from tunesmith.models.sources import resolve_model
    from tunesmith.recipe.schema import Batching, Optimizer
    from tunesmith.runs.states import States
    from tunesmith.strategies.freeze import Freeze
    from tunesmith.tasks.classify import Classify
    from tunesmith.text.batching import Batches, Collator, padding_id
    from tunesmith.text.windows import Encoder

    examples = [
        TextExample(id=str(at), source="row", target=row["label"], text=row["text"]) for at, row in enumerate(rows)
    ]
    task = Classify().fit(examples)
    folder = resolve_model(name)
    loaded = load_model(folder, task.head(), seed=0, window=tokens)
    encoder = Encoder(loaded.tokenizer, tokens, "truncate", 0)
    features = encoder.encode(examples, task.target)
    model: Any = Freeze(blocks=frozen).prepare(loaded.model, None)  # type: ignore[arg-type]
    settings = Optimizer(learning_rate=5e-5, head_learning_rate=1e-3)
    device = Device.open(choose_precision(precision))  # type: ignore[arg-type]
    prepared, optimizer = device.prepare(model, make_optimizer(parameter_groups(model, settings, ()), settings))
    if way != WAYS[0]:
        ground = Frozen(model, torch.tensor([list(features[0].inputs["input_ids"])]))
        assert ground.understands(frozen)
        ground.rest(frozen)
        if way == WAYS[2]:
            kept = Kept(lambda inputs: ground.ask(inputs, frozen), States(None, ground.width), features)
            ground.keep(frozen, kept.read)
    collate = Collator(padding_id(loaded.tokenizer), task.head().problem)
    batches = Batches(features, 16, 0)
    last = batches.per_epoch * epochs
    work = Work(
        batches, collate, task_objective(prepared, task), (), device, settings, Batching(),
        Schedule(last, last, last), 0,
    )  # fmt: skip
    steps = loop(work, State(prepared, optimizer))
    for _ in range(epochs):
        start = time.process_time()
        for _ in range(batches.per_epoch):
            next(steps)
        yield time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--data", default="sst2")
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--frozen", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args()
    import torch

    from tunesmith.engine.device import choose_precision

    torch.set_num_threads(1)
    rows = read(chosen.data, "train")[: chosen.rows]
    print(
        f"{chosen.model} on {len(rows)} rows of {chosen.data}, at most {chosen.tokens} tokens, batches of 16, "
        f"{choose_precision(chosen.precision)}, torch {torch.__version__}, one thread, {chosen.pairs} epochs each"
    )
    print("| frozen blocks | way | first epoch, s | later epochs, s | of `computed` |\n|---|---|---|---|---|")
    for frozen in chosen.frozen:
        runs = [
            training(chosen.model, rows, frozen, way, chosen.precision, chosen.tokens, chosen.pairs + 1)
            for way in WAYS
        ]  # fmt: skip
        found = [[next(run) for run in runs] for _ in range(chosen.pairs + 1)]
        for at, way in enumerate(WAYS):
            later = [epoch[at] for epoch in found[1:]]
            ratios = [epoch[at] / epoch[1] for epoch in found[1:]]
            print(
                f"| {frozen} | {way} | {found[0][at]:.2f} | {middle(later)} | {middle(ratios, '.3f')} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
