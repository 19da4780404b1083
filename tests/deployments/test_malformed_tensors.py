"""Bodies that are no tensor, or hold what the signature has no place for: each is refused with
what, why and fix, by every reader of a body, and none reaches the model.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from wire import doubles, field, value, varint

from jupyter_mlinfra.deployments.runtime import (
    grpc_seldon,
    grpc_v2,
    open_inference,
    protos,
    seldon_v1,
)
from jupyter_mlinfra.deployments.runtime.contract import Batch, Column, Contract, MatrixContract
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.table import TableContract
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract

HUGE = 2**70


def tensor(dtype: str, *shape: int) -> TensorContract:
    return TensorContract([Column("x", "tensor", spec={"dtype": dtype, "shape": [-1, *shape]})])


CONTRACTS: Mapping[str, Contract] = {
    "float64": tensor("float64"),
    "float32 pairs": tensor("float32", 2),
    "int8": tensor("int8"),
    "bool": tensor("bool"),
    "text": tensor("object"),
    "matrix": MatrixContract([Column("x", "double")]),
    "table": TableContract([Column("x", "long")]),
    "int32": tensor("int32"),
    "uint32": tensor("uint32"),
}


def ndarray(values: Any) -> tuple[str, Any]:
    return "v1", {"data": {"ndarray": values}}


def flat(shape: Any, values: Any) -> tuple[str, Any]:
    return "v1", {"data": {"tensor": {"shape": shape, "values": values}}}


def v2(shape: Any, data: Any, datatype: str = "FP64") -> tuple[str, Any]:
    item = {"name": "x", "shape": shape, "datatype": datatype, "data": data}
    return "v2", {"inputs": [item]}


BAD: Mapping[str, tuple[str, Any]] = {
    "v1: a list beside a number": flat([2], [1, [2]]),
    "v1: a number beside a list": flat([2], [[1], 2]),
    "v1: lists of different lengths": flat([3], [[1, 2], [3]]),
    "v1: an object": flat([1], [{"a": 1}]),
    "v1: a word for NaN": flat([1], ["NaN"]),
    "v1: a text among numbers": flat([2], [1, "2"]),
    "v1: no values": flat([1], None),
    "v1: values of an object": flat([1], {"0": 1}),
    "v1: a negative size": flat([-1], [1]),
    "v1: two negative sizes": flat([-1, -1], [1]),
    "v1: a size of 0": flat([0], []),
    "v1: a shape without sizes": flat([], [1]),
    "v1: a fraction as a size": flat([1.0], [1]),
    "v1: a text as a shape": flat("1", [1]),
    "v1: a product above 64 bits": flat([2**40, 2**40], [1]),
    "v1: sizes of 0 times too many": flat([0, 2**62], []),
    "v1: too many axes": flat([1] * 70, [1]),
    "v1: too few values": flat([3], [1, 2]),
    "nested: a list beside a number": ndarray([1, [2]]),
    "nested: a number beside a list": ndarray([[1, 2], 3]),
    "nested: lists of different lengths": ndarray([[1, 2], [3]]),
    "nested: different depths": ndarray([[1, [2]]]),
    "nested: an empty row": ndarray([[]]),
    "nested: very deep": ndarray(json.loads("[" * 200 + "1" + "]" * 200)),
    "nested: an object": ndarray([[{"a": 1}, 2]]),
    "nested: a text among numbers": ndarray([[1, "2"]]),
    "v2: a list beside a number": v2([2], [1, [2]]),
    "v2: a number beside a list": v2([2], [[1], 2]),
    "v2: lists of different lengths": v2([3], [[1, 2], [3]]),
    "v2: different depths": v2([2, 2], [[1, [2]], [3, 4]]),
    "v2: an object": v2([1], [{"a": 1}]),
    "v2: a word for infinity": v2([1], ["Infinity"]),
    "v2: data of an object": v2([1], {"0": 1}),
    "v2: a negative size": v2([-1], [1]),
    "v2: a size of 0": v2([0], []),
    "v2: a product above 64 bits": v2([2**63, 2**63], [1]),
    "v2: too many axes": v2([1] * 70, [1]),
    "v2: too many values": v2([1], [1, 2]),
}


def read(protocol: str, body: Any, contract: Contract) -> Batch:
    """The batch of a REST body."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    reader: Any = seldon_v1.read if protocol == "v1" else open_inference.read
    batch: Batch = reader(text, contract).batch
    return batch


def refusal(ask: Callable[..., Any], *arguments: Any) -> RequestRefused:
    """What a question is refused with."""
    with pytest.raises(RequestRefused) as refused:
        ask(*arguments)
    error = refused.value
    assert 400 <= error.status < 500
    assert error.what
    assert error.fix
    return error


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_tensor_is_refused_whatever_the_model_takes(case: str) -> None:
    for name, contract in CONTRACTS.items():
        if name != "text" or "a word" not in case:
            refusal(read, *BAD[case], contract)


BODIES: Mapping[str, Callable[[Any], tuple[str, Any]]] = {
    "flat": lambda given: flat([2], [1, given]),
    "nested": lambda given: ndarray([1, given]),
    "v2": lambda given: v2([2], [1, given], "FP64"),
}


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    ("dtype", "given", "why"),
    [
        ("float64", True, "true is not a number."),
        ("float64", "2", '"2" is not a number.'),
        ("float16", 1e6, "It does not fit float16."),
        ("float32", 1e300, "It does not fit float32."),
        ("int8", 2.5, "2.5 is not a whole number from -128 to 127."),
        ("int8", 128, "128 is not a whole number from -128 to 127."),
        ("int8", False, "false is not a whole number from -128 to 127."),
        ("int8", None, "null is not a whole number from -128 to 127. Only floats can be missing."),
        ("uint8", -1, "-1 is not a whole number from 0 to 255."),
        ("int64", 2**63, f"{2**63} is not a whole number from {-(2**63)} to {2**63 - 1}."),
        ("uint64", HUGE, "1.1805916207174113e+21 is not a whole number from 0 to"),
        ("int64", 2.0**60, "with a point, it is read as a float: exact up to 2^53."),
        ("bool", 2, "2.0 is not true or false."),
        ("bool", None, "null is not true or false. Only floats can be missing."),
    ],
)
def test_a_value_that_the_type_does_not_hold_is_named(
    form: str, dtype: str, given: Any, why: str
) -> None:
    error = refusal(read, *BODIES[form](given), tensor(dtype))
    assert "x" in error.what
    assert why in error.why


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int64", [2**63 - 1, -(2**63)]),
        ("uint64", [2**64 - 1, 1]),
        ("int8", [-128, 3.0]),
        ("bool", [True, 0]),
        ("float32", [1, 2.5]),
        ("float64", [2**53, -0.5]),
    ],
)
def test_what_the_type_holds_arrives_as_it_is(dtype: str, values: list[Any]) -> None:
    for body in (flat([2], values), ndarray(values), v2([2], values, "FP64")):
        batch = read(*body, tensor(dtype))
        assert batch.tensors is not None
        found = batch.tensors["x"]
        assert found.dtype == dtype
        assert found.tolist() == values


class Raw(NamedTuple):
    """An input as bytes."""

    datatype: str
    blob: bytes
    shape: tuple[int, ...]

    def by_rest(self, contract: Contract) -> Batch:
        """With the extension for binary tensors."""
        item: dict[str, Any] = {"name": "x", "shape": list(self.shape), "datatype": self.datatype}
        item["parameters"] = {"binary_data_size": len(self.blob)}
        head = json.dumps({"inputs": [item]}).encode()
        return open_inference.read(head + self.blob, contract, len(head)).batch

    def by_call(self, contract: Contract) -> Batch:
        """As raw contents."""
        sizes = b"".join(map(varint, self.shape))
        item = field(1, "x") + field(2, self.datatype) + field(3, sizes)
        return call(field(5, item) + field(7, self.blob), contract)


def call(message: bytes, contract: Contract) -> Batch:
    """A ModelInferRequest."""
    body, length = grpc_v2.to_body(protos.v2("ModelInferRequest").FromString(message))
    return open_inference.read(body, contract, length).batch


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("float64", Raw("FP64", bytes(7), (1,))),
        ("float64", Raw("FP64", b"", (0,))),
        ("float64", Raw("FP64", b"", (0, 5))),
        ("float64", Raw("FP64", bytes(8), (-1,))),
        ("float64", Raw("FP64", bytes(8), (2**62, 2**62))),
        ("float64", Raw("BOOL", b"\1", (1,))),
        ("float64", Raw("BYTES", b"\1\0\0\0a", (1,))),
        ("float64", Raw("BYTES", b"\5\0\0\0a", (1,))),
        ("int8", Raw("FP64", struct.pack("<d", 3.7), (1,))),
        ("int8", Raw("INT16", struct.pack("<h", 300), (1,))),
        ("int8", Raw("UINT64", struct.pack("<Q", 2**63), (1,))),
        ("int8", Raw("FP32", struct.pack("<f", float("nan")), (1,))),
        ("int32", Raw("FP32", struct.pack("<f", 2.0**31), (1,))),
        ("uint32", Raw("FP32", struct.pack("<f", 2.0**32), (1,))),
        ("int32", Raw("FP16", struct.pack("<e", float("inf")), (1,))),
        ("int32", Raw("FP16", struct.pack("<e", float("-inf")), (1,))),
        ("bool", Raw("FP32", struct.pack("<f", float("nan")), (1,))),
        ("bool", Raw("UINT8", b"\2", (1,))),
        ("text", Raw("FP64", bytes(8), (1,))),
        ("matrix", Raw("FP64", bytes(8), (2**62, 4))),
        ("table", Raw("FP64", struct.pack("<d", 0.5), (1,))),
    ],
)
def test_bytes_that_do_not_fit_are_refused_by_rest_and_by_grpc(name: str, sent: Raw) -> None:
    by_rest = refusal(sent.by_rest, CONTRACTS[name])
    by_call = refusal(sent.by_call, CONTRACTS[name])
    assert by_rest.text == by_call.text


def test_typed_contents_of_a_call_keep_every_digit_and_are_refused_beyond_their_type() -> None:
    def sent(datatype: str, number: int, *values: int) -> bytes:
        contents = field(5, field(number, b"".join(map(varint, values))))
        shape = field(3, varint(len(values)))
        return field(5, field(1, "x") + field(2, datatype) + shape + contents)

    batch = call(sent("UINT64", 5, 2**63 + 1, 1), tensor("uint64"))
    assert batch.tensors is not None
    assert batch.tensors["x"].tolist() == [2**63 + 1, 1]
    refusal(call, sent("INT8", 2, 300), tensor("int8"))
    refusal(call, sent("FP64", 5, 1), tensor("float64"))
    refusal(call, sent("FP99", 5, 1), tensor("float64"))


@pytest.mark.parametrize(
    "data",
    [
        field(2, field(1, varint(3)) + field(2, doubles([1.0]))),
        field(2, field(1, varint(-1)) + field(2, doubles([1.0]))),
        field(2, field(1, b"") + field(2, doubles([1.0]))),
        field(3, field(1, value(1)) + field(1, value([2]))),
        field(3, field(1, value([1, 2])) + field(1, value([2]))),
        field(3, field(1, value(["a"]))),
    ],
    ids=["few values", "negative", "no shape", "depths", "lengths", "text"],
)
def test_a_call_of_seldons_protocol_that_is_no_tensor_is_refused(data: bytes) -> None:
    message = protos.seldon("SeldonMessage").FromString(field(3, data))
    body = grpc_seldon.to_body(message)
    for name in ("float64", "float32 pairs", "int8", "matrix"):
        refusal(read, "v1", body, CONTRACTS[name])


def missing(contract: Contract) -> list[Batch]:
    """A missing value after 1.0, by each protocol and form."""
    gap = doubles([1.0, float("nan")])
    flat_call = field(2, field(1, varint(2)) + field(2, gap))
    nested_call = field(3, field(1, value(1)) + field(1, value(None)))
    batches = []
    for data in (flat_call, nested_call):
        message = protos.seldon("SeldonMessage").FromString(field(3, data))
        batches.append(read("v1", grpc_seldon.to_body(message), contract))
    bodies = flat([2], [1, None]), ndarray([1, None]), v2([2], [1, None])
    raw = Raw("FP64", gap, (2,))
    batches.extend(read(*body, contract) for body in bodies)
    return [*batches, raw.by_rest(contract), raw.by_call(contract)]


def test_a_missing_value_is_nan_among_floats_by_every_protocol() -> None:
    for dtype in ("float16", "float32", "float64"):
        for batch in missing(tensor(dtype)):
            assert batch.tensors is not None
            found = batch.tensors["x"]
            assert found.dtype == dtype
            assert np.array_equal(found, [1, np.nan], equal_nan=True)
            assert batch.logged_rows() == [[1.0], [None]]


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_a_missing_value_is_refused_by_every_protocol_where_there_is_no_nan(dtype: str) -> None:
    forms = (flat([2], [1, None]), ndarray([1, None]), v2([2], [1, None]))
    refused = [refusal(read, *body, tensor(dtype)) for body in forms]
    raw = Raw("FP64", doubles([1, np.nan]), (2,))
    refused.append(refusal(raw.by_rest, tensor(dtype)))
    assert all("Only floats can be missing." in error.why for error in refused)


def test_nested_lists_have_the_order_of_a_row_of_rows() -> None:
    values = np.arange(12.0).reshape(3, 2, 2)
    contract = tensor("float64", 2, 2)
    for body in (ndarray(values.tolist()), v2([3, 2, 2], values.tolist())):
        batch = read(*body, contract)
        assert batch.tensors is not None
        assert np.array_equal(batch.tensors["x"], values)


@pytest.mark.parametrize("dtype", ["str", "bytes"])
def test_a_long_value_beside_many_short_ones_does_not_fill_the_memory(dtype: str) -> None:
    long = "YWFh" * 2**15  # 96 KiB as base64, 512 KiB as a text
    error = refusal(read, *v2([3000], ["YQ=="] * 2999 + [long], "BYTES"), tensor(dtype))
    assert error.status == 413
    assert "256 MiB" in error.why
    assert read(*v2([2], ["YQ==", long], "BYTES"), tensor(dtype)).size == 2


def test_a_text_that_numpy_would_cut_is_refused_or_kept_whole() -> None:
    refusal(read, *v2([2], ["a\0", "b"], "BYTES"), tensor("str"))
    for dtype, text in (("str", "a\0b"), ("object", "a\0")):
        batch = read(*v2([1], [text], "BYTES"), tensor(dtype))
        assert batch.tensors is not None
        assert batch.tensors["x"].tolist() == [text]
