"""Whatever a model answers in comes in the words of both protocols, and the test *equal* before
traffic has the same.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
import scipy.sparse

from jupyter_mlinfra.deployments import gates, oracle
from jupyter_mlinfra.deployments.runtime import engine, grpc_v2, open_inference, seldon_v1
from jupyter_mlinfra.deployments.runtime.contract import Column
from jupyter_mlinfra.deployments.runtime.served import logged_outputs
from jupyter_mlinfra.deployments.runtime.table import TableContract

CONTRACT = TableContract([Column("x", "double")])
QUESTION = {"name": "x", "shape": [2], "datatype": "FP64", "data": [0.0, 1.0]}


def seldon(outputs: Mapping[str, np.ndarray]) -> Any:
    """The body of an answer to two rows."""
    question = seldon_v1.read(b'{"data": {"ndarray": [[0.0], [1.0]]}}', CONTRACT)
    return json.loads(seldon_v1.answer(question, outputs, [], {}))


def open_json(outputs: Mapping[str, np.ndarray]) -> list[Any]:
    """The outputs of an answer to two rows."""
    text, _ = _v2(outputs, binary=False)
    return list(json.loads(text)["outputs"])


def raw(outputs: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of an answer of one output, by gRPC too."""
    text, headers = _v2(outputs, binary=True)
    length = int(headers[open_inference.BINARY_HEADER])
    (found,) = grpc_v2.from_body(text, length, raw=True).raw_output_contents
    assert found == text[length:]
    return bytes(found)


def _v2(outputs: Mapping[str, np.ndarray], *, binary: bool) -> tuple[bytes, dict[str, str]]:
    body = {"inputs": [QUESTION], "parameters": {"binary_data_output": binary}}
    question = open_inference.read(orjson.dumps(body), CONTRACT)
    return open_inference.answer(question, outputs, [], model="m", version="v1", request_id="r")


@pytest.mark.parametrize(
    ("answer", "datatype", "values"),
    [
        ([Decimal("0.5"), Decimal("NaN")], "FP64", [0.5, None]),
        ([Decimal("0.5"), "x"], "BYTES", [0.5, "x"]),
        (scipy.sparse.csr_matrix([[1.0, 0.0], [0.0, 2.5]]), "FP64", [[1.0, 0.0], [0.0, 2.5]]),
        (pd.Series([1, None], dtype="Int64"), "FP64", [1.0, None]),
        (pd.Series([True, None], dtype="boolean"), "BYTES", [True, None]),
        (pd.Series(["a", np.nan], dtype=object), "BYTES", ["a", None]),
        (pd.Series(["2026-01-02", None], dtype="datetime64[ns]"), "BYTES", ["2026-01-02", None]),
        (np.array([[-math.inf], [math.nan]]), "FP64", [[None], [None]]),
    ],
    ids=["decimal", "mixed", "sparse", "Int64", "boolean", "text", "date", "infinite"],
)
def test_an_answer_is_numbers_texts_and_nulls(answer: Any, datatype: str, values: Any) -> None:
    outputs = engine.named(answer, [])
    assert seldon(outputs)["data"]["ndarray"] == values
    (output,) = open_json(outputs)
    assert (output["datatype"], output["data"]) == (datatype, gates._flat(values))
    (expected,) = oracle._outputs(answer).values()
    pairs = zip(gates._flat(output["data"]), expected, strict=True)
    differences = [gates._difference(found, right) for found, right in pairs]
    assert (differences == [0.0] * len(expected)) is (-math.inf not in expected)


def test_bytes_carry_infinite_numbers_and_an_empty_text_for_a_missing_one() -> None:
    numbers = np.array([-math.inf, math.nan])
    assert raw(engine.named(numbers, [])) == numbers.tobytes()
    texts = ["a", None, np.nan, {"p": [1, None]}]
    parts = [b"a", b"", b"", b'{"p":[1,null]}']
    framed = b"".join(struct.pack("<I", len(part)) + part for part in parts)
    assert raw(engine.named(texts, [])) == framed


def test_what_no_protocol_can_carry_is_refused() -> None:
    for answer in (iter([1.0]), [scipy.sparse.csr_matrix([[1.0]])] * 2, object()):
        with pytest.raises(TypeError, match="The model's answer"):
            engine.named(answer, [])


def test_an_infinite_number_equals_no_other() -> None:
    for found, right in ((None, math.inf), (5.0, -math.inf), (math.inf, 5.0)):
        assert gates._difference(found, right) is None


ITEM: Mapping[str, Any] = {"id": np.int64(1), "p": np.float64(0.5)}
NESTED: Mapping[str, Any] = {
    "even": [{"items": [dict(ITEM)], "who": "x"}, {"items": [{"id": 2}], "who": None}],
    "uneven": [{"items": [ITEM, ITEM], "who": "x"}, {"items": [], "who": "y"}],
    "columns": {"items": [[ITEM], [ITEM]], "who": ["x", "y"]},
    "objects": {"item": [ITEM, {"id": 2, "p": None}]},
    "lists": pd.DataFrame({"vector": [[1, 2], [3]], "who": ["x", "y"]}),
    "single": [[ITEM], [ITEM, ITEM]],
}


@pytest.mark.parametrize("form", NESTED)
def test_nested_answers_equal_the_models_own(form: str) -> None:
    outputs = engine.named(NESTED[form], [])
    expected = json.loads(json.dumps(oracle._outputs(NESTED[form])))
    body = seldon(outputs)
    assert "jsonData" not in body, "the number of objects in a row changes the form"
    assert all(item["shape"] == [2] for item in open_json(outputs))
    by_name = {item["name"]: gates._flat(item["data"]) for item in open_json(outputs)}
    for found in ({"": gates._flat(body["data"]["ndarray"])}, by_name):
        pairs = gates._pairs(found, expected)
        assert pairs
        assert {gates._difference(value, right) for value, right in pairs} == {0.0}


def test_a_name_or_a_number_in_an_object_that_differs_is_seen() -> None:
    expected = {"": [{"id": 1.0, "p": 0.5}]}
    for wrong in ({"id": 1, "q": 0.5}, {"id": 1, "p": 0.25}):
        pairs = gates._pairs({"": gates._flat([wrong])}, expected)
        assert pairs
        assert {gates._difference(value, right) for value, right in pairs} != {0.0}


def test_bytes_keep_their_zeros_and_numbers_beside_texts_stay_numbers() -> None:
    contents = [b"\x01\x00", b"\x00\x00"]
    found = engine.named(contents, [])
    assert found["predict"].tolist() == contents
    assert raw(found) == b"".join(struct.pack("<I", 2) + item for item in contents)
    texts = [base64.b64encode(item).decode() for item in contents]
    assert seldon(found)["data"]["ndarray"] == texts == oracle._outputs(contents)[""]
    rows = [[7, "rank"], [8, "x"]]
    found = engine.named(rows, [])
    assert seldon(found)["data"]["ndarray"] == rows
    assert open_json(found)[0]["data"] == [7, "rank", 8, "x"] == oracle._outputs(rows)[""]


def test_dates_have_one_form_in_json_in_bytes_and_in_the_log() -> None:
    answer = [datetime(2026, 1, 1, 9, 30), date(2026, 1, 2)]
    found = engine.named(answer, [])
    texts = ["2026-01-01T09:30:00", "2026-01-02"]
    assert seldon(found)["data"]["ndarray"] == open_json(found)[0]["data"] == texts
    assert raw(found) == b"".join(struct.pack("<I", len(text)) + text.encode() for text in texts)
    assert logged_outputs(found) == [[text] for text in texts]
    assert oracle._outputs(answer)[""] == texts
