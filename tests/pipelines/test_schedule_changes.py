"""Changes of a schedule under a set clock: what it was due for until then is not forgotten over them."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
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


@pytest.mark.parametrize(
    ("due", "why"),
    [
        ("2026-03-28T06:00:00", "the next time after it is 2026-03-29T06:00:00+02:00"),  # UTC, as everywhere: 07:00 in Paris
        ("2026-03-28T05:00:01+00:00", "the next time"),
        ("2026-03-28T05:00:00.5+00:00", "the next time"),
        ("2026-03-29T06:00:00+02:00", "not come yet"),
        ("0001-01-01T00:00:00", "does not reach"),
        ("9999-12-31T23:59:59-12:00", "does not reach"),
    ],
)
def test_by_hand_for_a_time_at_which_it_was_not_due_is_refused(world: World, due: str, why: str) -> None:
    world.create("0 6 * * *", tz="Europe/Paris")
    world.pass_time(hours=20)
    with pytest.raises(BadRequest, match="was not due at") as caught:
        world.schedules.run_now("s", due=datetime.fromisoformat(due))
    assert why in caught.value.why
    assert caught.value.fix
    assert (world.rows(), world.jobs.taken) == ([], {})


def test_a_due_time_without_a_zone_is_in_utc_wherever_the_server_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        world.create("0 6 * * *", tz="Europe/Paris", catchup="none")
        world.pass_time(hours=20)
        firing = world.schedules.run_now("s", due=datetime(2026, 3, 28, 5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert firing.due == "2026-03-28T06:00:00+01:00"
    assert world.jobs.due_times() == ["2026-03-28T06:00:00+01:00"]


def test_a_due_time_of_earlier_times_is_run_by_hand_after_they_were_changed(world: World) -> None:
    world.create("0 6 * * *", catchup="none")
    world.pass_time(hours=20)
    world.schedules.update("s", cron="30 7 * * *")
    (missed,) = world.rows()
    assert world.schedules.run_now("s", due=missed.due_at).state == "started"
    assert world.schedules.show("s").missed == 0


def test_of_an_hour_that_comes_twice_the_due_time_is_the_first(world: World) -> None:
    world.now = datetime(2026, 10, 26, tzinfo=UTC)
    world.create("30 2 * * *", tz="Europe/Paris")
    first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=ZoneInfo("Europe/Paris")) for fold in (0, 1))
    for due in (first, first.astimezone(UTC)):
        assert world.schedules.run_now("s", due=due).due == "2026-10-25T02:30:00+02:00"
    for due in (second, second.astimezone(UTC)):
        with pytest.raises(BadRequest, match="was not due"):
            world.schedules.run_now("s", due=due)


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


def test_a_clock_that_was_ahead_without_a_supervisor_holds_up_no_schedule(world: World) -> None:
    world.create("0 6 * * *")
    world.pass_time(days=400)
    world.ring()
    world.pass_time(days=-400)
    assert world.schedules.show("s").next[0] == "2026-03-28T06:00:00+00:00"
    world.schedules.create("other", cron="0 0 1 1 *", job={"command": ["true"]})  # sets the alarm anew, by a clock that is right
    with world.project.database.read() as connection:
        assert connection.execute("SELECT due_at FROM alarm").fetchone()["due_at"] == datetime(2026, 3, 28, 6, tzinfo=UTC).timestamp()
    world.pass_time(hours=18)
    world.ring()
    assert [row.due for row in world.rows() if row.cause == "clock" and row.state == "started"] == ["2026-03-28T06:00:00+00:00"]


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
