"""Plain `mlflow` calls in a project reach its store, and what they left elsewhere before is named
and brought in.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments, ambient, strays, with_store
from jupyter_mlinfra.experiments.strays import is_same_store
from jupyter_mlinfra.jobs.attempt.environment import for_other_machines
from jupyter_mlinfra.jobs.spec import JobSpec
from jupyter_mlinfra.workbench import Workbench

PLAIN = """
import mlflow
mlflow.set_experiment("plain")
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.9)
    mlflow.log_text("hello", "note.txt")
print(run.info.run_id)
"""


def run(code: str, folder: Path, **variables: str) -> str:
    """What a script prints that a user starts in a folder."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "MLINFRA_USER": "ana", **variables}
    process = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:jupyter_mlinfra", "-c", code],
        cwd=folder,
        env=plain,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


@pytest.fixture
def notebooks(project: Project) -> Path:
    folder = project.root / "notebooks"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import jupyter_mlinfra" + PLAIN, id="before", marks=pytest.mark.slow),
        pytest.param("import mlflow, jupyter_mlinfra" + PLAIN, id="after"),
    ],
)
def test_a_script_that_imports_the_package_tracks_into_the_project(
    project, experiments, notebooks, code
):
    id = run(code, notebooks)
    assert experiments.show(id).metrics == {"auc": 0.9}
    assert list((project.home / "artifacts").rglob("note.txt"))
    assert not [
        path
        for path in project.root.rglob("ml*")
        if path.name in ("mlflow.db", "mlruns") and project.home not in path.parents
    ]


def test_the_first_plain_run_of_a_project_makes_its_store_as_the_workbench_does(project, notebooks):
    id = run("import jupyter_mlinfra" + PLAIN, notebooks)
    assert Experiments(project).show(id).experiment == "plain"
    assert (
        run(
            "import sqlite3;"
            f" print(sqlite3.connect({str(project.home / 'mlflow.db')!r}).execute('PRAGMA"
            " journal_mode').fetchone()[0])",
            notebooks,
        )
        == "wal"
    )


def test_loading_the_extension_sets_the_address_and_imports_no_mlflow(project, notebooks):
    code = """
import os, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_line_magic("load_ext", "jupyter_mlinfra")
print("mlflow" in sys.modules, os.environ["MLFLOW_TRACKING_URI"])
"""
    assert run(code, notebooks) == f"False sqlite:///{project.home / 'mlflow.db'}"


def test_outside_a_project_nothing_is_changed(tmp_path):
    assert (
        run(
            "import jupyter_mlinfra, os, mlflow; print(os.environ.get('MLFLOW_TRACKING_URI'))",
            tmp_path,
        )
        == "None"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "ours"),
        ({"MLFLOW_TRACKING_URI": "http://chosen"}, "http://chosen"),
        (
            {
                "MLFLOW_TRACKING_URI": "sqlite:////other.db",
                "MLINFRA_ACTIVE_STORE": "sqlite:////other.db",
            },
            "ours",
        ),
        (
            {"MLFLOW_TRACKING_URI": "http://chosen", "MLINFRA_ACTIVE_STORE": "sqlite:////other.db"},
            "http://chosen",
        ),
    ],
    ids=["free", "chosen", "left by another project", "chosen after that"],
)
def test_an_address_that_the_user_chose_stays_and_one_that_another_project_left_does_not(
    project, before, after, monkeypatch
):
    ours = f"sqlite:///{project.home / 'mlflow.db'}"
    expected = ours if after == "ours" else after
    assert with_store(project, before)["MLFLOW_TRACKING_URI"] == expected
    monkeypatch.setattr(os, "environ", dict(before))
    ambient.adopt(project)
    assert os.environ["MLFLOW_TRACKING_URI"] == expected


def test_an_address_that_the_user_chose_goes_to_a_cluster_too(project):
    """As in a notebook that loaded the extension before: what belongs to the file of the runs does
    not hold the address back.
    """
    chosen = {**with_store(project, {"PATH": "/bin"}), "MLFLOW_TRACKING_URI": "http://chosen"}
    assert chosen["MLINFRA_ONLY_HERE"]
    found = for_other_machines(with_store(project, chosen))
    assert found["MLFLOW_TRACKING_URI"] == "http://chosen"
    assert not {"MLINFRA_ONLY_HERE", "MLINFRA_ACTIVE_STORE", "_MLFLOW_SERVER_ARTIFACT_ROOT"} & set(
        found
    )
    own = {"MLFLOW_TRACKING_URI": "http://chosen", "_MLFLOW_SERVER_ARTIFACT_ROOT": "/own"}
    assert with_store(project, own) == own  # what the user set without us stays


def test_what_another_project_left_does_not_hide_behind_an_address_with_a_secret(tmp_path):
    (tmp_path / "mlinfra.toml").write_text(
        '[experiments]\ntracking_uri = "https://ana:hush@mlflow.example"\n'
    )
    left = {
        "MLFLOW_TRACKING_URI": "sqlite:////a.db",
        "MLFLOW_REGISTRY_URI": "sqlite:////a.db",
        "MLINFRA_ACTIVE_STORE": "sqlite:////a.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "/a",
        "MLINFRA_ONLY_HERE": "MLFLOW_TRACKING_URI",
        "PATH": "/bin",
    }
    found = with_store(Project(tmp_path), left)
    assert {name for name in found if name in left} == {"PATH"}
    assert "hush" not in str(found)


def test_a_run_that_is_active_elsewhere_keeps_its_store(
    project, experiments, tmp_path, empty_store
):
    import mlflow

    shutil.copy(empty_store, tmp_path / "other.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'other.db'}")
    with mlflow.start_run():
        os.environ.pop("MLFLOW_TRACKING_URI")
        with pytest.warns(UserWarning, match="active in another store"):
            ambient.adopt(project)
        mlflow.log_metric("auc", 1.0)


def test_a_job_gets_the_address_of_the_store_and_one_on_another_machine_no_file(
    project, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    jobs = Workbench(project).jobs
    kept = []
    monkeypatch.setattr("jupyter_mlinfra.jobs.dispatch.Dispatch.start", lambda *_: None)
    monkeypatch.setattr(
        "jupyter_mlinfra.jobs.submit.accept.keep",
        lambda environment, place: kept.append(environment) or str(place / "none"),
    )
    jobs.submit(JobSpec(command=["true"]))
    assert kept[0]["MLFLOW_TRACKING_URI"] == f"sqlite:///{project.home / 'mlflow.db'}"
    assert not {
        name
        for name in for_other_machines(kept[0])
        if "MLFLOW_TRACKING" in name or name == "_MLFLOW_SERVER_ARTIFACT_ROOT"
    }
    assert for_other_machines(kept[0])["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("verb", ["requeue", "restore"])
def test_a_cancelled_job_that_waits_again_gets_the_address_of_the_store(project, monkeypatch, verb):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    jobs = Workbench(project).jobs
    monkeypatch.setattr("jupyter_mlinfra.jobs.dispatch.Dispatch.start", lambda *_: None)
    job = jobs.submit(JobSpec(command=["true"]))
    jobs.cancel(job.id)
    kept = []
    monkeypatch.setattr(
        "jupyter_mlinfra.jobs.queue_verbs.keep",
        lambda environment, place: kept.append(environment) or str(place / "none"),
    )
    getattr(jobs, verb)(job.id)
    assert kept[0]["MLFLOW_TRACKING_URI"] == f"sqlite:///{project.home / 'mlflow.db'}"


def test_a_job_on_another_machine_does_not_open_the_file_of_the_runs(project, monkeypatch):
    monkeypatch.setenv("MLINFRA_NODE", "gpu-7")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.warns(UserWarning, match="another machine"):
        ambient.adopt(project)
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_on_another_machine_plain_mlflow_writes_into_the_outbox_that_is_brought_home(
    project, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLINFRA_NODE", "gpu-7")
    monkeypatch.setenv("MLINFRA_OUTBOX", str(tmp_path / "outbox"))
    for name in ("MLFLOW_TRACKING_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    ambient.adopt(project)
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/outbox/mlflow.db"
    assert os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] == f"{tmp_path}/outbox/artifacts"


@pytest.fixture
def stray(project: Project, notebooks: Path, empty_store: Path) -> Path:
    """A store that plain MLflow left beside a notebook: a parent with a model and a child, one
    deleted run, one that goes on.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, Metric

    path = notebooks / "mlflow.db"
    shutil.copy(empty_store, path)
    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    number = client.create_experiment("night", artifact_location=str(notebooks / "mlruns" / "1"))
    parent = client.create_run(
        number, start_time=1_000, run_name="parent", tags={"k": "ü"}
    ).info.run_id
    client.log_param(parent, "depth", "6")
    client.log_batch(
        parent,
        metrics=[
            Metric("loss", math.nan if step == 2 else float(step), 10 + step, step)
            for step in range(4)
        ],
    )
    client.log_inputs(parent, [DatasetInput(Dataset("iris", "abc", "local", "{}"), [])])
    (notebooks / "note.txt").write_text("hello")
    client.log_artifact(parent, str(notebooks / "note.txt"), "notes")
    model = client.create_logged_model(number, name="model", source_run_id=parent).model_id
    (notebooks / "MLmodel").write_text("signature:\n  inputs: '[]'\n")
    client.log_model_artifacts(model, str(_only(notebooks / "MLmodel")))
    client.finalize_logged_model(model, "READY")
    client.set_terminated(parent, "FAILED", end_time=5_000)
    child = client.create_run(
        number, start_time=2_000, tags={"mlflow.parentRunId": parent}
    ).info.run_id
    client.set_terminated(child, end_time=3_000)
    gone = client.create_run(number).info.run_id
    client.set_terminated(gone)
    client.delete_run(gone)
    client.create_run(number, run_name="goes on")
    return path


def _only(path: Path) -> Path:
    """A folder that holds this file alone."""
    folder = path.with_name("only")
    folder.mkdir()
    path.rename(folder / path.name)
    return folder


def test_a_store_that_plain_mlflow_left_is_named_and_brought_in_once(project, experiments, stray):
    assert (
        experiments.experiments().note
        == "notebooks/mlflow.db holds 2 runs that plain MLflow wrote there. Import them: mlinfra"
        " runs import notebooks/mlflow.db."
    )
    (done,) = experiments.bring_in()
    assert (len(done.runs), done.models, done.already, done.running) == (2, 1, 0, 1)
    child, parent = experiments.runs("night").items
    assert (parent.name, parent.status, parent.params, parent.tags["k"]) == (
        "parent",
        "failed",
        {"depth": "6"},
        "ü",
    )
    assert (parent.duration_seconds, parent.datasets) == (4.0, ["iris@abc"])
    assert child.tags["mlflow.parentRunId"] == parent.id
    curve = experiments.curves(parent.id, "loss")
    assert (list(curve.step), list(curve.mean), curve.total) == ([0, 1, 3], [0, 1, 3], 4)
    assert [path.read_text() for path in (project.home / "artifacts").rglob("note.txt")] == [
        "hello"
    ]
    assert len(list((project.home / "artifacts").rglob("MLmodel"))) == 1
    assert experiments.experiments().note == ""
    (again,) = experiments.bring_in(str(stray))
    assert (again.runs, again.already) == ([], 2)


def test_an_import_that_was_cut_off_is_made_again_whole(project, experiments, stray, monkeypatch):
    from mlflow import MlflowClient

    real = MlflowClient.log_artifacts
    monkeypatch.setattr(
        MlflowClient,
        "log_artifacts",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(Exception, match="full"):
        experiments.bring_in()
    monkeypatch.setattr(MlflowClient, "log_artifacts", real)
    experiments.bring_in()
    assert [item.name for item in experiments.runs("night", where="name = 'parent'").items] == [
        "parent"
    ]


def test_a_store_that_cannot_be_read_or_is_not_there_harms_nothing(project, experiments, notebooks):
    (notebooks / "mlflow.db").write_bytes(b"no database at all")
    (project.root / "mlruns" / "0").mkdir(parents=True)
    assert experiments.experiments().note == ""
    with pytest.raises(NotFound, match="no store nowhere"):
        experiments.bring_in("nowhere")


def test_the_projects_own_store_is_no_stray(tmp_path, empty_store):
    (tmp_path / "mlinfra.toml").write_text('[experiments]\ntracking_uri = "sqlite:///mlflow.db"\n')
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    experiments = Experiments(Project(tmp_path))
    with experiments.track("own"):
        pass
    assert experiments.experiments().note == ""


@pytest.mark.parametrize(
    "text",
    [
        "{db}",
        ".mlinfra/mlflow.db",
        "link.db",
        "sqlite:///{db}",
        "sqlite+pysqlite:///{db}?timeout=5",
        "sqlite:///{root}/link.db",
    ],
)
def test_the_projects_own_store_is_refused_by_any_address(project, experiments, text):
    with experiments.track("own"):
        pass
    (project.root / "link.db").symlink_to(project.home / "mlflow.db")
    with pytest.raises(BadRequest, match="own store"):
        experiments.bring_in(text.format(db=project.home / "mlflow.db", root=project.root))
    assert len(experiments.runs(None).items) == 1


def test_a_server_is_the_same_store_whoever_asks_it():
    assert is_same_store("http://ana:hush@Host:5000/", "http://host:5000")
    assert is_same_store("postgresql+psycopg://ana:hush@db/runs", "postgresql://db/runs")
    assert not is_same_store("postgresql://db/runs", "postgresql://db/others")
    assert not is_same_store("http://host:5000", "http://host:5001")


def test_a_run_that_is_here_under_its_own_id_is_not_made_again(project, experiments):
    """A copy of the project's store, or a server in front of it, has another address."""
    with experiments.track("own"):
        pass
    with (
        contextlib.closing(sqlite3.connect(project.home / "mlflow.db")) as own,
        contextlib.closing(sqlite3.connect(project.root / "copy.db")) as copy,
    ):
        own.backup(copy)
    (done,) = experiments.bring_in("copy.db")
    assert (done.runs, done.already) == ([], 1)
    assert len(experiments.runs(None).items) == 1


@pytest.fixture
def mlruns(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files `meta.yaml` of five runs that ended, in two experiments, as MLflow wrote them for
    years.
    """
    monkeypatch.setattr(strays, "_SETTLED_NANOSECONDS", -1)
    found = [
        project.root / "mlruns" / str(number % 2) / f"{number:032x}" / "meta.yaml"
        for number in range(5)
    ]
    for meta in found:
        meta.parent.mkdir(parents=True)
        meta.write_text("lifecycle_stage: active\nstatus: 3\n")
    (project.root / "mlruns" / "0" / "tags").mkdir()
    return found


def test_a_list_of_experiments_reads_a_run_of_plain_mlflow_once_and_again_when_it_changed(
    experiments, mlruns, monkeypatch
):
    read, real = [], Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda path, *args, **named: read.append(path) or real(path, *args, **named),
    )
    assert "mlruns holds 5 runs" in experiments.experiments().note
    assert [path for path in read if path.name == "meta.yaml"]
    read.clear()
    assert "mlruns holds 5 runs" in experiments.experiments().note
    assert [path for path in read if path.name == "meta.yaml"] == []
    mlruns[1].write_text("lifecycle_stage: deleted\nstatus: 3\n")
    mlruns[2].write_text("lifecycle_stage: active\nstatus: RUNNING\n")
    assert "mlruns holds 3 runs" in experiments.experiments().note
    assert sorted(path for path in read if path.name == "meta.yaml") == sorted(mlruns[1:3])


def test_a_run_of_plain_mlflow_that_changed_just_now_is_looked_at_again(
    experiments, mlruns, monkeypatch
):
    monkeypatch.setattr(strays, "_SETTLED_NANOSECONDS", 60 * 10**9)
    assert "mlruns holds 5 runs" in experiments.experiments().note
    seen = mlruns[0].stat()
    mlruns[0].write_text("lifecycle_stage: active\nstatus: 1\n")  # as long as before
    os.utime(mlruns[0], ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert "mlruns holds 4 runs" in experiments.experiments().note


def test_of_very_many_runs_of_plain_mlflow_only_some_are_looked_at(
    experiments, mlruns, monkeypatch
):
    monkeypatch.setattr(strays, "RUNS", 2)
    assert "mlruns holds 2 runs" in experiments.experiments().note
