"""Two tables compared column by column; only a few columns of each are in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.frames import exactly
from ..masking import without_values
from ..measures.drift import compare_exactly, is_number
from ..spec import Distances, FeatureDrift, RowCounts, TableComparison

if TYPE_CHECKING:
    import polars as pl

    from ...core.records import Number

UNREAD = "It cannot be read"
AT_ONCE = 1 << 22
"""So many values of a table are read at once, if a column has no more: a file of many columns is
not opened for each.
"""
FILES = (".parquet", ".csv", ".arrow", ".feather")
"""Endings of files that can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two tables, compared. features: those that both have, the largest PSI first. not_compared:
    the reason, by column.
    """

    rows: RowCounts
    threshold: float
    features: Sequence[FeatureDrift]
    not_compared: Mapping[str, str]

    @property
    def record(self) -> TableComparison:
        """Without the bins."""
        return TableComparison(
            rows=self.rows,
            drift={item.feature: _distances(item) for item in self.features},
            drifted=[item.feature for item in self.features if item.drifted],
            not_compared=self.not_compared,
            threshold=self.threshold,
        )


def open_file(path: Path) -> pl.LazyFrame:
    """The rows of a file, or of a folder of Parquet files. A CSV is read whole.

    Raises NotFound, BadRequest for another kind of file, Unprocessable for one that is broken.
    """
    import polars as pl

    kind = ".parquet" if path.is_dir() else path.suffix.lower()
    if not path.exists():
        raise NotFound(f"There is no {path}.", "", "Give a file, or the name of a dataset.")
    if kind not in FILES:
        raise BadRequest(
            f"{path.name} cannot be compared.",
            f"Files that end in {', '.join(FILES)} can be read.",
            "Ingest it, and give the name of the dataset: mlinfra catalog ingest",
        )
    try:
        if kind == ".csv":
            return pl.read_csv(path, try_parse_dates=True, infer_schema_length=None).lazy()
        rows = pl.scan_parquet(path) if kind == ".parquet" else pl.scan_ipc(path)
        rows.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Unprocessable(
            f"{path.name} cannot be read.", f"{str(error)[:300]}.", "Write the file again."
        ) from error
    return rows


def compare_tables(
    reference: pl.LazyFrame,
    current: pl.LazyFrame,
    *,
    threshold: float,
    on_progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Compared:
    """The drift of each column that both tables have. threshold: PSI from which a column has
    drifted. on_progress: name, number and count of the column that comes next.

    A column that cannot be compared is named with the reason, and hides no other.
    """
    from polars.exceptions import PolarsError

    names, there = reference.collect_schema().names(), set(current.collect_schema().names())
    rows = RowCounts(reference=_rows(reference), current=_rows(current))
    found: list[FeatureDrift] = []
    not_compared = {
        **{name: "The current table does not have it." for name in names if name not in there},
        **dict.fromkeys(sorted(there.difference(names)), "The reference does not have it."),
    }
    shared = [name for name in names if name in there]
    if nothing := _nothing(rows):
        not_compared |= dict.fromkeys(shared, nothing)
        shared = []
    befores = _columns(reference, shared, rows.reference)
    windows = _columns(current, shared, rows.current)
    for number, name in enumerate(shared, start=1):
        on_progress(name, number, len(shared))
        before, window = next(befores), next(windows)
        if isinstance(before, str) or isinstance(window, str):
            not_compared[name] = before if isinstance(before, str) else str(window)
        elif reason := _incomparable(before, window):
            not_compared[name] = reason
        else:
            try:
                found.append(compare_exactly(before, window, threshold=threshold))
            except PolarsError as error:
                not_compared[name] = _unread(error)
    found.sort(key=lambda item: -float(item.psi.value or 0))
    return Compared(rows=rows, threshold=threshold, features=found, not_compared=not_compared)


def _nothing(rows: RowCounts) -> str:
    """Why no column can be compared, if a table has no rows; an index of 0 would read as no
    drift.
    """
    if rows.reference and rows.current:
        return ""
    return f"The {'current table' if rows.reference else 'reference'} has no rows."


def without_values_of(compared: Compared, columns: Collection[str]) -> Compared:
    """The same without the values of these columns: names of categories, edges of bins, and what
    an error repeats.
    """
    return replace(
        compared,
        features=[
            without_values(item) if item.feature in columns else item for item in compared.features
        ],
        not_compared={
            name: why.partition(UNREAD)[1] or why if name in columns else why
            for name, why in compared.not_compared.items()
        },
    )


def _columns(rows: pl.LazyFrame, names: Sequence[str], height: int) -> Iterator[pl.Series | str]:
    """These columns, as many at once as `AT_ONCE` allows; of one that cannot be read, the
    reason.
    """
    from polars.exceptions import PolarsError

    step = max(1, AT_ONCE // max(1, height))
    for first in range(0, len(names), step):
        some = names[first : first + step]
        try:
            frame = rows.select(exactly(name) for name in some).collect(engine="streaming")
        except (PolarsError, OSError) as error:
            if len(some) == 1:
                yield _unread(error)
            else:  # one of them: the others are read
                yield from (item for name in some for item in _columns(rows, [name], height))
        else:
            yield from frame.iter_columns()


def _unread(error: Exception) -> str:
    return f"{UNREAD}: {str(error)[:200]}"


def _rows(rows: pl.LazyFrame) -> int:
    import polars as pl

    return int(rows.select(pl.len()).collect(engine="streaming").item())


def _incomparable(before: pl.Series, window: pl.Series) -> str:
    """Why two columns of one name cannot be compared; empty if they can."""
    import polars as pl

    if before.dtype == pl.Null or window.dtype == pl.Null:
        return ""  # nothing but missing values
    for series in (before, window):
        if series.dtype.is_temporal():
            return f"It is of type {series.dtype}: times go on by themselves."
        if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
            return f"Columns of type {series.dtype} are not compared."
    if is_number(before) != is_number(window):
        return f"The reference has {before.dtype}, the current table {window.dtype}."
    return ""


def _distances(item: FeatureDrift) -> Distances:
    return Distances(
        psi=_value(item.psi),
        ks=_value(item.ks),
        wasserstein=_value(item.wasserstein),
        js=_value(item.js),
        hellinger=_value(item.hellinger),
        chi2=_value(item.chi2),
        basis="exact",
        ks_error=None if item.ks is None else 0.0,
    )


def _value(number: Number | None) -> float | None:
    return None if number is None or number.value is None else float(number.value)
