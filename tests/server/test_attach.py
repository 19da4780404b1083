"""A terminal of the Jupyter server in the environment of a job: for whoever may open terminals,
where there are any.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import JobSpec
from jupyter_mlinfra.workbench import Workbench, current

WORK = "import time; print('began', flush=True); time.sleep(600)"


@pytest.fixture
def bench(project: Project) -> Iterator[Workbench]:
    found = current()
    yield found
    found.jobs.stop(cancel_running=True)


@pytest.fixture
def job(bench: Workbench) -> Any:
    """A job that runs."""
    (bench.project.root / "work.py").write_text(WORK)
    found = bench.jobs.submit(JobSpec(command=[sys.executable, "work.py"], name="working"))
    while bench.jobs.show(found.id).state in ("queued", "starting"):
        bench.jobs.wait([found.id], timeout=0.05)
    return found


async def test_a_terminal_runs_in_the_job_s_code_with_its_words(
    ask: Callable[..., Any], job: Any, jp_serverapp: Any, bench: Workbench
) -> None:
    answer = await ask(f"jobs/jobs/{job.id[:6]}/attach", {})
    assert (answer.code, answer.value["job"], answer.value["note"]) == (200, job.id, "")
    manager = jp_serverapp.web_app.settings["terminal_manager"]
    terminal = manager.terminals[answer.value["name"]]
    terminal.ptyproc.write(
        'echo "<$MLINFRA_JOB> <$(head -c 11 work.py)> <${MLINFRA_PROCESS_TOKEN:-none}>"\n'
    )
    wanted = f"<{job.id}> <import time> <none>"
    async with asyncio.timeout(60):
        while wanted not in "".join(terminal.read_buffer):  # noqa: ASYNC110 - the terminal tells nobody
            await asyncio.sleep(0.05)
    await manager.terminate_all()
    assert bench.jobs.show(job.id).state == "running"


async def test_what_is_in_the_way_is_the_answer(
    ask: Callable[..., Any], bench: Workbench, job: Any, jp_serverapp: Any
) -> None:
    waits = bench.jobs.submit(JobSpec(command=["true"], after=[job.id]))
    answer = await ask(f"jobs/jobs/{waits.id}/attach", {})
    assert (answer.code, answer.value["error"]) == (409, "conflict")
    assert not jp_serverapp.web_app.settings["terminal_manager"].terminals


class NoTerminals(Authorizer):
    """Lets everybody do everything but open a terminal."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "terminals"


async def test_who_may_open_no_terminal_may_not_attach(
    ask: Callable[..., Any], job: Any, jp_serverapp: Any
) -> None:
    jp_serverapp.web_app.settings["authorizer"] = NoTerminals(parent=jp_serverapp)
    answer = await ask(f"jobs/jobs/{job.id}/attach", {})
    assert (answer.code, answer.value["error"]) == (403, "forbidden")
    assert not jp_serverapp.web_app.settings["terminal_manager"].terminals


@pytest.mark.parametrize(
    "jp_server_config",
    [{"ServerApp": {"jpserver_extensions": {"jupyter_mlinfra": True}, "terminals_enabled": False}}],
)
async def test_a_server_without_terminals_says_so(ask: Callable[..., Any], job: Any) -> None:
    answer = await ask(f"jobs/jobs/{job.id}/attach", {})
    assert (answer.code, answer.value["error"]) == (503, "unavailable")
    assert "terminals_enabled" in answer.value["why"]
    assert "mlinfra jobs attach" in answer.value["fix"]
