"""PyTorch models that are deployed for real: environments, processes, gateway, tests before
traffic.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from torch_models import lightning_trained, pickle_branch, pt2_tensor

from jupyter_mlinfra.deployments import Deployments


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Iterator[Deployments]:
    """Deployments of a project with three models, each a version of its own."""
    root = tmp_path_factory.mktemp("pytorch")
    folders = {}
    for number, make in enumerate((pt2_tensor, pickle_branch, lightning_trained), 1):
        make(root / str(number))
        folders[number] = root / str(number)
    project = kit.open_project(root / "serving")
    yield Deployments(project, kit.Registry(folders, "net"))
    kit.clean_up(project)


@pytest.mark.parametrize(
    ("number", "engine", "runtime"),
    [(1, "onnxruntime", "open-inference"), (2, "torch", "seldon-core"), (3, "onnxruntime", None)],
)
def test_a_model_is_deployed_and_says_what_serves_it(
    number: int, engine: str, runtime: str | None, serving: Deployments
) -> None:
    name = f"net{number}"
    record = serving.deploy(name, version=f"net/{number}", runtime=runtime)
    (version,) = record.versions
    tests = {gate.name: gate for gate in version.gates}
    assert all(gate.passed for gate in version.gates)
    assert tests["engine"].measured.startswith(engine)
    assert "1e-05" in tests["equal"].limit
    python = Path(serving._store.deployment(name).version(f"v{number}").python)
    has_torch = any(python.parent.parent.glob("lib/*/site-packages/torch"))
    assert has_torch is (engine == "torch")
    sample = serving.show(name).sample
    assert sample is not None
    rows = sample["data"]["ndarray"]
    answer = serving.predict(name, {"data": {"ndarray": [*rows, *rows]}})
    assert np.array(answer.predictions).shape[0] == 2
