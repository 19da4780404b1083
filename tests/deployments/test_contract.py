"""The signature as the serving process enforces it."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.deployments.runtime import seldon_v1
from jupyter_mlinfra.deployments.runtime.contract import Column, Contract, MatrixContract
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused
from jupyter_mlinfra.deployments.runtime.table import TableContract

CONTRACT = MatrixContract(
    [
        Column("distance", "double"),
        Column("wind", "double", optional=True),
        Column("seats", "long"),
        Column("night", "boolean"),
        Column("carrier", "string", categories=("AA", "DL", "UA")),
    ]
)
NUMBERS = MatrixContract(
    [Column("a", "double"), Column("b", "long"), Column("c", "double", optional=True)]
)
GOOD = {"distance": 1400.5, "wind": 3, "seats": 180, "night": True, "carrier": "UA"}


def ask(data: Any, contract: Contract = CONTRACT) -> seldon_v1.Question:
    return seldon_v1.read(json.dumps({"data": data}).encode(), contract)


def read(data: Any, contract: Contract = CONTRACT) -> np.ndarray:
    """The matrix that a request becomes."""
    matrix = ask(data, contract).batch.matrix
    assert matrix is not None
    return matrix


def rows_of(*rows: dict[str, Any], names: list[str] | None = None) -> dict[str, Any]:
    names = names or list(GOOD)
    return {"names": names, "ndarray": [[row[name] for name in names] for row in rows]}


def refused(data: Any, contract: Contract = CONTRACT) -> RequestRefused:
    with pytest.raises(RequestRefused) as found:
        read(data, contract)
    error = found.value
    assert 400 <= error.status < 500
    assert error.what
    assert error.fix
    body = error.to_json()
    assert body["status"]["status"] == 1  # Seldon's FAILURE
    assert body["status"]["code"] == error.status
    assert error.what in body["status"]["info"]
    return error


def test_a_good_row_becomes_numbers_in_the_order_of_the_model() -> None:
    assert read(rows_of(GOOD)).tolist() == [[1400.5, 3.0, 180.0, 1.0, 2.0]]


@given(st.permutations(list(GOOD)))
def test_the_order_of_the_columns_does_not_matter(names: list[str]) -> None:
    assert read(rows_of(GOOD, names=names)).tolist() == [[1400.5, 3.0, 180.0, 1.0, 2.0]]


def test_columns_without_names_are_taken_by_their_place() -> None:
    assert read({"ndarray": [list(GOOD.values())]})[0, 2] == 180


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"distance": "1400"}, "distance"),
        ({"distance": True}, "distance"),
        ({"distance": [1]}, "distance"),
        ({"seats": 1.5}, "seats"),
        ({"seats": "many"}, "seats"),
        ({"seats": 2**60}, "seats"),
        ({"night": 7}, "night"),
        ({"night": "yes"}, "night"),
        ({"carrier": 3}, "carrier"),
    ],
)
def test_a_wrong_type_names_its_column_and_row(change: dict[str, Any], column: str) -> None:
    error = refused(rows_of(GOOD, {**GOOD, **change}))
    assert column in error.what
    assert "row 2" in error.what


def test_an_unknown_category_lists_the_known_ones() -> None:
    error = refused(rows_of({**GOOD, "carrier": "XX"}))
    assert "carrier" in error.what
    assert "AA, DL, UA" in error.fix


@pytest.mark.parametrize("column", [name for name in GOOD if name != "wind"])
def test_a_missing_value_is_refused_where_training_had_none(column: str) -> None:
    assert column in refused(rows_of(GOOD, {**GOOD, column: None})).what


def test_a_missing_value_is_taken_where_training_had_some() -> None:
    assert np.isnan(read(rows_of({**GOOD, "wind": None}))[0, 1])
    without = [name for name in GOOD if name != "wind"]
    assert np.isnan(read(rows_of(GOOD, names=without))[0, 1])


def test_unknown_missing_and_doubled_columns_are_named() -> None:
    renamed = {"dist": 1.0, **{name: value for name, value in GOOD.items() if name != "distance"}}
    error = refused({"names": list(renamed), "ndarray": [list(renamed.values())]})
    assert "dist" in error.why
    assert "distance" in error.why
    assert "twice" in refused({"names": [*GOOD, "wind"], "ndarray": [[*GOOD.values(), 1.0]]}).what


@pytest.mark.parametrize(
    "names",
    [["a"] * 60_000, [f"n{index}" for index in range(60_000)]],
    ids=["one name", "many names"],
)
def test_a_request_that_names_very_many_columns_is_refused_in_no_more_time_than_it_takes_to_read(
    names: list[str],
) -> None:
    started = time.perf_counter()
    error = refused({"names": names, "ndarray": [[1] * len(names)]}, NUMBERS)
    # Milliseconds; to count each name among all of them takes a minute.
    assert time.perf_counter() - started < 10
    assert len(str(error)) < 2000


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"ndarray": None},
        {"ndarray": {}},
        {"ndarray": []},
        {"ndarray": [[]]},
        {"ndarray": [1, 2]},
        {"ndarray": [[1.0, 2.0]]},
        {"names": "distance", "ndarray": [[1, 2, 3, 4, 5]]},
        {"names": [1, 2, 3, 4, 5], "ndarray": [[1, 2, 3, 4, 5]]},
        {"names": list(GOOD), "ndarray": [list(GOOD.values()), [1.0]]},
        {"names": list(GOOD), "ndarray": [[1.0]]},
        {"tensor": {"shape": [1, 5], "values": [1, 2, 3, 4, 5]}},
        {"strData": "x"},
    ],
)
def test_a_body_of_another_shape_is_refused(data: Any) -> None:
    refused(data)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b'{"data": {"ndarray": [[NaN]]}}',
        b"[" * 100_000,
        b'{"data":{"ndarray":[[1e400,1,1]]}}',
    ],
)
def test_broken_json_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as found:
        seldon_v1.read(body, NUMBERS)
    assert found.value.what
    assert found.value.fix


@pytest.mark.parametrize(
    "tensor",
    [
        None,
        {},
        {"shape": [1], "values": [1]},
        {"shape": [1, 3], "values": [1, 2]},
        {"shape": [0, 3], "values": []},
        {"shape": [1, 3], "values": [1, "2", 3]},
        {"shape": [1, 3], "values": [1, None, 3]},
        {"shape": [1, 3], "values": [1, 2.5, 3]},
        {"shape": [-1, -3], "values": [1, 2, 3]},
        {"shape": [1, 3], "values": [True, 2, 3]},
        {"shape": [1, 2], "values": [1, 2]},
        {"shape": [1, True], "values": [1]},
    ],
)
def test_a_bad_tensor_is_refused(tensor: Any) -> None:
    refused({"tensor": tensor}, NUMBERS)


def test_a_tensor_is_read_row_by_row_and_answered_as_a_tensor() -> None:
    question = ask(
        {"names": ["c", "a", "b"], "tensor": {"shape": [2, 3], "values": [None, 1.5, 2, 3, 4, 5]}},
        NUMBERS,
    )
    matrix = question.batch.matrix
    assert matrix is not None
    assert matrix.tolist()[1] == [4.0, 5.0, 3.0]
    assert np.isnan(matrix[0, 2])
    scores = np.array([[0.1, 0.9], [0.4, 0.6]], dtype=np.float32)
    body = json.loads(seldon_v1.answer(question, {"predict": scores}, ["no", "yes"], {}))
    assert body["data"]["tensor"]["shape"] == [2, 2]
    assert body["data"]["names"] == ["no", "yes"]


@settings(max_examples=examples(25))
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**53), 2**53),
            st.none() | st.floats(-1e30, 1e30),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_that_fits_comes_through_unchanged(
    rows: list[tuple[float, int, float | None]],
) -> None:
    matrix = read({"names": ["a", "b", "c"], "ndarray": [list(row) for row in rows]}, NUMBERS)
    expected = [[float(a), float(b), float("nan") if c is None else c] for a, b, c in rows]
    np.testing.assert_array_equal(matrix, np.array(expected))


def test_only_a_harmless_puid_is_taken_over() -> None:
    def puid(value: Any) -> str:
        body = {"meta": {"puid": value}, "data": {"ndarray": [[1, 2, 3]]}}
        return seldon_v1.read(json.dumps(body).encode(), NUMBERS).id

    assert puid("abc-1") == "abc-1"
    assert [puid(bad) for bad in (7, "x" * 129, "a\nb", None)] == ["", "", "", ""]


@pytest.mark.parametrize("kind", [TableContract, MatrixContract])
def test_a_whole_number_that_a_double_may_not_hold_is_refused_with_its_limit(
    kind: type[TableContract | MatrixContract],
) -> None:
    contract = kind([Column("id", "long"), Column("small", "integer")])
    for fits in (2**53, -(2**53)):
        assert contract.from_rows([[fits, 1]]).size == 1
    for row, why in (
        ([2**53 + 2, 1], "is too large: whole numbers go up to 2^53 = 9,007,199,254,740,992"),
        ([-(2**60), 1], "is too large: whole numbers go up to 2^53"),
        ([0.5, 1], "0.5"),
        ([1, 2**40], "does not fit 32 bits"),
    ):
        with pytest.raises(RequestRefused) as refused:
            contract.from_rows([row])
        assert why in refused.value.why
