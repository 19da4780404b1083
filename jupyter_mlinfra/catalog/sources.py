"""The files of an ingest: found, opened by kind, and read the same way whatever their kind."""

from __future__ import annotations

import codecs
import contextlib
import csv
import glob
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ..core.errors import BadRequest, NotFound
from .addresses import refuse_address
from .csvfile import CsvFile
from .dialect import guess_dialect
from .formats.arrow import ArrowFile
from .formats.excel import ExcelFile, sheet_of
from .formats.packed import ARCHIVE, PACKED, members, packing, split
from .hive import Values, with_values
from .jsonfields import Mixed
from .jsonfile import JsonFile
from .jsonstream import list_within
from .misnamed import is_utf8_too, no_table
from .names import renaming
from .options import Kind, refuse_unused
from .other_kinds import fix_for
from .parquetfile import ParquetFile
from .quarantine import Broken, Unfit
from .reading import Dialect, Doubt, Reading, say
from .tablefiles import refuse_files_of_table
from .text import HEAD, Text, open_head, open_text
from .watch import unreadable

if TYPE_CHECKING:
    import polars as pl

    from .uuids import Uuids

HEAD_ROWS = 1000
"""Rows of a Parquet or Arrow file or of a sheet by which its content is judged."""

_SUFFIXES: Mapping[Kind, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt"),
    "json": (".json", ".jsonl", ".ndjson"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".arrows", ".ipc", ".feather"),
    "excel": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
}
_TEXT: tuple[Kind, ...] = ("csv", "json")


class Source(Protocol):
    """One file. columns: their stored types; text if the file has only words. header: their names
    in the file, in the same order.

    spelled: its text may be values of any type. times_only: its words can only be times, since its
    numbers are already numbers. dialect: how it is split, for CSV. doubts: guesses about it that
    may be wrong. uuids: columns with bytes that are marked as UUIDs. types: short words for text
    columns that need no guess. share: of it that `frames` has read, 0 to 1, as far as is known.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    header: Sequence[str]
    spelled: bool
    times_only: bool
    uuids: Uuids
    types: Mapping[str, str]

    @property
    def dialect(self) -> Dialect | None: ...

    @property
    def doubts(self) -> Sequence[Doubt]: ...

    @property
    def share(self) -> float: ...

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
    project. A zip archive is all its members, which are of one kind; `a.zip!member` is one of them.

    Raises NotFound for a file that does not exist, BadRequest for none at all, a folder, an unknown
    kind or a file that belongs to a table.
    """
    paths = _on_disk(files, root)
    refuse_files_of_table(paths)
    return [part for path in paths for part in _members(path)]


def _on_disk(files: Sequence[str | Path], root: Path) -> list[Path]:
    paths: list[Path] = []
    for file in files:
        refuse_address(file)
        if f"{ARCHIVE}!" in str(file):
            archive, member = split(Path(file))
            found = archive if os.path.exists(archive) or archive.is_absolute() else root / archive
            paths.append(Path(f"{found}!{member}") if member else found)
        elif (
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
    for path, _ in map(split, paths):
        if not os.path.exists(path):  # not Path.exists, which raises for a name that is too long
            raise NotFound(
                f"There is no file {path}.",
                fix="Check the path; it is relative to the working directory.",
            )
        if not path.is_file():
            raise BadRequest(f"{path} is not a file.", fix=f"For all files of a folder: {path}/*")
    return paths


def _members(path: Path) -> list[Path]:
    """The members that are meant by an archive; another file is itself. Raises BadRequest for
    members of several kinds.
    """
    archive, member = split(path)
    if not member and path.suffix.lower() != ARCHIVE:
        return [path]
    found = members(archive, member or "*")
    if len(found) > 1 and len({path.suffix.lower() for path in found}) > 1:
        raise BadRequest(
            f"{archive.name} holds files of several kinds.",
            f"It holds {', '.join(split(path)[1] for path in found[:12])}.",
            f"Name one, or a pattern: {archive.name}!{split(found[0])[1]}",
        )
    return found


@contextlib.contextmanager
def open_sources(
    paths: Sequence[Path],
    reading: Reading,
    scratch: Path,
    values: Callable[[Path], Values] = lambda _: {},
) -> Iterator[list[Source]]:
    """Open and check every file: header, encoding, footer. values: those of its folders. Raises
    before anything is written.
    """
    refuse_unused(reading, map(kind_of, paths))
    with contextlib.ExitStack() as stack:
        try:
            sources = [_open(path, reading, scratch, stack) for path in paths]
        except PermissionError as error:
            raise unreadable(error, error.filename) from error
        yield with_values(sources, list(map(values, paths)), reading)


def open_heads(
    paths: Sequence[Path], reading: Reading, values: Callable[[Path], Values] = lambda _: {}
) -> tuple[list[Source], bool]:
    """Open and check the beginning of each file, and whether that is the whole file. values: those
    of its folders.
    """
    refuse_unused(reading, map(kind_of, paths))
    try:
        heads = [_head(path, reading) for path in paths]
    except PermissionError as error:
        raise unreadable(error, error.filename) from error
    sources = with_values([source for source, _ in heads], list(map(values, paths)), reading)
    return sources, all(complete for _, complete in heads)


def _open(path: Path, reading: Reading, scratch: Path, stack: contextlib.ExitStack) -> Source:
    kind = kind_of(path)
    if kind not in _TEXT:
        return _typed_source(path, kind, reading)[0]
    text = stack.enter_context(open_text(path, encoding=reading.encoding, scratch=scratch))
    if kind == "csv":
        return _Csv(text, reading)
    return _json_source(text, path, reading, complete=True)


def _head(path: Path, reading: Reading) -> tuple[Source, bool]:
    kind = kind_of(path)
    if kind not in _TEXT:
        return _typed_source(path, kind, reading, limit=HEAD_ROWS)
    text, complete = open_head(
        path, encoding=reading.encoding or ("utf-8" if kind == "json" else None)
    )
    if kind == "json":
        return _json_source(text, path, reading, complete=complete), complete
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


def _json_source(text: Text, path: Path, reading: Reading, *, complete: bool) -> _Json:
    """A JSON file. complete: whether `text` is all of it; otherwise doubts that stop are told, and
    do not stop yet.
    """
    doubt = _within_doubt(text, path) if reading.rows is None else None
    if doubt and doubt.stops and complete:
        raise doubt.error()  # before the object is read as a whole
    file = JsonFile(
        text,
        complete=complete,
        most_columns=reading.json_columns,
        types=reading.types,
        rows=reading.rows or "",
    )
    source = _Json(file, path.name, reading)
    made_text = [_made_text(name, mixed) for name, mixed in file.made_text.items()]
    source.doubts = [*([doubt] if doubt else file.doubts), *source.doubts, *made_text]
    return source


def _made_text(name: str, mixed: Mixed) -> Doubt:
    """A note on a column of JSON that is text since some of its values are."""
    return Doubt(
        "types",
        f"Column {name!r} is text: {mixed.texts:,} of its {mixed.values:,} values are texts, the"
        f" first {mixed.word[:40]!r}; the others are kept as JSON.",
        f"For numbers say {say('schema', f'{name}=f64')}: texts that are none go to quarantine,"
        " those that stand for a missing value are left empty.",
        column=name,
    )


def _within_doubt(text: Text, path: Path) -> Doubt | None:
    """A note on a file that is one object around a list of objects, which are likely the rows. It
    stops where that object is large: it would be one row.
    """
    handle = text.rewound()
    size = handle.seek(0, io.SEEK_END)
    handle.seek(0)
    handle.seek(len(codecs.BOM_UTF8) if handle.read(3) == codecs.BOM_UTF8 else 0)
    if (found := list_within(handle, path.name)) is None:
        return None
    field, is_cut = found
    return Doubt(
        "rows",
        f"{path.name} is one object. Its field {field!r} is a list of objects.",
        f"Say {say('rows', field)} if they are the rows, {say('rows', '')} if the object is one.",
        stops=is_cut or size > HEAD,
    )


def _typed_source(
    path: Path, kind: Kind, reading: Reading, *, limit: int | None = None
) -> tuple[Source, bool]:
    """A file whose values have types, and whether its first `limit` rows are all."""
    if kind == "excel":
        sheet = ExcelFile(path, reading, limit=limit)
        return _Sheet(sheet, path.name, reading), sheet.complete
    file = ParquetFile(path, limit=limit) if kind == "parquet" else ArrowFile(path, limit=limit)
    return _Typed(file, path.name, reading), file.complete


def sheets_of(source: Source | None) -> Sequence[str]:
    """The sheets of a workbook."""
    return source.sheets if isinstance(source, _Sheet) else ()


def part_of(path: Path, reading: Reading) -> str:
    """The part of a file that is read, if it is not the first: a sheet of a workbook."""
    return sheet_of(path, reading.sheet) if kind_of(path) == "excel" else ""


def kind_of(path: Path) -> Kind:
    """The kind of a file, by its suffix. Raises BadRequest for an unknown one."""
    is_packed = bool(packing(path))
    suffix = Path(path.stem if is_packed else path.name).suffix.lower()
    kind = next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), None)
    in_archive = bool(split(path)[1])
    if (
        kind is None
        or ((is_packed or in_archive) and kind not in _TEXT)
        or (is_packed and in_archive)
    ):
        text, others = (
            " ".join(
                suffix
                for kind, suffixes in _SUFFIXES.items()
                if (kind in _TEXT) == is_text
                for suffix in suffixes
            )
            for is_text in (True, False)
        )
        kinds = f"Kinds: {text} (each also {' '.join(PACKED)} {ARCHIVE}), {others}"
        raise BadRequest(
            f"{path.name} is not of a kind that can be ingested.",
            fix=" ".join(filter(None, (fix_for([path.name]), kinds))),
        )
    return kind


class _Csv:
    spelled, times_only = True, False
    uuids: Uuids = MappingProxyType({})
    types: Mapping[str, str] = MappingProxyType({})

    def __init__(self, text: Text, reading: Reading) -> None:
        import polars as pl

        self.name = text.path.name
        self._content = text
        self._head = text.head()
        self.dialect = guess_dialect(self._head, reading, self.name, encoding=text.encoding)
        self.doubts: Sequence[Doubt] = self.dialect.doubts
        if reading.header is None and (doubt := no_table(self.name, self._head)):
            self.doubts = [doubt]
        self.doubts = [*is_utf8_too(self.name, self._head, text.encoding), *self.doubts]
        self._file = CsvFile(text, reading.null_values, self.dialect)
        self.doubts = [*self.doubts, *_renamed(self._file, self.name)]
        self.columns: Mapping[str, pl.DataType] = dict.fromkeys(self._file.columns, pl.String())
        self.header: Sequence[str] = self._file.header
        self._rows = 0

    @property
    def share(self) -> float:
        return self._content.share

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
        csv.writer(buffer, delimiter=self.dialect.sign, lineterminator="").writerow(values.values())
        return buffer.getvalue()


class _Typed:
    """A file whose values have types. Its words are words."""

    spelled, times_only, dialect = False, False, None

    def __init__(
        self, file: ParquetFile | ArrowFile | JsonFile | ExcelFile, name: str, reading: Reading
    ) -> None:
        self.name = name
        self.columns: Mapping[str, pl.DataType] = file.columns
        self.header: Sequence[str] = file.header
        self.uuids: Uuids = file.uuids if isinstance(file, ParquetFile) else {}
        self.types: Mapping[str, str] = file.types if isinstance(file, ParquetFile) else {}
        self.doubts: Sequence[Doubt] = _renamed(file, name)
        self._null_values = list(reading.null_values)
        self._content = file

    @property
    def share(self) -> float:
        return self._content.share

    def frames(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        text = pl.col(pl.String)
        missing = [pl.when(~text.is_in(self._null_values)).then(text)] if self._null_values else []
        return (frame.with_columns(missing) for frame in self._content.frames())

    def torn(self) -> list[Broken]:
        return []

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [_broken(self.name, unfit.row + 1, unfit, _json(unfit.values)) for unfit in rows]

    def advice(self) -> str:
        return ""


class _Json(_Typed):
    """Its words may be times."""

    spelled, times_only = True, True

    def __init__(self, file: JsonFile, name: str, reading: Reading) -> None:
        super().__init__(file, name, reading)
        self._file = file

    def torn(self) -> list[Broken]:
        return [Broken(self.name, *row) for row in self._file.torn]

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [
            _broken(self.name, self._file.line(unfit.row), unfit, _json(unfit.values))
            for unfit in rows
        ]

    def advice(self) -> str:
        mixed = self._file.mixed
        return say("schema", f"{mixed}=str") if mixed else ""


class _Sheet(_Typed):
    """Its words may be times."""

    spelled, times_only = True, True

    def __init__(self, file: ExcelFile, name: str, reading: Reading) -> None:
        super().__init__(file, name, reading)
        self.doubts = [*file.doubts, *self.doubts]
        self.sheets = file.sheets
        self._file = file

    def broken(self, rows: Sequence[Unfit]) -> list[Broken]:
        return [
            _broken(self.name, self._file.line(unfit.row), unfit, _json(unfit.values))
            for unfit in rows
        ]


class _Named(Protocol):
    """Names as they are in a file, and those of its columns."""

    header: list[str]
    columns: Any


def _renamed(file: _Named, name: str) -> list[Doubt]:
    """A note on names that could not stay as they are."""
    changes = renaming(file.header, list(file.columns))
    if not changes:
        return []
    what = f"{name} has names that are there twice or too long: {changes}."
    return [Doubt("header", what, "Rename them in the file to choose the names yourself.")]


def _broken(name: str, line: int, unfit: Unfit, text: str) -> Broken:
    return Broken(name, line, unfit.reason, text, unfit.column, unfit.values.get(unfit.column))


def _json(values: Mapping[str, Any]) -> str:
    # Not orjson, which writes no integers above 64 bits.
    return json.dumps(dict(values), default=str, ensure_ascii=False)
