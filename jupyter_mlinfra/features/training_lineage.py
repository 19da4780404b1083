"""Of which columns those of a stored training set were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.lineage import Traced
from ..core.refs import reference
from .definitions import Definition, source_columns
from .pages import view_ref
from .training import inputs_of, source_ref
from .training_columns import column_name

if TYPE_CHECKING:
    from ..core.project import Project
    from .training_sets import Recipe


def origin_of(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    entities: Sequence[str],
    *,
    full_names: bool,
    pins: Mapping[str, str | None],
) -> Traced:
    """What the features of a training set come from that is not stored, and which of its columns
    hold personal data. entities: columns of the entity rows.
    """
    from .training_sets import Recipe, hidden

    recipe = Recipe(
        requested=requested,
        entities=entities,
        at="",
        full_names=full_names,
        pins=pins,
        files={},
        definitions={},
        rows=0,
        first=None,
        last=None,
    )
    return Traced(
        inputs_of(requested, views, pins),
        columns_of(recipe, views, ()),
        personal=frozenset(hidden(project, recipe, views)),
    )


def columns_of(
    recipe: Recipe, views: Mapping[str, Definition], made_from: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """By column, the inputs of the training set with their columns: of a feature its view, itself
    and the column of the source, unless code computes it. made_from: the dataset of the entity
    rows; of rows from elsewhere nothing is known.
    """
    found = {name: [(ref, name) for ref in made_from] for name in recipe.entities if made_from}
    for name, features in recipe.requested.items():
        view = views[name]
        read = source_columns(view)
        for feature in features:
            made = [
                (view_ref(name), feature),
                (reference("feature", view.view, feature), feature),
            ]
            if view.source is not None and feature in read:
                made.append((source_ref(view.source, recipe.pins), read[feature]))
            found[column_name(name, feature, recipe.full_names)] = made
    return found
