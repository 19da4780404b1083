"""Progress of a job: a file that is replaced whole."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.training import report


def test_what_is_reported_is_what_jobs_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    attempt = Attempt(tmp_path)
    monkeypatch.setenv("MLINFRA_PROGRESS", str(attempt.progress))
    report(0.25, "round 1 of 4")
    assert attempt.read_progress() == (0.25, "round 1 of 4")
    report(None, "loading")
    assert attempt.read_progress() == (None, "loading")


def test_outside_of_a_job_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLINFRA_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    report(0.5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(BadRequest, match="out of range"):
        report(fraction)


def test_a_reader_never_sees_half_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "progress.json"
    monkeypatch.setenv("MLINFRA_PROGRESS", str(path))
    report(0.0)
    done = threading.Event()
    torn: list[str] = []

    def read() -> None:
        while not done.is_set():
            try:
                json.loads(path.read_text())
            except ValueError as error:
                torn.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2000):
        report(number / 2000, "x" * (number % 500))
    done.set()
    reader.join()
    assert torn == []
    assert [item.name for item in tmp_path.iterdir()] == ["progress.json"], "no draft is left"


def test_a_folder_that_is_gone_does_not_end_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLINFRA_PROGRESS", str(tmp_path / "gone" / "progress.json"))
    report(0.5, "still here")
