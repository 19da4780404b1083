"""What the lists of Jobs and pods show, as sightings. No I/O.

Objects are read as the JSON that the server sends, so that fields of a newer server do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...spec import JobState
from .. import Sighting, Stage
from .manifest import BATCH, INDEX, OWNER, QUEUE, key_of

Json = Mapping[str, Any]
_WAITS = {
    "ImagePullBackOff": "its image cannot be fetched, which is tried again",
    "ErrImagePull": "its image cannot be fetched",
    "InvalidImageName": "its image has no valid name; see [jobs.kubernetes] image",
    "CreateContainerConfigError": "its container cannot be made as it is",
    "CreateContainerError": "its container cannot be made",
    "ContainerCreating": "its container is being made",
    "PodInitializing": "its container is being made",
}

OUTPUT = 500
"""How many characters of a container's last output are kept."""

Starts = Callable[[str, str], int | None]
"""Job id and key → how often it was started; None if its order is gone or belongs to
another key.
"""

Ids = Callable[[str], Sequence[str]]
"""Name of a batch → ids of its jobs, by their index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An element with what is needed to end it. owner: name of its Job. job: our id. pod: name of
    the one that has not ended, empty without one.
    """

    sighting: Sighting
    owner: str
    job: str
    pod: str = ""


def sightings_of(
    jobs: Iterable[Json],
    pods: Iterable[Json],
    workloads: Iterable[Json],
    starts: Starts,
    ids_of: Ids,
    refusals: Mapping[str, str],
) -> list[Seen]:
    """A sighting for each element of each Job; and for pods that outlive theirs, while they run.
    refusals: why none is made for Jobs, by their uids.
    """
    pod_of = _newest(pods)
    quotas = {
        owner.get("uid"): workload
        for workload in workloads
        for owner in _meta(workload).get("ownerReferences") or ()
    }
    seen = list[Seen]()
    for job in jobs:
        uid = _meta(job).get("uid")
        for index, ident in enumerate(_ids(_meta(job), ids_of)):
            pod = pod_of.pop((str(_meta(job).get("name")), index), None)
            refusal = refusals.get(str(uid), "")
            element = _element(job, pod, index, ident, starts, quotas.get(uid), refusal)
            if element is not None:
                seen.append(element)
    for (name, index), pod in pod_of.items():
        ids = _ids(_meta(pod), ids_of)
        if index < len(ids) and not _over(pod):
            seen.append(_left_pod(pod, name, index, ids, starts))
    return seen


def _element(
    job: Json,
    pod: Json | None,
    index: int,
    ident: str,
    starts: Starts,
    workload: Json | None,
    refusal: str,
) -> Seen | None:
    """One element of a Job; None if it was called off: a pod that still starts will see that and
    end.
    """
    meta, completions = _meta(job), (job.get("spec") or {}).get("completions")
    key = key_of(meta.get("labels") or {}, index)
    times = starts(ident, key) if ident else None
    fields = _sighting(job, pod, index, times or 0, workload, refusal)
    if times is None and fields["stage"] is Stage.WAITING:
        return None
    remote = meta["name"] if completions == 1 else f"{meta['name']}/{index}"
    sighting = Sighting(remote=remote, key=key, **fields)
    return Seen(sighting=sighting, owner=meta["name"], job=ident, pod=_live(pod))


def _left_pod(pod: Json, name: str, index: int, ids: Sequence[str], starts: Starts) -> Seen:
    """A pod that runs although its Job is gone."""
    key = key_of(_meta(pod).get("labels") or {}, index)
    sighting = Sighting(
        remote=name if len(ids) == 1 else f"{name}/{index}",
        key=key,
        stage=Stage.RUNNING,
        restarts=max(0, (starts(ids[index], key) or 0) - 1),
        reason="Its Job was deleted in Kubernetes; its pod ends.",
    )
    return Seen(sighting=sighting, owner="", job=ids[index], pod=_live(pod))


def _live(pod: Json | None) -> str:
    return "" if pod is None or _over(pod) else str(_meta(pod).get("name") or "")


def _newest(pods: Iterable[Json]) -> dict[tuple[str, int], Json]:
    """The last pod of each element."""
    newest = dict[tuple[str, int], Json]()
    for pod in sorted(pods, key=lambda pod: str(_meta(pod).get("creationTimestamp") or "")):
        meta = _meta(pod)
        index = (meta.get("annotations") or {}).get(INDEX)
        owner = (meta.get("labels") or {}).get(OWNER)
        if owner and index is not None:
            earlier = newest.get((owner, int(index)))
            # Two of the same second: the one that has not ended is newer.
            if earlier is None or _over(earlier) or not _over(pod):
                newest[owner, int(index)] = pod
    return newest


def lacks_pods(jobs: Iterable[Json], pods: Iterable[Json]) -> bool:
    """Whether there are Jobs that should have a pod and have none: only an event says that their
    creation is refused.
    """
    owners = {(_meta(pod).get("labels") or {}).get(OWNER) for pod in pods}
    return any(
        _meta(job).get("name") not in owners
        and not (job.get("spec") or {}).get("suspend")
        and not _conditions(job)
        for job in jobs
    )


def _sighting(
    job: Json, pod: Json | None, index: int, starts: int, workload: Json | None, refusal: str
) -> dict[str, Any]:
    """Fields of a sighting of one element."""
    conditions, spec = _conditions(job), job.get("spec") or {}
    final = conditions.get("Complete") or conditions.get("Failed")
    failed = _in(index, _status(job).get("failedIndexes"))
    again = (
        pod is not None
        and _status(pod).get("phase") == "Failed"
        and (_replaced(pod) or spec.get("suspend"))
        and final is None
        and not failed
    )
    if pod is not None and not again:
        return _of_pod(pod, starts)
    if pod is None and (
        conditions.get("Complete") or _in(index, _status(job).get("completedIndexes"))
    ):
        return {"stage": Stage.ENDED, "restarts": max(0, starts - 1), "code": 0}
    if pod is None and (final is not None or failed):
        return {
            "stage": Stage.ENDED,
            "restarts": max(0, starts - 1),
            "reason": str((final or {}).get("message") or ""),
        }
    return {
        "stage": Stage.WAITING,
        "restarts": starts,
        "reason": _waits_for_pod(job, pod, bool(spec.get("suspend")), workload, refusal),
    }


def _waits_for_pod(
    job: Json, pod: Json | None, suspended: bool, workload: Json | None, refusal: str
) -> str:
    if suspended and QUEUE in (_meta(job).get("labels") or {}):
        reserved = _conditions(workload or {}, every=True).get("QuotaReserved") or {}
        queue = (_meta(job).get("labels") or {})[QUEUE]
        if reserved.get("status") == "True":
            return (
                f"Waits in Kubernetes: Kueue has reserved its place in queue {queue}, and is about"
                " to release it."
            )
        return (
            f"Waits in Kubernetes: Kueue has not admitted it to queue {queue}"
            f" yet{': ' + str(reserved['message']) if reserved.get('message') else '.'}"
        )
    if suspended:
        return "Waits in Kubernetes: it is suspended."
    if pod is not None and _replaced(pod):
        return (
            f"Its place was taken ({_disruption(pod).get('reason') or 'evicted'}); Kubernetes makes"
            " another pod for it."
        )
    if refusal:
        return f"Waits in Kubernetes, which makes no pod for it: {refusal}"
    return "Waits in Kubernetes, which has not made a pod for it yet."


def _of_pod(pod: Json, starts: int) -> dict[str, Any]:
    status = _status(pod)
    node, phase = str((pod.get("spec") or {}).get("nodeName") or ""), status.get("phase")
    again = max(0, starts - 1)
    if phase == "Succeeded":
        return {"stage": Stage.ENDED, "restarts": again, "node": node, "code": 0}
    if phase == "Failed":
        return {"stage": Stage.ENDED, "restarts": again, "node": node, **_failed(pod, starts)}
    if phase == "Pending":
        return {"stage": Stage.WAITING, "restarts": starts, "node": node, "reason": _waits(pod)}
    reason = "" if phase == "Running" else f"Node {node} does not report its state."
    return {"stage": Stage.RUNNING, "restarts": again, "node": node, "reason": reason}


def _waits(pod: Json) -> str:
    """Why a pod has not started."""
    scheduled = _conditions(pod, every=True).get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return (
            f"Waits in Kubernetes: {scheduled.get('message') or 'no node is found for it'}"
            f" ({scheduled.get('reason') or 'Unschedulable'})."
        )
    for container in _status(pod).get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            text = _WAITS.get(waiting["reason"], "its container does not start")
            message = f": {waiting['message']}" if waiting.get("message") else ""
            return f"Waits in Kubernetes: {text} ({waiting['reason']}{message})."
    return "Waits in Kubernetes for its container."


def _failed(pod: Json, starts: int) -> dict[str, Any]:
    """How a failed pod ended. Exit codes come from the attempt's files first; this is for when
    those say nothing.
    """
    status, reason = _status(pod), str(_status(pod).get("reason") or "")
    ended: Json = next(
        (
            state
            for container in status.get("containerStatuses") or ()
            if (state := (container.get("state") or {}).get("terminated"))
        ),
        {},
    )
    code = ended.get("exitCode")
    if ended.get("reason") == "OOMKilled":
        return {
            "code": code,
            "reason": "It ran out of the memory that it had asked for; ask for more (memory_gib).",
        }
    if reason == "DeadlineExceeded":
        return {
            "code": code,
            "asked": JobState.FAILED,
            "reason": "Reached the time limit of its pod in Kubernetes.",
        }
    if _replaced(pod):
        return {
            "code": code,
            "asked": JobState.QUEUED,
            "reason": f"Its place was taken ({_disruption(pod).get('reason') or 'evicted'}).",
        }
    # The node itself refused the pod, which says nothing about the job.
    if reason and not ended and not starts:
        return {
            "code": None,
            "asked": JobState.QUEUED,
            "reason": (
                f"Node refused its pod ({reason}: {status.get('message') or ''}); it is sent again."
            ),
        }
    if reason or (status.get("message") and code is None):
        return {
            "code": code,
            "reason": (
                "Its pod failed in Kubernetes:"
                f" {': '.join(part for part in (reason, str(status.get('message') or '')) if part)}"
            ),
        }
    output = str(ended.get("message") or "").strip()
    early = not starts or ended.get("reason") in ("ContainerCannotRun", "StartError")
    return {
        "code": code,
        "reason": (
            f"Its pod ended before the job began: {output[-OUTPUT:] or 'it printed nothing.'}"
            if early
            else ""
        ),
    }


def _replaced(pod: Json) -> bool:
    """Whether a pod was preempted, which our policy does not count as a failure."""
    return _disruption(pod).get("status") == "True"


def _disruption(pod: Json) -> Json:
    return _conditions(pod, every=True).get("DisruptionTarget") or {}


def _over(pod: Json) -> bool:
    return _status(pod).get("phase") in ("Succeeded", "Failed")


def _ids(meta: Json, ids_of: Ids) -> Sequence[str]:
    return ids_of(str((meta.get("labels") or {}).get(BATCH) or ""))


def _meta(item: Json) -> Json:
    return item.get("metadata") or {}


def _status(item: Json) -> Json:
    return item.get("status") or {}


def _conditions(item: Json, *, every: bool = False) -> dict[str, Json]:
    """Conditions by type; only those that are true unless `every`."""
    return {
        str(condition.get("type")): condition
        for condition in _status(item).get("conditions") or ()
        if every or condition.get("status") == "True"
    }


def _in(index: int, intervals: Any) -> bool:
    """Whether an index is among `1,3-5`."""
    for part in str(intervals or "").split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and int(first) <= index <= int(last or first):
            return True
    return False
