"""What jobs left elsewhere keeps none of them from ending, whether it can be brought home or
not.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.outbox import EventOutbox, contents, is_at_home, note_brought
from jupyter_mlinfra.jobs.attempt.files import outbox_of
from jupyter_mlinfra.jobs.backends.launch import Place
from jupyter_mlinfra.jobs.remote import Stage
from jupyter_mlinfra.jobs.remote import bring_home as homecoming
from jupyter_mlinfra.jobs.remote.bring_home import Homecoming


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project in which the job j1 has left an event, and a program that brings nothing home."""
    _emit(tmp_path, "j1", "run:1", {"state": "finished"})
    monkeypatch.setattr(homecoming, "PROGRAM", "platform")
    return Place(root=tmp_path, home=tmp_path)


def _emit(home: Path, job: str, ref: str, data: dict[str, str]) -> None:
    """A job leaves an event, in its folder."""
    folder = outbox_of(home, job)
    folder.parent.mkdir(parents=True, exist_ok=True)
    EventOutbox(folder).emit("run", ref, data)


def _tend(found: Homecoming, tools: Any) -> None:
    found.tend()
    tools.until(lambda: found._process is None or found._process.poll() is not None)


def test_a_job_that_left_nothing_ends_at_once(place: Place) -> None:
    found = Homecoming(place, set)
    assert found.is_done("j2")
    found.tend()
    found.forget("j2", remove=True)


def test_what_is_at_home_lets_the_job_end_and_is_removed_when_it_needs_it_no_more(
    place: Place, tools: Any
) -> None:
    found, folder = Homecoming(place, set), outbox_of(place.home, "j1")
    assert not found.is_done("j1")
    note_brought(folder, contents(folder))
    _tend(found, tools)
    assert found.is_done("j1")
    found.forget("j1", remove=False)
    assert folder.exists()
    EventOutbox(folder).emit("run", "run:1")  # of the next attempt
    assert not found.is_done("j1")
    note_brought(folder, contents(folder))
    found.forget("j1", remove=True)
    assert not folder.exists()


def test_what_cannot_be_brought_home_is_tried_three_times_stays_and_is_tried_by_the_next_follower(
    place: Place, tools: Any
) -> None:
    found = Homecoming(place, set)
    for _ in range(homecoming.TRIES):
        assert not found.is_done("j1")
        _tend(found, tools)
    found.tend()
    assert found.is_done("j1")
    found.forget("j1", remove=True)
    assert not is_at_home(outbox_of(place.home, "j1"))
    assert not Homecoming(place, set).is_done("j1")


def test_the_outbox_of_a_job_that_runs_is_not_touched_and_has_all_its_tries_at_the_end(
    place: Place, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # J2 has ended before.
    _emit(place.home, "j2", "run:2", {"state": "finished"})
    unfinished, at = {"j1"}, [1000.0]
    monkeypatch.setattr(homecoming, "time", SimpleNamespace(monotonic=lambda: at[0]))
    found = Homecoming(place, lambda: unfinished)
    for _ in range(homecoming.TRIES + 1):
        found.tend()
        assert "j1" not in found._under_way
        if found._process is not None:
            found._process.wait(tools.wait)
    at[0] += homecoming.WAIT_SECONDS * 2
    for _ in range(homecoming.TRIES):  # now its end is seen
        assert not found.is_done("j1")
        found.tend()
        assert found._under_way == ["j1"]
        assert found._process is not None
        found._process.wait(tools.wait)
    found.tend()
    assert found.is_done("j1")


def test_a_job_that_is_started_again_while_it_waits_for_the_next_try_is_left_alone(
    place: Place, tools: Any
) -> None:
    unfinished = set[str]()
    found = Homecoming(place, lambda: unfinished)
    _tend(found, tools)
    assert found._under_way == ["j1"]
    unfinished.add("j1")
    found.tend()
    assert found._under_way == []


def test_a_new_follower_leaves_the_outbox_of_a_running_job_alone_and_brings_it_home_at_the_end(
    steps: Any, tools: Any
) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.begin(job)
    folder = outbox_of(steps.project.home, job.id)
    _emit(steps.project.home, job.id, "run:1", {"state": "running"})
    steps.again()
    steps.rounds()
    assert steps.follower._record._homecoming._process is None
    steps.claim(job, 0)
    steps.show(job, stage=Stage.ENDED, code=0)
    steps.rounds()
    assert steps.jobs.show(job.id).state == "running"
    tools.until(lambda: is_at_home(folder))
    steps.rounds()
    assert steps.jobs.show(job.id).state == "succeeded"
    assert [event.data for event in steps.project.events.after(0) if event.ref == "run:1"] == [
        {"state": "running"}
    ]


def test_each_attempt_has_its_own_tries(
    steps: Any, monkeypatch: pytest.MonkeyPatch, tools: Any
) -> None:
    monkeypatch.setattr(homecoming, "PROGRAM", "platform")  # it brings nothing home
    job = steps.submit(retries=1)
    steps.rounds(2)
    steps.begin(job)
    _emit(steps.project.home, job.id, "run:1", {})
    steps.claim(job, 1)
    steps.show(job, stage=Stage.ENDED, code=1)

    def over() -> bool:
        steps.rounds()
        return bool(steps.jobs.show(job.id).state == "queued")

    tools.until(over)
    assert not steps.follower._record._homecoming.is_done(job.id)
