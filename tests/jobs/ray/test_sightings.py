"""What Ray's list of jobs means, in answers that a real Ray 2.60 gave."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlinfra.jobs.remote.ray.api import essence
from jupyter_mlinfra.jobs.remote.ray.nodes import devices_of, fits, gpu_kind, nodes_of, text_of, why
from jupyter_mlinfra.jobs.remote.ray.sightings import Traces, sightings_of

KEY = "ab12.3.0"
NODE = "0f033e832ed4e29393fbc4f8bf90ae1023dc9b47df98aff3938d5a6a"
MARKED = {"job_name": "sh", "mlinfra_project": "p", "mlinfra_key": KEY, "mlinfra_job": "j0"}
PENDING = (
    "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory, custom"
    " resources) to become available."
)
EXIT_7 = (
    "Job entrypoint command failed with exit code 7, last available logs (truncated to 20,000"
    " chars):\nloss 0.5\n"
)
NO_MODULE = (
    "Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000"
    " chars):\n2026-11-25 17:16:54,674\tINFO job_manager.py:581 -- Runtime env is setting"
    " up.\nRunning entrypoint for job x: exec /opt/python -P -m driver\n/opt/python: Error while"
    " finding module specification for 'driver' (ModuleNotFoundError: No module named"
    " 'jupyter_mlinfra')\n"
)
INVALID = (
    "Failed to start supervisor actor frac: '('GPU resource quantities >1 must', ' be whole"
    " numbers. The specified quantity 1.5 is invalid.')'. Full traceback:\nTraceback (most recent"
    ' call last):\n  File "/ray/actor.py", line 2193, in _remote\nValueError: …\n'
)
TIMEOUT = (
    "Job supervisor actor failed to start within 900.0 seconds. This timeout can be configured by"
    " setting the environment variable RAY_JOB_START_TIMEOUT_SECONDS. This may be because the job"
    " entrypoint's specified resources aren't available on the cluster."
)
DIED = (
    "Job supervisor actor died: The actor died unexpectedly before finishing this"
    " task.\n\tclass_name: JobSupervisor\n\tactor_id: 39\n"
)
WANTED, BEGUN, OVER, OFF = (
    Traces(ordered=w, claimed=c, ended=e)
    for w, c, e in ((1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 0, 0))
)


def job(status: str, message: str = "", **more: Any) -> dict[str, Any]:
    shown = {
        "type": "SUBMISSION",
        "job_id": None,
        "submission_id": "mlinfra-j0-3-ab12",
        "driver_info": None,
        "status": status,
        "entrypoint": "exec python",
        "message": message,
        "error_type": None,
        "start_time": 1795626531054,
        "end_time": None,
        "metadata": MARKED,
        "runtime_env": {},
        "driver_agent_http_address": None,
        "driver_node_id": None,
        "driver_exit_code": None,
    }
    return {**shown, **more}


@pytest.mark.parametrize(
    ("shown", "traces", "stage", "code", "asked", "words"),
    [
        (job("PENDING", PENDING), WANTED, "waiting", None, None, ""),
        (
            job("RUNNING", "Job is currently running.", driver_node_id=NODE),
            BEGUN,
            "running",
            None,
            None,
            "",
        ),
        (job("A NEW WORD"), BEGUN, "running", None, None, ""),
        (
            job("SUCCEEDED", "Job finished successfully.", driver_exit_code=0),
            OVER,
            "ended",
            0,
            None,
            "",
        ),
        (
            job("FAILED", EXIT_7, error_type="JOB_ENTRYPOINT_COMMAND_ERROR", driver_exit_code=7),
            OVER,
            "ended",
            7,
            None,
            "",
        ),
        (job("FAILED", EXIT_7, driver_exit_code=-9), OVER, "ended", 137, None, ""),
        (
            job("FAILED", NO_MODULE, driver_exit_code=1),
            WANTED,
            "ended",
            1,
            None,
            "before the job began: /opt/python: Error while finding module",
        ),
        (job("FAILED", EXIT_7, driver_exit_code=113), WANTED, "ended", 113, None, ""),
        (
            job("FAILED", INVALID, error_type="JOB_SUPERVISOR_ACTOR_START_FAILURE"),
            WANTED,
            "ended",
            None,
            None,
            "does not run such a job: Failed to start",
        ),
        (
            job("FAILED", TIMEOUT, error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT"),
            WANTED,
            "ended",
            None,
            "queued",
            "within 900.0 seconds. It is sent again.",
        ),
        (job("FAILED", TIMEOUT), WANTED, "ended", None, "queued", "It is sent again."),
        (
            job("FAILED", "runtime_env setup failed: timed out"),
            WANTED,
            "ended",
            None,
            "queued",
            "runtime_env setup failed: timed out",
        ),
        (
            job("FAILED", DIED, error_type="JOB_SUPERVISOR_ACTOR_DIED"),
            OVER,
            "ended",
            None,
            None,
            "Ray lost it while it ran: Job supervisor actor died",
        ),
        (
            job("FAILED", DIED, error_type="JOB_SUPERVISOR_ACTOR_DIED"),
            WANTED,
            "ended",
            None,
            "queued",
            "It is sent again.",
        ),
        (job("FAILED", None), OVER, "ended", None, None, "Ray does not say why"),
        (
            job("STOPPED", "Job was intentionally stopped."),
            OVER,
            "ended",
            None,
            "cancelled",
            "Stopped in Ray.",
        ),
    ],
)
def test_where_a_job_stands(
    shown: Any, traces: Traces, stage: str, code: int | None, asked: str | None, words: str
) -> None:
    [seen] = sightings_of([shown], "p", {KEY}, lambda job, key: traces, {NODE: "10.0.0.7"})
    found = seen.sighting
    assert (found.key, found.remote, seen.job) == (KEY, "mlinfra-j0-3-ab12", "j0")
    assert (found.stage, found.code, found.asked) == (stage, code, asked)
    assert words in found.reason
    assert bool(words) == bool(found.reason)
    assert found.node == ("10.0.0.7" if shown["driver_node_id"] else "")


@pytest.mark.parametrize("status", ["PENDING", "STOPPED", "FAILED"])
def test_what_was_called_off_is_not_shown(status: str) -> None:
    assert (
        sightings_of(
            [job(status, driver_exit_code=113 if status == "FAILED" else None)],
            "p",
            {KEY},
            lambda *_: OFF,
            {},
        )
        == []
    )


def test_jobs_of_others_are_not_ours() -> None:
    others = [
        job("RUNNING", metadata=metadata)
        for metadata in (None, {}, {"mlinfra_project": "q", "mlinfra_key": KEY})
    ]
    drivers = [job("RUNNING", submission_id=None, type="DRIVER")]
    assert sightings_of([*others, *drivers], "p", {KEY}, lambda *_: BEGUN, {}) == []


@pytest.mark.parametrize(
    ("shown", "traces", "lives"),
    [
        (job("FAILED", DIED), BEGUN, True),
        (job("STOPPED"), BEGUN, True),
        (job("FAILED", EXIT_7, driver_exit_code=-9), BEGUN, True),
        (job("FAILED", EXIT_7, driver_exit_code=1), BEGUN, False),
        (job("SUCCEEDED"), BEGUN, False),
        (job("FAILED", DIED), OVER, False),
        (job("FAILED", DIED), WANTED, False),
    ],
)
def test_the_guard_of_a_job_whose_entrypoint_was_killed_may_live(
    shown: Any, traces: Traces, lives: bool
) -> None:
    assert [seen.lives for seen in sightings_of([shown], "p", {KEY}, lambda *_: traces, {})] == [
        lives
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            (
                'Traceback (most recent call last):\n  File "x"\nTypeError: metadata values must'
                " be strings, got <class 'int'>\n"
            ),
            "metadata values must be strings",
        ),
        (
            (
                "RuntimeError: Request failed:\nValueError: Job with submission_id x already"
                " exists. Please use a different submission_id.\n.\n"
            ),
            "already exists",
        ),
        ("Job nojob does not exist", "Job nojob does not exist"),
        ("/bin/python: Error while finding module", "/bin/python: Error while finding module"),
        ("<html>\n<b>Please sign in</b></html>", ""),
        ("", ""),
    ],
)
def test_a_traceback_comes_down_to_its_last_words(text: str, words: str) -> None:
    found = essence(text)
    assert words in found
    assert ("Error: " not in found, bool(found)) == (True, bool(words))


def node(name: str, **whole: float) -> dict[str, Any]:
    kinds = {
        key.replace("accelerator_type_", "accelerator_type:"): amount
        for key, amount in whole.items()
    }
    return {
        "node_id": f"id-{name}",
        "node_ip": name,
        "node_name": name,
        "state": "ALIVE",
        "resources_total": {"node:10.0.0.1": 1.0, **kinds},
    }


def actor(name: str, **needs: float) -> dict[str, Any]:
    return {"state": "ALIVE", "node_id": f"id-{name}", "required_resources": needs}


NODES = [
    node("b", CPU=16, GPU=4, memory=2**36, accelerator_type_A100=1),
    node("a", CPU=4, memory=2**33),
]


def test_what_is_free_is_what_actors_leave() -> None:
    plain, big = nodes_of(
        NODES, [actor("b", CPU=2, GPU=1.5), actor("b", GPU=0.5), actor("gone", CPU=1)]
    )
    assert (plain.name, big.name, plain.free["CPU"], big.free["CPU"], big.free["GPU"]) == (
        "a",
        "b",
        4,
        14,
        2,
    )
    assert fits({"CPU": 14, "GPU": 2, "accelerator_type:A100": 0.001}, big.free)
    assert not fits({"CPU": 14, "GPU": 2.5}, big.free)
    assert not fits({"GPU": 1}, plain.free)
    assert text_of(big.capacity) == "16 CPUs, 4 GPUs, 64 GiB, A100"


@pytest.mark.parametrize(
    ("needs", "autoscaled", "reason"),
    [
        (
            {"CPU": 1, "GPU": 4},
            False,
            "Waits in Ray for 1 CPU, 4 GPUs: not enough is free on any node (PENDING).",
        ),
        (
            {"CPU": 1, "GPU": 8},
            True,
            "Waits in Ray for 1 CPU, 8 GPUs: no node has that, one has to come (PENDING).",
        ),
        (
            {"CPU": 32},
            False,
            (
                "Waits in Ray for 32 CPUs: no node has that, they have a: 4 CPUs, 8 GiB; b: 16"
                " CPUs, 4 GPUs, 64 GiB, A100 (PENDING)."
            ),
        ),
        ({"CPU": 1}, False, "Ray is about to start it (PENDING)."),
    ],
)
def test_why_a_job_waits(needs: dict[str, float], autoscaled: bool, reason: str) -> None:
    assert why(needs, nodes_of(NODES, [actor("b", GPU=1)]), autoscaled=autoscaled) == reason


def test_gpus_are_named_with_who_holds_them() -> None:
    nodes = nodes_of(NODES, [actor("b", GPU=1), actor("b", GPU=1), actor("b", GPU=0.25)])
    found = devices_of(nodes, {("id-b", "2"): "job:7f3a, job:8b11"}, gpu_kind)
    assert [(device.id, device.name, device.holder) for device in found] == [
        ("b:0", "A100", "in use in Ray"),
        ("b:1", "A100", ""),
        ("b:2", "A100", "job:7f3a, job:8b11"),
        ("b:3", "A100", ""),
    ]
