"""The gradient of a step: exact under accumulation, windows pooled, penalties counted once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.example import TextExample
from tunesmith.core.strategy import Strategy
from tunesmith.engine.objective import compose, run_model, task_objective, window_gradient
from tunesmith.engine.units import mean_by
from tunesmith.models.load import load_model
from tunesmith.tasks.classify import Classify
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder


@pytest.fixture
def parts(tiny: Path, rows: list[tuple[str, str]]) -> tuple[nn.Module, Classify, list, Collator]:
    weights = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0]
    examples = [
        TextExample(id=str(i), source=f"row {i}", text=text + " very" * i, target=label, weight=weights[i])
        for i, (text, label) in enumerate(rows[::16][:6])
    ]
    task = Classify().fit(examples)
    loaded = load_model(tiny, task.head(), seed=1)
    features = Encoder(loaded.tokenizer, 32).encode(examples, task.target)
    return loaded.model.eval().double(), task, features, Collator(0, task.head().problem)


def gradient(model: nn.Module, objective: Objective, micro: list[Batch], strategies: list[Strategy]) -> torch.Tensor:
    model.zero_grad()
    window_gradient(objective, micro, model, strategies, lambda loss: loss.backward())
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def test_micro_batches_of_uneven_size_give_the_gradient_of_the_whole_batch(parts) -> None:
    model, task, features, collate = parts
    objective = task_objective(model, task)
    whole = gradient(model, objective, [collate(features)], [])
    split = gradient(model, objective, [collate(features[:5]), collate(features[5:])], [])
    assert torch.allclose(whole, split, atol=1e-7)
    mean_of_means = torch.stack(
        [gradient(model, objective, [collate(part)], []) for part in (features[:5], features[5:])]
    ).mean(0)
    assert not torch.allclose(whole, mean_of_means, atol=1e-4), "the test could not fail"


def test_a_penalty_counts_once_a_step_however_many_micro_batches(parts) -> None:
    model, task, features, collate = parts

    class Norm(Strategy):
        def wrap(self, objective: Objective, model: nn.Module) -> Objective:
            def wrapped(batch: Batch) -> Loss:
                loss = objective(batch)
                loss.penalty = sum((p**2).sum() for p in model.parameters())
                return loss

            return wrapped

    objective = compose(task_objective(model, task), [Norm()], model)
    whole = gradient(model, objective, [collate(features)], [])
    split = gradient(model, objective, [collate(features[:2]), collate(features[2:4]), collate(features[4:])], [])
    assert torch.allclose(whole, split, atol=1e-7)


def test_after_backward_adds_the_gradient_of_another_pass(parts) -> None:
    model, task, features, collate = parts

    class Twice(Strategy):
        def after_backward(self, backward, model: nn.Module, batch: Batch) -> None:
            backward(batch)

    objective = task_objective(model, task)
    once = gradient(model, objective, [collate(features)], [])
    assert torch.allclose(gradient(model, objective, [collate(features)], [Twice()]), 2 * once, atol=1e-9)


def test_windows_of_one_example_are_averaged() -> None:
    outputs = torch.tensor([[1.0, 3.0], [3.0, 5.0], [7.0, 7.0]])
    pooled = mean_by(outputs, torch.tensor([0, 0, 1]), 2)
    assert pooled.tolist() == [[2.0, 4.0], [7.0, 7.0]]


def test_padding_does_not_change_an_output(parts) -> None:
    model, task, features, collate = parts
    alone = torch.cat([run_model(model, collate([f]), task) for f in features])
    together = run_model(model, collate(features), task)
    assert torch.allclose(alone, together, atol=1e-6)
