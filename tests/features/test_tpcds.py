"""The joins against an oracle that nobody here wrote: TPC-DS has items with versions, each valid
from one day to another, and sales of them.
"""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jupyter_mlinfra.features.join import JoinView, join_as_of
from jupyter_mlinfra.features.windows.plan import window_spec
from tests.support import tools

PACKAGES = ["duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-tpcds==1.5.5"]
_MAKE = """
import sys
import duckdb
from duckdb_extensions import import_extension

import_extension("tpcds")
connection = duckdb.connect()
connection.execute("SET autoinstall_known_extensions = false; LOAD tpcds; CALL dsdgen(sf=0.01)")
connection.execute(
    "COPY (SELECT i_item_id AS item, i_rec_start_date AS since, i_item_sk AS version FROM item"
    f" ORDER BY i_item_sk) TO '{sys.argv[1]}/items.parquet'"
)
connection.execute(
    "COPY (SELECT sold.i_item_id AS item, d_date AS at, valid.i_item_sk AS valid,"
    " (SELECT count(*) FROM item AS old WHERE old.i_item_id = sold.i_item_id"
    " AND old.i_rec_start_date < d_date) AS before,"
    " (SELECT sum(i_item_sk) FROM item AS old WHERE old.i_item_id = sold.i_item_id"
    " AND old.i_rec_start_date < d_date AND old.i_rec_start_date >= d_date - INTERVAL 700 DAY)"
    " AS recent"
    " FROM store_sales JOIN item AS sold ON sold.i_item_sk = ss_item_sk"
    " LEFT JOIN date_dim ON d_date_sk = ss_sold_date_sk"
    " LEFT JOIN item AS valid ON valid.i_item_id = sold.i_item_id"
    " AND d_date >= valid.i_rec_start_date"
    " AND (valid.i_rec_end_date IS NULL OR d_date <= valid.i_rec_end_date))"
    f" TO '{sys.argv[1]}/sales.parquet'"
)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items and sales, with what DuckDB says of each sale."""
    python = tools.interpreter("duckdb155-tpcds", PACKAGES)
    folder = tmp_path_factory.mktemp("tpcds")
    subprocess.run([python, "-c", _MAKE, folder], check=True)
    return folder


@pytest.mark.slow
def test_each_sale_finds_the_version_of_its_item_that_was_valid(shop: Path) -> None:
    sales = pl.read_parquet(shop / "sales.parquet")
    assert sales["valid"].count() == 27_602  # each dated sale matches one version
    asked, wanted = sales.select("item", "at"), sales.select(version="valid")
    view = JoinView(
        name="items",
        frame=pl.scan_parquet(shop / "items.parquet"),
        keys={"item": "item"},
        features={"version": "version"},
        time="since",
    )
    for strategy in ("asof", "hash", "auto"):
        for parts in (1, 4):
            found = join_as_of(
                asked.lazy(), [view], at="at", strategy=strategy, partitions=parts
            ).collect()
            assert_frame_equal(found.select("version"), wanted)
            assert_frame_equal(found.drop("version"), asked)


@pytest.mark.slow
def test_windows_over_versions_are_those_of_sql(shop: Path) -> None:
    sales = pl.read_parquet(shop / "sales.parquet")
    day = timedelta(days=1)
    windows = [
        window_spec("version", "count", window=None, slide=day, name="before"),
        window_spec("version", "sum", window=700 * day, slide=day, name="recent"),
    ]
    view = JoinView(
        name="items",
        frame=pl.scan_parquet(shop / "items.parquet"),
        keys={"item": "item"},
        features={"before": "before", "recent": "recent"},
        time="since",
        windows=windows,
    )
    found = join_as_of(sales.lazy().select("item", "at"), [view], at="at").collect()
    wanted = sales.select("item", "at", pl.col("before", "recent").cast(pl.Int64))
    dated = pl.col("at").is_not_null()
    assert_frame_equal(found.filter(dated), wanted.filter(dated))
    assert found.filter(~dated)["before"].null_count() == sales["at"].null_count()
