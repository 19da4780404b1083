"""jupyter-scheduler as its users have it: the extension of a running Jupyter Server, asked over its
REST API.

It has an environment of its own, made at the first run: its bounds on other packages are not ours,
and no other benchmark is to load it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import Absent, environment, until

VERSION = "2.12.1"
_PACKAGES = (f"jupyter-scheduler=={VERSION}", "ipykernel")
_PRIVATE = (
    "PYTHONPATH",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_PATH",
    "JUPYTER_CONFIG_PATH",
    "VIRTUAL_ENV",
)


class Scheduler:
    """A server with the extension. url: its root."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._last = ""

    def submit(self, notebook: str) -> None:
        """Hand over a notebook below the server's root, as the form in JupyterLab does."""
        body = {
            "name": "benchmark",
            "input_uri": notebook,
            "runtime_environment_name": "python",
            "output_formats": ["ipynb"],
        }
        self._last = self.ask("scheduler/jobs", body)["job_id"]

    def settle(self) -> None:
        """Wait until the last job has ended."""
        until(
            lambda: self._job()["status"] not in ("CREATED", "QUEUED", "IN_PROGRESS"),
            "jupyter-scheduler's last job to end",
        )
        if (job := self._job())["status"] != "COMPLETED":
            raise RuntimeError(f"jupyter-scheduler: {job['status']}: {job.get('status_message')}")

    def _job(self) -> Any:
        return self.ask(f"scheduler/jobs/{self._last}")

    def ask(self, path: str, body: Any = None) -> Any:
        """One request."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self._url}/{path}", data, headers), timeout=60
        ) as answer:
            return json.load(answer)


@contextmanager
def jupyter_scheduler(root: Path) -> Iterator[Scheduler]:
    """Running, with this folder as its root. Raises Absent."""
    python, token = environment(f"jupyter-scheduler-{VERSION}", _PACKAGES), secrets.token_hex(16)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if name not in _PRIVATE}
    own |= {
        "JUPYTER_DATA_DIR": str(root / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(root / ".jupyter" / "run"),
        "JUPYTER_TOKEN": token,
    }
    options = [
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={root}",
        f"--SchedulerApp.db_url=sqlite:///{root}/scheduler.sqlite",
    ]
    command = [
        str(python),
        "-m",
        "jupyter_server",
        "--no-browser",
        "--allow-root",
        "--ServerApp.port_retries=0",
        *options,
    ]
    with open(root / "jupyter-scheduler.log", "wb") as log:
        server = subprocess.Popen(
            command, cwd=root, env=own, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        found = Scheduler(f"http://127.0.0.1:{port}", token)
        _wait(found, server, root / "jupyter-scheduler.log")
        yield found
    finally:
        server.terminate()
        server.wait(30)


def _wait(found: Scheduler, server: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        try:
            found.ask("scheduler/config")
        except OSError:
            if server.poll() is None:
                return False
            raise Absent(f"jupyter-scheduler did not come up: {log.read_text()[-300:]}") from None
        return True

    until(answers, "jupyter-scheduler's server to answer")
