"""A project with many datasets, of which one has all that the page of a dataset can show, and one
has more rows than a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from many_tables import make_tables

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from tests.browser.conftest import Server, jupyterlab

SETTINGS = """\
[project]
name = "shop"

[jobs]
warm_kernels = 0

[catalog.tiers.cold]
warehouse = "cold"
"""
ORDERS, READINGS, ANIMALS = "shop.orders", "plant.readings", "zoo.animals"
REFUNDS = "shop.refunds"
"""To be appended to: what is shown of the others stays as it is."""
WHISKERS = f"column:{ANIMALS}.whiskers_mm"
"""A column of a name that no other dataset has."""
COUNTRIES = ("FR", "DE", "IT", "ES", "PL")
RULES = {
    "order_id unique": "block",
    "customer not null": "block",
    "country in FR, DE, IT, ES, PL": "quarantine",
    "amount between 0 and 400": "warn",
}


@contextmanager
def catalogued(root: Path, config: Path, *, tables: int, rows: int) -> Iterator[Server]:
    """A JupyterLab on such a project in the empty folder `root`. tables: datasets without rows.
    rows: of `plant.readings`.
    """
    (root / "mlinfra.toml").write_text(SETTINGS)
    project = Project.open(root)
    make_tables(project, tables, namespaces=min(100, tables // 10))
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"whiskers_mm": [41, 57], "tail_cm": [30, 12]}), into=ANIMALS)
    for first in range(0, rows, 2_000_000):
        catalog.write(readings(first, min(2_000_000, rows - first)), into=READINGS)
    make_orders(project, catalog)
    catalog.write(orders(0, 600), into=REFUNDS)
    project.index.follow("catalog", catalog)  # as a project is that was searched before
    with jupyterlab(root, config) as server:
        yield server


def readings(first: int, count: int) -> pl.DataFrame:
    """Rows in which each value of `number` is that of its row."""
    draw = np.random.default_rng(first)
    begun = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    number = pl.int_range(first, first + count, eager=True)
    return pl.DataFrame(
        {
            "number": number,
            "sensor": number % 64,
            "at": ((begun + number) * 1_000_000).cast(pl.Datetime("us", "UTC")),
            "pressure": draw.normal(1013, 8, count).round(2),
            "state": pl.Series(draw.choice(["idle", "on", "fault"], count, p=[0.3, 0.69, 0.01])),
        }
    )


def orders(first: int, count: int) -> pl.DataFrame:
    draw = np.random.default_rng(first + 1)
    number = np.arange(first, first + count)
    buyers = draw.integers(1, 4_000, count)
    days = [datetime(2026, 3, 1) + timedelta(minutes=17 * int(place)) for place in number]
    return pl.DataFrame(
        {
            "order_id": number,
            "customer": [f"c{buyer:04d}" for buyer in buyers],
            "email": [f"c{buyer:04d}@example.org" for buyer in buyers],
            "country": draw.choice(COUNTRIES, count, p=[0.4, 0.25, 0.2, 0.1, 0.05]),
            "amount": draw.gamma(2.0, 24.0, count).round(2),
            "paid": draw.random(count) < 0.93,
            "ordered_at": pl.Series(days).dt.replace_time_zone("UTC"),
        }
    )


def make_orders(project: Project, catalog: Catalog) -> None:
    """Ten commits, personal data that somebody saw, rules with results, and an owner."""
    catalog.write(orders(0, 20_000), into=ORDERS, personal=["email"])
    monthly = catalog.dataset(ORDERS).snapshots()[0].id
    for text, severity in RULES.items():
        catalog.rule(ORDERS, text, severity=severity)  # type: ignore[arg-type]
    for first in range(20_000, 21_260, 180):
        catalog.write(orders(first, 180), into=ORDERS)
    catalog.quality(ORDERS)
    late = orders(21_000, 6).with_columns(pl.col("amount") + 500)
    catalog.write(late, into=ORDERS, mode="upsert", key=["order_id"])
    catalog.write(orders(21_260, 190), into=ORDERS)
    catalog.quality(ORDERS)
    sums = catalog.dataset(ORDERS).scan().group_by("country").agg(pl.col("amount").sum())
    catalog.write(sums, into="shop.by_country", inputs=[f"dataset:{ORDERS}"])
    catalog.tag(f"{ORDERS}@{monthly}", add=["monthly"])
    catalog.describe(ORDERS, owner="ana", description="One row for each order", tags=["gold"])
    catalog.preview(ORDERS, count=5, reveal=True)
    earlier = [
        (ORDERS, f"s{day}", (now() - timedelta(days=day)).timestamp(), 630 + 7 * (day % 5))
        for day in range(1, 20)
    ]
    with project.database.write() as connection:  # commits whose snapshots have expired
        connection.executemany(
            "INSERT INTO catalog_commit VALUES (?, ?, ?, 'append', ?, 0, 9000, 1)", earlier
        )
