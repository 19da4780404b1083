"""Verbs that run at the same time, on a target that carries out at once: whatever their order, the
traffic makes 100 and no update is lost.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments, VersionState
from jupyter_mlinfra.deployments.gate_list import GateList
from jupyter_mlinfra.deployments.rollout import Rollout
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.transaction import Transaction

NUMBERS = range(1, 5)


class InstantTarget:
    """Carries out every wish in the thread that asks, as the keeper would; `before` is called
    first, so that a test can come in between.
    """

    def __init__(self, project: Project, store: DeploymentStore) -> None:
        self.store, self.lock = store, threading.Lock()
        self.before: Callable[[], None] = lambda: None
        self.sums: set[int] = set()
        self.unproved = 0

    def prepare(self) -> None: ...

    def carry_out(self, wish: int, *, timeout: float = 60.0) -> None:
        self.before()
        with self.lock:
            self._look()
            for row in self.store.deployments():
                for item in row.versions:
                    self._step(item)

    def _step(self, item: Any) -> None:
        """Moves that another thread has made superfluous are passed over."""
        steps: list[VersionState] = []
        if item.wanted and item.proved and item.state is not VersionState.READY:
            steps = [VersionState.STARTING, VersionState.READY]
        elif not item.wanted and item.state not in (
            VersionState.STOPPED,
            VersionState.FAILED,
            VersionState.BUILDING,
        ):
            steps = [VersionState.STOPPED]
        for state in steps:
            try:
                self.store.move(item.deployment, item.version, state)
            except MLInfraError:
                return

    def _look(self) -> None:
        """One statement, so one state of the database: what anybody could see at this moment."""
        with self.store._database.read() as connection:
            rows = connection.execute(
                "SELECT sum(traffic) AS total, sum(traffic > 0 AND NOT proved) AS unproved FROM"
                " deployment_version"
            ).fetchall()
        self.sums |= {row["total"] for row in rows if row["total"] is not None}
        self.unproved += sum(row["unproved"] or 0 for row in rows)

    def base_url(self) -> str:
        return ""

    def running(self) -> Mapping[tuple[str, str], int]:
        return {
            (row.name, item.version): 1
            for row in self.store.deployments()
            for item in row.versions
            if item.state is VersionState.READY
        }

    def figures(self) -> Mapping[tuple[str, str], Any]:
        return {}

    def gateway(self) -> None: ...

    def stopped(self) -> bool:
        return True


@pytest.fixture
def deployments(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployments]:
    """Four versions of which nothing is started and nothing tested, so that a verb takes
    milliseconds; v1 has the traffic.
    """
    project = kit.open_project(tmp_path / "project", "[deployments]\nretain_versions = 1\n")
    found = Deployments(project, kit.Registry(dict.fromkeys(NUMBERS, models[1])))
    found.__dict__["_target"] = InstantTarget(project, found._store)

    def prove(
        self: Rollout,
        name: str,
        version: str,
        bundle: Any,
        _: GateList,
        tell: Callable[[str], None],
        **__: Any,
    ) -> None:
        self._store.move(
            name,
            version,
            VersionState.STARTING,
            bundle=str(bundle.folder),
            python="/bin/sh",
            wanted=True,
        )
        tell("proving")
        self._store.move(name, version, VersionState.TESTING)

    monkeypatch.setattr(Rollout, "prove", prove)
    found.deploy("flights", version="flights/1")
    yield found
    project.database.close()


def target_of(deployments: Deployments) -> InstantTarget:
    target = deployments._target
    assert isinstance(target, InstantTarget)
    return target


def shares(deployments: Deployments) -> dict[str, int]:
    return {
        version: percent
        for version, percent in deployments._store.deployment("flights").traffic.items()
        if percent
    }


def cool(deployments: Deployments, version: str) -> None:
    """End its processes, as a change of the traffic does that leaves it over."""
    with deployments._store.change("flights") as change:
        change.set_wanted(version, False)
    target_of(deployments).carry_out(change.wish)


def aside(action: Callable[[], Any]) -> None:
    """Run it in another thread, so on a connection of its own, to its end."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(action).result(timeout=60)


def once(action: Callable[[], Any]) -> Callable[..., None]:
    """A hook that does it the first time only."""
    todo = [action]

    def hook(*_: Any) -> None:
        if todo:
            aside(todo.pop())

    return hook


def test_a_promotion_does_not_forget_a_version_that_was_deployed_meanwhile(
    deployments: Deployments,
) -> None:
    deployments.deploy("flights", version="flights/2")
    deployments.promote("flights", "v2")
    cool(deployments, "v1")  # so a promotion has to start it first
    target_of(deployments).before = once(
        lambda: deployments.deploy("flights", version="flights/4", traffic=100)
    )
    deployments.promote("flights", "v1")
    assert shares(deployments) == {"v1": 100}
    assert [change.verb for change in deployments._store.changes("flights")[:2]] == [
        "promote",
        "deploy",
    ]
    deployments.rollback("flights")
    assert shares(deployments) == {"v4": 100}


def test_a_deploy_without_traffic_leaves_shares_that_were_set_while_it_was_proving(
    deployments: Deployments,
) -> None:
    deployments.deploy("flights", version="flights/2")
    meanwhile = once(lambda: deployments.traffic("flights", {"v1": 70, "v2": 30}))
    deployments.deploy(
        "flights",
        version="flights/3",
        on_progress=lambda line: meanwhile() if line == "proving" else None,
    )
    assert shares(deployments) == {"v1": 70, "v2": 30}


def test_a_canary_takes_its_share_of_the_traffic_that_there_is_when_it_is_proved(
    deployments: Deployments,
) -> None:
    deployments.deploy("flights", version="flights/2")
    meanwhile = once(lambda: deployments.promote("flights", "v2"))
    deployments.deploy(
        "flights",
        version="flights/3",
        traffic=10,
        on_progress=lambda line: meanwhile() if line == "proving" else None,
    )
    assert shares(deployments) == {"v2": 90, "v3": 10}


def test_a_failed_version_keeps_or_loses_its_share_while_others_are_deployed(
    deployments: Deployments,
) -> None:
    deployments._store.move("flights", "v1", VersionState.FAILED, wanted=False)
    deployments.deploy("flights", version="flights/2")
    assert shares(deployments) == {"v1": 100}
    deployments.deploy("flights", version="flights/3", traffic=10)
    assert shares(deployments) == {"v1": 90, "v3": 10}
    deployments.traffic("flights", {"v1": 20, "v2": 80})
    assert shares(deployments) == {"v1": 20, "v2": 80}
    assert deployments._store.deployment("flights").version("v1").state is VersionState.FAILED


def test_a_version_that_is_cooled_while_traffic_is_moved_to_it_is_warmed_again(
    deployments: Deployments,
) -> None:
    deployments.deploy("flights", version="flights/2")
    cool(deployments, "v2")
    rollout = deployments._rollout
    warm, cooled = rollout.warm, once(lambda: cool(deployments, "v2"))

    def warm_then_cool(name: str, versions: Any) -> None:
        warm(name, versions)
        cooled()

    rollout.__dict__["warm"] = warm_then_cool
    deployments.promote("flights", "v2")
    item = deployments._store.deployment("flights").version("v2")
    assert (item.traffic, item.wanted, item.state) == (100, True, VersionState.READY)


def test_a_rollback_does_not_wait_for_a_deploy_that_is_under_way(deployments: Deployments) -> None:
    deployments.deploy("flights", version="flights/2")
    deployments.promote("flights", "v2")
    proving, done = threading.Event(), threading.Event()

    def hold(line: str) -> None:
        if line == "proving":
            proving.set()
            assert done.wait(30)

    with ThreadPoolExecutor(1) as pool:
        deploy = pool.submit(
            lambda: deployments.deploy("flights", version="flights/3", on_progress=hold)
        )
        assert proving.wait(30)
        deployments.rollback("flights")
        assert shares(deployments) == {"v1": 100}
        assert not deploy.done()
        done.set()
        deploy.result(timeout=30)
    assert shares(deployments) == {"v1": 100}


def test_a_version_that_gets_traffic_while_it_is_removed_stays_and_nothing_is_noted(
    deployments: Deployments,
) -> None:
    deployments.deploy("flights", version="flights/2")
    before = [change.verb for change in deployments._store.changes("flights")]
    target_of(deployments).before = once(
        lambda: deployments.traffic("flights", {"v1": 50, "v2": 50})
    )
    with pytest.raises(Conflict, match="not removed"):
        deployments.remove("flights", "v2")
    assert shares(deployments) == {"v1": 50, "v2": 50}
    assert [change.verb for change in deployments._store.changes("flights")] == ["traffic", *before]


def test_traffic_that_moves_while_a_version_is_removed_is_one_step_of_the_rollbacks(
    deployments: Deployments,
) -> None:
    for number in (2, 3):
        deployments.deploy("flights", version=f"flights/{number}")
    target_of(deployments).before = once(lambda: deployments.promote("flights", "v3"))
    deployments.remove("flights", "v2")
    assert [change.verb for change in deployments._store.changes("flights")[:2]] == [
        "remove",
        "promote",
    ]
    with deployments._store.change("flights") as change:
        assert [earlier for _, earlier in change.earlier_traffic()] == [{"v1": 100}]


def test_requests_have_left_a_version_before_it_is_proved_again(deployments: Deployments) -> None:
    deployments.deploy("flights", version="flights/2")
    item = deployments._store.deployment("flights").version("v1")
    # Packaged again, it is another bundle.
    deployments._store.note("flights", "v1", bundle=str(Path(item.bundle).with_name("gone")))
    seen: list[str] = []

    def look() -> None:
        item = deployments._store.deployment("flights").version("v1")
        seen.append(f"{item.state}, {item.traffic} %, {'' if item.proved else 'not '}proved")

    target_of(deployments).before = look
    deployments.deploy("flights", version="flights/1", on_progress=seen.append)
    seen = [line for line in seen if line == "proving" or "%" in line]
    assert seen == ["building, 100 %, not proved", "proving", "ready, 100 %, proved"]


def test_a_deployment_that_is_up_again_is_not_deleted(deployments: Deployments) -> None:
    with pytest.raises(Conflict, match="not deleted"):
        deployments._store.delete("flights")
    assert shares(deployments) == {"v1": 100}


def test_up_starts_everything_but_the_version_that_cannot_be_prepared_and_tries_it_again(
    deployments: Deployments,
) -> None:
    for number in (2, 3):
        deployments.deploy("flights", version=f"flights/{number}")
    deployments.deploy("trains", version="flights/1")
    store = deployments._store
    bundle = store.deployment("flights").version("v2").bundle
    for version in ("v2", "v3"):  # neither its environment nor what it was made from is there
        store.note("flights", version, python="/no/such/python", bundle="/no/such/bundle")
    store.note("flights", "v3", wanted=0)  # retired, so not looked at
    for row in store.deployments():
        for item in row.versions:
            store.move(row.name, item.version, VersionState.STOPPED)
    with pytest.raises(Unavailable, match="v2 of flights cannot be started") as failed:
        deployments.up()
    assert "v3" not in str(failed.value)

    def states() -> list[tuple[str, str]]:
        return [(item.version, item.state) for row in store.deployments() for item in row.versions]

    assert states() == [("v1", "ready"), ("v2", "failed"), ("v3", "stopped"), ("v1", "ready")]
    assert "Bundle bundle cannot be read." in store.deployment("flights").version("v2").reason
    store.note("flights", "v2", python="/bin/sh", bundle=bundle)
    deployments.up()
    assert states()[1] == ("v2", "ready")


def test_up_leaves_alone_what_runs_without_its_environment(deployments: Deployments) -> None:
    deployments._store.note("flights", "v1", python="/no/such/python", bundle="/no/such/bundle")
    deployments.up(on_progress=(said := list[str]()).append)
    assert "v1 runs, but could not be started again" in said[0]
    assert deployments._store.deployment("flights").version("v1").state is VersionState.READY


@pytest.mark.parametrize("killed", ["before", "after"])
def test_a_deploy_that_ends_at_its_very_last_step_leaves_no_ready_version_without_traffic(
    deployments: Deployments, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    traffic = Transaction.traffic

    def end(change: Transaction, *args: Any, **values: Any) -> None:
        if killed == "after":
            traffic(change, *args, **values)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "traffic", end)
        with pytest.raises(KeyboardInterrupt):
            deployments.deploy("trains", version="flights/1")
    item = deployments._store.deployment("trains").version("v1")
    assert (item.state, item.proved, item.traffic) == (VersionState.FAILED, False, 0)
    deployments.deploy("trains", version="flights/1")
    assert deployments._store.deployment("trains").traffic == {"v1": 100}


def test_who_stops_waiting_for_traffic_that_is_given_already_takes_nothing_away(
    deployments: Deployments,
) -> None:
    target = target_of(deployments)

    def stop() -> None:
        if deployments._store.deployment("trains").version("v1").traffic:
            raise KeyboardInterrupt

    target.before = stop
    with pytest.raises(KeyboardInterrupt):
        deployments.deploy("trains", version="flights/1")
    item = deployments._store.deployment("trains").version("v1")
    assert (item.state, item.proved, item.traffic, item.wanted) == (
        VersionState.READY,
        True,
        100,
        True,
    )


def test_a_version_that_was_proved_but_never_got_traffic_gets_it_when_it_is_deployed_again(
    deployments: Deployments,
) -> None:
    # As a deploy left it that was killed before it gave traffic.
    deployments.deploy("trains", version="flights/1", traffic=0)
    assert deployments._store.deployment("trains").traffic == {"v1": 0}
    deployments.deploy("trains", version="flights/1", traffic=0)
    assert deployments._store.deployment("trains").traffic == {"v1": 0}
    deployments.deploy("trains", version="flights/1")
    assert deployments._store.deployment("trains").traffic == {"v1": 100}


def test_the_store_itself_refuses_other_sums_and_versions_that_are_not_proved(
    deployments: Deployments,
) -> None:
    store = deployments._store
    store.begin(
        "flights", "v4", target="local", model="flights", number=4, workers=1, runtime="seldon-core"
    )
    for traffic in (
        {"v1": 100, "v4": 100},
        {"v1": 50},
        {"v1": 0},
        {"v4": 100},
        {"v1": 60, "v4": 40},
    ):
        with pytest.raises(MLInfraError), store.change("flights") as change:
            change.traffic(traffic, verb="traffic", user="ana", reason="")
    assert shares(deployments) == {"v1": 100}


@pytest.mark.parametrize("seed", range(6))
def test_random_verbs_at_the_same_time_always_leave_100_percent_and_a_linear_history(
    deployments: Deployments, seed: int
) -> None:
    deployments.deploy("flights", version="flights/2")
    refused: list[MLInfraError] = []

    def act(worker: int) -> None:
        dice = random.Random(seed * 100 + worker)
        for _ in range(25):
            number, share = dice.choice(NUMBERS), dice.choice((0, 10, 50, 90, 100))
            verbs: list[Callable[[], Any]] = [
                lambda number=number: deployments.promote("flights", f"v{number}"),
                lambda number=number, share=share: deployments.traffic(
                    "flights",
                    {"v1": 100 - share, f"v{number}": share} if number > 1 else {"v1": 100},
                ),
                lambda number=number, share=share: deployments.deploy(
                    "flights", version=f"flights/{number}", traffic=share
                ),
                lambda number=number: deployments.deploy("flights", version=f"flights/{number}"),
                lambda: deployments.rollback("flights"),
                lambda number=number: deployments.remove("flights", f"v{number}"),
            ]
            try:
                dice.choice(verbs)()
            except MLInfraError as error:
                refused.append(error)

    with ThreadPoolExecutor(4) as pool:
        for worker in [pool.submit(act, number) for number in range(4)]:
            worker.result(timeout=120)
    target = target_of(deployments)
    assert target.sums == {100}
    assert target.unproved == 0
    assert sum(shares(deployments).values()) == 100
    changes = deployments._store.changes("flights")[::-1]
    assert len(changes) > 5
    for before, after in pairwise(changes):
        assert sum(after.traffic.values()) == 100
        moved = {
            version
            for version in {*before.traffic, *after.traffic}
            if before.traffic.get(version, 0) != after.traffic.get(version, 0)
        }
        for version in moved:  # each change starts from where the one before it has ended
            assert (
                f"{version} {before.traffic.get(version, 0)} → {after.traffic.get(version, 0)} %"
                in after.text
            )
    assert {
        version: percent for version, percent in changes[-1].traffic.items() if percent
    } == shares(deployments)
    assert not [error for error in refused if error.status >= 500], refused


@pytest.mark.parametrize(
    "spelled", ["flights/{}", "version:flights/{}", "flights/v{}", "v{}", "{}"]
)
def test_every_verb_takes_a_version_as_the_registry_names_it(
    deployments: Deployments, spelled: str
) -> None:
    deployments.deploy("flights", version="flights/2")
    deployments.traffic("flights", {spelled.format(1): 60, spelled.format(2): 40})
    assert shares(deployments) == {"v1": 60, "v2": 40}
    deployments.promote("flights", spelled.format(2))
    assert shares(deployments) == {"v2": 100}
    deployments.remove("flights", spelled.format(1))
    assert [item.version for item in deployments._store.deployment("flights").versions] == ["v2"]
    with pytest.raises(NotFound, match="no version"):
        deployments.promote("flights", "other/2")


def test_a_version_that_is_named_twice_in_one_traffic_is_refused(deployments: Deployments) -> None:
    deployments.deploy("flights", version="flights/2")
    with pytest.raises(BadRequest, match="named twice"):
        deployments.traffic("flights", {"v1": 50, "flights/1": 10, "v2": 40})
    assert shares(deployments) == {"v1": 100}
