"""How an attempt on the far side ended: the files of its guard first, then what the far side says. No I/O but reading those files."""

from __future__ import annotations

import time

from ...attempt import Attempt
from ...rows import Entry
from ...spec import JobState
from ...state import Ended
from . import Sighting
from .order import LIMIT, PREEMPTED, read_asked


def ended(entry: Entry, attempt: Attempt, sighting: Sighting | None) -> Ended:
    """What is known of an attempt that is over. sighting: None when the far side does not know it any more."""
    code, said = attempt.exit_code(), attempt.said()
    asked, reason = _asked(entry, attempt, sighting)
    if code is None and sighting is not None:
        code = sighting.code
        said = said or sighting.reason
    began = attempt.began_at()
    seconds = max(0.0, (attempt.ended_at() or time.time()) - began) if began is not None else 0.0
    return Ended(code=code, seconds=seconds, said=said, asked=asked, asked_reason=reason)


def _asked(entry: Entry, attempt: Attempt, sighting: Sighting | None) -> tuple[JobState | None, str]:
    """The state that it was ended for, and who or what did that."""
    if entry.cancelled_by:
        return JobState.CANCELLED, f"Cancelled by {entry.cancelled_by}{'' if entry.job.attempt or attempt.claimed() is not None else ' before it started'}."
    if entry.requeued_by:
        return JobState.QUEUED, f"Requeued by {entry.requeued_by}."
    why = read_asked(attempt)
    if why == LIMIT:
        return JobState.FAILED, f"Reached its time limit of {entry.spec.time_limit_minutes or 0:g} min."
    if why == PREEMPTED:
        return JobState.QUEUED, "Gave way when it was told to; goes on from what it saved."
    if sighting is not None and sighting.asked is not None:
        return sighting.asked, sighting.reason
    return None, ""
