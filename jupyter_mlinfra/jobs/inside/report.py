"""What a job says of itself while it runs: how far it is, and why it failed.

The protocol is two files, so that a job in any language can speak it and nothing of ours has to be
imported. MLINFRA_PROGRESS names one that holds `{"fraction": 0.5, "text": "round 300"}` and is
replaced whole; in a notebook job it is that of the cell under way: the runner counts the cells, and
adds to them what the cell says of itself. MLINFRA_REASON names one for a line on why the job
failed.
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
    """Say that `fraction` (0 to 1, None when unknown) of the work is done; outside of a job nothing
    happens.
    """
    if fraction is not None and not 0 <= fraction <= 1:
        raise BadRequest(
            f"fraction={fraction} is out of range.", fix="Use 0 to 1, or None when it is not known."
        )
    if path := os.environ.get(PROGRESS):
        write_progress(Path(path), None if fraction is None else round(fraction, 4), text)


def give_reason(text: str) -> None:
    """Say why the job fails; it counts when the job then ends with a code other than 0. Outside of
    a job nothing happens.
    """
    if path := os.environ.get(REASON):
        with contextlib.suppress(OSError):  # a full disk must not take the exit code as well
            write_regular(path, text)
