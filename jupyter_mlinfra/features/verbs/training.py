"""The verbs that join features to rows of entities, each as of its time."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ...core.errors import BadRequest, MLInfraError
from ...core.frames import exactly, lazy_frame, polars_frame
from ...core.records import MASK
from ...core.viewer import Reveal
from ..repo import folder
from ..snippets import training_code
from .base import FeatureVerbs

if TYPE_CHECKING:
    import polars as pl

    from ...catalog import Catalog
    from ...core.frames import Frame
    from ...core.lineage import Traced
    from ..definitions import Definition
    from ..knowing.spec import Rebuilt, TrainingSnapshot
    from ..lazily import TrainingSet
    from ..training_sets import Recipe


class TrainingVerbs(FeatureVerbs):
    """Features as they were known at a time; a base of `Features`."""

    def training_set(
        self,
        features: Sequence[str],
        entities: Frame,
        *,
        at: str = "event_timestamp",
        full_names: bool = False,
    ) -> pl.DataFrame:
        """`entities` as a Polars frame, and for each row the features as they were known at its
        time: rows, order and columns are kept.

        features: `view:feature`, `view:*`, `view@v2:feature` for a version, or `service:NAME`. at:
        time or date column; without a zone it is UTC.
        full_names: call them `view__feature`. The rule of the join is stated in `join.py`. Every
        dataset is read at one snapshot, which lineage records. Raises NotFound for an unknown
        feature, BadRequest if a column is missing, has a wrong type, or would appear twice.
        """
        from ..training import training_set

        requested = self._requested(features)
        views = self._definitions(requested)
        _warn_of_deprecated([views[name] for name in requested])
        return training_set(
            self._project,
            self.feast(),
            requested,
            views,
            entities,
            at=at,
            full_names=full_names,
        )

    def known_values(
        self,
        features: Sequence[str],
        entities: pl.DataFrame,
        *,
        at: str,
        snapshots: dict[str, str | None],
    ) -> pl.DataFrame:
        """What stored views have of each entity row at its time, by the same rule as training sets:
        columns `view:feature`, and `view:` for the time of the row that was found, null for none.

        at: see `training_set`. snapshots: those at which datasets are read, to which new ones are
        added, so that a later call reads the same. Raises as `training_set`, and BadRequest for a
        view whose values Feast computes.
        """
        from ..training import known_values

        requested = self._requested(features)
        views = self._definitions(requested)
        for name in requested:
            if not views[name].stored:
                raise BadRequest(
                    f"{name} has no stored history.",
                    "Feast computes its values.",
                    f"Write them into a dataset, and let {name} read that.",
                )
        return known_values(self._project, requested, views, entities, at=at, snapshots=snapshots)

    def train(
        self,
        features: Sequence[str],
        entities: Frame,
        *,
        at: str = "event_timestamp",
        full_names: bool = False,
    ) -> TrainingSet:
        """As `training_set`, lazily: a Polars lazy frame whose rows are made when they are
        collected. However often that is, sources are read as they were the first time.

        `.snapshot(name)` stores it. Raises as `training_set`, before anything is read.
        """
        import polars as pl

        from ..lazily import TrainingSet
        from ..training import join, record
        from ..training_columns import check, declared_types, feature_types
        from ..training_lineage import origin_of

        requested = self._requested(features)
        views = self._definitions(requested)
        _warn_of_deprecated([views[name] for name in requested])
        data = lazy_frame(entities, "A training set cannot be made.")
        schema = dict(data.collect_schema())
        check(self._project, requested, views, schema, at, full_names)
        pins: dict[str, str | None] = {}
        made: list[pl.DataFrame] = []

        def rows() -> pl.DataFrame:
            known = data.collect()
            joined = join(
                self.feast(), requested, views, known, at=at, full_names=full_names, pins=pins
            )
            record(self._project, requested, views, pins, known, at=at)
            return joined

        def once() -> pl.DataFrame:
            if not made:
                made.append(rows())
            return made[0]

        def store(name: str) -> TrainingSnapshot:
            return self.snapshot(
                name, features, data.collect(), at=at, full_names=full_names, pins=pins
            )

        def told() -> tuple[pl.LazyFrame, Traced]:
            of = (self._project, requested, views, [*schema])
            return data, origin_of(*of, full_names=full_names, pins=pins)

        types = feature_types(self._project, requested, views, full_names)
        if types is None:  # only the rows tell their types

            def columns() -> pl.Schema:
                try:
                    return once().schema
                except MLInfraError:  # Polars would hide it here; whoever reads the rows gets it
                    declared = declared_types(requested, views, full_names)
                    return pl.Schema({**schema, **declared})

            return TrainingSet.of(once, columns, store, told)
        return TrainingSet.of(rows, {**schema, **types}, store, told)

    def snapshot(
        self,
        name: str,
        features: Sequence[str],
        entities: Frame | str,
        *,
        at: str = "event_timestamp",
        full_names: bool = False,
        pins: dict[str, str | None] | None = None,
    ) -> TrainingSnapshot:
        """Make a training set and store it as the dataset `name` (`namespace.table`), with the
        snapshots and definitions that it came from: one commit, or nothing. A training set of that
        name gets one more snapshot; its earlier ones stay readable.

        entities: a frame, or the name of a dataset. pins: snapshots at which sources are read.
        Raises as `training_set`, and Conflict if the dataset is something else.
        """
        from .. import training_sets as stored
        from ..training_columns import check

        requested = self._requested(features)
        views = self._definitions(requested)
        _warn_of_deprecated([views[name] for name in requested])
        catalog = self._catalog()
        stored.check_name(catalog, name, requested)
        made_from, asked = [], entities
        if isinstance(entities, str):
            table = catalog.dataset(entities)
            made_from, entities = [table.ref], table.scan()
        rows = polars_frame(entities, "A training set cannot be made.")
        check(self._project, requested, views, rows.schema, at, full_names)
        personal = frozenset[str]()
        if isinstance(asked, str):
            personal = frozenset(catalog.hidden(asked, rows.columns, False, verb="features"))
        pins = {} if pins is None else pins
        joined = self._joined(
            requested, rows, at=at, full_names=full_names, pins=pins, personal=personal
        )
        recipe = stored.recipe_of(
            self._project, requested, views, rows, at=at, full_names=full_names, pins=pins
        )
        return stored.store(
            self._project,
            catalog,
            name,
            joined,
            recipe,
            views,
            made_from=made_from,
            personal=personal,
        )

    def rebuild(self, name: str, *, newest: bool = False) -> pl.DataFrame:
        """The rows of a stored training set (`ns.table`, `ns.table@SNAPSHOT`), made again from the
        snapshots that were read then, or with `newest` from the sources as they are now.

        Warns if a definition, or a source that keeps no earlier states, has changed since. Raises
        NotFound if a snapshot is gone, Conflict if the dataset is no training set.
        """
        from .. import training_sets as stored

        recipe, _, rows = self._again(name, newest)
        views = self._definitions(recipe.requested)
        if not newest and (changed := stored.changes(self._project, recipe, views)):
            warnings.warn(f"{name} is not made again as it was. {' '.join(changed)}", stacklevel=3)
        return rows

    def compare_snapshot(
        self, name: str, *, newest: bool = False, reveal: Reveal = False
    ) -> Rebuilt:
        """How a stored training set differs from itself made again (see `rebuild`). reveal: who
        sees values that are tagged `pii` in the examples, which is recorded. Raises Forbidden if
        the settings show them to nobody.
        """
        from .. import training_sets as stored

        recipe, before, after = self._again(name, newest)
        catalog = self._catalog()
        detail = catalog.show(name)
        return stored.compared(
            detail.dataset.name,
            detail.dataset.snapshot or "",
            before,
            after,
            recipe,
            newest=newest,
            changed=stored.changes(self._project, recipe, self._definitions(recipe.requested)),
            masked=self._unseen_columns(catalog, name, recipe, reveal),
        )

    def _unseen_columns(
        self, catalog: Catalog, name: str, recipe: Recipe, reveal: Reveal
    ) -> frozenset[str]:
        """The columns of a stored training set that are masked there, or where it is made from: a
        column may have been tagged since.
        """
        from .. import training_sets as stored
        from ..knowing.masked import is_pii
        from ..masking import hidden_of

        verb, schema = "features snapshot", catalog.show(name).schema
        here = {column.name for column in schema if is_pii(column.tags)}
        left = frozenset(catalog.hidden(name, sorted(here), reveal, verb=verb))
        views = {**self._views(), **self._definitions(recipe.requested)}
        since = {*stored.hidden(self._project, recipe, views)} - here
        if since and reveal:
            for view in recipe.requested:
                hidden_of(self._project, views[view], views, reveal, verb=verb)
            return left
        return left | since

    def _again(self, name: str, newest: bool) -> tuple[Recipe, pl.DataFrame, pl.DataFrame]:
        from .. import training_sets as stored

        catalog = self._catalog()
        recipe = stored.read_recipe(catalog, name)
        before = catalog.dataset(name).scan().collect()
        after = self._joined(
            recipe.requested,
            before.select(map(exactly, recipe.entities)),
            at=recipe.at,
            full_names=recipe.full_names,
            pins={} if newest else dict(recipe.pins),
            personal=catalog.hidden(name, recipe.entities, False, verb="features"),
        )
        return recipe, before, after

    def _joined(
        self,
        requested: Mapping[str, Sequence[str]],
        entities: pl.DataFrame,
        *,
        at: str,
        full_names: bool,
        pins: dict[str, str | None],
        personal: Collection[str],
    ) -> pl.DataFrame:
        """As `training.join`, for verbs that are jobs too: the code of a view may fail with a text
        that quotes masked values, and others read the log. personal: masked columns of `entities`.
        """
        from ..knowing.masked import masked_features
        from ..training import join

        views, repo = self._definitions(requested), folder(self._project)
        masked = personal or any(masked_features(views[name], repo, views) for name in requested)
        return join(
            self.feast(),
            requested,
            views,
            entities,
            at=at,
            full_names=full_names,
            pins=pins,
            telling=not masked,
        )

    def _catalog(self) -> Catalog:
        from ...catalog import Catalog

        return Catalog(self._project)

    def examples(
        self, features: Sequence[str], count: int = 5, *, reveal: Reveal = False
    ) -> pl.DataFrame:
        """Some entity rows to try a training set with: keys of each view, each at a time at which
        most of the features have values, the newest first. Not a random sample. Keys whose column
        is tagged `pii` are masked.

        reveal: who sees them too, which is recorded. Raises Forbidden if the settings do not allow
        it.
        """
        import polars as pl

        from ..masking import hidden_keys

        views = self._definitions(self._requested(features))
        masked = hidden_keys(self._project, views, reveal, verb="features examples")
        rows = self.example_entities(features, count)
        hidden = [name for name in rows.columns if name in masked]
        return rows.with_columns(pl.lit(MASK).alias(name) for name in hidden)

    def example_entities(
        self, features: Sequence[str], count: int = 5, *, gaps: bool = False
    ) -> pl.DataFrame:
        """As `examples`, for a process that asks for features of these rows and shows nobody their
        keys, which are never masked.

        gaps: after them also rows for which fewer features have values.
        """
        from ..samples import examples

        requested = self._requested(features)
        views = self._definitions(requested)
        return examples(self._project, requested, views, count, gaps=gaps)

    def use(self, features: Sequence[str]) -> str:
        """Python code for a training set of these features. Raises NotFound."""
        return training_code(
            list(features), [self._view(name) for name in self._requested(features)]
        )


def _warn_of_deprecated(views: Sequence[Definition]) -> None:
    """Warn where the verb was called through `ml.features`."""
    for view in views:
        if view.deprecated is not None:
            note = f": {view.deprecated}" if view.deprecated else "."
            warnings.warn(f"The view {view.name} is deprecated{note}", stacklevel=4)
