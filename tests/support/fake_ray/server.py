"""The fake's HTTP side."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fake_http import FakeHttp, Reply, Request

from .cluster import ENDED, NODE, Cluster

REPOSITORY = Path(__file__).parents[3]
_JOB = re.compile(r"/api/jobs/(?P<name>[^/]+)(?P<stop>/stop)?")
_FORM = {
    "entrypoint": str,
    "submission_id": str,
    "runtime_env": dict,
    "metadata": dict,
    "entrypoint_num_cpus": (int, float),
    "entrypoint_num_gpus": (int, float),
    "entrypoint_memory": int,
    "entrypoint_resources": dict,
}


class Answer(Exception):
    """A refusal: status and text."""


@dataclass
class FakeRay(FakeHttp):
    """A cluster with its API. deaf: a submit is carried out, but its answer is lost. token: what
    the cluster asks for.
    """

    cluster: Cluster
    deaf: bool = False
    token: str = ""

    @classmethod
    def start(cls, folder: Path, environment: Mapping[str, str] | None = None) -> FakeRay:
        """A cluster of one node with 8 CPUs and 2 GPUs, whose processes see this package."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        words = {
            "PATH": path,
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(REPOSITORY),
            **(environment or {}),
        }
        whole = {
            "CPU": 8.0,
            "GPU": 2.0,
            "memory": 16 * 2.0**30,
            "object_store_memory": 2.0**32,
            "node:127.0.0.1": 1.0,
            "accelerator_type:A100": 1.0,
        }
        return cls(Cluster(folder, words, whole=whole))

    def lose(self, job: str) -> None:
        """The actor that watches a job's entrypoint dies."""
        self.cluster.lose(job)

    def restart(self) -> None:
        """The head goes down and comes again: it knows of nothing."""
        self.cluster.restart()

    def close(self) -> None:
        """End it, with everything that runs in it."""
        self.stop()
        self.cluster.close()
        assert not self.cluster.fault, self.cluster.fault

    def reply(self, request: Request) -> Reply:
        """As JSON; a refusal as text."""
        if self.outage:
            return Reply(
                self.outage,
                b"<html>Please sign in</html>",
                {"Location": f"{self.address}/sign-in"} if 300 <= self.outage < 400 else {},
            )
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return Reply(401, b"Unauthorized: Missing authentication token")
        try:
            return Reply(
                200,
                json.dumps(
                    self.answer(request.method, request.path, request.query, request.body)
                ).encode(),
            )
        except Answer as error:
            return Reply(error.args[0], str(error.args[1]).encode())

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> Any:
        """What the API says."""
        with self.cluster.lock:
            if path == "/api/jobs/":
                return (
                    [run.shown() for run in self.cluster.runs.values()]
                    if method == "GET"
                    else self._submit(body)
                )
            if path in ("/api/v0/nodes", "/api/v0/actors"):
                items = self._nodes() if path.endswith("nodes") else self._actors()
                wanted = dict(
                    zip(query.get("filter_keys", []), query.get("filter_values", []), strict=True)
                )
                found = [
                    item
                    for item in items
                    if all(item[name] == value for name, value in wanted.items())
                ]
                return {
                    "result": True,
                    "msg": "",
                    "data": {
                        "result": {
                            "total": len(items),
                            "result": found,
                            "partial_failure_warning": "",
                        }
                    },
                }
            if found_job := _JOB.fullmatch(path):
                return self._job(method, unquote(found_job["name"]), bool(found_job["stop"]))
        raise Answer(404, "404: Not Found")

    def _submit(self, body: Any) -> Any:
        check_form(body)
        name = body["submission_id"]
        if name in self.cluster.runs:
            inner = (
                f"ValueError: Job with submission_id {name} already exists. Please use a different"
                " submission_id."
            )
            raise Answer(
                500,
                "Traceback (most recent call last):\nRuntimeError: Request failed with status code"
                f" 400: Traceback:\n  File\n{inner}\n.\n",
            )
        self.cluster.add(body)
        self.created.append(body)
        if self.deaf:
            self.deaf = False
            raise ConnectionAbortedError
        return {"job_id": name, "submission_id": name}

    def _job(self, method: str, name: str, stop: bool) -> Any:
        run = self.cluster.runs.get(name)
        if run is None:
            raise Answer(404, f"Job {name} does not exist")
        if method == "POST" and stop:
            return {"stopped": self.cluster.stop(run)}
        if method == "DELETE":
            if run.status not in ENDED:
                raise Answer(
                    500,
                    f"RuntimeError: Attempted to delete job '{name}', but it is in a non-terminal"
                    f" state {run.status}.",
                )
            del self.cluster.runs[name]
            return {"deleted": True}
        return run.shown()

    def _nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "node_id": NODE,
                "node_ip": "127.0.0.1",
                "node_name": "127.0.0.1",
                "state": "ALIVE",
                "resources_total": self.cluster.whole,
                "labels": {},
            }
        ]

    def _actors(self) -> list[dict[str, Any]]:
        states = {"PENDING": "PENDING_CREATION", "RUNNING": "ALIVE"}
        return [
            {
                "class_name": "JobSupervisor",
                "state": states.get(run.status, "DEAD"),
                "name": f"_ray_internal_job_actor_{name}",
                "node_id": NODE if run.process else None,
                "required_resources": run.needs,
            }
            for name, run in self.cluster.runs.items()
        ]


def check_form(body: Any) -> None:
    """What Ray refuses when it reads a request."""
    unknown = [name for name in body if name not in _FORM]
    if unknown:
        raise Answer(
            400,
            "TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument"
            f" '{unknown[0]}'",
        )
    if "entrypoint" not in body:
        raise Answer(
            400,
            "TypeError: JobSubmitRequest.__init__() missing 1 required positional argument:"
            " 'entrypoint'",
        )
    for name, value in body.items():
        if not isinstance(value, _FORM[name]) or isinstance(value, bool):
            raise Answer(400, f"TypeError: {name} must be another type, got {type(value)}")
    texts = [
        *(body.get("metadata") or {}).items(),
        *((body.get("runtime_env") or {}).get("env_vars") or {}).items(),
    ]
    if not all(isinstance(text, str) for pair in texts for text in pair):
        raise Answer(400, "TypeError: metadata values must be strings, got <class 'int'>")
