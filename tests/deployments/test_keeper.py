"""The keeper's loop and its files on a disk that refuses writes; no process is started."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.deployments.store import ProcessRow
from jupyter_mlinfra.deployments.targets import envoy, keeper
from jupyter_mlinfra.deployments.targets.workers import Launch, Worker, Workers

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def in_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "RETRY_SECONDS", 0.0)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


class Keeper:
    """Each turn raises the next of `troubles`; after the last it is done."""

    def __init__(self, troubles: list[Exception]) -> None:
        self.troubles, self.finished = troubles, False
        self.adopted = 0

    def adopt(self) -> None:
        self._turn()
        self.adopted += 1

    def step(self) -> None:
        self._turn()
        self.finished = not self.troubles

    def _turn(self) -> None:
        if self.troubles:
            raise self.troubles.pop()

    def processes(self) -> list[Any]:
        return []

    def busy(self) -> bool:
        return False


def test_the_loop_outlives_every_kind_of_failed_write(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "IDLE_SECONDS", 0.0)
    found = Keeper([FULL, FULL, Unavailable("The database is busy."), FULL])
    keeper._loop(found)  # type: ignore[arg-type]
    assert found.finished
    assert found.adopted == 1  # tried again until it was done, then not once more
    assert "No space left" in caplog.text


def test_a_file_that_says_so_already_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert envoy.swap("rds.json", "one") is True

    def refuse(*_: Any) -> None:
        raise FULL

    monkeypatch.setattr(Path, "write_text", refuse)
    assert envoy.swap("rds.json", "one") is False
    with pytest.raises(OSError, match="No space"):
        envoy.swap("rds.json", "two")
    assert Path("rds.json").read_text() == "one"


def test_a_worker_that_has_ended_is_let_go_of_even_when_that_cannot_be_noted() -> None:
    def refuse(_: str) -> None:
        raise Unavailable("The disk is full.")

    workers = Workers(SimpleNamespace(drop_process=refuse), "no-such-token")  # type: ignore[arg-type]
    worker = Worker(slot=0, socket="a.sock", token="no-such-token-a")
    with pytest.raises(Unavailable):
        workers._forget(worker)
    assert (worker.token, worker.identity) == ("", None)  # so that the next step starts it


def test_a_worker_that_is_started_on_a_full_disk_is_noted_when_there_is_room(tmp_path: Path) -> None:
    rows: list[ProcessRow] = []
    full = [True]

    def add(row: ProcessRow) -> None:
        if full:
            raise Unavailable("The disk is full.")
        rows.append(row)

    token = f"mlinfra-test-{os.getpid()}-{time.time_ns()}"
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o700)
    workers = Workers(SimpleNamespace(drop_process=lambda _: None, add_process=add), token)  # type: ignore[arg-type]
    launch = Launch(
        deployment="flights", version="v1", model="flights/1", python=str(python), bundle=str(tmp_path), payloads=tmp_path, logs=tmp_path / "no such folder"
    )
    try:
        workers.keep(launch, 2)
        assert all(identity.alive() for identity in workers.identities())
        with pytest.raises(Unavailable):
            workers.note()
        full.clear()
        for _ in range(2):
            workers.note()
        assert [(row.slot, row.identity) for row in rows] == list(enumerate(workers.identities()))
    finally:
        workers.kill()
    assert not any(identity.alive() for identity in workers.identities())
