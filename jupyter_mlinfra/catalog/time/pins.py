"""Who reads a certain snapshot of a dataset, so that it must stay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.refs import reference
from ..metadata import Metadata
from ..names import DatasetName

if TYPE_CHECKING:
    from ...core.project import Project
    from ..store import CatalogStore

TRAINING = "mlinfra.training"
"""Property of a snapshot that was made from others, so that it can be made again: JSON, with `pins`
as `{"NAMESPACE.TABLE": "SNAPSHOT"}`.
"""


def users_of(
    name: DatasetName, project: Project, store: CatalogStore
) -> Mapping[int, dict[str, None]]:
    """The references of what was made from each snapshot of a dataset, as lineage and the training
    sets say. A dataset that is gone, and the dataset itself, do not count.
    """
    users = dict[int, dict[str, None]]()
    existing = {reference("dataset", entry.name) for entry in store.entries()}
    for edge in project.lineage.edges():
        source, _, at = edge.input.partition("@")
        user = edge.output.partition("@")[0]
        if source != name.ref or user == name.ref:
            continue
        if user.startswith("dataset:") and user not in existing:
            continue
        _note(users, at, edge.output)
    for ref, metadata in _others(name, store):
        for at in _trained_on(metadata, name.text):
            _note(users, at, ref)
    return users


def _note(users: dict[int, dict[str, None]], at: str, user: str) -> None:
    """at: `ID` or `ID.COLUMNS`; anything else names no snapshot."""
    number = at.partition(".")[0]
    if number.isascii() and number.isdecimal():
        users.setdefault(int(number), {})[user] = None


def _others(name: DatasetName, store: CatalogStore) -> Iterator[tuple[str, Metadata]]:
    """The other datasets whose metadata can be read."""
    for entry in store.entries():
        other = DatasetName(entry.namespace, entry.table)
        if other == name:
            continue
        try:
            yield other.ref, store.metadata(entry)
        except MLInfraError:  # one that is damaged keeps nothing
            continue


def _trained_on(metadata: Metadata, name: str) -> Iterator[str]:
    """The snapshots of a dataset that those of another one were made from."""
    for snapshot in metadata.get("snapshots", []):
        try:
            pins = json.loads(snapshot.get("summary", {}).get(TRAINING, "{}"))["pins"]
            yield str(pins.get(name) or "")
        except (json.JSONDecodeError, LookupError, TypeError, AttributeError):
            continue
