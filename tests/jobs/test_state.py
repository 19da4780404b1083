"""The table of states, and how an ended attempt is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict
from jupyter_mlinfra.jobs import Job, JobState
from jupyter_mlinfra.jobs.state import FINAL, REFUSED, Ended, advance, explain_exit, judge

AT = datetime(2026, 11, 25, tzinfo=UTC)
ALLOWED = {
    "queued": {"starting", "failed", "cancelled"},
    "starting": {"running", "queued", "succeeded", "failed", "cancelled", "lost"},
    "running": {"queued", "succeeded", "failed", "cancelled", "lost"},
    "succeeded": set(),
    "failed": {"queued"},
    "cancelled": {"queued"},
    "lost": {"queued"},
}


def job(state: str = "queued") -> Job:
    return Job(
        id="7f3a",
        ref="job:7f3a",
        name="train",
        state=JobState(state),
        reason="",
        exit_code=None,
        backend="local",
        user="ana",
        notebook=None,
        command=["x"],
        parameters={},
        gpus=0,
        gpu_type=None,
        cpus=1,
        memory_gib=None,
        time_limit_minutes=None,
        queue=None,
        gpu_ids=["0"],
        priority=50,
        attempt=0,
        retries=0,
        submitted_at=AT,
        started_at=None,
        ended_at=None,
        elapsed_seconds=None,
        progress=None,
        progress_text="",
        output=None,
        snapshot=None,
        checkpoints=None,
        labels={},
    )


@pytest.mark.parametrize("start", ALLOWED)
@pytest.mark.parametrize("to", ALLOWED)
def test_a_job_moves_only_where_the_table_leads(start: str, to: str) -> None:
    if to in ALLOWED[start]:
        assert advance(job(start), JobState(to), at=AT).state == to
    else:
        with pytest.raises(Conflict, match=f"Job 7f3a is {start}"):
            advance(job(start), JobState(to), at=AT)


def test_only_a_job_that_did_not_succeed_may_be_run_again() -> None:
    assert {str(state) for state in FINAL} == {"succeeded", "failed", "cancelled", "lost"}
    assert {state for state in map(str, FINAL) if ALLOWED[state]} == {"failed", "cancelled", "lost"}


def test_times_and_attempts_follow_the_state() -> None:
    started = advance(job(), JobState.STARTING, at=AT)
    running = advance(started, JobState.RUNNING, at=AT)
    again = advance(running, JobState.QUEUED, at=AT, reason="Saved.", exit_code=75)
    ended = advance(replace(running), JobState.FAILED, at=AT, reason="Exit code 3.", exit_code=3)
    assert (started.attempt, started.started_at) == (1, None)
    assert (running.attempt, running.started_at, running.ended_at) == (1, AT, None)
    assert (again.attempt, again.started_at, list(again.gpu_ids), again.reason) == (
        1,
        None,
        [],
        "Saved.",
    )
    assert (ended.ended_at, ended.exit_code, ended.reason) == (AT, 3, "Exit code 3.")
    assert advance(again, JobState.STARTING, at=AT).attempt == 2


@pytest.mark.parametrize(
    ("ended", "state", "counted"),
    [
        (Ended(code=0, seconds=5), JobState.SUCCEEDED, False),
        (Ended(code=3, seconds=5), JobState.FAILED, True),
        (Ended(code=75, seconds=5), JobState.QUEUED, False),
        (Ended(code=None, seconds=5), JobState.LOST, True),
        (Ended(code=0, seconds=5, asked=JobState.CANCELLED), JobState.CANCELLED, False),
        (Ended(code=75, seconds=5, asked=JobState.CANCELLED), JobState.CANCELLED, False),
        (Ended(code=143, seconds=5, asked=JobState.FAILED), JobState.FAILED, False),
    ],
)
def test_without_retries_an_ended_attempt_decides_the_job(
    ended: Ended, state: JobState, counted: bool
) -> None:
    verdict = judge(ended, failures=0, retries=0, requeues=0)
    assert (verdict.state, verdict.exit_code) == (state, ended.code)
    assert verdict.counted is counted or state in (JobState.FAILED, JobState.LOST)


def test_a_job_that_says_why_it_would_only_fail_again_is_not_retried() -> None:
    refused = Ended(code=REFUSED, seconds=1, reason="The target has other columns.")
    verdict = judge(refused, failures=0, retries=3, requeues=0)
    assert (verdict.state, verdict.reason) == (JobState.FAILED, refused.reason)
    unexplained = Ended(code=REFUSED, seconds=1)
    assert judge(unexplained, failures=0, retries=3, requeues=0).state is JobState.QUEUED


def test_retries_wait_twice_as_long_each_time_and_come_to_an_end() -> None:
    verdicts = [
        judge(Ended(code=1, seconds=1), failures=failures, retries=3, requeues=0)
        for failures in range(4)
    ]
    assert [verdict.state for verdict in verdicts] == ["queued", "queued", "queued", "failed"]
    assert [verdict.delay for verdict in verdicts[:3]] == [1, 2, 4]
    assert judge(Ended(code=1, seconds=1), failures=30, retries=99, requeues=0).delay == 300
    assert judge(Ended(code=1, seconds=1), failures=5000, retries=9999, requeues=0).delay == 300
    assert "retry 2 of 3" in verdicts[1].reason
    assert "Exit code 1" in verdicts[1].reason


def test_a_job_that_asks_to_go_on_is_slowed_down_only_when_it_goes_round_in_circles() -> None:
    assert judge(Ended(code=75, seconds=3600), failures=0, retries=0, requeues=9).delay == 0
    assert [
        judge(Ended(code=75, seconds=1), failures=0, retries=0, requeues=n).delay
        for n in (0, 1, 2, 20, 5000)
    ] == [0, 1, 3, 60, 60]


def test_the_jobs_own_words_are_its_reason() -> None:
    assert (
        judge(
            Ended(code=1, seconds=1, reason="Cell 3 failed."), failures=0, retries=0, requeues=0
        ).reason
        == "Cell 3 failed."
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "Exit code 3."),
        (137, "SIGKILL"),
        (139, "SIGSEGV"),
        (127, "not found"),
        (126, "cannot be run"),
        (None, "not known"),
        (250, "Exit code 250."),
    ],
)
def test_an_exit_code_is_put_into_words(code: int | None, words: str) -> None:
    assert words in explain_exit(code)


def test_a_state_goes_by_its_name_and_by_the_word_of_the_tables() -> None:
    assert JobState.parse("waiting") is JobState.parse("queued") is JobState.QUEUED
    with pytest.raises(BadRequest) as refused:
        JobState.parse("happy")
    assert (
        refused.value.why
        == "States: waiting, starting, running, succeeded, failed, cancelled, lost."
    )
