"""What is served equals what the logged model's own pyfunc answers, for every class of XGBoost that
is served.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unavailable, Unprocessable
from jupyter_mlinfra.core.processes import Identity, with_token
from jupyter_mlinfra.deployments import oracle, own_answers
from jupyter_mlinfra.deployments.packaging import Bundle, package
from jupyter_mlinfra.deployments.runtime.model import Model

ROWS, TRAINED = 900, 600


def inputs() -> pd.DataFrame:
    chance = np.random.default_rng(5)
    frame = pd.DataFrame(chance.normal(size=(ROWS, 4)), columns=list("abcd"))
    frame["whole"] = chance.integers(0, 9, ROWS)
    frame["flag"] = chance.random(ROWS) < 0.4
    return frame


FRAME = inputs()
NOISE = np.random.default_rng(6).normal(size=ROWS)
VALUE = FRAME["a"] * FRAME["whole"] / 4 + FRAME["b"] * FRAME["flag"] + NOISE
TWO = (VALUE > 0).astype(int)
THREE = pd.Series(np.digitize(VALUE, [-1.0, 1.0]))


def save(model: Any, folder: Path, frame: pd.DataFrame, answers: Any, **options: Any) -> Path:
    import mlflow
    from mlflow.models import infer_signature

    signature = infer_signature(frame, answers)
    needs = {"pip_requirements": ["xgboost"], "model_format": "ubj", **options}
    mlflow.xgboost.save_model(
        model, folder, signature=signature, input_example=frame.head(20), **needs
    )
    return folder


def stopped_early(kind: type, label: Any, **options: Any) -> Any:
    model = kind(n_estimators=200, early_stopping_rounds=3, learning_rate=0.9, n_jobs=1, **options)
    model.fit(
        FRAME[:TRAINED],
        label[:TRAINED],
        eval_set=[(FRAME[TRAINED:], label[TRAINED:])],
        verbose=False,
    )
    # Else nothing is tested.
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    return model


def fitted(name: str) -> Any:
    import xgboost as xgb

    makers: dict[str, Callable[[], Any]] = {
        "early": lambda: stopped_early(xgb.XGBClassifier, TWO),
        "early-three": lambda: stopped_early(xgb.XGBClassifier, THREE),
        "early-regressor": lambda: stopped_early(xgb.XGBRegressor, VALUE),
        "softmax": (
            lambda: xgb.XGBClassifier(objective="multi:softmax", n_estimators=5, n_jobs=1).fit(
                FRAME, THREE
            )
        ),
        "dart": (
            lambda: xgb.XGBClassifier(booster="dart", rate_drop=0.4, n_estimators=10, n_jobs=1).fit(
                FRAME, TWO
            )
        ),
        "forest": lambda: xgb.XGBRFClassifier(n_estimators=10, n_jobs=1).fit(FRAME, TWO),
        "ranker": (
            lambda: xgb.XGBRanker(n_estimators=5, n_jobs=1).fit(
                FRAME, TWO, qid=np.repeat(range(ROWS // 10), 10)
            )
        ),
    }
    return makers[name]()


def served(bundle: Bundle, rows: list[list[Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the code in a serving process answers to these rows."""
    from flask import Flask

    for name, value in {
        "BUNDLE": str(bundle.folder),
        "DEPLOYMENT": "flights",
        "VERSION": "v1",
        "MODEL": "flights/1",
        "PAYLOADS": "",
    }.items():
        monkeypatch.setenv(f"MLINFRA_{name}", value)
    model = Model()
    model.load()
    with Flask(__name__).test_request_context():
        answer = orjson.loads(
            model.predict_raw(
                orjson.dumps({"data": {"names": bundle.sample["names"], "ndarray": rows}})
            )
        )
    return answer["data"]["ndarray"]


@pytest.mark.parametrize(
    "name", ["early", "early-three", "early-regressor", "softmax", "dart", "forest", "ranker"]
)
def test_a_model_of_each_class_is_served_as_its_own_pyfunc_predicts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    model = fitted(name)
    folder = save(model, tmp_path / "model", FRAME, model.predict(FRAME))
    bundle = package(folder, tmp_path / "bundles")
    expected = mlflow.pyfunc.load_model(str(folder)).predict(FRAME)
    rows = json.loads(FRAME.to_json(orient="values", double_precision=15))
    found = served(bundle, rows, monkeypatch)
    assert np.abs(np.array(found, float) - expected).max() <= 1e-6
    assert bundle.answers == ("values" if name in ("early-regressor", "ranker") else "classes")
    assert all(isinstance(value, int) for value in found) is (bundle.answers == "classes")


@pytest.mark.parametrize("name", ["early", "early-three", "softmax"])
def test_a_classifier_answers_probabilities_when_that_is_chosen(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted(name)
    folder = save(model, tmp_path / "model", FRAME, model.predict_proba(FRAME))
    bundle = package(folder, tmp_path / "bundles", answers="probabilities")
    assert bundle.id != package(folder, tmp_path / "bundles").id
    rows = json.loads(FRAME.to_json(orient="values", double_precision=15))
    assert (
        np.abs(np.array(served(bundle, rows, monkeypatch)) - model.predict_proba(FRAME)).max()
        <= 1e-6
    )


@pytest.mark.parametrize(
    ("answers", "model_format"),
    [pytest.param("classes", "ubj", marks=pytest.mark.slow), ("probabilities", "json")],
)
def test_the_oracle_of_the_gate_is_the_logged_pyfunc_in_another_process(
    answers: Any, model_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted("early")
    bundle = package(
        save(model, tmp_path / "model", FRAME, model.predict(FRAME), model_format=model_format),
        tmp_path / "bundles",
        answers=answers,
    )
    rows = own_answers.compared(bundle)["ndarray"]
    assert len(rows) == own_answers.COMPARED_ROWS
    frame = pd.DataFrame(rows, columns=FRAME.columns).astype(FRAME.dtypes)
    expected = model.predict(frame) if answers == "classes" else model.predict_proba(frame)
    own = np.array(own_answers.own_answers(bundle, sys.executable)[""]).reshape(expected.shape)
    assert np.abs(own - expected).max() <= 1e-6
    assert np.abs(own - np.array(served(bundle, rows, monkeypatch))).max() <= 1e-6
    # How it was served before: the gate would see it.
    every_tree = model.get_booster().inplace_predict(frame)
    assert np.abs(own.reshape(len(rows), -1)[:, -1] - every_tree).max() > 0.1


def test_texts_that_were_categories_are_compared_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xgboost as xgb

    frame = FRAME.assign(
        origin=pd.Categorical(np.where(VALUE > NOISE, "JFK", np.where(FRAME["flag"], "EWR", "LGA")))
    )
    model = xgb.XGBClassifier(enable_categorical=True, n_estimators=5, n_jobs=1).fit(frame, TWO)
    bundle = package(
        save(model, tmp_path / "model", frame, model.predict(frame)), tmp_path / "bundles"
    )
    rows = own_answers.compared(bundle)["ndarray"]
    assert own_answers.own_answers(bundle, sys.executable)[""] == served(bundle, rows, monkeypatch)


def test_a_booster_states_what_its_objective_gives_and_cannot_be_asked_for_more(
    tmp_path: Path,
) -> None:
    import xgboost as xgb

    found = {}
    for objective, label in (
        ("binary:logistic", TWO),
        ("multi:softprob", THREE),
        ("multi:softmax", THREE),
        ("reg:squarederror", VALUE),
    ):
        data = xgb.DMatrix(FRAME, label=label)
        booster = xgb.train(
            {
                "objective": objective,
                "nthread": 1,
                **({"num_class": 3} if "multi" in objective else {}),
            },
            data,
            2,
        )
        for kind in ("ubj", "json"):
            folder = save(
                booster,
                tmp_path / f"{objective}-{kind}",
                FRAME,
                booster.predict(data),
                model_format=kind,
            )
            found[objective, kind] = package(folder, tmp_path / "bundles").answers
    assert found == {
        (objective, kind): answers
        for objective, answers in {
            "binary:logistic": "probabilities",
            "multi:softprob": "probabilities",
            "multi:softmax": "classes",
            "reg:squarederror": "values",
        }.items()
        for kind in ("ubj", "json")
    }
    with pytest.raises(BadRequest, match="binary:logistic and answers probabilities"):
        package(tmp_path / "binary:logistic-ubj", tmp_path / "bundles", answers="classes")


@pytest.mark.parametrize("model_format", ["ubj", "json"])
def test_a_linear_booster_is_refused_with_the_true_reason(
    model_format: str, tmp_path: Path
) -> None:
    import xgboost as xgb

    model = xgb.XGBRegressor(booster="gblinear", n_jobs=1).fit(FRAME, VALUE)
    folder = save(model, tmp_path / "model", FRAME, model.predict(FRAME), model_format=model_format)
    with pytest.raises(Unprocessable) as refused:
        package(folder, tmp_path / "bundles")
    assert "gblinear" in refused.value.why
    assert "gbtree" in refused.value.fix


def test_the_oracle_keeps_what_it_compiles_beside_its_environment(
    models: Mapping[int, Path], tmp_path: Path
) -> None:
    """To compile MLflow again takes twenty seconds of every deploy."""
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"#!{sys.executable}\n"
        "import subprocess, sys\n"
        "*options, script, model, rows, answers, seconds = sys.argv[1:]\n"
        'says = \'import json, sys; flags = sys.flags; print(json.dumps({"": [sys.pycache_prefix,'
        ' flags.dont_write_bytecode, flags.isolated]}), file=open(sys.argv[1], "w"))\'\n'
        "subprocess.run([sys.executable, *options, '-c', says, answers], check=True)\n"
    )
    python.chmod(0o755)
    (prefix, writes_none, isolated) = own_answers.own_answers(
        package(models[1], tmp_path / "bundles"), str(python)
    )[""]
    assert prefix == str(tmp_path / "environment" / "bytecode")
    assert (writes_none, isolated) == (0, 1)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("os._exit(7)", "Its process ended with status 7."),
        ("os.kill(os.getpid(), 11)", "Its process was ended by SIGSEGV."),
        ("raise KeyError('x0')", "KeyError: 'x0'"),
        ("time.sleep(60)", "It was ended after 0.3 s, in another process than those that serve."),
    ],
    ids=["exits", "crashes", "raises", "hangs"],
)
def test_a_model_that_does_not_answer_offline_is_refused_with_how_it_ended(
    models: Mapping[int, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    why: str,
) -> None:
    begins = "import os, sys, time\nprint('a warning', file=sys.stderr, flush=True)\n"
    (tmp_path / "oracle.py").write_text(begins + script)
    monkeypatch.setattr(oracle, "__file__", str(tmp_path / "oracle.py"))
    if "sleep" in script:
        monkeypatch.setattr(own_answers, "SECONDS", 0.3)
    with pytest.raises(Unprocessable) as refused:
        own_answers.own_answers(package(models[1], tmp_path / "bundles"), sys.executable)
    assert refused.value.why == why


def test_a_model_that_nobody_waits_for_any_more_is_ended(
    models: Mapping[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "oracle.py").write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(oracle, "__file__", str(tmp_path / "oracle.py"))
    began = time.monotonic()
    with pytest.raises(Unavailable):
        own_answers.own_answers(
            package(models[1], tmp_path / "bundles"), sys.executable, unwanted=lambda: True
        )
    assert time.monotonic() - began < 30


def test_a_model_that_hangs_ends_though_the_deploy_was_killed(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    os.mkfifo(rows)  # nobody writes to it: its reader hangs
    deploy = (
        "import sys, uuid\n"
        "from pathlib import Path\n"
        "from jupyter_mlinfra.deployments import oracle, own_answers\n"
        "own_answers.SECONDS, own_answers.GRACE_SECONDS = 2.0, 1.0\n"
        "uuid.uuid4 = lambda: uuid.UUID(sys.argv[1])\n"
        "command = [sys.executable, '-I', oracle.__file__, 'model', sys.argv[2], 'answers.json']\n"
        "own_answers._run(command, Path.cwd(), lambda: False)\n"
    )
    name = uuid.uuid4()
    parent = subprocess.Popen(
        [sys.executable, "-c", deploy, str(name), str(rows)], cwd=tmp_path, start_new_session=True
    )
    try:
        child = _child(f"mlinfra-oracle-{name.hex}")
        assert os.getsid(child.pid) == parent.pid, "it would outlive a job that is cancelled"
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 30
    while child.alive():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _child(token: str) -> Identity:
    """The process with this token, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for pid in with_token(token):
            if found := Identity.of(pid):
                return found
        time.sleep(0.05)
    raise AssertionError("it was not started")
