"""Eight processes that do different things to two datasets at once, for so many seconds:
`python mixed_writers.py ROOT SECONDS`. Each acknowledged write is a line of JSON.

`t.shared` is appended to, upserted, compacted, expired and tagged; of `t.restored`, which is
appended to, one process brings back earlier states.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet  # noqa: F401 (loaded before a process is forked)
import pyiceberg.catalog.sql
import pyiceberg.io.pyarrow
import pyiceberg.table  # noqa: F401

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.core.project import Project

SHARED, RESTORED = "t.shared", "t.restored"
OWN_KEYS = 3
"""Keys that a process which upserts changes again and again."""


def append(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    rows = {me * 1_000_000 + 2 * number + more: f"{me}.{number}" for more in range(2)}
    return _written(catalog, SHARED, rows, "append")


def upsert(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    keys = [me * 1_000_000 + number % OWN_KEYS, me * 1_000_000 + OWN_KEYS + number]
    return _written(catalog, SHARED, dict.fromkeys(keys, f"{me}.{number}"), "upsert")


def append_restored(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    return _written(catalog, RESTORED, {me * 1_000_000 + number: f"{me}.{number}"}, "append")


def restore(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    states = catalog.snapshots(RESTORED, limit=500).items
    done = catalog.restore(RESTORED, states[min(number % 4, len(states) - 1)].id)
    return {"dataset": RESTORED, "restored": done is not None}


def compact(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    return {"compacted": catalog.compact(SHARED).done}


def expire(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    plan = catalog.expire(SHARED, older_than=timedelta(0), keep=20, preview=False)
    return {"expired": plan.expires}


def tag(catalog: Catalog, me: int, number: int) -> dict[str, Any]:
    state = catalog.snapshots(SHARED, limit=1).items[0].id
    catalog.tag(f"{SHARED}@{state}", add=[f"state-{number}"])
    return {"tag": f"state-{number}", "snapshot": state}


WORKS: list[Callable[[Catalog, int, int], dict[str, Any]]] = [
    append,
    upsert,
    upsert,
    append_restored,
    restore,
    compact,
    expire,
    tag,
]


def _written(catalog: Catalog, name: str, rows: dict[int, str], mode: Any) -> dict[str, Any]:
    frame = pl.DataFrame({"id": list(rows), "by": list(rows.values())})
    report = catalog.write(frame, into=name, mode=mode, key="id" if mode == "upsert" else ())
    return {"dataset": name, "snapshot": report.snapshot, "rows": list(rows.items())}


def work(root: Path, me: int, seconds: float) -> None:
    """Where others came first every time, it is done again, as a user would."""
    catalog, end, number = Catalog(Project.open(root)), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        try:
            told = WORKS[me](catalog, me, number)
        except (Conflict, NotFound) as error:  # NotFound: a state that was expired meanwhile
            if isinstance(error, NotFound) and WORKS[me] is not tag:
                raise
            continue
        os.write(1, json.dumps({"work": WORKS[me].__name__, **told}).encode() + b"\n")
        number += 1


def main() -> int:
    """Returns how many of the processes failed."""
    root, seconds = Path(sys.argv[1]), float(sys.argv[2])
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    children = []
    for me in range(len(WORKS)):
        child = os.fork()
        if child == 0:
            try:
                work(root, me, seconds)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - it is told
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        children.append(child)
    return sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
