"""The first process of a pod, run as a container would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.remote.batches import Shipment
from jupyter_mlinfra.jobs.remote.guard_files import Order, read_asked

KEY = "aa.1.0"


class Pod:
    """A job's folder, and pods for it."""

    def __init__(self, folder: Path) -> None:
        self.jobs, self.folder = folder / "jobs", folder
        self.pods = list[subprocess.Popen[bytes]]()

    def order(self, script: str, *, key: str = KEY, grace: float = 5.0) -> Attempt:
        attempt = Attempt(self.jobs / "j0" / "1")
        attempt.folder.mkdir(parents=True, exist_ok=True)
        command = ["sh", "-c", script]
        order = Order(
            command=command,
            shown="sh",
            folder=str(self.folder),
            environment={},
            gpus=True,
            token=key,
            limit_seconds=None,
            grace_seconds=grace,
        )
        order.write(attempt)
        Shipment(cluster="", jobs=["j0", ""]).write(self.jobs, "aa")
        return attempt

    def start(self, index: int = 0, **environment: str) -> subprocess.Popen[bytes]:
        words = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "JOB_COMPLETION_INDEX": str(index),
            "MLINFRA_NODE": "node-1",
        }
        command = [
            sys.executable,
            "-P",
            "-m",
            "jupyter_mlinfra.jobs.remote.kubernetes.pod",
            str(self.jobs),
            "aa.1",
        ]
        self.pods.append(subprocess.Popen(command, env={**words, **environment}))
        return self.pods[-1]


@pytest.fixture
def pod(tmp_path: Path) -> Any:
    found = Pod(tmp_path)
    yield found
    for process in found.pods:
        process.kill()
        process.wait()


def test_an_order_is_carried_out_and_its_exit_code_is_the_containers(pod: Any) -> None:
    attempt = pod.order('echo "$CUDA_VISIBLE_DEVICES"; exit 7')
    assert pod.start(MLINFRA_GPUS="2", NVIDIA_VISIBLE_DEVICES="GPU-1,GPU-2").wait(60) == 7
    assert (attempt.exit_code(), attempt.log.read_text()) == (7, "GPU-1,GPU-2\n")
    assert '"node-1"' in (attempt.folder / "begun.json").read_text()


@pytest.mark.parametrize("case", ["called off", "sent anew", "no such element"])
def test_a_job_that_is_not_wanted_any_more_does_not_run(pod: Any, case: str) -> None:
    attempt = pod.order("touch ran", key="bb.1.0" if case == "sent anew" else KEY)
    if case == "called off":
        (attempt.folder / "order.json").unlink()
    assert pod.start(1 if case == "no such element" else 0).wait(60) == 113
    assert not (pod.folder / "ran").exists()
    assert attempt.claimed() is None


def test_the_image_needs_neither_the_client_nor_the_server() -> None:
    code = "import sys, jupyter_mlinfra.jobs.remote.kubernetes.pod; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {
        "kubernetes",
        "sqlalchemy",
        "pydantic",
        "jupyter_mlinfra.jobs.queue.store",
    } & set(loaded)


def test_a_pod_that_comes_after_another_is_the_next_attempt(pod: Any) -> None:
    pod.order("echo x >> runs; exit 3")
    assert [pod.start().wait(60) for _ in range(3)] == [3, 3, 3]
    assert [Attempt(pod.jobs / "j0" / str(number)).exit_code() for number in (1, 2, 3, 4)] == [
        3,
        3,
        3,
        None,
    ]


def test_a_job_that_has_to_give_way_gets_all_the_time_there_is(pod: Any, tools: Any) -> None:
    attempt = pod.order(
        "trap 'sleep 1; echo saved > saved; exit 75' TERM; touch begun; while :; do sleep 0.05;"
        " done",
        grace=0.1,
    )
    process = pod.start()
    tools.until((pod.folder / "begun").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75
    assert ((pod.folder / "saved").read_text(), read_asked(attempt)) == ("saved\n", "preempted")


def test_a_job_that_was_cancelled_gets_its_grace(pod: Any, tools: Any) -> None:
    attempt = pod.order("trap '' TERM; touch begun; while :; do sleep 0.05; done", grace=0.1)
    process = pod.start()
    tools.until((pod.folder / "begun").exists)
    (attempt.folder / "order.json").unlink()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 137
    assert (attempt.exit_code(), read_asked(attempt)) == (137, "")
