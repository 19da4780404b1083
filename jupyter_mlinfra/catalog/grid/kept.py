"""What a query found, kept until the rows change: the numbers of the rows that a grid shows, in
their order, and the rows around those in sight.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...core.records import to_json

if TYPE_CHECKING:
    import polars as pl

    from .spec import GridQuery

    Make = Callable[[], pl.DataFrame]

type Key = Sequence[str | int | None]

_FORMAT = 1
_ON_DISK = 512 << 20
_IN_MEMORY = 128 << 20


class Kept(Protocol):
    """Where frames are kept, up to a size; what was not used for the longest time goes first."""

    def rows(self, key: Key, make: Make, start: int, count: int) -> tuple[pl.DataFrame, int]:
        """Rows `start` to `start + count` of the frame of that key, and how many it has. make: for
        the first time; while it works, others with this key wait.
        """


def key_of(query: GridQuery) -> str:
    """What decides which rows are found; which columns are shown of them does not."""
    asked = (query.filters, query.sort, query.group)
    return json.dumps([to_json(item) for item in asked], sort_keys=True)


class _Makers:
    """One maker of each key at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making = dict[str, tuple[threading.Lock, int]]()

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[None]:
        with self._lock:
            own, waiting = self._making.get(name, (threading.Lock(), 0))
            self._making[name] = own, waiting + 1
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, waiting = self._making.pop(name)
                if waiting > 1:
                    self._making[name] = own, waiting - 1


class KeptFiles:
    """On disk, for every process of the project. For numbers of rows alone: no value of a table may
    lie in a file beside it. Files can be deleted at any time.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._makers = _Makers()

    def rows(self, key: Key, make: Make, start: int, count: int) -> tuple[pl.DataFrame, int]:
        import polars as pl

        what = [_FORMAT, pl.__version__, *key]
        name = f"{sha256(json.dumps(what).encode()).hexdigest()[:32]}.arrow"
        path = self._folder() / name
        with self._makers.one(name):
            found = _part(path, start, count)
            if found is None:
                frame = make()
                _put(path, frame)
                found = frame.slice(start, count), frame.height
        return found


def _part(path: Path, start: int, count: int) -> tuple[pl.DataFrame, int] | None:
    """Rows of a kept frame, and how many it has; None if it is not there or damaged."""
    import polars as pl

    try:
        os.utime(path)
        frame = pl.scan_ipc(path, glob=False)
        height = int(frame.select(pl.len()).collect().item())
        return frame.slice(start, count).collect(), height
    except (OSError, pl.exceptions.PolarsError):
        return None


def _put(path: Path, frame: pl.DataFrame) -> None:
    """Nothing is kept on a full disk, nor what is larger than all that is kept."""
    if frame.estimated_size() > _ON_DISK:
        return
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.draft")
    with contextlib.suppress(OSError):
        try:
            frame.write_ipc(draft, compression="uncompressed")
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _make_room(path.parent)


def _make_room(folder: Path) -> None:
    found = sorted(_files(folder), key=lambda item: item[0].st_mtime)
    too_many = sum(facts.st_size for facts, _ in found) - _ON_DISK
    for facts, path in found:
        if too_many <= 0:
            return
        path.unlink(missing_ok=True)
        too_many -= facts.st_size


def _files(folder: Path) -> Iterator[tuple[os.stat_result, Path]]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield path.stat(), path


class KeptInMemory:
    """In this process alone."""

    def __init__(self) -> None:
        self._frames = OrderedDict[str, "pl.DataFrame"]()
        self._lock = threading.Lock()
        self._makers = _Makers()

    def rows(self, key: Key, make: Make, start: int, count: int) -> tuple[pl.DataFrame, int]:
        name = json.dumps(list(key))
        with self._makers.one(name):
            with self._lock:
                frame = self._frames.pop(name, None)
            if frame is None:
                frame = make()
            if frame.estimated_size() <= _IN_MEMORY:
                with self._lock:
                    self._frames[name] = frame
                    self._make_room()
        return frame.slice(start, count), frame.height

    def _make_room(self) -> None:
        while sum(frame.estimated_size() for frame in self._frames.values()) > _IN_MEMORY:
            self._frames.popitem(last=False)
