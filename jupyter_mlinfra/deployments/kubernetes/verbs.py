"""The verbs of deployments that are about Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadRequest
from ..delivery.spec import DeliverySpec
from ..settings import DeploymentSettings
from .settings import ClusterSettings

if TYPE_CHECKING:
    from ...core.project import Project
    from ...experiments import Experiments, Version
    from ..store import DeploymentStore
    from .clusters import Clusters
    from .plan import ManifestKind, ManifestOptions
    from .records import ImageContext, Manifests, RegionState


def _quiet(_: str) -> None:
    """Ignores progress."""


class KubernetesVerbs:
    """A part of `Deployments`."""

    _project: Project
    _store: DeploymentStore
    _experiments: Experiments

    def manifest(
        self,
        name: str,
        *,
        kind: ManifestKind | None = None,
        options: ManifestOptions | None = None,
        traffic: Mapping[str, int] | None = None,
        output: str | Path | None = None,
        crds: str | Path | None = None,
    ) -> Manifests:
        """The deployment as manifests for a cluster, also written to the file `output` if that is
        given. kind, and what options leave empty: as `[deployments.kubernetes]` says. traffic:
        percent by version, if not the present one here. crds: a folder with a cluster's CRDs, which
        must accept them too.

        Raises BadRequest for options that do not fit, Unprocessable if a cluster would refuse them.
        """
        from . import exporting

        return exporting.manifests_of(
            self._store.deployment(name),
            kind or self._kind(),
            self._filled(options),
            traffic=traffic,
            output=None if output is None else Path(output),
            crds=None if crds is None else Path(crds),
        )

    def apply(
        self,
        name: str,
        *,
        kind: ManifestKind | None = None,
        options: ManifestOptions | None = None,
        traffic: Mapping[str, int] | None = None,
        contexts: Sequence[str] = (),
        timeout_seconds: float = 600.0,
        on_progress: Callable[[str], None] = _quiet,
    ) -> Sequence[RegionState]:
        """Roll the manifests of `manifest` out to one cluster after the other. contexts: of the
        kubeconfig, in this order; by default those of the settings, else the current one.

        A cluster in which the deployment does not become ready in time gets back what it had, and
        those after it are not touched; Unprocessable says so.
        """
        made = self.manifest(name, kind=kind, options=options, traffic=traffic)
        self._audit(name, "apply", f"{made.kind} to be applied", contexts)
        return self._clusters.apply(
            made,
            contexts=contexts,
            timeout_seconds=timeout_seconds,
            on_progress=on_progress,
        )

    def _to_clusters(self, name: str, shadow: str, on_progress: Callable[[str], None]) -> None:
        """Roll the deployment out as the settings say. shadow: version that gets copies."""
        from .plan import ManifestOptions

        self.apply(
            name,
            options=ManifestOptions(shadow=shadow),
            timeout_seconds=self._cluster_settings.timeout_seconds,
            on_progress=on_progress,
        )

    def revert(
        self,
        name: str,
        *,
        contexts: Sequence[str] = (),
        timeout_seconds: float = 600.0,
        on_progress: Callable[[str], None] = _quiet,
    ) -> Sequence[RegionState]:
        """Give clusters the last ready state before their present one, each by itself. Raises
        Conflict if one has none.
        """
        self._audit(name, "revert", "to be reverted", contexts)
        return self._clusters.revert(
            name,
            contexts=contexts,
            timeout_seconds=timeout_seconds,
            on_progress=on_progress,
        )

    def regions(self, name: str) -> Sequence[RegionState]:
        """What was applied to each cluster last, as it was recorded here; no cluster is asked."""
        return self._clusters.regions(name)

    def _check_cluster(
        self,
        name: str,
        version: Version,
        traffic: int | None,
        delivery: DeliverySpec,
    ) -> str:
        """Refuse a deploy to Kubernetes that could not be carried out, before anything is built,
        by writing the manifests as they will be. Returns the shadow in them; empty for none.
        """
        from ..logged import read_document
        from . import trial
        from .plan import check_format

        if delivery.steps:
            raise BadRequest(
                "The steps of a plan move the traffic of this machine alone.",
                "A cluster has a rollout of its own.",
                "Use --canary, and `mlinfra deployments apply … --traffic` for each step.",
            )
        if delivery.shadow not in (0, 100):
            raise BadRequest(
                f"A shadow in a cluster cannot get copies of {delivery.shadow} % of the requests.",
                "It gets copies of all.",
                "Leave --copies out.",
            )
        row, kind, options = self._store.find(name), self._kind(), self._filled(None)
        if options.model_uri and options.model_format != "mlflow":
            reference = f"{version.model}/{version.version}"
            flavors = read_document(self._experiments.head(reference))["flavors"]
            check_format(reference, flavors, options)
        shadow = trial.shadow_of(row, version, delivery, kind)
        trial.write(
            name,
            self._project.name,
            row,
            version,
            0 if delivery.shadow else traffic,
            replace(options, shadow=shadow),
            kind,
        )
        return shadow

    def _kind(self) -> ManifestKind:
        if kind := self._cluster_settings.kind:
            return kind
        raise BadRequest(
            "It is not said what the cluster runs.",
            "There are seldon-v1, core2 and kserve.",
            "--kind kserve, or `kind` in [deployments.kubernetes].",
        )

    def _filled(self, options: ManifestOptions | None) -> ManifestOptions:
        """With the values of the settings where the options say nothing. An image or an address
        that is given leaves both of the settings out.
        """
        from .plan import ManifestOptions

        options, settings = options or ManifestOptions(), self._cluster_settings
        names = ["namespace", "secret", "service_account", "pull_secret"]
        if not options.image and not options.model_uri:
            names += ["image", "model_uri"]
            if options.model_format == "mlflow":
                options = replace(options, model_format=settings.model_format)
        missing = [name for name in names if not getattr(options, name)]
        return replace(options, **{name: getattr(settings, name) for name in missing})

    @property
    def _cluster_settings(self) -> ClusterSettings:
        return self._project.settings.of(ClusterSettings)

    def _audit(self, name: str, verb: str, text: str, contexts: Sequence[str]) -> None:
        where = ", ".join(contexts) or "the contexts of the settings"
        self._store.audit(name, verb=verb, user=self._project.user, text=f"{text} in {where}")

    @cached_property
    def _clusters(self) -> Clusters:
        from .clusters import Clusters

        return Clusters(self._project)

    def image(self, name: str, version: str, *, into: str | Path) -> ImageContext:
        """Write the build context of an image that serves one version into a new folder: the same
        version gives the same bytes.

        Raises Conflict if the folder is not empty, or if the version has not passed its tests.
        """
        from . import exporting

        workers = self._project.settings.of(DeploymentSettings).workers
        row = self._store.deployment(name)
        return exporting.image_of(row, version, Path(into), workers=workers)
