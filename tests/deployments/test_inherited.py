"""A job that deploys hands nothing of its own on: what it deploys outlives it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from jupyter_mlinfra.core import variables
from jupyter_mlinfra.core.daemons import control
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.processes import TOKEN
from jupyter_mlinfra.deployments.targets import local, worker
from jupyter_mlinfra.deployments.targets.layout import token_of

OF_A_JOB = [
    *(
        variables.JOB,
        variables.PROGRESS,
        variables.REASON,
        variables.CHECKPOINTS,
        variables.ARRAY_INDEX,
        variables.GPU_SHARE,
    ),
    *(
        variables.NODE,
        variables.PREEMPT_SIGNALS,
        variables.PROJECT,
        "MLINFRA_ENDS_AT",
        "MLINFRA_GPU_IDS",
        "MLINFRA_FAIL",
    ),
    *(
        "MLFLOW_RUN_ID",
        "MLFLOW_RUN_CONTEXT",
        "MLFLOW_TRACKING_TOKEN",
        "WAREHOUSE_PASSWORD",
        "OMP_NUM_THREADS",
        "CUDA_VISIBLE_DEVICES",
    ),
]


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_A_JOB:
        monkeypatch.setenv(name, "of the job")
    monkeypatch.setenv(TOKEN, "mlinfra-job")
    monkeypatch.setenv("MLINFRA_DEPLOYMENTS_WORKERS", "3")
    monkeypatch.setenv("LC_TIME", "C")


@pytest.mark.usefixtures("in_a_job")
def test_the_keeper_gets_the_settings_and_nothing_of_the_job(
    tmp_path: Path, kit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variables.NODE)  # on another machine nobody deploys
    project = kit.open_project(tmp_path)
    given: list[dict[str, str]] = []
    monkeypatch.setattr(
        control, "spawn_detached", lambda *_, environment, **__: given.append(environment)
    )
    monkeypatch.setattr(control, "START_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        local.keeper_control(project).start()
    assert {name for name, value in given[0].items() if value == "of the job"} == set()
    assert given[0][TOKEN] == token_of(project, "keeper")
    assert (given[0]["MLINFRA_DEPLOYMENTS_WORKERS"], given[0]["LC_TIME"]) == ("3", "C")
    assert {"PATH", "HOME"} <= set(given[0])
    project.database.close()


@pytest.mark.usefixtures("in_a_job")
def test_a_serving_process_gets_nothing_of_whoever_started_the_keeper(tmp_path: Path) -> None:
    launch = worker.WorkerSpec(
        deployment="flights",
        version="v1",
        model="flights/1",
        python="",
        bundle="/bundle",
        payloads=tmp_path,
        logs=tmp_path,
    )
    slot = worker.Worker(slot=0, socket="v1.0.sock", token="the token")
    given = worker.environment(launch, slot)
    assert {name for name, value in given.items() if value == "of the job"} == set()
    assert (
        given[TOKEN],
        given["PYTHONPATH"],
        given["OMP_NUM_THREADS"],
        given["CUDA_VISIBLE_DEVICES"],
    ) == ("the token", "/bundle", "1", "")
    assert "PATH" in given
