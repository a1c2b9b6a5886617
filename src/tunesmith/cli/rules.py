"""`tunesmith rules`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from tunesmith.cli.guard import working
from tunesmith.cli.options import Debug, Json
from tunesmith.cli.words import finding_lines, narrow, table
from tunesmith.errors import Fault, InputError, did_you_mean

ACTIONS = ("test", "label")


def rules(
    action: Annotated[str, typer.Argument(metavar="test|label", help="What to do.")],
    file: Annotated[str, typer.Argument(metavar="RULES", help="A YAML file of rules.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="A file of rows.")],
    text: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Column of the text; twice for two texts.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the label.")] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where labelled rows are written.")] = None,
    unlabelled: Annotated[bool, typer.Option("--unlabelled", help="The rows have no labels.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Try rules of a team on rows, or label rows by them.

    How many rows they reach, how often they are right, where they disagree, and what is wrong with them. With `label`
    rows that nobody has labelled are written with the labels that rules give them, for `tunesmith train --weak`.

    \b
    Examples:
      tunesmith rules test rules.yaml reviews.csv
      tunesmith rules test rules.yaml mails.txt --unlabelled
      tunesmith rules label rules.yaml mails.txt --out weak.csv
    """
    with working(as_json, debug) as screen:
        from tunesmith.jobs.label import label_rows
        from tunesmith.jobs.rules import try_rules

        if action not in ACTIONS:
            remedy = f"{did_you_mean(action, ACTIONS)} Known: {', '.join(ACTIONS)}.".strip()
            raise InputError(Fault("K710", "tunesmith rules", f'there is no "{action}".', remedy))
        if (action == "label") != (out is not None):
            what, remedy = ("no --out came", "Name a file.") if out is None else ("--out came", "Leave it out.")
            raise InputError(Fault("K710", f"tunesmith rules {action}", f"{what}.", remedy))
        if out is not None:
            value = label_rows(file, data, out, text=text or (), label=label or "label")
            for guess in value["guesses"]:
                screen.note(guess)
            screen.result(value, _labelled(value))
            return
        if unlabelled and label is not None:
            raise InputError(Fault("K710", "tunesmith rules", "--label and --unlabelled came.", "Leave one out."))
        value = try_rules(file, data, text=text or (), label=label, labelled=not unlabelled)
        for guess in value["guesses"]:
            screen.note(guess)
        screen.result(value, _span_lines(value) if "found" in value["vote"] else _lines(value))


def _lines(value: Mapping[str, Any]) -> Iterator[str]:
    total = value["rows"]
    head = ["rule", "votes", "rows", "of all", "right", "95 % interval", "by chance"]
    rows = [
        [
            rule["name"], _vote(rule), f"{rule['fires']:,}",
            f"{100 * rule['share']:.1f} %", *_right(rule["accuracy"]),
            "-" if rule["chance"] is None else f"{100 * rule['chance']:.0f} %",
        ]
        for rule in value["rules"]
    ]  # fmt: skip
    known = bool(value["labels"])
    yield from table([row if known else row[:4] for row in [head, *rows]], right=[2, 3, 4, 6] if known else [2, 3])
    vote = value["vote"]
    yield ""
    if value["left_out"]:
        yield f"{total:,} of {total + value['left_out']:,} rows can be used."
    yield f"Together they decide {vote['decided']:,} of {total:,} rows; in {vote['conflicts']:,} they disagree."
    if vote["accuracy"]:
        share, interval = _right(vote["accuracy"])
        most = f"{100 * vote['chance']:.0f} %"
        yield f"They are right on {share} of those ({interval}); the most common label is on {most}."
    for rule in value["rules"]:
        if rule["examples"]:
            yield ""
            yield f'"{rule["name"]}" {"is wrong on" if rule["accuracy"] else "fires on"}, for example:'
            for example in rule["examples"]:
                label = f"{', '.join(example['labels'])}, " if known else ""
                yield f"  row {example['row']} ({label}found: {', '.join(example['found'])}): {example['text']}"
    yield from _notable(value)


def _span_lines(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield what came out on rows with marked spans."""
    head = ["rule", "marks", "times", "right", "95 % interval", "finds", "95 % interval"]
    rows = [
        [rule["name"], rule["label"], f"{rule['fires']:,}", *_right(rule["accuracy"]), *_right(rule["found"])]
        for rule in value["rules"]
    ]
    yield from table([head, *rows], right=[2, 3, 5])
    vote, found = value["vote"], value["vote"]["found"]
    yield ""
    if value["left_out"]:
        yield f"{value['rows']:,} of {value['rows'] + value['left_out']:,} rows can be used."
    overlap = f"; {vote['conflicts']:,} more overlap a longer one" if vote["conflicts"] else ""
    yield f"Together they mark {vote['decided']:,} stretches in {value['rows']:,} rows{overlap}."
    if vote["accuracy"] and found:
        share, interval = _right(vote["accuracy"])
        hits = round(found["value"] * found["n"])
        yield f"They are right on {share} of those ({interval}). They find {hits:,} of {found['n']:,} spans."
    for rule in value["rules"]:
        if rule["examples"]:
            yield ""
            yield f'"{rule["name"]}" marks what is no span, for example:'
            for example in rule["examples"]:
                marked = f"marked: {', '.join(example['labels'])}" if example["labels"] else "nothing is marked"
                yield f"  row {example['row']} (found: {', '.join(example['found'])}; {marked}): {example['text']}"
    yield from _notable(value)


def _notable(value: Mapping[str, Any]) -> Iterator[str]:
    for finding in value["findings"]:
        yield ""
        yield from finding_lines(finding)


def _labelled(value: Mapping[str, Any]) -> Iterator[str]:
    head = ["rule", "votes", "rows", "taken to be right", "counts"]
    rows = [
        [
            rule["name"], _vote(rule), f"{rule['fires']:,}",
            "-" if rule["right"] is None else f"{100 * rule['right']:.0f} %", f"{rule['loudness']:.2f}",
        ]
        for rule in value["rules"]
    ]  # fmt: skip
    yield from table([head, *rows], right=[2, 3, 4])
    yield ""
    shown = ", ".join(f"{name} {count:,}" for name, count in value["labels"].items())
    yield f"{value['labelled']:,} of {value['rows']:,} rows were labelled: {shown}."
    yield f"They are in {value['out']}; `tunesmith train ROWS --weak {value['out']}` learns from them, too."


def _vote(rule: Mapping[str, Any]) -> str:
    if not rule["label"]:
        return "as rows teach it"
    return f"{'against' if rule['against'] else 'for'} {rule['label']}"


def _right(accuracy: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return a share and its interval as they are printed."""
    if accuracy is None:
        return "-", "-"
    low, high = (100 * accuracy[key] for key in ("low", "high"))
    return f"{100 * accuracy['value']:.1f} %", narrow(f"{low:.0f} to {high:.0f} %")
