"""Views that are applied as they are written: their source is not there, or they do not fit it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, NotFound, Unavailable
from .checking import arrow_columns, check_name, transforms
from .leaving_out import views_of

if TYPE_CHECKING:
    from feast import Entity, FeatureView, RepoConfig
    from feast.data_source import DataSource
    from feast.labeling import LabelView
    from feast.repo_contents import RepoContents


def as_written(
    broken: Mapping[str, MLInfraError],
    contents: RepoContents,
    config: RepoConfig,
    *,
    held: Collection[str],
) -> dict[str, MLInfraError]:
    """Of the views that `broken_views` named, those that are applied as they are written, as Feast
    does, because it needs nothing of their source: that is not there, or not reached, or they do
    not fit it. held: views that fitted when they were applied last; they are not replaced by one
    that does not fit.
    """
    entities = {entity.name: entity for entity in contents.entities}
    return {
        view.name: broken[view.name]
        for view in sorted(views_of(contents), key=lambda view: str(view.name))
        if view.name in broken
        and _says_all(view, entities, config)
        and _can_have_its_name(view, config)
        and (view.name not in held or _is_away(broken[view.name], view.batch_source))
    }


def _can_have_its_name(view: FeatureView | LabelView, config: RepoConfig) -> bool:
    try:
        check_name(view, config)
    except MLInfraError:
        return False
    return True


def _is_away(error: MLInfraError, source: DataSource) -> bool:
    """Whether a source is not there or not reached, rather than one that a view does not fit."""
    from .dataset_source import spec_of
    from .sources.storage import is_remote

    reason = error.__cause__.__cause__ if error.__cause__ else None
    remote = is_remote(spec_of(source.to_proto()).name)
    unreached = remote and isinstance(reason, Exception)
    return isinstance(error, NotFound | Unavailable) or unreached


def _says_all(
    view: FeatureView | LabelView, entities: Mapping[str, Entity], config: RepoConfig
) -> bool:
    """Whether Feast needs nothing of the source of a view, or finds there what it needs: its
    features, the types of its keys and the time are known. Not so for datasets, which Feast does
    not know and are in the catalog first, nor for what is computed.

    Source: `feast.inference.update_feature_views_with_inferred_features_and_entities`.
    """
    from feast.value_type import ValueType

    from .dataset_source import spec_of

    if getattr(view, "batch_source", None) is None:
        return False
    if transforms(view) or getattr(view, "aggregations", None):
        return False
    if spec_of(view.batch_source.to_proto()).kind == "dataset":
        return False
    if not (view.features and view.batch_source.timestamp_field):
        return False
    if not all(name in entities for name in view.entities):
        return False
    named = {field.name for field in view.schema}
    keys = [entities[name] for name in view.entities]
    untyped = {key.join_key for key in keys if key.value_type == ValueType.UNKNOWN} - named
    return not untyped or untyped <= _typed_columns(view.batch_source, config)


def _typed_columns(source: DataSource, config: RepoConfig) -> set[str]:
    """The columns of a source, under its own names, that have a type of Feast; none if it cannot be
    read.
    """
    from feast.types import from_value_type

    from .dataset_source import spec_of
    from .sources import readable

    found = set()
    translate = source.source_datatype_to_feast_value_type()
    with contextlib.suppress(MLInfraError), readable(spec_of(source.to_proto())):
        for column, arrow_type in arrow_columns(source, config):
            with contextlib.suppress(KeyError, ValueError):
                from_value_type(translate(arrow_type))
                found.add(column)
    return found
