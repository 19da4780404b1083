"""What Ray's list of jobs shows, as sightings. No I/O.

Answers are read as plain JSON, so that fields of a newer Ray do not matter; older ones have no
`error_type`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...attempt.files import UNCLAIMED
from ...spec import JobState
from .. import Sighting, Stage
from .api import essence
from .request import JOB, KEY, PROJECT

Json = Mapping[str, Any]
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
SAID = 500
"""How many characters of Ray's message about a failure are kept."""
_NEVER = "Failed to start supervisor actor"
"""How Ray's message begins when it will never run such a job; every other failure before a job
begins may pass.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What the files of an attempt show. ordered: its order exists. claimed: its guard has begun.
    ended: it has stored an exit code.
    """

    ordered: bool
    claimed: bool
    ended: bool


Look = Callable[[str, str], Traces]
"""Job id and key → what the files of that attempt show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A job with what is needed to end it.

    job: our id. over_at: milliseconds since 1970 at which Ray saw it end. lives: its guard may,
    although Ray says that it has ended.
    """

    sighting: Sighting
    job: str
    over_at: float | None = None
    lives: bool = False


def sightings_of(
    jobs: Iterable[Json],
    project: str,
    followed: Container[str],
    look: Look,
    nodes: Mapping[str, str],
) -> list[Seen]:
    """A sighting for each job with the mark of the project. followed: keys of those that have not
    ended for us. nodes: their names by their ids.

    Jobs that were called off are left out: Ray takes no waiting job back, but if one starts, it
    sees that and ends.
    """
    found = list[Seen]()
    for job in jobs:
        meta = job.get("metadata") or {}
        if meta.get(PROJECT) != project or not job.get("submission_id"):
            continue
        key, ident = str(meta.get(KEY) or ""), str(meta.get(JOB) or "")
        node = str(job.get("driver_node_id") or "")
        common: dict[str, Any] = {
            "remote": str(job["submission_id"]),
            "key": key,
            "node": nodes.get(node, node),
        }
        status = str(job.get("status") or "")
        if status not in _ENDED:
            stage = Stage.WAITING if status == "PENDING" else Stage.RUNNING
            if stage is Stage.RUNNING or look(ident, key).ordered:
                found.append(Seen(sighting=Sighting(**common, stage=stage), job=ident))
            continue
        traces = look(ident, key) if key in followed else None
        if traces is not None and not traces.claimed and not traces.ordered:
            continue
        ended = Sighting(
            **common,
            stage=Stage.ENDED,
            **_end_fields(job, status, began=traces is not None and traces.claimed),
        )
        lives = traces is not None and traces.claimed and not traces.ended and not _by_itself(job)
        found.append(Seen(sighting=ended, job=ident, over_at=job.get("end_time"), lives=lives))
    return found


def _by_itself(job: Json) -> bool:
    """Whether the entrypoint ended without being killed: then its guard has ended too."""
    code = job.get("driver_exit_code")
    return job.get("status") == "SUCCEEDED" or (isinstance(code, int) and code >= 0)


def _end_fields(job: Json, status: str, *, began: bool) -> dict[str, Any]:
    """How a job ended. Exit codes come from the attempt's files first; this is for when those say
    nothing.
    """
    if status == "SUCCEEDED":
        return {"code": 0}
    if status == "STOPPED":
        return {"asked": JobState.CANCELLED, "reason": "Stopped in Ray."}
    message, code = str(job.get("message") or ""), job.get("driver_exit_code")
    if code == UNCLAIMED:
        return {"code": code}
    if isinstance(code, int):
        code = code if code >= 0 else 128 - code
        return {
            "code": code,
            "reason": (
                "" if began else f"Its entrypoint ended before the job began: {_last(message)}."
            ),
        }
    reason = _first(message) or "Ray does not say why"
    if began:
        return {"code": None, "reason": f"Ray lost it while it ran: {reason}."}
    if message.startswith(_NEVER):
        return {"code": None, "reason": f"Ray does not run such a job: {reason}."}
    return {
        "code": None,
        "asked": JobState.QUEUED,
        "reason": f"Ray could not start it: {reason}. It is sent again.",
    }


def _first(message: str) -> str:
    """The first sentence of a message, without a traceback that may follow."""
    return (
        message.partition(". Full traceback:")[0]
        .partition("\n")[0]
        .partition(". ")[0]
        .strip()[:SAID]
        .rstrip(".")
    )


def _last(message: str) -> str:
    """The end of a log that a message quotes."""
    return essence(message.partition("\n")[2]) or "it printed nothing"
