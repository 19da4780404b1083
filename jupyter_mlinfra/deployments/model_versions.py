"""The verbs of deployments that are about versions of models, wherever these are deployed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from ..core.project import Project
    from ..experiments import Experiments
    from .live_changes import Kept, LiveComparison
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
    _experiments: Experiments
    _kept: Kept | None

    def compare(self, name: str, version: str, *, code: bool = True) -> LiveComparison:
        """A version of a model beside the one that is live in a deployment, which has most of its
        traffic: what a deploy would change. Nothing is run.

        version: `flights/2` or `flights@champion`. code: whether the code is compared too. Raises
        NotFound, Conflict if no version of the deployment has traffic.
        """
        from ..experiments import version_differences
        from .live_changes import UNSEEN_CODE, LiveComparison, code_changes

        row = self._store.deployment(name)
        live = max(row.versions, key=lambda item: item.traffic, default=None)
        if live is None or not live.traffic:
            raise Conflict(
                f"Nothing is live in {name}.",
                "None of its versions has traffic.",
                f"mlinfra deployments show {name}",
            )
        if self._kept is None:
            raise Unavailable("Versions are compared in a project with jobs.")
        refs = (f"{row.model}/{live.number}", version)
        cards = [self._experiments.card(ref) for ref in refs]
        names = [f"{card.version.model}/{card.version.version}" for card in cards]
        runs = [(name, card.run) for name, card in zip(names, cards, strict=True)]
        text, notes = (
            code_changes(runs, self._kept, self._project.root) if code else ("", [UNSEEN_CODE])
        )
        unread = [
            f"Signature and environment of {name} are not compared. {card.unread}"
            for name, card in zip(names, cards, strict=True)
            if card.unread
        ]
        return LiveComparison(
            deployment=name,
            version=names[1],
            live=names[0],
            traffic=live.traffic,
            rows=version_differences(cards),
            code=text,
            notes=list(dict.fromkeys([*unread, *notes])),  # of one version, each is there twice
        )

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
