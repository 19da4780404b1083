"""The entrypoint of a job, run as Ray would, and killed as Ray would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.remote.guard_files import Order, call_off, read_asked
from jupyter_mlinfra.jobs.remote.ray.driver import node_address

KEY = "aa.1.0"


class Entrypoint:
    """A job's folder, and entrypoints for it."""

    def __init__(self, folder: Path) -> None:
        self.jobs, self.folder = folder / "jobs", folder
        self.started = list[subprocess.Popen[bytes]]()

    def order(
        self, script: str, *, key: str = KEY, grace: float = 5.0, **environment: str
    ) -> Attempt:
        attempt = Attempt(self.jobs / "j0" / "1")
        attempt.folder.mkdir(parents=True, exist_ok=True)
        command = ["sh", "-c", script]
        Order(
            command=command,
            shown="sh",
            folder=str(self.folder),
            environment=environment,
            gpus=True,
            token=key,
            limit_seconds=None,
            grace_seconds=grace,
        ).write(attempt)
        return attempt

    def start(self, notice: float = 30.0, **environment: str) -> subprocess.Popen[bytes]:
        words = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "RAY_ADDRESS": "127.0.0.1:6379",
            **environment,
        }
        command = [
            sys.executable,
            "-P",
            "-m",
            "jupyter_mlinfra.jobs.remote.ray.driver",
            str(self.jobs),
            "j0",
            KEY,
            str(notice),
        ]
        self.started.append(subprocess.Popen(command, env=words, start_new_session=True))
        return self.started[-1]


@pytest.fixture
def entrypoint(tmp_path: Path) -> Any:
    found = Entrypoint(tmp_path)
    yield found
    for process in found.started:
        process.kill()
        process.wait()


def test_an_order_is_carried_out_and_its_exit_code_is_the_entrypoints(entrypoint: Any) -> None:
    attempt = entrypoint.order(
        'echo "$CUDA_VISIBLE_DEVICES $OWN ${PATH%%:*}"; exit 7', OWN="env:THERE"
    )
    assert entrypoint.start(CUDA_VISIBLE_DEVICES="1", THERE="x").wait(60) == 7
    assert (attempt.exit_code(), attempt.log.read_text()) == (
        7,
        f"1 x {Path(sys.executable).parent}\n",
    )
    assert '"127.0.0.1:1"' in (attempt.folder / "begun.json").read_text()


@pytest.mark.parametrize("case", ["called off", "sent anew"])
def test_a_job_that_is_not_wanted_any_more_does_not_run(entrypoint: Any, case: str) -> None:
    attempt = entrypoint.order("touch ran", key="bb.1.0" if case == "sent anew" else KEY)
    if case == "called off":
        assert call_off(attempt, KEY)
    assert entrypoint.start().wait(60) == 113
    assert (attempt.claimed(), (entrypoint.folder / "ran").exists()) == (None, False)


def test_a_job_that_was_begun_is_not_run_again(entrypoint: Any) -> None:
    entrypoint.order("echo x >> ran")
    assert [entrypoint.start().wait(60), entrypoint.start().wait(60)] == [0, 113]
    assert (entrypoint.folder / "ran").read_text() == "x\n"


def test_a_job_whose_entrypoint_is_killed_may_save(entrypoint: Any, tools: Any) -> None:
    attempt = entrypoint.order(
        "trap 'sleep 0.3; echo saved > saved; exit 75' TERM; touch begun; while :; do sleep 0.05;"
        " done"
    )
    process = entrypoint.start()
    tools.until((entrypoint.folder / "begun").exists)
    os.killpg(process.pid, signal.SIGKILL)
    tools.until(lambda: attempt.exit_code() is not None)
    assert (
        attempt.exit_code(),
        read_asked(attempt),
        (entrypoint.folder / "saved").read_text(),
    ) == (75, "preempted", "saved\n")


def test_a_job_whose_entrypoint_is_killed_is_ended_when_it_takes_too_long(
    entrypoint: Any, tools: Any
) -> None:
    attempt = entrypoint.order(
        "trap '' TERM; (trap '' TERM; exec setsid sleep 600) & echo $! > child; while :; do sleep"
        " 0.05; done"
    )
    process = entrypoint.start(notice=0.5)
    [child] = tools.until(lambda: tools.lines(entrypoint.folder / "child"))
    os.killpg(process.pid, signal.SIGKILL)
    tools.until(lambda: attempt.exit_code() is not None)
    assert (attempt.exit_code(), read_asked(attempt)) == (137, "preempted")
    assert (
        not os.path.exists(f"/proc/{child}")
        or "zombie" in Path(f"/proc/{child}/status").read_text()
    )


def test_a_job_that_is_stopped_may_tidy_up(entrypoint: Any, tools: Any) -> None:
    attempt = entrypoint.order(
        "trap 'echo tidy > tidied; exit 3' TERM; touch begun; while :; do sleep 0.05; done"
    )
    process = entrypoint.start()
    tools.until((entrypoint.folder / "begun").exists)
    process.terminate()
    assert process.wait(60) == 3
    assert (
        attempt.exit_code(),
        read_asked(attempt),
        (entrypoint.folder / "tidied").read_text(),
    ) == (3, "", "tidy\n")


def test_a_node_that_cannot_be_told_is_the_hosts_name() -> None:
    assert node_address("127.0.0.1:6379") == "127.0.0.1"
    assert node_address("nonsense") == node_address("") != ""
