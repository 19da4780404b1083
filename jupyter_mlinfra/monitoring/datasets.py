"""What SQL can read: `monitoring.<deployment>_series`, `_profiles`, `_payloads` and
`_refused_labels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import NotFound
from .hours.profiles import scan_profiles
from .hours.series import Part, SeriesStore, frame_of, readable, scan_points
from .store import MonitorStore

if TYPE_CHECKING:
    import polars as pl

    from ..core.project import Project

SERIES, PROFILES = "_series", "_profiles"
PAYLOADS, REFUSED = "_payloads", "_refused_labels"


def rows(project: Project, table: str) -> pl.LazyFrame | None:
    """The rows of such a table; None if there is no monitor, or no deployment, of that name.

    Series: monitor, metric, version, feature, segment, start, end (UTC), value, rows, costs, error.
    Profiles: monitor and what `scan_profiles` says. Payloads: the payload log, one file of it in
    memory at a time.
    """
    if table.endswith(REFUSED):
        return _refused_labels(project, table.removesuffix(REFUSED))
    if table.endswith(SERIES):
        return _series(project, table.removesuffix(SERIES))
    if table.endswith(PROFILES):
        return _profiles(project, table.removesuffix(PROFILES))
    if table.endswith(PAYLOADS):
        return _payloads(project, table.removesuffix(PAYLOADS))
    return None


def _monitors(project: Project, deployment: str) -> list[str]:
    return [
        item.name
        for item in MonitorStore(project.database).monitors()
        if deployment in (item.deployment, item.name)
    ]


def _refused_labels(project: Project, deployment: str) -> pl.LazyFrame | None:
    import polars as pl

    store, parts = SeriesStore(project), list[pl.LazyFrame]()
    for monitor in _monitors(project, deployment):
        rows = store.unjoined(monitor).refused()
        at = pl.from_epoch((pl.col("at") * 1e6).cast(pl.Int64), "us").dt.replace_time_zone("UTC")
        parts.append(
            rows.lazy().select(pl.lit(monitor).alias("monitor"), pl.all().exclude("at"), at)
        )
    return pl.concat(parts) if parts else None


def _series(project: Project, deployment: str) -> pl.LazyFrame | None:
    import polars as pl

    store, parts = SeriesStore(project), list[pl.LazyFrame]()
    monitors = _monitors(project, deployment)
    kinds: tuple[Part, ...] = ("points", "performance")
    for monitor in monitors:
        files = readable([file for part in kinds for file in store.files(monitor, part)])
        points = scan_points(files) if files else frame_of(()).lazy()
        parts.append(points.select(pl.lit(monitor).alias("monitor"), pl.all()))
    if not parts:
        return None
    moments = [
        (pl.col(name) * 1e6).cast(pl.Int64).cast(pl.Datetime("us", "UTC")).alias(name)
        for name in ("start", "end")
    ]
    return pl.concat(parts).with_columns(moments)


def _profiles(project: Project, deployment: str) -> pl.LazyFrame | None:
    import polars as pl

    store = SeriesStore(project)
    parts = [
        scan_profiles(readable(store.files(monitor, "sketches"))).select(
            pl.lit(monitor).alias("monitor"), pl.all()
        )
        for monitor in _monitors(project, deployment)
    ]
    return pl.concat(parts) if parts else None


def _payloads(project: Project, deployment: str) -> pl.LazyFrame | None:
    from ..deployments import Deployments
    from ..experiments import Experiments

    try:
        return Deployments(project, Experiments(project)).payloads_lazily(deployment)
    except NotFound:
        return None
