"""What can go wrong, said so that it can be put right: where, what came, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from tunesmith.errors.codes import CODES, Code

__all__ = [
    "CODES", "CheckFailed", "Code", "Fault", "InputError", "Interrupted", "MissingExtra", "RunError", "TunesmithError",
    "did_you_mean", "raise_faults",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, in the words the user reads.

    Args:
        code: a key of `CODES`; `tunesmith why CODE` explains it.
        where: the place, such as `train.csv row 412` or `recipe.yaml: optimizer.learning_rate`.
        message: what came and what was expected.
        remedy: what to do about it, in the imperative.
    """

    code: str
    where: str
    message: str
    remedy: str = ""

    def __post_init__(self) -> None:
        assert self.code in CODES, f"{self.code} is not in errors/codes"

    def __str__(self) -> str:
        """Return `CODE where: message`, with the remedy on an indented line of its own."""
        place = f" {self.where}" if self.where else ""
        cure = "\n     " + self.remedy if self.remedy else ""
        return f"{self.code}{place}: {self.message}{cure}"


class TunesmithError(Exception):
    """The base of every error that a user can cause or cure; it carries all faults found, not the first."""

    exit_code = 2

    def __init__(self, faults: Fault | Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = (faults,) if isinstance(faults, Fault) else tuple(faults)
        assert self.faults, "an error without a fault says nothing"
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what a pickle holds, so that an error comes out of another process with its faults."""
        return _error_of, (type(self), self.faults)


class InputError(TunesmithError):
    """The user's input (data, recipe, command line) is wrong. Exit code 2."""


class MissingExtra(InputError):
    """An optional library is not installed; the message holds the exact install line."""

    def __init__(self, job: str, library: str, extra: str) -> None:
        super().__init__(
            Fault("K701", "", f"{job} needs {library}, which is not installed.", f"pip install 'tunesmith[{extra}]'")
        )


class CheckFailed(TunesmithError):
    """A check that was asked for did not pass. Exit code 1."""

    exit_code = 1


class RunError(TunesmithError):
    """Training or a run failed for a reason outside the input: full disk, NaN loss, a locked run. Exit code 1."""

    exit_code = 1


class Interrupted(TunesmithError):
    """The work was interrupted and can be resumed. Exit code 3."""

    exit_code = 3


def _error_of(kind: type[TunesmithError], faults: tuple[Fault, ...]) -> TunesmithError:
    error = kind.__new__(kind)
    TunesmithError.__init__(error, faults)
    return error


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise one `InputError` with all of `faults`, if there are any."""
    found = list(faults)
    if found:
        raise InputError(found)


def did_you_mean(name: str, choices: Sequence[str]) -> str:
    """Return `Did you mean "x"?` for the choice nearest to `name`, or an empty string.

    Example:
        >>> did_you_mean("postive", ["negative", "neutral", "positive"])
        'Did you mean "positive"?'
        >>> did_you_mean("xyz", ["positive"])
        ''
    """
    folded = {choice.lower(): choice for choice in choices}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f'Did you mean "{folded[near[0]]}"?' if near else ""
