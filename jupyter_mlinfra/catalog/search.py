"""The catalog in the search: every dataset and every column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..core.display import number
from ..core.errors import MLInfraError
from ..core.refs import reference
from ..core.search import Document
from . import metadata as records
from .names import DatasetName
from .registrations import Registered
from .store import CatalogStore
from .stores.listing import CatalogEntry


def documents(store: CatalogStore) -> Iterator[Document]:
    """Every dataset and every column. A table that cannot be read, or not by its name, is found by
    its name.
    """
    for entry in store.entries():
        try:
            yield from _documents(entry, store.metadata(entry))
        except MLInfraError as error:
            yield Document(
                ref=reference("dataset", entry.name),
                kind="dataset",
                name=entry.name,
                detail=error.what,
            )


def registered_documents(items: Iterable[Registered]) -> Iterator[Document]:
    """What is registered in place, and its columns as they were then."""
    for item in items:
        yield Document(
            ref=item.name.ref,
            kind="dataset",
            name=item.name.text,
            text=" ".join([*item.columns, item.location]),
            detail=f"{item.kind} in place, {len(item.columns)} columns",
        )
        for name, dtype in item.columns.items():
            yield Document(
                ref=reference("column", item.name.text, name),
                kind="column",
                name=name,
                text="",
                detail=f"{dtype} · {item.name.text}",
            )


def _documents(entry: CatalogEntry, metadata: Mapping[str, Any]) -> Iterator[Document]:
    name = DatasetName(entry.namespace, entry.table)
    dataset, columns = records.dataset(name, metadata), records.columns(name, metadata)
    text = " ".join(
        [*(column.name for column in columns), *dataset.tags, dataset.owner, dataset.description]
    )
    yield Document(
        ref=name.ref,
        kind="dataset",
        name=name.text,
        text=text,
        detail=f"{number(dataset.rows)} rows, {dataset.columns} columns",
    )
    for column in columns:
        yield Document(
            ref=reference("column", name.text, column.name),
            kind="column",
            name=column.name,
            text=column.doc,
            detail=f"{column.type} · {name.text}",
        )
