"""Delta tables with column mapping, against deltalake's own engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder
from polars.testing import assert_frame_equal

from jupyter_mlinfra.core.deltas import delta_frame
from tests.support.deltas import write_mapped

A, W, DAY = pl.col("a"), pl.col("odd name"), pl.col("day")
CONDITIONS: dict[str, pl.Expr] = {
    "a > 2990": A > 2_990,
    "a between 1500 and 1510 and day = 'y'": A.is_between(1_500, 1_510) & (DAY == "y"),
    "day = 'x'": DAY == "x",
    "day is null": DAY.is_null(),
    "day in ('x', 'y') and x < 1": DAY.is_in(["x", "y"]) & (pl.col("x") < 1),
    "day = 'x' or a = 5990": (DAY == "x") & (A >= 0) | (A == 5_990),
    "day = 'none' and a > 1": (DAY == "none") & (A > 1),
    "\"odd name\" is null and coalesce(day, 'q') <> 'y'": W.is_null() & (DAY.fill_null("q") != "y"),
    "upper(day) = 'X' and \"odd name\" = 'w3'": (DAY.str.to_uppercase() == "X") & (W == "w3"),
    "x > 40": pl.col("x") > 40,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> DeltaTable:
    """Three partitions, one without a value, several row groups, and rows that are deleted."""
    a = pl.int_range(6_000, eager=True)
    rows = pl.DataFrame(
        {
            "a": a,
            "x": (a % 97) / 2,
            "odd name": pl.select(pl.when(a % 7 > 0).then(pl.format("w{}", a % 7))).to_series(),
            "day": pl.Series(["x", "y", None]).gather(a // 2_000),
        }
    )
    folder = tmp_path_factory.mktemp("tables") / "mapped"
    write_mapped(folder, rows, deleted=[3, 4, 1_500, 1_999])
    return DeltaTable(folder)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_finds_the_rows_that_deltalake_finds(table: DeltaTable, text: str) -> None:
    query = QueryBuilder().register("t", table)
    batches = query.execute(f"SELECT * FROM t WHERE {text} ORDER BY a").read_all()
    expected = pl.DataFrame(pl.from_arrow(pa.table(batches)))
    rows = delta_frame(table)
    found = rows.filter(CONDITIONS[text])
    assert_frame_equal(found.collect().sort("a"), expected, check_dtypes=False)
    assert_frame_equal(found.collect(), found.collect())  # the order is the same each time
    assert found.select(pl.len()).collect().item() == expected.height
    assert_frame_equal(
        found.select("x", "day").head(7).collect(), found.collect().select("x", "day").head(7)
    )


def test_all_rows_are_there_but_those_that_are_deleted(table: DeltaTable) -> None:
    rows = delta_frame(table)
    assert list(rows.collect_schema()) == ["a", "x", "odd name", "day"]
    assert set(range(6_000)) - set(rows.collect()["a"]) == {3, 4, 1_500, 1_999}
    assert rows.select("day").collect()["day"].null_count() == 2_000
    assert rows.select(pl.len()).collect().item() == 5_996


class Reversed(DeltaTable):
    """Lists its files in another order than what the log says of them."""

    def file_uris(self, *filters: Any, **more: Any) -> list[str]:
        return super().file_uris(*filters, **more)[::-1]


def test_files_that_are_listed_in_another_order_keep_their_values(table: DeltaTable) -> None:
    found = delta_frame(Reversed(table.table_uri)).sort("a").collect()
    assert_frame_equal(found, delta_frame(table).sort("a").collect())


def broken(folder: Path, number: int, group: int) -> None:
    """Make the values of a row group of a file unreadable."""
    file = folder / "aL" / f"part-{number}.parquet"
    column = pq.ParquetFile(file).metadata.row_group(group).column(0)
    data = bytearray(file.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "condition"),
    [
        (lambda folder: (folder / "aL" / "part-1.parquet").unlink(), DAY == "x"),
        (lambda folder: broken(folder, 1, 1), A < 2_900),
        (lambda folder: broken(folder, 1, 0), (A == 3_501) & (DAY == "y")),
    ],
    ids=["a file of another partition", "another row group", "the first row group"],
)
def test_what_a_condition_rules_out_is_not_read(
    tmp_path: Path, damage: Callable[[Path], None], condition: pl.Expr
) -> None:
    a = pl.int_range(4_000, eager=True)
    rows = pl.DataFrame({"a": a, "day": pl.Series(["x", "y"]).gather(a // 2_000)})
    folder = tmp_path / "mapped"
    write_mapped(folder, rows, deleted=[1, 2])
    damage(folder)
    frame = delta_frame(DeltaTable(folder))
    assert_frame_equal(frame.filter(condition).collect(), rows.filter(~A.is_in([1, 2]) & condition))
    with pytest.raises((pl.exceptions.PolarsError, OSError)):
        frame.collect()
