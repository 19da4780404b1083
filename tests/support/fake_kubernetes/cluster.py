"""The cluster behind the fake's API: a Job controller, a scheduler and a kubelet, of Kubernetes as
far as batch/v1 Jobs need them.

Written from the reference of the Job controller: indexes, pod failure policy, back-off per index,
suspension, foreground deletion, TTL.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from .kubelet import Kubelet
from .objects import INDEX, has_condition, pod_of, requests_of, set_condition, stamp

Json = dict[str, Any]
TICK_SECONDS = 0.02


class Cluster:
    """All state, behind one lock. Tests reach in by its methods, as an administrator, Kueue or a
    failing node would.
    """

    def __init__(self, kubelet: Kubelet, nodes: list[Json], claims: set[str]) -> None:
        self.lock = threading.RLock()
        self.kubelet, self.nodes, self.claims = kubelet, nodes, claims
        self.jobs, self.pods, self.workloads, self.events = (
            dict[str, Json](),
            dict[str, Json](),
            list[Json](),
            list[Json](),
        )
        self.quota = ""  # why no pod is made
        self._done = dict[str, dict[int, str]]()
        self._over = dict[str, float]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.fault = ""

    # What others do

    def add(self, job: Json) -> Json:
        """Take a Job that has passed all checks."""
        uid = str(uuid.uuid4())
        job = {
            **job,
            "metadata": {
                **job["metadata"],
                "uid": uid,
                "creationTimestamp": stamp(),
                "resourceVersion": "1",
                "generation": 1,
            },
            "status": {},
        }
        self.jobs[job["metadata"]["name"]] = job
        self._done[uid] = {}
        return job

    def delete(self, thing: Json, *, foreground: bool = False) -> None:
        """Of a Job or a pod."""
        thing["metadata"].setdefault("deletionTimestamp", stamp())
        if thing.get("kind") == "Job" and not foreground:
            self._remove(thing)

    def evict(self, pod: str, reason: str = "EvictionByEvictionAPI") -> None:
        """A node is drained, or a pod of higher priority needs the place."""
        with self.lock:
            set_condition(
                self.pods[pod], "DisruptionTarget", reason=reason, message="Eviction API: evicting"
            )
            self.delete(self.pods[pod])

    def out_of_memory(self, pod: str) -> None:
        """The kernel kills what uses more than its limit."""
        with self.lock:
            self.kubelet.kill(self.pods[pod]["metadata"]["uid"], "OOMKilled")

    def suspend(self, job: str, suspended: bool) -> None:
        """Kueue takes a place away, or admits."""
        with self.lock:
            self.jobs[job]["spec"]["suspend"] = suspended

    def pods_of(self, job: str) -> list[str]:
        """Names of pods that have not ended, once they run."""
        with self.lock:
            return [
                n
                for n, pod in self.pods.items()
                if pod["metadata"]["labels"]["job-name"] == job
                and pod["status"]["phase"] == "Running"
            ]

    def close(self) -> None:
        """End it and all that runs."""
        self._stop.set()
        self._thread.join()
        self.kubelet.close()

    # What the cluster does by itself

    def _live(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                with self.lock:
                    for job in list(self.jobs.values()):
                        self._control(job)
                    for pod in list(self.pods.values()):
                        self._see_to(pod)
            except Exception as error:
                self.fault = f"{type(error).__name__}: {error}"
                raise

    def _control(self, job: Json) -> None:
        meta, spec, done = job["metadata"], job["spec"], self._done[job["metadata"]["uid"]]
        own = [
            pod
            for pod in self.pods.values()
            if pod["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]
        ]
        for pod in own:
            self._count(job, pod, done)
        if "deletionTimestamp" in meta:
            for pod in own:
                self.delete(pod)
            if not [
                pod
                for pod in self.pods.values()
                if pod["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]
            ]:
                self._remove(job)
        elif has_condition(job, "Complete") or has_condition(job, "Failed"):
            if time.monotonic() - self._over.setdefault(meta["uid"], time.monotonic()) > spec.get(
                "ttlSecondsAfterFinished", 1e9
            ):
                self.delete(job, foreground=True)
        elif spec.get("suspend"):
            set_condition(job, "Suspended", reason="JobSuspended", message="Job suspended")
            for pod in own:
                self.delete(pod)
        else:
            self._make_pods(job, done)
        self._tell(job, done)

    def _make_pods(self, job: Json, done: Mapping[int, str]) -> None:
        meta, spec = job["metadata"], job["spec"]
        if has_condition(job, "Suspended"):
            set_condition(job, "Suspended", status="False", reason="JobResumed")
        own = [
            pod
            for pod in self.pods.values()
            if pod["metadata"]["ownerReferences"][0]["uid"] == meta["uid"]
        ]
        active = {
            int(pod["metadata"]["annotations"][INDEX])
            for pod in own
            if not pod["metadata"].get("counted")
        }
        for index in range(spec["completions"]):
            if index not in done and index not in active and len(active) < spec["parallelism"]:
                if self.quota:
                    event = {
                        "reason": "FailedCreate",
                        "message": self.quota,
                        "involvedObject": {"kind": "Job", "uid": meta["uid"]},
                    }
                    self.events = [
                        {
                            "metadata": {"name": f"{meta['name']}.1"},
                            "lastTimestamp": stamp(),
                            **event,
                        }
                    ]
                    return
                pod = pod_of(job, index)
                self.pods[pod["metadata"]["name"]] = pod
                active.add(index)

    def _count(self, job: Json, pod: Json, done: dict[int, str]) -> None:
        """Look at a pod that has ended, once; one that was deleted goes then."""
        meta, phase = pod["metadata"], pod["status"]["phase"]
        if phase not in ("Succeeded", "Failed"):
            return
        index = int(meta["annotations"][INDEX])
        if not meta.get("counted") and not (
            job["spec"].get("suspend") and "deletionTimestamp" in meta
        ):
            if phase == "Succeeded":
                done[index] = "completed"
            else:
                self._judge(job, pod, index, done)
        meta["counted"] = True
        if "deletionTimestamp" in meta:
            del self.pods[meta["name"]]

    def _judge(self, job: Json, pod: Json, index: int, done: dict[int, str]) -> None:
        statuses = pod["status"].get("containerStatuses") or [{}]
        code = ((statuses[0].get("state") or {}).get("terminated") or {}).get("exitCode")
        for rule in (job["spec"].get("podFailurePolicy") or {}).get("rules", ()):
            codes = (rule.get("onExitCodes") or {}).get("values", ())
            matches = code in codes or any(
                item["type"] == wanted["type"] and item["status"] == wanted["status"]
                for wanted in rule.get("onPodConditions") or ()
                for item in pod["status"].get("conditions", ())
            )
            if matches and rule["action"] == "Ignore":
                return
            if matches and rule["action"] == "FailJob":
                set_condition(
                    job,
                    "Failed",
                    reason="PodFailurePolicy",
                    message=(
                        f"Container for pod {pod['metadata']['name']} failed with exit code {code}"
                    ),
                )
                for other in self.pods.values():
                    if other["metadata"]["ownerReferences"][0]["uid"] == job["metadata"][
                        "uid"
                    ] and not other["metadata"].get("counted"):
                        self.delete(other)
            if matches:
                done[index] = "failed"
                return
        done[index] = "failed"  # with backoffLimitPerIndex 0 the first failure is the last
        assert job["spec"]["backoffLimitPerIndex"] == 0

    def _tell(self, job: Json, done: Mapping[int, str]) -> None:
        completed, failed = (
            sorted(index for index, how in done.items() if how == kind)
            for kind in ("completed", "failed")
        )
        job["status"] |= {
            "completedIndexes": ",".join(map(str, completed)),
            "failedIndexes": ",".join(map(str, failed)),
            "succeeded": len(completed),
        }
        if len(done) == job["spec"]["completions"] and not has_condition(job, "Failed"):
            if failed:
                set_condition(
                    job, "Failed", reason="FailedIndexes", message="Job has failed indexes"
                )
            else:
                set_condition(job, "Complete", reason="CompletionsReached")

    def _remove(self, job: Json) -> None:
        self.jobs.pop(job["metadata"]["name"], None)

    def _see_to(self, pod: Json) -> None:
        if (
            pod["metadata"]["ownerReferences"][0]["name"] not in self.jobs
            and pod["metadata"]["name"] in self.pods
        ):
            self.delete(pod)  # the garbage collector, after its owner
            if pod["status"]["phase"] in ("Succeeded", "Failed"):
                del self.pods[pod["metadata"]["name"]]
                return
        if pod["status"]["phase"] in ("Succeeded", "Failed"):
            return
        if "nodeName" not in pod["spec"]:
            if "deletionTimestamp" in pod["metadata"]:
                pod["status"]["phase"] = "Failed"
                return
            self._schedule(pod)
        if "nodeName" in pod["spec"]:
            self.kubelet.see_to(pod)

    def _schedule(self, pod: Json) -> None:
        wanted, why = requests_of(pod), list[str]()
        for volume in pod["spec"].get("volumes", ()):
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim is not None and claim not in self.claims:
                set_condition(
                    pod,
                    "PodScheduled",
                    status="False",
                    reason="Unschedulable",
                    message=f'persistentvolumeclaim "{claim}" not found',
                )
                return
        for node in self.nodes:
            name = node["metadata"]["name"]
            if any(
                node["metadata"]["labels"].get(label) != value
                for label, value in (pod["spec"].get("nodeSelector") or {}).items()
            ):
                why.append("1 node(s) didn't match Pod's node affinity/selector")
                continue
            there = [
                other
                for other in self.pods.values()
                if other["spec"].get("nodeName") == name
                and other["status"]["phase"] in ("Pending", "Running")
            ]
            missing = [
                what for what, count in wanted.items() if self._left(node, there, what) < count
            ]
            why += [f"1 Insufficient {what}" for what in missing[:1]]
            if not missing:
                self._bind(pod, node, there)
                return
        set_condition(
            pod,
            "PodScheduled",
            status="False",
            reason="Unschedulable",
            message=f"0/{len(self.nodes)} nodes are available: {', '.join(why)}.",
        )

    def _left(self, node: Json, there: list[Json], what: str) -> float:
        from .objects import amount

        return amount(node["status"]["allocatable"].get(what, 0)) - sum(
            requests_of(other).get(what, 0) for other in there
        )

    def _bind(self, pod: Json, node: Json, there: list[Json]) -> None:
        taken = {
            gpu for other in there for gpu in (other["metadata"].get("fakeGpus") or "").split(",")
        }
        every = [
            f"GPU-{node['metadata']['name']}-{number}"
            for number in range(int(node["status"]["allocatable"].get("nvidia.com/gpu", 0)))
        ]
        count = int(requests_of(pod).get("nvidia.com/gpu", 0))
        pod["metadata"]["fakeGpus"] = ",".join([gpu for gpu in every if gpu not in taken][:count])
        pod["spec"]["nodeName"] = node["metadata"]["name"]
        set_condition(pod, "PodScheduled")
