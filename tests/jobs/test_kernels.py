"""The kernel of a notebook job, from its start to its first answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec


def installed(root: Path, *argv: str) -> dict[str, str]:
    """A kernel named `own`, and the environment in which it is found."""
    (root / "share" / "kernels" / "own").mkdir(parents=True)
    (root / "share" / "kernels" / "own" / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Own", "language": "python"})
    )
    return {"JUPYTER_PATH": str(root / "share")}


def finish(jobs: Jobs, **spec: Any) -> Job:
    return jobs.wait([jobs.submit(JobSpec(notebook="n.ipynb", **spec)).id], timeout=120)[0]


def test_a_kernel_that_dies_before_its_first_answer_is_the_reason(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"), kernel="own")
    job = finish(
        jobs,
        environment=installed(
            project.root, sys.executable, "-c", "print('no licence')", "{connection_file}"
        ),
    )
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "The kernel 'own' died before its first answer" in job.reason
    assert "no licence" in jobs.logs(job.id).text


def test_a_kernel_that_is_not_installed_is_the_reason(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"), kernel="absent")
    job = finish(jobs)
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "asks for the kernel 'absent', which is not installed here" in job.reason


def test_a_bar_of_tqdm_auto_is_in_the_log(jobs: Jobs, project: Project, tools: Any) -> None:
    pytest.importorskip("ipywidgets")
    bars = (
        "from tqdm.auto import tqdm, trange\nfor _ in tqdm(range(7), desc='first', mininterval=0):"
        " pass\nfor _ in trange(3, desc='second'): pass"
    )
    tools.write_notebook(
        project.root / "n.ipynb",
        tools.cell("print('before:', [name for name in dir() if name in ('_Bars', '_sys')])"),
        tools.cell(bars),
    )
    job = finish(jobs)
    log = jobs.logs(job.id).text
    assert job.state == "succeeded", log
    assert "first: 100%|" in log
    assert "second: 100%|" in log
    assert "before: []" in log


SLEEPS = (
    "import os, sys, time; open(sys.argv[1] + '.pid', 'w').write(str(os.getpid())); time.sleep(600)"
)


def test_a_kernel_that_was_started_in_vain_ends_with_its_job(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    """It starts before papermill has looked at the notebook."""
    path = tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"), kernel="own")
    notebook = json.loads(path.read_text())
    del notebook["cells"][0]["metadata"]
    path.write_text(json.dumps(notebook))
    mark = project.root / "started"
    job = finish(
        jobs,
        environment=installed(
            project.root, sys.executable, "-c", SLEEPS, str(mark), "{connection_file}"
        ),
    )
    assert (job.state, job.exit_code) == ("failed", 2)
    assert "is not a valid notebook" in job.reason
    assert not tools.processes_of(project.root, supervisor=False)


def test_a_job_that_is_cancelled_while_its_kernel_starts_leaves_none(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell("print(1)"), kernel="own")
    mark = project.root / "started"
    job = jobs.submit(
        JobSpec(
            notebook="n.ipynb",
            environment=installed(
                project.root, sys.executable, "-c", SLEEPS, str(mark), "{connection_file}"
            ),
        )
    )
    pid = tools.until(lambda: Path(f"{mark}.pid").exists() and Path(f"{mark}.pid").read_text())
    jobs.cancel(job.id)
    assert jobs.wait([job.id], timeout=60)[0].state == "cancelled"
    assert not Path(f"/proc/{pid}").exists()


def test_papermill_loads_without_a_grammar_that_takes_most_of_a_second() -> None:
    """jsonschema compiles it for addresses, of which a notebook's schema has none; who asks for it
    later still gets it.
    """
    program = (
        "import sys, jupyter_mlinfra.jobs.inside.engine as engine; assert 'rfc3987_syntax' not in"
        " sys.modules; engine.nbformat; import rfc3987_syntax"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
