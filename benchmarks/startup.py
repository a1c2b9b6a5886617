"""How long `import tunesmith`, `tunesmith --help` and a prediction from cold take, and what is loaded for them.

    python benchmarks/startup.py [RUNS]

Prints median, least and most of RUNS (10) starts each, after one that warms the disk cache, and the median of the
processor time, which says more than the clock while the machine is busy with something else. The aim: `--help` within
0.3 s (median), without torch. A prediction is `tunesmith predict RUN "text"` with minilm, beside a program that imports
torch and transformers and loads the same model and tokenizer, and does no more; they take turns. The aim: at most 1.3
times as much of the processor. Exits with 1 where an aim is missed, or where a heavy library was loaded.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT_SECONDS = 0.3
LIMIT_COLD = 1.3
HEAVY = ("torch", "transformers", "pydantic", "numpy", "pandas", "sklearn", "pyarrow", "rich")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import tunesmith": [sys.executable, "-c", "import tunesmith"],
    "tunesmith --help": [sys.executable, "-m", "tunesmith", "--help"],
    "tunesmith train --help": [sys.executable, "-m", "tunesmith", "train", "--help"],
}
PROBES = {
    "import tunesmith": "import tunesmith",
    "tunesmith --help": "import tunesmith.cli.main",
}

LOADED = """
import torch, transformers, tunesmith  # the last for its head alone
model = transformers.AutoModelForSequenceClassification.from_pretrained({folder!r})
tokenizer = transformers.AutoTokenizer.from_pretrained({folder!r})
"""


def seconds_of(command: Sequence[str]) -> tuple[float, float]:
    """Return seconds by the clock and seconds of processor time."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after, end = os.times(), time.perf_counter()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return end - start, used


def loaded_by(statement: str) -> list[str]:
    probe = f"{statement}; import sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    return done.stdout.split()


def cold(runs: int) -> float:
    """Print what a prediction from cold takes beside loading alone; return the median of their ratio."""
    import tunesmith

    with tempfile.TemporaryDirectory() as place:
        rows = "".join(f"{word} thing {n},{word}\n" for n in range(40) for word in ("good", "bad"))
        data = Path(place) / "rows.csv"
        data.write_text("text,label\n" + rows, encoding="utf-8")
        recipe = {"data": str(data), "stop": {"steps": 2}, "evaluate": {"forgetting": "off"}}
        folder = tunesmith.train(recipe, folder=Path(place) / "run").folder
        predict = [sys.executable, "-m", "tunesmith", "predict", str(folder), "a good thing"]
        load = [sys.executable, "-c", LOADED.format(folder=str(folder / "model"))]
        seconds_of(load)
        used = [(seconds_of(predict)[1], seconds_of(load)[1]) for _ in range(runs)]
    ratios = [ours / theirs for ours, theirs in used]
    print(
        f"{'tunesmith predict':<24} processor {statistics.median(ours for ours, _ in used):.2f} s, loading alone "
        f"{statistics.median(theirs for _, theirs in used):.2f} s, ratio {statistics.median(ratios):.2f} "
        f"from {min(ratios):.2f} to {max(ratios):.2f}   n={runs}"
    )
    return statistics.median(ratios)


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    medians = {}
    for name, command in COMMANDS.items():
        seconds_of(command)
        times, used = zip(*(seconds_of(command) for _ in range(runs)), strict=True)
        medians[name] = statistics.median(times)
        spread = f"from {min(times):.3f} to {max(times):.3f} s"
        print(
            f"{name:<24} median {medians[name]:.3f} s   {spread}   processor {statistics.median(used):.3f} s   n={runs}"
        )
    heavy = {name: loaded_by(statement) for name, statement in PROBES.items()}
    for name, found in heavy.items():
        print(f"{name:<24} loads {', '.join(found) if found else 'none of ' + ', '.join(HEAVY)}")
    ratio = cold(runs)
    return int(medians["tunesmith --help"] > LIMIT_SECONDS or ratio > LIMIT_COLD or any(heavy.values()))


if __name__ == "__main__":
    sys.exit(main())
