"""A project whose jobs run in the fake, for the suite that all backends pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import FakeKubernetes

REPOSITORY = Path(__file__).parents[3]
SECRETS = {"DB_PASSWORD": "tr0ub4dor-and-3"}

# What Kubernetes does not have, and why; its own tests say what it does instead.
UNLIKE = {
    "test_a_job_has_the_submitters_environment_and_its_own": (
        "the submitter's variables stay on the submitter's machine"
    ),
    "test_a_waiting_job_says_when_it_may_start": "Kubernetes does not plan ahead",
    "test_higher_priorities_go_first": "without Kueue's classes all Jobs are equal",
    "test_a_waiting_job_can_be_moved_in_the_queue": "the class of a Job cannot be changed",
}


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeKubernetes]:
    """One fake for the run."""
    fake = FakeKubernetes.start(tmp_path_factory.mktemp("kubernetes"), REPOSITORY)
    fake.cluster.kubelet.secrets["mine"] |= SECRETS
    yield fake
    fake.close()


def settings_of(fake: FakeKubernetes, folder: Path) -> str:
    """The section of mlinfra.toml that leads to the fake."""
    config = fake.kubeconfig(folder / "kubeconfig")
    return (
        '[jobs.kubernetes]\nimage = "mlinfra:1"\nclaim = "work"\nsecret = "mine"\nkubeconfig ='
        f' "{config}"\npython = "{sys.executable}"\npoll_seconds = 0.25\nnotice_seconds = 2\n'
    )
