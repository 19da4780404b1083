"""What every backend has to do with jobs that wait, belong together, or are to end."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.jobs import JobSpec


class Blocker:
    """A job that holds both GPUs until it is told to end."""

    def __init__(self, site: Any, tools: Any, name: str) -> None:
        self._site, self._file = site, site.root / f"go-{name}"
        self.job = site.shell(f"until [ -e go-{name} ]; do sleep 0.05; done", gpus=2)
        tools.until(lambda: site.jobs.show(self.job.id).state == "running")

    def end(self) -> None:
        self._file.touch()
        self._site.end_of(self.job)


@pytest.fixture
def blocker(site: Any, tools: Any, request: pytest.FixtureRequest) -> Any:
    """The GPUs are taken."""
    found = Blocker(site, tools, f"{abs(hash(request.node.name))}")
    yield found
    found.end()


def _state(site: Any, job: Any) -> str:
    return str(site.jobs.show(job.id).state)


def test_a_waiting_job_says_what_it_waits_for(site: Any, tools: Any, blocker: Any) -> None:
    job = site.submit("true", gpus=1)
    reason = tools.until(
        lambda: (
            (seen := site.jobs.show(job.id)).reason
            not in ("Waits for its turn.", f"Sent to {site.backend}.")
            and seen.reason
        )
    )
    words = {
        "local": f"held by job {blocker.job.id}",
        "slurm": "(Resources)",
        "kubernetes": "(Unschedulable)",
        "ray": "(PENDING)",
    }[site.backend]
    tools.until(lambda: words in site.jobs.show(job.id).reason)
    assert site.jobs.show(job.id).state == "queued"
    assert reason
    site.jobs.cancel(job.id)


def test_a_waiting_job_says_when_it_may_start(site: Any, tools: Any) -> None:
    go = site.root / "go-starts"
    first = site.shell("until [ -e go-starts ]; do sleep 0.05; done", gpus=2, time_limit_minutes=30)
    tools.until(lambda: _state(site, first) == "running")
    job = site.submit("true", gpus=2)
    starts = tools.until(
        lambda: next(
            (item.starts_at for item in site.jobs.queue().items if item.job.id == job.id), None
        )
    )
    assert timedelta(minutes=20) < starts - now() < timedelta(minutes=40)
    site.jobs.cancel(job.id)
    go.touch()
    site.end_of(first, job)


def test_a_waiting_job_that_is_cancelled_never_runs(site: Any, blocker: Any) -> None:
    job = site.shell("touch ran-although", gpus=1)
    site.jobs.cancel(job.id)
    ended = site.end_of(job)[0]
    assert (ended.state, ended.reason, ended.attempt) == (
        "cancelled",
        "Cancelled by ana before it started.",
        0,
    )
    blocker.end()
    site.end_of(site.submit("true", gpus=2))
    assert not (site.root / "ran-although").exists()


def test_a_job_that_waits_in_the_backends_own_queue_can_be_cancelled(
    site: Any, tools: Any, blocker: Any
) -> None:
    job = site.shell("touch ran-there", gpus=1)
    tools.until(lambda: site.backend == "local" or site.jobs.show(job.id).remote)
    site.jobs.cancel(job.id)
    ended = site.end_of(job)[0]
    assert (ended.state, ended.attempt) == ("cancelled", 0)
    assert ended.reason.startswith("Cancelled by ana")
    blocker.end()
    site.end_of(site.submit("true", gpus=2))
    assert not (site.root / "ran-there").exists()


def test_a_running_job_that_is_cancelled_may_tidy_up(site: Any, tools: Any) -> None:
    job = site.shell(
        "trap 'echo tidy > tidied; exit 0' TERM; touch began-tidy; while :; do sleep 0.05; done"
    )
    tools.until((site.root / "began-tidy").exists)
    site.jobs.cancel(job.id)
    ended = site.end_of(job)[0]
    assert (ended.state, ended.reason) == ("cancelled", "Cancelled by ana.")
    assert (site.root / "tidied").read_text() == "tidy\n"


def test_cancel_reaches_what_ignores_it_and_what_left_the_session(site: Any, tools: Any) -> None:
    inner = "trap '' TERM; echo $$ >> pids; while :; do sleep 0.05; done"
    script = (
        f'trap "" TERM; echo $$ > pids; setsid sh -c "{inner.replace("$", chr(92) + "$")}" &'
        f' (setsid sh -c "{inner.replace("$", chr(92) + "$")}" &) ; wait'
    )
    job = site.shell(script)
    pids = tools.until(lambda: len(found := tools.lines(site.root / "pids")) == 3 and found)
    site.jobs.cancel(job.id)
    assert site.end_of(job)[0].state == "cancelled"
    assert [
        pid
        for pid in pids
        if os.path.exists(f"/proc/{pid}")
        and "zombie" not in Path(f"/proc/{pid}/status").read_text()
    ] == []


def test_cancel_twice_is_once_and_an_ended_job_stays_as_it_is(site: Any) -> None:
    job = site.submit("sleep", "600")
    site.jobs.cancel(job.id)
    site.jobs.cancel(job.id)
    assert site.end_of(job)[0].state == "cancelled"
    done = site.run("true")
    assert site.jobs.cancel(done.id).state == "succeeded"


def test_a_job_on_hold_starts_when_it_is_released(site: Any, tools: Any, blocker: Any) -> None:
    job = site.submit("true", gpus=1)
    held = site.jobs.hold(job.id)
    assert (held.state, held.held_by) == ("queued", "ana")
    blocker.end()
    site.end_of(site.submit("true", gpus=2))  # what came later has passed it
    assert _state(site, job) == "queued"
    site.jobs.release(job.id)
    assert site.end_of(job)[0].state == "succeeded"


def test_a_job_that_waits_in_the_backends_own_queue_can_be_held(
    site: Any, tools: Any, blocker: Any
) -> None:
    job = site.submit("true", gpus=1)
    tools.until(
        lambda: site.backend == "local" or site.backend.title() in site.jobs.show(job.id).reason
    )
    site.jobs.hold(job.id)
    assert "Held by ana" in site.jobs.show(job.id).reason
    if site.backend == "slurm":
        from jupyter_mlinfra.core.project import Project
        from jupyter_mlinfra.jobs.remote.slurm.remote import SlurmRemote

        there = SlurmRemote(Project.open(site.root))
        tools.until(
            lambda: any(
                item.held for item in there.look() if item.remote == site.jobs.show(job.id).remote
            )
        )
    if site.backend in ("kubernetes", "ray"):
        from jupyter_mlinfra.core.project import Project
        from jupyter_mlinfra.jobs.backends import load_backend

        cluster = load_backend(site.backend, Project.open(site.root)).remote()
        # Taken back, to be sent anew.
        tools.until(
            lambda: site.jobs.show(job.id).remote not in [item.remote for item in cluster.look()]
        )
    blocker.end()
    site.end_of(site.submit("true", gpus=2))
    assert _state(site, job) == "queued"
    site.jobs.release(job.id)
    assert site.end_of(job)[0].state == "succeeded"


def test_a_job_that_has_ended_cannot_be_held(site: Any) -> None:
    with pytest.raises(Conflict, match="nothing to hold"):
        site.jobs.hold(site.run("true").id)


def test_higher_priorities_go_first(site: Any, tools: Any, blocker: Any) -> None:
    jobs = [
        site.shell(f"echo {priority} >> order", gpus=2, priority=priority)
        for priority in (10, 90, 50)
    ]
    tools.until(
        lambda: (
            site.backend == "local" or all("Slurm" in site.jobs.show(job.id).reason for job in jobs)
        )
    )
    blocker.end()
    site.end_of(*jobs)
    assert tools.lines(site.root / "order") == ["90", "50", "10"]


def test_a_waiting_job_can_be_moved_in_the_queue(site: Any, tools: Any, blocker: Any) -> None:
    first, second = (site.shell(f"echo {name} >> moved", gpus=2) for name in ("first", "second"))
    tools.until(
        lambda: (
            site.backend == "local"
            or all("Slurm" in site.jobs.show(job.id).reason for job in (first, second))
        )
    )
    site.jobs.prioritize(second.id, 80)
    if site.backend == "slurm":
        from jupyter_mlinfra.core.project import Project
        from jupyter_mlinfra.jobs.remote.slurm.remote import SlurmRemote

        there = SlurmRemote(Project.open(site.root))
        tools.until(
            lambda: any(
                item.rank == there.rank(80)
                for item in there.look()
                if item.remote == site.jobs.show(second.id).remote
            )
        )
    blocker.end()
    site.end_of(first, second)
    assert tools.lines(site.root / "moved") == ["second", "first"]


def test_a_job_after_others_starts_when_all_have_succeeded(site: Any, tools: Any) -> None:
    first, second = (
        site.shell("until [ -e go-after ]; do sleep 0.05; done; echo 1 >> after"),
        site.shell("echo 1 >> after"),
    )
    last = site.shell("echo 2 >> after", after=[first.id, second.id])
    site.end_of(second)
    assert (_state(site, last), "after" in site.jobs.show(last.id).reason) == ("queued", True)
    (site.root / "go-after").touch()
    site.end_of(last)
    assert tools.lines(site.root / "after") == ["1", "1", "2"]


def test_a_job_after_one_that_fails_is_cancelled(site: Any) -> None:
    first = site.shell("sleep 0.3; exit 3")
    last = site.submit("true", after=[first.id])
    ended = site.end_of(first, last)[1]
    assert (ended.state, ended.reason) == (
        "cancelled",
        f"It should start after job {first.id}, which is failed.",
    )


def test_a_job_after_one_that_is_tried_again_waits_for_that(site: Any) -> None:
    """What Slurm's own afterok would not do: it gives up at the first attempt that fails."""
    first = site.shell("[ -e again ] && exit 0; touch again; exit 3", retries=1)
    last = site.submit("true", after=[first.id])
    assert [(job.state, job.attempt) for job in site.end_of(first, last)] == [
        ("succeeded", 2),
        ("succeeded", 1),
    ]


def test_each_element_of_an_array_has_its_own_values(site: Any) -> None:
    array = site.shell(
        'echo "$DEPTH $MLINFRA_ARRAY_INDEX"',
        array=[{"DEPTH": str(depth)} for depth in (4, 6, 8, 10)],
    )
    elements = site.jobs.show(array.id).array.elements
    site.jobs.wait(elements, timeout=60)
    whole = site.jobs.show(array.id)
    assert (whole.state, dict(whole.array.states)["succeeded"], whole.array.size) == (
        "succeeded",
        4,
        4,
    )
    assert [site.jobs.logs(element).text for element in elements] == [
        "4 0\n",
        "6 1\n",
        "8 2\n",
        "10 3\n",
    ]


def test_an_array_of_notebooks_gives_each_its_parameters(site: Any, tools: Any) -> None:
    tools.write_notebook(
        site.root / "of.ipynb",
        tools.cell("n = 0", "parameters"),
        tools.cell("open(f'of-{n}', 'w').close()"),
    )
    array = site.jobs.submit(JobSpec(notebook="of.ipynb", array=[{"n": 1}, {"n": 2}]))
    assert [job.state for job in site.jobs.wait([array.id], timeout=60)] == ["succeeded"] * 2
    assert sorted(path.name for path in site.root.glob("of-*")) == ["of-1", "of-2"]


def test_an_array_runs_as_many_elements_at_a_time_as_it_may(site: Any, tools: Any) -> None:
    script = "mkdir running-$I; ls -d running-* | wc -l >> most; sleep 0.3; rmdir running-$I"
    array = site.shell(script, array=[{"I": str(i)} for i in range(5)], max_parallel=2)
    assert [job.state for job in site.jobs.wait([array.id], timeout=60)] == ["succeeded"] * 5
    most = [int(line) for line in tools.lines(site.root / "most")]
    assert len(most) == 5
    assert max(most) <= 2


def test_one_element_that_fails_is_nothing_to_the_others(site: Any) -> None:
    array = site.shell("exit $CODE", array=[{"CODE": "0"}, {"CODE": "3"}, {"CODE": "0"}])
    ended = site.jobs.wait([array.id], timeout=60)
    assert [(job.state, job.exit_code) for job in ended] == [
        ("succeeded", 0),
        ("failed", 3),
        ("succeeded", 0),
    ]
    assert site.jobs.show(array.id).state == "failed"


def test_an_array_is_cancelled_as_a_whole_and_one_element_alone(site: Any, tools: Any) -> None:
    array = site.shell("touch el-$I; sleep 600", array=[{"I": str(i)} for i in range(3)])
    tools.until(lambda: len(list(site.root.glob("el-*"))) == 3)
    alone = site.jobs.cancel(f"{array.id}/1")
    assert site.end_of(alone)[0].state == "cancelled"
    assert site.jobs.show(array.id).state == "running"
    site.jobs.cancel(array.id)
    assert [job.state for job in site.jobs.wait([array.id], timeout=60)] == ["cancelled"] * 3


def test_a_job_that_failed_is_run_again_under_its_id(site: Any) -> None:
    job = site.end_of(site.shell("[ -e mended ] || exit 5"))[0]
    (site.root / "mended").touch()
    again = site.jobs.requeue(job.id)
    ended = site.end_of(again)[0]
    assert (job.state, ended.id, ended.state, ended.attempt) == ("failed", job.id, "succeeded", 2)


def test_one_element_of_an_array_is_run_again_and_cloned_by_itself(site: Any) -> None:
    script = (
        'echo "$I $MLINFRA_ARRAY_INDEX" >> "again-$I"; [ "$I" != b ] || [ "$(wc -l < again-b)"'
        " -ge 2 ]"
    )
    array = site.shell(script, array=[{"I": "a"}, {"I": "b"}, {"I": "c"}])
    assert [job.state for job in site.jobs.wait([array.id], timeout=60)] == [
        "succeeded",
        "failed",
        "succeeded",
    ]
    site.jobs.requeue(f"{array.id}/1")
    assert [(job.state, job.attempt) for job in site.jobs.wait([array.id], timeout=60)] == [
        ("succeeded", 1),
        ("succeeded", 2),
        ("succeeded", 1),
    ]
    assert [(site.root / f"again-{name}").read_text() for name in "abc"] == [
        "a 0\n",
        "b 1\nb 1\n",
        "c 2\n",
    ]
    clone = site.end_of(site.jobs.clone(f"{array.id}/2"))[0]
    assert (clone.state, clone.part_of) == ("succeeded", None)
    assert (site.root / "again-c").read_text().splitlines()[-1].split() == ["c"]


def test_a_running_job_that_is_requeued_starts_again(site: Any, tools: Any) -> None:
    job = site.shell("echo x >> rq; [ $(wc -l < rq) = 2 ] && exit 0; sleep 600")
    tools.until(lambda: tools.lines(site.root / "rq") and _state(site, job) == "running")
    site.jobs.requeue(job.id)
    ended = site.end_of(job)[0]
    assert (ended.state, ended.attempt) == ("succeeded", 2)


def test_the_queue_shows_what_waits_in_its_order(site: Any, tools: Any, blocker: Any) -> None:
    low, high = site.submit("true", gpus=2, priority=20), site.submit("true", gpus=2, priority=70)
    after = site.submit("true", after=[low.id])
    shown = tools.until(lambda: len(items := site.jobs.queue().items) == 3 and items)
    assert [(item.position, item.job.id) for item in shown] == [
        (1, high.id),
        (2, low.id),
        (3, after.id),
    ]
    blocker.end()
    site.end_of(low, high, after)


def test_compute_says_who_holds_the_gpus(site: Any, tools: Any, blocker: Any) -> None:
    compute = tools.until(
        lambda: [
            found
            for found in [site.jobs.compute()]
            if all(device.holder for device in found.devices)
        ]
    )[0]
    assert [device.holder for device in compute.devices] == [f"job:{blocker.job.id}"] * 2
    assert (compute.backend, compute.cpus, compute.running) == (site.backend, 8, 1)
    blocker.end()
    tools.until(lambda: not any(device.holder for device in site.jobs.compute().devices))


def test_too_much_is_refused_with_what_there_is(site: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        site.submit("true", cpus=10_000)
    assert refused.value.fix
