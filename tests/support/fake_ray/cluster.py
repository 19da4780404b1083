"""The cluster behind the fake's API: jobs that wait for room, run as processes, are stopped and
forgotten as in Ray's own job manager.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

Json = dict[str, Any]
TICK_SECONDS = 0.02
NODE = "0f033e832ed4e29393fbc4f8bf90ae1023dc9b47df98aff3938d5a6a"
WAITS = (
    "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory, custom"
    " resources) to become available."
)
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass
class Run:
    """A job. needs: by Ray's names of resources. gpus: numbers of those that it was given."""

    body: Json
    needs: dict[str, float]
    log: Path
    status: str = "PENDING"
    message: str = WAITS
    error: str | None = None
    code: int | None = None
    began: int = field(default_factory=lambda: int(time.time() * 1000))
    over: int | None = None
    stop: bool = False
    told: list[psutil.Process] = field(default_factory=list)
    kill_at: float | None = None
    process: subprocess.Popen[bytes] | None = None
    gpus: list[int] = field(default_factory=list)

    def end(
        self, status: str, message: str, *, error: str | None = None, code: int | None = None
    ) -> None:
        self.status, self.message, self.error, self.code, self.over = (
            status,
            message,
            error,
            code,
            int(time.time() * 1000),
        )

    def shown(self) -> Json:
        """As the API lists it."""
        on = self.process is not None
        return {
            "type": "SUBMISSION",
            "job_id": None,
            "submission_id": self.body["submission_id"],
            "driver_info": None,
            "status": self.status,
            "entrypoint": self.body["entrypoint"],
            "message": self.message,
            "error_type": self.error,
            "start_time": self.began,
            "end_time": self.over,
            "metadata": self.body.get("metadata"),
            "runtime_env": self.body.get("runtime_env"),
            "driver_agent_http_address": "http://127.0.0.1:52365" if on else None,
            "driver_node_id": NODE if on else None,
            "driver_exit_code": self.code,
        }


class Cluster:
    """All state of a cluster of one node, behind one lock. start_seconds: after which Ray gives a
    waiting job up.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, whole: Mapping[str, float]
    ) -> None:
        self.lock = threading.RLock()
        self.whole, self.environment, self.start_seconds = dict(whole), dict(environment), 900.0
        self.runs = dict[str, Run]()
        self.fault = ""
        self._folder = folder
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def add(self, body: Json) -> None:
        """Take a job whose form is right; what Ray finds out only when it makes the actor ends it
        at once.
        """
        pairs = (
            ("CPU", "entrypoint_num_cpus"),
            ("GPU", "entrypoint_num_gpus"),
            ("memory", "entrypoint_memory"),
        )
        needs = {name: float(body[key]) for name, key in pairs if body.get(key)}
        name, resources = body["submission_id"], body.get("entrypoint_resources") or {}
        run = Run(body, needs | resources, self._folder / f"{name}.log")
        self.runs[name] = run
        words = next(
            (
                f"The quantity of resource {what} cannot be negative"
                for what, amount in run.needs.items()
                if amount < 0
            ),
            "",
        )
        if {"CPU", "GPU"} & set(resources):
            words = (
                "Use the 'num_cpus' and 'num_gpus' keyword instead of 'CPU' and 'GPU' in"
                " 'resources' keyword"
            )
        if any(amount > 1 and amount != int(amount) for amount in run.needs.values()):
            words = (
                "('GPU resource quantities >1 must', ' be whole numbers. The specified quantity 1.5"
                " is invalid.')"
            )
        if words:
            message = (
                f"Failed to start supervisor actor {name}: '{words}'. Full traceback:\nTraceback"
                f" (most recent call last):\nValueError: {words}\n"
            )
            run.end("FAILED", message, error="JOB_SUPERVISOR_ACTOR_START_FAILURE")

    def stop(self, run: Run) -> bool:
        """Says whether there was something to stop. A job that waits goes on waiting."""
        run.stop = run.stop or run.status not in ENDED
        return run.status not in ENDED

    def lose(self, name: str) -> None:
        """The actor that watches an entrypoint dies: Ray kills the entrypoint's group, and
        notices.
        """
        with self.lock:
            run = self.runs[name]
            self._kill_group(run)
            run.end(
                "FAILED",
                "Job supervisor actor died: The actor died unexpectedly before finishing this"
                " task.",
                error="JOB_SUPERVISOR_ACTOR_DIED",
            )

    def restart(self) -> None:
        """The head goes down and comes again: it knows of nothing."""
        with self.lock:
            for run in self.runs.values():
                self._kill_group(run)
            self.runs.clear()

    def left(self) -> dict[str, float]:
        """What is free."""
        free = dict(self.whole)
        for run in self.runs.values():
            if run.status == "RUNNING":
                for name, amount in run.needs.items():
                    free[name] = free.get(name, 0.0) - amount
        return free

    def close(self) -> None:
        """End it and all that runs."""
        self._stopped.set()
        self._thread.join()
        for run in self.runs.values():
            self._kill_group(run)

    def _live(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            try:
                with self.lock:
                    for run in list(self.runs.values()):
                        self._see_to(run)
            except Exception as error:
                self.fault = f"{type(error).__name__}: {error}"
                raise

    def _see_to(self, run: Run) -> None:
        if run.status == "PENDING":
            free = self.left()
            if all(free.get(name, 0.0) >= amount for name, amount in run.needs.items()):
                self._start(run)
            elif time.time() * 1000 - run.began > self.start_seconds * 1000:
                words = (
                    f"Job supervisor actor failed to start within {self.start_seconds} seconds."
                    " This timeout can be configured by setting"
                )
                run.end(
                    "FAILED",
                    f"{words} the environment variable RAY_JOB_START_TIMEOUT_SECONDS.",
                    error="JOB_SUPERVISOR_ACTOR_START_TIMEOUT",
                )
        if run.status == "RUNNING":
            self._watch(run)

    def _start(self, run: Run) -> None:
        taken = {
            gpu for other in self.runs.values() if other.status == "RUNNING" for gpu in other.gpus
        }
        count = int(run.needs.get("GPU", 0))
        run.gpus = [gpu for gpu in range(int(self.whole.get("GPU", 0))) if gpu not in taken][:count]
        given = {"CUDA_VISIBLE_DEVICES": ",".join(map(str, run.gpus))} if run.needs else {}
        words = {
            **self.environment,
            **((run.body.get("runtime_env") or {}).get("env_vars") or {}),
            "RAY_ADDRESS": "127.0.0.1:6379",
            **given,
        }
        run.status, run.message = "RUNNING", "Job is currently running."
        with open(run.log, "ab") as log:
            log.write(
                f"Running entrypoint for job {run.body['submission_id']}:"
                f" {run.body['entrypoint']}\n".encode()
            )
            log.flush()
            run.process = subprocess.Popen(
                run.body["entrypoint"],
                shell=True,
                start_new_session=True,
                stdout=log,
                stderr=log,
                env=words,
            )

    def _watch(self, run: Run) -> None:
        assert run.process is not None
        if run.stop and run.kill_at is None:
            run.told = list(self._family(run))
            environment = (run.body.get("runtime_env") or {}).get("env_vars") or {}
            run.kill_at = time.monotonic() + int(environment.get("RAY_JOB_STOP_WAIT_TIME_S", 3))
            self._signal(run.told, signal.SIGTERM)
        if run.kill_at is not None:
            run.process.poll()
            alive = psutil.wait_procs(run.told, timeout=0)[1]
            if alive and time.monotonic() >= run.kill_at:
                self._signal(alive, signal.SIGKILL)
            if not alive or time.monotonic() >= run.kill_at:
                run.end("STOPPED", "Job was intentionally stopped.")
            return
        code = run.process.poll()
        if code == 0:
            run.end("SUCCEEDED", "Job finished successfully.", code=0)
        elif code is not None:
            tail = "".join(run.log.read_text(errors="replace").splitlines(keepends=True)[-10:])
            message = (
                f"Job entrypoint command failed with exit code {code}, last available logs"
                f" (truncated to 20,000 chars):\n{tail}"
            )
            run.end("FAILED", message, error="JOB_ENTRYPOINT_COMMAND_ERROR", code=code)

    @staticmethod
    def _family(run: Run) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            assert run.process is not None
            first = psutil.Process(run.process.pid)
            yield first
            yield from first.children(recursive=True)

    @staticmethod
    def _signal(processes: list[psutil.Process], number: int) -> None:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    @staticmethod
    def _kill_group(run: Run) -> None:
        if run.process is not None and run.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()
