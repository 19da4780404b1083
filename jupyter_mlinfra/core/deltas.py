"""Delta tables as lazy frames, also those that Polars does not read itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from deltalake import DeltaTable, QueryBuilder
from deltalake.table import ProtocolVersions

from .errors import Unprocessable
from .frames import asked_for, exactly

if TYPE_CHECKING:
    import polars as pl

type Read = Callable[
    [list[str] | None, pl.Expr | None, int | None, int | None], Iterator[pl.DataFrame]
]
"""Reads columns, rows that fulfil a condition and at most so many, in frames of a size."""

_POLARS = {"deletionVectors", "timestampNtz", "variantType", "variantType-preview"}
_OF_THE_LOG = {"v2Checkpoint", "vacuumProtocolCheck"}
"""Features of the log alone, which deltalake reads: the data files are as ever."""

_NANOSECONDS = (datetime(1677, 9, 22, tzinfo=UTC), datetime(2262, 4, 11, tzinfo=UTC))


class OfPolars(DeltaTable):
    """A table as Polars is to see it: without the features of the log, which it never reads, and
    with some of its files alone.
    """

    files: Collection[str] | None = None

    def protocol(self) -> ProtocolVersions:
        known = super().protocol()
        features = [name for name in known.reader_features or () if name not in _OF_THE_LOG]
        return known._replace(reader_features=features or None)

    def file_uris(self, *filters: Any, **more: Any) -> list[str]:
        found = super().file_uris(*filters, **more)
        return found if self.files is None else [file for file in found if file in self.files]

    def get_add_actions(self, flatten: bool = False) -> Any:
        import polars as pl

        found = super().get_add_actions(flatten=flatten)
        if self.files is None:
            return found
        actions, files = pl.DataFrame(found), super().file_uris()
        if not are_paired(files, actions["path"]):
            raise Unprocessable(
                f"The files of the Delta table {self.table_uri} cannot be told apart.",
                "deltalake lists them in another order than what the log says of them.",
                "Read the whole table.",
            )
        return actions.filter([file in self.files for file in files])


def are_paired(files: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether these addresses of files and these paths of the log are in the same order."""
    pairs = zip_longest(map(_last_part, files), map(_last_part, paths))
    return all(one == other for one, other in pairs)


def _last_part(path: str) -> str:
    return unquote(path).rpartition("/")[2]


def has_plain_files(table: DeltaTable) -> bool:
    """Whether each of its files has the same rows in all versions that have it."""
    protocol = table.protocol()
    return (
        protocol.min_reader_version != 2
        and "deletionVectors" not in (protocol.reader_features or ())
        and not set(protocol.reader_features or ()) - _POLARS - _OF_THE_LOG
    )


def delta_frame(
    table: DeltaTable,
    note: Callable[[Read], object] = lambda _: None,
    *,
    files: Collection[str] | None = None,
) -> pl.LazyFrame:
    """The rows of a table at the version that it has loaded, read when they are asked for. Those of
    a table with column mapping are read by Polars under the names that its files have; where these
    are not told by names alone, or a feature is one that Polars does not know, they come from
    deltalake: the columns that are asked for, as a stream, and conditions are tested as they come.

    note: gets what reads the rows where Polars does not, for the lineage of the frame. files: of
    its data files, those that are read, where Polars reads them. Raises
    Unprocessable for moments that deltalake would read as others.
    """
    import polars as pl

    protocol = table.protocol()
    beyond = set(protocol.reader_features or ()) - _POLARS
    if protocol.min_reader_version != 2 and not beyond and files is None:
        return pl.scan_delta(table)
    if protocol.min_reader_version != 2 and beyond <= _OF_THE_LOG:
        options = table._storage_options
        plain = OfPolars(table.table_uri, version=table.version(), storage_options=options)
        plain.files = files
        return pl.scan_delta(plain)
    return _as_source(table, note)


def _as_source(table: DeltaTable, note: Callable[[Read], object]) -> pl.LazyFrame:
    """The rows of a table that Polars does not read itself."""
    import polars as pl
    import pyarrow as pa
    from polars.io.plugins import register_io_source

    from .mapped_deltas import MAPPING, inner_names, read_mapped

    arrow = pa.schema(table.schema().to_arrow())
    schema = dict(pl.DataFrame(pl.from_arrow(arrow.empty_table())).schema)
    _refuse_far_moments(table)
    features = set(table.protocol().reader_features or ())
    is_known = features <= _POLARS | _OF_THE_LOG | {MAPPING}
    paths = pl.DataFrame(table.get_add_actions(flatten=True))["path"]
    is_known = is_known and are_paired(table.file_uris(), paths)
    inner = inner_names(table) if is_known else None

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        names = columns or list(schema)
        if inner is not None:
            yield from read_mapped(table, inner, schema, names, predicate, most)
            return
        quoted = ", ".join(f'"{name.replace('"', '""')}"' for name in names)
        # One partition: otherwise the order of the rows is another one each time.
        query = QueryBuilder({"datafusion.execution.target_partitions": "1"})
        batches = query.register("t", table).execute(f"SELECT {quoted} FROM t")  # noqa: S608  # quoted
        frames = (pl.DataFrame(pl.from_arrow(pa.record_batch(batch))) for batch in batches)
        typed = (
            frame.select(exactly(name).cast(schema[name]) for name in names) for frame in frames
        )
        yield from asked_for(typed, names, predicate, most)

    note(read)
    return register_io_source(read, schema=schema)


def _refuse_far_moments(table: DeltaTable) -> None:
    """deltalake reads moments of Spark's old form (INT96) as nanoseconds, which hold no others than
    those from 1677 to 2262; those beyond would be read as others.
    """
    import polars as pl

    facts = pl.DataFrame(table.get_add_actions(flatten=True))
    for name, dtype in facts.schema.items():
        if not isinstance(dtype, pl.Datetime):
            continue
        times = facts[name].dt.cast_time_unit("us").dt.replace_time_zone("UTC")
        if not times.drop_nulls().is_between(*_NANOSECONDS).all():
            raise Unprocessable(
                f"The Delta table {table.table_uri} has moments before 1677 or after 2262.",
                "It has column mapping, and deltalake, which reads such tables, may read them as"
                " other moments.",
                "Copy it with Spark to a table without column mapping.",
            )
