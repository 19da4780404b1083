"""Papermill, but the executed notebook is written in one step on a timer instead of twice per cell.

Imported only by the process of a notebook job: papermill takes a second to load.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from jupyter_core.utils import run_sync

from ...core.errors import MLInfraError, Unprocessable
from ...core.files import write_atomic
from ...core.imports import without
from ...core.secrets import is_reference, redacted, references, resolve
from ...notebooks.kernel import Ready
from ...notebooks.parameters import kernel_of, language_of
from ..attempt.files import NotebookTask, write_progress
from .signals import catches, preempt_signals

# jsonschema's grammar of addresses takes 0.8 s to compile at each import, and no notebook's schema
# needs it.
with without("rfc3987_syntax"):
    import nbformat
    from nbclient.exceptions import DeadKernelError as DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NotebookExecutionManager
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook
    from papermill.translators import PythonTranslator

SAVE_SECONDS = 5.0
QUIET_SECONDS = 120
"""How long the last output of a cell may take to arrive."""
INJECTED = "injected-parameters"


class Manager(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    """Keeps the notebook while it runs: saves it from time to time, and reports progress."""

    def __init__(
        self,
        notebook: Any,
        output: Path,
        *,
        progress: Path | None,
        report: Callable[[float], None],
        secrets: Collection[str] = (),
    ) -> None:
        super().__init__(notebook, log_output=False, progress_bar=False)
        self._secrets = secrets
        self._output, self._progress, self._report_fraction = output, progress, report
        self._cells = [
            index
            for index, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and INJECTED not in cell.metadata.get("tags", [])
        ]
        self._saved_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        """Runs while a cell does."""
        self.asked_to_end: int | None = None
        """The signal that ended the kernel, because it does not catch it."""

    def save(self, **kwargs: Any) -> None:  # noqa: ARG002 - papermill's signature
        """Write the notebook; if that was done just now, a while later: a cell without further
        output may run for hours.
        """
        wait = self._saved_at + SAVE_SECONDS - time.monotonic()
        if wait <= 0:
            self.write()
        elif self._later is None and self.loop is not None:
            self._later = self.loop.call_later(wait, self._write_later)

    def autosave_cell(self) -> None:
        """Save during a long cell."""
        self.save()

    def write(self) -> None:
        """Write the notebook; a reader sees the old or the new one, complete. A secret that a cell
        printed is replaced, also for later readers.
        """
        if self._secrets:
            for cell in self.nb.cells:
                if cell.get("outputs"):
                    cell.outputs = _blotted(cell.outputs, self._secrets)
        if self._later is not None:
            self._later.cancel()
            self._later = None
        write_atomic(self._output, nbformat.writes(self.nb).encode(), mode=0o644)
        self._saved_at = time.monotonic()

    def _write_later(self) -> None:
        self._later = None
        # On a full disk the next save fails too, and can report it.
        with contextlib.suppress(MLInfraError):
            self.write()

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Before a cell runs."""
        super().cell_start(cell, cell_index, **kwargs)
        if cell_index in self._cells:
            done = self._cells.index(cell_index)
            self._report(done, f"cell {done + 1}/{len(self._cells)}")

    def notebook_complete(self, **kwargs: Any) -> None:
        """After the last cell, or the one that failed."""
        super().notebook_complete(**kwargs)
        if not any(cell.metadata.papermill.status == self.FAILED for cell in self.nb.cells):
            self._report(len(self._cells), f"{len(self._cells)} cells")

    def pass_on(self, kernel: int, number: int) -> None:
        """Pass on a signal that asks the job to save and end: a kernel that catches it takes its
        own time, any other ends now.

        The runner itself does nothing: nbclient would interrupt the kernel while it saves.
        """
        if not catches(kernel, number):
            self.asked_to_end = number
            # The end of the kernel is noticed only within a second, and the grace period may be
            # shorter.
            self.write()
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel, number)

    @property
    def in_cell(self) -> bool:
        """Whether a cell runs."""
        return any(cell.metadata.papermill.status == self.RUNNING for cell in self.nb.cells)

    def _report(self, done: int, text: str) -> None:
        fraction = done / len(self._cells) if self._cells else 1.0
        if self._progress is not None:
            self._progress.with_name("cell.json").unlink(missing_ok=True)
            write_progress(self._progress, fraction, text, cells=len(self._cells))
        self._report_fraction(fraction)


def prepare(task: NotebookTask, plain: Mapping[str, Any]) -> Any:
    """The notebook with its parameters in a cell after the tagged one. plain: as it was read.

    A secret stays a reference: the injected cell reads its value inside the kernel, so that no file
    ever holds it. Raises BadRequest or Unprocessable if the notebook cannot take them.
    """
    try:
        notebook = load_notebook_node(task.source)
    except (nbformat.ValidationError, AttributeError, KeyError, ValueError) as error:
        raise Unprocessable(
            f"{task.shown} is not a valid notebook.",
            str(error).splitlines()[0],
            "Open it in JupyterLab and save it.",
        ) from error
    notebook.metadata.papermill["input_path"], notebook.metadata.papermill["output_path"] = (
        task.shown,
        task.output,
    )
    if not task.parameters:
        return notebook
    secrets = {
        name: value
        for name, value in task.parameters.items()
        if any(True for _ in references(value))
    }
    values = {name: value for name, value in task.parameters.items() if name not in secrets}
    language = language_of(plain)
    if secrets and language != "python":
        raise Unprocessable(
            f"{task.shown} cannot be given secrets.",
            f"Its language is {language}.",
            "Read them from the environment in the notebook.",
        )
    notebook = parameterize_notebook(
        notebook, values, kernel_name=kernel_of(notebook), language=language
    )
    cell = next(cell for cell in notebook.cells if INJECTED in cell.metadata.get("tags", []))
    cell.source = "".join(
        [cell.source, *(f"{name} = {_in_kernel(value)}\n" for name, value in secrets.items())]
    )
    notebook.metadata.papermill["parameters"] = dict(task.parameters)
    return notebook


class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Runs the cells; from the first cell on, a signal that asks the job to save and end is passed
    to the kernel.
    """

    def papermill_execute_cells(self) -> None:
        """All cells in order."""
        run_sync(self._listen)()
        super().papermill_execute_cells()

    async def _listen(self) -> None:
        self.nb_man.loop = asyncio.get_running_loop()
        pid = int(getattr(self.km.provisioner, "pid", None) or 0)
        for number in preempt_signals() if pid else ():
            asyncio.get_running_loop().add_signal_handler(number, self.nb_man.pass_on, pid, number)


def execute(
    notebook: Any,
    task: NotebookTask,
    ready: Ready,
    *,
    progress: Path | None,
    report: Callable[[float], None],
) -> int | None:
    """Run a prepared notebook until its end or its first error; the outputs are in it, and in the
    output file.

    ready: a kernel for this notebook alone, which ends with it. Returns the signal that ended the
    kernel, if this process was asked to end and the kernel did not catch the signal.
    """
    secrets = _secrets(task)
    output = Path(task.output)
    manager = Manager(notebook, output, progress=progress, report=report, secrets=secrets)
    ready.kernel.in_cell = lambda: manager.in_cell
    manager.notebook_start()
    try:
        client = Client(
            manager,
            km=ready.kernel,
            kernel_name=kernel_of(notebook),
            stdout_file=_Blotting(sys.stdout, secrets),
            stderr_file=_Blotting(sys.stderr, secrets),
            iopub_timeout=QUIET_SECONDS,
            timeout=None,
        )
        client.owns_km = True  # it ends the kernel, although that was started before
        client.kc = ready.client
        client.execute()
        manager.notebook_complete()
    except DeadKernelError:
        if manager.asked_to_end is None:
            raise
    finally:
        manager.write()
    return manager.asked_to_end


@dataclass(frozen=True, slots=True)
class _Blotting:
    """The log for what cells print; a secret that is printed in one piece is replaced."""

    file: TextIO
    secrets: Collection[str]

    def write(self, text: str) -> int:
        return self.file.write(redacted(text, self.secrets))

    def flush(self) -> None:
        self.file.flush()


def _secrets(task: NotebookTask) -> list[str]:
    """Values of the notebook's secrets. One that cannot be read is left out: the cell that needs it
    reports the error.
    """
    found = []
    for reference in references(task.parameters):
        with contextlib.suppress(MLInfraError):
            found.append(resolve(reference))
    return found


def _blotted(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, dict):
        return nbformat.NotebookNode({key: _blotted(item, secrets) for key, item in value.items()})
    return [_blotted(item, secrets) for item in value] if isinstance(value, list) else value


def _in_kernel(value: Any) -> str:
    """Python source for a value, with each reference replaced by its secret."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{PythonTranslator.translate(key)}: {_in_kernel(item)}"
                for key, item in value.items()
            )
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_in_kernel, value)) + "]"
    return (
        _of_reference(value)
        if isinstance(value, str) and is_reference(value)
        else str(PythonTranslator.translate(value))
    )


def _of_reference(reference: str) -> str:
    if reference.startswith("env:"):
        return f'__import__("os").environ[{reference.removeprefix("env:")!r}]'
    return (
        f'__import__("jupyter_mlinfra.core.secrets", fromlist=["resolve"]).resolve({reference!r})'
    )
