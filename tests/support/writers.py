"""Several processes that write one dataset at once, each in its way: `python writers.py ROOT TIMES
MODE…`. Each acknowledged write is a line of JSON: its snapshot, mode, keys and mark.

They are forked from one that has loaded everything, so that they begin together.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import polars as pl
import pyarrow.parquet  # noqa: F401 (loaded before a process is forked)
import pyiceberg.catalog.sql
import pyiceberg.io.pyarrow
import pyiceberg.table  # noqa: F401

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project

NAME = "t.shared"
SHARED = 3
"""Keys that all upserts change."""


def write(root: Path, me: int, mode: str, times: int) -> None:
    """Write so often; where others came first every time, do it again, as a user would."""
    catalog = Catalog(Project.open(root))
    for number in range(times):
        own = 1000 * (me + 1) + number
        keys = [number % SHARED, own] if mode == "upsert" else [own]
        by = f"{me}.{number}"
        rows = pl.DataFrame({"id": keys, "by": [by] * len(keys)})
        while True:
            try:
                report = catalog.write(
                    rows,
                    into=NAME,
                    mode=mode,  # type: ignore[arg-type]
                    key="id" if mode == "upsert" else (),
                )
                break
            except Conflict:
                continue
        told = {"snapshot": report.snapshot, "mode": mode, "keys": keys, "by": by}
        os.write(1, json.dumps(told).encode() + b"\n")


def main() -> int:
    """Returns how many of the processes failed."""
    root, times, modes = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
    children = []
    for me, mode in enumerate(modes):
        child = os.fork()
        if child == 0:
            try:
                write(root, me, mode, times)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - it is told
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        children.append(child)
    return sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main())
