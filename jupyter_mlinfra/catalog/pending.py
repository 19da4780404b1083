"""Commits under way, on disk: what a process that was killed has left of one can be told from a
table's files, and deleted once it is certain that it never lands.

Each attempt has a file of lines: the table, each data file before it is made, each that nobody
needs after the commit, and before the catalog is asked, what the commit demands of the table. The
attempt holds a lock on it, which the kernel frees however the process ends. No line must reach the
disk: after a power cut only the warehouse's own files say what there is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.files import explain_os_error

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata

    from ..core.project import Project

_FOLDER, _ENDING = ("catalog", "pending"), ".jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the catalog was asked to commit to: the table with `base` as its newest snapshot (None
    for none), or no table of that name. uuid, location: of the table, which may get another name;
    empty in records of earlier versions.
    """

    base: int | None
    creates: bool
    uuid: str = ""
    location: str = ""

    @staticmethod
    def on(metadata: TableMetadata, *, creates: bool = False) -> Demand:
        """On a table as it is now. creates: if it is the one to be made."""
        return Demand(
            base=None if creates else metadata.current_snapshot_id,
            creates=creates,
            uuid=str(metadata.table_uuid),
            location=metadata.location,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An attempt whose process ended before it knew how the attempt had ended. mark: what its
    snapshot would carry. files: those that it may have made, or was to delete. beside: its files
    with rows in quarantine. demand: of the last time that it asked the catalog; None if it never
    did.
    """

    mark: str
    files: tuple[str, ...]
    beside: tuple[Path, ...]
    demand: Demand | None


class Attempt:
    """The record of an attempt. mark: what its snapshot carries. asked: whether the catalog was."""

    def __init__(self, handle: int, path: Path) -> None:
        self.mark, self.asked = path.stem, False
        self._handle, self._path = handle, path

    def makes(self, file: str) -> None:
        """Called before a data file is made. Raises Unavailable on a full disk."""
        self._add({"file": file})

    def deletes(self, files: Iterable[str]) -> None:
        """Called before the commit after which these files are deleted, unless anybody needs them
        then. Raises Unavailable on a full disk.
        """
        for file in files:
            self._add({"file": file})

    def makes_beside(self, file: Path) -> None:
        """Called before a file with rows in quarantine is made. Raises Unavailable on a full
        disk.
        """
        self._add({"beside": str(file)})

    def asks(self, demand: Demand) -> None:
        """Called before the catalog is asked, each time. Raises Unavailable on a full disk."""
        self._add(asdict(demand))
        self.asked = True

    def ended(self) -> None:
        """Its files are in the table or deleted: forget it."""
        self._path.unlink(missing_ok=True)

    def _add(self, line: dict[str, Any]) -> None:
        try:
            os.write(self._handle, json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise explain_os_error(error, f"{self._path} cannot be written.") from error


class Pending:
    """The attempts of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @contextlib.contextmanager
    def attempt(self, table: str) -> Iterator[Attempt]:
        """Record an attempt, until it has deleted its files before the catalog was asked, or says
        that it has ended. Raises Unavailable on a full or read-only disk.
        """
        path = self._project.folder(*_FOLDER) / f"{uuid.uuid4().hex}{_ENDING}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise explain_os_error(error, f"{path} cannot be made.") from error
        attempt = Attempt(handle, path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            attempt._add({"table": table})
            yield attempt
        finally:
            if not attempt.asked:
                attempt.ended()
            os.close(handle)

    @contextlib.contextmanager
    def left(self, table: str) -> Iterator[list[tuple[Left, Attempt]]]:
        """What processes that ended have left of attempts on a table; nobody else decides on these
        meanwhile.
        """
        with contextlib.ExitStack() as held:
            found = list[tuple[Left, Attempt]]()
            for path in sorted(self._project.home.joinpath(*_FOLDER).glob(f"*{_ENDING}")):
                handle = _locked(path)
                if handle is not None:
                    held.callback(os.close, handle)
                    left = _read(path, table)
                    if left is not None:
                        found.append((left, Attempt(handle, path)))
            yield found

    def files(self, table: str) -> tuple[set[str], bool]:
        """The files of all attempts on a table that are not settled, and whether one of them
        is under way.
        """
        files, is_busy = set[str](), False
        for path in self._project.home.joinpath(*_FOLDER).glob(f"*{_ENDING}"):
            with contextlib.suppress(FileNotFoundError):
                left = _read(path, table)
                if left is None:
                    continue
                files.update(left.files)
                handle = _locked(path)
                if handle is None:
                    is_busy = True
                else:
                    os.close(handle)
        return files, is_busy


def _locked(path: Path) -> int | None:
    """The file; None if its process is alive, or if it is gone."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink:
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None


def _read(path: Path, table: str) -> Left | None:
    """None for another table, or without its first line: it has only begun."""
    lines: list[dict[str, Any]] = []
    for text in path.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):  # the last one may be torn
            lines.append(json.loads(text))
    if not lines or lines[0].get("table") != table:
        return None
    asked = [line for line in lines if "base" in line]
    return Left(
        mark=path.stem,
        files=tuple(line["file"] for line in lines if "file" in line),
        beside=tuple(Path(line["beside"]) for line in lines if "beside" in line),
        demand=Demand(**asked[-1]) if asked else None,
    )
