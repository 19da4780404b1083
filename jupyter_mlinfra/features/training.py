"""Training sets: entity rows with the features that were known at their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadRequest, Unavailable
from ..core.events import telling
from ..core.origin import actor
from ..core.refs import reference
from .join import JoinView, check_entities, utc
from .repo import OFFLINE_STORE, OFFLINE_STORES, folder
from .sources import one_snapshot, scan
from .store import Definition

if TYPE_CHECKING:
    import polars as pl
    from feast import FeatureStore

    from ..core.project import Project

_ROW, _AT = "__mlinfra_row", "event_timestamp"  # Feast looks for a column of the second name


def training_set(
    project: Project,
    feast: FeatureStore,
    wanted: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    *,
    at: str,
    full_names: bool,
) -> pl.DataFrame:
    """`entities` unchanged, then one column per feature in the order of `wanted`. See
    Features.training_set.
    """
    import polars as pl

    _check(project, wanted, views, entities, at, full_names)
    refs = [f"{view}:{feature}" for view, features in wanted.items() for feature in features]
    keys = {key.name for name in wanted for key in views[name].keys if key.name in entities.columns}
    computed = any(views[name].kind == "on_demand" for name in wanted)  # these may read any column
    columns = [
        name
        for name in entities.columns
        if name == at or name in keys or (computed and name != _AT)
    ]
    asked = entities.select(columns).with_row_index(_ROW).rename({at: _AT} if at != _AT else {})
    ours = feast.config.offline_store.type in OFFLINE_STORES
    with one_snapshot() as snapshots:
        job = feast.get_historical_features(
            entity_df=asked if ours else asked.to_pandas(),
            features=refs,
            full_feature_names=full_names,
        )
        joined: pl.DataFrame = (
            job.to_polars()
            if ours
            else _all_rows(asked, pl.DataFrame(pl.from_arrow(job.to_arrow())))
        )
    names = [
        f"{view}__{feature}" if full_names else feature
        for view, features in wanted.items()
        for feature in features
    ]
    _record(project, wanted, views, snapshots, rows=entities.height)
    return entities.hstack(joined.select(names))


def _all_rows(asked: pl.DataFrame, joined: pl.DataFrame) -> pl.DataFrame:
    """Restore the order of the entity rows, which other stores do not keep. Raises Unavailable if a
    row was lost.
    """
    lost = asked.height - joined[_ROW].n_unique()
    if lost:
        why = (
            "Feast's default store drops rows whose values are past their ttl (feast#6787); nulls"
            " in their place would hide wrong values."
        )
        fix = f"Take `offline_store` out of feature_store.yaml, or set its type to {OFFLINE_STORE}."
        raise Unavailable(
            f"The offline store returned {asked.height - lost} of {asked.height} rows.", why, fix
        )
    return joined.sort(_ROW)


def examples(views: Sequence[Definition], repo: Path, count: int) -> pl.DataFrame:
    """At most `count` rows: the newest keys of each view side by side, all at the newest event
    time.
    """
    import polars as pl

    columns: dict[str, pl.Series] = {}
    times: list[datetime] = []
    for view in views:
        if view.source is None or view.source.kind == "other":
            continue
        frame = scan(view.source, repo)
        keys = [key.name for key in view.keys]
        rows = frame.select(
            *keys, utc(view.source.time, frame.collect_schema()[view.source.time]).alias(_AT)
        ).drop_nulls()
        newest = rows.top_k(count, by=_AT).collect(engine="streaming")
        times += newest[_AT].to_list()
        columns |= {key: newest[key] for key in keys if key not in columns}
    height = min([column.len() for column in columns.values()], default=len(times[:count]))
    at = pl.Series(_AT, [max(times, default=None)] * height, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame([column.head(height) for column in columns.values()] + [at])


def _check(
    project: Project,
    wanted: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    at: str,
    full_names: bool,
) -> None:
    parts, seen = [], set(entities.columns)
    for name, features in wanted.items():
        source = views[name].source
        if source is None or source.kind == "other":  # Feast or the other store checks the rest
            if clash := [feature for feature in features if feature in seen and not full_names]:
                raise BadRequest(
                    f"{clash[0]} would appear twice.",
                    f"It is a feature of {name} and a column already.",
                    "Ask with full_names=True.",
                )
            continue
        prefix = f"{name}__" if full_names else ""
        keys = {key.name: key.name for key in views[name].keys}
        frame = scan(source, folder(project))
        parts.append(
            JoinView(
                name=name,
                frame=frame,
                keys=keys,
                features={feature: prefix + feature for feature in features},
                time=source.time,
            )
        )
    check_entities(entities.schema, parts, at=at)


def _record(
    project: Project,
    wanted: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    snapshots: Mapping[str, str | None],
    *,
    rows: int,
) -> None:
    """One lineage event: from the sources, views and features that were read to the job or notebook
    that read them.
    """
    sources = []
    for name in wanted:
        source = views[name].source
        if source:
            snapshot = snapshots.get(source.name)
            sources.append(f"{source.ref}@{snapshot}" if snapshot else source.ref)
    features = [
        reference("feature", view, feature) for view, names in wanted.items() for feature in names
    ]
    inputs = [*dict.fromkeys(sources), *(reference("view", name) for name in wanted), *features]
    with telling("The training set is made"):
        project.lineage.record(
            "features.training_set", inputs=inputs, outputs=[actor(project)], facts={"rows": rows}
        )
