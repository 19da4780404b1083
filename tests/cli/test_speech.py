"""How the command line speaks: one JSON value for scripts, text for people, three lines for an
error, an exit code, never a traceback.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.cli.app import groups, main, run
from jupyter_mlinfra.cli.session import Session
from jupyter_mlinfra.core.errors import BadRequest, Unavailable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import page_of
from jupyter_mlinfra.jobs import Jobs
from jupyter_mlinfra.pipelines.spec import PipelineRun, RunState, StepRun, StepState
from tests.cli.conftest import Said
from tests.core.test_import import HEAVY
from tests.server.noted import Noted

BEGIN = {name: group.begin for name, group in groups().items() if group.begin}


def test_json_is_one_value_wherever_the_flag_stands(mlinfra: Callable[..., Said]) -> None:
    for words in (
        ["--json", "jobs", "list"],
        ["jobs", "--json", "list"],
        ["jobs", "list", "--json"],
    ):
        said = mlinfra(*words)
        assert (said.code, said.value) == (
            0,
            {"items": [], "shown": 0, "total": 0, "cursor": None, "note": "", "more": False},
        )


def test_the_project_is_named_wherever_the_option_stands(
    mlinfra: Callable[..., Said], project: Project, tmp_path: Path
) -> None:
    for words in (
        ["--project", str(project.root), "jobs", "list"],
        ["jobs", "list", f"--project={project.root}"],
    ):
        assert mlinfra(*words, "--json", cwd=tmp_path).code == 0


FAILURES = [
    (["jobs", "show", "nope"], 1, "not_found"),
    (["jobs", "list", "--limit", "0"], 2, "bad_request"),
    (["jobs", "list", "--state", "happy"], 2, "bad_request"),
    (["jobs", "submit"], 2, "bad_request"),
    (["jobs", "submit", "none.ipynb"], 1, "not_found"),
    (["jobs", "submit", "train.py"], 2, "bad_request"),
    (["catalog", "delete", "f.p"], 1, "not_found"),
    (["catalog", "trash", "restore"], 2, "bad_request"),
    (["catalog", "move", "f.p", "--tier", "nowhere"], 1, "not_found"),
    (["catalog", "ingest", "a.csv", "--into", "f.p", "--type", "n"], 2, "bad_request"),
    (["jobs", "teleport"], 2, "bad_request"),
    (["teleport"], 2, "bad_request"),
    (["jobs"], 2, "bad_request"),
    ([], 2, "bad_request"),
    (["jobs", "list", "--colour"], 2, "bad_request"),
    (["jobs", "list", "--project"], 2, "bad_request"),
    (["jobs", "list", "--project", "/none"], 1, "not_found"),
    (["catalog", "ingest", "none*.csv", "--into", "a.b"], 1, "not_found"),
    (["monitors", "status", "m", "--since", "soon"], 2, "bad_request"),
    (["monitors", "status", "m", "--since", "999999d"], 2, "bad_request"),
    (["features", "online", "w", "--key", "a=1", "--key", "b=1", "--key", "b=2"], 2, "bad_request"),
    (["features", "materialize", "--start", "yesterday"], 2, "bad_request"),
    (["deployments", "traffic", "f", "v1=half"], 2, "bad_request"),
    (["deployments", "traffic", "f", "v1"], 2, "bad_request"),
    (["pipelines", "runs", "none"], 1, "not_found"),
    (["deployments", "predict", "f", "--rows", "none.json"], 1, "not_found"),
    (["deployments", "predict", "f", "--rows", "broken.json"], 1, "unprocessable"),
    (["deployments", "predict", "f", "--rows", "broken.parquet"], 1, "unprocessable"),
    (["deployments", "delete", "f"], 2, "bad_request"),
    (["pipelines", "run", "none"], 1, "not_found"),
    (["runs", "compare", "a"], 1, "not_found"),
    (["search", "x", "--kind", "planet"], 2, "bad_request"),
]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    FAILURES,
    ids=[" ".join(words) or "nothing" for words, _, _ in FAILURES],
)
def test_a_failure_is_json_for_scripts_and_three_lines_for_people(
    project: Project, capfd: pytest.CaptureFixture[str], words: list[str], code: int, error: str
) -> None:
    (project.root / "broken.json").write_text("{")
    (project.root / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    said = capfd.readouterr()
    value = json.loads(said.out)
    assert (ended.value.code, value["error"]["code"], set(value)) == (code, error, {"error"})
    assert set(value["error"]) == {"code", "what", "why", "fix"}
    if words not in ([], ["jobs"]):  # those print help
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capfd.readouterr()
        assert (ended.value.code, said.out) == (code, "")
        assert said.err.splitlines()[0] == f"error: {value['error']['what']}"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["catalog", "show"], "Usage: mlinfra catalog show [OPTIONS] NAME."),
        (
            ["monitors", "teleport"],
            "mlinfra monitors takes one of: backfill, backtest, cause, compare, evaluate, labels,"
            " list, reference, series, status, watch.",
        ),
        (["jobs", "list", "--colour"], "Usage: mlinfra jobs list [OPTIONS]."),
        (["jobs"], "Usage: mlinfra jobs [OPTIONS] COMMAND [ARGS]..."),
        (["features", "materialize", "--start", "yesterday"], "A moment is written as ISO 8601."),
    ],
)
def test_words_that_cannot_be_used_are_told_what_could_be(
    noted: Noted, capfd: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    error = json.loads(capfd.readouterr().out)["error"]
    assert (error["why"], bool(error["fix"])) == (why, True)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["job", "list"], "Perhaps: mlinfra jobs."),
        (["submit", "a.ipynb"], "Perhaps: mlinfra jobs submit."),
        (["deploy"], "Perhaps: mlinfra deployments, mlinfra deployments deploy."),
        (["jobs", "log"], "Perhaps: mlinfra jobs logs."),
        (["jobs", "teleport"], "mlinfra jobs --help"),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_those_that_may_be_meant(
    words: list[str], meant: str
) -> None:
    with pytest.raises(BadRequest, match="There is no command") as caught:
        run(words, Session())
    assert caught.value.fix == meant


@pytest.mark.parametrize("name", sorted(BEGIN))
def test_an_empty_list_says_how_to_begin(
    noted: Noted, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    noted.answer = page_of([], limit=50)
    for words, told in (
        ([name, "list"], f"There are none yet. To begin: {BEGIN[name]}\n"),
        ([name, "list", "--limit", "5"], "Nothing found.\n"),
    ):
        with pytest.raises(SystemExit):
            main(words)
        assert capsys.readouterr().out == told


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for words in (
        ["jobs", "submit", "--help"],
        ["help", "jobs", "submit"],
        ["jobs", "help", "submit"],
    ):
        run(words, Session())
        told.append(capsys.readouterr().out)
    assert told[0] == told[1] == told[2]
    run(["help"], Session())
    assert "Domains:" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], *([name] for name in groups())], ids=" ".join)
def test_no_list_of_commands_is_cut(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run([*words, "--help"], Session())
    assert [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.endswith("...") and "Usage" not in line
    ] == []


def test_a_share_without_percent_is_shown_one(
    noted: Noted, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["deployments", "traffic", "flights", "v1"])
    assert (
        capfd.readouterr().err
        == "error: 'v1' is not VERSION=PERCENT.\n  why: It has no `=`.\n  fix: For example v1=90"
        " v2=10\n"
    )


def test_a_card_without_targets_says_how_to_add_one(mlinfra: Callable[..., Said]) -> None:
    said = mlinfra("project", "check")
    assert said.code == 0
    assert said.out.splitlines()[0].split(maxsplit=1) == ["targets", "the project card has none"]
    assert "[project.targets]" in said.out
    assert mlinfra("project", "check", "--json").value["items"] == []


def test_a_fault_of_ours_is_an_error_too_and_its_traceback_is_there_for_who_asks(
    noted: Noted, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted.error = ZeroDivisionError("division by zero")
    with pytest.raises(SystemExit) as ended:
        main(["jobs", "list", "--json"])
    said = capfd.readouterr()
    assert (ended.value.code, json.loads(said.out)["error"]["code"], said.err) == (
        1,
        "internal",
        "",
    )
    monkeypatch.setenv("MLINFRA_DEBUG", "1")
    with pytest.raises(SystemExit):
        main(["jobs", "list", "--json"])
    said = capfd.readouterr()
    assert json.loads(said.out)["error"]["why"] == "ZeroDivisionError: division by zero"
    assert "Traceback" in said.err


def test_what_a_library_prints_does_not_spoil_the_json(
    noted: Noted, capfd: pytest.CaptureFixture[str]
) -> None:
    def chatty() -> Any:
        sys.stdout.write("a library says hello\n")
        os.write(1, b"and C code too\n")
        subprocess.run(["echo", "a child as well"], check=True)
        return {"jobs": {}}

    noted.__dict__["status"] = chatty
    with pytest.raises(SystemExit) as ended:
        main(["status", "--json"])
    said = capfd.readouterr()
    assert (ended.value.code, json.loads(said.out)) == (0, {"jobs": {}})
    for words in ("hello", "C code", "a child"):
        assert words in said.err
    sys.stdout.write("standard output is as before\n")
    assert "as before" in capfd.readouterr().out


def test_progress_is_for_people_only(noted: Noted, capfd: pytest.CaptureFixture[str]) -> None:
    class Deployments:
        def deploy(self, name: str, *, on_progress: Callable[[str], None], **_: Any) -> Any:
            on_progress("building")
            return {"name": name}

    noted.__dict__["deployments"] = Deployments()
    for words, expected in ((["--json"], ""), ([], "building\n")):
        with pytest.raises(SystemExit):
            main(["deployments", "deploy", "m/1", *words])
        assert capfd.readouterr().err == expected


def test_in_a_job_progress_and_the_error_go_to_its_files_too(
    noted: Noted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, reason = tmp_path / "progress.json", tmp_path / "reason"
    monkeypatch.setenv("MLINFRA_PROGRESS", str(progress))
    monkeypatch.setenv("MLINFRA_REASON", str(reason))

    class Deployments:
        def deploy(self, name: str, *, on_progress: Callable[[str], None], **_: Any) -> Any:
            on_progress("building")
            raise Unavailable("There is no room.", "The disk is full.", "Make some.")

    noted.__dict__["deployments"] = Deployments()
    for words in (["--json"], []):
        with pytest.raises(SystemExit):
            main(["deployments", "deploy", "m/1", *words])
        assert json.loads(progress.read_text()) == {"fraction": None, "text": "building"}
        assert reason.read_text() == "There is no room. The disk is full. Make some."
        reason.unlink()


def test_an_outcome_that_is_a_failure_is_a_reason_too(
    noted: Noted, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = tmp_path / "reason"
    monkeypatch.setenv("MLINFRA_REASON", str(reason))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    step = StepRun(
        name="train",
        state=StepState.FAILED,
        job=None,
        notebook=None,
        reason="Cell 3 failed",
        started_at=at,
        ended_at=at,
    )
    noted.answer = PipelineRun(
        run="7",
        pipeline="flights",
        state=RunState.FAILED,
        steps=[step],
        parameters={},
        user="a",
        started_at=at,
        ended_at=at,
        reason="",
    )
    with pytest.raises(SystemExit) as ended:
        main(["pipelines", "run", "flights", "--json"])
    assert (ended.value.code, json.loads(capfd.readouterr().out)["error"]["code"]) == (1, "failed")
    assert (
        reason.read_text()
        == "Pipeline flights failed. train: Cell 3 failed. mlinfra pipelines show flights"
    )


def has_open(process: subprocess.Popen[str], file: Path) -> bool:
    """Whether that process has begun to read or write the file."""
    handles = Path(f"/proc/{process.pid}/fd")
    with contextlib.suppress(OSError):  # one that is being closed
        return any(os.readlink(handle) == str(file) for handle in handles.iterdir())
    return False


def test_ctrl_c_that_python_drops_is_not_lost(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def __del__(self) -> None:
            raise KeyboardInterrupt  # dropped: nothing can be raised out of a finaliser

    def answer(*_: object, **__: object) -> None:
        Interrupted()
        time.sleep(30)

    monkeypatch.setattr("jupyter_mlinfra.cli.app.run", answer)
    begun = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        main(["jobs", "list", "--json"])
    assert (ended.value.code, json.loads(capfd.readouterr().out)["error"]["code"]) == (
        130,
        "interrupted",
    )
    assert time.monotonic() - begun < 30


def test_an_interrupt_names_what_could_not_be_ended(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        interrupt = KeyboardInterrupt()
        interrupt.add_note("Run ab12 is not cancelled.")
        raise interrupt

    monkeypatch.setattr(Jobs, "list", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["jobs", "list", "--json", "--project", str(project.root)])
    error = json.loads(capfd.readouterr().out)["error"]
    assert (ended.value.code, error["why"], error["fix"]) == (
        130,
        "Ctrl-C was pressed. Run ab12 is not cancelled.",
        "",
    )


def test_ctrl_c_ends_a_wait_with_130_and_json(
    mlinfra: Callable[..., Said], project: Project
) -> None:
    job = mlinfra(
        "jobs", "submit", "--json", "--", sys.executable, "-c", "import time; time.sleep(60)"
    ).value["id"]
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "jobs", "wait", job, "--json"]
    waiting = subprocess.Popen(
        command,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What was started in the background of a shell ignores interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while not has_open(waiting, project.home / "state.db"):
            assert waiting.poll() is None, waiting.communicate()
            time.sleep(0.05)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=120)
    finally:
        waiting.kill()
        mlinfra("down")
    assert waiting.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert "Traceback" not in err


def test_ctrl_c_within_an_exec_of_an_import_ends_with_130(project: Project, tmp_path: Path) -> None:
    # Many imports run text as code (dataclasses, named tuples); CPython ends `python -m` by SIGINT
    # after an interrupt in there.
    patch = """
import jupyter_mlinfra.cli.app as app
def interrupted(*_, **__):
    raise KeyboardInterrupt
def fail(*words, **named):
    try:
        return once(*words, **named)
    finally:
        try:
            exec("raise KeyboardInterrupt")
        except KeyboardInterrupt:
            pass
app.run, app._fail, once = interrupted, fail, app._fail
"""
    (tmp_path / "sitecustomize.py").write_text(patch)
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "jobs", "list", "--json"]
    ended = subprocess.run(
        command,
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, json.loads(ended.stdout)["error"]["code"]) == (130, "interrupted")


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    pipe_in, pipe_out = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlinfra.cli", "status"],
        cwd=project.root,
        stdout=pipe_out,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(pipe_in)
    os.close(pipe_out)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


def test_an_answer_that_cannot_be_written_is_said(project: Project) -> None:
    for words in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "jupyter_mlinfra.cli", "status", *words]
            done = subprocess.run(
                command,
                cwd=project.root,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        assert done.returncode == 1
        assert done.stderr.startswith("error: The answer could not be written.")
        assert "Traceback" not in done.stderr


def test_a_log_that_ends_in_half_a_letter_is_shown_as_far_as_it_goes(
    mlinfra: Callable[..., Said], project: Project
) -> None:
    script = """
import pathlib, sys, time
sys.stdout.buffer.write(b"step 1 \\xc3"); sys.stdout.flush()
pathlib.Path("half").touch()
while not pathlib.Path("go").exists(): time.sleep(0.05)
sys.stdout.buffer.write(b"\\xa9\\n")
"""
    job = mlinfra("jobs", "submit", "--json", "--", sys.executable, "-c", script).value["id"]
    try:
        deadline = time.monotonic() + 60
        while not (project.root / "half").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert mlinfra("jobs", "logs", job).out == "step 1 "  # it ends, though a byte more is there
        (project.root / "go").touch()
        assert mlinfra("jobs", "logs", job, "-f").out == "step 1 é\n"
    finally:
        mlinfra("down")


def test_a_job_is_followed_to_its_end(mlinfra: Callable[..., Said]) -> None:
    script = (
        "import time\nfor number in range(3): print('line', number, flush=True);"
        " time.sleep(0.4)\nraise SystemExit(3)"
    )
    job = mlinfra("jobs", "submit", "--json", "--", sys.executable, "-c", script).value["id"]
    try:
        assert mlinfra("jobs", "logs", job, "-f").out == "line 0\nline 1\nline 2\n"
        assert mlinfra("jobs", "logs", job, "--json").value["text"] == "line 0\nline 1\nline 2\n"
        assert mlinfra("jobs", "logs", job, "--tail", "1").out == "line 2\n"
        waited = mlinfra("jobs", "wait", job, "--json")
        assert (
            waited.code,
            waited.value["items"][0]["exit_code"],
            waited.value["error"]["code"],
        ) == (1, 3, "failed")
        shown = mlinfra("jobs", "show", job, "--json").value
        assert (shown["state"], shown["exit_code"]) == ("failed", 3)
    finally:
        assert mlinfra("down", "--json").code == 0


def test_init_makes_a_project_once(mlinfra: Callable[..., Said], tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    said = mlinfra("init", "--json", cwd=folder).value
    assert (said["root"], said["created"]) == (str(folder), True)
    assert any(step.startswith("mlinfra catalog ingest") for step in said["next"])
    (folder / "mlinfra.toml").write_text("[project]\nname = 'kept'\n")
    assert mlinfra("init", "--json", cwd=folder).value["created"] is False
    assert mlinfra("project", "show", "--json", cwd=folder).value["name"] == "kept"
    assert mlinfra("status", "--json", cwd=folder).value["jobs"]["failed"] == 0


def test_help_costs_no_heavy_library_and_a_list_of_jobs_little() -> None:
    code = (
        "import sys\nfrom jupyter_mlinfra.cli.app import main\ntry: main(sys.argv[1:])\nexcept"
        " SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    assert {name.partition(".")[0] for name in done.stderr.split()} & HEAVY == set()
    assert "Domains:" in done.stdout


def test_a_list_of_jobs_loads_no_data_library(project: Project) -> None:
    project.database.data_version()  # brings the schema up to date, which needs Alembic once
    code = (
        "import sys\nfrom jupyter_mlinfra.cli.app import main\ntry: main(['jobs', 'list'])\nexcept"
        " SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project.root
    )
    assert {name.partition(".")[0] for name in done.stderr.split()} & (
        HEAVY - {"pydantic"}
    ) == set()


def test_how_far_a_verb_is_is_said_to_who_watches_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jupyter_mlinfra.cli.session._SAY_SECONDS", 0.0)
    said: list[str] = []
    Session(say=said.append).progress(0.5, "reading: 3 rows")
    Session(json=True, say=said.append).progress(0.6, "reading: 4 rows")
    Session().progress(0.7, "reading: 5 rows")  # stderr is no terminal here
    assert said == ["50 %, reading: 3 rows"]
    assert capsys.readouterr().err == ""
