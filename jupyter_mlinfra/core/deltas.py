"""Delta tables as lazy frames, also those that Polars does not read itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deltalake import DeltaTable, QueryBuilder
from deltalake.table import ProtocolVersions

from .errors import Unprocessable
from .frames import exactly

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


class _OfPolars(DeltaTable):
    """A table as Polars is to see it: it looks at the features of the log, which it never reads."""

    def protocol(self) -> ProtocolVersions:
        known = super().protocol()
        features = [name for name in known.reader_features or () if name not in _OF_THE_LOG]
        return known._replace(reader_features=features or None)


def delta_frame(table: DeltaTable, note: Callable[[Read], object] = lambda _: None) -> pl.LazyFrame:
    """The rows of a table at the version that it has loaded, read when they are asked for. Those of
    a table with column mapping come from deltalake: the columns that are asked for, as a stream,
    and conditions are tested as they come.

    note: gets what reads the rows where Polars does not, for the lineage of the frame. Raises
    Unprocessable for moments that deltalake would read as others.
    """
    import polars as pl

    protocol = table.protocol()
    beyond = set(protocol.reader_features or ()) - _POLARS
    if protocol.min_reader_version != 2 and not beyond:
        return pl.scan_delta(table)
    if protocol.min_reader_version != 2 and beyond <= _OF_THE_LOG:
        options = table._storage_options
        plain = _OfPolars(table.table_uri, version=table.version(), storage_options=options)
        return pl.scan_delta(plain)
    return _by_deltalake(table, note)


def _by_deltalake(table: DeltaTable, note: Callable[[Read], object]) -> pl.LazyFrame:
    import polars as pl
    import pyarrow as pa
    from polars.io.plugins import register_io_source

    arrow = pa.schema(table.schema().to_arrow())
    schema = dict(pl.DataFrame(pl.from_arrow(arrow.empty_table())).schema)
    _refuse_far_moments(table)

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        names = columns or list(schema)
        quoted = ", ".join(f'"{name.replace('"', '""')}"' for name in names)
        # One partition: otherwise the order of the rows is another one each time.
        query = QueryBuilder({"datafusion.execution.target_partitions": "1"})
        batches = query.register("t", table).execute(f"SELECT {quoted} FROM t")  # noqa: S608  # quoted
        for batch in batches:
            part = pl.DataFrame(pl.from_arrow(pa.record_batch(batch)))
            part = part.select(exactly(name).cast(schema[name]) for name in names)
            part = part if predicate is None else part.filter(predicate)
            if most is not None:
                part, most = part.head(most), most - min(most, part.height)
            yield part
            if most == 0:
                return

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
