"""Keeps the payload log in order: closed journals become Parquet, what is too old goes."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from ...core.errors import Conflict
from ...core.files import explain_os_error, file_lock, sync_folder
from . import sums
from .frames import list_frame
from .journals import PARQUET, JournalRows, has_open, pid_of, read_journal
from .ledgers import dead_ledgers, missing_entries
from .merging import merge, replaced
from .quarantine import set_aside, set_aside_files
from .removal import note_removed
from .request_ids import IDS, index_of

COMPACT_AFTER_SECONDS = 60.0


def compact(folder: Path) -> int:
    """Turn closed journals into one Parquet file each, and merge small ones; returns how many
    journals. A journal is removed only when its Parquet file is on disk. One whose entries fit into
    no table, as another runtime may have written, is set aside.

    Raises Unavailable if the disk is full; the journals then stay.
    """
    import polars as pl

    count = 0
    with file_lock(folder / ".compact.lock"):
        _close_abandoned(folder)
        done = replaced(folder)
        for journal in sorted(folder.glob("*.jsonl")):
            target = folder / PARQUET / f"{journal.stem}.parquet"
            try:
                if journal.stem not in done and not target.exists():
                    write_parquet(target, read_journal(journal))
                journal.unlink()
            except OSError as error:
                raise explain_os_error(error, f"{journal.name} was not compacted.") from error
            except (ValueError, TypeError, OverflowError, pl.exceptions.PolarsError) as error:
                set_aside(folder, journal, str(error))
                continue
            count += 1
        try:
            merge(folder)
        except OSError as error:
            raise explain_os_error(error, "Files of the payload log were not merged.") from error
    return count


def prune(folder: Path, *, days: float, gib: float) -> int:
    """Remove closed files without a row of the last `days`, then the oldest ones beyond `gib`;
    returns how many. Open files stay.

    This never waits: nothing is removed while the folder is being compacted.
    """
    oldest, bytes_left = time.time() - days * 86_400, gib * (1 << 30)
    sums.prune(folder, before=oldest)
    files = [
        *folder.glob("*.jsonl"),
        *(folder / PARQUET).glob("*.parquet"),
        *dead_ledgers(folder),
        *set_aside_files(folder),
    ]
    if not files:
        return 0
    try:
        with file_lock(folder / ".compact.lock", wait=False, what="A compaction"):
            removed, merged = 0, replaced(folder)
            for modified_at, size, file in sorted(
                ((stat := file.stat()).st_mtime, stat.st_size, file) for file in files
            )[::-1]:
                bytes_left -= size
                if modified_at < oldest or bytes_left < 0:
                    if file.suffix in (".jsonl", ".parquet") and file.stem not in merged:
                        note_removed(folder, modified_at)
                    file.unlink(missing_ok=True)
                    removed += 1
            return removed
    except (
        Conflict,
        FileNotFoundError,
    ):
        # It is being compacted, or the log is being deleted: try another time.
        return 0


def write_parquet(target: Path, rows: JournalRows) -> None:
    """Temporary file, fsync, rename, fsync of the folder."""
    target.parent.mkdir(exist_ok=True)
    lists = {
        "names": rows.names,
        "categories": rows.categories,
        "types": rows.types,
        "outputs": rows.outputs,
        "feedback": rows.feedback,
    }
    facts = {
        **{name: orjson.dumps(value).decode() for name, value in lists.items()},
        "dropped": str(rows.dropped),
        IDS: index_of(rows.request_id),
    }
    draft = target.with_name(f".{target.name}.draft")
    try:
        list_frame(rows).write_parquet(draft, compression="zstd", metadata=facts)
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        if rows.ts:  # so that `since` skips it as it skips its journal
            newest = (
                max(*rows.ts, *(entry["ts"] for entry in rows.feedback))
                if rows.feedback
                else max(rows.ts)
            )
            os.utime(draft, (newest, newest))
        draft.rename(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _close_abandoned(folder: Path) -> None:
    """Close the journals of killed processes, which keep `.open`: their writer is gone, or has been
    silent for long. Empty counts are removed.
    """
    for file in folder.glob("*.jsonl.open"):
        with contextlib.suppress(OSError, ValueError):
            silent = time.time() - file.stat().st_mtime > COMPACT_AFTER_SECONDS
            if silent and not has_open(pid_of(file), file):
                file.rename(file.with_suffix(""))
    for ledger in dead_ledgers(folder):
        if not missing_entries(ledger):
            ledger.unlink(missing_ok=True)


def compact_all(folders: Sequence[str]) -> int:
    """Compact each of these folders; one that cannot be keeps no other from it, and is told of.
    Returns the exit status.
    """
    failed = 0
    for folder in folders:
        try:
            compact(Path(folder))
        except Exception as error:  # noqa: BLE001 - the next one may have closed journals too
            sys.stderr.write(f"{folder} was not compacted: {error}\n")
            failed = 1
    return failed


if __name__ == "__main__":  # the keeper runs this from time to time, in a separate process
    sys.exit(compact_all(sys.argv[1:]))
