"""Which engine serves a PyTorch model, without PyTorch: the export is a program that writes what
the real one writes, hangs, or dies. The real one is tested by `make lightning`.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import onnx
import orjson
import pytest
import yaml
from onnx import TensorProto, helper

from jupyter_mlinfra.core.errors import Unavailable, Unprocessable
from jupyter_mlinfra.core.processes import with_token
from jupyter_mlinfra.deployments import environment, onnx_export, packaging
from jupyter_mlinfra.deployments.bodies import first_rows, open_inference_body
from jupyter_mlinfra.deployments.onnx_export import said, with_engine
from jupyter_mlinfra.deployments.packaging import Bundle, damage, package
from jupyter_mlinfra.deployments.runtime import proof
from jupyter_mlinfra.deployments.runtime.contract import Batch, Column
from jupyter_mlinfra.deployments.runtime.engine import Packaged
from jupyter_mlinfra.deployments.runtime.served import Served
from jupyter_mlinfra.deployments.runtime.tensors import TensorContract
from jupyter_mlinfra.deployments.trust import check_trust

ROWS = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.0]]
RIGHT = {
    "engine": "onnx",
    "why": "",
    "tolerance": 1e-5,
    "difference": 3.4e-7,
    "rows": 57,
    "batches": [1, 2, 3, 13],
    "rows_at_once": 0,
    "versions": {"onnxruntime": "1.32.0", "numpy": "2.5.5", "torch": "2.15.0"},
}
HANGS = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""
DIES = """
import os, sys
print("terminate called", file=sys.stderr, flush=True)
os.abort()
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model as `mlflow.pytorch` writes it; nobody here can read its pickle."""
    folder = tmp_path / "model"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "model.pth").write_bytes(b"not for the workbench")
    (folder / "requirements.txt").write_text("mlflow==3.17.2\ntorch==2.15.0+cu130\nnumpy==2.5.5\n")
    (folder / "input_example.json").write_text(json.dumps(ROWS))
    spec = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}
    document = {
        "flavors": {
            "pytorch": {"model_data": "data", "pytorch_version": "2.15.0+cu130", "code": None},
            "python_function": {"loader_module": "mlflow.pytorch", "data": "data", "env": {}},
        },
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "ndarray"},
        "signature": {"inputs": json.dumps([spec]), "outputs": json.dumps([spec])},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


@pytest.fixture
def exporter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program in the place of the export, which runs with this Python."""
    runtime = tmp_path / "runtime"
    shutil.copytree(packaging.RUNTIME, runtime, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(packaging, "RUNTIME", runtime)
    monkeypatch.setattr(environment, "ensure", lambda *_, **__: Path(sys.executable))
    return lambda text: (runtime / "torch_export.py").write_text(text) and None


def doubled() -> bytes:
    """An ONNX model that doubles its input."""
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Add", ["input", "input"], ["predict"])],
        "doubled",
        [helper.make_tensor_value_info("input", kind, ["rows", 2])],
        [helper.make_tensor_value_info("predict", kind, ["rows", 2])],
    )
    opset = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return bytes(made.SerializeToString())


def says(report: Mapping[str, Any], made: bytes) -> str:
    """A program that exports as the real one does."""
    return f"""
import sys
from pathlib import Path
folder = Path(sys.argv[2])
(folder / "model.onnx").write_bytes({made!r})
(folder / "report.json").write_text({json.dumps(report)!r})
"""


def choose(model: Path, into: Path, said: list[str] | None = None) -> Bundle:
    lines = [] if said is None else said
    return with_engine(package(model, into), into, lines.append)


def ask(bundle: Bundle, rows: Any, patch: pytest.MonkeyPatch) -> Any:
    for key, value in {
        "BUNDLE": str(bundle.folder),
        "DEPLOYMENT": "net",
        "VERSION": "v1",
        "MODEL": "net/1",
        "PAYLOADS": "",
    }.items():
        patch.setenv(f"MLINFRA_{key}", value)
    served = Served()
    served.load()
    body = orjson.dumps(open_inference_body(bundle, rows))
    return orjson.loads(served.open_inference(body, {}.get).body)["outputs"][0]["data"]


def test_a_model_whose_export_is_proved_equal_is_served_by_onnxruntime_alone(
    model: Path, tmp_path: Path, exporter: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter(says(RIGHT, doubled()))
    lines: list[str] = []
    bundle = choose(model, tmp_path / "bundles", lines)
    assert bundle.engine == "onnx"
    assert bundle.requirements == ["onnxruntime==1.32.0", "numpy==2.5.5"]
    assert "torch==2.15.0" in bundle.own_requirements  # not the build of the author's machine
    assert bundle.runs_code  # its own answers are still those of the pickle
    assert lines[-1] == (
        "onnxruntime: within 3.4e-07 of torch's answers to 57 rows in batches of 1, 2, 3, 13"
    )
    assert damage(bundle.folder) == ""
    assert bundle.sample["ndarray"] == ROWS
    doubles = [2 * value for row in ROWS for value in row]
    assert ask(bundle, bundle.sample, monkeypatch) == doubles
    exporter(DIES)  # it is not asked again …
    shutil.rmtree(tmp_path / "bundles")
    assert choose(model, tmp_path / "bundles").engine == "torch"  # … unless nothing is left


def test_a_proved_export_is_used_again(
    model: Path, tmp_path: Path, exporter: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter(says(RIGHT, doubled()))
    first = choose(model, tmp_path / "bundles")
    monkeypatch.setattr(onnx_export, "_run", lambda *_: pytest.fail("exported twice"))
    assert choose(model, tmp_path / "bundles") == first
    (first.folder / "model" / first.model_file).write_bytes(b"changed")
    with pytest.raises(pytest.fail.Exception):
        choose(model, tmp_path / "bundles")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HANGS, "the export took over 1 s"),
        (DIES, "the export ended its process (signal 6): terminate called"),
        ("import sys; sys.exit('no')", "the export ended its process (exit code 1): no"),
        ("", "the export ended its process (exit code 0)"),
    ],
)
def test_an_export_that_hangs_or_dies_leaves_the_model_to_torch_and_no_process(
    text: str,
    why: str,
    model: Path,
    tmp_path: Path,
    exporter: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exporter(text)
    monkeypatch.setattr(onnx_export, "EXPORT_SECONDS", 1 if text == HANGS else 60)
    monkeypatch.setattr(onnx_export, "GRACE_SECONDS", 0)
    token = "mlinfra-export-" + "7" * 32
    monkeypatch.setattr(onnx_export.uuid, "uuid4", lambda: UUID("7" * 32))
    began = time.monotonic()
    bundle = choose(model, tmp_path / "bundles")
    assert time.monotonic() - began < 55
    assert bundle.engine == "torch"
    assert said(bundle.export) == f"torch, because {why}"
    assert "torch==2.15.0" in bundle.requirements
    assert not with_token(token)


def test_without_torch_or_an_environment_the_model_is_left_to_torch_and_the_reason_is_said(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Path:
        raise Unavailable("The environment of the export could not be built.", "uv said: no.")

    monkeypatch.setattr(environment, "ensure", fails)
    bundle = choose(model, tmp_path / "bundles")
    assert "uv said: no." in said(bundle.export)
    assert bundle.engine == "torch"


def test_a_changed_or_untrusted_model_is_not_read(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda *_, **__: Path(sys.executable))
    bundle = package(model, tmp_path / "bundles")
    with pytest.raises(Unprocessable, match="nobody here vouches"):
        check_trust(bundle, model="net", version=1, registered_here=False, trusted=())
    (bundle.folder / "model" / "data" / "model.pth").write_bytes(b"another one")
    found = with_engine(bundle, tmp_path)
    assert "model.pth is not the file that was packaged" in said(found.export)


def packaged(spec: Mapping[str, Any], rows: Any) -> tuple[Packaged, TensorContract]:
    columns = [Column(name="input", type="tensor", spec=spec)]
    facts = Packaged(
        folder=Path(),
        engine="torch",
        model_file="",
        model_class="",
        answers="values",
        columns=columns,
        layout="tensors",
        output_names=[],
        document={},
        sample={"names": ["input"], "ndarray": rows},
    )
    return facts, TensorContract(columns)


def test_a_proof_has_batches_of_several_sizes_and_values_far_from_the_sample() -> None:
    cases = proof.proof(*packaged({"dtype": "float32", "shape": [-1, 2]}, ROWS))
    assert {case.batch.size for case in cases} >= {1, 2, 3}
    batches = [case.batch.tensors["input"] for case in cases if case.batch.tensors]
    assert all(item.dtype == np.float32 for item in batches)
    assert max(np.abs(item).max() for item in batches) > 50
    again = proof.proof(*packaged({"dtype": "float32", "shape": [-1, 2]}, ROWS))
    assert all(
        np.array_equal(left, right.batch.tensors["input"])  # type: ignore[index]
        for left, right in zip(batches, again, strict=True)
    )


def test_a_proof_keeps_whole_numbers_among_those_of_the_sample_and_varies_open_sizes() -> None:
    facts, contract = packaged({"dtype": "int64", "shape": [-1, -1]}, [[3, 5, 7], [5, 5, 9]])
    batches = [case.batch.tensors["input"] for case in proof.proof(facts, contract)]  # type: ignore[index]
    assert {int(value) for item in batches for value in item.ravel()} <= {3, 5, 7, 9}
    assert {item.shape[1] for item in batches} == {2, 3, 5}


@pytest.mark.parametrize(
    ("found", "expected", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([100.001], [100.0], 1e-5),
        ([0.5, np.nan], [0.25, np.nan], 0.25),
        ([1, 2], [1, 2], 0.0),
        ([1.0], [np.nan], None),
        ([np.inf], [-np.inf], None),
        ([1, 3], [1, 2], None),
        ([[1.0]], [1.0], None),
        ([1], [1.0], None),
    ],
)
def test_how_far_two_answers_are_apart(found: Any, expected: Any, apart: float | None) -> None:
    left, right = {"y": np.array(found)}, {"y": np.array(expected)}
    if apart is None:
        with pytest.raises(ValueError, match="output y"):
            proof.difference(left, right)
    else:
        assert proof.difference(left, right) == pytest.approx(apart, rel=1e-3)
    with pytest.raises(ValueError, match="outputs are"):
        proof.difference({"z": left["y"]}, right)


def test_first_rows_repeat_what_is_there() -> None:
    batch = Batch(2, matrix=np.array([[1.0], [2.0]]))
    more = proof.first_rows(batch, 3).matrix
    assert more is not None
    assert more.tolist() == [[1.0], [2.0], [1.0]]


def test_a_model_of_one_row_is_asked_row_by_row(
    model: Path, tmp_path: Path, exporter: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = onnx.load_model_from_string(doubled())
    for part in (*made.graph.input, *made.graph.output):
        part.type.tensor_type.shape.dim[0].dim_value = 1
    exporter(says(RIGHT | {"rows_at_once": 1}, made.SerializeToString()))
    bundle = choose(model, tmp_path / "bundles")
    assert "row by row" in said(bundle.export)
    doubles = [2 * value for row in ROWS for value in row]
    assert ask(bundle, first_rows(bundle.sample, 3), monkeypatch) == doubles
