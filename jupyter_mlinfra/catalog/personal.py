"""Which columns of a dataset hold personal data, for modules that do not have its table at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import NotFound
from . import metadata as records
from .names import DatasetName
from .store import CatalogStore

if TYPE_CHECKING:
    from ..core.project import Project


def personal(project: Project, dataset: str) -> frozenset[str] | None:
    """The columns tagged `pii`, by `namespace.table`; None if there is no such dataset."""
    store, name = CatalogStore(project), DatasetName.of(dataset)
    try:
        return records.masked(name, store.metadata(store.entry(name)))
    except NotFound:
        return None
