"""What serving processes use of GPUs: with a driver that is played, and without one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from jupyter_mlinfra.core import gpus
from jupyter_mlinfra.core.gpus import Reading
from jupyter_mlinfra.deployments.targets import gpu_use
from jupyter_mlinfra.deployments.targets.gpu_use import (
    NO_DRIVER,
    SILENT,
    UNNAMED,
    UNUSED,
    GpuUse,
    GpuWatch,
    use_of,
)
from jupyter_mlinfra.deployments.targets.vitals import family

FIRST = Reading(load=0.9, memory=0.5, pids=(7, 8, 99), used={7: 300, 8: 20, 99: 5_000})
SECOND = Reading(load=0.1, memory=0.1, pids=(7,), used={7: 80})
OTHERS = Reading(load=1.0, memory=1.0, pids=(99,), used={99: 9_000})
GONE = 2**22 + 1
"""No process has this number."""

GPUS = {"a": FIRST, "b": SECOND, "c": OTHERS}


@pytest.mark.parametrize(
    ("pids", "readings", "use"),
    [
        ({7, 8}, GPUS, GpuUse(memory_bytes=400, load=0.5)),
        ({8}, GPUS, GpuUse(memory_bytes=20, load=0.9)),
        ({5}, GPUS, UNNAMED),
        ({7}, {}, UNNAMED),
        ({7}, None, SILENT),
    ],
)
def test_memory_is_that_of_the_processes_and_load_that_of_the_gpus_that_they_are_on(
    pids: set[int], readings: Mapping[str, Reading] | None, use: GpuUse
) -> None:
    assert use_of(pids, readings) == use


def test_what_the_driver_does_not_say_is_unknown_and_not_0() -> None:
    """It knows the memory of one of two processes, and no load of a part of a GPU."""
    part = Reading(load=None, memory=0.5, pids=(7, 8), used={7: 300, 8: None})
    found = use_of({7, 8}, {"a": part})
    assert (found.memory_bytes, found.load) == (None, None)
    assert found.why == "The driver does not say how much memory and load it is."
    assert use_of({7}, {"a": part}).why == "The driver does not say how much load it is."
    idle = Reading(load=0.0, memory=0.5, pids=(7,), used={7: 300})
    assert use_of({7}, {"a": idle}) == GpuUse(memory_bytes=300, load=0.0)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a driver."""
    found = tmp_path / "nvidia0"
    found.touch()
    monkeypatch.setattr(gpus, "_DRIVER_NODES", (str(found),))
    monkeypatch.setattr(gpus, "_OPENED", (str(found),))
    return found


@pytest.fixture
def users(node: Path) -> Iterator[list[int]]:
    """A process that does not have the driver open, whose child has."""
    child = f"import sys; held = open({str(node)!r}); print('open', flush=True); sys.stdin.read()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield [process.pid]
        process.communicate()


def settled(watch: GpuWatch) -> None:
    assert watch._thread is not None
    watch._thread.join(10)


def test_the_driver_is_asked_only_where_a_process_has_it_open_also_a_child(
    users: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[int]()

    def readings() -> dict[str, Reading]:
        asked.append(len(asked))
        (child,) = (pid for pid in family(users[0]) if pid not in users)
        return {"a": Reading(load=0.5, memory=0.1, pids=(child,), used={child: 77})}

    monkeypatch.setattr(gpu_use, "gpu_readings", readings)
    watch = GpuWatch()
    assert watch.uses({"idle": [GONE]}) == {"idle": UNUSED}
    assert asked == []
    assert watch.uses({"busy": users, "idle": [GONE]})["idle"] == UNUSED
    settled(watch)
    assert watch.uses({"busy": users}) == {"busy": GpuUse(memory_bytes=77, load=0.5)}
    monkeypatch.setattr(gpu_use, "FRESH_SECONDS", -1.0)
    assert watch.uses({"busy": users}) == {"busy": SILENT}, "that was long ago"
    settled(watch)


def test_a_driver_that_hangs_holds_nothing_up_and_is_asked_once(
    users: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, asked = threading.Event(), list[int]()

    def hang() -> dict[str, Reading]:
        asked.append(1)
        release.wait(10)
        return {}

    monkeypatch.setattr(gpu_use, "gpu_readings", hang)
    watch = GpuWatch()
    for _ in range(3):
        assert watch.uses({"busy": users}) == {"busy": SILENT}
    assert len(asked) == 1
    release.set()
    settled(watch)


def test_without_a_driver_no_process_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "_DRIVER_NODES", ("/no/such/node",))
    monkeypatch.setattr(gpu_use, "family", None)
    assert GpuWatch().uses({"v1": [os.getpid()]}) == {"v1": NO_DRIVER}


def test_a_process_that_is_gone_has_nothing_open(node: Path) -> None:
    assert not gpus.holds_driver(GONE)
    with node.open():
        assert gpus.holds_driver(os.getpid())
    assert not gpus.holds_driver(os.getpid())
