"""MLServer on a Unix socket, with Seldon's protocol and gRPC beside its own.

python -m mlinfra_runtime.mlserver_app --threads 8 --keepalive 75

MLServer answers what it knows of the Open Inference Protocol in JSON. The other paths, binary
tensors, compressed bodies, and those that its types do not take are answered as on the lean server
(`asgi`).
Environment: that of `asgi`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson
import uvicorn
import uvloop
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from mlserver import MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters

from . import compression
from .asgi import (
    Application,
    Receive,
    Scope,
    Send,
    arguments,
    body_of,
    configuration,
    headers_of,
    is_json,
    listener,
)
from .mlserver_model import RAW, Model
from .refusal import RequestRefused, failed
from .served import VERSION


class Server:
    """The ASGI application of both: MLServer's and the lean one."""

    def __init__(self, lean: Application, mlserver: Any, model: Model) -> None:
        self._lean, self._mlserver = lean, mlserver
        served = model.served
        self._version = (VERSION.encode(), served.version.encode())
        paths = [f"/v2/models/{served.deployment}"]
        paths.append(f"{paths[0]}/versions/{served.version}")
        self._own = {("GET", path) for path in paths}
        self._own |= {("POST", f"{path}/infer") for path in paths}
        mlserver.add_exception_handler(RequestValidationError, self._unread)
        mlserver.add_exception_handler(RequestRefused, _refused)
        mlserver.add_exception_handler(Exception, _failed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's life."""
        if not self._is_own(scope):
            await self._lean(scope, receive, send)
            return
        body = await body_of(receive)
        if body is None:
            return  # the caller has left
        RAW.set((body, headers_of(scope)))
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Mapping[str, Any]:
            return messages.pop() if messages else await receive()

        async def with_version(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], self._version]}
            await send(message)

        await self._mlserver(scope, again, with_version)

    def _is_own(self, scope: Scope) -> bool:
        """Whether MLServer is to read it. It would inflate a compressed body without a limit, and
        take one of any type for JSON.
        """
        if scope["type"] != "http" or (scope["method"], scope["path"]) not in self._own:
            return False
        headers = headers_of(scope)
        return scope["method"] == "GET" or (
            is_json(headers) and not compression.is_encoded(headers)
        )

    async def _unread(self, request: Request, _: Exception) -> Response:
        """What MLServer's types do not take: bytes, and what is to be refused."""
        body, headers = RAW.get()
        status, reply = await self._lean.respond(request.url.path, "POST", body, headers)
        return Response(reply.body, status, {"Content-Type": "application/json", **reply.headers})


async def _refused(_: Request, refused: Exception) -> Response:
    assert isinstance(refused, RequestRefused)
    return _json(refused.status, refused.to_json())


async def _failed(_: Request, error: Exception) -> Response:
    return _json(500, failed(error).to_json())


def _json(status: int, content: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(content), status, {"Content-Type": "application/json"})


async def _serve(threads: int, keepalive: int) -> None:
    server = MLServer(
        Settings(
            debug=False,
            parallel_workers=0,
            metrics_endpoint=None,
            load_models_at_startup=False,
            extensions=["binary_tensor_data"],
        )
    )
    logging.getLogger("mlserver").setLevel(logging.WARNING)
    name, version = Model.identity()
    settings = ModelSettings(
        name=name,
        implementation=f"{Model.__module__}.{Model.__name__}",
        parameters=ModelParameters(version=version),
    )
    model = await server._model_registry.load(settings)
    lean = Application(model.served, threads)
    model.pool = lean.pool
    app = Server(lean, server._rest_server._app, model)
    # No process accepts a connection before it can answer.
    await uvicorn.Server(configuration(app, keepalive)).serve(sockets=[listener()])


def main() -> None:
    """Load the model into MLServer, then listen."""
    options = arguments()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options.threads, options.keepalive))


if __name__ == "__main__":
    main()
