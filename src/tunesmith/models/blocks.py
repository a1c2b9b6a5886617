"""Where in the depth of a model a parameter stands: embeddings, blocks, head."""

from __future__ import annotations

import re

from torch import nn


def blocks(model: nn.Module) -> tuple[str, int]:
    """Return the name of the module list that holds the blocks of the body, and how many there are.

    The list with the most entries is the one: every transformer of the library keeps its blocks in one `ModuleList`.
    """
    lists = [(len(m), name) for name, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) > 0]
    assert lists, f"{type(model).__name__} has no blocks"
    count, name = max(lists, key=lambda item: (item[0], -len(item[1])))
    return name, count


def depth(name: str, model: nn.Module) -> int:
    """Return 0 for embeddings, 1 … L for the blocks from below, L + 1 for the head.

    Example: in a body of six blocks `body.encoder.layer.5.output.dense.weight` is at depth 6.
    """
    prefix, count = blocks(model)
    inside = re.match(re.escape(prefix) + r"\.(\d+)\.", name)
    if inside:
        return int(inside.group(1)) + 1
    if re.search(r"(^|\.)embed", name):
        return 0
    base = getattr(model, "base_model_prefix", "")
    # What stands in the body beside embeddings and blocks (final norms, poolers) moves with the highest block.
    return count if base and name.startswith(base + ".") else count + 1
