"""Whether a model keeps dialogues apart that share a row."""

from __future__ import annotations

from typing import Any

import torch

TOLERANCE = 1e-3
"""Of logits, relative to the largest: float32 sums differ by far less, a neighbour that is seen by far more."""


def keeps_apart(model: Any) -> bool:
    """Return whether the second of two sequences on one row gets the logits that it gets alone.

    Positions that begin anew tell most causal models of `transformers` where the next sequence begins; one that does
    not heed them would learn from its neighbours.
    """
    model.eval()
    device = next(model.parameters()).device
    size = min(64, int(model.get_input_embeddings().weight.shape[0]))
    ids = torch.arange(12, device=device).remainder(size).unsqueeze(0)
    positions = torch.cat([torch.arange(7), torch.arange(5)]).unsqueeze(0).to(device)
    with torch.inference_mode():
        together = model(input_ids=ids, position_ids=positions).logits[0, 7:].float()
        alone = model(input_ids=ids[:, 7:], position_ids=positions[:, 7:]).logits[0].float()
    return bool((together - alone).abs().max() <= TOLERANCE * alone.abs().max().clamp(min=1.0))
