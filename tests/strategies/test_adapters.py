"""Few parameters: the formulas against NumPy, what learns, what is saved with its head, what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.functional import cross_entropy

from tunesmith.bundle.load import load_bundle
from tunesmith.core.strategy import Strategy
from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError, MissingExtra
from tunesmith.jobs import conclude
from tunesmith.jobs import tune as tuning
from tunesmith.jobs.merge import merge as merge_job
from tunesmith.jobs.prepare import keep_apart
from tunesmith.jobs.train import train
from tunesmith.models import quantise
from tunesmith.models.adapter import is_adapted, load_adapter, merge, save_adapter, weights_of
from tunesmith.models.body import unwrapped
from tunesmith.models.inserted import own_weights
from tunesmith.models.load import load_model
from tunesmith.models.prompt import body_of
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.strategies.adapters import Adapters
from tunesmith.strategies.ia3 import IA3
from tunesmith.strategies.lora import LoRA
from tunesmith.strategies.prefix import Prefix
from tunesmith.strategies.prompt import Prompt
from tunesmith.strategies.ptuning import PTuning

TEXTS = ["the film was good", "a book so bad my day", "my day felt odd"]
LABELS = torch.tensor([0, 1, 2])
CLASSES = HeadSpec("single_label_classification", ("good", "bad", "odd"))
KINDS: dict[str, Strategy] = {
    "lora": LoRA(), "dora": LoRA(dora=True), "pissa": LoRA(start="pissa", rank=4), "ia3": IA3(), "adapters": Adapters(),
    "prompt": Prompt(size=4), "ptuning": PTuning(size=4, hidden=8), "prefix": Prefix(size=4),
    "prefix by a network": Prefix(size=4, project=True, hidden=8),
}  # fmt: skip
MERGED = {"lora", "dora", "pissa", "ia3"}
CAUSAL = sorted(family for family, writer in WRITERS.items() if writer.problem == "causal")


def setup_of(head: HeadSpec = CLASSES, seed: int = 5) -> Any:
    return SimpleNamespace(seed=seed, task=SimpleNamespace(head=lambda: head))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("bases")
    found = {family: save_tiny(place / family, TEXTS, family=family) for family in FAMILIES}
    return found | {family: save_tiny_writer(place / family, TEXTS, family=family) for family in CAUSAL}


def reader(folders: dict[str, Path], family: str, kind: Any = "own") -> tuple[Any, dict[str, torch.Tensor]]:
    loaded = load_model(folders[family], CLASSES, kind=kind, seed=3)
    found = loaded.tokenizer(TEXTS, return_tensors="pt", padding=True, padding_side="right")
    return loaded.model, {name: found[name] for name in ("input_ids", "attention_mask")}


def said(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    model.eval()
    with torch.inference_mode():
        found: torch.Tensor = model(**batch).logits
    return found.clone()


def learn(model: Any, batch: Mapping[str, torch.Tensor], steps: int, rate: float = 2e-2) -> float:
    """A plain loop with dropout, whose random numbers follow from the step."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    loss = torch.tensor(0.0)
    for step in range(steps):
        model.train()
        torch.manual_seed(step)
        loss = cross_entropy(model(**batch).logits, LABELS)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


# --- formulas ----------------------------------------------------------------------------------------------------


def array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    return tensor.detach().numpy().astype(np.float64)


def shaken(model: nn.Module, *parts: str) -> nn.Module:
    """Give what starts at zero or one something to say, and compute in double precision."""
    torch.manual_seed(7)
    for name, parameter in model.named_parameters():
        if any(part in name for part in parts):
            nn.init.normal_(parameter, mean=0.5, std=0.5)
    return model.double().eval()


def seen(layer: Any, model: Any, batch: Mapping[str, torch.Tensor]) -> tuple[np.ndarray[Any, Any], ...]:
    """What goes into a layer, and what comes out of it."""
    found: list[tuple[np.ndarray[Any, Any], ...]] = []
    hook = layer.register_forward_hook(lambda _, inputs, output: found.append((array(inputs[0]), array(output))))
    with torch.no_grad():
        model(**batch)
    hook.remove()
    return found[0]


def test_dora_is_the_papers_formula(folders: dict[str, Path]) -> None:
    model, batch = reader(folders, "bert")
    wrapped = shaken(LoRA(rank=3, alpha=6, dora=True).prepare(model, setup_of()), "lora_")
    layer = unwrapped(wrapped).bert.encoder.layer[0].attention.self.query
    x, y = seen(layer, wrapped, batch)
    direction = array(layer.base_layer.weight) + 2.0 * array(layer.lora_B.default.weight) @ array(
        layer.lora_A.default.weight
    )
    length = array(layer.lora_magnitude_vector.default.weight)
    assert length.shape == (16,)
    changed = length[:, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    assert np.allclose(y, x @ changed.T + array(layer.base_layer.bias), atol=1e-6)


def test_dora_starts_from_the_pretrained_model(folders: dict[str, Path]) -> None:
    model, batch = reader(folders, "bert")
    before = said(model, batch)
    assert torch.allclose(said(LoRA(dora=True).prepare(model, setup_of()), batch), before, atol=1e-6)


@pytest.mark.parametrize("rslora", [False, True])
def test_pissa_starts_with_the_largest_singular_values(folders: dict[str, Path], rslora: bool) -> None:
    model, batch = reader(folders, "bert")
    weight = array(model.bert.encoder.layer[0].output.dense.weight)
    before = said(model, batch)
    wrapped: Any = LoRA(rank=3, start="pissa", rslora=rslora).prepare(model, setup_of())
    assert torch.allclose(said(wrapped, batch), before, atol=1e-5), "what is taken from the weights is in the adapter"
    layer = unwrapped(wrapped).bert.encoder.layer[0].output.dense
    u, s, v = np.linalg.svd(weight, full_matrices=False)
    largest = (u[:, :3] * s[:3]) @ v[:3]
    scale = 6 / math.sqrt(3) if rslora else 2.0
    assert np.allclose(
        scale * array(layer.lora_B.default.weight) @ array(layer.lora_A.default.weight), largest, atol=1e-5
    )
    assert np.allclose(array(layer.base_layer.weight), weight - largest, atol=1e-5)


@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_pissa_is_saved_beside_the_pretrained_weights(
    folders: dict[str, Path], tmp_path: Path, family: str, rslora: bool
) -> None:
    model, tokenizer = load_writer(folders[family], "causal")
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    before = said(model, {"input_ids": ids})
    strategy = LoRA(rank=3, start="pissa", rslora=rslora)
    wrapped: Any = strategy.prepare(model, setup_of())
    torch.manual_seed(2)
    for name, parameter in wrapped.named_parameters():
        if "lora_" in name:
            with torch.no_grad():
                parameter += 0.1 * torch.randn_like(parameter)
    after = said(wrapped, {"input_ids": ids})
    assert (after - before).abs().max() > 0.1, "it has learnt something"
    finished = strategy.finish(wrapped)
    assert torch.allclose(said(finished, {"input_ids": ids}), after, atol=1e-4)
    save_adapter(finished, tmp_path, str(folders[family]))
    settings = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))
    assert settings["r"] == 6
    assert settings["init_lora_weights"] is True
    again, _ = load_adapter(folders[family], tmp_path)
    assert torch.allclose(said(again, {"input_ids": ids}), after, atol=1e-4), "on the model as it was pretrained"


def test_ia3_scales_keys_values_and_the_inside(folders: dict[str, Path]) -> None:
    model, batch = reader(folders, "bert")
    wrapped = shaken(IA3().prepare(model, setup_of()), "ia3_l")
    block = unwrapped(wrapped).bert.encoder.layer[0]
    scaled = {name for name, m in unwrapped(wrapped).named_modules() if hasattr(m, "ia3_l")}
    assert scaled == {
        f"bert.encoder.layer.{at}.{end}" for at in (0, 1)
        for end in ("attention.self.key", "attention.self.value", "output.dense")
    }, "and not the end of attention, which is called alike"  # fmt: skip
    for layer, inside in ((block.attention.self.key, False), (block.output.dense, True)):
        x, y = seen(layer, wrapped, batch)
        weight, bias = array(layer.base_layer.weight), array(layer.base_layer.bias)
        scale = array(layer.ia3_l.default).ravel()
        expected = (x * scale) @ weight.T + bias if inside else (x @ weight.T + bias) * scale
        assert np.allclose(y, expected, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_bottleneck_is_a_detour(folders: dict[str, Path], activation: Any) -> None:
    model, batch = reader(folders, "bert")
    Adapters(size=5, activation=activation).prepare(model, setup_of())
    shaken(model, "bottleneck")
    layer = model.bert.encoder.layer[1].attention.output.dense
    x, y = seen(layer, model, batch)
    plain = x @ array(layer.weight).T + array(layer.bias)
    down, up = layer.bottleneck.down, layer.bottleneck.up
    inner = plain @ array(down.weight).T + array(down.bias)
    bent = np.maximum(inner, 0) if activation == "relu" else inner * 0.5 * (1 + np.vectorize(math.erf)(inner / 2**0.5))
    assert np.allclose(y, plain + bent @ array(up.weight).T + array(up.bias), atol=1e-6)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_bottlenecks_stand_where_the_paper_puts_them(folders: dict[str, Path], family: str) -> None:
    for place, per_block in (("both", 2), ("attention", 1), ("feed_forward", 1)):
        model, batch = reader(folders, family)
        before = said(model, batch)
        Adapters(place=place).prepare(model, setup_of())  # type: ignore[arg-type]
        assert torch.equal(said(model, batch), before), "it starts from the pretrained model"
        assert sum(name.endswith("bottleneck.down.weight") for name, _ in model.named_parameters()) == 2 * per_block


def test_a_prompt_is_words_before_the_text(folders: dict[str, Path]) -> None:
    """Vectors that are those of words say what the words say there, at the position of the first token."""
    model, batch = reader(folders, "bert")
    strategy = Prompt(size=3)
    strategy.prepare(model, setup_of())
    prompt, words = body_of(model).prompt.weight, model.bert.embeddings.word_embeddings.weight
    drawn = [int((words == vector).all(1).nonzero()[0, 0]) for vector in prompt]
    after = said(model, batch)
    plain, _ = reader(folders, "bert")
    with torch.no_grad():
        states = plain.bert(
            input_ids=torch.cat([torch.tensor([drawn] * 3), batch["input_ids"]], 1),
            attention_mask=torch.cat([torch.ones(3, 3, dtype=torch.long), batch["attention_mask"]], 1),
            position_ids=torch.cat([torch.zeros(3, dtype=torch.long), torch.arange(batch["input_ids"].shape[1])])[None],
        ).last_hidden_state[:, 3:]
        expected = plain.classifier(plain.bert.pooler(states))
    assert torch.allclose(after, expected, atol=1e-6)


@pytest.mark.parametrize("network", ["mlp", "lstm"])
def test_ptuning_makes_its_prompt_by_a_network(folders: dict[str, Path], network: Any) -> None:
    model, batch = reader(folders, "bert")
    strategy = PTuning(size=4, network=network, hidden=6)
    strategy.prepare(model, setup_of())
    model.double()
    prompt = body_of(model).prompt
    parts = prompt.network
    states = array(prompt.weight)
    if network == "lstm":
        weights = {name: array(p) for name, p in parts.reader.named_parameters()}
        ways = [lstm(states, weights, "l0"), lstm(states[::-1], weights, "l0_reverse")[::-1]]
        states = np.concatenate(ways, axis=1)
    inner = np.maximum(states @ array(parts.first.weight).T + array(parts.first.bias), 0)
    expected = inner @ array(parts.second.weight).T + array(parts.second.bias)
    assert np.allclose(array(prompt()), expected, atol=1e-6)
    before = said(model, batch)
    strategy.finish(model)
    assert not any("network" in name for name, _ in model.named_parameters()), "only what it makes is kept"
    assert torch.equal(said(model, batch), before)


def lstm(states: np.ndarray[Any, Any], weights: Mapping[str, Any], end: str) -> np.ndarray[Any, Any]:
    """States of an LSTM that reads one way, gates in the order input, forget, cell, output."""

    def squashed(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    size = weights[f"weight_hh_{end}"].shape[1]
    hidden, cell, found = np.zeros(size), np.zeros(size), []
    for x in states:
        gates = weights[f"weight_ih_{end}"] @ x + weights[f"bias_ih_{end}"]
        gates = gates + weights[f"weight_hh_{end}"] @ hidden + weights[f"bias_hh_{end}"]
        let, forget, new, out = np.split(gates, 4)
        cell = squashed(forget) * cell + squashed(let) * np.tanh(new)
        hidden = squashed(out) * np.tanh(cell)
        found.append(hidden)
    return np.array(found)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_prefix_is_keys_and_values_before_those_of_the_text(folders: dict[str, Path], attention: str) -> None:
    model, batch = reader(folders, "bert")
    model.set_attn_implementation(attention)
    Prefix(size=3).prepare(model, setup_of())
    shaken(model, "prefix")
    block = model.bert.encoder.layer[1].attention
    x, _ = seen(block.self.query, model, batch)  # [B, T, 16]
    y, _ = seen(block.output.dense, model, batch)
    pairs = array(model.bert.prefix.weight).reshape(3, 2, 2, 2, 8)[:, 1]  # [P, 2, heads, 8] of the second block

    def heads(layer: Any) -> Any:
        return (x @ array(layer.weight).T + array(layer.bias)).reshape(3, -1, 2, 8)

    q, k, v = heads(block.self.query), heads(block.self.key), heads(block.self.value)
    for row, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        for head in range(2):
            keys = np.concatenate([pairs[:, 0, head], k[row, :length, head]])
            values = np.concatenate([pairs[:, 1, head], v[row, :length, head]])
            scores = np.exp(q[row, :length, head] @ keys.T / math.sqrt(8))
            expected = scores / scores.sum(1, keepdims=True) @ values
            assert np.allclose(y[row, :length, head * 8 : head * 8 + 8], expected, atol=1e-6)


# --- on every architecture ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["own", "pooled"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_rows_do_not_feel_each_others_padding(folders: dict[str, Path], family: str, kind: str) -> None:
    tried = 0
    for name in ("ia3", "adapters", "prompt", "prefix"):
        model, batch = reader(folders, family, kind)
        if name == "prefix" and family in ("distilbert", "modernbert", "deberta-v2"):
            with pytest.raises(InputError, match="K516"):
                KINDS[name].prepare(model, setup_of())
            continue
        model = KINDS[name].prepare(model, setup_of())
        tried += 1
        length = int(batch["attention_mask"][0].sum())
        alone = said(model, {key: value[:1, :length] for key, value in batch.items()})
        assert torch.allclose(alone, said(model, batch)[:1], atol=1e-5)
    assert tried >= 3


@pytest.mark.parametrize("name", sorted(KINDS))
def test_it_learns_little_and_leaves_the_body_alone(folders: dict[str, Path], name: str) -> None:
    model, batch = reader(folders, "bert", "pooled")
    untouched = {n: p.detach().clone() for n, p in model.body.encoder.named_parameters()}
    strategy = KINDS[name]
    torch.manual_seed(11)
    prepared = strategy.prepare(model, setup_of())
    drawn = torch.rand(1)
    torch.manual_seed(11)
    assert torch.equal(drawn, torch.rand(1)), "numbers drawn elsewhere stay as they are"
    before = cross_entropy(said(prepared, batch), LABELS)
    learn(prepared, batch, 60)
    assert cross_entropy(said(prepared, batch), LABELS) < before * 2 / 3
    if name != "pissa":
        base = {n.replace(".base_layer", ""): p for n, p in unwrapped(prepared).body.encoder.named_parameters()}
        assert all(torch.equal(base[n], p) for n, p in untouched.items())
    after = said(prepared, batch)
    finished = strategy.finish(prepared)
    assert is_adapted(finished) == (name not in MERGED)
    assert torch.allclose(said(finished, batch), after, atol=1e-4)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_it_learns_without_its_head(folders: dict[str, Path], name: str) -> None:
    model, batch = reader(folders, "bert", "pooled")
    prepared = KINDS[name].prepare(model, setup_of())
    for parameter_name, parameter in prepared.named_parameters():
        if "classifier" in parameter_name:
            parameter.requires_grad_(False)
            nn.init.normal_(parameter)
    before = cross_entropy(said(prepared, batch), LABELS)
    learn(prepared, batch, 30)
    assert cross_entropy(said(prepared, batch), LABELS) < before - 0.1


@pytest.mark.parametrize("name", ["adapters", "prompt", "prefix"])
@pytest.mark.parametrize("family", CAUSAL)
def test_a_model_writes_what_it_would_say_word_by_word(folders: dict[str, Path], family: str, name: str) -> None:
    model, tokenizer = load_writer(folders[family], "causal")
    if (family, name) == ("gemma3", "prefix"):
        with pytest.raises(InputError, match="K516"):
            KINDS[name].prepare(model, setup_of(HeadSpec("causal", ())))
        return
    KINDS[name].prepare(model, setup_of(HeadSpec("causal", ())))
    torch.manual_seed(4)
    for parameter in own_weights(model).values():
        nn.init.normal_(parameter, std=0.5)
    model.eval()
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS[:2]]
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    out = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=5, do_sample=False, eos_token_id=None)
    for row, prompt in enumerate(prompts):
        for _ in range(5):
            prompt.append(int(said(model, {"input_ids": torch.tensor([prompt])})[0, -1].argmax()))
        assert out[row, longest:].tolist() == prompt[-5:]


# --- saved, loaded, merged ---------------------------------------------------------------------------------------


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that were saved, as they were in memory."""
    found: list[Any] = []
    real = conclude.keep_bundle

    def keep(shop: Any, model: Any, *rest: Any) -> None:
        real(shop, model, *rest)
        found.append(model)

    monkeypatch.setattr(conclude, "keep_bundle", keep)
    return found


@pytest.mark.parametrize("name", ["lora", "ia3", "adapters", "prompt", "ptuning", "prefix"])
def test_the_bundle_says_what_the_trained_model_said(
    quick: dict[str, Any], tmp_path: Path, trained: list[Any], name: str
) -> None:
    """The head is new, so a bundle that lost it would say something else."""
    apart: dict[str, Any] = {"merge": False} if name in MERGED else {"size": 4}
    recipe = {**quick, "head": "own", "strategies": [{name: apart}], "stop": {"steps": 3, "refit": False}}
    recipe["evaluate"] = {"folds": 0, "resamples": 20, "baselines": []}
    run = train(recipe, folder=tmp_path / "run")
    bundle = load_bundle(run.folder)
    assert is_adapted(bundle.model)
    assert bundle.contents["base"] == quick["model"]
    batch = dict(bundle.encoder.tokenizer(TEXTS, return_tensors="pt", padding=True))
    batch = {key: batch[key] for key in ("input_ids", "attention_mask")}
    expected = said(trained[0], batch)
    assert torch.allclose(said(bundle.model, batch), expected, atol=1e-6)
    head = load_model(Path(quick["model"]), bundle.task.head(), kind="own", seed=0).model.classifier.weight
    assert not any(torch.equal(p, head) for n, p in trained[0].named_parameters() if "original_module" not in n)

    report = run.report()["model"]
    base = weights_of(load_model(Path(quick["model"]), bundle.task.head(), kind="own", seed=0).model)
    new = 3 * 16 + 3 + 16 * 16 + 16  # the classifier and the pooler
    assert base < report["parameters"] == base + report["trained_parameters"] - new or name == "ptuning"
    if name in MERGED:
        plain = load_bundle(merge_job(run.folder, tmp_path / "plain"))
        assert not is_adapted(plain.model)
        assert torch.allclose(said(plain.model, batch), expected, atol=1e-5)
        assert weights_of(plain.model) == base
    else:
        with pytest.raises(InputError, match="K607"):
            merge_job(run.folder, tmp_path / "plain")


@pytest.mark.parametrize("name", ["adapters", "prompt", "prefix"])
def test_a_model_that_writes_comes_back(
    folders: dict[str, Path], tmp_path: Path, trained: list[Any], name: str
) -> None:
    rows = [{"prompt": f"{text} {at}", "response": text} for at in range(8) for text in TEXTS]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = {
        "task": "chat", "model": str(folders["qwen2"]), "data": {"train": str(data)},
        "strategies": [{name: {"size": 4}}], "stop": {"steps": 3, "refit": False}, "generate": {"max_tokens": 4},
        "evaluate": {"folds": 0, "resamples": 20, "baselines": []},
    }  # fmt: skip
    run = train(recipe, folder=tmp_path / "run")
    bundle = load_bundle(run.folder)
    assert is_adapted(bundle.model)
    assert run.report()["model"]["trained_parameters"] == sum(p.numel() for p in own_weights(bundle.model).values())
    ids = {"input_ids": torch.tensor([bundle.encoder.tokenizer(TEXTS[0])["input_ids"]])}
    assert torch.allclose(said(bundle.model, ids), said(trained[0], ids), atol=1e-6)
    plain, _ = load_writer(folders["qwen2"], "causal")
    assert not torch.allclose(said(bundle.model, ids), said(plain, ids), atol=1e-4)
    assert all(found.label for found in bundle.predict(TEXTS))
    with pytest.raises(InputError, match="K607"):
        merge_job(run.folder, tmp_path / "plain")


def test_an_inserted_module_that_does_not_fit_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    model, _ = reader(folders, "bert")
    Adapters().prepare(model, setup_of())
    save_adapter(model, tmp_path, "owner/name")
    with pytest.raises(InputError, match=r"K317(.|\n)*owner/name"):
        load_adapter(folders["distilbert"], tmp_path, CLASSES, kind="own")
    with pytest.raises(AssertionError, match="cannot be merged"):
        merge(model)
    (tmp_path / "inserted.safetensors").unlink()
    with pytest.raises(InputError, match=r"K317(.|\n)*lacks its weights"):
        load_adapter(folders["bert"], tmp_path, CLASSES, kind="own")


@pytest.mark.parametrize("name", ["dora", "pissa", "ia3", "adapters", "ptuning", "prefix by a network"])
def test_a_resumed_training_is_the_same_bit_for_bit(
    quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    strategy = KINDS[name]
    kind = {"LoRA": "lora", "IA3": "ia3", "PTuning": "ptuning"}.get(
        type(strategy).__name__, type(strategy).__name__.lower()
    )
    recipe = {**quick, "head": "own", "strategies": [{kind: strategy.model_dump(exclude_defaults=True)}]}
    recipe["stop"] = {"steps": 6, "epochs": 2, "evaluations_per_epoch": 2, "refit": False}
    recipe["evaluate"] = {"folds": 0, "resamples": 20, "baselines": []}
    train(recipe, folder=tmp_path / "whole")

    class Killed(Exception):
        pass

    real = tuning._Training._tell

    def stops(self: Any, step: Any) -> None:
        real(self, step)
        if step.step == 5:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(tuning._Training, "_tell", stops)
        with pytest.raises(Killed):
            train({**recipe, "checkpoint_seconds": 0}, folder=tmp_path / "half")
    said: list[dict[str, Any]] = []
    train({**recipe, "checkpoint_seconds": 0}, folder=tmp_path / "half", resume=True, progress=said.append)
    [stage] = [event for event in said if event["kind"] == "stage"]
    assert 0 < stage["resumed_at"] < 6
    [whole], [half] = (list((tmp_path / run / "model").glob("*.safetensors")) for run in ("whole", "half"))
    assert whole.read_bytes() == half.read_bytes()


# --- refused -----------------------------------------------------------------------------------------------------


def test_options_that_make_no_sense(monkeypatch: pytest.MonkeyPatch, folders: dict[str, Path]) -> None:
    wrong: list[tuple[type[Strategy], dict[str, Any]]] = [
        (LoRA, {"start": "pissa", "dora": True}), (LoRA, {"start": "pissa", "quantise": "nf4"}),
        (LoRA, {"quantise": "nf4", "merge": True}), (LoRA, {"start": "svd"}), (Adapters, {"size": 0}),
        (Adapters, {"place": "before"}), (Adapters, {"activation": "tanh"}), (Prompt, {"size": 0}),
        (PTuning, {"network": "gru"}), (PTuning, {"hidden": 0}), (Prefix, {"size": -1}), (IA3, {"merge": "perhaps"}),
    ]  # fmt: skip
    for kind, options in wrong:
        with pytest.raises(ValidationError):
            kind.model_validate(options)
    model, _ = reader(folders, "bert")
    for strategy in (Adapters(targets=("nowhere",)), IA3(targets=("nowhere",), feed_forward=("nowhere",))):
        with pytest.raises(InputError, match=r"K504(.|\n)*query"):
            strategy.prepare(model, setup_of())
    for strategy in (Adapters(), Prompt(), PTuning(), Prefix()):
        with pytest.raises(InputError, match="K213"):
            strategy.prepare(model, setup_of(HeadSpec("causal", (), streams=True)))


def test_a_prefix_and_blocks_that_are_computed_twice(quick: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"K210(.|\n)*prefix"):
        resolve(parse({**quick, "strategies": ["prefix"], "batching": {"save_memory": True}}))
    resolve(parse({**quick, "strategies": ["prompt"], "batching": {"save_memory": True}}))


def test_dialogues_do_not_share_a_row_with_a_prompt() -> None:
    """A prompt stands at the beginning of a row, where the second dialogue of the row would not see it."""
    assert {name for name, strategy in KINDS.items() if strategy.leads} == {
        "prompt", "ptuning", "prefix", "prefix by a network",
    }  # fmt: skip
    for name, packs in (("prompt", False), ("adapters", True)):
        shop: Any = Packing((KINDS[name],), SimpleNamespace(room=64))
        assert keep_apart(shop, Heeding()).packs == packs


@dataclass
class Packing:
    """As much of a workshop as decides about packing."""

    strategies: tuple[Strategy, ...]
    collate: Any
    packs: bool = True


class Heeding(nn.Module):
    """A model that says of each token what it says of it alone."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(64, 4)

    def get_input_embeddings(self) -> nn.Module:
        return self.words

    def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor) -> Any:
        return SimpleNamespace(logits=self.words(input_ids))


def test_four_bits_need_a_library_and_a_gpu(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = reader(folders, "bert")
    monkeypatch.setattr(quantise, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"K701(.|\n)*pip install 'tunesmith\[quantise\]'"):
        LoRA(quantise="nf4").prepare(model, setup_of())
    monkeypatch.setattr(quantise, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="K517"):
        LoRA(quantise="nf4").prepare(model, setup_of())
