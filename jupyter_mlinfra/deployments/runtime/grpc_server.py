"""gRPC in a container: Seldon's own server, a process beside REST with the model in it.

Seldon hands a message to a component without the call, so a refusal would be an UNKNOWN error with
a traceback in the log, and an answer's metrics would count twice. So the calls about predictions
are answered as those that the gateway hands over (`grpc_calls`): read, guarded and refused alike.

On one machine the gateway carries gRPC, and Seldon's server is not started.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from . import grpc_calls

STOP_SECONDS = 25.0
"""How long calls in progress may go on when the process is told to end: Kubernetes kills it after
30.
"""


def answer_alike() -> None:
    """Change the microservice that imports this module. Raises RuntimeError if seldon-core is not
    as expected.
    """
    if os.environ.get("MLINFRA_SOCKET"):
        return
    try:
        from seldon_core import microservice, wrapper
    except ImportError:
        return  # another server, or a test
    for owner, name in (
        (wrapper, "SeldonModelGRPC"),
        (wrapper, "get_grpc_server"),
        (microservice, "_make_grpc_server"),
    ):
        if not hasattr(owner, name):
            raise RuntimeError(
                f"This seldon-core has no {owner.__name__}.{name} to serve gRPC with."
            )
    wrapper.SeldonModelGRPC = _servicer(wrapper)
    wrapper.get_grpc_server = ending_in_order(wrapper.get_grpc_server)
    microservice._make_grpc_server = ending_what_it_starts(microservice._make_grpc_server)
    _end_with_rest()


def _servicer(wrapper: Any) -> type[Any]:
    """The class of Seldon's server whose objects answer calls."""
    messages = wrapper.prediction_pb2

    class Servicer(wrapper.SeldonModelGRPC):  # type: ignore[misc]  # it has no types here
        """The same, but for the calls about predictions."""

        def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 (of the protocol)
            return self._answer("Predict", request, context, messages.SeldonMessage)

        def SendFeedback(self, request: Any, context: Any) -> Any:  # noqa: N802
            return self._answer("SendFeedback", request, context, messages.SeldonMessage)

        def Metadata(self, request: Any, context: Any) -> Any:  # noqa: N802
            return self._answer("Metadata", request, context, messages.SeldonModelMetadata)

        def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
            return self.Metadata(request, context)

        def _answer(self, name: str, request: Any, context: Any, kind: Any) -> Any:
            given = dict(context.invocation_metadata())
            frame = grpc_calls.framed(request)
            _, body, headers = grpc_calls.Calls(self.user_model).answer(
                f"{grpc_calls.SELDON}Model/{name}", frame, lambda key: given.get(key.lower())
            )
            code = int(headers[grpc_calls.STATUS])
            if code:
                context.abort(_status(code), unquote(headers.get(grpc_calls.MESSAGE, "")))
            return kind.FromString(grpc_calls.unframed(body))

    return Servicer


def _status(code: int) -> Any:
    import grpc

    return next(status for status in grpc.StatusCode if status.value[0] == code)


def ending_in_order(make_server: Callable[..., Any]) -> Callable[..., Any]:
    """What makes the server of a model, in the process that serves: SIGTERM stops it, after calls
    in progress, and closes the log. A process of `multiprocessing` runs nothing at its exit.
    """

    def make(model: Any, *given: Any, **named: Any) -> Any:
        server = make_server(model, *given, **named)

        def end(*_: Any) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            server.stop(STOP_SECONDS).wait()
            if model.journal is not None:
                model.journal.close()
            raise SystemExit

        signal.signal(signal.SIGTERM, end)
        return server

    return make


def ending_what_it_starts(make_serve: Callable[..., Any]) -> Callable[..., Any]:
    """What makes the function of the process that starts those that serve, and waits for them:
    SIGTERM is for them too.
    """

    def make(*given: Any, **named: Any) -> Callable[[], None]:
        serve = make_serve(*given, **named)

        def end(*_: Any) -> None:
            _tell_children()
            raise SystemExit  # which waits for them

        def serve_until_told() -> None:
            signal.signal(signal.SIGTERM, end)
            serve()

        return serve_until_told

    return make


def _tell_children() -> None:
    for process in multiprocessing.active_children():
        process.terminate()


def _end_with_rest() -> None:
    """Seldon's process of REST waits for that of gRPC, which nobody ends: a container would be
    killed only when its time to end is over.
    """
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:
            _tell_children()

    atexit.register(end)
