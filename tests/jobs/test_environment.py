"""What a job inherits from who submits it."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.jobs.attempt.environment import submitters_environment


@pytest.mark.parametrize(("said", "has"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_of_a_job_do_not_spin_unless_the_submitter_says_so(
    monkeypatch: pytest.MonkeyPatch, said: str | None, has: str
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if said is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", said)
    assert submitters_environment()["OMP_WAIT_POLICY"] == has
