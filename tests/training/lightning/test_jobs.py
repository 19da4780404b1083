"""Real jobs that get a real signal in the midst of an epoch: the second attempt gives the weights
of a training that nobody stopped.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.training import latest

SCRIPT = Path(__file__).with_name("seeded.py")
WAIT = 240.0
PAUSE = 0.1


@pytest.fixture
def jobs(project: Project) -> Iterator[Jobs]:
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\ncpus = 2\ngpus = 0\ngrace_seconds = 30.0\n'
    )
    jobs = Jobs(project)
    yield jobs
    jobs.stop(cancel_running=True)


def until[T](look: Callable[[], T]) -> T:
    limit = time.monotonic() + WAIT
    while time.monotonic() < limit:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("It did not come to pass.")


def processes_of(job: str) -> list[psutil.Process]:
    """Every process of the job, as its supervisor signals them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MLINFRA_JOB") == job:
                found.append(process)
        except psutil.Error:
            continue
    return found


def plain(folder: Path, *words: str) -> dict[str, Any]:
    """Weights of the same training by plain Lightning, that nobody stopped."""
    subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "plain.pt"), "--plain", *words],
        check=True,
        capture_output=True,
        timeout=WAIT,
    )
    return torch.load(folder / "plain.pt", weights_only=True)


def stopped_once(
    jobs: Jobs, job: Job, *, whom: Callable[[psutil.Process], bool] = lambda process: True
) -> Job:
    """Signal the job's processes in the midst of its second epoch, and wait for the end of its
    second attempt.
    """
    seen = until(lambda: re.search(r"step 1\d", (now := jobs.show(job.id)).progress_text) and now)
    assert "loss" in seen.progress_text
    assert seen.progress_text.endswith("left")
    assert 0.3 < (seen.progress.value or 0) < 0.7
    for process in processes_of(job.id):
        if whom(process):
            process.send_signal(signal.SIGTERM)
    until(lambda: jobs.show(job.id).attempt == 2)
    ended = jobs.wait([job.id], timeout=WAIT)[0]
    assert (ended.state, ended.attempt) == ("succeeded", 2), jobs.logs(job.id).text
    assert ended.progress.value == 1.0
    return ended


def same(left: dict[str, Any], right: dict[str, Any]) -> None:
    for key, value in left.items():
        torch.testing.assert_close(right[key], value, atol=1e-6, rtol=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_script(workers: int, jobs: Jobs, project: Project) -> None:
    """With a worker too, which the supervisor signals as well: it must not die before the training
    has saved.
    """
    words = ["--workers", str(workers)]
    command = [sys.executable, str(SCRIPT), "weights.pt", "--pause", str(PAUSE), "--run", *words]
    address = f"sqlite:///{project.root / 'mlflow.db'}"
    job = jobs.submit(
        JobSpec(command=command, checkpoints="kept", environment={"MLFLOW_TRACKING_URI": address})
    )
    stopped_once(jobs, job)
    same(plain(project.root, *words), torch.load("weights.pt", weights_only=True))

    from mlflow import MlflowClient

    client = MlflowClient(address)
    runs = client.search_runs(["0"])
    assert len(runs) == 1, "the second attempt went on with the run of the first"
    points = client.get_metric_history(runs[0].info.run_id, "train_loss")
    assert [point.step for point in points] == list(range(1, 31))


@pytest.mark.parametrize("whom", ["all", "the second rank alone"])
def test_two_ranks_agree(whom: str, jobs: Jobs, project: Project) -> None:
    command = [sys.executable, str(SCRIPT), "weights.pt", "--ranks", "2", "--pause", "0.3"]
    job = jobs.submit(JobSpec(command=command, checkpoints="kept"))
    ended = stopped_once(
        jobs, job, whom=lambda process: whom == "all" or process.environ().get("LOCAL_RANK") == "1"
    )
    assert ended.exit_code == 0
    same(plain(project.root, "--ranks", "2"), torch.load("weights.pt", weights_only=True))
    found = latest(project.root / "kept")
    assert found is not None


def test_a_notebook(jobs: Jobs, project: Project) -> None:
    source = f"""
import sys
sys.path.insert(0, {str(SCRIPT.parent)!r})
sys.argv = ["seeded.py", "weights.pt", "--pause", "{PAUSE}"]
import seeded
seeded.main()
"""
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    kernel = {
        "kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    (project.root / "train.ipynb").write_text(
        json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    )
    job = jobs.submit(JobSpec(notebook="train.ipynb", checkpoints="kept"))
    stopped_once(jobs, job)
    same(plain(project.root), torch.load("weights.pt", weights_only=True))


def test_a_cancelled_training_is_not_started_again_and_leaves_its_work(
    jobs: Jobs, project: Project
) -> None:
    command = [sys.executable, str(SCRIPT), "weights.pt", "--pause", str(PAUSE)]
    job = jobs.submit(JobSpec(command=command, checkpoints="kept"))
    until(lambda: re.search(r"step 1\d", jobs.show(job.id).progress_text))
    jobs.cancel(job.id)
    ended = jobs.wait([job.id], timeout=WAIT)[0]
    assert (ended.state, ended.attempt, ended.exit_code) == ("cancelled", 1, 75)
    found = latest(project.root / "kept")
    assert found is not None
    assert 10 <= found.step < 30
    assert os.path.exists(found.folder / "state.ckpt")
