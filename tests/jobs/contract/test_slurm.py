"""What only Slurm has: preemption, a cluster that does not answer, jobs that it forgets,
accounting.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.remote.client import FollowerControl
from jupyter_mlinfra.jobs.remote.slurm.remote import SlurmRemote

COUNTED = "echo x >> count; until [ -e go ]; do sleep 0.02; done; echo done >> count; exit 7"
TRAINING = """
mkdir -p "$MLINFRA_CHECKPOINTS"; cd "$MLINFRA_CHECKPOINTS"
[ -e step ] && { echo "goes on from step $(cat step)"; exit 0; }
trap 'echo 5 > step; echo saved; AFTER' TERM
echo began
while :; do sleep 0.05; done
"""


def _command(site: Any, name: str, script: str) -> None:
    """Put a command of the test's own before Slurm's."""
    path = site.root.parent / "bin" / name
    path.unlink()
    path.write_text(f'#!/bin/sh\n{script}\nexec /usr/bin/{name} "$@"\n')
    path.chmod(0o755)


def _slurm(conf: Path, *words: str) -> str:
    return subprocess.run(
        words,
        env={**os.environ, "SLURM_CONF": str(conf)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def _preempt(site: Any, tools: Any, after: str) -> tuple[Any, Any]:
    """A training that holds both GPUs, and a job of the partition that goes before it."""
    low = site.shell(TRAINING.replace("AFTER", after), gpus=2, queue="gpu")
    tools.until(
        lambda: site.jobs.show(low.id).state == "running" and "began" in site.jobs.logs(low.id).text
    )
    high = site.shell("sleep 0.5", gpus=2, queue="urgent")
    return low, high


def _rested(site: Any, slurm: Path, tools: Any, job: Any, before: Any) -> None:
    """A job that Slurm requeues may not start for two minutes: have it start as soon as the one is
    over that took its place.
    """
    site.end_of(before)
    tools.until(lambda: "BeginTime" in site.jobs.show(job.id).reason)
    update = ["scontrol", "update", f"JobId={site.jobs.show(job.id).remote}", "StartTime=now"]
    told = {**os.environ, "SLURM_CONF": str(slurm)}
    tools.until(
        lambda: (
            subprocess.run(update, env=told, capture_output=True, check=False)
            and site.jobs.show(job.id).attempt == 2
        )
    )


@pytest.mark.slow
def test_a_preempted_job_that_saves_and_ends_goes_on_from_its_checkpoint(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    low, high = _preempt(slurm_site, tools, "exit 75")
    _rested(slurm_site, slurm, tools, low, high)
    ended, urgent = slurm_site.end_of(low, high)
    assert urgent.state == "succeeded"
    assert (ended.id, ended.state, ended.exit_code, ended.attempt) == (low.id, "succeeded", 0, 2)
    lines = slurm_site.jobs.logs(low.id).text.splitlines()
    assert [line for line in lines if line != "Terminated"] == [
        "began",
        "saved",
        "goes on from step 5",
    ]


def test_a_preempted_job_that_does_not_end_is_requeued_by_slurm_and_goes_on_as_the_next_attempt(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    low, high = _preempt(slurm_site, tools, ":")
    remote = slurm_site.jobs.show(low.id).remote
    waiting = tools.until(lambda: (now := slurm_site.jobs.show(low.id)).state == "queued" and now)
    assert waiting.remote == remote  # it is the same job of Slurm's
    _rested(slurm_site, slurm, tools, low, high)
    ended, urgent = slurm_site.end_of(low, high)
    assert urgent.state == "succeeded"
    assert (ended.state, ended.exit_code, ended.attempt, ended.remote) == (
        "succeeded",
        0,
        2,
        remote,
    )
    assert "saved" in slurm_site.jobs.logs(low.id).text
    assert slurm_site.jobs.logs(low.id).text.endswith("goes on from step 5\n")


def test_a_job_that_ends_well_while_it_gives_way_is_not_run_again(
    slurm_site: Any, tools: Any
) -> None:
    """Slurm requeues it all the same."""
    low = slurm_site.shell(
        "echo x >> well; trap 'exit 0' TERM; while :; do sleep 0.05; done", gpus=2, queue="gpu"
    )
    tools.until(
        lambda: (
            slurm_site.jobs.show(low.id).state == "running"
            and tools.lines(slurm_site.root / "well")
        )
    )
    high = slurm_site.shell("sleep 0.2", gpus=2, queue="urgent")
    ended = slurm_site.end_of(low, high)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("succeeded", 0, 1)
    assert tools.lines(slurm_site.root / "well") == ["x"]


def test_a_preempted_job_that_knows_no_signals_is_started_again(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    low = slurm_site.shell(
        "echo x >> lows; [ $(wc -l < lows) = 2 ] && exit 0; exec sleep 600", gpus=2, queue="gpu"
    )
    tools.until(
        lambda: (
            slurm_site.jobs.show(low.id).state == "running"
            and tools.lines(slurm_site.root / "lows")
        )
    )
    high = slurm_site.shell("sleep 0.2", gpus=2, queue="urgent")
    _rested(slurm_site, slurm, tools, low, high)
    ended = slurm_site.end_of(low, high)[0]
    assert (ended.state, ended.attempt) == ("succeeded", 2)


def test_not_being_able_to_look_is_nothing_to_a_job(slurm_site: Any, tools: Any) -> None:
    site, failures = slurm_site, slurm_site.root.parent / "failures"
    words = "slurm_load_jobs error: Socket timed out on send/recv operation"
    trouble = (
        f'if [ -e "${{0%/*}}/../broken" ]; then echo x >> "${{0%/*}}/../failures"; echo "{words}"'
        " >&2; exit 1; fi"
    )
    for name in ("squeue", "sbatch"):
        _command(site, name, trouble)
    job = site.shell(COUNTED)
    tools.until(
        lambda: tools.lines(site.root / "count") and site.jobs.show(job.id).state == "running"
    )
    broken = site.root.parent / "broken"
    broken.touch()
    control = FollowerControl(Project.open(site.root), "slurm")
    for number in range(1, 26):
        control.wake_with_present_settings()
        tools.until(lambda number=number: len(tools.lines(failures)) >= number)
    seen = tools.until(lambda: (now := site.jobs.show(job.id)).reason and now)
    assert (seen.state, seen.attempt) == ("running", 1)
    assert seen.reason.startswith("Last seen ")
    assert seen.reason.endswith("s ago: squeue: Socket timed out on send/recv operation")
    late = site.submit("true")  # accepted although the cluster is away
    tools.until(
        lambda: (
            control.wake_with_present_settings()
            or "Socket timed out" in site.jobs.show(late.id).reason
        )
    )
    assert site.jobs.show(late.id).state == "queued"
    broken.unlink()
    control.wake_with_present_settings()
    tools.until(lambda: site.jobs.show(job.id).reason == "")
    (site.root / "go").touch()
    ended = site.end_of(job, late)
    assert [(one.state, one.exit_code, one.attempt) for one in ended] == [
        ("failed", 7, 1),
        ("succeeded", 0, 1),
    ]
    assert tools.lines(site.root / "count") == ["x", "done"]


def test_a_job_that_slurm_took_although_sbatch_timed_out_is_not_sent_twice(
    slurm_site: Any, tools: Any
) -> None:
    site = slurm_site
    _command(
        site,
        "sbatch",
        'case "$*" in *--test-only*) ;; *) /usr/bin/sbatch "$@" >> "${0%/*}/../sent"; [ -e'
        ' "${0%/*}/../once" ] || { touch "${0%/*}/../once"; echo "sbatch: error: Batch job'
        ' submission failed: Socket timed out on send/recv operation" >&2; exit 1; }; exit 0;;'
        " esac",
    )
    job = site.shell(COUNTED)
    (site.root / "go").touch()
    ended = site.end_of(job)[0]
    assert (ended.exit_code, ended.attempt) == (7, 1)
    assert tools.lines(site.root.parent / "sent") == [ended.remote]
    assert tools.lines(site.root / "count") == ["x", "done"]


def test_a_job_that_was_sent_twice_runs_once(slurm_site: Any, slurm: Path, tools: Any) -> None:
    site = slurm_site
    job = site.shell(COUNTED)
    tools.until(
        lambda: tools.lines(site.root / "count") and site.jobs.show(job.id).state == "running"
    )
    shown = next(
        one
        for one in SlurmRemote(Project.open(site.root)).queue("--me")
        if str(one["job_id"]) == site.jobs.show(job.id).remote
    )
    folder = site.root / ".mlinfra" / "jobs"
    script = Path(__file__).parents[3] / "jupyter_mlinfra/jobs/remote/slurm/guard.sh"
    guard = [
        sys.executable,
        "-P",
        "-m",
        "jupyter_mlinfra.jobs.remote.guard",
        str(folder),
        shown["comment"].rpartition(":")[2],
        "60",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_RESTART_COUNT",
    ]
    twin = _slurm(
        slurm,
        "sbatch",
        "--parsable",
        f"--comment={shown['comment']}",
        "--output=/dev/null",
        str(script),
        *guard,
    ).strip()
    tools.until(
        lambda: not _slurm(slurm, "squeue", "-h", "-j", twin, "-t", "PD,R", "-o", "%i").strip()
    )
    assert site.jobs.show(job.id).state == "running"
    (site.root / "go").touch()
    ended = site.end_of(job)[0]
    assert (ended.exit_code, ended.attempt) == (7, 1)
    assert tools.lines(site.root / "count") == ["x", "done"]


def test_the_exit_code_of_a_job_that_slurm_has_forgotten_is_found(
    slurm_site: Any, tools: Any
) -> None:
    """Without accounting Slurm shows an ended job for some minutes (MinJobAge)."""
    site = slurm_site
    _command(
        site,
        "squeue",
        """if [ -e "${0%/*}/../forgot" ]; then echo '{"jobs": [], "errors": []}'; exit 0; fi""",
    )
    job = site.shell(COUNTED)
    tools.until(
        lambda: tools.lines(site.root / "count") and site.jobs.show(job.id).state == "running"
    )
    site.kill_follower()
    (site.root / "go").touch()
    tools.until((site.root / ".mlinfra" / "jobs" / job.id / "1" / "exit").exists)
    (site.root.parent / "forgot").touch()
    ended = site.end_of(job)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)


def test_a_job_that_is_cancelled_by_slurms_own_command_is_cancelled(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    job = slurm_site.submit("sleep", "600")
    tools.until(lambda: slurm_site.jobs.show(job.id).state == "running")
    _slurm(slurm, "scancel", slurm_site.jobs.show(job.id).remote)
    ended = slurm_site.end_of(job)[0]
    assert (ended.state, ended.reason) == ("cancelled", "Cancelled in Slurm.")


def test_what_was_started_for_a_job_that_is_cancelled_unheard_is_taken_back(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    site = slurm_site
    holder = site.submit("sleep", "600", gpus=2)
    job = site.submit("true", gpus=1)
    tools.until(lambda: "Resources" in site.jobs.show(job.id).reason)
    remote = site.jobs.show(job.id).remote
    site.kill_follower()
    site.jobs.cancel(job.id)
    assert site.end_of(job)[0].state == "cancelled"
    assert (
        _slurm(slurm, "squeue", "-h", "-j", remote, "-t", "all", "-o", "%T").strip() == "CANCELLED"
    )
    site.jobs.cancel(holder.id)
    site.end_of(holder)


def test_an_array_is_one_sbatch(slurm_site: Any, tools: Any) -> None:
    site = slurm_site
    _command(
        site, "sbatch", 'case "$*" in *--test-only*) ;; *) echo "$*" >> "${0%/*}/../sent";; esac'
    )
    array = site.shell("true", array=[{"I": str(i)} for i in range(50)])
    assert {job.state for job in site.jobs.wait([array.id], timeout=120)} == {"succeeded"}
    sent = tools.lines(site.root.parent / "sent")
    assert len(sent) == 1
    assert "--array=0-49" in sent[0]


def test_stop_ends_the_follower_and_no_job(slurm_site: Any, tools: Any) -> None:
    job = slurm_site.shell(COUNTED)
    tools.until(
        lambda: (
            slurm_site.jobs.show(job.id).state == "running"
            and tools.lines(slurm_site.root / "count")
        )
    )
    slurm_site.jobs.stop(cancel_running=True)
    assert slurm_site.follower() is None
    slurm_site.jobs.heal()
    assert slurm_site.follower() is None, "a user stopped it"
    slurm_site.jobs.start()
    assert tools.lines(slurm_site.root / "count") == ["x"]
    (slurm_site.root / "go").touch()
    assert slurm_site.end_of(job)[0].exit_code == 7


def test_a_partition_that_does_not_exist_is_refused_at_submit(slurm_site: Any) -> None:
    with pytest.raises(BadRequest, match="nvalid partition"):
        slurm_site.submit("true", queue="no-such-partition")
    with pytest.raises(BadRequest, match="whole ones"):
        slurm_site.submit("true", gpus=0.5)


def test_a_follower_ends_when_nothing_is_left_to_follow(slurm_site: Any, tools: Any) -> None:
    site = slurm_site
    site.run("true")
    FollowerControl(Project.open(site.root), "slurm").stop()
    code = (
        "import sys\nfrom jupyter_mlinfra.jobs.remote import"
        " follower\nfollower.IDLE_SECONDS = 0.5\nfollower.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site.root), "slurm"],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "ends; its jobs continue" in done.stderr) == (0, True)
    assert site.follower() is None
    assert site.run("true").state == "succeeded"  # and the next job starts another


@pytest.fixture(scope="module")
def accounting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster of its own with slurmdbd and MariaDB."""
    folder = tmp_path_factory.mktemp("accounting")
    control = [sys.executable, str(Path(__file__).parents[3] / "scripts" / "slurm_cluster.py")]
    try:
        for words in (
            ["install", "--accounting"],
            ["up", str(folder), "--accounting", "--gpus", "2"],
        ):
            done = subprocess.run(
                [*control, *words], capture_output=True, text=True, timeout=280, check=False
            )
            assert done.returncode == 0, done.stderr
        yield Path(done.stdout.strip())
    finally:
        subprocess.run([*control, "down", str(folder)], timeout=120, check=False)


@pytest.mark.slow
def test_how_a_forgotten_job_ended_is_asked_of_accounting(
    slurm_site: Any, accounting: Path, tools: Any
) -> None:
    site = slurm_site
    settings = site.root / "mlinfra.toml"
    text = settings.read_text()
    settings.write_text(
        "\n".join(
            f'conf = "{accounting}"' if line.startswith("conf = ") else line
            for line in text.splitlines()
        )
        + "\n"
    )
    _command(
        site,
        "squeue",
        """if [ -e "${0%/*}/../forgot" ]; then echo '{"jobs": [], "errors": []}'; exit 0; fi""",
    )
    jobs = Jobs(Project.open(site.root))
    ended_there, killed_there = (jobs.submit(JobSpec(command=["sleep", "600"])) for _ in range(2))
    for job in (ended_there, killed_there):
        tools.until(lambda job=job: jobs.show(job.id).state == "running")
    site.kill_follower()
    _slurm(accounting, "scancel", jobs.show(ended_there.id).remote)
    guard = int((site.root / ".mlinfra" / "jobs" / killed_there.id / "1" / "claim").read_text())
    os.kill(guard, signal.SIGKILL)  # nobody keeps its exit code
    for job in (ended_there, killed_there):
        tools.until(
            lambda job=job: (
                not _slurm(
                    accounting,
                    "squeue",
                    "-h",
                    "-t",
                    "PD,R,CG",
                    "-j",
                    jobs.show(job.id).remote,
                    "-o",
                    "%i",
                ).strip()
            )
        )
    (site.root.parent / "forgot").touch()
    first, second = jobs.wait([ended_there.id, killed_there.id], timeout=60)
    assert (first.state, first.reason) == ("cancelled", "Cancelled in Slurm.")
    assert (second.state, second.exit_code) == ("failed", 137)
