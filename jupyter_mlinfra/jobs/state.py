"""The one function that moves a job from state to state, and how an ended attempt is judged."""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from datetime import datetime

from ..core.errors import Conflict
from .spec import Job, JobState

_NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.STARTING, JobState.FAILED, JobState.CANCELLED}),
    # From starting straight to an end: it ran and ended before its process was recorded, or could
    # not be started.
    JobState.STARTING: frozenset(
        {
            JobState.RUNNING,
            JobState.QUEUED,
            JobState.SUCCEEDED,
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.LOST,
        }
    ),
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.LOST}
    ),
    # A user may run a job again that did not succeed; nothing else moves it.
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
    JobState.LOST: frozenset({JobState.QUEUED}),
}
ACTIVE = (JobState.STARTING, JobState.RUNNING)
FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.LOST})

SAVED = 75
"""Exit code of a job that saved its work and asks to be restarted (EX_TEMPFAIL of sysexits.h)."""
REFUSED = 65
"""Exit code of a job that would only fail again (EX_DATAERR of sysexits.h). It counts beside a
reason of the job's own: any other program that ends with it is tried again.
"""
BACKOFF_LIMIT_SECONDS = 300.0
QUICK_SECONDS = 60.0
"""An attempt shorter than this that asks to be restarted is delayed: it may be an endless loop."""


def advance(
    job: Job, to: JobState, *, at: datetime, reason: str = "", exit_code: int | None = None
) -> Job:
    """The job in its next state; nothing else may set `state`.

    Raises Conflict if that state may not follow the present one.
    """
    if to not in _NEXT.get(job.state, frozenset()):
        raise Conflict(
            f"Job {job.id} is {job.state}.",
            f"It cannot become {to}.",
            "Submit it again." if job.state in FINAL else "",
        )
    moved = replace(job, state=to, reason=reason, exit_code=exit_code)
    if to is JobState.STARTING:
        return replace(moved, attempt=job.attempt + 1, started_at=None)
    if to is JobState.RUNNING:
        return replace(moved, started_at=at)
    if to is JobState.QUEUED:
        return replace(moved, started_at=None, ended_at=None, gpu_ids=())
    return replace(moved, ended_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is known about an attempt that is over. code: None if it could not be read. reason: the
    job's own, or why its exit code is missing. last: of a command, the last line of its log.

    asked: the state for which it was ended (cancelled, or failed at its time limit), None if it
    ended on its own.
    """

    code: int | None
    seconds: float
    reason: str = ""
    last: str = ""
    asked: JobState | None = None
    asked_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a job. counted: the attempt counts against `retries`. delay: seconds until it
    may start again.
    """

    state: JobState
    reason: str
    exit_code: int | None
    counted: bool = False
    delay: float = 0.0


def judge(ended: Ended, *, failures: int, retries: int, requeues: int) -> Verdict:
    """The outcome of a job whose attempt is over.

    failures: attempts that counted so far. requeues: how often it asked to be restarted.
    """
    if ended.asked is JobState.QUEUED and ended.code != 0:
        return Verdict(state=JobState.QUEUED, reason=ended.asked_reason, exit_code=ended.code)
    if ended.asked not in (None, JobState.QUEUED):
        return Verdict(state=ended.asked, reason=ended.asked_reason, exit_code=ended.code)
    if ended.code == 0:
        return Verdict(state=JobState.SUCCEEDED, reason="", exit_code=0)
    if ended.code == SAVED:
        delay = (
            0.0 if ended.seconds >= QUICK_SECONDS else min(_doubled(requeues) - 1, QUICK_SECONDS)
        )
        return Verdict(
            state=JobState.QUEUED,
            reason=f"{explain_exit(SAVED).rstrip('.')}{_in(delay)}.",
            exit_code=SAVED,
            delay=delay,
        )
    reason = ended.reason or explain_exit(ended.code, ended.last)
    if failures < retries and not (ended.code == REFUSED and ended.reason):
        delay = min(_doubled(failures), BACKOFF_LIMIT_SECONDS)
        text = (
            f"Attempt failed: {reason.rstrip('.')}. Tries again{_in(delay)} (retry {failures + 1}"
            f" of {retries})."
        )
        return Verdict(
            state=JobState.QUEUED, reason=text, exit_code=ended.code, counted=True, delay=delay
        )
    state = JobState.LOST if ended.code is None else JobState.FAILED
    return Verdict(state=state, reason=reason, exit_code=ended.code, counted=True)


def explain_exit(code: int | None, last: str = "") -> str:
    """A sentence for an exit code; codes above 128 name the signal, as in shells. last: the
    program's last output.
    """
    if code is None:
        return "It ended, but how is not known: the process that stores its exit code was killed."
    if code == SAVED:
        return "Saved its work and asked to continue."
    if code == 127:
        return "Exit code 127: the program was not found."
    if code == 126:
        return "Exit code 126: the program cannot be run."
    if code > 128:
        try:
            name = signal.Signals(code - 128).name
        except ValueError:
            return f"Exit code {code}."
        cause = " Often the machine ran out of memory." if name == "SIGKILL" else ""
        return f"Killed by {name} (exit code {code}).{cause}"
    return f"Exit code {code}: {last}" if last else f"Exit code {code}."


def _doubled(times: int) -> float:
    # Far above both limits, where 1024 times would be too large a number.
    return 2.0 ** min(times, 30)


def _in(seconds: float) -> str:
    return f" in {seconds:.0f} s" if seconds >= 1 else ""
