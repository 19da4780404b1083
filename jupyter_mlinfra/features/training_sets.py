"""Stored training sets: datasets that know what they were made from, to be made again and
compared.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict, NotFound
from ..core.frames import exactly
from ..core.records import MASK
from ..core.snippets import python, text
from .definitions import Definition, read_for
from .knowing import trained
from .knowing.masked import masked_features
from .knowing.spec import FeatureDifference, Rebuilt, TrainingSnapshot
from .repo import folder
from .sources import state_of
from .sources.pins import key_of
from .training import inputs_of
from .training_columns import column_name
from .training_lineage import columns_of

if TYPE_CHECKING:
    import polars as pl

    from ..catalog import Catalog
    from ..core.project import Project

RESTORED_FROM = "mlinfra.restored-from"
"""What the catalog says of a snapshot that has the rows of an earlier one."""

PROPERTY = "mlinfra.training"
"""Property of a snapshot: what its rows were made from, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a training set was made from. requested: features by view, as `view@v2` for a version.
    entities: columns of the entity rows. at: the one with their times. pins: snapshots that were
    read, by source; files: states of sources without snapshots. definitions: digests by view.
    """

    requested: Mapping[str, Sequence[str]]
    entities: Sequence[str]
    at: str
    full_names: bool
    pins: Mapping[str, str | None]
    files: Mapping[str, str | None]
    definitions: Mapping[str, str]
    rows: int
    first: str | None
    last: str | None

    @property
    def columns(self) -> dict[str, str]:
        """`view:feature` by the column that holds it."""
        return {
            column_name(view, feature, self.full_names): f"{view}:{feature}"
            for view, features in self.requested.items()
            for feature in features
        }


def recipe_of(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: pl.DataFrame,
    *,
    at: str,
    full_names: bool,
    pins: Mapping[str, str | None],
) -> Recipe:
    """What a training set of these entity rows, that was just made, was made from."""
    from .join import utc

    times = entities.select(utc(at, entities.schema[at]).alias("at"))["at"]
    first, last = times.min(), times.max()
    return Recipe(
        requested={name: list(features) for name, features in requested.items()},
        entities=entities.columns,
        at=at,
        full_names=full_names,
        pins=dict(pins),
        files=_files(project, requested, views, pins),
        definitions={name: views[name].digest for name in read_for(requested, views)},
        rows=entities.height,
        first=first.isoformat() if isinstance(first, datetime) else None,
        last=last.isoformat() if isinstance(last, datetime) else None,
    )


def _files(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    pins: Mapping[str, str | None],
) -> dict[str, str | None]:
    """The states of the sources that have no snapshots."""
    sources = [views[name].source for name in read_for(requested, views)]
    return {
        source.name: state_of(source, folder(project))
        for source in sources
        if source is not None and source.snapshot is None and key_of(source) not in pins
    }


def read_recipe(catalog: Catalog, name: str) -> Recipe:
    """That of a stored training set (`ns.table`, `ns.table@SNAPSHOT`), also if it was restored.
    Raises NotFound, Conflict if it is another dataset, or if other rows came since.
    """
    recipe = _kept(catalog, name)
    if recipe is None:
        raise _no_training_set(name, None if "@" in name else _last(catalog, name))
    return recipe


def _kept(catalog: Catalog, name: str) -> Recipe | None:
    """What the snapshot says, or the one that it was restored from. Raises NotFound."""
    properties = catalog.properties(name)
    if PROPERTY in properties:
        return Recipe(**json.loads(properties[PROPERTY]))
    if from_snapshot := properties.get(RESTORED_FROM):
        return read_recipe(catalog, f"{name.partition('@')[0]}@{from_snapshot}")
    return None


def _no_training_set(name: str, last: tuple[str, Recipe] | None) -> Conflict:
    return Conflict(
        f"{name} is no stored training set.",
        "Nothing says what its rows were made from.",
        f"{name}@{last[0]} is one: rows that came later are not of it."
        if last
        else "mlinfra features snapshot NAME --features VIEW:FEATURE --entities FILE stores one.",
    )


def _last(catalog: Catalog, table: str) -> tuple[str, Recipe] | None:
    """The newest snapshot of a dataset that is a training set; None if none is."""
    found = catalog.newest_with(table, PROPERTY)
    return (found[0], Recipe(**json.loads(found[1]))) if found else None


def check_name(catalog: Catalog, name: str, requested: Mapping[str, Sequence[str]]) -> None:
    """Raise Conflict if a dataset of that name is no training set of these features. One to which
    rows were added is still one: they stay in its history.
    """
    try:
        recipe = _kept(catalog, name)
    except NotFound:
        return
    if recipe is None:
        last = _last(catalog, name)
        if last is None:
            raise _no_training_set(name, None)
        recipe = last[1]
    if {view: list(features) for view, features in recipe.requested.items()} != dict(requested):
        raise Conflict(
            f"{name} has other features.",
            f"It was made from {', '.join(recipe.columns.values())}.",
            "Store this training set under another name.",
        )


def store(
    project: Project,
    catalog: Catalog,
    name: str,
    rows: pl.DataFrame,
    recipe: Recipe,
    views: Mapping[str, Definition],
    *,
    made_from: Sequence[str] = (),
    personal: Collection[str] = (),
) -> TrainingSnapshot:
    """Write the rows as the dataset `name`, in one commit. made_from: where the entity rows come
    from. personal: columns of these that are tagged `pii`. Columns of features that are tagged, and
    these, are tagged by that commit too.
    """
    tagged = {*personal, *hidden(project, recipe, views)}
    report = catalog.write(
        rows,
        into=name,
        mode="replace",
        inputs=[*made_from, *inputs_of(recipe.requested, views, recipe.pins)],
        properties={PROPERTY: json.dumps(asdict(recipe))},
        personal=tagged,
        columns=columns_of(recipe, views, made_from),
    )
    snapshot = str(report.snapshot)
    window = trained.window_of(rows, recipe.at)
    ref = catalog.show(name).dataset.ref
    trained.keep(project, list(recipe.requested), window, dataset=f"{ref}@{snapshot}")
    return _record(name, ref, snapshot, recipe)


def hidden(project: Project, recipe: Recipe, views: Mapping[str, Definition]) -> list[str]:
    """Columns whose values the sources hide."""
    repo = folder(project)
    masked = {view: masked_features(views[view], repo, views) for view in recipe.requested}
    return [
        *(
            column_name(view, feature, recipe.full_names)
            for view, features in recipe.requested.items()
            for feature in features
            if feature in masked[view]
        ),
        *(key for key in recipe.entities if any(key in names for names in masked.values())),
    ]


def _record(name: str, ref: str, snapshot: str, recipe: Recipe) -> TrainingSnapshot:
    pinned = f"{name}@{snapshot}"
    code = (
        f"store = ml.feature_store()\ntrain = store.rebuild({text(pinned)})\n"
        f"store.compare({text(pinned)})"
    )
    return TrainingSnapshot(
        dataset=name,
        ref=f"{ref}@{snapshot}",
        snapshot=snapshot,
        rows=recipe.rows,
        features=list(recipe.columns.values()),
        entities=recipe.entities,
        at=recipe.at,
        sources={**recipe.pins, **recipe.files},
        first=datetime.fromisoformat(recipe.first) if recipe.first else None,
        last=datetime.fromisoformat(recipe.last) if recipe.last else None,
        rebuild=python(code),
    )


def changes(project: Project, recipe: Recipe, views: Mapping[str, Definition]) -> list[str]:
    """What is not as it was when the training set was made, in words."""
    found = [
        f"The definition of {view} has changed."
        for view, digest in recipe.definitions.items()
        if view not in views or views[view].digest != digest
    ]
    now = _files(project, recipe.requested, views, recipe.pins)
    return found + [
        f"{name} has changed, and keeps no earlier state."
        for name, state in recipe.files.items()
        if state is not None and now.get(name) != state
    ]


def compared(
    name: str,
    snapshot: str,
    stored: pl.DataFrame,
    again: pl.DataFrame,
    recipe: Recipe,
    *,
    newest: bool,
    changed: Sequence[str],
    masked: Collection[str],
) -> Rebuilt:
    """How the rows that are stored differ from those that were made again, row by row."""
    features = {
        feature: difference
        for column, feature in recipe.columns.items()
        if (difference := _difference(stored, again, column, recipe, masked))
    }
    different = sum(item.different for item in features.values())
    return Rebuilt(
        dataset=name,
        snapshot=snapshot,
        rows=stored.height,
        compared=stored.height * len(recipe.columns),
        different=different,
        newest=newest,
        same=not different,
        features=features,
        changed=changed,
    )


def _difference(
    stored: pl.DataFrame,
    again: pl.DataFrame,
    column: str,
    recipe: Recipe,
    masked: Collection[str],
) -> FeatureDifference | None:
    before = stored[column].alias("")
    after = again[column].alias("").cast(before.dtype, strict=False)
    differs = before.ne_missing(after)
    count = int(differs.sum())
    if not count:
        return None
    place = int(differs.arg_max() or 0)
    entity = stored.select(exactly(name) for name in recipe.entities if name in stored.columns)
    named = ", ".join(
        f"{key}={MASK if key in masked else _short(value)}"
        for key, value in entity.row(place, named=True).items()
    )
    values = (MASK, MASK) if column in masked else (_short(before[place]), _short(after[place]))
    return FeatureDifference(
        different=count, example=f"{named[:200]}: stored {values[0]}, now {values[1]}"
    )


def _short(value: Any) -> str:
    return str(value)[:40] if isinstance(value, datetime) else repr(value)[:40]
