"""Work in a process that is killed, or finds its disk full, at one chosen step of those that change
what is kept: files opened to be written, renamed, deleted and synced, statements of SQLite that
write, requests to Redis, and our failpoints. What native code writes lies between two steps.

    with steps.Works("catalog_work", root) as works:
        whole = works.run("ingest")             # whole.steps: what it did, in order
        killed = works.run("ingest", kill_at=7)

Each run is forked from one process that has everything loaded, so that hundreds are affordable.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import sqlite3
import sqlite3.dbapi2
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.truncate")
_STATEMENTS = ("INSERT", "UPDATE", "DELETE", "CREATE", "COMMIT", "REPLACE")


@dataclass(frozen=True)
class Run:
    """How one run ended. killed: whether by its step. error: what it raised; "" for nothing."""

    killed: bool
    steps: list[str]
    value: Any = None
    error: str = ""
    code: str = ""


class Works:
    """The functions of a module of `tests/support`, each called with the project's root."""

    def __init__(self, module: str, root: Path) -> None:
        self._module, self._root = module, root

    def __enter__(self) -> Works:
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._module, str(self._root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("", timeout=300)

    def run(self, work: str, *, kill_at: int = 0, full_from: int = 0) -> Run:
        """Run a function. kill_at: the number, from 1, of the step before which it is killed.
        full_from: the step from which on files that are made or grow find no space.
        """
        assert self._process.stdin
        assert self._process.stdout
        wish = {"work": work, "kill_at": kill_at, "full_from": full_from}
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        return Run(**json.loads(self._process.stdout.readline()))

    def told(self, work: str) -> Any:
        """What a function returns, which nothing may disturb."""
        run = self.run(work)
        assert not run.error, f"{work}: {run.error}"
        assert not run.killed
        return run.value


class Place:
    """A folder, as it was when this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._kept = folder, folder.with_name(f"{folder.name}-kept")
        shutil.copytree(folder, self._kept)

    def again(self) -> None:
        """Have it as it was."""
        for item in self._folder.iterdir():
            shutil.rmtree(item)
        shutil.copytree(self._kept, self._folder, dirs_exist_ok=True)


class _Steps:
    """Counts the steps of a process below a folder, and acts at one of them."""

    def __init__(self, root: str, kill_at: int, full_from: int, told: int) -> None:
        self._root, self._kill_at, self._full_from = root, kill_at, full_from
        self._told, self._count, self._is_inside = told, 0, False

    def step(self, what: str, *, grows: bool = False) -> None:
        if self._is_inside or self._told < 0:
            return
        self._is_inside = True
        try:
            self._count += 1
            os.write(self._told, f"{what}\n".encode())
            if self._count == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if grows and 0 < self._full_from <= self._count:
                raise OSError(28, "No space left on device", what)
        finally:
            self._is_inside = False

    def end(self) -> None:
        self._told = -1

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._told < 0 or self._is_inside:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and self._is_ours(path):
                self.step(f"open {self._short(path)}", grows=True)
        elif event in _CHANGES and self._is_ours(arguments[0]):
            grows = event in ("os.mkdir", "os.link")
            self.step(f"{event[3:]} {self._short(arguments[0])}", grows=grows)

    def statement(self, text: str) -> None:
        word = text.lstrip().split(" ", 1)[0].upper()
        if word in _STATEMENTS:
            self.step(f"sqlite {' '.join(text.split())[:60]}")

    def _is_ours(self, path: Any) -> bool:
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return text.startswith(self._root) and "__pycache__" not in text

    def _short(self, path: Any) -> str:
        return os.fsdecode(path).removeprefix(self._root)


_ODD_MODULES = ("__main__", "__mp_main__", "antigravity", "this")
_current: _Steps | None = None


def _failpoint(name: str) -> None:
    if _current is not None:
        _current.step(f"failpoint {name}")


def _synced(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def fsync(handle: Any) -> None:
        if _current is not None:
            _current.step("fsync", grows=True)
        real(handle)

    return fsync


def _traced(real: Callable[..., sqlite3.Connection], steps: _Steps) -> Any:
    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = real(*arguments, **options)
        connection.set_trace_callback(steps.statement)
        return connection

    return connect


def _count_requests(steps: _Steps) -> None:
    """Of Redis, if it is loaded."""
    if "redis.connection" not in sys.modules:
        return
    from redis.connection import AbstractConnection

    real = AbstractConnection.send_packed_command

    def send(connection: Any, command: Any, *arguments: Any, **options: Any) -> None:
        steps.step("redis request")
        real(connection, command, *arguments, **options)

    AbstractConnection.send_packed_command = send


def _child(module: Any, root: str, wish: dict[str, Any], told: int, answer: int) -> None:
    global _current
    _current = _Steps(root, wish["kill_at"], wish["full_from"], told)
    sys.addaudithook(_current.audit)
    os.fsync = _synced(os.fsync)  # type: ignore[assignment]
    sqlite3.connect = sqlite3.dbapi2.connect = _traced(sqlite3.connect, _current)
    _count_requests(_current)
    try:
        result: dict[str, Any] = {"value": getattr(module, wish["work"])(Path(root))}
    except Exception as error:  # noqa: BLE001 - it is told
        text = str(error) if hasattr(error, "code") else traceback.format_exc()
        result = {"error": text or repr(error), "code": str(getattr(error, "code", ""))}
    _current.end()
    result["modules"] = [name for name in sys.modules if name not in _ODD_MODULES]
    os.write(answer, json.dumps(result, default=str).encode())


def _forked(module: Any, root: str, wish: dict[str, Any]) -> dict[str, Any]:
    import tempfile

    with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            try:
                _child(module, root, wish, told.fileno(), answer.fileno())
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        told.seek(0)
        answer.seek(0)
        found = json.loads(answer.read() or b"{}")
        for name in found.pop("modules", []):  # the next one need not load them
            with contextlib.suppress(Exception):
                name in sys.modules or importlib.import_module(name)
        steps = told.read().decode().splitlines()
        return {"killed": os.WIFSIGNALED(status), "steps": steps, **found}


def _serve() -> None:
    """Answer each line of the standard input, a wish, with a line."""
    from jupyter_mlinfra.core import processes

    processes.failpoint = _failpoint
    module = importlib.import_module(sys.argv[1])
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    for line in sys.stdin:
        print(json.dumps(_forked(module, sys.argv[2], json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
