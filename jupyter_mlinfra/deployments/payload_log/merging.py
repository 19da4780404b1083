"""Merges the many small Parquet files of quiet hours into few larger ones.

Files of one day whose rows have the same form and whose names follow each other become one file,
`<name of the first>-<n>.parquet`, so that reading in the order of names gives the same rows in the
same order. The new file names in its facts those that it replaces. Once it is on disk, readers
leave them out: whenever a merge is killed, every row is in exactly one file that is read. They are
removed by a later round, so that whoever has listed the folder before still finds them. A file that
cannot be read is set aside, see `quarantine`.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ...core.files import sync_folder
from .frames import facts_of
from .journals import PARQUET, begun_at, may_hold
from .quarantine import set_aside
from .request_ids import IDS, index_of

if TYPE_CHECKING:
    import polars as pl

TARGET_BYTES = 32 << 20
"""Files are merged up to this size; one of half of it is left alone."""

FEEDBACK_BYTES = 1 << 20
"""Feedback is among the facts of a file, which are read as a whole: a file holds so much of it."""

_FORM = ("names", "categories", "types", "outputs")
"""Facts in which merged files are the same."""

DAY = 86_400
SETTLED_SECONDS = 7200
"""A day's files are merged so long after its end, when its last journals are compacted; before,
only as many as make a whole file. So most rows are written twice in all.
"""

ROW_GROUP = 50_000
"""So that of a large file only the rows of the hours asked for are read."""

READ_SECONDS = 600.0
"""What was merged is kept for so long, for those who had listed the folder before."""

REPLACES = "replaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Small:
    """A file that may be merged. form: what must be equal."""

    file: Path
    form: tuple[object, ...]
    size: int
    modified_at: float
    feedback: int


def replaced(folder: Path) -> frozenset[str]:
    """The names of files that are in merged ones. They may still exist for a moment, or again after
    a power cut.
    """
    names: set[str] = set()
    for file in (folder / PARQUET).glob("*-*-*-*.parquet"):
        names.update(_replaced_by(str(file)))
    return frozenset(names)


@functools.lru_cache(maxsize=4096)
def _replaced_by(file: str) -> Sequence[str]:
    """A merged file never changes, and no other gets its name. A broken one replaces nothing."""
    import polars as pl

    try:
        return tuple(orjson.loads(facts_of(Path(file)).get(REPLACES, "[]")))
    except (OSError, ValueError, pl.exceptions.PolarsError):
        return ()


def compacted_files(folder: Path, since: datetime | None) -> list[Path]:
    """The Parquet files that may hold something newer, in the order of their names."""
    old = replaced(folder)
    return [
        file
        for file in sorted((folder / PARQUET).glob("*.parquet"), key=lambda file: file.stem)
        if file.stem not in old and may_hold(file, since)
    ]


def compacted_names(folder: Path) -> frozenset[str]:
    """The journals whose rows are in Parquet files."""
    return replaced(folder) | {file.stem for file in (folder / PARQUET).glob("*.parquet")}


def merge(folder: Path, *, now: float | None = None, target_bytes: int = TARGET_BYTES) -> int:
    """Merge what is small; returns how many files are gone by it. Whoever calls holds the lock of
    the folder. Raises OSError if the disk is full; nothing is lost then.
    """
    at = time.time() if now is None else now
    _remove_replaced(folder, at)
    return sum(_merge(folder, group, at) for group in list(_groups(folder, at, target_bytes)))


def _remove_replaced(folder: Path, now: float) -> None:
    """Remove the files that are in merged ones, once nobody reads them any more."""
    for file in (folder / PARQUET).glob("*-*-*-*.parquet"):
        merged_at = int(file.stem.rpartition("-")[2], 16) / 1e9
        if now - merged_at < READ_SECONDS:
            continue
        for name in _replaced_by(str(file)):
            (folder / PARQUET / f"{name}.parquet").unlink(missing_ok=True)
            (folder / f"{name}.jsonl").unlink(missing_ok=True)


def _groups(folder: Path, now: float, target_bytes: int) -> Iterator[Sequence[_Small]]:
    """Runs of files to be merged, in the order of names."""
    for run in _runs(_small(folder, target_bytes)):
        group: list[_Small] = []
        for item in run:
            full = sum(other.size for other in group) + item.size > target_bytes
            told = sum(other.feedback for other in group) + item.feedback > FEEDBACK_BYTES
            if group and (full or told):
                if len(group) > 1:
                    yield group
                group = []
            group.append(item)
        over = (begun_at(run[0].file.name) // DAY + 1) * DAY + SETTLED_SECONDS < now
        if len(group) > 1 and over:
            yield group


def _runs(files: Iterable[_Small | None]) -> Iterator[Sequence[_Small]]:
    """Neighbours of one day with the same form; None stands for a file that is not small."""
    run: list[_Small] = []
    for item in files:
        if run and (item is None or item.form != run[-1].form):
            yield run
            run = []
        if item is not None:
            run.append(item)
    if run:
        yield run


def _small(folder: Path, target_bytes: int) -> Iterator[_Small | None]:
    import polars as pl

    old = replaced(folder)
    for file in sorted((folder / PARQUET).glob("*.parquet"), key=lambda file: file.stem):
        if file.stem in old:
            continue
        stat = file.stat()
        try:
            facts = facts_of(file)
            schema = pl.read_parquet_schema(file)
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            if getattr(error, "errno", None) is None:  # of the file, not of the system
                set_aside(folder, file, str(error))
            continue
        if stat.st_size > target_bytes / 2:
            yield None
            continue
        yield _Small(
            file=file,
            form=(
                file.name.partition("-")[0],
                begun_at(file.name) // DAY,
                *(facts.get(name, "[]") for name in _FORM),
                tuple(schema.items()),
            ),
            size=stat.st_size,
            modified_at=stat.st_mtime,
            feedback=len(facts.get("feedback", "")),
        )


def _merge(folder: Path, group: Sequence[_Small], at: float) -> int:
    import polars as pl

    good: list[_Small] = []
    ids: list[pl.Series] = []
    for item in group:
        try:  # all of it, so that a broken page is found before anything is written
            rows = pl.read_parquet(item.file)
        except (ValueError, pl.exceptions.PolarsError) as error:
            set_aside(folder, item.file, str(error))
            continue
        ids.append(rows["request_id"])
        good.append(item)
    if len(good) < 2:
        return 0
    _write(
        _target(good[0].file, at),
        [item.file for item in good],
        pl.concat(ids).to_list(),
        newest=max(item.modified_at for item in good),
    )
    return len(good) - 1


def _target(first: Path, at: float) -> Path:
    """A name between that of the first file and that of the next one. It says when it was made, and
    was never used before.
    """
    stem, number = "-".join(first.stem.split("-")[:3]), int(at * 1e9)
    while (target := first.with_name(f"{stem}-{number:x}.parquet")).exists():
        number += 1
    return target


def _write(target: Path, files: Sequence[Path], ids: Sequence[str], *, newest: float) -> None:
    """Stream the rows into a draft, fsync, rename. newest: the time that the file is given."""
    import polars as pl

    facts = dict(facts_of(files[0]))
    known = [facts_of(file) for file in files]
    feedback = [entry for item in known for entry in orjson.loads(item.get("feedback", "[]"))]
    names = [
        name for item in known for name in orjson.loads(item.get(REPLACES, "[]"))
    ]  # a power cut may bring back those too
    merged: dict[str, str] = {
        **{name: facts[name] for name in _FORM if name in facts},
        "feedback": orjson.dumps(feedback).decode(),
        "dropped": str(sum(int(item.get("dropped", "0")) for item in known)),
        REPLACES: orjson.dumps([*names, *(file.stem for file in files)]).decode(),
        IDS: index_of(ids),
    }
    draft = target.with_name(f".{target.name}.draft")
    try:
        pl.concat([pl.scan_parquet(file) for file in files]).sink_parquet(
            draft, compression="zstd", metadata=merged, row_group_size=ROW_GROUP
        )
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        os.utime(draft, (newest, newest))
        draft.rename(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)
