"""Rows of a dataset as requests, read by the serving process's own reader; and its answers as
columns.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.deployments.batch.answers import MOST_COLUMNS, predictions_of
from jupyter_mlinfra.deployments.batch.bodies import (
    Body,
    Ragged,
    body_of,
    inexact,
    with_plain_columns,
)
from jupyter_mlinfra.deployments.batch.columns import Feed, feeds
from jupyter_mlinfra.deployments.batch.processes import Answer
from jupyter_mlinfra.deployments.batch.scoring import Scorer
from jupyter_mlinfra.deployments.logged import Input
from jupyter_mlinfra.deployments.runtime import open_inference
from jupyter_mlinfra.deployments.runtime.contract import Batch, Column, Contract, MatrixContract
from jupyter_mlinfra.deployments.runtime.table import TableContract
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract


def inputs(**types: str) -> list[Input]:
    return [Input(name=name, type=kind, optional=True) for name, kind in types.items()]


def read(frame: pl.DataFrame, items: list[Input], contract: Contract, layout: str) -> Batch:
    """What the process makes of the request."""
    found = [Feed(item, item.name) for item in items]
    plain = with_plain_columns(frame, found)
    body = body_of(plain, found, layout=layout, binary_answer=True)
    return open_inference.read(body.data, contract, body.json_length).batch


def test_a_column_whose_name_is_a_pattern_of_polars_is_sent_as_it_is() -> None:
    frame = pl.DataFrame({"*": [1.0, 2.0], "^s.*$": [3.0, None], "steady": [5.0, 6.0]})
    items = inputs(**dict.fromkeys(frame.columns, "double"))
    feeds = [Feed(item, item.name) for item in items]
    body = body_of(frame, feeds, layout="columns", binary_answer=False)
    sent = np.frombuffer(body.data[body.json_length :], "<f8").reshape(2, 3)
    np.testing.assert_array_equal(sent, [[1, 3, 5], [2, np.nan, 6]])


def test_every_type_of_a_table_arrives_as_it_is_and_a_missing_value_as_missing() -> None:
    types = {
        "number": "double",
        "single": "float",
        "whole": "long",
        "small": "integer",
        "flag": "boolean",
        "text": "string",
        "at": "datetime",
        "day": "datetime",
        "blob": "binary",
        "list": "array",
        "absent": "double",
    }
    zone = "America/New_York"
    frame = pl.DataFrame(
        {
            "number": [0.1, float("nan"), None],
            "single": pl.Series([0.1, 2.0, 3.0], dtype=pl.Float32),
            "whole": [2**53, -1, None],
            "small": pl.Series([1, 2, 3], dtype=pl.Int16),
            "flag": [True, None, False],
            "text": pl.Series(["a", "ü", None], dtype=pl.Categorical),
            "at": pl.Series([datetime(2026, 3, 1, 12, 30, 0, 5), None, None]).dt.replace_time_zone(
                zone
            ),
            "day": [date(2026, 3, 1), None, date(1999, 1, 1)],
            "blob": [b"\0\xff", b"", None],
            "list": [[1.5, 2.0], [], None],
        }
    )
    items = inputs(**types)
    columns = [
        Column(item.name, item.type, True, spec={"items": {"type": "double"}}) for item in items
    ]
    batch = read(frame, items, TableContract(columns), "columns")
    assert batch.columns is not None
    found = {name: list(values) for name, values in batch.columns.items()}
    assert found == {
        "number": [0.1, None, None],
        "single": [float(np.float32(0.1)), 2.0, 3.0],
        "whole": [2**53, -1, None],
        "small": [1, 2, 3],
        "flag": [True, None, False],
        "text": ["a", "ü", None],
        "at": [datetime(2026, 3, 1, 17, 30, 0, 5), None, None],
        "day": [datetime(2026, 3, 1), None, datetime(1999, 1, 1)],
        "blob": [b"\0\xff", b"", None],
        "list": [[1.5, 2.0], [], None],
        "absent": [None, None, None],
    }


def test_a_whole_number_that_a_double_cannot_hold_is_not_asked() -> None:
    largest = 2**53
    texts = [f"{largest}", f"{largest + 1}", f"-{largest + 1}", "7", f"{2**52}.25", "1e20", None]
    keys = pl.Series([text and Decimal(text) for text in texts], dtype=pl.Decimal(24, 2))
    frame = pl.DataFrame({"key": keys, "fare": keys})
    known = [Feed(item, item.name) for item in inputs(key="long", fare="double")]
    assert inexact(frame, known).is_null().to_list() == [
        True,
        False,
        False,
        True,
        False,
        False,
        True,
    ]
    unsigned = pl.DataFrame({"key": pl.Series([largest, largest + 1, 2**64 - 1], dtype=pl.UInt64)})
    assert inexact(unsigned, known).is_null().to_list() == [True, False, False]
    whole = Input(name="key", type="tensor", optional=False, spec={"dtype": "int64"})
    assert inexact(unsigned, [Feed(whole, "key")]).is_null().to_list() == [True, False, False]


class Echo:
    """A process that answers each number that it is asked."""

    def __init__(self) -> None:
        self.contract = TableContract([Column("key", "long", True)])

    def ask(self, body: Body, *, alone: bool = False) -> Answer:
        batch = open_inference.read(body.data, self.contract, body.json_length).batch
        assert batch.columns is not None
        values = [float(value) for value in batch.columns["key"]]
        item = {"name": "predict", "shape": [len(values)], "datatype": "FP64", "data": values}
        return Answer(200, orjson.dumps({"outputs": [item]}), None)


def test_rows_with_keys_that_would_be_rounded_have_a_reason_and_the_others_their_predictions() -> (
    None
):
    keys = [Decimal(2**53), Decimal(2**53 + 1), Decimal(5)]
    frame = pl.DataFrame({"key": pl.Series(keys, dtype=pl.Decimal(20, 0))})
    known = [Feed(item, item.name) for item in inputs(key="long")]
    scorer = Scorer(known, layout="columns", schema={"prediction": pl.Float64()}, binary=False)
    late = pl.Series([None, None, "late"])
    for why, expected in ((None, [2.0**53, None, 5.0]), (late, [2.0**53, None, None])):
        echo = Echo()
        found = scorer.score(frame, echo) if why is None else scorer.score_unless(why, frame, echo)
        assert found["prediction"].to_list() == expected
        assert "a double loses digits" in found["error"][1]


def test_numbers_alone_travel_as_one_matrix_in_the_order_of_the_model() -> None:
    items = inputs(a="double", b="long", c="boolean")
    frame = pl.DataFrame({"c": [True, False], "a": [0.5, None], "b": [1, 2]})
    ordered = [feed.input for feed in feeds(items, ["b", "c", "a"])]
    contract = MatrixContract([Column(item.name, item.type, True) for item in ordered])
    batch = read(frame, ordered, contract, "columns")
    assert batch.matrix is not None
    assert np.array_equal(batch.matrix, [[1, 1, 0.5], [2, 0, np.nan]], equal_nan=True)
    unnamed = feeds(inputs(f0="double", f1="double"), ["x", "y"])
    assert [(feed.input.name, feed.column) for feed in unnamed] == [("x", "f0"), ("y", "f1")]


def test_a_column_of_lists_is_a_tensor_and_rows_of_other_shapes_are_not_mixed() -> None:
    spec = {"dtype": "float32", "shape": [-1, 2, 2]}
    item = Input(name="image", type="tensor", optional=False, spec=spec)
    contract = TensorContract([Column("image", "tensor", spec=spec)])
    values = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    frame = pl.DataFrame({"image": values.tolist()})
    batch = read(frame, [item], contract, "tensors")
    assert batch.tensors is not None
    assert np.array_equal(batch.tensors["image"], values)
    for odd in ([[[1.0]], [[1.0], [2.0]]], [[[1.0]], None], [[[1.0, None]]]):
        with pytest.raises(Ragged):
            read(pl.DataFrame({"image": odd}), [item], contract, "tensors")


def answer(names: tuple[str, ...] = (), *, binary: bool, **outputs: Any) -> pl.DataFrame:
    """What the process would answer, as columns."""
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    question = open_inference.Question(Batch(2), "", (), frozenset({"*"} if binary else ()))
    data, headers = open_inference.answer(
        question, arrays, names, model="m", version="v1", request_id="1"
    )
    length = headers.get(open_inference.BINARY_HEADER)
    return predictions_of(data, int(length) if length else None, 2)


@pytest.mark.parametrize("binary", [False, True])
def test_answers_become_columns_of_their_own_types(binary: bool) -> None:
    single = np.array([0.1, np.nan], dtype=np.float32)
    found = answer(binary=binary, predict=single)
    assert found.schema == {"prediction": pl.Float32}
    assert np.array_equal(found["prediction"].to_numpy(), single, equal_nan=True)
    assert answer(binary=binary, predict=["late", "on time"])["prediction"].to_list() == [
        "late",
        "on time",
    ]
    pair = [[1, 2], [3, 4]]
    assert answer(("no", "yes"), binary=binary, predict=pair).to_dict(as_series=False) == {
        "prediction_no": [1, 3],
        "prediction_yes": [2, 4],
    }
    assert answer(("t:0", "t:1"), binary=binary, predict=pair).columns == [
        "prediction_1",
        "prediction_2",
    ]
    several = answer(binary=binary, mean=[0.5, 1.5], label=["a", "b"])
    assert several.to_dict(as_series=False) == {
        "prediction_mean": [0.5, 1.5],
        "prediction_label": ["a", "b"],
    }
    wide = np.arange(2.0 * (MOST_COLUMNS + 1)).reshape(2, -1)
    assert answer(binary=binary, predict=wide)["prediction"].to_list() == wide.tolist()


def test_a_model_that_does_not_answer_row_by_row_is_refused() -> None:
    text = {"name": "mean", "shape": [1], "datatype": "FP64", "data": [0.5]}
    with pytest.raises(Unprocessable, match="row by row") as refused:
        predictions_of(orjson.dumps({"outputs": [text]}), None, 2)
    assert "mean has the shape [1]" in refused.value.why
