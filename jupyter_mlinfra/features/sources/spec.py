"""A source as in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...core.refs import reference

Kind = Literal["dataset", "parquet", "delta", "iceberg", "other"]
PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """A source as in the registry.

    name: `namespace.table`, or a path or URI. mapping: source column → view column. snapshot: the
    one that is read, whatever was written since; None = the newest. options: how its rows are
    reached, as the module of its kind says.
    """

    kind: Kind
    name: str
    time: str
    created: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    snapshot: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def dataset(self) -> str | None:
        """Its name in the catalog of the repository's own project; None if it is not there."""
        return self.name if self.kind == "dataset" and PROJECT not in self.options else None

    @property
    def ref(self) -> str:
        """Its reference in lineage: a dataset of this project, or the file or table itself."""
        if self.dataset:
            return reference("dataset", self.dataset)
        return f"{self.options[PROJECT]}#{self.name}" if self.kind == "dataset" else self.name
