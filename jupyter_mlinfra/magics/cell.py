"""Magics for a whole cell: as a job that outlives the kernel, and as a tracked run."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import textwrap
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cli import Session
from ..core.errors import BadRequest, Conflict, MLInfraError, NotFound, Unprocessable
from ..core.origin import session_notebook
from ..core.records import now
from ..jobs import CELL_LABEL, OUT_LABEL, put_value, values_of
from .lines import split

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.project import Project
    from ..jobs import Job
    from ..workbench import Workbench

KEEP = timedelta(days=7)
"""How long after the end of its job the values of a cell can be collected."""
TITLE = 40
"""The most characters of a cell's code in its job's name."""
_PREAMBLE = re.compile(r"[#%!@]|import |from \S+ import |[rRbBuUfF]*(\"|')")
_CUT = re.compile(r"[rRbBuUfF]*[\"'/].*")
"""From here on a line is left out of the name: a string, or what looks like a path."""
LINES = 1000
"""The most lines of a job's output that a waiting cell shows; `%job log ID` shows all."""


def job_cell(shell: Any) -> Callable[[str, str], Any]:
    """`%%job` for a shell."""

    def magic(line: str, cell: str) -> Any:
        """Run the cell as a job: `%%job --gpus 1 --in df --out model [--wait]`.

        The kernel stays free, and the job outlives it. `--in` variables are sent with it, `--out`
        variables come back: with `--wait` at its end, after its output, otherwise by `%job collect
        ID`, for a week. Values travel as Parquet, NumPy arrays, XGBoost models or JSON, never as
        code.
        """
        options = _options(line)
        session = Session(say=print)
        project = session.bench.project
        _tidy(session.bench)
        ident = uuid.uuid4().hex[:12]
        folder = project.folder("cells", ident)
        try:
            for name in options.inputs:
                if name not in shell.user_ns:
                    raise NotFound(
                        f"There is no variable {name}.",
                        "It was given as --in.",
                        "Run the cell that makes it first.",
                    )
                put_value(folder / "in", name, shell.user_ns[name])
            job = session.bench.jobs.submit(
                _spec(options, project, ident, _notebook(folder, cell, options), cell)
            )
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if not options.wait:
            _promise(shell, session, job, options.out)
            return job
        (job,) = session.bench.jobs.wait([job.id])
        print(_log(session, job.id), end="")  # noqa: T201
        if job.state != "succeeded":
            raise Unprocessable(
                f"The cell's job {job.id}"
                f" {'was cancelled' if job.state == 'cancelled' else job.state}.",
                job.reason,
                f"mlinfra jobs logs {job.id}",
            )
        collect(shell, job.id, session)
        return job

    return magic


def collect(shell: Any, job: str, session: Session) -> None:
    """Bring the `--out` variables of a cell's job into the kernel. Raises NotFound, Conflict while
    it runs.
    """
    found = session.bench.jobs.show(job)
    values = values_of(session.bench.project.folder("cells"), found)
    shell.user_ns.update(values)
    print(  # noqa: T201
        f"{', '.join(values)} from job {found.id}"
        if values
        else f"Job {found.id} was asked for no variable (`--out NAME`)."
    )


def _log(session: Session, job: str) -> str:
    """The output of the cell, ending with a newline."""
    text = session.bench.jobs.logs(job, tail=LINES).text
    return f"{text.rstrip()}\n" if text.strip() else ""


def _promise(shell: Any, session: Session, job: Job, names: list[str]) -> None:
    """Each name holds a placeholder for its value until that exists."""
    from ..nouns import JobHandle, JobValue

    for name in names:
        shell.user_ns[name] = JobValue(JobHandle(session.bench, job.id), name)
    if names:
        session.say(
            f"The kernel stays free: {names[0]}.result() waits for the value, `%job collect"
            f" {job.id}` brings {', '.join(names)} into this kernel."
        )


def _tidy(bench: Workbench) -> None:
    """Remove the inputs of jobs that have ended, and outputs that are old."""
    for folder in bench.project.folder("cells").iterdir():
        job = next(iter(bench.jobs.list(label=(CELL_LABEL, folder.name), limit=1).items), None)
        if job is None:  # about to be submitted by another kernel, or never submitted
            since = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        elif job.ended_at is None:
            continue
        else:
            shutil.rmtree(folder / "in", ignore_errors=True)
            since = job.ended_at
        if now() - since > KEEP:
            shutil.rmtree(folder, ignore_errors=True)


def track_cell(shell: Any) -> Callable[[str, str], Any]:
    """`%%track` for a shell."""
    from .magics import Parser

    def magic(line: str, cell: str) -> Any:
        """Run the cell as a tracked run: `%%track EXPERIMENT [--name NAME] [--dataset REF]`. It
        fails when the cell does.
        """
        parser = Parser(prog="%%track", add_help=False)
        parser.add_argument("experiment")
        parser.add_argument("--name")
        parser.add_argument("--dataset", action="append", default=[])
        options = parser.parse_args(split(line))
        experiments = Session().bench.experiments
        with experiments.track(
            options.experiment, name=options.name, datasets=options.dataset
        ) as run:
            done = shell.run_cell(cell, silent=False, store_history=False)
            if not done.success:
                # The cell has shown its own traceback; the run must end as failed.
                raise RunFailed(done.error_in_exec or done.error_before_exec)
        return experiments.show(run.id)

    return magic


class RunFailed(MLInfraError):
    """The cell of a tracked run raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"The run failed: {type(error).__name__}.",
            str(error)[:300],
            "Correct the cell and run it again.",
        )


def _options(line: str) -> argparse.Namespace:
    from ..jobs import needs_of
    from .magics import Parser

    parser = Parser(prog="%%job", add_help=False)
    for need in needs_of():
        parser.add_argument(
            need.option,
            dest=need.name,
            type={"whole": int, "word": str}.get(need.kind, float),
            default=need.default,
            help=need.sentence,
        )
    parser.add_argument("--after", action="append", default=[], metavar="JOB")
    parser.add_argument("--name", default="")
    parser.add_argument("--in", dest="inputs", action="append", default=[], metavar="NAME")
    parser.add_argument("--out", action="append", default=[], metavar="NAME")
    parser.add_argument("--wait", action="store_true")
    found = parser.parse_args(split(line))
    for field in ("inputs", "out"):
        names = [
            name for text in getattr(found, field) for name in re.split(r"[,\s]+", text) if name
        ]
        if bad := [name for name in names if not name.isidentifier()]:
            raise BadRequest(
                f"{bad[0]!r} is not the name of a variable.", fix="%%job --in df --out model,score"
            )
        setattr(found, field, names)
    return found


def _notebook(folder: Path, cell: str, options: argparse.Namespace) -> Path:
    """The cell as a notebook, between a cell that reads the values and one that writes them."""
    before = [
        "from jupyter_mlinfra.jobs import take_value as _take\nfrom pathlib import Path as"
        f" _Path\n_folder = _Path({str(folder)!r})"
    ]
    before += [f"{name} = _take(_folder / 'in', {name!r})" for name in options.inputs]
    after = [
        "from jupyter_mlinfra.jobs import put_value as _put",
        *(f"_put(_folder / 'out', {name!r}, {name})" for name in options.out),
    ]
    cells = ["\n".join(before), cell, *(["\n".join(after)] if options.out else [])]
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / "cell.ipynb"
    path.write_text(json.dumps(notebook, indent=1))
    return path


def title_of(cell: str, root: Path) -> str:
    """The job's name in lists: the beginning of the first line of code that does something, without
    strings, which may be secret; else the notebook's cell.
    """
    for line in cell.splitlines():
        words = " ".join(line.split())
        if words and not _PREAMBLE.match(words):
            return textwrap.shorten(_CUT.sub("…", words), TITLE, placeholder=" …")
    notebook = session_notebook(root)
    return f"cell of {Path(notebook).name}" if notebook else "cell"


def _spec(
    options: argparse.Namespace, project: Project, ident: str, notebook: Path, cell: str
) -> Any:
    from ..jobs import JobSpec, needs_of

    working_folder = Path.cwd().resolve()
    if not notebook.is_relative_to(project.root):
        raise Conflict(
            "This project cannot run cells as jobs.",
            f"Its state, {project.home}, lies outside its folder.",
            "Submit a notebook of the project.",
        )
    return JobSpec(
        notebook=str(notebook.relative_to(project.root)),
        cwd=os.path.relpath(working_folder, project.root)
        if working_folder.is_relative_to(project.root)
        else ".",
        name=options.name or title_of(cell, project.root),
        **{need.name: getattr(options, need.name) for need in needs_of()},
        after=options.after,
        labels={CELL_LABEL: ident, OUT_LABEL: ",".join(options.out)},
    )
