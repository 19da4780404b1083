"""What was made from a dataset and its columns, according to lineage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from ..core.lineage import plain
from ..core.refs import decoded, reference
from .names import DatasetName

if TYPE_CHECKING:
    from ..core.project import Project
    from .store import CatalogStore


def made_from(name: DatasetName, project: Project, store: CatalogStore) -> list[str]:
    """References of what was made from a dataset; datasets that no longer exist do not count."""
    outputs = (
        plain(edge.output) for edge in project.lineage.edges() if plain(edge.input) == name.ref
    )
    existing = {reference("dataset", entry.name) for entry in store.entries()}
    return [
        ref
        for ref in dict.fromkeys(outputs)
        if ref != name.ref and (ref in existing or not ref.startswith("dataset:"))
    ]


def used_by(
    name: DatasetName, project: Project, store: CatalogStore
) -> Mapping[str, Sequence[str]]:
    """By column: what was made from it, as far as lineage tells: columns of datasets that still
    exist, features, and what names the column among its inputs.
    """
    uses: dict[str, dict[str, None]] = {}
    for edge in project.lineage.edges():
        source = plain(edge.input)
        owner, _, column = source.removeprefix("column:").rpartition(".")
        if source.startswith("column:") and owner == name.text:
            uses.setdefault(decoded(column), {})[edge.output] = None
        elif edge.columns and source == name.ref != plain(edge.output):
            for before, after in edge.columns:
                uses.setdefault(before, {})[_part(plain(edge.output), after)] = None
    if not uses:
        return {}
    existing = {entry.name for entry in store.entries()}
    return {
        column: found
        for column, refs in uses.items()
        if (found := tuple(ref for ref in refs if _exists(ref, existing)))
    }


def _part(ref: str, column: str) -> str:
    """That column of a dataset or a view; anything else has no columns, and is used as a whole."""
    kind, _, whole = ref.partition(":")
    part = {"dataset": "column", "view": "feature"}.get(kind)
    return reference(part, decoded(whole), column) if part else ref


def _exists(ref: str, datasets: Collection[str]) -> bool:
    kind, _, rest = ref.partition(":")
    return kind != "column" or decoded(rest.rpartition(".")[0]) in datasets
