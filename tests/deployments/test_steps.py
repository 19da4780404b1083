"""What the keeper makes of the stored state, step by step; no serving process is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.gateway import DeploymentPlan
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.keeper import Keeper


@pytest.fixture(autouse=True)
def in_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def keeper(project: Project) -> Iterator[Keeper]:
    """Of deployment `flights`: v1 and v2 are ready, v1 has the traffic."""
    found = Keeper(project)
    for number in (1, 2):
        begin(found.store, number)
        found.store.move("flights", f"v{number}", VersionState.STARTING, wanted=True)
        found.store.move("flights", f"v{number}", VersionState.TESTING)
        with found.store.change("flights") as change:
            change.ready(f"v{number}", [])
    with found.store.change("flights") as change:
        change.traffic({"v1": 100}, verb="traffic", user="ana", reason="")
    yield found
    found.kill()


def begin(store: DeploymentStore, number: int) -> None:
    store.begin("flights", f"v{number}", target="local", model="flights", number=number, workers=1)


def plan_of(keeper: Keeper) -> DeploymentPlan:
    """With a slot for each version that keeps processes."""
    row = keeper.store.deployment("flights")
    for item in row.versions:
        if item.wanted:
            keeper.workers._slot(("flights", item.version), 0)
        else:
            keeper.workers.all.pop(("flights", item.version), None)
    return keeper._plan(row)


def test_a_version_that_is_deployed_again_gets_no_requests_until_it_is_proved(
    keeper: Keeper,
) -> None:
    store = keeper.store
    assert plan_of(keeper).weights == {"v1": 100, "v2": 0}
    store.move("flights", "v1", VersionState.FAILED, wanted=False)
    failed = plan_of(keeper)
    assert failed.weights == {"v1": 100, "v2": 0}
    assert failed.versions[0].backups == ["flights.v2.0.sock"]  # v2 stands in
    begin(store, 1)
    assert plan_of(keeper).weights == {"v2": 100}
    for state in (VersionState.STARTING, VersionState.TESTING):
        store.move("flights", "v1", state, wanted=True)
        tested = plan_of(keeper)
        assert tested.weights == {"v2": 100}
        assert tested.versions[0].routed  # for the tests, which name it
        assert tested.versions[0].backups == []
    store.move("flights", "v1", VersionState.FAILED, wanted=False)
    assert plan_of(keeper).weights == {"v2": 100}
    begin(store, 1)
    store.move("flights", "v1", VersionState.STARTING, wanted=True)
    store.move("flights", "v1", VersionState.TESTING)
    with store.change("flights") as change:
        change.ready("v1", [])
    assert plan_of(keeper).weights == {"v1": 100, "v2": 0}


def test_a_version_that_is_about_to_end_stands_in_for_no_other(keeper: Keeper) -> None:
    assert plan_of(keeper).versions[0].backups == ["flights.v2.0.sock"]
    keeper.store.note("flights", "v2", wanted=0)
    keeper.workers._slot(("flights", "v2"), 0)
    assert keeper._plan(keeper.store.deployment("flights")).versions[0].backups == []
