"""What the payload log costs a serving process: processor time of the journal, its writer thread
included, at a steady rate of requests.

    python benchmarks/journal.py [--rate 1000] [--seconds 20] [--rounds 3]

Entries as a process puts them: one row of 30 numbers, or of 20 numbers and 10 texts of the caller,
and one score. Each measurement is a process of its own; the same loop that puts into nothing is
measured beside it and subtracted. Ends with 1 if the median is above 3 % of a core.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile

MOST = 0.03
ROWS = {
    "30 numbers": "random.normal(size=(1, 30)).astype(numpy.float32)",
    "20 numbers, 10 texts": (
        "[[*random.normal(size=20).tolist(), *(f'level {n}' for n in random.integers(0, 20, 10))]]"
    ),
}
PUT = """
import sys, time
from pathlib import Path
import numpy
from jupyter_mlinfra.deployments.runtime.journal import Journal

rate, seconds, folder = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
random = numpy.random.default_rng(1)
rows = [ROWS for _ in range(200)]
score = numpy.array([0.25], numpy.float32)
head = {"deployment": "m", "version": "v1", "model": "m/1", "names": [f"n{n}" for n in range(30)]}
journal = Journal(Path(folder, "log"), head) if folder else None
requests = int(rate * seconds)
before, begun = time.process_time(), time.perf_counter()
for number in range(requests):
    wait = begun + number / rate - time.perf_counter()
    if wait > 0:
        time.sleep(wait)
    entry = {"id": f"{number:032x}", "u": f"{number:032x}", "ts": time.time(), "ms": 0.731,
        "st": 200}
    if journal is not None:
        journal.put({"k": "p", **entry, "x": rows[number % 200], "y": score}, 30)
took = time.perf_counter() - begun
if journal is not None:
    journal.close()
print((time.process_time() - before) / took, requests / took)
"""


def measured(rows: str, rate: int, seconds: float, *, logging: bool) -> tuple[float, float]:
    """Share of a core, and requests a second that were reached."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(sys.executable, "-c", PUT.replace("ROWS", ROWS[rows])),
                *(str(rate), str(seconds), folder if logging else ""),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    share, reached = map(float, done.stdout.split())
    return share, reached


def main() -> int:
    """Print a line for each kind of row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    worst = 0.0
    for rows in ROWS:
        costs, rates = [], []
        for _ in range(options.rounds):
            idle, _ = measured(rows, options.rate, options.seconds, logging=False)
            share, reached = measured(rows, options.rate, options.seconds, logging=True)
            costs.append(share - idle)
            rates.append(reached)
        cost = statistics.median(costs)
        worst = max(worst, cost)
        print(
            f"{rows:22s} {statistics.median(rates):6.0f} a second: {100 * cost:.2f} % of a core"
            f" ({', '.join(f'{100 * item:.2f}' for item in costs)})",
            flush=True,
        )
    if worst > MOST:
        print(f"OUT OF BOUNDS: more than {100 * MOST:.0f} % of a core")
    return 1 if worst > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
