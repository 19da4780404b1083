"""Logs, parameters, scripts, specs, environments, backends: each by itself."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.core.errors import BadRequest, NotFound, Unavailable, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.runtime_folder import _in_memory, runtime_folder
from jupyter_mlinfra.jobs import Jobs, JobSpec, load_backend
from jupyter_mlinfra.jobs.attempt.environment import forget, keep, recall
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.attempt.log import read_log
from jupyter_mlinfra.jobs.submit.checks import script_of
from jupyter_mlinfra.notebooks import Parameter
from jupyter_mlinfra.notebooks.parameters import parameters_of, read_notebook
from jupyter_mlinfra.pipelines.notebook import read_notebook as of_pipelines


def write_logs(home: Path, *parts: bytes) -> None:
    for number, part in enumerate(parts, 1):
        folder = home / "jobs" / "7f3a" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").write_bytes(part)


@given(
    parts=st.lists(st.text(alphabet="aé€🚀\n", max_size=20), min_size=1, max_size=3),
    limit=st.integers(1, 12),
)
def test_a_log_read_in_pieces_is_the_whole_log(
    parts: list[str], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    write_logs(home, *(part.encode() for part in parts))
    whole, text, offset = "".join(parts), "", 0
    for _ in range(200):
        chunk = read_log(
            home, "7f3a", len(parts), offset=offset, limit=max(limit, 4), tail=None, ended=True
        )
        text, offset = text + chunk.text, chunk.next
        if chunk.ended:
            break
    assert text == whole
    assert (offset, chunk.size) == (len(whole.encode()), len(whole.encode()))


@given(
    parts=st.lists(st.text(alphabet="ab\n", max_size=20), min_size=1, max_size=3),
    tail=st.integers(1, 6),
)
def test_a_tail_is_the_last_lines(
    parts: list[str], tail: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    write_logs(home, *(part.encode() for part in parts))
    chunk = read_log(home, "7f3a", len(parts), offset=0, limit=1000, tail=tail, ended=True)
    assert chunk.text == "".join("".join(parts).splitlines(keepends=True)[-tail:])
    assert chunk.ended


def test_half_a_character_at_the_end_of_a_growing_log_is_left_for_the_next_read(
    tmp_path: Path,
) -> None:
    write_logs(tmp_path, "ab€".encode()[:-1])
    chunk = read_log(tmp_path, "7f3a", 1, offset=0, limit=100, tail=None, ended=False)
    assert (chunk.text, chunk.next, chunk.ended) == ("ab", 2, False)
    done = read_log(tmp_path, "7f3a", 1, offset=0, limit=100, tail=None, ended=True)
    assert (done.text, done.ended) == ("ab\ufffd", True)


def test_bytes_that_are_no_text_are_shown_as_such_and_do_not_stop_the_reader(
    tmp_path: Path,
) -> None:
    write_logs(tmp_path, b"\xff\xfe\x80" * 10 + b"end")
    text, offset = "", 0
    while not text.endswith("end"):
        chunk = read_log(tmp_path, "7f3a", 1, offset=offset, limit=5, tail=None, ended=True)
        assert chunk.next > offset
        text, offset = text + chunk.text, chunk.next
    assert text.count("\ufffd") >= 10


def test_a_log_read_backwards_is_the_whole_log_in_whole_lines_whatever_its_bytes_are(
    tmp_path: Path,
) -> None:
    lines = [b"\xff\xfe %d \xc3\n" % number for number in range(50)] + [
        b"y" * 70 + b"\n",
        b"the end",
    ]
    write_logs(tmp_path, b"".join(lines[:20]), b"".join(lines[20:]))
    whole, until, pieces = b"".join(lines), None, list[bytes]()
    while until != 0:
        chunk = read_log(
            tmp_path, "7f3a", 2, offset=0, limit=60, tail=1000, until=until, ended=True
        )
        assert chunk.offset < chunk.next == (len(whole) if until is None else until)
        pieces.insert(0, whole[chunk.offset : chunk.next])
        assert chunk.text == pieces[0].decode("utf-8", "replace")
        until = chunk.offset
    assert b"".join(pieces) == whole
    # Within the line that is longer than a piece, and nowhere else.
    assert {piece[-1:] for piece in pieces if piece[:1] != b"y"} == {b"\n", b"y", b"d"}
    assert sum(piece[-1:] == b"y" for piece in pieces) == 1


def test_a_piece_of_a_log_ends_behind_a_line_where_it_can(tmp_path: Path) -> None:
    write_logs(tmp_path, b"one\ntwo\nthree" + b"x" * 40)
    ends = [
        read_log(tmp_path, "7f3a", 1, offset=offset, limit=10, tail=None, ended=False).next
        for offset in (0, 8)
    ]
    assert ends == [8, 18]
    # What is there of the last line.
    assert read_log(tmp_path, "7f3a", 1, offset=8, limit=100, tail=None, ended=False).next == 53


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"limit": 0}, {"tail": 0}])
def test_a_part_of_a_log_that_makes_no_sense_is_refused(
    wrong: dict[str, int], tmp_path: Path
) -> None:
    with pytest.raises(BadRequest):
        read_log(
            tmp_path, "7f3a", 1, **{"offset": 0, "limit": 10, "tail": None, "ended": True, **wrong}
        )


def test_an_exit_code_counts_only_when_it_was_written_whole(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path)
    for text, code in (
        (None, None),
        ("", None),
        ("13", None),
        ("137\n", 137),
        ("0\n", 0),
        ("x\n", None),
    ):
        if text is not None:
            (tmp_path / "exit").write_text(text)
        assert attempt.exit_code() == code


NO_PROGRESS = [
    "",
    "{",
    "[]",
    '{"fraction": "x"}',
    '{"fraction": true}',
    '{"text": 5}',
    '{"fraction": NaN}',
    '{"fraction": Infinity}',
    "[" * 9000,
]


@pytest.mark.parametrize("text", NO_PROGRESS)
def test_a_progress_file_that_makes_no_sense_is_no_progress(text: str, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text(text)
    fraction, words = Attempt(tmp_path).read_progress()
    assert fraction is None
    assert isinstance(words, str)


@pytest.mark.parametrize(
    ("text", "fraction", "words"),
    [
        (
            '{"fraction": 0.5, "text": "reading caf\\udce9.csv"}',
            0.5,
            "reading caf?.csv",
        ),  # a file's name that is no text, as Python hands it on
        ('{"fraction": 0.5, "text": "\\ud83d"}', 0.5, "?"),  # half an emoji
        ('{"fraction": 0.5, "text": ["a"]}', 0.5, ""),
        ('{"fraction": 1' + "0" * 400 + "}", 1.0, ""),
        ('{"fraction": -1' + "0" * 400 + "}", 0.0, ""),
        ('{"fraction": 0.5, "cells": 1' + "0" * 400 + "}", 0.5, ""),
        ('{"fraction": 0.5, "cells": -1}', 0.5, ""),
    ],
)
def test_odd_progress_is_read_as_far_as_it_makes_sense(
    text: str, fraction: float, words: str, tmp_path: Path
) -> None:
    (tmp_path / "progress.json").write_text(text)
    (tmp_path / "cell.json").write_text('{"fraction": 1}')
    assert Attempt(tmp_path).read_progress() == (fraction, words)


def test_a_claim_that_was_not_written_whole_is_none(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path)
    for text, pid in ((None, None), ("", None), ("12", None), ("1234\n", 1234)):
        if text is not None:
            (tmp_path / "claim").write_text(text)
        assert attempt.claimed() == pid


def test_parameters_have_names_types_and_defaults(jobs: Jobs, project: Project, tools: Any) -> None:
    source = (
        '"""Settings."""\nimport datetime\ndepth = 6  # levels\nrate: float = 0.1\nday ='
        ' "2013-12-01"\nflags = [1, "a"]\nnothing = None\nmaybe: int | None = None\nwhen ='
        " datetime.date(2013, 1, 1)\na = b = True\ndepth = 7\nx, (y, z) = 1, (2, None)\nrate_only:"
        " int\n"
    )
    tools.write_notebook(
        project.root / "n.ipynb", tools.cell("other = 1"), tools.cell(source, "parameters")
    )
    assert jobs.parameters("n.ipynb") == [
        Parameter(name="depth", type="int", default=7),
        Parameter(name="rate", type="float", default=0.1),
        Parameter(name="day", type="str", default="2013-12-01"),
        Parameter(name="flags", type="list", default=[1, "a"]),
        Parameter(name="nothing", type="", default=None),
        Parameter(name="maybe", type="int | None", default=None),
        Parameter(name="when", type="", default="datetime.date(2013, 1, 1)"),
        Parameter(name="a", type="bool", default=True),
        Parameter(name="b", type="bool", default=True),
        Parameter(name="x", type="int", default=1),
        Parameter(name="y", type="int", default=2),
        Parameter(name="z", type="", default=None),
    ]


PARAMETER_CELLS: dict[str, dict[str, Any]] = {
    "threshold = 0.5  # right?": {"threshold": 0.5},
    "%load_ext x\nthreshold = 0.5": {"threshold": 0.5},
    "%%time\nthreshold = 0.5": {"threshold": 0.5},
    "!pip install 'it\nthreshold = 0.5  # why?\nthreshold?\n?threshold": {"threshold": 0.5},
    'question = "why?"\ntext = """\n%s\nhow?\n"""\n%matplotlib inline': {
        "question": "why?",
        "text": "\n%s\nhow?\n",
    },
    "rest = (7\n% 4)\n!ls": {"rest": "7 % 4"},
    "files = !ls\nn = 1": {"files": None, "n": 1},
    "if True:\n    %time x\nn = 1": {"n": 1},
    "a, *b = 1, 2\nc, d = f()\ne[0], f.g = 1, 2": {
        "a": "(1, 2)",
        "b": "(1, 2)",
        "c": "f()",
        "d": "f()",
    },
    "a = 1\nb = (": {},
    "a = \0": {},
    "a = " + "-" * 50_000 + "1": {},
    "%%bash\nfor f in *; do echo $f; done": {},
}


@pytest.mark.parametrize("source", PARAMETER_CELLS)
def test_jobs_and_pipelines_see_the_same_parameters(
    source: str, tmp_path: Path, tools: Any
) -> None:
    path = tools.write_notebook(tmp_path / "n.ipynb", tools.cell(source, "parameters"))
    found = parameters_of(read_notebook(path, "n.ipynb"))
    assert found is not None
    assert {parameter.name: parameter.default for parameter in found} == PARAMETER_CELLS[source]
    assert of_pipelines(path, "n.ipynb").parameters == set(PARAMETER_CELLS[source])


def test_a_notebook_without_parameters_has_none(jobs: Jobs, project: Project, tools: Any) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("depth = 6"))
    assert jobs.parameters("n.ipynb") == []
    (project.root / "n.ipynb").write_text("no notebook")
    with pytest.raises(Unprocessable, match="is not a notebook"):
        jobs.parameters("n.ipynb")


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (["python", "train.py"], 1),
        (["python3.12", "-u", "train.py", "conf.py"], 2),
        (["/usr/bin/python3", "-W", "ignore", "train.py"], 3),
        (["sh", "src/run.sh"], 1),
        (["./train.py"], 0),
        (["src/run.sh", "train.py"], 0),
        (["bash", "-x", "src/run.sh"], 2),
        (["python", "-m", "train"], None),
        (["python", "-c", "x", "train.py"], None),
        (["sh", "-c", "python train.py"], None),
        (["python", "missing.py"], None),
        (["python", "../outside.py"], None),
        (["cp", "train.py", "x.py"], None),
        (["python"], None),
        (["env/bin/tool", "train.py"], None),
        (["python", "env/bin/tool"], None),
        ([".venv/bin/python", "train.py"], 1),
        (["train.py"], None),
    ],
)
def test_the_script_of_a_command_is_found(
    command: list[str], place: int | None, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    for name in (
        "train.py",
        "conf.py",
        "src/run.sh",
        "env/bin/tool",
        "env/pyvenv.cfg",
        ".venv/bin/python",
        "../outside.py",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    assert script_of(command, root, root) == place


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"notebook": "n.ipynb", "command": ["x"]},
        {"command": "ls -l"},
        {"command": ["a\0b"]},
        {"command": ["\ud800"]},
        {"command": [1]},
        {"command": ["x"], "gpus": -1},
        {"command": ["x"], "cpus": -1},
        {"command": ["x"], "retries": -1},
        {"command": ["x"], "memory_gib": 0},
        {"command": ["x"], "time_limit_minutes": -2},
        {"command": ["x"], "priority": 101},
        {"command": ["x"], "environment": {"A=B": "x"}},
        {"command": ["x"], "environment": {"": "x"}},
        {"command": ["x"], "environment": {"é x": "x"}},
        {"command": ["x"], "environment": {"1A": "x"}},
        *(
            {"command": ["x"], name: float(value)}
            for name in ("memory_gib", "time_limit_minutes")
            for value in ("nan", "inf", "-inf")
        ),
        {"command": ["x"], "labels": {"a": "\ud83d"}},
        {"command": ["x"], "key": "\ud83d"},
        {"notebook": "n.ipynb", "parameters": {"day": "\ud800"}},
        {"notebook": "n.ipynb", "parameters": {"days": [{"\udc80": 1}]}},
        {"notebook": "n.ipynb", "array": [{"day": "\ud800"}]},
    ],
)
def test_a_spec_refuses_nonsense(spec: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        JobSpec(**spec)


def test_a_command_takes_no_parameters(jobs: Jobs) -> None:
    with pytest.raises(BadRequest, match="takes no parameters"):
        jobs.submit(JobSpec(command=["true"], parameters={"a": 1}))


def test_an_environment_is_kept_in_memory_for_its_owner_only_and_forgotten(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path)
    values = {"A": "1", "B": "x=y\nz", "C": "", "D": os.fsdecode(b"\xff")}
    path = Path(keep(values, folder))
    try:
        assert recall(str(path)) == values
        assert keep(values, folder) == str(path)
        assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
        forget(folder, jobs=[], environments=[])
        assert path.exists()  # fresh: its job may be about to be written down
        old = time.time() - 7200
        os.utime(path, (old, old))
        forget(folder, jobs=[], environments=[str(path)])
        assert path.exists()
        forget(folder, jobs=[], environments=[])
        assert recall(str(path)) is None
    finally:
        shutil.rmtree(folder)


def test_no_environment_is_left_once_no_job_needs_it(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runtime_folder(project.home)

    def kept() -> int:
        return len(list(folder.glob("*.environment")))

    monkeypatch.setenv("SECRET", "one")
    done = [jobs.submit(JobSpec(command=["true"])).id for _ in range(2)]
    jobs.wait(done, timeout=tools.wait)
    tools.until(lambda: kept() == 0)
    go = "while [ ! -e go ]; do sleep 0.02; done; echo $SECRET"
    first = jobs.submit(JobSpec(command=["sh", "-c", go], cpus=2))
    later = jobs.submit(JobSpec(command=["sh", "-c", "echo $SECRET"]))
    monkeypatch.setenv("SECRET", "two")
    other = jobs.submit(JobSpec(command=["sh", "-c", "exit 1"]))
    assert kept() == 2
    jobs.cancel(other.id)
    tools.until(lambda: jobs.show(first.id).state == "running")
    jobs.stop()
    assert kept() == 1, "of the job that runs and of the one that waits"
    jobs.start()
    (project.root / "go").touch()
    jobs.wait([first.id, later.id], timeout=tools.wait)
    assert [jobs.logs(job.id).text for job in (first, later)] == ["one\n", "one\n"]
    tools.until(lambda: kept() == 0)


def test_a_runtime_folder_that_others_can_enter_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as base:
        monkeypatch.setenv("XDG_RUNTIME_DIR", base)
        good = runtime_folder(tmp_path)
        assert good.parent == Path(base) / "mlinfra"
        good.parent.chmod(0o755)
        other = runtime_folder(tmp_path)
        assert other.parent == Path(f"/dev/shm/mlinfra-{os.getuid()}")
        shutil.rmtree(other)


def test_no_environment_is_kept_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not remembered.
    monkeypatch.setattr("jupyter_mlinfra.core.runtime_folder._in_memory", _in_memory.__wrapped__)
    mounts = "/dev/root / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda path, *_, **__: mounts)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = runtime_folder(tmp_path)
    assert folder.is_relative_to("/dev/shm")
    shutil.rmtree(folder)
    mounts = "/dev/root / ext4 rw 0 0\n"
    with pytest.raises(Unavailable, match="in memory"):
        runtime_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_local_backend_is_found_and_an_unknown_one_is_named(project: Project) -> None:
    assert type(load_backend("local", project)).__name__ == "LocalBackend"
    with pytest.raises(NotFound, match=r"no job backend 'nomad'.*local"):
        load_backend("nomad", project)


def test_a_state_folder_that_cannot_be_made_is_a_clear_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_HOME", "/proc/mlinfra")  # a place that even root cannot write to
    with pytest.raises(Unavailable) as caught:
        Jobs(Project.open(project.root)).submit(JobSpec(command=["true"]))
    assert "/proc/mlinfra" in caught.value.what
    assert caught.value.fix


def test_one_long_log_is_cut_to_its_end_and_costs_the_others_nothing(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.jobs.queue import retention
    from jupyter_mlinfra.jobs.queue.store import JobStore

    ids = [jobs.submit(JobSpec(command=["echo", f"words of {n}"])).id for n in range(3)]
    jobs.wait(ids, timeout=tools.wait)
    jobs.stop()
    monkeypatch.setattr(retention, "KEEP_BYTES", 5000)
    monkeypatch.setattr(retention, "LOG_BYTES", 1000)
    long = "".join(f"line {n}\n" for n in range(1000))
    (project.home / "jobs" / ids[2] / "1" / "log").write_text(long)
    for _ in range(2):  # what was cut is not cut again
        retention.Retention(JobStore(project.database), project.root, project.home).tidy(int)
        first, *rest = jobs.logs(ids[2]).text.splitlines(keepends=True)
        assert first.startswith(
            f"[{len(long) - len(''.join(rest)):,} bytes were removed before this"
        )
        assert long.endswith("".join(rest))
        assert 400 < len("".join(rest)) <= 500
        assert [jobs.logs(ident).text for ident in ids[:2]] == ["words of 0\n", "words of 1\n"]


def test_the_newest_logs_are_kept_whatever_they_need_and_a_cleared_one_says_so(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.jobs.queue import retention
    from jupyter_mlinfra.jobs.queue.store import JobStore

    ids = [jobs.submit(JobSpec(command=["echo", f"words of {n}"])).id for n in range(3)]
    ids += [jobs.submit(JobSpec(command=command)).id for command in (["true"], ["no-such-program"])]
    jobs.wait(ids, timeout=tools.wait)
    monkeypatch.setattr(retention, "KEEP_BYTES", 5)
    monkeypatch.setattr(retention, "KEEP_NEWEST", 3)
    retention.Retention(JobStore(project.database), project.root, project.home).tidy(int)
    assert [jobs.logs(ident).text for ident in ids] == ["", "", "words of 2\n", "", ""]
    notes = [jobs.logs(ident).note[:24] for ident in ids]
    assert notes == ["The log was removed, as "] * 2 + ["", "The job printed nothing.", ""]


def test_old_logs_go_and_executed_notebooks_stay(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.jobs.queue.retention import Retention
    from jupyter_mlinfra.jobs.queue.store import JobStore

    monkeypatch.setattr("jupyter_mlinfra.jobs.queue.retention.KEEP_JOBS", 1)
    monkeypatch.setattr("jupyter_mlinfra.jobs.queue.retention.KEEP_NEWEST", 1)
    ids = [jobs.submit(JobSpec(command=["echo", str(n)])).id for n in range(3)]
    jobs.wait(ids, timeout=tools.wait)
    executed = project.home / "jobs" / ids[0] / "1" / "n.ipynb"
    executed.write_text(json.dumps({}))
    Retention(JobStore(project.database), project.root, project.home).tidy(int)
    assert [jobs.logs(ident).text for ident in ids] == ["", "", "2\n"]
    assert executed.exists()
    assert jobs.logs(ids[0]).note
    assert not (project.home / "jobs" / ids[1]).exists()
    assert jobs.show(ids[1]).state == "succeeded"


def test_a_stored_job_whose_variables_no_shell_passes_on_is_still_read() -> None:
    from jupyter_mlinfra.jobs.queue.rows import dump, spec_of

    spec = JobSpec(command=["x"], environment={"A": "1", "B": "2"})
    assert spec_of(dump(spec).replace('"B"', '"é x"')).environment == {"A": "1"}


def test_a_job_with_a_very_long_program_has_a_short_name_and_row(jobs: Jobs, tools: Any) -> None:
    from jupyter_mlinfra.faces.rows import row_of

    job = jobs.submit(JobSpec(command=["x" * 99_999]))
    assert len(job.name) == 200
    assert max(map(len, row_of(job).values())) == 200
    jobs.wait([job.id], timeout=tools.wait)
