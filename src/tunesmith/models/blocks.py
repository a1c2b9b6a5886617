"""Where in the depth of a model a parameter stands: embeddings, blocks, head."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import nn

from tunesmith.core.strategy import Group

WRAPPER = "base_model.model."
"""What peft puts before the names of a model that it wraps."""
EMBEDDINGS = re.compile(r"(^|\.)(embed|shared\.|wte\.|wpe\.)")
"""What embeddings are called: `embeddings`, `embed_tokens`; T5's and BART's `shared`; GPT-2's words and positions."""
HEADS = re.compile(
    r"(^|\.)(lm_head|cls|generator_predictions|generator_lm_head|classification_head|classifier|qa_outputs)\."
)
"""What the heads of models with an encoder and a decoder are called."""


def blocks(model: nn.Module) -> tuple[str, int]:
    """Return the name of the module list that holds the blocks of the body, and how many there are.

    The list with the most entries is the one: every transformer of the library keeps its blocks in one `ModuleList`.
    Of a model with an encoder and a decoder it is the encoder's list, and the count is that of both.
    """
    found = stacks(model)
    return found[0][0], sum(count for _, count in found)


def depth(name: str, model: nn.Module) -> int:
    """Return 0 for embeddings, 1 … L for the blocks from below, L + 1 for the head.

    The blocks of a decoder stand above those of its encoder.

    Example: in a body of six blocks `body.encoder.layer.5.output.dense.weight` is at depth 6.
    """
    name, below = name.removeprefix(WRAPPER), 0
    found = stacks(model)
    for prefix, count in found:
        inside = re.match(re.escape(prefix) + r"\.(\d+)\.", name)
        if inside:
            return below + int(inside.group(1)) + 1
        below += count
    if EMBEDDINGS.search(name):
        return 0
    # What stands in the body beside embeddings and blocks (final norms, poolers) moves with the highest block.
    if len(found) > 1:
        return below + bool(HEADS.search(name))
    base = getattr(model, "base_model_prefix", "")
    return below if base and name.startswith(base + ".") else below + 1


def block_modules(model: nn.Module) -> list[nn.Module]:
    """Return the blocks of the body from below, those of a decoder behind those of its encoder."""
    lists = {name.removeprefix(WRAPPER): module for name, module in model.named_modules()}
    return [block for name, _ in stacks(model) for block in lists[name].children()]


def by_depth(groups: Iterable[Group], model: nn.Module) -> list[tuple[int, Group]]:
    """Return every group divided by the depth of its parameters, each part with its depth; all else of it stays."""
    divided: list[tuple[int, Group]] = []
    for group in groups:
        levels: dict[int, list[tuple[str, nn.Parameter]]] = {}
        for name, parameter in group["params"]:
            levels.setdefault(depth(name, model), []).append((name, parameter))
        for level, params in sorted(levels.items()):
            divided.append((level, {**group, "name": f"{group['name']}@{level}", "params": params}))
    return divided


def stacks(model: nn.Module) -> list[tuple[str, int]]:
    """Return the lists of blocks with their lengths: one, or those of encoder and decoder."""
    lists = {name.removeprefix(WRAPPER): len(m) for name, m in model.named_modules() if isinstance(m, nn.ModuleList)}
    # T5 keeps the parts of a block in a list of their own.
    found = [(name, n) for name, n in lists.items() if n and not any(name.startswith(f"{other}.") for other in lists)]
    assert found, f"{type(model).__name__} has no blocks"
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        sides: dict[str, list[tuple[str, int]]] = {"encoder": [], "decoder": []}
        for name, n in found:
            sides[next(part for part in name.split(".") if part in sides)].append((name, n))
        return [max(side, key=lambda item: item[1]) for side in sides.values()]
    return [max(found, key=lambda item: (item[1], -len(item[0])))]
