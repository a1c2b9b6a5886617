"""Adapters: small files beside a base model, and the plain model that the two make.

A model that `lora` or `ia3` has prepared is wrapped by peft; one that `adapters`, `prompt`, `ptuning` or `prefix` has
prepared holds modules of our own (`models.inserted`). `save_adapter` writes what was trained of either, the first in
peft's own format; `load_adapter` puts that on a base model again, the head included; `merge` makes a plain model of the
first kind, which needs no peft.
"""

from __future__ import annotations

import contextlib
import copy
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith.core.task import HeadSpec
from tunesmith.errors import Fault, InputError, MissingExtra
from tunesmith.models.body import is_wrapped, unwrapped
from tunesmith.models.folder import pickles_only
from tunesmith.models.inserted import SETTINGS as OWN_SETTINGS
from tunesmith.models.inserted import WEIGHTS as OWN_WEIGHTS
from tunesmith.models.inserted import inserted, load_inserted, save_inserted
from tunesmith.models.load import HeadKind, load_model
from tunesmith.models.lowrank import NAME
from tunesmith.models.parts import heads
from tunesmith.models.write import WritingProblem, load_writer
from tunesmith.recipe.schema import Pattern

WEIGHTS, SETTINGS = "adapter_model.safetensors", "adapter_config.json"
PROBLEMS: dict[str, WritingProblem] = {"CAUSAL_LM": "causal", "SEQ_2_SEQ_LM": "seq2seq"}
"""What peft calls the two ways of writing."""


def is_adapted(model: Any) -> bool:
    """Return whether `model` is a base model and something small that was learnt."""
    return is_wrapped(model) or inserted(model) is not None


def weights_of(model: nn.Module) -> int:
    """Return how many weights a model has; a head that peft has made a copy of to train it counts once."""
    return sum(p.numel() for name, p in model.named_parameters() if ".original_module." not in name)


def is_adapter(folder: Path) -> bool:
    """Return whether `folder` holds an adapter."""
    return (folder / SETTINGS).is_file() or (folder / OWN_SETTINGS).is_file()


def base_of(folder: Path) -> str:
    """Return the name of the base model, as it was given to `save_adapter`."""
    settings = next(file for file in (folder / SETTINGS, folder / OWN_SETTINGS) if file.is_file())
    return str(json.loads(settings.read_text(encoding="utf-8"))["base_model_name_or_path"])


def save_adapter(model: Any, folder: Path, base: str) -> None:
    """Write what was trained of `model`, the adapter and a new head, into `folder`; what peft made, peft can load.

    Args:
        model: prepared by a strategy of the stage `adapter`.
        folder: made if it is not there.
        base: name of the base model for the adapter's settings: a folder or a hub id.
    """
    if inserted(model) is not None:
        save_inserted(model, folder, base)
        return
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    tensors = get_peft_model_state_dict(model, adapter_name=NAME, save_embedding_layers=False)
    settings = copy.deepcopy(model.peft_config[NAME])
    settings.base_model_name_or_path, settings.inference_mode = base, True
    kind = type(unwrapped(model))
    folder.mkdir(parents=True, exist_ok=True)
    # A view or a shared tensor cannot be written; a copy can.
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in sorted(tensors.items())}
    save_file(plain, folder / WEIGHTS, metadata={"format": "pt"})
    # Where peft has no word for the task, its Auto classes ask for the class of the base model.
    mapping = None if settings.task_type else {"base_model_class": kind.__name__, "parent_library": kind.__module__}
    settings.save_pretrained(str(folder), auto_mapping_dict=mapping)


def load_adapter(
    base: Path, folder: Path, head: HeadSpec | None = None, *, kind: HeadKind = "auto", pattern: Pattern | None = None
) -> tuple[Any, Any]:
    """Return the model in `base` with the adapter in `folder` on it, in evaluation mode, and the base's tokenizer.

    Args:
        base: folder of the base model.
        folder: what `save_adapter` wrote.
        head: that the task needs; None for a model that writes.
        kind: of head, as in training.
        pattern: as in training, where `kind` asks for one.

    Raises:
        InputError: there is no adapter (K317), it is a pickle (K312), or it was made for another model (K317).
        MissingExtra: peft is not installed.
    """
    _check(folder)
    if (folder / OWN_SETTINGS).is_file():
        assert head is not None, "the head has to be said"
        loaded = load_model(base, head, kind=kind, seed=0, pattern=pattern)
        model, tokenizer = loaded.model, loaded.tokenizer
        fits = load_inserted(model, folder)
    else:
        model, tokenizer, fits = _load_wrapped(base, folder, head, kind, pattern)
    if not fits:
        message = f"was made for another model than {base}: it was trained on {base_of(folder)}."
        raise InputError(Fault("K317", str(folder), message, "Give the folder of that model."))
    return model.eval(), tokenizer


def _load_wrapped(
    base: Path, folder: Path, head: HeadSpec | None, kind: HeadKind, pattern: Pattern | None
) -> tuple[Any, Any, bool]:
    try:
        from peft import PeftModel, get_peft_model_state_dict
    except ImportError:
        raise MissingExtra(f"the adapter {folder}", "peft", "write") from None
    from safetensors import safe_open

    task = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["task_type"]
    if task in PROBLEMS:
        model, tokenizer = load_writer(base, PROBLEMS[task])
    else:
        assert head is not None, "the head of a model that does not write has to be said"
        loaded = load_model(base, head, kind=kind, seed=0, pattern=pattern)
        model, tokenizer = loaded.model, loaded.tokenizer
    try:
        with quiet_peft():
            model = PeftModel.from_pretrained(model, str(folder), adapter_name=NAME)
        with safe_open(folder / WEIGHTS, "pt") as file:
            fits = set(file.keys()) == set(get_peft_model_state_dict(model, save_embedding_layers=False))
    except (RuntimeError, ValueError):  # other shapes, or none of the layers
        fits = False
    return model, tokenizer, fits


def wrap(model: Any, settings: str, seed: int, strategy: str, **options: Any) -> nn.Module:
    """Return `model` wrapped by peft: what `settings` describes and new heads learn, all else is frozen.

    Args:
        model: not wrapped yet.
        settings: the name of peft's class of settings.
        seed: of what is drawn; numbers drawn elsewhere stay as they are.
        strategy: that an error names.
        options: of the settings.

    Raises:
        MissingExtra: peft is not installed.
    """
    try:
        import peft
    except ImportError:
        raise MissingExtra(f"the strategy {strategy}", "peft", "write") from None
    made = getattr(peft, settings)(modules_to_save=heads(model) or None, task_type=_task_type(model), **options)
    with torch.random.fork_rng(devices=[]), quiet_peft():
        torch.manual_seed(seed)
        wrapped: nn.Module = peft.get_peft_model(model, made)
    return wrapped


def writes(model: Any) -> bool:
    """Return whether `model`, wrapped or not, writes texts."""
    return bool(getattr(unwrapped(model), "can_generate", lambda: False)())


def _task_type(model: Any) -> str | None:
    """Return peft's word for a model that writes; it has classes of its own for those, and needs none for others."""
    if not writes(model):
        return None
    return "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"


def merge(model: Any) -> nn.Module:
    """Return a plain model that computes what `model` does: with LoRA W + (alpha / rank) · B A in the place of W.

    The adapter is added to the weights in place, so `model` must not be used any more. A model without an adapter is
    returned as it is.

    Cost: outputs change in the last digits (float32: by some 1e-6), since sums are taken in another order.
    """
    assert inserted(model) is None, "what stands between weights cannot be merged"
    if not is_wrapped(model):
        return model  # type: ignore[no-any-return]
    _settle_heads(model.get_base_model())
    plain: nn.Module = model.merge_and_unload()
    return plain.requires_grad_(True)


def _settle_heads(model: nn.Module) -> None:
    """Put the heads that were trained in the place of their wrappers: with (IA)³, peft takes only single layers out."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "modules_to_save") and hasattr(module, "original_module"):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.modules_to_save[NAME])


@contextlib.contextmanager
def quiet_peft() -> Iterator[None]:
    """Silence peft: it uses a name that transformers has given up, and what it says of missing weights is checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def _check(folder: Path) -> None:
    if not is_adapter(folder):
        raise InputError(Fault("K317", str(folder), f"holds no adapter: there is no {SETTINGS} in it.",
                               "Give the folder that has it."))  # fmt: skip
    weights = OWN_WEIGHTS if (folder / OWN_SETTINGS).is_file() else WEIGHTS
    if (folder / weights).is_file():
        return
    pickles = sorted(file.name for file in folder.glob("*.bin"))
    if pickles:
        raise pickles_only(str(folder), pickles, "load it with peft and save it again with safe_serialization=True")
    raise InputError(Fault("K317", str(folder), f"lacks its weights: there is no {weights} in it.",
                           "Copy or download the folder again."))  # fmt: skip
