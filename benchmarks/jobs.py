"""How long it takes from submit to start: a job of a warm supervisor, a bare process, and task-spooler where `tsp` is installed.

    python benchmarks/jobs.py [--rounds 60] [--json]

All take turns within every round, so a busy moment of the machine hits all of them. Each starts the same shell command, which
writes the time by the same clock as its first act; so the figures hold the start of that shell, the floor that no queue goes below.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec


def command(mark: Path) -> list[str]:
    """Writes the time in nanoseconds since 1970, in one step."""
    return ["sh", "-c", 'date +%s%N > "$1.draft" && mv "$1.draft" "$1"', "sh", str(mark)]


def measure(start: Callable[[list[str]], object], mark: Path) -> float:
    """Milliseconds from the call to the first act of what it starts."""
    begun = time.time_ns()
    start(command(mark))
    limit = time.monotonic() + 60
    while not mark.exists():
        if time.monotonic() > limit:
            raise TimeoutError(f"{mark.name} was not started within a minute")
        time.sleep(0.0005)
    taken = (int(mark.read_text()) - begun) / 1e6
    mark.unlink()
    return taken


def spooler(folder: Path) -> dict[str, str]:
    """The environment of a task-spooler of its own."""
    return {**os.environ, "TS_SOCKET": str(folder / "tsp.sock"), "TS_SLOTS": "2", "TMPDIR": str(folder)}


def contenders(jobs: Jobs, folder: Path) -> dict[str, Callable[[list[str]], object]]:
    """What is compared."""
    found: dict[str, Callable[[list[str]], object]] = {
        "bare process": lambda words: subprocess.Popen(words).wait(),
        "job": lambda words: jobs.wait([jobs.submit(JobSpec(command=words)).id]),
    }
    if shutil.which("tsp"):
        environment = spooler(folder)
        found["task-spooler"] = lambda words: subprocess.run(["tsp", *words], env=environment, check=True, capture_output=True)
    return found


def throughput(jobs: Jobs, count: int) -> float:
    """Jobs a second, submitted one by one, until the last one has ended."""
    begun = time.monotonic()
    jobs.wait([jobs.submit(JobSpec(command=["true"])).id for _ in range(count)])
    return count / (time.monotonic() - begun)


def spooler_throughput(folder: Path, count: int) -> float:
    """The same with task-spooler, a command each."""
    environment = spooler(folder)
    begun = time.monotonic()
    for _ in range(count):
        subprocess.run(["tsp", "true"], env=environment, check=True, capture_output=True)
    subprocess.run(["tsp", "-w"], env=environment, check=True, capture_output=True)
    return count / (time.monotonic() - begun)


def arrays(jobs: Jobs, size: int, rounds: int) -> tuple[float, float]:
    """Milliseconds that the submit of an array takes, and its elements a second until the last one has ended; medians."""
    submits, rates = list[float](), list[float]()
    for _ in range(rounds):
        begun = time.monotonic()
        array = jobs.submit(JobSpec(command=["true"], array=[{"NUMBER": number} for number in range(size)]))
        submits.append((time.monotonic() - begun) * 1e3)
        jobs.wait([array.id])
        rates.append(size / (time.monotonic() - begun))
    return statistics.median(submits), statistics.median(rates)


def run(rounds: int) -> dict[str, object]:
    """All figures of one run, in milliseconds where not said otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mlinfra.toml").write_text("[jobs]\ncpus = 2\n")
        project = Project.open(folder)
        jobs = Jobs(project)
        begun = time.monotonic()
        jobs.start()
        cold = (time.monotonic() - begun) * 1e3
        try:
            rivals = contenders(jobs, folder)
            for start in rivals.values():
                measure(start, folder / "warm-up")
            taken: dict[str, list[float]] = {rival: [] for rival in rivals}
            for number in range(rounds):
                for rival, start in rivals.items():
                    taken[rival].append(measure(start, folder / f"mark-{number}"))
            rate = throughput(jobs, 200)
            rival_rate = spooler_throughput(folder, 200) if shutil.which("tsp") else None
            array_ms, array_rate = arrays(jobs, 1000, 3)
        finally:
            jobs.stop(cancel_running=True)
            if shutil.which("tsp"):
                subprocess.run(["tsp", "-K"], env={**os.environ, "TS_SOCKET": str(folder / "tsp.sock")}, check=False)
        floor = statistics.median(taken["bare process"])
        return {
            "rounds": rounds,
            "supervisor_start_ms": round(cold, 1),
            "submit_to_start": {
                rival: {
                    "median_ms": round(statistics.median(times), 2),
                    "p95_ms": round(statistics.quantiles(times, n=20)[-1], 2),
                    "against_bare": round(statistics.median(times) / floor, 2),
                }
                for rival, times in taken.items()
            },
            "jobs_per_second": round(rate, 1),
            "task_spooler_jobs_per_second": None if rival_rate is None else round(rival_rate, 1),
            "array_of_1000": {"submit_ms": round(array_ms, 1), "elements_per_second": round(array_rate, 1)},
        }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = run(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"submit to start, {figures['rounds']} rounds in turn; supervisor up in {figures['supervisor_start_ms']} ms")
    for rival, row in figures["submit_to_start"].items():  # type: ignore[attr-defined]
        print(f"  {rival:<14} median {row['median_ms']:>7} ms   p95 {row['p95_ms']:>7} ms   {row['against_bare']:>5} x bare process")
    print(f"throughput: {figures['jobs_per_second']} jobs/s of `true`, submitted one by one, 2 slots; task-spooler {figures['task_spooler_jobs_per_second']}")
    array: Any = figures["array_of_1000"]
    print(f"array of 1000: submitted in {array['submit_ms']} ms, {array['elements_per_second']} elements/s")


if __name__ == "__main__":
    main()
