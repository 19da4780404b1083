"""The lean server: an ASGI application that speaks both protocols, on uvicorn and a Unix socket.

python -m mlinfra_runtime.asgi --threads 8 --keepalive 75

The model is asked in one of `--threads` threads, so that a row that hangs does not stop the others.
Environment: that of `served`, and MLINFRA_SOCKET; without it, as in a container,
PREDICTIVE_UNIT_HTTP_SERVICE_PORT.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from . import compression, forms, grpc_calls, seldon_v1
from .pool import Pool
from .refusal import RequestRefused, failed
from .served import Headers, Progress, Reply, Served

BACKLOG = 2048
CONTAINER_PORT = 9000
STOP_SECONDS = 30
FEEDBACK_BYTES = 64 << 10
"""Larger feedback is read in a thread, so that the loop goes on."""

_JSON = b"application/json"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Answer = Callable[[bytes, Headers], Reply]


class Application:
    """The ASGI application of one model version."""

    def __init__(self, served: Served, threads: int) -> None:
        self._served, self._calls = served, grpc_calls.Calls(served)
        self.pool = Pool(threads)
        self._version = served.version.encode()
        v2 = f"/v2/models/{served.deployment}"
        self._questions: dict[str, Answer] = {
            "/api/v1.0/predictions": served.seldon_v1,
            "/api/v0.1/predictions": served.seldon_v1,
            "/predict": served.seldon_v1,
            "/api/v1.0/explain": served.explain,
        }
        self._pages: dict[str, Callable[[], Any]] = {
            "/health/ping": lambda: "pong",
            **dict.fromkeys(("/health/status", "/api/v1.0/health/status"), self._status),
            "/live": lambda: "live",
            "/ready": lambda: "ready",
            "/api/v1.0/metadata": served.seldon_metadata,
            "/metrics": served.figures,
        }
        for path in (v2, f"{v2}/versions/{served.version}"):
            self._questions[f"{path}/infer"] = served.open_inference
            self._pages[path] = served.metadata
            self._pages[f"{path}/ready"] = lambda: {"name": served.deployment, "ready": True}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def _status(self) -> dict[str, Any]:
        served = self._served
        found = {"names": [], "ndarray": [served.deployment, served.version]}
        return {"data": found, "meta": {}}

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            if event == "lifespan.shutdown":
                self.pool.close()
                # Here, since uvicorn ends by the signal that it got, and so runs no `atexit`.
                if self._served.journal is not None:
                    self._served.journal.close()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        if body is None:
            return  # the caller has left
        headers = headers_of(scope)
        status, reply = await self.respond(scope["path"], scope["method"], body, headers)
        fields = [
            (b"content-length", str(len(reply.body)).encode()),
            (b"x-mlinfra-version", self._version),
        ]
        given = {name.lower(): value for name, value in reply.headers.items()}
        given.setdefault("content-type", _JSON.decode())
        fields.extend((name.encode(), value.encode()) for name, value in given.items())
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": reply.body})

    async def respond(
        self, path: str, method: str, body: bytes, headers: Headers
    ) -> tuple[int, Reply]:
        """Status and answer of a request."""
        if grpc_calls.is_call(path, headers("content-type")):
            return await self._call(path, body, headers)
        try:
            return 200, await self._reply(path, method, body, headers)
        except RequestRefused as refused:
            return refused.status, Reply(orjson.dumps(refused.to_json()), refused.headers)
        except Exception as error:  # noqa: BLE001 (of the model: whatever it raises is its answer)
            return 500, Reply(orjson.dumps(failed(error).to_json()))

    async def _call(self, path: str, frame: bytes, headers: Headers) -> tuple[int, Reply]:
        status, body, fields = await self.pool.run(self._calls.answer, path, frame, headers)
        return status, Reply(body, fields)

    async def _reply(self, path: str, method: str, body: bytes, headers: Headers) -> Reply:
        question = self._questions.get(path)
        if question is not None and method == "POST":
            body = await self._content(path, body, headers)
            return await self.pool.run(question, body, headers)
        if path == "/api/v1.0/feedback" and method == "POST":
            content = await self._content(path, body, headers)
            if len(content) < FEEDBACK_BYTES:
                self._feedback(content)
            else:
                await self.pool.run(self._feedback, content)
            return Reply(b"{}")
        page = self._pages.get(path)
        if page is not None and method in ("GET", "HEAD"):
            found = await self.pool.run(page) if page == self._served.metadata else page()
            if isinstance(found, str):
                return Reply(found.encode(), {"Content-Type": "text/plain"})
            return Reply(orjson.dumps(found))
        known = question is not None or page is not None or path == "/api/v1.0/feedback"
        raise seldon_v1.wrong_path(method, path, known=known)

    def _feedback(self, content: bytes) -> None:
        self._served.feedback(seldon_v1.feedback(content))

    async def _content(self, path: str, body: bytes, headers: Headers) -> bytes:
        """What is to be read. It is logged if it is refused here, unless it is feedback."""
        try:
            if compression.is_encoded(headers):  # in a thread: it may take a while
                body = await self.pool.run(compression.plain, body, headers)
            return _json_of(path, body, headers)
        except RequestRefused as refused:
            if not path.endswith("/feedback"):
                progress = Progress(status=refused.status, reason=refused.what)
                self._served.log(progress, body, headers, time.perf_counter())
            raise


def _json_of(path: str, body: bytes, headers: Headers) -> bytes:
    """The body, or the JSON of a form. A web page needs a consent to post JSON across origins that
    is never given here. Raises RequestRefused for a body of another type.
    """
    kind = _type_of(headers)
    binary = path.endswith("/infer") and kind == "application/octet-stream"
    if is_json(headers) or binary or forms.is_untyped(path, headers):
        return body
    v1 = not path.startswith("/v2/")
    if v1 and (found := forms.json_of(body, headers)) is not None:
        return found
    raise RequestRefused(
        "The request is not marked as JSON.",
        f"Its Content-Type is {kind[:80] or 'none'}.",
        "Send Content-Type: application/json.",
        status=415,
    )


def is_json(headers: Headers) -> bool:
    """Whether a body is marked as JSON."""
    kind = _type_of(headers)
    return kind == "application/json" or kind.endswith("+json")


def _type_of(headers: Headers) -> str:
    return (headers("content-type") or "").partition(";")[0].strip().lower()


async def body_of(receive: Receive) -> bytes | None:
    """The whole body of a request; None if the caller has left."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def headers_of(scope: Scope) -> Headers:
    """A function that finds a header by its name; None for one that is not there."""
    raw: dict[bytes, bytes] = dict(scope["headers"])

    def header(name: str) -> str | None:
        value = raw.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")

    return header


def arguments() -> argparse.Namespace:
    """What the command line says: threads, and after how many seconds an idle connection may be
    closed.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--keepalive", type=int, default=75)
    return parser.parse_args()


def configuration(app: Any, keepalive: int) -> Any:
    """How uvicorn serves an application."""
    import uvicorn

    return uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,
        timeout_keep_alive=keepalive,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def main() -> None:
    """Load the model, then listen: no process accepts a connection before it can answer."""
    import uvicorn

    options = arguments()
    served = Served()
    served.load()
    app = Application(served, options.threads)
    uvicorn.Server(configuration(app, options.keepalive)).run(sockets=[listener()])


def listener() -> socket.socket:
    """A socket that only its owner can open. In a container, which has none, the port that Seldon's
    operator names, of all interfaces.
    """
    path = os.environ.get("MLINFRA_SOCKET")
    if path:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)
        mask = os.umask(0o077)
        try:
            found.bind(path)
        finally:
            os.umask(mask)
    else:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = int(os.environ.get("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", CONTAINER_PORT))
        found.bind(("0.0.0.0", port))  # noqa: S104 (a container's only way in)
    found.listen(BACKLOG)
    return found


if __name__ == "__main__":
    main()
