"""Features that are made from columns with personal data, and who sees their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from .repo import folder

if TYPE_CHECKING:
    from ..core.project import Project
    from ..core.viewer import Reveal
    from .definitions import Definition


def hidden(
    project: Project,
    requested: Mapping[str, Sequence[str]],
    views: Mapping[str, Definition],
    reveal: Reveal,
    *,
    verb: str,
) -> frozenset[str]:
    """Those of the features, as `view:feature`, whose values the viewer does not see: their column
    in a dataset is tagged `pii`. What he sees all the same is recorded first.

    requested: features by view. Raises Forbidden if the settings show masked values to nobody.
    """
    from .sources.datasets import catalog_of

    found = set[str]()
    for view, names in requested.items():
        source = views[view].source
        if source is None or source.kind != "dataset":
            continue
        columns = {named: column for column, named in source.mapping.items()}
        by_column = {columns.get(name, name): f"{view}:{name}" for name in names}
        catalog = catalog_of(source, folder(project))
        try:
            masked = catalog.hidden(source.name, list(by_column), reveal, verb=verb)
        except NotFound:  # its values may be online although it is gone
            continue
        found |= {by_column[column] for column in masked}
    return frozenset(found)
