"""Real servers for tests: PostgreSQL and Redis, each with a folder and processes of its own.

`scripts/servers.sh` installs their programs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and ends with the `with` that started it."""

    port: int
    pid: int
    folder: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """A PostgreSQL with one superuser and database, both called `postgres`, and the password
    `secret`: postgresql://postgres:secret@127.0.0.1:PORT/postgres. Raises AssertionError with its
    log if it does not start.
    """
    with _folder() as folder:
        data = folder / "data"
        password = folder / "password"
        password.write_text("secret")
        user = _owner(folder)
        made = subprocess.run(
            [
                _program("initdb"),
                *("-D", str(data), "-U", "postgres", "-A", "scram-sha-256"),
                *("--pwfile", str(password), "--no-sync", "-E", "UTF8", "--locale", "C"),
            ],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        port = _free_port()
        command = [
            _program("postgres"),
            *("-D", str(data), "-p", str(port), "-h", "127.0.0.1"),
            *("-k", str(folder), "-c", "max_connections=50", "-c", "shared_buffers=16MB"),
        ]
        with _running(command, folder, user, end=signal.SIGQUIT) as pid:
            yield Server(port, pid, folder)


@contextlib.contextmanager
def redis() -> Iterator[Server]:
    """A Redis that keeps nothing on disk. Raises AssertionError with its log if it does not
    start.
    """
    with _folder() as folder:
        port = _free_port()
        command = [
            _program("redis-server"),
            *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
        ]
        with _running(command, folder, None, end=signal.SIGTERM) as pid:
            yield Server(port, pid, folder)


def _program(name: str) -> str:
    """The newest of a program. Raises AssertionError with the command that installs it."""
    if found := shutil.which(name):
        return found
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4])
    )
    assert versions, f"{name} is missing: scripts/servers.sh installs it"
    return str(versions[-1])


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Short, for the path of a socket has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="mlinfra-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> str | None:
    """Who PostgreSQL runs as: it refuses to run as root."""
    if os.getuid() != 0:
        return None
    shutil.chown(folder, "nobody")
    for path in folder.iterdir():
        shutil.chown(path, "nobody")
    return "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, user: str | None, *, end: signal.Signals
) -> Iterator[int]:
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 60
        while "ready to accept connections" not in log.read_text().lower():
            ended = process.poll() is not None or time.monotonic() > deadline
            assert not ended, f"{command[0]} did not start:\n{log.read_text()}"
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(end)
        process.wait(timeout=30)
