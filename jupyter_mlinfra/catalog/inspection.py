"""What an ingest would read, judged by the beginning of its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.records import MASK
from .conform import Target
from .formats.packed import packed_size
from .hive import Values, part_of_table
from .intake import FileRows
from .odd_times import python_values
from .quarantine import Quarantine
from .reading import Reading
from .rows import plain
from .sources import Source, kind_of, open_heads, part_of, sheets_of
from .spec import BadRow, Inspection, ReadColumn, ReadDoubt, ReadFile
from .spelling import PLAIN
from .uuids import UUID, with_text
from .watch import digest_if, size_in

if TYPE_CHECKING:
    import polars as pl

LOOKED_AT = 20
"""Files whose beginning is read; the others are listed."""

_ROWS, _BROKEN = 50, 5
_DIGESTED = 1 << 30  # bytes
_MAX_TEXT_LENGTH = 300
_DIALECT_FACTS = ("separator", "quote", "comment", "skip", "header")


def inspect(
    paths: Mapping[Path, str],
    reading: Reading,
    *,
    name: str | None,
    schema: Mapping[str, Target] | None,
    append: bool,
    existing: Mapping[str, str],
    masked: Collection[str] = (),
    notes: Sequence[str] = (),
    values: Callable[[Path], Values] = lambda _: {},
    whole: bool = True,
) -> Inspection:
    """Read the beginning of the first files; list the others.

    paths: as they are shown. schema: of the dataset `name`, None if it does not exist.
    existing: snapshots that added files, by digest. masked: columns whose values are not shown.
    notes: on files that are not read. values: those of a file's folders. whole: whether these are
    all.
    """
    inspected = list(paths)[:LOOKED_AT]
    sources, complete = open_heads(inspected, reading, values)
    rows = FileRows(sources, reading, strict=False)
    rows.quarantine.masked = masked
    dataset_columns = schema if append and schema is not None else {}
    targets = rows.plan(dataset_columns or None)
    return told(
        rows,
        targets,
        reading,
        name=name,
        exists=schema is not None,
        in_dataset=dataset_columns,
        files=_files(paths, dict(zip(inspected, sources, strict=True)), existing, reading, values),
        masked=masked,
        notes=notes,
        whole=whole and complete and len(paths) == len(inspected),
    )


def told(
    rows: FileRows,
    targets: Mapping[str, Target],
    reading: Reading,
    *,
    name: str | None,
    exists: bool,
    in_dataset: Collection[str],
    files: Sequence[ReadFile],
    masked: Collection[str],
    notes: Sequence[str],
    whole: bool,
) -> Inspection:
    """Read all of these rows, and tell what an ingest would make of them. in_dataset: columns that
    the dataset `name` has. files: where they come from. whole: whether these are all.
    """
    shown = _first_rows(rows, targets)
    return Inspection(
        dataset=name,
        exists=exists,
        files=files,
        columns=[
            _column(column, target, rows, reading, in_dataset=column in in_dataset)
            for column, target in targets.items()
        ],
        data=[
            [MASK] * shown.height
            if values.name in masked
            else [plain(value) for value in python_values(values)]
            for values in _with_text(shown, targets).iter_columns()
        ],
        shown=shown.height,
        rows=rows.read,
        whole=whole,
        bad=len(rows.quarantine.rows),
        broken=_broken(rows.quarantine),
        refused=(
            str(rows.refused[0]).removesuffix(" Nothing was committed.") if rows.refused else ""
        ),
        doubts=[
            ReadDoubt(option=doubt.option, what=doubt.what, fix=doubt.fix, stops=doubt.stops)
            for doubt in rows.doubts
        ],
        notes=notes,
    )


def _with_text(rows: pl.DataFrame, targets: Mapping[str, Target]) -> pl.DataFrame:
    uuids = {name: UUID for name, target in targets.items() if target.is_uuid}
    return with_text(rows.lazy(), uuids).collect()


def _first_rows(rows: FileRows, targets: Mapping[str, Target]) -> pl.DataFrame:
    """The first rows that fit. All rows are read, so that those that do not fit are counted."""
    import polars as pl

    shown = pl.DataFrame(schema={name: target.dtype for name, target in targets.items()})
    for frame in rows.frames(targets):
        if shown.height < _ROWS:
            shown = pl.concat([shown, frame.head(_ROWS - shown.height)])
    return shown


def _files(
    paths: Mapping[Path, str],
    sources: Mapping[Path, Source],
    existing: Mapping[str, str],
    reading: Reading,
    values: Callable[[Path], Values],
) -> list[ReadFile]:
    sizes = {size_in(digest) for digest in existing}
    files = []
    for path, shown_path in paths.items():
        dialect = sources[path].dialect if path in sources else None
        dialect_facts = (
            {
                "encoding": dialect.encoding,
                **{name: getattr(dialect, name) for name in _DIALECT_FACTS},
            }
            if dialect
            else {}
        )
        part = part_of(path, reading) + part_of_table(values(path)) if sizes else ""
        digest = digest_if(path, existing, sizes, max_bytes=_DIGESTED, part=part)
        snapshot = existing[digest] if digest else None
        guessed = dialect.guessed if dialect else ()
        files.append(
            ReadFile(
                path=shown_path,
                kind=kind_of(path),
                bytes=packed_size(path),
                snapshot=snapshot,
                guessed=guessed,
                sheets=sheets_of(sources.get(path)),
                **dialect_facts,
            )
        )
    return files


def _column(
    name: str, target: Target, rows: FileRows, reading: Reading, *, in_dataset: bool
) -> ReadColumn:
    spelling = rows.guesses[name].spelling if name in rows.guesses else PLAIN
    return ReadColumn(
        name=name,
        type=target.word,
        guessed=name in rows.guesses and not in_dataset and name not in reading.types,
        in_dataset=in_dataset,
        decimal=spelling.decimal,
        thousands=spelling.thousands,
        date_format=spelling.date,
    )


def _broken(quarantine: Quarantine) -> list[BadRow]:
    first = sorted(quarantine.rows, key=lambda row: (row.file, row.line))[:_BROKEN]
    return [
        BadRow(file=row.file, line=row.line, reason=row.reason, text=row.text[:_MAX_TEXT_LENGTH])
        for row in map(quarantine.shown, first)
    ]
