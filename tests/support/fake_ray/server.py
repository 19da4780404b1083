"""The fake's HTTP side."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .cluster import ENDED, NODE, Cluster

REPOSITORY = Path(__file__).parents[3]
_JOB = re.compile(r"/api/jobs/(?P<name>[^/]+)(?P<stop>/stop)?")
_FORM = {
    "entrypoint": str, "submission_id": str, "runtime_env": dict, "metadata": dict, "entrypoint_num_cpus": (int, float),
    "entrypoint_num_gpus": (int, float), "entrypoint_memory": int, "entrypoint_resources": dict,
}  # fmt: skip


class Answer(Exception):
    """A refusal: status and text."""


@dataclass
class FakeRay:
    """A cluster with its API. outage: status that every request gets instead of an answer; 200: a page of some proxy, -1: the line breaks
    off. deaf: a submit is carried out, but its answer is lost. token: what the cluster asks for. asked: requests so far."""

    cluster: Cluster
    outage: int = 0
    deaf: bool = False
    token: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @classmethod
    def start(cls, folder: Path, environment: Mapping[str, str] | None = None) -> FakeRay:
        """A cluster of one node with 8 CPUs and 2 GPUs, whose processes see this package."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.defpath])
        words = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY), **(environment or {})}
        whole = {"CPU": 8.0, "GPU": 2.0, "memory": 16 * 2.0**30, "object_store_memory": 2.0**32, "node:127.0.0.1": 1.0, "accelerator_type:A100": 1.0}
        return cls(Cluster(folder, words, whole=whole))

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def lose(self, job: str) -> None:
        """The actor that watches a job's entrypoint dies."""
        self.cluster.lose(job)

    def restart(self) -> None:
        """The head goes down and comes again: it knows of nothing."""
        self.cluster.restart()

    def close(self) -> None:
        """End it, with everything that runs in it."""
        self.server.shutdown()
        self.server.server_close()
        self.cluster.close()
        assert not self.cluster.fault, self.cluster.fault

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> Any:
        """What the API says."""
        with self.cluster.lock:
            if path == "/api/jobs/":
                return [run.shown() for run in self.cluster.runs.values()] if method == "GET" else self._submit(body)
            if path in ("/api/v0/nodes", "/api/v0/actors"):
                items = self._nodes() if path.endswith("nodes") else self._actors()
                wanted = dict(zip(query.get("filter_keys", []), query.get("filter_values", []), strict=True))
                found = [item for item in items if all(item[name] == value for name, value in wanted.items())]
                return {"result": True, "msg": "", "data": {"result": {"total": len(items), "result": found, "partial_failure_warning": ""}}}
            if found_job := _JOB.fullmatch(path):
                return self._job(method, unquote(found_job["name"]), bool(found_job["stop"]))
        raise Answer(404, "404: Not Found")

    def _submit(self, body: Any) -> Any:
        check_form(body)
        name = body["submission_id"]
        if name in self.cluster.runs:
            inner = f"ValueError: Job with submission_id {name} already exists. Please use a different submission_id."
            raise Answer(500, f"Traceback (most recent call last):\nRuntimeError: Request failed with status code 400: Traceback:\n  File\n{inner}\n.\n")
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
                raise Answer(500, f"RuntimeError: Attempted to delete job '{name}', but it is in a non-terminal state {run.status}.")
            del self.cluster.runs[name]
            return {"deleted": True}
        return run.shown()

    def _nodes(self) -> list[dict[str, Any]]:
        return [{"node_id": NODE, "node_ip": "127.0.0.1", "node_name": "127.0.0.1", "state": "ALIVE", "resources_total": self.cluster.whole, "labels": {}}]

    def _actors(self) -> list[dict[str, Any]]:
        states = {"PENDING": "PENDING_CREATION", "RUNNING": "ALIVE"}
        return [
            {
                "class_name": "JobSupervisor", "state": states.get(run.status, "DEAD"), "name": f"_ray_internal_job_actor_{name}",
                "node_id": NODE if run.process else None, "required_resources": run.needs,
            }
            for name, run in self.cluster.runs.items()
        ]  # fmt: skip


def check_form(body: Any) -> None:
    """What Ray refuses when it reads a request."""
    unknown = [name for name in body if name not in _FORM]
    if unknown:
        raise Answer(400, f"TypeError: JobSubmitRequest.__init__() got an unexpected keyword argument '{unknown[0]}'")
    if "entrypoint" not in body:
        raise Answer(400, "TypeError: JobSubmitRequest.__init__() missing 1 required positional argument: 'entrypoint'")
    for name, value in body.items():
        if not isinstance(value, _FORM[name]) or isinstance(value, bool):
            raise Answer(400, f"TypeError: {name} must be another type, got {type(value)}")
    texts = [*(body.get("metadata") or {}).items(), *((body.get("runtime_env") or {}).get("env_vars") or {}).items()]
    if not all(isinstance(text, str) for pair in texts for text in pair):
        raise Answer(400, "TypeError: metadata values must be strings, got <class 'int'>")


def _handler(fake: FakeRay) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fake.asked.append((self.command, parts.path))
            if fake.outage == -1:
                self.close_connection = True
                return
            status, data = self._answer(parts.path, parse_qs(parts.query), body)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{fake.address}/sign-in")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _answer(self, path: str, query: Mapping[str, list[str]], body: Any) -> tuple[int, bytes]:
            if fake.outage:
                return fake.outage, b"<html>Please sign in</html>"
            if fake.token and self.headers.get("Authorization") != f"Bearer {fake.token}":
                return 401, b"Unauthorized: Missing authentication token"
            try:
                return 200, json.dumps(fake.answer(self.command, path, query, body)).encode()
            except Answer as error:
                return error.args[0], str(error.args[1]).encode()

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # a client that was killed, an answer that is lost
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
