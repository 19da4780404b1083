"""Blocks of a grid over a dataset: the right rows, wherever they lie; what is refused; what
ends.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.catalog.grid.kept import KeptInMemory
from jupyter_mlinfra.catalog.grid.running import Grid, Source
from jupyter_mlinfra.catalog.grid.spec import Aggregate, Filter, GridQuery, Group, Sort
from jupyter_mlinfra.catalog.grid.waiting import collected
from jupyter_mlinfra.catalog.spec import Column
from jupyter_mlinfra.core.errors import BadRequest, Forbidden, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.waiting import waited_for

ROWS = 60_000
DRAW = random.Random(4)
FRAME = pl.DataFrame(
    {
        "id": range(ROWS),
        "key": [DRAW.randrange(10**6) for _ in range(ROWS)],
        "word": [DRAW.choice("abcd") for _ in range(ROWS)],
    }
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """A dataset of three files."""
    root: Path = tmp_path_factory.mktemp("grid")
    (root / "mlinfra.toml").write_text('[project]\nname = "grid"\n')
    found = Catalog(Project(root))
    for start in range(0, ROWS, 20_000):
        found.write(FRAME[start : start + 20_000], into="shop.orders")
    return found


def rows(block: Any) -> list[tuple[Any, ...]]:
    return list(zip(*block.data, strict=True))


@pytest.mark.parametrize(
    "query",
    [
        GridQuery(),
        GridQuery(sort=[Sort(column="key", descending=True)]),
        GridQuery(filters=[Filter(column="word", op="=", value="b")]),
        GridQuery(filters=[Filter(column="key", op="<", value=900)]),
        GridQuery(filters=[Filter(column="id", op="<", value=15_000)]),
        GridQuery(
            filters=[Filter(column="word", op="!=", value="a")],
            sort=[Sort(column="word"), Sort(column="key")],
            columns=["key", "word"],
        ),
    ],
    ids=["plain", "sorted", "dense", "sparse", "in one file", "all"],
)
def test_every_block_holds_the_rows_of_its_place(catalog: Catalog, query: GridQuery) -> None:
    """Against plain Python, also where a block crosses a file or the rows that are read at once."""
    found = catalog.dataset("shop.orders").scan().collect().to_dicts()
    for item in query.filters:
        keep = {"=": "__eq__", "!=": "__ne__", "<": "__lt__"}[item.op]
        found = [row for row in found if getattr(row[item.column], keep)(item.value)]
    for order in reversed(query.sort):
        found.sort(key=lambda row: row[order.column], reverse=order.descending)
    names = query.columns or FRAME.columns
    expected = [tuple(row[name] for name in names) for row in found]
    for start in (0, 7, 19_990, len(expected) // 2, len(expected) - 3, len(expected), 10**9):
        block = catalog.grid("shop.orders", query, start=max(0, start), count=20)
        assert rows(block) == expected[start : start + 20]
        assert (block.total, block.of) == (len(expected), ROWS)


def test_a_write_shows_and_an_older_snapshot_stays(tmp_path: Path) -> None:
    (tmp_path / "mlinfra.toml").write_text('[project]\nname = "grid"\n')
    catalog = Catalog(Project(tmp_path))
    query = GridQuery(sort=[Sort(column="id", descending=True)])
    catalog.write(FRAME[:10], into="shop.orders")
    before = catalog.grid("shop.orders", query)
    catalog.write(FRAME[10:12], into="shop.orders")
    assert [row[0] for row in rows(catalog.grid("shop.orders", query, count=2))] == [11, 10]
    old = catalog.grid("shop.orders", query, snapshot=before.snapshot)
    assert rows(old) == rows(before)


def test_what_is_kept_may_go_and_may_be_damaged(catalog: Catalog) -> None:
    query = GridQuery(sort=[Sort(column="word"), Sort(column="key")])
    first = catalog.grid("shop.orders", query)
    home = catalog._project.home / "grid"
    for file in home.iterdir():
        file.write_bytes(b"ARROW1 and no more")
    assert rows(catalog.grid("shop.orders", query)) == rows(first)
    for file in home.iterdir():
        file.unlink()
    assert rows(catalog.grid("shop.orders", query)) == rows(first)
    values = b"".join(file.read_bytes() for file in home.iterdir())
    assert len(values) < ROWS * 8  # numbers of rows, and no value of the table


def test_the_shape_of_a_column_is_of_the_rows_that_other_filters_leave(catalog: Catalog) -> None:
    query = GridQuery(
        filters=[
            Filter(column="word", op="in", value=["a", "b"]),
            Filter(column="key", op=">=", value=500_000),
        ]
    )
    found = catalog.grid_shape("shop.orders", query, "word")
    expected = FRAME.filter(pl.col("key") >= 500_000)["word"].value_counts()
    assert found.shape is not None
    assert {bar.label: bar.count for bar in found.shape.bars} == dict(expected.rows())


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        (GridQuery(filters=[Filter(column="no", op="=", value=1)]), ("no = 1", "'no'", "key")),
        (GridQuery(filters=[Filter(column="key", op=">", value="x")]), ("key > x", "Int64")),
        (GridQuery(filters=[Filter(column="key", op="contains", value="1")]), ("for texts",)),
        (GridQuery(filters=[Filter(column="key", op="between", value=[1])]), ("two values",)),
        (GridQuery(sort=[Sort(column="no")]), ("order by no",)),
        (GridQuery(group=Group(by=["no"])), ("group by no",)),
        (
            GridQuery(
                group=Group(by=["id"], aggregates=[Aggregate(column="word", function="sum")])
            ),
            ("sum of word", "min, max"),
        ),
        (GridQuery(group=Group(by=["id"]), sort=[Sort(column="key")]), ("order by key", "rows")),
        (GridQuery(columns=["no"], sort=[Sort(column="id")]), ("column no",)),
        (GridQuery(filters=[Filter(column="key", op=">=", value="1,5")]), ("key >= 1,5", "point")),
    ],
)
def test_what_is_wrong_is_named(catalog: Catalog, query: GridQuery, parts: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest) as found:
        catalog.grid("shop.orders", query)
    assert all(part in str(found.value) for part in parts), found.value


def grid(rows: pl.LazyFrame, *, masked: tuple[str, ...] = (), seconds: float = 60) -> Grid:
    columns = [
        Column(name=name, type="i64", required=False, doc="") for name in rows.collect_schema()
    ]
    source = Source(
        name="x", rows=rows, columns=columns, state="1", snapshot=None, total=None, masked=masked
    )
    return Grid(source, KeptInMemory(), KeptInMemory(), seconds, lambda _, __: {})


@pytest.mark.parametrize(
    "query",
    [
        GridQuery(filters=[Filter(column="key", op="not null")]),
        GridQuery(sort=[Sort(column="key")]),
        GridQuery(group=Group(by=["key"])),
        GridQuery(group=Group(by=["id"], aggregates=[Aggregate(column="key", function="max")])),
    ],
)
def test_masked_values_decide_nothing_and_are_not_shown(query: GridQuery) -> None:
    """Which rows are shown, and in which order, would tell them."""
    found = grid(FRAME.lazy(), masked=("key",))
    with pytest.raises(Forbidden, match="key"):
        found.block(query, start=0, count=1)
    with pytest.raises(Forbidden, match="key"):
        found.shape(GridQuery(), "key")
    block = found.block(GridQuery(sort=[Sort(column="word")]), start=0, count=2)
    assert block.data[1] == ["•••", "•••"]


def endless(asked: threading.Event) -> pl.LazyFrame:
    """Rows that come until nobody takes them, one batch every hundredth of a second."""

    def read(*_: Any) -> Iterator[pl.DataFrame]:
        while True:
            asked.set()
            time.sleep(0.01)
            yield pl.DataFrame({"id": range(200_000)})

    return register_io_source(read, schema={"id": pl.Int64()})


def test_a_query_that_takes_too_long_ends_and_says_so() -> None:
    query = GridQuery(filters=[Filter(column="id", op=">=", value=0)])
    with pytest.raises(Unavailable, match=r"after 0.5 s.*grid_seconds"):
        grid(endless(threading.Event()), seconds=0.5).block(query, start=0, count=1)


def test_a_plan_that_takes_too_long_to_check_ends_as_well() -> None:
    done = threading.Event()

    def columns() -> Any:
        done.wait(5)
        return {"id": pl.Int64()}

    rows = register_io_source(lambda *_: iter([pl.DataFrame({"id": [1]})]), schema=columns)
    with pytest.raises(Unavailable, match=r"after 0.2 s"):
        collected(rows, seconds=0.2)
    done.set()
    for thread in threading.enumerate():
        if thread.name == "mlinfra-grid":
            thread.join(10)  # a process that ends under it is aborted


def test_a_query_ends_when_nobody_waits_any_more() -> None:
    query = GridQuery(filters=[Filter(column="id", op=">=", value=0)])
    gone, asked, ended = threading.Event(), threading.Event(), threading.Event()

    def ask() -> None:
        with waited_for(gone), pytest.raises(Unavailable, match="Nobody waits"):
            grid(endless(asked)).block(query, start=0, count=1)
        ended.set()

    threading.Thread(target=ask, daemon=True).start()
    assert asked.wait(120)
    gone.set()
    assert ended.wait(120)
