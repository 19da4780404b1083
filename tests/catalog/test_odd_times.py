"""Times that Python or Arrow do not know, in files that others wrote: no cell is lost for one of
them, and none of them is shown as missing.
"""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet
from pyiceberg.conversions import to_bytes
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record
from pyiceberg.types import DateType

from jupyter_mlinfra.catalog import Catalog, DatasetName
from jupyter_mlinfra.catalog.grid.spec import GridQuery
from jupyter_mlinfra.catalog.odd_times import python_rows, python_values
from jupyter_mlinfra.catalog.store import CatalogStore
from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project

FAR, INFINITE = 2_932_907, 2**31 - 1
BEYOND = "a time beyond the years 1 to 9999"

SHOWN = [
    ["1970-01-01", "+10000-01-11", BEYOND, None],
    [["1970-01-01"], ["+10000-01-11"], [BEYOND], [None]],
    [{"day": "1970-01-01"}, {"day": "+10000-01-11"}, {"day": BEYOND}, {"day": None}],
    [[{"day": "1970-01-01"}], [{"day": "+10000-01-11"}], [{"day": BEYOND}], [{"day": None}]],
]


def frame() -> pl.DataFrame:
    days = pl.Series("day", [0, FAR, INFINITE, None], dtype=pl.Int32).cast(pl.Date)
    return days.to_frame().with_columns(
        pl.concat_list("day").alias("list"),
        pl.struct("day").alias("struct"),
        pl.concat_list(pl.struct("day")).alias("both"),
    )


@pytest.fixture
def far(tmp_path: Path) -> Path:
    path = tmp_path / "far.parquet"
    frame().write_parquet(path)
    return path


def test_a_file_in_place_shows_every_cell(catalog: Catalog, far: Path) -> None:
    catalog.register(far, name="t.far")
    assert catalog.preview("t.far").data == SHOWN
    assert catalog.grid("t.far", GridQuery()).data == SHOWN
    answer = catalog.answer("SELECT * FROM t.far")
    assert [list(column) for column in zip(*answer.rows, strict=True)] == SHOWN
    assert catalog.inspect([far], max_bad=1.0).data[1] == SHOWN[1][:1] + SHOWN[1][3:]
    for tier in ("sample", "exact"):
        assert catalog.profile("t.far", tier=tier).columns["day"].max == BEYOND
    footer = catalog.profile("t.far", tier="footer").columns["day"]
    assert (footer.nulls, footer.max) == (1, None)


def test_a_dataset_shows_every_cell_of_what_it_took_in_within_lists(
    catalog: Catalog, far: Path
) -> None:
    catalog.write(pl.read_parquet(far).drop("day"), into="t.far")
    assert catalog.preview("t.far").data == SHOWN[1:]


def test_rows_are_the_same_whatever_the_others_hold() -> None:
    """What is known of a row must not depend on the others of its block."""
    whole = python_rows(frame())
    assert [python_rows(frame()[place : place + 1])[0] for place in range(4)] == whole
    assert whole[0]["both"] == [{"day": date(1970, 1, 1)}]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([400_000_000_000_000_000], pl.Datetime("us"), ["+14645-06-30 15:06:40"]),
        ([253_402_300_799_000_000], pl.Datetime("us"), [datetime(9999, 12, 31, 23, 59, 59)]),
        ([253_402_300_799_000_000], pl.Datetime("us", "Asia/Tokyo"), ["+10000-01-01 08:59:59+09"]),
        ([2**63 - 1], pl.Duration("ms"), ["P106751991167DT7H12M55.807S"]),
    ],
)
def test_what_python_cannot_hold_is_spelled(
    values: list[int], dtype: pl.DataType, expected: list[Any]
) -> None:
    (found,) = python_values(pl.Series(values, dtype=pl.Int64).cast(dtype))
    assert found == expected[0] or found.startswith(expected[0])
    assert python_values(pl.Series("^a.*$", [values, []]).cast(pl.List(dtype))) == [[found], []]


NOON = 43_200_000_000
LATE = {
    "us": pa.array([NOON, 86_400_000_000, None], pa.time64("us")),
    "ns": pa.array([NOON * 1000, 86_400_000_000_000, None], pa.time64("ns")),
    "ms": pa.array([NOON // 1000, 86_400_000, None], pa.time32("ms")),
}


@pytest.mark.parametrize("unit", LATE)
@pytest.mark.parametrize("told", [True, False], ids=["footer", "no statistics"])
def test_24_00_in_parquet_is_one_row_in_quarantine(
    catalog: Catalog, tmp_path: Path, unit: str, *, told: bool
) -> None:
    path = tmp_path / "late.parquet"
    table = pa.table({"id": [1, 2, 3], "at": LATE[unit]})
    parquet.write_table(table, path, write_statistics=told)
    report = catalog.ingest([path], into="t.a")
    assert (report.rows_written, report.quarantined) == (2, 1)
    assert "line 2 of late.parquet: '24:00:00' in column 'at', which is time" in report.summary
    assert catalog.dataset("t.a").scan().collect().rows() == [(1, time(12)), (3, None)]
    assert catalog.ingest([path], into="t.text", types={"at": "str"}).quarantined == 0
    assert catalog.dataset("t.text").scan().collect()["at"].to_list() == [
        "12:00:00",
        "24:00:00",
        None,
    ]
    with pytest.raises(Unprocessable, match=r"'at' of .*late.parquet has times such as 24:00:00"):
        catalog.register(path, name="t.late")


@pytest.mark.parametrize("kind", ["list", "struct"])
def test_a_late_time_within_a_field_is_not_missing_in_place(
    catalog: Catalog, tmp_path: Path, kind: str
) -> None:
    times = pa.array([NOON, 86_400_000_000], pa.time64("us"))
    nested = {
        "list": lambda times: pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), times),
        "struct": lambda times: pa.StructArray.from_arrays([times], ["at"]),
    }[kind]
    parquet.write_table(pa.table({"v": nested(times)}), tmp_path / "late.parquet")
    with pytest.raises(Unprocessable, match=r"'v\..*late.parquet has times such as 24:00:00"):
        catalog.register(tmp_path / "late.parquet", name="t.late")
    parquet.write_table(pa.table({"v": nested(times)[:1]}), tmp_path / "good.parquet")
    catalog.register(tmp_path / "good.parquet", name="t.good")


def test_24_00_beside_a_file_without_it(catalog: Catalog, tmp_path: Path) -> None:
    for name, last in (("a", 1), ("b", 86_400_000_000)):
        times = pa.array([NOON + 500_000, last], pa.time64("us"))
        parquet.write_table(pa.table({"at": times}), tmp_path / f"{name}.parquet")
    report = catalog.ingest([tmp_path / "a.parquet", tmp_path / "b.parquet"], into="t.a")
    assert (report.rows_written, report.quarantined) == (3, 1)
    assert catalog.ingest([tmp_path / "b.parquet"], into="t.a", again=True).quarantined == 1
    noons = catalog.dataset("t.a").scan().collect()["at"].to_list()
    assert noons.count(time(12, 0, 0, 500_000)) == 3


def test_a_delta_table_shows_every_cell(catalog: Catalog, tmp_path: Path) -> None:
    import deltalake

    days = pa.array([0, FAR, None], pa.date32())
    deltalake.write_deltalake(str(tmp_path / "far"), pa.table({"day": days}))
    catalog.register(tmp_path / "far", name="t.far")
    assert catalog.preview("t.far").data == [["1970-01-01", "+10000-01-11", None]]
    footer = catalog.profile("t.far", tier="footer").columns["day"]
    assert (footer.nulls, footer.min, footer.max) == (1, None, None)


@pytest.fixture
def others(catalog: Catalog, project: Project) -> str:
    """A dataset to which another engine, as Java's, has added a row of a far year. The snapshot
    before.
    """
    first = catalog.write(pl.DataFrame({"id": [1], "day": [date(1970, 1, 1)]}), into="t.a")
    path = project.root / "far.parquet"
    columns = [pa.array([2]), pa.array([FAR], pa.date32())]
    fields = [
        pa.field(name, column.type, metadata={"PARQUET:field_id": str(number)})
        for number, (name, column) in enumerate(zip(("id", "day"), columns, strict=True), 1)
    ]
    parquet.write_table(pa.table(columns, schema=pa.schema(fields)), path)
    bound = {2: to_bytes(DateType(), FAR)}
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=str(path),
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=1,
        file_size_in_bytes=path.stat().st_size,
        value_counts={1: 1, 2: 1},
        null_value_counts={1: 0, 2: 0},
        lower_bounds=bound,
        upper_bounds=bound,
        spec_id=0,
    )
    table = CatalogStore(project).load(DatasetName("t", "a"))
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as append:
        append.append_data_file(file)
    return first.snapshot


def test_a_dataset_with_a_row_of_a_far_year_is_looked_at_and_changed(
    catalog: Catalog, others: str
) -> None:
    def days() -> list[Any]:
        return sorted(catalog.preview("t.a").data[1])

    assert days() == ["+10000-01-11", "1970-01-01"]
    for tier in ("footer", "sample", "exact"):
        found = catalog.profile("t.a", tier=tier).columns["day"]
        assert (found.min, found.max) == ("1970-01-01", "+10000-01-11"), tier
    assert catalog.diff("t.a", others).examples.added.data == [[2], ["+10000-01-11"]]
    catalog.write(
        pl.DataFrame({"id": [1], "day": [date(1970, 1, 2)]}), into="t.a", mode="upsert", key="id"
    )
    assert catalog.compact("t.a").done
    assert days() == ["+10000-01-11", "1970-01-02"]
    assert catalog.profile("t.a", tier="exact").columns["day"].max == "+10000-01-11"
    assert catalog.profile("t.a", tier="footer").columns["day"].max is None
