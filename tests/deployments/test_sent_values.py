"""What becomes of the values of rows that are sent, and of answers of other shapes."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.deployments import client

ZONE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (datetime(2026, 11, 28, 9, 30, tzinfo=ZONE), "2026-11-28T09:30:00+02:00"),
        (pd.Timestamp("2026-11-28 09:30", tz=ZONE), "2026-11-28T09:30:00+02:00"),
        (date(2026, 11, 28), "2026-11-28"),
        (np.datetime64("2026-11-28T09:30", "ns"), "2026-11-28T09:30:00.000000"),
        (np.array(["2026-11-28", "NaT"], "datetime64[s]"), ["2026-11-28T00:00:00.000000", None]),
        (pd.Series(pd.to_datetime(["2026-11-28"])), ["2026-11-28T00:00:00"]),
        (b"\x00\xff", "AP8="),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), None),
        (pd.NaT, None),
        (pd.NA, None),
        (np.float32(0.5), 0.5),
        (np.array([1.0]), [1.0]),
        (np.array([]), []),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (pl.Series([1, None]), [1, None]),
        ({"at": date(2026, 11, 28), "n": np.int64(3)}, {"at": "2026-11-28", "n": 3}),
        ([1.0, float("nan"), ("a",)], [1.0, None, ["a"]]),
    ],
)
def test_a_value_is_sent_as_the_signature_takes_it(value: Any, sent: Any) -> None:
    body = client.request_body([{"x": value}])
    assert json.loads(json.dumps(body))["data"]["ndarray"] == [[sent]]


def test_frames_of_both_libraries_make_the_same_body() -> None:
    frame = pl.DataFrame(
        {
            "at": [datetime(2026, 11, 28, 9, 30), None],
            "tags": [["a", "b"], []],
            "raw": [b"\x00", None],
            "price": [Decimal("1.5"), None],
            "nested": [{"n": 1}, {"n": 2}],
        }
    )
    rows = [
        ["2026-11-28T09:30:00", ["a", "b"], "AA==", 1.5, {"n": 1}],
        [None, [], None, None, {"n": 2}],
    ]
    for given in (frame, frame.to_pandas(), frame.to_dicts()):
        assert client.request_body(given)["data"] == {"names": frame.columns, "ndarray": rows}


def test_values_that_are_no_rows_are_of_a_model_of_one_input_and_others_are_named() -> None:
    assert client.request_body(["good", "bad"]) == {"data": {"ndarray": [["good"], ["bad"]]}}
    with pytest.raises(BadRequest, match="timedelta cannot be sent"):
        client.request_body([{"x": timedelta(1)}])
    with pytest.raises(BadRequest, match="rows cannot be read"):
        client.request_body([[1.0], {"x": 1.0}])


@pytest.mark.parametrize(
    ("body", "predictions"),
    [
        ({"data": {"ndarray": 0.0}}, [0.0]),
        ({"data": {"ndarray": []}}, []),
        ({"jsonData": {"a": 0.5, "b": [1]}}, [[0.5, 1]]),
    ],
)
def test_one_answer_for_all_rows_is_a_list_of_one(body: Any, predictions: Any) -> None:
    assert client.prediction(client.Answer(200, "v1", body, 1.0)).predictions == predictions
