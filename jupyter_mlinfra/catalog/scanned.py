"""What was scanned in this process: a lazy frame of Polars keeps no names of datasets, only paths
and functions, by which they are known here again.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import polars as pl

    from ..core.lineage import Traced
    from ..core.lineage.plan_nodes import Leaf

KEPT = 2_000
"""Scans that are kept, the latest ones."""

_COMPARED = 10
"""Snapshots of one table whose files are compared: each is looked up in the catalog again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """One scan. ref: with the snapshot. root: of the project. folders: where the data files of the
    table are. files: all that the scan reads; asked only where several snapshots come into
    question. function: what reads the rows, if Python does.
    """

    ref: str
    root: Path
    folders: Sequence[str] = ()
    files: Callable[[], Collection[str]] = tuple
    function: Any = None

    @property
    def key(self) -> tuple[object, ...]:
        return (self.ref, self.root, tuple(self.folders), self.function)

    def may_be(self, leaf: Leaf) -> bool:
        if leaf.function is not None:
            return self.function is not None and self.function in _within(leaf.function)
        if not self.folders:
            return set(leaf.paths) == set(map(plain, self.files()))
        return all(plain(path).startswith(tuple(self.folders)) for path in leaf.paths)


type Told = Callable[[], tuple[pl.LazyFrame, Traced]]
"""What the maker of rows tells of them: a frame whose columns they have too, and the origin of the
others.
"""


class Scans:
    """All scans of a process, by any of its catalogs: a frame does not tell by which."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scans: OrderedDict[tuple[object, ...], Scanned] = OrderedDict()
        self._made = WeakKeyDictionary[Callable[..., object], Told]()

    def note(self, scan: Scanned) -> None:
        with self._lock:
            self._scans.pop(scan.key, None)
            self._scans[scan.key] = scan
            while len(self._scans) > KEPT:
                self._scans.popitem(last=False)

    def note_made(self, function: Callable[..., object], told: Told) -> None:
        """`function` makes rows of several datasets."""
        with self._lock:
            self._made[function] = told

    def told_of(self, leaf: Leaf) -> Told | None:
        """What is told of rows that a function makes; None if nothing is."""
        outer = [] if leaf.function is None else _within(leaf.function)
        parts = [part for function in outer for part in (function, *_within(function))]
        with self._lock:
            found = [self._made.get(part) for part in parts if inspect.isfunction(part)]
        return next((told for told in found if told is not None), None)

    def ref_of(self, leaf: Leaf, root: Path) -> str | None:
        """The reference of what a part of a plan scans; None if that is unknown. root: of the
        project whose datasets have one; what is of another is named by its folder.
        """
        if not leaf.paths and leaf.function is None:
            return None  # a table without rows has no files
        with self._lock:
            scans = [*reversed(self._scans.values())]
        found = [scan for scan in scans if scan.may_be(leaf)]
        if len({scan.ref for scan in found}) > 1:
            paths, newest = set(map(plain, leaf.paths)), found[:_COMPARED]
            found = [scan for scan in newest if paths == set(map(plain, scan.files()))] or found
        if not found:
            return _of_file(leaf, root)
        if found[0].root != root:
            return found[0].folders[0].rstrip("/") if found[0].folders else None
        refs = {scan.ref for scan in found}
        # Snapshots that read the same files: which one is not known.
        return refs.pop() if len(refs) == 1 else found[0].ref.partition("@")[0]


scans = Scans()
"""Those of this process."""


def note_made(function: Callable[..., object], told: Told) -> None:
    """Of the lazy frame that reads what `function` makes, this is the origin (see `Told`)."""
    scans.note_made(function, told)


def plain(path: str) -> str:
    """A path as Polars tells it."""
    return path.removeprefix("file://").removeprefix("file:")


def _within(function: Any) -> Collection[Any]:
    """What Polars has wrapped into a function that reads rows."""
    found = [function]
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # a name that has no value yet
            found.append(cell.cell_contents)
    return found


def _of_file(leaf: Leaf, root: Path) -> str | None:
    """A file that is no dataset's, as an ingest names it; None for several."""
    if len(leaf.paths) != 1:
        return None
    path = leaf.paths[0]
    if "://" in path and not path.startswith("file://"):
        return None if "@" in path or "?" in path else path
    full = Path(plain(path)).resolve()
    return f"file:{full.relative_to(root) if full.is_relative_to(root) else full}"
