"""Jobs that the remote side does not list: all traces of each are checked before it is judged or
sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from ..attempt.files import Attempt
from ..backends.launch import Place
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from ..spec import JobState
from . import Cluster, Remote, Sighting, Stage, Unreachable, batches
from .backoff import Patience
from .guard_files import call_off, has_order
from .record import LATER_LIMIT_SECONDS, LATER_SECONDS, Record
from .requests import Requests
from .sending import batch_name, first_attempt, in_doubt

DOUBT_SECONDS, DOUBT_LIMIT_SECONDS = 2.0, 300.0
"""Pause before a job is sent again if its sending got no answer, so that others do not wait behind
it; and how long it may still arrive.
"""
LOSSES = 5
"""How often a job is sent again if the remote side forgets it before it has started."""
LAST_SEEN = "Last seen"
"""How the reason of an unseen job begins."""


class Calls(Protocol):
    """What the follower does for this."""

    def call[T](self, call: Callable[[], T]) -> T:
        """Call the remote side, however slow it is."""

    def cluster(self) -> Cluster:
        """The cluster that the settings name."""

    def isolated(self, job: str, action: Callable[[], None]) -> None:
        """Do something for one job, without effect on the others."""

    def send_batch(self, entries: Sequence[JobEntry], *, in_doubt: bool = False) -> None:
        """Send jobs whose keys are recorded."""

    def last_seen(self, message: str) -> str:
        """The reason of a job that is not seen at present."""


class Missing:
    """The jobs of one backend that it does not list. in_doubt: batches whose sending got no answer.

    doubt_until: monotonic; until then what was called off may still arrive.
    """

    def __init__(
        self,
        store: JobStore,
        record: Record,
        remote: Remote,
        requests: Requests,
        follower: Calls,
        *,
        place: Place,
        backend: str,
    ) -> None:
        self._store, self._record, self._remote = store, record, remote
        self._requests, self._follower = requests, follower
        self._place, self._backend = place, backend
        self._lost = Patience(LATER_SECONDS, LATER_LIMIT_SECONDS)
        self.in_doubt = Patience(DOUBT_SECONDS, DOUBT_LIMIT_SECONDS)
        self.doubt_until = time.monotonic()

    def check(self, entries: Sequence[JobEntry], listed: Collection[str]) -> None:
        """Jobs that the remote side does not list: those that never arrived are sent again, for the
        others all traces are checked. listed: batches of which it lists jobs.
        """
        cluster = self._follower.cluster().name
        clusters = {
            name: self._sent_to(name) for name in {batch_name(entry.token) for entry in entries}
        }
        elsewhere = [
            entry for entry in entries if clusters[batch_name(entry.token)] not in ("", cluster)
        ]
        for entry in elsewhere:
            self._follower.isolated(
                entry.job.id,
                partial(self._elsewhere, entry, clusters[batch_name(entry.token)], cluster),
            )
        handled = {entry.job.id for entry in elsewhere}
        doubtful = [
            entry
            for entry in entries
            if entry.job.id not in handled
            and entry.remote == ""
            and self._record.attempt(entry).claimed() is None
        ]
        for batch in in_doubt(entry for entry in doubtful if not entry.cancelled_by):
            if self.in_doubt.due(batch_name(batch[0].token)):
                self._follower.isolated(
                    batch[0].job.id, partial(self._follower.send_batch, batch, in_doubt=True)
                )
        # Cancelled before their arrival is certain.
        self._unsend(self.withdraw([entry for entry in doubtful if entry.cancelled_by]), "", 0.0)
        handled |= {entry.job.id for entry in doubtful}
        gone = [
            entry
            for entry in entries
            if entry.job.id not in handled
            and (self._taken_back(entry) or not self._record.early(entry.token))
        ]
        self._look_for(gone, listed)

    def _sent_to(self, name: str) -> str:
        shipment = batches.Shipment.read(self._place.home / "jobs", name)
        return "" if shipment is None else shipment.cluster

    def _elsewhere(self, entry: JobEntry, sent_to: str, cluster: str) -> None:
        """A job that another cluster has: that this one does not know it means nothing."""
        if (
            entry.cancelled_by
            and entry.job.state is JobState.QUEUED
            and call_off(self._record.attempt(entry), entry.token, unless_claimed=True)
        ):
            self._unsend([entry], "", 0.0)
            return
        reason = (
            f"{LAST_SEEN} elsewhere: it was sent to cluster {sent_to}, and the settings name"
            f" {cluster or 'one without a name'} now. It is seen again when they name that one."
        )
        self._record.explain({entry.job.id: reason})

    def withdraw(self, entries: Sequence[JobEntry]) -> list[JobEntry]:
        """Call off jobs that may still arrive: if they do, they find their orders gone. Returns
        those that nothing starts any more; the others have begun, and keep their keys.
        """
        withdrawn = [
            entry
            for entry in entries
            if call_off(self._record.attempt(entry), entry.token, unless_claimed=True)
        ]
        if withdrawn:
            self.doubt_until = time.monotonic() + DOUBT_LIMIT_SECONDS
        return withdrawn

    def _taken_back(self, entry: JobEntry) -> bool:
        """Whether a job is gone because it was cancelled here while it waited there."""
        return (
            bool(entry.cancelled_by)
            and self._requests.was_ended(entry.remote)
            and self._record.attempt(entry).claimed() is None
        )

    def _look_for(self, entries: Sequence[JobEntry], listed: Collection[str]) -> None:
        unknown = [
            entry
            for entry in entries
            if entry.remote and self._unexplained(entry) and not self._taken_back(entry)
        ]
        try:
            remotes = [entry.remote for entry in unknown if entry.remote]
            recalled = self._follower.call(partial(self._remote.recall, remotes)) if unknown else {}
        except Unreachable as error:
            # The service that remembers them does not answer, so none of them is judged.
            self._record.explain(
                {entry.job.id: self._follower.last_seen(error.message) for entry in unknown}
            )
            recalled, silent = {}, {entry.job.id for entry in unknown}
            entries = [entry for entry in entries if entry.job.id not in silent]
        taken_back, lost = list[JobEntry](), list[JobEntry]()
        for entry in entries:
            sighting = recalled.get(entry.remote or "")
            if sighting is not None and sighting.stage is not Stage.ENDED:
                self._follower.isolated(
                    entry.job.id,
                    partial(self._record.see, entry, replace(sighting, key=entry.token)),
                )
                if entry.cancelled_by or entry.requeued_by:
                    self._requests.end([], [(entry, sighting)])
            elif (
                sighting is not None
                or entry.job.state is not JobState.QUEUED
                or self._last(entry).claimed() is not None
            ):
                self._follower.isolated(entry.job.id, partial(self._ended_unseen, entry, sighting))
            elif entry.cancelled_by or not has_order(self._record.attempt(entry), entry.token):
                taken_back.append(entry)  # by ourselves
            elif entry.remote and batch_name(entry.token) in listed:
                self._follower.isolated(entry.job.id, partial(self._removed, entry))
            else:
                lost.append(entry)
        for held in (True, False):
            entries_back = [entry for entry in taken_back if bool(entry.job.held_by) is held]
            self._unsend(
                entries_back,
                entries_back[0].job.reason if held and entries_back else "Waits for its turn.",
                0.0,
            )
        self._send_anew(self.withdraw(lost))

    def _removed(self, entry: JobEntry) -> None:
        reason = f"Somebody removed it from the queue of {self._backend}; `requeue` runs it again."
        self._record.end_unstarted(entry, JobState.CANCELLED, reason)

    def _unexplained(self, entry: JobEntry) -> bool:
        """Whether its guard has stored nothing, or only that a signal ended it: the remote side
        knows who sent that.
        """
        code = self._last(entry).exit_code()
        return code is None or code > 128

    def _last(self, entry: JobEntry) -> Attempt:
        """The last attempt that a guard took, else the next one."""
        number = max(entry.job.attempt, first_attempt(entry.token))
        while self._record.attempt(entry, number + 1).claimed() is not None:
            number += 1
        return self._record.attempt(entry, number)

    def _ended_unseen(self, entry: JobEntry, recalled: Sighting | None) -> None:
        """A job that is no longer listed: it ended long ago."""
        self._record.over(
            self._record.catch_up(entry, None, int(self._last(entry).folder.name)), recalled
        )

    def _send_anew(self, entries: Sequence[JobEntry]) -> None:
        """The remote side has forgotten jobs that had not started."""
        again = [entry for entry in entries if self._lost.times(entry.job.id) < LOSSES]
        for entry in [entry for entry in entries if self._lost.times(entry.job.id) >= LOSSES]:
            reason = (
                f"{self._backend} forgot it {LOSSES + 1} times before it had started; `requeue`"
                " tries it again."
            )
            self._follower.isolated(
                entry.job.id, partial(self._record.end_unstarted, entry, JobState.FAILED, reason)
            )
            self._lost.forget([entry.job.id])
        delay = max((self._lost.again(entry.job.id) for entry in again), default=0.0)
        self._unsend(
            again,
            f"{self._backend} does not know it any more; it is sent again in {delay:.0f} s.",
            delay,
        )

    def _unsend(self, entries: Sequence[JobEntry], reason: str, delay: float) -> None:
        if entries:
            self._store.unsent([entry.job.id for entry in entries], reason=reason, delay=delay)
            for entry in entries:
                self._record.forget(entry)
