"""What a job reports while it runs: its progress, and why it failed.

The protocol is two files, so that a job in any language can use it without importing our package.
MLINFRA_PROGRESS names one that holds `{"fraction": 0.5, "text": "round 300"}` and is replaced as a
whole; in a notebook job it is for the current cell: the runner counts the cells, and adds the
cell's own progress. MLINFRA_REASON names one for a line on why the job failed.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...core.errors import BadRequest
from ...core.files import write_regular
from ...core.variables import PROGRESS, REASON
from ..attempt.files import write_progress


def report(fraction: float | None, text: str = "") -> None:
    """Report that `fraction` (0 to 1, None if unknown) of the work is done; does nothing outside a
    job.
    """
    if fraction is not None and not 0 <= fraction <= 1:
        raise BadRequest(
            f"fraction={fraction} is out of range.", fix="Use 0 to 1, or None if it is not known."
        )
    if path := os.environ.get(PROGRESS):
        write_progress(Path(path), None if fraction is None else round(fraction, 4), text)


def give_reason(text: str) -> None:
    """Report why the job fails; it counts if the job then ends with a code other than 0. Does
    nothing outside a job.
    """
    if path := os.environ.get(REASON):
        with contextlib.suppress(OSError):  # a full disk must not lose the exit code as well
            write_regular(path, text)
