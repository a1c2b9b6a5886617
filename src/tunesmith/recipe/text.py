"""Recipe text: YAML read with the line of every key, and written so that it reads back the same.

PyYAML follows YAML 1.1, where `no` is false, `1e-4` is text and `2024-01-01` a date. A recipe follows the core schema
of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), which is also what editors check against.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from tunesmith.errors import Fault, InputError

Path: TypeAlias = tuple[str | int, ...]

_RESOLVERS = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
)
MAX_DEPTH = 20  # a recipe needs five levels; an alias that contains itself needs infinitely many


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists stand two columns in, as people write them


for _tag, _pattern, _first in _RESOLVERS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    base = {"0o": 8, "0x": 16}.get(node.value[:2], 10)  # 1.1 reads 012 as ten
    return int(node.value, base)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed recipe file: plain data, and the line on which each path of keys stands."""

    value: Any
    name: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    def line(self, path: Path) -> int | None:
        """Return the line of `path`, or of the nearest part of it that is written in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def where(self, path: Path) -> str:
        """Return `recipe.yaml line 7: optimizer.learning_rate`."""
        line = self.line(path)
        place = self.name + (f" line {line}" if line else "")
        return f"{place}: {dotted(path)}" if path else place


def dotted(path: Path) -> str:
    """Return a path of keys as a user writes it.

    Example:
        >>> dotted(("evaluate", "baselines", 0))
        'evaluate.baselines[0]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(text: str, name: str) -> Document:
    """Read YAML (or JSON, which is YAML) from `text`; `name` is what messages call it.

    Raises:
        InputError: it is not YAML (K205), with the line.
    """
    # The C parser forbids tabs like the other one, but JSON that indents with them is common.
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        text = text.replace("\t", "  ")
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        builder = _Builder(loader, name)
        value = builder.build(root, ()) if root is not None else {}
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(_syntax_fault(error, name)) from error
    finally:
        loader.dispose()
    return Document(value, name, builder.lines, builder.faults)


def write_document(value: Any, *, flow: bool = False) -> str:
    """Return `value` as YAML in its own order, which `read_document` reads back equal; on one line if `flow`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=flow)


def read_scalar(text: str, name: str) -> Any:
    """Return the value of one `--set` entry, typed as YAML types it."""
    return read_document(text, name).value if text.strip() else None


class _Builder:
    """Turns nodes into plain data and notes lines and repeated keys on the way."""

    def __init__(self, loader: _Loader, name: str) -> None:
        self.loader = loader
        self.name = name
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def build(self, node: yaml.Node, path: Path) -> Any:
        """Return the plain data under `node`, which stands at `path`."""
        if len(path) > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} levels deep")
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            # A key is text as it is written: a label called `no` or `1` stays that.
            key = str(key_node.value)
            here = (*path, key)
            if key in result:
                self.faults.append(
                    Fault(
                        "K206", f"{self.name} line {key_node.start_mark.line + 1}: {dotted(here)}",
                        f"the key is already on line {self.lines[here]}.", "Keep one of the two.",
                    )
                )  # fmt: skip
            else:
                self.lines[here] = key_node.start_mark.line + 1
            result[key] = self.build(value_node, here)
        return result


def _syntax_fault(error: Exception, name: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line = f" line {mark.line + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error)
    remedy = "Check indentation (spaces, not tabs), colons and quotes there and on the line before."
    return Fault("K205", f"{name}{line}", f"this is not YAML: {problem}.", remedy)
