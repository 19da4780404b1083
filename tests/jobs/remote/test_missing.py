"""Jobs that the far side does not show: not seeing one is no news of it."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.jobs import JobState
from jupyter_mlinfra.jobs.remote import Batch, Sighting, Stage, Unreachable, missing
from jupyter_mlinfra.jobs.remote.guard_files import has_order


def test_another_cluster_judges_no_job_and_gets_none_that_was_sent(steps: Any) -> None:
    runs, waits = steps.submit("runs"), steps.submit("waits")
    steps.rounds(2)
    steps.begin(runs)
    shown, steps.there.shown, steps.there.name = steps.there.shown, {}, "two"
    steps.again()
    steps.rounds(4)
    assert [steps.jobs.show(job.id).state for job in (runs, waits)] == ["running", "queued"]
    assert (
        "it was sent to cluster one, and the settings name two now"
        in steps.jobs.show(runs.id).reason
    )
    assert len(steps.there.sent) == 2
    steps.there.shown, steps.there.name = shown, "one"
    steps.rounds()
    assert [steps.jobs.show(job.id).reason for job in (runs, waits)] == ["", "Waits there."]


def test_a_job_that_waits_on_another_cluster_can_be_cancelled_for_it_cannot_begin_any_more(
    steps: Any,
) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.there.shown, steps.there.name = {}, "two"
    steps.jobs.cancel(job.id)
    steps.rounds(2)
    assert steps.jobs.show(job.id).state == "cancelled"
    assert not (steps.attempt(job).folder / "order.json").exists()


def test_a_job_that_is_forgotten_again_and_again_is_sent_a_few_times(steps: Any) -> None:
    job = steps.submit()
    for _ in range(20):
        steps.rounds(2)
        steps.there.shown.clear()
        steps.project.database._connection().execute("UPDATE job SET not_before = 0")
    ended = steps.jobs.show(job.id)
    assert (ended.state, len(steps.there.sent)) == ("failed", missing.LOSSES + 1)
    assert "forgot it" in ended.reason


def test_a_job_that_was_forgotten_is_not_sent_again_at_once(steps: Any) -> None:
    steps.submit()
    steps.rounds(2)
    steps.there.shown.clear()
    steps.rounds(5)
    assert len(steps.there.sent) == 1


def test_a_job_that_was_forgotten_does_not_start_if_it_is_remembered(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    key = steps.entry(job).token
    shown = dict(steps.there.shown)
    steps.there.shown.clear()
    steps.rounds()
    assert not has_order(steps.attempt(job), key)
    steps.there.shown = shown
    steps.rounds()
    assert ("end", list(shown)) in steps.there.asked


@pytest.mark.parametrize("stage", [Stage.WAITING, Stage.RUNNING])
def test_a_job_that_only_its_number_finds_is_there(steps: Any, stage: Stage) -> None:
    """Its comment was changed, or its partition is hidden."""
    job = steps.submit()
    steps.rounds(2)
    remote = steps.entry(job).remote
    if stage is Stage.RUNNING:
        steps.begin(job)
    steps.there.shown.clear()
    steps.there.recalled[remote] = Sighting(
        remote=remote, key="", stage=stage, reason="Waits on." if stage is Stage.WAITING else ""
    )
    steps.rounds(3)
    assert (steps.jobs.show(job.id).state, len(steps.there.sent)) == (
        "queued" if stage is Stage.WAITING else "running",
        1,
    )
    steps.jobs.cancel(job.id)
    steps.rounds()
    assert ("end", [remote]) in steps.there.asked


def test_an_accounting_that_is_away_makes_no_job_lost_and_keeps_none_from_being_sent(
    steps: Any,
) -> None:
    job = steps.submit("runs")
    steps.rounds(2)
    steps.begin(job)
    steps.there.shown.clear()

    def away(_: Any) -> None:
        raise Unreachable("sacct: Connection refused")

    steps.there.faults["recall"] = away
    steps.submit("later")
    steps.rounds(3)
    seen = steps.jobs.show(job.id)
    assert (seen.state, steps.there.names()) == ("running", ["runs", "later"])
    assert seen.reason.endswith("sacct: Connection refused")
    steps.claim(job, 3)  # what its guard has kept needs nobody's memory
    steps.rounds()
    assert (steps.jobs.show(job.id).state, steps.jobs.show(job.id).exit_code) == ("failed", 3)


def test_who_ended_a_job_by_a_signal_is_asked_of_those_who_remember(steps: Any) -> None:
    jobs = [steps.submit() for _ in range(2)]
    steps.rounds(2)
    for job in jobs:
        steps.begin(job)
        steps.claim(job, 143)
    cancelled, own = jobs
    remote = steps.entry(cancelled).remote
    steps.there.shown.clear()
    steps.there.recalled[remote] = Sighting(
        remote=remote,
        key="",
        stage=Stage.ENDED,
        asked=JobState.CANCELLED,
        reason="Cancelled in Slurm.",
    )
    steps.rounds(2)
    seen = [steps.jobs.show(job.id) for job in (cancelled, own)]
    assert [(job.state, job.exit_code) for job in seen] == [("cancelled", 143), ("failed", 143)]
    assert seen[0].reason == "Cancelled in Slurm."


def test_an_element_that_somebody_took_out_of_the_queue_is_cancelled_and_not_sent_again(
    steps: Any,
) -> None:
    array = steps.submit(array=[{"I": str(i)} for i in range(3)])
    steps.rounds(2)
    first, second, third = (
        steps.jobs.show(element) for element in steps.jobs.show(array.id).array.elements
    )
    del steps.there.shown[second.remote]
    steps.rounds(3)
    assert [steps.jobs.show(job.id).state for job in (first, second, third)] == [
        "queued",
        "cancelled",
        "queued",
    ]
    assert "requeue" in steps.jobs.show(second.id).reason
    assert len(steps.there.sent) == 1


def test_a_job_that_is_cancelled_in_doubt_does_not_run_when_it_arrives_after_all(
    steps: Any,
) -> None:
    def lost(_: Batch) -> None:
        raise Unreachable("sbatch: no answer in 60 s.")

    steps.there.faults["send"] = lost
    job = steps.submit()
    steps.rounds()
    key = steps.entry(job).token
    steps.jobs.cancel(job.id)
    steps.rounds(2)
    assert steps.jobs.show(job.id).state == "cancelled"
    assert not (steps.attempt(job).folder / "order.json").exists()
    steps.there.shown["7"] = Sighting(remote="7", key=key, stage=Stage.RUNNING)
    steps.rounds()  # although nothing is left to follow
    assert ("end", ["7"]) in steps.there.asked


def test_a_cancelled_job_is_not_waited_for_once_it_is_gone(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.jobs.remote import record

    monkeypatch.setattr(record, "LAG_SECONDS", 600.0)
    job = steps.submit()
    steps.rounds(2)
    steps.jobs.cancel(job.id)
    steps.rounds()
    steps.there.shown.clear()
    steps.rounds()
    assert steps.jobs.show(job.id).state == "cancelled"
    assert not [call for call in steps.there.asked if call[0] == "recall"]


def test_a_record_that_cannot_be_read_is_nothing_to_its_job(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.begin(job)
    steps.show(job, stage=Stage.UNKNOWN, reason="Slurm shows it in words that cannot be read.")
    steps.rounds(3)
    seen = steps.jobs.show(job.id)
    assert (seen.state, seen.reason) == ("running", "Slurm shows it in words that cannot be read.")


def test_the_heart_beats_before_and_after_each_call_of_the_far_side(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        steps.follower._wakeups, "beat", lambda: steps.there.asked.append(("beat",))
    )
    job, other = steps.submit(), steps.submit()
    steps.rounds(2)
    steps.begin(job)
    steps.jobs.hold(other.id)
    steps.jobs.cancel(job.id)
    steps.rounds()
    steps.there.shown.pop(steps.entry(job).remote)
    steps.rounds(2)
    asked = [name for name, *_ in steps.there.asked]
    assert {"look", "cluster", "send", "hold", "end", "recall"} <= set(asked)
    for before, name, after in zip(asked, asked[1:], asked[2:], strict=False):
        assert name == "beat" or (before, after) == ("beat", "beat"), asked
