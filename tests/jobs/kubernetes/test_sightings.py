"""What lists of Jobs and pods mean, in the JSON that a server sends."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.remote.kubernetes.nodes import devices_of, free, nodes_of, room_for
from jupyter_mlinfra.jobs.remote.kubernetes.pod import visible_gpus
from jupyter_mlinfra.jobs.remote.kubernetes.settings import KubernetesSettings
from jupyter_mlinfra.jobs.remote.kubernetes.sightings import lacks_pods, sightings_of

LABELS = {
    "jupyter-mlinfra/project": "p",
    "jupyter-mlinfra/batch": "b",
    "jupyter-mlinfra/attempt": "3",
}


def job(
    *conditions: dict[str, str],
    size: int = 1,
    suspend: bool = False,
    queue: str = "",
    **status: Any,
) -> dict[str, Any]:
    labels = {**LABELS, **({"kueue.x-k8s.io/queue-name": queue} if queue else {})}
    meta = {"name": "train", "uid": "u1", "labels": labels}
    return {
        "metadata": meta,
        "spec": {"completions": size, "suspend": suspend},
        "status": {"conditions": list(conditions), **status},
    }


def pod(
    phase: str,
    *conditions: dict[str, str],
    index: int = 0,
    at: str = "2026-01-01T00:00:00Z",
    **status: Any,
) -> dict[str, Any]:
    notes = {"batch.kubernetes.io/job-completion-index": str(index)}
    meta = {
        "name": f"train-{index}-x",
        "creationTimestamp": at,
        "labels": {**LABELS, "batch.kubernetes.io/job-name": "train"},
        "annotations": notes,
    }
    return {
        "metadata": meta,
        "spec": {"nodeName": "node-1"},
        "status": {"phase": phase, "conditions": list(conditions), **status},
    }


def look(jobs: Any, pods: Any, workloads: Any, starts: Any, refusals: Any = None) -> Any:
    """With elements j0, j1 … of the batch."""
    return sightings_of(
        jobs,
        pods,
        workloads,
        starts,
        lambda batch: [
            f"j{i}" for i in range(max((job["spec"]["completions"] for job in jobs), default=2))
        ],
        refusals or {},
    )


def state(**how: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "job", "state": how}]}


def condition(kind: str, status: str = "True", **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, **more}


DISRUPTED = condition("DisruptionTarget", reason="PreemptionByScheduler")


@pytest.mark.parametrize(
    ("there", "pods", "starts", "stage", "restarts", "words"),
    [
        (job(), [], 0, "waiting", 0, "has not made a pod"),
        (job(suspend=True), [], 0, "waiting", 0, "suspended"),
        (
            job(suspend=True, queue="team"),
            [],
            0,
            "waiting",
            0,
            "Kueue has not admitted it to queue team",
        ),
        (
            job(),
            [
                pod(
                    "Pending",
                    condition(
                        "PodScheduled",
                        "False",
                        reason="Unschedulable",
                        message="0/3 nodes are available",
                    ),
                )
            ],
            0,
            "waiting",
            0,
            "0/3 nodes",
        ),
        (
            job(),
            [
                pod(
                    "Pending",
                    **state(waiting={"reason": "ImagePullBackOff", "message": "no such tag"}),
                )
            ],
            0,
            "waiting",
            0,
            "ImagePullBackOff: no such tag",
        ),
        (
            job(),
            [pod("Pending", **state(waiting={"reason": "ContainerCreating"}))],
            0,
            "waiting",
            0,
            "is being made",
        ),
        (job(), [pod("Running")], 1, "running", 0, ""),
        (job(), [pod("Running")], 2, "running", 1, ""),
        (job(), [pod("Unknown")], 1, "running", 0, "does not report its state"),
        (job(), [pod("Failed", DISRUPTED)], 1, "waiting", 1, "PreemptionByScheduler"),
        (
            job(),
            [pod("Failed", DISRUPTED), pod("Pending", at="2026-01-01T00:00:05Z")],
            1,
            "waiting",
            1,
            "Waits in Kubernetes",
        ),
        (job(suspend=True, queue="team"), [], 1, "waiting", 1, "Kueue"),
        (
            job(suspend=True, queue="team"),
            [pod("Failed", **state(terminated={"exitCode": 75}))],
            1,
            "waiting",
            1,
            "Kueue",
        ),
        (job(condition("Complete")), [], 1, "ended", 0, ""),
        (
            job(condition("Failed", message="Job has failed indexes")),
            [],
            1,
            "ended",
            0,
            "failed indexes",
        ),
    ],
)
def test_where_a_job_stands(
    there: Any, pods: Any, starts: int, stage: str, restarts: int, words: str
) -> None:
    [seen] = look([there], pods, [], lambda job, key: starts)
    found = seen.sighting
    assert (found.key, found.stage, found.restarts) == ("b.3.0", stage, restarts)
    assert words in found.reason


@pytest.mark.parametrize(
    ("ended", "code", "asked", "words"),
    [
        (pod("Succeeded", **state(terminated={"exitCode": 0})), 0, None, ""),
        (pod("Failed", **state(terminated={"exitCode": 7, "reason": "Error"})), 7, None, ""),
        (
            pod("Failed", **state(terminated={"exitCode": 137, "reason": "OOMKilled"})),
            137,
            None,
            "out of the memory",
        ),
        (
            pod("Failed", reason="DeadlineExceeded", **state(terminated={"exitCode": 137})),
            137,
            "failed",
            "time limit",
        ),
        (
            pod(
                "Failed",
                reason="Evicted",
                message="the node was low on memory",
                **state(terminated={"exitCode": 137}),
            ),
            137,
            None,
            "low on memory",
        ),
        (
            pod(
                "Failed",
                **state(
                    terminated={
                        "exitCode": 128,
                        "reason": "StartError",
                        "message": "python: not found",
                    }
                ),
            ),
            128,
            None,
            "before the job began: python: not found",
        ),
    ],
)
def test_how_a_pod_ended(ended: Any, code: int | None, asked: str | None, words: str) -> None:
    [seen] = look([job(condition("Failed"), failedIndexes="0")], [ended], [], lambda job, key: 1)
    assert (seen.sighting.stage, seen.sighting.code, seen.sighting.asked, seen.pod) == (
        "ended",
        code,
        asked,
        "",
    )
    assert words in seen.sighting.reason


@pytest.mark.parametrize("why", ["UnexpectedAdmissionError", "OutOfcpu", "NodeAffinity"])
def test_a_pod_that_its_node_refuses_is_not_the_jobs_failure(why: str) -> None:
    refused = pod("Failed", reason=why, message="Allocate failed due to no healthy devices present")
    [seen] = look([job(condition("Failed"), failedIndexes="0")], [refused], [], lambda job, key: 0)
    assert (seen.sighting.stage, seen.sighting.code, seen.sighting.asked) == (
        "ended",
        None,
        "queued",
    )
    assert "no healthy devices" in seen.sighting.reason


def test_why_no_pod_is_made_is_told_in_the_servers_words() -> None:
    words = (
        'pods "train-0-" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8'
    )
    [seen] = look([job()], [], [], lambda job, key: 0, {"u1": words})
    assert words in seen.sighting.reason
    assert [lacks_pods([job()], pods) for pods in ([], [pod("Pending")])] == [True, False]
    assert not lacks_pods([job(suspend=True), job(condition("Complete"))], [])


def test_elements_end_one_by_one() -> None:
    array = job(size=8, completedIndexes="0,2-4", failedIndexes="5")
    found = look([array], [pod("Running", index=1)], [], lambda job, key: 1)
    assert [seen.sighting.stage for seen in found] == [
        "ended",
        "running",
        "ended",
        "ended",
        "ended",
        "ended",
        "waiting",
        "waiting",
    ]
    assert [seen.sighting.code for seen in found[:3]] == [0, None, 0]
    assert found[1].sighting.remote == "train/1"


def test_kueues_own_words_say_why_a_job_waits() -> None:
    reserved = condition(
        "QuotaReserved",
        "False",
        message="insufficient unused quota for nvidia.com/gpu in flavor a100, 2 more needed",
    )
    workload = {
        "metadata": {"name": "job-train", "ownerReferences": [{"uid": "u1"}]},
        "status": {"conditions": [reserved]},
    }
    [seen] = look([job(suspend=True, queue="team")], [], [workload], lambda job, key: 0)
    assert "insufficient unused quota for nvidia.com/gpu in flavor a100" in seen.sighting.reason
    reserved["status"] = "True"
    [seen] = look([job(suspend=True, queue="team")], [], [workload], lambda job, key: 0)
    assert "reserved its place" in seen.sighting.reason


def test_what_was_called_off_is_not_shown_as_waiting_but_while_it_runs() -> None:
    assert look([job()], [pod("Pending")], [], lambda job, key: None) == []
    [seen] = look([job()], [pod("Running")], [], lambda job, key: None)
    assert seen.sighting.stage == "running"


def test_a_pod_that_outlives_its_job_still_runs() -> None:
    [seen] = look([], [pod("Running", index=1), pod("Failed", index=0)], [], lambda job, key: 1)
    assert (seen.sighting.key, seen.sighting.stage, seen.pod) == ("b.3.1", "running", "train-1-x")


def test_what_a_node_has_left_is_what_its_pods_do_not_ask_for() -> None:
    settings = KubernetesSettings(gpu_types={"a100": "NVIDIA-A100"})
    room = {"cpu": "7910m", "memory": "32Gi", "nvidia.com/gpu": "4"}
    nodes = nodes_of(
        [
            {
                "metadata": {"name": "node-1", "labels": {"nvidia.com/gpu.product": "NVIDIA-A100"}},
                "status": {"allocatable": room},
            },
            {
                "metadata": {"name": "cordoned"},
                "spec": {"unschedulable": True},
                "status": {"allocatable": room},
            },
        ],
        settings,
    )
    asks = {"resources": {"requests": {"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": "3"}}}
    ours, other = pod("Running", index=1), pod("Running")
    ours["spec"]["containers"] = [asks]
    other["spec"]["containers"] = [{"resources": {"requests": {"cpu": "1"}}}]
    [node] = nodes
    left = free(node, [ours, other, {**pod("Failed"), "spec": ours["spec"]}])
    assert (round(left.cpus, 3), left.memory / 2**30, left.devices) == (
        6.41,
        30,
        {"nvidia.com/gpu": 1},
    )
    wishes = [
        JobSpec(command=["x"], gpus=gpus, cpus=cpus, gpu_type=kind)
        for gpus, cpus, kind in ((1, 6, "a100"), (2, 1, None), (1, 7, None), (1, 1, "h100"))
    ]
    assert [room_for(spec, left, node.labels, settings) for spec in wishes] == [
        True,
        False,
        False,
        False,
    ]
    assert [
        device.holder
        for device in devices_of(
            nodes, [ours, other], lambda batch, index: f"job:{batch}{index}", "p", settings
        )
    ] == ["job:b1"] * 3 + [""]
    assert (
        devices_of(nodes, [ours], lambda batch, index: "job:b1", "another", settings)[0].holder
        == "pod train-1-x"
    )


def test_cuda_sees_what_the_device_plugin_gave() -> None:
    assert visible_gpus("GPU-1a,GPU-2b", 2) == "GPU-1a,GPU-2b"
    assert visible_gpus("MIG-7", 1) == "MIG-7"
    assert [visible_gpus(given, 2) for given in ("void", "all", "", "0,1")] == ["0,1"] * 4
    assert visible_gpus("", 0) == ""
