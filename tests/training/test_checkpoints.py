"""Checkpoints: whole or absent, whatever is killed, cut or spoilt."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.training import checkpoints, latest, resumed_run, trainings
from jupyter_mlinfra.training.trainings import open_training


def make(folder: Path, step: int, text: str = "", **facts) -> checkpoints.Checkpoint:
    def write(draft: Path) -> None:
        (draft / "ranks").mkdir()
        (draft / "state.ckpt").write_text(text or f"weights of step {step}")
        (draft / "ranks" / "1").write_text("other")

    return checkpoints.save(folder, write, step=step, **facts)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_found_with_its_facts_and_the_manifest_tells_every_file(
    tmp_path: Path,
) -> None:
    assert latest(tmp_path) is None
    make(tmp_path, 9)
    make(tmp_path, 100, epoch=2, metrics={"loss": 0.5, "broken": float("nan")}, run="abc")
    found = latest(tmp_path)
    assert found is not None
    assert (found.step, found.epoch, found.metrics, found.run) == (100, 2, {"loss": 0.5}, "abc")
    assert (found.folder / "state.ckpt").read_text() == "weights of step 100"
    manifest = json.loads((found.folder / "manifest.json").read_text())
    expected = {
        name: {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in [("state.ckpt", b"weights of step 100"), ("ranks/1", b"other")]
    }
    assert manifest["files"] == expected


SPOIL = {
    "cut": (
        lambda folder: os.truncate(folder / "state.ckpt", 3),
        "state.ckpt has 3 bytes and had 18",
    ),
    "one bit": (
        lambda folder: (folder / "state.ckpt").write_text("weights of step 3!"),
        "state.ckpt is not what was saved",
    ),
    "a file is gone": (lambda folder: (folder / "ranks" / "1").unlink(), "ranks/1 cannot be read"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "it has no manifest"),
    "half a manifest": (
        lambda folder: os.truncate(folder / "manifest.json", 40),
        "its manifest cannot be read",
    ),
    "another manifest": (
        lambda folder: (folder / "manifest.json").write_text("[1]"),
        "its manifest cannot be read",
    ),
}


@pytest.mark.parametrize("case", SPOIL)
def test_a_spoilt_one_is_passed_over_with_the_reason_for_the_one_before(
    case: str, tmp_path: Path
) -> None:
    spoil, why = SPOIL[case]
    make(tmp_path, 20, run="good")
    spoil(make(tmp_path, 30).folder)
    with pytest.warns(UserWarning, match=rf"step-0000000030 is skipped: .*{why}"):
        found = latest(tmp_path)
    assert found is not None
    assert (found.step, found.run) == (20, "good")


def test_the_newest_ones_and_the_best_are_kept_and_a_spoilt_one_pushes_none_out(
    tmp_path: Path,
) -> None:
    for step, loss in [(1, 0.9), (2, 0.1), (3, 0.5), (4, 0.4), (5, 0.3)]:
        make(tmp_path, step, metrics={"loss": loss})
    (tmp_path / "step-0000000005" / "state.ckpt").unlink()
    checkpoints.prune(tmp_path, written=5, keep=2, monitor="loss")
    assert names(tmp_path) == [f"step-{step:010d}" for step in (2, 3, 4)]
    checkpoints.prune(tmp_path, written=4, keep=1, monitor="loss", mode="max")
    assert names(tmp_path) == [f"step-{step:010d}" for step in (3, 4)]
    checkpoints.prune(tmp_path, written=4, keep=1)
    assert names(tmp_path) == ["step-0000000004"]


@pytest.mark.parametrize("keep", [1, 2])
def test_one_that_was_passed_over_pushes_out_none_that_is_written_after_it(
    keep: int, tmp_path: Path
) -> None:
    make(tmp_path, 20)
    (make(tmp_path, 30).folder / "state.ckpt").write_text("weights of step 3!")  # of the right size
    with pytest.warns(UserWarning, match="is skipped"):
        assert latest(tmp_path) is not None
    make(tmp_path, 25, metrics={"loss": 0.5})
    checkpoints.prune(tmp_path, written=25, keep=keep, monitor="loss")
    assert names(tmp_path) == ["step-0000000020", "step-0000000025"][-keep:]
    found = latest(tmp_path)
    assert found is not None
    assert found.step == 25


def test_saved_again_at_the_same_step_the_later_one_counts(tmp_path: Path) -> None:
    make(tmp_path, 7, "old")
    checkpoint = make(tmp_path, 7, "new")
    assert names(tmp_path) == ["step-0000000007"]
    assert (checkpoint.folder / "state.ckpt").read_text() == "new"
    assert latest(tmp_path) == checkpoint


def test_what_fails_to_write_leaves_nothing(tmp_path: Path) -> None:
    make(tmp_path, 1)
    with pytest.raises(ZeroDivisionError):
        checkpoints.save(tmp_path, lambda draft: (draft / "half").write_text("x") and 1 / 0, step=2)
    assert names(tmp_path) == ["step-0000000001"]


def test_a_full_disk_is_named_and_the_one_before_stands(small_disk, project) -> None:
    disk = small_disk(1)
    folder = disk.path / "checkpoints"
    make(folder, 1)
    disk.fill()
    with pytest.raises(Unavailable, match=r"disk is full"):
        make(folder, 2, "x" * 100_000)
    disk.free()
    found = latest(folder)
    assert found is not None
    assert found.step == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from jupyter_mlinfra.training import checkpoints
calls = 0
at = int(sys.argv[2])
def step(real):
    def call(*words, **more):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    return call
for name in ("fsync", "rename", "replace", "mkdir"):
    setattr(os, name, step(getattr(os, name)))
Path.rename = step(Path.rename)
folder = Path(sys.argv[1])
checkpoints.save(folder, lambda draft: (draft / "state.ckpt").write_text("new" * 1000), step=2)
checkpoints.prune(folder, written=2, keep=1)
"""


def test_a_kill_at_any_point_leaves_the_old_or_the_new_one_whole(tmp_path: Path) -> None:
    """At each call that reaches the disk, in one process after another, until none is left to be
    killed at.
    """
    outcomes = []
    for at in range(1, 40):
        folder = tmp_path / str(at)
        make(folder, 1, "old")
        process = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), str(at)], capture_output=True, text=True
        )
        # A warning would be an error of its own: nothing torn may carry a name.
        found = latest(folder)
        assert found is not None, at
        assert (found.folder / "state.ckpt").read_text() == {1: "old", 2: "new" * 1000}[found.step]
        outcomes.append(found.step)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, process.stderr
    assert process.returncode == 0
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {1, 2}, "it was killed before and after the rename"
    make(folder, 3)
    assert not [name for name in names(folder) if name.startswith(".")], (
        "what was left behind is removed"
    )


def test_the_folder_is_that_of_the_job_and_so_is_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLINFRA_CHECKPOINTS", raising=False)
    assert resumed_run() is None
    with pytest.raises(BadRequest, match="no folder for checkpoints"):
        latest()
    monkeypatch.setenv("MLINFRA_CHECKPOINTS", str(tmp_path / "of the job"))
    assert resumed_run() is None
    make(tmp_path / "of the job", 5, run="abc")
    assert resumed_run() == "abc"


def test_of_several_trainings_the_run_is_that_of_the_first_that_is_not_done_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_CHECKPOINTS", str(tmp_path))
    for run in ("first", "second"):  # of an attempt that did the one and left off the other
        training = open_training(tmp_path, {"learns": run}, reproducible=True)
        make(training.folder, 5, run=run, training=training.note, finished=run == "first")
    assert resumed_run() == "first"
    found = latest()
    assert found is not None
    assert (found.run, found.finished) == ("second", False)
    open_training(tmp_path, {"learns": "first"}, reproducible=True).end()
    assert resumed_run() == "second"
    open_training(tmp_path, {"learns": "second"}, reproducible=True).end()
    assert resumed_run() is None


def test_where_equal_facts_say_little_it_counts_which_one_of_a_process_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempt(job: str, *contents: str, done: int) -> list[int]:
        """Steps that each training of one process finds; it comes to the end of the first `done` of
        them.
        """
        monkeypatch.setattr(trainings, "_opened", set())
        monkeypatch.setattr(trainings, "_ended", set())
        monkeypatch.setenv("MLINFRA_JOB", job)
        found = []
        for index, content in enumerate(contents):
            training = open_training(tmp_path, {"layers": 2}, content=content, reproducible=False)
            found.append(training.newest.step if training.newest else 0)
            make(
                training.folder,
                found[-1] + 10 * (index + 1),
                training=training.note,
                finished=index < done,
            )
            if index < done:
                training.end()
        return found

    assert attempt("a", "monday", "tuesday", done=1) == [0, 0]
    assert attempt("a", "another seed", "of all that", "wednesday", done=2) == [
        10,
        20,
        0,
    ], "in a job it is the order"
    assert attempt("", "wednesday", "of all that", done=2) == [
        30,
        40,
    ], "elsewhere it is the content"
    assert attempt("b", "thursday", done=1) == [0]
