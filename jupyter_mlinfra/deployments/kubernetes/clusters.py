"""The verbs of deployments in clusters."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ...core.errors import Unprocessable
from ...core.records import from_seconds
from ..names import check_name
from ..settings import DeploymentSettings
from .cluster import Cluster
from .plan import ManifestKind, ManifestOptions
from .records import Manifests, RegionState
from .regions import Region, Regions

if TYPE_CHECKING:
    from ...core.project import Project

TIMEOUT_SECONDS = 600.0
"""How long a region may take to become ready: images are pulled, models are downloaded."""


class Manifesting(Protocol):
    """Makes the manifests of a deployment."""

    def __call__(
        self,
        name: str,
        *,
        kind: ManifestKind,
        options: ManifestOptions | None,
        traffic: Mapping[str, int] | None,
    ) -> Manifests: ...


class Clusters:
    """Deployments of one project in the clusters of its kubeconfig."""

    def __init__(self, project: Project, manifests: Manifesting) -> None:
        self._project, self._manifests = project, manifests

    def apply(
        self,
        name: str,
        *,
        kind: ManifestKind,
        options: ManifestOptions | None = None,
        traffic: Mapping[str, int] | None = None,
        contexts: Sequence[str] = (),
        timeout_seconds: float = TIMEOUT_SECONDS,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Sequence[RegionState]:
        """Roll a deployment out to one cluster after the other, and return their states. contexts:
        of the kubeconfig, in this order; by default those of the settings, else the current one.

        A cluster in which it does not become ready gets back what it had, and those after it are
        not touched. Raises Unprocessable then, and for what a cluster would refuse.
        """
        made = self._manifests(name, kind=kind, options=options, traffic=traffic)
        regions = self._of(name)
        done = regions.roll_out(
            self._contexts(contexts),
            made.manifests,
            timeout_seconds=timeout_seconds,
            on_progress=on_progress,
        )
        _check(name, done)
        return self.regions(name, contexts=contexts)

    def revert(
        self,
        name: str,
        *,
        contexts: Sequence[str] = (),
        timeout_seconds: float = TIMEOUT_SECONDS,
        on_progress: Callable[[str], None] = lambda _: None,
    ) -> Sequence[RegionState]:
        """Give clusters the last ready state before their present one, each by itself. Raises
        Conflict if one has none.
        """
        regions = self._of(name)
        done = [
            regions.roll_back(context, timeout_seconds=timeout_seconds, on_progress=on_progress)
            for context in self._contexts(contexts)
        ]
        _check(name, done)
        return self.regions(name, contexts=contexts)

    def regions(self, name: str, *, contexts: Sequence[str] = ()) -> Sequence[RegionState]:
        """What was applied to each cluster last, as it was recorded here; no cluster is asked."""
        found = []
        for context in self._contexts(contexts):
            states = self._of(name).states(context)
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
