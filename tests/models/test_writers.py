"""Models that write: tiny ones of every family, loaded ready to tune; what does not write is refused with a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer
from transformers.utils import logging as transformers_logging

from tunesmith.errors import InputError, MissingExtra
from tunesmith.models import write
from tunesmith.models.blocks import blocks, depth
from tunesmith.models.known import KNOWN
from tunesmith.models.languages import languages, set_languages
from tunesmith.models.load import load_tokenizer
from tunesmith.models.tiny import save_tiny
from tunesmith.models.tinywriters import LIMIT, WRITERS, save_tiny_writer, tiny_writer_tokenizer
from tunesmith.models.write import decoder_inputs, load_writer, load_writer_tokenizer, settle_padding

TEXTS = ["the film was good", "a book so bad", "les films étaient bons", "小明 北京大学", "user assistant model"] * 3
ASKED = [{"role": "user", "content": "the film"}, {"role": "assistant", "content": " so good "}]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("writers")
    return {family: save_tiny_writer(place / family, TEXTS, family=family) for family in WRITERS}


def loaded(folders: dict[str, Path], family: str, **options: Any) -> tuple[Any, Any]:
    return load_writer(folders[family], WRITERS[family].problem, **options)


def asked(tokenizer: Any, texts: list[str]) -> dict[str, torch.Tensor]:
    found = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def test_the_families_that_are_promised_are_there() -> None:
    assert {name for name, w in WRITERS.items() if w.problem == "causal"} == {"gpt2", "llama", "qwen2", "gemma3"}
    assert {n for n, w in WRITERS.items() if w.problem == "seq2seq"} == {"t5", "bart", "mbart", "marian", "nllb"}


@pytest.mark.parametrize("family", sorted(WRITERS))
def test_its_tokenizer_is_saved_and_gives_texts_back(folders: dict[str, Path], family: str) -> None:
    here, saved = tiny_writer_tokenizer(TEXTS, family), AutoTokenizer.from_pretrained(folders[family])
    for text in [*TEXTS[:5], "unseen, words."]:
        ids = here(text)["input_ids"]
        assert saved(text)["input_ids"] == ids
        assert saved.decode(ids, skip_special_tokens=True).strip() == text
    assert saved.is_fast == (family != "marian")
    assert 100 < len(saved) < 500
    assert (saved.pad_token is None) == (family in ("gpt2", "llama")), "as published"


@pytest.mark.parametrize(
    ("family", "whole", "prompt"),
    [
        ("qwen2", "<|im_start|>user\nthe film<|im_end|>\n<|im_start|>assistant\n so good <|im_end|>\n",
         "<|im_start|>assistant\n"),
        ("llama", "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nthe film<|eot_id|>"
         "<|start_header_id|>assistant<|end_header_id|>\n\nso good<|eot_id|>",
         "<|start_header_id|>assistant<|end_header_id|>\n\n"),
        ("gemma3", "<bos><start_of_turn>user\nthe film<end_of_turn>\n<start_of_turn>model\nso good<end_of_turn>\n",
         "<start_of_turn>model\n"),
    ],
)  # fmt: skip
def test_chat_templates(folders: dict[str, Path], family: str, whole: str, prompt: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folders[family])
    assert tokenizer.apply_chat_template(ASKED, tokenize=False) == whole
    assert tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True) == whole + prompt
    marks = {token for token in tokenizer.all_special_tokens if token in whole}
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    assert {tokenizer.convert_ids_to_tokens(i) for i in ids} >= marks, "a mark is one token"


def test_gemma_has_no_system_role_and_gpt2_no_template(folders: dict[str, Path]) -> None:
    gemma = AutoTokenizer.from_pretrained(folders["gemma3"])
    for turns in ([{"role": "system", "content": "be kind"}, *ASKED], ASKED[1:], [ASKED[0], ASKED[0]]):
        with pytest.raises(Exception, match=r"system|turns"):
            gemma.apply_chat_template(turns, tokenize=False)
    assert AutoTokenizer.from_pretrained(folders["gpt2"]).chat_template is None


@pytest.mark.parametrize("family", sorted(WRITERS))
def test_it_is_ready_to_train_and_to_generate(
    folders: dict[str, Path], family: str, caplog: pytest.LogCaptureFixture
) -> None:
    model, tokenizer = loaded(folders, family)
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not any(getattr(m.config, "use_cache", False) for m in model.modules() if hasattr(m, "config"))
    rows = model.get_input_embeddings().num_embeddings
    assert rows == len(AutoTokenizer.from_pretrained(folders[family])) == len(tokenizer), "no row was added"
    assert model.generation_config.pad_token_id == tokenizer.pad_token_id < rows
    transformers_logging.enable_propagation()
    try:
        batch = asked(tokenizer, ["the film", "a book so bad"])
        out = model.generate(**batch, max_new_tokens=5, do_sample=False, return_dict_in_generate=True)
        alone = model.generate(**asked(tokenizer, ["the film"]), max_new_tokens=5, do_sample=False)
    finally:
        transformers_logging.disable_propagation()
    assert out.past_key_values is not None, "generation keeps a cache"
    assert not caplog.records, "generation had nothing to complain about"
    written = alone.shape[1] - (batch["input_ids"].shape[1] if WRITERS[family].problem == "causal" else 0)
    assert out.sequences.shape[0] == 2
    assert written <= 6
    loss = _loss(model, tokenizer, WRITERS[family].problem)
    loss.backward()
    assert torch.isfinite(loss)
    fixed = {name for name, p in model.named_parameters() if p.grad is None}
    assert {name.split(".")[-2] for name in fixed} <= {"embed_positions"}, "all but the sinusoids of Marian learns"


def _loss(model: Any, tokenizer: Any, problem: str) -> torch.Tensor:
    ids = tokenizer(["the film was good"], return_tensors="pt")["input_ids"]
    if problem == "causal":
        out = model(input_ids=ids).logits[:, :-1]
        return torch.nn.functional.cross_entropy(out.flatten(0, 1), ids[:, 1:].flatten())
    out = model(input_ids=ids, decoder_input_ids=decoder_inputs(model, ids)).logits
    return torch.nn.functional.cross_entropy(out.flatten(0, 1), ids.flatten())


@pytest.mark.parametrize("family", sorted(name for name, writer in WRITERS.items() if writer.problem == "seq2seq"))
def test_a_decoder_reads_what_it_has_written(folders: dict[str, Path], family: str) -> None:
    """The same as the library's own shift, where it has one; and what generation would have read."""
    model, tokenizer = loaded(folders, family)
    targets = tokenizer(text_target=TEXTS[:2], return_tensors="pt", padding=True)["input_ids"]
    masked = targets.masked_fill(targets == tokenizer.pad_token_id, -100)
    found = decoder_inputs(model, masked)
    assert torch.equal(found, decoder_inputs(model, targets))
    assert torch.equal(found[:, 1:], targets[:, :-1])
    if family != "nllb":
        assert torch.equal(found, model.prepare_decoder_input_ids_from_labels(labels=masked))
    out = model.generate(**asked(tokenizer, ["the film"]), max_new_tokens=3, do_sample=False)
    assert out[0, 0] == found[0, 0]


def test_half_precision_is_loaded_in_full_and_tied_weights_stay_tied(folders: dict[str, Path], tmp_path: Path) -> None:
    model, tokenizer = loaded(folders, "qwen2")
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = load_writer(tmp_path, "causal")
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    assert again.lm_head.weight is again.model.embed_tokens.weight
    half, _ = load_writer(tmp_path, "causal", dtype=torch.bfloat16, attention="eager")
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    assert half.config._attn_implementation == "eager"
    llama, _ = loaded(folders, "llama")
    assert llama.lm_head.weight is not llama.model.embed_tokens.weight


def test_padding_is_a_token_that_has_a_row(folders: dict[str, Path]) -> None:
    _, gpt2 = loaded(folders, "gpt2")
    assert gpt2.pad_token == gpt2.eos_token == "<|endoftext|>"
    _, llama = loaded(folders, "llama")
    assert llama.pad_token == "<|eot_id|>"
    named = AutoTokenizer.from_pretrained(folders["llama"])
    rows = len(named)
    named.add_special_tokens({"extra_special_tokens": ["<|finetune_right_pad_id|>"]})
    settle_padding(named, rows)
    assert named.pad_token == "<|eot_id|>", "the new token has no row"
    named.pad_token = None
    settle_padding(named, rows + 1)
    assert named.pad_token == "<|finetune_right_pad_id|>"
    with pytest.raises(InputError, match="K309"):
        settle_padding(AutoTokenizer.from_pretrained(folders["llama"]), 0)


def test_embeddings_of_the_ending_token_still_learn_after_a_reload(folders: dict[str, Path], tmp_path: Path) -> None:
    """A padding id in the configuration would stop its gradient."""
    model, tokenizer = loaded(folders, "llama")
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, tokenizer = load_writer(tmp_path, "causal")
    assert again.get_input_embeddings().padding_idx is None
    assert tokenizer.pad_token == "<|eot_id|>"


@pytest.mark.parametrize(
    ("family", "problem", "said"),
    [("bert", "causal", "is an encoder"), ("bert", "seq2seq", "is an encoder"), ("t5", "causal", "--task seq2seq"),
     ("bart", "causal", "--task seq2seq"), ("gpt2", "seq2seq", "--task chat")],
)  # fmt: skip
def test_what_writes_in_another_way_is_refused(
    folders: dict[str, Path], tiny: Path, family: str, problem: Any, said: str
) -> None:
    with pytest.raises(InputError, match="K307") as caught:
        load_writer(tiny if family == "bert" else folders[family], problem)
    assert said in str(caught.value)


def copied(folder: Path, to: Path, **changes: Any) -> Path:
    shutil.copytree(folder, to)
    plain = json.loads((to / "config.json").read_text(encoding="utf-8"))
    (to / "config.json").write_text(json.dumps(plain | changes), encoding="utf-8")
    return to


def test_code_in_the_folder_is_not_run(folders: dict[str, Path], tmp_path: Path) -> None:
    strange = copied(folders["gpt2"], tmp_path / "a", model_type="own", auto_map={"AutoConfig": "own.Config"})
    (strange / "own.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    with pytest.raises(InputError, match="K306"):
        load_writer(strange, "causal")
    with pytest.raises(InputError, match="K306"):
        load_tokenizer(strange)
    both = copied(folders["gpt2"], tmp_path / "b", auto_map={"AutoModelForCausalLM": "own.Model"})
    (both / "own.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    model, _ = load_writer(both, "causal")
    assert type(model).__module__.startswith("transformers."), "the library has the architecture itself"


def test_pickles_and_missing_weights_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    pickled = copied(folders["gpt2"], tmp_path / "a")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(InputError, match="K312"):
        load_writer(pickled, "causal")
    headless = copied(folders["qwen2"], tmp_path / "b", tie_word_embeddings=False)
    with pytest.raises(InputError, match=r"K304(.|\n)*lm_head"):
        load_writer(headless, "causal")
    with pytest.raises(InputError, match="K311"):
        load_writer(tmp_path / "b" / "config.json", "causal")


def test_a_tokenizer_of_pieces_says_what_it_needs(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="K303"):
        load_tokenizer(folders["marian"])
    monkeypatch.setattr(write.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"sentencepiece(.|\n)*tunesmith\[write\]"):
        load_writer_tokenizer(folders["marian"])


def test_how_many_tokens_a_model_takes(folders: dict[str, Path]) -> None:
    assert {load_writer_tokenizer(folder)[1] for folder in folders.values()} == {LIMIT}


@pytest.mark.parametrize(
    ("family", "source", "target"), [("nllb", "eng_Latn", "deu_Latn"), ("mbart", "en_XX", "de_DE")]
)
def test_languages(folders: dict[str, Path], tmp_path: Path, family: str, source: str, target: str) -> None:
    model, tokenizer = loaded(folders, family)
    set_languages(model, tokenizer, source, target)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, tokenizer = load_writer(tmp_path, "seq2seq")
    out = model.generate(**asked(tokenizer, ["the film"]), max_new_tokens=3, do_sample=False)
    assert target in tokenizer.convert_ids_to_tokens(out[0].tolist())[:2]
    assert source in tokenizer.convert_ids_to_tokens(tokenizer("the film")["input_ids"])
    assert target in tokenizer.convert_ids_to_tokens(tokenizer(text_target="the film")["input_ids"])
    with pytest.raises(InputError) as caught:
        set_languages(model, tokenizer, "english", target[:-1])
    assert [fault.code for fault in caught.value.faults] == ["K309", "K309"]
    assert f'Did you mean "{target}"?' in str(caught.value)


def test_most_models_are_not_told_languages(folders: dict[str, Path]) -> None:
    model, tokenizer = loaded(folders, "t5")
    assert languages(tokenizer) == []
    with pytest.raises(InputError, match="K309"):
        set_languages(model, tokenizer, "en", "fr")


@pytest.mark.parametrize("family", sorted(WRITERS))
def test_where_parameters_stand(folders: dict[str, Path], family: str) -> None:
    model, _ = loaded(folders, family)
    _, count = blocks(model)
    assert count == (2 if WRITERS[family].problem == "causal" else 4)
    levels: dict[int, list[str]] = {}
    for name, _ in model.named_parameters():
        levels.setdefault(depth(name, model), []).append(name)
    words = model.get_input_embeddings().weight
    assert any(p is words for name, p in model.named_parameters() if name in levels[0])
    assert not any("layer" in name or ".h." in name or "block" in name for name in levels[0])
    for level in range(1, count + 1):
        assert sum("norm" in n.lower() or ".ln_" in n for n in levels[level]) >= 2, f"a block is at depth {level}"
    assert levels.get(count + 1, []) == (["lm_head.weight"] if family == "llama" else [])
    if WRITERS[family].problem == "seq2seq":
        assert depth("model.decoder.layers.0.fc1.weight" if family != "t5" else "decoder.block.0.x", model) == 3


def test_an_encoder_keeps_its_depths(tiny: Path, tmp_path: Path) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(save_tiny(tmp_path / "bert", TEXTS))
    assert blocks(model) == ("encoder.layer", 2)
    assert [depth(f"{name}.weight", model) for name in ("embeddings.word", "encoder.layer.1.x")] == [0, 2]


@pytest.mark.real
def test_smollm2_speaks() -> None:
    folder = Path.home() / ".cache" / "test-models" / "smollm2"
    if not folder.is_dir():
        pytest.skip("smollm2 is not on this machine")
    model, tokenizer = load_writer(folder, "causal")
    assert sum(p.numel() for p in model.parameters()) == next(m.parameters for m in KNOWN if m.name == "smollm2")
    assert {p.dtype for p in model.parameters()} == {torch.float32}, "the files are in half precision"
    turns = [{"role": "user", "content": "What is the capital of France?"}]
    batch = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=8, do_sample=False)
    assert "Paris" in tokenizer.decode(out[0])
