"""A body that gives one vector per text, saved as a sentence-transformers folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from tunesmith.models.heads import body_options, pool


@dataclass(frozen=True, slots=True)
class Embedded:
    """What an embedder returns: `vectors` [B, H], not brought to length 1."""

    vectors: Tensor


class Embedder(nn.Module):
    """An encoder and pooling, without a head."""

    base_model_prefix = "body"

    def __init__(self, body: Any, pooling: str) -> None:
        super().__init__()
        self.body = body
        self.pooling = pooling

    @property
    def config(self) -> Any:
        """The configuration of the body."""
        return self.body.config

    def set_attn_implementation(self, name: str) -> None:
        """Choose how the body computes attention."""
        self.body.set_attn_implementation(name)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **inputs: Any) -> Embedded:
        """Return a vector per row of input_ids [B, T]."""
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        return Embedded(pool(states, attention_mask, self.pooling))

    def save_pretrained(self, folder: Path, **options: Any) -> None:
        """Write the body, and beside it what sentence-transformers reads: pool, then bring to length 1."""
        self.body.save_pretrained(folder, **options)
        names = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        modules = [
            {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for at, (path, kind) in enumerate(names)
        ]
        pooling = {
            "word_embedding_dimension": self.config.hidden_size,
            "pooling_mode_cls_token": self.pooling == "cls",
            "pooling_mode_mean_tokens": self.pooling == "mean",
        }
        for path, _ in names[1:]:
            (folder / path).mkdir(exist_ok=True)
        _write(folder / "modules.json", modules)
        _write(folder / "1_Pooling" / "config.json", pooling)
        _write(folder / "2_Normalize" / "config.json", {})
        _write(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine"})


def load_embedder(folder: Path, pooling: str, changes: dict[str, float]) -> tuple[Embedder, Any]:
    """Return the body in `folder` with `pooling` and changed settings, and the names of weights that its files lack."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    body, told = AutoModel.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True, use_safetensors=True,
        **body_options(config), **changes,
    )  # fmt: skip
    body.config._name_or_path = ""
    return Embedder(body, pooling), told["missing_keys"]


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
