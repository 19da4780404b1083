"""Changes of a schedule under a set clock: what it was due for until then is not forgotten over
them.
"""

from __future__ import annotations

import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines.schedules.calendar import Calendar

from .test_schedule_clock import YEAR, World, empty_state

__all__ = ["empty_state"]


@pytest.fixture
def world(project: Project) -> World:
    return World(project.root)


@pytest.mark.parametrize(
    "change", [{"cron": "30 * * * *"}, {"tz": "Asia/Kolkata"}, {"overlap": "queue"}]
)
def test_a_due_time_just_before_a_change_is_started_all_the_same(
    world: World, change: dict[str, Any]
) -> None:
    world.create("0 * * * *", catchup="none")
    world.pass_time(hours=1, seconds=2)  # the ring is on its way
    world.schedules.update("s", **change)
    world.ring()
    assert [(row.due_at.hour, row.cause, row.state) for row in world.rows()] == [
        (13, "clock", "started")
    ]
    assert len(world.jobs.taken) == 1


@pytest.mark.parametrize("said", ["before", "with the change"])
def test_days_without_a_supervisor_are_made_up_for_after_new_times_were_set(
    world: World, said: str
) -> None:
    policy: dict[str, Any] = {"catchup": "all", "grace_seconds": 3 * 86_400}
    world.create("0 6 * * *", **(policy if said == "before" else {"catchup": "none"}))
    world.pass_time(days=3)
    changed = world.schedules.update("s", cron="0 7 * * *", **(policy if said != "before" else {}))
    assert (changed.missed, changed.next[0]) == (3, "2026-03-31T07:00:00+00:00")
    world.ring()
    days = ["03-28T06:00", "03-29T06:00", "03-30T06:00"]
    assert [due[5:16] for due in world.jobs.due_times()] == days
    assert sorted(world.told()) == sorted(
        (day, cause, state)
        for day in days
        for cause, state in (("clock", "missed"), ("catchup", "started"))
    )


def test_a_due_time_just_before_a_pause_has_its_row(world: World) -> None:
    world.create("0 * * * *")
    world.pass_time(hours=1, seconds=2)
    world.schedules.pause("s")
    world.pass_time(hours=1)
    world.schedules.resume("s")
    world.ring()
    assert [(row.due[11:16], row.state, row.reason) for row in world.rows()] == [
        ("13:00", "skipped", "The schedule was paused.")
    ]


def test_what_was_missed_before_a_pause_counts_and_what_passes_in_it_does_not(world: World) -> None:
    world.create("0 * * * *", catchup="all")
    world.pass_time(hours=2, minutes=30)  # no supervisor
    assert world.schedules.pause("s").missed == 2
    world.pass_time(hours=4)
    resumed = world.schedules.resume("s")
    assert (resumed.missed, [due[11:16] for due in resumed.next]) == (
        2,
        ["19:00", "20:00", "21:00", "22:00", "23:00"],
    )
    world.ring()
    assert world.jobs.due_times() == []
    assert [(row.cause, row.state) for row in world.rows()] == [
        ("clock", "missed"),
        ("catchup", "skipped"),
    ] * 2


@pytest.mark.parametrize(
    ("due", "why"),
    [
        (
            "2026-03-28T06:00:00",
            "the next time after it is 2026-03-29T06:00:00+02:00",
        ),  # UTC, as everywhere: 07:00 in Paris
        ("2026-03-28T05:00:01+00:00", "the next time"),
        ("2026-03-28T05:00:00.5+00:00", "the next time"),
        ("2026-03-29T06:00:00+02:00", "still to come"),
        ("0001-01-01T00:00:00", "does not reach"),
        ("9999-12-31T23:59:59-12:00", "does not reach"),
    ],
)
def test_by_hand_for_a_time_at_which_it_was_not_due_is_refused(
    world: World, due: str, why: str
) -> None:
    world.create("0 6 * * *", tz="Europe/Paris")
    world.pass_time(hours=20)
    with pytest.raises(BadRequest, match="was not due at") as caught:
        world.schedules.run_now("s", due=datetime.fromisoformat(due))
    assert why in caught.value.why
    assert caught.value.fix
    assert (world.rows(), world.jobs.taken) == ([], {})


def test_a_due_time_without_a_zone_is_in_utc_wherever_the_server_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    first, second = (
        datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=ZoneInfo("Europe/Paris")) for fold in (0, 1)
    )
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
    shown = world.schedules.show("s")
    assert (shown.next[0], shown.missed) == ("2026-03-28T06:00:00+00:00", 0)
    # Sets the alarm anew, by a clock that is right.
    world.schedules.create("other", cron="0 0 1 1 *", job={"command": ["true"]})
    with world.project.database.read() as connection:
        assert (
            connection.execute("SELECT due_at FROM alarm").fetchone()["due_at"]
            == datetime(2026, 3, 28, 6, tzinfo=UTC).timestamp()
        )
    world.pass_time(hours=18)
    world.ring()
    assert [row.due for row in world.rows() if row.cause == "clock" and row.state == "started"] == [
        "2026-03-28T06:00:00+00:00"
    ]


def test_a_schedule_is_not_deleted_while_its_due_time_is_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("0 * * * *")
    submit, deleting = (
        world.jobs.submit,
        threading.Thread(target=lambda: world.schedules.delete("s")),
    )

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


@pytest.mark.parametrize("change", ["pause", "another start", "a pipeline instead"])
def test_what_was_begun_just_before_the_end_of_who_began_it_counts_as_started(
    world: World, change: str
) -> None:
    world.create("0 * * * *", overlap="skip")
    world.pass_time(hours=1)
    world.jobs.kill, world.jobs.lasting = "after", True
    world.ring()
    assert [row.state for row in world.rows()] == ["waiting"]
    if change == "pause":
        world.schedules.pause("s")
    elif change == "another start":  # which goes on still when its turn comes again
        world.schedules.run_now("s", due=datetime(2026, 3, 27, 11, tzinfo=UTC))
    else:
        (world.project.root / "a.ipynb").write_text(
            '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
        )
        (world.project.root / "p.mlpipeline.yaml").write_text(
            "pipeline: p\nsteps: {a: {notebook: a.ipynb}}\n"
        )
        world.schedules.update("s", pipeline="p")
    world.ring()
    (row,) = (row for row in world.rows() if row.cause == "clock")
    assert (row.state, row.job) == ("started", "00000000")


def test_a_fault_of_one_schedule_keeps_no_other_from_being_started(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    submit = world.jobs.submit

    def faulty(spec: Any) -> Any:
        if spec.labels["schedule"] == "a":
            raise ZeroDivisionError("a bug")
        return submit(spec)

    monkeypatch.setattr(world.jobs, "submit", faulty)
    world.schedules.create("a", cron="0 * * * *", job={"command": ["true"]})
    world.create("0 * * * *")
    world.pass_time(hours=1)
    world.ring()
    assert [row.state for row in world.rows()] == ["started"]
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


ACTS = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 200_000)),  # seconds
    st.tuples(st.just("pass"), st.integers(1, 300)),
    st.tuples(
        st.sampled_from(
            ["ring", "ring", "pause", "resume", "down", "up", "kill before", "kill after"]
        ),
        st.just(0),
    ),
    st.tuples(st.just("change"), st.integers(0, 4)),
)
TIMES = [
    ("0 * * * *", "UTC"),
    ("30 2 * * *", "Europe/Paris"),
    ("*/20 1-4 * * *", "Australia/Lord_Howe"),
    ("0 6 31 * *", "America/New_York"),
    ("0 0 * * 1-5", "UTC"),
]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)]
    ),
    st.lists(ACTS, max_size=15),
)
def test_whatever_is_done_to_it_each_due_time_that_it_had_has_one_row(
    empty_state: bytes, start: datetime, acts: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as folder:
        root = Path(folder).resolve()
        (root / ".mlinfra").mkdir()
        (root / ".mlinfra" / "state.db").write_bytes(empty_state)
        world = World(root, start=start)
        world.create(*TIMES[0][:1], catchup="all", grace_seconds=YEAR)
        calendar, since, expected = Calendar(*TIMES[0]), start, []
        for what, amount in [*acts, ("up", 0), ("ring", 0)]:
            if what == "pass":
                world.pass_time(seconds=amount)
            elif what == "ring":
                world.ring()
            elif what == "up":
                world.schedules.start()
            elif what == "down":
                world.schedules.stop()
            elif what.startswith("kill"):
                world.jobs.kill = what.removeprefix("kill ")
            else:
                if since is not None:
                    expected += [due.astimezone(UTC) for due in calendar.between(since, world.now)]
                since = {"pause": None, "resume": world.now, "change": since and world.now}[what]
                if what == "change":
                    calendar = Calendar(*TIMES[amount])
                    world.schedules.update("s", cron=calendar.cron, tz=calendar.tz)
                else:
                    getattr(world.schedules, what)("s")
        world.jobs.kill = ""
        world.ring()
        if since is not None:
            expected += [due.astimezone(UTC) for due in calendar.between(since, world.now)]

        rows = world.rows()
        assert sorted(row.due_at for row in rows if row.cause == "clock") == sorted(set(expected))
        started = [row.due_at for row in rows if row.state == "started"]
        assert len(started) == len(set(started)) == len(world.jobs.taken), "twice"
        paused = {row.due_at for row in rows if row.reason == "The schedule was paused."}
        assert set(started) | paused == set(expected), "lost"
        world.project.database.close()


def forget_zone(world: World, name: str, zone: str = "Europe/Nowhere") -> None:
    """As a zone is that a later edition of the list has no more, or another machine never had."""
    with world.project.database.write() as connection:
        connection.execute("UPDATE schedule SET tz = ? WHERE name = ?", (zone, name))


def test_a_schedule_whose_zone_is_not_known_here_is_a_row_with_its_problem_beside_the_others(
    world: World,
) -> None:
    world.create("0 * * * *")
    world.schedules.create("t", cron="0 * * * *", job={"command": ["true", "{{ due }}"]})
    world.pass_time(hours=1, seconds=2)
    world.ring()
    forget_zone(world, "s")
    found = {item.name: item for item in world.schedules.list().items}
    assert (found["s"].problem, found["s"].next) == (
        "There is no time zone 'Europe/Nowhere'. It is not in the IANA list.",
        [],
    )
    assert (found["t"].problem, len(found["t"].next)) == ("", 5)
    assert [row.due for row in world.rows()] == ["2026-03-27T13:00:00+00:00"]
    assert {item.name for item in world.schedules.search_documents()} == {"s", "t"}
    with pytest.raises(BadRequest, match="Europe/Nowhere"):
        world.schedules.run_now("s")


def test_others_are_started_while_a_zone_is_not_known_and_what_it_missed_is_told_once_it_is(
    world: World,
) -> None:
    world.create("0 * * * *", catchup="all")
    world.schedules.create("t", cron="0 * * * *", job={"command": ["true", "{{ due }}"]})
    forget_zone(world, "s")
    world.pass_time(hours=1, seconds=2)
    world.ring()
    assert world.jobs.due_times() == ["2026-03-27T13:00:00+00:00"]  # of t
    forget_zone(world, "s", "UTC")
    world.pass_time(hours=1)
    world.ring()
    assert [(row.due[11:16], row.cause, row.state) for row in world.rows()] == [
        ("13:00", "clock", "missed"),
        ("13:00", "catchup", "started"),
        ("14:00", "clock", "started"),
    ]


def test_a_schedule_whose_zone_is_not_known_can_be_paused_changed_and_deleted(world: World) -> None:
    world.create("0 * * * *")
    forget_zone(world, "s")
    assert world.schedules.pause("s").state == "paused"
    assert world.schedules.resume("s").problem
    with pytest.raises(BadRequest, match="Europe/Nowhere"):
        world.schedules.update("s", overlap="queue")
    changed = world.schedules.update("s", tz="Asia/Tokyo")
    assert (changed.problem, len(changed.next)) == ("", 5)
    forget_zone(world, "s")
    world.schedules.delete("s")
    assert world.schedules.list().total == 0
