"""Which existing columns can take the result of a batch, by what is known before it runs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.deployments.batch.target import Misfit, check_before, promised_type

TENSOR = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}


@pytest.mark.parametrize(
    ("outputs", "promised"),
    [
        ([{"type": "double"}, {"type": "float"}], pl.Float64()),
        ([TENSOR], pl.Float64()),
        ([{"type": "string"}], pl.String()),
        ([{"type": "string"}, {"type": "double"}], None),
        ([{"type": "array", "items": {"type": "double"}}], None),
        (None, None),
    ],
)
def test_a_signature_promises_one_type_or_none(outputs: Any, promised: pl.DataType | None) -> None:
    assert promised_type({"outputs": json.dumps(outputs)}) == promised


@pytest.mark.parametrize(
    ("promised", "value", "fits"),
    [
        (pl.Float64(), 0.5, True),
        (pl.Float64(), [0.5], True),
        (pl.Float64(), "0.5", False),
        (pl.Int64(), 0.5, True),
        (pl.String(), 0.5, False),
        (None, "late", True),
        (None, datetime(2026, 3, 1), False),
    ],
)
def test_what_no_promise_excludes_is_left_to_the_job(
    promised: pl.DataType | None, value: Any, fits: bool
) -> None:
    existing = pl.DataFrame({"trip": [1], "prediction": [value]}).schema
    try:
        check_before({"trip": pl.Int64()}, existing, into="t.scored", promised=promised)
    except Misfit:
        assert not fits
    else:
        assert fits
