"""Features whose values are not shown, because a column that they are made from is tagged `pii`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import MLInfraError
from ..definitions import Definition, origins

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
            for column in catalog_of(source, repo).show(source.name).schema:
                if is_pii(column.tags):
                    found.update(origin.of(column.name))
                    if source is view.source:
                        found.add(source.mapping.get(column.name, column.name))
    except (MLInfraError, KeyError):
        return frozenset(column.name for column in [*view.features, *view.keys])
    return frozenset(found)


def is_pii(tags: Sequence[str]) -> bool:
    """Whether a column with these tags holds personal data."""
    return any(tag.casefold() == _PII for tag in tags)
