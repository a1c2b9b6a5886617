"""How long `check` takes on many rows, and how much memory: python benchmarks/check_speed.py [--rows N] [--kind K].

Two kinds of files: `prose` has texts of words drawn by Zipf's law, 2 % of them repeated and 2 % nearly so; `template`
has texts from one sentence with numbers filled in, the hard case, in which everything resembles everything.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROWS = 1_000_000
WORDS = 20_000
LABELS = ["billing", "delivery", "returns", "account", "praise", "other"]


def prose(rows: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield texts of 5 to 30 words; some repeat an earlier one, some with one letter changed."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(WORDS)]
    weights = [1 / (place + 2) for place in range(WORDS)]
    stream = rng.choices(words, weights, k=rows * 18)
    place, earlier = 0, "hello"
    for number in range(rows):
        length = rng.randint(5, 30)
        text = " ".join(stream[place : place + length])
        place = (place + length) % (len(stream) - 30)
        if number % 50 == 1:
            text = earlier
        elif number % 50 == 2:
            text = earlier[:-1] + rng.choice(letters)
        earlier = text
        yield text, rng.choice(LABELS)


def template(rows: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield one sentence with numbers filled in."""
    for number in range(rows):
        label = rng.choice(LABELS)
        yield (
            f"Dear team, this is ticket {number} about {label}: please look at order {rng.randint(0, 9999)} from last "
            f"week and tell me when it will be done.",
            label,
        )


def write(path: Path, kind: str, rows: int) -> None:
    """Write the file."""
    make = {"prose": prose, "template": template}[kind]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(make(rows, random.Random(1)))


def measure(path: str) -> None:
    """Check one file in this process, and print what it took."""
    from tunesmith.jobs.check import check

    start, processor = time.perf_counter(), time.process_time()
    report = check(path)
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        json.dumps(
            {
                "rows": report.rows_read,
                "seconds": round(seconds, 1),
                "processor_seconds": round(processor, 1),
                "peak_memory_bytes": peak,
                "unit": report.lengths["unit"],
                "findings": {finding.code: finding.count for finding in report.findings},
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--kind", choices=("prose", "template"), nargs="*", default=["prose", "template"])
    parser.add_argument("--file", help="check this file in this process instead")
    options = parser.parse_args()
    if options.file:
        measure(options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.kind:
            path = Path(folder) / f"{kind}.csv"
            write(path, kind, options.rows)
            print(f"{kind}: {path.stat().st_size / 1e6:.0f} MB", flush=True)
            # A process of its own, so that making the file does not count as memory.
            subprocess.run([sys.executable, __file__, "--file", str(path)], check=True)


if __name__ == "__main__":
    main()
