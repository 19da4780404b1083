"""Tell whoever watches a job how far it is.

The protocol is a file: the job's environment names it in MLINFRA_PROGRESS; it holds `{"fraction": 0.5, "text": "round 300 of 600"}`
and is replaced whole. `jobs.notebook` writes the same file after each cell.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..core.errors import BadRequest


def report(fraction: float, text: str = "") -> None:
    """Say that `fraction` (0 to 1) of the work is done; outside of a job nothing happens."""
    if not 0 <= fraction <= 1:
        raise BadRequest(f"fraction={fraction} is out of range.", fix="Use 0 to 1.")
    path = os.environ.get("MLINFRA_PROGRESS")
    if not path:
        return
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_text(json.dumps({"fraction": round(fraction, 4), "text": text}))
    draft.replace(target)  # no fsync: a lost progress mark harms nobody
