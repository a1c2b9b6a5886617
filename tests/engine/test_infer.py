from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tunesmith.core.example import TextExample
from tunesmith.engine import infer
from tunesmith.models.load import load_model
from tunesmith.tasks.classify import Classify
from tunesmith.text.batching import Collator
from tunesmith.text.windows import Encoder


def test_batches_on_a_cpu_are_bounded_in_tokens_and_say_the_same(
    tiny: Path, rows: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [(" ".join([text] * (1 + at % 9)), label) for at, (text, label) in enumerate(rows)]
    examples = [TextExample(id=str(at), source=f"row {at}", text=t, target=c) for at, (t, c) in enumerate(texts)]
    task = Classify().fit(examples)
    loaded = load_model(tiny, task.head(), seed=1)
    features = Encoder(loaded.tokenizer, 16, 4).encode(examples, task.target)
    collate = Collator(loaded.tokenizer.pad_token_id, task.head().problem)
    most = max(sum(f.owner == at for f in features) for at in range(len(examples)))
    assert most > 64 // 16, "a document of more windows than a batch may have"
    seen: list[torch.Size] = []
    loaded.model.register_forward_pre_hook(
        lambda model, args, given: seen.append(given["input_ids"].shape), with_kwargs=True
    )
    found: dict[int, Any] = {}
    for tokens in (10**9, 64):
        monkeypatch.setattr(infer, "IN_CACHE", tokens)
        seen.clear()
        found[tokens] = infer.outputs(loaded.model, task, features, collate, size=32).values
    assert seen
    assert all(shape.numel() <= 64 for shape in seen)
    assert torch.allclose(found[64], found[10**9], atol=1e-5)
