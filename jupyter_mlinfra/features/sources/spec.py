"""A source as in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ...core.passwords import password_in
from ...core.refs import reference
from ...core.secrets import is_named_like_secret, is_reference

Kind = Literal["dataset", "parquet", "delta", "iceberg", "other"]
PROJECT = "project"
WITHHELD = "withheld:"
"""Stands for a secret that a definition says in clear: only the registry has it."""


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

    def without_secrets(self) -> SourceSpec:
        """The same with `WITHHELD` for secrets that are said in clear; references stay."""
        options = {
            key: WITHHELD if _is_secret(key, value) else value
            for key, value in self.options.items()
        }
        return replace(self, options=options)

    @property
    def ref(self) -> str:
        """Its reference in lineage: a dataset of this project, or the file or table itself."""
        if self.dataset:
            return reference("dataset", self.dataset)
        return f"{self.options[PROJECT]}#{self.name}" if self.kind == "dataset" else self.name

    @property
    def state_ref(self) -> str:
        """The same with its own snapshot, if it has one: so that this one does not expire."""
        return self.ref if self.snapshot is None else f"{self.ref}@{self.snapshot}"


def _is_secret(key: str, value: str) -> bool:
    in_clear = bool(value) and not is_reference(value)
    return in_clear and (is_named_like_secret(key) or bool(password_in(value)))
