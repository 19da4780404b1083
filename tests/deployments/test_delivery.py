"""A rollout by steps from end to end: the real gateway, log and supervisor, under load, and what
is killed meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.delivery.alarm import PlanAlarm
from jupyter_mlinfra.deployments.delivery.spec import DeliveryPlan, DeliverySpec, PlanState
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable
from jupyter_mlinfra.workbench import Workbench

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CLIENTS = 8
BROKEN = {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"}
"""What a client sees whose request a killed gateway was working on."""
SETTINGS = """
[deployments]
workers = 2
runtime = "open-inference"
plan_check_seconds = 1
plan_p95_ms = 20000
memory_seconds = 0.1
"""
SCRIPT = """
import os
import mlflow
from mlflow.models import set_model

class Scorer(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if os.path.exists({flag!r}):
            raise RuntimeError("the table of fares is gone")
        return [0.0] * len(model_input)

set_model(Scorer())
"""


def until(happened: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def flag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """While this file exists, version 3 fails."""
    return tmp_path_factory.mktemp("flag") / "fares-are-gone"


@pytest.fixture(scope="module")
def deployments(
    tmp_path_factory: pytest.TempPathFactory,
    models: Mapping[int, Path],
    kit: ModuleType,
    flag: Path,
) -> Iterator[Deployments]:
    """Version 1 has the traffic; the plans of the others are driven by the supervisor alone."""
    import mlflow
    from mlflow.models import infer_signature

    root = tmp_path_factory.mktemp("delivery")
    script = root / "scorer.py"
    script.write_text(SCRIPT.format(flag=str(flag)))
    frame = kit.make_frame(4, 3)
    mlflow.pyfunc.save_model(
        root / "3",
        python_model=str(script),
        signature=infer_signature(frame, [0.0]),
        input_example=frame,
        pip_requirements=kit.requirements(),
    )
    project = kit.open_project(root / "project", SETTINGS)
    down = [sys.executable, "-m", "jupyter_mlinfra.cli", "down"]
    bench = Workbench(project)
    found = Deployments(
        project,
        kit.Registry({**models, 3: root / "3"}),
        alarm=PlanAlarm(opener=bench.opener, rouse=lambda: bench.jobs.heed_alarms(start=True)),
    )
    try:
        found.deploy("flights", version="flights/1")
        yield found
    finally:
        subprocess.run(down, cwd=project.root, check=False, capture_output=True, timeout=120)
        kit.clean_up(project)


def plan(deployments: Deployments) -> DeliveryPlan:
    """The newest plan."""
    found = deployments.show("flights").plan
    assert found is not None
    return found


def pids(deployments: Deployments, version: str) -> list[int]:
    table = ProcessTable(deployments._project.database)
    return [row.identity.pid for row in table.rows() if row.version == version]


def keeper(deployments: Deployments) -> list[int]:
    entry = deployments._target._keeper.alive()  # type: ignore[attr-defined]
    return [] if entry is None else [entry.process.pid]


def kill_each(deployments: Deployments, version: str) -> None:
    """`kill -9` of the keeper, a worker of the version and a gateway, one after the other, and the
    wait until each has been replaced.
    """
    kinds: Mapping[str, Callable[[], list[int]]] = {
        "keeper": lambda: keeper(deployments),
        "worker": lambda: pids(deployments, version),
        "gateway": lambda: pids(deployments, "gateway"),
    }
    for kind, of in kinds.items():
        before = of()
        victim = before[0]
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if kind == "worker" else os.kill)(victim, signal.SIGKILL)
        until(
            lambda of=of, victim=victim, before=before: (  # type: ignore[misc]
                victim not in (now := of()) and len(now) >= len(before)
            )
        )


def test_a_version_takes_its_steps_although_workers_gateways_and_keepers_are_killed_at_each(
    deployments: Deployments, kit: ModuleType
) -> None:
    url = deployments.show("flights").deployment.url
    steps, kills = (20, 60, 100), 0
    with kit.load(url, kit.sample_body(deployments), rate=60, clients=CLIENTS) as load:
        deployments.deploy(
            "flights",
            version="flights/2",
            delivery=DeliverySpec(steps=steps, every_seconds=5, least_requests=20),
        )
        for percent in steps:
            until(lambda percent=percent: plan(deployments).percent >= percent)  # type: ignore[misc]
            kill_each(deployments, "v2")
            kills += 1
        until(lambda: plan(deployments).state is not PlanState.RUNNING)
        assert plan(deployments).state is PlanState.SUCCEEDED, plan(deployments)
        assert {item.version for item in load.next(40)} == {"v2"}
    assert set(load.lost) <= BROKEN, load.details[:3]
    assert sum(load.lost.values()) <= kills * CLIENTS
    history = deployments.show("flights").history
    assert "rollback" not in [change.verb for change in history]
    shares = {
        item.version: item.traffic for item in deployments.show("flights").deployment.versions
    }
    assert shares == {"v1": 0, "v2": 100}


def test_a_shadow_gets_copies_and_a_version_that_fails_is_rolled_back_by_the_supervisor_alone(
    deployments: Deployments, kit: ModuleType, flag: Path
) -> None:
    url = deployments.show("flights").deployment.url
    live = max(deployments.show("flights").deployment.versions, key=lambda item: item.traffic)
    with kit.load(url, kit.sample_body(deployments), rate=60, clients=CLIENTS) as load:
        deployments.deploy("flights", version="flights/3", delivery=DeliverySpec(shadow=100))
        load.next(100)
        until(lambda: deployments.payloads("flights", shadow=True).height >= 50)
        assert deployments.shadow_report("flights", "v3").rows >= 50
        assert set(load.versions) == {live.version}
        deployments.deploy(
            "flights",
            version="flights/3",
            delivery=DeliverySpec(steps=(30, 100), every_seconds=600, least_requests=20),
        )
        until(lambda: any(item.version == "v3" for item in load.next(20)))
        assert load.lost == {}, load.details[:3]
        flag.touch()
        until(lambda: plan(deployments).state is not PlanState.RUNNING)
        assert plan(deployments).state is PlanState.ROLLED_BACK, plan(deployments)
        # What is written is in force a moment later.
        until(lambda: {item.version for item in load.next(40)} == {live.version}, seconds=20)
    # The errors of the failing version reached its share of the clients, and those of no other.
    assert {item.version for item in load.asked if item.status != 200} == {"v3"}
    assert "errors" in plan(deployments).waits_for
    history = deployments.show("flights").history
    change = next(item for item in history if item.verb != "keeper")
    assert (change.verb, change.reason.partition(":")[0]) == ("rollback", "errors"), change
    assert change.traffic["v3"] == 0
