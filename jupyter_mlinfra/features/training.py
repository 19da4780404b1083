"""Training sets: entity rows with the features that were known at their time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..core.errors import Unavailable
from ..core.events import telling
from ..core.frames import exactly, polars_frame
from ..core.origin import actor
from ..core.refs import reference
from .definitions import Definition, read_for
from .feast_errors import feast_errors, store_fix
from .join import JoinView
from .knowing import trained
from .labels import resolution_of
from .pages import view_ref
from .repo import OFFLINE_STORE, OFFLINE_STORES, folder
from .sources import SourceSpec, one_snapshot, scan
from .sources.pins import key_of
from .training_columns import check, column_name

if TYPE_CHECKING:
    import polars as pl
    from feast import FeatureStore

    from ..core.frames import Frame
    from ..core.project import Project

_MARK = "__mlinfra_time"
_ROW, _AT = "__mlinfra_row", "event_timestamp"  # Feast looks for a column of the second name


def training_set(
    project: Project,
    feast: FeatureStore,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    data: Frame,
    *,
    at: str,
    full_names: bool,
) -> pl.DataFrame:
    """The entities in `data` unchanged, then one column per feature in the order of `requested`.
    See Features.training_set.
    """
    entities = polars_frame(data, "A training set cannot be made.")
    check(project, requested, views, entities.schema, at, full_names)
    pins: dict[str, str | None] = {}
    joined = join(feast, requested, views, entities, at=at, full_names=full_names, pins=pins)
    record(project, requested, views, pins, entities, at=at)
    return joined


def join(
    feast: FeatureStore,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    *,
    at: str,
    full_names: bool,
    pins: dict[str, str | None],
    telling: bool = True,
) -> pl.DataFrame:
    """As `training_set`, of entities that were checked. pins: snapshots at which sources are read,
    to which those of further sources are added. telling: whether an error of the code of a view may
    be told, which may quote values.
    """
    store = feast.config.offline_store.type
    sources = {
        item.source.name for name in read_for(requested, views) if (item := views[name]).source
    }
    fix = f"Write {', '.join(sorted(sources))} again, or correct the definitions."
    with feast_errors(
        "The training set could not be made.",
        fix if store in OFFLINE_STORES else store_fix(store),
        telling=telling,
    ):
        return joined_by_feast(
            feast, requested, views, entities, at=at, full_names=full_names, pins=pins
        )


def joined_by_feast(
    feast: FeatureStore,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    *,
    at: str,
    full_names: bool,
    pins: dict[str, str | None],
) -> pl.DataFrame:
    """As `join`, with the errors of Feast and of the code of views as they are."""
    import polars as pl

    refs = [f"{view}:{feature}" for view, features in requested.items() for feature in features]
    keys = {
        key.name for name in requested for key in views[name].keys if key.name in entities.columns
    }
    computed = any(
        views[name].kind == "on_demand" for name in requested
    )  # these may read any column
    columns = [
        exactly(name)
        for name in entities.columns
        if name == at or name in keys or (computed and name != _AT)
    ]
    entity_rows = (
        entities.select(columns).with_row_index(_ROW).rename({at: _AT} if at != _AT else {})
    )
    is_ours = feast.config.offline_store.type in OFFLINE_STORES
    with one_snapshot(pins), _versions_readable(feast):
        job = feast.get_historical_features(
            entity_df=entity_rows if is_ours else entity_rows.to_pandas(),
            features=refs,
            full_feature_names=full_names,
        )
        joined: pl.DataFrame = (
            job.to_polars()
            if is_ours
            else _all_rows(entity_rows, pl.DataFrame(pl.from_arrow(job.to_arrow())))
        )
    names = [
        column_name(view, feature, full_names)
        for view, features in requested.items()
        for feature in features
    ]
    return entities.hstack(joined.select(exactly(name) for name in names))


@contextmanager
def _versions_readable(feast: FeatureStore) -> Iterator[None]:
    """Let Feast resolve `view@v2`. Its setting for this would also give each version a table in the
    online store.
    """
    registry = feast.registry
    before, registry.enable_online_versioning = registry.enable_online_versioning, True
    try:
        yield
    finally:
        registry.enable_online_versioning = before


def known_values(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    *,
    at: str,
    snapshots: dict[str, str | None],
) -> pl.DataFrame:
    """What stored views have of each entity row. See Features.known_values."""
    from .join import join_as_of

    joins = []
    for name, features in requested.items():
        source = views[name].source
        assert source is not None  # of a stored view
        with one_snapshot(snapshots):
            frame = scan(source, folder(project))
        time = source.time if source.time in features else ""
        columns = {feature: f"{name}:{feature}" for feature in features}
        frame, marker = (
            (frame.with_columns(exactly(time).alias(_MARK)), _MARK)
            if time
            else (frame, source.time)
        )
        joins.append(
            JoinView(
                name=name,
                frame=frame,
                keys={key.name: key.name for key in views[name].keys},
                features={**columns, marker: f"{name}:"},
                time=source.time,
                created=source.created,
                ttl=views[name].ttl,
                resolution=resolution_of(views[name].labels),
            )
        )
    names = [name for join in joins for name in join.features.values()]
    with feast_errors("The values could not be read.", "Write the sources again."):
        joined = join_as_of(entities.lazy(), joins, at=at).collect(engine="streaming")
    return joined[names]


def _all_rows(entity_rows: pl.DataFrame, joined: pl.DataFrame) -> pl.DataFrame:
    """Restore the order of the entity rows, which other stores do not keep. Raises Unavailable if a
    row was lost.
    """
    missing = entity_rows.height - joined[_ROW].n_unique()
    if missing:
        why = (
            "Feast's default store drops rows whose values are past their ttl (feast#6787); nulls"
            " in their place would hide wrong values."
        )
        fix = f"Take `offline_store` out of feature_store.yaml, or set its type to {OFFLINE_STORE}."
        raise Unavailable(
            f"The offline store returned {entity_rows.height - missing} of {entity_rows.height}"
            " rows.",
            why,
            fix,
        )
    return joined.sort(_ROW)


def record(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    snapshots: Mapping[str, str | None],
    entities: pl.DataFrame,
    *,
    at: str,
) -> None:
    """One lineage event: from the sources, views and features that were read to the job or notebook
    that read them. The window of the rows is kept beside it.
    """
    with telling("The training set is made"):
        project.lineage.record(
            "features.training_set",
            inputs=inputs_of(requested, views, snapshots),
            outputs=[actor(project)],
            facts={"rows": entities.height},
        )
        trained.keep(project, list(requested), trained.window_of(entities, at))


def source_ref(source: SourceSpec, snapshots: Mapping[str, str | None]) -> str:
    """The reference of a source at the snapshot that was read of it."""
    snapshot = source.snapshot or snapshots.get(key_of(source))
    return f"{source.ref}@{snapshot}" if snapshot else source.ref


def inputs_of(
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    snapshots: Mapping[str, str | None],
) -> list[str]:
    """References of what a training set is made from: sources, views, features. A source that views
    are computed from is one too.
    """
    sources = []
    for name in read_for(requested, views):
        source = views[name].source
        if source:
            sources.append(source_ref(source, snapshots))
    features = [
        reference("feature", views[view].view, feature)
        for view, names in requested.items()
        for feature in names
    ]
    return [*dict.fromkeys(sources), *(view_ref(name) for name in requested), *features]
