"""The catalog in the search: every dataset and every column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..core.display import number
from ..core.errors import MLInfraError, Unavailable
from ..core.refs import reference
from ..core.search import Document, Part
from . import metadata as records
from .names import DatasetName
from .registrations import Registered
from .spec import Column, Dataset
from .store import CatalogStore
from .stores.listing import CatalogEntry

_MOST_FAILURES = 20
"""Tables in a row whose storage does not answer, after which no further one is asked for."""


def read(store: CatalogStore, names: Sequence[str]) -> Iterator[Part]:
    """The documents of these datasets. One that cannot be read is found by its name.

    Raises Unavailable if the storage does not answer at all.
    """
    entries = {entry.name: entry for entry in store.entries()}
    failures = 0
    for name in names:
        if (entry := entries.get(name)) is None:
            continue
        try:
            part = _part(entry, store)
        except Unavailable as error:
            failures += not isinstance(error.__cause__, FileNotFoundError)
            if failures == _MOST_FAILURES:
                raise
            part = _nameless(entry, error)
        else:
            failures = 0
        yield part


def read_registered(items: Iterable[Registered]) -> Iterator[Part]:
    """What is registered in place, and its columns as they were then."""
    for item in items:
        said = item.said
        shared = {"namespace": (item.name.namespace,), "owner": (said.owner,), "tag": said.tags}
        of_columns = [tag for labels in item.of_columns.values() for tag in labels.tags]
        tags = list(dict.fromkeys([*said.tags, *of_columns]))
        words = [*item.columns, item.location, *tags, said.owner, said.description]
        whole = Document(
            ref=item.name.ref,
            kind="dataset",
            name=item.name.text,
            text=" ".join(words),
            detail=f"{item.kind} in place, {len(item.columns)} columns",
            facets=shared | {"tag": tags},
        )
        columns = [
            Document(
                ref=reference("column", item.name.text, name),
                kind="column",
                name=name,
                text=" ".join([*labels.tags, labels.description]),
                detail=f"{dtype} · {item.name.text}",
                facets=shared | {"tag": [*said.tags, *labels.tags]},
            )
            for name, dtype in item.columns.items()
            for labels in [item.labels(name)]
        ]
        yield Part(name=item.name.text, documents=[whole, *columns])


def _part(entry: CatalogEntry, store: CatalogStore) -> Part:
    """Raises Unavailable if its metadata file cannot be had."""
    name = DatasetName(entry.namespace, entry.table)
    try:
        return Part(name=entry.name, documents=list(_documents(name, store.metadata(entry))))
    except Unavailable:
        raise
    except MLInfraError as error:
        return _nameless(entry, error)


def _nameless(entry: CatalogEntry, error: MLInfraError) -> Part:
    """What is known of a table without its metadata."""
    document = Document(
        ref=reference("dataset", entry.name),
        kind="dataset",
        name=entry.name,
        detail=error.what,
        facets={"namespace": (entry.namespace,)},
    )
    return Part(name=entry.name, documents=[document], doubtful=True)


def _documents(name: DatasetName, metadata: Mapping[str, Any]) -> Iterator[Document]:
    dataset, columns = records.dataset(name, metadata), records.columns(name, metadata)
    yield _document(dataset, columns)
    shared = {"namespace": (name.namespace,), "owner": (dataset.owner,), "tag": dataset.tags}
    for column in columns:
        yield Document(
            ref=reference("column", name.text, column.name),
            kind="column",
            name=column.name,
            text=" ".join([*column.tags, column.doc]),
            detail=f"{column.type} · {name.text}",
            facets=shared | {"tag": [*dataset.tags, *column.tags]} if column.tags else shared,
        )


def _document(dataset: Dataset, columns: Sequence[Column]) -> Document:
    """A dataset is found by the tags of its columns too."""
    tags = dict.fromkeys([*dataset.tags, *(tag for column in columns for tag in column.tags)])
    names = [column.name for column in columns]
    return Document(
        ref=dataset.ref,
        kind="dataset",
        name=dataset.name,
        text=" ".join([*names, *tags, dataset.owner, dataset.description]),
        detail=f"{number(dataset.rows)} rows, {dataset.columns} columns",
        facets={
            "namespace": (dataset.namespace,),
            "owner": (dataset.owner,),
            "tag": list(tags),
        },
    )
