"""What the Open Inference Protocol says of outputs: in metadata, and as bytes or as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.deployments.runtime import open_inference
from jupyter_mlinfra.deployments.runtime.contract import Column, MatrixContract

OUTPUTS = {"score": np.array([0.5], np.float32), "rank": np.array([3], np.int64)}
INPUTS = [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]


def as_bytes(**request: Any) -> set[str]:
    """The outputs of an answer that came as bytes."""
    contract = MatrixContract([Column("x", "double")])
    body = json.dumps({"inputs": INPUTS, **request}).encode()
    question = open_inference.read(body, contract)
    text, headers = open_inference.answer(
        question, OUTPUTS, [], model="m", version="v1", request_id="r"
    )
    length = int(headers.get(open_inference.BINARY_HEADER, len(text)))
    items = json.loads(text[:length])["outputs"]
    return {item["name"] for item in items if "binary_data_size" in item.get("parameters", {})}


ALL = {"binary_data_output": True}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({}, set()),
        ({"parameters": ALL}, {"score", "rank"}),
        ({"outputs": [{"name": "score", "parameters": {"binary_data": True}}]}, {"score"}),
        ({"outputs": [{"name": "score"}, {"name": "rank"}], "parameters": ALL}, {"score", "rank"}),
        (
            {
                "outputs": [
                    {"name": "score", "parameters": {"binary_data": False}},
                    {"name": "rank"},
                ],
                "parameters": ALL,
            },
            {"rank"},
        ),
        (
            {
                "outputs": [{"name": "rank", "parameters": {"binary_data": True}}],
                "parameters": {"binary_data_output": False},
            },
            {"rank"},
        ),
    ],
)
def test_what_an_output_says_of_itself_counts_before_what_the_request_says(
    request_: dict[str, Any], expected: set[str]
) -> None:
    assert as_bytes(**request_) == expected


def test_metadata_say_the_type_and_the_shape_that_come() -> None:
    found = open_inference.output_metadata(
        {**OUTPUTS, "class": np.array(["a"], object), "image": np.ones((1, 4, 3), np.uint8)}
    )
    assert found == [
        {"name": "score", "datatype": "FP32", "shape": [-1]},
        {"name": "rank", "datatype": "INT64", "shape": [-1]},
        {"name": "class", "datatype": "BYTES", "shape": [-1]},
        {"name": "image", "datatype": "UINT8", "shape": [-1, 4, 3]},
    ]
