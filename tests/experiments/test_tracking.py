from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unavailable
from jupyter_mlinfra.experiments import Experiments
from jupyter_mlinfra.jobs import Jobs, JobState


def git(root, *words):
    identity = {
        "GIT_AUTHOR_NAME": "ana",
        "GIT_AUTHOR_EMAIL": "ana@example.org",
        "GIT_COMMITTER_NAME": "ana",
        "GIT_COMMITTER_EMAIL": "ana@example.org",
    }
    return subprocess.run(
        ["git", *words],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **identity},
    ).stdout.strip()


def test_a_tracked_block_is_a_run_that_knows_where_it_came_from(project, experiments, monkeypatch):
    git(project.root, "init", "-q")
    git(project.root, "add", "mlinfra.toml")
    git(project.root, "commit", "-q", "-m", "Begin")
    (project.root / "mlinfra.toml").write_text('[project]\nname = "changed"\n')
    monkeypatch.setenv("JPY_SESSION_NAME", str(project.root / "work" / "train.ipynb"))
    with experiments.track(
        "churn",
        name="depth 8",
        tags={"team": "a"},
        datasets=["dataset:sales.orders@4711", "view:user_stats"],
    ) as run:
        assert experiments.show(run.id).status == "running"
        run.log_params({"depth": 8, "eta": 0.1})
        run.log_metric("auc", 0.9)
        run.log_metrics({"loss": 0.2}, step=3)
    found = experiments.show(run.id)
    assert (found.experiment, found.name, found.status, found.user) == (
        "churn",
        "depth 8",
        "finished",
        "ana",
    )
    assert found.notebook == "work/train.ipynb"
    assert (found.job, found.step) == (None, None)
    assert found.params == {"depth": "8", "eta": "0.1"}
    assert found.metrics == {"auc": 0.9, "loss": 0.2}
    assert found.datasets == ["dataset:sales.orders@4711", "view:user_stats"]
    assert found.tags == {
        "mlflow.source.git.commit": git(project.root, "rev-parse", "HEAD"),
        "mlinfra.git.changed_files": "1",
        "team": "a",
    } | {
        key: value
        for key, value in found.tags.items()
        if key.startswith("mlflow.source.git.") and key != "mlflow.source.git.commit"
    }


def test_the_datasets_of_a_run_are_mlflow_inputs_with_the_snapshot_as_digest(project, experiments):
    with experiments.track("churn", datasets=["dataset:sales.orders@4711"]) as run:
        pass
    from mlflow import MlflowClient

    inputs = MlflowClient(experiments.tracking_uri).get_run(run.id).inputs.dataset_inputs
    assert [(item.dataset.name, item.dataset.digest) for item in inputs] == [
        ("dataset:sales.orders", "4711")
    ]


def test_plain_mlflow_calls_in_the_block_reach_the_run(experiments):
    import mlflow

    with experiments.track("churn") as run:
        mlflow.log_metric("auc", 0.7)
        mlflow.log_text("hello", "note.txt")
    assert experiments.show(run.id).metrics == {"auc": 0.7}


def test_lineage_and_events_tell_of_the_run(project, experiments):
    with experiments.track("churn", datasets=["dataset:sales.orders@4711"]) as run:
        pass
    edge = project.lineage.around(run.ref).items[0]
    assert (edge.input, edge.output, edge.job) == ("dataset:sales.orders@4711", run.ref, "python")
    assert [(event.topic, event.ref, event.data["state"]) for event in project.events.after(0)] == [
        ("run", run.ref, "running"),
        ("run", run.ref, "finished"),
    ]


@pytest.mark.parametrize(
    ("raised", "status"), [(ValueError, "failed"), (KeyboardInterrupt, "killed")]
)
def test_a_block_that_raises_ends_its_run_and_lets_the_exception_through(
    project, experiments, raised, status
):
    with pytest.raises(raised), experiments.track("churn") as run:
        run.log_metric("auc", 0.5)
        raise raised("no")
    found = experiments.show(run.id)
    assert (found.status, found.metrics) == (status, {"auc": 0.5})
    assert project.events.after(0)[-1].data["state"] == status
    with experiments.track("churn") as after:
        assert "mlflow.parentRunId" not in experiments.show(after.id).tags


def test_a_run_whose_inputs_cannot_be_noted_is_not_left_running(experiments, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_inputs", _raising(MlflowException("database is locked")))
        with (
            pytest.raises(Unavailable),
            experiments.track("churn", datasets=["dataset:sales.orders@4711"]),
        ):
            pytest.fail("the block must not run")
    assert [run.status for run in experiments.runs("churn").items] == ["failed"]
    with experiments.track("churn") as after:
        assert "mlflow.parentRunId" not in experiments.show(after.id).tags


@pytest.mark.parametrize("broken", ["lineage", "events"])
def test_a_project_that_cannot_be_told_neither_fails_a_run_nor_hides_its_error(
    project, experiments, monkeypatch, caplog, broken
):
    (
        monkeypatch.setattr(
            type(project.lineage), "record", _raising(OSError("No space left on device"))
        )
        if broken == "lineage"
        else monkeypatch.setattr(
            type(project.events), "emit", _raising(Unavailable("state.db is busy."))
        )
    )
    with experiments.track("churn") as first:
        pass
    with pytest.raises(ValueError, match="of the user"), experiments.track("churn") as second:
        raise ValueError("of the user")
    assert (experiments.show(first.id).status, experiments.show(second.id).status) == (
        "finished",
        "failed",
    )
    assert f"{first.ref} is finished, but its event was not recorded" in caplog.text
    assert experiments.log_metrics(first.id, {"auc": 0.5}).metrics == {"auc": 0.5}


def test_the_error_of_a_block_is_seen_also_when_its_run_cannot_be_ended(experiments, monkeypatch):
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    monkeypatch.setattr(
        MlflowClient, "set_terminated", _raising(MlflowException("database is locked"))
    )
    with pytest.raises(ValueError, match="of the user"), experiments.track("churn"):
        raise ValueError("of the user")
    with pytest.raises(Unavailable, match="does not answer"), experiments.track("churn"):
        pass
    assert mlflow.active_run() is None


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("failed", "failed"),
        ("cancelled", "killed"),
        ("lost", "failed"),
        ("running", "running"),
        (None, "running"),
    ],
)
def test_a_run_whose_process_was_killed_by_force_is_shown_as_its_job_ended(
    experiments, monkeypatch, state, shown
):
    import mlflow

    experiments.activate()
    run = mlflow.start_run(tags={"mlinfra.job": "ab12"})  # nobody ends it
    ended = datetime(2030, 1, 2, tzinfo=UTC)
    jobs = (
        {
            "ab12": SimpleNamespace(
                state=JobState(state), ended_at=ended if shown != "running" else None
            )
        }
        if state
        else {}
    )

    def show(_, job):
        if job not in jobs:
            raise NotFound(f"There is no job {job}.")
        return jobs[job]

    monkeypatch.setattr(Jobs, "show", show)
    found = experiments.show(run.info.run_id)
    assert (found.status, found.ended_at) == (shown, ended if shown != "running" else None)
    assert experiments.runs("Default").items == [found]
    asked = {
        "ended is null": shown == "running",
        "duration > 0": shown != "running",
        "ended >= '2030-01-02'": shown != "running",
    }
    for status in ("running", "failed", "killed"):
        asked |= {
            f"status = '{status}'": status == shown,
            f"not status in ('{status}')": status != shown,
        }
    for where, expected in asked.items():
        page = experiments.runs("Default", where=where)
        assert (page.total, [run.status for run in page.items]) == (
            (1, [shown]) if expected else (0, [])
        ), where


def _raising(error):
    def fail(*_args, **_named):
        raise error

    return fail


def test_a_block_in_a_block_is_a_child(experiments):
    with experiments.track("churn") as parent, experiments.track("churn") as child:
        pass
    assert experiments.show(child.id).tags["mlflow.parentRunId"] == parent.id
    assert experiments.show(parent.id).status == experiments.show(child.id).status == "finished"


def test_a_dataset_that_the_catalog_does_not_have_is_refused_before_the_run_begins(experiments):
    with pytest.raises(NotFound), experiments.track("churn", datasets=["sales.nothing"]):
        pytest.fail("the block must not run")
    assert experiments.experiments().total == 0


@pytest.mark.parametrize("datasets", [["table:x"], ["a b"], [object()]])
def test_what_is_no_reference_is_refused_before_the_run_begins(experiments, datasets):
    with pytest.raises((BadRequest, NotFound)), experiments.track("churn", datasets=datasets):
        pytest.fail("the block must not run")
    assert experiments.experiments().total == 0


@pytest.mark.parametrize("name", ["", "a b", "a@b", "/a", "x" * 101])
def test_an_experiment_name_that_no_reference_could_hold_is_refused(experiments, name):
    with pytest.raises(BadRequest, match="cannot name an experiment"), experiments.track(name):
        pytest.fail("the block must not run")


def test_a_deleted_experiment_comes_back_when_it_is_tracked_again(experiments):
    from mlflow import MlflowClient

    with experiments.track("churn") as first:
        pass
    client = MlflowClient(experiments.tracking_uri)
    client.delete_experiment(client.get_experiment_by_name("churn").experiment_id)
    assert experiments.experiments().total == 0
    with pytest.raises(NotFound):
        experiments.show(first.id)
    with experiments.track("churn") as second:
        pass
    assert experiments.show(second.id).experiment == "churn"


def test_metrics_can_be_added_to_a_run_that_has_ended(project, experiments):
    with experiments.track("churn") as run:
        pass
    found = experiments.log_metrics(run.id[:8], {"test_auc": 0.8})
    assert (found.status, found.metrics) == ("finished", {"test_auc": 0.8})
    assert project.events.after(0)[-1].ref == run.ref


def test_a_parameter_that_is_set_twice_is_an_error_in_our_words(experiments):
    with experiments.track("churn") as run:
        run.log_param("depth", 8)
        with pytest.raises(BadRequest, match="refused the request") as caught:
            run.log_param("depth", 9)
    assert "depth" in caught.value.why


def test_the_fingerprint_of_an_experiment_changes_with_its_runs(experiments):
    with experiments.track("churn") as run:
        during = experiments.experiment_fingerprint("churn")
    ended = experiments.experiment_fingerprint("churn")
    assert during != ended
    experiments.log_metrics(run.id, {"auc": 1.0})
    assert experiments.experiment_fingerprint("churn") == ended
    with experiments.track("churn"):
        pass
    assert experiments.experiment_fingerprint("churn") != ended


def test_a_run_outside_of_git_has_no_commit(experiments, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    with experiments.track("churn") as run:
        pass
    assert experiments.show(run.id).tags == {}


def test_two_projects_in_one_process_keep_their_runs_apart(experiments, tmp_path, empty_store):
    import shutil

    from jupyter_mlinfra.core.project import Project

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mlinfra.toml").touch()
    project = Project(tmp_path / "other")
    shutil.copy(empty_store, project.home / "mlflow.db")
    other = Experiments(project)
    with experiments.track("one"):
        pass
    with other.track("two"):
        pass
    with experiments.track("one"):
        pass
    assert [(item.name, item.runs) for item in experiments.experiments().items] == [("one", 2)]
    assert [(item.name, item.runs) for item in other.experiments().items] == [("two", 1)]
    assert {path.name.partition("-")[0] for path in (project.home / "artifacts").glob("*")} <= {
        "two"
    }
    project.database.close()


def test_more_parameters_and_metrics_than_mlflow_takes_at_a_time_are_logged(experiments):
    with experiments.track("churn") as run:
        run.log_params({f"p{index}": index for index in range(250)})
        run.log_metrics({f"m{index}": index for index in range(250)})
    found = experiments.show(run.id)
    assert (len(found.params), len(found.metrics)) == (250, 250)


def test_a_block_that_ends_its_run_itself_leaves_the_parent_running(experiments):
    import mlflow

    with experiments.track("churn") as parent:
        with experiments.track("churn") as child:
            mlflow.end_run()
        assert experiments.show(parent.id).status == "running"
    assert experiments.show(parent.id).status == experiments.show(child.id).status == "finished"


def test_a_run_that_saved_its_work_waits_and_is_gone_on_with(experiments):
    with pytest.raises(SystemExit), experiments.track("flights", name="first") as begun:
        begun.log_metric("loss", 2.0, step=1)
        raise SystemExit(75)
    assert experiments.show(begun.id).status == "scheduled"
    with experiments.track("flights", run=begun.id) as rest:
        rest.log_metric("loss", 1.0, step=2)
    assert rest.id == begun.id
    found = experiments.show(begun.id)
    assert (found.status, found.name, experiments.runs("flights").total) == ("finished", "first", 1)
    assert experiments.curves(begun.id, "loss").total == 2
