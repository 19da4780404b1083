"""The wish to end sets a flag, in scripts and in notebooks, and the job is started again with what
it saved.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.training.preemption import Preemption

WAIT = 60.0
ALONE = "notebook whose runner alone is signalled"


def test_the_signals_set_a_flag_and_the_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    with Preemption() as preemption, preemption:
        assert not preemption.requested
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.received is signal.SIGUSR1
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)] == before
    assert preemption.requested, "what was asked is known after the block as well"
    with pytest.raises(SystemExit) as left:
        preemption.leave()
    assert left.value.code == 75


def test_other_signals_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLINFRA_PREEMPT_SIGNALS", "usr2, SIGTERM")
    usr1 = signal.getsignal(signal.SIGUSR1)
    with Preemption() as preemption:
        assert signal.getsignal(signal.SIGUSR1) == usr1
        os.kill(os.getpid(), signal.SIGUSR2)
        assert preemption.received is signal.SIGUSR2
    for words, why in [("SIGNONE", "no such signal"), ("KILL", "No process can catch it")]:
        monkeypatch.setenv("MLINFRA_PREEMPT_SIGNALS", words)
        with pytest.raises(BadRequest, match=why):
            Preemption()


def test_another_thread_is_warned_and_leaves_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with pytest.warns(UserWarning, match="only the main thread"), Preemption():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


# Counts by tenths of a second; saves when asked to end, goes on from there, and ends at 100 or when
# the file `enough` is there.
COUNTER = """
import sys, time
from pathlib import Path
from jupyter_mlinfra.training.preemption import Preemption
saved = Path("saved")
count = int(saved.read_text()) if saved.exists() else 0
with Preemption() as preemption:
    while count < 10_000 and not Path("enough").exists():
        count += 1
        Path("up").touch()
        time.sleep(0.02)
        if preemption.requested:
            time.sleep(0.3)  # what is under way is not interrupted
            saved.write_text(str(count))
            preemption.leave()
Path("done").write_text(f"{count} {saved.read_text()}")
"""


@pytest.fixture
def jobs(project: Project):
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\ncpus = 2\ngpus = 0\ngrace_seconds = 10.0\n'
    )
    jobs = Jobs(project)
    yield jobs
    jobs.stop(cancel_running=True)


def until[T](look: Callable[[], T]) -> T:
    limit = time.monotonic() + WAIT
    while time.monotonic() < limit:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("It did not come to pass.")


def processes_of(job: str) -> list[int]:
    """Every process of the job, as its supervisor would signal them."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MLINFRA_JOB") == job:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (signal.SIGTERM, "script"),
        (signal.SIGUSR1, "script"),
        (signal.SIGTERM, "notebook"),
        pytest.param(signal.SIGUSR1, "notebook", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, ALONE, marks=pytest.mark.slow),
        (signal.SIGUSR1, ALONE),
    ],
)
def test_a_job_that_is_asked_to_end_saves_is_started_again_and_goes_on(
    kind: str, number: signal.Signals, jobs: Jobs, project: Project
) -> None:
    if kind == "script":
        (project.root / "count.py").write_text(COUNTER)
        job = jobs.submit(JobSpec(command=[sys.executable, "count.py"]))
    else:
        write_notebook(project.root / "count.ipynb", COUNTER)
        job = jobs.submit(JobSpec(notebook="count.ipynb"))
    until((project.root / "up").exists)
    signalled = [
        pid
        for pid in processes_of(job.id)
        if kind.startswith("script") or not kind.endswith("signalled") or is_runner(pid)
    ]
    for pid in signalled:
        os.kill(pid, number)
    again = until(
        lambda: (seen := jobs.show(job.id)).attempt == 2 and seen.state == "running" and seen
    )
    assert again.attempt == 2
    (project.root / "enough").touch()
    ended = jobs.wait([job.id], timeout=WAIT)[0]
    assert (ended.state, ended.exit_code) == ("succeeded", 0), jobs.logs(job.id).text
    count, saved = map(int, (project.root / "done").read_text().split())
    assert count >= saved > 0


def is_runner(pid: int) -> bool:
    return b"jupyter_mlinfra.jobs.inside.notebook" in Path(f"/proc/{pid}/cmdline").read_bytes()


def write_notebook(path: Path, source: str) -> None:
    import json

    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    path.write_text(
        json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    )


def test_a_notebook_that_does_not_catch_the_wish_ends_by_it_and_keeps_what_was_run(
    jobs: Jobs, project: Project
) -> None:
    write_notebook(
        project.root / "n.ipynb",
        "print('first', flush=True)\nopen('up', 'w')\nimport time; time.sleep(600)",
    )
    job = jobs.submit(JobSpec(notebook="n.ipynb"))
    until((project.root / "up").exists)
    until(lambda: "first" in jobs.logs(job.id).text)
    for pid in processes_of(job.id):
        if is_runner(pid):
            os.kill(pid, signal.SIGTERM)
    ended = jobs.wait([job.id], timeout=WAIT)[0]
    assert (ended.state, ended.exit_code, ended.reason) == (
        "failed",
        143,
        "Killed by SIGTERM (exit code 143).",
    )
    assert ended.output is not None
    assert "first" in (project.root / ended.output).read_text()
