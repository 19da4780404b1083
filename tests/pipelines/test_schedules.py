"""Schedules on the real supervisor, without any server: what is due starts once, whoever is
killed.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.pipelines.schedules.service import Schedules
from jupyter_mlinfra.pipelines.schedules.spec import Firing
from jupyter_mlinfra.workbench import Workbench

CHAIN = """
pipeline: churn
schedule: {cron: "0 6 * * 1-5", tz: Europe/Paris, catchup: all, grace: 90min, overlap: queue, \
parameters: {day: "{{ date }}"}}
parameters: {day: 2013-11-01}
steps:
  only: {notebook: only.ipynb, params: {day: "{{ day }}"}, out: only.txt, cache: false}
"""


@pytest.fixture
def bench(project: Project) -> Iterator[Workbench]:
    """A project whose processes are ended after the test."""
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\ngrace_seconds = 1.0\ngpus = 0\n'
    )
    bench = Workbench(Project.open(project.root))
    yield bench
    bench.schedules.stop()
    for schedule in bench.schedules.list().items:
        bench.schedules.delete(schedule.name)
    bench.pipelines.stop()
    bench.jobs.stop(cancel_running=True)


@pytest.fixture
def due_now(bench: Workbench) -> Callable[..., str]:
    """Makes a schedule that is due just now, or in some seconds, as one that was made before; gives
    the due time.
    """

    def due_now(name: str = "s", **facts: Any) -> str:
        # 40 s ago at most: a minute late would be missed.
        due = (now() + timedelta(seconds=20)).replace(second=0, microsecond=0)
        early = Schedules(
            bench.project,
            bench.pipelines,
            bench.jobs,
            opener=bench.opener,
            clock=lambda: due - timedelta(seconds=30),
        )
        early.create(name, cron=f"{due.minute} {due.hour} * * *", **facts)
        return due.isoformat()

    return due_now


def until[T](look: Callable[[], T], seconds: float = 120) -> T:
    limit = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)
    return found


def firings(bench: Workbench, name: str = "s") -> list[Firing]:
    return list(bench.schedules.history(name).items)


def started(bench: Workbench, name: str = "s") -> list[Firing]:
    return [firing for firing in firings(bench, name) if firing.state == "started"]


def lines(bench: Workbench) -> list[str]:
    path = bench.project.root / "ran"
    return path.read_text().splitlines() if path.exists() else []


def kill_supervisor(bench: Workbench) -> None:
    pid = bench.jobs.supervisor().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: bench.jobs.supervisor().pid is None)


COMMAND = {"command": ["sh", "-c", "echo {{ due }} >> ran"]}


@pytest.mark.parametrize(
    ("failpoint", "seen"),
    [
        ("recorded", lambda bench: [firing.state for firing in firings(bench)][:1] == ["waiting"]),
        ("submitted", lambda bench: bench.jobs.list().total == 1),
        ("dispatched", started),
    ],
    ids=["written down, not started", "started, not noted", "noted, next alarm not set"],
)
def test_a_due_job_starts_once_though_ring_and_supervisor_are_killed(
    bench: Workbench,
    due_now: Callable[..., str],
    failpoint: str,
    seen: Callable[[Workbench], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLINFRA_FAIL", failpoint)
    bench.jobs.start()
    due = due_now(job=COMMAND)
    until(lambda: seen(bench))
    kill_supervisor(bench)
    monkeypatch.delenv("MLINFRA_FAIL")

    bench.jobs.start()
    (firing,) = until(lambda: started(bench))
    until(lambda: alarm_is_later(bench))

    assert bench.jobs.wait([firing.job], timeout=60)[0].state == "succeeded"
    assert lines(bench) == [due]
    assert bench.jobs.list().total == 1
    assert firing.due == due
    assert bench.jobs.show(firing.job).labels["schedule"] == "s"


def alarm_is_later(bench: Workbench) -> bool:
    with bench.project.database.read() as connection:
        row = connection.execute("SELECT due_at FROM alarm").fetchone()
    return row is not None and row["due_at"] > time.time()


def test_a_pipeline_is_begun_once_though_the_ring_is_killed_between_begin_and_driver(
    bench: Workbench, workshop: Any, due_now: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.notebook(
        "only",
        "with open('ran', 'a') as file: file.write(day + '\\n')\nopen('only.txt', 'w').close()",
        parameters="day = ''",
    )
    workshop.pipeline(CHAIN)
    monkeypatch.setenv("MLINFRA_FAIL", "begun")
    bench.jobs.start()
    due = due_now("churn", parameters={"day": "{{ date }}"})
    until(lambda: bench.pipelines.runs("churn").total == 1)
    kill_supervisor(bench)
    monkeypatch.delenv("MLINFRA_FAIL")
    bench.jobs.start()
    (firing,) = until(lambda: started(bench, "churn"))
    until(lambda: bench.pipelines.show_run(firing.run).state != "running")
    assert bench.pipelines.show_run(firing.run).state == "succeeded"
    assert bench.pipelines.runs("churn").total == 1
    assert lines(bench) == [due[:10]]
    (told,) = firings(bench, "churn")
    assert (told.outcome, told.run) == ("succeeded", firing.run)


def test_down_over_a_due_time_up_again_one_miss_stands_and_the_latest_runs_once(
    bench: Workbench,
) -> None:
    due = (now() - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    before = due - timedelta(hours=1)
    early = Schedules(
        bench.project, bench.pipelines, bench.jobs, opener=bench.opener, clock=lambda: before
    )
    early.create("s", cron=f"0 {due.hour} * * *", job=COMMAND)
    bench.jobs.start()
    bench.schedules.stop()
    bench.jobs.stop()
    assert bench.schedules.show("s").missed == 0

    # Brings the supervisor up; the schedules stay down until `up`
    job = bench.jobs.submit(JobSpec(command=["true"]))
    assert bench.jobs.wait([job.id], timeout=60)[0].state == "succeeded"
    assert firings(bench) == []
    bench.up()

    (made_up,) = until(lambda: started(bench))
    assert bench.jobs.wait([made_up.job], timeout=60)[0].state == "succeeded"
    assert [(firing.due_at, firing.cause, firing.state) for firing in firings(bench)] == [
        (due, "catchup", "started"),
        (due, "clock", "missed"),
    ]
    assert lines(bench) == [due.isoformat()]
    shown = bench.schedules.show("s")
    assert (shown.missed, len(shown.next)) == (1, 5)


@pytest.mark.slow
def test_a_run_that_lost_its_driver_stands_in_nobodys_way(
    bench: Workbench, workshop: Any, due_now: Callable[..., str]
) -> None:
    wait = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.05)"
    workshop.notebook(
        "only",
        f"open('began', 'w').close()\n{wait}\nopen('only.txt', 'w').close()",
        parameters="day = ''",
    )
    workshop.pipeline(CHAIN)
    run = bench.pipelines.run("churn", wait=False)
    until((bench.project.root / "began").exists)
    with bench.project.database.read() as connection:
        driver = json.loads(
            connection.execute("SELECT driver FROM pipeline_run").fetchone()["driver"]
        )
    os.kill(driver[1], signal.SIGKILL)
    until(lambda: "resume" in bench.pipelines.show_run(run.run).reason)
    due_now("churn")
    bench.jobs.start()
    (waiting,) = until(
        lambda: [
            firing
            for firing in firings(bench, "churn")
            if firing.state == "waiting" and firing.reason
        ]
    )
    assert waiting.reason == f"Waits for run {run.run} of {run.user} to end."
    (bench.project.root / "go").touch()
    until(lambda: bench.pipelines.show_run(run.run).state == "succeeded")
    until(lambda: [firing for firing in firings(bench, "churn") if firing.outcome == "succeeded"])


def test_a_schedule_in_the_pipelines_file_is_taken_from_there(
    bench: Workbench, workshop: Any
) -> None:
    workshop.notebook("only", "pass", parameters="day = ''")
    path = workshop.pipeline(CHAIN)
    made = bench.schedules.create("churn")
    assert (made.what, made.cron, made.tz, made.catchup, made.overlap) == (
        "pipeline:churn",
        "0 6 * * 1-5",
        "Europe/Paris",
        "all",
        "queue",
    )
    assert (made.grace_seconds, made.parameters) == (5400, {"day": "{{ date }}"})
    assert all("T06:00:00+0" in due for due in made.next)
    other = bench.schedules.create("churn-late", pipeline="churn", overlap="skip")
    assert (other.cron, other.overlap) == ("0 6 * * 1-5", "skip")
    for text, words in (
        (
            CHAIN.replace("0 6 * * 1-5", "0 25 * * *"),
            "schedule.cron cannot be used. '0 25 * * *' is not a cron text. Bad hour: it is 0-23.",
        ),
        (CHAIN.replace("Europe/Paris", "Europe/Pairs"), "There is no time zone 'Europe/Pairs'"),
        (CHAIN.replace("catchup", "catchups"), "Did you mean catchup?"),
        (CHAIN.replace("90min", "soon"), "schedule.grace cannot be used. 'soon' is not a duration"),
    ):
        path.write_text(text.lstrip("\n"))
        with pytest.raises(Unprocessable) as caught:
            bench.pipelines.check("p.mlpipeline.yaml")
        assert words in str(caught.value)
        assert "line 2" in str(caught.value)
    path.write_text(
        "".join(
            line + "\n" for line in CHAIN.strip().splitlines() if not line.startswith("schedule")
        )
    )
    with pytest.raises(BadRequest, match="says no `schedule:`"):
        bench.schedules.create("third", pipeline="churn")


def test_what_is_not_there_is_said_when_the_schedule_is_made(
    bench: Workbench, workshop: Any
) -> None:
    workshop.notebook("only", "pass", parameters="day = ''")
    workshop.pipeline(CHAIN)
    sound: dict[str, Any] = {"name": "s", "cron": "0 6 * * *"}
    for facts, error, words in (
        ({}, NotFound, "There is no pipeline s"),
        ({"pipeline": "churn", "parameters": {"dya": 1}}, BadRequest, "Did you mean day?"),
        ({"job": {"notebook": "other.ipynb"}}, NotFound, "other.ipynb"),
        (
            {"job": {"notebook": "only.ipynb"}, "parameters": {"dya": 1}},
            BadRequest,
            "has no parameter dya",
        ),
    ):
        with pytest.raises(error, match=words):
            bench.schedules.create(**sound, **facts)
    assert bench.schedules.list().total == 0


def test_a_job_that_the_backend_could_never_start_is_refused_as_by_a_submit(
    bench: Workbench, workshop: Any
) -> None:
    workshop.notebook("report", "pass")
    with pytest.raises(BadRequest) as submitted:
        bench.jobs.submit(JobSpec(notebook="report.ipynb", gpus=1))
    with pytest.raises(BadRequest) as scheduled:
        bench.schedules.create("s", cron="0 6 * * *", job={"notebook": "report.ipynb", "gpus": 1})
    assert scheduled.value.args == submitted.value.args
    bench.schedules.create("s", cron="0 6 * * *", job={"notebook": "report.ipynb"})
    with pytest.raises(BadRequest, match="asks for 1 GPU"):
        bench.schedules.update("s", job={"gpus": 1})
    assert bench.schedules.show("s").job == {"notebook": "report.ipynb"}


def test_a_notebook_is_run_with_the_date_of_its_due_time(
    bench: Workbench, workshop: Any, due_now: Callable[..., str]
) -> None:
    workshop.notebook(
        "report",
        "open('ran', 'w').write(f'{day} {at} {depth}')",
        parameters="day = ''\nat = ''\ndepth = 1",
    )
    job = {"notebook": "report.ipynb", "parameters": {"depth": 6}, "priority": 70}
    due = due_now(job=job, tz="UTC", parameters={"day": "{{ date }}", "at": "due {{ due }}"})
    bench.jobs.start()
    (firing,) = until(lambda: started(bench))
    done = bench.jobs.wait([firing.job], timeout=100)[0]
    assert (done.state, done.priority, done.name) == ("succeeded", 70, "s")
    assert lines(bench) == [f"{due[:10]} due {due} 6"]


@pytest.mark.slow
def test_a_broken_file_fails_its_due_time_with_the_line_and_no_other_schedule(
    bench: Workbench, workshop: Any, due_now: Callable[..., str]
) -> None:
    workshop.notebook("only", "pass", parameters="day = ''")
    path = workshop.pipeline(CHAIN)
    due_now("broken", pipeline="p.mlpipeline.yaml", parameters={"day": "x"})
    path.write_text("pipeline: churn\nsteps: 1\n")
    due_now("sound", job=COMMAND)
    bench.jobs.start()
    (firing,) = until(
        lambda: [
            firing
            for firing in firings(bench, "broken")
            if firing.state != "waiting" and firing.cause == "clock"
        ]
    )
    if firing.state == "missed":  # the machine was slow: what makes up for it fails
        (firing,) = until(
            lambda: [firing for firing in firings(bench, "broken") if firing.state == "failed"]
        )
    assert firing.state == "failed"
    assert "line 2" in firing.reason
    until(lambda: started(bench, "sound"))


def test_by_hand_while_it_runs_is_refused_with_the_run_in_the_way(
    bench: Workbench, workshop: Any
) -> None:
    workshop.notebook("only", "import time\ntime.sleep(600)", parameters="day = ''")
    workshop.pipeline(CHAIN)
    bench.schedules.create("churn")
    first = bench.schedules.run_now("churn")
    assert (first.state, first.outcome) == ("started", "running")
    with pytest.raises(Conflict, match="already running"):
        bench.schedules.run_now("churn")
    assert [firing.state for firing in firings(bench, "churn")] == ["failed", "started"]
    hits = bench.search("churn", kinds=["schedule"])
    assert [hit.ref for hit in hits.items] == ["schedule:churn"]


def test_half_a_cron_text_is_an_answer_and_not_a_fault(bench: Workbench) -> None:
    whole = bench.schedules.foresee("0 6 * * 1-5", tz="Europe/Paris", count=3)
    assert (whole.valid, whole.reason, len(whole.items)) == (True, "", 3)
    odd = [
        ("0 6 *", "UTC", "3 fields"),
        ("0 99 * * *", "UTC", "not a cron text"),
        ("61 2 * * *", "UTC", "0-59"),
        ("0 6 * * *", "Eur", "no time zone"),
        ("0 0 31 2 *", "UTC", "Bad day"),
    ]
    for cron, tz, words in odd:
        found = bench.schedules.foresee(cron, tz=tz)
        assert (found.valid, list(found.items)) == (False, [])
        assert words in found.reason
        with pytest.raises(BadRequest):
            bench.schedules.preview(cron, tz=tz)
