"""Two tables compared column by column; only one column of each is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, NotFound, Unprocessable
from ..masking import without_values
from ..measures.drift import compare_exactly, is_number
from ..spec import Distances, FeatureDrift, RowCounts, TableComparison

if TYPE_CHECKING:
    import polars as pl

    from ...core.records import Number

UNREAD = "It cannot be read"
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
    found: list[FeatureDrift] = []
    not_compared = {
        **{name: "The current table does not have it." for name in names if name not in there},
        **dict.fromkeys(sorted(there.difference(names)), "The reference does not have it."),
    }
    shared = [name for name in names if name in there]
    for number, name in enumerate(shared, start=1):
        on_progress(name, number, len(shared))
        try:
            before, window = (_column(rows, name) for rows in (reference, current))
            if reason := _incomparable(before, window):
                not_compared[name] = reason
            else:
                found.append(compare_exactly(before, window, threshold=threshold))
        except (PolarsError, OSError) as error:
            not_compared[name] = f"{UNREAD}: {str(error)[:200]}"
    found.sort(key=lambda item: -float(item.psi.value or 0))
    return Compared(
        rows=RowCounts(reference=_rows(reference), current=_rows(current)),
        threshold=threshold,
        features=found,
        not_compared=not_compared,
    )


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


def _column(rows: pl.LazyFrame, name: str) -> pl.Series:
    import polars as pl

    return rows.select(pl.col(name)).collect(engine="streaming").to_series()


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
