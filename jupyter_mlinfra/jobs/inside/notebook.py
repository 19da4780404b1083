"""The process of a notebook job: papermill runs one notebook, and its outputs are kept whatever
happens.

python -m jupyter_mlinfra.jobs.inside.notebook TASK.json

Exit code 0; 1 after an error in a cell; that of sys.exit if a cell calls it; 2 if the notebook
cannot be run at all; 128 plus the signal if the job was asked to end. A kernel that catches the
signal, as `jupyter_mlinfra.training` does, gets the time to save.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ...core.database import Database
from ...core.errors import MLInfraError
from ...core.runtime_folder import runtime_folder
from ...core.variables import JOB, NODE, PROGRESS
from ...notebooks.parameters import EXPECTED, check_parameters, kernel_of, read_notebook, tags_of
from ..attempt.files import NotebookTask
from ..queue.store import JobStore
from .report import give_reason
from .signals import preempt_signals

if TYPE_CHECKING:
    from ...notebooks.kernel import Kernel, Ready

TELL_SECONDS = 1.0
"""Seconds between two progress events."""
_SAID = 300
"""How many characters of an error go into the job's reason."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run(task: NotebookTask, home: Path, ready: Ready | None = None) -> int:
    """Run the notebook; returns the exit code of the job and writes its reason.

    home: the project's state. ready: a running kernel for this notebook alone.
    """
    from jupyter_client.kernelspec import NoSuchKernel

    from ...notebooks.kernel import end

    try:
        for number in preempt_signals():
            signal.signal(number, _end)
        plain = read_notebook(Path(task.source), task.shown)
        check_parameters(plain, task.parameters, task.shown)
        progress = Path(os.environ[PROGRESS]) if PROGRESS in os.environ else None
        if progress is not None:
            # The code inside a cell reports apart from the cells.
            os.environ[PROGRESS] = str(progress.with_name("cell.json"))
        kernel = ready.kernel if ready is not None else _launched(kernel_of(plain), task, home)
        try:
            return _run_in(
                kernel, ready, task, plain, progress=progress, report=_follower(home / "state.db")
            )
        finally:
            if kernel.has_kernel:  # something failed before its first cell
                end(kernel)
    except MLInfraError as error:
        return _because(str(error), 2)
    except NoSuchKernel as error:
        return _because(
            f"{task.shown} asks for the kernel {error.name!r}, which is not installed here. Open it"
            " with another kernel and save it.",
            2,
        )


def _launched(name: str, task: NotebookTask, home: Path) -> Kernel:
    """A starting kernel. Raises NoSuchKernel."""
    from ...notebooks.kernel import launch, new_kernel

    kernel = new_kernel(
        name,
        str(
            runtime_folder(home)
            / f"{os.environ.get(JOB, str(os.getpid()))}.{os.urandom(4).hex()}.kernel"
        ),
    )
    launch(kernel, task.code)
    return kernel


def _run_in(
    kernel: Kernel,
    ready: Ready | None,
    task: NotebookTask,
    plain: Mapping[str, Any],
    *,
    progress: Path | None,
    report: Callable[[float], None],
) -> int:
    # Papermill takes as long to load as the kernel to start.
    from ...notebooks.kernel import connect
    from .engine import INJECTED, DeadKernelError, execute, prepare

    notebook = prepare(task, plain)
    try:
        ready = ready or connect(kernel)
        ended_by = execute(notebook, task, ready, progress=progress, report=report)
    except DeadKernelError:
        running = next(
            (
                index
                for index, cell in enumerate(notebook.cells)
                if cell.metadata.papermill.status in ("running", "failed")
            ),
            0,
        )
        return _because(
            f"The kernel died in cell {_number(notebook, running, INJECTED)}: often the machine ran"
            " out of memory.",
            1,
        )
    if ended_by is not None:
        return 128 + ended_by
    for index, cell in enumerate(notebook.cells):
        expected = EXPECTED in tags_of(cell)
        for output in cell.get("outputs", []):
            if output.output_type == "error" and not expected:
                return _judge(output, cell, _number(notebook, index, INJECTED))
    return 0


def _judge(output: Any, cell: Any, number: str) -> int:
    """The exit code after an error in a cell."""
    if output.ename == "SystemExit":
        code = str(output.evalue)
        if code in ("", "0", "None") or code.isdigit():
            return int(code) if code.isdigit() else 0
    text = [_COLOURS.sub("", line) for line in output.traceback]
    sys.stderr.write("\n".join(text) + "\n")
    lines = re.findall(rf"Cell In\[{cell.execution_count}\], line (\d+)", "\n".join(text))
    position = f" at line {lines[-1]}" if lines else ""
    first = next(iter(str(output.evalue).strip().splitlines()), "")
    message = first if len(first) <= _SAID else f"{first[: _SAID - 1]}…"
    return _because(f"Cell {number} failed{position}: {output.ename}: {message}".rstrip(": "), 1)


def _number(notebook: Any, index: int, injected: str) -> str:
    """A cell's number as the author counts, from 1 and without the injected cell of parameters."""
    if injected in notebook.cells[index].metadata.get("tags", []):
        return "of injected parameters"
    return str(
        index
        + 1
        - sum(injected in cell.metadata.get("tags", []) for cell in notebook.cells[:index])
    )


def _because(reason: str, code: int) -> int:
    sys.stderr.write(f"{reason}\n")
    give_reason(reason)
    return code


def _follower(state: Path) -> Callable[[float], None]:
    """A function that sends progress events, but not more often than useful; on other machines the
    follower of the jobs does.
    """
    job, reported_at = os.environ.get(JOB), -TELL_SECONDS

    def tell(fraction: float) -> None:
        nonlocal reported_at
        if job is None or NODE in os.environ or time.monotonic() - reported_at < TELL_SECONDS:
            return
        reported_at = time.monotonic()
        # A job must not fail because it could not be watched.
        with contextlib.suppress(MLInfraError):
            JobStore(Database(state)).report_progress(job, fraction)

    return tell


def _end(number: int, _: Any) -> None:
    sys.exit(128 + number)  # passes the `finally` that writes the notebook


def run_attempt(path: Path, ready: Ready | None = None) -> NoReturn:
    """Run the task in this file of an attempt's folder, and exit with the job's exit code."""
    sys.exit(run(NotebookTask.read(path), path.parents[3], ready))


def main() -> None:
    """Run the task of the file on the command line."""
    run_attempt(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
