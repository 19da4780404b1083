"""What jobs left elsewhere keeps none of them from ending, whether it can be brought home or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.outbox import EventOutbox, contents, is_at_home, note_brought
from jupyter_mlinfra.jobs.attempt import outbox_of
from jupyter_mlinfra.jobs.backends.following import homecoming
from jupyter_mlinfra.jobs.backends.following.homecoming import Homecoming
from jupyter_mlinfra.jobs.backends.launch import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project in which the job j1 has left an event, and a program that brings nothing home."""
    EventOutbox(outbox_of(tmp_path, "j1")).emit("run", "run:1", {"state": "finished"})
    monkeypatch.setattr(homecoming, "PROGRAM", "platform")
    return Place(root=tmp_path, home=tmp_path)


def _tend(found: Homecoming, tools: Any) -> None:
    found.tend()
    tools.until(lambda: found._process is None or found._process.poll() is not None)


def test_a_job_that_left_nothing_ends_at_once(place: Place) -> None:
    found = Homecoming(place)
    assert found.is_done("j2")
    found.tend()
    found.forget("j2", remove=True)


def test_what_is_at_home_lets_the_job_end_and_is_removed_when_it_needs_it_no_more(place: Place, tools: Any) -> None:
    found, folder = Homecoming(place), outbox_of(place.home, "j1")
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


def test_what_cannot_be_brought_home_is_tried_three_times_stays_and_is_tried_by_the_next_follower(place: Place, tools: Any) -> None:
    found = Homecoming(place)
    for _ in range(homecoming.TRIES):
        assert not found.is_done("j1")
        _tend(found, tools)
    found.tend()
    assert found.is_done("j1")
    found.forget("j1", remove=True)
    assert not is_at_home(outbox_of(place.home, "j1"))
    assert not Homecoming(place).is_done("j1")
