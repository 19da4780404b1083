"""Which columns hold personal data, for modules that do not have the tables at hand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import MLInfraError, NotFound
from . import metadata as records
from .names import DatasetName
from .registrations import Registrations
from .store import CatalogStore
from .stores.listing import CatalogEntry

if TYPE_CHECKING:
    from ..core.project import Project


def personal(project: Project, dataset: str) -> frozenset[str] | None:
    """The columns tagged `pii`, by `namespace.table`, also of a table in place; None if there is
    none of that name.
    """
    return personal_columns(project, [dataset]).get(dataset)


def any_personal(project: Project) -> bool:
    """Whether a column of any dataset is tagged `pii`, or may be: its tags cannot be read."""
    store = CatalogStore(project)
    try:
        return any(item.personal for item in Registrations(project).all()) or any(
            records.masked(DatasetName(entry.namespace, entry.table), store.metadata(entry))
            for entry in store.entries()
        )
    except MLInfraError:
        return True


def deleted_columns(project: Project, datasets: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The columns of each of these that were tagged `pii` when a dataset of that name was deleted,
    and of which nobody took the tag off since. Raises Unavailable.
    """
    found = dict[str, frozenset[str]]()
    query = "SELECT * FROM catalog_audit WHERE verb IN ('delete', 'untag') ORDER BY id"
    with project.database.read() as connection:
        rows = connection.execute(query).fetchall()
    for row in rows:
        if (name := row["dataset"]) in datasets:
            known, columns = found.get(name, frozenset()), frozenset(json.loads(row["columns"]))
            found[name] = known | columns if row["verb"] == "delete" else known - columns
    return found


def personal_columns(
    project: Project, datasets: Collection[str], *, dropped: bool = False
) -> Mapping[str, frozenset[str]]:
    """The columns tagged `pii` of each of these that exists. dropped: also those that it had once,
    for what keeps values of earlier states. Raises as reading metadata.
    """
    store, registrations = CatalogStore(project), Registrations(project)
    found = dict[str, frozenset[str]]()
    for dataset in datasets:
        name = DatasetName.of(dataset)
        try:
            metadata = store.metadata(store.entry(name))
            found[dataset] = records.masked(name, metadata)
            if dropped:
                found[dataset] |= _ever(project, name, metadata)
        except NotFound:
            if (registered := registrations.get(name)) is not None:
                found[dataset] = registered.personal
    return found


def personal_before(project: Project, store: CatalogStore, name: DatasetName) -> frozenset[str]:
    """The columns tagged `pii` of a dataset whose metadata is damaged, as the newest of its earlier
    metadata files has them that can be read; empty if there is none. Raises as listing the folder.
    """
    from .care.files import listed

    folder = (store.entry(name).metadata or "").rpartition("/")[0]
    files = [file for file in listed(store, folder) if file.path.endswith(".metadata.json")]
    for file in sorted(files, key=lambda file: file.at, reverse=True):
        with contextlib.suppress(MLInfraError):
            metadata = store.metadata(CatalogEntry(name.namespace, name.table, file.path))
            return records.masked(name, metadata) | _ever(project, name, metadata)
    return frozenset()


def _ever(project: Project, name: DatasetName, metadata: Mapping[str, Any]) -> frozenset[str]:
    """The columns of all schemas with the tag, but for those that have lost it since."""
    present = {field["name"] for field in records.fields(name, metadata)}
    return records.ever_masked(metadata) - (present & _untagged(project, name.text))


def _untagged(project: Project, dataset: str) -> frozenset[str]:
    """The columns of a dataset of which somebody took the tag off."""
    query = "SELECT columns FROM catalog_audit WHERE verb = 'untag' AND dataset = ?"
    with project.database.read() as connection:
        rows = connection.execute(query, (dataset,)).fetchall()
    return frozenset(column for row in rows for column in json.loads(row["columns"]))
