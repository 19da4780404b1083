"""What the far side refuses for one job is nothing to the others."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.jobs.remote import Batch, NotNow, Rejected, Sighting, Stage, Unreachable
from jupyter_mlinfra.jobs.remote.guard_files import has_order


def _only(name: str, error: Exception) -> Any:
    def fault(batch: Batch) -> None:
        if batch.parcels[0].entry.job.name == name:
            raise error

    return fault


def test_a_job_that_is_not_taken_now_waits_alone(steps: Any) -> None:
    bad, good = steps.submit("bad"), steps.submit("good")
    steps.there.faults["send"] = _only("bad", NotNow("Job violates accounting/QOS policy."))
    steps.rounds(3)
    assert steps.there.names() == ["good"]
    waits = steps.jobs.show(bad.id)
    assert waits.state == "queued"
    assert waits.reason.startswith("Job violates accounting/QOS policy. It is tried again in")
    assert steps.entry(good).remote


def test_what_is_refused_again_and_again_is_tried_less_and_less_often(steps: Any) -> None:
    job, delays = steps.submit(), list[float]()
    steps.there.faults["send"] = _only("job", NotNow("No."))
    for _ in range(8):
        steps.rounds()
        [row] = (
            steps.project.database._connection()
            .execute("SELECT not_before - changed_at FROM job")
            .fetchall()
        )
        delays.append(round(row[0]))
        steps.store.unsent([job.id], reason="", delay=0.0)
    assert delays == [15, 30, 60, 120, 240, 480, 600, 600]


def test_a_job_whose_call_never_answers_does_not_keep_the_others_from_being_sent(
    steps: Any,
) -> None:
    runs = steps.submit("runs")
    steps.rounds(2)
    steps.begin(runs)
    steps.there.sent.clear()
    bad = steps.submit("bad")
    steps.there.faults["send"] = _only("bad", Unreachable("sbatch: no answer in 60 s."))
    steps.rounds()
    assert steps.jobs.show(runs.id).reason == ""  # it was seen
    assert (
        steps.jobs.show(bad.id).reason
        == "It is not known yet whether it arrived: sbatch: no answer in 60 s."
    )
    steps.submit("good")
    steps.rounds(3)
    assert steps.there.names() == ["good"]


@pytest.mark.parametrize("call", ["end", "hold"])
def test_what_the_far_side_refuses_to_do_hides_no_end(steps: Any, call: str) -> None:
    refused, done = steps.submit("refused"), steps.submit("done")
    steps.rounds(2)

    def forbidden(*_: Any) -> None:
        raise NotNow('pods "x" is forbidden')

    steps.there.faults[call] = forbidden
    (steps.jobs.cancel if call == "end" else steps.jobs.hold)(refused.id)
    steps.claim(done, 0)
    steps.show(done, stage=Stage.ENDED, code=0)
    later = steps.submit("later")
    steps.rounds(2)
    assert steps.jobs.show(done.id).state == "succeeded"
    assert steps.entry(later).remote
    if call == "end":
        assert 'pods "x" is forbidden' in steps.jobs.show(refused.id).reason


def test_of_an_array_that_is_more_than_a_limit_leaves_room_for_a_part_is_sent(steps: Any) -> None:
    """As with Slurm's MaxSubmitJobs."""
    steps.submit(array=[{"I": str(i)} for i in range(100)])

    def limit(batch: Batch) -> None:
        if sum(len(one.parcels) for one in steps.there.sent) + len(batch.parcels) > 60:
            raise NotNow("Job violates accounting/QOS policy.")

    steps.there.faults["send"] = limit
    for _ in range(3):
        steps.rounds()
        steps.project.database._connection().execute("UPDATE job SET not_before = 0")
    assert [len(one.parcels) for one in steps.there.sent] == [50]


def in_doubt(steps: Any) -> tuple[str, str]:
    """A job of which nobody knows whether it has arrived, and its key."""
    job = steps.submit()
    steps.there.faults["send"] = _only("job", Unreachable("sbatch: no answer in 60 s."))
    steps.rounds()
    key = steps.entry(job).token
    return job, key


@pytest.mark.parametrize("refusal", [NotNow("Job violates QOS policy."), Rejected("No account.")])
def test_a_first_try_that_arrives_after_the_second_was_refused_starts_nothing(
    steps: Any, refusal: Exception
) -> None:
    """As when it took the last place that a limit leaves."""
    job, key = in_doubt(steps)
    steps.there.faults["send"] = _only("job", refusal)
    steps.again()
    steps.rounds()
    assert not has_order(steps.attempt(job), key)
    assert steps.jobs.show(job.id).state == ("queued" if isinstance(refusal, NotNow) else "failed")
    steps.there.shown["7"] = Sighting(remote="7", key=key, stage=Stage.WAITING)
    steps.rounds()  # although nothing is left to follow
    assert ("end", ["7"]) in steps.there.asked


@pytest.mark.parametrize("refusal", [NotNow("Job violates QOS policy."), Rejected("No account.")])
def test_a_first_try_that_begins_while_the_second_is_refused_is_followed(
    steps: Any, refusal: Exception
) -> None:
    job, key = in_doubt(steps)

    def begins(_: Batch) -> None:
        steps.claim(job)
        raise refusal

    steps.there.faults["send"] = begins
    steps.again()
    steps.rounds()
    assert (steps.entry(job).token, has_order(steps.attempt(job), key)) == (key, True)
    steps.there.shown["7"] = Sighting(remote="7", key=key, stage=Stage.RUNNING)
    steps.rounds(2)
    assert (steps.jobs.show(job.id).state, steps.entry(job).remote) == ("running", "7")
    assert not [call for call in steps.there.asked if call[0] == "end"]
