"""How a remote attempt ended: by the files of its guard first, then by the remote side. No I/O
except reading those files.
"""

from __future__ import annotations

import time

from ..attempt.files import Attempt
from ..queue.rows import JobEntry
from ..spec import JobState
from ..state import SAVED, Ended
from . import Sighting
from .batches import last_output
from .guard_files import LIMIT, PARTITION_LIMIT, PREEMPTED, read_asked

_KILLED = 137


def ended(entry: JobEntry, attempt: Attempt, sighting: Sighting | None) -> Ended:
    """What is known about an attempt that is over. sighting: None if the remote side no longer
    knows it.
    """
    code, own_reason = attempt.exit_code(), attempt.own_reason()
    asked, asked_reason = _asked(entry, attempt, sighting, code)
    remote_reason = sighting.reason if sighting is not None else ""
    if code is None:
        code = sighting.code if sighting is not None else None
        output = last_output(attempt.folder.parents[1], entry.token)
        own_reason = own_reason or _sentence(remote_reason, output)
    elif code == _KILLED:
        own_reason = own_reason or remote_reason  # whoever killed it knows why
    started_at = attempt.began_at()
    seconds = 0.0 if started_at is None else (attempt.ended_at() or time.time()) - started_at
    return Ended(
        code=code,
        seconds=max(0.0, seconds),
        reason=own_reason,
        last=attempt.last_line() if entry.job.command and code else "",
        asked=asked,
        asked_reason=asked_reason,
    )


def _sentence(reason: str, output: str) -> str:
    """The remote side's report of an end, with the last words of the job's own output."""
    return f"{reason.rstrip('.')}: {output}" if reason and output else output or reason


def _asked(
    entry: JobEntry, attempt: Attempt, sighting: Sighting | None, code: int | None
) -> tuple[JobState | None, str]:
    """The state for which it was ended, and by whom or what."""
    if entry.cancelled_by:
        began = entry.job.attempt or attempt.claimed() is not None
        when = "" if began else " before it started"
        return JobState.CANCELLED, f"Cancelled by {entry.cancelled_by}{when}."
    if entry.requeued_by:
        return JobState.QUEUED, f"Requeued by {entry.requeued_by}."
    why = read_asked(attempt)
    if why == LIMIT:
        return (
            JobState.FAILED,
            f"Reached its time limit of {entry.spec.time_limit_minutes or 0:g} min.",
        )
    if why == PREEMPTED:
        return JobState.QUEUED, "It was preempted, and continues from what it saved."
    if why == PARTITION_LIMIT:
        return (
            (None, "")
            if code in (0, SAVED)
            else (
                JobState.FAILED,
                (
                    "Reached the time limit of its partition. What saves its work on SIGTERM and"
                    " ends with 75 continues."
                ),
            )
        )
    if sighting is not None and sighting.asked is not None:
        return sighting.asked, sighting.reason
    return None, ""
