"""Which columns of a new file hold the texts: those the run was trained on, by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tunesmith.bundle.load import Bundle
from tunesmith.data.arrays import is_list
from tunesmith.errors import Fault, InputError, did_you_mean


def text_columns(bundle: Bundle, there: Sequence[str], asked: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the columns of the texts that the task reads.

    Args:
        bundle: whose run says which columns it was trained on, where the run is still around it.
        there: the columns of the file.
        asked: the user's choice; empty where there is none.
        source: the file as messages say it.

    Raises:
        InputError: a column is not there (K611), or which one it is cannot be known (K612).
    """
    if asked:
        return _checked(asked, roles_of(bundle, len(asked)), there, source)
    trained = trained_columns(bundle)
    for roles in bundle.task.reads:
        for names in ([trained.get(role) for role in roles], list(roles)):
            if all(name in there for name in names):
                return tuple(map(str, names))
    if any(len(there) == len(roles) for roles in bundle.task.reads):
        return tuple(there)
    roles = bundle.task.reads[0]
    wanted = " and ".join(f'"{trained[role]}"' for role in roles if trained.get(role)) or " and ".join(roles)
    message = f"no column is called {wanted}; it has: {', '.join(there)}."
    flag = " ".join(f"--text {role.upper()}" for role in roles)
    raise InputError(Fault("K612", source, message, f"Say which to read: {flag}."))


def trained_columns(bundle: Bundle) -> dict[str, Any]:
    """Return role → column of the run that made `bundle`; empty where the model folder stands alone."""
    path = bundle.folder.parent / "report.json"
    try:
        columns = json.loads(path.read_bytes())["data"]["columns"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(columns)


def token_column(bundle: Bundle, chunk: pa.Table, asked: Sequence[str]) -> str | None:
    """Return the column of lists of words that a model of `tag` reads; None where it reads texts."""
    if bundle.task.name != "tag":
        return None
    names = asked or [trained_columns(bundle).get("tokens") or "tokens"]
    return next((name for name in names if name in chunk.column_names and is_list(chunk[name])), None)


def roles_of(bundle: Bundle, count: int) -> tuple[str, ...]:
    """Return the roles of the texts that the task reads, those of which there are `count` where there are such."""
    reads = bundle.task.reads
    return next((roles for roles in reads if len(roles) == count), reads[0])


def refuse_count(asked: Sequence[str], roles: Sequence[str], source: str) -> None:
    """Raise where another number of columns was asked for than the model reads (K612)."""
    if len(asked) != len(roles):
        message = f"the model reads {len(roles)} column{'s' if len(roles) > 1 else ''}, and {len(asked)} came."
        times = "once" if len(roles) == 1 else "twice"
        raise InputError(Fault("K612", source, message, f"Give --text {times}."))


def _checked(asked: Sequence[str], roles: Sequence[str], there: Sequence[str], source: str) -> tuple[str, ...]:
    refuse_count(asked, roles, source)
    missing = [name for name in asked if name not in there]
    if missing:
        raise InputError(
            [
                Fault("K611", source, f'there is no column "{name}".',
                      f"{did_you_mean(name, there)} It has: {', '.join(there)}.".strip())
                for name in missing
            ]
        )  # fmt: skip
    return tuple(asked)
