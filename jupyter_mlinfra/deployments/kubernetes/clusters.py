"""The verbs of deployments in clusters."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...core.errors import Unprocessable
from ...core.records import from_seconds
from ..names import check_name
from ..settings import DeploymentSettings
from .cluster import Cluster
from .records import Manifests, RegionState
from .regions import Region, Regions

if TYPE_CHECKING:
    from ...core.project import Project


class Clusters:
    """Deployments of one project in the clusters of its kubeconfig."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def apply(
        self,
        made: Manifests,
        *,
        contexts: Sequence[str],
        timeout_seconds: float,
        on_progress: Callable[[str], None],
    ) -> Sequence[RegionState]:
        """See `Deployments.apply`."""
        done = self._of(made.deployment).roll_out(
            self._contexts(contexts),
            made.manifests,
            timeout_seconds=timeout_seconds,
            on_progress=on_progress,
        )
        _check(made.deployment, done)
        return self.regions(made.deployment, contexts=self._contexts(contexts))

    def revert(
        self,
        name: str,
        *,
        contexts: Sequence[str],
        timeout_seconds: float,
        on_progress: Callable[[str], None],
    ) -> Sequence[RegionState]:
        """See `Deployments.revert`."""
        regions = self._of(name)
        done = [
            regions.roll_back(context, timeout_seconds=timeout_seconds, on_progress=on_progress)
            for context in self._contexts(contexts)
        ]
        _check(name, done)
        return self.regions(name, contexts=self._contexts(contexts))

    def regions(self, name: str, *, contexts: Sequence[str] = ()) -> Sequence[RegionState]:
        """See `Deployments.regions`. contexts: all that were ever applied to, if there are none."""
        found = []
        regions = self._of(name)
        for context in contexts or regions.contexts():
            states = regions.states(context)
            if states:
                last = states[-1]
                found.append(
                    RegionState(
                        deployment=name,
                        context=context,
                        outcome=last.outcome,
                        reason=last.reason,
                        kinds=[str(manifest["kind"]) for manifest in last.manifests],
                        user=last.user,
                        at=from_seconds(last.at),
                    )
                )
        return found

    def _contexts(self, contexts: Sequence[str]) -> Sequence[str]:
        return tuple(contexts) or self._settings.contexts or ("",)

    def _of(self, name: str) -> Regions:
        check_name(name)
        return Regions(
            self._project.folder("deployments") / "clusters" / name,
            cluster=lambda context: Cluster(context, kubeconfig=self._settings.kubeconfig),
            user=self._project.user,
            now=time.time,
        )

    @property
    def _settings(self) -> DeploymentSettings:
        return self._project.settings.of(DeploymentSettings)


def _check(name: str, done: Sequence[Region]) -> None:
    bad = next((region for region in done if region.outcome != "ready"), None)
    if bad is None:
        return
    ready = [region.context or "the current one" for region in done if region.outcome == "ready"]
    left = [region.context for region in done if region.outcome == "not reached"]
    what = "has its former state again" if bad.outcome == "rolled back" else "is in between"
    raise Unprocessable(
        f"{name} did not become ready in {bad.context or 'the cluster'}, which {what}.",
        f"{bad.reason}."
        + (f" Ready: {', '.join(ready)}." if ready else "")
        + (f" Not touched: {', '.join(left)}." if left else ""),
        f"mlinfra deployments regions {name}",
    )
