"""DuckDB for one query: no files, no network, no extensions, limited memory and time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError, Unavailable, Unprocessable
from ...core.waiting import check_waiting
from ..settings import CatalogSettings
from .words import quoted

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    import pyarrow as pa
    from duckdb.sqltypes import DuckDBPyType

    from ...core.project import Project

_LOOKS_SECONDS = 0.2
_BATCH = 2048
"""Rows that leave the engine at a time: it holds whole batches outside its own limit."""
_ODD = frozenset(
    {"union", "bit", "time with time zone", "interval", "uhugeint", "bignum", "variant"}
)
_NESTED = frozenset({"list", "array", "struct", "map"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """memory_mib: what the engine may take; seconds: how long a query may run."""

    memory_mib: int
    seconds: float

    @classmethod
    def of(cls, project: Project) -> Limits:
        """As the project sets them."""
        settings = project.settings.of(CatalogSettings)
        return cls(memory_mib=settings.sql_memory_mib, seconds=settings.sql_seconds)


@contextlib.contextmanager
def engine(limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees nothing but what is registered. What it does not hold in memory is not
    written to a disk: a query that needs more fails.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "memory_limit": f"{limits.memory_mib}MiB",
            "temp_directory": "",
        }
    )
    try:
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Freeze the settings, before the query of a user runs."""
    connection.execute("SET lock_configuration = true")


def register(
    connection: duckdb.DuckDBPyConnection, name: str, rows: pl.LazyFrame, *, large: bool
) -> None:
    """Let queries read rows by a name. large: read them in parts, not all at once."""
    import polars as pl

    if pl.Float16() in rows.collect_schema().dtypes():
        rows = rows.cast({pl.Float16: pl.Float32})  # DuckDB has no type for it
    if large and (source := _streamed(rows)) is not None:
        connection._register_arrow_source(name, source)
    else:
        connection.register(name, rows)


def _streamed(rows: pl.LazyFrame) -> object | None:
    """A source that reads rows in parts; None if this DuckDB has no such sources."""
    try:
        from .streamed import StreamedFrame
    except ImportError:
        return None
    return StreamedFrame(rows)


@contextlib.contextmanager
def bounded(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Stop what the connection does when its time is over, or when nobody waits for the answer any
    more. Raises Unavailable for both.
    """
    import contextvars

    ended = threading.Event()
    reasons = list[MLInfraError]()
    context = contextvars.copy_context()

    def watch() -> None:
        left = seconds
        while not ended.wait(min(_LOOKS_SECONDS, max(0.001, left))):
            left -= _LOOKS_SECONDS
            try:
                check_waiting()
            except MLInfraError as error:
                reasons.append(error)
            if left <= 0:
                reasons.append(out_of_time(seconds))
            if reasons:
                connection.interrupt()

    watcher = threading.Thread(target=context.run, args=(watch,), daemon=True)
    watcher.start()
    try:
        yield
    except Exception:
        if reasons:
            raise reasons[0] from None
        raise
    finally:
        ended.set()
        watcher.join()


def out_of_time(seconds: float) -> Unavailable:
    """Why a query was stopped that ran for too long."""
    return Unavailable(
        f"The query was stopped after {seconds:g} s.",
        "That is the most that the project allows: [catalog] sql_seconds.",
        "Ask for less, for example one day, or set more seconds.",
    )


def _with_odd_types_as_text(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows, with what Polars has no type for as DuckDB writes it."""
    odd = [_is_odd(kind) for kind in relation.types]
    if not any(odd):
        return relation
    return relation.project(
        ", ".join(
            f"{f'CAST(#{place} AS VARCHAR)' if is_odd else f'#{place}'} AS {quoted(name)}"
            for place, (name, is_odd) in enumerate(zip(relation.columns, odd, strict=True), 1)
        )
    )


def _is_odd(kind: DuckDBPyType) -> bool:
    if kind.id in _ODD:
        return True
    if kind.id not in _NESTED:
        return False
    parts = [part for _, part in kind.children if isinstance(part, type(kind))]
    return any(map(_is_odd, parts))


def answer(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any],
    limit: int | None,
    memory_mib: int,
) -> tuple[pa.Table, Sequence[str]]:
    """The rows of a query, with DuckDB's types; with a limit, no more than one row beyond it.

    Raises Unprocessable if they take more than that memory, which the engine does not count.
    """
    import pyarrow as pa

    relation = connection.sql(query, params=dict(parameters) or None)
    relation = _with_odd_types_as_text(relation)
    kinds = [str(kind) for kind in relation.types]
    reader = relation.to_arrow_reader(_BATCH if limit is None else min(limit + 1, _BATCH))
    batches, rows, size = [], 0, 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if size > memory_mib << 20:
            raise Unprocessable(
                "The answer needs more memory than it may take.",
                f"Its first {rows:,} rows take over {memory_mib:,} MiB.",
                "Ask for fewer rows or columns, or set more: [catalog] sql_memory_mib.",
            )
        if limit is not None and rows > limit:
            break
    found = pa.Table.from_batches(batches, schema=reader.schema)
    return (found if limit is None else found.slice(0, limit + 1)), kinds
