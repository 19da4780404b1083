"""A project whose view has aggregations over windows and two versions, for pictures of its page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from playwright.sync_api import expect

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.workbench import Workbench
from tests.browser.conftest import SLOW, Lab, Server, jupyterlab

ROWS, USERS = 30_000, 300
DEFINITIONS = """\
from datetime import timedelta

from feast import BatchFeatureView, Entity, Field
from feast.aggregation import Aggregation
from feast.types import Float64, Int64
from feast.value_type import ValueType

from jupyter_mlinfra.features import DatasetSource

user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
DAY = timedelta(days=1)


def over(days, function, name):
    window = {"time_window": days * DAY, "slide_interval": timedelta(hours=1)}
    return Aggregation(column="amount", function=function, name=name, **window)


spent = BatchFeatureView(
    name="spent",
    entities=[user],
    ttl=TTL * DAY,
    source=DatasetSource(dataset="shop.payments", timestamp_field="at"),
    online=True,
    owner="ana",
    tags={"team": "growth"},
    description="What a user paid lately",
    schema=[
        Field(name="spent_1d", dtype=Float64),
        Field(name="payments_7d", dtype=Int64),
        MORE
    ],
    aggregations=[over(1, "sum", "spent_1d"), over(7, "count", "payments_7d"), WINDOWS],
)
"""
VERSIONS = (
    {"TTL": "2", "MORE": "", "WINDOWS": ""},
    {
        "TTL": "7",
        "MORE": 'Field(name="dearest_30d", dtype=Float64),',
        "WINDOWS": 'over(30, "max", "dearest_30d")',
    },
)


@contextmanager
def windowed(root: Path, config: Path) -> Iterator[Server]:
    """A JupyterLab on such a project in the empty folder `root`."""
    (root / "mlinfra.toml").write_text('[project]\nname = "shop"\n[jobs]\nwarm_kernels = 0\n')
    (root / "feature_repo").mkdir()
    bench = Workbench(Project.open(root))
    rows = payments()
    bench.catalog.write(rows, into="shop.payments")
    for version in VERSIONS:
        text = DEFINITIONS
        for word, value in version.items():
            text = text.replace(word, value)
        (root / "feature_repo" / "views.py").write_text(text)
        run = [sys.executable, "-m", "jupyter_mlinfra.cli", "features", "apply"]
        subprocess.run(run, cwd=root, check=True, capture_output=True, timeout=600)
    early = rows.filter(pl.col("at") < pl.lit(datetime(2026, 2, 10, tzinfo=UTC)))
    entities = early.select("user_id", event_timestamp="at").gather_every(20)
    bench.features.train(["spent:*"], entities).snapshot("shop.train")
    bench.project.database.close()
    with jupyterlab(root, config) as server:
        yield server


def payments() -> pl.DataFrame:
    """Of sixty days; in the last ones they are larger."""
    draw = np.random.default_rng(7)
    minutes = np.sort(draw.integers(0, 60 * 24 * 60, ROWS))
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    growth = np.where(minutes > 45 * 24 * 60, 1.8, 1.0)
    return pl.DataFrame(
        {
            "user_id": draw.integers(0, USERS, ROWS),
            "at": [begun + timedelta(minutes=int(minute)) for minute in minutes],
            "amount": (draw.gamma(2.0, 20.0, ROWS) * growth).round(2),
        }
    )


def versions(lab: Lab) -> None:
    page = lab.open("Features", "view:spent")
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_role("grid", name="Differences of")).to_be_visible()


def statistics(lab: Lab) -> None:
    page = lab.open("Features", "view:spent")
    page.get_by_role("tab", name="Statistics").click()
    expect(page.get_by_role("grid").locator("svg").nth(2)).to_be_visible(timeout=3 * SLOW)


PICTURES = {"features-versions": versions, "features-windows": statistics}
