"""The Ray backend: jobs are sent to a cluster that shares the project's folder, and followed by one
process per project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ....core.errors import BadRequest
from ....core.records import now
from ...remote.ray.settings import RaySettings
from ...spec import Compute, JobSpec
from .. import Unreachable
from ..backend import FollowedBackend
from . import request
from .api import SOON_SECONDS, Api, RayRefused
from .nodes import CPU, MEMORY, Node, devices_of, fits, gpu_kind, nodes_of, text_of
from .remote import NAME, RayRemote

if TYPE_CHECKING:
    from ....core.project import Project


class RayBackend(FollowedBackend[RayRemote]):
    """Runs jobs as jobs of a Ray cluster."""

    def __init__(self, project: Project) -> None:
        super().__init__(project, NAME)
        self._settings = project.settings.of(RaySettings)
        self._api = Api(self._settings, seconds=SOON_SECONDS)

    def _connect(self) -> RayRemote:
        return RayRemote(self._project)

    def check(self, spec: JobSpec) -> None:
        """Raise BadRequest if no node could ever take such a job. A cluster that does not answer
        refuses nothing: the job waits for it.
        """
        request.check(spec)
        nodes, asked = (
            [] if self._settings.autoscaled else self._nodes(),
            request.needs(spec, self._settings),
        )
        if nodes and not any(fits(asked, node.capacity) for node in nodes):
            most = "; ".join(f"{node.name}: {text_of(node.capacity)}" for node in nodes[:5])
            fix = (
                "Ask for less; where nodes come when they are asked for, set [jobs.ray] autoscaled"
                " = true."
            )
            raise BadRequest(
                f"No node of the Ray cluster could take such a job ({text_of(asked)}).",
                f"They have {most}.",
                fix,
            )

    def starts(self) -> Mapping[str, datetime]:
        """Nothing: Ray does not plan ahead."""
        return {}

    def would_start(self, spec: JobSpec) -> datetime | None:
        """Now, if a visible node has room for it; else unknown."""
        asked = request.needs(spec, self._settings)
        return now() if any(fits(asked, node.free) for node in self._nodes()) else None

    def compute(self) -> Compute:
        """The nodes of the cluster, and what actors (each running job is one) hold of them."""
        nodes = self._nodes()
        cpus, memory = (
            sum(node.capacity.get(name, 0.0) for node in nodes) for name in (CPU, MEMORY)
        )
        used, held = (
            cpus - sum(node.free.get(CPU, 0.0) for node in nodes),
            memory - sum(node.free.get(MEMORY, 0.0) for node in nodes),
        )
        return self._computed(
            devices_of(nodes, self._holders(nodes), gpu_kind),
            cpus=cpus,
            cpus_used=used,
            memory=memory,
            memory_used=held,
        )

    def _nodes(self) -> list[Node]:
        """The nodes that are alive; none if they cannot be read."""
        try:
            return nodes_of(self._api.nodes(), self._api.actors())
        except (RayRefused, Unreachable):
            return []

    def _holders(self, nodes: Sequence[Node]) -> dict[tuple[str, str], str]:
        """Which of our jobs hold which GPU; several may hold parts of one."""
        found, ids = dict[tuple[str, str], str](), {node.name: node.id for node in nodes}
        for entry in self._store.followed(backend=NAME):
            for gpu in entry.job.gpu_ids:
                name, _, index = gpu.rpartition(":")
                place = ids.get(name, ""), index
                found[place] = (
                    f"{found[place]}, {entry.job.ref}" if place in found else entry.job.ref
                )
        return found
