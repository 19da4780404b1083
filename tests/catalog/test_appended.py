"""The rows that a dataset got since a snapshot; a dataset that was rewritten has no such rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import Conflict


def write(catalog: Catalog, first: int, count: int, *, mode: str = "append", **more: str) -> str:
    rows = pl.DataFrame({"id": range(first, first + count)})
    columns = {name: pl.lit(value) for name, value in more.items()}
    report = catalog.write(rows.with_columns(**columns), into="t.rows", mode=mode)  # type: ignore[arg-type]
    return str(report.snapshot)


def ids(catalog: Catalog, name: str, since: str) -> list[int]:
    return sorted(catalog.appended(name, since).collect()["id"].to_list())


def test_only_what_was_added_between_two_snapshots_is_read(catalog: Catalog) -> None:
    first, second, third = (write(catalog, start, 10) for start in (0, 10, 20))
    assert ids(catalog, "t.rows", first) == [*range(10, 30)]
    assert ids(catalog, "t.rows", second) == [*range(20, 30)]
    assert ids(catalog, f"t.rows@{second}", first) == [*range(10, 20)]
    assert ids(catalog, "t.rows", third) == []
    assert catalog.grown_from("t.rows", {first, second}) == second
    assert catalog.grown_from(f"t.rows@{first}", {first, second}) == first
    assert catalog.grown_from("t.rows", ()) is None


def test_a_further_column_is_empty_in_rows_from_before_it(catalog: Catalog) -> None:
    first = write(catalog, 0, 2)
    write(catalog, 2, 1)
    write(catalog, 3, 1, unit="kg")
    found = catalog.appended("t.rows", first).sort("id").collect()
    assert found.to_dicts() == [{"id": 2, "unit": None}, {"id": 3, "unit": "kg"}]
    assert found.schema == catalog.dataset("t.rows").schema


def test_rows_of_every_type_come_as_a_scan_of_the_dataset_gives_them(catalog: Catalog) -> None:
    rows = pl.DataFrame(
        {
            "id": [1],
            "at": [datetime(2026, 3, 1, 9, tzinfo=UTC)],
            "plain": [datetime(2026, 3, 1, 9)],
            "day": [date(2026, 3, 1)],
            "hour": [time(9, 30)],
            "price": [Decimal("12.50")],
            "raw": [b"ab"],
            "flag": [True],
            "many": [[1.5, None]],
            "nested": [{"a": 1, "b": "x"}],
            "small": pl.Series([7], dtype=pl.Int8),
            "kind": pl.Series(["x"], dtype=pl.Categorical),
        }
    )
    first = catalog.write(rows, into="t.types").snapshot
    catalog.write(rows.with_columns(id=pl.lit(2)), into="t.types")
    found = catalog.appended("t.types", str(first)).collect()
    right = catalog.dataset("t.types").scan().filter(pl.col("id") == 2).collect()
    assert found.schema == right.schema
    assert found.to_dicts() == right.to_dicts()


def test_a_dataset_that_was_rewritten_since_is_refused(catalog: Catalog) -> None:
    first = write(catalog, 0, 10)
    second = write(catalog, 0, 5, mode="replace")
    write(catalog, 5, 5)
    with pytest.raises(Conflict, match="not only grown") as refused:
        catalog.grown_from("t.rows", {first})
    assert f"Snapshot {second} replaced or deleted rows" in refused.value.why
    assert catalog.grown_from("t.rows", {first, second}) == second
    with pytest.raises(Conflict, match="not only grown"):
        catalog.grown_from("t.rows", {"1"})


def test_keys_of_rows_are_known_while_the_rows_are_there(catalog: Catalog) -> None:
    rows = pl.DataFrame({"id": [1]})
    assert catalog.marks("t.keys") == []
    catalog.write(rows, into="t.keys", key="a", marks=["up to 1"])
    catalog.write(rows, into="t.keys", key="b", marks=["up to 2"])
    assert catalog.write(rows, into="t.keys", key="b", marks=["up to 3"]).rows_written == 0
    assert catalog.marks("t.keys") == ["b", "up to 2", "a", "up to 1"]
    assert catalog.written("t.keys", "up to 2")
    catalog.write(rows, into="t.keys", mode="replace")
    assert catalog.marks("t.keys") == []
