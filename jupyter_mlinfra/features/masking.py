"""Features that are made from columns with personal data, and who sees their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from .definitions import origins
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
    """Those of the features, as `view:feature`, whose values the viewer does not see: a column that
    they are made from is tagged `pii`. What he sees all the same is recorded first.

    requested: features by view. Raises Forbidden if the settings show masked values to nobody.
    """
    from .sources.datasets import catalog_of

    found = set[str]()
    for view, names in requested.items():
        for origin in origins(views[view], views):
            source = origin.source
            if source.kind != "dataset":
                continue
            catalog = catalog_of(source, folder(project))
            try:
                there = [column.name for column in catalog.show(source.name).schema]
                read = [column for column in there if set(origin.of(column)) & set(names)]
                masked = catalog.hidden(source.name, read, reveal, verb=verb)
            except NotFound:  # its values may be online although it is gone
                continue
            found |= {
                f"{view}:{name}" for column in masked for name in origin.of(column) if name in names
            }
    return frozenset(found)
