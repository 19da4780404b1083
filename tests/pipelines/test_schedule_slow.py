"""Work that takes long under a set clock: it makes no other schedule late, and nobody waits for an
end under the lock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines.schedules.decide import decide

from .test_schedule_clock import NOON, World


@pytest.fixture
def world(project: Project) -> World:
    return World(project.root)


def slow_start(
    world: World, monkeypatch: pytest.MonkeyPatch, *, passes: float, awake: float
) -> None:
    """The start of `slow` takes so many seconds of the clock, in so many of which the machine is
    awake.
    """
    submit = world.jobs.submit

    def slowly(spec: Any) -> Any:
        if spec.labels["schedule"] == "slow":
            world.pass_time(seconds=passes)
            world.awake += awake
        return submit(spec)

    monkeypatch.setattr(world.jobs, "submit", slowly)


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_due_time_that_comes_while_another_schedule_is_slow_to_start_is_not_missed(
    world: World, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    slow_start(world, monkeypatch, passes=150, awake=150)
    world.create("1 13 * * *", catchup="none")
    world.schedules.create("slow", cron="0 13 * * *", job={"command": ["true"]})
    world.pass_time(hours=1, seconds=1)
    if by_hand:
        world.schedules.run_now("slow")
    else:
        world.ring()
    world.ring()
    assert [(row.due[11:16], row.cause, row.state) for row in world.rows()] == [
        ("13:01", "clock", "started")
    ]
    assert world.schedules.show("s").missed == 0


def test_a_machine_that_slept_meanwhile_has_missed_its_due_times(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_start(world, monkeypatch, passes=8 * 3600, awake=20)
    world.create("30 * * * *", catchup="none")
    world.schedules.create("slow", cron="0 13 * * *", job={"command": ["true"]})
    world.pass_time(minutes=30, seconds=1)
    world.ring()
    world.pass_time(minutes=30)
    world.ring()
    assert [row.state for row in world.rows()] == ["started"] + ["missed"] * 8


@pytest.mark.parametrize(("busy", "missed"), [(0, [200, 100, 61]), (60, [200]), (140, [])])
def test_what_came_due_while_one_was_at_work_was_not_missed(busy: int, missed: list[int]) -> None:
    dues = [NOON - timedelta(seconds=age) for age in (200, 100, 61, 60, 0)]
    verdicts = decide(
        dues, NOON, catchup="none", grace=timedelta(hours=6), busy=timedelta(seconds=busy)
    )
    assert [
        (NOON - verdict.due).total_seconds() for verdict in verdicts if verdict.state == "missed"
    ] == missed


def test_a_due_time_that_cancels_the_one_before_keeps_nobody_waiting_for_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled: list[str] = []
    monkeypatch.setattr(world.jobs, "cancel", cancelled.append)  # it takes its time
    world.create("0 * * * *", overlap="cancel")
    world.jobs.lasting = True
    for _ in range(2):
        world.pass_time(hours=1)
        world.ring()
    first, second = world.rows()
    assert cancelled == [first.job]
    assert (second.state, second.reason) == (
        "waiting",
        f"Waits for job {first.job}, which is being cancelled, to end.",
    )
    world.jobs.look(first.job or "").state = "cancelled"
    world.pass_time(seconds=15)
    world.ring()
    assert [(row.state, row.outcome) for row in world.rows()] == [
        ("started", "cancelled"),
        ("started", "running"),
    ]
