"""What SQL and the catalog can read: `monitoring.<deployment>_series`, `_profiles`, `_payloads` and
`_refused_labels`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from ..core.records import from_seconds
from ..core.tables import TableFacts
from .hours.heatmap import is_answer
from .hours.profiles import VALUES, scan_profiles
from .hours.series import Part, SeriesStore, frame_of, readable, scan_points
from .labels.unjoined import REFUSED_FILE
from .masking import Masking, column_of
from .store import MonitorStore

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project

SERIES, PROFILES = "_series", "_profiles"
PAYLOADS, REFUSED = "_payloads", "_refused_labels"

_MOST_FILES = 500
"""The size of a table with more files is not added up."""

_DESCRIPTIONS = {
    SERIES: "What the monitor of {} has measured, by the hour",
    PROFILES: "Sketches of the inputs and answers of {}, by the hour",
    PAYLOADS: "Requests to {} and their answers, a row each",
    REFUSED: "Labels of {} that could not be used, and why",
}
_COLUMNS = {SERIES: 11, PROFILES: 18, REFUSED: 8}
_MEASURED: tuple[Part, ...] = ("points", "performance")


class MonitorTables:
    """The tables of monitoring in one project (see `core.tables`), named by deployment. An object
    is for one answer: it reads once which monitors and deployments there are.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    @cached_property
    def _monitors(self) -> Mapping[str, list[str]]:
        """The monitors of each deployment; also, for SQL, each by its own name."""
        found = dict[str, list[str]]()
        for item in MonitorStore(self._project.database).monitors():
            for name in {item.deployment, item.name}:
                found.setdefault(name, []).append(item.name)
        return found

    @cached_property
    def _watched(self) -> list[str]:
        return [item.deployment for item in MonitorStore(self._project.database).monitors()]

    @cached_property
    def _logs(self) -> Mapping[str, Path]:
        from ..deployments import payload_logs

        return payload_logs(self._project)

    def names(self) -> list[str]:
        """Those of every watched deployment, and the payload log of every deployment."""
        found = {f"{name}{ending}" for name in self._watched for ending in _COLUMNS}
        return sorted({*found, *(f"{name}{PAYLOADS}" for name in self._logs)})

    def has(self, table: str) -> bool:
        """Also those of a monitor by its own name, as SQL may call them."""
        name, ending = _parts(table)
        return name in (self._logs if ending == PAYLOADS else self._monitors) and bool(ending)

    def needs(self, table: str) -> Sequence[str]:
        """A payload log is what deployments show as requests."""
        return ("deployments",) if _parts(table)[1] == PAYLOADS else ()

    def masked(self, table: str, columns: Sequence[str]) -> Sequence[str]:
        """Of a payload log, those that deployments do not show. Of profiles and series, which have
        rows of all inputs, the columns that hold values of a masked one.
        """
        from ..deployments import hides_values, masked_columns

        _, ending = _parts(table)
        if ending == PAYLOADS:
            return masked_columns(self._project, columns)
        if ending == REFUSED or not hides_values(self._project):
            return ()
        masking, found = Masking(self._project), list[str]()
        if masking.hidden([column_of(name) for name in self._distinct(table, "segment")]):
            found.append("segment")
        if ending == PROFILES:
            features = self._distinct(table, "feature")
            inputs = [name for name in features if not is_answer(name)]
            found += VALUES if masking.hidden(inputs) else ()
        return found

    def _distinct(self, table: str, column: str) -> list[str]:
        rows = self.rows(table)
        return [] if rows is None else rows.select(column).unique().collect()[column].to_list()

    @staticmethod
    def description(table: str) -> str:
        """What its rows are. Raises NotFound for a name that no table can have."""
        deployment, ending = _parts(table)
        if not ending:
            raise NotFound(f"monitoring has no table {table}.")
        return _DESCRIPTIONS[ending].format(deployment)

    def facts(self, table: str) -> TableFacts:
        """What is known of one by the sizes and times of its files. Raises NotFound."""
        description = self.description(table)
        deployment, ending = _parts(table)
        size, updated = _size(self._places(deployment, ending))
        return TableFacts(
            description=description,
            columns=_COLUMNS.get(ending),
            bytes=size,
            updated_at=updated,
        )

    def rows(self, table: str) -> pl.LazyFrame | None:
        """The rows of such a table; None if there is no monitor, or no deployment, of that name.

        Series: monitor, metric, version, feature, segment, start, end (UTC), value, rows, costs,
        error. Profiles: monitor and what `scan_profiles` says. Payloads: the payload log, one file
        of it in memory at a time.
        """
        deployment, ending = _parts(table)
        if ending == PAYLOADS:
            return _payloads(self._project, deployment)
        reader = {REFUSED: _refused_labels, SERIES: _series, PROFILES: _profiles}.get(ending)
        return reader(self._project, self._monitors.get(deployment, [])) if reader else None

    def _places(self, deployment: str, ending: str) -> list[Path]:
        """The files of a table, or the folders that they are in."""
        if ending == PAYLOADS:
            log = self._logs.get(deployment)
            return [] if log is None else [log, *(item for item in log.glob("*/"))]
        store, monitors = SeriesStore(self._project), self._monitors.get(deployment, [])
        if ending == REFUSED:
            return [store.folder(monitor) / REFUSED_FILE for monitor in monitors]
        kinds: tuple[Part, ...] = _MEASURED if ending == SERIES else ("sketches",)
        return [store.folder(monitor, part) for monitor in monitors for part in kinds]


def _parts(table: str) -> tuple[str, str]:
    """The deployment in the name of a table, and the ending, which is empty if it has none."""
    for ending in _DESCRIPTIONS:
        if table.endswith(ending):
            return table.removesuffix(ending), ending
    return table, ""


def _size(places: Sequence[Path]) -> tuple[int | None, datetime | None]:
    """Bytes of these files, and of those in these folders, and when one was last written. Of more
    than `_MOST_FILES` files the bytes are None, and the folders' own times count.
    """
    size, newest = 0, 0.0
    for number, found in enumerate(_stats(places)):
        if number == _MOST_FILES:
            times = [place.stat().st_mtime for place in places if place.exists()]
            return None, from_seconds(max(newest, *times))
        size, newest = size + found.st_size, max(newest, found.st_mtime)
    return size, from_seconds(newest) if newest else None


def _stats(places: Sequence[Path]) -> Iterator[os.stat_result]:
    for place in places:
        with contextlib.suppress(FileNotFoundError):  # not there yet, compacted or removed
            if not place.is_dir():
                yield place.stat()
                continue
            with os.scandir(place) as items:
                for item in items:
                    with contextlib.suppress(FileNotFoundError):
                        if item.is_file():
                            yield item.stat()


def _refused_labels(project: Project, monitors: Sequence[str]) -> pl.LazyFrame | None:
    import polars as pl

    store, parts = SeriesStore(project), list[pl.LazyFrame]()
    for monitor in monitors:
        rows = store.unjoined(monitor).refused()
        at = pl.from_epoch((pl.col("at") * 1e6).cast(pl.Int64), "us").dt.replace_time_zone("UTC")
        parts.append(
            rows.lazy().select(pl.lit(monitor).alias("monitor"), pl.all().exclude("at"), at)
        )
    return pl.concat(parts) if parts else None


def _series(project: Project, monitors: Sequence[str]) -> pl.LazyFrame | None:
    import polars as pl

    store, parts = SeriesStore(project), list[pl.LazyFrame]()
    for monitor in monitors:
        files = readable([file for part in _MEASURED for file in store.files(monitor, part)])
        points = scan_points(files) if files else frame_of(()).lazy()
        parts.append(points.select(pl.lit(monitor).alias("monitor"), pl.all()))
    if not parts:
        return None
    moments = [
        (pl.col(name) * 1e6).cast(pl.Int64).cast(pl.Datetime("us", "UTC")).alias(name)
        for name in ("start", "end")
    ]
    return pl.concat(parts).with_columns(moments)


def _profiles(project: Project, monitors: Sequence[str]) -> pl.LazyFrame | None:
    import polars as pl

    store = SeriesStore(project)
    parts = [
        scan_profiles(readable(store.files(monitor, "sketches"))).select(
            pl.lit(monitor).alias("monitor"), pl.all()
        )
        for monitor in monitors
    ]
    return pl.concat(parts) if parts else None


def _payloads(project: Project, deployment: str) -> pl.LazyFrame | None:
    from ..deployments import Deployments
    from ..experiments import Experiments

    try:
        return Deployments(project, Experiments(project)).payloads_lazily(deployment)
    except NotFound:
        return None
