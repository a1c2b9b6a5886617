"""The configuration of our own head on a hidden word; it loads no torch."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

from tunesmith.models.pooled import body_config


class PatternedConfig(PretrainedConfig):  # type: ignore[misc]
    """Configuration of `PatternedForSequenceClassification`.

    Args:
        body: the configuration of the encoder, as an object or as plain data.
        mask_token_id: of the token at which the model is read.
        pattern: that texts have to be put into before the tokenizer reads them; `{mask}` is the mask token.
        width: of the vectors that words are compared with.
        activation: of the transform, as transformers calls it.
        norm_eps: added to the variance in the norm of the transform.
    """

    model_type = "tunesmith_patterned"
    sub_configs = {"body": PretrainedConfig}  # noqa: RUF012 - transformers reads a plain class attribute

    def __init__(
        self, body: Any = None, mask_token_id: int = 0, pattern: str = "", width: int = 768,
        activation: str = "gelu", norm_eps: float = 1e-12, **rest: Any,
    ) -> None:  # fmt: skip
        self.body = body_config(body)
        self.mask_token_id = mask_token_id
        self.pattern = pattern
        self.width = width
        self.activation = activation
        self.norm_eps = norm_eps
        super().__init__(**rest)
