"""What a request says of itself: a datatype that its data contradict, an id, and the other forms of
Seldon's messages.
"""

from __future__ import annotations

import json
import timeit
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from wire import field, read, value

from jupyter_mlinfra.deployments.runtime import (
    datatypes,
    grpc_seldon,
    model,
    open_inference,
    protos,
    seldon_v1,
)
from jupyter_mlinfra.deployments.runtime.contract import Column, MatrixContract
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.table import TableContract
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract

NUMBER = MatrixContract([Column("x", "double", optional=True)])
TABLE = TableContract([Column("x", "double"), Column("y", "string", optional=True)])
TENSOR = TensorContract([Column("x", "tensor", spec={"dtype": "float32", "shape": [-1]})])


def v2(datatype: str, data: list[Any], **request: Any) -> bytes:
    item = {"name": "x", "shape": [len(data)], "datatype": datatype, "data": data}
    return json.dumps({"inputs": [item], **request}).encode()


@pytest.mark.parametrize(
    ("datatype", "given"),
    [
        ("INT8", 3.7),
        ("INT8", 128),
        ("UINT8", -1),
        ("INT64", 2**63),
        ("INT32", True),
        ("BOOL", 2),
        ("BOOL", 0.5),
        ("BYTES", 3.7),
        ("BYTES", False),
    ],
)
@pytest.mark.parametrize("contract", [NUMBER, TENSOR], ids=["column", "tensor"])
def test_data_that_contradict_their_datatype_are_refused(
    contract: MatrixContract | TensorContract, datatype: str, given: Any
) -> None:
    with pytest.raises(RequestRefused) as refused:
        open_inference.read(v2(datatype, [0 if datatype != "BYTES" else "0", given]), contract)
    assert "contradict its datatype" in refused.value.what
    assert datatype in refused.value.why
    assert refused.value.fix


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("INT8", [-128, 3.0]),
        ("UINT64", [2**64 - 1, 0]),
        ("INT64", [1, 2]),
        ("FP16", [0.5, 1e3]),
        ("FP64", [1, 2.5]),
    ],
)
def test_another_datatype_that_fits_the_data_is_taken(datatype: str, data: list[Any]) -> None:
    matrix = open_inference.read(v2(datatype, data), NUMBER).batch.matrix
    assert matrix is not None
    assert matrix.ravel().tolist() == [float(item) for item in data]


def test_the_datatype_of_an_image_is_checked_faster_than_one_looks_at_each_value() -> None:
    image = [number % 256 for number in range(3 * 224 * 224)]

    def look() -> int:
        return sum(isinstance(value, int | float) for value in image)

    check = partial(datatypes.check_datatype, "x", "UINT8", image)
    assert min(timeit.repeat(check, number=1)) < min(timeit.repeat(look, number=1))
    with pytest.raises(RequestRefused, match="contradict"):
        datatypes.check_datatype("x", "UINT8", [*image, 256])


def test_an_optional_column_may_be_missing_whatever_its_datatype() -> None:
    matrix = open_inference.read(v2("INT64", [1, None]), NUMBER).batch.matrix
    assert matrix is not None
    assert np.array_equal(matrix.ravel(), np.array([1, np.nan]), equal_nan=True)


@pytest.mark.parametrize("given", ["a", "x" * 128, 'Ärger 1/2 "quoted" <b>'])
def test_an_id_is_repeated_as_it_is(given: str) -> None:
    question = open_inference.read(v2("FP64", [1.0], id=given), NUMBER)
    assert question.id == given
    text, _ = open_inference.answer(
        question, {"y": np.array([1.0])}, [], model="m", version="v1", request_id=question.id
    )
    assert json.loads(text)["id"] == given


@pytest.mark.parametrize("given", [None, ""])
def test_a_request_without_an_id_has_none_of_its_own(given: str | None) -> None:
    assert open_inference.read(v2("FP64", [1.0], id=given), NUMBER).id == ""


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("x" * 129, "It has 129 characters."),
        ("a\nb", "It holds characters that cannot be printed."),
        ("\x1b[2J", "It holds characters that cannot be printed."),
        (7, "It is a number."),
        (["a"], "It is a list."),
    ],
)
def test_an_id_that_cannot_be_repeated_is_refused_and_not_replaced(given: Any, why: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        open_inference.read(v2("FP64", [1.0], id=given), NUMBER)
    assert refused.value.status == 400
    assert refused.value.why == why


def seldon(message: dict[str, Any], contract: Any = TABLE) -> seldon_v1.Question:
    return seldon_v1.read(json.dumps(message).encode(), contract)


@pytest.mark.parametrize(
    "rows",
    [
        [{"x": 1, "y": "a"}, {"x": 2}],
        [{"y": "a", "x": 1}, {"x": 2, "y": None}],
        [[1, "a"], [2, None]],
    ],
)
def test_records_and_rows_are_taken_as_json_data(rows: list[Any]) -> None:
    question = seldon({"jsonData": rows})
    found = {name: list(values) for name, values in (question.batch.columns or {}).items()}
    assert found == {"x": [1.0, 2.0], "y": ["a", None]}
    answer = json.loads(seldon_v1.answer(question, {"predict": np.array([3, 4])}, [], {}))
    assert answer == {"jsonData": {"predict": [3, 4]}, "meta": {}}


def test_one_record_is_one_row() -> None:
    assert seldon({"jsonData": {"x": 1}}).batch.size == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([{"y": "a"}], "missing: x"),
        ([{"x": 1}, {"y": "a"}], "Column x has no value in row 2."),
        ([{"x": 1, "z": 2}], "Unknown: z."),
        ([{f"c{place}": 1} for place in range(20_000)], "Unknown: c0"),
        ([{"x": 1}, [2]], "not a list of rows"),
        ([], "empty"),
        ("x", "not a list of rows"),
        (None, "not a list of rows"),
    ],
)
def test_json_data_of_another_form_is_refused(given: Any, text: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        seldon({"jsonData": given})
    assert text.lower() in refused.value.text.lower()
    assert refused.value.fix
    assert len(refused.value.text) < 1000


@pytest.mark.parametrize(
    ("name", "number", "given"),
    [("strData", 5, "text"), ("binData", 4, b"\xff"), ("customData", 7, b"")],
)
@pytest.mark.parametrize("contract", [TABLE, TENSOR], ids=["columns", "tensors"])
def test_other_forms_are_refused_with_those_that_are_taken(
    contract: TableContract | TensorContract, name: str, number: int, given: Any
) -> None:
    call = protos.seldon("SeldonMessage").FromString(field(number, given))
    by_call = grpc_seldon.to_body(call)
    for body in (json.dumps({name: "text"}).encode(), by_call):
        with pytest.raises(RequestRefused) as refused:
            seldon_v1.read(body, contract)
        assert refused.value.what == f"The request holds {name}."
        assert "ndarray" in refused.value.fix
        assert "jsonData" in refused.value.fix
        assert "tensor" in refused.value.fix


def test_records_come_by_grpc_too() -> None:
    entry = field(1, "x") + field(2, value(1))
    record = field(5, field(1, entry))  # a struct of a google.protobuf.Value
    rows = field(6, field(1, record))
    call = protos.seldon("SeldonMessage").FromString(field(6, rows))
    question = seldon_v1.read(grpc_seldon.to_body(call), TABLE)
    assert question.batch.size == 1
    answer = seldon_v1.answer(question, {"predict": np.array([3.0])}, [], {"puid": "a"})
    assert read(grpc_seldon.from_body(answer).SerializeToString())[6]


@pytest.mark.parametrize(("socket", "most"), [("unused", None), ("", 500_000)])
def test_the_limit_of_flask_for_forms_is_lifted_where_the_gateway_has_its_own_alone(
    socket: str, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_SOCKET", socket)
    served: Any = SimpleNamespace(deployment="flights", version="v1")
    app = Flask("image")
    app.register_blueprint(model._blueprint(served))
    assert app.config["MAX_FORM_MEMORY_SIZE"] == most
