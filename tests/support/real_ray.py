"""A real Ray head for `make ray`: one for the run, with a folder and ports of its own.

On a small or busy machine a start takes long and may fail; Ray's own limits for it are widened, and
it is tried again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

START_SECONDS = 420.0
TRIES = 3
_PATIENCE = {
    "RAY_agent_register_timeout_ms": "400000",
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "250",
    "RAY_worker_register_timeout_seconds": "400",
    "RAY_worker_niceness": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}

# Ray gives a raylet 30 s to come up, which no setting changes: the question after it is made more
# patient.
_START = """
import time
from ray._private import services
from ray.scripts.scripts import main
ask = services.get_node
def patiently(*words, **options):
    limit = time.monotonic() + 150
    while True:
        try:
            return ask(*words, **options)
        except RuntimeError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.5)
services.get_node = patiently
main()
"""


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the Ray that this process starts in itself. A raylet waits 15 s for each of its agents to
    write its port down, which no setting changes: the ports are chosen and written down before it.
    """
    from ray import _raylet
    from ray._private import services

    start, ask = services.start_raylet, services.get_node

    def start_with_ports(*words: Any, **options: Any) -> Any:
        node, folder = words[2], words[11]
        for agent in (
            "metrics_agent",
            "metrics_export",
            "dashboard_agent_listen",
            "runtime_env_agent",
        ):
            port = options.get(f"{agent}_port") or _free_port()
            options[f"{agent}_port"] = port
            _raylet.persist_port(folder, node, getattr(_raylet, f"{agent.upper()}_PORT_NAME"), port)
        return start(*words, **options)

    def ask_longer(*words: Any, **options: Any) -> Any:
        limit = time.monotonic() + 150
        while True:
            try:
                return ask(*words, **options)
            except RuntimeError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.5)

    monkeypatch.setattr(services, "start_raylet", start_with_ports)
    monkeypatch.setattr(services, "get_node", ask_longer)
    for name, value in _PATIENCE.items():
        monkeypatch.setenv(name, value)


class RayHead:
    """A head that can be stopped and started again at the same address; it forgets its jobs with
    that.
    """

    def __init__(
        self, *, cpus: int = 8, gpus: int = 2, environment: Mapping[str, str] | None = None
    ) -> None:
        self._cpus, self._gpus, self._environment = cpus, gpus, dict(environment or {})
        # Paths of sockets have to be short.
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        self._ports = [_free_port() for _ in range(4)]
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._ports[1]}"

    def start(self) -> RayHead:
        """Returns once jobs are taken."""
        for number in range(TRIES):
            if self._try():
                return self
            self.stop()
            sys.stderr.write(
                f"Ray did not start ({number + 1} of {TRIES}):"
                f" {self._log().read_text(errors='replace')[-800:]}\n"
            )
        raise AssertionError(f"Ray did not start; see {self._log()}")

    def _try(self) -> bool:
        assert importlib.util.find_spec("ray") is not None, "Ray is not installed here: make ray"
        words = [
            "start",
            "--head",
            "--block",
            f"--port={self._ports[0]}",
            f"--dashboard-port={self._ports[1]}",
            "--dashboard-host=127.0.0.1",
            # beside any other Ray of this machine
            f"--dashboard-agent-listen-port={self._ports[2]}",
            f"--ray-client-server-port={self._ports[3]}",
            f"--temp-dir={self._folder}",
            f"--num-cpus={self._cpus}",
            f"--num-gpus={self._gpus}",
            "--disable-usage-stats",
        ]
        environment = (
            {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("MLINFRA_", "RAY_", "CUDA_"))
            }
            | _PATIENCE
            | self._environment
        )
        with open(self._log(), "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.2)
        return False

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError):
            for path in ("/api/jobs/", "/api/v0/nodes?detail=1"):
                with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                    value = json.load(answer)
            return bool(value["data"]["result"]["result"])
        return False

    def _log(self) -> Path:
        return self._folder / "start.log"

    def stop(self) -> None:
        """As when its machine goes down in order; what is left after that is killed."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(30)
        self.kill()

    def kill(self) -> None:
        """kill -9 of every process of this Ray; jobs that it runs are none of them."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(self.processes(), timeout=10)
        if self._process is not None:
            self._process.wait(10)

    def lose(self, job: str) -> None:
        """The actor that watches a job's entrypoint dies."""
        query = "detail=1&limit=1000&filter_keys=state&filter_predicates=%3D&filter_values=ALIVE"
        with urllib.request.urlopen(f"{self.address}/api/v0/actors?{query}", timeout=30) as answer:
            actors = json.load(answer)["data"]["result"]["result"]
        [pid] = [
            actor["pid"] for actor in actors if actor["name"] == f"_ray_internal_job_actor_{job}"
        ]
        os.kill(pid, signal.SIGKILL)

    def restart(self) -> None:
        """The head goes down and comes again: it knows of nothing."""
        self.kill()
        self.start()

    def processes(self) -> list[psutil.Process]:
        """Of this head, and no other that may run on the machine."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                mine = any(str(self._folder) in word for word in words) or (
                    words[:1] and words[0].startswith("ray::") and self._is_mine(process)
                )
                if mine and process.pid != os.getpid():
                    found.append(process)
        return found

    def _is_mine(self, process: psutil.Process) -> bool:
        return any(str(self._folder) in file.path for file in process.open_files())

    def close(self) -> None:
        """Nothing is left."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
