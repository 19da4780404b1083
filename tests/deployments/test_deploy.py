"""What a deploy refuses, what it leaves behind when it fails, and what it survives."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.processes import TOKEN, end_token
from jupyter_mlinfra.deployments import (
    Deployments,
    DeploymentState,
    VersionState,
    environment,
    rollout,
)
from jupyter_mlinfra.deployments.gate_list import Stopped
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

Alter = Callable[..., Path]


def shares(deployments: Deployments) -> dict[str, int]:
    return {
        item.version: item.traffic
        for item in deployments.show("flights").deployment.versions
        if item.traffic
    }


def test_a_model_without_signature_is_stopped_by_that_test_and_nothing_is_started(
    serving: Deployments, altered: Alter
) -> None:
    serving._experiments.folders[4] = altered(lambda document: document.pop("signature"))  # type: ignore[attr-defined]
    with pytest.raises(Stopped) as refused:
        serving.deploy("flights", version="flights/4")
    assert "no signature" in refused.value.what
    assert refused.value.fix
    assert serving._target.stopped()
    _check_stopped(serving, "v4", "signature", refused.value.what)


def test_an_environment_that_cannot_be_built_is_a_test_that_failed(
    serving: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> Path:
        raise environment.NotBuilt(
            "The serving environment could not be built.", "No index.", "Go online."
        )

    monkeypatch.setattr(environment, "ensure", unreachable)
    monkeypatch.setattr(serving._target, "carry_out", lambda *_, **__: None)
    with pytest.raises(Stopped, match="could not be built") as refused:
        serving.deploy("flights", version="flights/1", override="it must not help")
    assert (refused.value.why, refused.value.fix) == ("No index.", "Go online.")
    _check_stopped(serving, "v1", "environment", "No index.")
    gates = serving.show("flights").deployment.versions[0].gates
    assert [(gate.name, gate.passed) for gate in gates] == [
        ("signature", True),
        ("environment", False),
    ]


def test_processes_that_do_not_answer_in_time_are_a_test_that_failed(
    serving: Deployments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda *_, **__: Path(sys.executable))
    monkeypatch.setattr(rollout, "own_answers", lambda *_, **__: {})
    monkeypatch.setattr(rollout, "START_SECONDS", 0.0)
    monkeypatch.setattr(serving._target, "carry_out", lambda *_, **__: None)
    with pytest.raises(Stopped, match="did not become testing"):
        serving.deploy("flights", version="flights/1")
    _check_stopped(serving, "v1", "start", "It took over 0 s.")


@pytest.mark.parametrize("step", ["environment", "start"])
def test_what_this_machine_lacks_is_no_test_that_the_model_has_failed(
    serving: Deployments, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def lacking(*_: object, **__: object) -> Path:
        raise Unavailable("It was not done.", "The disk is full.", "Free some space.")

    def built(*_: object, **__: object) -> Path:
        return Path(sys.executable)

    monkeypatch.setattr(environment, "ensure", lacking if step == "environment" else built)
    monkeypatch.setattr(rollout, "own_answers", lambda *_, **__: {})
    monkeypatch.setattr(serving._target, "carry_out", lacking)
    with pytest.raises(Unavailable, match="It was not done") as refused:
        serving.deploy("flights", version="flights/1")
    assert refused.value.status == 503
    (item,) = serving.show("flights").deployment.versions
    assert item.state is VersionState.FAILED
    assert "The disk is full." in item.reason
    assert [gate for gate in item.gates if gate.passed is False] == []


def _check_stopped(deployments: Deployments, version: str, test: str, why: str) -> None:
    """That the page, and the history, say which test has stopped a version, and why."""
    detail = deployments.show("flights")
    (item,) = detail.deployment.versions
    assert (item.version, item.state, item.traffic) == (version, VersionState.FAILED, 0)
    assert (item.gates[-1].name, item.gates[-1].passed) == (test, False)
    assert why in item.gates[-1].measured
    assert why in item.reason
    (change,) = detail.history
    assert (change.verb, change.traffic) == ("deploy", {version: 0})
    assert change.text.startswith(f"{version} was stopped before it had traffic: ")
    assert why in change.text


def test_a_wrong_name_version_or_share_is_refused_before_anything_is_built(
    serving: Deployments,
) -> None:
    for name in ("Flights", "a b", "../x", "", "-a", "x" * 64):
        with pytest.raises(BadRequest):
            serving.deploy(name, version="flights/1")
    with pytest.raises(NotFound):
        serving.deploy("flights", version="flights/99")
    with pytest.raises(BadRequest, match="nobody"):
        serving.deploy("flights", version="flights/1", traffic=10)
    with pytest.raises(BadRequest):
        serving.deploy("flights", version="flights/1", traffic=101)
    assert serving.list().total == 0
    with pytest.raises(NotFound):
        serving.show("flights")
    assert serving.up() == []
    assert serving.down() == []


@pytest.mark.parametrize("kept", [False, True], ids=["set", "kept"])
def test_a_port_that_is_taken_is_named_with_its_holder(
    kit: ModuleType, tmp_path: Path, models: Mapping[int, Path], kept: bool
) -> None:
    """One of the settings, and one that was chosen when the deployments were up before."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        project = kit.open_project(
            tmp_path / "taken", "" if kept else f"[deployments]\nport = {port}\n"
        )
        deployments = Deployments(project, kit.Registry(models))
        if kept:
            deployments._store.note_target(port=port)
        with pytest.raises(Unavailable) as refused:
            deployments.deploy("flights", version="flights/1")
        assert f"Port {port} is taken" in refused.value.what
        assert str(os.getpid()) in refused.value.why
        assert "[deployments] port" in refused.value.fix
        assert deployments.list().total == 0
        kit.clean_up(project)


@pytest.mark.slow
def test_a_failed_test_blocks_and_leaves_the_traffic_as_it_was(
    serving: Deployments, models: Mapping[int, Path], tmp_path: Path, kit: ModuleType
) -> None:
    import shutil

    serving.deploy("flights", version="flights/1")
    url = serving.show("flights").deployment.url
    # The signature promises text, the model has no categories.
    lying = shutil.copytree(models[2], tmp_path / "lying")
    text = (
        (lying / "MLmodel")
        .read_text()
        .replace(
            '{"type": "double", "name": "x0", "required":',
            '{"type": "string", "name": "x0", "required":',
        )
    )
    assert text.count('"string"') == 1
    (lying / "MLmodel").write_text(text)
    broken = shutil.copytree(models[2], tmp_path / "broken")
    (broken / "model.ubj").write_bytes((broken / "model.ubj").read_bytes()[:2000])
    serving._experiments.folders |= {4: lying, 5: broken}  # type: ignore[attr-defined]
    with kit.load(url, kit.sample_body(serving), rate=100, clients=4) as load:
        for number in (4, 5):
            with pytest.raises(Unprocessable) as failed:
                serving.deploy("flights", version=f"flights/{number}", traffic=50)
            assert failed.value.why
            assert failed.value.fix
    assert load.lost == {}, load.details[:3]
    assert set(load.versions) == {"v1"}
    assert shares(serving) == {"v1": 100}
    record = serving.show("flights").deployment
    assert {item.version: item.state for item in record.versions} == {
        "v1": VersionState.READY,
        "v4": VersionState.FAILED,
        "v5": VersionState.FAILED,
    }
    assert all(item.reason for item in record.versions if item.state is VersionState.FAILED)
    assert record.state is DeploymentState.HEALTHY
    for verb in (
        lambda: serving.promote("flights", "v4"),
        lambda: serving.traffic("flights", {"v1": 50, "v4": 50}),
    ):
        with pytest.raises(Conflict, match="failed"):
            verb()
    serving._experiments.folders[4] = models[2]  # type: ignore[attr-defined]  # mended
    serving.deploy("flights", version="flights/4", traffic=20)
    assert shares(serving) == {"v1": 80, "v4": 20}
    before = serving.show("flights").history
    # A notebook that is run again changes nothing.
    again = serving.deploy("flights", version="flights/4")
    assert serving.show("flights").history == before
    assert {item.version: item.traffic for item in again.versions} == {"v1": 80, "v4": 20, "v5": 0}
    # A canary that is the champion.
    with pytest.raises(Conflict, match="v1 of flights is deployed already and has 80 %"):
        serving.deploy("flights", version="flights/1", traffic=10)
    assert serving.show("flights").history == before
    serving._experiments.model = "other"  # type: ignore[attr-defined]
    with pytest.raises(Conflict, match="serves model flights"):
        serving.deploy("flights", version="other/2")


@pytest.mark.slow
def test_a_classifier_that_was_stopped_early_is_served_as_it_predicts_and_answers_what_was_chosen(
    tmp_path: Path, kit: ModuleType
) -> None:
    model, frame = kit.train_classifier(tmp_path / "model")
    project = kit.open_project(
        tmp_path / "project", "[deployments]\nworkers = 1\nrequire_token = true\n"
    )
    deployments = Deployments(project, kit.Registry({1: tmp_path / "model"}))
    try:
        deployments.deploy("flights", version="flights/1", answers="probabilities")
        detail = deployments.show("flights")
        assert detail.answers == "probabilities"
        assert "answers probabilities" in detail.deployment.versions[0].gates[0].measured
        part = frame[:500]
        found = np.array(deployments.predict("flights", part).predictions)
        assert np.abs(found - model.predict_proba(part)).max() <= 1e-6
        curl = subprocess.run(
            ["bash", "-c", detail.code["curl"]], capture_output=True, text=True, check=True
        ).stdout
        assert len(json.loads(curl)["data"]["ndarray"][0]) == 2
        without = subprocess.run(
            ["bash", "-c", re.sub(r" -H @\S+", "", detail.code["curl"])],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert json.loads(without)["status"]["code"] == 401
        # With all of its trees it would differ.
        assert np.abs(found[:, 1] - model.get_booster().inplace_predict(part)).max() > 0.01
        with pytest.raises(Conflict, match="answers probabilities"):
            deployments.deploy("flights", version="flights/1", answers="classes")
        deployments.deploy("classes", version="flights/1")
        assert deployments.show("classes").answers == "classes"
        assert deployments.predict("classes", part).predictions == model.predict(part).tolist()
    finally:
        kit.clean_up(project)


@pytest.mark.slow
def test_a_latency_beyond_the_projects_target_blocks_with_both_figures(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> None:
    project = kit.open_project(
        tmp_path / ("a path with blanks, longer than the name of a socket may be " * 3),
        "[project.targets]\nlatency_p99_ms = 0.001\n[deployments]\nworkers = 1\n",
    )
    deployments = Deployments(project, kit.Registry(models))
    try:
        with pytest.raises(Unprocessable) as failed:
            deployments.deploy("flights", version="flights/1")
        assert "latency: p99 at most 0.001 ms" in failed.value.why
        (version,) = deployments.show("flights").deployment.versions
        assert [(gate.name, gate.passed) for gate in version.gates] == [
            ("signature", True),
            ("environment", True),
            ("start", True),
            ("rows", True),
            ("equal", True),
            ("refuses", True),
            ("latency", False),
            ("memory", True),
        ]
        assert version.traffic == 0
        with pytest.raises(Unavailable):
            deployments.predict("flights", [{"x0": 1.0}])
    finally:
        kit.clean_up(project)


@pytest.mark.slow
def test_two_deploys_at_once_do_not_mix_and_the_second_says_why(serving: Deployments) -> None:
    outcomes: dict[int, Any] = {}

    def deploy(number: int) -> None:
        try:
            outcomes[number] = serving.deploy("flights", version=f"flights/{number}")
        except Conflict as error:
            outcomes[number] = error

    crowd = [threading.Thread(target=deploy, args=(number,)) for number in (1, 2)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    refused = [number for number, outcome in outcomes.items() if isinstance(outcome, Conflict)]
    assert len(refused) == 1
    assert "under way" in outcomes[refused[0]].what
    assert outcomes[refused[0]].fix
    assert shares(serving) == {f"v{3 - refused[0]}": 100}
    serving.deploy("flights", version=f"flights/{refused[0]}")
    assert len(serving.show("flights").deployment.versions) == 2


DEPLOY = """
import sys
from pathlib import Path
from types import SimpleNamespace
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
class Registry:
    def version(self, ref):
        return SimpleNamespace(model="flights", version=int(ref.partition("/")[2]))
    def download(self, ref): return Path(sys.argv[2])
deployments = Deployments(Project(Path(sys.argv[1])), Registry())
report = lambda line: print(line, flush=True)
deployments.deploy("flights", version=f"flights/{sys.argv[3]}", on_progress=report)
"""


@pytest.mark.slow
def test_a_deploy_from_a_job_outlives_the_job_and_one_that_is_killed_leaves_no_process(
    serving: Deployments, models: Mapping[int, Path]
) -> None:
    root = str(serving._project.root)
    token = f"job-{os.getpid()}-{time.time_ns()}"
    subprocess.run(
        [sys.executable, "-c", DEPLOY, root, str(models[1]), "1"],
        env={**os.environ, TOKEN: token, "MLINFRA_JOB": "7f3a"},
        check=True,
    )
    assert end_token(token, grace_seconds=0)  # what the job supervisor does with a job's leftovers
    record = serving.show("flights").deployment
    assert record.state is DeploymentState.HEALTHY
    assert serving.predict("flights", serving.show("flights").sample or {}).version == "v1"
    for row in ProcessTable(serving._project.database).rows():
        assert b"MLINFRA_JOB=" not in Path(f"/proc/{row.identity.pid}/environ").read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", DEPLOY, root, str(models[2]), "2"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("test before traffic"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        second = serving.show("flights").deployment.versions[1]
        if second.state is VersionState.FAILED and not second.workers:
            break
        time.sleep(0.2)
    assert (second.state, second.reason, second.workers) == (
        VersionState.FAILED,
        "Its deploy was interrupted.",
        0,
    )
    assert shares(serving) == {"v1": 100}
    serving.deploy("flights", version="flights/2")  # nothing stands in the way of another try
    serving.delete("flights")
    assert serving.list().total == 0
    assert serving._target.stopped()


@pytest.mark.slow
def test_a_model_with_texts_is_served_from_the_real_registry(
    tmp_path: Path, kit: ModuleType
) -> None:
    import mlflow
    import numpy as np
    import pandas as pd
    import xgboost
    from mlflow.models import infer_signature

    from jupyter_mlinfra.experiments import Experiments

    random = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "distance": random.normal(size=500),
            "carrier": pd.Categorical(random.choice(["AA", "DL", "UA", "Ü"], 500)),
            "hour": random.integers(0, 24, 500),
        }
    )
    label = (frame["distance"] + (frame["carrier"] == "UA") * 2 - frame["hour"] / 10 > 0).astype(
        int
    )
    data = xgboost.DMatrix(frame, label=label, enable_categorical=True)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 2, "max_depth": 4, "nthread": 1}, data, 20
    )
    project = kit.open_project(tmp_path / "registry", "[deployments]\nworkers = 1\n")
    experiments = Experiments(project)
    deployments = Deployments(project, experiments)
    try:
        with experiments.track("flights", name="texts"):
            sample = frame.astype({"carrier": str}).head(10)
            mlflow.xgboost.log_model(
                booster,
                name="model",
                signature=infer_signature(sample, booster.predict(data)[:10]),
                input_example=sample,
                model_format="ubj",
            )
            run = mlflow.active_run()
        assert run is not None
        version = experiments.register(run.info.run_id, model="flights")
        experiments.promote(f"flights/{version.version}", alias="champion")
        deployments.deploy("flights", version="flights@champion")
        answer = deployments.predict("flights", frame.astype({"carrier": str}))
        np.testing.assert_allclose(answer.predictions, booster.predict(data), atol=1e-6)
        assert list(answer.names) == ["t:0", "t:1"]
        with pytest.raises(BadRequest, match="unknown category"):
            deployments.predict("flights", [{"distance": 1.0, "carrier": "XX", "hour": 3}])
        logged = deployments.payloads("flights")
        end = time.monotonic() + 10
        while logged.filter(logged["status"] == 200).height < 500 and time.monotonic() < end:
            time.sleep(0.05)
            logged = deployments.payloads("flights")
        assert logged.filter(logged["status"] == 200)["carrier"].to_list() == list(frame["carrier"])
        np.testing.assert_allclose(
            logged.filter(logged["status"] == 200)["prediction_1"],
            booster.predict(data)[:, 1],
            atol=1e-6,
        )
        json.dumps(deployments.show("flights").sample)
    finally:
        kit.clean_up(project)
