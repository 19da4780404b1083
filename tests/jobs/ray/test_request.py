"""What is posted to Ray, held against the form that Ray itself checks, and what is refused
before.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_ray.server import check_form

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.jobs.remote import Parcel
from jupyter_mlinfra.jobs.remote.ray.request import body, check, name_of, needs
from jupyter_mlinfra.jobs.remote.ray.settings import RaySettings

HOME = Path("/home/ana/a project/.mlinfra")


def parcel(spec: JobSpec, *, key: str = "ab12.3.0", name: str = "train.ipynb") -> Parcel:
    job = SimpleNamespace(id="7f3a0001", name=name)
    entry: Any = SimpleNamespace(
        job=job, spec=spec, launch=SimpleNamespace(python="/opt/my env/bin/python")
    )
    return Parcel(
        entry=entry,
        key=key,
        attempt=int(key.split(".")[1]),
        folder=HOME / "jobs" / "7f3a0001" / "3",
    )


def made(
    settings: RaySettings | None = None, *, grace: float = 10.0, **asked: Any
) -> dict[str, Any]:
    """The body for a job, taken by Ray's form."""
    found = body(
        parcel(JobSpec(command=["python", "train.py"], **asked)),
        project="p1",
        home=HOME,
        grace_seconds=grace,
        settings=settings or RaySettings(),
    )
    check_form(found)
    return found


def test_the_entrypoint_is_read_by_a_shell_and_arrives_as_it_is() -> None:
    words = shlex.split(made()["entrypoint"])
    assert words[:5] == [
        "exec",
        "/opt/my env/bin/python",
        "-P",
        "-m",
        "jupyter_mlinfra.jobs.remote.ray.driver",
    ]
    assert words[5:] == ["/home/ana/a project/.mlinfra/jobs", "7f3a0001", "ab12.3.0", "60"]
    other = shlex.split(made(RaySettings(python="/nodes/python", notice_seconds=5))["entrypoint"])
    assert (other[1], other[-1]) == ("/nodes/python", "5")


def test_the_id_says_whose_it_is_and_is_never_used_twice() -> None:
    spec = JobSpec(command=["true"])
    assert name_of(parcel(spec)) == made()["submission_id"] == "mlinfra-7f3a0001-3-ab12"
    assert (
        len({name_of(parcel(spec, key=key)) for key in ("ab12.3.0", "ab12.4.0", "cd34.3.0")}) == 3
    )
    assert made()["metadata"] == {
        "job_name": "train.ipynb",
        "mlinfra_project": "p1",
        "mlinfra_key": "ab12.3.0",
        "mlinfra_job": "7f3a0001",
    }


@pytest.mark.parametrize(
    ("asked", "posted"),
    [
        ({}, {"entrypoint_num_cpus": 1, "entrypoint_num_gpus": 0, "entrypoint_resources": {}}),
        ({"cpus": 4, "gpus": 2}, {"entrypoint_num_cpus": 4, "entrypoint_num_gpus": 2}),
        ({"gpus": 0.5}, {"entrypoint_num_gpus": 0.5}),
        ({"memory_gib": 1.5}, {"entrypoint_memory": 1610612736}),
        (
            {"gpus": 1, "gpu_type": "a100"},
            {"entrypoint_resources": {"shared": 0.01, "accelerator_type:A100": 0.001}},
        ),
        (
            {"gpus": 1, "gpu_type": "H100"},
            {"entrypoint_resources": {"shared": 0.01, "accelerator_type:H100": 0.001}},
        ),
    ],
)
def test_what_a_job_needs_is_asked_of_ray(asked: dict[str, Any], posted: dict[str, Any]) -> None:
    settings = RaySettings(
        gpu_types={"a100": "A100"}, resources={"shared": 0.01} if "gpu_type" in asked else {}
    )
    found = made(settings, **asked)
    assert {name: found.get(name) for name in posted} == posted
    amounts = {
        "CPU": found["entrypoint_num_cpus"],
        "GPU": found["entrypoint_num_gpus"],
        "memory": found.get("entrypoint_memory", 0),
    }
    asked_of_ray = {
        name: amount for name, amount in (amounts | found["entrypoint_resources"]).items() if amount
    }
    assert needs(JobSpec(command=["true"], **asked), settings) == asked_of_ray


def test_ray_leaves_a_stopped_job_its_grace() -> None:
    assert made(grace=2.5)["runtime_env"] == {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": "8"}}


def test_no_variable_of_a_job_is_posted() -> None:
    text = json.dumps(made(environment={"PASSWORD": "env:DB_PASSWORD", "PLAIN": "value"}))
    assert not [word for word in ("PASSWORD", "PLAIN", "value") if word in text]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"queue": "gpu"}, "no queue 'gpu'"),
        ({"gpu_type": "A100"}, "no GPU"),
        ({"environment": {"PASSWORD": "keyring:db/ana"}}, "keyring:db/ana cannot reach"),
        ({"array": [{"PASSWORD": "keyring:db/ana"}]}, "keyring:db/ana cannot reach"),
    ],
)
def test_what_ray_cannot_do_is_refused_with_what_to_do(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        check(JobSpec(command=["true"], **asked))
    assert refused.value.fix
