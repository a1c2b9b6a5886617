"""How long `import tunesmith` and `tunesmith --help` take, and that neither loads torch.

    python benchmarks/startup.py [RUNS]

Prints median, least and most of RUNS (10) starts each, after one that warms the disk cache, and the median of the
processor time, which says more than the clock while the machine is busy with something else. The aim: `--help` within
0.3 s (median). Exits with 1 where it is missed, or where a heavy library was loaded.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

LIMIT_SECONDS = 0.3
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
    return int(medians["tunesmith --help"] > LIMIT_SECONDS or any(heavy.values()))


if __name__ == "__main__":
    sys.exit(main())
