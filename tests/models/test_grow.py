"""A model with more tokens: each starts at the mean of its pieces, and all else is as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM

from tunesmith.core.task import HeadSpec
from tunesmith.models.fill import load_filler, save_filler
from tunesmith.models.grow import add_words, grow, pieces_of
from tunesmith.models.load import load_model, load_tokenizer
from tunesmith.models.tiny import FAMILIES, save_tiny

TEXTS = ["the film was good", "a book so bad", "tree banks"]
WORDS = ["treebanks", "film noir"]


def grown(source: Path, folder: Path, words: list[str] = WORDS) -> tuple[Any, dict[int, list[int]]]:
    """Return the tokenizer and what each new token starts from."""
    tokenizer = load_tokenizer(source)[0]
    pieces = {word: pieces_of(tokenizer, word) for word in words}
    starts = {int(tokenizer.convert_tokens_to_ids(word)): pieces[word] for word in add_words(tokenizer, words)}
    grow(source, folder, tokenizer, starts)
    return tokenizer, starts


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_start_at_the_mean_of_their_pieces(family: str, tmp_path: Path) -> None:
    source = save_tiny(tmp_path / "tiny", TEXTS, family=family)
    _, starts = grown(source, tmp_path / "grown")
    old, new = (AutoModel.from_pretrained(folder) for folder in (source, tmp_path / "grown"))
    before, after = (model.get_input_embeddings().weight for model in (old, new))
    assert len(starts) == 2
    assert torch.equal(after[: len(before)], before)
    for token, pieces in starts.items():
        assert torch.equal(after[token], before[pieces].mean(dim=0))
    rest = {name: value for name, value in old.state_dict().items() if value is not before and "embed" not in name}
    assert all(torch.equal(new.state_dict()[name], value) for name, value in rest.items())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_that_foresees_tokens_grows_with_them(family: str, tmp_path: Path) -> None:
    source = save_tiny(tmp_path / "tiny", TEXTS, family=family)
    whole = tmp_path / "whole"
    save_filler(load_filler(source, seed=1).model, load_tokenizer(source)[0], source, whole)
    tokenizer, starts = grown(whole, tmp_path / "grown")
    old, new = (AutoModelForMaskedLM.from_pretrained(folder).eval() for folder in (whole, tmp_path / "grown"))
    ids = torch.tensor([load_tokenizer(whole)[0]("the film was")["input_ids"]])
    with torch.no_grad():
        before, after = old(input_ids=ids).logits, new(input_ids=ids).logits
    assert torch.equal(after[..., : before.shape[-1]], before)
    assert after.shape[-1] == len(tokenizer)
    for token, pieces in starts.items():
        torch.testing.assert_close(after[..., token], before[..., pieces].mean(-1))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_is_found_where_its_word_stands_alone(family: str, tmp_path: Path) -> None:
    source = save_tiny(tmp_path / "tiny", TEXTS, family=family)
    tokenizer, _ = grown(source, tmp_path / "grown")
    again = load_tokenizer(tmp_path / "grown")[0]
    texts = ["good treebanks, a film noir", "(treebanks)", "treebanksx", "a film is noir"]
    token, phrase = (tokenizer.convert_tokens_to_ids(word) for word in WORDS)
    found = [tokenizer(text)["input_ids"] for text in texts]
    assert [(ids.count(token), ids.count(phrase)) for ids in found] == [(1, 1), (1, 0), (0, 0), (0, 0)]
    assert [again(text)["input_ids"] for text in texts] == found


def test_an_uncased_tokenizer_finds_it_in_any_case(tiny: Path, tmp_path: Path) -> None:
    tokenizer, _ = grown(tiny, tmp_path / "grown", ["Film Noir"])
    [token] = [tokenizer.convert_tokens_to_ids("Film Noir")]
    assert all(tokenizer(text)["input_ids"].count(token) == 1 for text in ("a film noir", "FILM NOIR", "Film Noir."))


def test_a_word_that_is_a_token_already_is_left_as_it_is(tiny: Path) -> None:
    assert add_words(load_tokenizer(tiny)[0], ["good", "treebanks"]) == ["treebanks"]


def test_every_task_of_rows_starts_from_it(tiny: Path, tmp_path: Path) -> None:
    grown(tiny, tmp_path / "grown")
    for kind in ("pooled", "own"):
        head = HeadSpec("single_label_classification", ("a", "b"))
        models = [load_model(folder, head, kind=kind, seed=3).model for folder in (tiny, tmp_path / "grown")]  # type: ignore[arg-type]
        one, other = (dict(model.named_parameters()) for model in models)
        assert [name for name in one if not torch.equal(one[name], other[name][: len(one[name])])] == []
        assert sum(p.numel() for p in other.values()) == sum(p.numel() for p in one.values()) + 2 * 16
