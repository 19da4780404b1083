from __future__ import annotations

import hashlib
import importlib.util
import py_compile
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra import nouns
from jupyter_mlinfra.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
    Unprocessable,
)
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments, loading
from jupyter_mlinfra.experiments.artifacts import digest, has_digest, python_version
from jupyter_mlinfra.experiments.registry import parse
from jupyter_mlinfra.experiments.state import moved
from jupyter_mlinfra.workbench import Workbench


def trained(experiments: Experiments, *, signature: bool = True, seed: int = 0) -> str:
    """A run with a small XGBoost model, logged the way that a notebook does it; its id."""
    import mlflow
    import xgboost

    source = np.random.default_rng(seed)
    inputs = pl.DataFrame({"depth": source.random(50), "width": source.random(50)}).to_pandas()
    booster = xgboost.train(
        {"max_depth": 2, "nthread": 1}, xgboost.DMatrix(inputs, source.random(50)), 2
    )
    stated = (
        mlflow.models.infer_signature(inputs, booster.inplace_predict(inputs))
        if signature
        else None
    )
    with experiments.track("churn", datasets=["dataset:sales.orders@4711"]) as run:
        run.log_metric("auc", 0.5 + seed / 100)
        mlflow.xgboost.log_model(
            booster,
            name="model",
            signature=stated,
            pip_requirements=["xgboost>=3", "# a comment", "numpy"],
            model_format="ubj",
        )
    return run.id


@pytest.fixture
def run(experiments: Experiments) -> str:
    return trained(experiments)


def test_a_registered_model_knows_its_run_data_and_signature(project, experiments, run):
    version = experiments.register(run, model="churn")
    assert (version.ref, version.model, version.version, version.run) == (
        "version:churn/1",
        "churn",
        1,
        run,
    )
    assert version.signature
    assert version.metrics == {"auc": 0.5}
    assert version.datasets == ["dataset:sales.orders@4711"]
    assert version.run_name == experiments.show(run).name != ""
    assert experiments.show(run).versions == ["version:churn/1"]
    assert (
        experiments.version("churn/1")
        == experiments.version("version:churn/1")
        == experiments.version("models:/churn/1")
        == version
    )
    assert [
        (edge.input, edge.output) for edge in project.lineage.around("version:churn/1").items
    ] == [
        ("run:" + run, "version:churn/1"),
        ("dataset:sales.orders@4711", "run:" + run),
    ]
    assert [
        (event.topic, event.ref, event.data["verb"])
        for event in project.events.after(0)
        if event.topic == "model"
    ] == [("model", "model:churn", "register")]


def test_a_model_card_says_what_its_files_and_its_run_say(experiments, run):
    experiments.register(run, model="churn")
    card = experiments.card("churn/1")
    assert (card.version, card.run.id) == (experiments.version("churn/1"), run)
    assert card.owner
    assert [(column.name, column.type) for column in card.inputs] == [
        ("depth", "double"),
        ("width", "double"),
    ]
    assert len(card.outputs) == 1
    assert card.requirements == experiments.requirements("churn/1")
    assert "xgboost" in card.flavors
    assert card.python.startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    folder = experiments.download("churn/1")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert card.size_bytes == sum(len(path.read_bytes()) for path in files)
    assert not any(key.startswith("mlinfra.") for key in card.tags)
    shutil.rmtree(folder)
    assert experiments.card("churn/1").inputs == []


def test_a_retried_registration_makes_no_second_version(experiments, run):
    assert experiments.register(run, model="churn") == experiments.register(run, model="churn")
    assert experiments.register(run, model="other").version == 1
    assert [
        (item.name, item.versions)
        for item in sorted(experiments.models().items, key=lambda item: item.name)
    ] == [("churn", 1), ("other", 1)]


def test_a_model_without_signature_is_refused_and_nothing_is_registered(experiments):
    run = trained(experiments, signature=False)
    with pytest.raises(Unprocessable, match="has no signature") as caught:
        experiments.register(run, model="churn")
    assert "infer_signature" in caught.value.fix
    assert experiments.models().total == 0


def test_a_version_without_signature_that_mlflow_registered_is_not_promoted(experiments):
    run = trained(experiments, signature=False)
    import mlflow

    mlflow.register_model(f"runs:/{run}/model", "churn")
    assert not experiments.version("churn/1").signature
    with pytest.raises(Unprocessable, match="version 1 has no signature"):
        experiments.promote("churn/1", alias="champion")
    assert experiments.models().items[0].aliases == {}


def test_a_version_that_mlflow_registered_has_its_signature_read_from_the_files(experiments, run):
    import mlflow

    mlflow.register_model(f"runs:/{run}/model", "churn")
    assert experiments.version("churn/1").signature
    assert experiments.promote("churn/1", alias="champion").aliases == ("champion",)


def test_a_run_that_logged_no_such_model_names_those_it_logged(experiments, run):
    with pytest.raises(NotFound) as caught:
        experiments.register(run, model="churn", artifact="booster")
    assert "Models that it logged: model." in caught.value.why
    with pytest.raises(NotFound, match="no run"):
        experiments.register("f" * 32, model="churn")


@pytest.mark.parametrize("name", ["", "a b", "a@b", "a/b", "../x", "-x", "x" * 101, "a\nb"])
def test_a_name_that_no_reference_could_hold_is_refused(experiments, run, name):
    with pytest.raises(BadRequest, match="cannot name a model"):
        experiments.register(run, model=name)


def test_the_old_champion_stays_reachable_and_a_rollback_swaps_the_two(project, experiments):
    for seed in range(2):
        experiments.register(trained(experiments, seed=seed), model="churn")
    experiments.promote("churn/1", alias="champion")
    experiments.promote("churn/2", alias="champion")
    assert experiments.model("churn").model.aliases == {"champion": 2, "rollback": 1}
    assert experiments.promote("churn@rollback", alias="champion").aliases == ("champion",)
    assert experiments.model("churn").model.aliases == {"champion": 1, "rollback": 2}
    assert [item.version for item in experiments.model("churn").versions] == [2, 1]
    assert [item.aliases for item in experiments.model("churn").versions] == [
        ("rollback",),
        ("champion",),
    ]
    promoted = [
        event.data for event in project.events.after(0) if event.data.get("verb") == "promote"
    ]
    assert [(item["version"], item["alias"]) for item in promoted] == [
        (1, "champion"),
        (2, "champion"),
        (1, "champion"),
    ]


def test_a_version_goes_when_neither_an_alias_nor_a_deployment_has_it(
    project, experiments, monkeypatch
):
    class Live:
        """One deployment that answers with some versions."""

        versions, noted = {2}, []

        def uses_of(self, model, number):
            use = SimpleNamespace(what="90 % of the traffic of live", fix="mlinfra …")
            return [use] if model == "churn" and number in self.versions else []

        def note_deleted(self, model, number, *, reason=""):
            self.noted.append((model, number, reason))

    live = Live()
    experiments._uses = lambda: live
    for seed in range(2):
        experiments.register(trained(experiments, seed=seed), model="churn")
    experiments.promote("churn/1", alias="champion")
    with pytest.raises(Conflict, match="It is champion") as caught:
        experiments.delete_version("churn@champion")
    assert "--alias champion" in caught.value.fix
    with pytest.raises(Conflict, match="90 % of the traffic of live"):
        experiments.delete_version("churn/2")
    assert [item.version for item in experiments.model("churn").versions] == [2, 1]
    assert live.noted == []
    live.versions = set()
    found = experiments._version

    def promoted_meanwhile(facts):
        experiments._registry.promote("churn/2", alias="challenger")
        return found(facts)

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "_version", promoted_meanwhile)
        with pytest.raises(Conflict, match="It is challenger"):
            experiments.delete_version("churn/2")
    experiments.promote("churn/1", alias="challenger")
    assert live.noted == []
    assert experiments.delete_version("churn/2", reason="slow").version == 2
    assert [item.version for item in experiments.model("churn").versions] == [1]
    assert live.noted == [("churn", 2, "slow")]
    assert project.events.after(0)[-1].data == {"verb": "delete", "version": 2, "reason": "slow"}
    with pytest.raises(NotFound, match="no version 2"):
        experiments.delete_version("churn/2")


def test_aliases_move_so_that_a_crash_between_two_writes_keeps_the_champion():
    assert moved({}, alias="champion", version=1) == {"champion": 1}
    assert list(moved({"champion": 1}, alias="champion", version=2).items()) == [
        ("rollback", 1),
        ("champion", 2),
    ]
    assert moved({"champion": 2, "rollback": 1}, alias="champion", version=2) == {}
    assert moved({"champion": 1}, alias="candidate", version=2) == {"candidate": 2}
    for alias in ("", "latest", "v3", "Champion", "a b", "x" * 64):
        with pytest.raises(BadRequest, match="cannot be an alias"):
            moved({}, alias=alias, version=1)


@pytest.mark.parametrize(
    ("ref", "parsed"),
    [
        ("m/3", ("m", 3, "")),
        ("m/v3", ("m", 3, "")),
        ("m@champion", ("m", None, "champion")),
        ("version:m@x", ("m", None, "x")),
        ("models:/m/3", ("m", 3, "")),
    ],
)
def test_a_version_is_named_by_number_or_alias(ref, parsed):
    assert parse(ref) == parsed


@pytest.mark.parametrize("digits", [1, 9, 10, 23, 5000])
def test_a_version_of_whatever_number_is_not_found(experiments, digits):
    for ref in (f"m/{'9' * digits}", f"version:m/v{'9' * digits}"):
        with pytest.raises(NotFound):
            experiments.version(ref)
        assert experiments.fingerprint(ref.removeprefix("version:")) is None


def test_what_names_no_version_is_told_what_would(experiments, run):
    experiments.register(run, model="churn")
    for ref in ("churn", "", "/3", "@x", "churn/", "churn/x"):
        with pytest.raises(BadRequest, match="is not a version"):
            experiments.version(ref)
    for ref, words in (
        ("churn/9", "newest is 1"),
        ("churn@champion", "It has: none"),
        ("chrun/1", "Models: churn"),
        ("chrun@x", "Models: churn"),
    ):
        with pytest.raises(NotFound) as caught:
            experiments.version(ref)
        assert words in caught.value.why
    with pytest.raises(NotFound) as caught:
        experiments.model("chrun")
    assert caught.value.fix == "Did you mean churn?"


def test_the_files_of_a_version_are_handed_out_with_requirements_and_signature(experiments, run):
    experiments.register(run, model="churn")
    folder = experiments.download("churn/1")
    assert {"MLmodel", "requirements.txt"} <= {path.name for path in folder.iterdir()}
    # MLflow puts itself before them.
    assert experiments.requirements("churn/1")[-2:] == ["xgboost>=3", "numpy"]
    assert [
        (column["name"], column["type"]) for column in experiments.signature("churn/1")["inputs"]
    ] == [("depth", "double"), ("width", "double")]
    assert python_version(folder) == ".".join(map(str, __import__("sys").version_info[:3]))


def test_a_model_is_loaded_in_its_own_library(experiments, run):
    import xgboost

    experiments.register(run, model="churn")
    assert isinstance(experiments.load("churn/1"), xgboost.Booster)


def test_files_that_were_changed_after_registration_are_refused(experiments, run):
    experiments.register(run, model="churn")
    path = next(experiments.download("churn/1").glob("*.ubj"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for verb in (
        experiments.download,
        experiments.load,
        experiments.requirements,
        experiments.signature,
    ):
        with pytest.raises(Unprocessable, match="were changed"):
            verb("churn/1")


def test_what_a_load_leaves_in_the_files_changes_no_digest(experiments, run):
    experiments.register(run, model="churn")
    folder = experiments.download("churn/1")
    (folder / "registered_model_meta").write_text("model_name: churn\n")
    (folder / "code" / "__pycache__").mkdir(parents=True)
    (folder / "code" / "__pycache__" / "own.cpython-312.pyc").write_bytes(b"compiled")
    assert experiments.download("churn/1") == folder
    assert experiments.registered_here("churn/1")
    # Python imports this one though it has no source.
    (folder / "code" / "numpy.pyc").write_bytes(b"compiled")
    with pytest.raises(Unprocessable, match="were changed"):
        experiments.download("churn/1")


def test_a_digest_of_all_files_that_was_noted_before_stays_valid(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    files = {"MLmodel": b"flavors: {}", "__pycache__/own.cpython-312.pyc": b"compiled"}
    earlier = hashlib.sha256()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        earlier.update(name.encode() + b"\0" + hashlib.sha256(data).digest())
    assert has_digest(tmp_path, earlier.hexdigest())
    assert has_digest(tmp_path, digest(tmp_path))
    (tmp_path / "MLmodel").write_bytes(b"flavors: []")
    assert not has_digest(tmp_path, earlier.hexdigest())


def test_a_load_neither_runs_nor_writes_compiled_code_beside_the_sources(tmp_path):
    code, planted = tmp_path / "model" / "code", tmp_path / "planted.py"
    code.mkdir(parents=True)
    (code / "ownlib.py").write_text("answer = 'source'\n")
    planted.write_text("answer = 'planted'\n")
    py_compile.compile(
        str(planted),
        importlib.util.cache_from_source(str(code / "ownlib.py")),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    (code / "ownloader.py").write_text(
        "class Own:\n"
        "    def predict(self, rows):\n"
        "        import ownlib  # late\n"
        "        return [ownlib.answer]\n"
        "def _load_pyfunc(path):\n"
        "    return Own()\n"
    )
    (code.parent / "MLmodel").write_text(
        "flavors:\n  python_function: {loader_module: ownloader, code: code, env: {}}\n"
    )
    before = sorted(code.rglob("*"))
    assert list(loading.load(code.parent).predict([1])) == ["source"]
    assert sorted(code.rglob("*")) == before


def test_a_model_that_is_a_script_runs_no_compiled_code_beside_it(tmp_path):
    import mlflow

    script = tmp_path / "own.py"
    script.write_text(
        "import mlflow\n"
        "class Own(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        return ['source']\n"
        "mlflow.models.set_model(Own())\n"
    )
    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(str(folder), python_model=str(script), pip_requirements=["mlflow"])
    planted = tmp_path / "planted.py"
    planted.write_text(script.read_text().replace("'source'", "'planted'"))
    py_compile.compile(
        str(planted),
        importlib.util.cache_from_source(str(folder / "own.py")),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    before = sorted(folder.rglob("*"))
    assert list(loading.load(folder).predict([1])) == ["source"]
    assert sorted(folder.rglob("*")) == before


def test_files_that_are_gone_are_told_apart(experiments, run):
    experiments.register(run, model="churn")
    shutil.rmtree(experiments.download("churn/1"))
    with pytest.raises(NotFound, match="are gone"):
        experiments.download("churn/1")
    assert experiments.version("churn/1").signature  # noted at registration


def test_a_broken_mlmodel_file_is_unprocessable(experiments, run):
    experiments.register(run, model="churn")
    (experiments.download("churn/1") / "MLmodel").write_text("{ not: [yaml")
    with pytest.raises(Unprocessable, match="MLmodel is broken"):
        experiments.download("churn/1")


@pytest.mark.parametrize(
    "text",
    [
        b"flavors: [\n\0",
        b"- a list",
        b"signature: a text\n",
        b"\xff\xfe",
        b"[" * 5000,
        b"a: 9999-99-99\n",
    ],
)
def test_one_broken_mlmodel_is_the_fault_of_its_version_alone(experiments, run, text):
    experiments.register(run, model="churn")
    other = trained(experiments, seed=1)
    (experiments.download("churn/1") / "MLmodel").write_bytes(text)
    experiments.register(other, model="churn")
    good, bad = experiments.model("churn").versions
    assert (good.version, good.fault, good.signature) == (2, "", True)
    assert bad.version == 1
    # That one can be read: it only states nothing.
    assert bad.fault or text == b"signature: a text\n"


def test_a_version_whose_storage_lacks_its_client_is_a_row_that_says_so(
    experiments, run, monkeypatch
):
    for name in ("boto3", "botocore"):
        monkeypatch.setitem(sys.modules, name, None)
    experiments.register(run, model="churn")
    experiments._store.client().create_model_version(
        "churn", "s3://bucket/models/churn", run_id=run
    )
    far, near = experiments.model("churn").versions
    assert (near.version, near.fault) == (1, "")
    assert far.fault.startswith("The files in s3: storage cannot be fetched. The package boto")
    assert far.fault.endswith("is not installed. pip install 'jupyter-mlinfra[s3]'")
    with pytest.raises(Unavailable, match="boto"):
        experiments.download("churn/2")


def test_of_remote_files_what_a_model_is_takes_its_mlmodel_alone(experiments, run, monkeypatch):
    experiments.register(run, model="churn")
    assert experiments.head("churn/1") == experiments.download("churn/1")
    experiments._store.client().create_model_version(
        "churn", "s3://bucket/models/churn", run_id=run
    )
    asked = []
    monkeypatch.setattr(
        experiments._registry, "_fetch", lambda uri, into: asked.append(uri) or into / "MLmodel"
    )
    folder = experiments.head("churn/2")
    assert folder.is_relative_to(experiments._project.home)
    assert asked == ["s3://bucket/models/churn/MLmodel"]


def test_that_a_model_cannot_be_deployed_is_told_when_it_is_registered_and_on_its_page(
    project, experiments, run
):
    bench = Workbench(project).experiments
    assert bench.register(run, model="churn").unservable == ""
    folder = experiments.download("churn/1")
    (folder / "MLmodel").write_text(
        (folder / "MLmodel")
        .read_text()
        .replace("  xgboost:", "  boosted:")
        .replace("  python_function:", "  function:")
    )
    why = "It is of flavor boosted, function, without a python_function by which it could be asked."
    assert bench.register(run, model="other").unservable == why
    assert [item.unservable for item in bench.model("other").versions] == [why]


def test_listing_and_reading_a_model_never_runs_code_from_its_files(
    project, experiments, run, tmp_path
):
    experiments.register(run, model="churn")
    folder = Path(experiments.download("churn/1"))
    canary = tmp_path / "canary"
    (folder / "python_model.pkl").write_bytes(
        b"cos\nsystem\n(S'touch " + str(canary).encode() + b"'\ntR."
    )
    (folder / "conftest.py").write_text(f"open({str(canary)!r}, 'w')")
    experiments.model("churn")
    experiments.version("churn/1")
    list(experiments.search_documents())
    with pytest.raises(Unprocessable):
        experiments.load("churn/1")
    assert not canary.exists()


def test_the_fingerprint_of_a_model_changes_with_its_versions_and_that_of_an_alias_with_its_target(
    experiments,
):
    assert experiments.fingerprint("churn") is None
    experiments.register(trained(experiments, seed=0), model="churn")
    first = experiments.fingerprint("churn")
    assert experiments.fingerprint("churn@champion") is None
    experiments.promote("churn/1", alias="champion")
    assert experiments.fingerprint("churn") == first
    champion = experiments.fingerprint("churn@champion")
    experiments.register(trained(experiments, seed=1), model="churn")
    assert experiments.fingerprint("churn") != first
    assert (
        experiments.fingerprint("churn@champion") == champion == experiments.fingerprint("churn/1")
    )
    experiments.promote("churn/2", alias="champion")
    assert experiments.fingerprint("churn@champion") != champion


def test_versions_registered_at_the_same_time_are_numbered_without_gap(project, experiments):
    runs = [trained(experiments, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        created = list(
            pool.map(lambda run: Experiments(project).register(run, model="churn").version, runs)
        )
    assert sorted(created) == [1, 2, 3, 4]


def test_search_finds_models_and_versions_by_alias(project, experiments, run):
    experiments.register(run, model="churn")
    experiments.promote("churn/1", alias="champion")
    project.index.refresh(
        "experiments", experiments.search_fingerprint(), experiments.search_documents
    )
    assert {
        hit.ref for hit in project.index.search("champion", kinds=["model", "version"]).items
    } == {"model:churn", "version:churn/1"}
    assert project.index.search("churn/1", kinds=["version"]).items[0].detail == "champion"


def test_code_of_a_model_loads_its_champion(experiments, run):
    experiments.register(run, model="churn")
    assert 'ml.model("churn/1").load()' in experiments.model("churn").code["python"]
    experiments.promote("churn/1", alias="champion")
    detail = experiments.model("churn")
    assert 'ml.model("churn@champion").load()' in detail.code["python"]
    assert set(detail.code) == {"python", "magic", "cli"}


def test_names_that_another_client_wrote_are_found_by_their_references(
    experiments, writer, tmp_path
):
    from mlflow import MlflowClient

    experiments.activate()
    client = MlflowClient()
    client.create_experiment("my exp/v.2 50%")
    client.create_registered_model("a b@c")
    client.create_model_version("a b@c", source=str(tmp_path))
    client.set_registered_model_alias("a b@c", "champion", "1")

    [experiment] = [
        item for item in experiments.experiments().items if item.name.startswith("my exp")
    ]
    assert experiment.ref == "experiment:my%20exp%2Fv.2%2050%25"
    assert (
        experiments.runs(experiment=experiment.ref).items
        == experiments.runs(experiment=experiment.name).items
        == []
    )
    [model] = experiments.models().items
    assert model.ref == "model:a%20b%40c"
    assert experiments.model(model.ref) == experiments.model("a b@c")
    [version] = experiments.model(model.ref).versions
    for ref in ("version:a%20b%40c/1", "version:a%20b%40c@champion", "a b@c/1", "a b@c@champion"):
        assert experiments.version(ref) == version
    assert version.ref == "version:a%20b%40c/1"
    assert (
        experiments.fingerprint("a b@c")
        == experiments.fingerprint("a b@c/1")
        != experiments.fingerprint("a b")
    )
    assert {model.ref, version.ref, experiment.ref} <= {
        document.ref for document in experiments.search_documents()
    }


def test_a_bare_name_is_the_champion_and_the_newest_version_while_there_is_none(
    project, experiments, monkeypatch
):
    monkeypatch.setattr(
        "jupyter_mlinfra.nouns.experiments.current",
        lambda: SimpleNamespace(experiments=experiments),
    )
    for seed in range(2):
        experiments.register(trained(experiments, seed=seed), model="churn")
    assert nouns.model("churn").record.version == 2
    assert nouns.model("churn").load() is not None
    experiments.promote("churn/1", alias="champion")
    assert nouns.model("churn").record.version == 1
    with pytest.raises(NotFound, match="no model chrun"):
        nouns.model("chrun").load()


def test_plain_mlflow_finds_the_files_of_a_project_that_was_moved(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    (before / "mlinfra.toml").touch()
    project = Project(before)
    run = trained(Experiments(project))
    Experiments(project).register(run, model="churn")
    project.database.close()
    before.rename(after)
    project = Project(after)
    Experiments(project).activate()
    import mlflow

    inputs = pl.DataFrame({"depth": [0.5], "width": [0.5]}).to_pandas()
    assert len(mlflow.pyfunc.load_model("models:/churn/1").predict(inputs)) == 1
    version = mlflow.MlflowClient().get_model_version("churn", "1")
    assert len(mlflow.pyfunc.load_model(version.source).predict(inputs)) == 1
    with mlflow.start_run(run_id=run):
        mlflow.log_text("later", "note.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run}/note.txt") == "later"
    assert not before.exists()
    project.database.close()


def test_a_copy_of_a_project_leaves_the_files_of_the_first_where_they_are(tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    (first / "mlinfra.toml").touch()
    project = Project(first)
    Experiments(project).register(trained(Experiments(project)), model="churn")
    project.database.close()
    shutil.copytree(first, tmp_path / "second")
    copy = Project(tmp_path / "second")
    Experiments(copy).activate()
    import mlflow

    version = mlflow.MlflowClient().get_model_version_download_uri("churn", "1")
    assert version.startswith(str(first))
    copy.database.close()
