"""Rows that did not fit: out of quarantine into a file where they are mended, and done with once
that file is ingested.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Conflict, NotFound
from ..core.files import explain_os_error, real_path, write_atomic
from .names import DatasetName
from .quarantined import quarantine_of, table_name
from .quarantined.tables import QuarantineTables, key_of

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project

_MENDED = "mended"
_LINES, _OBJECTS = (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson", ".json")


class Mending:
    """The rows in quarantine of one dataset."""

    def __init__(self, project: Project, name: DatasetName) -> None:
        self._project, self._name = project, name
        self._folder = project.home / "quarantine" / name.text
        self._exports = self._folder / "exports.json"

    def export(self, file: Path) -> int:
        """Write the rows to a new file, below the line with the names; returns how many."""
        rows = self._rows()
        _refuse_cut(rows)
        header = self._header(rows, file)
        lines = [header, *rows["text"]] if header else list(rows["text"])
        try:
            with file.open("x", encoding="utf-8") as handle:
                handle.writelines(f"{line}\n" for line in lines)
        except FileExistsError as error:
            raise Conflict(
                f"{file} exists already.", "It is not overwritten.", "Name another file."
            ) from error
        except (OSError, ValueError) as error:
            what = f"{file} cannot be written."
            if not isinstance(error, OSError) or error.errno == errno.ENAMETOOLONG:
                raise BadRequest(what, f"{error}.", "Name another file.") from error
            with contextlib.suppress(OSError):  # half of it would be in the way of the next try
                file.unlink()
            raise explain_os_error(error, what) from error
        noted = {**self._noted(), _known_as(file): sorted(set(rows["ingest"]))}
        write_atomic(self._exports, json.dumps(noted).encode())
        return rows.height

    def ingests(self, file: Path) -> Sequence[str]:
        """The ingests whose rows a file was written with. Raises BadRequest for another file."""
        try:
            return self._noted()[_known_as(file)]
        except KeyError:
            raise BadRequest(
                f"{file} has no rows of {quarantine_of(self._name)}.",
                "Only a file that was exported from there is mended.",
                f"First: mlinfra catalog mend {self._name.text} {file} --export",
            ) from None

    def key(self, ingests: Sequence[str]) -> Sequence[str]:
        """The key by which rows of ingests were to come in; empty if they were to be added. Raises
        Conflict if they do not agree.
        """
        files = [
            folder / f"{ingest}.parquet"
            for ingest in ingests
            for folder in (self._folder, self._folder / _MENDED)
        ]
        keys = sorted({key_of(path) for path in files if path.exists()})
        if len(keys) > 1:
            ways = " and ".join(f"by {', '.join(key)}" if key else "without a key" for key in keys)
            raise Conflict(
                f"The rows of {quarantine_of(self._name)} came in several ways.",
                f"They were ingested {ways}.",
                "Name the key of all of them: --key COLUMN (in Python key=[…]).",
            )
        return keys[0] if keys else ()

    def done(self, file: Path, ingests: Sequence[str]) -> None:
        """Take the rows of ingests out of quarantine; their files stay in `mended/`."""
        mended = self._folder / _MENDED
        mended.mkdir(exist_ok=True)
        for ingest in ingests:
            path = self._folder / f"{ingest}.parquet"
            if path.exists():
                path.rename(mended / path.name)
        noted = {name: kept for name, kept in self._noted().items() if name != _known_as(file)}
        write_atomic(self._exports, json.dumps(noted).encode())

    def _rows(self) -> pl.DataFrame:
        import polars as pl

        found = QuarantineTables(self._project).rows(table_name(self._name.text))
        rows = None if found is None else found.filter(dataset=pl.lit(self._name.text)).collect()
        if rows is None or rows.is_empty():
            raise NotFound(
                f"{quarantine_of(self._name)} has no rows.",
                f"All rows fitted into {self._name.text}, or were mended.",
            )
        return rows

    def _header(self, rows: pl.DataFrame, file: Path) -> str:
        """The line with the names; empty for JSON."""
        headers = sorted(set(rows["header"]))
        suffixes = _LINES if any(headers) else _OBJECTS
        if len(headers) > 1:
            raise Conflict(
                f"The rows in {quarantine_of(self._name)} cannot be written to one file.",
                f"They come from files with different columns: {', '.join(headers)}.",
                "Read them with SQL, and ingest the mended rows from files of your own.",
            )
        if file.suffix.lower() not in suffixes:
            raise BadRequest(
                f"{file} has the wrong ending for these rows.",
                "They are lines of a CSV." if any(headers) else "They are JSON, one object a line.",
                f"Use one of {' '.join(suffixes)}.",
            )
        return str(headers[0])

    def _noted(self) -> dict[str, list[str]]:
        """The ingests of each exported file."""
        try:
            noted: dict[str, list[str]] = json.loads(self._exports.read_bytes())
        except FileNotFoundError:
            return {}
        return noted


def _known_as(file: Path) -> str:
    """The path by which an exported file is known; of one that cannot be, as it is written."""
    try:
        return str(real_path(file))
    except (OSError, ValueError):
        return str(file)


def _refuse_cut(rows: pl.DataFrame) -> None:
    """Raise Conflict if only the beginning of a row is kept."""
    for file, line in rows.filter("cut").select("file", "line").head(1).iter_rows():
        raise Conflict(
            f"Line {line} of {file} cannot be mended here.",
            "It is so long that only its beginning is in quarantine.",
            "Mend it in that file, and ingest the file again.",
        )
