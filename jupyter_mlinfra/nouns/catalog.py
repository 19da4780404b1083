"""`ml.dataset`, `ml.ingest`, `ml.write`, `ml.sql`; and `ml.search`, which finds everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack, overload

from ..workbench import current

if TYPE_CHECKING:
    import polars as pl

    from ..catalog import Explorer, IngestProgress, ReadingOptions, Table, WriteMode
    from ..catalog.spec import IngestReport
    from ..core.frames import Frame
    from ..core.search import HitPage


def dataset(name: str) -> Table:
    """A dataset by `namespace.table`, or `namespace.table@SNAPSHOT`; `.scan()` gives a lazy Polars
    frame. Raises NotFound.
    """
    return current().catalog.dataset(name)


def explore(frame: Frame) -> Explorer:
    """A Polars or pandas frame as a grid: filter, sort and group its rows by hand, and take over
    the code of what is shown. A lazy frame is computed once.
    """
    from ..catalog import explorer_of

    return explorer_of(frame)


def ingest(
    files: str | Path | Sequence[str | Path],
    *,
    into: str,
    mode: WriteMode | None = None,
    key: str | Sequence[str] = (),
    again: bool = False,
    cursor: str = "",
    lookback: timedelta | None = None,
    dry_run: bool = False,
    on_progress: Callable[[IngestProgress], object] | None = None,
    **reading: Unpack[ReadingOptions],
) -> IngestReport:
    """Read CSV, Parquet or JSON files, or a table of a database (`postgresql://…#table`,
    `sqlite:///…#table`), into a dataset, created if necessary, in one commit or not at all.

    mode: append, replace or upsert; None is upsert with a key, append without. key: with
    `key=["id"]` a row takes the place of the one with the same id. again: also what is already in
    the dataset. cursor: a column of the table that grows with every new row; only rows that came
    since the last ingest are read. lookback: with a key, rows from so long before are read again.
    dry_run: look at all rows and write nothing. on_progress: called with an `IngestProgress`
    (`fraction`, `rows`, `bytes`, `total_bytes`, `text`) after each block of rows; an error in it
    ends the ingest, and nothing has changed. reading: options instead of guesses, such as
    `separator=";"` or `null_values=["NA"]`.
    """
    paths = [files] if isinstance(files, str | Path) else files
    return current().catalog.ingest(
        paths,
        into=into,
        mode=mode,
        key=key,
        again=again,
        cursor=cursor,
        lookback=lookback,
        dry_run=dry_run,
        on_progress=on_progress,
        **reading,
    )


def write(
    frame: Frame,
    *,
    into: str,
    mode: WriteMode | None = None,
    key: str | Sequence[str] = (),
    inputs: Sequence[str] = (),
    columns: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({}),
) -> IngestReport:
    """Write a Polars or pandas frame (without its index) into a dataset, created if necessary, in
    one commit.

    mode, key: as for `ingest`. inputs: references of what it was made from, for the lineage.
    columns: of columns of the frame, the inputs and their columns that they were made of, such as
    `{"late": [("dataset:shop.orders", "delay")]}`.
    """
    return current().catalog.write(
        frame, into=into, mode=mode, key=key, inputs=inputs, columns=columns
    )


@overload
def sql(
    query: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    reveal: bool = False,
    out: None = None,
) -> pl.DataFrame: ...


@overload
def sql(
    query: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    reveal: bool = False,
    out: str,
) -> IngestReport: ...


def sql(
    query: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    reveal: bool = False,
    out: str | None = None,
) -> pl.DataFrame | IngestReport:
    """The answer to one SELECT over datasets (`FROM flights.departures`, or an earlier state:
    `FROM flights.departures@SNAPSHOT`).

    parameters: values of `$name` in the query. limit: most rows; None for all. reveal: show the
    values of columns tagged `pii`, which is recorded. out: a dataset (`ns.table`) that the answer
    is written into, in place of its rows, in one commit with its lineage; earlier snapshots stay.
    """
    if out is not None:
        return current().catalog.sql_into(
            query, into=out, parameters=parameters, limit=limit, reveal=reveal
        )
    return current().catalog.sql(query, parameters=parameters, limit=limit, reveal=reveal)


def search(
    words: str,
    *,
    kinds: Sequence[str] = (),
    owner: Sequence[str] = (),
    tag: Sequence[str] = (),
    namespace: Sequence[str] = (),
    limit: int = 50,
) -> HitPage:
    """Objects of every domain that contain all words; kinds: only `dataset`, `feature`, `run` and
    so on. owner, namespace: of one of these; tag: with all of these.
    """
    return current().search(
        words, kinds=kinds, owner=owner, tag=tag, namespace=namespace, limit=limit
    )
