"""One training: a pretrained model and rows in, the weights that dev kept out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from torch import Tensor, nn

from tunesmith.core.example import Example
from tunesmith.engine.attention import wide_attention
from tunesmith.engine.divided import divide, divided_as, joined, joined_part, part_of, whole
from tunesmith.engine.dropout import cheap_dropout
from tunesmith.engine.heap import kept_heap, lean_heap
from tunesmith.engine.loop import Schedule, State, Step, Work, loop
from tunesmith.engine.objective import compose, task_objective
from tunesmith.engine.optim import make_optimizer, parameter_groups
from tunesmith.engine.recall import Recall
from tunesmith.engine.stop import Watch, balanced, planned_steps
from tunesmith.evaluation.metrics import HIGHER_IS_BETTER
from tunesmith.evaluation.overfitting import turned_now
from tunesmith.jobs.frozen import Ground
from tunesmith.jobs.hints import Found
from tunesmith.jobs.judge import Judge
from tunesmith.jobs.knowledge import taught
from tunesmith.jobs.prepare import keep_apart, may_be_cut, prepare, tokens_met, window
from tunesmith.jobs.skill import Trace
from tunesmith.jobs.watching import of_turn
from tunesmith.jobs.workshop import Workshop, interrupted, is_wished
from tunesmith.models.load import load_model
from tunesmith.models.memory import save_memory
from tunesmith.models.sliced import Sliced, sliced
from tunesmith.runs.checkpoint import Checkpoints
from tunesmith.runs.seed import seeded
from tunesmith.text.batching import Batches

LISTENED = "single_label_classification"
"""The kind of head whose answers are taken down, to tell rows that were learnt by heart."""


@dataclass(slots=True)
class Tuned:
    """The outcome of one training."""

    model: nn.Module
    kept_step: int
    history: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    tokens: int = 0
    padding: int = 0
    trained_parameters: int = 0
    by_heart: list[int] = field(default_factory=list)
    """Train rows that were learnt only after dev loss was lowest."""
    preparing: float = 0.0
    """Seconds that strategies took before the first step, since the process began."""
    hinted: Found = field(default_factory=Found)
    """Whether names of labels and terms of rules were of use."""


def tune(
    shop: Workshop, stage: str, train: Sequence[Example], dev: Sequence[Example], *, epochs: float | None = None,
    hinted: Found | None = None,
) -> Tuned:  # fmt: skip
    """Train on `train`, choose on `dev`; go on from the stage's checkpoint where there is one.

    Args:
        shop: what the run's trainings share.
        stage: name of the checkpoints and of the lines in the history.
        train: rows to learn from.
        dev: rows that decide which weights are kept; empty where `epochs` says when to end.
        epochs: end after so many passes, on the schedule of the full length; the weights at the end are kept.
        hinted: whether names of labels and terms of rules are of use, where a training before has found it out.

    Raises:
        RunError: the loss is not a number, the disk is full.
        Interrupted: somebody wished to stop; the checkpoint is written.
    """
    recipe, device = shop.recipe, shop.device
    copies = taught(shop, train)
    train = [*train, *copies] if copies else train
    heap = lean_heap() if device.ranks.divides else kept_heap()
    with seeded(recipe.seed), heap, cheap_dropout(), wide_attention():
        features = shop.encode_to_train(train)
        model = load_model(
            shop.folder, shop.task.head(), kind=recipe.head, seed=recipe.seed, window=window(shop, features),
            attention_dropout=recipe.attention_dropout, languages=recipe.text.languages, pattern=recipe.pattern,
        ).model  # fmt: skip
        shop = keep_apart(shop, model)
        judge = Judge(shop, dev) if dev else None
        trace = Trace(shop, model) if dev and _is_traced(shop, stage) else None
        tokens = cache(lambda: tokens_met(shop, features, judge))
        began = time.monotonic()
        model, found = prepare(shop, model, train, features, judge, tokens, hinted)
        preparing = time.monotonic() - began
        if recipe.batching.save_memory:
            save_memory(model)
        cut = sliced(model, tokens()) if may_be_cut(shop, model) else Sliced()
        shape = divide(model, device.ranks) if device.ranks.divides else None
        assert recipe.batching.size is not None, "the recipe is complete"
        batches = Batches(features, recipe.batching.size, recipe.seed)
        groups = parameter_groups(model, recipe.optimizer, shop.strategies)
        optimizer = make_optimizer(groups, recipe.optimizer)
        prepared, prepared_optimizer = device.prepare(model, optimizer)
        state = State(prepared, prepared_optimizer)
        plain = task_objective(prepared, shop.task)
        recall = Recall(len(train)) if judge and stage == "select" and shop.task.head().problem == LISTENED else None
        objective = compose(recall.wrap(plain) if recall else plain, shop.strategies, model)
        schedule = _schedule(shop, batches.per_epoch, epochs)
        moving = {id(p) for group in groups for _, p in group["params"]}
        dev_features = judge.features if judge else ()
        ground = Ground(shop, model, moving, features, dev_features, batches.per_epoch, schedule.last)
        work = Work(
            batches, shop.collate, objective, shop.strategies, device, recipe.optimizer, recipe.batching, schedule,
            recipe.seed, lambda owner: train[owner].source, ground.settle,
        )  # fmt: skip
        training = _Training(shop, stage, work, state, model, judge, trace, recall, cut, ground, shape)
        try:
            return replace(training.run(), preparing=preparing, hinted=replace(found, copies=len(copies)))
        finally:
            ground.release()


def _is_traced(shop: Workshop, stage: str) -> bool:
    """Say whether general texts are looked at beside dev: to choose by, or to draw in the training that is shown."""
    return shop.recipe.stop.balance > 0 or (stage == "select" and shop.recipe.evaluate.forgetting != "off")


def _schedule(shop: Workshop, per_epoch: int, epochs: float | None) -> Schedule:
    stop = shop.recipe.stop
    horizon = planned_steps(stop, per_epoch)
    last = horizon if epochs is None else min(horizon, max(0, round(epochs * per_epoch)))
    assert stop.evaluations_per_epoch is not None, "the recipe is not complete"
    every = max(1, round(per_epoch / stop.evaluations_per_epoch))
    return Schedule(horizon, last, every, None if stop.seconds is None else stop.seconds / shop.trainings)


class _Training:
    """The bookkeeping around the loop: evaluations, the weights to keep, checkpoints, what is said."""

    def __init__(
        self, shop: Workshop, stage: str, work: Work, state: State, model: nn.Module, judge: Judge | None,
        trace: Trace | None, recall: Recall | None, cut: Sliced, ground: Ground, shape: nn.Module | None,
    ) -> None:  # fmt: skip
        self.shop, self.stage, self.work, self.state, self.model = shop, stage, work, state, model
        self.judge = judge
        self.checkpoints: Checkpoints = shop.reporter.run.checkpoints(stage)
        in_steps = {id(p) for group in state.optimizer.param_groups for p in group["params"]}
        # Some of them may be frozen for a while, so what moves is not told by their gradients.
        self.moving = [(name, p) for name, p in model.named_parameters() if id(p) in in_steps]
        stop = shop.recipe.stop
        metric = stop.metric or shop.task.metric
        self.watch = Watch(stop.patience if judge else None, HIGHER_IS_BETTER[metric], chooses=not stop.refit)
        self.trace, self.recall, self.cut, self.ground, self.shape = trace, recall, cut, ground, shape
        self.kept: dict[str, Tensor] = {}
        """The part of the weights that this process holds, when dev called for keeping them."""
        self.losses: list[float] = []
        self.saved_at = time.monotonic()
        self.is_done = False

    def run(self) -> Tuned:
        self._restore()
        self.shop.device.ranks.wait()  # nobody writes a checkpoint while others still read the one before it
        self.shop.reporter.tell("stage", name=self.stage, text=self._title(), resumed_at=self.state.step)
        if self.state.step == 0 and self.judge:
            self._look(0.0)  # where the head starts: the weights to keep may be these
        if not self.is_done and self.work.schedule.last > 0:
            for step in loop(self.work, self.state):
                self.losses.append(step.loss)
                if self.recall:
                    self.recall.step = step.step
                self._tell(step)
                due = False
                if step.is_checkpoint:
                    due = self._look(step.epoch) if self.judge else self._note(step.epoch)
                if step.is_last or due:
                    break
                if step.is_checkpoint and self._is_time():
                    self._save()
                if is_wished(self.shop):
                    self._merge()
                    self._save()
                    raise interrupted(self.shop, f"step {self.state.step} of {self.stage}")
        return self._finish()

    def _finish(self) -> Tuned:
        self.is_done = True
        self._merge()
        self._save()
        model = self.shop.device.unwrap(self.state.model)
        self.ground.release()  # what comes now may move what stood still
        if self.kept:
            _load(self.moving, self.kept)
        if self.shape is not None:
            model = joined(self.model, self.shape)
            self.cut = self.cut.of(model)
        for strategy in reversed(self.shop.strategies):  # what was put on last comes off first
            model = strategy.finish(model)
        trained = sum(p.numel() for _, p in self.moving) + self.cut.spared
        self.cut.restore()
        kept_step = self.watch.kept_step if self.judge else self.state.step
        return Tuned(
            model.eval(), kept_step, self.watch.history, self.state.seconds, self.state.tokens, self.state.padding,
            trained, self.recall.by_heart() if self.recall else [],
        )  # fmt: skip

    def _look(self, epoch: float) -> bool:
        """Evaluate dev, keep the weights where that is called for; return whether patience has run out."""
        judge = self.judge
        assert judge is not None, "there are dev rows"
        self._merge()
        read = judge.read(self.state.model)
        loss, score = judge.loss(read, self.work.batches.size), judge.score(read)
        general = {} if self.trace is None else {"general": self.trace.agreement(self.model)}
        # Processes on unlike hardware may differ in the last bits, and must not part over it.
        loss, score, general = self.shop.device.ranks.told((loss, score, general))
        worth = balanced(score, general.get("general", 1.0), self.shop.recipe.stop.balance, self.watch.maximise)
        is_kept = self.watch.see(self.state.step, worth, loss, lambda: self.shop.device.ranks.told(judge.error(read)))
        self.state.stalled = self.watch.stale
        if self.recall and loss < min((seen["dev_loss"] for seen in self.watch.history), default=float("inf")):
            self.recall.mark()
        if is_kept:
            self.kept = {name: part_of(p.detach()).cpu().clone() for name, p in self.moving}
        self._note(epoch, dev_loss=loss, dev_score=score, **general)
        self.shop.reporter.tell(
            "dev", stage=self.stage, step=self.state.step, epoch=epoch, train_loss=self._mean_loss(), loss=loss,
            metric=judge.metric, score=score, kept=is_kept, **general,
        )  # fmt: skip
        self.losses = []
        turn = turned_now(self.watch.history, self.watch.maximise) if self.stage == "select" else None
        if turn:
            self.shop.reporter.finding(of_turn(self.shop.recipe, turn))
        return self.watch.is_due

    def _note(self, epoch: float, **scores: float) -> bool:
        self.watch.history.append(
            {
                "stage": self.stage, "step": self.state.step, "epoch": round(epoch, 4),
                "train_loss": self._mean_loss(), "seconds": round(self.state.seconds, 2), **scores,
            }
        )  # fmt: skip
        if not scores:
            self.losses = []
        return False

    def _mean_loss(self) -> float | None:
        return sum(self.losses) / len(self.losses) if self.losses else None

    def _is_time(self) -> bool:
        past = time.monotonic() - self.saved_at >= self.shop.recipe.checkpoint_seconds
        return self.shop.device.ranks.told(past)  # all of them give their part of divided weights

    def _merge(self) -> None:
        """Take in what the other processes saw of the train rows."""
        if self.recall:
            self.recall.merge(self.shop.device.ranks)

    def _save(self) -> None:
        """Write all that moves. Last and kept weights stand in one checkpoint: two files can disagree after a kill."""
        tensors = {f"model.{name}": whole(p.detach()) for name, p in self.moving}
        tensors |= {f"kept.{name}": joined_part(self.kept[name], p.detach()) for name, p in self.moving if self.kept}
        tensors |= {f"recall.{name}": value for name, value in self.recall.state().items()} if self.recall else {}
        plain: dict[str, Any] = {}
        inner = getattr(self.state.optimizer, "optimizer", self.state.optimizer).state_dict()
        for index, moments in inner["state"].items():
            tensors |= {f"optimizer.{index}.{key}": whole(value) for key, value in moments.items()}
        for number, strategy in enumerate(self.shop.strategies):
            for key, value in strategy.state().items():
                name = f"strategy.{number}.{key}"
                if isinstance(value, Tensor):
                    tensors[name] = value
                else:
                    plain[name] = value
        watch, state = self.watch, self.state
        self.checkpoints.save(
            "last",
            tensors,
            {
                "step": state.step, "seconds": state.seconds, "tokens": state.tokens, "padding": state.padding,
                "best": watch.best, "best_loss": watch.best_loss, "error": watch.error, "kept_step": watch.kept_step,
                "lowest": watch.lowest, "stale": watch.stale,
                "history": watch.history, "losses": self.losses, "done": self.is_done, "strategies": plain,
                "ground": self.ground.state(),
            },
        )  # fmt: skip
        self.saved_at = time.monotonic()

    def _restore(self) -> None:
        found = self.checkpoints.load("last")
        for warning in self.checkpoints.warnings:
            self.shop.reporter.finding(warning)
        if found is None:
            return
        tensors, plain = found
        _load(self.moving, self._parts(_under(tensors, "model.")))
        self.kept = self._parts(_under(tensors, "kept."))
        if self.recall:
            self.recall.restore(_under(tensors, "recall."))
        inner = getattr(self.state.optimizer, "optimizer", self.state.optimizer)
        groups = inner.state_dict()["param_groups"]
        in_order = [p for group in inner.param_groups for p in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(tensors, "optimizer.").items():
            index, _, name = key.partition(".")
            like = in_order[int(index)].detach()
            moments.setdefault(int(index), {})[name] = divided_as(like, value) if value.shape == like.shape else value
        inner.load_state_dict({"state": moments, "param_groups": groups})
        for number, strategy in enumerate(self.shop.strategies):
            prefix = f"strategy.{number}."
            state = {**_under(tensors, prefix), **_under(plain["strategies"], prefix)}
            if state:
                strategy.restore(state)
        self.state.step, self.state.seconds = plain["step"], plain["seconds"]
        self.state.tokens, self.state.padding = plain["tokens"], plain["padding"]
        watch = self.watch
        watch.best, watch.best_loss, watch.error = plain["best"], plain["best_loss"], plain["error"]
        watch.kept_step, watch.lowest = plain["kept_step"], plain["lowest"]
        watch.stale, watch.history, self.losses = plain["stale"], plain["history"], plain["losses"]
        self.state.stalled = watch.stale
        self.is_done = plain["done"]
        self.ground.restore(plain["ground"])

    def _parts(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return of each of these whole weights, if there are any, the part that this process holds."""
        return {name: part_of(divided_as(p.detach(), tensors[name])) for name, p in self.moving if tensors}

    def _tell(self, step: Step) -> None:
        share = self.work.schedule.share(step.step, step.seconds)
        left = step.seconds * (1.0 - share) / share if share else None
        per_epoch = self.work.batches.per_epoch
        self.shop.reporter.tell(
            "step", stage=self.stage, step=step.step, steps=self.work.schedule.last, epoch=step.epoch,
            epochs=self.work.schedule.last / per_epoch, loss=step.loss, seconds_left=left,
            tokens_per_second=self.state.tokens / max(step.seconds, 1e-9),
        )  # fmt: skip

    def _title(self) -> str:
        rows = len(self.work.batches.examples)
        return f"{self.stage}: {rows} rows, at most {self.work.schedule.last} steps"


def _load(moving: Sequence[tuple[str, nn.Parameter]], parts: Mapping[str, Tensor]) -> None:
    for name, parameter in moving:
        part_of(parameter.detach()).copy_(parts[name])


def _under(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
