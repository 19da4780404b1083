"""A run that a job tracks on another machine: nothing of the project is opened there, and all of it
comes home.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.outbox import contents, is_at_home
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.experiments import Experiments, homecoming
from jupyter_mlinfra.experiments.homecoming import bring_home

PRELUDE = """
import sys
import jupyter_mlinfra as ml, mlflow
from jupyter_mlinfra.core.errors import Unavailable
"""
TRACKS = """
with ml.track("flights", datasets=["dataset:air.flights@7"]) as run:
    run.log_params({"depth": 6})
    for step in range(3):
        run.log_metric("auc", 0.5 + step / 10, step=step)
    open("notes.txt", "w").write("of the node")
    run.log_artifact("notes.txt")
with mlflow.start_run(run_name="plain"):
    mlflow.log_metric("loss", 1.5)
print(run.id)
"""
Far = Callable[..., str]


@pytest.fixture
def folder(project: Project) -> Path:
    """The outbox of a job."""
    return project.folder("jobs", "j1") / "outbox"


@pytest.fixture
def far(project: Project, folder: Path, tmp_path: Path) -> Far:
    """Runs code as the job j1 on another machine."""

    def run(code: str, **words: str) -> str:
        there = {
            "MLINFRA_NODE": "n7",
            "MLINFRA_OUTBOX": str(folder),
            "MLINFRA_JOB": "j1",
            "MLINFRA_STEP": "daily/train",
            "MLINFRA_PROJECT": str(project.root),
        }
        process = subprocess.run(
            [sys.executable, "-c", PRELUDE + code],
            cwd=tmp_path,
            env={**os.environ, **there, **words},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout.strip()

    return run


def test_a_run_of_another_machine_comes_home_whole_and_once(
    far: Far, project: Project, folder: Path, empty_store: Path
) -> None:
    shutil.copy(empty_store, project.home / "mlflow.db")
    experiments = Experiments(project)
    # Ids of experiments and datasets differ here and there.
    with experiments.track("flights", datasets=["dataset:air.flights@7"]):
        pass
    before = {path: path.stat().st_mtime_ns for path in project.home.glob("*.db")}
    ident = far(TRACKS)
    assert {path: path.stat().st_mtime_ns for path in project.home.glob("*.db")} == before
    assert not is_at_home(folder)
    for _ in range(2):
        bring_home(project, folder)
    assert is_at_home(folder)
    run = experiments.show(ident)
    assert (run.experiment, run.status, run.job, run.step, run.params) == (
        "flights",
        "finished",
        "j1",
        "daily/train",
        {"depth": "6"},
    )
    assert run.metrics == {"auc": 0.7}
    assert list(experiments.curves(ident, "auc").mean) == pytest.approx([0.5, 0.6, 0.7])
    assert list(run.datasets) == ["dataset:air.flights@7"]
    import mlflow

    experiments.activate()
    assert (
        Path(
            mlflow.artifacts.download_artifacts(run_id=ident, artifact_path="notes.txt")
        ).read_text()
        == "of the node"
    )
    assert str(folder) not in mlflow.get_run(ident).info.artifact_uri
    assert experiments.runs("flights").total == 2
    assert [one.name for one in experiments.runs("Default").items] == ["plain"]
    assert [edge.input for edge in project.lineage.around(f"run:{ident}").items] == [
        "dataset:air.flights@7"
    ]
    states = [
        event.data["state"] for event in project.events.after(0) if event.ref == f"run:{ident}"
    ]
    assert states == ["running", "finished"]


def test_a_run_goes_on_in_the_next_attempt_and_comes_home_again(
    far: Far, project: Project, folder: Path
) -> None:
    ident = far(
        "with ml.track('long') as run:\n    run.log_metric('loss', 2.0, step=1)\nprint(run.id)"
    )
    bring_home(project, folder)
    goes_on = (
        "with ml.workbench().experiments.track('long', run={0!r}) as run:\n   "
        " run.log_metric('loss', 1.0, step=2)"
    )
    far(goes_on.format(ident))
    assert not is_at_home(folder)
    bring_home(project, folder)
    assert Experiments(project).show(ident).metrics == {"loss": 1.0}
    assert list(Experiments(project).curves(ident, "loss").mean) == [2.0, 1.0]


def test_the_state_of_the_project_is_refused_there_with_what_works(
    far: Far, project: Project
) -> None:
    code = """
for action in (lambda: ml.workbench().jobs, lambda: ml.workbench().project.database):
    try:
        action()
    except Unavailable as error:
        assert "n7" in error.what and "ml.track" in error.fix, error
    else:
        sys.exit("It was opened.")
"""
    far(code)
    assert not (project.home / "state.db").exists()


@pytest.mark.slow
def test_no_version_is_registered_there_and_it_is_said_how_it_is_done(
    far: Far, project: Project
) -> None:
    code = """
with ml.track("flights") as run:
    pass
try:
    ml.workbench().experiments.register(run.id, model="flights")
except Unavailable as error:
    print(error.fix)
"""
    assert "mlinfra models register" in far(code)


def test_torn_and_foreign_events_keep_no_other_from_coming(project: Project, folder: Path) -> None:
    folder.mkdir(parents=True)
    good = json.dumps({"at": "", "topic": "run", "ref": "run:1", "data": {"state": "finished"}})
    (folder / "events.jsonl").write_text(
        f'{good}\nnull\n[1]\n{{"topic": "nonsense", "ref": "x", "data":'
        f" {{}}}}\n{good[:20]}\n{good}\n{good[:9]}"
    )
    bring_home(project, folder)
    assert [event.ref for event in project.events.after(0)] == ["run:1", "run:1"]
    assert contents(folder)


EVENT = json.dumps({"at": "", "topic": "run", "ref": "run:1", "data": {"state": "finished"}}) + "\n"


@pytest.mark.parametrize(
    "note",
    [
        "[]",
        '{"events.jsonl": []}',
        '{"events.jsonl": ["x", 1]}',
        '{"events.jsonl": [-1, 1]}',
        '{"events.jsonl": 7}',
        "[" * 100_000,
    ],
)
def test_an_odd_note_of_what_came_hides_nothing(note: str, project: Project, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(EVENT)
    (folder / "home.json").write_text(note)
    assert not is_at_home(folder)
    bring_home(project, folder)
    assert is_at_home(folder)
    assert [event.ref for event in project.events.after(0)] == ["run:1"]


def test_events_come_once_though_whoever_brings_them_is_killed_in_between(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(EVENT)
    with monkeypatch.context() as killed:
        killed.setattr(homecoming, "note_brought", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            bring_home(project, folder)
    with (folder / "events.jsonl").open("a") as file:
        file.write(EVENT.replace("run:1", "run:2"))
    bring_home(project, folder)
    shutil.rmtree(folder)  # as when logs of old jobs are tidied away; then it is requeued
    folder.mkdir()
    (folder / "events.jsonl").write_text(EVENT.replace("run:1", "run:3"))
    bring_home(project, folder)
    assert [event.ref for event in project.events.after(0)] == ["run:1", "run:2", "run:3"]


def test_an_event_that_is_written_meanwhile_comes_with_the_next_look(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(EVENT)
    real = homecoming.read_regular

    def read(path: Path) -> bytes:
        with path.open("a") as file:
            file.write(EVENT.replace("run:1", "run:2"))
        return real(path)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(homecoming, "read_regular", read)
        bring_home(project, folder)
    assert not is_at_home(folder)
    bring_home(project, folder)
    assert [event.ref for event in project.events.after(0)] == ["run:1", "run:2"]


@pytest.mark.parametrize("fault", [TypeError("odd"), RuntimeError("as MLflow's own")])
def test_whatever_is_wrong_with_one_outbox_the_others_come_home(
    fault: Exception,
    project: Project,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd, real = folder.parent.parent / "j0" / "outbox", homecoming.bring_home

    def bring(project: Project, outbox: Path) -> None:
        if outbox == odd:
            raise fault
        real(project, outbox)

    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(EVENT)
    monkeypatch.setattr(homecoming, "bring_home", bring)
    monkeypatch.setattr(sys, "argv", ["homecoming", str(project.root), str(odd), str(folder)])
    homecoming.main()
    assert is_at_home(folder)
    assert f"{odd} was not collected: {type(fault).__name__}: {fault}" in capsys.readouterr().err


@pytest.mark.slow
def test_what_cannot_come_stays_and_is_said(far: Far, project: Project, folder: Path) -> None:
    far("with ml.track('flights'):\n    pass")
    (project.root / "mlinfra.toml").write_text(
        '[experiments]\ntracking_uri = "http://127.0.0.1:9"\n'
    )
    with pytest.raises(Unavailable, match="not collected"):
        bring_home(Project.open(project.root), folder)
    (folder / "mlflow.db").write_bytes(b"this is no database" * 1000)
    with pytest.raises(Unavailable, match="cannot be read"):
        bring_home(project, folder)
    assert not is_at_home(folder)
