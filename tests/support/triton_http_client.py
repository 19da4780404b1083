"""Asks a deployment by HTTP as a user of NVIDIA's client would; runs in an environment that has it.

triton_http_client.py HOST:PORT MODEL < {column: [datatype, values]}   →   JSON
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton

TYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_}


def main() -> None:
    address, model = sys.argv[1:]
    client = triton.InferenceServerClient(address)
    columns = json.load(sys.stdin)

    def ask(*, binary: bool, **options: Any) -> Any:
        inputs = []
        for name, (datatype, values) in columns.items():
            array = np.array([np.nan if item is None else item for item in values])
            inputs.append(triton.InferInput(name, [len(values)], datatype))
            inputs[-1].set_data_from_numpy(array.astype(TYPES[datatype]), binary_data=binary)
        wanted = [triton.InferRequestedOutput("predict", binary_data=binary)]
        return client.infer(model, inputs, outputs=wanted, request_id="mine", **options)

    answers = {
        "bytes": ask(binary=True),
        "gzip": ask(binary=True, request_compression_algorithm="gzip"),
        "deflate": ask(binary=True, request_compression_algorithm="deflate"),
    }
    for items in columns.values():  # the client writes NaN, which is no JSON
        items[1] = [0 if item is None else item for item in items[1]]
    answers["filled"] = ask(binary=True)
    answers["json"] = ask(binary=False)
    image = triton.InferInput("image", [2], "BYTES")
    image.set_data_from_numpy(np.array([b"\xff\xd8\0", b"a"], dtype=np.object_))
    body, length = client.generate_request_body([image])
    found = {
        "image": [base64.b64encode(body).decode(), length],
        "ready": client.is_server_live() and client.is_model_ready(model),
        "inputs": [item["name"] for item in client.get_model_metadata(model)["inputs"]],
        "ids": sorted({answer.get_response()["id"] for answer in answers.values()}),
        "answers": {way: answer.as_numpy("predict").tolist() for way, answer in answers.items()},
    }
    sys.stdout.write(json.dumps(found))


main()
