"""What the keeper makes of the stored state, step by step; its serving processes only say that they
are healthy.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.gateway import DeploymentPlan
from jupyter_mlinfra.deployments.rollout import Rollout
from jupyter_mlinfra.deployments.spec import VersionState
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.envoy import watched_files
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


HEALTHY = f"""#!{sys.executable}
import http.server, os, pathlib, socketserver

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
    def address_string(self): return ""

path = os.environ["MLINFRA_SOCKET"]
pathlib.Path(path).unlink(missing_ok=True)
socketserver.UnixStreamServer(path, Handler).serve_forever()
"""


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The interpreter of serving processes that are healthy whatever their bundle is."""
    monkeypatch.setattr("jupyter_mlinfra.deployments.targets.checking.damage", lambda _: "")
    found = tmp_path / "python"
    found.write_text(HEALTHY)
    found.chmod(0o700)
    return str(found)


def step_until(keeper: Keeper, happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 40
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        keeper.step()
        time.sleep(0.05)


def bundles(keeper: Keeper, version: str = "v1") -> list[str]:
    """What the processes of a version were started from."""
    return [
        psutil.Process(worker.identity.pid).environ()["MLINFRA_BUNDLE"]
        for worker in keeper.workers.all.get(("flights", version), [])
        if worker.identity is not None and worker.identity.alive()
    ]


def begin(store: DeploymentStore, number: int) -> None:
    store.begin(
        "flights",
        f"v{number}",
        target="local",
        model="flights",
        number=number,
        workers=1,
        runtime="seldon-core",
    )


def plan_of(keeper: Keeper) -> DeploymentPlan:
    """With a slot for each version that keeps processes."""
    row = keeper.store.deployment("flights")
    for item in row.versions:
        if item.wanted:
            keeper.workers._slot(("flights", item.version), 0)
        else:
            keeper.workers.all.pop(("flights", item.version), None)
    return keeper._plan(row, {})


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
    assert keeper._plan(keeper.store.deployment("flights"), {}).versions[0].backups == []


def test_a_shadow_stands_in_for_nobody_and_nobody_for_it(keeper: Keeper) -> None:
    with keeper.store.change("flights") as change:
        change.shadow("v2", 30, verb="shadow", user="ana", reason="")
    plan = plan_of(keeper)
    assert plan.shadows == {"v2": 30}
    assert [item.backups for item in plan.versions] == [[], []]
    keeper.store.move("flights", "v2", VersionState.FAILED, wanted=False)
    assert not plan_of(keeper).shadows.get("v2"), "one that has failed gets no copies"


def test_a_slow_shadow_gives_the_others_no_more_time(keeper: Keeper) -> None:
    keeper.measures.p95_ms = {("flights", "v1"): 10.0, ("flights", "v2"): 1500.0}
    usual = keeper.settings.patience_seconds
    assert plan_of(keeper).patience_seconds == 8 * usual, "v2 may stand in for v1"
    with keeper.store.change("flights") as change:
        change.shadow("v2", 30, verb="shadow", user="ana", reason="")
    assert plan_of(keeper).patience_seconds == usual


def test_a_new_bundle_is_not_tested_on_processes_of_the_old_one(
    keeper: Keeper, python: str, tmp_path: Path
) -> None:
    store, old, new = keeper.store, str(tmp_path / "old"), str(tmp_path / "new")

    def state() -> VersionState:
        return store.deployment("flights").version("v1").state

    for version in ("v1", "v2"):
        store.note("flights", version, bundle=old, python=python)
    step_until(keeper, lambda: keeper.workers.ready(("flights", "v1")) == 1)
    (before,) = keeper.workers.all["flights", "v1"]
    # Another keeper has to know it as well.
    keeper.workers = type(keeper.workers)(keeper.workers._table, keeper.workers._token)
    keeper.workers.adopt()
    store.move("flights", "v1", VersionState.FAILED, wanted=False)
    begin(store, 1)
    store.move("flights", "v1", VersionState.STARTING, wanted=True, bundle=new, python=python)
    keeper.step()
    assert state() is VersionState.STARTING
    assert not keeper._plan(store.deployment("flights"), {}).versions[0].routed  # it is drained
    step_until(keeper, lambda: state() is not VersionState.STARTING)
    assert state() is VersionState.TESTING
    assert bundles(keeper) == [new]
    assert before.identity is not None
    assert not before.identity.alive()


def test_the_processes_of_a_proved_version_outlive_their_environment(
    keeper: Keeper, python: str, tmp_path: Path
) -> None:
    for version in ("v1", "v2"):
        keeper.store.note("flights", version, bundle=str(tmp_path), python=python)
    step_until(keeper, lambda: keeper.workers.ready(("flights", "v1")) == 1)
    before = keeper.workers.identities()
    keeper.store.note("flights", "v1", python=str(Path(python).with_name("another")))
    for _ in range(3):
        keeper.step()
    assert keeper.workers.identities() == before
    assert all(identity.alive() for identity in before)


def test_a_version_that_is_wanted_again_is_drained_from_the_beginning_the_next_time(
    keeper: Keeper, python: str, tmp_path: Path
) -> None:
    for version in ("v1", "v2"):
        keeper.store.note("flights", version, bundle=str(tmp_path), python=python)
    keeper.draining["flights", "v1"] = time.monotonic() - 60
    step_until(keeper, lambda: not keeper.busy())
    assert keeper.draining == {}


def test_the_slots_above_a_lowered_number_of_workers_go(
    keeper: Keeper, python: str, tmp_path: Path
) -> None:
    for version in ("v1", "v2"):
        keeper.store.note("flights", version, bundle=str(tmp_path), python=python, workers=2)
    step_until(keeper, lambda: not keeper.busy() and keeper.workers.ready(("flights", "v2")) == 2)
    keeper.store.note("flights", "v2", workers=1)
    keeper.step()
    step_until(keeper, lambda: not keeper.busy())
    assert keeper.workers.sockets(("flights", "v2")) == ["flights.v2.0.sock"]
    assert keeper.workers.sockets(("flights", "v1")) == ["flights.v1.0.sock", "flights.v1.1.sock"]


def test_what_was_stopped_before_its_tests_ended_is_not_started_untested(
    keeper: Keeper, project: Project
) -> None:
    """Whether its deploy says that it has failed, or was killed."""
    for number, state in ((3, VersionState.DRAINING), (4, VersionState.STOPPED)):
        begin(keeper.store, number)
        for to in (VersionState.STARTING, VersionState.TESTING, state):
            keeper.store.move("flights", f"v{number}", to, wanted=True)
    target: Any = SimpleNamespace(carry_out=lambda *_, **__: None)
    error = Unprocessable("v3 has failed a test.")
    Rollout(project, keeper.store, target).give_up("flights", "v3", error)
    keeper.store.note("flights", "v4", deployer=f"another boot|{os.getpid()}|1")
    keeper._fail_interrupted(keeper.store.deployments())
    assert [
        (item.state, item.reason, item.wanted, item.deployer)
        for item in keeper.store.deployment("flights").versions[2:]
    ] == [
        (VersionState.FAILED, "v3 has failed a test.", False, None),
        (VersionState.FAILED, "Its deploy was interrupted.", False, None),
    ]


def test_the_end_of_a_deploy_is_not_noted_as_a_stop(keeper: Keeper) -> None:
    """A keeper that starts while all is down, and one that has read the state before the deploy
    gave up.
    """
    store = keeper.store
    for number in (3, 4):
        begin(store, number)
        store.move("flights", f"v{number}", VersionState.STARTING, wanted=True)
    store.note("flights", "v3", deployer=f"another boot|{os.getpid()}|1")
    store.set_up(["flights"], False)
    rows = store.deployments()
    store.move("flights", "v4", VersionState.FAILED, reason="A test has failed.", wanted=False)
    keeper.step()
    keeper._end_unwanted(rows, [], [])
    assert [(item.state, item.reason) for item in store.deployment("flights").versions[2:]] == [
        (VersionState.FAILED, "Its deploy was interrupted."),
        (VersionState.FAILED, "A test has failed."),
    ]


def test_what_is_not_wanted_ends_although_the_gateway_hangs(
    keeper: Keeper, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_files, "apply", partial(watched_files.apply, timeout=0.5))
    for version in ("v1", "v2"):
        keeper.store.note("flights", version, bundle=str(tmp_path), python=python)
    step_until(keeper, lambda: keeper.workers.ready(("flights", "v1")) == 1)
    processes = keeper.processes()
    gateways = keeper.gateway.identities()
    assert len(gateways) == 2
    for identity in gateways:
        identity.signal(signal.SIGSTOP)
    wish = keeper.store.set_up(["flights"], False)
    step_until(keeper, lambda: not any(identity.alive() for identity in processes))
    step_until(keeper, keeper.step)
    assert keeper.store.target().done == wish
    states = [item.state for item in keeper.store.deployment("flights").versions]
    assert states == [VersionState.STOPPED] * 2


def test_payloads_of_a_deleted_deployment_are_not_kept_longer_than_others(
    keeper: Keeper, project: Project
) -> None:
    folder = project.folder("payloads", "deleted")
    for name in ("1.jsonl", "2.jsonl.open"):
        (folder / name).write_text("")
        os.utime(folder / name, (0, 0))
    for _ in range(2):
        keeper.compaction._last_at = float("-inf")
        keeper.compaction.step(keeper.store.deployments())
        if keeper.compaction._process is not None:
            keeper.compaction._process.wait()
    assert not list(folder.glob("*.jsonl*"))
