"""Bytes travel as they are where a protocol can carry them, in base64 where it has texts alone, and
reach columns and tensors of bytes the same by every way.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from wire import field, read, varint

from jupyter_mlinfra.deployments import oracle
from jupyter_mlinfra.deployments.runtime import (
    engine,
    grpc_v2,
    open_inference,
    protos,
    seldon_v1,
    served,
)
from jupyter_mlinfra.deployments.runtime.contract import Batch, Column, Contract
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.table import LOGGED_TEXT, TableContract, numpy_columns
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract

IMAGE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20 + b"\xff\xd9"
PARTS = [IMAGE, b"a"]


def tensor(dtype: str) -> TensorContract:
    return TensorContract([Column("x", "tensor", spec={"dtype": dtype, "shape": [-1]})])


def column(kind: str, **spec: Any) -> TableContract:
    return TableContract([Column("x", kind, spec=spec)])


def framed(parts: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def as_bytes(parts: Sequence[bytes], contract: Contract) -> list[Batch]:
    """By REST with the extension for binary tensors, and by gRPC, raw and typed."""
    blob = framed(parts)
    item: dict[str, Any] = {"name": "x", "shape": [len(parts)], "datatype": "BYTES"}
    item["parameters"] = {"binary_data_size": len(blob)}
    head = json.dumps({"inputs": [item]}).encode()
    found = [open_inference.read(head + blob, contract, len(head)).batch]
    plain = field(1, "x") + field(2, "BYTES") + field(3, varint(len(parts)))
    contents = b"".join(field(8, part) for part in parts)
    for sent in (field(5, plain) + field(7, blob), field(5, plain + field(5, contents))):
        message = protos.v2("ModelInferRequest").FromString(sent)
        body, length = grpc_v2.to_body(message)
        found.append(open_inference.read(body, contract, length).batch)
    return found


def as_json(texts: Sequence[str], contract: Contract) -> list[Batch]:
    """By both protocols."""
    item = {"name": "x", "shape": [len(texts)], "datatype": "BYTES", "data": texts}
    rows = texts if isinstance(contract, TensorContract) else [[text] for text in texts]
    return [
        open_inference.read(orjson.dumps({"inputs": [item]}), contract).batch,
        seldon_v1.read(orjson.dumps({"data": {"ndarray": rows}}), contract).batch,
    ]


def test_bytes_reach_a_binary_column_as_they_are_and_base64_is_for_json() -> None:
    contract = column("binary")
    plain = [base64.b64encode(part).decode() for part in PARTS]
    broken = [base64.encodebytes(part).decode() for part in PARTS]  # as MLflow writes them
    batches = [*as_bytes(PARTS, contract), *as_json(plain, contract), *as_json(broken, contract)]
    for batch in batches:
        found = numpy_columns(batch, contract.columns)["x"]
        assert found.tolist() == PARTS
        assert batch.logged == [[plain[0][:LOGGED_TEXT]], [plain[1]]]


def test_bytes_reach_a_tensor_of_bytes_in_numpys_type_for_them() -> None:
    contract = tensor("bytes")
    texts = [base64.encodebytes(part).decode() for part in PARTS]
    for batch in [*as_bytes(PARTS, contract), *as_json(texts, contract)]:
        assert batch.tensors is not None
        assert batch.tensors["x"].dtype.kind == "S"
        assert batch.tensors["x"].tolist() == PARTS
    with pytest.raises(RequestRefused, match="cannot end with a zero"):
        as_bytes([b"a\0"], contract)


@pytest.mark.parametrize(
    ("contract", "parts", "expected"),
    [
        (column("string"), [b"\xc3\xbc", b""], ["ü", ""]),
        (column("array", items={"type": "long"}), [b"[1, 2]", b"[]"], [[1, 2], []]),
        (column("long"), [b"7"], None),
        (column("string"), [IMAGE], None),
        (column("datetime"), [IMAGE], None),
        (column("array", items={"type": "long"}), [IMAGE], None),
        (tensor("object"), [b"\xc3\xbc", b""], ["ü", ""]),
        (tensor("str"), [b"\xc3\xbc", b"a"], ["ü", "a"]),
        (tensor("object"), [IMAGE], None),
        (tensor("float64"), [b"1.5"], None),
    ],
)
def test_bytes_are_texts_elsewhere_and_refused_if_they_are_none(
    contract: Contract, parts: Sequence[bytes], expected: Sequence[Any] | None
) -> None:
    if expected is None:
        with pytest.raises(RequestRefused) as refused:
            as_bytes(parts, contract)
        assert refused.value.what
        assert refused.value.fix
        return
    for batch in as_bytes(parts, contract):
        found: Any = (batch.columns or batch.tensors or {})["x"]
        assert list(found) == expected


ANSWERS: Mapping[str, Any] = {
    "frame": pd.DataFrame({"thumb": PARTS}),
    "array": {"thumb": np.array(PARTS)},
    "objects": {"thumb": np.array(PARTS, dtype=object)},
}


@pytest.mark.parametrize("form", ANSWERS)
def test_bytes_that_a_model_answers_come_as_bytes_or_in_base64(form: str) -> None:
    outputs = engine.named(ANSWERS[form], [])
    expected = [base64.b64encode(part).decode() for part in PARTS]
    contract = column("binary")
    body = {"data": {"ndarray": [["YQ=="], ["YQ=="]]}}
    question = seldon_v1.read(orjson.dumps(body), contract)
    answer = json.loads(seldon_v1.answer(question, outputs, [], {}))
    assert answer["data"]["ndarray"] == expected

    item = {"name": "x", "shape": [2], "datatype": "BYTES", "data": ["YQ==", "YQ=="]}
    for binary in (False, True):
        asked = {"inputs": [item], "parameters": {"binary_data_output": binary}}
        wanted = open_inference.read(orjson.dumps(asked), contract)
        text, headers = open_inference.answer(
            wanted, outputs, [], model="m", version="v1", request_id="r"
        )
        if not binary:
            assert json.loads(text)["outputs"][0]["data"] == expected
            continue
        length = int(headers[open_inference.BINARY_HEADER])
        assert text[length:] == framed(PARTS)
        message = grpc_v2.from_body(text, length, raw=False).SerializeToString()
        (output,) = read(message)[5]
        (contents,) = read(output)[5]
        assert read(contents)[8] == PARTS
    assert served.logged_outputs(outputs) == [[expected[0][:LOGGED_TEXT]], [expected[1]]]
    # What the test before traffic compares it with.
    assert list(oracle._outputs(ANSWERS[form]).values()) == [expected]
