"""A small XGBoost model as MLflow stores it, projects that serve it for real, and a steady load."""

from __future__ import annotations

import collections
import http.client
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.core.processes import end_token, signal_all, with_token
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments
from jupyter_mlinfra.deployments.targets.layout import token_of
from jupyter_mlinfra.deployments.targets.process_table import ProcessTable

COLUMNS = [*(f"x{place}" for place in range(6)), "count", "flag"]
GAPS = "x5"
"""The one input that has gaps in training, so may be missing in a request."""


def make_frame(rows: int, seed: int) -> Any:
    """Inputs of all three kinds of numbers: fractions, whole, true or false."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(rows, 6)), columns=COLUMNS[:6])
    frame["count"] = random.integers(0, 50, rows)
    frame["flag"] = random.random(rows) < 0.5
    frame.loc[random.random(rows) < 0.1, GAPS] = np.nan
    return frame


def train(folder: Path, *, seed: int = 0) -> Path:
    """Train and save as MLflow does; models of different seeds answer differently."""
    import mlflow
    import numpy as np
    import xgboost
    from mlflow.models import infer_signature

    frame = make_frame(2000, seed)
    noise = np.random.default_rng(seed + 1).normal(size=len(frame))
    label = (frame["x0"] * frame["count"] / 20 + frame["x1"] + frame["flag"] + noise > 0.5).astype(
        int
    )
    data = xgboost.DMatrix(frame, label=label)
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": seed}, data, 30
    )
    signature = infer_signature(frame, booster.predict(data))
    mlflow.xgboost.save_model(
        booster,
        folder,
        signature=signature,
        input_example=frame.head(20),
        model_format="ubj",
        pip_requirements=requirements(),
    )
    return folder


def requirements() -> list[str]:
    """Named, because MLflow would find them out by loading the model in another process; the same
    for all, so that they share environments.
    """
    return [
        f"{name}=={metadata.version(name)}"
        for name in ("mlflow", "numpy", "pandas", "scipy", "xgboost")
    ]


def train_classifier(folder: Path) -> tuple[Any, Any]:
    """Save a classifier of XGBoost's scikit-learn interface that was stopped early; returns it and
    rows to ask it with.
    """
    import mlflow
    import xgboost
    from mlflow.models import infer_signature

    frame = make_frame(3000, 7)
    label = (frame["x0"] * frame["count"] / 20 + frame["x1"] + frame["x2"] > 0.5).astype(int)
    model = xgboost.XGBClassifier(
        n_estimators=300, early_stopping_rounds=3, learning_rate=0.9, n_jobs=1
    )
    model.fit(frame[:2000], label[:2000], eval_set=[(frame[2000:], label[2000:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    signature = infer_signature(frame, model.predict(frame))
    mlflow.xgboost.save_model(
        model,
        folder,
        signature=signature,
        input_example=frame.head(20),
        model_format="ubj",
        pip_requirements=requirements(),
    )
    return model, frame


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """The functions and classes of this file."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    """Three model folders by version number."""
    root = tmp_path_factory.mktemp("models")
    return {number: train(root / str(number), seed=number) for number in (1, 2, 3)}


@pytest.fixture
def altered(models: Mapping[int, Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of model 1 whose MLmodel document was changed by a function."""

    def alter(change: Callable[[dict[str, Any]], None], name: str = "altered") -> Path:
        folder = tmp_path / name
        shutil.copytree(models[1], folder)
        document = yaml.safe_load((folder / "MLmodel").read_text())
        change(document)
        (folder / "MLmodel").write_text(yaml.safe_dump(document))
        return folder

    return alter


class Registry:
    """Stands in for the experiments domain: model folders by reference."""

    def __init__(self, folders: Mapping[int, Path], model: str = "flights") -> None:
        self.folders, self.model = dict(folders), model
        self.registered = set(folders)

    def version(self, ref: str) -> Any:
        """`flights/2` or `flights@champion` (the newest)."""
        model, _, number = ref.partition("/")
        if "@" in ref:
            model, number = model.partition("@")[0], str(max(self.folders))
        if int(number) not in self.folders:
            raise NotFound(f"There is no version {ref}.")
        return SimpleNamespace(model=model, version=int(number), ref=f"version:{model}/{number}")

    def registered_here(self, ref: str, *, folder: Path | None = None) -> bool:
        """Whether these files were registered by this project."""
        return int(ref.partition("/")[2]) in self.registered

    def download(self, ref: str) -> Path:
        """The folder as it was logged."""
        return self.folders[int(ref.partition("/")[2])]


def open_project(root: Path, settings: str = "") -> Project:
    """A project that serves; its environments come from the user's cache, as everybody's do. Its
    target of latency is one that a busy machine keeps, unless the settings have one.
    """
    root.mkdir(parents=True, exist_ok=True)
    if "[project.targets]" not in settings:
        settings = f"[project.targets]\nlatency_p99_ms = 5000\n{settings}"
    (root / "mlinfra.toml").write_text(f'[project]\nname = "test"\n{settings}')
    return Project.open(root)


def kill(token: str) -> None:
    """`kill -9` of all processes of a tree. `end_token` asks them first, and one that is quick ends
    in order.
    """
    limit = time.monotonic() + 60
    while pids := with_token(token):
        signal_all(pids, signal.SIGKILL)
        time.sleep(0.02)
        assert time.monotonic() < limit, pids


def clean_up(project: Project) -> None:
    """End whatever a test has left, however it ended: first the keeper, which would start the
    others again.
    """
    assert end_token(token_of(project, "keeper"), grace_seconds=0)
    for row in ProcessTable(project.database).rows():
        assert end_token(row.token, grace_seconds=0)
    project.database.close()


@pytest.fixture
def serving(tmp_path: Path, models: Mapping[int, Path]) -> Iterator[Deployments]:
    """Deployments of a fresh project with the three models; everything is ended afterwards."""
    project = open_project(tmp_path / "serving")
    yield Deployments(project, Registry(models))  # type: ignore[arg-type]
    clean_up(project)


class Asked(NamedTuple):
    """One request of a load. begun, ended: seconds of `time.perf_counter`. status: of HTTP, or the
    name of the error.
    """

    begun: float
    ended: float
    status: Any
    version: str


class Load:
    """Requests at a steady rate from several clients that keep their connections; counts what came
    back.
    """

    def __init__(
        self,
        url: str,
        body: bytes,
        *,
        rate: float,
        clients: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url, self.body, self.rate, self.clients, self.headers = (
            urlsplit(url),
            body,
            rate,
            clients,
            dict(headers or {}),
        )
        self.statuses: collections.Counter[Any] = collections.Counter()
        self.versions: collections.Counter[str] = collections.Counter()
        self.asked: list[Asked] = []
        self.details: list[str] = []
        self._lock, self._stop = threading.Lock(), threading.Event()

    @property
    def lost(self) -> dict[Any, int]:
        """Everything but 200."""
        return {status: count for status, count in self.statuses.items() if status != 200}

    def next(self, requests: int, *, seconds: float = 60) -> list[Asked]:
        """The answers to at least so many requests that begin after this call; one that is under
        way now is none of them.
        """
        moment = time.perf_counter()
        end = moment + seconds
        while len(found := [item for item in list(self.asked) if item.begun >= moment]) < requests:
            assert time.perf_counter() < end, f"{len(found)} of {requests} requests in {seconds} s"
            time.sleep(0.02)
        return found

    def run(self) -> None:
        """One client, until stopped."""
        connection = http.client.HTTPConnection(self.url.netloc, timeout=40)
        pause, due = self.clients / self.rate, time.perf_counter()
        while not self._stop.is_set():
            # After a stall the missed ones are not all made up for.
            due = max(due + pause, time.perf_counter() - 5 * pause)
            time.sleep(max(0.0, due - time.perf_counter()))
            started = time.perf_counter()
            try:
                status, version, text = ask(connection, self.url.path, self.body, self.headers)
            except (OSError, http.client.HTTPException) as error:
                status, version, text = type(error).__name__, "", str(error).encode()
                connection.close()
                connection = http.client.HTTPConnection(self.url.netloc, timeout=40)
            with self._lock:
                self.statuses[status] += 1
                self.versions[version] += 1
                self.asked.append(Asked(started, time.perf_counter(), status, version))
                if status != 200:
                    self.details.append(text.decode(errors="replace")[:300])
        connection.close()


def ask(
    connection: http.client.HTTPConnection,
    path: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str, bytes]:
    """Status, answering version, body."""
    connection.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.headers.get("x-mlinfra-version", ""), answer.read()


@contextmanager
def load(url: str, body: bytes, *, rate: float = 300, clients: int = 8) -> Iterator[Load]:
    """A load that runs during the block, and some requests before and after it."""
    running = Load(url, body, rate=rate, clients=clients)
    crowd = [threading.Thread(target=running.run, daemon=True) for _ in range(clients)]
    for thread in crowd:
        thread.start()
    try:
        running.next(clients)
        yield running
        running.next(clients * 4)
    finally:
        running._stop.set()
        for thread in crowd:
            thread.join()


def sample_body(deployments: Deployments, name: str = "flights") -> bytes:
    """One row that the deployment accepts."""
    return json.dumps(deployments.show(name).sample).encode()


def count_versions(
    url: str, body: bytes, requests: int, headers: Mapping[str, str] | None = None
) -> collections.Counter[str]:
    """Which versions answered `requests` requests, one after the other."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=40)
    counted: collections.Counter[str] = collections.Counter()
    for _ in range(requests):
        status, version, text = ask(connection, parts.path, body, headers)
        assert status == 200, text
        counted[version] += 1
    connection.close()
    return counted
