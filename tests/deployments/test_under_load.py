"""Traffic moves and versions come and go under a load of some hundred requests a second; none is
lost.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core.errors import Conflict, NotFound
from jupyter_mlinfra.deployments import Deployments, DeploymentState, VersionState


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory, models: Mapping[int, Path], kit: ModuleType
) -> Iterator[Deployments]:
    project = kit.open_project(tmp_path_factory.mktemp("load"))
    found = Deployments(project, kit.Registry(models))
    found.deploy("flights", version="flights/1")
    yield found
    kit.clean_up(project)


@pytest.mark.slow
def test_a_canary_comes_grows_is_promoted_rolled_back_and_removed_and_no_request_is_lost(
    deployments: Deployments, kit: ModuleType
) -> None:
    url = deployments.show("flights").deployment.url
    with kit.load(url, kit.sample_body(deployments), rate=250) as load:
        deployments.deploy("flights", version="flights/2", traffic=10, reason="canary")
        found = load.next(500)
        on_canary = sum(item.version == "v2" for item in found)
        assert abs(on_canary - len(found) / 10) <= 5 * math.sqrt(len(found) * 0.09)
        for share in (50, 90, 30, 70):
            deployments.traffic("flights", {"v1": 100 - share, "v2": share})
            load.next(80)
        deployments.promote("flights", "v2")
        assert {item.version for item in load.next(250)} == {"v2"}
        took = []
        for _ in range(3):
            begun = time.monotonic()
            deployments.rollback("flights")
            took.append(time.monotonic() - begun)
            deployments.promote("flights", "v2")
        assert statistics.median(took) < 1, took
        deployments.rollback("flights")
        deployments.traffic("flights", {"v1": 100})
        with pytest.raises(Conflict, match="100 % of the traffic"):
            deployments.remove("flights", "v1")
        deployments.remove("flights", "v2")
        load.next(100)
    assert load.lost == {}, load.details[:3]
    assert sum(load.statuses.values()) > 1000
    detail = deployments.show("flights")
    assert [item.version for item in detail.deployment.versions] == ["v1"]
    assert [change.verb for change in reversed(detail.history)] == [
        "deploy",
        "deploy",
        "traffic",
        "traffic",
        "traffic",
        "traffic",
        *["promote", "rollback"] * 4,
        "traffic",
        "remove",
    ]
    assert detail.history[-2].reason == "canary"
    with pytest.raises(NotFound):
        deployments.predict("flights", [], version="v2")
    logged, end = deployments.payloads("flights"), time.monotonic() + 10
    # The log is a tenth of a second behind.
    while logged.height < sum(load.statuses.values()) and time.monotonic() < end:
        time.sleep(0.1)
        logged = deployments.payloads("flights")
    assert logged["request_id"].n_unique() == logged.height == sum(load.statuses.values())
    assert dict(logged.group_by("version").len().iter_rows()) == dict(load.versions)


@pytest.mark.slow
def test_a_version_beyond_those_kept_warm_is_ended_and_comes_back_when_it_is_rolled_back_to(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> None:
    project = kit.open_project(
        tmp_path / "retain", "[deployments]\nretain_versions = 0\nworkers = 1\n"
    )
    deployments = Deployments(project, kit.Registry(models))
    try:
        deployments.deploy("flights", version="flights/1")
        deployments.deploy("flights", version="flights/2")
        url = deployments.show("flights").deployment.url
        with kit.load(url, kit.sample_body(deployments), rate=100, clients=4) as load:
            deployments.promote("flights", "v2")
            end = time.monotonic() + 20
            while (
                deployments.show("flights").deployment.versions[0].state is not VersionState.STOPPED
                and time.monotonic() < end
            ):
                time.sleep(0.1)
            first = deployments.show("flights").deployment.versions[0]
            assert (first.state, first.workers, first.traffic) == (VersionState.STOPPED, 0, 0)
            shown = deployments.rollback("flights")
            assert {item.version: item.traffic for item in shown.versions} == {"v1": 100, "v2": 0}
            assert shown.state is DeploymentState.HEALTHY
        assert load.lost == {}, load.details[:3]
        with pytest.raises(Conflict, match="nothing to roll back"):
            deployments.rollback("flights")
    finally:
        kit.clean_up(project)
