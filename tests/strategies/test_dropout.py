"""Dropout by place, on every architecture: which shares are set, and that they are what is left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from tunesmith.core.task import HeadSpec
from tunesmith.errors import InputError
from tunesmith.models.load import load_model
from tunesmith.models.tiny import FAMILIES, save_tiny
from tunesmith.models.tinywriters import WRITERS, save_tiny_writer
from tunesmith.models.write import load_writer
from tunesmith.recipe.parse import parse
from tunesmith.recipe.resolve import resolve
from tunesmith.strategies.dropout import Dropout

HEAD = HeadSpec("single_label_classification", ("a", "b"))
SETUP: Any = SimpleNamespace(seed=5)
TEXTS = ["the film was good", "a book so bad"]
PLACES = {
    # hidden: the embeddings, and in both blocks what stands behind attention and behind the feed-forward part
    "bert": (5, 2, 1), "roberta": (5, 2, 1), "xlm-roberta": (5, 2, 1), "electra": (5, 2, 1),
    "distilbert": (3, 2, 1), "deberta-v2": (7, 2, 2), "modernbert": (3, 2, 1),
}  # fmt: skip
"""Family → places of hidden states, attention weights and the classifier in a tiny model with its own head."""
WRITE = {"gpt2": (5, 2), "llama": (0, 2), "t5": (16, 6), "bart": (6, 6)}


def set_to(model: nn.Module, share: float) -> int:
    held = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    held += [value for m in model.modules() for name, value in vars(m).items()
             if name in ("dropout", "attention_dropout") and isinstance(value, float)]  # fmt: skip
    return held.count(share)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_place_of_an_encoder(tmp_path: Path, family: str) -> None:
    model = load_model(save_tiny(tmp_path, TEXTS, family=family), HEAD, kind="own", seed=3).model
    Dropout(hidden=0.31, attention=0.32, classifier=0.33).prepare(model, SETUP)
    assert tuple(set_to(model, share) for share in (0.31, 0.32, 0.33)) == PLACES[family]


@pytest.mark.parametrize("family", sorted(WRITE))
def test_every_place_of_a_model_that_writes(tmp_path: Path, family: str) -> None:
    model, _ = load_writer(save_tiny_writer(tmp_path, TEXTS, family=family), WRITERS[family].problem)
    hidden, attention = WRITE[family]
    Dropout(attention=0.32).prepare(model, SETUP)
    assert set_to(model, 0.32) == attention
    if hidden:
        Dropout(hidden=0.31).prepare(model, SETUP)
        assert set_to(model, 0.31) == hidden
    else:
        with pytest.raises(InputError, match=r"K509 strategies: dropout\.hidden(.|\n)*it has: attention"):
            Dropout().prepare(model, SETUP)
    with pytest.raises(InputError, match=r"K509 strategies: dropout\.classifier"):
        Dropout(classifier=0.5).prepare(model, SETUP)


def test_only_what_is_named_is_set(tiny: Path) -> None:
    model = load_model(tiny, HEAD, kind="own", seed=3).model
    usual = set_to(model, 0.1)
    Dropout(classifier=0.4).prepare(model, SETUP)
    assert (set_to(model, 0.4), set_to(model, 0.1)) == (1, usual - 1)
    Dropout().prepare(model, SETUP)
    assert set_to(model, 0.2) == 5, "hidden states, where nothing is named"
    pooled = load_model(tiny, HEAD, kind="pooled", seed=3).model
    Dropout(classifier=0.4).prepare(pooled, SETUP)
    assert pooled.dropout.p == 0.4


def test_that_much_is_left_out_and_the_rest_scaled(tiny: Path) -> None:
    model: Any = load_model(tiny, HEAD, kind="own", seed=3).model
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    Dropout(hidden=0.25, attention=0.0, classifier=0.0).prepare(model, SETUP)
    model.bert.embeddings.dropout.register_forward_hook(lambda _, x, y: seen.append((x[0], y)))
    model.train()
    torch.manual_seed(1)
    for _ in range(40):
        model(input_ids=torch.arange(2, 52)[None] % 20, attention_mask=torch.ones(1, 50))
    before, after = (torch.cat(parts).detach().double() for parts in zip(*seen, strict=True))
    left_out = after == 0.0
    assert left_out.double().mean().item() == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / left_out.numel()) ** 0.5)
    assert torch.allclose(after[~left_out], before[~left_out] / 0.75, atol=1e-6)


@pytest.mark.parametrize("options", [{"hidden": 1.0}, {"attention": -0.1}, {"classifier": "much"}])
def test_shares_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="K204"):
        resolve(parse({"data": "rows.csv", "strategies": [{"dropout": options}]}))
