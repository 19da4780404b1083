"""What jobs do when Ray loses their place. On the fake, and by `make ray` on a real head."""

from __future__ import annotations

from typing import Any

import pytest

SAVES = (
    'cd "$MLINFRA_PROJECT"; [ -e saved ] && exec cat saved; trap "echo at step 5 > saved; exit 75"'
    " TERM; touch begun; while :; do sleep 0.05; done"
)


def test_a_job_whose_place_is_lost_saves_and_goes_on_with_the_same_id(
    either: Any, tools: Any
) -> None:
    job = either.shell(SAVES, gpus=1)
    remote = either.running(job)
    tools.until((either.root / "begun").exists)
    either.ray.lose(remote)
    ended = either.end_of(job)
    assert (ended.state, ended.id, ended.attempt) == ("succeeded", job.id, 2)
    assert either.jobs.logs(job.id).text.endswith("at step 5\n")


def test_no_second_copy_starts_before_the_first_has_ended(either: Any, tools: Any) -> None:
    """Ray itself ends only the entrypoint: what it started would run on, beside its second copy."""
    script = (
        'trap "" TERM; [ -e pid ] && { kill -0 $(cat pid) 2>/dev/null && exit 9; exit 0; }; echo $$'
        " > pid; while :; do sleep 0.05; done"
    )
    job = either.shell(script, gpus=1)
    remote = either.running(job)
    tools.until(lambda: tools.lines(either.root / "pid"))
    either.ray.lose(remote)
    ended = either.end_of(job)
    assert (ended.state, ended.exit_code, ended.attempt) == ("succeeded", 0, 2)


@pytest.mark.slow
def test_a_head_that_is_started_anew_knows_no_jobs_and_all_of_them_go_on(
    either: Any, tools: Any
) -> None:
    running = either.shell(SAVES, gpus=2)
    either.running(running)
    tools.until((either.root / "begun").exists)
    waiting = either.shell("echo x >> ran", gpus=2)
    either.reason(waiting, "(PENDING)")
    before = either.jobs.show(waiting.id).remote
    either.ray.restart()
    ended, after = either.end_of(running), either.end_of(waiting)
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    assert (after.state, after.attempt, tools.lines(either.root / "ran")) == ("succeeded", 1, ["x"])
    assert after.remote != before
