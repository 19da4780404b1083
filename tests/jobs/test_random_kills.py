"""Kills at random moments, of who submits, of the supervisor and of wrappers: nothing is lost,
nothing runs twice, no GPU is given twice.

`make kills` makes them two hundred.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs

VICTIMS = ("submitter", "supervisor", "supervisor", "wrapper")
KILLS = int(os.environ.get("MLINFRA_KILLS", "50"))
SUBMITS = """
import sys
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
jobs = Jobs(Project.open())
print("ready", flush=True)
for line in sys.stdin:
    key, gpus, seconds, code = line.split()
    work = (
        'echo "+ $MLINFRA_NUMBER $CUDA_VISIBLE_DEVICES $(date +%s%N)" >> runs; sleep $0;'
        ' echo "- $MLINFRA_NUMBER" >> runs; exit $1'
    )
    spec = JobSpec(
        command=["sh", "-c", work, seconds, code],
        gpus=float(gpus),
        cpus=1,
        key=key,
        environment={"MLINFRA_NUMBER": key},
    )
    print(jobs.submit(spec).id, flush=True)
"""


class Submitter:
    """A process that submits what it is told, and is started again when it was killed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-c", SUBMITS]
        self.process = subprocess.Popen(
            command, cwd=self._root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def submit(self, line: str, *, kill_after: float | None) -> None:
        """Submit under its key until the answer has come: as often as that takes."""
        while True:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(line + "\n")
                self.process.stdin.flush()
            if kill_after is not None:
                time.sleep(kill_after)
                self.kill()
                kill_after = None
            if self.process.poll() is None and self.process.stdout.readline().strip():
                return
            self._start()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Let it end."""
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_at_random_lose_and_double_nothing(
    gpu_jobs: Jobs, project: Project, tools: Any
) -> None:
    rng, codes, wrapperless, kills = (
        random.Random(1936),
        dict[str, int](),
        set[str](),
        Counter[str](),
    )
    submitter = Submitter(project.root)
    try:
        while kills.total() < KILLS or min(kills[victim] for victim in VICTIMS) < KILLS // 20:
            assert len(codes) < 20 * KILLS, kills
            key, code = f"k{len(codes)}", rng.choice([0, 0, 7])
            victim = rng.choice(VICTIMS)
            codes[key] = code
            seconds = "0.5" if victim == "wrapper" else rng.choice(["0", "0.05", "0.3"])
            line = f"{key} {rng.choice(['0', '0.5', '1', '1', '2'])} {seconds} {code}"
            submitter.submit(
                line, kill_after=rng.random() * 0.04 if victim == "submitter" else None
            )
            time.sleep(rng.random() * 0.05)
            kills[victim] += victim == "submitter"
            kills[victim] += victim == "supervisor" and killed_supervisor(gpu_jobs)
            if victim == "wrapper" and not kills[victim] and kills.total() >= KILLS // 2:
                # A busy machine is slow to start what it accepts.
                tools.until(lambda: running(project))
            if victim == "wrapper" and (hit := killed_wrapper(project, rng)):
                wrapperless.add(hit)
                kills[victim] += 1
    finally:
        submitter.close()
    jobs = {job.id: job for job in gpu_jobs.wait(ids(project), timeout=tools.wait)}
    assert len(jobs) == len(codes)
    lines = [line.split() for line in tools.lines(project.root / "runs")]
    runs = Counter(line[1] for line in lines if line[0] == "+")
    assert set(runs.values()) == {1}
    # A wrapper can be killed before it has started its command.
    assert codes.keys() - runs.keys() <= {key_of(project, job) for job in wrapperless}
    assert runs.keys() <= codes.keys()
    for job, record in jobs.items():
        code = codes[key_of(project, job)]
        known = (record.state, record.exit_code) == ("succeeded" if code == 0 else "failed", code)
        assert known or (job in wrapperless and record.state == "lost"), record
        assert record.attempt == 1
    assert (
        overbooked(lines, {key_of(project, job): record.gpus for job, record in jobs.items()}) == []
    )


def killed_supervisor(jobs: Jobs) -> bool:
    pid = jobs.supervisor().pid
    if pid is None:
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def killed_wrapper(project: Project, rng: random.Random) -> str | None:
    """Kill the wrapper of a job that runs; its id."""
    rows = running(project)
    for row in rng.sample(rows, len(rows)):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{row['pid']}/cmdline").read_bytes().split(b"\0")
            # It and no stranger.
            if any(word.endswith(f"/jobs/{row['id']}/1".encode()) for word in words):
                os.kill(row["pid"], signal.SIGKILL)
                return str(row["id"])
    return None


def running(project: Project) -> list[Any]:
    with project.database.read() as connection:
        return connection.execute(
            "SELECT id, pid FROM job WHERE state = 'running' AND pid IS NOT NULL"
        ).fetchall()


def ids(project: Project) -> list[str]:
    with project.database.read() as connection:
        return [row["id"] for row in connection.execute("SELECT id FROM job")]


def key_of(project: Project, job: str) -> str:
    with project.database.read() as connection:
        return str(connection.execute("SELECT key FROM job WHERE id = ?", (job,)).fetchone()["key"])


def overbooked(lines: list[list[str]], gpus: dict[str, float]) -> list[str]:
    """Jobs at whose start a GPU of theirs was given to others beyond its whole, by what the jobs
    themselves wrote in order.
    """
    held, found = dict[str, tuple[list[str], float]](), []
    for line in lines:
        if line[0] == "-":
            held.pop(line[1], None)
            continue
        devices = line[2].split(",") if len(line) == 4 else []
        share = min(1.0, gpus[line[1]])
        held[line[1]] = (devices, share)
        if any(
            sum(part for others, part in held.values() if device in others) > 1 + 1e-9
            for device in devices
        ):
            found.append(line[1])
    return found


def test_the_oracle_sees_a_gpu_that_is_given_twice() -> None:
    lines = [line.split() for line in ("+ a 0 1", "+ b 0 2", "- a", "- b", "+ c 0,1 3", "+ d 1 4")]
    assert overbooked(lines, {"a": 0.5, "b": 0.5, "c": 2, "d": 1}) == ["d"]
