"""Which column is the text, which the label: told by the recipe, else by name and by the shape of the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tunesmith.data.names import ID, LABEL, TEXT, WEAK_TEXT, head_word, pair_of, words_of
from tunesmith.data.profile import Profile, profile_columns
from tunesmith.data.roles import shown, unknown_columns
from tunesmith.data.table import Table
from tunesmith.errors import Fault, InputError, did_you_mean, raise_faults
from tunesmith.recipe.schema import Data

ROLES = ("text", "text_a", "text_b", "label", "id", "group", "time", "weight")


@dataclass(frozen=True, slots=True)
class Columns:
    """The column of every role that has one, and what was inferred.

    Args:
        by_role: role (`text` or `text_a` and `text_b`, `label`, `id`, `group`, `time`, `weight`) → column.
        guesses: sentences that say what was inferred, and how to change it.
    """

    by_role: dict[str, str]
    guesses: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The one or two columns of text."""
        return tuple(self.by_role[role] for role in ("text", "text_a", "text_b") if role in self.by_role)

    @property
    def label(self) -> str:
        """The column of the label."""
        return self.by_role["label"]


def infer_columns(table: Table, data: Data, task: str = "auto") -> Columns:
    """Return the columns that `data` names, and infer the text and the label where it names none.

    A name that settles it (`text`, `label`) wins, then the only usual name (`review`, `category`, …), then the only
    column whose values look the part.

    Args:
        task: `pair` looks for two texts, the other tasks for one; `auto` takes two where their names say so.

    Raises:
        InputError: a named column does not exist, or none or several could be meant; the candidates are listed.
    """
    told = {role: name for role in ROLES if (name := getattr(data, role))}
    if data.weak and told.get("weight") not in table.columns:
        told.pop("weight", None)  # it is a column of the weak rows, which are looked at where weights are read
    _refuse_unknown(table, told)
    profiles = profile_columns(table)
    taken = set(told.values())
    free = {name: profile for name, profile in profiles.items() if name not in taken}
    guesses: list[str] = []
    found: dict[str, str] = {}
    if "text" not in told and not {"text_a", "text_b"} <= told.keys():
        found |= _find_texts(table, free, told, task)
    free = {name: profile for name, profile in free.items() if name not in found.values()}
    if "label" not in told:
        texts = {**told, **found}
        found["label"] = _find_label(
            table, free, [texts[role] for role in ("text", "text_a", "text_b") if role in texts]
        )
    for role, name in found.items():
        others = [other for other in _rivals(role, free) if other not in found.values()]
        also = f" (also possible: {', '.join(others)})" if others else ""
        guesses.append(f'The {role} is column "{name}"{also}; change that with --set data.{role}=COLUMN.')
    by_role = {role: name for role in ROLES if (name := {**told, **found}.get(role))}
    return Columns(by_role, tuple(guesses))


def refuse_missing(tables: Iterable[Table], by_role: Mapping[str, str]) -> None:
    """Raise `InputError` where a table lacks a column; id, group, time and weight are needed in the train file alone.

    Raises:
        InputError: every column that the first such table lacks is named, with the nearest that there is (K106).
    """
    needed = [(role, name) for role, name in by_role.items() if role not in ("id", "group", "time", "weight")]
    for table in tables:
        there = ", ".join(table.columns)
        raise_faults([
            Fault("K106", table.name, f'there is no column "{name}" (the {role}); there are {there}.',
                  did_you_mean(name, table.columns) or "Give all files the same columns.")
            for role, name in needed if name not in table.columns
        ])  # fmt: skip


def _rivals(role: str, free: dict[str, Profile]) -> list[str]:
    shape = "is_text" if role.startswith("text") else "is_label"
    return [name for name, profile in free.items() if getattr(profile, shape)]


def _refuse_unknown(table: Table, told: dict[str, str]) -> None:
    faults = unknown_columns(table, told)
    if "text" in told and ("text_a" in told or "text_b" in told):
        faults.append(
            Fault(
                "K106", "data.text", "both one text (text) and a pair (text_a, text_b) are named.", "Name one or two."
            )
        )
    raise_faults(faults)


# --- texts -------------------------------------------------------------------------------------------------------


def _find_texts(table: Table, free: dict[str, Profile], told: dict[str, str], task: str) -> dict[str, str]:
    named = {role: told[role] for role in ("text_a", "text_b") if role in told}
    if named:
        (missing,) = {"text_a", "text_b"} - named.keys()
        return {missing: _only(table, missing, _by_name(free, TEXT, "is_text"), free, "is_text")}
    settled = [name for name in free if words_of(name) == ("text",) and free[name].is_prose]
    texts = [name for name, profile in free.items() if profile.is_text]
    pair = pair_of(texts)
    if pair and not settled:
        return {"text_a": pair[0], "text_b": pair[1]}
    if task == "pair":
        if len(texts) == 2:
            return {"text_a": texts[0], "text_b": texts[1]}
        raise _ambiguous(table, "text_a", texts or list(free), "two columns of text were expected")
    return {"text": _only(table, "text", settled or _by_name(free, TEXT, "is_prose"), free, "is_text")}


def _by_name(free: dict[str, Profile], tiers: tuple[set[str], set[str]], shape: str) -> list[str]:
    """Return the columns of the first tier of names that any of them has, most exact match first."""
    fit = [name for name, profile in free.items() if getattr(profile, shape)]
    weak = WEAK_TEXT if tiers is TEXT else set()
    for names, word in ((tiers[0], "whole"), (tiers[1], "whole"), (tiers[0] | tiers[1], "head"), (weak, "whole")):
        found = [name for name in fit if (_joined(name) if word == "whole" else head_word(name)) in names]
        if found:
            return found
    return []


def _joined(name: str) -> str:
    return "".join(words_of(name))


def _only(table: Table, role: str, named: list[str], free: dict[str, Profile], shape: str) -> str:
    """Return the one column that is meant: by name, else by shape."""
    shaped = [name for name, profile in free.items() if getattr(profile, shape)]
    if len(named) == 1 and (_joined(named[0]) not in WEAK_TEXT or set(shaped) <= {named[0]}):
        return named[0]
    weak = not named or all(_joined(name) in WEAK_TEXT for name in named)
    candidates = [name for name in free if name in named or name in shaped] if weak else named
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise _ambiguous(table, role, candidates, f"{len(candidates)} columns could be the {role}")
    raise _ambiguous(table, role, list(free) or table.columns, f"no column looks like the {role}")


# --- label -------------------------------------------------------------------------------------------------------


def _find_label(table: Table, free: dict[str, Profile], texts: Sequence[str]) -> str:
    usable = {name: profile for name, profile in free.items() if not _is_id(name, profile) and profile.filled}
    if not usable:
        others = ", ".join(name for name in table.columns if name not in texts)
        rest = f"the other columns ({others}) are ids, texts or empty" if others else "there is no other column"
        raise InputError(
            Fault("K106", table.name, f"no column holds a label: {', '.join(texts)} is the text, and {rest}.",
                  "Add a column with the label, or name it: --set data.label=COLUMN. "
                  "For rows without labels there is `tunesmith predict`.")
        )  # fmt: skip
    named = _by_name(usable, LABEL, "may_be_label")
    if len(named) > 1:  # of equally good names, the one that most rows have and whose values repeat
        named = [name for name in named if usable[name].share > 0.5 and usable[name].is_label] or named
    if named:
        return _only(table, "label", named, usable, "is_label")
    shape = "is_label" if any(profile.is_label for profile in usable.values()) else "is_measure"
    return _only(table, "label", [], usable, shape)


def _is_id(name: str, profile: Profile) -> bool:
    """Return whether a column only numbers or names the rows; whole scores can all differ, too, but say so."""
    if head_word(name) in LABEL[0] | LABEL[1]:
        return False
    return profile.is_id or (head_word(name) in ID and not profile.is_label)


def _ambiguous(table: Table, role: str, candidates: Sequence[str], what: str) -> InputError:
    roles = ("text_a", "text_b") if role in ("text_a", "text_b") else (role,)
    flags = " ".join(f"--set data.{name}=COLUMN" for name in roles)
    return InputError(Fault("K106", table.name, f"{what}: {shown(table, candidates)}.", f"Say which one: {flags}"))
