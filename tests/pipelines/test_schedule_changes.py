"""Changes of a schedule under a set clock: what it was due for until then is not forgotten over them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project

from .test_schedule_clock import World


@pytest.fixture
def world(project: Project) -> World:
    return World(project.root)


@pytest.mark.parametrize("change", [{"cron": "30 * * * *"}, {"tz": "Asia/Kolkata"}, {"overlap": "queue"}])
def test_a_due_time_just_before_a_change_is_started_all_the_same(world: World, change: dict[str, Any]) -> None:
    world.create("0 * * * *", catchup="none")
    world.pass_time(hours=1, seconds=2)  # the ring is on its way
    world.schedules.update("s", **change)
    world.ring()
    assert [(row.due_at.hour, row.cause, row.state) for row in world.rows()] == [(13, "clock", "started")]
    assert len(world.jobs.taken) == 1


@pytest.mark.parametrize("said", ["before", "with the change"])
def test_days_without_a_supervisor_are_made_up_for_after_new_times_were_set(world: World, said: str) -> None:
    policy: dict[str, Any] = {"catchup": "all", "grace_seconds": 3 * 86_400}
    world.create("0 6 * * *", **(policy if said == "before" else {"catchup": "none"}))
    world.pass_time(days=3)
    changed = world.schedules.update("s", cron="0 7 * * *", **(policy if said != "before" else {}))
    assert (changed.missed, changed.next[0]) == (3, "2026-03-31T07:00:00+00:00")
    world.ring()
    days = ["03-28T06:00", "03-29T06:00", "03-30T06:00"]
    assert [due[5:16] for due in world.jobs.due_times()] == days
    assert sorted(world.told()) == sorted((day, cause, state) for day in days for cause, state in (("clock", "missed"), ("catchup", "started")))


def test_a_due_time_just_before_a_pause_has_its_row(world: World) -> None:
    world.create("0 * * * *")
    world.pass_time(hours=1, seconds=2)
    world.schedules.pause("s")
    world.pass_time(hours=1)
    world.schedules.resume("s")
    world.ring()
    assert [(row.due[11:16], row.state, row.reason) for row in world.rows()] == [("13:00", "skipped", "The schedule was paused.")]


def test_what_was_missed_before_a_pause_counts_and_what_passes_in_it_does_not(world: World) -> None:
    world.create("0 * * * *", catchup="all")
    world.pass_time(hours=2, minutes=30)  # no supervisor
    assert world.schedules.pause("s").missed == 2
    world.pass_time(hours=4)
    resumed = world.schedules.resume("s")
    assert (resumed.missed, [due[11:16] for due in resumed.next]) == (2, ["19:00", "20:00", "21:00", "22:00", "23:00"])
    world.ring()
    assert world.jobs.due_times() == []
    assert [(row.cause, row.state) for row in world.rows()] == [("clock", "missed"), ("catchup", "skipped")] * 2


def test_a_change_while_the_clock_is_set_back_starts_nothing_twice(world: World) -> None:
    world.create("0 * * * *", catchup="all")
    world.pass_time(hours=1)
    world.ring()
    world.pass_time(minutes=-30)  # 12:30 again
    world.schedules.update("s", cron="0,45 * * * *")
    for _ in range(3):
        world.pass_time(minutes=15)
        world.ring()
    assert [due[11:16] for due in world.jobs.due_times()] == ["13:00", "12:45"]


def test_a_schedule_is_not_deleted_while_its_due_time_is_started(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create("0 * * * *")
    submit, deleting = world.jobs.submit, threading.Thread(target=lambda: world.schedules.delete("s"))

    def slow(spec: Any) -> Any:
        deleting.start()
        deleting.join(0.5)
        return submit(spec)

    monkeypatch.setattr(world.jobs, "submit", slow)
    world.pass_time(hours=1)
    world.ring()
    deleting.join()
    assert len(world.jobs.taken) == 1
    with pytest.raises(NotFound):
        world.schedules.show("s")
