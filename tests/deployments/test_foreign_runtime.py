"""A serving runtime of another package: found by its entry point, asked what it accepts, and its
server carries the processes.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from jupyter_mlinfra.core.errors import NotFound, Unprocessable
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.runtimes import load_runtime
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

pytestmark = pytest.mark.slow

THEIRS = '''
    """Uvicorn, as ours, but with one thread and a mark of its own."""
    from jupyter_mlinfra.deployments.runtimes.open_inference import OpenInference


    class Theirs(OpenInference):
        name = "theirs"

        def refusal(self, bundle):
            return "" if bundle.engine == "xgboost" else "It serves XGBoost alone."

        def command(self, python, *, threads, keepalive_seconds):
            return super().command(python, threads=1, keepalive_seconds=keepalive_seconds)

        def variables(self, *, deployment, version):
            return {"THEIRS": f"{deployment}/{version}"}
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, as an installer leaves it."""
    site = tmp_path / "site"
    facts = site / "theirs-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "their_runtime.py").write_text(textwrap.dedent(THEIRS))
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[mlinfra.serving_runtimes]\ntheirs = their_runtime:Theirs\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("their_runtime", None)


@pytest.mark.usefixtures("installed")
def test_a_runtime_of_another_package_carries_the_processes_and_says_what_it_accepts(
    tmp_path: Path, models: Mapping[int, Path], kit: ModuleType
) -> None:
    import xgboost

    project = kit.open_project(tmp_path / "project", "[deployments]\nworkers = 1\n")
    deployments = Deployments(project, kit.Registry({1: models[1]}))
    try:
        deployments.deploy("flights", version="flights/1", runtime="theirs")
        frame = kit.make_frame(20, 7)
        found = deployments.predict("flights", frame)
        booster = xgboost.Booster(model_file=models[1] / "model.ubj")
        expected = booster.predict(xgboost.DMatrix(frame))
        assert np.abs(np.array(found.predictions) - expected).max() <= 1e-6
        (worker,) = [row for row in ProcessTable(project.database).rows() if row.version == "v1"]
        process = psutil.Process(worker.identity.pid)
        assert process.environ()["THEIRS"] == "flights/v1"
        assert process.cmdline()[-4:-2] == ["--threads", "1"]
    finally:
        kit.clean_up(project)


@pytest.mark.usefixtures("installed")
def test_a_model_that_it_does_not_accept_is_refused_before_anything_is_built(
    tmp_path: Path, kit: ModuleType
) -> None:
    from tests.deployments.test_engines import onnx_tensors

    onnx_tensors(tmp_path / "model")
    project = kit.open_project(tmp_path / "project")
    deployments = Deployments(project, kit.Registry({1: tmp_path / "model"}))
    with pytest.raises(Unprocessable, match="It serves XGBoost alone"):
        deployments.deploy("flights", version="flights/1", runtime="theirs")
    with pytest.raises(NotFound):
        deployments.show("flights")


def test_a_runtime_that_nobody_provides_is_named_with_those_that_are_there() -> None:
    with pytest.raises(NotFound, match="mlserver, open-inference, seldon-core"):
        load_runtime("nobody")
