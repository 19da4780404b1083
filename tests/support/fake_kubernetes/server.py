"""The fake's API over HTTP: what the official client asks of a server for Jobs, their pods, nodes
and Kueue's workloads.

It refuses what the schemas of all the versions that it is given refuse, and what `rules` knows
besides.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from fake_http import FakeHttp, Reply, Request

from .cluster import Cluster
from .kubelet import Kubelet, image_environment
from .objects import node
from .rules import faults

VERSIONS = ("1.30", "1.37")
JOBS = re.compile(r"/apis/batch/v1/namespaces/([^/]+)/jobs(?:/([^/]+))?")
PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)(/log)?)?")
EVENTS = re.compile(r"/api/v1/namespaces/[^/]+/events")
WORKLOADS = re.compile(r"/apis/kueue\.x-k8s\.io/v1beta1/namespaces/([^/]+)/workloads")


class Answer(Exception):
    """A refusal: status and message."""


def refuse(job: Mapping[str, Any]) -> None:
    """Raise Answer 400 for what a schema refuses, 422 for what the server's own rules do."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(job, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Answer(
                400, f"Job in version v1 cannot be handled as a Job ({version}): {error.message}"
            ) from None
    found = list(faults(job))
    if found:
        raise Answer(
            422, f'Job.batch "{job["metadata"].get("name")}" is invalid: {"; ".join(found)}'
        )


@dataclass
class FakeKubernetes(FakeHttp):
    """A cluster with its API. stale: page tokens are too old. forbidden: what a policy says no to,
    as the beginning of "METHOD path" or a word of the body, with its words."""

    cluster: Cluster
    namespace: str = "default"
    stale: int = 0
    forbidden: dict[str, str] = field(default_factory=dict)
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def start(
        cls, folder: Path, repository: Path, *, cpus: int = 8, gpus: int = 2
    ) -> FakeKubernetes:
        """A cluster of one node, with a claim `work` and a Secret `mine` that is empty."""
        kubelet = Kubelet(folder, image_environment(repository), {"mine": {}})
        return cls(
            Cluster(kubelet, [node("node-1", cpus=cpus, memory="32Gi", gpus=gpus)], {"work"})
        )

    def kubeconfig(self, path: Path) -> Path:
        """A file that leads to it."""
        cluster = {"server": self.address}
        context = {"cluster": "fake", "user": "ana", "namespace": self.namespace}
        named = {
            "clusters": [{"name": "fake", "cluster": cluster}],
            "users": [{"name": "ana", "user": {}}],
            "contexts": [{"name": "fake", "context": context}],
        }
        path.write_text(
            yaml.safe_dump(
                {"apiVersion": "v1", "kind": "Config", "current-context": "fake", **named}
            )
        )
        return path

    def close(self) -> None:
        """End it, with everything that runs in it."""
        self.stop()
        self.cluster.close()
        assert not self.cluster.fault, self.cluster.fault

    def reply(self, request: Request) -> Reply:
        """As JSON; a log as it is."""
        try:
            status, value = (
                200 if request.method != "POST" else 201,
                self.answer(request.method, request.path, request.query, request.body),
            )
            with self.cluster.lock:  # as it was when it was asked for
                data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        except Answer as error:
            status, message = error.args
            data = json.dumps(
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "status": "Failure",
                    "message": message,
                    "code": status,
                }
            ).encode()
        return Reply(status, data, {"Content-Type": "application/json"})

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> Any:
        """What the API says; text for a log."""
        if self.outage == 200:
            return "<html>Please sign in</html>"
        if self.outage:
            raise Answer(self.outage, "etcdserver: request timed out")
        for what, words in self.forbidden.items():
            if f"{method} {path}".startswith(what) or (
                method == "POST" and what in json.dumps(body)
            ):
                raise Answer(403, words)
        with self.cluster.lock:
            if found := JOBS.fullmatch(path):
                return self._jobs(method, found, query, body)
            if found := PODS.fullmatch(path):
                return self._pods(method, found, query)
            if path == "/api/v1/namespaces/kube-system" and method == "GET":
                return {"metadata": {"name": "kube-system", "uid": self.uid}}
            if path == "/api/v1/nodes" and method == "GET":
                return self._list(self.cluster.nodes, query)
            if EVENTS.fullmatch(path) and method == "GET":
                wanted = dict(
                    term.split("=")
                    for term in (query.get("fieldSelector") or [""])[0].split(",")
                    if term
                )
                return self._list(
                    [
                        one
                        for one in self.cluster.events
                        if all(one.get(name) == value for name, value in wanted.items())
                    ],
                    {},
                )
            if WORKLOADS.fullmatch(path) and method == "GET":
                return self._list(self.cluster.workloads, query)
        raise Answer(404, "the server could not find the requested resource")

    def _jobs(
        self, method: str, found: re.Match[str], query: Mapping[str, list[str]], body: Any
    ) -> Any:
        namespace, name = found.groups()
        self._check_namespace(namespace)
        if method == "POST":
            refuse(body)
            if body["metadata"]["name"] in self.cluster.jobs:
                raise Answer(409, f'jobs.batch "{body["metadata"]["name"]}" already exists')
            self.created.append(body)
            return self.cluster.add(body)
        if name is None:
            return self._list(list(self.cluster.jobs.values()), query)
        job = self._one(self.cluster.jobs, name, "jobs.batch")
        if method == "DELETE":
            policy = (
                query.get("propagationPolicy")
                or [(body or {}).get("propagationPolicy") or "Background"]
            )[0]
            self.cluster.delete(job, foreground=policy == "Foreground")
        return job

    def _pods(self, method: str, found: re.Match[str], query: Mapping[str, list[str]]) -> Any:
        namespace, name, log = found.groups()
        self._check_namespace(namespace)
        if name is None:
            return self._list(list(self.cluster.pods.values()), query)
        pod = self._one(self.cluster.pods, name, "pods")
        if log:
            return self.cluster.kubelet.log(pod).read_text()
        if method == "DELETE":
            self.cluster.delete(pod)
        return pod

    def _check_namespace(self, namespace: str) -> None:
        if namespace != self.namespace:
            raise Answer(404, f'namespaces "{namespace}" not found')

    @staticmethod
    def _one(things: Mapping[str, Any], name: str, kind: str) -> Any:
        if name not in things:
            raise Answer(404, f'{kind} "{name}" not found')
        return things[name]

    def _list(self, things: list[Any], query: Mapping[str, list[str]]) -> Any:
        """A page of those that the label selector means."""
        terms = [
            term.split("=") for term in (query.get("labelSelector") or [""])[0].split(",") if term
        ]
        chosen = [
            thing
            for thing in things
            if all(
                (thing["metadata"].get("labels") or {}).get(name) == value for name, value in terms
            )
        ]
        chosen.sort(key=lambda thing: thing["metadata"]["name"])
        after = base64.b64decode((query.get("continue") or [""])[0]).decode()
        if after and self.stale:
            self.stale -= 1
            raise Answer(410, "The provided continue parameter is too old")
        chosen = [thing for thing in chosen if thing["metadata"]["name"] > after]
        limit = int((query.get("limit") or ["0"])[0]) or len(chosen)
        more = (
            base64.b64encode(chosen[limit - 1]["metadata"]["name"].encode()).decode()
            if len(chosen) > limit
            else ""
        )
        return {
            "kind": "List",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": "1", "continue": more},
            "items": chosen[:limit],
        }
