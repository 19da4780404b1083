"""Clones of jobs and arrays: what stays as it was, what is changed, and which code they run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec


def test_a_clone_runs_the_present_code_or_that_of_then(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    script = project.root / "train.py"
    script.write_text("print('old')")
    first = jobs.submit(JobSpec(command=["python", "train.py"], priority=70, retries=2))
    jobs.wait([first.id], timeout=tools.wait)
    script.write_text("print('new')")
    new, old = jobs.clone(first.id, priority=60), jobs.clone(first.id, same_code=True)
    jobs.wait([new.id, old.id], timeout=tools.wait)
    assert [jobs.logs(job.id).text for job in (new, old)] == ["new\n", "old\n"]
    assert [(job.priority, job.retries) for job in (new, old)] == [(60, 2), (70, 2)]
    assert old.snapshot == first.snapshot


def test_a_clone_of_the_same_code_can_need_other_things(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    script = project.root / "train.py"
    script.write_text("print('old')")
    first = jobs.submit(
        JobSpec(command=["python", "train.py"], name="first", memory_gib=0.1, time_limit_minutes=5)
    )
    script.write_text("print('new')")
    clone = jobs.clone(
        first.id,
        same_code=True,
        name="second",
        memory_gib=None,
        time_limit_minutes=9,
        priority=80,
        after=(first.id,),
    )
    assert (
        clone.name,
        clone.memory_gib,
        clone.time_limit_minutes,
        clone.priority,
        clone.after,
    ) == ("second", None, 9, 80, [first.id])
    assert jobs.wait([clone.id], timeout=tools.wait)[0].state == "succeeded"
    assert jobs.logs(clone.id).text == "old\n"


def test_a_clone_with_the_same_code_runs_in_the_project_s_own_folders(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    (project.root / "work").mkdir()
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print('then')"))
    first = jobs.submit(JobSpec(notebook="n.ipynb", cwd="work", output="out.ipynb"))
    jobs.wait([first.id], timeout=tools.wait)
    (project.root / "n.ipynb").unlink()
    clone = jobs.clone(first.id, same_code=True)
    assert jobs.wait([clone.id], timeout=tools.wait)[0].state == "succeeded"


def test_a_clone_does_not_write_over_the_notebook_that_a_pipeline_keeps(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print('then')"))
    kept = project.home.relative_to(project.root) / "runs" / "7f3a" / "step.ipynb"
    first = jobs.submit(JobSpec(notebook="n.ipynb", output=str(kept)))
    jobs.wait([first.id], timeout=tools.wait)
    before = (project.root / kept).read_bytes()
    clone = jobs.clone(first.id)
    assert jobs.wait([clone.id], timeout=tools.wait)[0].state == "succeeded"
    assert clone.output not in (None, str(kept))
    assert (project.root / kept).read_bytes() == before


def test_a_clone_of_an_array_is_the_whole_array(jobs: Jobs, tools: Any, project: Project) -> None:
    source = "depth, rate, kind = 1, 0.5, 'a'"
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell(source, "parameters"),
        tools.cell("print(depth, rate, kind)"),
    )
    array = [{"depth": 4, "kind": True}, {"depth": 6, "kind": 1}, {"depth": 8, "kind": 1}]
    first = jobs.submit(
        JobSpec(
            notebook="n.ipynb",
            parameters={"rate": 0.1},
            array=array,
            max_parallel=2,
            name="grid",
            key="k",
        )
    )
    clone = jobs.clone(first.id, priority=60)
    assert clone.id != first.id
    assert clone.array is not None
    assert (clone.name, clone.priority, clone.array.size, clone.array.max_parallel) == (
        "grid",
        60,
        3,
        2,
    )
    given = [dict(jobs.show(ident).parameters) for ident in clone.array.elements]
    assert given == [{"rate": 0.1, **element} for element in array]
    assert [type(values["kind"]) for values in given] == [bool, int, int]
    # What takes no parameters any more.
    tools.write_notebook(project.root / "n.ipynb", tools.cell("pass"))
    again = jobs.clone(first.id, same_code=True, parameters={"rate": 0.2})
    assert again.array is not None
    assert [dict(jobs.show(ident).parameters) for ident in again.array.elements] == [
        {"rate": 0.2, **element} for element in array
    ]


def test_a_clone_of_an_array_whose_elements_would_be_alike_is_refused(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    tools.write_notebook(
        project.root / "n.ipynb", tools.cell("depth, seed = 1, 1", "parameters"), tools.cell("pass")
    )
    first = jobs.submit(
        JobSpec(
            notebook="n.ipynb",
            array=[{"depth": depth, "seed": seed} for depth, seed in ((4, 1), (6, 1), (6, 2))],
        )
    )
    with pytest.raises(BadRequest, match=r"alike.*depth"):
        jobs.clone(first.id, parameters={"depth": 8})
    assert jobs.list(limit=5).total == 1
    one = jobs.clone(f"{first.id}/1", parameters={"depth": 8})
    assert (one.array, dict(one.parameters)) == (None, {"depth": 8, "seed": 1})
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("depth, seed, rate = 1, 1, 1", "parameters"),
        tools.cell("pass"),
    )
    grid = jobs.submit(
        JobSpec(notebook="n.ipynb", array=[{"depth": 4, "seed": 1}, {"depth": 6, "seed": 2}])
    )
    still = jobs.clone(grid.id, parameters={"depth": 8})  # they differ by their seeds
    assert still.array is not None
    assert [dict(jobs.show(ident).parameters) for ident in still.array.elements] == [
        {"seed": 1, "depth": 8},
        {"seed": 2, "depth": 8},
    ]


@pytest.mark.slow
def test_a_clone_of_a_step_is_a_job_by_itself(jobs: Jobs, tools: Any, project: Project) -> None:
    tools.write_notebook(
        project.root / "train.ipynb",
        tools.cell("import os\nprint('of', os.environ.get('MLFLOW_RUN_CONTEXT'))"),
    )
    labels = {"pipeline": "toy", "run": "7f3a", "step": "train[depth=6]", "team": "a"}
    context = {"MLFLOW_RUN_CONTEXT": '{"mlinfra.run": "7f3a"}', "SEED": "1"}
    first = jobs.submit(
        JobSpec(
            notebook="train.ipynb",
            name="toy/train[depth=6]",
            labels=labels,
            environment=context,
            checkpoints="kept",
        )
    )
    clone = jobs.clone(first.id)
    assert (clone.name, dict(clone.labels)) == ("train", {"team": "a"})
    assert first.checkpoints is not None
    assert first.checkpoints.endswith("kept")
    assert clone.checkpoints not in (None, first.checkpoints)
    assert jobs.wait([clone.id], timeout=tools.wait)[0].state == "succeeded"
    assert "mlinfra.run" not in json.dumps(
        json.loads((project.root / str(clone.output)).read_text())["cells"]
    )


def test_a_clone_has_checkpoints_of_its_own_unless_it_is_told_others(jobs: Jobs) -> None:
    first = jobs.submit(
        JobSpec(command=["true"], checkpoints="kept", name="fit", labels={"team": "a"})
    )
    own, shared = jobs.clone(first.id), jobs.clone(first.id, checkpoints="kept")
    assert own.checkpoints != first.checkpoints == shared.checkpoints
    assert (own.name, dict(own.labels)) == ("fit", {"team": "a"})


def test_a_clone_of_an_element_is_that_one_alone(jobs: Jobs, tools: Any) -> None:
    first = jobs.submit(
        JobSpec(
            command=["sh", "-c", "echo $RATE $DEPTH"],
            environment={"RATE": "1"},
            array=[{"DEPTH": 4}, {"DEPTH": 6}],
        )
    )
    one, both = jobs.clone(f"{first.id}/1"), jobs.clone(first.id)
    assert (one.array, one.part_of) == (None, None)
    assert both.array is not None
    jobs.wait([one.id, both.id], timeout=tools.wait)
    assert [jobs.logs(ident).text for ident in (one.id, *both.array.elements)] == [
        "1 6\n",
        "1 4\n",
        "1 6\n",
    ]
