"""The configuration of our own head on pooled vectors; it loads no torch."""

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
        self.body = body_config(body)
        self.pooling = pooling
        self.head_dropout = head_dropout
        super().__init__(**rest)


def body_config(body: Any) -> Any:
    """Return the configuration of a body, given as an object or as plain data."""
    if not isinstance(body, dict):
        return body
    # Imported late: the Auto classes register our configurations as soon as they are imported themselves.
    from transformers import AutoConfig

    return AutoConfig.for_model(**body)
