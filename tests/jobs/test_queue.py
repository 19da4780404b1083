"""Arrays, jobs after jobs, jobs on hold, jobs that are run again, users that share: with real jobs
wherever one has to run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec, JobState
from jupyter_mlinfra.jobs.queue.inserting import Accepted
from jupyter_mlinfra.jobs.queue.rows import Launch
from jupyter_mlinfra.jobs.queue.store import JobStore

NOTE = (
    "import os, sys; open(sys.argv[1], 'a').write(os.environ['DEPTH'] + ' ' +"
    " os.environ['MLINFRA_ARRAY_INDEX'] + chr(10))"
)
COUNT = """
import os, sys, time
path = sys.argv[1]
open(path, 'a').write('+')
time.sleep(0.3)
open(path, 'a').write('-')
"""


def accept(store: JobStore, folder: Path, *, user: str = "ana", **spec: Any) -> Job:
    launch = Launch(folder=str(folder), command=["true"], python="python", environment="none")
    accepted = Accepted(name="x", launch=launch, snapshot=None, backend="local", user=user)
    return store.insert(JobSpec(command=["true"], **spec), accepted)


def order(store: JobStore, *, limit: int = 100) -> list[str]:
    return [item.id for item in store.waiting(at=time.time() + 1, limit=limit)]


# Arrays


def test_an_array_runs_every_element_with_its_own_values(
    jobs: Jobs, tools: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    array = jobs.submit(
        JobSpec(
            command=[sys.executable, "-c", NOTE, str(out)],
            name="sweep",
            array=[{"DEPTH": depth} for depth in (4, 6, 8)],
        )
    )
    assert array.array is not None
    assert array.array.size == 3
    ended = jobs.wait([array.id], timeout=tools.wait)
    assert [(job.name, job.index, job.part_of, job.state) for job in ended] == [
        (f"sweep/{place}", place, array.id, "succeeded") for place in range(3)
    ]
    assert sorted(tools.lines(out)) == ["4 0", "6 1", "8 2"]
    whole = jobs.show(array.id)
    assert (whole.name, whole.state, whole.array and whole.array.states) == (
        "sweep",
        "succeeded",
        {"succeeded": 3},
    )
    assert jobs.show(f"{array.id}/1").id == ended[1].id


def test_the_elements_of_a_notebook_get_their_parameters(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    tools.write_notebook(
        project.root / "train.ipynb",
        tools.cell("depth = 1\nseed = 0", "parameters"),
        tools.cell("print(depth, seed)"),
    )
    array = jobs.submit(
        JobSpec(notebook="train.ipynb", parameters={"seed": 7}, array=[{"depth": 4}, {"depth": 6}])
    )
    first, second = jobs.wait([array.id], timeout=tools.wait)
    assert [first.parameters, second.parameters] == [
        {"seed": 7, "depth": 4},
        {"seed": 7, "depth": 6},
    ]
    assert "6 7" in jobs.logs(second.id).text or "6 7" in json.dumps(
        jobs.executed(second.output or "").content
    )
    with pytest.raises(BadRequest, match="has no parameter depht"):
        jobs.submit(JobSpec(notebook="train.ipynb", array=[{"depht": 4}]))


def test_no_more_elements_run_at_a_time_than_was_asked(
    jobs: Jobs, tools: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    array = jobs.submit(
        JobSpec(command=[sys.executable, "-c", COUNT, str(out)], array=[{}] * 4, max_parallel=1)
    )
    jobs.wait([array.id], timeout=tools.wait)
    assert out.read_text() == "+-" * 4  # two CPU slots were free all the time


def test_an_array_is_held_when_all_of_its_waiting_elements_are_and_has_the_priority_of_the_next(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    array = accept(store, tmp_path, array=[{}] * 3)
    elements = store.named(array.id).jobs

    def shown() -> tuple[str, int]:
        job = store.job(array.id)
        return job.held_by, job.priority

    store.hold(elements[:1], user="ana")
    store.prioritize(elements[1:2], 80)
    assert shown() == ("", 80)
    store.hold(elements[1:2], user="ana")
    assert shown() == ("", 50)
    store.hold(elements[2:], user="ana")
    assert shown() == ("ana", 80)


def test_an_array_is_one_row_of_a_list_and_its_elements_are_a_list_of_their_own(
    jobs: Jobs, project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    alone = accept(store, tmp_path)
    array = accept(store, tmp_path, array=[{}] * 3)
    page = store.page(state=None, label=None, limit=10, cursor=None)
    assert [(job.id, job.array.size if job.array else None) for job in page.items] == [
        (array.id, 3),
        (alone.id, None),
    ]
    assert page.total == 2
    assert array.array is not None
    first = store.page(state=None, label=None, limit=2, cursor=None, array=array.id)
    second = store.page(state=None, label=None, limit=2, cursor=first.cursor, array=array.id)
    assert [job.id for job in (*first.items, *second.items)] == list(array.array.elements)
    # A page that none led to.
    last = store.page(state=None, label=None, limit=2, cursor="2", array=array.id)
    assert ([job.index for job in last.items], last.total, last.cursor) == ([2], 3, None)
    assert store.page(state=None, label=None, limit=2, cursor="3", array=array.id).items == []
    store.request_cancel([array.array.elements[2]], user="ana")
    assert [
        job.id
        for job in store.page(state=JobState.CANCELLED, label=None, limit=10, cursor=None).items
    ] == [array.id]
    assert store.job(array.id).state == "queued"


def test_a_whole_array_is_cancelled_and_run_again_but_for_what_succeeded(
    jobs: Jobs, tools: Any, project: Project, tmp_path: Path
) -> None:
    code = (
        "import os, sys; sys.exit(0 if os.environ['MLINFRA_ARRAY_INDEX'] == '0' or"
        " os.path.exists(sys.argv[1]) else 3)"
    )
    array = jobs.submit(
        JobSpec(command=[sys.executable, "-c", code, str(tmp_path / "mended")], array=[{}] * 3)
    )
    jobs.wait([array.id], timeout=tools.wait)
    assert jobs.show(array.id).state == "failed"
    (tmp_path / "mended").touch()
    jobs.requeue(array.id)
    ended = jobs.wait([array.id], timeout=tools.wait)
    assert [(job.state, job.attempt) for job in ended] == [
        ("succeeded", 1),
        ("succeeded", 2),
        ("succeeded", 2),
    ]
    with pytest.raises(Conflict, match=f"Array {array.id} succeeded"):
        jobs.requeue(array.id)
    long = jobs.submit(JobSpec(command=tools.sleep, array=[{}] * 4))
    tools.until(
        lambda: (found := jobs.show(long.id).array) is not None and found.states.get("running") == 2
    )
    assert jobs.cancel(long.id).array is not None
    assert [job.state for job in jobs.wait([long.id], timeout=tools.wait)] == ["cancelled"] * 4
    tools.until(lambda: not tools.processes_of(project.root, supervisor=False))


@pytest.mark.parametrize("array", [(), [{}] * 2])
@pytest.mark.parametrize("name", ["later", "decade"])
def test_a_name_where_an_id_is_asked_for_is_answered_with_the_newest_id(
    jobs: Jobs, array: Any, name: str
) -> None:
    for _ in range(2):
        job = jobs.submit(JobSpec(command=["true"], name=name, array=array))
    with pytest.raises(NotFound) as caught:
        jobs.show(name)
    assert caught.value.fix == f"Give its id instead: {job.id}"


def test_a_key_makes_an_array_once(jobs: Jobs) -> None:
    spec = JobSpec(command=["true"], array=[{}] * 2, key="nightly")
    first, second = jobs.submit(spec), jobs.submit(spec)
    assert first.id == second.id
    assert sum(jobs.counts().values()) == 2


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"max_parallel": 2}, "max_parallel"),
        ({"array": [{}] * 10_001}, "10,001 elements"),
        ({"array": ["x"]}, "not a mapping"),
        ({"array": [{"A=B": 1}]}, "environment variable"),
        ({"array": [{"é x": 1}]}, "environment variable"),
        ({"gpus": 1.5}, "gpus=1.5"),
        ({"gpus": float("nan")}, "gpus=nan"),
        ({"gpus": 0.001}, "gpus=0.001"),
    ],
)
def test_what_cannot_be_is_refused(spec: dict[str, Any], what: str) -> None:
    with pytest.raises(BadRequest, match=what):
        JobSpec(command=["true"], **spec)


def test_a_file_of_an_array_that_is_missing_is_named_in_the_fix(tmp_path: Path) -> None:
    from jupyter_mlinfra.jobs.faces.submit_command import read_array

    path = str(tmp_path / "sweep.json")
    with pytest.raises(BadRequest) as caught:
        read_array(path)
    assert caught.value.why == "No such file or directory."
    assert f"Write into {path} a list of mappings" in caught.value.fix


def test_a_log_is_that_of_one_element(jobs: Jobs, tools: Any) -> None:
    array = jobs.submit(JobSpec(command=["sh", "-c", "echo $MLINFRA_ARRAY_INDEX"], array=[{}] * 2))
    jobs.wait([array.id], timeout=tools.wait)
    assert jobs.logs(f"{array.id}/1").text == "1\n"
    with pytest.raises(BadRequest, match="array of 2 jobs"):
        jobs.logs(array.id)
    with pytest.raises(NotFound, match="no element 2"):
        jobs.logs(f"{array.id}/2")


# After


def test_a_job_starts_once_those_before_it_have_succeeded(
    jobs: Jobs, tools: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = jobs.submit(JobSpec(command=["sh", "-c", f"sleep 0.3; echo first >> {out}"]))
    array = jobs.submit(
        JobSpec(command=["sh", "-c", f"echo part >> {out}"], array=[{}] * 2, after=[first.id])
    )
    last = jobs.submit(
        JobSpec(command=["sh", "-c", f"echo last >> {out}"], after=[array.id], priority=100)
    )
    assert last.reason == f"Starts after job {array.id}."
    assert jobs.show(last.id).after == sorted(array.array.elements if array.array else [])
    jobs.wait([last.id], timeout=tools.wait)
    assert tools.lines(out) == ["first", "part", "part", "last"]


def test_what_was_to_start_after_a_job_that_failed_is_cancelled_near_and_far(
    jobs: Jobs, tools: Any
) -> None:
    first = jobs.submit(JobSpec(command=["sh", "-c", "sleep 0.2; exit 3"]))
    second = jobs.submit(JobSpec(command=["true"], after=[first.id]))
    third = jobs.submit(JobSpec(command=["true"], after=[second.id]))
    ended = jobs.wait([second.id, third.id], timeout=tools.wait)
    assert [job.state for job in ended] == ["cancelled", "cancelled"]
    assert ended[0].reason == f"It should start after job {first.id}, which is failed."
    with pytest.raises(Conflict, match=f"Job {first.id} is failed"):
        jobs.submit(JobSpec(command=["true"], after=[first.id]))
    with pytest.raises(NotFound):
        jobs.submit(JobSpec(command=["true"], after=["ffffffff"]))


def test_a_long_chain_is_given_up_whole(project: Project, tmp_path: Path) -> None:
    store = JobStore(project.database)
    chain = [accept(store, tmp_path)]
    for _ in range(1200):
        chain.append(accept(store, tmp_path, after=[chain[-1].id]))
    store.request_cancel([chain[0].id], user="ana")
    assert store.counts()["cancelled"] == 1201


def test_two_large_arrays_after_each_other_are_refused_before_anything_is_written(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    first = accept(store, tmp_path, array=[{}] * 400)
    with pytest.raises(BadRequest, match="too much to wait for"):
        accept(store, tmp_path, array=[{}] * 400, after=[first.id])
    assert sum(store.counts().values()) == 400


def test_what_was_given_up_is_run_again_after_what_it_waits_for(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    first = accept(store, tmp_path)
    second = accept(store, tmp_path, after=[first.id])
    store.hold([second.id], user="ana")
    store.request_cancel([first.id], user="ana")
    with pytest.raises(Conflict, match=f"Job {first.id} is cancelled"):
        store.requeue([second.id], user="ana", environment="none")
    store.requeue([first.id], user="ana", environment="none")
    (again,) = store.requeue([second.id], user="ana", environment="none")
    assert (again.state, again.held_by, again.reason) == (
        "queued",
        "",
        f"Requeued by ana. Starts after job {first.id}.",
    )


# Held, moved, run again


def test_a_job_on_hold_waits_and_says_who_holds_it(
    jobs: Jobs, tools: Any, run: Callable[..., Job]
) -> None:
    running = [jobs.submit(JobSpec(command=tools.sleep)) for _ in range(2)]
    waits = jobs.submit(JobSpec(command=["true"]))
    held = jobs.hold(waits.id)
    assert (held.state, held.held_by) == ("queued", held.user)
    assert held.reason.startswith(f"Held by {held.user}")
    jobs.cancel(running[0].id)
    assert run("true").state == "succeeded"  # a later job passes it
    assert jobs.show(waits.id).state == "queued"
    jobs.release(waits.id)
    assert jobs.wait([waits.id], timeout=tools.wait)[0].state == "succeeded"
    with pytest.raises(Conflict, match="nothing to hold"):
        jobs.hold(waits.id)


def test_a_waiting_job_can_be_moved_in_the_queue(project: Project, tmp_path: Path) -> None:
    store = JobStore(project.database)
    first, second = accept(store, tmp_path), accept(store, tmp_path)
    store.prioritize([second.id], 90)
    assert order(store) == [second.id, first.id]


def test_a_job_that_was_cancelled_is_run_again_with_its_checkpoints(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    """J3: cancel ends every process, requeue goes on under the same id."""
    code = """
import os, subprocess, sys, time
kept = os.path.join(os.environ['MLINFRA_CHECKPOINTS'], 'step')
os.makedirs(os.path.dirname(kept), exist_ok=True)
if os.path.exists(kept):
    sys.exit(0)
open(kept, 'w').write('7')
subprocess.Popen([sys.executable, '-c', 'import os, time; os.setsid(); time.sleep(600)'])
time.sleep(600)
"""
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", code]))
    kept = project.home / "jobs" / job.id / "checkpoints" / "step"
    assert job.checkpoints == str(kept.parent)
    tools.until(
        lambda: kept.exists() and len(tools.processes_of(project.root, supervisor=False)) >= 3
    )
    jobs.cancel(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    tools.until(lambda: not tools.processes_of(project.root, supervisor=False))
    again = jobs.requeue(job.id)
    assert (again.id, again.ended_at) == (job.id, None)
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.attempt, ended.exit_code) == ("succeeded", 2, 0)
    assert [attempt.number for attempt in jobs.attempts(job.id).items] == [2, 1]
    assert jobs.attempts(job.id).items[0].exit_code == 0
    with pytest.raises(Conflict, match="succeeded"):
        jobs.requeue(job.id)


def test_a_running_job_is_ended_and_queued_again(jobs: Jobs, tools: Any) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    jobs.requeue(job.id)
    tools.until(lambda: (found := jobs.show(job.id)).state == "running" and found.attempt == 2)
    jobs.requeue(job.id)
    jobs.cancel(job.id)  # the last word counts
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"


def test_a_job_that_is_being_cancelled_is_requeued_once_it_has_ended(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    job = jobs.submit(
        JobSpec(command=["sh", "-c", "trap '' TERM; touch up; while :; do sleep 0.02; done"])
    )
    tools.until((project.root / "up").exists)
    jobs.cancel(job.id)
    with pytest.raises(Conflict, match="is being cancelled by ana"):
        jobs.requeue(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    assert jobs.requeue(job.id).state != "cancelled"


def test_a_requeue_is_not_lost_with_the_supervisor(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    tools.kill_supervisor(jobs)
    JobStore(project.database).requeue([job.id], user="ana", environment="none")
    jobs.heal()
    tools.until(lambda: (found := jobs.show(job.id)).attempt == 2 and found.state == "running")


def test_a_known_key_gives_its_job_whatever_has_become_of_the_notebook(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    notebook = tools.write_notebook(project.root / "n.ipynb", tools.cell("pass"))
    first = jobs.submit(JobSpec(notebook="n.ipynb", key="k"))
    notebook.unlink()
    assert jobs.submit(JobSpec(notebook="n.ipynb", key="k")).id == first.id


def test_a_tracking_server_that_hangs_keeps_nobody_from_seeing_how_a_job_stands(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    def hang(job: str) -> str:
        raise AssertionError(f"It was asked for the run of {job}.")

    here = Jobs(project, tracked=hang)
    job = here.submit(JobSpec(command=["true"]))
    assert here.wait([job.id], timeout=tools.wait)[0].state == "succeeded"
    assert here.look(job.id).state == here.list().items[0].state == "succeeded"
    with pytest.raises(AssertionError, match="asked for the run"):
        here.show(job.id)


def test_who_only_looks_starts_no_supervisor_and_is_told_that_it_died(
    jobs: Jobs, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    pid = tools.kill_supervisor(jobs)
    for found in (jobs.show(job.id), jobs.list().items[0]):
        assert (found.state, f"process {pid}" in found.reason) == ("running", True)
    assert "does not run any more" in jobs.supervisor().trouble
    time.sleep(1)
    assert jobs.supervisor().pid is None
    jobs.heal()
    assert jobs.supervisor().pid not in (None, pid)
    assert (jobs.supervisor().trouble, jobs.show(job.id).reason) == ("", "")


def test_a_backend_that_cannot_be_told_of_an_array_loses_nothing(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.jobs.local.backend import LocalBackend

    def down(*_: object) -> None:
        raise Unavailable("The cluster does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, "submit", down)
        array = jobs.submit(JobSpec(command=["true"], array=[{}] * 2))
    assert array.array is not None
    assert array.array.size == 2


@pytest.mark.parametrize(
    "given",
    [{"environment": {"DB_PASSWORD": "hunter2plain"}}, {"array": [{"API_TOKEN": "hunter2plain"}]}],
)
def test_no_secret_is_kept_in_clear(given: dict[str, Any], jobs: Jobs, project: Project) -> None:
    with pytest.raises(BadRequest, match="in clear"):
        jobs.submit(JobSpec(command=["true"], **given))
    assert not any(b"hunter2plain" in path.read_bytes() for path in project.home.rglob("state.db*"))


def test_a_large_array_hides_no_job_that_asks_for_something_else(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    array = accept(store, tmp_path, array=[{}] * 300, gpus=1)
    other = accept(store, tmp_path)
    found = [item.id for item in store.waiting(at=time.time() + 1, limit=500, alike=64)]
    assert len(found) == 65
    assert found[-1] == other.id
    assert array.array is not None
    assert found[:64] == list(array.array.elements[:64])


# What is kept


def test_a_job_that_ended_just_now_keeps_its_log_however_early_it_was_submitted(
    project: Project, tmp_path: Path
) -> None:
    from jupyter_mlinfra.core.processes import Identity
    from jupyter_mlinfra.jobs.queue import retention

    store = JobStore(project.database)
    early = accept(store, tmp_path)
    kept = [
        project.home / "jobs" / early.id / "1" / "log",
        project.home / "jobs" / early.id / "checkpoints" / "step",
    ]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    later = accept(store, tmp_path, array=[{}] * 1000)
    assert later.array is not None
    # They never ran: they keep no place from anybody.
    store.request_cancel(later.array.elements, user="ana")
    for job in [accept(store, tmp_path) for _ in range(520)]:
        store.starting(job.id, token="t", gpu_ids=[])
        store.end(job.id, JobState.SUCCEEDED, reason="", exit_code=0)
    store.starting(early.id, token="t", gpu_ids=[])
    store.running(early.id, Identity("boot", 1, 1))
    store.end(early.id, JobState.FAILED, reason="", exit_code=1)
    retention.Retention(store, project.root, project.home).tidy(int)
    assert all(path.exists() for path in kept)


# Shares and estimates


def test_whoever_used_less_of_late_is_first_at_equal_priority(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    bobs, anas, urgent = (
        accept(store, tmp_path, user="bob"),
        accept(store, tmp_path),
        accept(store, tmp_path, user="bob", priority=60),
    )
    assert order(store) == [urgent.id, bobs.id, anas.id]
    with project.database.write() as connection:
        connection.execute(
            "INSERT INTO job_share VALUES ('bob', 100, ?), ('ana', 60, ?)",
            (time.time() - 7 * 86_400, time.time()),
        )
    assert order(store) == [urgent.id, bobs.id, anas.id]  # half of bob's use has faded by now
    with project.database.write() as connection:
        connection.execute("UPDATE job_share SET seconds = 130 WHERE user = 'bob'")
    assert order(store) == [urgent.id, anas.id, bobs.id]


def test_what_an_attempt_held_is_charged_to_its_user(
    jobs: Jobs, run: Callable[..., Job], project: Project
) -> None:
    job = run("sleep", "0.5", cpus=2)
    with project.database.read() as connection:
        row = connection.execute("SELECT * FROM job_share").fetchone()
    assert row["user"] == job.user
    assert row["seconds"] == pytest.approx((job.elapsed_seconds or 0) * 2 / 16, rel=0.05)


def test_the_queue_tells_places_reasons_and_starts(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    limits = [
        jobs.submit(JobSpec(command=tools.sleep, time_limit_minutes=minutes))
        for minutes in (10, 30)
    ]
    tools.until(lambda: all(jobs.show(job.id).state == "running" for job in limits))
    big, held = (
        jobs.submit(JobSpec(command=["true"], cpus=2)),
        jobs.submit(JobSpec(command=["true"])),
    )
    jobs.hold(held.id)
    tools.until(lambda: "Needs 2 CPUs" in jobs.show(big.id).reason)
    first, second = jobs.queue().items
    assert [(item.position, item.job.id) for item in (first, second)] == [(1, big.id), (2, held.id)]
    assert first.starts_at is not None
    assert 29 * 60 < (first.starts_at - first.job.submitted_at).total_seconds() <= 30 * 60 + 5
    assert second.starts_at is None


def test_reasons_call_elements_as_lists_do(jobs: Jobs, tools: Any) -> None:
    array = jobs.submit(JobSpec(command=tools.sleep, array=[{"N": n} for n in range(3)]))
    later = jobs.submit(JobSpec(command=["true"]))
    last = jobs.submit(JobSpec(command=["true"], after=(f"{array.id}/2",)))
    tools.until(lambda: "before it" in jobs.show(later.id).reason)
    assert (
        jobs.show(later.id).reason
        == f"Needs 1 CPU, none is free; held by jobs {array.id}/0, {array.id}/1. Job {array.id}/2"
        " is before it."
    )
    assert (
        jobs.show(f"{array.id}/2").reason
        == f"Needs 1 CPU, none is free; held by jobs {array.id}/0, {array.id}/1."
    )
    jobs.cancel(f"{array.id}/2")
    assert (
        jobs.show(last.id).reason == f"It should start after job {array.id}/2, which is cancelled."
    )


def test_a_job_that_outlasts_the_earlier_ones_promises_no_start_but_that_of_its_time_limit(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    script = ["sh", "-c", "while [ -e hold ]; do sleep 0.05; done"]
    jobs.wait(
        [jobs.submit(JobSpec(command=script, cpus=2)).id for _ in range(2)], timeout=tools.wait
    )
    (project.root / "hold").touch()
    slow = jobs.submit(JobSpec(command=script, cpus=2))
    usual = max(jobs.estimate(JobSpec(command=script)).seconds.value, 0.2)
    tools.until(lambda: (jobs.show(slow.id).elapsed_seconds or 0) > usual)
    waits = jobs.submit(JobSpec(command=["true"]))
    assert [(item.job.id, item.starts_at) for item in jobs.queue().items] == [(waits.id, None)]
    (project.root / "hold").unlink()
    jobs.wait([slow.id, waits.id], timeout=tools.wait)
    (project.root / "hold").touch()
    limited = jobs.submit(JobSpec(command=script, cpus=2, time_limit_minutes=10))
    tools.until(
        lambda: (
            (jobs.show(limited.id).elapsed_seconds or 0)
            > jobs.estimate(JobSpec(command=script)).seconds.value
        )
    )
    starts = jobs.estimate(JobSpec(command=["true"])).starts_at
    began = jobs.show(limited.id).started_at
    assert (starts - began).total_seconds() == pytest.approx(600, abs=5)


@pytest.mark.slow
def test_earlier_runs_with_the_same_parameters_tell_more_than_the_others(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("rows = 1", "parameters"),
        tools.cell("import time; time.sleep(rows)"),
    )
    ids = [
        jobs.submit(JobSpec(notebook="n.ipynb", parameters={"rows": rows})).id for rows in (0, 0, 1)
    ]
    assert {job.state for job in jobs.wait(ids, timeout=tools.wait)} == {"succeeded"}
    found = {
        rows: jobs.estimate(JobSpec(notebook="n.ipynb", parameters={"rows": rows}))
        for rows in (0, 1, 7)
    }
    assert {rows: estimate.like for rows, estimate in found.items()} == {0: 2, 1: 1, 7: 3}
    assert found[1].seconds.value > 1


def test_an_estimate_tells_start_duration_cost_or_why_it_can_never_start(
    project: Project, tools: Any, jobs: Jobs
) -> None:
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\ncpus = 2\ngpus = 0\ncpu_hour_price = 3600.0\n'
    )
    jobs = Jobs(Project.open(project.root))
    spec = JobSpec(command=["sleep", "0.2"])
    assert (jobs.estimate(spec).like, jobs.estimate(spec).seconds, jobs.estimate(spec).cost) == (
        0,
        None,
        None,
    )
    jobs.wait([jobs.submit(spec).id for _ in range(3)], timeout=tools.wait)
    found = jobs.estimate(spec)
    assert found.like == 3
    assert found.seconds is not None
    assert found.cost is not None
    assert 0.15 <= found.seconds.value < 5  # by the two clocks of start and end
    assert found.cost.value == pytest.approx(found.seconds.value)
    assert found.starts_at is not None
    assert jobs.estimate(JobSpec(command=["true"], gpus=1)).refused.startswith(
        "The job asks for 1 GPU."
    )


# Resources


def test_what_a_job_uses_is_sampled_while_it_runs(jobs: Jobs, tools: Any) -> None:
    burns = (
        "import time\nkept = bytearray(200 << 20)\nend = time.time() + 600\nwhile time.time() <"
        " end: pass"
    )
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", burns], cpus=2))
    found = tools.until(lambda: (points := jobs.resources(job.id).points) and points)
    jobs.cancel(job.id)
    # One of two CPUs, on a machine that may be busy with much else.
    assert 0.01 < found[-1].cpu <= 0.75
    assert 0.2 < found[-1].memory_gib < 0.4
    assert jobs.resources(job.id, seconds=0.001).points == []


def test_names_of_jobs_and_arrays_are_answered_together(jobs: Jobs) -> None:
    single = jobs.submit(JobSpec(command=["true"], name="one"))
    array = jobs.submit(JobSpec(command=["true"], name="grid/2", array=[{"a": 1}, {"a": 2}]))
    assert array.array is not None
    first = array.array.elements[0]
    assert jobs.names([single.id, array.id, first, "00000000"]) == {
        single.id: "one",
        array.id: "grid/2",
        first: "grid/2/0",
    }
