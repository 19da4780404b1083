"""What `squeue --json` and `sacct` show, as sightings. No I/O."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...spec import JobState
from .. import Sighting, Stage

_ENDED = {
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "TIMEOUT",
    "NODE_FAIL",
    "BOOT_FAIL",
    "PREEMPTED",
    "OUT_OF_MEMORY",
    "DEADLINE",
    "REVOKED",
    "SPECIAL_EXIT",
    "LAUNCH_FAILED",
}
# Slurm's reasons for waiting, in our words. Others are shown as they are.
_WAITS = {
    "None": "has not looked at it yet",
    "Priority": "jobs of higher priority are before it",
    "Resources": "not enough is free",
    "BeginTime": (
        "it may not start before its begin time; Slurm lets a requeued job rest for two minutes"
    ),
    "Dependency": "it starts after another job",
    "JobHeldUser": "it is held there; `scontrol release` lets it start",
    "JobHeldAdmin": "an administrator holds it",
    "JobArrayTaskLimit": "its array runs as many elements at a time as it may",
    "PartitionDown": "its partition is down",
    "PartitionInactive": "its partition takes no jobs now",
    "PartitionTimeLimit": "its time limit is longer than its partition allows",
    "PartitionNodeLimit": "its partition has no such node",
    "ReqNodeNotAvail": "a node that it needs is not available",
    "NodeDown": "a node that it needs is down",
    "Reservation": "its reservation has not begun",
    "Licenses": "a licence that it needs is not free",
    "QOSMaxGRESPerUser": "you use as many GPUs as your quality of service allows",
    "QOSMaxCpuPerUserLimit": "you use as many CPUs as your quality of service allows",
    "QOSMaxJobsPerUserLimit": "you run as many jobs as your quality of service allows",
    "QOSGrpGRES": "all users together use as many GPUs as the quality of service allows",
    "AssocGrpGRES": "your account uses as many GPUs as it may",
    "AssocMaxJobsLimit": "your account runs as many jobs as it may",
    "AssocGrpCpuLimit": "your account uses as many CPUs as it may",
}
_HELD = ("JobHeldUser", "JobHeldAdmin")


def sightings_of(jobs: Iterable[Mapping[str, Any]], mark: str) -> list[Sighting]:
    """Jobs whose comment begins with `mark`; after it comes their key, up to the index in the
    batch.
    """
    found = list[Sighting]()
    for job in jobs:
        comment = str(job.get("comment") or "")
        if comment.startswith(mark):
            key = comment.removeprefix(mark)
            # What has no readable name must not hide the others.
            with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
                array = number(job.get("array_job_id"))
                for task in _tasks(job):
                    remote = str(job["job_id"]) if not array else f"{array}_{task}"
                    found.append(_readable(job, remote, f"{key}.{task or 0}"))
    return found


def _readable(job: Mapping[str, Any], remote: str, key: str) -> Sighting:
    """A record as it is understood; else only that it exists."""
    try:
        return _sighting(job, remote, key)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Sighting(
            remote=remote,
            key=key,
            stage=Stage.UNKNOWN,
            reason=f"Slurm shows it in a form that is not understood here: {error}.",
        )


def _tasks(job: Mapping[str, Any]) -> Iterator[int | None]:
    """The elements of an array that a record stands for: waiting ones share one."""
    waiting = str(job.get("array_task_string") or "").partition("%")[0]
    if not waiting:
        yield number(job.get("array_task_id"))
        return
    for part in waiting.split(","):
        first, _, rest = part.partition("-")
        last, _, step = rest.partition(":")
        if first.isdecimal():
            yield from range(int(first), int(last or first) + 1, int(step or 1))


def _sighting(job: Mapping[str, Any], remote: str, key: str) -> Sighting:
    states = job.get("job_state") or []
    states = [states] if isinstance(states, str) else states
    common: dict[str, Any] = {
        "remote": remote,
        "key": key,
        "restarts": number(job.get("restart_cnt")) or 0,
        "node": str(job.get("nodes") or ""),
    }
    ended = next((state for state in states if state in _ENDED), None)
    reason = str(job.get("state_reason") or "None")
    if "PENDING" in states or {"REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED"} & set(states):
        at = number(job.get("start_time"))
        held = reason in _HELD or number(job.get("priority")) == 0
        starts = datetime.fromtimestamp(at, UTC) if at else None
        return Sighting(
            **common,
            stage=Stage.WAITING,
            reason=waits(reason),
            held=held,
            rank=number(job.get("nice")) or 0,
            starts_at=starts,
        )
    # While it completes, its processes are still being ended.
    if ended is None or "COMPLETING" in states:
        return Sighting(
            **common,
            stage=Stage.RUNNING,
            reason="Suspended in Slurm." if "SUSPENDED" in states else "",
        )
    return Sighting(
        **common,
        stage=Stage.ENDED,
        **how_it_ended(ended, _code(job.get("exit_code")), common["node"]),
    )


def _code(value: Any) -> int | None:
    """An exit code as a shell reports it: from a plain wait status (Slurm 22.05), from `signal_id`
    (23.02), or as later versions write it.
    """
    if isinstance(value, int):
        code = os.waitstatus_to_exitcode(value)
        return code if code >= 0 else 128 - code
    signal = (value or {}).get("signal") or {}
    killed = number(signal.get("id", signal.get("signal_id")))
    return 128 + killed if killed else number((value or {}).get("return_code"))


def waits(reason: str) -> str:
    """Why a job waits, as a sentence that still contains Slurm's own word."""
    code = reason.partition(",")[0].strip("()")
    text = _WAITS.get(code)
    if code == "None":
        return "Waits in Slurm, which has not looked at it yet."
    return f"Waits in Slurm: {text} ({reason})." if text else f"Waits in Slurm: {reason}."


def how_it_ended(state: str, code: int | None, node: str = "") -> dict[str, Any]:
    """Fields of a sighting for a final state of Slurm's."""
    where = f" {node}" if node else ""
    if state == "CANCELLED":
        return {"asked": JobState.CANCELLED, "reason": "Cancelled in Slurm.", "code": code or None}
    if state in ("TIMEOUT", "DEADLINE"):
        return {
            "asked": JobState.FAILED,
            "reason": "Reached the time limit of its partition in Slurm.",
            "code": code or None,
        }
    if state == "PREEMPTED":
        return {
            "asked": JobState.QUEUED,
            "reason": "Its place was taken by a job of higher priority.",
            "code": code or None,
        }
    if state == "OUT_OF_MEMORY":
        return {
            "code": 137,
            "reason": "It ran out of the memory that it had asked for; ask for more (memory_gib).",
        }
    if state in ("NODE_FAIL", "BOOT_FAIL", "REVOKED", "LAUNCH_FAILED"):
        return {"code": None, "reason": f"Node{where} failed while it ran."}
    if state == "COMPLETED":
        return {"code": 0}
    return {
        "code": code or 1,
        "reason": f"It could not be started on node{where}." if code in (126, 127) else "",
    }


def recalled(lines: Iterable[str]) -> dict[str, Sighting]:
    """What `sacct --parsable2 --format=JobID,State,ExitCode,Restarts,NodeList` prints, by job id,
    without those that have not ended.
    """
    found = {}
    for line in lines:
        remote, state, code, restarts, node = [*line.split("|"), "", "", "", ""][:5]
        state_name = state.partition(" ")[0]
        if state_name in _ENDED:
            exit_code, _, signal = code.partition(":")
            number_of = (
                128 + int(signal)
                if signal.isdecimal() and int(signal)
                else int(exit_code)
                if exit_code.isdecimal()
                else None
            )
            times = int(restarts) if restarts.isdecimal() else 0
            found[remote] = Sighting(
                remote=remote,
                key="",
                stage=Stage.ENDED,
                restarts=times,
                node=node,
                **how_it_ended(state_name, number_of, node),
            )
    return found


def number(value: Any) -> int | None:
    """A number as in Slurm's JSON: `{"set", "infinite", "number"}`, or plain."""
    if isinstance(value, Mapping):
        return int(value["number"]) if value.get("set") and not value.get("infinite") else None
    return int(value) if isinstance(value, int | float) else None
