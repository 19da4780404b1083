"""Rows of a push into the source of a view once, also if the push was killed, or could not write
online afterwards, and is called again.

A push to sources has a file of lines until all is written: for each view the state of its source
before, and that its rows are there. It holds a lock on the file, which the kernel frees however the
process ends; the equal push after it takes the file over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError
from ...core.files import explain_os_error
from ...core.frames import exactly
from ...core.processes import failpoint
from ..sources import SourceSpec, scan, state_of

if TYPE_CHECKING:
    import pyarrow as pa

    from ...core.project import Project

_KEPT_DAYS = 7


class Note:
    """What one push has done to its sources."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_new(self) -> bool:
        """Whether no equal push has begun to write."""
        return not self._lines()

    def once(
        self,
        view: str,
        source: SourceSpec,
        rows: pa.Table,
        repo: Path,
        write: Callable[[], object],
    ) -> None:
        """Add rows to the source of a view by `write`, unless this push, or the equal one before
        it, has done so; under the lock of appends. Raises what `write` does, and Unavailable on a
        full disk.
        """
        if self._is_there(view, source, rows, repo):
            return
        self._add({"view": view, "state": _state(source, repo)})
        write()
        failpoint("features-appended")
        self._add({"view": view, "added": True})

    def _is_there(self, view: str, source: SourceSpec, rows: pa.Table, repo: Path) -> bool:
        lines = [line for line in self._lines() if line["view"] == view]
        if not lines or lines[-1].get("added"):
            return bool(lines)
        state = lines[-1]["state"]
        if state is not None and state == _state(source, repo):
            return False  # nobody has written since
        return _has(source, rows, repo)

    def _add(self, line: Mapping[str, Any]) -> None:
        try:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise explain_os_error(error, f"{self.path} cannot be written.") from error

    def _lines(self) -> list[dict[str, Any]]:
        found = []
        for text in self.path.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # the last one may be torn
                found.append(json.loads(text))
        return found


@contextlib.contextmanager
def noted(project: Project, name: str, columns: Mapping[str, Sequence[Any]]) -> Iterator[Note]:
    """The note of a push of these rows, until the block ends without an error. name: of what they
    are pushed to.
    """
    folder = project.folder("features", "pushes")
    digest = sha256(repr((name, sorted(columns.items()))).encode()).hexdigest()[:32]
    path, handle = _left(folder, digest) or _made(folder, digest)
    try:
        yield Note(path)
        path.unlink(missing_ok=True)
    finally:
        if not os.fstat(handle).st_size:  # nothing was written
            path.unlink(missing_ok=True)
        os.close(handle)


def _made(folder: Path, digest: str) -> tuple[Path, int]:
    path = folder / f"{digest}-{uuid.uuid4().hex}.jsonl"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explain_os_error(error, f"{path} cannot be made.") from error
    fcntl.flock(handle, fcntl.LOCK_EX)
    return path, handle


def _left(folder: Path, digest: str) -> tuple[Path, int] | None:
    """The note of an equal push that has ended before its end. Those that nobody has taken over in
    a week are deleted.
    """
    for path in sorted(folder.glob("*.jsonl")):
        is_equal = path.name.startswith(digest)
        with contextlib.suppress(FileNotFoundError):
            if not is_equal and time.time() - path.stat().st_mtime < _KEPT_DAYS * 86_400:
                continue
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            if not _locked(handle):
                os.close(handle)
            elif is_equal:
                return path, handle
            else:
                path.unlink(missing_ok=True)
                os.close(handle)
    return None


def _locked(handle: int) -> bool:
    """Whether the file is this process's now: its push is over, and it was not forgotten."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return bool(os.fstat(handle).st_nlink)


def _state(source: SourceSpec, repo: Path) -> str | None:
    try:
        return state_of(source, repo)
    except (MLInfraError, OSError):  # the write says what is wrong with it
        return None


def _has(source: SourceSpec, rows: pa.Table, repo: Path) -> bool:
    """Whether a source has all of these rows, whatever their created times."""
    import polars as pl

    if source.kind == "other":
        return False
    there = scan(replace(source, mapping={}), repo)
    types = there.collect_schema()
    frame = pl.DataFrame(pl.from_arrow(rows))
    names = [
        name
        for name in frame.columns
        if name in types and name != source.created and not types[name].is_nested()
    ]
    asked = frame.select(exactly(name).cast(types[name], strict=False) for name in names)
    keys = list(map(exactly, names))
    missing = asked.lazy().join(there.select(keys), on=keys, how="anti", nulls_equal=True)
    return missing.head(1).collect(engine="streaming").is_empty()
