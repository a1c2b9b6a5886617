"""What tests of strategies share: a tiny model with rows to learn, general texts, and a plain loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tunesmith.core.batch import Batch, Objective
from tunesmith.core.example import TextExample
from tunesmith.core.strategy import Progress, Setup, Strategy
from tunesmith.engine.objective import compose, task_objective, window_gradient
from tunesmith.models.load import load_model, load_tokenizer
from tunesmith.tasks.classify import Classify
from tunesmith.text.batching import Collator, padding_id
from tunesmith.text.windows import Encoder

GENERAL = ("the day was odd", "a good book", "that film seems poor", "our trip felt fine", "so strange a song", "dire")


@dataclass
class Bench:
    """A model of three classes in double precision, six rows of uneven weight, and what a strategy may look at."""

    folder: Path
    task: Any
    features: Sequence[Any]
    collate: Collator
    setup: Setup

    def model(self, seed: int = 1) -> nn.Module:
        """The same model at each call, without dropout in evaluation mode."""
        return load_model(self.folder, self.task.head(), seed=seed).model.double()

    def batch(self, rows: slice = slice(None)) -> Batch:
        return self.collate(self.features[rows])

    def ready(self, *strategies: Strategy, setup: Setup | None = None) -> tuple[nn.Module, Objective]:
        """A prepared model and the objective around it."""
        model = self.model()
        for strategy in strategies:
            model = strategy.prepare(model, setup or self.setup)
        return model, compose(task_objective(model, self.task), strategies, model)

    def gradient(self, model: nn.Module, objective: Objective, cuts: Sequence[int] = ()) -> torch.Tensor:
        """Of one step, over all weights, its rows cut into micro-batches."""
        model.zero_grad()
        edges = [0, *cuts, len(self.features)]
        micro = [self.batch(slice(a, b)) for a, b in pairwise(edges)]
        window_gradient(objective, micro, model, [], lambda loss: loss.backward())
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    def train(self, strategies: Sequence[Strategy], steps: int, kill: int | None = None) -> dict[str, torch.Tensor]:
        """The weights after some steps; with `kill`, in two trainings with a checkpoint between them."""
        kept: dict[str, Any] = {}
        for first, last in ((0, kill), (kill, steps)) if kill else ((0, steps),):
            model, objective = self.ready(*strategies)
            optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
            if kept:
                model.load_state_dict(kept["model"])
                for strategy, state in zip(strategies, kept["strategies"], strict=True):
                    strategy.restore(state)
            for step in range(first, last):
                for strategy in strategies:
                    strategy.on_progress(Progress(step / steps, step, float(step)), model)
                model.train()
                torch.manual_seed(step)
                window_gradient(objective, [self.batch()], model, strategies, lambda loss: loss.backward())
                optimizer.step()
                optimizer.zero_grad()
            kept = {
                "model": {n: p.detach().clone() for n, p in model.state_dict().items()},
                "strategies": [s.state() for s in strategies],
            }
        return kept["model"]


@pytest.fixture
def bench_of(rows: list[tuple[str, str]]) -> Callable[[Path], Bench]:
    weights = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0]
    examples = [
        TextExample(id=str(i), source=f"row {i}", text=text + " very" * i, target=label, weight=weights[i])
        for i, (text, label) in enumerate(rows[::16][:6])
    ]
    task = Classify().fit(examples)

    def build(folder: Path) -> Bench:
        tokenizer, _ = load_tokenizer(folder)
        encoder = Encoder(tokenizer, 32)
        features = encoder.encode(examples, task.target)
        collate = Collator(padding_id(tokenizer), task.head().problem, tokenizer.padding_side)

        def encode(texts: Sequence[str]) -> Batch:
            plain = [TextExample(id=str(at), source="general text", text=text) for at, text in enumerate(texts)]
            return collate(replace(encoder, layout="row").encode(plain))

        setup = Setup(
            task, np.array([task.target(e) for e in examples]), lambda model: torch.zeros(6, 16), 11, folder,
            [e.text for e in examples], GENERAL, encode, lambda: iter([collate(features)]), rows=6,
            tokens=lambda: set(range(len(tokenizer))),
        )  # fmt: skip
        return Bench(folder, task, features, collate, setup)

    return build


@pytest.fixture
def bench(tiny: Path, bench_of: Callable[[Path], Bench]) -> Bench:
    """Of a body without a language head."""
    return bench_of(tiny)


@pytest.fixture
def head_bench(with_head: Path, bench_of: Callable[[Path], Bench]) -> Bench:
    """Of a checkpoint with its masked-LM head."""
    return bench_of(with_head)
