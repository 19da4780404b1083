"""Folders where a table was, or was about to be, before or after a move: what is left there is
found by the clean-up.

A note is written before the first file is copied, and stays until nothing of the table is there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.files import write_atomic

if TYPE_CHECKING:
    from ...core.project import Project


@dataclass(frozen=True, slots=True)
class Left:
    """A folder that a move has left, or did not come to use. at: when, in seconds since 1970.
    note: the file that says so.
    """

    folder: str
    at: float
    note: Path


class Moves:
    """The moves of one project's tables."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @contextlib.contextmanager
    def under_way(self, table: str, old: str, new: str) -> Iterator[None]:
        """Note a move of the table with this UUID; for the time of the block nobody cleans up
        there.
        """
        folder = self._project.folder("catalog", "moves")
        path = folder / f"{uuid.uuid4().hex}.json"
        with (folder / f"{path.stem}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                self._write(path, table, [old, new])
                yield
                self._write(path, table, [old, new])  # the old files are of use until now
            finally:
                os.unlink(lock.name)

    def of(self, table: str) -> list[Left]:
        """The folders of a table's moves that are over."""
        found = []
        for note in sorted((self._project.home / "catalog" / "moves").glob("*.json")):
            facts = json.loads(note.read_bytes())
            if facts["table"] == table and not _is_held(note.with_suffix(".lock")):
                found += [Left(folder, facts["at"], note) for folder in facts["folders"]]
        return found

    def done(self, left: Left) -> None:
        """Forget a folder in which nothing is left."""
        facts = json.loads(left.note.read_bytes())
        folders = [folder for folder in facts["folders"] if folder != left.folder]
        if folders:
            self._write(left.note, facts["table"], folders, at=facts["at"])
        else:
            left.note.unlink()

    def _write(
        self, note: Path, table: str, folders: list[str], *, at: float | None = None
    ) -> None:
        facts = {"table": table, "folders": folders, "at": time.time() if at is None else at}
        write_atomic(note, json.dumps(facts).encode())


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
