"""Notebooks as jobs: parameters, errors, frozen code, secrets."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, NotFound, TooLarge, Unprocessable
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import to_json
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec


def finish(jobs: Jobs, tools: Any, **spec: Any) -> Job:
    job = jobs.submit(JobSpec(**spec))
    return jobs.wait([job.id], timeout=120)[0]


def executed(project: Project, job: Job) -> dict[str, Any]:
    assert job.output is not None
    notebook: dict[str, Any] = json.loads((project.root / job.output).read_text())
    return notebook


HOSTILE = {
    "text": "; $(touch owned) `id` '\"\\ \n {x} %s 🚀",
    "numbers": [1, 2.5, -3, None, True],
    "nested": {"a b": {"'": '"'}, "list": [[]]},
    "ratio": 0.1 + 0.2,
}


@pytest.mark.slow
def test_a_notebook_that_printed_nothing_says_so_and_where_it_is(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "quiet.ipynb", tools.cell("seven = 7"))
    job = finish(jobs, tools, notebook="quiet.ipynb")
    assert job.output is not None
    log = jobs.logs(job.id)
    assert (log.text, log.ended) == ("", True)
    assert log.note == f"The job printed nothing. The executed notebook is {job.output}."
    (project.root / job.output).unlink()
    assert jobs.logs(job.id).note == "The job printed nothing."


def test_a_notebook_runs_with_parameters_that_arrive_verbatim(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "sub dir" / "it's {a} $(note)book.ipynb",
        tools.cell("text = ''\nnumbers: list = []\nnested = {}\nratio = 0.0", "parameters"),
        tools.cell(
            "import json\njson.dump([text, numbers, nested, ratio], open('seen.json',"
            " 'w'))\nprint('written')"
        ),
    )
    job = finish(jobs, tools, notebook="sub dir/it's {a} $(note)book.ipynb", parameters=HOSTILE)
    assert (job.state, job.reason, job.exit_code) == ("succeeded", "", 0)
    # It ran in the notebook's own folder.
    seen = json.loads((project.root / "sub dir" / "seen.json").read_text())
    assert seen == list(HOSTILE.values())
    assert jobs.logs(job.id).text == "written\n"
    assert job.name == "it's {a} $(note)book"
    assert (job.progress.value, job.progress_text) == (1.0, "2 cells")
    tags = [cell["metadata"]["tags"] for cell in executed(project, job)["cells"]]
    assert tags == [["parameters"], ["injected-parameters"], []]


def test_parameters_for_a_notebook_without_the_tagged_cell_are_refused_with_the_fix(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "plain.ipynb", tools.cell("depth = 3"))
    with pytest.raises(BadRequest) as caught:
        jobs.submit(JobSpec(notebook="plain.ipynb", parameters={"depth": 6}))
    assert caught.value.what == "plain.ipynb takes no parameters."
    assert caught.value.why == "depth was given, but no cell is tagged `parameters`."
    assert "tag it `parameters`" in caught.value.fix
    assert jobs.list().total == 0


def test_a_parameter_that_the_notebook_does_not_have_is_refused(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "train.ipynb", tools.cell("depth = 3\nday = 'x'", "parameters")
    )
    with pytest.raises(BadRequest, match=r"no parameter dpeth.*depth, day"):
        jobs.submit(JobSpec(notebook="train.ipynb", parameters={"dpeth": 6}))
    with pytest.raises(BadRequest, match="has no JSON form"):
        jobs.submit(JobSpec(notebook="train.ipynb", parameters={"depth": object()}))


def test_an_error_in_cell_3_ends_the_job_names_the_line_and_keeps_the_notebook(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "bad.ipynb",
        tools.cell("n = 1", "parameters"),
        tools.cell("print('before')"),
        tools.cell("x = n\ny = x / (n - n)"),
        tools.cell("open('never', 'w')"),
    )
    job = finish(jobs, tools, notebook="bad.ipynb", parameters={"n": 2})
    assert (job.state, job.exit_code) == ("failed", 1)
    assert job.reason == "Cell 3 failed at line 2: ZeroDivisionError: division by zero"
    outputs = [cell["outputs"] for cell in executed(project, job)["cells"]]
    assert outputs[2][0]["text"] == ["before\n"]
    assert (outputs[3][0]["output_type"], outputs[3][0]["ename"]) == ("error", "ZeroDivisionError")
    assert not (project.root / "never").exists()
    assert "ZeroDivisionError" in jobs.logs(job.id).text
    assert job.progress.value == 0.5
    shown = jobs.executed(job.output)
    assert shown.content["cells"][shown.failed_cell]["source"] == ["x = n\n", "y = x / (n - n)"]


@pytest.mark.slow
def test_a_reason_that_is_too_long_shows_that_it_was_cut(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "n.ipynb", tools.cell("raise ValueError('a column is missing; ' * 30)")
    )
    job = finish(jobs, tools, notebook="n.ipynb")
    assert job.reason.startswith(
        "Cell 1 failed at line 1: ValueError: a column is missing; a column"
    )
    assert (job.reason[-1], len(job.reason) < 400) == ("…", True)


def test_an_error_that_a_cell_is_tagged_for_fails_no_job(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("1 / 0", "raises-exception"),
        tools.cell("print('after')"),
    )
    job = finish(jobs, tools, notebook="n.ipynb")
    assert (job.state, job.reason, jobs.logs(job.id).text) == ("succeeded", "", "after\n")
    assert job.output is not None
    assert jobs.executed(job.output).failed_cell is None
    tools.write_notebook(
        project.root / "n.ipynb", tools.cell("1 / 0", "raises-exception"), tools.cell("'a' + 1")
    )
    job = finish(jobs, tools, notebook="n.ipynb")
    assert (job.state, job.reason[:35]) == ("failed", "Cell 2 failed at line 1: TypeError:")
    assert job.output is not None
    shown = jobs.executed(job.output)
    assert shown is not None
    assert shown.failed_cell == 1
    assert jobs.executed(job.output, since=to_json(shown.modified_at)) is None
    assert jobs.executed(job.output, since="2020-01-01T00:00:00Z") == shown


@pytest.mark.slow
def test_a_kernel_whose_sockets_are_closed_as_it_ends_leaves_no_error_in_the_log(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    """The race of ipykernel's two threads, always lost; any other error of its callbacks is still
    told.
    """
    cell = """
import zmq
from ipykernel.kernelbase import Kernel
error = zmq.ZMQError(zmq.{errno})
def say(self, status, channel, stream, original=Kernel._publish_status_and_flush, error=error):
    if channel == "control":
        raise error
    original(self, status, channel, stream)
Kernel._publish_status_and_flush = say
print("ran")
"""
    logs = []
    for errno in ("ENOTSOCK", "EFSM"):
        tools.write_notebook(project.root / "n.ipynb", tools.cell(cell.replace("{errno}", errno)))
        logs.append(jobs.logs(finish(jobs, tools, notebook="n.ipynb").id).text)
    assert logs[0] == "ran\n"
    assert "Uncaught exception in ZMQStream callback" in logs[1]


@pytest.mark.parametrize("cells", ["[1]", '[{"outputs": 1}]', '[{"outputs": [1]}]'])
def test_an_executed_notebook_whose_cells_are_none_is_refused(
    cells: str, jobs: Jobs, project: Project
) -> None:
    place = project.home / "jobs" / "x" / "n.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text(f'{{"cells": {cells}}}')
    with pytest.raises(Unprocessable, match="Its cell 1 is not a cell"):
        jobs.executed(".mlinfra/jobs/x/n.ipynb")


def test_only_what_was_executed_is_shown_from_the_state_of_the_project(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("1"))
    (project.home / "jobs" / "x").mkdir(parents=True)
    tools.write_notebook(project.home / "secret.ipynb", tools.cell("1"))
    tools.write_notebook(project.home / "jobs" / "x" / "n.ipynb", tools.cell("1"))
    (project.home / "jobs" / "x" / "link.ipynb").symlink_to(project.home / "secret.ipynb")
    (project.home / "jobs" / "x" / "task.json").write_text("{}")
    assert jobs.executed(".mlinfra/jobs/x/n.ipynb").failed_cell is None
    hidden = (
        "n.ipynb",
        ".mlinfra/secret.ipynb",
        ".mlinfra/jobs/x/link.ipynb",
        ".mlinfra/jobs/x/task.json",
        ".mlinfra/jobs/../secret.ipynb",
        ".mlinfra/jobs/x",
    )
    for path in (*hidden, "/etc/passwd", ".mlinfra/jobs/none.ipynb", ""):
        with pytest.raises(NotFound):
            jobs.executed(path)


@pytest.mark.parametrize(
    ("source", "code", "reason"),
    [
        ("import sys\nsys.exit(75)", 75, None),
        pytest.param("import sys\nsys.exit(9)", 9, "Exit code 9.", marks=pytest.mark.slow),
        pytest.param("import sys\nsys.exit()", 0, "", marks=pytest.mark.slow),
        ("def f(:\n  pass", 1, "Cell 1 failed at line 1: SyntaxError"),
        ("import os\nos._exit(3)", 1, "The kernel died in cell 1"),
    ],
)
def test_a_cell_that_ends_the_run_decides_the_exit_code(
    source: str, code: int, reason: str | None, jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "end.ipynb", tools.cell(source), tools.cell("open('never', 'w')")
    )
    job = jobs.submit(JobSpec(notebook="end.ipynb"))
    if code == 75:
        again = tools.until(lambda: (seen := jobs.show(job.id)).attempt == 2 and seen, seconds=120)
        assert again.state in ("starting", "running", "queued")
        return
    ended = jobs.wait([job.id], timeout=120)[0]
    assert ended.exit_code == code
    assert ended.reason.startswith(reason or "")
    assert not (project.root / "never").exists()


def test_editing_notebook_and_module_after_the_submit_changes_nothing(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    blocker = jobs.submit(
        JobSpec(command=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"], cpus=2)
    )
    (project.root / "work").mkdir()
    (project.root / "work" / "helper.py").write_text("value = 'old module'\n")
    (project.root / "work" / "data.txt").write_text("old data")
    path = tools.write_notebook(
        project.root / "work" / "n.ipynb",
        tools.cell("import helper\nprint('old notebook', helper.value, open('data.txt').read())"),
    )
    job = jobs.submit(JobSpec(notebook="work/n.ipynb"))
    tools.write_notebook(path, tools.cell("print('new notebook')"))
    (project.root / "work" / "helper.py").write_text("value = 'new module'\n")
    (project.root / "work" / "data.txt").write_text("new data")
    (project.root / "go").touch()
    ended = jobs.wait([blocker.id, job.id], timeout=120)[1]
    assert ended.state == "succeeded"
    # Code is frozen, data is the project's own.
    assert jobs.logs(job.id).text == "old notebook old module new data\n"
    assert ended.snapshot == job.snapshot is not None


def test_editing_a_script_after_the_submit_changes_nothing(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    blocker = jobs.submit(
        JobSpec(command=["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"], cpus=2)
    )
    (project.root / "src").mkdir()
    (project.root / "src" / "part.py").write_text("part = 'old'\n")
    (project.root / "src" / "train.py").write_text(
        "import sys, part\nprint('old', part.part, sys.argv[1:])\nopen('result', 'w').write('x')\n"
    )
    job = jobs.submit(JobSpec(command=["python3", "-u", "src/train.py", "src/part.py"]))
    (project.root / "src" / "train.py").write_text("print('new')\n")
    (project.root / "src" / "part.py").write_text("part = 'new'\n")
    (project.root / "go").touch()
    assert jobs.wait([blocker.id, job.id], timeout=120)[1].state == "succeeded"
    assert jobs.logs(job.id).text == "old old ['src/part.py']\n"
    assert (project.root / "result").exists()


def test_a_secret_parameter_is_resolved_in_the_kernel_and_written_nowhere(
    jobs: Jobs, project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "canary-88aa31")
    tools.write_notebook(
        project.root / "s.ipynb",
        tools.cell("password = ''\nuser = 'x'", "parameters"),
        tools.cell("print(password == 'canary-' + '88aa31', user)"),
    )
    job = finish(
        jobs, tools, notebook="s.ipynb", parameters={"password": "env:DB_PASSWORD", "user": "ana"}
    )
    assert jobs.logs(job.id).text == "True ana\n"
    assert executed(project, job)["metadata"]["papermill"]["parameters"] == {
        "password": "env:DB_PASSWORD",
        "user": "ana",
    }
    jobs.stop()
    for path in project.root.rglob("*"):
        assert not path.is_file() or b"canary-88aa31" not in path.read_bytes(), path
    with pytest.raises(NotFound, match="NOT_THERE"):
        jobs.submit(JobSpec(notebook="s.ipynb", parameters={"password": "env:NOT_THERE"}))


@pytest.mark.slow
def test_the_executed_notebook_goes_where_it_is_asked_to(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"))
    job = finish(jobs, tools, notebook="n.ipynb", output="out/deep/done.ipynb")
    assert job.output == "out/deep/done.ipynb"
    assert executed(project, job)["cells"][0]["outputs"][0]["text"] == ["1\n"]
    for output in ("n.ipynb", "n.txt", "../n.ipynb", "/tmp/n.ipynb"):
        with pytest.raises(BadRequest):
            jobs.submit(JobSpec(notebook="n.ipynb", output=output))


def test_an_output_takes_the_place_of_an_earlier_output_and_of_no_other_file(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"))
    source = tools.write_notebook(project.root / "train.ipynb", tools.cell("precious"))
    finish(jobs, tools, notebook="n.ipynb", output="done.ipynb")
    copy = project.root / "edited.ipynb"
    copy.write_bytes((project.root / "done.ipynb").read_bytes())  # a source from now on
    (project.root / "empty.ipynb").touch()
    for path in (source, copy, project.root / "empty.ipynb"):
        before = path.read_bytes()
        with pytest.raises(BadRequest, match=r"no job has written\.") as refused:
            jobs.submit(JobSpec(notebook="n.ipynb", output=path.name))
        assert refused.value.fix == f"Use another name, or remove {path.name} first."
        assert path.read_bytes() == before
    assert finish(jobs, tools, notebook="n.ipynb", output="done.ipynb").state == "succeeded"


def test_progress_within_a_cell_adds_to_that_of_the_cells(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    code = (
        "import json, os, pathlib, time\np = os.environ['MLINFRA_PROGRESS']\nopen(p + '~',"
        " 'w').write(json.dumps({'fraction': 0.5, 'text': 'epoch 2/4'}))\nos.replace(p + '~',"
        " p)\nwhile not pathlib.Path('go').exists(): time.sleep(0.02)"
    )
    tools.write_notebook(project.root / "n.ipynb", tools.cell("1"), tools.cell(code))
    job = jobs.submit(JobSpec(notebook="n.ipynb"))
    seen = tools.until(
        lambda: "epoch" in (now := jobs.show(job.id)).progress_text and now, seconds=120
    )
    assert (seen.progress.value, seen.progress_text) == (0.75, "cell 2/2 · epoch 2/4")
    (project.root / "go").touch()
    assert jobs.wait([job.id], timeout=120)[0].progress.value == 1.0


def test_a_cancelled_notebook_leaves_no_kernel_and_keeps_what_was_run(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("print('first')"),
        tools.cell("open('up', 'w')\nimport time; time.sleep(600)"),
    )
    job = jobs.submit(JobSpec(notebook="n.ipynb"))
    tools.until((project.root / "up").exists, seconds=120)
    jobs.cancel(job.id)
    ended = jobs.wait([job.id], timeout=120)[0]
    assert (ended.state, ended.reason) == ("cancelled", "Cancelled by ana.")
    assert tools.processes_of(project.root, supervisor=False) == []
    assert executed(project, ended)["cells"][0]["outputs"][0]["text"] == ["first\n"]


def test_what_was_said_before_a_long_silent_cell_is_in_the_file_when_the_runner_is_killed(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    """Takes more than five seconds, the time between two saves: the outputs come just after one."""
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("print('early')"),
        tools.cell("print('just now')\nimport time\ntime.sleep(600)"),
    )
    job = jobs.submit(JobSpec(notebook="n.ipynb", output="out.ipynb"))

    def texts() -> list[str]:
        cells = (
            json.loads((project.root / "out.ipynb").read_text())["cells"]
            if (project.root / "out.ipynb").exists()
            else []
        )
        return ["".join(output["text"]) for cell in cells for output in cell["outputs"]]

    tools.until(lambda: texts() == ["early\n", "just now\n"])
    words = {process: process.cmdline() for process in tools.processes_of(project.root)}
    next(
        process
        for process, line in words.items()
        if "jupyter_mlinfra.jobs.inside.notebook" in line and line[0] != "sh"
    ).kill()
    assert jobs.wait([job.id], timeout=60)[0].state == "failed"
    assert texts() == ["early\n", "just now\n"]


def test_a_kernel_that_is_not_installed_is_named(jobs: Jobs, project: Project, tools: Any) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("1"), kernel="venv-of-bob")
    job = finish(jobs, tools, notebook="n.ipynb")
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "'venv-of-bob', which is not installed" in job.reason


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, NotFound),
        (b"{", Unprocessable),
        (b"[]", Unprocessable),
        (b'{"worksheets": []}', Unprocessable),
        (b"\x93NUMPY", Unprocessable),
    ],
)
def test_what_is_no_notebook_is_refused_at_submit(
    content: bytes | None, error: type[Exception], jobs: Jobs, project: Project
) -> None:
    if content is not None:
        (project.root / "n.ipynb").write_bytes(content)
    with pytest.raises(error, match=r"n\.ipynb"):
        jobs.submit(JobSpec(notebook="n.ipynb"))
    assert jobs.list().total == 0


def test_a_notebook_outside_the_project_is_refused(
    jobs: Jobs, project: Project, tools: Any, tmp_path: Path
) -> None:
    outside = tools.write_notebook(tmp_path / "outside.ipynb", tools.cell("1"))
    (project.root / "link.ipynb").symlink_to(outside)
    for name in ("../outside.ipynb", str(outside), "link.ipynb"):
        with pytest.raises(BadRequest, match="not in the project"):
            jobs.submit(JobSpec(notebook=name))
        with pytest.raises(BadRequest, match="not in the project"):
            jobs.parameters(name)


def test_of_a_path_outside_the_project_it_is_not_said_whether_it_is_there(
    jobs: Jobs, tools: Any, tmp_path: Path
) -> None:
    said = list[str]()
    for name in ("there.ipynb", "gone.ipynb"):
        path = tmp_path / "outside" / name
        if name == "there.ipynb":
            tools.write_notebook(path, tools.cell("secret = 1", "parameters"))
        with pytest.raises(BadRequest) as refused:
            jobs.parameters(path)
        said.append(str(refused.value).replace(name, "NAME"))
    assert said[0] == said[1]


def test_what_is_no_file_or_too_large_is_not_read(jobs: Jobs, project: Project) -> None:
    os.mkfifo(project.root / "fifo.ipynb")
    (project.root / "folder.ipynb").mkdir()
    with open(project.root / "large.ipynb", "wb") as file:
        file.truncate(101 * 2**20)  # takes no room on the disk
    (project.root / "circle.ipynb").symlink_to("circle.ipynb")
    for name, error in (
        ("fifo.ipynb", NotFound),
        ("circle.ipynb", BadRequest),
        ("a\0b", BadRequest),
        ("folder.ipynb", NotFound),
        ("large.ipynb", TooLarge),
    ):
        with pytest.raises(error):
            jobs.parameters(name)


def test_a_notebook_larger_than_a_snapshot_may_be_is_refused(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    (project.root / "mlinfra.toml").write_text("[jobs]\nsnapshot_max_mib = 0.01\n")
    tools.write_notebook(project.root / "n.ipynb", tools.cell("x = 1\n" * 5000))
    with pytest.raises(TooLarge, match=r"snapshot_max_mib"):
        Jobs(Project.open(project.root)).submit(JobSpec(notebook="n.ipynb"))


@pytest.mark.slow
def test_a_python_file_beside_the_notebook_replaces_no_library_as_little_as_in_jupyterlab(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    for name in ("json.py", "random.py", "sqlite3.py"):
        (project.root / name).write_text("raise SystemExit('shadowed')\n")
    tools.write_notebook(project.root / "n.ipynb", tools.cell("import json, random\nprint('ran')"))
    job = finish(jobs, tools, notebook="n.ipynb")
    assert (job.state, jobs.logs(job.id).text) == ("succeeded", "ran\n")


def test_the_parameters_of_a_job_are_those_given_and_the_defaults_of_then(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    path = project.root / "n.ipynb"
    tools.write_notebook(path, tools.cell("depth: int = 6\nword = 'plane'", "parameters"))
    job = jobs.submit(JobSpec(notebook="n.ipynb", parameters={"depth": 8}))
    tools.write_notebook(path, tools.cell("depth: int = 6\nword = 'ship'", "parameters"))
    assert [(each.name, each.type, each.value, each.given) for each in jobs.values(job.id)] == [
        ("depth", "int", 8, True),
        ("word", "str", "plane", False),
    ]
    jobs.wait([job.id], timeout=tools.wait)
    shutil.rmtree(project.home / "snapshots")
    assert [(each.name, each.value) for each in jobs.values(job.id)] == [("depth", 8)]


def test_the_backends_are_named_with_the_usual_one(jobs: Jobs) -> None:
    assert {each.name: each.usual for each in jobs.backends()} == {
        "kubernetes": False,
        "local": True,
        "ray": False,
        "slurm": False,
    }
