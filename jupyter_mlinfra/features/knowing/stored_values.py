"""The values of a view in the last stored training set: what is told of a view whose code is not
run.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import Forbidden, MLInfraError
from ...core.refs import named
from ..definitions import Definition, split_version
from .spec import TrainingWindow

if TYPE_CHECKING:
    from ...catalog import Profile
    from ...core.project import Project
    from ...core.viewer import Reveal


def stored_profile(
    project: Project,
    view: Definition,
    window: TrainingWindow | None,
    masked: Collection[str],
    reveal: Reveal,
) -> tuple[Profile | None, str]:
    """The profile of the features in the last stored training set that has them, and what it is of
    in words; None, and why, without one. masked: features of which no value is told. reveal: who
    sees those that are masked in the training set too, which is recorded.
    """
    from ...catalog import Catalog, without_values
    from ..training_columns import column_name
    from ..training_sets import read_recipe

    if window is None or not window.dataset:
        return None, "No stored training set has its values."
    name, catalog = named(window.dataset, "dataset"), Catalog(project)
    try:
        recipe = read_recipe(catalog, name)
        columns = {
            column_name(asked, feature, recipe.full_names): feature
            for asked, features in recipe.requested.items()
            if split_version(asked)[0] == view.view
            for feature in features
        }
        found = catalog.profile(
            name, columns=list(columns), reveal=reveal, verb="features statistics"
        )
    except Forbidden:
        raise
    except MLInfraError as error:
        return None, f"The training set {name} cannot be read: {error.what}"
    told = {columns[column]: item for column, item in found.columns.items()}
    there = {item.name: told[item.name] for item in view.features if item.name in told}
    words = f"the training set {name.partition('@')[0]} of {window.made_at:%Y-%m-%d %H:%M} UTC"
    return replace(found, columns=without_values(there, masked)), words
