"""Cells: trainings that a benchmark runs once each, keeps as lines of a file, and shows in a table of a page."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results"
TEST_MODELS = Path(os.environ.get("TEST_MODELS", Path.home() / ".cache" / "test-models"))
"""Where the models lie that tests use."""

Line = dict[str, Any]


class Bench(NamedTuple):
    """A benchmark.

    Args:
        name: of `benchmarks/results/NAME.jsonl`, and of the markers `<!-- NAME -->` and `<!-- /NAME -->` of a page.
        seeds: cell → the seeds it is run with.
        run: (cell, seed, on, sets) → a line with at least these four and `seconds`.
        table: lines → a Markdown table.
        usual: seeds of a cell that is not among those of `seeds`; where there are none, no other cell can be run.
        digest: cell → what it asks for, in short; a line with another `digest` is out of date, and measured anew.
    """

    name: str
    seeds: dict[str, Sequence[int]]
    run: Callable[[str, int, str, list[str]], Line]
    table: Callable[[list[Line]], str]
    usual: Sequence[int] = ()
    digest: Callable[[str], str] | None = None

    @property
    def results(self) -> Path:
        """Where the lines are kept."""
        return RESULTS / f"{self.name}.jsonl"

    def known(self) -> dict[tuple[Any, ...], Line]:
        """Return the cells that were run, in the order of the file."""
        if not self.results.exists():
            return {}
        lines = [json.loads(line) for line in self.results.read_text(encoding="utf-8").splitlines()]
        current = [line for line in lines if self.digest is None or line["digest"] == self.digest(line["cell"])]
        return {(line["cell"], line["seed"], line["on"], tuple(line["sets"])): line for line in current}

    def measured(self, wanted: Sequence[tuple[str, int]], on: str, sets: list[str]) -> list[Line]:
        """Run the cells that were not run yet, and return the lines of all that are wanted."""
        self.results.parent.mkdir(parents=True, exist_ok=True)
        keys = [(cell, seed, on, tuple(sets)) for cell, seed in wanted]
        for key in keys:
            if key in self.known():
                continue
            print(f"{key[0]} seed {key[1]} on {on} {' '.join(sets)}", file=sys.stderr)
            line = self.run(key[0], key[1], on, sets)
            with self.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return [line for key, line in self.known().items() if key in keys]


def digest_of(recipe: Any) -> str:
    """Return a short digest of what is asked for."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:12]


def line_of(report: Line, **cell: Any) -> Line:
    """Return the line of a cell: what names it, and what is worth keeping of the report of its run."""
    return {
        **cell, "metric": report["metric"], "n_train": report["data"]["train"], "n_test": report["data"]["test"],
        "test": report["test"], "dev": report["dev"],
        "baselines": {key: value["scores"] for key, value in report["baselines"].items()},
        "against": report["comparison"]["against"], "verdict": report["verdict"], "kept_step": report["kept_step"],
        "seconds": report["speed"]["train_seconds"], "run_seconds": report["speed"]["run_seconds"],
        "threads": report["lock"]["machine"]["threads"],
        "recipe": {key: value for key, value in report["recipe"].items() if key not in ("data", "model")},
    }  # fmt: skip


def main(bench: Bench, doc: str | None) -> None:
    """Run what is missing and print the table; put it into a page where that is asked."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", metavar="CELL", help=f"{', '.join(bench.seeds)}; all of these by default")
    parser.add_argument("--seeds", type=int, nargs="+", help="other seeds than the cells' own")
    parser.add_argument("--on", choices=["test", "dev"], default="test")
    parser.add_argument("--set", dest="sets", action="append", default=[], help="override of the recipe, key=value")
    markers = f"<!-- {bench.name} --> and <!-- /{bench.name} -->"
    parser.add_argument("--measured", action="store_true", help="run nothing: the table of what is there")
    parser.add_argument("--write", type=Path, help=f"a page with the markers {markers}")
    chosen = parser.parse_args()
    unknown = [cell for cell in chosen.cells if cell not in bench.seeds]
    if unknown and not bench.usual:
        parser.error(f"no cell {', '.join(unknown)}; there are {', '.join(bench.seeds)}")
    if not DATA.is_dir():
        sys.exit("needs ../shared/data beside the project")
    cells = chosen.cells or bench.seeds
    wanted = [(cell, seed) for cell in cells for seed in chosen.seeds or bench.seeds.get(cell, bench.usual)]
    wanted.sort(key=lambda asked: asked[1])  # one seed of all comes before the second of any
    lines = list(bench.known().values()) if chosen.measured else bench.measured(wanted, chosen.on, chosen.sets)
    text = bench.table(lines)
    print(text)
    print(
        f"lines: {len(lines)}, hours of training: {sum(line['seconds'] for line in lines) / 3600:.2f}", file=sys.stderr
    )
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        chosen.write.write_text(between(page, bench.name, text), encoding="utf-8")


def by_place(lines: Sequence[Line]) -> dict[str, dict[str, dict[int, Line]]]:
    """Return the lines of cells `USE@PLACE` without overrides: place → use → seed → line; a dev place says so."""
    found: dict[str, dict[str, dict[int, Line]]] = {}
    for line in lines:
        use, _, place = line["cell"].partition("@")
        if not line["sets"]:
            place += "" if line["on"] == "test" else " (dev)"
            found.setdefault(place, {}).setdefault(use, {})[line["seed"]] = line
    return found


def between(page: str, name: str, text: str) -> str:
    """Return `page` with `text` between its markers of that name."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(start) != 1 or page.count(end) != 1:
        sys.exit(f"the page has not got {start} and {end} once each")
    before, _, rest = page.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}\n{text}\n{end}{after}"


def spread(values: list[float], *, sign: bool = False) -> str:
    """Return the mean and the range of shares, in points."""
    if not values:
        return "–"
    form = "{:+.1f}" if sign else "{:.1f}"
    mean = form.format(100 * statistics.mean(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({form.format(100 * min(values))} to {form.format(100 * max(values))})"


def middle(values: Sequence[float], form: str = ".2f") -> str:
    """Return the median with the range."""
    if not values:
        return "–"
    found = format(statistics.median(values), form)
    return found if len(values) == 1 else f"{found} ({min(values):{form}} to {max(values):{form}})"


def tell(event: dict[str, Any]) -> None:
    """Print what was reached on dev while a training runs."""
    if event["kind"] == "dev":
        print(f"  {event['stage']} step {event['step']}: {event['metric']} {event['score']:.4f}", file=sys.stderr)
