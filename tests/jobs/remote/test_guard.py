"""The guard of one job, run as the far side would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.remote.batches import Shipment
from jupyter_mlinfra.jobs.remote.guard_files import (
    PARTITION_LIMIT,
    PREEMPTED,
    Order,
    read_asked,
)

KEY = "aa.1.0"
GUARD = "jupyter_mlinfra.jobs.remote.guard"


class Guards:
    """The folder of a job, and guards for it."""

    def __init__(self, folder: Path) -> None:
        self.jobs, self.folder, self.all = folder / "jobs", folder, list[subprocess.Popen[str]]()
        self.attempt = Attempt(self.jobs / "j0" / "1")

    def order(
        self,
        script: str,
        *,
        key: str = KEY,
        gpus: bool = False,
        log_bytes: int | None = None,
        **environment: str,
    ) -> None:
        self.attempt.folder.mkdir(parents=True, exist_ok=True)
        order = Order(
            command=["sh", "-c", script],
            shown="sh",
            folder=str(self.folder),
            environment=environment,
            gpus=gpus,
            token=key,
            limit_seconds=None,
            grace_seconds=5,
            log_bytes=log_bytes,
        )
        order.write(self.attempt)
        Shipment(cluster="", jobs=["j0"]).write(self.jobs, "aa")

    def start(self, **environment: str) -> subprocess.Popen[str]:
        words = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **environment,
        }
        command = [
            sys.executable,
            "-P",
            "-m",
            GUARD,
            str(self.jobs),
            "aa.1",
            "60",
            "PLACE",
            "AGAIN",
        ]
        self.all.append(subprocess.Popen(command, env=words, stderr=subprocess.PIPE, text=True))
        return self.all[-1]


@pytest.fixture
def guards(tmp_path: Path) -> Iterator[Guards]:
    found = Guards(tmp_path)
    yield found
    for process in found.all:
        process.kill()
        process.communicate()


def test_of_many_guards_of_one_attempt_one_runs_it(guards: Guards) -> None:
    guards.order("echo x >> runs; sleep 0.3; exit 7")
    codes = [process.wait(60) for process in [guards.start() for _ in range(5)]]
    assert (sorted(codes), (guards.folder / "runs").read_text()) == ([7, 113, 113, 113, 113], "x\n")


def test_a_log_that_grows_without_end_is_kept_short_where_it_is_written(guards: Guards) -> None:
    guards.order(
        "until grep -q 'bytes were dropped' jobs/j0/1/log; do yes 'a line' | head -n 30000; done;"
        " echo the last word",
        log_bytes=100_000,
    )
    assert guards.start().wait(60) == 0
    log = guards.attempt.log.read_text()
    assert (log.startswith("a line\n"), log.endswith("the last word\n")) == (True, True)


@pytest.mark.parametrize("case", ["called off", "sent anew"])
def test_what_arrives_after_it_was_called_off_does_not_run(guards: Guards, case: str) -> None:
    guards.order("touch ran", key=KEY if case == "called off" else "bb.1.0")
    if case == "called off":
        (guards.attempt.folder / "order.json").unlink()
    assert guards.start().wait(60) == 113
    assert not (guards.folder / "ran").exists()
    assert guards.attempt.claimed() is None


@pytest.mark.parametrize("name", ["exit", "asked", "begun.json"])
def test_the_exit_code_is_told_also_where_a_file_cannot_be_written(
    guards: Guards, name: str
) -> None:
    guards.order("trap 'exit 0' TERM; kill -USR1 $PPID; while :; do sleep 0.05; done")
    (guards.attempt.folder / name / "in the way").mkdir(parents=True)
    assert guards.start().wait(60) == 0


def test_a_full_disk_leaves_no_half_claim_behind(small_disk: Any) -> None:
    disk = small_disk(4)
    guards = Guards(disk.path)
    guards.order("exit 7")
    disk.fill()
    full = guards.start()
    assert full.wait(60) == 126
    assert "No space left" in full.communicate()[1]
    disk.free()
    assert guards.start().wait(60) == 7
    assert guards.attempt.exit_code() == 7


@pytest.mark.parametrize(("left", "asked"), [(45, PARTITION_LIMIT), (100_000, PREEMPTED)])
def test_a_notice_before_the_end_that_the_far_side_has_set_is_no_preemption(
    guards: Guards, tools: Any, left: int, asked: str
) -> None:
    guards.order("touch begun; exec sleep 600")
    process = guards.start(MLINFRA_ENDS_AT=str(int(time.time()) + left))
    tools.until((guards.folder / "begun").exists)
    process.send_signal(signal.SIGUSR1)
    assert process.wait(60) == 143
    assert read_asked(guards.attempt) == asked


def test_gpus_are_called_as_the_node_calls_them(guards: Guards) -> None:
    guards.order('echo "$CUDA_VISIBLE_DEVICES $MLINFRA_GPU_IDS"', gpus=True)
    guards.start(CUDA_VISIBLE_DEVICES="0,1", MLINFRA_GPU_IDS="2,5", MLINFRA_NODE="n3").wait(60)
    assert json.loads((guards.attempt.folder / "begun.json").read_text())["gpu_ids"] == [
        "n3:2",
        "n3:5",
    ]
    assert guards.attempt.log.read_text() == "0,1 \n"


def test_a_secret_that_is_not_there_is_why_an_element_fails(guards: Guards) -> None:
    guards.order("true", PASSWORD="env:NOT_THERE")
    assert guards.start().wait(60) == 1
    assert "env:NOT_THERE" in guards.attempt.own_reason()
