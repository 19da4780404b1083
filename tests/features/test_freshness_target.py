"""The target for online features on the project card: behind the source, and never past a view's
own ttl.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from jupyter_mlinfra import Workbench
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.targets import TargetCheck
from tests.features.conftest import T0

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NEWEST = T0 + DAY
"""The newest click in the source; clicks live 30 h, spending for ever."""


def _check(project: Project, *, lag: float, as_of: str) -> dict[str, TargetCheck]:
    card = (
        f'[project]\nname = "shop"\n[project.targets]\nfeature_lag_hours = {lag}\n[features]\nas_of'
        f' = "{as_of}"\n'
    )
    (project.root / "mlinfra.toml").write_text(card)
    return {
        check.target.rpartition(" ")[2]: check for check in Workbench.open(project.root).check()
    }


def _materialized(project: Project, until: str) -> None:
    (project.root / "mlinfra.toml").write_text(
        f'[project]\nname = "shop"\n[features]\nas_of = "{until}"\n'
    )
    Workbench.open(project.root).features.materialize()


def test_a_view_is_held_to_its_ttl_where_that_is_shorter_than_the_target(
    applied_shop: Project,
) -> None:
    _materialized(applied_shop, (NEWEST + HOUR).isoformat())
    found = _check(applied_shop, lag=48, as_of=(NEWEST + HOUR).isoformat())
    assert found["clicks"].verdict == found["spend"].verdict == "met"
    assert "30 h" in found["clicks"].limit
    assert "ttl" in found["clicks"].limit
    assert "48 h" in found["spend"].limit
    assert "the target" in found["spend"].limit
    assert (
        "at most 6 h"
        in _check(applied_shop, lag=6, as_of=(NEWEST + HOUR).isoformat())["clicks"].limit
    )


def test_values_past_their_ttl_miss_the_target_though_the_source_has_no_newer_ones(
    applied_shop: Project,
) -> None:
    late = (NEWEST + 31 * HOUR).isoformat()
    _materialized(applied_shop, late)
    found = _check(applied_shop, lag=48, as_of=late)
    assert found["clicks"].verdict == "missed"
    assert "past its ttl of 30 h" in found["clicks"].measured
    assert "newer rows" in found["clicks"].fix
    assert found["spend"].verdict == "met"


def test_online_values_behind_a_source_that_went_on_miss_the_target(applied_shop: Project) -> None:
    _materialized(applied_shop, (T0 + HOUR).isoformat())
    found = _check(applied_shop, lag=23, as_of=NEWEST.isoformat())["clicks"]
    assert (found.verdict, found.measured) == ("missed", "24.0 h")
    assert found.fix == "mlinfra features materialize clicks"
    assert _check(applied_shop, lag=25, as_of=NEWEST.isoformat())["clicks"].verdict == "met"


@pytest.mark.parametrize(
    "ahead", [timedelta(minutes=1), pytest.param(400 * DAY, marks=pytest.mark.slow)]
)
def test_rows_of_the_source_from_beyond_the_clock_are_not_missing_online(
    applied_shop: Project, ahead: timedelta
) -> None:
    file = applied_shop.root / "feature_repo" / "data" / "clicks.parquet"
    clicks = pl.read_parquet(file)
    later = clicks.head(1).with_columns(
        pl.lit(NEWEST + HOUR + ahead).cast(clicks.schema["at"]).alias("at")
    )
    pl.concat([clicks, later]).write_parquet(file)
    _materialized(applied_shop, (NEWEST + HOUR).isoformat())
    found = _check(applied_shop, lag=2, as_of=(NEWEST + HOUR).isoformat())["clicks"]
    assert (found.verdict, found.measured) == ("met", "0.0 h")
