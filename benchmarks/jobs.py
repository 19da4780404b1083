"""How long it takes from submit to start: a job of a warm supervisor, a bare process, task-spooler
and Slurm; and to a notebook's first cell.

    python benchmarks/jobs.py [--rounds 60] [--cells 6] [--json]

All take turns within every round, so a busy moment of the machine hits all of them. Each starts the
same shell command, which writes the time by the same clock as its first act; so the figures hold
the start of that shell, the floor that no queue goes below. Slurm is a real one on this machine
with its default scheduling, and takes part in each fifth round, since it takes seconds.

A notebook's first cell writes the time: as a job with a cold start, as a job with a warm kernel,
and as a job of jupyter-scheduler. A peer that is not here is named as left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from peers import Absent, Contender, until
from peers.scheduler import jupyter_scheduler
from peers.slurm import default_slurm
from peers.spooler import Spooler, spooler
from pipelines import notebook, wait_for_kernels

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec

FIRST_CELL = (
    "import os, time\nwith open({0!r} + '.draft', 'w') as file:\n   "
    " file.write(str(time.time_ns()))\nos.replace({0!r} + '.draft', {0!r})"
)


def command(mark: Path) -> list[str]:
    """Writes the time in nanoseconds since 1970, in one step."""
    return ["sh", "-c", 'date +%s%N > "$1.draft" && mv "$1.draft" "$1"', "sh", str(mark)]


def measure(contender: Contender, mark: Path) -> float:
    """Milliseconds from the call to the first act of what it starts."""
    start = time.time_ns()
    contender.start()
    until(mark.exists, "the start of what was submitted", pause=0.0005)
    taken = (int(mark.read_text()) - start) / 1e6
    mark.unlink()
    contender.settle()
    return taken


def in_turn(contenders: Mapping[str, Contender], mark: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each round, by contender; each begins as often as it can. One turn of each
    before that counts for nothing.
    """
    for contender in contenders.values():
        measure(contender, mark)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if number % contenders[name].every == 0:
                taken[name].append(measure(contenders[name], mark))
    return taken


def summary(taken: Mapping[str, list[float]], own: str) -> dict[str, dict[str, float]]:
    """Median, range and 95th percentile of each, and its median against that of `own`."""
    base = statistics.median(taken[own])
    return {
        name: {
            "rounds": len(times),
            "median_ms": round(statistics.median(times), 2),
            "min_ms": round(min(times), 2),
            "max_ms": round(max(times), 2),
            "p95_ms": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 2),
            "against_own": float(f"{statistics.median(times) / base:.3g}"),
        }
        for name, times in taken.items()
    }


def throughput(jobs: Jobs, count: int) -> float:
    """Jobs a second, submitted one by one, until the last one has ended."""
    start = time.monotonic()
    jobs.wait([jobs.submit(JobSpec(command=["true"])).id for _ in range(count)])
    return count / (time.monotonic() - start)


def spooler_throughput(tsp: Spooler, count: int) -> float:
    """The same with task-spooler, a command each."""
    start = time.monotonic()
    for _ in range(count):
        tsp.run("true")
    tsp.run("-w")
    return count / (time.monotonic() - start)


def arrays(jobs: Jobs, size: int, rounds: int) -> tuple[float, float]:
    """Milliseconds that the submit of an array takes, and its elements a second until the last one
    has ended; medians.
    """
    submits, rates = list[float](), list[float]()
    for _ in range(rounds):
        start = time.monotonic()
        array = jobs.submit(
            JobSpec(command=["true"], array=[{"NUMBER": number} for number in range(size)])
        )
        submits.append((time.monotonic() - start) * 1e3)
        jobs.wait([array.id])
        rates.append(size / (time.monotonic() - start))
    return statistics.median(submits), statistics.median(rates)


def commands(folder: Path, rounds: int, left_out: dict[str, str]) -> dict[str, Any]:
    """From submit to start, throughput and arrays. left_out: takes the peers that are not here,
    with the reason.
    """
    (folder / "mlinfra.toml").write_text("[jobs]\ncpus = 2\n")
    jobs, mark = Jobs(Project.open(folder)), folder / "mark"
    words = command(mark)
    start = time.monotonic()
    jobs.start()
    found: dict[str, Any] = {"supervisor_start_ms": round((time.monotonic() - start) * 1e3, 1)}
    contenders = {
        "bare process": Contender(start=lambda: subprocess.Popen(words).wait()),
        "job": Contender(start=lambda: jobs.wait([jobs.submit(JobSpec(command=words)).id])),
    }
    with ExitStack() as stack:
        stack.callback(lambda: jobs.stop(cancel_running=True))
        if tsp := _entered(stack, "task-spooler", lambda: spooler(folder), left_out):
            contenders["task-spooler"] = Contender(start=lambda: tsp.run(*words))
        rates = throughput(jobs, 200), None if tsp is None else spooler_throughput(tsp, 200)
        array_ms, array_rate = arrays(jobs, 1000, 3)
        if slurm := _entered(stack, "Slurm", lambda: default_slurm(folder / "slurm"), left_out):
            found["slurm_scheduler_parameters"] = slurm.scheduling()
            contenders["Slurm"] = Contender(
                start=lambda: slurm.submit(words), settle=slurm.settle, every=5
            )
        found["submit_to_start"] = summary(in_turn(contenders, mark, rounds), "job")
    found["jobs_per_second"] = {
        "job": round(rates[0], 1),
        "task-spooler": None if rates[1] is None else round(rates[1], 1),
    }
    return {
        **found,
        "array_of_1000": {
            "submit_ms": round(array_ms, 1),
            "elements_per_second": round(array_rate, 1),
        },
    }


def first_cells(folder: Path, rounds: int, left_out: dict[str, str]) -> dict[str, dict[str, float]]:
    """From submit to a notebook's first cell."""
    mark = folder / "mark"
    with ExitStack() as stack:
        own: dict[str, Jobs] = {}
        for name, warm in (("cold job", 0), ("warm job", 1)):
            root = folder / name.split()[0]
            root.mkdir()
            (root / "mlinfra.toml").write_text(f"[jobs]\nwarm_kernels = {warm}\n")
            notebook(root / "first.ipynb", FIRST_CELL.format(str(mark)))
            own[name] = Jobs(Project.open(root))
            stack.callback(lambda name=name: own[name].stop(cancel_running=True))  # type: ignore[misc]
        log, served = folder / "warm" / ".mlinfra/logs/supervisor.log", [0]

        def next_kernel() -> None:  # one that is being made ready would slow the others down
            served[0] += 1
            wait_for_kernels(log, served[0])

        contenders = {
            name: Contender(
                start=lambda jobs=jobs: jobs.wait(
                    [jobs.submit(JobSpec(notebook="first.ipynb")).id]
                ),  # type: ignore[misc]
                settle=next_kernel if name == "warm job" else lambda: None,
            )
            for name, jobs in own.items()
        }
        root = folder / "jupyter"
        root.mkdir()
        notebook(root / "first.ipynb", FIRST_CELL.format(str(mark)))
        if peer := _entered(stack, "jupyter-scheduler", lambda: jupyter_scheduler(root), left_out):
            contenders["jupyter-scheduler"] = Contender(
                start=lambda: peer.submit("first.ipynb"), settle=peer.settle
            )
        return summary(in_turn(contenders, mark, rounds), "cold job")


def _entered(stack: ExitStack, name: str, peer: Callable[[], Any], left_out: dict[str, str]) -> Any:
    try:
        return stack.enter_context(peer())
    except Absent as reason:
        left_out[name] = str(reason)
        return None


def run(rounds: int, cells: int) -> dict[str, Any]:
    """All figures of one run, in milliseconds where not said otherwise."""
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        found = commands(Path(name), rounds, left_out)
    with tempfile.TemporaryDirectory() as name:
        found["submit_to_first_cell"] = first_cells(Path(name), cells, left_out)
    return {**found, "left_out": left_out}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--cells", type=int, default=6, help="rounds of the notebook's first cell")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = run(arguments.rounds, arguments.cells)
    if arguments.json:
        print(json.dumps(figures))
        return
    for title, part, own in (
        ("submit to start", "submit_to_start", "job"),
        ("submit to first cell", "submit_to_first_cell", "cold job"),
    ):
        print(f"{title}, in turn")
        for name, row in figures[part].items():
            spread = f"{row['min_ms']}–{row['max_ms']}"
            print(
                f"  {name:<18} median {row['median_ms']:>8} ms   range {spread:>17}   p95"
                f" {row['p95_ms']:>8}   {row['against_own']:>7} x {own}"
            )
    if "slurm_scheduler_parameters" in figures:
        print(f"Slurm's SchedulerParameters: {figures['slurm_scheduler_parameters']}")
    rates = figures["jobs_per_second"]
    print(
        f"throughput: {rates['job']} jobs/s of `true`, submitted one by one, 2 slots; task-spooler"
        f" {rates['task-spooler']}"
    )
    array = figures["array_of_1000"]
    print(
        f"array of 1000: submitted in {array['submit_ms']} ms, {array['elements_per_second']}"
        " elements/s"
    )
    print(f"supervisor up in {figures['supervisor_start_ms']} ms")
    for name, reason in figures["left_out"].items():
        print(f"left out: {name}: {reason}")


if __name__ == "__main__":
    main()
