"""Plans of progressive delivery on a real state database and a real payload log; the target only
notes what it is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import DeliverySpec, Deployments, VersionState
from jupyter_mlinfra.deployments.delivery.alarm import NAME, PlanAlarm, hasten
from jupyter_mlinfra.deployments.delivery.beginning import begun
from jupyter_mlinfra.deployments.delivery.driver import Driver
from jupyter_mlinfra.deployments.delivery.spec import DeliveryPlan, PlanState
from jupyter_mlinfra.deployments.delivery.watching import PlanWatch
from jupyter_mlinfra.deployments.rollout import Rollout
from jupyter_mlinfra.deployments.runtime.journal import Journal
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets import Counts, Figures
from jupyter_mlinfra.deployments.targets.envoy.configuration import BUCKETS
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.deployments.traffic import share_of
from jupyter_mlinfra.jobs import read_alarms

EVERY = 10.0
STEPS = (5, 25, 100)


class Killed(BaseException):
    """Ends the driver where it stands, as a kill does: nobody catches it."""


@dataclass
class Target:
    """Carries out every wish at once. told: the wishes."""

    store: DeploymentStore
    told: list[int] = field(default_factory=list)
    seen: dict[tuple[str, str], Figures] = field(default_factory=dict)
    point: Callable[[str], None] = lambda _: None

    def carry_out(self, wish: int, *, timeout: float = 60.0) -> None:
        self.point("before it is carried out")
        self.told.append(wish)
        self.store.note_target(done=wish)
        self.point("after it is carried out")

    def figures(self) -> Mapping[tuple[str, str], Figures]:
        return self.seen


class Store(DeploymentStore):
    """Can be killed before a transaction, at its end, and after it."""

    def __init__(self, *facts: Any) -> None:
        super().__init__(*facts)
        self.point: Callable[[str], None] = lambda _: None

    @contextmanager
    def change(self, name: str) -> Iterator[Any]:
        self.point("before a transaction")
        with super().change(name) as change:
            yield change
            self.point("before it is committed")
        self.point("after a transaction")


@dataclass
class World:
    """One project with a driver whose clock is set by hand."""

    project: Project
    store: Store
    target: Target
    now: float = 0.0

    @property
    def driver(self) -> Driver:
        rollout = Rollout(self.project, self.store, self.target)  # type: ignore[arg-type]
        return Driver(
            project=self.project,
            store=self.store,
            target=self.target,  # type: ignore[arg-type]
            rollout=rollout,
            clock=lambda: self.now,
        )

    def deploy(self, name: str = "flights", delivery: DeliverySpec | None = None) -> DeliveryPlan:
        """v1 has the traffic; v2 is ready, and its plan has begun."""
        for number in (1, 2):
            self.store.begin(
                name, f"v{number}", target="local", model="flights", number=number, workers=1
            )
            for state in (VersionState.STARTING, VersionState.TESTING):
                self.store.move(name, f"v{number}", state, wanted=True)
            with self.store.change(name) as change:
                change.ready(f"v{number}", [])
                if number == 1:
                    change.traffic({"v1": 100}, verb="deploy", user="ana", reason="")
        with self.store.change(name) as change:
            shares, _ = share_of("v2", 5)(change)
            change.traffic(shares, verb="deploy", user="ana", reason="")
            begun(
                change,
                version="v2",
                delivery=delivery
                or DeliverySpec(steps=STEPS, every_seconds=EVERY, least_requests=50),
                user="ana",
                alarm=PlanAlarm(opener="here:open"),
            )
        plan = self.plan(name)
        self.now = plan.step_at.timestamp() + 0.001
        return plan

    def plan(self, name: str = "flights") -> DeliveryPlan:
        found = self.store.plan(name)
        assert found is not None
        return found

    def traffic(self, name: str = "flights") -> dict[str, int]:
        return self.store.deployment(name).traffic

    def count(
        self,
        version: str,
        *,
        requests: int,
        since: float,
        errors: int = 0,
        refused: int = 0,
        ms: float = 3.0,
        slow: int | None = None,
    ) -> None:
        """What the gateway counted of a version from `since` until now. slow: how many took `ms`,
        the others next to nothing; None for all.
        """
        fast = 0 if slow is None else requests - slow
        latencies = [requests if edge >= ms else fast for edge in BUCKETS]
        self.target.seen["flights", version] = Figures(
            seconds=self.now - since,
            since=since,
            requests=requests,
            errors=errors,
            p50_ms=1.0,
            p95_ms=ms if fast <= 0.95 * requests else 1.0,
            readings=[(since, 0, 0, 0), (self.now, requests, errors, refused)],
            marks=[(since, ())],
            counts=Counts(
                requests=requests,
                refused=refused,
                errors=errors,
                retried=0,
                cpu_seconds=0.0,
                latencies=latencies,
            ),
        )

    def log(
        self,
        version: str,
        count: int,
        *,
        name: str = "flights",
        failed: int = 0,
        refused: int = 0,
        ms: float = 3.0,
        rewards: Callable[[int], float] | None = None,
    ) -> None:
        """What a serving process logs of so many requests, of which some fail or are refused."""
        folder = payload_folder(self.project, name)
        folder.mkdir(parents=True, exist_ok=True)
        head = {"deployment": name, "version": version, "model": "flights/1", "names": ["x"]}
        journal = Journal(folder, {**head, "types": ["double"], "categories": [[]]})
        for number in range(count):
            id = f"{version}-{time.perf_counter_ns()}-{number}"
            entry = {"id": id, "u": id, "ts": self.now - 0.0005, "ms": ms}
            if number < failed + refused:
                status = 500 if number < failed else 422
                journal.put({"k": "e", **entry, "st": status, "what": "it broke", "b": ""})
            else:
                journal.put({"k": "p", **entry, "st": 200, "x": [[1.0]], "y": [0.5]})
                if rewards is not None:
                    reward = {"id": id, "ts": self.now, "reward": rewards(number), "truth": None}
                    journal.put({"k": "f", **reward})
        journal.close()


@pytest.fixture
def world(project: Project) -> World:
    store = Store(project.database, project.name)
    return World(project, store, Target(store))


def history(world: World, name: str = "flights") -> list[tuple[str, dict[str, int]]]:
    """Verb and shares, oldest first."""
    changes = reversed(world.store.changes(name))
    return [(change.verb, {**change.traffic}) for change in changes]


def test_a_plan_takes_its_steps_when_they_are_due_and_enough_was_asked(world: World) -> None:
    plan = world.deploy()
    assert (plan.step, plan.percent, plan.against, plan.state) == (1, 5, "v1", "running")
    (alarm,) = read_alarms(world.project.database)
    assert (alarm.name, alarm.arguments[-1]) == (NAME, "here:open")
    world.log("v2", 49)
    world.driver.look()
    assert world.traffic() == {"v1": 95, "v2": 5}, "it is not due yet"

    world.now += EVERY
    world.driver.look()
    plan = world.plan()
    assert (plan.step, world.traffic()) == (1, {"v1": 95, "v2": 5})
    assert "It waits." in plan.waits_for
    assert "requests: 49, at least 50" in plan.waits_for
    world.log("v2", 1)
    world.driver.look()
    plan = world.plan()
    assert (plan.step, plan.percent, plan.waits_for) == (2, 25, "")
    assert plan.next_at is not None
    assert plan.next_at.timestamp() == pytest.approx(world.now + EVERY)

    for share, step in ((100, 3), (100, 3)):
        world.now += EVERY + 0.001
        world.log("v2", 50)
        world.driver.look()
        assert (world.plan().step, world.traffic()["v2"]) == (step, share)
    plan = world.plan()
    assert (plan.state, plan.next_at) == (PlanState.SUCCEEDED, None)
    assert {check.name: check.passed for check in plan.checks} == {
        "requests": True,
        "errors": True,
        "refusals": True,
        "latency": True,
    }
    world.store.set_plan_alarm(PlanAlarm(), seconds=1)
    assert read_alarms(world.project.database) == [], "nothing is left to look at"
    assert history(world)[2:] == [
        ("step", {"v1": 75, "v2": 25}),
        ("step", {"v1": 0, "v2": 100}),
    ]


@pytest.mark.parametrize(
    ("asked", "figures", "reason"),
    [
        ({"count": 60, "failed": 6}, None, "errors: 10.00% of 60 requests, at most 1.00%"),
        ({"count": 60, "ms": 900.0}, None, "latency: p95 900.0 ms in the model's process, 60 of"),
        ({"count": 60}, (40, 20, 3.0), "errors: 50.00% of 40 requests"),
        ({"count": 60}, (40, 0, 450.0), "latency: p95 490.0 ms at the gateway, 40 of 40 requests"),
    ],
)
def test_a_breach_rolls_back_at_once_to_what_was_before_the_plan(
    world: World, asked: dict[str, Any], figures: tuple[int, int, float] | None, reason: str
) -> None:
    world.deploy()
    world.now += EVERY
    world.log("v2", 60)
    world.driver.look()
    assert world.traffic() == {"v1": 75, "v2": 25}
    world.now += 1
    world.log("v2", **asked)
    if figures is not None:
        requests, errors, ms = figures
        world.count("v2", requests=requests, errors=errors, ms=ms, since=world.now - 0.5)
    world.driver.look()
    plan = world.plan()
    assert plan.state is PlanState.ROLLED_BACK
    assert reason in plan.waits_for
    assert world.traffic() == {"v1": 100, "v2": 0}
    change = world.store.changes("flights")[0]
    assert (change.verb, "v2 rolled back by its plan" in change.text) == ("rollback", True)
    assert reason in change.reason
    assert world.target.told[-1] == world.store.target().wish


def test_one_error_among_few_requests_is_no_breach_but_holds_the_step(world: World) -> None:
    world.deploy()
    world.now += EVERY
    world.log("v2", 60, failed=1)
    world.driver.look()
    assert (world.plan().state, world.plan().step) == (PlanState.RUNNING, 1)
    assert "errors: 1.67% of 60 requests" in world.plan().waits_for
    world.log("v2", 60)
    world.driver.look()
    assert world.plan().step == 2


@pytest.mark.parametrize(
    ("own", "other", "state", "step", "reason"),
    [
        ((150, 21), (600, 0), PlanState.ROLLED_BACK, 1, "refused 21 of 150 requests, v1 0 of 600"),
        # What clients send wrong, both refuse.
        ((150, 21), (600, 72), PlanState.RUNNING, 2, ""),
        (
            (150, 140),
            (600, 300),
            PlanState.ROLLED_BACK,
            1,
            "refused 140 of 150 requests, v1 300 of",
        ),
        # More, which may be chance.
        ((150, 3), (600, 0), PlanState.RUNNING, 1, "refusals: refused 3 of 150 requests, v1 0 of"),
        (
            (2000, 30),
            (2000, 6),
            PlanState.RUNNING,
            1,
            "refused 30 of 2,000 requests, v1 6 of 2,000",
        ),
        # Not a percentage point more.
        ((2000, 18), (2000, 2), PlanState.RUNNING, 2, ""),
    ],
)
def test_a_version_that_refuses_clearly_more_than_the_other_at_the_same_time_is_rolled_back(
    world: World,
    own: tuple[int, int],
    other: tuple[int, int],
    state: PlanState,
    step: int,
    reason: str,
) -> None:
    world.deploy()
    world.now += EVERY
    for version, (count, refused) in (("v1", other), ("v2", own)):
        world.log(version, count, refused=refused)
    world.driver.look()
    plan = world.plan()
    assert (plan.state, plan.step) == (state, step)
    assert reason in plan.waits_for
    if state is PlanState.ROLLED_BACK:
        assert world.traffic() == {"v1": 100, "v2": 0}
        assert reason in world.store.changes("flights")[0].reason


@pytest.mark.parametrize(
    ("usual", "refused", "reason"),
    [
        (0, 60, "refusals: refused 60 of 60 requests, v1 0 of 200, not clearly more than v1"),
        (100, 30, ""),
        (None, 60, "It waits. refusals: refused 60 of 60 requests, v1 0 of 0"),
    ],
)
def test_with_all_traffic_a_version_is_compared_with_the_other_before_the_step(
    world: World, usual: int | None, refused: int, reason: str
) -> None:
    world.deploy(delivery=DeliverySpec(steps=(5, 100), every_seconds=EVERY, least_requests=50))
    world.now += EVERY
    if usual is not None:
        world.log("v1", 200, refused=usual)
    world.log("v2", 60, refused=20 if usual else 0)
    world.driver.look()
    assert world.traffic() == {"v1": 0, "v2": 100}
    world.now += EVERY + 0.001
    world.log("v2", 60, refused=refused)
    world.driver.look()
    plan = world.plan()
    assert reason in plan.waits_for
    assert (
        plan.state
        is {
            0: PlanState.ROLLED_BACK,
            100: PlanState.SUCCEEDED,
            None: PlanState.RUNNING,
        }[usual]
    )


def test_refusals_that_the_gateway_alone_sees_count_and_have_the_next_look_come_at_once(
    world: World,
) -> None:
    world.deploy()
    begun, looks = world.plan().step_at.timestamp(), list[int]()
    watch = PlanWatch(0.01, lambda: looks.append(refused))
    world.now = begun + 5
    for refused, usual in [(1, 0), (40, 160), (40, 0)]:
        world.count("v1", requests=400, refused=usual, since=begun)
        world.count("v2", requests=100, refused=refused, since=begun)
        watch.heed(world.store.active_plans(), world.target.seen)
    assert looks == [40]
    world.driver.look()
    assert "refusals: refused 40 of 100 requests, v1 0 of 400" in world.plan().waits_for
    assert world.traffic() == {"v1": 100, "v2": 0}


@pytest.mark.parametrize(
    ("slow", "state", "step", "reason"),
    [
        (1, PlanState.RUNNING, 2, ""),
        (3, PlanState.RUNNING, 1, "It waits. latency: p95 833.3 ms at the gateway, 3 of 40"),
        (30, PlanState.ROLLED_BACK, 1, "latency: p95 983.3 ms at the gateway, 30 of 40 requests"),
    ],
)
def test_a_p95_above_the_limit_rolls_back_only_if_it_is_no_chance(
    world: World, slow: int, state: PlanState, step: int, reason: str
) -> None:
    world.deploy()
    world.now += EVERY
    world.log("v2", 60)
    world.count("v2", requests=40, ms=900.0, slow=slow, since=world.now - 5)
    world.driver.look()
    assert (world.plan().state, world.plan().step) == (state, step)
    assert reason in world.plan().waits_for


def test_a_machine_that_is_slow_for_both_versions_holds_the_plan(world: World) -> None:
    world.deploy()
    world.now += EVERY
    world.log("v2", 60)
    for version in ("v1", "v2"):
        world.count(version, requests=40, ms=400.0, since=world.now - 5)
    world.driver.look()
    assert world.plan().step == 1
    assert (
        "latency: p95 490.0 ms at the gateway, 40 of 40 requests slower, v1 p95 490.0 ms"
        in world.plan().waits_for
    )


def test_both_are_slow_in_the_log_before_the_gateway_has_figures_of_the_step(world: World) -> None:
    world.deploy()
    world.now += EVERY
    for version in ("v1", "v2"):
        world.log(version, 60, ms=400.0)
    world.driver.look()
    assert (world.plan().step, world.plan().state) == (1, PlanState.RUNNING)
    assert "latency: p95 400.0 ms in the model's process, 60 of 60" in world.plan().waits_for
    assert "v1 p95 400.0 ms" in world.plan().waits_for


@pytest.mark.parametrize("counted", [{"errors": 40}, {"ms": 900.0}], ids=str)
def test_what_the_gateway_counted_before_the_step_does_not_judge_it(
    world: World, counted: dict[str, Any]
) -> None:
    """Its window began in the step before, though it ended in this one."""
    world.deploy()
    world.now += EVERY
    begun = world.plan().step_at.timestamp()
    world.log("v2", 60)
    world.count("v2", since=begun - 0.5, requests=40, **counted)
    world.driver.look()
    assert (world.plan().step, world.plan().state) == (2, PlanState.RUNNING)

    world.now += EVERY
    world.log("v2", 60)
    world.count("v2", since=world.plan().step_at.timestamp(), requests=40, **counted)
    world.driver.look()
    assert world.plan().state is PlanState.ROLLED_BACK


def test_errors_that_the_gateway_alone_sees_count_from_the_beginning_of_the_step(
    world: World,
) -> None:
    """Its window began in the step before, which had errors of its own: those do not count."""
    world.deploy()
    begun = world.plan().step_at.timestamp()
    world.now = begun + 11
    earlier, first = (begun - 50, 0, 0, 0), (begun + 1, 500, 40, 0)

    def look(*later: tuple[float, int, int, int]) -> DeliveryPlan:
        readings = [earlier, first, *later]
        world.target.seen["flights", "v2"] = Figures(
            seconds=61.0,
            since=earlier[0],
            requests=readings[-1][1],
            errors=readings[-1][2],
            p50_ms=1.0,
            p95_ms=900.0,
            readings=readings,
        )
        world.driver.look()
        return world.plan()

    assert look().state is PlanState.RUNNING, "one reading says nothing"
    assert look((begun + 6, 540, 40, 0)).state is PlanState.RUNNING
    plan = look((begun + 6, 540, 40, 0), (begun + 11, 560, 60, 0))
    assert plan.state is PlanState.ROLLED_BACK
    assert plan.waits_for == "errors: 33.33% of 60 requests, at most 1.00%"
    assert world.traffic() == {"v1": 100, "v2": 0}


def test_a_look_is_asked_for_when_errors_exceed_the_share_and_when_they_double(
    world: World,
) -> None:
    world.deploy()
    looks: list[int] = []
    watch, begun = PlanWatch(0.01, lambda: looks.append(asked)), world.plan().step_at.timestamp()
    world.now = begun + 5
    for asked, errors in [(1000, 0), (1000, 9), (1000, 11), (1100, 21), (1100, 22), (1100, 43)]:
        world.count("v2", requests=asked, errors=errors, since=begun)
        watch.heed(world.store.active_plans(), world.target.seen)
    assert looks == [1000, 1100]
    world.count("v2", requests=1100, errors=44, since=begun)
    watch.heed(world.store.active_plans(), world.target.seen)
    assert len(looks) == 3
    world.count("v2", requests=1100, errors=900, since=begun - 1)
    watch.heed(world.store.active_plans(), world.target.seen)
    assert len(looks) == 3, "the first reading of the step has them already"


def test_a_second_burst_of_errors_is_looked_at_although_it_is_no_larger(world: World) -> None:
    """After the first has left the gateway's window, and after the step began again."""
    world.deploy()
    looks, when = list[str](), ""
    watch = PlanWatch(0.01, lambda: looks.append(when))

    def heed(errors: int, what: str) -> None:
        nonlocal when
        when = what
        begun = world.plan().step_at.timestamp()
        world.count("v2", requests=1000, errors=errors, since=begun)
        watch.heed(world.store.active_plans(), world.target.seen)

    world.now += 5
    for what, errors in [("first", 100), ("gone", 0), ("again", 60), ("less", 20), ("more", 40)]:
        heed(errors, what)
    assert looks == ["first", "again", "more"]
    with world.store.change("flights") as change:
        change.plans.pause(world.plan(), "errors")
    with world.store.change("flights") as change:
        change.plans.resume(world.plan())
    heed(40, "resumed")
    assert looks[3:] == ["resumed"]


def test_figures_without_readings_count_if_all_of_their_window_is_within() -> None:
    """Those of a target of another package."""
    found = Figures(
        seconds=60.0, requests=50, errors=5, refused=9, p50_ms=1.0, p95_ms=2.0, since=1000.0
    )
    assert found.counted_since(1000.0) == (50, 5, 9)
    assert found.counted_since(1000.5) == (0, 0, 0)


def test_the_next_look_comes_at_once_when_it_is_asked_for(world: World) -> None:
    world.deploy()
    world.store.set_plan_alarm(PlanAlarm(opener="here:open"), seconds=15)
    (before,) = read_alarms(world.project.database)
    at = before.due_at - 10
    assert hasten(world.project.database, at=at)
    (after,) = read_alarms(world.project.database)
    assert after == replace(before, due_at=at, set_at=at)
    assert not hasten(world.project.database, at=at + 5), "it comes sooner anyway"


def test_outcomes_of_before_the_traffic_followed_the_step_are_left_out(world: World) -> None:
    """Their ratio is that of the step before, which would hold the plan."""
    delivery = DeliverySpec(steps=(5, 50), every_seconds=EVERY, least_requests=10, goal="reward")
    world.deploy(delivery=delivery)
    world.now += 1
    world.log("v1", 3000, rewards=lambda number: number % 7)
    world.log("v2", 1000, rewards=lambda number: number % 7)
    world.now += EVERY
    world.log("v1", 950, rewards=lambda number: number % 7)
    world.log("v2", 50, rewards=lambda number: number % 7)
    world.driver.look()
    assert world.plan().state is PlanState.RUNNING
    assert "950 and 50 outcomes are too few" in world.plan().waits_for


def test_a_version_that_has_failed_is_rolled_back(world: World) -> None:
    world.deploy()
    world.store.move("flights", "v2", VersionState.FAILED, reason="it leaks")
    world.driver.look()
    assert (world.plan().state, world.traffic()["v1"]) == (PlanState.ROLLED_BACK, 100)
    assert "v2 has failed: it leaks" in world.plan().waits_for


def test_outcomes_that_are_worse_roll_back_and_too_few_hold_the_step(world: World) -> None:
    delivery = DeliverySpec(steps=(5, 50), every_seconds=EVERY, least_requests=10, goal="reward")
    world.deploy(delivery=delivery)
    world.now += EVERY
    world.log("v1", 950, rewards=lambda number: 1.0 + number % 7)
    world.log("v2", 50, rewards=lambda number: 1.0 + number % 7)
    world.driver.look()
    assert world.plan().step == 1
    assert "outcomes: not yet: 950 and 50 outcomes are too few" in world.plan().waits_for
    world.log("v1", 9500, rewards=lambda number: 1.0 + number % 7)
    world.log("v2", 500, rewards=lambda number: 0.0 + number % 2)
    world.driver.look()
    assert world.plan().state is PlanState.ROLLED_BACK
    assert "outcomes: worse: the difference is" in world.plan().waits_for


def test_lost_outcomes_hold_the_plan_because_nothing_can_be_compared(world: World) -> None:
    delivery = DeliverySpec(steps=(5, 50), every_seconds=EVERY, least_requests=10, goal="reward")
    world.deploy(delivery=delivery)
    world.now += EVERY
    world.log("v1", 3000, rewards=lambda number: number % 7)
    world.log("v2", 1000, rewards=lambda number: number % 7)
    world.driver.look()
    plan = world.plan()
    assert plan.state is PlanState.PAUSED
    assert "of which 5.00% were expected" in plan.waits_for
    assert world.store.changes("flights")[0].verb == "pause"


def test_a_breach_rolls_back_although_the_outcomes_cannot_be_compared(world: World) -> None:
    delivery = DeliverySpec(steps=(5, 50), every_seconds=EVERY, least_requests=10, goal="reward")
    world.deploy(delivery=delivery)
    world.now += EVERY
    world.log("v1", 3000, rewards=lambda number: number % 7)
    world.log("v2", 1000, failed=600, rewards=lambda number: number % 7)
    world.driver.look()
    assert (world.plan().state, world.traffic()["v1"]) == (PlanState.ROLLED_BACK, 100)


@pytest.mark.parametrize(("failed", "state"), [(0, PlanState.RUNNING), (30, PlanState.ROLLED_BACK)])
def test_outcomes_that_cannot_be_had_hold_the_step_and_hide_no_breach(
    world: World, failed: int, state: PlanState
) -> None:
    def refused(*_: object) -> dict[str, list[float]]:
        raise BadRequest("Monitor flights measures no KPI.", "It has no costs.", "")

    delivery = DeliverySpec(steps=(5, 50), every_seconds=EVERY, least_requests=10, goal="kpi")
    world.deploy(delivery=delivery)
    world.now += EVERY
    world.log("v2", 60, failed=failed)
    replace(world.driver, outcomes=refused).look()
    assert (world.plan().state, world.plan().step) == (state, 1)
    assert ("measures no KPI" in world.plan().waits_for) is (state is PlanState.RUNNING)


def test_a_driver_that_is_killed_anywhere_is_followed_by_one_that_goes_on(world: World) -> None:
    """At each of its points once, in each of its looks; what comes out is the same."""
    points: list[str] = []

    def run(name: str, kill_at: int | None) -> list[tuple[str, dict[str, int]]]:
        world.deploy(name)
        points.clear()

        def point(what: str) -> None:
            points.append(what)
            if len(points) - 1 == kill_at:
                raise Killed

        world.store.point = world.target.point = point
        for _ in range(3):
            world.now += EVERY + 0.001
            world.log("v2", 60, name=name)
            try:
                world.driver.look()
            except Killed:
                world.driver.look()
        world.store.point = world.target.point = lambda _: None
        assert world.plan(name).state is PlanState.SUCCEEDED, (kill_at, points[kill_at or 0])
        target = world.store.target()
        assert target.done == target.wish, "what was decided is in force"
        return history(world, name)

    expected = run("whole", None)
    count = len(points)
    assert count > 15
    for number in range(count):
        assert run(f"killed-{number}", number) == expected, points[number]


def test_a_driver_killed_in_a_rollback_rolls_back_once(world: World) -> None:
    for number in range(8):
        name, points = f"flights-{number}", [0]
        world.deploy(name)
        world.log("v2", 60, failed=30, name=name)

        def point(_: str, number: int = number, points: list[int] = points) -> None:
            points[0] += 1
            if points[0] - 1 == number:
                raise Killed

        world.store.point = world.target.point = point
        try:
            world.driver.look()
        except Killed:
            world.driver.look()
        world.store.point = world.target.point = lambda _: None
        assert world.plan(name).state is PlanState.ROLLED_BACK
        assert [verb for verb, _ in history(world, name)].count("rollback") == 1
        assert world.store.target().done == world.store.target().wish


def test_a_second_driver_takes_no_step_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has seen the plan before the other moved it."""
    world.deploy()
    world.now += EVERY
    world.log("v2", 60)
    stale = world.store.active_plans()
    world.driver.look()
    monkeypatch.setattr(world.store, "active_plans", lambda: stale)
    world.driver.look()
    assert (world.plan().step, world.traffic()) == (2, {"v1": 75, "v2": 25})
    assert len(history(world)) == 3


def test_verbs_by_hand_hold_or_end_a_plan(world: World) -> None:
    service = Deployments(world.project, None)  # type: ignore[arg-type]
    service.__dict__["_target"] = _Quiet(world.target)
    service.__dict__["_rollout"] = Rollout(world.project, world.store, service._target)
    world.deploy()
    assert service.pause("flights", reason="lunch").state is PlanState.PAUSED
    with pytest.raises(Conflict):
        service.pause("flights")
    world.now += EVERY
    world.log("v2", 60)
    world.driver.look()
    assert world.traffic() == {"v1": 95, "v2": 5}, "it is held"
    resumed = service.resume("flights")
    assert (resumed.state, resumed.step) == (PlanState.RUNNING, 1)
    service.promote("flights", "v2")
    assert (world.plan().state, world.traffic()) == (PlanState.SUCCEEDED, {"v1": 0, "v2": 100})
    assert service.plan("flights") == world.plan(), "it can still be asked"
    with pytest.raises(NotFound, match="no plan that goes on"):
        service.pause("flights")
    for control, treatment in (("", ""), ("v1", "v2")):
        with pytest.raises(Conflict) as nothing:
            service.verdict("flights", control=control, treatment=treatment)
        assert nothing.value.status == 409
    assert service.rollback("flights") is not None
    assert world.traffic() == {"v1": 95, "v2": 5}, "one change back"
    with pytest.raises(NotFound):
        service.resume("flights")

    for verb, state in (("rollback", PlanState.ROLLED_BACK), ("traffic", PlanState.STOPPED)):
        world.deploy(verb)
        world.now += EVERY
        world.log("v2", 60, name=verb)
        world.driver.look()
        assert world.traffic(verb) == {"v1": 75, "v2": 25}
        if verb == "rollback":
            service.rollback(verb)
            assert world.traffic(verb) == {"v1": 100, "v2": 0}, "to what was before the plan"
        else:
            service.traffic(verb, {"v1": 50, "v2": 50})
        assert world.plan(verb).state is state
        assert next(change.verb for change in world.store.changes(verb)) == verb


def test_a_change_of_the_history_can_be_undone_unless_it_moved_nothing(world: World) -> None:
    service = Deployments(world.project, None)  # type: ignore[arg-type]
    service.__dict__["_target"] = _Quiet(world.target)
    service.__dict__["_rollout"] = Rollout(world.project, world.store, service._target)
    world.deploy()
    first, second = (change.id for change in reversed(world.store.changes("flights")))
    service.promote("flights", "v2")
    service.undo("flights", second, reason="too early")
    assert world.traffic() == {"v1": 100, "v2": 0}
    change = world.store.changes("flights")[0]
    assert (change.verb, change.reason) == ("undo", "too early")
    assert change.text.startswith(f"change {second} undone")
    with pytest.raises(Conflict, match="No version had traffic before it"):
        service.undo("flights", first)
    with pytest.raises(NotFound):
        service.undo("flights", 999)


class _Quiet:
    """The target of a service that shows nothing."""

    def __init__(self, target: Target) -> None:
        self.carry_out = target.carry_out

    def running(self) -> Mapping[tuple[str, str], int]:
        return {}

    def figures(self) -> Mapping[tuple[str, str], Figures]:
        return {}

    def base_url(self) -> str:
        return ""

    def gateway(self) -> None:
        return None


def test_a_paused_plan_is_rolled_back_by_a_breach_nevertheless(world: World) -> None:
    world.deploy()
    with world.store.change("flights") as change:
        change.plans.pause(world.plan(), "lunch")
    world.log("v2", 60, failed=30)
    world.driver.look()
    assert (world.plan().state, world.traffic()["v1"]) == (PlanState.ROLLED_BACK, 100)


def test_nothing_moves_while_the_deployment_is_down(world: World) -> None:
    world.deploy()
    world.store.set_up(["flights"], False)
    world.now += EVERY
    world.log("v2", 60)
    world.driver.look()
    assert (world.plan().step, world.plan().waits_for) == (1, "The deployment is down.")


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": (25, 5)},
        {"steps": (5, 5)},
        {"steps": (0, 50)},
        {"steps": (5, 101)},
        {"steps": (100,)},
        {"steps": (5, 100), "every_seconds": 0.1},
        {"steps": (5, 100), "shadow": 100},
        {"shadow": 101},
    ],
)
def test_a_delivery_that_makes_no_sense_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        DeliverySpec(**asked)


def test_a_shadow_needs_a_version_that_is_asked_and_loses_its_copies_with_traffic(
    world: World, tmp_path: Path
) -> None:
    world.deploy("flights")
    with world.store.change("flights") as change:
        change.traffic({"v1": 100}, verb="traffic", user="ana", reason="")
        change.shadow("v2", 40, verb="shadow", user="ana", reason="")
    assert world.store.deployment("flights").shadows == {"v2": 40}
    with (
        pytest.raises(Conflict, match="v1 of flights cannot be a shadow"),
        world.store.change("flights") as change,
    ):
        change.shadow("v1", 40, verb="shadow", user="ana", reason="")
    with world.store.change("flights") as change:
        change.traffic({"v2": 100}, verb="promote", user="ana", reason="")
    assert world.store.deployment("flights").shadows == {}
