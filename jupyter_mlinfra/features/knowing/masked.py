"""Features whose values are not shown, because a column that they are made from is tagged `pii`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import MLInfraError
from ..definitions import Definition, Origin, origins

_PII = "pii"


def masked_features(
    view: Definition, repo: Path, views: Mapping[str, Definition]
) -> frozenset[str]:
    """Features and keys of a view that come from a column tagged `pii` in the dataset that it, or a
    view that it is computed from, reads; none for other sources. All, if the tags cannot be read.
    views: where those views are.
    """
    from ..sources.datasets import catalog_of

    found = set[str]()
    try:
        for origin in origins(view, views):
            source = origin.source
            if source.kind != "dataset":
                continue
            # A column that the dataset had once may have values online.
            for column in catalog_of(source, repo).personal(source.name):
                found.update(names_of(view, origin, column))
    except (MLInfraError, KeyError):
        return frozenset(column.name for column in [*view.features, *view.keys])
    return frozenset(found)


def names_of(view: Definition, origin: Origin, column: str) -> frozenset[str]:
    """What a column of an origin of a view becomes in it: features, and perhaps a key."""
    own = [origin.source.mapping.get(column, column)] if origin.source is view.source else []
    return frozenset([*origin.of(column), *own])


def is_pii(tags: Sequence[str]) -> bool:
    """Whether a column with these tags holds personal data."""
    return any(tag.casefold() == _PII for tag in tags)
