"""What a job on another machine records: it stays in a folder of the job until it is collected.

`state.db` and MLflow's own file are SQLite, which two machines must not have open at the same time.
So on another machine events, lineage and runs go to the outbox, on the file system that both
machines see. The job's follower collects them when an attempt has ended.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .events import EventLog
from .files import explain_os_error, read_regular, write_atomic
from .records import now, to_json
from .variables import NODE, OUTBOX

EVENTS, LINEAGE, RUNS, ARTIFACTS = "events.jsonl", "lineage", "mlflow.db", "artifacts"
RUNS_FILES = (RUNS, f"{RUNS}-wal")
_AT_HOME = "home.json"


def node() -> str:
    """The machine on which this job runs, if it is not the project's own; else empty."""
    return os.environ.get(NODE, "")


def outbox() -> Path | None:
    """The outbox of this process's job; None on the project's own machine."""
    found = os.environ.get(OUTBOX, "")
    return Path(found) if found and node() else None


class EventOutbox(EventLog):
    """The event log of a job that cannot reach the project's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def emit(self, topic: str, ref: str, data: Mapping[str, Any] | None = None) -> None:
        """Add an event to those that will be collected. Raises Unavailable if the disk does not
        take it.
        """
        line = (
            json.dumps(
                {
                    "at": to_json(now()),
                    "topic": topic,
                    "ref": ref,
                    "data": to_json(dict(data or {})),
                }
            )
            + "\n"
        )
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)  # in the folder of its job
            handle = os.open(self._folder / EVENTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, line.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise explain_os_error(error, f"The event of {ref} was not written.") from error

    def newest(self, topic: str) -> Mapping[str, int]:  # noqa: ARG002
        """Nothing: what others do is not known here."""
        return {}


def contents(folder: Path) -> dict[str, list[int]]:
    """The present state of the files in an outbox; equal as long as nothing has been added."""
    found = dict[str, list[int]]()
    for name in (
        EVENTS,
        *RUNS_FILES,
        *(f"{LINEAGE}/{path.name}" for path in (folder / LINEAGE).glob("*.jsonl")),
    ):
        if (folder / name).is_file():
            status = (folder / name).stat()
            found[name] = [status.st_size, status.st_mtime_ns]
    return found


def brought(folder: Path) -> dict[str, list[int]]:
    """Their state when they were last collected. The job may have put anything in that place."""
    try:
        found = json.loads(read_regular(folder / _AT_HOME))
    except (OSError, ValueError, RecursionError):
        return {}
    return (
        {name: stamp for name, stamp in found.items() if _is_stamp(stamp)}
        if isinstance(found, dict)
        else {}
    )


def _is_stamp(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 2
        and all(type(number) is int and number >= 0 for number in found)
    )


def note_brought(folder: Path, found: Mapping[str, list[int]]) -> None:
    """Record that this content has been collected."""
    write_atomic(folder / _AT_HOME, json.dumps(found).encode())


def is_at_home(folder: Path) -> bool:
    """Whether nothing in an outbox is waiting, or there is none."""
    return contents(folder) == brought(folder)
