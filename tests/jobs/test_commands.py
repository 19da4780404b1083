"""Commands as jobs: submit, watch, order, slots, retries, limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.environment import keep


def test_a_command_runs_with_its_own_exit_code_and_log(run: Callable[..., Job], jobs: Jobs) -> None:
    job = run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (job.state, job.exit_code, job.reason, job.attempt) == (
        "failed",
        3,
        "Exit code 3: err",
        1,
    )
    assert job.elapsed_seconds is not None
    assert jobs.logs(job.id).text == "out\nerr\n"


def test_a_script_that_is_not_there_is_named_in_the_reason(run: Callable[..., Job]) -> None:
    job = run(sys.executable, "gone.py")
    assert (job.state, job.exit_code) == ("failed", 2)
    assert job.reason.startswith("Exit code 2: ")
    assert "can't open file" in job.reason


def test_the_last_line_is_told_as_one_short_line(run: Callable[..., Job]) -> None:
    job = run("sh", "-c", r"printf 'before\n\033[31m\t%0500d\n\n' 7; exit 5")
    assert job.reason.startswith("Exit code 5: [31m 000")
    assert job.reason.isprintable()
    assert len(job.reason) <= 220


def test_a_command_that_succeeds_has_no_reason(run: Callable[..., Job]) -> None:
    job = run("true")
    assert (job.state, job.exit_code, job.reason) == ("succeeded", 0, "")


def test_a_program_that_does_not_exist_is_named(run: Callable[..., Job]) -> None:
    job = run("no-such-program", "x")
    assert (job.state, job.exit_code) == ("failed", 127)
    assert job.reason == "There is no program no-such-program in its PATH."


def test_a_script_without_the_right_to_run_says_how_to_mend_it(
    run: Callable[..., Job], project: Project
) -> None:
    (project.root / "train.sh").write_text("#!/bin/sh\nexit 4\n")
    job = run("./train.sh")
    assert (job.state, job.exit_code) == ("failed", 126)
    (project.root / "train.sh").chmod(0o755)
    assert run("./train.sh").exit_code == 4


@pytest.mark.parametrize("word", ["exit", "cd", "echo", "trap"])
def test_no_word_is_taken_for_one_of_the_shells_own(
    run: Callable[..., Job], word: str, project: Project
) -> None:
    program = project.root / "bin" / word
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    assert run(word, environment={"PATH": f"{program.parent}:{os.environ['PATH']}"}).exit_code == 9


HOSTILE = [
    "; touch /tmp/owned",
    "$(exit 1)",
    "`id`",
    "a b",
    "*",
    "'",
    '"',
    "line\nbreak",
    "\\",
    "-n",
    "--",
    "",
    "ünï 🚀",
    "%s",
    "\t",
    "$HOME",
    "{}",
]


def test_hostile_words_arrive_verbatim(run: Callable[..., Job], project: Project) -> None:
    code = (
        "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open('seen.json', 'w'))"
    )
    environment = {f"HOSTILE_{n}": value for n, value in enumerate(HOSTILE)}
    job = run(
        sys.executable,
        "-c",
        code,
        *HOSTILE,
        environment=environment,
        name="; rm -rf $HOME\n'",
        labels={"a'b": "$(c)"},
    )
    words, seen = json.loads((project.root / "seen.json").read_text())
    assert job.state == "succeeded"
    assert words == HOSTILE
    assert {name: seen[name] for name in environment} == environment
    assert (job.name, job.labels) == ("; rm -rf $HOME\n'", {"a'b": "$(c)"})


def test_a_job_sees_who_it_is_and_no_gpu(
    run: Callable[..., Job], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SUBMITTER", "yes")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    job = run(
        sys.executable, "-c", "import json, os; json.dump(dict(os.environ), open('seen.json', 'w'))"
    )
    seen = json.loads((project.root / "seen.json").read_text())
    assert (seen["MLINFRA_PROJECT"], seen["MLINFRA_JOB"]) == (str(project.root), job.id)
    assert seen["CUDA_VISIBLE_DEVICES"] == ""
    assert seen["OF_THE_SUBMITTER"] == "yes"
    assert seen["MLINFRA_PROCESS_TOKEN"]


def test_an_environment_value_may_be_a_secret_that_is_written_nowhere(
    run: Callable[..., Job], project: Project, monkeypatch: pytest.MonkeyPatch, jobs: Jobs
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "canary-5f1c9e")
    job = run("sh", "-c", 'printf "%s" "${#PASSWORD}"', environment={"PASSWORD": "env:MY_PASSWORD"})
    assert jobs.logs(job.id).text == str(len("canary-5f1c9e"))
    jobs.stop()
    for path in project.root.rglob("*"):
        assert not path.is_file() or b"canary-5f1c9e" not in path.read_bytes(), path


def test_a_secret_that_is_not_there_is_refused_at_submit(jobs: Jobs) -> None:
    with pytest.raises(NotFound, match="NO_SUCH_SECRET"):
        jobs.submit(JobSpec(command=["true"], environment={"PASSWORD": "env:NO_SUCH_SECRET"}))


def test_a_job_runs_where_it_is_told_to(
    run: Callable[..., Job], project: Project, jobs: Jobs
) -> None:
    (project.root / "sub folder").mkdir()
    assert jobs.logs(run("pwd").id).text == f"{project.root}\n"
    assert jobs.logs(run("pwd", cwd="sub folder").id).text == f"{project.root}/sub folder\n"
    with pytest.raises(NotFound, match="There is no folder nowhere"):
        jobs.submit(JobSpec(command=["pwd"], cwd="nowhere"))
    with pytest.raises(BadRequest, match="not in the project"):
        jobs.submit(JobSpec(command=["pwd"], cwd="../.."))


def test_a_second_submit_with_the_same_key_returns_the_first_job(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    spec = JobSpec(command=["sh", "-c", "echo x >> count"], key="run-1/train")
    first, second = jobs.submit(spec), jobs.submit(spec)
    jobs.wait([first.id], timeout=tools.wait)
    assert first.id == second.id == jobs.submit(spec).id
    assert tools.lines(project.root / "count") == ["x"]


def test_jobs_are_listed_newest_first_in_pages_by_state_and_by_label(
    jobs: Jobs, run: Callable[..., Job]
) -> None:
    done = [run("true", labels={"run": str(n % 2)}) for n in range(5)]
    bad = run("false")
    first = jobs.list(limit=4)
    rest = jobs.list(limit=4, cursor=first.cursor)
    for cursor in ("-1", "x", "²", "9" * 30):
        with pytest.raises(BadRequest, match="not one of ours"):
            jobs.list(cursor=cursor)
    assert [job.id for job in (*first.items, *rest.items)] == [
        bad.id,
        *(job.id for job in reversed(done)),
    ]
    assert (first.shown, first.total, rest.shown, rest.cursor) == (4, 6, 2, None)
    assert [job.id for job in jobs.list(state="failed").items] == [bad.id]
    assert [job.id for job in jobs.list(label=("run", "1")).items] == [done[3].id, done[1].id]
    assert {state: count for state, count in jobs.counts().items() if count} == {
        "succeeded": 5,
        "failed": 1,
    }
    assert set(jobs.counts()) == {
        "queued",
        "starting",
        "running",
        "succeeded",
        "failed",
        "cancelled",
        "lost",
    }
    for bad_call in ({"state": "done"}, {"limit": 0}, {"limit": 501}, {"cursor": "x"}):
        with pytest.raises(BadRequest):
            jobs.list(**bad_call)


def test_a_job_is_found_by_the_beginning_of_its_id(jobs: Jobs, run: Callable[..., Job]) -> None:
    job = run("true")
    assert jobs.show(job.id[:6]).id == jobs.show(job.ref).id == job.id
    for name in ("ffffffffff", "x; DROP TABLE job", ""):
        with pytest.raises(NotFound):
            jobs.show(name)
    ids = [run("true").id for _ in range(17)]  # 18 ids: two of them share their first digit
    shared = next(
        first
        for first in "0123456789abcdef"
        if sum(ident.startswith(first) for ident in [job.id, *ids]) > 1
    )
    with pytest.raises(BadRequest, match="not one job"):
        jobs.show(shared)


def test_a_log_can_be_followed_by_offset_while_it_grows(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(command=["sh", "-c", "echo one; while [ ! -e go ]; do sleep 0.02; done; echo two"])
    )
    first = tools.until(lambda: (chunk := jobs.logs(job.id)).text and chunk)
    assert (first.text, first.next, first.ended) == ("one\n", 4, False)
    (project.root / "go").touch()
    jobs.wait([job.id], timeout=tools.wait)
    rest = jobs.logs(job.id, offset=first.next)
    assert (rest.text, rest.offset, rest.next, rest.size, rest.ended) == ("two\n", 4, 8, 8, True)


def test_higher_priority_starts_first_then_age(jobs: Jobs, project: Project, tools: Any) -> None:
    blocker = jobs.submit(
        JobSpec(command=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"], cpus=2)
    )
    tools.until(lambda: jobs.show(blocker.id).state == "running")
    order = [("low", 10), ("mid-1", 50), ("high", 90), ("mid-2", 50)]
    later = [
        jobs.submit(
            JobSpec(command=["sh", "-c", f"echo {name} >> order"], cpus=2, priority=priority)
        ).id
        for name, priority in order
    ]
    tools.until(lambda: "held by job" in jobs.show(later[2]).reason)
    (project.root / "go").touch()
    jobs.wait(later, timeout=tools.wait)
    assert tools.lines(project.root / "order") == ["high", "mid-1", "mid-2", "low"]


def test_no_more_jobs_run_at_once_than_there_are_cpus(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    code = (
        "import os, pathlib, time\np = pathlib.Path('now') / str(os.getpid())\np.touch()\n"
        "n = len(list(p.parent.iterdir()))\ntime.sleep(0.15)\np.unlink()\nprint(n)"
    )
    (project.root / "now").mkdir()
    ids = [jobs.submit(JobSpec(command=[sys.executable, "-c", code])).id for _ in range(6)]
    ended = jobs.wait(ids, timeout=tools.wait)
    together = [int(jobs.logs(ident).text) for ident in ids]
    assert [job.state for job in ended] == ["succeeded"] * 6
    assert max(together) <= 2


def test_a_waiting_job_says_what_it_needs_and_who_holds_it(jobs: Jobs, tools: Any) -> None:
    holder = jobs.submit(JobSpec(command=tools.sleep, cpus=2))
    waiting = jobs.submit(JobSpec(command=["true"]))
    reason = tools.until(
        lambda: (job := jobs.show(waiting.id)).reason != "Waits for its turn." and job.reason
    )
    assert reason == f"Needs 1 CPU, none is free; held by job {holder.id}."
    assert (
        jobs.compute().cpus,
        jobs.compute().cpus_used,
        jobs.compute().running,
        jobs.compute().waiting,
    ) == (2, 2, 1, 1)


def test_a_job_that_mostly_waits_takes_no_slot_and_starts_while_all_are_held(
    jobs: Jobs, tools: Any
) -> None:
    holder = jobs.submit(JobSpec(command=tools.sleep, cpus=2))
    tools.until(lambda: jobs.show(holder.id).state == "running")
    behind = jobs.submit(JobSpec(command=["true"]))
    (job,) = jobs.wait([jobs.submit(JobSpec(command=["true"], cpus=0)).id], timeout=tools.wait)
    assert (job.state, job.cpus) == ("succeeded", 0)
    assert (jobs.show(behind.id).state, jobs.compute().cpus_used) == ("queued", 2)


def test_more_than_the_machine_has_is_refused_at_submit(jobs: Jobs) -> None:
    for spec, words in (
        ({"cpus": 3}, "3 CPUs"),
        ({"gpus": 1}, "1 GPU"),
        ({"memory_gib": 1e6}, "GiB"),
    ):
        with pytest.raises(BadRequest, match=words):
            jobs.submit(JobSpec(command=["true"], **spec))
    assert jobs.list().total == 0


def test_gpu_slots_are_given_once_each_and_only_their_holder_sees_them(
    gpu_jobs: Jobs, tools: Any
) -> None:
    command = ["sh", "-c", 'echo "$CUDA_VISIBLE_DEVICES"; exec sleep 600']
    first, second = (gpu_jobs.submit(JobSpec(command=command, gpus=1)) for _ in range(2))
    third = gpu_jobs.submit(JobSpec(command=command, gpus=2))
    tools.until(lambda: gpu_jobs.logs(first.id).text and gpu_jobs.logs(second.id).text)
    seen = {gpu_jobs.logs(job.id).text.strip() for job in (first, second)}
    assert seen == {"0", "1"}
    assert {gpu for job in (first, second) for gpu in gpu_jobs.show(job.id).gpu_ids} == {"0", "1"}
    assert {device.holder for device in gpu_jobs.compute().devices} == {first.ref, second.ref}
    reason = tools.until(lambda: "GPU" in (job := gpu_jobs.show(third.id)).reason and job.reason)
    assert reason.startswith("Needs 2 GPUs, none is free; GPU 0 is held by job ")
    gpu_jobs.cancel(first.id)
    tools.until(lambda: "1 is free" in gpu_jobs.show(third.id).reason)
    gpu_jobs.cancel(second.id)
    assert tools.until(lambda: gpu_jobs.logs(third.id).text) == "0,1\n"


def test_a_cpu_job_does_not_wait_behind_a_gpu_job(gpu_jobs: Jobs, tools: Any) -> None:
    gpu_jobs.submit(JobSpec(command=tools.sleep, gpus=2))
    gpu_jobs.submit(JobSpec(command=tools.sleep, gpus=1))
    small = gpu_jobs.submit(JobSpec(command=["true"], priority=0))
    assert gpu_jobs.wait([small.id], timeout=tools.wait)[0].state == "succeeded"


def test_a_failing_job_is_tried_again_as_often_as_it_may(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(
            command=[
                "sh",
                "-c",
                'echo x >> tries; echo "try $(wc -l < tries)"; [ $(wc -l < tries) -ge 3 ]',
            ],
            retries=2,
        )
    )
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    # A look at the job might miss the second that it waits.
    told = [event.data for event in project.events.after(0) if event.ref == job.ref]
    waits = [
        data["reason"]
        for data in told
        if data["state"] == "queued" and data["reason"].startswith("Attempt failed")
    ]
    assert waits == [
        f"Attempt failed: Exit code 1: try {number}. Tries again in {number} s (retry {number}"
        " of 2)."
        for number in (1, 2)
    ]
    assert (ended.state, ended.attempt, ended.exit_code) == ("succeeded", 3, 0)
    assert jobs.logs(job.id).text == "try 1\ntry 2\ntry 3\n"


def test_retries_come_to_an_end(run: Callable[..., Job]) -> None:
    job = run("sh", "-c", "exit 4", retries=1)
    assert (job.state, job.attempt, job.exit_code, job.reason) == ("failed", 2, 4, "Exit code 4.")


def test_exit_75_means_go_on_later_and_counts_as_no_attempt(
    run: Callable[..., Job], project: Project, tools: Any
) -> None:
    job = run("sh", "-c", "echo x >> tries; [ $(wc -l < tries) -ge 2 ] || exit 75")
    assert (job.state, job.attempt, job.exit_code) == ("succeeded", 2, 0)
    assert tools.lines(project.root / "tries") == ["x", "x"]


def test_a_time_limit_ends_the_job_and_is_named(run: Callable[..., Job]) -> None:
    job = run("sleep", "600", time_limit_minutes=0.005)
    assert (job.state, job.reason) == ("failed", "Reached its time limit of 0.005 min.")
    assert job.elapsed_seconds is not None
    assert job.elapsed_seconds < 30


def test_waiting_ends_at_the_timeout_with_the_jobs_as_they_stand(jobs: Jobs, tools: Any) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    begun = time.monotonic()
    assert jobs.wait([job.id], timeout=0.3)[0].state in ("queued", "starting", "running")
    assert time.monotonic() - begun < 5


def test_a_verb_of_the_command_line_says_in_the_reason_of_its_job_why_it_failed(
    run: Callable[..., Job],
) -> None:
    job = run(sys.executable, "-m", "jupyter_mlinfra.cli", "jobs", "show", "nope")
    assert (job.state, job.exit_code, job.reason) == (
        "failed",
        1,
        "There is no job 'nope'. A job id is a short hexadecimal number. mlinfra jobs list",
    )


def test_a_running_job_reports_progress_and_the_last_report_is_kept(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    code = (
        "import json, os, pathlib, time\n"
        "p = os.environ['MLINFRA_PROGRESS']\n"
        "open(p + '~', 'w').write(json.dumps({'fraction': 0.25, 'text': 'epoch 1/4'}))\n"
        "os.replace(p + '~', p)\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.02)\n"
    )
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", code]))
    seen = tools.until(lambda: (job_now := jobs.show(job.id)).progress and job_now)
    assert (seen.progress.value, seen.progress_text) == (0.25, "epoch 1/4")
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.progress.value, ended.progress_text) == (0.25, "epoch 1/4")


def test_every_change_is_an_event_in_order(run: Callable[..., Job], project: Project) -> None:
    job = run("true")
    told = [event for event in project.events.after(0) if event.ref == job.ref]
    assert [event.data["state"] for event in told] == ["queued", "starting", "running", "succeeded"]
    assert {event.topic for event in told} == {"job"}


def test_jobs_can_be_searched(run: Callable[..., Job], project: Project, jobs: Jobs) -> None:
    before = jobs.search_fingerprint()
    job = run("echo", "weather", name="nightly", labels={"pipeline": "flights"})
    assert jobs.search_fingerprint() != before
    project.index.refresh("jobs", jobs.search_fingerprint(), jobs.search_documents)
    for words in ("nightly", "weather", "flights"):
        assert [hit.ref for hit in project.index.search(words).items] == [job.ref]


def test_an_array_that_is_found_gives_its_table(jobs: Jobs, project: Project, tools: Any) -> None:
    array = jobs.submit(JobSpec(command=["true"], array=[{"A": 1}, {"A": 2}], name="sweep"))
    jobs.wait([array.id], timeout=tools.wait)
    project.index.refresh("jobs", jobs.search_fingerprint(), jobs.search_documents)
    (hit,) = project.index.search("sweep").items
    code = f'import jupyter_mlinfra as ml\n\nml.job("{array.id}").table()'
    assert (hit.ref, hit.code) == (array.ref, code)


def test_an_idle_supervisor_is_small_and_sleeps(
    jobs: Jobs, run: Callable[..., Job], tools: Any
) -> None:
    run("true")
    process = psutil.Process(jobs.supervisor().pid)

    def rests() -> bool:
        before = process.num_ctx_switches().voluntary, process.cpu_times()
        time.sleep(2)  # what is measured: nothing happens for that long
        return (process.num_ctx_switches().voluntary, process.cpu_times()) == before

    assert tools.until(rests)
    assert process.memory_info().rss <= 30 * 2**20


def test_a_change_of_the_settings_takes_effect_and_running_jobs_go_on(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(
            command=["sh", "-c", "echo x >> count; while [ ! -e go ]; do sleep 0.02; done; exit 6"]
        )
    )
    tools.until(lambda: tools.lines(project.root / "count"))
    old = jobs.supervisor()
    (project.root / "mlinfra.toml").write_text("[jobs]\ncpus = 5\n")
    new = Jobs(Project.open(project.root)).start()
    (project.root / "go").touch()
    assert (old.cpus, new.cpus) == (2, 5)
    assert old.pid != new.pid
    assert jobs.wait([job.id], timeout=tools.wait)[0].exit_code == 6
    assert tools.lines(project.root / "count") == ["x"]


def test_stopping_leaves_jobs_running_or_ends_them_as_asked(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    assert jobs.stop().pid is None
    assert len(tools.processes_of(project.root)) == 2  # the wrapper and the job
    assert jobs.show(job.id).state == "running"
    assert jobs.supervisor().pid is None  # looking at a job starts none: a user stopped it
    assert jobs.stop(cancel_running=True).pid is None
    assert jobs.show(job.id).state == "cancelled"
    assert tools.processes_of(project.root) == []


def test_stopping_does_not_let_waiting_jobs_take_the_place_of_running_ones(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    ids = [
        jobs.submit(JobSpec(command=["sh", "-c", "echo x >> count; exec sleep 600"])).id
        for _ in range(5)
    ]
    tools.until(lambda: len(tools.lines(project.root / "count")) == 2)
    jobs.stop(cancel_running=True)
    assert [jobs.show(job).state for job in ids] == [
        "cancelled",
        "cancelled",
        "queued",
        "queued",
        "queued",
    ]
    assert tools.lines(project.root / "count") == ["x", "x"]
    assert jobs.show(ids[4]).reason == "Waits: the supervisor is stopped; `mlinfra up` starts it."
    jobs.start()
    tools.until(lambda: len(tools.lines(project.root / "count")) == 4)


def test_the_supervisor_ends_when_its_project_is_gone(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    code = (
        "import jupyter_mlinfra.jobs.local.supervisor as s, sys; s.ALONE_SECONDS = 0.2;"
        f" sys.argv[1:] = [{_config(project)!r}]; s.main()"
    )
    with project.database.write():  # the state, which no supervisor makes
        pass
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    tools.until(lambda: jobs.supervisor().pid == supervisor.pid)
    process = psutil.Process(supervisor.pid)
    begun = process.num_ctx_switches().voluntary
    # It has looked, and found its project.
    tools.until(lambda: process.num_ctx_switches().voluntary >= begun + 3)
    assert supervisor.poll() is None
    left = Path(keep({"SECRET": "x"}, runtime_folder(project.home)))
    project.home.rename(project.root / "moved")
    assert supervisor.wait(timeout=tools.wait) == 0
    assert not left.exists(), "nobody else would remove the secrets of its jobs"


def _config(project: Project) -> str:
    from jupyter_mlinfra.jobs.local.client import Config

    return Config.of(project).dump()


def test_two_supervisors_cannot_run(jobs: Jobs, project: Project) -> None:
    pid = jobs.start().pid
    second = subprocess.run(
        [sys.executable, "-m", "jupyter_mlinfra.jobs.local.supervisor", _config(project)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 0
    assert "already under way" in second.stderr
    assert jobs.supervisor().pid == pid


def test_a_supervisor_whose_socket_was_cleaned_away_is_still_woken(
    jobs: Jobs, run: Callable[..., Job]
) -> None:
    pid = jobs.start().pid
    (runtime_folder(Path(jobs._project.home)) / "supervisor.sock").unlink()
    assert run("true").state == "succeeded"
    assert run("true").state == "succeeded"
    assert jobs.supervisor().pid == pid
