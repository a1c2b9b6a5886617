"""Merge: an adapter and its base become a plain model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.errors import Fault, InputError


def merge(run: str | Path | Bundle, out: str | Path) -> Path:
    """Write the model of a run as a plain model, which needs neither its base nor peft; return its folder.

    The folder loads in `transformers`, in every verb that takes a run, and as `model:` of another recipe.

    Args:
        run: a run folder, its `model` folder, or a loaded bundle, which must not be used any more.
        out: the new folder.

    Raises:
        InputError: the model is a plain one already, or what was learnt has no place in its weights (K607); something
            stands at `out` (K608).

    Cost: the memory and the disk of the base model. Outputs change in the last digits, since sums are taken in
        another order.

    Example:
        >>> tunesmith.merge("runs/desk", "desk-model")  # doctest: +SKIP
    """
    from tunesmith.bundle.save import Contents, save_bundle
    from tunesmith.models.adapter import is_adapted
    from tunesmith.models.adapter import merge as merged
    from tunesmith.models.body import is_wrapped
    from tunesmith.models.inserted import inserted

    bundle = run if isinstance(run, Bundle) else load_bundle(run)
    if not is_adapted(bundle.model):
        message = "the model is a plain one already: nothing is beside its weights."
        raise InputError(Fault("K607", str(bundle.folder), message, "Use the folder as it is."))
    if not is_wrapped(bundle.model):
        found = inserted(bundle.model)
        kind = "" if found is None else found.kind
        message = f"a {kind} stands between the weights of the model, not beside them, so none of them can take it up."
        raise InputError(Fault("K607", str(bundle.folder), message, "Use the run as it is."))
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(Fault("K608", str(folder), "something is there already.", "Name a new folder."))
    model = merged(bundle.model)
    contents = Contents.of(bundle.contents, bundle.task, bundle.fusions, bundle.encoder.reading)
    parameters = sum(p.numel() for p in model.parameters())
    save_bundle(folder, model, bundle.encoder.tokenizer, replace(contents, base="", parameters=parameters))
    return folder
