"""What a pipeline step costs beside the papermill command line on the same notebook, what a warm
kernel saves, and what ten cached steps cost.

    python benchmarks/pipelines.py [--rounds 5] [--json]

Both take turns within every round, so a busy moment of the machine hits both. A step is: look at
the key, submit a job, papermill in a process of its own, keep the executed notebook, check the
outputs, write down result and lineage. papermill's command line runs the notebook.

The warm case times a job, from its submit to its end, and a pipeline of that one step with a kernel
that is ready, and the job with none, beside papermill's default engine: its command line, and
`papermill.execute_notebook` in a process that has papermill loaded. They take turns, each once the
next kernel is ready.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.pipelines import Pipelines, RunState, StepState

NOTEBOOKS = {"empty": "pass", "heavy imports": "import polars, xgboost, mlflow"}
STEPS = 10


def notebook(path: Path, source: str) -> None:
    """A notebook of one cell."""
    cell = {
        "cell_type": "code",
        "id": "only",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(
        json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def with_papermill(path: Path) -> None:
    """The command line of papermill, without its progress bar."""
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--no-progress-bar",
        str(path),
        str(path.with_suffix(".out.ipynb")),
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=path.parent)


def with_pipeline(pipelines: Pipelines, name: str) -> None:
    """A pipeline of one step, run anew."""
    run = pipelines.run(name, force=True)
    if run.state is not RunState.SUCCEEDED:
        raise RuntimeError(run.steps[0].reason)


def paired(root: Path, pipelines: Pipelines, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each round, by notebook and contender."""
    found: dict[str, dict[str, list[float]]] = {}
    for label, source in NOTEBOOKS.items():
        name = label.split()[0]
        notebook(root / f"{name}.ipynb", source)
        (root / f"{name}.mlpipeline.yaml").write_text(
            f"steps: {{only: {{notebook: {name}.ipynb}}}}\n"
        )
        contenders: dict[str, Callable[[], None]] = {
            "papermill": lambda name=name: with_papermill(root / f"{name}.ipynb"),  # type: ignore[misc]
            "step": lambda name=name: with_pipeline(pipelines, name),  # type: ignore[misc]
        }
        for act in contenders.values():  # supervisor up, files in the page cache
            act()
        taken: dict[str, list[float]] = {contender: [] for contender in contenders}
        for turn in range(rounds):
            order = list(contenders) if turn % 2 == 0 else list(contenders)[::-1]
            for contender in order:
                taken[contender].append(seconds(contenders[contender]))
        found[label] = taken
    return found


def cached(root: Path, pipelines: Pipelines, rounds: int) -> dict[str, list[float]]:
    """Seconds of an unchanged pipeline of ten steps in a chain: as a call, and as a command with
    the start of Python and all imports.
    """
    lines = []
    for number in range(STEPS):
        notebook(root / f"s{number}.ipynb", f"open('{number}.txt', 'w').write('{number}')")
        before = f"in: {number - 1}.txt, " if number else ""
        lines.append(f"  s{number}: {{notebook: s{number}.ipynb, {before}out: {number}.txt}}\n")
    (root / "ten.mlpipeline.yaml").write_text("steps:\n" + "".join(lines))
    pipelines.run("ten")
    taken: dict[str, list[float]] = {"call": [], "command": []}
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "pipelines", "run", "ten", "--json"]
    for _ in range(rounds):
        taken["call"].append(seconds(lambda: _all_cached(pipelines)))
        taken["command"].append(
            seconds(lambda: subprocess.run(command, check=True, capture_output=True, cwd=root))
        )
    return taken


def _all_cached(pipelines: Pipelines) -> None:
    run = pipelines.run("ten")
    if not all(step.state is StepState.CACHED for step in run.steps):
        raise RuntimeError([step.reason for step in run.steps])


def warm(root: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of the notebook with heavy imports, by contender."""
    import papermill

    folders = {name: root / name for name in ("warm", "cold")}
    jobs = {}
    for name, folder in folders.items():
        folder.mkdir()
        (folder / "mlinfra.toml").write_text(f"[jobs]\nwarm_kernels = {int(name == 'warm')}\n")
        notebook(folder / "heavy.ipynb", NOTEBOOKS["heavy imports"])
        jobs[name] = Jobs(Project.open(folder))
    (folders["warm"] / "heavy.mlpipeline.yaml").write_text(
        "steps: {only: {notebook: heavy.ipynb}}\n"
    )
    pipelines = Pipelines(Project.open(folders["warm"]), jobs["warm"])
    source, log = folders["cold"] / "heavy.ipynb", folders["warm"] / ".mlinfra/logs/supervisor.log"
    contenders: dict[str, Callable[[], None]] = {
        "warm job": lambda: with_job(jobs["warm"]),
        "warm step": lambda: with_pipeline(pipelines, "heavy"),
        "cold job": lambda: with_job(jobs["cold"]),
        "papermill command": lambda: with_papermill(source),
        "papermill engine": lambda: papermill.execute_notebook(
            source, source.with_suffix(".api.ipynb"), progress_bar=False, cwd=source.parent
        ),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        for name, act in contenders.items():
            act()
            if name == "warm job":  # the first of all, which is cold
                wait_for_kernels(log, 1)
        for turn in range(rounds):
            for name in (*list(contenders)[turn % 5 :], *list(contenders)[: turn % 5]):
                # One that is being made ready would slow the others down.
                wait_for_kernels(log, 2 + len(taken["warm job"]) + len(taken["warm step"]))
                taken[name].append(seconds(contenders[name]))
    finally:
        for one in jobs.values():
            one.stop(cancel_running=True)
    return taken


def wait_for_kernels(log: Path, count: int) -> None:
    """Until that many kernels have been made ready in all."""
    limit = time.monotonic() + 120
    while log.read_text().count("keeps a kernel warm") < count:
        if time.monotonic() > limit:
            raise TimeoutError("no kernel was made ready: " + log.read_text()[-500:])
        time.sleep(0.1)


def with_job(jobs: Jobs) -> None:
    """One job, from its submit to its end."""
    job = jobs.wait([jobs.submit(JobSpec(notebook="heavy.ipynb")).id])[0]
    if job.state != "succeeded":
        raise RuntimeError(job.reason)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "mlinfra.toml").write_text("")
        project = Project.open(root)
        jobs = Jobs(project)
        try:
            pipelines = Pipelines(project, jobs)
            steps, ten = (
                paired(root, pipelines, options.rounds),
                cached(root, pipelines, options.rounds),
            )
        finally:
            jobs.stop(cancel_running=True)
    with tempfile.TemporaryDirectory() as folder:
        ready = warm(Path(folder), options.rounds)
    if options.json:
        print(json.dumps({"steps": steps, "ten_cached": ten, "warm": ready}))
        return
    for name, values in ready.items():
        ratio = statistics.median(
            value / own for value, own in zip(values, ready["warm job"], strict=True)
        )
        print(
            f"heavy imports, {name:18s} {statistics.median(values):5.2f} s"
            f" ({min(values):.2f}–{max(values):.2f})   {ratio:.1f} x the warm job"
        )
    for label, taken in steps.items():
        ratio = statistics.median(
            step / peer for step, peer in zip(taken["step"], taken["papermill"], strict=True)
        )
        middle = {name: statistics.median(values) for name, values in taken.items()}
        spread = {name: f"{min(values):.2f}–{max(values):.2f}" for name, values in taken.items()}
        print(
            f"{label:14s} papermill {middle['papermill']:5.2f} s ({spread['papermill']})   step"
            f" {middle['step']:5.2f} s ({spread['step']})   ratio {ratio:.2f}"
        )
    for way, values in ten.items():
        print(
            f"{STEPS} cached steps, {way:8s} {statistics.median(values):5.2f} s"
            f" ({min(values):.2f}–{max(values):.2f})"
        )


if __name__ == "__main__":
    main()
