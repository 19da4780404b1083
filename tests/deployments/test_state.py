"""Moves of a version, arithmetic of traffic, and what a rollback returns to."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.core.database import Database
from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import rows, transaction
from jupyter_mlinfra.deployments.access import audit
from jupyter_mlinfra.deployments.spec import Change, DeploymentState, VersionState
from jupyter_mlinfra.deployments.state import (
    advance,
    check_traffic,
    deployment_state,
    describe,
    roles,
    weights,
    with_share,
)
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.traffic import all_to_the_canary


def test_a_version_without_tests_cannot_become_ready() -> None:
    with pytest.raises(Conflict):
        advance("v1", VersionState.BUILDING, VersionState.READY)
    assert advance("v1", VersionState.TESTING, VersionState.READY) is VersionState.READY


def test_a_failed_version_is_built_anew() -> None:
    for to in set(VersionState) - {
        VersionState.BUILDING,
        VersionState.STOPPED,
        VersionState.FAILED,
    }:
        with pytest.raises(Conflict):
            advance("v1", VersionState.FAILED, to)


shares = st.dictionaries(
    st.sampled_from(["v1", "v2", "v3", "v4", "v5"]), st.integers(1, 100), min_size=2
)


@given(shares, st.integers(0, 100))
def test_a_new_share_leaves_whole_percents_that_make_100_in_the_old_proportion(
    weights: dict[str, int], percent: int
) -> None:
    total = sum(weights.values())
    traffic = {name: 100 * weight // total for name, weight in weights.items()}
    traffic[next(iter(traffic))] += 100 - sum(traffic.values())
    found = with_share({**traffic, "new": 0}, "new", percent)
    assert sum(found.values()) == 100
    assert found["new"] == percent
    for name, share in traffic.items():
        assert abs(found[name] - share * (100 - percent) / 100) < 1


def test_a_share_that_leaves_the_rest_for_nobody_is_refused() -> None:
    assert with_share({}, "v1", 100) == {"v1": 100}
    assert with_share({"v1": 0}, "v1", 0) == {"v1": 0}
    with pytest.raises(BadRequest, match="nobody"):
        with_share({}, "v1", 10)


@pytest.mark.parametrize(
    "traffic",
    [
        {"v1": 50},
        {"v1": 60, "v2": 60},
        {"v1": 101, "v2": -1},
        {"v9": 100},
        {"v1": True, "v2": 99},
        {"v1": 99.5, "v2": 0.5},
        {},
    ],
)
def test_nonsense_traffic_is_refused(traffic: dict[str, int]) -> None:
    with pytest.raises(BadRequest) as refused:
        check_traffic(traffic, ["v1", "v2"])
    assert refused.value.fix


def test_versions_that_are_not_named_get_nothing() -> None:
    assert check_traffic({"v2": 100}, ["v1", "v2", "v3"]) == {"v1": 0, "v2": 100, "v3": 0}


def test_roles_and_states_are_those_of_the_traffic() -> None:
    assert roles({"v1": 50, "v2": 50, "v3": 0}) == {"v1": "stable", "v2": "canary", "v3": "standby"}
    ready, failed = VersionState.READY, VersionState.FAILED
    assert (
        deployment_state({"v1": ready, "v2": failed}, {"v1": 100, "v2": 0}, reachable=True)
        is DeploymentState.HEALTHY
    )
    assert (
        deployment_state({"v1": ready, "v2": failed}, {"v1": 90, "v2": 10}, reachable=True)
        is DeploymentState.DEGRADED
    )
    assert deployment_state({"v1": failed}, {"v1": 100}, reachable=True) is DeploymentState.DOWN
    assert deployment_state({"v1": ready}, {"v1": 100}, reachable=False) is DeploymentState.DOWN
    assert describe({"v1": 100}, {"v1": 90, "v2": 10}) == "v1 100 → 90 %, v2 0 → 10 %"


def test_the_share_of_a_version_that_is_not_proved_goes_to_those_that_stand_in() -> None:
    traffic = {"v1": 90, "v2": 0, "v3": 10}
    assert weights(traffic, proved=["v1", "v2", "v3"], stand_ins=["v2"]) == traffic
    assert weights(traffic, proved=["v2", "v3"], stand_ins=["v2"]) == {"v2": 90, "v3": 10}
    # In the middle between them: 45 and 55 %.
    assert weights(traffic, proved=["v2", "v3"], stand_ins=["v2", "v3"]) == {"v2": 90, "v3": 110}
    assert weights(traffic, proved=["v2", "v3"], stand_ins=[]) == {"v2": 0, "v3": 10}
    assert weights({"v1": 100}, proved=[], stand_ins=[]) == {}


@pytest.fixture
def store(tmp_path: Path) -> DeploymentStore:
    """Deployment `flights` with three versions that have passed their tests."""
    store = DeploymentStore(Database(tmp_path / "state.db"), "test")
    for number in (1, 2, 3):
        version = f"v{number}"
        store.begin(
            "flights",
            version,
            target="local",
            model="flights",
            number=number,
            workers=1,
            runtime="seldon-core",
        )
        store.move("flights", version, VersionState.STARTING)
        store.move("flights", version, VersionState.TESTING)
        with store.change("flights") as change:
            change.ready(version, [])
    return store


def set_traffic(
    store: DeploymentStore,
    shares: dict[str, int],
    *,
    verb: str = "traffic",
    returns_to: int | None = None,
) -> None:
    with store.change("flights") as change:
        change.traffic(
            check_traffic(shares, ["v1", "v2", "v3"]),
            verb=verb,
            user="ana",
            reason="",
            returns_to=returns_to,
        )


def earlier_traffic(store: DeploymentStore) -> list[tuple[int, dict[str, int]]]:
    with store.change("flights") as change:
        return change.earlier_traffic()


def test_rollbacks_go_further_back_one_by_one_and_never_forward(store: DeploymentStore) -> None:
    for shares in ({"v1": 100}, {"v1": 90, "v2": 10}, {"v2": 100}, {"v2": 50, "v3": 50}):
        set_traffic(store, shares)
    seen = []
    while earlier := earlier_traffic(store):
        change, shares = earlier[0]
        set_traffic(store, shares, verb="rollback", returns_to=change)
        seen.append(shares)
    assert seen == [{"v2": 100}, {"v1": 90, "v2": 10}, {"v1": 100}]


def test_the_canary_is_the_newer_of_two_versions_and_nobody_guesses(store: DeploymentStore) -> None:
    set_traffic(store, {"v1": 90, "v2": 10})
    with store.change("flights") as change:
        assert all_to_the_canary(change)[0] == {"v2": 100}
    for shares, said in (
        ({"v1": 100}, "v1 100 %"),
        ({"v1": 10, "v2": 90}, "v1 10 %, v2 90 %"),  # which way is forward?
        ({"v1": 80, "v2": 10, "v3": 10}, "v1 80 %, v2 10 %, v3 10 %"),
    ):
        set_traffic(store, shares)
        with store.change("flights") as change, pytest.raises(Conflict, match=said):
            all_to_the_canary(change)


def test_a_rollback_never_leads_to_what_an_earlier_one_has_left_behind(
    store: DeploymentStore,
) -> None:
    set_traffic(store, {"v1": 100})
    set_traffic(store, {"v2": 100})  # bad
    change, shares = earlier_traffic(store)[0]
    set_traffic(store, shares, verb="rollback", returns_to=change)
    set_traffic(store, {"v3": 100})
    assert [shares for _, shares in earlier_traffic(store)] == [{"v1": 100}]


def test_a_state_that_is_set_twice_is_one_step_back(store: DeploymentStore) -> None:
    for shares in ({"v1": 100}, {"v2": 100}, {"v2": 100}):
        set_traffic(store, shares)
    assert [shares for _, shares in earlier_traffic(store)] == [{"v1": 100}]


def noted(store: DeploymentStore, text: str) -> None:
    """The keeper says what has happened to a process."""
    with store.change("flights") as change:
        change.record(verb="keeper", user="", reason="", traffic=change.row.traffic, text=text)


def test_of_the_lines_of_the_keeper_the_newest_are_kept_and_a_rollback_leads_to_the_same(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "KEEPER_LINES", 3)
    steps = [{"v1": 100}, {"v1": 90, "v2": 10}, {"v2": 100}]
    for number, shares in enumerate(steps):
        set_traffic(store, shares)
        for place in range(4):
            noted(store, f"v1: process {number}.{place} was replaced")
    undone = earlier_traffic(store)
    assert [shares for _, shares in undone] == steps[1::-1]
    lines = [(change.verb, change.text) for change in store.changes("flights")]
    assert [verb for verb, _ in lines] == ["keeper"] * 3 + ["traffic"] * 3
    assert [text for _, text in lines[:3]] == [
        f"v1: process 2.{place} was replaced" for place in (3, 2, 1)
    ]
    noted(store, "v1: started again")
    assert earlier_traffic(store) == undone


def test_a_page_of_a_history_reads_its_own_lines_alone_and_stays_while_others_are_added(
    store: DeploymentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[int]()

    def counted(row: sqlite3.Row) -> Change:
        read.append(row["id"])
        return real(row)

    real = rows._change
    monkeypatch.setattr(rows, "_change", counted)
    for number in range(30):
        noted(store, f"line {number}")
        store.audit("flights", verb="look", user="ana", text=f"entry {number}")
    first = store.history("flights", limit=10)
    entries = audit.entries(store._database, "flights", limit=10, cursor=None)
    assert (first.total, len(read)) == (30, 10)
    noted(store, "line 30")
    store.audit("flights", verb="look", user="ana", text="entry 30")
    second = store.history("flights", limit=10, cursor=first.cursor)
    assert [change.text for change in second.items] == [f"line {n}" for n in range(19, 9, -1)]
    last = store.history("flights", limit=10, cursor=second.cursor)
    assert (last.cursor, last.items[-1].text) == (None, "line 0")
    further = audit.entries(store._database, "flights", limit=10, cursor=entries.cursor)
    assert [entry.text for entry in further.items] == [f"entry {n}" for n in range(19, 9, -1)]
    assert audit.entries(store._database, "fares", limit=10, cursor=None).total == 0
    everything = audit.entries(store._database, None, limit=10, cursor=None)
    assert everything.items[0].text == "entry 30"


def test_every_change_is_an_event_in_the_same_transaction(store: DeploymentStore) -> None:
    with pytest.raises(RuntimeError), store.change("flights") as change:
        change.traffic({"v1": 100, "v2": 0, "v3": 0}, verb="traffic", user="ana", reason="")
        raise RuntimeError("the process was about to die")
    assert store.deployment("flights").traffic == {"v1": 0, "v2": 0, "v3": 0}
    assert store.changes("flights") == []
    set_traffic(store, {"v1": 100})
    with store._database.read() as connection:
        last = connection.execute(
            "SELECT topic, ref, data FROM event ORDER BY id DESC LIMIT 1"
        ).fetchone()
    assert (last["topic"], last["ref"]) == ("deployment", "deployment:flights")
    assert '"v1": 100' in last["data"]


def test_a_bundle_that_was_made_again_is_an_event_if_it_changes_what_is_shown(
    store: DeploymentStore,
) -> None:
    def renew(version: str, *, same: bool) -> list[tuple[str, str]]:
        with store._database.read() as connection:
            (before,) = connection.execute("SELECT max(id) FROM event").fetchone()
        with store.change("flights") as change:
            change.renew(version, same=same, reason="It was changed.")
        with store._database.read() as connection:
            rows = connection.execute("SELECT data FROM event WHERE id > ?", (before,)).fetchall()
        return [(data["state"], data["reason"]) for data in (json.loads(row[0]) for row in rows)]

    assert renew("v1", same=True) == []
    assert renew("v1", same=False) == [("failed", "It was changed.")]
    assert renew("v1", same=True) == [("stopped", "")]


def test_a_deployment_serves_one_model(store: DeploymentStore) -> None:
    with pytest.raises(Conflict, match="serves model flights"):
        store.begin(
            "flights",
            "v1",
            target="local",
            model="other",
            number=1,
            workers=1,
            runtime="seldon-core",
        )
    assert store.deployment("flights").version("v1").state is VersionState.READY


def test_without_deployments_an_unknown_one_says_that_there_are_none(project: Project) -> None:
    with pytest.raises(NotFound) as caught:
        DeploymentStore(project.database, "test").deployment("churn")
    assert (caught.value.what, caught.value.why) == (
        "There is no deployment churn.",
        "There are none yet.",
    )


def test_an_unknown_deployment_or_version_says_what_there_is(store: DeploymentStore) -> None:
    with pytest.raises(NotFound, match="There is: flights") as caught:
        store.deployment("other")
    assert "deployments deploy" in caught.value.fix
    with pytest.raises(NotFound) as caught:
        store.deployment("fligths")
    assert caught.value.fix == "Perhaps: flights."
    with pytest.raises(NotFound, match="v1, v2, v3"):
        store.deployment("flights").version("v9")
