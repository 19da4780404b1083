"""The rows that a dataset got since a snapshot; a dataset that was rewritten has no such rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Advance, Catalog, DatasetName, Position
from jupyter_mlinfra.catalog.appended import grown_from
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project


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


def test_a_snapshot_that_does_not_say_what_it_did_is_refused() -> None:
    """Its rows would not be among the appended ones; format 1 needs no summary."""
    metadata = {
        "current-snapshot-id": 2,
        "snapshots": [
            {"snapshot-id": 1, "summary": {"operation": "append"}},
            {"snapshot-id": 2, "parent-snapshot-id": 1},
        ],
    }
    with pytest.raises(Conflict, match="not only grown") as refused:
        grown_from(DatasetName("t", "rows"), metadata, {"1"})
    assert "does not say what it did" in refused.value.why


def advance(catalog: Catalog, key: str, to: str | None, seen: list[Position], **more: str) -> int:
    def move(now: Position) -> str | None:
        seen.append(now)
        return to

    rows = pl.DataFrame({"id": [len(seen)]})
    report = catalog.write(rows, into="t.at", once=key, advance=Advance("s", move), **more)  # type: ignore[arg-type]
    return report.rows_written


def test_a_position_is_known_while_its_rows_are_certainly_there(catalog: Catalog) -> None:
    seen: list[Position] = []
    assert catalog.position("t.at", "s") == Position()
    assert [advance(catalog, key, to, seen) for key, to in (("a", "1"), ("b", "2"))] == [1, 1]
    assert advance(catalog, "b", "3", seen) == 0  # the same rows once more
    advance(catalog, "c", None, seen)
    assert seen == [Position(), Position("1"), Position("2")]
    assert catalog.position("t.at", "s") == Position("2")
    assert catalog.position("t.at", "other") == Position()
    catalog.write(pl.DataFrame({"id": [1]}), into="t.at", mode="replace")
    assert catalog.position("t.at", "s") == Position("2", kept=False)
    advance(catalog, "d", "4", seen, mode="replace")
    assert catalog.position("t.at", "s") == Position("4")


def test_a_position_is_not_known_once_its_snapshot_has_expired(
    catalog: Catalog, project: Project
) -> None:
    advance(catalog, "a", "1", [])
    old = catalog.dataset("t.at").snapshot
    catalog.write(pl.DataFrame({"id": [1]}), into="t.at")
    table = CatalogStore(project).load(DatasetName("t", "at"))
    table.maintenance.expire_snapshots().by_id(int(str(old))).commit()
    assert catalog.position("t.at", "s") == Position("1", kept=False)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_commit_follows_the_position_that_it_was_asked_about(
    catalog: Catalog,
    project: Project,
    meanwhile: Callable[[Callable[[], object]], None],
    mode: str,
) -> None:
    seen: list[Position] = []
    advance(catalog, "a", "1", [])
    meanwhile(lambda: advance(Catalog(project), "b", "2", []))
    advance(catalog, "c", "3", seen, mode=mode)
    assert seen == [Position("1"), Position("2")]
    assert catalog.position("t.at", "s") == Position("3")
    assert catalog.dataset("t.at").scan().collect().height == (3 if mode == "append" else 1)
