"""The API of a cluster with the controllers of Seldon and KServe, over HTTP.

It takes what our strict models and their rules take, applies as the server does (server-side apply
with strict field validation), and answers with a status as the controllers write it.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from fake_http import FakeHttp, Reply, Request

from jupyter_mlinfra.deployments.kubernetes.kinds import faults

PLACE = re.compile(r"/apis/([^/]+)/([^/]+)/namespaces/([^/]+)/([^/]+)/([^/]+)")
_STALLED = "ImagePullBackOff: the image is not in the registry"


@dataclass(kw_only=True)
class FakeServing(FakeHttp):
    """A cluster. looks: how often an object is asked for before it is ready. broken: a text; what
    contains it fails. stuck: a text; what contains it never becomes ready. without: plurals that
    are not installed.
    """

    looks: int = 1
    broken: str = ""
    stuck: str = ""
    without: tuple[str, ...] = ()
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    _left: dict[str, int] = field(default_factory=dict)

    def reply(self, request: Request) -> Reply:
        if self.outage:
            return _failure(self.outage, "etcdserver: request timed out")
        found = PLACE.fullmatch(request.path)
        if found is None or found[4] in self.without:
            return _failure(404, "the server could not find the requested resource")
        name = f"{found[4]}/{found[5]}"
        if request.method == "PATCH":
            return self._apply(name, request)
        if name not in self.objects:
            return _failure(404, f'{found[4]}.{found[1]} "{found[5]}" not found')
        if request.method == "DELETE":
            self.changes.append(f"delete {name}")
            return _success(self.objects.pop(name))
        return _success(self._seen(name))

    def _apply(self, name: str, request: Request) -> Reply:
        if request.headers.get("Content-Type") != "application/apply-patch+yaml":
            return _failure(415, "not an apply")
        if request.query.get("fieldValidation") != ["Strict"] or "force" in request.query:
            return _failure(400, "not strict")
        manager = request.query["fieldManager"][0]
        if self.managers.get(name, manager) != manager:
            return _failure(409, f"Apply failed with 1 conflict: {self.managers[name]}: .spec")
        if found := faults(request.body):
            return _failure(422, f"{name} is invalid: {found[0]}")
        before = self.objects.get(name)
        stored = copy.deepcopy(request.body)
        changed = before is None or before["spec"] != stored["spec"]
        generation = (before["metadata"]["generation"] if before else 0) + changed
        stored["metadata"]["generation"] = generation
        self.objects[name], self.managers[name] = stored, manager
        if changed:
            self._left[name] = self.looks
        self.changes.append(f"apply {name}")
        return _success(stored)

    def _seen(self, name: str) -> dict[str, Any]:
        """The object with the status that its controller has written by now."""
        found = copy.deepcopy(self.objects[name])
        text, left = json.dumps(found["spec"]), self._left[name]
        self._left[name] = max(0, left - 1)
        failed = bool(self.broken) and self.broken in text
        ready = not left and not failed and not (self.stuck and self.stuck in text)
        if found["kind"] == "SeldonDeployment":
            state = "Failed" if failed else "Available" if ready else "Creating"
            found["status"] = {"state": state} | ({"description": _STALLED} if failed else {})
            return found
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        if failed:
            condition |= {"reason": "ModelFailed", "message": _STALLED}
        generation = found["metadata"]["generation"]
        found["status"] = {
            # The controller has not looked at the newest generation at first.
            "observedGeneration": generation - (left == self.looks and left > 0),
            "conditions": [condition],
        }
        return found


def kubeconfig(path: Path, clusters: dict[str, FakeServing]) -> Path:
    """A file with a context for each cluster; the first one is the current."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(clusters)),
        "users": [{"name": "ana", "user": {}}],
        "clusters": [
            {"name": name, "cluster": {"server": fake.address}} for name, fake in clusters.items()
        ],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "ana"}} for name in clusters
        ],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def _success(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _failure(status: int, message: str) -> Reply:
    value = {"kind": "Status", "status": "Failure", "message": message, "code": status}
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
