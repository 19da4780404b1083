"""The files of an ingest: found, opened by kind, and seen alike whatever their kind."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import BadRequest, NotFound
from ..core.files import explain_os_error
from .csvfile import CsvFile
from .jsonfile import JsonFile
from .parquetfile import ParquetFile
from .quarantine import Broken
from .text import open_text

if TYPE_CHECKING:
    import polars as pl

_CSV, _JSON, _PARQUET = {".csv", ".tsv", ".txt"}, {".json", ".jsonl", ".ndjson"}, {".parquet", ".pq"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How text files are read. types: short type words by column, for columns that are not to be guessed."""

    encoding: str = "utf-8"
    null_values: tuple[str, ...] = ()
    time_zone: str | None = None
    types: Mapping[str, str]


class Source(Protocol):
    """One file. columns: their types as stored; text where the file has only words.

    spelled: its text stands for values of any type. times_only: its words can only stand for times, since its numbers are numbers already.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    spelled: bool
    times_only: bool

    def frames(self) -> Iterator[pl.DataFrame]:
        """Its rows, block by block; can be asked for again."""

    def torn(self) -> list[Broken]:
        """After `frames` ended: what could not even become a row."""

    def broken(self, rows: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[Broken]:
        """After `frames` ended: rows (number, reason, values) that did not fit, with the line of each."""


def paths_of(files: Sequence[str | Path], root: Path) -> list[Path]:
    """The files that are meant; patterns (`*`) are filled in. Relative to the working directory, else to the project.

    Raises NotFound for a file that does not exist, BadRequest for none at all, a folder or an unknown kind.
    """
    found: list[Path] = []
    for given in files:
        if glob.has_magic(str(given)) and not os.path.exists(given) and not os.path.exists(root / given):
            matches = sorted(glob.glob(str(given), recursive=True)) or [
                str(root / name) for name in sorted(glob.glob(str(given), root_dir=root, recursive=True))
            ]
            if not matches:
                raise NotFound(f"No file matches {given}.", fix="Check the pattern; it is relative to the working directory.")
            found += map(Path, matches)
        else:
            found.append(Path(given) if os.path.exists(given) or Path(given).is_absolute() else root / given)
    if not found:
        raise BadRequest("No file was given.", fix="Name at least one CSV, Parquet or JSON file.")
    for path in found:
        if not os.path.exists(path):  # not Path.exists: that raises for a name that is too long
            raise NotFound(f"There is no file {path}.", fix="Check the path; it is relative to the working directory.")
        if not path.is_file():
            raise BadRequest(f"{path} is not a file.", fix=f"For all files of a folder: {path}/*")
    return found


@contextlib.contextmanager
def open_sources(paths: Sequence[Path], reading: Reading, scratch: Path) -> Iterator[list[Source]]:
    """Open and check every file: headers, encodings, footers. Raises before anything is written."""
    with contextlib.ExitStack() as stack:
        try:
            yield [_open(path, reading, scratch, stack) for path in paths]
        except PermissionError as error:
            raise explain_os_error(error, f"{error.filename} cannot be read.") from error


def _open(path: Path, reading: Reading, scratch: Path, stack: contextlib.ExitStack) -> Source:
    packed = path.suffix.lower() == ".gz"
    suffix = Path(path.stem if packed else path.name).suffix.lower()
    if suffix in _PARQUET and not packed:
        return _Parquet(path)
    if suffix not in _CSV | _JSON:
        raise BadRequest(f"{path.name} is of no kind that can be ingested.", fix="Kinds: .csv .tsv .txt .json .jsonl .ndjson (each also .gz), .parquet")
    encoding = reading.encoding if suffix in _CSV else "utf-8"
    text = stack.enter_context(open_text(path, encoding=encoding, scratch=scratch))
    return _Csv(CsvFile(text, reading.null_values), path.name) if suffix in _CSV else _Json(JsonFile(text), path.name)


class _Csv:
    spelled, times_only = True, False

    def __init__(self, file: CsvFile, name: str) -> None:
        import polars as pl

        self.name = name
        self.columns: Mapping[str, pl.DataType] = dict.fromkeys(file.columns, pl.String())
        self._file = file
        self._rows = 0

    def frames(self) -> Iterator[pl.DataFrame]:
        self._rows = 0
        for frame in self._file.frames():
            self._rows += frame.height
            yield frame

    def torn(self) -> list[Broken]:
        lines = self._lines([number for number, _, _ in self._file.torn])
        return [Broken(self.name, lines[number], reason, text) for number, reason, text in self._file.torn]

    def broken(self, rows: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[Broken]:
        records = [self._file.record(row) for row, _, _ in rows]
        lines = self._lines(records)
        return [Broken(self.name, lines[record], reason, self._text(values)) for record, (_, reason, values) in zip(records, rows, strict=True)]

    def _lines(self, records: list[int]) -> Mapping[int, int]:
        return self._file.lines(records, total=self._rows + len(self._file.torn) + 1)

    def _text(self, values: Mapping[str, Any]) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=self._file.separator, lineterminator="").writerow(values.values())
        return out.getvalue()


class _Json:
    spelled, times_only = True, True

    def __init__(self, file: JsonFile, name: str) -> None:
        self.name = name
        self.columns: Mapping[str, pl.DataType] = file.columns
        self._file = file

    def frames(self) -> Iterator[pl.DataFrame]:
        return self._file.frames()

    def torn(self) -> list[Broken]:
        return [Broken(self.name, *row) for row in self._file.torn]

    def broken(self, rows: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[Broken]:
        return [Broken(self.name, self._file.line(row), reason, _json(values)) for row, reason, values in rows]


class _Parquet:
    spelled, times_only = False, False

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._file = ParquetFile(path)
        self.columns: Mapping[str, pl.DataType] = self._file.columns

    def frames(self) -> Iterator[pl.DataFrame]:
        return self._file.frames()

    def torn(self) -> list[Broken]:
        return []

    def broken(self, rows: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[Broken]:
        return [Broken(self.name, row + 1, reason, _json(values)) for row, reason, values in rows]


def _json(values: Mapping[str, Any]) -> str:
    import orjson

    return orjson.dumps(dict(values), default=str).decode()
