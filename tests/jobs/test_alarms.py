"""Alarms of the wall clock: given once their time has come, again while nobody sets them anew, and
on a clock that jumps.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import ROOT, Alarm, Jobs, clear_alarm, set_alarm
from jupyter_mlinfra.jobs.backends.launch import Place
from jupyter_mlinfra.jobs.local import alarm_clock as giving
from jupyter_mlinfra.jobs.local.alarm_clock import Alarms
from jupyter_mlinfra.jobs.local.timer import WallClock

PROGRAM = """
import sys, time
with open(sys.argv[1], "a") as file:
    file.write(f"{time.time()}\\n")
"""


def place_of(project: Project) -> Place:
    return Place(root=project.root, home=project.home)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def put(project: Project) -> Any:
    """Sets an alarm that starts a program which leaves a line in `rung`."""

    def put(due_at: float, *, set_at: float, name: str = "a") -> None:
        folder = project.root / "programs"
        folder.mkdir(exist_ok=True)
        (folder / "program_of_tests.py").write_text(PROGRAM)
        log = str(project.root / "log")
        with project.database.write() as connection:
            set_alarm(
                connection,
                Alarm(
                    name=name,
                    due_at=due_at,
                    set_at=set_at,
                    module="program_of_tests",
                    arguments=[str(project.root / "rung")],
                    log=log,
                ),
            )

    return put


@pytest.fixture
def given(project: Project) -> tuple[Clock, list[str], Alarms]:
    """A clock to set, the names of alarms that were given, and what gives them."""
    clock, names = Clock(), list[str]()
    return (
        clock,
        names,
        Alarms(
            project.database,
            place_of(project),
            start=lambda alarm: names.append(alarm.name),
            clock=clock,
        ),
    )


def test_an_alarm_is_given_when_its_time_has_come_and_not_before(given: Any, put: Any) -> None:
    clock, names, alarms = given
    put(clock.now + 60, set_at=clock.now)
    put(clock.now + 3600, set_at=clock.now, name="b")
    alarms.tend()
    assert names == []
    clock.now += 60
    for _ in range(3):
        alarms.tend()
    assert names == ["a"], "once, though nobody has set it anew yet"


def test_it_is_given_again_when_nobody_sets_it_anew_and_at_once_when_somebody_does(
    given: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, names, alarms = given
    seconds = [1000.0]
    monkeypatch.setattr(giving.time, "monotonic", lambda: seconds[0])
    put(clock.now, set_at=clock.now)
    pauses = []
    for _ in range(6):
        alarms.tend()
        pauses.append(alarms.due() - seconds[0])
        seconds[0] = alarms.due()
    assert names == ["a"] * 6
    assert pauses == [5, 10, 20, 40, 60, 60]
    put(clock.now, set_at=clock.now + 0.5)
    seconds[0] -= 59
    alarms.tend()
    assert names == ["a"] * 7


def test_a_clock_that_was_set_back_is_told_of(given: Any, put: Any) -> None:
    clock, names, alarms = given
    put(clock.now + 86_400, set_at=clock.now)
    clock.now -= 0.5  # as a clock that is held in step does
    alarms.tend()
    assert names == []
    clock.now -= 3600
    alarms.tend()
    assert names == ["a"]


def test_one_that_is_never_due_keeps_no_other_from_it(given: Any, put: Any) -> None:
    clock, names, alarms = given
    put(float("inf"), set_at=clock.now, name="never")
    alarms.tend()
    put(clock.now, set_at=clock.now)
    alarms.tend()
    assert names == ["a"]


def test_one_that_was_cleared_is_forgotten(given: Any, put: Any, project: Project) -> None:
    clock, names, alarms = given
    put(clock.now, set_at=clock.now)
    with project.database.write() as connection:
        clear_alarm(connection, "a")
    alarms.tend()
    assert (names, alarms.due()) == ([], None)


def test_one_that_cannot_be_started_keeps_no_other_from_it_and_is_logged_once(
    project: Project, put: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, started, seconds = Clock(), list[str](), [1000.0]
    monkeypatch.setattr(giving.time, "monotonic", lambda: seconds[0])

    def start(alarm: Alarm) -> None:
        started.append(alarm.name)
        if alarm.name == "a":
            raise PermissionError(13, "Permission denied", "/closed/log")

    alarms = Alarms(project.database, place_of(project), start=start, clock=clock)
    put(clock.now - 1, set_at=clock.now - 2, name="a")
    put(clock.now, set_at=clock.now, name="b")
    alarms.tend()
    assert started == ["a", "b"]
    assert alarms.due() == 1005, "tried again after a pause, not at once"
    alarms.tend()
    assert started == ["a", "b"]
    seconds[0] = 1005
    alarms.tend()
    assert started == ["a", "b", "a", "b"]
    assert capsys.readouterr().err.count("/closed/log") == 1


def test_a_long_log_is_set_aside_and_a_folder_that_is_gone_does_not_come_back(
    project: Project, tools: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    log, gone = project.root / "a.log", project.root / "gone"
    log.write_text("x" * 1_100_000)
    with project.database.write() as connection:
        for name, path in (("a", log), ("b", gone / ".mlinfra" / "logs" / "b.log")):
            alarm = Alarm(
                name=name,
                due_at=1.0,
                set_at=1.0,
                module="no_such_module_of_tests",
                arguments=[],
                log=str(path),
            )
            set_alarm(connection, alarm)
    Alarms(project.database, place_of(project)).tend()
    tools.until(lambda: log.exists() and "no_such_module_of_tests" in log.read_text())
    assert log.stat().st_size < 10_000
    assert (project.root / "a.log.1").stat().st_size == 1_100_000
    assert not gone.exists()
    assert "alarm b was not started" in capsys.readouterr().err


@pytest.mark.skipif(
    not WallClock().exists(),
    reason="only Linux has a timer on the wall clock; elsewhere the supervisor looks once a minute",
)
def test_the_timer_rings_at_a_time_of_day() -> None:
    timer = WallClock()
    at = time.time() + 0.3
    assert timer.set(at)
    with pytest.raises(BlockingIOError):
        timer.recv(8)
    assert select.select([timer], [], [], 20)[0]
    assert time.time() >= at
    assert timer.recv(8)
    timer.set(time.time() - 1000)  # passed already
    assert select.select([timer], [], [], 20)[0]
    timer.set(None)
    assert not select.select([timer], [], [], 0.1)[0]


def test_without_such_a_timer_the_clock_is_looked_at_once_a_minute(
    given: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, _, alarms = given
    monkeypatch.setattr(WallClock, "set", lambda self, at: False)
    put(clock.now + 86_400, set_at=clock.now)
    alarms.tend()
    assert 59 < alarms.due() - time.monotonic() <= 60
    put(clock.now + 10, set_at=clock.now)
    alarms.tend()
    assert 9 < alarms.due() - time.monotonic() <= 10


def test_a_real_supervisor_gives_it_in_time_and_sleeps_until_then(
    jobs: Jobs, put: Any, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(project.root / "programs"), *filter(None, sys.path)])
    )
    supervisor = jobs.start()
    due = time.time() + 4
    put(due, set_at=time.time())
    jobs.heed_alarms(start=False)
    process = psutil.Process(supervisor.pid)
    tools.until(lambda: process.status() == psutil.STATUS_SLEEPING)
    woken = []  # how often in each half second; in the first ones it may still be starting
    while time.time() < due - 0.8:
        switches = process.num_ctx_switches().voluntary
        time.sleep(0.5)
        woken.append(process.num_ctx_switches().voluntary - switches)
    assert min(woken) <= 1, f"it wakes for nothing: {woken}"
    (rung,) = tools.until(lambda: tools.lines(project.root / "rung"))
    assert due <= float(rung) < due + 20
    assert process.memory_info().rss <= 30 * 2**20


def test_a_supervisor_that_was_killed_is_started_again_while_an_alarm_is_set(
    jobs: Jobs, put: Any, tools: Any
) -> None:
    jobs.start()
    put(time.time() + 86_400, set_at=time.time())
    killed = tools.kill_supervisor(jobs)
    jobs.heal()
    assert jobs.supervisor().pid not in (None, killed)


def test_the_log_of_a_program_is_kept(jobs: Jobs, project: Project, tools: Any) -> None:
    log = project.home / "logs" / "alarm.log"
    with project.database.write() as connection:
        set_alarm(
            connection,
            Alarm(
                name="a",
                due_at=1.0,
                set_at=1.0,
                module="no_such_module_of_tests",
                arguments=[],
                log=str(log),
            ),
        )
    jobs.start()
    jobs.heed_alarms(start=False)
    tools.until(
        lambda: "no_such_module_of_tests" in (Path(log).read_text() if log.exists() else "")
    )


def test_an_alarm_follows_a_project_that_was_moved_since_it_was_set(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[tuple[Any, ...]]()
    monkeypatch.setattr(
        giving, "spawn_detached", lambda *words, log, **_: started.append((*words, log))
    )
    alarm = Alarm(
        name="a",
        due_at=0.0,
        set_at=0.0,
        module="program",
        arguments=["--project", ROOT, "--open", "a:b"],
        log="logs/a.log",
    )
    with project.database.write() as connection:
        set_alarm(connection, alarm)
    there = tmp_path / "elsewhere"
    (there / ".mlinfra").mkdir(parents=True)
    Alarms(project.database, Place(root=there, home=there / ".mlinfra")).tend()
    words = ["--project", str(there), "--open", "a:b"]
    assert started == [("program", words, there / ".mlinfra" / "logs" / "a.log")]
