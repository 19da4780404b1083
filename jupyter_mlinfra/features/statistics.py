"""Figures of a view's source: rows, newest event time, and how much of each feature is filled.
Computed once per state of the source.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.files import write_atomic
from ..core.frames import exactly
from ..core.records import Number, to_json
from .definitions import Definition, stem_of
from .repo import folder
from .sources import one_snapshot, readable, scan, state_of

if TYPE_CHECKING:
    from ..core.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """rows: of the source, None if it cannot be read. problem: why, or which column is missing;
    fix: what to do about it. newest: its latest event time.

    filled: rows with a value, by feature; NaN does not count as a value. newest_of: event time of
    the newest of them; of an aggregation, of the newest row with a value of the column that it
    aggregates.
    """

    state: str
    rows: int | None
    newest: datetime | None
    filled: Mapping[str, int]
    newest_of: Mapping[str, datetime | None]
    problem: str = ""
    fix: str = ""

    def fill(self, feature: str) -> Number | None:
        """Fraction of rows that have a value."""
        if feature not in self.filled or not self.rows:
            return None
        return Number(value=self.filled[feature] / self.rows, basis="exact", n=self.rows)


def cached(project: Project, view: Definition) -> Statistics | None:
    """The last figures, whatever the source is now; only a small file is read."""
    try:
        item = json.loads(_file(project, view).read_text())
        times = {name: _time(text) for name, text in item["newest_of"].items()}
        return Statistics(**(item | {"newest": _time(item["newest"]), "newest_of": times}))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def current(project: Project, view: Definition) -> Statistics:
    """Figures of the source as it is now. Reads the feature columns if the source changed."""
    source, repo = view.source, folder(project)
    if source is None or source.kind == "other":  # another store reads it
        return _empty()
    try:
        with one_snapshot(), readable(source):
            state = state_of(source, repo)
            stored = cached(project, view)
            told = stored and (stored.newest_of or not view.windows)
            if stored and told and state is not None and stored.state == state:
                return stored
            computed = _compute(view, repo, state or "")
    # A missing or broken source must not break its view's page or the list.
    except MLInfraError as error:
        return _empty(f"{error.what} {error.why}".strip(), error.fix)
    with contextlib.suppress(MLInfraError):  # a full disk costs time, but no page
        write_atomic(_file(project, view), json.dumps(to_json(asdict(computed))).encode())
    return computed


def newest_until(project: Project, view: Definition, at: datetime) -> datetime | None:
    """Latest event time of the source that is not after `at`; None if there is none or the source
    cannot be read.
    """
    figures = current(project, view)
    if figures.newest is None or figures.newest <= at:
        return figures.newest
    from .join import utc
    from .pulling import within

    source, repo = view.source, folder(project)
    assert source is not None  # it has a newest row
    with one_snapshot(), readable(source):
        rows = within(scan(source, repo), source, None, at)
        newest = (
            rows.select(utc(source.time, rows.collect_schema()[source.time]).max())
            .collect(engine="streaming")
            .item()
        )
    return newest if isinstance(newest, datetime) else None


def _empty(problem: str = "", fix: str = "") -> Statistics:
    return Statistics(
        state="", rows=None, newest=None, filled={}, newest_of={}, problem=problem, fix=fix
    )


def _compute(view: Definition, repo: Path, state: str) -> Statistics:
    import polars as pl

    from .join import require_time, utc

    assert view.source is not None  # `current` checked it
    frame = scan(view.source, repo)
    schema = frame.collect_schema()
    require_time(schema, view.source.time, f"The rows of {view.source.name}")

    def has_value(name: str) -> pl.Expr:
        column = exactly(name)
        if schema[name].is_float():
            return column.is_not_null() & column.is_not_nan().fill_null(False)
        return column.is_not_null()

    at = utc(view.source.time, schema[view.source.time])
    features = [] if view.windows else view.features  # not of columns that have their names
    names = [column.name for column in features if column.name in schema]
    inputs = {item.feature: item.column for item in view.windows if item.column in schema}
    # Values that Feast computes are in no source.
    missing = (
        [column.name for column in view.features if column.name not in schema]
        if not view.computed
        else []
    )
    problem = f"{view.source.name} has no column {', '.join(missing[:5])}." if missing else ""
    fix = "Correct the definition or the source, then mlinfra features apply." if missing else ""
    row = (
        frame.select(
            pl.len().alias("rows"),
            at.max().alias("newest"),
            *(has_value(name).sum().alias(f"filled {name}") for name in names),
            *(
                pl.when(has_value(column)).then(at).max().alias(f"newest {name}")
                for name, column in {**dict(zip(names, names, strict=True)), **inputs}.items()
            ),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    return Statistics(
        state=state,
        rows=row["rows"],
        newest=row["newest"],
        filled={name: row[f"filled {name}"] for name in names},
        newest_of={name: row[f"newest {name}"] for name in [*names, *inputs]},
        problem=problem,
        fix=fix,
    )


def _file(project: Project, view: Definition) -> Path:
    return project.folder("features", "statistics") / f"{stem_of(view.name)}-{view.digest}.json"
