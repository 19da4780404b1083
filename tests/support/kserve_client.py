"""Asks a deployment as a user of KServe's clients would, by REST and by gRPC; runs in an
environment that has them.

kserve_client.py URL HOST:PORT MODEL < {column: [datatype, values]}   →   JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelMetadataRequest
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

TYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_}
Columns = dict[str, tuple[str, list[Any]]]


def request(model: str, columns: Columns, *, binary: bool) -> InferRequest:
    """binary: tensors as bytes, also in the answer; else as JSON, or as gRPC's typed contents."""
    inputs = []
    for name, (datatype, values) in columns.items():
        array = np.array([np.nan if item is None else item for item in values])
        inputs.append(InferInput(name, [len(values)], datatype))
        inputs[-1].set_data_from_numpy(array.astype(TYPES[datatype]), binary_data=binary)
    parameters = {"binary_data_output": True} if binary else None
    return InferRequest(model, inputs, request_id="mine", parameters=parameters)


def read(answers: list[Any]) -> dict[str, Any]:
    """Of a plain and a binary answer."""
    return {
        "ids": [item.id for item in answers],
        "values": [item.outputs[0].as_numpy().tolist() for item in answers],
    }


async def by_rest(url: str, model: str, columns: Columns) -> dict[str, Any]:
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client, httpx.AsyncClient() as web:
        plain, binary = (request(model, columns, binary=binary) for binary in (False, True))
        heads: list[dict[str, str]] = [{}, {}]
        answers = [
            await client.infer(url, item, model_name=model, response_headers=head)
            for item, head in zip((plain, binary), heads, strict=True)
        ]
        try:
            refused = await client.infer(url, plain, model_name="nobody")
        except httpx.HTTPStatusError as error:
            refused = error.response.status_code
        # The client has no question for metadata, and does not read an answer's version.
        metadata = (await web.get(f"{url}/v2/models/{model}")).json()
        return {
            **read(answers),
            "versions": [head["x-mlinfra-version"] for head in heads],
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model ready": await client.is_model_ready(url, model),
            "nobody ready": await client.is_model_ready(url, "nobody"),
            "inputs": [item["name"] for item in metadata["inputs"]],
            "refused": refused,
        }


async def by_grpc(address: str, model: str, columns: Columns) -> dict[str, Any]:
    async with InferenceGRPCClient(address) as client, grpc.aio.insecure_channel(address) as other:
        plain, binary = (request(model, columns, binary=binary) for binary in (False, True))
        answers = [await client.infer(item) for item in (plain, binary)]
        try:
            refused = await client.infer(request("nobody", columns, binary=True))
        except grpc.RpcError as error:
            refused = error.code().name
        # The client has no question for metadata, but its package has the call.
        stub = GRPCInferenceServiceStub(other)
        metadata = await stub.ModelMetadata(ModelMetadataRequest(name=model))
        return {
            **read(answers),
            "versions": [item.model_version for item in answers],
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model ready": await client.is_model_ready(model),
            "inputs": [item.name for item in metadata.inputs],
            "refused": refused,
        }


async def main() -> None:
    url, address, model = sys.argv[1:]
    columns = json.load(sys.stdin)
    found = {
        "rest": await by_rest(url, model, columns),
        "grpc": await by_grpc(address, model, columns),
    }
    sys.stdout.write(json.dumps(found))


asyncio.run(main())
