"""The Kubernetes backend: jobs are sent to a cluster that shares the project's folder, and followed
by one process per project.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.errors import BadRequest, Conflict, Unavailable
from ....core.kubernetes import KubernetesRefused
from ....core.records import now
from ...attempt.environment import submitters_environment
from ...backends.shell import Attachment, running
from ...queue.rows import JobEntry
from ...remote.kubernetes.settings import KubernetesSettings
from ...spec import Compute, JobSpec
from .. import Unreachable
from ..backend import FollowedBackend
from . import manifest
from .api import Api
from .nodes import Node, devices_of, free, nodes_of, room_for
from .remote import KubernetesRemote, ids_of, site_of

if TYPE_CHECKING:
    from ....core.project import Project

NAME = "kubernetes"


class KubernetesBackend(FollowedBackend[KubernetesRemote]):
    """Runs jobs as Jobs of a Kubernetes cluster."""

    def __init__(self, project: Project) -> None:
        super().__init__(project, NAME)
        self._settings = project.settings.of(KubernetesSettings)
        self._api = Api(self._settings)

    def _connect(self) -> KubernetesRemote:
        return KubernetesRemote(self._project)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if no node could ever take such a job. A cluster that does not answer
        refuses nothing: the job waits for it.
        """
        manifest.check(spec, self._settings)
        self._check_folder()
        nodes = [] if self._settings.autoscaled else self._nodes(cordoned=True)
        if nodes and not any(
            room_for(spec, node.capacity, node.labels, self._settings) for node in nodes
        ):
            most = ", ".join(f"{node.name}: {node.capacity.text()}" for node in nodes[:5])
            fix = (
                "Ask for less; where nodes come when they are asked for, set [jobs.kubernetes]"
                " autoscaled = true."
            )
            raise BadRequest(
                "No node of the cluster could take such a job.", f"They have {most}.", fix
            )

    def _check_folder(self) -> None:
        root, mount = self._project.root, Path(self._settings.mount_path or self._project.root)
        for folder in (root, self._project.home):
            if not folder.is_relative_to(mount):
                why = f"{folder} is not below {mount}, where the volume is mounted."
                raise BadRequest(
                    "Pods would not see the project's folder.",
                    why,
                    "Set [jobs.kubernetes] mount_path to where the volume is mounted here.",
                )

    def starts(self) -> Mapping[str, datetime]:
        """Nothing: Kubernetes does not plan ahead."""
        return {}

    def would_start(self, spec: JobSpec) -> datetime | None:
        """Now, if a visible node has room for it; else unknown."""
        if self._settings.queue or spec.queue:
            return None
        try:
            pods = self._api.pods("")
        except (KubernetesRefused, Unreachable):
            return None
        nodes = self._nodes()
        return (
            now()
            if any(room_for(spec, free(node, pods), node.labels, self._settings) for node in nodes)
            else None
        )

    def attach(self, entry: JobEntry) -> Attachment:
        """A shell in the job's container, through `kubectl`, with what the container itself was
        given.
        """
        running(entry)
        kubectl = shutil.which("kubectl")
        if kubectl is None:
            fix = "Install kubectl where this server runs, and put it in PATH."
            raise Unavailable(
                "A job of Kubernetes cannot be attached to from here.",
                "There is no kubectl in PATH, which carries the terminal.",
                fix,
            )
        settings = self._settings
        reached = [
            f"--{name}={value}"
            for name, value in (("kubeconfig", settings.kubeconfig), ("context", settings.context))
            if value
        ]
        pod = self._pod(entry.remote or "")
        shell = ["sh", "-c", 'cd -- "$0" 2>/dev/null; exec "${SHELL:-sh}"', entry.launch.folder]
        return Attachment(
            command=[
                kubectl,
                *reached,
                f"--namespace={settings.namespace}",
                "exec",
                "-it",
                pod,
                "--",
                *shell,
            ],
            folder=str(self._project.root),
            environment=submitters_environment(),
            note=(
                "This shell has the container's environment, not that of the job's own process"
                " adds."
            ),
        )

    def _pod(self, remote: str) -> str:
        """The pod that runs a job, or an element of one."""
        name, _, index = remote.partition("/")
        try:
            pods = self._api.pods(f"batch.kubernetes.io/job-name={name}")
        except (KubernetesRefused, Unreachable) as error:
            raise Unavailable(
                "Kubernetes does not say where the job runs.",
                f"{error.message}.",
                "Try again in a moment.",
            ) from error
        for pod in pods:
            meta, notes = pod["metadata"], pod["metadata"].get("annotations") or {}
            if pod.get("status", {}).get("phase") == "Running" and notes.get(
                "batch.kubernetes.io/job-completion-index", "0"
            ) == (index or "0"):
                return str(meta["name"])
        raise Conflict(
            "The job has no pod that runs.",
            "It was just released, or is about to begin.",
            "Try again in a moment.",
        )

    def compute(self) -> Compute:
        """The nodes of the cluster, and what the pods of the namespace hold of them."""
        nodes, pods = self._nodes(), list[dict[str, object]]()
        if nodes:
            try:
                pods = self._api.pods("")
            except (KubernetesRefused, Unreachable):
                pods = []
        free_of_nodes = [free(node, pods) for node in nodes]
        cpus, memory = (
            sum(node.capacity.cpus for node in nodes),
            sum(node.capacity.memory for node in nodes),
        )
        used, held = (
            cpus - sum(room.cpus for room in free_of_nodes),
            memory - sum(room.memory for room in free_of_nodes),
        )
        devices = devices_of(
            nodes, pods, self._ref_of(), site_of(self._project).project, self._settings
        )
        return self._computed(devices, cpus=cpus, cpus_used=used, memory=memory, memory_used=held)

    def _ref_of(self) -> Callable[[str, int], str]:
        jobs = ids_of(self._project.home)

        def ref_of(batch: str, index: int) -> str:
            ids = jobs(batch)
            return f"job:{ids[index]}" if index < len(ids) else ""

        return ref_of

    def _nodes(self, *, cordoned: bool = False) -> list[Node]:
        """The nodes that take jobs; none if they cannot be read, for which most accounts need an
        extra permission.
        """
        try:
            return nodes_of(self._api.nodes(), self._settings, cordoned=cordoned)
        except (KubernetesRefused, Unreachable):
            return []
