"""A head of our own: pooled token vectors and one linear layer, on any encoder body."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from tunesmith.models.pooled import PooledConfig


class OwnHead(PreTrainedModel):  # type: ignore[misc]
    """An encoder with a head of ours around it, its weights new unless a body is given."""

    base_model_prefix = "body"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: Any, body: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.body = new_body(config.body) if body is None else body


class PooledForSequenceClassification(OwnHead):
    """An encoder, pooling, dropout and one linear layer.

    Use it when the body was trained with pooled vectors (sentence-transformers models): their `[CLS]` pooler was never
    trained, or was thrown away, so the head that the architecture ships would start from noise.
    """

    config_class = PooledConfig

    def __init__(self, config: PooledConfig, body: PreTrainedModel | None = None) -> None:
        super().__init__(config, body)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.body.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None, **inputs: Any
    ) -> SequenceClassifierOutput:
        """Return logits [B, C] for input_ids [B, T]; with `labels`, the loss that `problem_type` names as well."""
        inputs.pop("return_dict", None)
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state  # [B, T, H]
        logits = self.classifier(self.dropout(pool(states, attention_mask, self.config.pooling)))
        loss = None if labels is None else self._loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        if self.config.problem_type == "regression":
            return nn.functional.mse_loss(logits.squeeze(-1), labels.to(logits.dtype))
        if self.config.problem_type == "multi_label_classification":
            return nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return nn.functional.cross_entropy(logits, labels)


def new_body(config: Any) -> PreTrainedModel:
    """Return the body that `config` describes, with new weights."""
    # Imported late: the Auto classes register this module's head as soon as they are imported themselves.
    from transformers import AutoModel

    return AutoModel.from_config(config, **body_options(config))


def body_options(config: Any) -> dict[str, bool]:
    """Return what builds the body of `config` without the pooler that pooled vectors have no use for."""
    from transformers import AutoModel

    body = AutoModel._model_mapping.get(type(config), None)
    takes = body is not None and "add_pooling_layer" in inspect.signature(body.__init__).parameters
    return {"add_pooling_layer": False} if takes else {}


def pool(states: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Return one vector per row, [B, H], from token vectors [B, T, H].

    mean: Σ_t m_t h_t / Σ_t m_t over tokens with mask m = 1 · cls: the first token that is not padding.
    Source: Reimers and Gurevych 2019, Sentence-BERT, section 3.
    """
    mask = attention_mask.to(states.dtype).unsqueeze(-1)  # [B, T, 1]
    if pooling == "cls":
        first = attention_mask.to(torch.int64).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), first]
    return (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)


def final_linear(model: Any) -> nn.Linear:
    """Return the last linear layer of the head, the one that gives the logits."""
    size = model.config.num_labels
    heads = [m for name, m in model.named_modules() if isinstance(m, nn.Linear) and m.out_features == size]
    assert heads, f"no linear layer with {size} outputs in {type(model).__name__}"
    return heads[-1]


def fold(model: nn.Module, scale: float, shift: float = 0.0) -> None:
    """Fold `scale · logits + shift` into the last linear layer, so that whoever loads the model needs nothing more."""
    layer = final_linear(model)
    with torch.no_grad():
        layer.weight.mul_(scale)
        if layer.bias is not None:
            layer.bias.mul_(scale).add_(shift)
