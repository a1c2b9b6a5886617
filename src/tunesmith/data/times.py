"""Times as numbers that order rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from tunesmith.data.labels import number_of

_FORMATS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%d %b %Y", "%b %d, %Y")


def time_of(text: str) -> float | None:
    """Return a time as a number that orders it: a plain number as it is, a date as seconds.

    Dates with slashes and the year last are not read: 03/04/2024 is in March or in April.

    Example:
        >>> time_of("2024-03-31") < time_of("01.04.2024"), time_of("soon"), time_of("2019")
        (True, None, 2019.0)
    """
    text = text.strip()
    number = number_of(text)
    if number is not None:
        return number
    iso = re.sub(r"(\d{2}:\d{2}:\d{2})\.\d+", r"\1", text)
    for read in (datetime.fromisoformat, *(_reader(form) for form in _FORMATS)):
        try:
            return (read(iso).replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()
        except ValueError:
            continue
    return None


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)
