"""What files in place say of their columns; judged by a profile of all rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltas
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.records import MASK

ROWS = pl.DataFrame(
    {
        "i": [1, None, -3],
        "f": [0.5, float("nan"), 2.5],
        "s": ["a", "b" * 100, None],
        "d": [date(2024, 1, 1), date(2025, 1, 1), None],
        "t": [datetime(2024, 1, 1, 1, 2, 3, 456789)] * 3,
        "z": pl.Series([datetime(2024, 1, 1, 1, 2, 3, 456789)] * 3).dt.replace_time_zone("UTC"),
        "b": [True, False, None],
        "dec": [Decimal("1.10"), None, Decimal("-2.20")],
        "l": [[1], None, [2]],
        "st": [{"i": 9}, {"i": 8}, None],
    }
)
OTHERS = pl.DataFrame(
    {
        "u": pl.Series([1, 2, 2**63 + 1], dtype=pl.UInt64),
        "ns": pl.Series([datetime(2024, 1, 1)] * 3).dt.cast_time_unit("ns"),
        "n": [None] * 3,
    }
)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_what_the_footer_tier_calls_exact_is_what_all_rows_have(
    catalog: Catalog, tmp_path: Path, kind: str
) -> None:
    if kind == "delta":
        for y in ([1, 1, 2], [None] * 3):
            part = ROWS.with_columns(y=pl.Series(y, dtype=pl.Int64))
            write_deltalake(tmp_path / kind, part, partition_by=["y"], mode="append")
    else:
        for y, part in ((1, ROWS.hstack(OTHERS)), (2, ROWS.select("i", "s"))):
            (tmp_path / kind / f"y={y}").mkdir(parents=True)
            part.write_parquet(tmp_path / kind / f"y={y}" / "x.parquet")
    catalog.register(tmp_path / kind, name="lake.a")
    said, true = (catalog.profile("lake.a", tier=tier) for tier in ("footer", "exact"))
    assert (said.rows, said.tier, true.rows) == (6, "footer", 6)
    known: dict[str, set[str]] = {}
    for name, column in said.columns.items():
        for figure, basis in column.basis.items():
            if basis == "exact":
                assert getattr(column, figure) == getattr(true.columns[name], figure), name
                known.setdefault(figure, set()).add(name)
    assert known["nulls"] >= {"i", "f", "s", "d", "t", "z", "b", "dec", "y"}
    assert known["min"] >= {"i", "f", "d", "dec", "y"}
    assert not known["nulls"] & {"l", "st"}
    assert said.columns["s"].basis["max"] == "approximate"
    catalog.tag("column:lake.a.i", add=["pii"])
    masked = catalog.profile("lake.a", tier="footer").columns["i"]
    assert (masked.min, masked.max) == (MASK, MASK)


def test_after_rows_were_deleted_in_place_the_log_is_approximate(
    catalog: Catalog, tmp_path: Path
) -> None:
    rows = pl.DataFrame({"id": [1, 2, 3, 4], "day": ["x"] * 4})
    deltas.write_mapped(tmp_path / "d", rows, deleted=[0, 1])
    catalog.register(tmp_path / "d", name="lake.d")
    said: Any = catalog.profile("lake.d", tier="footer")
    assert said.rows in (None, 2)
    assert "exact" not in {
        basis for column in said.columns.values() for basis in column.basis.values()
    }
    write_deltalake(tmp_path / "p", rows)
    catalog.register(tmp_path / "p", name="lake.p")
    write_deltalake(tmp_path / "p", rows.with_columns(id=pl.col("id") + 90), mode="append")
    at_first = catalog.profile("lake.p@0", tier="footer").columns["id"]
    assert (at_first.max, DeltaTable(tmp_path / "p").version()) == (4, 1)
