"""The same verbs against a real MLflow server, which the test starts and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments


@pytest.fixture
def server(tmp_path):
    """Address of a server with its own store and artifacts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
    ]
    quiet = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            stdout=log,
            stderr=log,
            env=quiet,
            start_new_session=True,
        )
    try:
        for _ in range(480):
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer,
            ):
                assert answer.status == 200
                break
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_all_verbs_work_on_a_server_whose_files_are_elsewhere(tmp_path, server):
    import mlflow
    import xgboost

    root = tmp_path / "project"
    root.mkdir()
    (root / "mlinfra.toml").write_text(f'[experiments]\ntracking_uri = "{server}"\n')
    project = Project(root)
    experiments = Experiments(project)
    inputs = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0)})
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(inputs, inputs["a"]), 2)
    signature = mlflow.models.infer_signature(inputs, booster.inplace_predict(inputs))
    for depth in range(2):
        with experiments.track("churn", name=f"depth {depth}", datasets=["dataset:a.b@1"]) as run:
            run.log_params({"depth": depth})
            for step in range(3):
                run.log_metric("loss", depth + step, step=step)
            run.log_metric("bad", float("nan"))
            mlflow.xgboost.log_model(
                booster,
                name="model",
                signature=signature,
                pip_requirements=["xgboost"],
                model_format="ubj",
            )
        assert experiments.register(run.id, model="churn").version == depth + 1
        experiments.promote(f"churn/{depth + 1}", alias="champion")
    assert experiments.slow_reason
    assert {(item.name, item.runs) for item in experiments.experiments().items} == {
        ("churn", None),
        ("Default", None),
    }
    first = experiments.runs("churn", sort="-metrics.loss", limit=1)
    assert (first.items[0].id, first.total, first.more) == (run.id, 1, True)
    rest = experiments.runs("churn", sort="-metrics.loss", limit=5, cursor=first.cursor)
    assert (len(rest.items), rest.total, rest.cursor, rest.more) == (1, 2, None, False)
    assert experiments.show(run.id[:7]).id == run.id
    best = experiments.runs(
        "churn", where="params.depth > 0 or metrics.loss > 9", sort="-loss"
    ).items
    assert [(item.id, item.metrics["loss"], item.datasets, item.versions) for item in best] == [
        (run.id, 3.0, ["dataset:a.b@1"], ["version:churn/2"])
    ]
    compared = experiments.compare([item.id for item in experiments.runs("churn").items])
    assert [row.key for row in compared.rows if not row.same] == ["depth", "loss"]
    assert [list(curve.high) for curve in compared.curves] == [[1, 2, 3], [0, 1, 2]]
    assert experiments.model("churn").model.aliases == {"champion": 2, "rollback": 1}
    assert experiments.download("churn@champion").is_relative_to(project.home)
    copy = experiments.download("churn/2")
    assert experiments.download("churn@champion") == copy
    content = (copy / "MLmodel").read_bytes()
    (copy / "MLmodel").write_bytes(content + b"# changed")
    assert (experiments.download("churn/2") / "MLmodel").read_bytes() == content
    with pytest.raises(NotFound):
        experiments.version("churn/9")
    assert [column["name"] for column in experiments.signature("churn/1")["inputs"]] == ["a", "b"]
    assert np.array_equal(
        experiments.load("churn/2").inplace_predict(inputs), booster.inplace_predict(inputs)
    )
    assert {document.kind for document in experiments.search_documents()} == {
        "experiment",
        "model",
        "version",
        "run",
    }
    assert not (project.home / "mlflow.db").exists()
    project.database.close()
