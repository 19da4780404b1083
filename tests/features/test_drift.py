"""Drift of constants, of few values, of words and of times, against numbers computed by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.features.definitions import Column, Definition
from jupyter_mlinfra.features.knowing import trained
from jupyter_mlinfra.features.knowing.drift import _drift, drifts
from jupyter_mlinfra.features.knowing.spec import TrainingWindow
from jupyter_mlinfra.features.sources import SourceSpec

T0 = datetime(2026, 3, 1, tzinfo=UTC)
FULL = 2 * (1 - 0.5 / 200) * math.log(400)
"""All 200 rows of one bin go into another: (q - p) ln(q / p) twice, an empty bin as half a row."""


@pytest.mark.parametrize(
    ("before", "after", "psi", "ks"),
    [
        ([5.0] * 200, [7.0] * 200, FULL, 1.0),
        ([5.0] * 200, [3.0] * 200, FULL, 1.0),
        ([5.0] * 200, [5.0] * 200, 0.0, 0.0),
        ([5, 5, 5, None] * 50, [5, 5, 5, None] * 50, 0.0, 0.0),
        ([0, 1] * 100, [0, 100] * 100, 2 * (0.5 - 0.0025) * math.log(200), 0.5),
        ([0, 10] * 100, [0, 5] * 100, 2 * (0.5 - 0.0025) * math.log(200), 0.5),
        ([1, 2, 2, 2] * 50, [1, 1, 1, 2] * 50, 2 * 0.5 * math.log(3), 0.5),
        (list(range(200)), list(range(200)), 0.0, 0.0),
        ([date(2020, 1, 1)] * 200, [date(2026, 1, 1)] * 200, FULL, 1.0),
        ([2**60] * 200, [2**60 + 1] * 200, FULL, 1.0),  # one number as floats
        ([2**60, 2**60 + 3] * 100, [2**60 + 3, 2**60] * 100, 0.0, 0.0),
        ([Decimal(10**30)] * 200, [Decimal(10**30 + 1)] * 200, FULL, 1.0),
        ([1.5, math.nan, None] * 100, [math.inf, 1.5, None] * 100, 0.0, 0.0),
        (["a", "b"] * 100, ["a", "c"] * 100, 2 * (0.5 - 0.0025) * math.log(200), None),
        ([f"u{n}" for n in range(200)], [f"u{n}" for n in range(200)], 0.0, None),
        ([True] * 200, [True] * 200, 0.0, None),
    ],
)
def test_what_was_never_seen_in_training_is_drift(
    before: Sequence[Any], after: Sequence[Any], psi: float, ks: float | None
) -> None:
    found = _drift(pl.Series(before), pl.Series(after), "exact")
    assert found.psi.value == pytest.approx(psi)
    assert (found.ks.value if found.ks else None) == (None if ks is None else pytest.approx(ks))


def test_other_words_than_those_of_training_stand_out() -> None:
    before = pl.Series([f"u{number}" for number in range(200)])
    after = pl.Series([f"w{number}" for number in range(200)])
    assert float(_drift(before, after, "exact").psi.value or 0) > 5


def test_numbers_out_of_the_range_of_training_stand_out() -> None:
    found = _drift(pl.Series(range(200)), pl.Series(range(100, 300)), "exact")
    emptied, above = 5 * (0.1 - 0.0025) * math.log(40), (0.5 - 0.0025) * math.log(200)
    assert found.psi.value == pytest.approx(emptied + above)


def test_a_view_may_have_its_event_time_as_a_feature(tmp_path: Path) -> None:
    hours = [T0 + timedelta(hours=hour) for hour in range(400)]
    pl.DataFrame({"at": hours, "x": [1.0] * 400}).write_parquet(tmp_path / "d.parquet")
    window = TrainingWindow(first=T0, last=hours[199], rows=200, made_at=T0)
    columns = [Column(name=name, type="DOUBLE", tags={}) for name in ("x", "at")]
    view = Definition(
        name="d",
        kind="batch",
        entities=[],
        keys=[],
        features=columns,
        ttl_seconds=None,
        source=SourceSpec(kind="parquet", name="d.parquet", time="at"),
        online=True,
        owner="",
        tags={},
        description="",
        digest="d",
        materialized_until=None,
    )
    found, _ = drifts(view, tmp_path, window)
    assert (found["x"].psi.value, found["at"].ks.value if found["at"].ks else None) == (0.0, 1.0)


def test_the_window_of_a_version_is_that_of_its_view(project: Project) -> None:
    window = TrainingWindow(first=T0, last=T0, rows=500, made_at=T0)
    trained.keep(project, ["clicks@v2"], window)
    assert trained.last(project, "clicks") == window
