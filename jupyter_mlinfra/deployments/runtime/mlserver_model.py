"""MLServer's custom runtime: the class that MLServer loads, and asks for the answer to a request.

MLServer reads a body into its own types. The version reads the body itself, as on every other
server, so that the checks, the guard and the log are the same; it comes beside the call.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import orjson
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse

from .pool import Pool
from .served import Headers, Served

RAW: ContextVar[tuple[bytes, Headers]] = ContextVar("raw")
"""Body and headers of the request that is being answered."""


class Model(MLModel):  # type: ignore[misc]  # it has no types here
    """One model version in MLServer."""

    served: Served
    pool: Pool

    @staticmethod
    def identity() -> tuple[str, str]:
        """Deployment and version: MLServer's name and version of the model."""
        return os.environ["MLINFRA_DEPLOYMENT"], os.environ["MLINFRA_VERSION"]

    async def load(self) -> bool:
        """Read the model."""
        self.served = Served()
        self.served.load()
        return True

    async def metadata(self) -> MetadataModelResponse:
        """What `GET /v2/models/<name>` answers."""
        return MetadataModelResponse.model_validate(await self.pool.run(self.served.metadata))

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request. Raises RequestRefused if it does not fit the signature."""
        body, headers = RAW.get()
        with_id = _with_id(headers, payload.id)
        reply = await self.pool.run(self.served.open_inference, body, with_id)
        answer = InferenceResponse.model_validate(orjson.loads(reply.body))
        payload.id = answer.id  # MLServer gives the answer the request's
        return answer


def _with_id(headers: Headers, given: Any) -> Callable[[str], str | None]:
    """The headers, with the id that MLServer gave a request without one."""

    def header(name: str) -> str | None:
        value = headers(name)
        return str(given) if value is None and name == "x-request-id" and given else value

    return header
