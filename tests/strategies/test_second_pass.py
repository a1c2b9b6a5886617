"""R-Drop, FGM, PGD, mixup and multi-sample dropout: against NumPy, or against rows taken one by one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import PrivateAttr, ValidationError
from torch import nn
from torch.nn.functional import dropout

from tunesmith.core.batch import Batch, Loss, Objective
from tunesmith.core.example import TextExample
from tunesmith.core.strategy import Strategy
from tunesmith.engine.objective import compose, run_model, task_objective, window_gradient
from tunesmith.models.heads import final_linear
from tunesmith.models.load import load_model
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.support import conflict_of
from tunesmith.strategies.fgm import FGM
from tunesmith.strategies.focal import Focal
from tunesmith.strategies.mixup import Mixup
from tunesmith.strategies.multi_sample_dropout import MultiSampleDropout
from tunesmith.strategies.pgd import PGD
from tunesmith.strategies.rdrop import RDrop
from tunesmith.tasks.classify import Classify
from tunesmith.tasks.multilabel import Multilabel
from tunesmith.tasks.regress import Regress
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder

SETUP: Any = SimpleNamespace(seed=5)
LONG = "the film was good but my day felt odd and that song seems poor to me"
WEIGHTS = (1.0, 2.0, 0.5, 1.0, 3.0, 1.0)


class Bench:
    """A tiny model in double precision, and six rows of uneven weight, one of them of several windows."""

    def __init__(self, folder: Path, task: Any, targets: list[Any], head: Any = "auto", long: bool = False) -> None:
        texts = ["the film was good", LONG if long else "a book so bad", "my day felt odd"] * 2
        rows = [
            TextExample(id=str(i), source=f"row {i}", text=text + " very" * i, target=targets[i], weight=WEIGHTS[i])
            for i, text in enumerate(texts)
        ]
        self.task = task.fit(rows)
        loaded = load_model(folder, self.task.head(), kind=head, seed=1)
        self.model: Any = loaded.model.double().train()
        encoder = Encoder(loaded.tokenizer, 12 if long else 32, long="windows" if long else "truncate")
        self.features = encoder.encode(rows, self.task.target)
        self.collate = Collator(loaded.tokenizer.pad_token_id, self.task.head().problem)
        self.batch = doubled(self.collate(self.features))

    def objective(self, *strategies: Strategy) -> Objective:
        for strategy in strategies:
            strategy.prepare(self.model, SETUP)
        return compose(task_objective(self.model, self.task), strategies, self.model)

    def gradient(self, micro: list[Batch], *strategies: Strategy) -> dict[str, torch.Tensor]:
        objective = self.objective(*strategies)
        self.model.zero_grad()
        window_gradient(objective, micro, self.model, strategies, lambda loss: loss.backward())
        return {name: p.grad.clone() for name, p in self.model.named_parameters() if p.grad is not None}


def doubled(batch: Batch) -> Batch:
    if batch.targets is not None and batch.targets.is_floating_point():
        batch.targets = batch.targets.double()
    batch.weights = batch.weights.double()
    return batch


ONE = (Classify(), ["good", "bad", "odd", "bad", "good", "odd"])
SEVERAL = (Multilabel(), [("good", "bad"), ("bad",), (), ("odd",), ("good",), ("odd", "bad")])
NUMBER = (Regress(), [1.0, 3.5, -2.0, 0.0, 1.5, 4.0])
KINDS = pytest.mark.parametrize("task, targets", [ONE, SEVERAL], ids=["one", "several"])


def log_softmax(z: np.ndarray) -> np.ndarray:
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def losses_of(bench: Bench, z: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The loss of each row of logits, in NumPy."""
    if isinstance(bench.task, Regress):
        return (z[:, 0] - (targets - bench.task.mean) / bench.task.scale) ** 2
    if targets.ndim == 2:
        p = 1 / (1 + np.exp(-z))
        return -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(-1)
    return -log_softmax(z)[np.arange(len(z)), targets]


def assert_near(found: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=1e-6)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], atol: float = 1e-6) -> bool:
    assert one.keys() == other.keys()
    return all(torch.allclose(one[name], other[name], rtol=0, atol=atol) for name in one)


# --- R-Drop ----------------------------------------------------------------------------------------------------------


@KINDS
def test_rdrop(tiny: Path, task: Any, targets: list[Any]) -> None:
    bench = Bench(tiny, task, targets)
    torch.manual_seed(3)
    one, other = (run_model(bench.model, bench.batch, bench.task).detach().double().numpy() for _ in range(2))
    assert np.abs(one - other).max() > 1e-3, "dropout makes the two differ"
    if task is ONE[0]:
        p, q = np.exp(log_softmax(one)), np.exp(log_softmax(other))
        apart = (p * np.log(p / q)).sum(-1) + (q * np.log(q / p)).sum(-1)
    else:
        p, q = 1 / (1 + np.exp(-one)), 1 / (1 + np.exp(-other))
        there = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        back = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
        apart = (there + back).mean(-1)
    truth = bench.batch.targets.numpy()
    plain = losses_of(bench, one, truth) + losses_of(bench, other, truth)
    torch.manual_seed(3)
    assert_near(bench.objective(RDrop(alpha=0.7))(bench.batch).values, plain / 2 + 0.7 / 2 * apart / 2)


def test_rdrop_takes_the_loss_of_the_row_that_is_taken_and_a_penalty_once(tiny: Path) -> None:
    class Fixed(Strategy):
        def wrap(self, objective: Objective, model: nn.Module) -> Objective:
            def wrapped(batch: Batch) -> Loss:
                loss = objective(batch)
                loss.penalty = torch.tensor(2.0)
                return loss

            return wrapped

    bench = Bench(tiny, *ONE)
    bench.model.eval()
    loss = bench.objective(Fixed(), Focal(), RDrop())(bench.batch)
    assert torch.allclose(loss.values, bench.objective(Focal())(bench.batch).values), "without dropout nothing differs"
    assert float(loss.penalty) == 2.0


# --- FGM and PGD -----------------------------------------------------------------------------------------------------


class Sum(nn.Module):
    """y = a · Σ_t v_t: what a step on the vectors v does to (y − target)² can be worked out by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3).double()
        self.a = nn.Parameter(torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64))
        with torch.no_grad():
            self.words.weight.copy_(torch.arange(15).reshape(5, 3) / 10)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def loss(self, batch: Batch) -> Loss:
        outputs = self.words(batch.inputs["ids"]).sum(1) @ self.a
        return Loss((outputs - batch.targets) ** 2, outputs=outputs)


@pytest.mark.parametrize(
    "strategy, length",
    [(FGM(epsilon=0.8), 0.8), (PGD(epsilon=0.8, steps=4), 0.8), (PGD(epsilon=0.8, steps=3, size=0.1), 0.3)],
)
def test_a_step_against_a_sum_is_what_one_works_out_by_hand(strategy: Any, length: float) -> None:
    model = Sum()
    ids, targets, weights = np.array([[0, 1], [2, 4], [3, 3]]), np.array([5.0, 1.0, 7.0]), np.array([1.0, 2.0, 0.5])
    batch = Batch(
        {"ids": torch.from_numpy(ids)}, torch.from_numpy(targets), torch.from_numpy(weights), torch.arange(3), [1] * 3
    )
    strategy.prepare(model, SETUP)
    objective = strategy.wrap(model.loss, model)
    value = window_gradient(objective, [batch], model, [strategy], lambda loss: loss.backward())
    a, words = model.a.detach().numpy(), model.words.weight.detach().numpy()
    length *= np.sqrt((words**2).sum(1).mean())
    expected = np.zeros(3)
    for row, target, weight in zip(ids, targets, weights, strict=True):
        summed = words[row].sum(0)
        error = a @ summed - target
        r = np.sign(error) * length * np.stack([a, a]) / (np.linalg.norm(a) * np.sqrt(2))
        assert np.linalg.norm(r) == pytest.approx(length)
        moved = summed + r.sum(0)
        for inputs in (summed, moved):
            expected += weight / weights.sum() * 2 * (a @ inputs - target) * inputs
    assert_near(model.a.grad, expected)
    assert value == pytest.approx(np.average((words[ids].sum(1) @ a - targets) ** 2, weights=weights))


def one_by_one(bench: Bench, epsilon: float, size: float, steps: int) -> dict[str, torch.Tensor]:
    """The gradient of Σ w (L(v) + L(v + r)) / Σ w, row after row, through `inputs_embeds`."""
    words = bench.model.get_input_embeddings().weight
    unit = float((words.detach() ** 2).sum(1).mean().sqrt())
    total = bench.batch.weights.sum()
    bench.model.zero_grad()
    for f, weight in zip(bench.features, bench.batch.weights, strict=True):
        row = doubled(bench.collate([f]))
        ids, mask = row.inputs["input_ids"], row.inputs["attention_mask"]

        def loss(step: Any, ids: Any = ids, mask: Any = mask, row: Batch = row) -> torch.Tensor:
            return bench.task.losses(bench.model(inputs_embeds=words[ids] + step, attention_mask=mask).logits, row)[0]

        step = np.zeros((*ids.shape, words.shape[1]))
        for _ in range(steps):
            leaf = torch.from_numpy(step).requires_grad_()
            [slope] = torch.autograd.grad(loss(leaf), [leaf])
            step = step + size * unit * slope.numpy() / np.linalg.norm(slope.numpy())
            step = step * min(1.0, epsilon * unit / np.linalg.norm(step))
        ((loss(0.0) + loss(torch.from_numpy(step))) * weight / total).backward()
    return {name: p.grad.clone() for name, p in bench.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    "strategy, options",
    [(FGM(epsilon=0.3), (0.3, 0.3, 1)), (PGD(epsilon=0.3, steps=3), (0.3, 0.25, 3)),
     (PGD(epsilon=0.3, steps=2, size=0.1), (0.3, 0.1, 2))],
)  # fmt: skip
def test_the_step_of_a_row_is_its_own_whatever_it_is_batched_with(
    tiny: Path, strategy: Strategy, options: tuple[float, float, int]
) -> None:
    bench = Bench(tiny, *ONE)
    bench.model.eval()
    expected = one_by_one(bench, *options)
    assert same(bench.gradient([bench.batch], strategy), expected)
    parts = [doubled(bench.collate(bench.features[at])) for at in (slice(0, 1), slice(1, 5), slice(5, 6))]
    assert same(bench.gradient(parts, strategy), expected)
    doubled_plain = {name: 2 * value for name, value in bench.gradient([bench.batch]).items()}
    assert not same(doubled_plain, expected, 1e-3), "the test could not fail"


def test_a_step_on_word_vectors_that_are_frozen(tiny: Path) -> None:
    bench = Bench(tiny, *ONE)
    bench.model.eval()
    expected = one_by_one(bench, 0.3, 0.3, 1)
    words = bench.model.get_input_embeddings().weight
    words.requires_grad_(False)
    found = bench.gradient([bench.batch], FGM(epsilon=0.3))
    [missing] = expected.keys() - found.keys()
    assert "word_embeddings" in missing
    assert same({name: expected[name] for name in found}, found)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("head", ["pooled", "own"])
def test_every_family_has_word_vectors_to_step_on(tmp_path: Path, family: str, head: str) -> None:
    bench = Bench(save_tiny(tmp_path / "model", [LONG], family=family), *ONE, head=head)
    bench.model.float().eval()  # a row of padding alone is not a number to ModernBERT in double precision
    twice = {name: 2 * value for name, value in bench.gradient([bench.batch]).items()}
    found = bench.gradient([bench.batch], FGM())
    assert not same(found, twice, 1e-3)
    assert same(bench.gradient([bench.batch], FGM(epsilon=1e-9)), twice, 1e-5)


@pytest.mark.parametrize("family", sorted(WRITERS))
def test_models_that_write_are_stepped_on_both_sides(tmp_path: Path, family: str) -> None:
    problem = WRITERS[family].problem
    model, tokenizer = load_writer(save_tiny_writer(tmp_path / "model", [LONG], family=family), problem)
    ids = torch.tensor([tokenizer(LONG)["input_ids"][:9]] * 2)
    batch = Batch({"input_ids": ids}, None, torch.ones(2), torch.arange(2), [1, 1])
    if problem == "seq2seq":
        batch.inputs["decoder_input_ids"] = ids[:, :4]
    model.eval()

    def objective(batch: Batch) -> Loss:
        return Loss(model(**batch.inputs).logits.float().square().mean((1, 2)))

    strategy = FGM()
    strategy.prepare(model, SETUP)
    wrapped = strategy.wrap(objective, model)
    plain = wrapped(batch).values
    plain.sum().backward()
    assert [len(step[0]) for step in strategy._nudge.steps] == ([9] if problem == "causal" else [9, 4])
    assert all(step.grad is not None and bool(step.grad.any()) for step in strategy._nudge.steps)
    after = []
    strategy.after_backward(lambda batch: after.append(wrapped(batch).values), model, batch)
    assert (after[0] > plain).all(), "the loss has grown"


def test_fgm_around_two_passes_takes_the_step_of_each(tiny: Path) -> None:
    bench = Bench(tiny, *ONE)
    bench.model.eval()
    alone = bench.gradient([bench.batch], FGM())
    assert same(bench.gradient([bench.batch], RDrop(alpha=0.0), FGM()), alone)
    assert same(bench.gradient([bench.batch], FGM(), RDrop(alpha=0.0)), alone)


def test_what_another_strategy_reads_is_not_stepped_on(tiny: Path) -> None:
    bench = Bench(tiny, *ONE)
    bench.model.eval()
    other = doubled(bench.collate(bench.features[:2]))

    class Reads(Strategy):
        """Once a step, other rows before those of the batch."""

        _times: int = PrivateAttr(default=0)

        def wrap(self, objective: Objective, model: nn.Module) -> Objective:
            def wrapped(batch: Batch) -> Loss:
                self._times += 1
                if self._times == 1:
                    run_model(model, other, bench.task)
                return objective(batch)

            return wrapped

    alone = bench.gradient([bench.batch], FGM())
    assert same(bench.gradient([bench.batch], Reads(), FGM()), alone)


# --- mixup and multi-sample dropout ------------------------------------------------------------------------------


@pytest.mark.parametrize("task, targets", [ONE, SEVERAL, NUMBER], ids=["one", "several", "number"])
def test_mixup_mixes_what_the_last_layer_sees(tiny: Path, task: Any, targets: list[Any]) -> None:
    bench = Bench(tiny, task, targets)
    bench.model.eval()
    seen: list[torch.Tensor] = []
    layer = final_linear(bench.model)
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    run_model(bench.model, bench.batch, bench.task)
    hook.remove()
    h, truth = seen[0].detach().numpy(), bench.batch.targets.numpy()
    torch.manual_seed(3)
    share = torch.distributions.Beta(0.6, 0.6).sample((6, 1)).double().numpy()
    partner = torch.randperm(6).numpy()
    assert (partner != np.arange(6)).sum() >= 4
    z = (share * h + (1 - share) * h[partner]) @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    expected = share[:, 0] * losses_of(bench, z, truth) + (1 - share[:, 0]) * losses_of(bench, z, truth[partner])
    torch.manual_seed(3)
    assert_near(bench.objective(Mixup(alpha=0.6))(bench.batch).values, expected)


def test_mixup_of_rows_of_several_windows_and_beside_other_losses(tiny: Path) -> None:
    class Added(Strategy):
        def wrap(self, objective: Objective, model: nn.Module) -> Objective:
            def wrapped(batch: Batch) -> Loss:
                loss = objective(batch)
                loss.values = loss.values + 7.0
                return loss

            return wrapped

    bench = Bench(tiny, *ONE, long=True)
    assert len(bench.batch.owner) > 6
    bench.model.eval()
    torch.manual_seed(3)
    plain = bench.objective(Focal(), Mixup())(bench.batch).values
    torch.manual_seed(3)
    more = bench.objective(Focal(), Added(), Mixup())(bench.batch).values
    assert torch.allclose(more, plain + 7.0), "what another strategy adds to a row stays"
    torch.manual_seed(3)
    assert not torch.allclose(bench.objective(Mixup())(bench.batch).values, plain), "the loss that is taken is mixed"


@pytest.mark.parametrize(
    "family, head, drop",
    [("bert", "own", "dropout"), ("bert", "pooled", "dropout"), ("roberta", "own", "classifier.dropout"),
     ("deberta-v2", "own", "dropout"), ("distilbert", "own", "dropout")],
)  # fmt: skip
@pytest.mark.parametrize("long", [False, True], ids=["a window a row", "several"])
def test_multi_sample_dropout(tmp_path: Path, family: str, head: str, drop: str, long: bool) -> None:
    bench = Bench(save_tiny(tmp_path / "model", [LONG], family=family), *ONE, head=head, long=long)
    seen: list[torch.Tensor] = []
    hook = bench.model.get_submodule(drop).register_forward_hook(lambda _, inputs, out: seen.append(inputs[0]))
    torch.manual_seed(3)
    run_model(bench.model, bench.batch, bench.task)
    hook.remove()
    masks = [dropout(torch.ones_like(seen[-1]), 0.4).numpy() for _ in range(5)]
    layer, h = final_linear(bench.model), seen[-1].detach().numpy()
    owner, expected = bench.batch.owner.numpy(), np.zeros(6)
    for mask in masks:
        windows = (h * mask) @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        z = np.stack([windows[owner == row].mean(0) for row in range(6)])
        expected += losses_of(bench, z, bench.batch.targets.numpy()) / 5
    torch.manual_seed(3)
    assert_near(bench.objective(MultiSampleDropout(samples=5, dropout=0.4))(bench.batch).values, expected)


def test_multi_sample_dropout_sees_the_rows_and_not_what_another_strategy_reads(tiny: Path) -> None:
    bench = Bench(tiny, *ONE)
    other = doubled(bench.collate(bench.features[:2]))

    class Reads(Strategy):
        def wrap(self, objective: Objective, model: nn.Module) -> Objective:
            def wrapped(batch: Batch) -> Loss:
                loss = objective(batch)
                objective(other)
                return loss

            return wrapped

    bench.model.eval()
    torch.manual_seed(3)
    alone = bench.objective(MultiSampleDropout())(bench.batch).values
    torch.manual_seed(3)
    assert torch.equal(bench.objective(Reads(), MultiSampleDropout())(bench.batch).values, alone)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, options",
    [
        (RDrop, {"alpha": -1.0}), (FGM, {"epsilon": 0.0}), (PGD, {"steps": 0}), (PGD, {"size": 0.0}),
        (Mixup, {"alpha": 0.0}), (MultiSampleDropout, {"samples": 1}), (MultiSampleDropout, {"dropout": 1.0}),
    ],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(kind: type[Strategy], options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**options)


def test_what_does_not_go_together() -> None:
    assert "several times" in conflict_of("pgd", "fgm")
    for other in ("rdrop", "fgm", "pgd", "multi_sample_dropout"):
        assert conflict_of("mixup", other)
        assert other in ("fgm", "pgd") or not conflict_of(other, "fgm")
