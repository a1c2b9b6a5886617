"""The configuration of our own head; it loads no torch."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig


class PooledConfig(PretrainedConfig):  # type: ignore[misc]
    """Configuration of `PooledForSequenceClassification`.

    Args:
        body: the configuration of the encoder, as an object or as plain data.
        pooling: `mean` over the tokens that are not padding, or `cls`, the first token.
        head_dropout: dropout in front of the linear layer.
    """

    model_type = "tunesmith_pooled"
    sub_configs = {"body": PretrainedConfig}  # noqa: RUF012 - transformers reads a plain class attribute

    def __init__(self, body: Any = None, pooling: str = "mean", head_dropout: float = 0.1, **rest: Any) -> None:
        if isinstance(body, dict):
            # Imported late: the Auto classes register this configuration as soon as they are imported themselves.
            from transformers import AutoConfig

            body = AutoConfig.for_model(**body)
        self.body = body
        self.pooling = pooling
        self.head_dropout = head_dropout
        super().__init__(**rest)
