"""A head of our own that asks a masked language model for the word at the mask, among those that say the labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.activations import ACT2FN
from transformers.modeling_outputs import SequenceClassifierOutput

from tunesmith.models.heads import OwnHead
from tunesmith.models.patterned import PatternedConfig


class Transform(nn.Module):
    """What a masked language model makes of a state before it compares it with words: norm(act(W h + b))."""

    def __init__(self, states: int, width: int, activation: str, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(states, width)
        self.activation = ACT2FN[activation]
        self.norm = nn.LayerNorm(width, eps=eps)

    def forward(self, states: Tensor) -> Tensor:
        """Return vectors [B, E] for states [B, H]."""
        found: Tensor = self.norm(self.activation(self.dense(states)))
        return found


class PatternedForSequenceClassification(OwnHead):
    """An encoder, the transform of its masked-LM head at the mask, and one linear layer with a row per label.

    With h the state at the mask, z_c = w_c · transform(h) + b_c. Where w_c and b_c are the row and the bias that the
    masked language model has for the word of label c, z_c is what it says of that word.

    Use it on rows of few classes that a word can say, put into a pattern; a row without a mask token has no answer, and
    its logits are NaN.

    Source: Schick and Schütze 2021, Exploiting Cloze Questions for Few Shot Text Classification and Natural Language
        Inference, section 3.1, with rows of their own for the words, which training moves apart from the vocabulary.
    """

    config_class = PatternedConfig

    def __init__(self, config: PatternedConfig, body: PreTrainedModel | None = None) -> None:
        super().__init__(config, body)
        self.transform = Transform(config.body.hidden_size, config.width, config.activation, config.norm_eps)
        self.classifier = nn.Linear(config.width, config.num_labels)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **inputs: Any
    ) -> SequenceClassifierOutput:
        """Return logits [B, C] for input_ids [B, T]; with `labels`, the cross-entropy as well."""
        inputs.pop("return_dict", None)
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state  # [B, T, H]
        hidden = input_ids == self.config.mask_token_id
        logits = self.classifier(self.transform(at_last(states, hidden)))
        logits = logits.masked_fill(~hidden.any(1, keepdim=True), float("nan"))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def at_last(states: Tensor, marks: Tensor) -> Tensor:
    """Return the state at the last mark of each row, [B, H], from states [B, T, H] and marks [B, T]."""
    places = torch.arange(marks.shape[1], device=marks.device)
    last = (marks * places).amax(1)
    return states[torch.arange(len(states), device=states.device), last]
