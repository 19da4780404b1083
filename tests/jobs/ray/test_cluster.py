"""What only a Ray cluster does to jobs, and what its API may answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.remote import Unreachable
from jupyter_mlinfra.jobs.remote.ray.api import Api
from jupyter_mlinfra.jobs.remote.ray.remote import RayRemote
from jupyter_mlinfra.jobs.remote.ray.settings import RaySettings

WAITS = "until [ -e go ]; do sleep 0.05; done"


def test_not_being_able_to_look_is_nothing_to_a_job(site: Any, tools: Any) -> None:
    job = site.shell(f"echo x >> runs; {WAITS}")
    site.running(job)
    before = len(site.ray.asked)
    site.ray.outage = 500
    site.reason(job, "Last seen")
    site.ray.outage = 503
    tools.until(lambda: len(site.ray.asked) >= before + 3)
    assert site.jobs.show(job.id).state == "running"
    site.ray.outage = 0
    (site.root / "go").touch()
    ended = site.end_of(job)
    assert (ended.state, ended.attempt, tools.lines(site.root / "runs")) == ("succeeded", 1, ["x"])


@pytest.mark.parametrize("outage", [302, 401, 403, 404, 408, 429, 500, 503, 504, 200, -1])
def test_a_list_that_did_not_come_is_not_taken_for_an_empty_one(site: Any, outage: int) -> None:
    there = RayRemote(Project.open(site.root))
    assert there.look() == []
    site.ray.outage = outage
    with pytest.raises(Unreachable):
        there.look()


def test_a_job_that_ray_took_although_the_answer_was_lost_is_not_sent_twice(
    site: Any, tools: Any
) -> None:
    site.ray.deaf = True
    job = site.shell("echo x >> runs; exit 7")
    ended = site.end_of(job)
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)
    assert (len(site.ray.created), tools.lines(site.root / "runs")) == (1, ["x"])


def test_a_submit_of_an_id_that_is_taken_is_the_first_submit(site: Any, tools: Any) -> None:
    site.end_of(site.shell("true"))
    [body] = site.ray.created
    Api(Project.open(site.root).settings.of(RaySettings)).submit(body)
    assert len(site.ray.created) == 1


def test_a_job_that_ray_gives_up_is_sent_again(site: Any, tools: Any) -> None:
    """After a quarter of an hour Ray fails what still waits."""
    holder = site.shell(WAITS, gpus=2)
    site.running(holder)
    site.ray.cluster.start_seconds = 0.5
    job = site.shell("true", gpus=1)
    assert "failed to start within" in site.reason(job, "It is sent again")
    assert site.jobs.show(job.id).state == "queued"
    site.jobs.cancel(job.id)
    (site.root / "go").touch()
    assert site.end_of(holder).state == "succeeded"


def test_a_job_that_is_held_while_it_waits_there_is_taken_back_and_sent_anew(
    site: Any, tools: Any
) -> None:
    holder = site.shell(WAITS, gpus=2)
    site.running(holder)
    job = site.shell("echo x >> ran", gpus=2)
    site.reason(job, "(PENDING)")
    site.jobs.hold(job.id)
    tools.until(lambda: len(RayRemote(Project.open(site.root)).look()) == 1)
    (site.root / "go").touch()
    site.end_of(holder)
    tools.until(lambda: site.jobs.show(job.id).remote is None)
    assert not (site.root / "ran").exists()
    site.jobs.release(job.id)
    ended = site.end_of(job)
    assert (ended.state, ended.attempt, tools.lines(site.root / "ran")) == ("succeeded", 1, ["x"])


def test_a_job_that_is_stopped_in_ray_is_cancelled(site: Any, tools: Any) -> None:
    job = site.shell(
        "trap 'echo tidy > tidied; exit 0' TERM; touch begun; while :; do sleep 0.05; done"
    )
    remote = site.running(job)
    tools.until((site.root / "begun").exists)
    Api(Project.open(site.root).settings.of(RaySettings)).stop(remote)
    ended = site.end_of(job)
    assert (ended.state, ended.reason) == ("cancelled", "Stopped in Ray.")
    assert (site.root / "tidied").read_text() == "tidy\n"


def test_what_no_node_has_is_refused_with_what_they_have(site: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        site.shell("true", gpus=3)
    assert "8 CPUs, 2 GPUs, 16 GiB, A100" in refused.value.why
    with pytest.raises(BadRequest, match="H100"):
        site.shell("true", gpus=1, gpu_type="H100")
    with pytest.raises(BadRequest, match="queue"):
        site.shell("true", queue="gpu")


def test_nodes_that_come_when_they_are_asked_for_refuse_nothing(
    make_project: Any, fake: Any
) -> None:
    site = make_project(fake, "autoscaled = true\n")
    job = site.shell("true", gpus=3)
    assert "no node has that" in site.reason(job, "3 GPUs")
    site.jobs.cancel(job.id)
    assert site.end_of(job).state == "cancelled"


def test_nothing_of_a_jobs_environment_is_in_what_ray_shows(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret-here")
    monkeypatch.setenv("ONLY_HERE", "mine-alone")
    site.ray.cluster.environment["API_TOKEN"] = "s3cret-there"
    job = site.shell(
        'printf "%s|" "$ONLY_HERE" "$TOKEN" "$PLAIN"',
        environment={"TOKEN": "env:API_TOKEN", "PLAIN": "pl41n"},
    )
    site.end_of(job)
    assert site.jobs.logs(job.id).text == "|s3cret-there|pl41n|"
    shown = json.dumps([run.shown() for run in site.ray.cluster.runs.values()])
    assert not [word for word in ("s3cret", "mine-alone", "pl41n", "TOKEN") if word in shown]


def test_a_secret_that_the_nodes_do_not_have_is_why_a_job_fails(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "here-only")
    ended = site.end_of(site.shell("touch ran", environment={"TOKEN": "env:API_TOKEN"}))
    assert ended.state == "failed"
    assert "env:API_TOKEN is not set on" in ended.reason
    assert not (site.root / "ran").exists()


def test_an_interpreter_without_the_package_says_so(
    make_project: Any, fake: Any, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no package named jupyter_mlinfra >&2\nexit 1\n")
    python.chmod(0o755)
    site = make_project(fake, python=str(python))
    ended = site.end_of(site.shell("true"))
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 1, 0)
    assert (
        ended.reason
        == "Its entrypoint ended before the job began: no package named jupyter_mlinfra."
    )


def test_a_token_is_sent_and_never_kept(
    make_project: Any, fake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.token = "of-yesterday"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t0ken-of-ana")
    site = make_project(fake, 'token = "env:RAY_AUTH_TOKEN"\n')
    job = site.shell("true")
    assert "[jobs.ray] token" in site.reason(job, "denies access (401): Unauthorized")
    fake.token = "t0ken-of-ana"
    assert site.end_of(job).state == "succeeded"
    assert [
        path
        for path in site.root.rglob("*")
        if path.is_file() and b"t0ken-of-ana" in path.read_bytes()
    ] == []


def test_a_poll_asks_once_however_many_jobs_there_are(site: Any) -> None:
    jobs = [site.shell(WAITS) for _ in range(5)]
    for job in jobs:
        site.running(job)
    there = RayRemote(Project.open(site.root))
    with site.ray.cluster.lock:
        site.ray.asked.clear()
    assert len(there.look()) == 5
    assert {path for _, path in site.ray.asked} == {"/api/jobs/"}
    (site.root / "go").touch()
    for job in jobs:
        site.end_of(job)


def test_ray_is_told_to_forget_what_ended_long_ago_and_nothing_of_others(
    site: Any, tools: Any
) -> None:
    old, new = site.end_of(site.shell("true")), site.end_of(site.shell("true"))
    stranger = {"entrypoint": "true", "submission_id": "theirs", "metadata": {}}
    site.ray.cluster.add(stranger)
    tools.until(lambda: site.ray.cluster.runs["theirs"].status == "SUCCEEDED")
    for remote in ("theirs", next(name for name in site.ray.cluster.runs if f"-{old.id}-" in name)):
        site.ray.cluster.runs[remote].over -= 2 * 3600 * 1000
    RayRemote(Project.open(site.root)).look()
    assert [f"-{new.id}-" in name or name == "theirs" for name in site.ray.cluster.runs] == [
        True,
        True,
    ]


def test_gpus_that_others_hold_are_counted(site: Any, tools: Any) -> None:
    site.ray.cluster.add(
        {
            "entrypoint": "sleep 600",
            "submission_id": "theirs",
            "entrypoint_num_gpus": 1,
            "entrypoint_num_cpus": 2,
        }
    )
    tools.until(lambda: site.ray.cluster.runs["theirs"].status == "RUNNING")
    job = site.shell(WAITS, gpus=1)
    site.running(job)
    tools.until(
        lambda: f"job:{job.id}" in [device.holder for device in site.jobs.compute().devices]
    )
    compute = site.jobs.compute()
    assert [(device.id, device.name, device.holder) for device in compute.devices] == [
        ("127.0.0.1:0", "A100", "in use in Ray"),
        ("127.0.0.1:1", "A100", f"job:{job.id}"),
    ]
    assert (compute.cpus, compute.cpus_used) == (8, 3)
    (site.root / "go").touch()
    site.end_of(job)


def test_an_array_is_a_job_of_rays_for_each_element(site: Any) -> None:
    array = site.shell("exit $CODE", array=[{"CODE": str(code)} for code in (0, 3, 0)])
    ended = site.jobs.wait([array.id], timeout=60)
    assert [(job.state, job.exit_code) for job in ended] == [
        ("succeeded", 0),
        ("failed", 3),
        ("succeeded", 0),
    ]
    assert len({body["submission_id"] for body in site.ray.created}) == 3
