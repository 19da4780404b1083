"""Serving processes that are told to end: they answer what they began, and their log is whole."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jupyter_mlinfra.deployments.runtime.asgi import Application
from jupyter_mlinfra.deployments.runtime.journal import Journal

SEVERAL_PROCESSES = """
import multiprocessing, sys, time
from concurrent import futures
from pathlib import Path
from types import SimpleNamespace

import grpc

from jupyter_mlinfra.deployments.runtime import grpc_server
from jupyter_mlinfra.deployments.runtime.journal import Journal

folder, fork = Path(sys.argv[1]), multiprocessing.get_context("fork")
port, begun = fork.Queue(), fork.Event()
model = SimpleNamespace(journal=Journal(folder, {"version": "v1"}))


def slowly(request, context):
    begun.set()
    time.sleep(0.5)
    for number in range(2):  # the second one waits for the next write
        model.journal.put({"k": "p", "number": number})
        time.sleep(0.02)
    return request + b", answered"


def make_server(model):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(slowly)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("s", {"Ask": handler})])
    return server


def serve_one():
    server = grpc_server.ending_in_order(make_server)(model)
    port.put(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    while True:
        time.sleep(3600)


def make_serve():
    def serve():
        process = fork.Process(target=serve_one)
        process.start()
        process.join()

    return serve


outer = fork.Process(target=grpc_server.ending_what_it_starts(make_serve)())
outer.start()
with grpc.insecure_channel(f"127.0.0.1:{port.get(timeout=20)}") as channel:
    asked = channel.unary_unary("/s/Ask").future(b"asked", wait_for_ready=True, timeout=20)
    assert begun.wait(20)
    outer.terminate()
    print(asked.result().decode())
outer.join(20)
print(outer.exitcode)
"""


def entries(folder: Path) -> int:
    """Of the log of one process, which has closed it: one that lost nothing has no ledger."""
    (written,) = folder.iterdir()
    assert written.suffix == ".jsonl"
    return written.read_text().count('"k":"p"')


def test_the_lean_server_closes_the_log_before_it_says_that_it_may_end(tmp_path: Path) -> None:
    """Uvicorn ends its process by the signal that it got, which runs no `atexit`."""
    journal, said = Journal(tmp_path, {"version": "v1"}), list[tuple[str, bool]]()
    served: Any = SimpleNamespace(deployment="flights", version="v1", journal=journal)
    for name in ("seldon_v1", "explain", "open_inference", "seldon_metadata", "metadata"):
        setattr(served, name, None)
    served.figures = None
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    def is_closed() -> bool:
        return any(tmp_path.glob("*.jsonl"))

    async def receive() -> Mapping[str, Any]:
        event = next(events)
        for number in range(2 if event == "lifespan.shutdown" else 0):
            journal.put({"k": "p", "number": number})
        return {"type": event}

    async def send(message: Mapping[str, Any]) -> None:
        said.append((message["type"], is_closed()))

    asyncio.run(Application(served, 1)({"type": "lifespan"}, receive, send))
    assert said == [("lifespan.startup.complete", False), ("lifespan.shutdown.complete", True)]
    assert entries(tmp_path) == 2


def test_a_call_by_grpc_that_is_in_progress_is_answered_and_the_log_is_whole(
    tmp_path: Path,
) -> None:
    """Real processes, as Seldon's microservice starts them; only the outer one is told to end."""
    folder = tmp_path / "payloads"
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL_PROCESSES, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split("\n") == ["asked, answered", "0", ""], done.stderr[-2000:]
    assert entries(folder) == 2
