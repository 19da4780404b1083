"""Jobs as interfaces show them, with what their files say, and as search finds them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ..core.records import Number
from ..core.search import Document
from .attempt.files import Attempt, checkpoint_folder
from .attempt.log_cap import size_of
from .spec import AttemptRecord, Job
from .state import ACTIVE, explain_exit


def with_files(job: Job, *, root: Path, home: Path) -> Job:
    """The job with the paths of its executed notebook and checkpoints and, while it runs, its
    progress. root, home: of the project.
    """
    if job.array is not None:
        return job
    attempt = Attempt.of(home, job.id, max(job.attempt, 1))
    job = replace(job, checkpoints=str(checkpoint_folder(root, home, job.id, job.checkpoints)))
    output = job.output
    if job.notebook is not None and output is None:
        place = attempt.folder / Path(job.notebook).name
        output = str(place.relative_to(root)) if place.is_relative_to(root) else str(place)
    if job.state not in ACTIVE:
        return replace(job, output=output)
    fraction, text = attempt.read_progress()
    return replace(
        job,
        output=output,
        progress=None if fraction is None else Number(value=fraction, basis="est"),
        progress_text=text,
    )


def executed_notebook(job: Job, *, root: Path, home: Path) -> str | None:
    """Where the executed notebook of a job is, if it wrote one. root, home: of the project."""
    output = with_files(job, root=root, home=home).output
    return output if output is not None and (root / output).is_file() else None


def attempt_record(attempt: Attempt, number: int, *, last_line: bool) -> AttemptRecord:
    """What the files of an attempt show. last_line: whether the last line of its log says why it
    failed, as for a command.
    """
    started_at, ended_at, code = attempt.began_at(), attempt.ended_at(), attempt.exit_code()
    reason = attempt.own_reason() if code else ""
    if code and not reason:
        reason = explain_exit(code, attempt.last_line() if last_line else "")
    return AttemptRecord(
        number=number,
        began_at=None if started_at is None else datetime.fromtimestamp(started_at, UTC),
        ended_at=None if ended_at is None else datetime.fromtimestamp(ended_at, UTC),
        exit_code=code,
        reason=reason,
        log_bytes=size_of(attempt)[1],
    )


def document(job: Job) -> Document:
    """A job for the search index."""
    texts = [
        job.notebook or shlex.join(job.command),
        job.user,
        job.state,
        *(f"{key} {value}" for key, value in job.labels.items()),
    ]
    return Document(
        ref=job.ref,
        kind="job",
        name=job.name,
        text=" ".join(texts),
        detail=f"{job.state} · {job.submitted_at:%Y-%m-%d %H:%M} UTC",
        code="" if job.array is None else job.code["python"],
    )
