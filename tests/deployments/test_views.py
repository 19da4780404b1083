"""What a deployment shows of its processes and of the gateway's figures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jupyter_mlinfra.deployments import views
from jupyter_mlinfra.deployments.spec import DeployedVersion, VersionState
from jupyter_mlinfra.deployments.store import DeploymentRow, VersionRow
from jupyter_mlinfra.deployments.targets import Figures

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("flights", "v1")


def shown(live: int, figures: Figures) -> DeployedVersion:
    """Version v1 with so many processes and these figures."""
    version = VersionRow(
        deployment="flights",
        version="v1",
        number=1,
        bundle="",
        python="",
        state=VersionState.READY,
        reason="",
        traffic=100,
        wanted=True,
        proved=True,
        gates=[],
        workers=2,
        deployer=None,
        created_at=AT,
        used_at=AT,
    )
    row = DeploymentRow(name="flights", namespace="test", target="local", model="flights", up=True, created_at=AT, updated_at=AT, versions=[version])
    (found,) = views.deployment(row, running={KEY: live}, figures={KEY: figures}, base_url="http://127.0.0.1:1").versions
    return found


def test_what_is_down_shows_no_figures_of_the_time_before() -> None:
    figures = Figures(seconds=60.0, requests=120, errors=0, p50_ms=4.0, p95_ms=9.0)
    up = shown(2, figures)
    assert up.requests_per_second is not None
    assert (up.requests_per_second.value, up.requests_per_second.n) == (pytest.approx(2.0), 120)
    assert up.p50_ms is not None
    down = shown(0, figures)
    assert (down.requests_per_second, down.p50_ms, down.p95_ms, down.error_fraction) == (None, None, None, None)
