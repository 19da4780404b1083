"""Ray as the remote side of a follower."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ...attempt.files import Attempt
from ...queue.rows import JobEntry
from ...queue.store import JobStore
from ...settings import JobSettings
from ...spec import JobState
from .. import Batch, Cluster, Parcel, Rejected, Sighting, Stage, Unreachable
from ..guard_files import Order, call_off, has_order
from ..project_label import mark_of
from ..sending import first_attempt
from .api import Api, Fault, Json, RayRefused
from .nodes import Node, nodes_of, why
from .request import MARGIN_SECONDS, body, name_of, needs
from .settings import RaySettings
from .sightings import Seen, Traces, sightings_of

if TYPE_CHECKING:
    from ....core.project import Project

NAME = "ray"
AT_A_TIME = 8
"""How many requests run at once, if each job needs one."""
FORGOTTEN_AT_A_TIME = 20
"""How many ended jobs Ray deletes after a look."""
NODES_SECONDS = 5.0
"""How long the list of nodes is used before it is read again."""


class RayRemote:
    """One project's jobs in Ray."""

    def __init__(self, project: Project) -> None:
        self._settings = project.settings.of(RaySettings)
        self._api, self._store = Api(self._settings), JobStore(project.database)
        self._home, self._project, self._grace = (
            project.home,
            mark_of(project, NAME),
            project.settings.of(JobSettings).grace_seconds,
        )
        self._seen = dict[str, Seen]()
        self._removed = dict[str, Sighting]()
        self._gone_since = dict[str, float]()
        self._nodes_at, self._nodes = -NODES_SECONDS, list[Node]()
        self.poll_seconds = self._settings.poll_seconds

    def cluster(self) -> Cluster:
        """By its address: Ray has no other name for a cluster."""
        return Cluster(name=self._settings.address)

    def look(self) -> Sequence[Sighting]:
        """One list of all jobs; the nodes too while one of ours waits, which only explains why."""
        try:
            jobs = self._api.jobs()
        except RayRefused as error:
            raise Unreachable(f"Ray: {error.message}") from error
        followed = {entry.token: entry for entry in self._store.followed(backend=NAME)}
        seen = sightings_of(
            jobs,
            self._project,
            followed,
            self._traces,
            {node.id: node.name for node in self._nodes},
        )
        self._seen = {item.sighting.remote: item for item in seen}
        self._forget(seen, followed)
        if any(item.sighting.stage is Stage.WAITING for item in seen):
            self._look_at_nodes()
        shown = {item.sighting.key for item in seen}
        unlisted = [
            entry
            for key, entry in followed.items()
            if entry.remote and key not in shown and self._is_active(entry)
        ]
        found = [self._sighting(item, followed) for item in seen] + [
            self._ends(entry.token, entry.remote or "") for entry in unlisted
        ]
        self._gone_since = {key: at for key, at in self._gone_since.items() if key in followed}
        gone = [sighting for remote, sighting in self._removed.items() if remote not in self._seen]
        self._removed = {
            remote: sighting for remote, sighting in self._removed.items() if remote in self._seen
        }
        return [*found, *gone]

    def _sighting(self, item: Seen, followed: Mapping[str, JobEntry]) -> Sighting:
        sighting, entry = item.sighting, followed.get(item.sighting.key)
        if sighting.stage is Stage.WAITING and entry is not None:
            return replace(
                sighting,
                reason=why(
                    needs(entry.spec, self._settings),
                    self._nodes,
                    autoscaled=self._settings.autoscaled,
                ),
            )
        return (
            self._ends(sighting.key, sighting.remote)
            if item.lives and self._lingers(sighting.key)
            else sighting
        )

    def _ends(self, key: str, remote: str) -> Sighting:
        return Sighting(
            remote=remote,
            key=key,
            stage=Stage.RUNNING,
            reason="Ray no longer runs it; what is left of it ends.",
        )

    def _is_active(self, entry: JobEntry) -> bool:
        """Whether the guard of a job that Ray no longer lists may still have to end it: before that
        it does not count as lost, and no second copy is started.
        """
        traces = self._traces(entry.job.id, entry.token)
        return traces.claimed and not traces.ended and self._lingers(entry.token)

    def _lingers(self, key: str) -> bool:
        limit = self._settings.notice_seconds + self._grace + MARGIN_SECONDS
        return time.monotonic() - self._gone_since.setdefault(key, time.monotonic()) < limit

    def _traces(self, job: str, key: str) -> Traces:
        attempt = Attempt.of(self._home, job, first_attempt(key))
        return Traces(
            ordered=has_order(attempt, key),
            claimed=attempt.claimed() is not None,
            ended=attempt.exit_code() is not None,
        )

    def _look_at_nodes(self) -> None:
        if time.monotonic() - self._nodes_at < NODES_SECONDS:
            return
        with contextlib.suppress(RayRefused, Unreachable):
            self._nodes = nodes_of(self._api.nodes(), self._api.actors())
            self._nodes_at = time.monotonic()

    def _forget(self, seen: Sequence[Seen], followed: Mapping[str, JobEntry]) -> None:
        """Ray keeps ended jobs for ever, and lists them each time."""
        limit = (time.time() - self._settings.keep_minutes * 60) * 1000
        due = [
            item.sighting.remote
            for item in seen
            if item.over_at is not None
            and item.over_at < limit
            and item.sighting.key not in followed
        ]
        for remote in due[:FORGOTTEN_AT_A_TIME]:
            with contextlib.suppress(RayRefused, Unreachable):
                self._api.delete(remote)

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:
        """Those that had started count as lost; Ray says nothing about how they ended."""
        message, found = (
            "Ray no longer knows it: its head was restarted, or somebody deleted the job there.",
            dict[str, Sighting](),
        )
        for entry in self._store.followed(backend=NAME):
            if (
                entry.remote
                and entry.remote in remotes
                and self._traces(entry.job.id, entry.token).claimed
            ):
                found[entry.remote] = Sighting(
                    remote=entry.remote, key=entry.token, stage=Stage.ENDED, reason=message
                )
        return found

    def send(self, batch: Batch) -> Sequence[str]:
        """One Ray job for each; Ray has no arrays."""
        bodies = [self._body(parcel) for parcel in batch.parcels]
        try:
            _each(self._api.submit, bodies)
        except Fault as error:
            raise Unreachable(f"Ray: {error.message}") from error
        except RayRefused as error:
            raise Rejected(f"Ray does not take it: {error.message}.") from error
        return [name_of(parcel) for parcel in batch.parcels]

    def _body(self, parcel: Parcel) -> Json:
        """The job's own variables are in its order, in a file that only its owner can read:
        everybody on the cluster can see what Ray gets.
        """
        attempt, spec = Attempt(parcel.folder), parcel.entry.spec
        order = Order.read(attempt)
        python = self._settings.python
        command = (
            [python, *order.command[1:]] if python and spec.notebook is not None else order.command
        )
        replace(
            order, command=command, environment={**spec.environment, **order.environment}
        ).write(attempt)
        return body(
            parcel,
            project=self._project,
            home=self._home,
            grace_seconds=self._grace,
            settings=self._settings,
        )

    def end(self, sightings: Sequence[Sighting]) -> None:
        """All are stopped, which reaches the guard of a running one. Waiting ones are also called
        off, since Ray does not stop a job before it has started it.
        """
        for sighting in sightings:
            if sighting.stage is Stage.WAITING:
                self._call_off(sighting)
                self._removed[sighting.remote] = replace(
                    sighting, stage=Stage.ENDED, asked=JobState.CANCELLED, reason="Cancelled."
                )
        _each(self._stop, [sighting.remote for sighting in sightings])

    def forget(self, sightings: Sequence[Sighting]) -> None:
        """`look` makes Ray delete them, when they have been kept for a while."""

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        """Call waiting jobs off: Ray has no hold. They are sent again when they are released."""
        for remote in remotes if held else ():
            if remote in self._seen:
                self._call_off(self._seen[remote].sighting, unless_claimed=True)

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        """Never called: Ray has no priorities."""

    def rank(self, priority: int) -> int | None:  # noqa: ARG002
        """It has none."""
        return None

    def _call_off(self, sighting: Sighting, *, unless_claimed: bool = False) -> None:
        item = self._seen.get(sighting.remote)
        if item is not None and item.job:
            call_off(
                Attempt.of(self._home, item.job, first_attempt(sighting.key)),
                sighting.key,
                unless_claimed=unless_claimed,
            )

    def _stop(self, remote: str) -> None:
        try:
            self._api.stop(remote)
        except (
            RayRefused
        ) as error:  # it may have changed since it was seen: the next look shows its state
            sys.stderr.write(f"stop {remote}: {error.message}\n")


def _each[T](ask: Callable[[T], None], items: Sequence[T]) -> None:
    """Send a request for each; all are sent, and then the first failure is raised."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(ask, items))
