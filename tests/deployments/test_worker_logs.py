"""What serving processes print, and what becomes of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.targets import compaction
from jupyter_mlinfra.deployments.targets.layout import logs_folder
from jupyter_mlinfra.deployments.targets.worker_logs import LOG_BYTES, cut, last_error
from jupyter_mlinfra.deployments.targets.workers import Workers

LINE = b"a line that the model prints at each request\n"


def test_the_log_of_a_process_that_goes_on_printing_is_cut_while_it_runs(tmp_path: Path) -> None:
    workers, log = Workers(SimpleNamespace(), "token"), tmp_path / "flights.v1.0.log"  # type: ignore[arg-type]
    worker = workers._slot(("flights", "v1"), 0)
    worker.identity, worker.log = Identity.of(os.getpid()), log
    with log.open("ab", buffering=0) as output:  # as a process is started
        output.write(LINE * 300_000 + b"the newest\n")
        workers.measure()
        output.write(b"after it\n")
    assert log.read_bytes() == b"after it\n"
    kept = log.with_suffix(".old.log").read_bytes()
    assert len(kept) == LOG_BYTES
    assert kept.endswith(LINE + b"the newest\n")


def test_a_short_log_stays(tmp_path: Path) -> None:
    log = tmp_path / "flights.v1.0.log"
    log.write_bytes(LINE)
    cut(log)
    cut(tmp_path / "none.log")
    assert log.read_bytes() == LINE
    assert [*tmp_path.iterdir()] == [log]


def test_the_end_of_a_log_that_cannot_be_kept_does_not_keep_it_from_being_cut(
    tmp_path: Path,
) -> None:
    log = tmp_path / "flights.v1.0.log"
    log.write_bytes(LINE * 300_000)
    log.with_suffix(".old.log").mkdir()  # it refuses every write, as a full disk does
    cut(log)
    assert log.read_bytes() == b""


def test_the_last_error_is_found_without_reading_all_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "flights.v1.0.log"
    with log.open("wb") as file:
        file.truncate(1 << 40)  # a hole: reading all of it would not end
        file.seek(1 << 40)
        file.write(LINE + b"ValueError: no such column\n" + LINE)
    assert last_error(log) == "ValueError: no such column"
    assert last_error(tmp_path / "none.log") == ""


def test_logs_go_with_their_versions(project: Project, monkeypatch: Any) -> None:
    folder = logs_folder(project)
    stays = {
        "flights.v1.0.log",
        "flights.v1.1.old.log",
        "gateway.0.log",
        "keeper.log",
        "plans.log",
    }
    goes = {"flights.v2.0.log", "flights.v2.0.old.log", "removed.v1.12.log"}
    for name in stays | goes:
        (folder / name).touch()
    rows: Any = [
        SimpleNamespace(
            name="flights",
            versions=[SimpleNamespace(deployment="flights", version="v1", python="/none")],
        )
    ]
    step = compaction.Compaction(project)
    later = time.monotonic() + compaction.COMPACT_SECONDS
    monkeypatch.setattr(compaction, "time", SimpleNamespace(monotonic=lambda: later))
    step.step(rows)
    assert {path.name for path in folder.iterdir()} == stays
