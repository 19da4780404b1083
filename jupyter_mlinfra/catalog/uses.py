"""What was made from a dataset and its columns, according to lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.refs import decoded, reference
from .names import DatasetName

if TYPE_CHECKING:
    from ..core.project import Project
    from .store import CatalogStore


def made_from(name: DatasetName, project: Project, store: CatalogStore) -> list[str]:
    """References of what was made from a dataset; datasets that no longer exist do not count."""
    outputs = (
        edge.output.partition("@")[0]
        for edge in project.lineage.edges()
        if edge.input.partition("@")[0] == name.ref
    )
    existing = {reference("dataset", entry.name) for entry in store.entries()}
    return [
        ref
        for ref in dict.fromkeys(outputs)
        if ref != name.ref and (ref in existing or not ref.startswith("dataset:"))
    ]


def used_by(name: DatasetName, project: Project) -> Mapping[str, Sequence[str]]:
    """By column: what was made from it, where its writer named the column among the inputs."""
    uses: dict[str, dict[str, None]] = {}
    for edge in project.lineage.edges():
        source = edge.input.partition("@")[0]
        owner, _, column = source.removeprefix("column:").rpartition(".")
        if source.startswith("column:") and owner == name.text:
            uses.setdefault(decoded(column), {})[edge.output] = None
    return {column: tuple(refs) for column, refs in uses.items()}
