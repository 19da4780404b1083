"""Schedules under every clock: no due time is started twice, none is lost, and each has its row.
The store is real, what is started is not.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines.schedules.calendar import Calendar
from jupyter_mlinfra.pipelines.schedules.decide import decide
from jupyter_mlinfra.pipelines.schedules.service import Schedules
from jupyter_mlinfra.pipelines.schedules.spec import Firing

NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)
YEAR = 366 * 86_400.0


class Killed(BaseException):
    """The process is gone."""


class Jobs:
    """Takes jobs once a key, as the real ones; `kill` ends the caller before or after the next one
    is taken.
    """

    def heal(self) -> None:
        """There is no supervisor that could die."""

    def __init__(self) -> None:
        self.taken: dict[str, SimpleNamespace] = {}
        self.kill = ""
        self.lasting = False

    def submit(self, spec: Any) -> Any:
        self._end("before")
        if spec.key not in self.taken:
            state = "running" if self.lasting else "succeeded"
            self.taken[spec.key] = SimpleNamespace(
                id=f"{len(self.taken):08x}", spec=spec, state=state, reason=""
            )
        self._end("after")
        return self.taken[spec.key]

    def job_of(self, key: str) -> Any:
        return self.taken.get(key)

    def check(self, spec: Any) -> None:
        pass

    def look(self, job: str) -> Any:
        return next(item for item in self.taken.values() if item.id == job)

    def cancel(self, job: str) -> Any:
        self.look(job).state = "cancelled"
        return self.look(job)

    def heed_alarms(self, *, start: bool) -> None:
        pass

    def _end(self, when: str) -> None:
        if self.kill == when:
            self.kill = ""
            raise Killed

    def due_times(self) -> list[str]:
        """The due times that were started, in order; the command of each job holds its own."""
        return [item.spec.command[1] for item in self.taken.values()]


class World:
    """A project, a clock that can be set, and schedules that can be restarted."""

    def __init__(self, root: Path, *, start: datetime = NOON) -> None:
        (root / "mlinfra.toml").write_text("")
        self.project = Project.open(root)
        self.now = start
        self.awake = 0.0
        self.jobs = Jobs()
        self.restart()

    def restart(self) -> None:
        self.schedules = Schedules(
            self.project, None, self.jobs, clock=lambda: self.now, steady=lambda: self.awake
        )  # type: ignore[arg-type]

    def create(self, cron: str, **facts: Any) -> None:
        self.schedules.create("s", cron=cron, job={"command": ["echo", "{{ due }}"]}, **facts)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def ring(self) -> None:
        """As the supervisor does: again when it was killed."""
        try:
            self.schedules.ring()
        except Killed:
            self.restart()

    def rows(self) -> list[Firing]:
        """The history, oldest first."""
        found: list[Firing] = []
        cursor = None
        while True:
            page = self.schedules.history("s", limit=500, cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found[::-1]

    def told(self) -> list[tuple[str, str, str]]:
        return [(row.due[5:16], row.cause, row.state) for row in self.rows()]


@pytest.fixture
def world(project: Project) -> World:
    return World(project.root)


@pytest.fixture(scope="module")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with all tables: making them takes longer than a whole example."""
    root = tmp_path_factory.mktemp("empty")
    (root / "mlinfra.toml").write_text("")
    project = Project.open(root)
    with project.database.write() as connection:
        connection.execute("DELETE FROM alarm")
    project.database.close()
    return (project.home / "state.db").read_bytes()


STEPS = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 200_000)),  # seconds
    st.tuples(st.just("pass"), st.integers(1, 300)),
    st.tuples(st.just("set back"), st.integers(1, 100_000)),
    st.tuples(st.just("set back"), st.integers(1, 90)),
    st.tuples(st.just("kill before"), st.just(0)),
    st.tuples(st.just("kill after"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["0 * * * *", "30 2 * * *", "*/20 1-4 * * *", "0 0 * * *", "15,45 */6 * * *"]),
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from(["all", "latest", "none"]),
    st.sampled_from(
        [
            datetime(2026, 3, 27, 12, tzinfo=UTC),
            datetime(2026, 10, 23, 12, tzinfo=UTC),
            datetime(2026, 4, 3, 3, tzinfo=UTC),
        ]
    ),
    st.lists(STEPS, max_size=12),
)
def test_none_twice_and_none_lost_whatever_the_clock_does(
    empty_state: bytes,
    cron: str,
    tz: str,
    catchup: str,
    start: datetime,
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as folder:  # a disk that syncs would make it minutes
        root = Path(folder).resolve()
        (root / ".mlinfra").mkdir()
        (root / ".mlinfra" / "state.db").write_bytes(empty_state)
        world = World(root, start=start)
        world.create(cron, tz=tz, catchup=catchup, grace_seconds=YEAR)
        earliest = latest = world.now
        for what, amount in steps:
            if what == "pass":
                world.pass_time(seconds=amount)
            elif what == "set back":
                world.pass_time(seconds=-amount)
            elif what == "restart":
                world.restart()
            else:
                world.jobs.kill = what.removeprefix("kill ")
            earliest, latest = min(earliest, world.now), max(latest, world.now)
            world.ring()
        # The clock is right again, and has passed every time that it ever showed.
        world.now = max(latest, world.now) + timedelta(seconds=1)
        world.jobs.kill = ""
        world.ring()

        every = [due.isoformat() for due in Calendar(cron, tz).between(earliest, world.now)]
        rows = world.rows()
        started = Counter(world.jobs.due_times())
        assert not [due for due, count in started.items() if count > 1], "twice"
        assert sorted(row.due for row in rows if row.cause == "clock") == sorted(every), (
            "each due time has one row"
        )
        assert not [row for row in rows if row.state == "waiting"]
        assert {row.due for row in rows if row.state == "started"} == set(started)
        if catchup == "all":
            assert set(started) == set(every), "lost"
        if every and catchup != "none":
            assert started, "the latest is made up for"
        world.project.database.close()


@settings(max_examples=examples(80), deadline=None)
@given(
    st.lists(st.integers(-500_000, 0), unique=True, max_size=30),
    st.sampled_from(["all", "latest", "none"]),
    st.integers(0, 400_000),
)
def test_a_decision_has_one_row_a_due_time_and_makes_up_for_no_more_than_the_policy_says(
    ages: list[int], catchup: Any, grace: int
) -> None:
    dues = [NOON + timedelta(seconds=age) for age in sorted(ages)]
    verdicts = decide(dues, NOON, catchup=catchup, grace=timedelta(seconds=grace))
    assert [verdict.due for verdict in verdicts if verdict.cause == "clock"] == dues
    late = [due for due in dues if (NOON - due).total_seconds() > 60]
    young = [due for due in late if (NOON - due).total_seconds() <= grace]
    made_up = [verdict.due for verdict in verdicts if verdict.cause == "catchup"]
    on_time = [due for due in dues if due not in late]
    assert made_up == {"all": young, "latest": [] if on_time else young[-1:], "none": []}[catchup]
    assert {verdict.due for verdict in verdicts if verdict.state == "missed"} == set(late)
    assert all(verdict.reason for verdict in verdicts if verdict.state == "missed")


def test_stopped_over_a_due_time_one_missed_row_stands_and_the_latest_runs_once(
    world: World,
) -> None:
    world.create("0 6 * * *", tz="Europe/Paris")
    world.pass_time(hours=17)  # 05:00 UTC is 06:00 in Paris
    world.ring()
    world.ring()
    assert world.told() == [("03-28T06:00", "clock", "started")]

    world.schedules.stop()
    world.pass_time(hours=26)
    world.ring()  # one that was about to come up
    assert len(world.rows()) == 1

    world.schedules.start()
    for _ in range(3):
        world.ring()
    assert world.told()[1:] == [
        ("03-29T06:00", "clock", "missed"),
        ("03-29T06:00", "catchup", "started"),
    ]
    assert world.schedules.show("s").missed == 1
    assert world.jobs.due_times() == ["2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"]


@pytest.mark.parametrize(
    ("catchup", "grace_hours", "made_up"),
    [
        ("latest", 6, ["11:00"]),
        ("all", 6, ["06:00", "07:00", "08:00", "09:00", "10:00", "11:00"]),
        ("none", 6, []),
        ("latest", 0.4, []),
        ("all", 2, ["10:00", "11:00"]),
    ],
)
def test_what_was_missed_is_made_up_for_as_the_policy_says(
    world: World, catchup: str, grace_hours: float, made_up: list[str]
) -> None:
    world.now = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
    world.create("0 * * * *", catchup=catchup, grace_seconds=grace_hours * 3600)
    world.pass_time(hours=11)  # 11:30
    world.ring()
    world.ring()
    assert [
        row.due[11:16] for row in world.rows() if row.cause == "clock" and row.state == "missed"
    ] == [f"{hour:02d}:00" for hour in range(1, 12)]
    assert [due[11:16] for due in world.jobs.due_times()] == made_up
    left = [
        row.reason
        for row in world.rows()
        if row.state == "missed" and row.due[11:16] not in made_up
    ]
    assert all(
        "The policy" in reason or "older than the grace" in reason or "Only the latest" in reason
        for reason in left
    )


def test_of_an_hour_that_comes_twice_only_the_latest_is_made_up_for(world: World) -> None:
    world.now = datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
    world.create("30 * * * *", tz="Europe/Paris", catchup="latest")
    world.pass_time(hours=2)
    world.ring()
    assert [row.due for row in world.rows() if row.state == "missed"] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
    ]
    assert world.jobs.due_times() == ["2026-10-25T02:30:00+01:00"]


def test_a_clock_that_was_years_ahead_stops_nothing_when_it_is_right_again(world: World) -> None:
    world.create("0 6 * * *")
    true = world.now
    world.now = true + timedelta(days=1500)
    world.ring()
    assert sum(row.state == "missed" for row in world.rows()) == 1500
    world.now = true + timedelta(minutes=5)
    world.ring()
    world.now = true + timedelta(hours=18, seconds=10)
    world.ring()
    (first,) = [row for row in world.rows() if row.due.startswith("2026-03-28")]
    assert (first.cause, first.state) == ("clock", "started")
    (alarm,) = (
        world.project.database._connection().execute("SELECT due_at, set_at FROM alarm").fetchall()
    )
    assert alarm["due_at"] == datetime(2026, 3, 29, 6, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel"])
def test_a_due_time_while_the_one_before_goes_on(world: World, policy: str) -> None:
    world.create("0 * * * *", overlap=policy)
    world.jobs.lasting = True
    for _ in range(3):
        world.pass_time(hours=1)
        world.ring()
    first, second, third = world.rows()
    if policy == "skip":
        assert [row.state for row in (first, second, third)] == ["started", "skipped", "skipped"]
        assert second.reason == "Job 00000000 was still running."
    if policy == "cancel":
        assert [row.outcome for row in (first, second, third)] == [
            "cancelled",
            "cancelled",
            "running",
        ]
    if policy == "queue":
        assert [row.state for row in (first, second, third)] == ["started", "waiting", "waiting"]
        assert second.reason == "Waits for job 00000000 to end."
        for _ in range(3):
            for job in world.jobs.taken.values():
                job.state = "succeeded"
            world.pass_time(seconds=15)
            world.ring()
        assert [row.state for row in world.rows()] == ["started"] * 3
        assert [due[11:16] for due in world.jobs.due_times()] == ["13:00", "14:00", "15:00"]


def test_those_that_are_made_up_for_take_turns(world: World) -> None:
    world.create("0 * * * *", catchup="all", overlap="skip")
    world.jobs.lasting = True
    world.pass_time(hours=3, minutes=30)
    for turn in range(1, 4):
        world.ring()
        assert len(world.jobs.taken) == turn
        for job in world.jobs.taken.values():
            job.state = "succeeded"
    assert [row.state for row in world.rows() if row.cause == "catchup"] == ["started"] * 3


def test_a_pause_is_nobodys_loss(world: World) -> None:
    world.create("0 * * * *", catchup="all")
    paused = world.schedules.pause("s")
    assert (paused.state, paused.next) == ("paused", [])
    world.pass_time(hours=5, minutes=30)
    world.ring()
    resumed = world.schedules.resume("s")
    assert resumed.next[0] == "2026-03-27T18:00:00+00:00"
    world.ring()
    assert world.rows() == []
    assert resumed.missed == 0
    world.pass_time(hours=1)
    world.schedules.resume("s")  # again, while it goes on: no due time is forgotten over it
    world.ring()
    assert world.told() == [
        ("03-27T18:00", "clock", "missed"),
        ("03-27T18:00", "catchup", "started"),
    ]


def test_a_pause_takes_back_what_waits(world: World) -> None:
    world.create("0 * * * *", overlap="queue")
    world.jobs.lasting = True
    for _ in range(2):
        world.pass_time(hours=1)
        world.ring()
    world.schedules.pause("s")
    world.schedules.resume("s")
    assert [(row.state, row.reason) for row in world.rows()] == [
        ("started", ""),
        ("skipped", "The schedule was paused."),
    ]


def test_a_missed_due_time_is_run_by_hand_with_its_own_date(world: World) -> None:
    world.create("0 6 * * *", tz="Europe/Paris", catchup="none")
    world.pass_time(hours=20)
    world.ring()
    assert world.schedules.show("s").missed == 1
    (missed,) = world.rows()
    firing = world.schedules.run_now("s", due=missed.due_at)
    assert (firing.cause, firing.state, firing.due, firing.user) == (
        "hand",
        "started",
        missed.due,
        "ana",
    )
    assert world.jobs.due_times() == ["2026-03-28T06:00:00+01:00"]
    assert world.schedules.show("s").missed == 0
    assert [row.state for row in world.rows()] == ["missed", "started"]


def test_new_times_count_from_now_on(world: World) -> None:
    world.create("0 6 * * *", catchup="all")
    world.pass_time(hours=3, minutes=30)
    changed = world.schedules.update("s", cron="0 * * * *")
    assert changed.next[0] == "2026-03-27T16:00:00+00:00"
    world.ring()
    assert world.rows() == []
    kept = world.schedules.update("s", overlap="queue", job={"gpus": 0})
    assert (kept.overlap, kept.job, kept.catchup) == (
        "queue",
        {"command": ["echo", "{{ due }}"], "gpus": 0},
        "all",
    )


def test_what_cannot_be_started_fails_with_its_reason_and_the_next_is_tried(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("0 * * * *")
    submit = world.jobs.submit
    faults: Iterator[Exception | None] = iter(
        [NotFound("There is no a.ipynb."), Unavailable("The disk is full."), None]
    )

    def broken(spec: Any) -> Any:
        if (fault := next(faults)) is not None:
            raise fault
        return submit(spec)

    monkeypatch.setattr(world.jobs, "submit", broken)
    world.pass_time(hours=1)
    world.ring()
    world.pass_time(hours=1)
    world.ring()
    assert [(row.state, row.reason) for row in world.rows()] == [
        ("failed", "There is no a.ipynb."),
        ("waiting", "Waits: The disk is full."),
    ]
    world.pass_time(seconds=15)
    world.ring()
    assert [row.state for row in world.rows()] == ["failed", "started"]
    assert world.schedules.show("s").last.state == "started"


def test_the_alarm_is_for_the_next_due_time_of_all(world: World) -> None:
    def alarm() -> float | None:
        with world.project.database.read() as connection:
            row = connection.execute("SELECT due_at FROM alarm").fetchone()
        return row and row["due_at"]

    world.create("0 6 * * *")
    world.schedules.create("often", cron="*/10 * * * *", job={"command": ["true"]})
    assert alarm() == (world.now + timedelta(minutes=10)).timestamp()
    world.schedules.pause("often")
    assert alarm() == datetime(2026, 3, 28, 6, tzinfo=UTC).timestamp()
    world.schedules.delete("s")
    assert alarm() is None


def rings(root: str, at: datetime, count: int) -> None:
    """A process that looks at the schedules as fast as it can; each job leaves a line."""

    class Lines(Jobs):
        def submit(self, spec: Any) -> Any:
            handle = os.open(f"{root}/lines", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, f"{spec.command[1]}\n".encode())
            os.close(handle)
            return SimpleNamespace(id="0" * 8)

        def look(self, job: str) -> Any:
            return SimpleNamespace(state="succeeded", reason="")

    project = Project.open(root)
    for minute in range(count):
        schedules = Schedules(
            project, None, Lines(), clock=lambda now=at + timedelta(minutes=minute, seconds=1): now
        )  # type: ignore[arg-type, misc]
        for _ in range(3):
            try:
                schedules.ring()
                break
            except Conflict:
                continue


def test_rings_of_several_processes_start_each_due_time_once(world: World) -> None:
    world.create("* * * * *", catchup="all", overlap="queue")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=rings, args=(str(world.project.root), NOON, 30)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    world.now = NOON + timedelta(minutes=29, seconds=1)
    rings(str(world.project.root), NOON, 30)
    lines = (world.project.root / "lines").read_text().splitlines()
    assert sorted(lines) == sorted(
        (NOON + timedelta(minutes=minute)).isoformat() for minute in range(1, 30)
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"name": "a b"}, "cannot be the name"),
        ({"cron": "x"}, r"not a cron text\. It has 1 field instead"),
        ({"tz": "Mars"}, "no time zone"),
        ({"catchup": "some"}, "catchup cannot be"),
        ({"overlap": "both"}, "overlap cannot be"),
        ({"grace_seconds": -1}, "grace"),
        ({"job": {"command": ["echo", "{{ yesterday }}"]}}, "has no value"),
        ({"job": {"command": ["echo"], "gpu": 1}}, "A job has no gpu"),
        ({"job": {"command": []}}, "one notebook or one command"),
        ({"pipeline": "p"}, "one pipeline or one job"),
        ({"parameters": {"x": 1}}, "takes no parameters"),
        ({"parameters": {"x": float("nan")}}, "JSON"),
        ({"cron": None}, "When is it due"),
        ({"colour": "red"}, "has no colour"),
    ],
)
def test_nonsense_is_refused_when_it_is_said(
    world: World, facts: dict[str, Any], words: str
) -> None:
    sound: dict[str, Any] = {"name": "s", "cron": "0 6 * * *", "job": {"command": ["echo"]}}
    with pytest.raises(BadRequest, match=words):
        world.schedules.create(**(sound | facts))
    assert world.schedules.list().total == 0


def test_the_history_says_why_a_job_failed(world: World) -> None:
    world.create("0 6 * * *")
    firing = world.schedules.run_now("s")
    job = world.jobs.look(firing.job or "")
    job.state, job.reason = "failed", "Exit code 2."
    (row,) = world.rows()
    assert (row.state, row.outcome, row.reason) == ("started", "failed", "Exit code 2.")


def test_a_name_is_used_once(world: World) -> None:
    world.create("0 6 * * *")
    with pytest.raises(Conflict, match="already"):
        world.create("0 7 * * *")
    missing: list[Callable[[str], Any]] = [
        world.schedules.show,
        world.schedules.pause,
        world.schedules.delete,
        world.schedules.history,
        world.schedules.run_now,
    ]
    for verb in missing:
        with pytest.raises(NotFound):
            verb("t")
    assert world.schedules.show("schedule:s").name == "s"
