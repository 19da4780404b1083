"""gRPC of both protocols, for a server that speaks HTTP/1.

The gateway turns a unary call into a POST to the call's path, whose body is the call's one frame,
and an answer into a call's (`targets.envoy.grpc`). So every server carries gRPC in the processes
and on the socket that it has, and a call is routed, repeated, guarded, counted and logged as a
request by REST is. Nothing of it is loaded before the first call.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from . import compression
from .open_inference import BINARY_HEADER
from .refusal import RequestRefused, failed

if TYPE_CHECKING:
    from .served import Headers, Served

CONTENT_TYPE = "application/x-mlinfra-grpc"
"""Of requests and answers between gateway and server: one frame of gRPC."""

STATUS, MESSAGE = "x-mlinfra-grpc-status", "x-mlinfra-grpc-message"
"""Headers of an answer that the gateway makes the call's status of."""

V2, SELDON = "/inference.GRPCInferenceService/", "/seldon.protos."
"""What the paths of all calls begin with."""

SERVER: Mapping[str, Any] = {
    "name": "jupyter-mlinfra",
    "version": "1",
    "extensions": ["binary_tensor_data"],
}

_STATUS_OF = {404: 5, 409: 10, 413: 8, 429: 8, 500: 13, 501: 12, 503: 14}
_INVALID_ARGUMENT = 3
_HEAD = struct.Struct(">BI")  # compressed, length
_SERVICES: Mapping[str, Mapping[str, str]] = {
    "seldon.protos.Model": {
        "Predict": "_predict",
        "SendFeedback": "_feedback",
        "Metadata": "_metadata",
    },
    "seldon.protos.Seldon": {
        "Predict": "_predict",
        "SendFeedback": "_feedback",
        "ModelMetadata": "_metadata",
    },
    "seldon.protos.Generic": {"SendFeedback": "_feedback"},
    "inference.GRPCInferenceService": {
        "ModelInfer": "_infer",
        "ModelReady": "_model_ready",
        "ModelMetadata": "_model_metadata",
        # Our gateway answers these itself; on a cluster callers reach the server without it.
        "ServerLive": "_server_live",
        "ServerReady": "_server_ready",
        "ServerMetadata": "_server_metadata",
    },
}


def is_call(path: str, content_type: str | None) -> bool:
    """Whether this is a call that the gateway has handed over."""
    return content_type == CONTENT_TYPE and path.startswith((V2, SELDON))


class Calls:
    """Answers the calls of both protocols for one model version."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def answer(
        self, path: str, frame: bytes, headers: Headers
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status of HTTP, body and headers of the answer to the call at `path`."""
        try:
            return 200, framed(self._method(path)(frame, headers)), _headers(0, "")
        except RequestRefused as refused:
            code = _STATUS_OF.get(refused.status, _INVALID_ARGUMENT)
            fields = {**refused.headers, **_headers(code, refused.text)}
            return refused.status, framed(None), fields
        except Exception as error:  # noqa: BLE001 (of the model: whatever it raises is its answer)
            return 500, framed(None), _headers(_STATUS_OF[500], failed(error).text)

    def _method(self, path: str) -> Callable[[bytes, Headers], Any]:
        service, _, name = path.removeprefix("/").partition("/")
        found = _SERVICES.get(service, {}).get(name)
        if found is None:
            raise RequestRefused(
                f"There is no call {path[:120]} here.",
                "",
                "Predict, SendFeedback, ModelInfer and the calls about health and metadata are.",
                status=501,
            )
        method: Callable[[bytes, Headers], Any] = getattr(self, found)
        return method

    def _predict(self, frame: bytes, headers: Headers) -> Any:
        from . import grpc_seldon

        with _Refusals(self._served, frame, headers):
            body = grpc_seldon.to_body(self._read(frame, headers, "seldon", "SeldonMessage"))
        return grpc_seldon.from_body(self._served.seldon_v1(body, headers).body)

    def _feedback(self, frame: bytes, headers: Headers) -> Any:
        from . import grpc_seldon, protos

        message = self._read(frame, headers, "seldon", "Feedback")
        self._served.feedback(grpc_seldon.feedback(message))
        return protos.seldon("SeldonMessage")()

    def _metadata(self, _: bytes, __: Headers) -> Any:
        from . import grpc_seldon

        return grpc_seldon.metadata(self._served.seldon_metadata())

    def _infer(self, frame: bytes, headers: Headers) -> Any:
        from . import grpc_v2

        with _Refusals(self._served, frame, headers):
            message = self._read(frame, headers, "v2", "ModelInferRequest")
            self._check_name(message.model_name)
            body, length = grpc_v2.to_body(message)

        def with_length(name: str) -> str | None:
            return str(length) if name.lower() == BINARY_HEADER else headers(name)

        reply = self._served.open_inference(body, with_length)
        raw = bool(message.raw_input_contents)
        return grpc_v2.from_body(reply.body, int(reply.headers[BINARY_HEADER]), raw=raw)

    def _model_ready(self, frame: bytes, headers: Headers) -> Any:
        self._check_name(self._read(frame, headers, "v2", "ModelRequest").name)
        return _v2("ModelReadyResponse", ready=True)

    def _model_metadata(self, frame: bytes, headers: Headers) -> Any:
        from . import grpc_v2

        self._check_name(self._read(frame, headers, "v2", "ModelRequest").name)
        return grpc_v2.metadata(self._served.metadata())

    def _server_live(self, _: bytes, __: Headers) -> Any:
        return _v2("ServerLiveResponse", live=True)

    def _server_ready(self, _: bytes, __: Headers) -> Any:
        return _v2("ServerReadyResponse", ready=True)

    def _server_metadata(self, _: bytes, __: Headers) -> Any:
        return _v2("ServerMetadataResponse", **SERVER)

    def _check_name(self, name: str) -> None:
        if name != self._served.deployment:
            raise RequestRefused(
                f"There is no model {name[:80] or 'without a name'} here.",
                f"The call reached {self._served.deployment}.",
                "Name the deployment as the model, or leave the metadata seldon out.",
                status=404,
            )

    def _read(self, frame: bytes, headers: Headers, protocol: str, name: str) -> Any:
        from google.protobuf.message import DecodeError

        from . import protos

        data = unframed(frame, headers("grpc-encoding"))
        try:
            return getattr(protos, protocol)(name).FromString(data)
        except DecodeError as error:
            raise RequestRefused(f"The message is no {name}.", f"{error}.", "") from None


class _Refusals:
    """Logs what is refused before the protocol's own reader sees it, and so logs it."""

    def __init__(self, served: Served, frame: bytes, headers: Headers) -> None:
        self._served, self._frame, self._headers = served, frame, headers
        self._started = time.perf_counter()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        from .served import Progress

        if isinstance(error, RequestRefused):
            progress = Progress(status=error.status, reason=error.what)
            self._served.log(progress, self._frame, self._headers, self._started)


def _v2(name: str, /, **fields: Any) -> Any:
    from . import protos

    return protos.v2(name)(**fields)


def unframed(frame: bytes, encoding: str | None = None) -> bytes:
    """The message of the one frame of a call. Raises RequestRefused."""
    fix = "Send one message, plain or with gzip or deflate."
    if len(frame) < _HEAD.size or _HEAD.unpack_from(frame)[1] != len(frame) - _HEAD.size:
        raise RequestRefused(
            "The call has not one whole message.", f"{len(frame)} bytes came.", fix
        )
    if not frame[0]:
        return frame[_HEAD.size :]
    if encoding not in compression.ENCODINGS:
        raise RequestRefused("The message is compressed.", f"By {encoding or 'nothing'}.", fix)
    return compression.inflated(frame[_HEAD.size :])


def framed(message: Any) -> bytes:
    """A frame; an empty one with an error, because the gateway adds the status to a body only."""
    data = b"" if message is None else message.SerializeToString()
    return _HEAD.pack(0, len(data)) + data


def _headers(code: int, message: str) -> dict[str, str]:
    found = {"Content-Type": CONTENT_TYPE, STATUS: str(code)}
    return {**found, MESSAGE: quote(message, safe=" ,.:;()[]{}'\"=/-")} if message else found
