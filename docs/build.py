"""Fill in what the pages say from the code: `python docs/build.py` writes it, `--check` only says what is stale.

A page holds a pair of comments, `<!-- generated: KIND [NAME] -->` and `<!-- /generated -->`; what stands between them
comes from the function of that kind below. `docs/schema.json` is written whole.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from docstrings import python
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).parent
PAGES = (DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md")))
SCHEMA = DOCS / "schema.json"
BLOCK = re.compile(r"(<!-- generated: (\w+) ?(\S*) -->\n)(.*?)(<!-- /generated -->)", re.DOTALL)
RANGES = {
    "K1": "Data", "K2": "Recipe", "K3": "Models", "K4": "Runs", "K5": "Training", "K6": "Bundles and prediction",
    "K7": "Installation and command line", "K8": "Knowledge",
}  # fmt: skip
ROWS = (100, 500, 1000, 2000, 5000, 20_000)
"""Numbers of rows for which the table of defaults has a line."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- recipe ------------------------------------------------------------------------------------------------------


def recipe() -> str:
    """Return every key of a recipe: first the top level, then each part."""
    from tunesmith.recipe.faults import part_of
    from tunesmith.recipe.schema import Recipe

    parts = {name: part for name, info in Recipe.model_fields.items() if (part := part_of(info.annotation))}
    plain = [name for name in Recipe.model_fields if name not in parts]
    sections = ["## Top level\n\n" + keys(Recipe, plain)]
    for name, part in parts.items():
        about = (part.__doc__ or "").strip()
        sections.append(f"## {name}\n\n{about}\n\n" + keys(part, list(part.model_fields), f"{name}."))
    return "\n\n".join(sections)


def options(name: str) -> str:
    """Return the options of a strategy."""
    from tunesmith.recipe.catalogue import load_entry

    kind = load_entry("strategies", name)
    fields = list(kind.model_fields)
    return keys(kind, fields) if fields else "It has none."


def rules(name: str) -> str:
    """Return the keys of a part of a file of rules."""
    from tunesmith.knowledge import schema

    part = getattr(schema, name)
    return keys(part, list(part.model_fields))


def keys(part: type[BaseModel], names: Sequence[str], prefix: str = "") -> str:
    """Return a table of some fields of a model, in the words of their docstrings."""
    rows = []
    for name in names:
        info = part.model_fields[name]
        words = choices(info.annotation)
        said = " ".join(f"{info.description}".split()) + (
            f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""
        )
        rows.append([f"`{prefix}{name}`", default(info), said])
    return table(["key", "default", "meaning"], rows)


def choices(annotation: Any) -> tuple[str, ...]:
    """Return the words that a key takes, where it takes words."""
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    found = [choices(inner) for inner in get_args(annotation)]
    return next((words for words in found if words), ())


def default(info: Any) -> str:
    """Return the default of a field as a recipe writes it; a dash where there is none to write."""
    value = info.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    return "–" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def defaults() -> str:
    """Return what a recipe that leaves it open gets for a model as wide as minilm, by the number of rows."""
    from tunesmith.recipe.complete import Facts, complete
    from tunesmith.recipe.schema import Data, Recipe

    rows = []
    for count in ROWS:
        facts = Facts(
            task="classify", metric="macro_f1", baselines=(), rows=count, counts=[count // 4] * 4, longest=60,
            limit=512, width=384, dev_given=False, crossed=False,
        )  # fmt: skip
        done = complete(Recipe(data=Data(train="rows.csv")), facts)
        names = ", ".join(f"`{name}`" for item in done.strategies or () for name in item)
        rate, head = done.optimizer.learning_rate, done.optimizer.head_learning_rate
        refit = "yes" if done.stop.refit else "no"
        rows.append([f"{count:,}", f"{done.stop.epochs:g}", f"{rate:g}", f"{head:g}", refit, names or "none"])
    head_row = ["rows in train and dev", "epochs", "learning rate", "of the head", "refit", "strategies"]
    return table(head_row, rows)


def policies() -> str:
    """Return every policy with its strategies, as a recipe would write them."""
    from tunesmith.recipe.policies import POLICIES

    def written(item: Mapping[str, Mapping[str, Any]]) -> str:
        (name, options), = item.items()  # fmt: skip
        inside = ", ".join(f"{key}: {json.dumps(value)}" for key, value in options.items())
        return f"`{name}`" + (f" ({inside})" if inside else "")

    return table(
        ["policy", "strategies"], [[f"`{n}`", ", ".join(map(written, p)) or "none"] for n, p in POLICIES.items()]
    )


def stages() -> str:
    """Return the strategies of each stage, in the order in which they are applied, and the heads they work with."""
    from tunesmith.core.strategy import STAGES
    from tunesmith.recipe.catalogue import STRATEGIES, load_entry

    rows = []
    for stage in STAGES:
        for name in STRATEGIES:
            kind = load_entry("strategies", name)
            if kind.stage == stage:
                heads = ", ".join(f"`{problem}`" for problem in kind.problems) or "all"
                rows.append([stage, f"[`{name}`](strategies/{name}.md)", heads])
    return table(["stage", "strategy", "kinds of head"], rows)


def support() -> str:
    """Return which strategies do not go together, each with the reason; all other pairs do."""
    from itertools import combinations

    from tunesmith.recipe.catalogue import STRATEGIES
    from tunesmith.recipe.support import conflict_of

    refused: dict[tuple[str, str], list[str]] = {}
    for first, second in combinations(STRATEGIES, 2):
        if reason := conflict_of(first, second):
            refused.setdefault((first, reason), []).append(second)
    rows = [
        [f"`{first}`", ", ".join(f"`{name}`" for name in others), reason] for (first, reason), others in refused.items()
    ]
    return table(["strategy", "not with", "because"], rows) if rows else "All go together."


# --- errors, commands, models, columns -----------------------------------------------------------------------------


def codes(prefix: str) -> str:
    """Return the codes that begin with `prefix`, each with why and what to do."""
    from tunesmith.errors import CODES

    assert prefix in RANGES, f"{prefix} is no range of codes"
    found = [(code, entry) for code, entry in sorted(CODES.items()) if code.startswith(prefix)]
    return "\n\n".join(
        f"### {code}: {entry.title} {{ #{code.lower()} }}\n\n{entry.why}\n\n**Do:** {entry.cure}"
        for code, entry in found
    )


def commands() -> str:
    """Return what `--help` says, of the program and of every verb."""
    import typer.main

    from tunesmith.cli.main import VERBS, app

    program: Any = typer.main.get_command(app)
    sections = ["```text\n" + helped(program, "tunesmith") + "\n```"]
    for verb in VERBS:
        command = program.commands[verb.__name__]
        sections.append(f"## {verb.__name__}\n\n```text\n{helped(command, f'tunesmith {verb.__name__}')}\n```")
    return "\n\n".join(sections)


def helped(command: Any, name: str) -> str:
    """Return the help of one command, as wide as a page."""
    with command.make_context(name, [], resilient_parsing=True, terminal_width=88, max_content_width=88) as context:
        return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())


def models() -> str:
    """Return the models that are known by name."""
    from tunesmith.models.known import KNOWN

    rows = [
        [
            f"`{model.name}`", f"{model.parameters / 1e6:.0f} M", model.languages, model.licence,
            "hub, package index" if model.index else "hub", f"{model.good_for} {model.truth}",
        ]
        for model in KNOWN
    ]  # fmt: skip
    return table(["name", "parameters", "languages", "licence", "from", "good for, and what to know"], rows)


def columns() -> str:
    """Return the names by which columns are recognised."""
    from tunesmith.data.names import LABEL, PAIRS, TEXT, WEAK_TEXT

    rows = [
        ["text", listed(TEXT[0]), listed(TEXT[1]), listed(WEAK_TEXT)],
        ["label", listed(LABEL[0]), listed(LABEL[1]), "–"],
        ["pair", "–", ", ".join(f"`{a}` and `{b}`" for a, b in PAIRS), "–"],
    ]
    return table(["role", "settles it", "does if it is the only one", "does if nothing else looks like text"], rows)


def listed(names: Iterable[str]) -> str:
    """Return names in code, by the alphabet."""
    return ", ".join(f"`{name}`" for name in sorted(names))


# --- pages ---------------------------------------------------------------------------------------------------------

KINDS: Mapping[str, Callable[..., str]] = {
    "recipe": recipe, "options": options, "defaults": defaults, "codes": codes, "commands": commands,
    "models": models, "columns": columns, "python": python, "policies": policies, "stages": stages, "support": support,
    "rules": rules,
}  # fmt: skip


def filled(text: str) -> str:
    """Return a page with its generated blocks written anew."""

    def fresh(block: re.Match[str]) -> str:
        start, kind, name, _, end = block.groups()
        return f"{start}\n{KINDS[kind](name) if name else KINDS[kind]()}\n\n{end}"

    return BLOCK.sub(fresh, text)


def fresh_files() -> dict[Path, str]:
    """Return every file that holds something generated, with its text as it should be."""
    from tunesmith.recipe.template import json_schema

    files = {SCHEMA: json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if BLOCK.search(text):
            files[page] = filled(text)
    return files


def main() -> int:
    """Write what is stale, or with `--check` name it and return 1."""
    stale = [
        (path, text)
        for path, text in fresh_files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        name = path.relative_to(DOCS.parent)
        if "--check" in sys.argv:
            print(f"{name} is stale: `make docs` writes it anew.", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name} is written.")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
