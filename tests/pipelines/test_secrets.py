"""Secrets of pipelines and jobs: a value in clear is refused wherever it is given, and one that a
cell prints is blotted out.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.pipelines import Pipelines

from .made_up import states

CANARY = "canary-5f1d77"
FILE = """
    pipeline: p
    parameters: {db_password: env:DB_PASSWORD, lot: 1}
    steps:
      a: {notebook: a.ipynb, params: {password: "{{ db_password }}"}}
    """


@pytest.fixture
def notebook(workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DB_PASSWORD", CANARY)
    workshop.pipeline(FILE)
    return workshop.notebook(
        "a",
        "print('it is', password)",
        "{'deep': [password]}",
        "raise ValueError(f'no entry for {password}')",
        parameters="password = ''",
    )


def test_a_secret_that_a_cell_prints_reaches_no_file_of_the_project(
    notebook, project: Project, pipelines: Pipelines, jobs: Jobs
):
    run = pipelines.run("p")
    assert states(run) == {"a": "failed"}
    step = run.steps[0]
    assert step.reason == "Cell 4 failed at line 1: ValueError: no entry for [secret]"
    outputs = json.dumps(
        [
            cell.get("outputs")
            for cell in json.loads((project.root / step.notebook).read_text())["cells"]
        ]
    )
    assert (
        "it is [secret]" in outputs,
        "'deep': ['[secret]']" in outputs,
        "no entry for [secret]" in outputs,
    ) == (True, True, True)
    assert "[secret]" in jobs.logs(step.job).text
    assert run.parameters["db_password"] == "env:DB_PASSWORD"
    jobs.stop(cancel_running=True)
    found = subprocess.run(
        ["grep", "-rlF", CANARY, str(project.root)], capture_output=True, text=True
    )
    assert found.stdout == "", "neither state, log, notebook nor lineage holds it"


GIVEN = {
    "a default of the file": (
        FILE.replace("env:DB_PASSWORD", "hunter22"),
        "p.mlpipeline.yaml, line 2",
    ),
    "a parameter of a step": (
        FILE.replace('"{{ db_password }}"', "hunter22"),
        "p.mlpipeline.yaml, line 4",
    ),
    "an item": (
        FILE.replace(
            'params: {password: "{{ db_password }}"}', "foreach: {password: [hunter22, hunter22x]}"
        ),
        "p.mlpipeline.yaml, line 4",
    ),
    "a number": (FILE.replace("env:DB_PASSWORD", "22222222"), "p.mlpipeline.yaml, line 2"),
    "a value in a mapping": (
        FILE.replace("lot: 1", "lot: {user: bob, db_password: hunter22}"),
        "p.mlpipeline.yaml, line 2",
    ),
    "a value through a plain name in a mapping": (
        FILE.replace("lot: 1", "lot: hunter22").replace(
            '{password: "{{ db_password }}"}', '{password: {deep: ["{{ lot }}"]}}'
        ),
        "p.mlpipeline.yaml, line 4",
    ),
    "a value through a plain name": (
        FILE.replace("lot: 1", "lot: hunter22").replace("{{ db_password }}", "{{ lot }}"),
        "p.mlpipeline.yaml, line 4",
    ),
}


def test_secrets_within_lists_and_mappings_reach_the_kernel_and_nothing_else(
    notebook, workshop, project: Project, pipelines: Pipelines, jobs: Jobs
):
    workshop.notebook(
        "a",
        "assert conn == {'user': 'bob', 'password': 'canary-' + '5f1d77', 'all': ['canary-' +"
        " '5f1d77', 1.5, None, True, 'a\\n\\'']}",
        "print(conn)",
        "open('made', 'w').write(str(more))",
        parameters="conn = {}\nmore = 0",
    )
    workshop.pipeline("""
        pipeline: p
        parameters: {word: env:DB_PASSWORD}
        steps:
          a:
            notebook: a.ipynb
            params: {conn: {user: bob, password: "{{ word }}",
                            all: ["{{ word }}", 1.5, null, true, "a\\n'"]}, more: 3}
            out: made
        """)
    run = pipelines.run("p")
    assert states(run) == {"a": "succeeded"}, run.steps[0].reason
    assert (project.root / "made").read_text() == "3"
    assert "'password': '[secret]', 'all': ['[secret]', 1.5" in jobs.logs(run.steps[0].job).text
    jobs.stop(cancel_running=True)
    assert (
        subprocess.run(
            ["grep", "-rlF", CANARY, str(project.root)], capture_output=True, text=True
        ).stdout
        == ""
    )


@pytest.mark.parametrize("case", GIVEN)
def test_a_value_in_clear_in_the_file_is_refused_with_its_line_and_not_repeated(
    case: str, notebook, workshop, pipelines: Pipelines
):
    text, place = GIVEN[case]
    workshop.pipeline(text)
    with pytest.raises(MLInfraError) as caught:
        pipelines.check("p")
    assert place in caught.value.what
    assert "stored in clear" in caught.value.what
    assert "env:" in caught.value.fix
    assert "hunter22" not in str(caught.value)
    assert "22222222" not in str(caught.value)


def test_a_value_in_clear_is_refused_by_a_run_a_step_and_a_submit(
    notebook, pipelines: Pipelines, jobs: Jobs
):
    asked = [
        lambda: pipelines.run("p", parameters={"db_password": "hunter22"}),
        lambda: jobs.submit(JobSpec(notebook="a.ipynb", parameters={"password": "hunter22"})),
        lambda: pipelines.run("p", parameters={"lot": {"user": "bob", "password": "hunter22"}}),
        lambda: jobs.submit(
            JobSpec(
                notebook="a.ipynb",
                parameters={"password": "env:DB_PASSWORD"},
                array=[{"password": ["hunter22"]}],
            )
        ),
    ]
    for ask in asked:
        with pytest.raises(BadRequest, match=r"stored in clear.*env:") as caught:
            ask()
        assert "hunter22" not in str(caught.value)
    with pytest.raises(MLInfraError, match="stored in clear") as refused:
        pipelines.run_step("p", "a", parameters={"password": "hunter22"})
    assert "hunter22" not in str(refused.value)
    with pytest.raises(NotFound, match="NOT_THERE"):
        jobs.submit(JobSpec(notebook="a.ipynb", parameters={"password": {"of": ["env:NOT_THERE"]}}))
    assert (pipelines.count_runs(), jobs.list().total) == (0, 0)
