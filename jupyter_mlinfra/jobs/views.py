"""Jobs as faces show them: with what lies in their files, and as search finds them."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from ..core.records import Number
from ..core.search import Document
from .attempt import Attempt, checkpoint_folder
from .spec import Job
from .state import ACTIVE


def with_files(job: Job, *, root: Path, home: Path) -> Job:
    """The job with the places of its executed notebook and checkpoints and, while it runs, its progress. root, home: of the project."""
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
    return replace(job, output=output, progress=None if fraction is None else Number(value=fraction, basis="est"), progress_text=text)


def document(job: Job) -> Document:
    """A job for the index of search."""
    words = [job.notebook or shlex.join(job.command), job.user, job.state, *(f"{key} {value}" for key, value in job.labels.items())]
    detail, code = f"{job.state} · {job.submitted_at:%Y-%m-%d %H:%M} UTC", "" if job.array is None else f'ml.job("{job.id}").table()'
    return Document(ref=job.ref, kind="job", name=job.name, text=" ".join(words), detail=detail, code=code)
