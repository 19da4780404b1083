"""What serving processes used: read from the kernel, kept by the minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.targets.envoy import admin
from jupyter_mlinfra.deployments.targets.gpu_use import NO_DRIVER, SILENT, GpuUse
from jupyter_mlinfra.deployments.targets.measures import Measures
from jupyter_mlinfra.deployments.targets.vitals import cpu_seconds
from jupyter_mlinfra.deployments.targets.vitals_log import (
    DAY,
    MINUTE,
    Reading,
    Vitals,
    VitalsLog,
    read_vitals,
    used_since,
)
from jupyter_mlinfra.deployments.targets.workers import Workers

NOON = 1_763_985_600
MIB = 1 << 20

PARENT = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < {}: pass"
subprocess.run([sys.executable, "-c", burn.format(0.4)])  # a child that has ended
exec(burn.format(0.3))
print("done", flush=True)
sys.stdin.read()
"""


def reading(
    at: float,
    cpu: dict[int, float],
    *,
    mib: int = 100,
    in_flight: int = 0,
    gpu: GpuUse | None = None,
) -> Reading:
    return Reading(
        at=at,
        memory_bytes=mib * MIB,
        cpu=cpu,
        in_flight=in_flight,
        retried=1,
        gpu=gpu or GpuUse(),
    )


@pytest.fixture
def log(project: Project) -> VitalsLog:
    return VitalsLog(project, 7)


def minutes(log: VitalsLog, since: float = NOON - DAY, until: float = NOON + DAY) -> list[Vitals]:
    return list(read_vitals(log.project, "flights", since, until))


def test_processor_time_is_that_of_the_process_and_its_children_also_of_those_that_ended() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert 0.65 <= cpu_seconds(process.pid) < 3
        process.communicate()
    assert cpu_seconds(process.pid) == 0, "of a process that is gone"


def test_a_minute_has_the_most_memory_and_the_time_used_within_it(log: VitalsLog) -> None:
    log.note("flights", "v1", reading(NOON + 1, {7: 50.0, 8: 3.0}, in_flight=2))
    log.note("flights", "v1", reading(NOON + 31, {7: 55.0, 8: 4.0}, mib=300, in_flight=9))
    # The process 8 was replaced by 9, which has worked 2 s since.
    log.note("flights", "v1", reading(NOON + 59, {7: 57.5, 9: 2.0}, mib=200))
    assert minutes(log) == [], "it is not over"
    log.note("flights", "v1", reading(NOON + 61, {7: 58.5, 9: 2.0}))
    assert minutes(log) == [
        Vitals(
            at=NOON,
            version="v1",
            memory_bytes=300 * MIB,
            cpu_seconds=5 + 1 + 2.5 + 2,
            in_flight=9,
            retried=3,
            processes=2,
        )
    ]
    log.keep(set())
    assert [found.cpu_seconds for found in minutes(log)] == [10.5, 1.0]


def test_a_minute_has_the_most_memory_of_gpus_and_their_mean_load_and_never_0_for_unknown(
    log: VitalsLog,
) -> None:
    seen = GpuUse(memory_bytes=300 * MIB, load=0.25), GpuUse(memory_bytes=200 * MIB, load=0.75)
    for place, uses in enumerate(((*seen, SILENT), (NO_DRIVER,), (GpuUse(load=0.0, why="x"),))):
        for number, gpu in enumerate(uses):
            log.note("flights", "v1", reading(NOON + place * MINUTE + number, {}, gpu=gpu))
    log.keep(set())
    assert [(found.gpu_bytes, found.gpu_load, found.gpu_why) for found in minutes(log)] == [
        (300 * MIB, 0.5, ""),
        (None, None, NO_DRIVER.why),
        (None, 0.0, "x"),
    ]


def test_minutes_of_an_earlier_version_are_read_without_gpus(log: VitalsLog) -> None:
    log.note("flights", "v1", reading(NOON, {}))
    log.keep(set())
    (path,) = days(log)
    line = {k: v for k, v in json.loads(path.read_text()).items() if not k.startswith("gpu")}
    path.write_text(json.dumps(line) + "\n")
    (found,) = minutes(log)
    assert (found.gpu_bytes, found.gpu_load, found.processes) == (None, None, 0)


@pytest.mark.parametrize(
    ("before", "used"),
    [
        (None, 0.0),
        (reading(NOON - 5, {7: 99.5}), 0.5),
        (reading(NOON - 5, {7: 101.0}), 0.0),  # a child of it ended while it was looked at
        (reading(NOON - 61, {7: 50.0}), 0.0),  # a pause: that was used in other minutes
        (reading(NOON, {7: 50.0}), 0.0),  # a clock that was set back
        (reading(NOON - 5, {7: 1.0}), 5.0 * (os.cpu_count() or 1)),  # no more than there is
    ],
)
def test_what_was_used_between_two_looks(before: Reading | None, used: float) -> None:
    assert used_since(before, reading(NOON, {7: 100.0})) == pytest.approx(used)


def test_a_project_that_was_removed_stays_removed(log: VitalsLog) -> None:
    shutil.rmtree(log.project.home)
    log.note("flights", "v1", reading(NOON, {7: 0.0}))
    log.keep(set())
    assert not log.project.home.exists()


def test_a_log_that_is_kept_for_ever_is_written(project: Project) -> None:
    log = VitalsLog(project, float("inf"))
    log.note("flights", "v1", reading(NOON, {7: 0.0}))
    log.keep(set())
    assert len(minutes(log)) == 1


def test_old_days_go_also_those_of_deployments_that_are_gone(log: VitalsLog) -> None:
    for name, at in (("gone", NOON - 9 * DAY), ("flights", NOON - 6 * DAY), ("flights", NOON)):
        log.note(name, "v1", reading(at, {7: 1.0}))
        log.keep(set())
    names = sorted(str(path.relative_to(log.project.home)) for path in days(log))
    assert names == ["vitals/flights/2025-11-18.jsonl", "vitals/flights/2025-11-24.jsonl"]


def days(log: VitalsLog) -> list[Path]:
    return list(log.project.home.glob("vitals/*/*.jsonl"))


def test_a_torn_line_hides_no_other_and_a_span_is_half_open(log: VitalsLog) -> None:
    for minute in range(3):
        log.note("flights", "v1", reading(NOON + minute * MINUTE, {7: float(minute)}))
    log.keep(set())
    (path,) = days(log)
    whole = path.read_bytes()
    first, second, third = whole.splitlines(keepends=True)
    path.write_bytes(first + second[:30] + b"\n[1]\n\xff\n" + third + third[:10])
    assert [found.at for found in minutes(log)] == [NOON, NOON + 2 * MINUTE]
    path.write_bytes(first + second[:30])
    log.note("flights", "v1", reading(NOON + 5 * MINUTE, {7: 9.0}))
    log.keep(set())
    assert [found.at for found in minutes(log)] == [NOON, NOON + 5 * MINUTE], "after a torn one"
    path.write_bytes(whole)
    found = minutes(log, NOON + MINUTE, NOON + 2 * MINUTE)
    assert [item.at for item in found] == [NOON + MINUTE]
    assert not list(read_vitals(log.project, "nobody", NOON, NOON + DAY))


def test_a_full_disk_costs_the_minute_alone(log: VitalsLog) -> None:
    place = log.project.home / "vitals"
    place.write_text("no folder")
    log.note("flights", "v1", reading(NOON, {7: 0.0}))
    log.note("flights", "v1", reading(NOON + MINUTE, {7: 6.0}))
    place.unlink()
    log.note("flights", "v1", reading(NOON + 2 * MINUTE, {7: 7.0}))
    assert [(item.at, item.cpu_seconds) for item in minutes(log)] == [(NOON + MINUTE, 6.0)]


def test_an_envoy_that_is_started_again_counts_from_0(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pressure is as Envoy writes it."""
    bodies = [
        b"cluster.f.v1.upstream_rq_active: 3\ncluster.f.v1.upstream_rq_pending_active: 2\n"
        b"cluster.f.v1.upstream_rq_retry: %d\n" % count
        for count in (40, 45, 2)
    ]
    monkeypatch.setattr(admin, "_ask", lambda _: {0: bodies[0], 1: bodies.pop(0)})
    measures = Measures(project, Workers.__new__(Workers))
    found = []
    for _ in range(3):
        pressure = admin.pressure()
        assert pressure is not None
        assert pressure[1]["f.v1"].in_flight == 5
        found.append(measures._retried_since(pressure)["f.v1"])
    assert found == [0, 2 * 5, 2 * 2]
