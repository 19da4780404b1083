"""Where deployments run. A target is found by entry point `mlinfra.deployment_targets`; `local` is
built in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from ...core.errors import NotFound

if TYPE_CHECKING:
    from ...core.project import Project
    from ..access.records import GatewayState
    from ..gateway import Keys
    from ..store import DeploymentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted of a version since its gateway and its keeper began; all of it only grows.

    requests: answered, of clients; refused and errors: of these, the 4xx and the 5xx range.
    retried: sent to another process. cpu_seconds: of its serving processes. latencies: how many
    requests took at most as many milliseconds as `targets.envoy.configuration.BUCKETS` has;
    some seconds behind the others.
    """

    requests: int
    refused: int
    errors: int
    retried: int
    cpu_seconds: float
    latencies: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the gateway counted for a version in its last window of `seconds`, which began at
    `since` (seconds since 1970). p50_ms, p95_ms: None before the first request.

    errors: answers of the 5xx range. refused: of the 4xx range, which is the version's fault only
    if others refuse fewer. memory_bytes, pids: of its serving processes, when they were last looked
    at; each process may have children, whose memory is included. readings: of the window, the first
    one first: the time, and how many requests, errors and refusals had been counted by then.
    marks: the first reading of all and those that followed a change of the traffic: the time, and
    `counts.latencies` of then; empty if there were none yet.
    in_flight: requests that the gateway has taken and not answered. counts: None of a target that
    keeps none. by_minute: the requests of each of the last 60 minutes, the present one last.
    gpu_memory_bytes: of GPUs, by its processes. gpu_load: 0 to 1, of the GPUs that they compute on.
    gpu_reason: why one of both is None, where that is known.
    stale_since: when all of this was measured (seconds since 1970), if that is too long ago to tell
    of now; 0: it is not.
    """

    seconds: float
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    refused: int = 0
    since: float = 0.0
    memory_bytes: int = 0
    pids: Sequence[int] = ()
    readings: Sequence[tuple[float, int, int, int]] = ()
    marks: Sequence[tuple[float, Sequence[int]]] = ()
    in_flight: int = 0
    counts: Counts | None = None
    by_minute: Sequence[int] = ()
    stale_since: float = 0.0
    gpu_memory_bytes: int | None = None
    gpu_load: float | None = None
    gpu_reason: str = ""

    def counted_since(self, begun: float) -> tuple[int, int, int]:
        """Requests, errors and refusals between the first reading at `begun` (seconds since 1970)
        or later and the last one; 0 before there are two. Of a target that gives no readings, those
        of the window if all of it is within.
        """
        if not self.readings:
            whole = self.requests, self.errors, self.refused
            return whole if self.since >= begun else (0, 0, 0)
        within = [reading for reading in self.readings if reading[0] >= begun]
        if not within:
            return 0, 0, 0
        (_, requests, errors, refused), (_, *all_) = within[0], within[-1]
        return all_[0] - requests, all_[1] - errors, all_[2] - refused

    def latencies_since(self, begun: float) -> Sequence[int]:
        """`counts.latencies` of the requests since the first mark at `begun` (seconds since 1970)
        or later; none without such a mark.
        """
        before = next((latencies for at, latencies in self.marks if at >= begun), None)
        if before is None or self.counts is None:
            return ()
        now = self.counts.latencies
        return [count - then for count, then in zip(now, before or [0] * len(now), strict=False)]


def present[K](figures: Mapping[K, Figures]) -> dict[K, Figures]:
    """Those that tell of now."""
    return {key: item for key, item in figures.items() if not item.stale_since}


class DeploymentTarget(Protocol):
    """Makes the wishes of the store come true. Verbs write to the store, then ask the target to
    carry it out.
    """

    def prepare(self) -> None:
        """Refuse what could not be carried out (a port that is taken) before anything is built."""

    def carry_out(self, wish: int, *, timeout: float = 60.0) -> None:
        """Returns when traffic is as the store had it at `wish`. Raises Unavailable with the
        target's trouble, or after `timeout` seconds.
        """

    def base_url(self) -> str:
        """Where requests go, without a trailing slash; empty before the first start."""

    def keys(self) -> Keys:
        """The secrets that our own requests carry."""

    def header_file(self) -> str:
        """A file with the header that every request needs; empty if none is needed."""

    def running(self) -> Mapping[tuple[str, str], int]:
        """Live processes by (deployment, version); empty if nothing can be reached."""

    def heal(self) -> None:
        """Start again whatever looks after the processes, if it died. Asked every half minute: it
        has to cost nothing when all is well.
        """

    def gateway(self) -> GatewayState | None:
        """How the gateway is; None while nothing is up, or for a target that has none."""

    def figures(self) -> Mapping[tuple[str, str], Figures]:
        """What was counted last, by (deployment, version), with `stale_since`."""

    def own_metrics(self) -> str:
        """What models count by themselves, in the text format of Prometheus."""

    def memory(self, deployment: str, version: str) -> Mapping[int, int]:
        """Bytes that each process of a version uses now, with its children, by its number; empty
        where nobody knows.
        """

    def stopped(self) -> bool:
        """Whether no process of this project runs any more."""

    def kill(self) -> None:
        """End all processes of this project even if no wish can be written. Raises Unavailable if
        some do not end.
        """


def load_target(name: str, project: Project, store: DeploymentStore) -> DeploymentTarget:
    """The target of that name. Raises NotFound if no package provides it."""
    targets = entry_points(group="mlinfra.deployment_targets")
    if name in targets.names:
        target: DeploymentTarget = targets[name].load()(project, store)
        return target
    if name == "local":
        from .local import LocalTarget

        return LocalTarget(project, store)
    names = ", ".join(sorted({"local", *targets.names}))
    raise NotFound(
        f"There is no deployment target {name!r}.",
        f"Installed: {names}.",
        "Install the package that adds it, or set [deployments] target.",
    )
