"""Files that belong to a table of another format: not all of them are rows that it still has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..core.errors import BadRequest

DELTA_LOG, METADATA, ICEBERG_ENDING = "_delta_log", "metadata", ".metadata.json"
PARQUET = (".parquet", ".pq")
_DATA = "data"
"""The folder of an Iceberg table where its data files are."""


def refuse_table(place: str, names: Iterable[str]) -> None:
    """Raise BadRequest if the names below a place are those of a table."""
    for name in names:
        *folders, last = name.split("/")
        if DELTA_LOG in (*folders, last):
            raise of_table(place, delta=True)
        if folders[-1:] == [METADATA] and last.endswith(ICEBERG_ENDING):
            raise of_table(place, delta=False)


def refuse_files_of_table(paths: Iterable[Path]) -> None:
    """Raise BadRequest for a Parquet file in the folder of a table."""
    seen = set[Path]()
    for path in paths:
        folder = Path(os.path.abspath(path)).parent
        if path.suffix.lower() not in PARQUET or folder in seen:
            continue
        seen.add(folder)
        for above in (folder, *folder.parents):
            if (above / DELTA_LOG).is_dir():
                raise of_table(str(path), delta=True, file=True)
        for parts in data_folders(folder.parts):
            if any(Path(*parts, METADATA).glob(f"*{ICEBERG_ENDING}")):
                raise of_table(str(path), delta=False, file=True)


def data_folders(parts: Sequence[str]) -> list[Sequence[str]]:
    """Which folders above a place would be an Iceberg table whose data files are there."""
    return [parts[:place] for place in range(1, len(parts)) if parts[place] == _DATA]


def of_table(place: str, *, delta: bool, file: bool = False) -> BadRequest:
    """The error for the files of a table."""
    kind, reader = (
        ("a Delta table", "scan_delta") if delta else ("an Iceberg table", "scan_iceberg")
    )
    return BadRequest(
        f"{place} is a file of {kind}." if file else f"{place} is {kind}, or holds one.",
        "Among its files are those of rows that were deleted or replaced.",
        "A Delta table: mlinfra catalog register FOLDER --as NS.TABLE. A table of this catalog:"
        f" read it by its name. Others: read it with Polars ({reader}), and ml.write the frame.",
    )
