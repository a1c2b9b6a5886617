"""Groups, rates and the schedule."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tunesmith.core.strategy import Progress
from tunesmith.core.task import HeadSpec
from tunesmith.engine.optim import make_optimizer, parameter_groups, rate, set_rate
from tunesmith.engine.stop import Watch, planned_steps
from tunesmith.models.load import load_model
from tunesmith.recipe.schema import Optimizer, Stop
from tunesmith.strategies.freeze import Freeze
from tunesmith.strategies.layerwise_lr import LayerwiseLR

HEAD = HeadSpec("single_label_classification", ("a", "b"))
SETTINGS = Optimizer(learning_rate=1e-4, head_learning_rate=1e-3)


def test_every_trainable_parameter_is_in_exactly_one_group_and_vectors_are_not_decayed(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=0).model
    groups = parameter_groups(model, SETTINGS, [LayerwiseLR(decay=0.5)])
    names = [name for group in groups for name, _ in group["params"]]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    for group in groups:
        for _, parameter in group["params"]:
            assert group["weight_decay"] == (0.01 if parameter.ndim > 1 else 0.0)


def test_layerwise_rates_halve_from_block_to_block(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=0).model
    rates = {
        name: group["lr"]
        for group in parameter_groups(model, SETTINGS, [LayerwiseLR(decay=0.5)])
        for name, _ in group["params"]
    }
    assert rates["classifier.weight"] == 1e-3
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 1e-4
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 5e-5
    assert rates["bert.embeddings.word_embeddings.weight"] == 2.5e-5


def test_frozen_parameters_are_in_no_group(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=0).model
    Freeze(blocks=1, names="pooler").prepare(model, None)  # type: ignore[arg-type]
    names = [name for group in parameter_groups(model, SETTINGS, []) for name, _ in group["params"]]
    assert names
    assert not any("embeddings" in name or "layer.0" in name or "pooler" in name for name in names)


def test_with_all_blocks_frozen_the_head_alone_learns(tiny: Path) -> None:
    model = load_model(tiny, HEAD, seed=0).model
    Freeze(blocks="all").prepare(model, None)  # type: ignore[arg-type]
    names = [name for group in parameter_groups(model, SETTINGS, []) for name, _ in group["params"]]
    assert sorted(names) == ["classifier.bias", "classifier.weight"]


@pytest.mark.parametrize(
    ("schedule", "share", "factor"),
    [("linear", 0.05, 0.5), ("linear", 0.1, 1.0), ("linear", 0.55, 0.5), ("linear", 1.0, 0.0),
     ("cosine", 0.55, 0.5), ("cosine", 1.0, 0.0), ("constant", 0.99, 1.0)],
)  # fmt: skip
def test_the_rate_rises_and_falls(schedule: str, share: float, factor: float) -> None:
    assert rate(share, Optimizer(schedule=schedule, warmup=0.1)) == pytest.approx(factor)  # type: ignore[arg-type]


def test_slanted_is_the_formula_of_its_paper() -> None:
    total, cut_share, ratio = 200, 0.1, 32
    settings = Optimizer(schedule="slanted", warmup=cut_share)
    cut = int(total * cut_share)
    for t in range(total + 1):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_share - 1))
        assert rate(t / total, settings) == pytest.approx((1 + p * (ratio - 1)) / ratio, abs=1e-9), t
    assert rate(1.0, settings) == 1 / 32
    assert rate(0.0, Optimizer(schedule="slanted", warmup=0.0)) == 1.0


def test_one_cycle_is_that_of_torch() -> None:
    steps, peak = 101, 0.3
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=peak)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak, total_steps=steps, pct_start=31 / steps, cycle_momentum=False, div_factor=25,
        final_div_factor=1e4 / 25,
    )  # fmt: skip
    settings = Optimizer(schedule="one_cycle", warmup=0.3)
    for step in range(steps):
        assert peak * rate(step / (steps - 1), settings) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        optimizer.step()
        if step < steps - 1:
            cycle.step()
    assert rate(0.0, settings) == pytest.approx(1 / 25)
    assert rate(1.0, settings) == pytest.approx(1e-4)


def test_set_rate_scales_the_peak_of_each_group() -> None:
    groups = [{"name": "a", "params": [("w", torch.nn.Parameter(torch.ones(2)))], "lr": 0.4, "weight_decay": 0.0}]
    optimizer = make_optimizer(groups, SETTINGS)  # type: ignore[arg-type]
    for _ in range(2):
        set_rate(optimizer, 0.5, Progress(0.0, 0, 0.0))
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)


def test_the_watch_keeps_the_best_and_leaves_the_start_for_a_lower_loss() -> None:
    watch = Watch(patience=2)
    assert watch.see(0, 0.5, 1.0)
    watch.history.append({})
    assert watch.see(1, 0.5, 0.9)
    assert not watch.see(2, 0.49, 0.95)
    assert not watch.is_due
    assert not watch.see(3, 0.4, 1.1)
    assert watch.is_due
    assert watch.kept_step == 1


def watched(*seen: tuple[float, float], error: float = 0.0, maximise: bool = True, chooses: bool = True) -> int:
    watch = Watch(patience=None, maximise=maximise, chooses=chooses)
    for step, (score, loss) in enumerate(seen):
        watch.see(step, score, loss, lambda: error)
        watch.history.append({})
    return watch.kept_step


def test_of_scores_that_dev_cannot_tell_apart_the_last_is_kept() -> None:
    seen = [(0.1, 3.0), (0.88, 0.5), (0.87, 0.4), (0.865, 0.3), (0.85, 0.35)]
    assert watched(*seen, error=0.02) == 3
    assert watched(*seen) == 1
    assert watched(*seen, (0.9, 0.6), (0.87, 0.2), error=0.02) == 5
    assert watched((9.0, 3.0), (1.0, 0.5), (1.1, 0.4), (1.3, 0.3), error=0.2, maximise=False) == 2


def test_the_start_is_given_up_for_a_better_score_alone() -> None:
    assert watched((0.80, 1.0), (0.79, 0.1), (0.80, 1.1), error=0.05) == 0
    assert watched((0.80, 1.0), (0.79, 0.1), (0.801, 2.0), error=0.05) == 2
    assert watched((math.nan, 1.0), (math.nan, 0.5), error=math.nan) == 1


def test_where_dev_does_not_choose_the_last_is_kept_unless_the_start_is_best() -> None:
    seen = [(0.5, 1.0), (0.4, 0.9), (0.8, 0.3), (0.6, 0.5)]
    assert watched(*seen, chooses=False) == 3
    assert watched(*seen[:3], chooses=False) == 2
    assert watched(*seen[:2], chooses=False) == 0


def test_patience_lasts_while_dev_loss_falls() -> None:
    watch = Watch(patience=2)
    for step, (score, loss) in enumerate([(0.07, 2.0), (0.0, 1.8), (0.0, 1.6), (0.0, 1.4), (0.0, 1.5)]):
        watch.see(step, score, loss)
        watch.history.append({})
        assert not watch.is_due
    watch.see(5, 0.0, 1.45)
    assert watch.is_due
    assert watch.kept_step == 0


def test_a_lower_error_is_better_where_the_metric_says_so() -> None:
    watch = Watch(patience=1, maximise=False)
    watch.see(0, 2.0, 1.0)
    watch.history.append({})
    assert watch.see(1, 1.0, 1.0)
    assert not watch.see(2, 1.5, 1.0)


def test_steps_follow_from_epochs_and_are_capped() -> None:
    assert planned_steps(Stop(epochs=2.5), 10) == 25
    assert planned_steps(Stop(epochs=2.5, steps=7), 10) == 7
