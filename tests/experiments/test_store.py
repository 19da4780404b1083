from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments, making, with_store
from jupyter_mlinfra.experiments.source import TESTED, revision_of
from jupyter_mlinfra.experiments.store import TrackingStore


def pragma(path, name):
    with sqlite3.connect(path) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_plain_mlflow_calls_reach_the_store_after_activate(project, experiments):
    experiments.activate()
    import mlflow

    mlflow.set_experiment("plain")
    with mlflow.start_run() as run:
        mlflow.log_metric("auc", 0.9)
        mlflow.log_text("hello", "note.txt")
    assert experiments.show(run.info.run_id).metrics == {"auc": 0.9}
    assert list((project.home / "artifacts").rglob("note.txt"))
    assert not (project.root / "mlruns").exists()
    assert not (project.root / "mlflow.db").exists()


def test_the_store_is_in_wal_mode_so_that_a_panel_reads_while_a_job_writes(
    project, experiments, writer
):
    path = project.home / "mlflow.db"
    assert pragma(path, "journal_mode") == "wal"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE experiments SET last_update_time = 7")
    assert experiments.experiments().total == 1
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("first", [pytest.param("", marks=pytest.mark.slow), "import mlflow"])
def test_no_telemetry_is_sent_whoever_imported_mlflow_first(project, first):
    code = f"""
{first}
import jupyter_mlinfra as ml
ml.Workbench.open({str(project.root)!r}).experiments.activate()
from mlflow.telemetry import get_telemetry_client
from mlflow.telemetry.utils import is_telemetry_disabled
print(is_telemetry_disabled(), get_telemetry_client())
"""
    # MLflow is silent under continuous integration and under pytest anyway.
    plain = {"PATH": os.environ["PATH"], "HOME": str(project.home)}
    process = subprocess.run(
        [sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True
    )
    assert process.stdout.split() == ["True", "None"]


def test_a_store_is_made_as_mlflow_makes_it(project, tmp_path):
    """When MLflow's schema has changed: python scripts/mlflow_schema.py writes the new one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    def contents(path):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE experiments SET creation_time = 0, last_update_time = 0")
            # The words of a CHECK come in any order.
            return sorted(
                sorted(re.findall(r"\w+", statement)) for statement in connection.iterdump()
            )

    SqlAlchemyStore(f"sqlite:///{tmp_path / 'theirs.db'}", str(project.home / "artifacts"))
    TrackingStore(project).prepare_at_once()
    assert making.installed_revision() in TESTED
    assert contents(project.home / "mlflow.db") == contents(tmp_path / "theirs.db")
    assert pragma(project.home / "mlflow.db", "journal_mode") == "wal"


def test_a_store_of_a_schema_that_is_not_known_is_made_by_mlflow(project, monkeypatch):
    monkeypatch.setattr(making, "installed_revision", lambda: "0123456789ab")
    TrackingStore(project).prepare_at_once()
    assert not (project.home / "mlflow.db").exists()
    Experiments(project).activate()
    assert revision_of(project.home / "mlflow.db") in TESTED


@pytest.mark.slow
def test_processes_of_plain_mlflow_that_are_the_first_of_a_project_share_its_store(project):
    """None of them imports this package: the store is there before they start."""
    code = "import mlflow\nwith mlflow.start_run(): mlflow.log_metric('auc', 0.5)"
    environment = {**with_store(project, {"PATH": os.environ["PATH"], "HOME": str(project.home)})}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            cwd=project.root,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert [(item.name, item.runs) for item in Experiments(project).experiments().items] == [
        ("Default", 3)
    ]


def test_a_store_that_cannot_be_made_yet_keeps_no_job_from_being_submitted(project):
    project.home.chmod(0o500)
    (project.home / "mlflow.schema.lock").mkdir()
    assert (
        with_store(project, {})["MLFLOW_TRACKING_URI"] == f"sqlite:///{project.home / 'mlflow.db'}"
    )


@pytest.mark.slow
def test_jobs_that_start_together_make_one_schema(project):
    code = (
        "import sys; from jupyter_mlinfra.core.project import Project; from"
        " jupyter_mlinfra.experiments import Experiments\n"
    )
    code += (
        "with Experiments(Project.open(sys.argv[1])).track('churn') as run: run.log_metric('auc',"
        " 0.5)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(project.root)], stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert revision_of(project.home / "mlflow.db") in TESTED
    assert [(item.name, item.runs) for item in Experiments(project).experiments().items] == [
        ("churn", 3)
    ]


def test_statistics_are_gathered_when_the_runs_have_doubled(project, experiments, writer):
    path = project.home / "mlflow.db"
    store = TrackingStore(project)

    def analyzed():
        with sqlite3.connect(path) as connection:
            try:
                row = connection.execute(
                    "SELECT stat FROM sqlite_stat1 WHERE tbl = 'runs'"
                ).fetchone()
            except sqlite3.OperationalError:
                return None
        return row and int(row[0].split()[0])

    writer.runs([(f"{n:032x}", n, {}, {}) for n in range(10)])
    store.analyze()
    assert analyzed() == 10
    writer.runs([(f"{n:032x}", n, {}, {}) for n in range(10, 15)])
    store.analyze()
    assert analyzed() == 10
    writer.runs([(f"{n:032x}", n, {}, {}) for n in range(15, 25)])
    store.analyze()
    assert analyzed() == 25


def test_a_busy_store_is_not_waited_for_by_the_statistics(project, experiments, writer):
    writer.runs([("a" * 32, 1, {}, {})])
    connection = sqlite3.connect(project.home / "mlflow.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    TrackingStore(project).analyze()
    connection.execute("ROLLBACK")
    connection.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "mlinfra.toml").write_text('home = "state/here"\n')
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=r"state/here"):
        Experiments(Project(tmp_path)).activate()


def test_a_full_disk_says_so_and_leaves_no_half_store(project):
    """SQLite is told that the file may not grow: the same error as on a full disk."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " sys.dont_write_bytecode = True\nfrom jupyter_mlinfra.core.project import Project; from"
        " jupyter_mlinfra.experiments import Experiments\nfrom jupyter_mlinfra.core.errors import"
        " MLInfraError; import mlflow\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000,"
        " 100_000))\ntry: Experiments(Project.open(sys.argv[1])).activate()\nexcept MLInfraError as"
        " error: print(type(error).__name__, error.what)\n"
    )
    # -B: Python leaves half a .pyc where a file may not grow, and every later import of it fails
    process = subprocess.run(
        [sys.executable, "-B", "-c", code, str(project.root)], capture_output=True, text=True
    )
    assert process.stdout.startswith("Unavailable The experiment store"), process.stderr
    Experiments(project).activate()
    assert Experiments(project).slow_reason == ""


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("", "sqlite:///{home}/mlflow.db"),
        ("sqlite:///tracking/my.db", "sqlite:///{root}/tracking/my.db"),
        ("sqlite:////abs/my.db", "sqlite:////abs/my.db"),
        ("https://mlflow.example", "https://mlflow.example"),
        ("env:WHERE", "postgresql+psycopg://u:secret@db/mlflow"),
    ],
)
def test_the_tracking_uri_of_the_settings(tmp_path, monkeypatch, text, uri):
    monkeypatch.setenv("WHERE", "postgresql+psycopg://u:secret@db/mlflow")
    (tmp_path / "mlinfra.toml").write_text(f'[experiments]\ntracking_uri = "{text}"\n')
    store = TrackingStore(project := Project(tmp_path))
    assert store.uri == uri.format(home=project.home, root=project.root)
    assert "secret" not in store.shown_uri


@pytest.mark.parametrize(
    "text", ["http://ana:hush@127.0.0.1:9", "env:WHERE"], ids=["password", "reference"]
)
def test_a_password_of_the_store_is_not_inherited_by_the_processes_that_this_one_starts(
    tmp_path, monkeypatch, text
):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://left-by-another-project")
    monkeypatch.setenv("WHERE", "https://mlflow.example/hush")
    (tmp_path / "mlinfra.toml").write_text(f'[experiments]\ntracking_uri = "{text}"\n')
    experiments = Experiments(Project(tmp_path))
    experiments.activate()
    monkeypatch.delenv("WHERE")  # the user's own, and not ours to hide
    environment = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "hush" not in environment
    assert "left-by-another-project" not in environment
    monkeypatch.setenv("WHERE", "https://mlflow.example/hush")
    assert "hush" in mlflow.get_tracking_uri()
    assert "MLFLOW_TRACKING_URI" not in experiments.environment()


@pytest.fixture
def denied():
    """The address of a proxy that forwards nothing."""
    server = HTTPServer(("127.0.0.1", 0), _Denying)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class _Denying(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_error(403)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("answers", [True, False])
def test_a_proxy_before_a_server_of_this_machine_is_named(tmp_path, monkeypatch, denied, answers):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, denied if answers else "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "mlinfra.toml").write_text(
        '[experiments]\ntracking_uri = "http://127.0.0.1:5999"\n'
    )
    with pytest.raises(Unavailable, match="http_proxy is set") as caught:
        Experiments(Project(tmp_path)).experiments()
    assert "NO_PROXY=127.0.0.1,localhost" in caught.value.fix


def test_a_scheme_that_mlflow_does_not_know_is_refused(tmp_path):
    (tmp_path / "mlinfra.toml").write_text('[experiments]\ntracking_uri = "gopher://hole"\n')
    with pytest.raises(BadRequest, match="scheme 'gopher'"):
        Experiments(Project(tmp_path)).experiments()


@pytest.mark.parametrize(
    ("scheme", "driver"), [("postgresql", "psycopg"), ("postgresql+psycopg2", "psycopg2")]
)
def test_a_database_without_its_driver_is_told_with_what_to_install(
    tmp_path, monkeypatch, scheme, driver
):
    monkeypatch.setitem(sys.modules, driver, None)
    (tmp_path / "mlinfra.toml").write_text(
        f'[experiments]\ntracking_uri = "{scheme}://ana:hush@127.0.0.1:9/mlflow"\n'
    )
    with pytest.raises(Unavailable) as caught:
        Experiments(Project(tmp_path)).experiments()
    assert (
        caught.value.what == f"The experiment store {scheme}://127.0.0.1:9/mlflow needs {driver}."
    )
    assert caught.value.fix == "pip install 'jupyter-mlinfra[postgres]'"


@pytest.mark.parametrize(
    ("revision", "what", "fix"),
    [
        ("ffffffffffff", "written by a newer MLflow", "Update MLflow here"),
        ("451aebb31d03", "written by an older MLflow", "mlflow db upgrade sqlite:///"),
    ],
)
def test_a_store_of_another_mlflow_is_upgraded_only_when_it_is_the_older_one(
    project, experiments, revision, what, fix
):
    with sqlite3.connect(project.home / "mlflow.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(Unavailable) as caught:
        experiments.experiments()
    assert what in caught.value.what
    assert fix in caught.value.fix


def test_a_server_that_is_down_is_told_apart_from_an_empty_one(tmp_path, monkeypatch):
    import socket

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "mlinfra.toml").write_text(
        f'[experiments]\ntracking_uri = "http://ana:secret@127.0.0.1:{port}"\n'
    )
    experiments = Experiments(Project(tmp_path))
    assert "not a SQLite file" in experiments.slow_reason
    with pytest.raises(Unavailable) as caught:
        experiments.experiments()
    assert "secret" not in str(caught.value)
