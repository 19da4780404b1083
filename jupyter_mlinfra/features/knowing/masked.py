"""Features whose values are not shown, because their column of a dataset is tagged `pii`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core.errors import MLInfraError
from ..definitions import Definition

_PII = "pii"


def masked_features(view: Definition, repo: Path) -> frozenset[str]:
    """Features and keys of a view whose column is tagged `pii` in the dataset that it reads; none
    for other sources, and for one that cannot be read.
    """
    source = view.source
    if source is None or source.kind != "dataset":
        return frozenset()
    from ..sources.datasets import catalog_of

    try:
        columns = catalog_of(source, repo).show(source.name).schema
    except MLInfraError:
        return frozenset()
    mapping = dict(source.mapping)
    return frozenset(
        mapping.get(column.name, column.name) for column in columns if is_pii(column.tags)
    )


def is_pii(tags: Sequence[str]) -> bool:
    """Whether a column with these tags holds personal data."""
    return any(tag.casefold() == _PII for tag in tags)
