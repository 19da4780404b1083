"""Kubernetes as the remote side of a follower."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.kubernetes import KubernetesRefused
from ...attempt.files import Attempt, job_folder
from ...settings import JobSettings
from ...spec import JobState
from .. import Batch, Cluster, NotNow, Rejected, Sighting, Stage, Unreachable
from ..batches import Shipment
from ..guard_files import Order, call_off, has_order
from ..project_label import mark_of
from ..sending import first_attempt
from .api import Api
from .manifest import PROJECT, Site, manifest
from .pod import starts
from .settings import KubernetesSettings
from .sightings import Seen, lacks_pods, sightings_of

if TYPE_CHECKING:
    from ....core.project import Project

_CONFLICT = 409
SETTLED_SECONDS = 30.0
"""After this time the files of an ended element are not read again."""
FORGOTTEN_AT_A_TIME = 20
"""How many ended jobs are deleted after a look."""
_NEVER = (400, 413, 422)
"""Answers for a Job that no later try would change."""


def site_of(project: Project) -> Site:
    """The project as pods see it."""
    grace = project.settings.of(JobSettings).grace_seconds
    return Site(
        project=mark_of(project, "kubernetes"),
        root=str(project.root),
        home=str(project.home),
        user=os.getuid(),
        group=os.getgid(),
        grace_seconds=grace,
    )


def ids_of(home: Path) -> Callable[[str], Sequence[str]]:
    """Reads which jobs a batch contains, each file once."""

    @lru_cache(4096)
    def read(name: str) -> Sequence[str]:
        shipment = Shipment.read(home / "jobs", name) if name else None
        return () if shipment is None else shipment.jobs

    return read


class KubernetesRemote:
    """One project's jobs in Kubernetes."""

    def __init__(self, project: Project) -> None:
        self._settings = project.settings.of(KubernetesSettings)
        self._api = Api(self._settings)
        self._home, self._site = project.home, site_of(project)
        self._cluster: Cluster | None = None
        self._deleted = set[str]()
        self._ids = ids_of(project.home)
        self._seen = dict[str, Seen]()
        self._removed = dict[str, Sighting]()
        self._ended = dict[str, tuple[float, int | None]]()
        self.poll_seconds = self._settings.poll_seconds

    def cluster(self) -> Cluster:
        """By what no other cluster has, if that may be read; else by its address."""
        if self._cluster is None:
            self._cluster = Cluster(name=self._api.identity())
        return self._cluster

    def look(self) -> Sequence[Sighting]:
        """One list of Jobs, one of pods; and of Kueue's workloads while it keeps a job from
        starting.
        """
        selector = f"{PROJECT}={self._site.project}"
        try:
            jobs, pods = self._api.jobs(selector), self._api.pods(selector)
        except KubernetesRefused as error:
            raise Unreachable(f"Kubernetes: {error.message}") from error
        waits = any((job.get("spec") or {}).get("suspend") for job in jobs)
        why = self._refusals() if lacks_pods(jobs, pods) else {}
        seen = sightings_of(
            jobs, pods, self._workloads() if waits else (), self._starts, self._ids, why
        )
        self._seen = {item.sighting.remote: item for item in seen}
        ended = {item.sighting.key for item in seen if item.sighting.stage is Stage.ENDED}
        self._ended = {key: value for key, value in self._ended.items() if key in ended}
        gone = [sighting for remote, sighting in self._removed.items() if remote not in self._seen]
        self._removed = {
            remote: sighting for remote, sighting in self._removed.items() if remote in self._seen
        }
        return [*(item.sighting for item in seen), *gone]

    def _workloads(self) -> Sequence[dict[str, object]]:
        # It only says why they wait, and not every account may read it.
        with contextlib.suppress(KubernetesRefused, Unreachable):
            return self._api.workloads()
        return ()

    def _refusals(self) -> Mapping[str, str]:
        with contextlib.suppress(KubernetesRefused, Unreachable):
            return self._api.refusals()
        return {}

    def _starts(self, job: str, key: str) -> int | None:
        since, counted = self._ended.get(key, (time.monotonic(), None))
        if time.monotonic() - since > SETTLED_SECONDS:
            return counted
        folder, first = job_folder(self._home, job), first_attempt(key)
        count = starts(folder, first, key) if has_order(Attempt(folder / str(first)), key) else None
        self._ended[key] = (since, count)
        return count

    def recall(self, remotes: Sequence[str]) -> Mapping[str, Sighting]:  # noqa: ARG002 - it forgets with the object
        """Nothing: only the files of the attempts can tell."""
        return {}

    def send(self, batch: Batch) -> Sequence[str]:
        """One Job for the whole batch. Its name is made from its key: if it exists, it arrived
        before.
        """
        for parcel in batch.parcels:
            # The program that runs notebooks is in the image.
            if parcel.entry.spec.notebook is not None:
                attempt = Attempt(parcel.folder)
                order = Order.read(attempt)
                replace(order, command=[self._settings.python, *order.command[1:]]).write(attempt)
        body = manifest(batch, self._site, self._settings)
        name = body["metadata"]["name"]
        try:
            self._api.create(body)
        except KubernetesRefused as error:
            if error.status != _CONFLICT:
                self._judge(error)
        size = body["spec"]["completions"]
        return [
            name if size == 1 else f"{name}/{parcel.key.rpartition('.')[2]}"
            for parcel in batch.parcels
        ]

    def _judge(self, error: KubernetesRefused) -> None:
        if error.status in _NEVER:
            raise Rejected(f"Kubernetes does not take it: {error.message}") from error
        raise NotNow(f"Kubernetes does not take it: {error.message}") from error

    def end(self, sightings: Sequence[Sighting]) -> None:
        """Call them off, then delete them: the Job if nothing else of it is left, else the pod of
        the element.
        """
        refused = list[KubernetesRefused]()
        for owner, elements in self._by_owner([sighting.remote for sighting in sightings]).items():
            for item in elements:
                self._call_off(item)
                self._removed[item.sighting.remote] = replace(
                    item.sighting,
                    stage=Stage.ENDED,
                    asked=JobState.CANCELLED,
                    reason="Cancelled.",
                    code=None,
                )
            refused += self._delete(owner, elements)
        _complain(refused)

    def forget(self, sightings: Sequence[Sighting]) -> None:
        """Jobs whose elements have all ended are deleted, since each look lists them with all their
        pods.
        """
        over = {sighting.remote for sighting in sightings}
        of = defaultdict[str, list[Seen]](list)
        for item in self._seen.values():
            of[item.owner].append(item)
        self._deleted &= set(of)
        due = [
            owner
            for owner, items in of.items()
            if owner
            and owner not in self._deleted
            and all(item.sighting.remote in over for item in items)
        ]
        refused = list[KubernetesRefused]()
        for owner in due[:FORGOTTEN_AT_A_TIME]:
            # If that is refused they disappear on their own, when their time is over.
            self._deleted.add(owner)
            try:
                self._api.delete_job(owner, over=True)
            except KubernetesRefused as error:
                refused.append(error)
        _complain(refused)

    def hold(self, remotes: Sequence[str], *, held: bool) -> None:
        """Take waiting jobs back: Kubernetes has no hold that a Kueue queue would respect. They are
        sent again when they are released.
        """
        refused = list[KubernetesRefused]()
        for owner, elements in self._by_owner(remotes).items() if held else ():
            refused += self._delete(
                owner, [item for item in elements if self._call_off(item, unless_claimed=True)]
            )
        _complain(refused)

    def prioritize(self, priorities: Mapping[str, int]) -> None:
        """Never called: a Job's class cannot be changed."""

    def rank(self, priority: int) -> int | None:  # noqa: ARG002
        """It has no priorities beyond what a Job is sent with."""
        return None

    def _by_owner(self, remotes: Sequence[str]) -> dict[str, list[Seen]]:
        found = defaultdict[str, list[Seen]](list)
        for remote in remotes:
            if remote in self._seen:
                found[self._seen[remote].owner].append(self._seen[remote])
        return found

    def _call_off(self, item: Seen, *, unless_claimed: bool = False) -> bool:
        """Remove its order, so that no pod starts it any more; returns whether that worked."""
        if not item.job:
            return True
        return call_off(
            Attempt.of(self._home, item.job, first_attempt(item.sighting.key)),
            item.sighting.key,
            unless_claimed=unless_claimed,
        )

    def _delete(self, owner: str, elements: Sequence[Seen]) -> list[KubernetesRefused]:
        """Delete a Job of which nothing else is left as a whole; else only the pods. Returns what
        was refused, which does not affect the others.
        """
        requested = {item.sighting.remote for item in elements}
        others = [
            item
            for item in self._seen.values()
            if item.owner == owner
            and item.sighting.stage is not Stage.ENDED
            and item.sighting.remote not in requested
        ]
        try:
            if owner and elements and not others:
                self._deleted.add(owner)
                self._api.delete_job(owner)
                return []
            for item in elements:
                if item.pod:
                    self._api.delete_pod(item.pod)
        except KubernetesRefused as error:
            return [error]
        return []


def _complain(refused: Sequence[KubernetesRefused]) -> None:
    if refused:
        raise NotNow(f"Kubernetes: {refused[0].message}")
