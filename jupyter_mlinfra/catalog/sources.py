"""The files of an ingest: found, opened by kind, and read the same way whatever their kind."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..core.errors import BadRequest, NotFound
from .csvfile import CsvFile
from .dialect import guess_dialect
from .jsonfile import JsonFile
from .parquetfile import ParquetFile
from .quarantine import Broken, Unfit
from .reading import Dialect, Doubt, Reading, say
from .text import Text, is_packed, open_head, open_text
from .watch import unreadable

if TYPE_CHECKING:
    import polars as pl

HEAD_ROWS = 1000
"""Rows of a Parquet file by which its content is judged."""

_CSV, _JSON, _PARQUET = (
    {".csv", ".tsv", ".txt"},
    {".json", ".jsonl", ".ndjson"},
    {".parquet", ".pq"},
)


class Source(Protocol):
    """One file. columns: their stored types; text if the file has only words.

    spelled: its text may be values of any type. times_only: its words can only be times, since its
    numbers are already numbers. dialect: how it is split, for CSV. doubts: guesses about it that
    may be wrong.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    spelled: bool
    times_only: bool

    @property
    def dialect(self) -> Dialect | None: ...

    @property
    def doubts(self) -> Sequence[Doubt]: ...

    def frames(self) -> Iterator[pl.DataFrame]:
        """Its rows, block by block; can be called again."""

    def torn(self) -> list[Broken]:
        """After `frames`: what could not even be split into a row."""

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        """After `frames`: rows that did not fit, with the line of each."""

    def advice(self) -> str:
        """The options that the file seems to need and was not read with; empty if there are
        none.
        """


def paths_of(files: Sequence[str | Path], root: Path) -> list[Path]:
    """The files, with patterns (`*`) expanded, relative to the working directory, else to the
    project.

    Raises NotFound for a file that does not exist, BadRequest for none at all, a folder or an
    unknown kind.
    """
    paths: list[Path] = []
    for file in files:
        if (
            glob.has_magic(str(file))
            and not os.path.exists(file)
            and not os.path.exists(root / file)
        ):
            matches = sorted(glob.glob(str(file), recursive=True)) or [
                str(root / name)
                for name in sorted(glob.glob(str(file), root_dir=root, recursive=True))
            ]
            if not matches:
                raise NotFound(
                    f"No file matches {file}.",
                    fix="Check the pattern; it is relative to the working directory.",
                )
            paths += map(Path, matches)
        else:
            paths.append(
                Path(file) if os.path.exists(file) or Path(file).is_absolute() else root / file
            )
    if not paths:
        raise BadRequest("No file was given.", fix="Name at least one CSV, Parquet or JSON file.")
    for path in paths:
        if not os.path.exists(path):  # not Path.exists, which raises for a name that is too long
            raise NotFound(
                f"There is no file {path}.",
                fix="Check the path; it is relative to the working directory.",
            )
        if not path.is_file():
            raise BadRequest(f"{path} is not a file.", fix=f"For all files of a folder: {path}/*")
    return paths


@contextlib.contextmanager
def open_sources(paths: Sequence[Path], reading: Reading, scratch: Path) -> Iterator[list[Source]]:
    """Open and check every file: header, encoding, footer. Raises before anything is written."""
    with contextlib.ExitStack() as stack:
        try:
            sources = [_open(path, reading, scratch, stack) for path in paths]
        except PermissionError as error:
            raise unreadable(error, error.filename) from error
        yield sources


def open_heads(paths: Sequence[Path], reading: Reading) -> tuple[list[Source], bool]:
    """Open and check the beginning of each file, and whether that is the whole file."""
    try:
        heads = [_head(path, reading) for path in paths]
    except PermissionError as error:
        raise unreadable(error, error.filename) from error
    return [source for source, _ in heads], all(complete for _, complete in heads)


def _open(path: Path, reading: Reading, scratch: Path, stack: contextlib.ExitStack) -> Source:
    kind = kind_of(path)
    if kind == "parquet":
        return _Parquet(ParquetFile(path), path.name)
    if kind == "json":
        return _Json(
            JsonFile(
                stack.enter_context(open_text(path, encoding=reading.encoding, scratch=scratch))
            ),
            path.name,
            reading.null_values,
        )
    return _Csv(
        stack.enter_context(open_text(path, encoding=reading.encoding, scratch=scratch)), reading
    )


def _head(path: Path, reading: Reading) -> tuple[Source, bool]:
    kind = kind_of(path)
    if kind == "parquet":
        file = ParquetFile(path, limit=HEAD_ROWS)
        return _Parquet(file, path.name), file.complete
    text, complete = open_head(
        path, encoding=reading.encoding or ("utf-8" if kind == "json" else None)
    )
    if kind == "json":
        return _Json(JsonFile(text, complete=complete), path.name, reading.null_values), complete
    source = _Csv(text, reading)
    if reading.encoding is None and not text.encoding.startswith("utf"):
        fix = f"Say {say('encoding', text.encoding)} if its words look right."
        source.doubts = [
            Doubt(
                "encoding",
                f"{path.name} is not UTF-8. It looks like {text.encoding}.",
                fix,
                stops=True,
            ),
            *source.doubts,
        ]
    return source, complete


def kind_of(path: Path) -> Literal["csv", "json", "parquet"]:
    """The kind of a file, by its suffix. Raises BadRequest for an unknown one."""
    packed = is_packed(path)
    suffix = Path(path.stem if packed else path.name).suffix.lower()
    if suffix in _PARQUET and not packed:
        return "parquet"
    if suffix not in _CSV | _JSON:
        raise BadRequest(
            f"{path.name} is not of a kind that can be ingested.",
            fix="Kinds: .csv .tsv .txt .json .jsonl .ndjson (each also .gz), .parquet",
        )
    return "csv" if suffix in _CSV else "json"


class _Csv:
    spelled, times_only = True, False

    def __init__(self, text: Text, reading: Reading) -> None:
        import polars as pl

        self.name = text.path.name
        self._head = text.head()
        self.dialect = guess_dialect(self._head, reading, self.name, encoding=text.encoding)
        self.doubts: Sequence[Doubt] = self.dialect.doubts
        self._file = CsvFile(text, reading.null_values, self.dialect)
        self.columns: Mapping[str, pl.DataType] = dict.fromkeys(self._file.columns, pl.String())
        self._rows = 0

    def frames(self) -> Iterator[pl.DataFrame]:
        self._rows = 0
        for frame in self._file.frames():
            self._rows += frame.height
            yield frame

    def torn(self) -> list[Broken]:
        lines = self._lines([number for number, _, _ in self._file.torn])
        return [
            Broken(self.name, lines[number], reason, text)
            for number, reason, text in self._file.torn
        ]

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        records = [self._file.record(unfit.row) for unfit in rows]
        lines = self._lines(records)
        return [
            _broken(self.name, lines[record], unfit, self._text(unfit.values))
            for record, unfit in zip(records, rows, strict=True)
        ]

    def advice(self) -> str:
        guessed = guess_dialect(self._head, Reading(), self.name)
        options = ("separator", "quote", "comment", "skip", "header")
        differ = [name for name in options if getattr(guessed, name) != getattr(self.dialect, name)]
        return ", ".join(say(name, getattr(guessed, name)) for name in differ)

    def _lines(self, records: list[int]) -> Mapping[int, int]:
        return self._file.lines(records, rows=self._rows)

    def _text(self, values: Mapping[str, Any]) -> str:
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.dialect.separator, lineterminator="").writerow(
            values.values()
        )
        return buffer.getvalue()


class _Json:
    spelled, times_only, dialect = True, True, None
    doubts: Sequence[Doubt] = ()

    def __init__(self, file: JsonFile, name: str, null_values: Sequence[str]) -> None:
        self.name = name
        self.columns: Mapping[str, pl.DataType] = file.columns
        self._file = file
        self._null_values = list(null_values)

    def frames(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        text = pl.col(pl.String)
        missing = [pl.when(~text.is_in(self._null_values)).then(text)] if self._null_values else []
        return (frame.with_columns(missing) for frame in self._file.frames())

    def torn(self) -> list[Broken]:
        return [Broken(self.name, *row) for row in self._file.torn]

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [
            _broken(self.name, self._file.line(unfit.row), unfit, _json(unfit.values))
            for unfit in rows
        ]

    def advice(self) -> str:
        return ""


class _Parquet:
    spelled, times_only, dialect = False, False, None
    doubts: Sequence[Doubt] = ()

    def __init__(self, file: ParquetFile, name: str) -> None:
        self.name = name
        self.columns: Mapping[str, pl.DataType] = file.columns
        self._file = file

    def frames(self) -> Iterator[pl.DataFrame]:
        return self._file.frames()

    def torn(self) -> list[Broken]:
        return []

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [_broken(self.name, unfit.row + 1, unfit, _json(unfit.values)) for unfit in rows]

    def advice(self) -> str:
        return ""


def _broken(name: str, line: int, unfit: Unfit, text: str) -> Broken:
    return Broken(name, line, unfit.reason, text, unfit.column, unfit.values.get(unfit.column))


def _json(values: Mapping[str, Any]) -> str:
    # Not orjson, which writes no integers above 64 bits.
    return json.dumps(dict(values), default=str, ensure_ascii=False)
