"""Parquet files of other writers whose types or values no library here takes: the error names file and column and blames no storage."""

from __future__ import annotations

from datetime import time
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from jupyter_mlinfra.core.errors import Unprocessable


def _not_utf8() -> pa.Array:
    return pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff\xfe"]).buffers())


REFUSED = {
    "text that is no UTF-8": _not_utf8(),
    "a time zone of nowhere": pa.array([0, 1], pa.timestamp("us", "Mars/Base")),
    "a decimal of 60 digits": pa.array([Decimal("9" * 50), None], pa.decimal256(60, 0)),
    "a duration": pa.array([1, 2], pa.duration("us")),
    "a mapping": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_column_that_cannot_be_kept_is_named(catalog, project, case):
    path = project.root / "odd.parquet"
    parquet.write_table(pa.table({"id": [1, 2], "odd one": REFUSED[case]}), path)
    with pytest.raises(Unprocessable, match="Column 'odd one'") as said:
        catalog.ingest([path], into="t.a")
    text = str(said.value)
    assert "[catalog]" not in text
    assert "network" not in text
    assert catalog.list().total == 0


def test_times_of_day_are_kept(catalog, project, rows):
    path = project.root / "times.parquet"
    parquet.write_table(pa.table({"at": pa.array([time(1, 2, 3, 456), None], pa.time64("us"))}), path)
    catalog.ingest([path], into="t.a")
    assert {row["at"] for row in rows("t.a")} == {time(1, 2, 3, 456), None}


def test_empty_row_groups_lose_no_rows(catalog, project, rows):
    path = project.root / "groups.parquet"
    schema = pa.schema([("id", pa.int64()), ("price", pa.decimal128(9, 2))])
    empty, full = schema.empty_table(), pa.table({"id": [1, 2], "price": [Decimal("1.10"), None]}, schema=schema)
    with parquet.ParquetWriter(path, schema) as writer:
        for group in (empty, full, empty):
            writer.write_table(group)
    catalog.ingest([path], into="t.a")
    assert rows("t.a") == [{"id": 1, "price": Decimal("1.10")}, {"id": 2, "price": None}]
    assert catalog.profile("t.a", tier="exact").columns[1].min.value == "1.10"


def test_a_panic_while_reading_a_table_of_others_is_an_error_with_a_fix(catalog, monkeypatch):
    import polars as pl
    from polars.exceptions import PanicException

    catalog.write(pl.DataFrame({"n": [1]}), into="t.a")

    def panic(*_: object, **__: object) -> None:
        raise PanicException("called `Result::unwrap()` on an `Err` value: ComputeError(ErrString(\"unable to parse 'x'\\n\\nHint\"))")

    monkeypatch.setattr("jupyter_mlinfra.catalog.rows.block", panic)
    with pytest.raises(Unprocessable, match=r"t\.a cannot be read.*unable to parse 'x'"):
        catalog.preview("t.a")
