"""What every backend has to do with a job that runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.runtime_folder import runtime_folder
from jupyter_mlinfra.jobs import JobSpec


def test_a_command_that_ends_well_has_succeeded(site: Any) -> None:
    job = site.run("true")
    assert (job.state, job.exit_code, job.reason, job.attempt, job.backend) == (
        "succeeded",
        0,
        "",
        1,
        site.backend,
    )


def test_the_exit_code_is_the_commands_own(site: Any) -> None:
    job = site.end_of(site.shell("exit 7"))[0]
    assert (job.state, job.exit_code, job.reason) == ("failed", 7, "Exit code 7.")


def test_a_command_that_a_signal_ends_says_which(site: Any) -> None:
    job = site.end_of(site.shell("kill -9 $$"))[0]
    assert (job.state, job.exit_code) == ("failed", 137)
    assert "SIGKILL" in job.reason


def test_a_program_that_does_not_exist_is_127(site: Any) -> None:
    job = site.run("no-such-program")
    assert (job.state, job.exit_code) == ("failed", 127)
    assert "no-such-program" in job.reason


def test_a_file_that_cannot_be_run_is_126(site: Any) -> None:
    (site.root / "plain.txt").write_text("words")
    job = site.run("./plain.txt")
    assert (job.state, job.exit_code) == ("failed", 126)
    assert "chmod +x" in job.reason


def test_the_jobs_own_words_on_why_it_failed_are_its_reason(site: Any) -> None:
    job = site.end_of(site.shell('echo "no rows on Monday" > "$MLINFRA_REASON"; exit 3'))[0]
    assert (job.state, job.exit_code, job.reason) == ("failed", 3, "no rows on Monday")


def test_no_shell_reads_the_words_of_a_command(site: Any) -> None:
    words = [
        "a b",
        "$HOME",
        "'",
        '"',
        "; touch hurt",
        "*",
        "line\nbreak",
        "`touch hurt`",
        "",
        "-x",
        "%j%a",
        "ü",
    ]
    job = site.run(
        sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words
    )
    assert json.loads(site.jobs.logs(job.id).text) == words
    assert not (site.root / "hurt").exists()


def test_a_job_has_the_submitters_environment_and_its_own(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SUBMITTER", "one")
    # A wish of somebody else, for other jobs.
    monkeypatch.setenv("SBATCH_PARTITION", "no-such-partition")
    job = site.end_of(
        site.shell(
            'echo "$OF_THE_SUBMITTER $OF_ITS_OWN $MLINFRA_JOB"',
            environment={"OF_ITS_OWN": "two words"},
        )
    )[0]
    assert site.jobs.logs(job.id).text == f"one two words {job.id}\n"


def test_a_secret_reaches_the_job_and_no_file(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "tr0ub4dor-and-3")
    job = site.end_of(
        site.shell(
            'test "$PASSWORD" = tr0ub4dor-and-3 && test -n "$DB_PASSWORD"',
            environment={"PASSWORD": "env:DB_PASSWORD"},
        )
    )[0]
    assert (job.state, job.exit_code) == ("succeeded", 0) or site.jobs.logs(job.id).text
    monkeypatch.delenv("DB_PASSWORD")
    holding = [
        path
        for path in site.root.rglob("*")
        if path.is_file()
        and not path.name.startswith("state.db-")
        and b"tr0ub4dor-and-3" in _without(path)
    ]
    assert holding == []


def _without(path: Path) -> bytes:
    """The command of this very test names the value."""
    return path.read_bytes().replace(b"= tr0ub4dor-and-3 &&", b"")


def test_the_environment_of_the_submitter_is_forgotten_with_its_last_job(
    site: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_HERE", "b41d")
    site.run("true")
    folder = runtime_folder(site.root / ".mlinfra")

    def is_kept(path: Path) -> bool:
        try:
            return b"ONLY_HERE=b41d" in path.read_bytes()
        except FileNotFoundError:  # just now
            return False

    tools.until(lambda: not any(map(is_kept, folder.glob("*.environment"))))


def test_a_command_runs_in_the_projects_root_or_where_it_is_told_to(site: Any) -> None:
    (site.root / "below").mkdir(exist_ok=True)
    first, second = site.end_of(site.shell("pwd"), site.shell("pwd", cwd="below"))
    assert [site.jobs.logs(job.id).text for job in (first, second)] == [
        f"{site.root}\n",
        f"{site.root / 'below'}\n",
    ]


def test_a_log_holds_both_streams_and_is_read_on_from_an_offset(site: Any, tools: Any) -> None:
    go = site.root / "go-log"
    job = site.shell("echo one; echo two >&2; until [ -e go-log ]; do sleep 0.05; done; echo three")
    first = tools.until(lambda: (part := site.jobs.logs(job.id)).next == 8 and part)
    assert (first.text, first.ended) == ("one\ntwo\n", False)
    go.touch()
    site.end_of(job)
    rest = site.jobs.logs(job.id, offset=first.next)
    assert (rest.text, rest.offset, rest.ended) == ("three\n", 8, True)


def test_a_long_log_arrives_byte_for_byte(site: Any) -> None:
    job = site.run(
        sys.executable,
        "-c",
        "import sys\nfor i in range(60000): sys.stdout.write(f'{i} größer\\n')",
    )
    text, offset = "", 0
    while not (part := site.jobs.logs(job.id, offset=offset, limit=99_991)).ended:
        text, offset = text + part.text, part.next
    assert text + part.text == "".join(f"{i} größer\n" for i in range(60000))


def test_a_notebook_runs_with_its_parameters(site: Any, tools: Any) -> None:
    tools.write_notebook(
        site.root / "sum.ipynb",
        tools.cell("a = 1\nb = 1", "parameters"),
        tools.cell("print(f'sum {a + b}')"),
    )
    job = site.end_of(
        site.jobs.submit(JobSpec(notebook="sum.ipynb", parameters={"a": 40, "b": 2}))
    )[0]
    assert (job.state, job.reason) == ("succeeded", "")
    executed = site.jobs.executed(job.output)
    assert any("sum 42" in json.dumps(cell.get("outputs")) for cell in executed.content["cells"])


def test_a_notebook_that_fails_names_its_cell(site: Any, tools: Any) -> None:
    tools.write_notebook(site.root / "bad.ipynb", tools.cell("x = 1"), tools.cell("1 / 0"))
    job = site.end_of(site.jobs.submit(JobSpec(notebook="bad.ipynb")))[0]
    assert (job.state, job.exit_code) == ("failed", 1)
    assert job.reason.startswith("Cell 2 failed at line 1: ZeroDivisionError")


def test_editing_a_script_while_its_job_waits_changes_nothing(site: Any, tools: Any) -> None:
    (site.root / "script.py").write_text("print('as submitted')\n")
    earlier = site.shell("until [ -e go-edit ]; do sleep 0.05; done")
    job = site.submit(sys.executable, "script.py", after=[earlier.id])
    (site.root / "script.py").write_text("print('edited')\n")
    (site.root / "go-edit").touch()
    site.end_of(job)
    assert site.jobs.logs(job.id).text == "as submitted\n"


def test_a_second_submit_with_the_same_key_is_the_first_job(site: Any) -> None:
    first = site.submit("sh", "-c", "echo x >> keyed", key="nightly")
    second = site.submit("sh", "-c", "echo x >> keyed", key="nightly")
    site.end_of(first)
    assert second.id == first.id
    assert (site.root / "keyed").read_text() == "x\n"


def test_a_job_without_gpus_sees_none(site: Any) -> None:
    job = site.end_of(site.shell('echo "[$CUDA_VISIBLE_DEVICES]"'))[0]
    assert (site.jobs.logs(job.id).text, list(job.gpu_ids)) == ("[]\n", [])


def test_jobs_at_the_same_time_get_gpus_of_their_own(site: Any, tools: Any) -> None:
    script = 'echo "$CUDA_VISIBLE_DEVICES"; until [ -e go-gpus ]; do sleep 0.05; done'
    jobs = [site.shell(script, gpus=1) for _ in range(2)]
    tools.until(
        lambda: all(site.jobs.logs(job.id).text and site.jobs.show(job.id).gpu_ids for job in jobs)
    )
    seen, running = (
        [site.jobs.logs(job.id).text for job in jobs],
        [site.jobs.show(job.id) for job in jobs],
    )
    assert len(set(seen)) == 2
    assert len({gpu for job in running for gpu in job.gpu_ids}) == 2
    (site.root / "go-gpus").touch()
    assert [job.state for job in site.end_of(*jobs)] == ["succeeded"] * 2


def test_a_job_that_reaches_its_time_limit_fails_and_is_not_tried_again(site: Any) -> None:
    job = site.end_of(
        site.shell(
            "trap 'echo saved > limit; exit 0' TERM; while :; do sleep 0.05; done",
            time_limit_minutes=0.02,
            retries=3,
        )
    )[0]
    assert (job.state, job.reason, job.attempt) == (
        "failed",
        "Reached its time limit of 0.02 min.",
        1,
    )
    assert (site.root / "limit").read_text() == "saved\n"


def test_exit_75_is_saved_and_goes_on_with_the_same_checkpoints(site: Any) -> None:
    script = (
        'mkdir -p "$MLINFRA_CHECKPOINTS"; cd "$MLINFRA_CHECKPOINTS"; [ -e saved ] && { cat saved;'
        " exit 0; }; echo at step 5 > saved; exit 75"
    )
    job = site.end_of(site.shell(script))[0]
    assert (job.state, job.exit_code, job.attempt) == ("succeeded", 0, 2)
    assert site.jobs.logs(job.id).text == "at step 5\n"
    assert [one.reason for one in site.jobs.attempts(job.id).items] == [
        "",
        "Saved its work and asked to continue.",
    ]


def test_a_failed_attempt_is_tried_again(site: Any) -> None:
    job = site.end_of(
        site.shell(
            "[ -e once ] && echo well && exit 0; touch once; echo reading; echo no such table >&2;"
            " exit 4",
            retries=2,
        )
    )[0]
    assert (job.state, job.attempt) == ("succeeded", 2)
    told = [(one.number, one.exit_code, one.reason) for one in site.jobs.attempts(job.id).items]
    assert told == [(2, 0, ""), (1, 4, "Exit code 4: no such table")]


def test_retries_end(site: Any) -> None:
    job = site.end_of(site.shell("echo x >> tries; exit 4", retries=1))[0]
    assert (job.state, job.exit_code, job.attempt) == ("failed", 4, 2)
    assert (site.root / "tries").read_text() == "x\nx\n"


def test_the_log_of_all_attempts_is_one(site: Any) -> None:
    job = site.end_of(site.shell("echo try; exit 4", retries=1))[0]
    assert site.jobs.logs(job.id).text == "try\ntry\n"


def test_progress_is_seen_while_it_runs(site: Any, tools: Any) -> None:
    script = (
        """echo '{"fraction": 0.25, "text": "epoch 1"}' > "$MLINFRA_PROGRESS";"""
        " until [ -e go-progress ]; do sleep 0.05; done"
    )
    job = site.shell(script)
    seen = tools.until(lambda: (now := site.jobs.show(job.id)).progress and now)
    assert (seen.progress.value, seen.progress_text) == (0.25, "epoch 1")
    (site.root / "go-progress").touch()
    site.end_of(job)


def test_times_are_those_of_the_job(site: Any) -> None:
    job = site.end_of(site.shell("sleep 1.2"))[0]
    assert job.submitted_at <= job.started_at < job.ended_at
    assert 1.0 < job.elapsed_seconds < 15


def test_what_a_command_leaves_behind_is_ended(site: Any, tools: Any) -> None:
    job = site.end_of(site.shell("setsid sleep 600 & echo $! > left; exit 0"))[0]
    pid = int((site.root / "left").read_text())
    assert job.state == "succeeded"
    tools.until(
        lambda: (
            not os.path.exists(f"/proc/{pid}")
            or "zombie" in Path(f"/proc/{pid}/status").read_text()
        )
    )


def test_the_pieces_of_a_pipe_that_breaks_end_as_in_a_shell(site: Any) -> None:
    """Python ignores SIGPIPE, and an ignored signal is inherited: `yes | head` would run for
    ever.
    """
    assert site.end_of(site.shell("yes | head -n 1 > /dev/null"))[0].state == "succeeded"


def test_a_job_that_can_never_start_is_refused(site: Any) -> None:
    with pytest.raises(BadRequest):
        site.submit("true", gpus=99)
    assert site.jobs.estimate(JobSpec(command=["true"], gpus=99)).refused


def test_an_estimate_says_when_it_would_start(site: Any) -> None:
    found = site.jobs.estimate(JobSpec(command=["true"]))
    assert found.refused == ""
    assert found.starts_at is not None
