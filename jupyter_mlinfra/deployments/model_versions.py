"""The verbs of deployments that are about versions of models, wherever these are deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.project import Project
    from .rows import VersionRow
    from .store import DeploymentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUse:
    """A deployment that keeps a version ready. what: in words, such as `90 % of the traffic of
    live`. fix: the command that ends it.
    """

    what: str
    fix: str


class ModelVersionVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore

    def uses_of(self, model: str, number: int) -> Sequence[VersionUse]:
        """The deployments that give a version traffic or copies, or keep it ready for them."""
        return [
            _use(version)
            for row in self._store.deployments()
            if row.model == model
            for version in row.versions
            if version.number == number and (version.traffic or version.shadow or version.wanted)
        ]

    def note_deleted(self, model: str, number: int, *, reason: str = "") -> None:
        """Note in the audit log that a version of a model was deleted."""
        self._store.audit(
            "",
            verb="delete version",
            user=self._project.user,
            text=f"{model}/{number} deleted from the registry",
            reason=reason,
        )


def _use(version: VersionRow) -> VersionUse:
    name = version.deployment
    if version.traffic:
        what = f"{version.traffic} % of the traffic of {name}"
        return VersionUse(what=what, fix=f"mlinfra deployments traffic {name} …")
    what = f"copies of the requests of {name}" if version.shadow else f"a place ready in {name}"
    return VersionUse(what=what, fix=f"mlinfra deployments remove {name} {version.version}")
