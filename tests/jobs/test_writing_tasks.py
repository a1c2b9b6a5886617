"""The verbs on models that write: prediction, conversation, adapters, what is saved with them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import tunesmith
from tunesmith.bundle.load import load_bundle
from tunesmith.cli.chat import harmless
from tunesmith.cli.main import app
from tunesmith.core.batch import Batch, Features
from tunesmith.engine import infer
from tunesmith.engine.objective import task_objective, window_gradient
from tunesmith.engine.packs import keeps_apart
from tunesmith.errors import InputError
from tunesmith.jobs.check import check
from tunesmith.jobs.converse import converse
from tunesmith.jobs.reproduce import reproduce
from tunesmith.jobs.retest import retest
from tunesmith.models.body import unwrapped
from tunesmith.models.memory import save_memory
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.tasks.chat import Chat
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder

NAMES = ["glide", "hauler", "sparrow", "plover"]
FILLERS = ["my {} broke", "where is the {} now", "a {} in the rain", "the old {} again", "{} is late", "lost {} today"]
TEXTS = [filler.format(name) for filler in FILLERS for name in NAMES]
CAUSAL = sorted(family for family, writer in WRITERS.items() if writer.problem == "causal")


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def rows_of(texts: list[str]) -> list[dict[str, Any]]:
    return [{"prompt": text, "response": next(name for name in NAMES if name in text)} for text in texts]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("writing")
    model = save_tiny_writer(place / "tiny", [*TEXTS, "name the bike:", "system user assistant"] * 3, family="qwen2")
    return {
        "task": "chat", "model": str(model),
        "data": {
            "train": write(place / "train.jsonl", rows_of(TEXTS)), "instruction": "name the bike:",
            "test": write(place / "test.jsonl", rows_of([f"the {text}" for text in TEXTS[:8]])),
            "dev": write(place / "dev.jsonl", rows_of([f"{text} so" for text in TEXTS[:8]])),
        },
        "optimizer": {"learning_rate": 1e-2}, "batching": {"size": 4},
        "stop": {"epochs": 20, "patience": None}, "evaluate": {"resamples": 20},
        "precision": "fp32",
    }  # fmt: skip


@pytest.fixture(scope="module")
def runs(recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run whose weights were all tuned, and one of an adapter."""
    place = tmp_path_factory.mktemp("runs")
    full = {**recipe, "strategies": []}
    tunesmith.train(full, folder=place / "full")
    tunesmith.train({**recipe, "stop": {"epochs": 2}}, folder=place / "adapter")
    return {"full": place / "full", "adapter": place / "adapter"}


def test_it_learns_to_answer_and_to_stop(runs: dict[str, Path]) -> None:
    report = tunesmith.Run.load(runs["full"]).report()
    assert report["metric"] == "chrf"
    assert report["watched"] == "perplexity"
    assert report["test"]["exact_match"]["value"] == 1.0, report["errors"]
    assert report["test"]["perplexity"]["value"] < 1.5 < report["baselines"]["untuned"]["scores"]["perplexity"]["value"]
    assert report["sides"]["nearer"] == 8
    assert report["lengths"]["written"]
    assert "chrF" in report["verdict"]


def test_what_copies_has_no_perplexity(runs: dict[str, Path]) -> None:
    copied = tunesmith.Run.load(runs["full"]).report()["baselines"]["copy"]["scores"]
    assert copied["chrf"]["value"] > 0
    assert "perplexity" not in copied or copied["perplexity"]["value"] is None


def test_by_default_an_adapter_is_tuned_and_saved(runs: dict[str, Path]) -> None:
    names = {path.name for path in (runs["adapter"] / "model").iterdir()}
    assert "adapter_model.safetensors" in names
    assert "model.safetensors" not in names
    bundle = load_bundle(runs["adapter"])
    assert bundle.generate.max_tokens is not None
    assert bundle.contents["instruction"] == "name the bike:"


def test_the_instruction_is_put_before_what_is_asked(runs: dict[str, Path]) -> None:
    bundle = load_bundle(runs["full"])
    [example] = bundle.examples(["the glide"])
    assert example.messages[-1].content == "name the bike:\nthe glide"  # type: ignore[attr-defined]
    assert [found.label for found in bundle.predict(["my glide broke", "lost plover today"])] == ["glide", "plover"]


def test_a_model_without_adapter_writes_the_same_once_merged(runs: dict[str, Path], tmp_path: Path) -> None:
    before = load_bundle(runs["adapter"])
    said, read = before.predict(TEXTS), before.read(retest(runs["adapter"]).examples)
    folder = tunesmith.merge(runs["adapter"], tmp_path / "plain")
    after = load_bundle(folder)
    assert (folder / "model.safetensors").is_file()
    assert [found.label for found in after.predict(TEXTS)] == [found.label for found in said]
    again = after.read(retest(runs["adapter"]).examples)
    assert torch.allclose(again.values, read.values, atol=1e-4)
    assert after.contents["base"] == ""
    with pytest.raises(InputError, match="K607"):
        tunesmith.merge(folder, tmp_path / "again")
    with pytest.raises(InputError, match="K608"):
        tunesmith.merge(runs["adapter"], folder)


def test_the_library_alone_writes_the_same(runs: dict[str, Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = runs["full"] / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    for text, mine in zip(TEXTS[:6], load_bundle(folder).predict(TEXTS[:6]), strict=True):
        turns = [{"role": "user", "content": f"name the bike:\n{text}"}]
        asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        written = model.generate(**asked, max_new_tokens=10, do_sample=False)
        assert tokenizer.decode(written[0, asked["input_ids"].shape[1] :], skip_special_tokens=True) == mine.label


def test_what_is_written_does_not_hang_on_who_is_asked_beside(runs: dict[str, Path]) -> None:
    bundle = load_bundle(runs["adapter"])
    together = [found.label for found in bundle.predict(TEXTS)]
    assert together == [bundle.predict([text])[0].label for text in TEXTS]


def test_rows_are_predicted_from_a_file_and_written_beside_its_columns(runs: dict[str, Path], tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    data.write_text("number,prompt\n1,my glide broke\n2,lost plover today\n", encoding="utf-8")
    found = tunesmith.predict(runs["full"], data=str(data), out=tmp_path / "out.csv")
    assert found["columns"] == ["written"]
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "1,my glide broke,glide", "2,lost plover today,plover",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "my glide broke"}]},
        {"conversations": [{"from": "human", "value": "my glide broke"}, {"from": "gpt", "value": "which"}]},
        {"instruction": "my", "input": "glide broke", "output": "?"},
        {"text": "my glide broke"},
    ],
)
def test_files_of_dialogues_are_answered(row: dict[str, Any], runs: dict[str, Path], tmp_path: Path) -> None:
    [found] = tunesmith.predict(runs["full"], data=write(tmp_path / "new.jsonl", [row]))
    assert found["written"] == "glide"


def test_a_row_that_is_no_dialogue_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    rows = [{"messages": [{"role": "user", "content": "hi"}]}, {"messages": [{"role": "tool", "content": "x"}]}]
    with pytest.raises(InputError, match=r"K601 .*new.jsonl row 2: a dialogue was expected: the role"):
        list(tunesmith.predict(runs["full"], data=write(tmp_path / "new.jsonl", rows)))


def test_dialogues_are_predicted_and_wrong_ones_refused(runs: dict[str, Path]) -> None:
    bundle = load_bundle(runs["full"])
    turns = [
        {"role": "user", "content": "my glide broke"}, {"role": "assistant", "content": "glide"},
        {"role": "user", "content": "lost plover today"},
    ]  # fmt: skip
    assert isinstance(bundle.predict([turns])[0].label, str)
    with pytest.raises(InputError, match=r"K601 row 2: .* the last of the user"):
        bundle.predict([turns, turns[:2]])


def test_new_rows_are_evaluated(runs: dict[str, Path], tmp_path: Path) -> None:
    scores = tunesmith.evaluate(runs["full"], write(tmp_path / "new.jsonl", rows_of(TEXTS[:6])))
    assert scores["exact_match"]["value"] == 1.0
    assert scores["perplexity"]["n"] == 6


def test_a_run_is_reproduced_bit_for_bit(runs: dict[str, Path]) -> None:
    found = reproduce(runs["adapter"])
    assert found["level"] == "weights", found


def test_the_check_finds_what_a_training_would(recipe: dict[str, Any]) -> None:
    found = check(tunesmith.Recipe.model_validate(recipe))
    assert found.ok, found.findings
    assert found.task == "chat"
    assert found.labels == {}


def test_rows_of_which_nothing_is_left_to_learn_are_named(recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        tunesmith.train({**recipe, "text": {"max_tokens": 8}}, folder=tmp_path / "run")
    assert {fault.code for fault in caught.value.faults} == {"K322"}
    assert "train.jsonl rows 1, 2, 3" in caught.value.faults[0].where
    found = check(tunesmith.Recipe.model_validate({**recipe, "text": {"max_tokens": 8}}))
    assert not found.ok
    assert next(finding for finding in found.findings if finding.code == "K322").count == len(TEXTS)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("head", "pooled", "writes with the head"),
        ("class_weights", True, "no classes"),
        ("strategies", [{"probe_start": {}}], "no new head"),
        ("stop", {"metric": "chrf"}, "none are written"),
        ("data", {"train": "rows.csv", "question": "q"}, "a column of answer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(recipe: dict[str, Any], part: str, value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        tunesmith.train({**recipe, part: value})


# --- conversation ------------------------------------------------------------------------------------------------


def test_a_conversation_keeps_its_history_and_forgets_it(runs: dict[str, Path]) -> None:
    talk = converse(runs["adapter"])
    parts: list[str] = []
    said = talk.ask("my glide broke", parts.append)
    assert "".join(parts).strip() == said
    talk.ask("lost plover today", parts.append)
    assert [message.role for message in talk.history] == ["user", "assistant"] * 2
    assert talk.last() == "lost plover today"
    talk.ask_base("lost plover today", parts.append, again=True)
    assert len(talk.history) == 4
    talk.reset()
    assert talk.history == []


def test_an_answer_that_is_interrupted_stands_as_far_as_it_came(runs: dict[str, Path]) -> None:
    talk = converse(runs["full"], max_tokens=40)
    parts: list[str] = []

    def say(part: str) -> None:
        parts.append(part)
        if len(parts) == 2:
            raise KeyboardInterrupt

    said = talk.ask("the film was good", say)
    assert said == "".join(parts).strip()
    assert talk.history[-1].content == said


def test_the_base_model_answers_as_it_was(runs: dict[str, Path], recipe: dict[str, Any]) -> None:
    talk = converse(runs["full"], max_tokens=8)
    tuned, base = talk.ask("my glide broke", print), talk.ask_base("my glide broke", print, again=True)
    assert tuned == "glide" != base


def test_a_model_that_does_not_chat_holds_no_conversation(tmp_path: Path, make_run: Any) -> None:
    with pytest.raises(InputError, match="K606"):
        converse(make_run())


def test_limits_of_tokens_and_seconds_hold(runs: dict[str, Path]) -> None:
    tokenizer = load_bundle(runs["full"]).encoder.tokenizer
    talk = converse(load_bundle(runs["full"]), max_tokens=1)
    assert len(tokenizer(talk.ask_base("my glide broke", print))["input_ids"]) <= 1
    slow = converse(load_bundle(runs["full"]), max_tokens=10_000, seconds=0.01)
    assert len(slow.ask_base("my glide broke", print)) < 5_000


def test_the_program_answers_line_by_line(runs: dict[str, Path]) -> None:
    typed = "my glide broke\n/base\n/nope\n/system be brief\n/system\n/reset\n/base\n/quit\nnot read\n"
    done = CliRunner().invoke(app, ["chat", str(runs["full"]), "--max-tokens", "8"], input=typed)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0] == "tuned: glide"
    assert done.stdout.splitlines()[1].startswith("base: ")
    assert "There is no command /nope." in done.stderr
    assert "be brief" in done.stderr
    assert "Nothing was asked yet" in done.stderr
    assert "not read" not in done.stdout


def test_the_program_prints_objects(runs: dict[str, Path]) -> None:
    done = CliRunner().invoke(app, ["chat", str(runs["full"]), "--json"], input="my glide broke\n")
    assert json.loads(done.stdout) == {"who": "tuned", "asked": "my glide broke", "answer": "glide"}


def test_what_a_model_says_cannot_steer_the_terminal() -> None:
    assert harmless("\x1b[2Jdone\x07\u009b1m\nnext\tcell") == "[2Jdone1m\nnext\tcell"


# --- the loss ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", CAUSAL)
def test_dialogues_on_one_row_do_not_see_each_other(family: str, tmp_path: Path) -> None:
    folder = save_tiny_writer(tmp_path / family, [*TEXTS, "user assistant"] * 3, family=family)
    model, tokenizer = load_writer(folder, "causal")
    assert keeps_apart(model)
    losses = [read_with(model, tokenizer, room).tolist() for room in (0, 100)]
    assert losses[1] == pytest.approx(losses[0], abs=2e-5)


def test_rows_that_dialogues_share_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = load_writer(save_tiny_writer(tmp_path / "tiny", [*TEXTS, "user assistant"] * 3), "causal")
    features = features_of(tokenizer, [0] * 5)
    length = features[0].length
    found = []
    for room in (0, 5 * length // 2):
        collate = Collator(tokenizer.pad_token_id, "causal", room=room)
        monkeypatch.setattr(infer, "IN_CACHE", 5 * length)
        found.append(infer.outputs(model, Chat(), features, collate, size=64).values[:, 0].tolist())
    assert collate(features).inputs["input_ids"].numel() > 5 * length, "more than the five by themselves"
    assert found[1] == pytest.approx(found[0], abs=2e-5)


def read_with(model: Any, tokenizer: Any, room: int) -> torch.Tensor:
    batch = batch_of(tokenizer, room)
    with torch.inference_mode():
        return Chat().read(model(**batch.inputs), batch)[:, 0]


def batch_of(tokenizer: Any, room: int = 0, which: Sequence[int] = range(6)) -> Batch:
    return Collator(tokenizer.pad_token_id, "causal", room=room)(features_of(tokenizer, which))


def features_of(tokenizer: Any, which: Sequence[int] = range(6)) -> list[Features]:
    from tunesmith.core.example import DialogueExample, Message
    from tunesmith.text.template import give_template

    give_template(tokenizer)
    examples = [
        DialogueExample(id=str(i), source="r", messages=(Message("user", TEXTS[i]),), target="so bad " * (1 + i % 3))
        for i in which
    ]  # fmt: skip
    return Encoder(tokenizer, 100, layout="dialogue").encode(examples, lambda _: None)


def test_a_model_that_does_not_heed_positions_is_found_out() -> None:
    class Deaf(torch.nn.Module):
        """Every token sees all before it, whatever the positions say."""

        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(20, 4)

        def get_input_embeddings(self) -> torch.nn.Module:
            return self.embed

        def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor) -> Any:
            from types import SimpleNamespace

            return SimpleNamespace(logits=self.embed(input_ids).cumsum(1))

    torch.manual_seed(0)
    assert not keeps_apart(Deaf())


def test_micro_batches_of_uneven_length_give_the_gradient_of_the_whole(recipe: dict[str, Any]) -> None:
    model, tokenizer = load_writer(Path(recipe["model"]), "causal")
    objective = task_objective(model, Chat())

    def gradient(parts: list[Batch]) -> tuple[float, torch.Tensor]:
        model.zero_grad()
        loss = window_gradient(objective, parts, model, [], lambda value: value.backward())
        return loss, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    loss, whole = gradient([batch_of(tokenizer)])
    again, parts = gradient([batch_of(tokenizer, which=which) for which in ([0], [2, 5, 1], [3, 4])])
    assert again == pytest.approx(loss, abs=1e-5)
    assert torch.allclose(parts, whole, atol=1e-6)
    _, means = gradient([batch_of(tokenizer, which=[0])])
    assert not torch.allclose(means, whole, atol=1e-4), "the rows have gradients of their own"


def test_the_loss_is_the_mean_over_all_tokens_that_carry_it(recipe: dict[str, Any]) -> None:
    model, tokenizer = load_writer(Path(recipe["model"]), "causal")
    batch = batch_of(tokenizer)
    marked = torch.full_like(batch.inputs["input_ids"], -100)
    assert batch.places is not None
    kept = batch.inputs["logits_to_keep"]
    marked[batch.places[:, 0], kept[batch.places[:, 1]] + 1] = batch.inputs["input_ids"][
        batch.places[:, 0], kept[batch.places[:, 1]] + 1
    ]
    asked = {name: batch.inputs[name] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        theirs = float(model(**asked, labels=marked).loss)
        mine = float(Chat().losses(Chat().read(model(**batch.inputs), batch), batch).mean())
    assert mine == pytest.approx(theirs, abs=1e-5)
    assert math.isfinite(mine)


def test_a_bound_on_tokens_changes_memory_and_not_what_is_learnt(recipe: dict[str, Any], tmp_path: Path) -> None:
    losses = []
    for tokens in (40, None):
        asked = {
            **recipe, "batching": {"size": 8, "tokens": tokens or 10_000}, "stop": {"steps": 4},
            "evaluate": {"resamples": 20, "baselines": []}, "strategies": [],
        }  # fmt: skip
        run = tunesmith.train(asked, folder=tmp_path / str(tokens))
        losses.append(run.report()["dev"]["perplexity"]["value"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_saving_memory_changes_nothing_that_is_learnt(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {**recipe, "stop": {"epochs": 2}, "evaluate": {"baselines": [], "resamples": 20}}
    kept = tunesmith.train(short, folder=tmp_path / "kept").report()
    seen: list[Any] = []
    monkeypatch.setattr("tunesmith.jobs.tune.save_memory", lambda model: seen.append((save_memory(model), model)[1]))
    asked = {**short, "batching": {"size": 4, "save_memory": True}}
    saved = tunesmith.train(asked, folder=tmp_path / "saved").report()
    assert [unwrapped(model).is_activation_checkpointing for model in seen] == [True]
    assert [point["train_loss"] for point in saved["history"]] == [point["train_loss"] for point in kept["history"]]
    assert saved["test"] == kept["test"]
