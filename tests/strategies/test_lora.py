"""LoRA on every architecture: what learns, where it starts, what is saved, and that a resumed training is the same."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers.pytorch_utils import Conv1D

from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError, MissingExtra
from tunesmith.models.adapter import base_of, is_adapted, load_adapter, merge, save_adapter
from tunesmith.models.blocks import blocks, depth
from tunesmith.models.body import unwrapped
from tunesmith.models.heads import final_linear
from tunesmith.models.load import load_model
from tunesmith.models.memory import save_memory
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.warmstart import warm_start
from tunesmith.models.write import decoder_inputs, load_writer
from tunesmith.runs.checkpoint import Checkpoints
from tunesmith.strategies.lora import LoRA

TEXTS = ["the film was good", "a book so bad", "my day felt odd"]
LABELS = torch.tensor([0, 1, 2])
CLASSES = HeadSpec("single_label_classification", ("good", "bad", "odd"))
HEADS = {
    "row": CLASSES, "words": HeadSpec("token_classification", ("O", "B")),
    "question": HeadSpec("question_answering", ()), "apart": HeadSpec("embedding", ()),
}  # fmt: skip
NEW_USUALLY = {"row": {"classifier"}, "words": {"classifier"}, "question": {"qa_outputs"}, "apart": set()}
NEW = {
    ("row", "bert"): {"bert.pooler", "classifier"}, ("row", "deberta-v2"): {"pooler", "classifier"},
    ("row", "distilbert"): {"pre_classifier", "classifier"}, ("row", "modernbert"): {"head", "classifier"},
    ("words", "modernbert"): {"head", "classifier"}, ("question", "modernbert"): {"head", "classifier"},
}  # fmt: skip
"""Layout and family → the modules beside the body that have new weights, where they are not the usual ones."""
SETUP: Any = SimpleNamespace(seed=5)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("bases")
    found = {family: save_tiny(place / family, TEXTS, family=family) for family in FAMILIES}
    return found | {family: save_tiny_writer(place / family, TEXTS, family=family) for family in WRITERS}


def encoder(folders: dict[str, Path], family: str, head: HeadSpec = CLASSES, kind: Any = "auto") -> tuple[Any, Any]:
    loaded = load_model(folders[family], head, kind=kind, seed=3)
    return loaded.model, batch_of(loaded.tokenizer, family)


def writer(folders: dict[str, Path], family: str) -> tuple[Any, dict[str, torch.Tensor]]:
    model, tokenizer = load_writer(folders[family], WRITERS[family].problem)
    batch = batch_of(tokenizer, family)
    if WRITERS[family].problem == "seq2seq":
        batch["decoder_input_ids"] = decoder_inputs(model, batch["input_ids"])
    return model, batch


def batch_of(tokenizer: Any, family: str) -> dict[str, torch.Tensor]:
    found = tokenizer(TEXTS, return_tensors="pt", padding=True, padding_side="right")
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def said(model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    model.eval()
    with torch.inference_mode():
        out: Any = model(**batch)
    return next(getattr(out, name) for name in ("logits", "start_logits", "vectors") if hasattr(out, name))


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def learn(model: Any, batch: Mapping[str, torch.Tensor], optimizer: Any, steps: range) -> float:
    """A plain loop with dropout, whose random numbers follow from the step."""
    loss = torch.tensor(0.0)
    for step in steps:
        model.train()
        torch.manual_seed(step)
        logits = model(**batch).logits
        loss = cross_entropy(logits, LABELS) if logits.ndim == 2 else written(logits, batch["input_ids"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


def written(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Of a causal model: each token from those before it."""
    return cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


def adamw(model: nn.Module, rate: float = 5e-3) -> torch.optim.AdamW:
    return torch.optim.AdamW(list(trained(model).values()), lr=rate)


@pytest.mark.parametrize("layout", sorted(HEADS))
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_encoders(folders: dict[str, Path], family: str, layout: str) -> None:
    model, batch = encoder(folders, family, HEADS[layout], "own" if layout == "row" else "auto")
    before, count = said(model, batch).clone(), blocks(model)[1]
    linear = sum(isinstance(m, nn.Linear) and 0 < depth(f"{n}.weight", model) <= count and ".layer" in f".{n}"
                 and "pooler" not in n for n, m in model.named_modules())  # fmt: skip
    wrapped = LoRA().prepare(model, SETUP)
    assert torch.equal(said(wrapped, batch), before), "B is zero at first"
    names = trained(wrapped)
    assert sum("lora_A" in name for name in names) == sum("lora_B" in name for name in names) == linear >= 8
    others = {name.split(".modules_to_save")[0].rpartition("model.")[2] for name in names if "lora_" not in name}
    assert others == NEW.get((layout, family), NEW_USUALLY[layout]), "the head learns as a whole"
    assert all(".modules_to_save.default." in name for name in names if "lora_" not in name)
    assert {depth(name, wrapped) for name in names if "lora_" in name} == set(range(1, count + 1))
    assert {depth(name, wrapped) for name in names if name.endswith("classifier.modules_to_save.default.weight")} <= {
        count + 1
    }
    if layout != "apart":
        assert ".modules_to_save.default" in next(n for n, m in wrapped.named_modules() if m is final_linear(wrapped))


@pytest.mark.parametrize("family", sorted(WRITERS))
def test_writers(folders: dict[str, Path], family: str) -> None:
    model, batch = writer(folders, family)
    before = said(model, batch).clone()
    words = model.get_input_embeddings().weight
    wrapped: Any = LoRA().prepare(model, SETUP)
    assert torch.equal(said(wrapped, batch), before)
    assert (
        wrapped.peft_config["default"].task_type
        == {"causal": "CAUSAL_LM", "seq2seq": "SEQ_2_SEQ_LM"}[WRITERS[family].problem]
    )
    names = trained(wrapped)
    assert all("lora_" in name for name in names), "neither the embeddings nor the matrix in front of the vocabulary"
    assert not words.requires_grad
    per_block = {"gpt2": 4, "t5": 6}.get(family, 7 if WRITERS[family].problem == "causal" else 6)
    expected = 2 * per_block if WRITERS[family].problem == "causal" else 2 * per_block + 2 * (per_block + 4)
    assert sum("lora_A" in name for name in names) == expected
    batch.pop("decoder_input_ids", None)
    out = wrapped.generate(**batch, max_new_tokens=3, do_sample=False)
    assert out.shape[0] == len(TEXTS)


def test_rank_alpha_and_targets(folders: dict[str, Path]) -> None:
    model, _ = writer(folders, "llama")
    wrapped: Any = LoRA(rank=3, targets=("q_proj", "mlp.up_proj")).prepare(model, SETUP)
    assert len(trained(wrapped)) == 2 * 2 * 2
    layer = unwrapped(wrapped).model.layers[0].self_attn.q_proj
    assert layer.lora_A["default"].weight.shape == (3, 32)
    assert layer.scaling["default"] == 2.0
    model, _ = writer(folders, "gpt2")
    wrapped = LoRA(rank=4, alpha=6, rslora=True, dropout=0.0).prepare(model, SETUP)
    layer = unwrapped(wrapped).transformer.h[0].attn.c_attn
    assert isinstance(layer.base_layer, Conv1D)
    assert layer.scaling["default"] == 6 / 4**0.5
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    nn.init.normal_(b)
    x = torch.randn(5, 32)
    assert torch.allclose(layer(x), layer.base_layer(x) + 3.0 * x @ a.T @ b.T, atol=1e-5), "the formula"
    wide = nn.Module()
    wide.layers = nn.ModuleList([nn.ModuleDict({"up": nn.Linear(1024, 2)})])
    assert LoRA().prepare(wide, SETUP).peft_config["default"].r == 16  # type: ignore[union-attr, index, operator]


def test_targets_that_are_not_there(folders: dict[str, Path]) -> None:
    model, _ = writer(folders, "gpt2")
    with pytest.raises(InputError, match=r"K504(.|\n)*q_proj(.|\n)*c_attn"):
        LoRA(targets=("q_proj",)).prepare(model, SETUP)


def test_the_same_seed_gives_the_same_start_and_draws_nothing_from_outside(folders: dict[str, Path]) -> None:
    states = []
    for seed in (5, 5, 6):
        torch.manual_seed(11)
        model, _ = writer(folders, "gpt2")
        torch.manual_seed(11)
        wrapped = LoRA().prepare(model, SimpleNamespace(seed=seed))  # type: ignore[arg-type]
        states.append({name: p.detach().clone() for name, p in trained(wrapped).items()})
        states[-1]["next"] = torch.rand(1)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0] if "lora_A" in name)
    assert torch.equal(states[0]["next"], states[2]["next"])


@pytest.mark.parametrize("family", [*sorted(FAMILIES), "gpt2", "llama"])
def test_it_learns_and_comes_back_with_its_head(folders: dict[str, Path], tmp_path: Path, family: str) -> None:
    model, batch = encoder(folders, family) if family in FAMILIES else writer(folders, family)
    untouched = {name: p.detach().clone() for name, p in model.named_parameters()}
    wrapped: Any = LoRA().prepare(model, SETUP)
    optimizer = adamw(wrapped)
    first = learn(wrapped, batch, optimizer, range(1))
    assert learn(wrapped, batch, optimizer, range(1, 60)) < first / 2
    base = {name.replace(".base_layer", ""): p for name, p in unwrapped(wrapped).named_parameters()}
    assert all(torch.equal(base[name], p) for name, p in untouched.items() if name in base), "the base stays as it was"
    after = said(wrapped, batch).clone()

    save_adapter(wrapped, tmp_path / "adapter", str(folders[family]))
    assert base_of(tmp_path / "adapter") == str(folders[family])
    assert {p.name for p in (tmp_path / "adapter").iterdir()} == {"adapter_model.safetensors", "adapter_config.json"}
    again, tokenizer = load_adapter(folders[family], tmp_path / "adapter", CLASSES if family in FAMILIES else None)
    assert torch.equal(said(again, batch), after), "adapter and head are the ones that were trained"
    assert tokenizer is not None
    assert not trained(again)

    plain: Any = merge(wrapped)
    assert not is_adapted(plain)
    assert not any(isinstance(m, nn.ModuleDict) for m in plain.modules())
    assert torch.allclose(said(plain, batch), after, atol=1e-4)
    plain.save_pretrained(tmp_path / "plain")
    assert "lora" not in (tmp_path / "plain" / "config.json").read_text(encoding="utf-8")
    assert type(plain).from_pretrained(tmp_path / "plain").state_dict().keys() == plain.state_dict().keys()
    assert merge(plain) is plain


def test_peft_itself_loads_the_adapter_of_a_writer(folders: dict[str, Path], tmp_path: Path) -> None:
    from peft import AutoPeftModelForCausalLM

    from tunesmith.models.adapter import quiet_peft

    model, batch = writer(folders, "qwen2")
    wrapped = LoRA().prepare(model, SETUP)
    learn(wrapped, batch, adamw(wrapped), range(3))
    save_adapter(wrapped, tmp_path / "adapter", str(folders["qwen2"]))
    with quiet_peft():
        again = AutoPeftModelForCausalLM.from_pretrained(str(tmp_path / "adapter"), dtype=torch.float32)
    assert torch.equal(said(again, batch), said(wrapped, batch))


def test_saving_twice_writes_the_same_bytes(folders: dict[str, Path], tmp_path: Path) -> None:
    model, _ = encoder(folders, "bert")
    wrapped = LoRA().prepare(model, SETUP)
    for name in ("a", "b"):
        save_adapter(wrapped, tmp_path / name, "base")
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_adapter_that_does_not_fit_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    model, _ = writer(folders, "llama")
    adapter = tmp_path / "adapter"
    save_adapter(LoRA().prepare(model, SETUP), adapter, "owner/name")
    with pytest.raises(InputError, match=r"K317(.|\n)*owner/name"):
        load_adapter(folders["gpt2"], adapter)
    half = copied(folders["llama"], tmp_path / "half", adapter)
    with pytest.raises(InputError, match="K317"):
        load_adapter(folders["llama"], half)
    with pytest.raises(InputError, match=r"K317(.|\n)*no adapter"):
        load_adapter(folders["llama"], folders["llama"])
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(InputError, match="K312"):
        load_adapter(folders["llama"], adapter)
    (adapter / "adapter_model.bin").unlink()
    with pytest.raises(InputError, match=r"K317(.|\n)*lacks its weights"):
        load_adapter(folders["llama"], adapter)


def copied(base: Path, to: Path, adapter: Path) -> Path:
    """An adapter that lost some of its weights."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(adapter, to)
    tensors = load_file(to / "adapter_model.safetensors")
    save_file({k: v for k, v in tensors.items() if "layers.0" in k}, to / "adapter_model.safetensors")
    return to


def test_without_peft_it_says_what_to_install(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = writer(folders, "gpt2")
    (tmp_path / "adapter_config.json").write_text(json.dumps({"task_type": "CAUSAL_LM"}), encoding="utf-8")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    real = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "peft":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    for action in (lambda: LoRA().prepare(model, SETUP), lambda: load_adapter(folders["gpt2"], tmp_path)):
        with pytest.raises(MissingExtra, match=r"K701(.|\n)*pip install 'tunesmith\[write\]'"):
            action()


def moved(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """What a checkpoint of the engine holds: trainable parameters and moments."""
    found = {f"model.{name}": p.detach() for name, p in trained(model).items()}
    for at, moments in optimizer.state_dict()["state"].items():
        found |= {f"optimizer.{at}.{key}": value for key, value in moments.items()}
    return found


def put_back(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in trained(model).items():
            parameter.copy_(tensors[f"model.{name}"])
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, at, key = name.split(".")
            state.setdefault(int(at), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


@pytest.mark.parametrize("family", ["bert", "deberta-v2", "gpt2", "gemma3"])
def test_a_resumed_training_is_the_same_bit_for_bit(folders: dict[str, Path], tmp_path: Path, family: str) -> None:
    def start() -> tuple[Any, Any, Any]:
        model, batch = encoder(folders, family) if family in FAMILIES else writer(folders, family)
        wrapped = LoRA().prepare(model, SETUP)
        return wrapped, batch, adamw(wrapped)

    whole, batch, optimizer = start()
    learn(whole, batch, optimizer, range(8))
    half, batch, optimizer = start()
    learn(half, batch, optimizer, range(5))
    Checkpoints(tmp_path).save("last", moved(half, optimizer), {})
    found = Checkpoints(tmp_path).load("last")
    assert found is not None
    resumed, batch, optimizer = start()
    put_back(resumed, optimizer, found[0])
    learn(resumed, batch, optimizer, range(5, 8))
    expected = whole.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.state_dict().items())
    assert not any(torch.equal(p, trained(half)[name]) for name, p in trained(resumed).items())


@pytest.mark.parametrize("family", ["bert", "modernbert", "gpt2", "llama", "t5", "bart", "marian", "two encoders"])
@pytest.mark.parametrize("adapted", [False, True])
def test_saving_memory_changes_no_gradient(folders: dict[str, Path], family: str, adapted: bool) -> None:
    if family == "two encoders":
        model, tokenizer = warm_start(folders["bert"], seed=3)
        batch = batch_of(tokenizer, family)
        batch["decoder_input_ids"] = decoder_inputs(model, batch["input_ids"])
    else:
        model, batch = encoder(folders, family) if family in FAMILIES else writer(folders, family)
    if adapted:
        model = LoRA(dropout=0.3).prepare(model, SETUP)
    model.train()
    plain, most = gradients(model, batch)
    save_memory(model)
    saved, least = gradients(model, batch)
    assert plain.keys() == saved.keys()
    assert all(torch.equal(plain[name], saved[name]) for name in plain), "dropout dropped the same"
    assert least < 0.7 * most, "less is kept for the backward pass"


def gradients(model: Any, batch: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], int]:
    """Return the gradients of a loss, and the bytes that were kept for the backward pass, weights not counted."""
    model.zero_grad()
    torch.manual_seed(1)
    weights, kept = {p.data_ptr() for p in model.parameters()}, {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(**batch).logits.float().square().mean().backward()
    return {name: p.grad.clone() for name, p in trained(model).items() if p.grad is not None}, sum(kept.values())


def test_memory_cannot_be_saved_everywhere() -> None:
    with pytest.raises(InputError, match="K505"):
        save_memory(nn.Linear(2, 2))
