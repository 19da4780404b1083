"""The alarm by which a keeper that was killed with its standby is started again."""

from __future__ import annotations

import time

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.targets import healing
from jupyter_mlinfra.deployments.targets.healing import HealAlarm
from jupyter_mlinfra.jobs import Alarm, read_alarms


def alarms(project: Project) -> list[Alarm]:
    return [alarm for alarm in read_alarms(project.database) if alarm.name == healing.NAME]


def test_a_living_keeper_puts_the_alarm_off_before_it_is_due_and_not_at_each_step(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "time", lambda: clock[0])
    keeper, dues = HealAlarm(project), []
    for _ in range(200):  # of its steps, while it is busy
        keeper.put_off()
        (alarm,) = alarms(project)
        assert not alarm.is_due(clock[0])
        dues.append(alarm.due_at)
        clock[0] += 0.5
    assert len(set(dues)) <= 16
    (alarm,) = alarms(project)
    assert alarm.is_due(clock[0] + healing.DUE_SECONDS), "it is dead"
    keeper.clear()
    assert not alarms(project)


def test_where_nothing_runs_the_alarm_starts_nothing_and_is_gone(project: Project) -> None:
    HealAlarm(project).put_off()
    (alarm,) = alarms(project)
    assert alarm.module == healing.__name__
    assert healing.main(["--project", str(project.root)]) == 0
    assert not alarms(project)
