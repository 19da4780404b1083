"""Real PyTorch and Lightning models: which engine serves them, why, and that it answers right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import orjson
import pytest
import torch
from torch_models import MODELS

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import environment, gates, own_answers
from jupyter_mlinfra.deployments.bodies import first_rows, open_inference_body
from jupyter_mlinfra.deployments.onnx_export import said, with_engine
from jupyter_mlinfra.deployments.packaging import Bundle, package
from jupyter_mlinfra.deployments.runtime.served import Served

NAMES = {make.__name__: make for make in MODELS}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """The served bundle of a model, exported in a real environment."""
    root = tmp_path_factory.mktemp("project")
    (root / "mlinfra.toml").write_text('[project]\nname = "test"\n')
    cache = environment.cache_folder(Project.open(root).settings)

    def make(name: str) -> Bundle:
        folder = root / name
        folder.mkdir()
        NAMES[name](folder / "model")
        return with_engine(package(folder / "model", folder / "bundles"), cache)

    return lru_cache(make)


def serve(bundle: Bundle, patch: pytest.MonkeyPatch) -> Served:
    for key, value in {
        "BUNDLE": str(bundle.folder),
        "DEPLOYMENT": "net",
        "VERSION": "v1",
        "MODEL": "net/1",
        "PAYLOADS": "",
    }.items():
        patch.setenv(f"MLINFRA_{key}", value)
    patch.setattr(sys, "path", list(sys.path))
    served = Served()
    served.load()
    return served


def ask(served: Served, bundle: Bundle, rows: Any) -> dict[str, np.ndarray]:
    body = orjson.dumps(open_inference_body(bundle, rows))
    outputs = orjson.loads(served.open_inference(body, {}.get).body)["outputs"]
    return {item["name"]: np.array(item["data"]).reshape(item["shape"]) for item in outputs}


def torch_s(bundle: Bundle, model: Path, rows: Any) -> list[np.ndarray]:
    """What the logged module answers to one row at a time, in the order of its outputs."""
    module = mlflow.pytorch.load_model(str(model), weights_only=False)
    if named := rows.get("jsonData"):
        values = [named[item.name] for item in bundle.columns]
    else:
        values = [rows["ndarray"]]
    types = [item.spec.get("dtype", "float32") for item in bundle.columns]
    tensors = [
        torch.from_numpy(np.array(item, dtype=kind))
        for item, kind in zip(values, types, strict=False)
    ]
    parts = []
    with torch.no_grad():
        for number in range(len(tensors[0])):
            answer = module(*(item[number : number + 1] for item in tensors))
            if isinstance(answer, dict):
                answer = tuple(answer.values())
            parts.append(answer if isinstance(answer, tuple) else (answer,))
    return [torch.cat(column).numpy() for column in zip(*parts, strict=True)]


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_serves_what_is_proved_equal_and_torch_the_rest(
    name: str, bundles: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles(name)
    engine, why = MODELS[NAMES[name]]
    assert bundle.engine == engine, said(bundle.export)
    assert why in said(bundle.export)
    needed = {line.partition("==")[0] for line in bundle.requirements}
    assert (needed == {"numpy", "onnxruntime"}) is (engine == "onnx")
    assert ("torch" in needed) is (engine == "torch")
    if name in ("pt2_in_training", "pickle_explodes"):
        return  # nothing that it could be compared with
    served = serve(bundle, monkeypatch)
    for count in (1, 2, 20):
        rows = first_rows(bundle.sample, count)
        found = list(ask(served, bundle, rows).values())
        expected = torch_s(bundle, bundle.folder.parents[1] / "model", rows)
        assert len(found) == len(expected)
        for left, right in zip(found, expected, strict=True):
            assert np.allclose(left.ravel(), right.ravel(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["pt2_one_row", "pickle_columns", "pickle_dict", "pt2_two_inputs"])
def test_the_oracle_of_the_tests_before_traffic_agrees(
    name: str, bundles: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles(name)
    own = own_answers.own_answers(bundle, sys.executable)
    found = ask(serve(bundle, monkeypatch), bundle, own_answers.compared(bundle))
    pairs = gates._pairs({key: gates._flat(item.tolist()) for key, item in found.items()}, own)
    assert pairs
    assert max(gates._difference(*pair) or 0.0 for pair in pairs) <= 1e-5


def test_an_export_is_not_repeated_and_tells_nothing_of_the_machine(
    bundles: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles("pickle_columns")
    file = (bundle.folder / "model" / bundle.model_file).read_bytes()
    assert b"models.py" not in file
    assert b"site-packages" not in file
    monkeypatch.setattr(
        "jupyter_mlinfra.deployments.onnx_export._run", lambda *_: pytest.fail("run again")
    )
    folder = bundle.folder.parents[1]
    again = with_engine(package(folder / "model", folder / "bundles"), folder)
    assert again == bundle
