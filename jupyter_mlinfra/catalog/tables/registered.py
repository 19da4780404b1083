"""Files and Delta tables that are read where they are: nothing is copied, nothing is written."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...core.domain import Domain
from ...core.errors import (
    BadRequest,
    Conflict,
    MLInfraError,
    NotFound,
    Unavailable,
    Unprocessable,
)
from ...core.frames import exactly
from ...core.imports import fix_of_missing
from ...core.tables import TableFacts
from ..addresses import refuse_address
from ..conform import Target
from ..intake import FileRows
from ..options import refuse_in_place
from ..reading import Reading
from ..rows import height
from ..scanned import Scanned, scans
from ..sources import kind_of, open_sources, paths_of
from ..spec import Column, Dataset
from . import Shown
from .domain import DomainTable

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project
    from ..registrations import Registered

DELTA: Literal["delta"] = "delta"


def location_of(path: str | Path, root: Path) -> tuple[str, str]:
    """Kind and place of what is to be registered: the folder of a Delta table, a file, or a pattern
    of files of one kind. Raises NotFound for what does not exist, BadRequest for other kinds.
    """
    refuse_address(path)
    place = Path(path) if Path(path).is_absolute() else root / path
    if os.path.isdir(place):  # not Path.is_dir, which raises for a name that is too long
        if is_delta(place):
            return DELTA, str(place)
        place /= "*"
    kinds = {kind_of(file) for file in paths_of([place], root)}
    if len(kinds) > 1:
        raise BadRequest(
            f"{path} names files of several kinds.",
            f"They are: {', '.join(sorted(kinds))}.",
            "Register those of one kind, such as data/*.csv.",
        )
    return kinds.pop(), str(place)


def _delta_bytes(location: str) -> int | None:
    """The size of the data files that a Delta table has now; None if it cannot be read."""
    import polars as pl

    try:
        from deltalake import DeltaTable

        files = pl.DataFrame(DeltaTable(location).get_add_actions(flatten=True))
        return int(files["size_bytes"].sum())
    except Exception:  # noqa: BLE001 its rows say why; a list must not fail for one size
        return None


def is_delta(folder: Path) -> bool:
    """Whether a folder is that of a Delta table."""
    return os.path.isdir(folder / "_delta_log")


def schema_of(
    project: Project, kind: str, location: str, reading: Reading
) -> Mapping[str, pl.DataType]:
    """The columns of what is to be registered. Files of text are read as a whole: raises
    Unprocessable for a row that does not fit, and BadRequest for an option that these files do not
    take.
    """
    if kind in (DELTA, "parquet"):
        refuse_in_place(reading, kind)
    with explained_files(location):
        if kind == DELTA:
            return dict(delta_rows(location).collect_schema())
        files = paths_of([location], project.root)
        if kind == "parquet":
            return dict(_parquet(files).collect_schema())
        schema: Mapping[str, pl.DataType] = {}
        for frame in read_text(project, files, reading, None):
            schema = dict(frame.schema)
        return schema


@dataclass(frozen=True, slots=True)
class Files:
    """What one registered table reads; a `core.tables.Tables` of that table alone."""

    project: Project
    registered: Registered

    def names(self) -> Sequence[str]:
        return [self.registered.name.table]

    def has(self, _: str) -> bool:
        return True

    def needs(self, _: str) -> Sequence[str]:
        return ()

    def masked(self, _: str, columns: Sequence[str]) -> Collection[str]:
        return self.registered.personal.intersection(columns)

    def facts(self, _: str) -> TableFacts:
        found = [file.stat() for file in self.files()]
        newest = max(facts.st_mtime for facts in found)
        return TableFacts(
            description=self.registered.said.description
            or f"read in place: {self.registered.location}",
            columns=len(self.registered.columns),
            bytes=_delta_bytes(self.registered.location)
            if self.registered.kind == DELTA
            else sum(facts.st_size for facts in found),
            updated_at=datetime.fromtimestamp(newest, UTC),
        )

    def rows(self, _: str) -> pl.LazyFrame:
        kind, files = self.registered.kind, self.files()
        if kind == DELTA:
            return delta_rows(self.registered.location)
        if kind == "parquet":
            return _parquet(files)
        return _text(self.project, self.registered, files)

    def state(self) -> str:
        """Of the files: they are other ones when one has another size or time."""
        facts = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in self.files()]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]

    def files(self) -> Sequence[Path]:
        """Those that say what it is now. Raises NotFound if there are none any more."""
        if self.registered.kind == DELTA:
            log = Path(self.registered.location, "_delta_log")
            logs = sorted([*log.glob("*.json"), *log.glob("*.checkpoint*.parquet")])
            if not logs:
                raise NotFound(f"There is no Delta table in {self.registered.location}.")
            return logs
        return paths_of([self.registered.location], self.project.root)


class RegisteredTable(DomainTable):
    """A table that was registered in place."""

    tables: Files

    def __init__(self, project: Project, registered: Registered) -> None:
        owner = Domain(name=registered.kind, open=lambda _: None)
        super().__init__(owner, Files(project, registered), registered.name)

    def needs(self) -> Sequence[str]:
        return ()

    def record(self) -> Dataset:
        said, found = self.tables.registered.said, super().record()
        return replace(found, owner=said.owner, tags=said.tags)

    def columns(self) -> Sequence[Column]:
        registered = self.tables.registered
        return [
            replace(column, tags=said.tags, doc=said.description)
            for column in super().columns()
            for said in [registered.labels(column.name)]
        ]

    def personal(self, columns: Sequence[str]) -> Collection[str]:
        return self.masked(columns)

    def scan(self) -> pl.LazyFrame:
        """The rows, lazily; see `Scanned`. Rows of text are noted where they are read."""
        rows, found = super().scan(), self.tables.registered
        delta = (f"{found.location.rstrip('/')}/",) if found.kind == DELTA else ()
        if delta or found.kind == "parquet":
            paths = tuple(str(file) for file in self.tables.files())
            root = self.tables.project.root
            scans.note(Scanned(ref=self.name.ref, root=root, folders=delta, files=lambda: paths))
        return rows

    def state(self) -> str:
        with self.explained():
            return self.tables.state()

    def shown(self) -> Shown:
        """All rows, if the files say how many they are; otherwise the first ones."""
        if not self._says_rows():
            return replace(super().shown(), columns=self.columns())
        with self.explained():
            rows = self.scan()
            return Shown(rows=rows, columns=self.columns(), total=height(rows), snapshot=None)

    def _is_countable(self) -> bool:
        return self._says_rows() or super()._is_countable()

    def _says_rows(self) -> bool:
        return self.tables.registered.kind in (DELTA, "parquet")

    def explained(self) -> AbstractContextManager[None]:
        registered = self.tables.registered
        return explained_files(registered.location, hides=bool(registered.personal))

    def check_own(self) -> None:
        location = self.tables.registered.location
        raise Conflict(
            f"{self.name.text} is registered in place.",
            f"It is read from {location}, never written, and has no snapshots.",
            f"Ingest the files into a dataset of another name: mlinfra catalog ingest {location}"
            " --into NS.TABLE",
        )


@contextmanager
def explained_files(location: str, *, hides: bool = False) -> Iterator[None]:
    """Turn what fails while files are read in place into what, why and fix. hides: values in them
    are masked, so that nothing is repeated of what the reader says.
    """
    import polars as pl

    try:
        yield
    except MLInfraError:
        raise
    except Exception as error:
        known = isinstance(error, OSError | ValueError | pl.exceptions.PolarsError)
        if not known and type(error).__module__.partition(".")[0] not in ("deltalake", "_internal"):
            raise
        why = "" if hides else str(error).partition(chr(10))[0][:300]
        raise Unprocessable(
            f"{location} cannot be read.",
            f"{type(error).__name__}: {why}".removesuffix(": "),
            "Look at the files; they are read in place, so what happens to them shows here.",
        ) from error


def _parquet(files: Sequence[Path]) -> pl.LazyFrame:
    import polars as pl

    return pl.scan_parquet(list(files), glob=False, hive_partitioning=False)


def delta_rows(location: str) -> pl.LazyFrame:
    """The rows of a Delta table, read when they are asked for."""
    import polars as pl

    try:
        return pl.scan_delta(location)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"The Delta table {location} cannot be read.",
            "deltalake is not installed.",
            fix_of_missing("deltalake"),
        ) from error


def _text(project: Project, registered: Registered, files: Sequence[Path]) -> pl.LazyFrame:
    """Rows of files of text, read when they are asked for."""
    from polars.io.plugins import register_io_source

    reading, schema = Reading(**registered.reading), _schema(registered.schema)

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        for frame in read_text(project, files, reading, schema, registered.personal):
            part = frame if columns is None else frame.select(map(exactly, columns))
            part = part if predicate is None else part.filter(predicate)
            if most is not None:
                part, most = part.head(most), most - min(most, part.height)
            yield part
            if most == 0:
                return

    scans.note(Scanned(ref=registered.name.ref, root=project.root, function=read))
    return register_io_source(read, schema=schema)


def read_text(
    project: Project,
    files: Sequence[Path],
    reading: Reading,
    schema: Mapping[str, pl.DataType] | None,
    masked: Collection[str] = (),
) -> Iterator[pl.DataFrame]:
    """The rows of files of text as an ingest reads them. schema: the columns; None to guess them. A
    row that does not fit is an error, since there is no quarantine for what is not written; it
    tells no value of `masked` columns.
    """
    with open_sources(files, replace(reading, max_bad=0), project.folder("staging")) as sources:
        rows = FileRows(sources, replace(reading, max_bad=0))
        rows.quarantine.masked = masked
        known = {name: Target(dtype) for name, dtype in schema.items()} if schema else None
        targets = rows.plan(known)
        for frame in rows.frames(targets):
            yield frame if schema is None else frame.select(map(exactly, schema))


def encoded(schema: Mapping[str, pl.DataType]) -> str:
    """A schema as `Registered` keeps it."""
    import polars as pl

    arrow = pl.DataFrame(schema=dict(schema)).to_arrow().schema
    return base64.b64encode(arrow.serialize().to_pybytes()).decode()


def _schema(text: str) -> dict[str, pl.DataType]:
    import polars as pl
    import pyarrow as pa

    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))
    return dict(pl.DataFrame(pl.from_arrow(arrow.empty_table())).schema)
