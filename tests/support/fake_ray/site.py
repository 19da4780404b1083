"""A project whose jobs run in Ray, for the suite that all backends pass: in the fake, or with
`--real-ray` in a real one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_ray import RayHead

from .server import FakeRay

SECRETS = {"DB_PASSWORD": "tr0ub4dor-and-3"}

# What Ray does not have, and why.
UNLIKE = {
    "test_a_job_has_the_submitters_environment_and_its_own": (
        "the submitter's variables stay on the submitter's machine"
    ),
    "test_a_waiting_job_says_when_it_may_start": "Ray does not plan ahead",
    "test_higher_priorities_go_first": "Ray knows no priorities",
    "test_a_waiting_job_can_be_moved_in_the_queue": "Ray knows no priorities",
}


@pytest.fixture(scope="session")
def ray(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FakeRay | RayHead]:
    """A cluster for the run: one node with 8 CPUs and 2 GPUs that only count."""
    real = request.config.getoption("--real-ray")
    cluster = (
        RayHead(environment=SECRETS).start()
        if real
        else FakeRay.start(tmp_path_factory.mktemp("ray"), SECRETS)
    )
    yield cluster
    cluster.close()


def settings_of(address: str) -> str:
    """The section of mlinfra.toml that leads to it."""
    return f'[jobs.ray]\naddress = "{address}"\npoll_seconds = 0.25\nnotice_seconds = 2\n'
