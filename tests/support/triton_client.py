"""Asks a deployment as a user of NVIDIA's client would; runs in an environment that has it.

triton_client.py HOST:PORT MODEL < {column: [datatype, values]}   →   JSON
"""

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.grpc as triton

TYPES = {"FP64": np.float64, "INT64": np.int64, "BOOL": np.bool_}


def main() -> None:
    address, model = sys.argv[1:]
    client = triton.InferenceServerClient(address)
    inputs = []
    for name, (datatype, values) in json.load(sys.stdin).items():
        array = np.array([np.nan if item is None else item for item in values])
        inputs.append(triton.InferInput(name, [len(values)], datatype))
        inputs[-1].set_data_from_numpy(array.astype(TYPES[datatype]))
    plain = client.infer(model, inputs, request_id="mine")
    output = plain.get_response().outputs[0].name
    # A compressed call cannot be read by the gateway, so it names the deployment beside it.
    headers = {"seldon": model}
    packed = client.infer(model, inputs, headers=headers, compression_algorithm="gzip")
    try:
        client.infer("nobody", inputs)
        refused = ""
    except triton.InferenceServerException as error:
        refused = error.status()
    found = {
        "ready": client.is_server_live() and client.is_model_ready(model),
        "inputs": [item.name for item in client.get_model_metadata(model).inputs],
        "id": plain.get_response().id,
        "plain": plain.as_numpy(output).tolist(),
        "packed": packed.as_numpy(output).tolist(),
        "refused": refused,
    }
    sys.stdout.write(json.dumps(found))


main()
