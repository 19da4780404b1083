"""Features and keys that are made from columns with personal data, and who sees their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from .definitions import origins
from .knowing.masked import masked_features, names_of
from .repo import folder

if TYPE_CHECKING:
    from ..core.project import Project
    from ..core.viewer import Reveal
    from .definitions import Definition


def hidden_of(
    project: Project,
    view: Definition,
    views: Mapping[str, Definition],
    reveal: Reveal,
    *,
    verb: str,
) -> frozenset[str]:
    """The features and keys of a view whose values the viewer does not see; all, if the tags cannot
    be read. What he sees although it is tagged `pii` is recorded first, as shown by `verb`. views:
    all there are. Raises Forbidden if the settings show masked values to nobody.
    """
    from .sources.datasets import catalog_of

    repo = folder(project)
    masked = masked_features(view, repo, views)
    if not reveal:
        return masked
    shown = {column.name for column in [*view.features, *view.keys]} & masked
    left = set[str]()
    try:
        for origin in origins(view, views):
            if origin.source.kind != "dataset":
                continue
            catalog = catalog_of(origin.source, repo)
            there = sorted(catalog.personal(origin.source.name))
            read = [column for column in there if names_of(view, origin, column) & shown]
            for column in catalog.hidden(origin.source.name, read, reveal, verb=verb):
                left |= names_of(view, origin, column)
    except (NotFound, KeyError):
        return masked
    return frozenset(left)


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
                there = sorted(catalog.personal(source.name))
                read = [column for column in there if set(origin.of(column)) & set(names)]
                masked = catalog.hidden(source.name, read, reveal, verb=verb)
            except NotFound:  # it is gone, and had no such column when it was deleted
                continue
            found |= {
                f"{view}:{name}" for column in masked for name in origin.of(column) if name in names
            }
    return frozenset(found)


def hidden_keys(
    project: Project, views: Mapping[str, Definition], reveal: Reveal, *, verb: str
) -> frozenset[str]:
    """Those of the keys of these views whose values the viewer does not see: in a dataset that one
    of them reads, the column is tagged `pii`. Records and raises as `hidden`.
    """
    from .sources.datasets import catalog_of

    found = set[str]()
    for view in views.values():
        if (source := view.source) is None or source.kind != "dataset":
            continue
        names = {key.name for key in view.keys}
        catalog = catalog_of(source, folder(project))
        try:
            there = sorted(catalog.personal(source.name))
            read = [name for name in there if source.mapping.get(name, name) in names]
            masked = catalog.hidden(source.name, read, reveal, verb=verb)
        except NotFound:  # then there are no rows of it either
            continue
        found |= {source.mapping.get(name, name) for name in masked}
    return frozenset(found)
