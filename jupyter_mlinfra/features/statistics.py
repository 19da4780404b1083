"""Figures of a view's source: rows, newest event time, and how much of each feature is filled. Reckoned once for each state of the source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.files import write_atomic
from ..core.records import Number, to_json
from .repo import folder
from .sources import mark, one_snapshot, scan

if TYPE_CHECKING:
    from ..core.project import Project
    from .store import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """rows: of the source. newest: its latest event time. filled: rows with a value, by feature; NaN is no value."""

    state: str
    rows: int
    newest: datetime | None
    filled: Mapping[str, int]

    def fill(self, feature: str) -> Number | None:
        """Fraction of rows that have a value."""
        if feature not in self.filled or not self.rows:
            return None
        return Number(value=self.filled[feature] / self.rows, basis="exact", n=self.rows)


def cached(project: Project, view: Definition) -> Statistics | None:
    """The last figures, whatever the source is by now; nothing is read but a small file."""
    try:
        item = json.loads(_file(project, view).read_text())
        return Statistics(**(item | {"newest": datetime.fromisoformat(item["newest"]) if item["newest"] else None}))
    except (OSError, json.JSONDecodeError, TypeError):
        return None


def current(project: Project, view: Definition) -> Statistics | None:
    """Figures of the source as it is now; None where it cannot be read. Reads the feature columns when the source changed."""
    source, repo = view.source, folder(project)
    if source is None or source.kind == "other":
        return None
    try:
        with one_snapshot():
            state = mark(source, repo)
            known = cached(project, view)
            if known and state is not None and known.state == state:
                return known
            found = _reckon(view, repo, state or "")
    except MLInfraError:
        return None  # a source that is gone must not take the page of its view with it
    write_atomic(_file(project, view), json.dumps(to_json(asdict(found))).encode())
    return found


def _reckon(view: Definition, repo: Path, state: str) -> Statistics:
    import polars as pl

    from .join import utc

    assert view.source is not None  # `current` asked before
    frame = scan(view.source, repo)
    schema = frame.collect_schema()

    def filled(name: str) -> pl.Expr:
        column = pl.col(name)
        return (column.is_not_null() & column.is_not_nan().fill_null(False) if schema[name].is_float() else column.is_not_null()).sum().alias(f"filled {name}")

    names = [column.name for column in view.features if column.name in schema]
    newest = utc(view.source.time, schema[view.source.time]).max().alias("newest") if schema[view.source.time].is_temporal() else pl.lit(None).alias("newest")
    row = frame.select(pl.len().alias("rows"), newest, *(filled(name) for name in names)).collect(engine="streaming").row(0, named=True)
    return Statistics(state=state, rows=row["rows"], newest=row["newest"], filled={name: row[f"filled {name}"] for name in names})


def _file(project: Project, view: Definition) -> Path:
    return project.folder("features", "statistics") / f"{view.name}-{view.digest}.json"
