"""A model that runs code when it is loaded: from the run that logged it to its answers, and never
for anybody who could only write to the registry.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlinfra.core.errors import Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments import Deployments, packaging, runs_code, unservable
from jupyter_mlinfra.deployments.packaging import load_bundle
from jupyter_mlinfra.deployments.trust import check_trust
from jupyter_mlinfra.experiments import Experiments

REQUIREMENTS = ("scikit-learn", "pandas", "numpy", "scipy", "cloudpickle")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, kit: ModuleType) -> Iterator[Project]:
    found: Project = kit.open_project(
        tmp_path_factory.mktemp("trust"),
        '[deployments]\nworkers = 1\nruntime = "open-inference"\n',
    )
    yield found
    kit.clean_up(found)


@pytest.fixture(scope="module")
def experiments(project: Project) -> Experiments:
    return Experiments(project, unservable=unservable, runs_code=runs_code)


@pytest.fixture(scope="module")
def deployments(project: Project, experiments: Experiments) -> Deployments:
    return Deployments(project, experiments)


def trips() -> pd.DataFrame:
    chance = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "carrier": chance.choice(["UA", "DL"], 40),
            "distance": chance.normal(900, 200, 40),
            "departs": pd.date_range("2026-03-01", periods=40, freq="5h"),
        }
    )


def log_pipeline(experiments: Experiments) -> str:
    """A pipeline of texts, a date and numbers as a pickle; the id of its run."""
    import importlib.metadata

    import mlflow
    from mlflow.models import infer_signature
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    def weekday(frame: pd.DataFrame) -> pd.DataFrame:
        # Inside, so that it travels with the pickle: a serving process has no module of ours.
        return frame.apply(lambda column: column.dt.weekday)

    frame = trips()
    label = np.where(frame["distance"] > 900, "late", "on time")
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(), ["carrier"]),
            ("date", FunctionTransformer(weekday), ["departs"]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame, label)
    with experiments.track("trips", name="pipeline"):
        mlflow.sklearn.log_model(
            model,
            name="model",
            serialization_format="cloudpickle",
            signature=infer_signature(frame, model.predict(frame)),
            input_example=frame.head(10),
            pip_requirements=[
                f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS
            ],
        )
        run = mlflow.active_run()
        assert run is not None
    return str(run.info.run_id)


@pytest.fixture(scope="module")
def run(experiments: Experiments) -> str:
    return log_pipeline(experiments)


@pytest.mark.slow
def test_a_pipeline_of_texts_and_dates_is_registered_deployed_and_answers_by_both_protocols(
    deployments: Deployments, experiments: Experiments, run: str
) -> None:
    version = experiments.register(run, model="trips")
    assert version.unservable == ""
    record = deployments.deploy("trips", version=f"trips/{version.version}")
    gates = {gate.name: gate for gate in record.versions[0].gates}
    assert all(gate.passed for gate in gates.values())
    assert "both protocols" in gates["equal"].measured
    assert "engine sklearn" in gates["signature"].measured
    frame = trips()
    expected = experiments.load(f"trips/{version.version}").predict(frame).tolist()
    rows = frame.assign(departs=frame["departs"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    assert deployments.predict("trips", rows).predictions == expected
    detail = deployments.show("trips")
    assert {item["name"]: item["type"] for item in detail.signature} == {
        "carrier": "string",
        "distance": "double",
        "departs": "datetime",
    }


def test_who_could_only_write_to_the_registry_cannot_have_code_run(
    deployments: Deployments, experiments: Experiments, run: str
) -> None:
    """MLflow's own client registers it, with every tag that ours would write."""
    client: Any = experiments._store.client()
    mine = experiments.register(run, model="trips")
    tags = client.get_model_version("trips", str(mine.version)).tags
    source = client.get_model_version("trips", str(mine.version)).source
    client.create_registered_model("theirs")
    client.create_model_version("theirs", source, run_id=run, tags=tags)
    with pytest.raises(Unprocessable, match="theirs/1 runs code") as refused:
        deployments.deploy("theirs", version="theirs/1")
    assert "models register" in refused.value.fix
    assert "trusted_models" in refused.value.fix
    assert not list(deployments._project.folder("deployments").glob("theirs/*"))


def test_files_that_were_changed_after_the_registration_are_not_trusted(
    experiments: Experiments, run: str
) -> None:
    version = experiments.register(run, model="changed")
    ref = f"changed/{version.version}"
    assert experiments.registered_here(ref)
    file = experiments.download(ref) / "model.pkl"
    original = file.read_bytes()
    file.write_bytes(original + b"x")
    try:
        with pytest.raises(Unprocessable, match="were changed"):
            experiments.registered_here(ref)
    finally:
        file.write_bytes(original)


def test_what_is_compared_is_what_is_packaged(
    experiments: Experiments, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who writes to the registry's folder swaps a file for the moment of the packaging,
    and puts it back before the files are compared.
    """
    from jupyter_mlinfra.deployments import trust

    version = experiments.register(run, model="swapped")
    ref = f"swapped/{version.version}"
    file = experiments.download(ref) / "model.pkl"
    original = file.read_bytes()

    def package(model: Path, into: Path, **options: Any) -> Any:
        file.write_bytes(b"theirs")
        try:
            return packaging.package(model, into, **options)
        finally:
            file.write_bytes(original)

    monkeypatch.setattr(trust, "package", package)
    bundle = trust.package_trusted(experiments, ref, tmp_path)
    assert (bundle.folder / "model" / "model.pkl").read_bytes() == original
    assert not list(tmp_path.glob(".draft-*"))

    def copied(source: Path, target: Path) -> Path:
        file.write_bytes(b"theirs")
        try:
            return shutil.copytree(source, target)
        finally:
            file.write_bytes(original)

    monkeypatch.setattr(trust, "shutil", SimpleNamespace(copytree=copied, Error=shutil.Error))
    with pytest.raises(Unprocessable, match="nobody here vouches for it"):
        trust.package_trusted(experiments, ref, tmp_path)


def test_a_model_that_is_named_in_the_settings_is_trusted(
    deployments: Deployments, experiments: Experiments, run: str, tmp_path: Path
) -> None:
    from jupyter_mlinfra.deployments.packaging import package

    version = experiments.register(run, model="trips")
    bundle = package(experiments.download(f"trips/{version.version}"), tmp_path)
    assert load_bundle(bundle.folder).runs_code
    check_trust(bundle, model="m", version=1, registered_here=False, trusted=["m"])
    check_trust(bundle, model="m", version=1, registered_here=True, trusted=[])
    with pytest.raises(Unprocessable):
        check_trust(bundle, model="m", version=1, registered_here=False, trusted=["n"])
