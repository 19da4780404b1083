"""Schedules of pipelines under a set clock: what a due time does beside other runs. Runs, lanes and
locks are real; their drivers are not started.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.pipelines import PipelineRun, Pipelines, RunState
from jupyter_mlinfra.pipelines.launching import Launcher
from jupyter_mlinfra.pipelines.schedules.service import Schedules
from jupyter_mlinfra.pipelines.schedules.spec import Firing
from jupyter_mlinfra.pipelines.spec import StepState

from .conftest import Workshop
from .test_schedule_clock import Jobs

SIX = datetime(2026, 3, 27, 6, tzinfo=UTC)
PLAIN = """
pipeline: churn
parameters: {day: x}
steps:
  only: {notebook: only.ipynb, params: {day: "{{ day }}"}, out: only.txt}
"""


class World:
    """A pipeline, a clock that can be set, and a schedule of the pipeline. `drivers`: runs for
    which one was asked.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.jobs = Jobs()
        self.pipelines = Pipelines(project, self.jobs)  # type: ignore[arg-type]
        self.now = SIX - timedelta(hours=1)
        self.drivers: list[str] = []
        self.schedules = Schedules(project, self.pipelines, self.jobs, clock=lambda: self.now)  # type: ignore[arg-type]

    def ring(self, at: datetime | None = None, **later: float) -> None:
        self.now = (at or self.now) + timedelta(**later)
        self.schedules.ring()

    def alarm(self) -> timedelta:
        """How long until the next ring."""
        with self.project.database.read() as connection:
            return (
                datetime.fromtimestamp(
                    connection.execute("SELECT due_at FROM alarm").fetchone()["due_at"], UTC
                )
                - self.now
            )

    def rows(self) -> list[Firing]:
        """The history, oldest first."""
        return list(self.schedules.history("s").items)[::-1]

    def told(self) -> list[tuple[str, str, str]]:
        return [(row.due[5:16], row.state, row.outcome) for row in self.rows()]

    def lose_driver(self, run: str) -> None:
        self.pipelines._store.release(self.pipelines._store.run(run))

    def cancelled(self, run: str) -> bool:
        return bool(self.pipelines._store.run(run).cancelled_by)

    def end(self, run: str) -> None:
        self.pipelines._store.end(self.pipelines._store.run(run), RunState.SUCCEEDED)


@pytest.fixture
def world(project: Project, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> World:
    workshop.notebook("only", "pass", parameters="day = ''")
    workshop.pipeline(PLAIN)
    world = World(project)

    def spawn(launcher: Launcher, words: Sequence[str], **_: Any) -> None:
        world.drivers += words

    monkeypatch.setattr(Launcher, "spawn", spawn)
    return world


def test_a_schedule_of_no_pipeline_is_told_how_to_name_what_it_starts(world: World) -> None:
    with pytest.raises(NotFound, match="no pipeline s3") as refused:
        world.schedules.create("s3", cron="0 6 * * *")
    assert all(word in refused.value.fix for word in ("--pipeline", "--notebook"))
    with pytest.raises(NotFound, match="no pipeline s4"):
        world.schedules.create("s3", cron="0 6 * * *", pipeline="s4")


def test_a_run_that_loses_its_driver_goes_on_within_a_minute(world: World) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *")
    world.ring(SIX, seconds=1)
    (row,) = world.rows()
    assert world.drivers == [row.run]

    for _ in range(2):  # a reboot, and a driver that was killed for want of memory
        world.lose_driver(row.run or "")
        assert world.alarm() <= timedelta(minutes=1)
        world.ring(seconds=world.alarm().total_seconds())
    assert world.drivers == [row.run] * 3
    (told,) = world.rows()
    assert (told.state, told.outcome, told.run) == ("started", "running", row.run)
    assert "it was continued" in told.reason
    world.ring(seconds=30)
    assert world.drivers == [row.run] * 3, "it has one again"

    world.end(row.run or "")
    world.ring(seconds=30)
    assert world.now + world.alarm() == SIX + timedelta(days=1), "nothing is left to look at"


def test_a_run_that_lost_its_driver_goes_on_in_a_pause(world: World) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *")
    world.ring(SIX, seconds=1)
    (row,) = world.rows()
    world.schedules.pause("s")
    world.lose_driver(row.run or "")
    world.ring(seconds=world.alarm().total_seconds())
    assert world.drivers == [row.run] * 2


def test_a_due_time_waits_for_a_run_that_had_to_be_gone_on_with_and_no_other_is_left_out_for_it(
    world: World,
) -> None:
    world.schedules.create(
        "s", pipeline="churn", cron="0 6 * * *", overlap="skip", parameters={"day": "{{ date }}"}
    )
    world.ring(SIX, seconds=1)
    first = world.rows()[0].run or ""
    world.lose_driver(first)
    world.ring(SIX, days=1, seconds=1)  # the machine was off until then
    for _ in range(3):
        world.ring(seconds=15)
    assert world.told() == [("03-27T06:00", "started", "running"), ("03-28T06:00", "waiting", "")]
    assert world.rows()[1].reason == f"Waits for run {first} to end."

    world.end(first)
    world.ring(seconds=15)
    assert world.told() == [
        ("03-27T06:00", "started", "succeeded"),
        ("03-28T06:00", "started", "running"),
    ]
    second: PipelineRun = world.pipelines.show_run(world.rows()[1].run or "")
    assert second.parameters == {"day": "2026-03-28"}

    world.ring(SIX, days=2, seconds=1)
    assert world.rows()[2].state == "skipped", "that one has gone on all the time"


DATED = """
pipeline: churn
parameters: {date: 2026-01-01}
steps:
  only: {notebook: only.ipynb, params: {day: "{{ date }}"}, out: "only-{{ date }}.txt"}
"""


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel"])
def test_somebody_elses_run_is_waited_for_and_never_cancelled(world: World, policy: str) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *", overlap=policy)
    other = world.pipelines.run("churn", parameters={"day": "by hand"}, wait=False).run
    world.ring(SIX, seconds=1)
    world.ring(seconds=15)
    (row,) = world.rows()
    assert (row.state, row.reason) == ("waiting", f"Waits for run {other} of ana to end.")
    assert not world.cancelled(other)

    world.end(other)
    world.ring(seconds=15)
    assert world.told() == [("03-27T06:00", "started", "running")]


def test_the_history_says_why_a_run_failed(world: World) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *")
    world.ring(SIX, seconds=1)
    store = world.pipelines._store
    run = store.run(world.rows()[0].run or "")
    store.move(run, store.steps(run)["only"], StepState.FAILED, reason="Exit code 2.")
    store.end(run, RunState.FAILED)
    (row,) = world.rows()
    assert (row.state, row.outcome, row.reason) == ("started", "failed", "only: Exit code 2.")


def test_a_run_of_another_date_hides_none_of_the_schedule_and_hinders_none(
    world: World, workshop: Workshop
) -> None:
    workshop.pipeline(DATED)
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *", overlap="skip")
    # Goes on all the time.
    world.pipelines.run("churn", parameters={"date": "2025-12-31"}, wait=False)
    world.ring(SIX, seconds=1)
    # Newer, and over.
    world.end(world.pipelines.run("churn", parameters={"date": "2025-01-01"}, wait=False).run)
    world.ring(SIX, days=1, seconds=1)
    assert world.told() == [("03-27T06:00", "started", "running"), ("03-28T06:00", "skipped", "")]
    assert world.rows()[1].reason == f"Run {world.rows()[0].run} was still running."


def test_the_last_of_due_times_that_wait_for_another_run_replaces_the_others_where_policy_cancels(
    world: World,
) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 * * * *", overlap="cancel")
    other = world.pipelines.run("churn", parameters={"day": "by hand"}, wait=False).run
    world.ring(SIX, seconds=1)
    world.ring(SIX, hours=1, seconds=1)
    world.end(other)
    world.ring(seconds=15)
    assert [row.state for row in world.rows()] == ["skipped", "started"]


def test_a_run_that_has_begun_is_noted_though_its_file_has_gone_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *")
    monkeypatch.setattr(
        world.schedules._store,
        "started",
        lambda *_, **__: (_ for _ in ()).throw(Unavailable("The disk is full.")),
    )
    world.ring(SIX, seconds=1)
    assert [row.state for row in world.rows()] == ["waiting"]
    monkeypatch.undo()
    monkeypatch.setattr(Launcher, "spawn", lambda *_, **__: None)
    (world.project.root / "p.mlpipeline.yaml").unlink()
    world.ring(seconds=15)
    assert world.told() == [("03-27T06:00", "started", "running")]


@pytest.mark.parametrize("driven", [True, False])
def test_a_run_that_is_cancelled_for_the_next_is_left_to_its_driver(
    world: World, driven: bool
) -> None:
    world.schedules.create("s", pipeline="churn", cron="0 6 * * *", overlap="cancel")
    world.ring(SIX, seconds=1)
    first = world.rows()[0].run or ""
    if not driven:
        world.lose_driver(first)
    world.ring(SIX, days=1, seconds=1)
    assert world.cancelled(first)
    assert world.drivers == [first] * (1 if driven else 2)
    assert [(row.state, row.reason) for row in world.rows()][1] == (
        "waiting",
        f"Waits for run {first}, which is being cancelled, to end.",
    )
    world.end(first)
    world.ring(seconds=15)
    assert [row.state for row in world.rows()] == ["started", "started"]


def test_a_cancel_that_does_not_wait_gives_a_run_without_a_driver_one_to_end_it(
    world: World,
) -> None:
    run = world.pipelines.run("churn", wait=False).run
    assert world.pipelines.cancel(run, wait=False).state == "running"
    assert world.drivers == [run]
    world.lose_driver(run)
    world.pipelines.cancel(run, wait=False)
    assert world.drivers == [run, run]
    assert world.pipelines.drive(run).state == "cancelled"
