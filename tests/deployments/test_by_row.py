"""A model whose answer does not have one row per row of the request gets no traffic, and what it
answered is not logged as rows that it is not.
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from jupyter_mlinfra.deployments import client, gates
from jupyter_mlinfra.deployments.bodies import first_rows, seldon_body
from jupyter_mlinfra.deployments.gateway import Keys
from jupyter_mlinfra.deployments.packaging import package
from jupyter_mlinfra.deployments.payload_log.journals import read_journal
from jupyter_mlinfra.deployments.runtime import by_row
from jupyter_mlinfra.deployments.runtime.served import Served

FRAME = pd.DataFrame(np.random.default_rng(3).normal(size=(40, 2)), columns=["a", "b"])
V1, V2 = "http://gateway/v1", "http://gateway/v2"


def two_labels(folder: Path) -> None:
    """`predict_proba` is a list with an array per label: (labels, rows, classes) when stacked."""
    import mlflow
    from mlflow.models import ModelSignature, infer_signature
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    labels = (FRAME > 0).to_numpy().astype(int)
    mlflow.sklearn.save_model(
        MultiOutputClassifier(LogisticRegression()).fit(FRAME, labels),
        folder,
        serialization_format="cloudpickle",
        pyfunc_predict_fn="predict_proba",
        signature=ModelSignature(inputs=infer_signature(FRAME).inputs),
        input_example=FRAME.head(2),
        pip_requirements=["scikit-learn"],
    )


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> gates.Subject:
    """The version under test; the requests of the tests reach it without a gateway."""
    two_labels(tmp_path / "model")
    bundle = package(tmp_path / "model", tmp_path / "bundles")
    for name, value in {
        "BUNDLE": str(bundle.folder),
        "DEPLOYMENT": "labels",
        "VERSION": "v1",
        "MODEL": "labels/1",
        "PAYLOADS": "",
    }.items():
        monkeypatch.setenv(f"MLINFRA_{name}", value)
    served = Served()
    served.load()

    def post(url: str, body: bytes, **_: Any) -> client.Answer:
        asked = served.seldon_v1 if url == V1 else served.open_inference
        try:
            return client.Answer(200, "v1", orjson.loads(asked(body, lambda _: None).body), 1.0)
        except Exception as error:  # noqa: BLE001 (as the servers do)
            return client.Answer(500, "v1", {"what": str(error)}, 1.0)

    monkeypatch.setattr(client, "post", post)
    expected: Future[Any] = Future()
    expected.set_result({"": [0.5] * 800})
    return gates.Subject(
        url=V1,
        open_inference_url=V2,
        keys=Keys(probe="ours"),
        version="v1",
        bundle=bundle,
        expected=expected,
    )


def test_the_first_row_of_the_sample_says_why(subject: gates.Subject) -> None:
    bundle = subject.bundle
    row = orjson.dumps(seldon_body(bundle, first_rows(bundle.sample, 1)))
    answer = client.post(V1, row, keys=subject.keys)
    assert answer.status == 500
    assert answer.body["what"].startswith(
        "The model does not answer row by row. It was given 1 row, and its output predict has the"
        " shape [2, 1, 2]."
    )


def test_the_test_equal_says_it_of_a_server_that_lets_it_pass(
    subject: gates.Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_row, "check", lambda *_: None)
    measured, passed = gates._equal_answers(subject)
    assert not passed
    assert measured.startswith("The model does not answer row by row. It was given 100 rows")


def test_a_single_row_is_asked_twice_since_its_answer_may_have_one_row_by_chance(
    subject: gates.Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = [{"name": "predict", "shape": [1, 1, 2], "data": [0.5, 0.5]}]
    answer = client.Answer(200, "v1", {"outputs": outputs}, 1.0)
    monkeypatch.setattr(client, "post", lambda *_, **__: answer)
    one = first_rows(subject.bundle.sample, 1)
    assert "given 2 rows" in gates._not_by_row(subject, one, answer)


@pytest.mark.parametrize(
    ("shape", "rows", "fault"),
    [
        ((3,), 3, ""),
        ((3, 2, 5), 3, ""),
        ((1,), 3, "It was given 3 rows, and its output y has the shape [1]."),
        ((), 1, "It was given 1 row, and its output y has the shape []."),
        ((2, 3), 3, "It was given 3 rows, and its output y has the shape [2, 3]."),
    ],
)
def test_the_first_axis_of_an_output_counts_the_rows(
    shape: tuple[int, ...], rows: int, fault: str
) -> None:
    assert by_row.fault("y", shape, rows) == fault


def test_an_entry_of_another_number_of_answers_gives_no_rows(tmp_path: Path) -> None:
    head = {"names": ["a"], "types": ["double"], "deployment": "d", "version": "v1"}
    entry = {"k": "p", "id": "r", "ts": 1.0, "ms": 1.0, "st": 200, "x": [[1.0], [2.0]]}
    lines = [head, {**entry, "y": [[0.1], [0.2], [0.3]]}, {**entry, "y": [0.1, 0.2]}]
    file = tmp_path / "v1-1-1.jsonl"
    file.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    found = read_journal(file)
    assert (found.inputs, found.scores) == ([[1.0], [2.0]], [[0.1], [0.2]])
    assert found.dropped == 1
