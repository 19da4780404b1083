"""How jobs ended that others ran: what a guard has kept, and what the far side adds."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.core.database import Database
from jupyter_mlinfra.jobs import JobState
from jupyter_mlinfra.jobs.remote import Sighting, Stage, Unreachable, record
from jupyter_mlinfra.jobs.remote.batches import output_path
from jupyter_mlinfra.jobs.remote.guard_files import PARTITION_LIMIT


def _end(steps: Any, job: Any, **how: Any) -> Any:
    steps.show(job, stage=Stage.ENDED, **how)
    steps.rounds()
    return steps.jobs.show(job.id)


def test_who_killed_it_knows_why(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.claim(job, 137)
    assert (
        _end(steps, job, code=137, reason="It ran out of the memory that it had asked for.").reason
        == "It ran out of the memory that it had asked for."
    )


@pytest.mark.parametrize(
    ("code", "state"), [(143, "failed"), (1, "failed"), (0, "succeeded"), (75, "queued")]
)
def test_at_the_limit_of_a_partition_only_what_was_saved_goes_on(
    steps: Any, code: int, state: str
) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.begin(job)
    (steps.attempt(job).folder / "asked").write_text(f"{PARTITION_LIMIT}\n")
    steps.claim(job, code)
    ended = _end(steps, job, code=code)
    assert ended.state == state
    assert ("time limit of its partition" in ended.reason) is (state == "failed")


def test_what_the_far_side_wrote_itself_is_the_reason_where_the_guard_could_not_begin(
    steps: Any,
) -> None:
    job = steps.submit()
    steps.rounds(2)
    name, _, index = steps.entry(job).token.split(".")
    words = output_path(steps.project.home / "jobs", name, index)
    words.write_text("/nowhere/python: not found\n")
    ended = _end(steps, job, code=127, reason="It could not be started on node n1.")
    assert (ended.state, ended.reason) == (
        "failed",
        "It could not be started on node n1: /nowhere/python: not found",
    )
    assert steps.jobs.logs(job.id).size == 0
    assert not words.exists()


def test_retries_end_also_where_the_guard_never_begins(steps: Any) -> None:
    job = steps.submit(retries=2)
    for _ in range(8):
        steps.rounds(2)
        if steps.entry(job).remote:
            _end(steps, job, code=127, reason="It could not be started.")
        steps.project.database._connection().execute("UPDATE job SET not_before = 0")
    assert (steps.jobs.show(job.id).state, len(steps.there.sent)) == ("failed", 3)


def test_a_place_refused_before_the_job_began_is_no_failure_and_is_asked_for_less_often(
    steps: Any,
) -> None:
    job, delays = steps.submit(), list[float]()
    for _ in range(3):
        steps.rounds(2)
        _end(steps, job, asked=JobState.QUEUED, reason="Node refused its pod.")
        [row] = (
            steps.project.database._connection()
            .execute("SELECT not_before - changed_at FROM job")
            .fetchall()
        )
        delays.append(round(row[0]))
        steps.project.database._connection().execute("UPDATE job SET not_before = 0")
    assert (steps.entry(job).failures, delays) == (0, [15, 30, 60])


def test_only_holds_of_our_own_are_released(steps: Any) -> None:
    ours, theirs = steps.submit("ours"), steps.submit("theirs")
    steps.rounds(2)
    steps.jobs.hold(ours.id)
    steps.rounds()
    for job in (ours, theirs):
        steps.show(
            job, held=True, reason="Waits in Slurm: an administrator holds it (JobHeldAdmin)."
        )
    steps.again()  # what was held is known to the next follower too
    steps.rounds()
    steps.jobs.release(ours.id)
    steps.rounds()
    assert [call[1:] for call in steps.there.asked if call[0] == "hold"] == [
        ([steps.entry(ours).remote], held) for held in (True, False)
    ]
    assert "JobHeldAdmin" in steps.jobs.show(theirs.id).reason


def test_a_hold_that_was_carried_out_without_an_answer_is_released(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)

    def unanswered(_: Any, held: bool) -> None:
        steps.show(job, held=held)
        raise Unreachable("scontrol: no answer in 60 s.")

    steps.there.faults["hold"] = unanswered
    steps.jobs.hold(job.id)
    steps.rounds()
    steps.again()
    steps.rounds()
    steps.jobs.release(job.id)
    steps.rounds()
    remote = steps.entry(job).remote
    assert not steps.there.shown[remote].held


def test_a_hold_that_cannot_be_noted_is_asked_for_once_it_can(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    obstacle = steps.attempt(job).folder / "held"
    obstacle.mkdir()  # stands for a full disk
    steps.jobs.hold(job.id)
    steps.rounds()
    assert not [call for call in steps.there.asked if call[0] == "hold"]
    obstacle.rmdir()
    steps.rounds()
    assert ("hold", [steps.entry(job).remote], True) in steps.there.asked


def test_what_has_ended_and_is_written_down_the_far_side_may_forget(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    remote = steps.entry(job).remote
    steps.claim(job, 0)
    _end(steps, job, code=0)
    assert not [call for call in steps.there.asked if call[0] == "forget"]
    steps.rounds()
    assert ("forget", [remote]) in steps.there.asked


def test_a_thousand_elements_that_are_forgotten_together_are_taken_back_in_one_transaction(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.submit(array=[{"I": str(i)} for i in range(1000)])
    steps.rounds(2)
    steps.there.shown.clear()
    calls, unsent = list[int](), steps.follower._store.unsent
    monkeypatch.setattr(
        steps.follower._store,
        "unsent",
        lambda jobs, **how: calls.append(len(jobs)) or unsent(jobs, **how),
    )
    steps.rounds()
    assert calls == [1000]


def test_one_environment_of_many_jobs_is_looked_after_once(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = steps.submit(array=[{"I": str(i)} for i in range(20)])
    steps.rounds(2)
    released = list[str]()
    monkeypatch.setattr(record, "release", lambda path, *, needed: released.append(path))
    for element in steps.jobs.show(array.id).array.elements:
        job = steps.jobs.show(element)
        steps.claim(job, 0)
        steps.there.shown[job.remote] = Sighting(
            remote=job.remote, key=steps.entry(job).token, stage=Stage.ENDED, code=0
        )
    steps.rounds()
    assert (len(released), dict(steps.jobs.show(array.id).array.states)["succeeded"]) == (1, 20)


def test_a_round_takes_as_few_transactions_as_can_be(
    steps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is forced to the disk: one for all reasons together, and two for an element that began
    and ended.
    """
    array = steps.submit(array=[{"I": str(i)} for i in range(20)])
    steps.rounds()
    count, write = list[int](), Database.write
    monkeypatch.setattr(Database, "write", lambda self: count.append(1) or write(self))
    steps.rounds()
    assert len(count) == 1
    count.clear()
    for element in steps.jobs.show(array.id).array.elements:
        job = steps.jobs.show(element)
        steps.claim(job, 0)
        steps.there.shown[job.remote] = Sighting(
            remote=job.remote, key=steps.entry(job).token, stage=Stage.ENDED, code=0
        )
    steps.rounds()
    assert (len(count), dict(steps.jobs.show(array.id).array.states)["succeeded"]) == (40, 20)
