"""The lowest blocks of a body while nothing moves them: they run without dropout, or not at all."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from tunesmith.models.blocks import EMBEDDINGS, depth, stacks
from tunesmith.models.body import body_of, unwrapped

TOLERANCE = 1e-3
"""Of states, relative to the largest: float32 sums differ by far less, another path through the model by far more."""
DROPOUT = "drop"
"""What GPT-2 calls the dropout of its embeddings, which stands beside them."""
Reader = Callable[[Mapping[str, Tensor]], Tensor | None]
"""What a body reads → the states that its frozen blocks give of it, [B, T, H]; None where they are to be computed."""


class Frozen:
    """The blocks of a body from below, which may stand still.

    While `rest` blocks stand still, they and the embeddings run without dropout, whatever the rest of the model does:
    what they give of a text is always the same. While `keep` says how to read it, they do not run at all.

    Parameters keep their names and objects; `release` makes the model what it was.

    Args:
        model: with all that strategies put into it.
        sample: token ids [1, T] of a text that it can read, on its device.

    Attributes:
        width: of a state, once a depth is understood.
    """

    def __init__(self, model: nn.Module, sample: Tensor) -> None:
        inner, (name, _) = unwrapped(model), stacks(model)[0]
        body = body_of(model)
        self.stem: Any = body.get_encoder() if getattr(body.config, "is_encoder_decoder", False) else body
        self.blocks = list(inner.get_submodule(name))
        self.owner: Any = inner.get_submodule(name.rpartition(".")[0])
        self.embeddings = _embeddings(self.stem, self.blocks)
        self.levels = [(depth(n, model), p) for n, p in model.named_parameters()]
        self.sample = sample
        self.width = 0
        self.resting = self.depth = 0
        self.reader: Reader | None = None
        self._names = list(inspect.signature(self.stem.forward).parameters)
        self._known: dict[int, bool] = {}
        self._undo: list[Callable[[], None]] = []
        self._given: Tensor | None = None
        self._asked: int | None = None
        self._found: Any = None
        self._beside: tuple[None, ...] | None = None  # what a block returns beside states; None where nothing

    def still(self, moving: AbstractSet[int] = frozenset()) -> int:
        """Return how many blocks from below take no gradient, and the embeddings with them; 0 where those do.

        Args:
            moving: ids of parameters that count as if they took one.
        """
        open_levels = [level for level, p in self.levels if p.requires_grad or id(p) in moving]
        return max(0, min([*(level - 1 for level in open_levels), len(self.blocks)]))

    def understands(self, count: int) -> bool:
        """Return whether the lowest `count` blocks can be left out: nothing above asks for more than their states.

        It is tried: they give the same twice in training, nothing that learns has a part in it, and the blocks above go
        on from it as they do from the blocks themselves, also beside padding.
        """
        if count not in self._known:
            before = self.resting, self.depth, self.reader
            modes = [(module, module.training) for module in self.stem.modules()]
            with torch.random.fork_rng(devices=[]):
                self._known[count] = self._try(count)
            self.resting, self.depth, self.reader = before
            for module, mode in modes:
                module.training = mode
            if not self.resting:
                self.release()
        return self._known[count]

    def rest(self, count: int) -> None:
        """Let the lowest `count` blocks run without dropout; 0 for none."""
        if count:
            self._install()
        self.resting = count

    def keep(self, count: int, reader: Reader | None) -> None:
        """Take what the lowest `count` blocks give from `reader`, from now on; they must rest."""
        assert count <= self.resting, "what is kept does not change"
        self.depth, self.reader = count, reader

    def ask(self, inputs: Mapping[str, Tensor], count: int) -> Tensor:
        """Return what the lowest `count` blocks give of a batch, [B, T, H], in float32 whatever is around."""
        self._asked = count
        self._hush()
        try:
            with torch.autocast(inputs["input_ids"].device.type, enabled=False):
                self.stem.forward(**inputs)  # who listens to the body is not meant
            found: Tensor = self._found
        finally:
            self._asked, self._found = None, None
        return found

    def fingerprint(self, count: int) -> str:
        """Return a hash of all that what the lowest `count` blocks give of a row may depend on, to the last bit."""
        settings = [torch.__version__, transformers.__version__, torch.backends.cpu.get_cpu_capability()]
        settings += [str(torch.get_num_threads()), str(count), str(self.stem.config._attn_implementation)]
        digest = hashlib.blake2b("\n".join([*settings, self.stem.config.to_json_string()]).encode(), digest_size=16)
        above = {id(value) for block in self.blocks[count:] for value in block.state_dict(keep_vars=True).values()}
        for name, value in sorted(self.stem.state_dict(keep_vars=True).items()):
            if id(value) not in above and not name.startswith("pooler."):
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
                digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def release(self) -> None:
        """Make the model what it was."""
        self.rest(0)
        self.keep(0, None)
        while self._undo:
            self._undo.pop()()

    def _install(self) -> None:
        if self._undo:
            return
        self._undo.append(self.stem.register_forward_pre_hook(self._enter, with_kwargs=True).remove)
        self._undo.append(self.stem.register_forward_hook(self._leave, always_call=True).remove)
        for at, block in enumerate(self.blocks):
            block.forward = self._forward(at, block.forward)
            self._undo.append(partial(delattr, block, "forward"))

    def _enter(self, stem: Any, args: tuple[Any, ...], inputs: dict[str, Any]) -> None:
        self._hush()
        inputs = {**dict(zip(self._names, args, strict=False)), **inputs}
        if self.reader is not None and _is_plain(inputs):
            self._given = self.reader(inputs)

    def _leave(self, *_: Any) -> None:
        self._given = None

    def _hush(self) -> None:
        """Switch dropout off in what stands still; whoever switches modes switches it on."""
        if not self.resting:
            return
        self.owner.training = False  # BART's encoder itself drops out embeddings
        for part in (*self.embeddings, *self.blocks[: self.resting]):
            if part.training:
                part.eval()

    def _forward(self, at: int, plain: Callable[..., Any]) -> Callable[..., Any]:
        """Return the forward pass of a block that can be left out."""

        def forward(hidden_states: Tensor, *args: Any, **named: Any) -> Any:
            if self._asked is not None and at >= self._asked:
                return self._like(hidden_states)
            if self._given is not None and at < self.depth:
                return self._like(self._given)
            output = plain(hidden_states, *args, **named)
            if self._asked is not None:
                self._found, self._beside = (output[0], output[1:]) if isinstance(output, tuple) else (output, None)
            return output

        return forward

    def _like(self, states: Tensor) -> Any:
        return states if self._beside is None else (states, *self._beside)

    def _try(self, count: int) -> bool:
        ids = self.sample.repeat(2, 1)
        mask = torch.ones_like(ids)
        mask[1, (ids.shape[1] + 1) // 2 :] = 0  # the second is the first half of the text
        rows = [{"input_ids": ids[:1, : int(n)], "attention_mask": mask[:1, : int(n)]} for n in mask.sum(1)]
        self.keep(0, None)
        self.rest(count)
        try:
            self.stem.train()
            with torch.enable_grad():
                once, again = (self.ask(rows[0], count) for _ in range(2))
            if _learns(once, [p for _, p in self.levels if p.requires_grad]):
                return False
            if any(value is not None for value in self._beside or ()):
                return False
            self.stem.eval()
            with torch.no_grad():
                given = torch.nn.utils.rnn.pad_sequence([self.ask(row, count)[0] for row in rows], batch_first=True)
                whole = self.stem(input_ids=ids, attention_mask=mask).last_hidden_state
                self.keep(count, lambda _: given)
                short = self.stem(input_ids=ids, attention_mask=mask).last_hidden_state
        except Exception:  # a model that stumbles over it is one that is not understood
            return False
        self.width = once.shape[-1]
        apart = (whole - short)[mask.bool()].abs().max()
        return torch.equal(once, again) and bool(apart <= TOLERANCE * whole.abs().max().clamp(min=1.0))


def _learns(states: Tensor, parameters: list[nn.Parameter]) -> bool:
    """Return whether one of the parameters has a part in states."""
    if not states.requires_grad or not parameters:
        return False
    found = torch.autograd.grad(states.sum(), parameters, allow_unused=True)
    return any(gradient is not None for gradient in found)


def _is_plain(inputs: Mapping[str, Any]) -> bool:
    """Return whether token ids, their kinds and a mask are all that is read, and states after blocks are not asked for.

    Positions of one's own, vectors in place of tokens, and what was written before are more than these.
    """
    more = [value for name, value in inputs.items() if name not in ("input_ids", "attention_mask", "token_type_ids")]
    asks = any(inputs.get(name) for name in ("use_cache", "output_hidden_states", "output_attentions"))
    plain = all(value is None or isinstance(value, bool) for value in more)
    return inputs.get("input_ids") is not None and plain and not asks


def _embeddings(stem: Any, blocks: list[Any]) -> list[Any]:
    inside = {module for block in blocks for module in block.modules()}
    return [
        module for name, module in stem.named_modules()
        if module not in inside and (EMBEDDINGS.search(f"{name}.") or name == DROPOUT)
    ]  # fmt: skip
