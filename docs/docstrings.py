"""Docstrings as Markdown, for the page of the Python interface."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

HEADINGS = ("Args", "Returns", "Raises", "Cost", "Source", "Example")


def python(name: str) -> str:
    """Return signature and docstring of a public function, or docstring and some members of a class, `Class:a,b`."""
    import tunesmith

    name, _, members = name.partition(":")
    found = getattr(tunesmith, name)
    if not inspect.isclass(found):
        return f"```python\n{signature(f'tunesmith.{name}', found)}\n```\n\n{prose(found)}"
    return "\n\n".join([prose(found), "\n".join(line_of(found, member) for member in members.split(","))])


def line_of(owner: type[Any], name: str) -> str:
    """Return a property or a method in a line."""
    member = vars(owner)[name]
    call = "" if isinstance(member, property) else arguments(getattr(member, "__func__", member))
    return f"- `.{name}{call}`: {first_line(member)}"


def signature(name: str, function: Callable[..., Any]) -> str:
    """Return a signature with an argument per line."""
    lines: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in lines:
            lines.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        lines.append(f"{parameter.name}: {parameter.annotation}{default}")
    return f"{name}(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def arguments(function: Callable[..., Any]) -> str:
    """Return the names of the arguments of a method."""
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return f"({', '.join(names)})"


def first_line(found: Any) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(found) or "").partition("\n\n")[0].split())


def prose(found: Any) -> str:
    """Return a docstring with its Google sections as Markdown."""
    lines: list[str] = []
    for heading, body in sections(inspect.getdoc(found) or ""):
        if heading == "Example":
            lines.append("```python\n" + re.sub(r"  # doctest: \+SKIP", "", "\n".join(body)).strip() + "\n```")
        elif heading in ("Args", "Raises"):
            lines.append(f"**{heading}**\n\n" + "\n".join(items(body)))
        else:
            text = " ".join(" ".join(body).split()) if heading else "\n".join(body).strip()
            lines.append(f"**{heading}**: {text}" if heading else text)
    return "\n\n".join(lines)


def sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (heading, lines without their indent); the first heading is empty."""
    heading, body = "", list[str]()
    for line in text.splitlines():
        named = re.fullmatch(r"([A-Z][a-z]+):( .*)?", line)
        if named and named[1] in HEADINGS:
            yield heading, body
            heading, body = named[1], [named[2] or ""]
        else:
            body.append(line[4:] if heading else line)
    yield heading, body


def items(body: Sequence[str]) -> list[str]:
    """Return `name: text` lines, continued by indent, as a list."""
    found: list[str] = []
    for line in body:
        if line.startswith(" ") and found:
            found[-1] += f" {line.strip()}"
        elif line.strip():
            name, _, text = line.strip().partition(": ")
            found.append(f"- `{name}`: {text}")
    return found
