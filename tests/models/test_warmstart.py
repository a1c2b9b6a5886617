"""Two encoders → one model that writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from tunesmith.errors import InputError
from tunesmith.models.tiny import save_tiny
from tunesmith.models.warmstart import warm_start
from tunesmith.models.write import decoder_inputs, load_writer

TEXTS = ["the film was good", "a book so bad", "my day felt odd"]


def ids_of(tokenizer: Any, texts: list[str]) -> dict[str, torch.Tensor]:
    found = tokenizer(texts, return_tensors="pt", padding=True)
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def losses(model: Any, batch: dict[str, torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
    logits = model(**batch, decoder_input_ids=decoder_inputs(model, targets)).logits
    return cross_entropy(logits.transpose(1, 2), targets, ignore_index=model.config.pad_token_id)


@pytest.mark.parametrize("family", ["bert", "electra", "roberta", "xlm-roberta"])
def test_it_generates_and_comes_back_from_disk(tmp_path: Path, family: str) -> None:
    model, tokenizer = warm_start(save_tiny(tmp_path / "body", TEXTS, family=family), seed=3)
    batch = ids_of(tokenizer, TEXTS[:2])
    out = model.generate(**batch, max_new_tokens=5, do_sample=False)
    assert out.shape == (2, 6)
    assert set(out[:, 0].tolist()) == {tokenizer.cls_token_id}
    assert model.generation_config.eos_token_id == tokenizer.sep_token_id
    model.save_pretrained(tmp_path / "both")
    tokenizer.save_pretrained(tmp_path / "both")
    assert str(tmp_path) not in (tmp_path / "both" / "config.json").read_text(encoding="utf-8")
    assert (tmp_path / "both" / "model.safetensors").is_file()
    again, its_tokenizer = load_writer(tmp_path / "both", "seq2seq")
    assert torch.equal(again.generate(**ids_of(its_tokenizer, TEXTS[:2]), max_new_tokens=5, do_sample=False), out)
    assert again.decoder.get_output_embeddings().weight is again.decoder.get_input_embeddings().weight


def test_the_decoder_sees_what_was_read_and_nothing_that_comes(tmp_path: Path) -> None:
    model, tokenizer = warm_start(save_tiny(tmp_path / "body", TEXTS), seed=3)
    batch, other = ids_of(tokenizer, TEXTS[:1]), ids_of(tokenizer, TEXTS[1:2])
    written = ids_of(tokenizer, TEXTS[2:])["input_ids"]
    changed = written.clone()
    changed[0, -1] = 7
    seen = model(**batch, decoder_input_ids=written).logits
    assert torch.equal(model(**batch, decoder_input_ids=changed).logits[:, :-1], seen[:, :-1])
    assert not torch.allclose(model(**other, decoder_input_ids=written).logits, seen)


def test_it_learns(tmp_path: Path) -> None:
    model, tokenizer = warm_start(save_tiny(tmp_path / "body", TEXTS), seed=3)
    batch, targets = ids_of(tokenizer, TEXTS), ids_of(tokenizer, TEXTS[::-1])["input_ids"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(80):
        loss = losses(model, batch, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss.item() < 0.5
    said = model.generate(**batch, max_new_tokens=8, do_sample=False)
    assert tokenizer.batch_decode(said, skip_special_tokens=True) == TEXTS[::-1]


def test_new_weights_follow_from_the_seed(tmp_path: Path) -> None:
    body = save_tiny(tmp_path / "body", TEXTS)
    first, second, third = (warm_start(body, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    differ = {name for name in first if not torch.equal(first[name], third[name])}
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert {"crossattention" in name or ".cls." in name for name in differ} == {True}
    assert differ


def test_two_bodies(tmp_path: Path) -> None:
    reads, writes = (save_tiny(tmp_path / str(seed), TEXTS, seed=seed) for seed in (1, 2))
    model, _ = warm_start(reads, writes, seed=3)
    a, b = model.encoder.get_input_embeddings().weight, model.decoder.get_input_embeddings().weight
    assert not torch.equal(a, b)


def test_what_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    bert = save_tiny(tmp_path / "bert", TEXTS)
    for family in ("distilbert", "deberta-v2", "modernbert"):
        with pytest.raises(InputError, match=r"K308(.|\n)*decoder with cross-attention"):
            warm_start(save_tiny(tmp_path / family, TEXTS, family=family), seed=3)
    with pytest.raises(InputError, match=r"K308(.|\n)*vocabulary"):
        warm_start(bert, save_tiny(tmp_path / "other", ["other words"]), seed=3)


@pytest.mark.real
def test_two_real_bodies(tmp_path: Path) -> None:
    folder = Path.home() / ".cache" / "tunesmith" / "models" / "minilm"
    if not folder.is_dir():
        pytest.skip("minilm is not in the cache")
    model, tokenizer = warm_start(folder, seed=3)
    assert sum(p.numel() for p in model.parameters()) < 2 * 22_713_216 + 4_000_000
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = load_writer(tmp_path, "seq2seq")
    batch = ids_of(tokenizer, ["Where is my bike?"])
    out = model.generate(**batch, max_new_tokens=4, do_sample=False)
    assert torch.equal(again.generate(**batch, max_new_tokens=4, do_sample=False), out)
